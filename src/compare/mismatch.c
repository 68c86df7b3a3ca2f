/* compare/mismatch.c - see mismatch.h. */
#include "compare/mismatch.h"

#include "base/array_text.h"
#include "base/log.h"
#include "compare/pick.h"

static double element(const px_pair *pair, const px_pair_block *block, px_which which, int64_t i)
{
    double v;
    const size_t size = px_work_size(pair->work[which]);
    px_t_to_f64(pair->work[which], (const char *)block->at[which] + (size_t)i * size, 1, &v);
    return v;
}

static pgy_status *find(const px_pair *pair, px_pick *out)
{
    void *scratch = px_mem_alloc_aligned(PX_PAIR_SCRATCH);
    if (scratch == NULL)
        return px_status_nomem();
    for (int64_t first = 0; first < pair->count; first += PX_BLOCK) {
        px_pair_block block;
        px_pair_load(pair, scratch, first, PX_MIN(PX_BLOCK, pair->count - first),
                     PX_NEED(PX_OF_ABS) | PX_NEED(PX_OF_REL), &block);
        for (int64_t i = 0; block.n_mismatch > 0 && i < block.n; i++)
            if (!(element(pair, &block, PX_OF_ABS, i) <= pair->atol) &&
                !(element(pair, &block, PX_OF_REL, i) <= pair->rtol))
                px_pick_add(out, first + i);
    }
    px_pick_end(out);
    px_mem_free(scratch);
    return NULL;
}

static pgy_status *log_positions(pgy_context *cx, const px_pair *pair, const px_pick *p)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    px_buf text = {0};
    PX_TRY(px_pick_indices(p, pair->a->rank, pair->a->dims, &t));
    px_buf_puts(&text, "Mismatched indices:\n");
    px_array_str(&text, t);
    PX_TRY(px_buf_status(&text));
    px_log_text(cx, PGY_LOG_SUPER_VERBOSE, PX_AT_COMPARE, px_buf_str(&text));
done:
    pgy_tensor_free(t);
    px_buf_fini(&text);
    return st;
}

static pgy_status *log_values(pgy_context *cx, const pgy_tensor *from, const px_pick *p,
                              const char *runner)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    px_buf text = {0};
    PX_TRY(px_pick_values(p, from, &t));
    px_buf_printf(&text, "%-35s | Mismatched values:\n", runner);
    px_array_str(&text, t);
    PX_TRY(px_buf_status(&text));
    px_log_text(cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_COMPARE, px_buf_str(&text));
done:
    pgy_tensor_free(t);
    px_buf_fini(&text);
    return st;
}

pgy_status *px_log_mismatches(pgy_context *cx, const px_pair *pair, int64_t n_mismatch,
                              const char *runner0, const char *runner1)
{
    pgy_status *st = NULL;
    px_pick *p = NULL;
    if (!px_log_enabled(cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_COMPARE))
        return NULL;
    PX_TRY(PX_ALLOC(p, 1));
    if (n_mismatch > 0)
        PX_TRY(find(pair, p));
    px_log_indent(cx, 1);
    if (px_log_enabled(cx, PGY_LOG_SUPER_VERBOSE, PX_AT_COMPARE))
        st = log_positions(cx, pair, p);
    if (st == NULL)
        st = log_values(cx, pair->a, p, runner0);
    if (st == NULL)
        st = log_values(cx, pair->b, p, runner1);
    px_log_indent(cx, -1);
done:
    px_mem_free(p);
    return st;
}
