/* compare/script.c - verdicts of a user's comparison function; see px_compare_script. */
#include "compare/func.h"

pgy_status *px_compare_by_script(const px_comparison *c, const px_iteration *a,
                                 const px_iteration *b, px_compared_iteration *out)
{
    pgy_status *st = NULL;
    const px_compare_script *script = c->args->script;
    PX_TRY(script->compare(script->user, a, b, out));
    out->passed = true;
    for (size_t i = 0; i < out->n; i++)
        out->passed = out->passed && out->at[i].passed;
done:
    return st;
}
