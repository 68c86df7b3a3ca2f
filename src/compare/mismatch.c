/* compare/mismatch.c - see mismatch.h.
 *
 * numpy shows 1000 elements whole and else three from each end. Of a list that is longer, the first
 * MAX_SHOWN - 3 and the last three elements are kept: as an array it prints the same.
 */
#include "compare/mismatch.h"

#include "base/array_text.h"
#include "base/log.h"

#define MAX_SHOWN 1001
#define LAST 3

typedef struct found {
    int64_t at[MAX_SHOWN]; /* flat positions */
    int64_t n;             /* of them */
} found;

static bool is_mismatch(const px_pair *pair, const px_pair_block *block, int64_t i)
{
    double abs, rel;
    px_t_to_f64(pair->work[PX_OF_ABS],
                (const char *)block->at[PX_OF_ABS] +
                    (size_t)i * px_work_size(pair->work[PX_OF_ABS]),
                1, &abs);
    px_t_to_f64(pair->work[PX_OF_REL],
                (const char *)block->at[PX_OF_REL] +
                    (size_t)i * px_work_size(pair->work[PX_OF_REL]),
                1, &rel);
    return !(abs <= pair->atol) && !(rel <= pair->rtol);
}

static pgy_status *find(const px_pair *pair, found *out)
{
    void *scratch = px_mem_alloc_aligned(PX_PAIR_SCRATCH);
    if (scratch == NULL)
        return px_status_nomem();
    int64_t last[LAST] = {0}, n = 0;
    for (int64_t first = 0; first < pair->count; first += PX_BLOCK) {
        px_pair_block block;
        px_pair_load(pair, scratch, first, PX_MIN(PX_BLOCK, pair->count - first),
                     PX_NEED(PX_OF_ABS) | PX_NEED(PX_OF_REL), &block);
        for (int64_t i = 0; block.n_mismatch > 0 && i < block.n; i++) {
            if (!is_mismatch(pair, &block, i))
                continue;
            if (n < MAX_SHOWN)
                out->at[n] = first + i;
            last[n++ % LAST] = first + i;
        }
    }
    if (n > MAX_SHOWN)
        for (int i = 0; i < LAST; i++)
            out->at[MAX_SHOWN - LAST + i] = last[(n - LAST + i) % LAST];
    out->n = PX_MIN(n, MAX_SHOWN);
    px_mem_free(scratch);
    return NULL;
}

static pgy_status *log_positions(pgy_context *cx, const px_pair *pair, const found *f)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    px_buf text = {0};
    const int rank = pair->a->rank;
    PX_TRY(pgy_tensor_new(PGY_DTYPE_I64, 2, (int64_t[]){f->n, rank}, &t));
    int64_t *index = t->data;
    for (int64_t i = 0; i < f->n; i++) {
        int64_t flat = f->at[i];
        for (int d = rank - 1; d >= 0; d--) {
            index[i * rank + d] = flat % pair->a->dims[d];
            flat /= pair->a->dims[d];
        }
    }
    px_buf_puts(&text, "Mismatched indices:\n");
    px_array_str(&text, t);
    PX_TRY(px_buf_status(&text));
    px_log_text(cx, PGY_LOG_SUPER_VERBOSE, PX_AT_COMPARE, px_buf_str(&text));
done:
    pgy_tensor_free(t);
    px_buf_fini(&text);
    return st;
}

static pgy_status *log_values(pgy_context *cx, const pgy_tensor *from, const found *f,
                              const char *runner)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    px_buf text = {0};
    const int bits = pgy_dtype_bits(from->dtype);
    /* Types without whole bytes are shown as the float32 they are compared as. */
    const pgy_dtype dtype = bits % 8 == 0 ? from->dtype : PGY_DTYPE_F32;
    const size_t size = (size_t)pgy_dtype_bits(dtype) / 8;
    PX_TRY(pgy_tensor_new(dtype, 1, &f->n, &t));
    for (int64_t i = 0; i < f->n; i++) {
        char *to = (char *)t->data + (size_t)i * size;
        if (dtype == from->dtype) {
            memcpy(to, (const char *)from->data + (size_t)f->at[i] * size, size);
        } else {
            const float v = (float)px_tensor_get_f64(from, f->at[i]);
            memcpy(to, &v, size);
        }
    }
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
    found *f = NULL;
    if (!px_log_enabled(cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_COMPARE))
        return NULL;
    PX_TRY(PX_ALLOC(f, 1));
    if (n_mismatch > 0)
        PX_TRY(find(pair, f));
    px_log_indent(cx, 1);
    if (px_log_enabled(cx, PGY_LOG_SUPER_VERBOSE, PX_AT_COMPARE))
        st = log_positions(cx, pair, f);
    if (st == NULL)
        st = log_values(cx, pair->a, f, runner0);
    if (st == NULL)
        st = log_values(cx, pair->b, f, runner1);
    px_log_indent(cx, -1);
done:
    px_mem_free(f);
    return st;
}
