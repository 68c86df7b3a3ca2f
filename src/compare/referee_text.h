/* compare/referee_text.h - the referee's words. */
#ifndef PX_COMPARE_REFEREE_TEXT_H
#define PX_COMPARE_REFEREE_TEXT_H

#include "compare/referee.h"

/* The ruling on an output, whose other members are filled. The caller frees it. */
PX_MUST_USE pgy_status *px_referee_sentence(const px_referee *r, const px_referee_output *o,
                                            char **out);

#endif
