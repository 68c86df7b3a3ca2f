/* backend/ref/user_ops.h - operators from users' shared libraries (polygraphy/ref_ops.h). */
#ifndef PX_BACKEND_REF_USER_OPS_H
#define PX_BACKEND_REF_USER_OPS_H

#include "backend/ref/ref.h"

typedef struct px_ref_user_ops px_ref_user_ops;

/* Loads the libraries, in order; later ones win. Errors: BACKEND for a library that cannot be
 * loaded or exports no operators, with its name; UNSUPPORTED for one built for another version of
 * the interface. */
PX_MUST_USE pgy_status *px_ref_user_ops_open(const char *const *paths, size_t n,
                                             px_ref_user_ops **out);
/* After the last session that uses them; NULL is fine. */
void px_ref_user_ops_close(px_ref_user_ops *ops);
/* NULL when no row covers it; `ops` may be NULL. */
const px_ref_op *px_ref_user_ops_find(const px_ref_user_ops *ops, px_str domain, px_str name,
                                      int64_t opset);

#endif
