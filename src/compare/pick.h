/* compare/pick.h - positions of selected elements, as many as a printed list can show.
 *
 * numpy shows 1000 elements whole and else three from each end. Of a longer list the first
 * PX_PICK_MAX - 3 and the last three are kept: as an array it prints the same.
 */
#ifndef PX_COMPARE_PICK_H
#define PX_COMPARE_PICK_H

#include "base/tensor.h"

#define PX_PICK_MAX 1001
#define PX_PICK_LAST 3

typedef struct px_pick {
    int64_t at[PX_PICK_MAX]; /* flat positions; px_pick_end puts the last ones in place */
    int64_t n;               /* of them */
    int64_t total;           /* positions added */
    int64_t last[PX_PICK_LAST];
} px_pick;

void px_pick_add(px_pick *p, int64_t position);
void px_pick_end(px_pick *p);
/* Those elements of `from` as a list; types without whole bytes become float32. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_pick_values(const px_pick *p, const pgy_tensor *from, pgy_tensor **out);
/* Their indices, one row each, as numpy.argwhere. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_pick_indices(const px_pick *p, int rank, const int64_t *dims,
                                        pgy_tensor **out);

#endif
