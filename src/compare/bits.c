/* compare/bits.c - see bits.h. */
#include "compare/bits.h"

#include "compare/ulp.h"

#include <string.h>

static bool strings_differ(const pgy_tensor *a, const pgy_tensor *b, int64_t i)
{
    const pgy_string *s = (const pgy_string *)a->data + i, *t = (const pgy_string *)b->data + i;
    return s->len != t->len || (s->len > 0 && memcmp(s->ptr, t->ptr, s->len) != 0);
}

/* Elements are whole bytes, or several share one, the first in the low bits. */
static bool elements_differ(const pgy_tensor *a, const pgy_tensor *b, int64_t i)
{
    const int bits = pgy_dtype_bits(a->dtype);
    const unsigned char *p = a->data, *q = b->data;
    if (a->dtype == PGY_DTYPE_STRING)
        return strings_differ(a, b, i);
    if (bits >= 8) {
        const size_t size = (size_t)bits / 8, at = (size_t)i * size;
        return memcmp(p + at, q + at, size) != 0;
    }
    const int per_byte = 8 / bits, shift = (int)(i % per_byte) * bits;
    const unsigned mask = (1u << bits) - 1;
    return ((p[i / per_byte] ^ q[i / per_byte]) >> shift & mask) != 0;
}

static pgy_status *measure_ulp(const pgy_tensor *a, const pgy_tensor *b, px_bits *out)
{
    pgy_status *st = NULL;
    px_pair pair;
    px_pair_block block;
    px_k_ulp ulp = {0};
    void *scratch = NULL;
    PX_TRY(px_pair_init(a, b, false, 0, 0, &pair));
    if (!px_ulp_applies(&pair))
        goto done;
    scratch = px_mem_alloc_aligned(PX_PAIR_SCRATCH);
    if (scratch == NULL)
        PX_TRY(px_status_nomem());
    for (int64_t first = 0; first < a->count; first += PX_BLOCK) {
        const int64_t n = PX_MIN(a->count - first, (int64_t)PX_BLOCK);
        px_pair_load(&pair, scratch, first, n, PX_NEED(PX_OF_A) | PX_NEED(PX_OF_B), &block);
        px_ulp_add(&pair, &block, &ulp);
    }
    out->has_ulp = true;
    out->max_ulp = ulp.max;
done:
    px_mem_free(scratch);
    return st;
}

pgy_status *px_bits_compare(const pgy_tensor *a, const pgy_tensor *b, px_bits *out)
{
    pgy_status *st = NULL;
    px_work work;
    px_bits bits = {.count = a->count, .first = -1};
    bits.same_form = a->dtype == b->dtype && px_shape_eq(a->rank, a->dims, b->rank, b->dims);
    bits.same =
        bits.same_form && a->dtype != PGY_DTYPE_STRING && memcmp(a->data, b->data, a->size) == 0;
    for (int64_t i = 0; bits.same_form && !bits.same && i < a->count; i++) {
        if (!elements_differ(a, b, i))
            continue;
        bits.first = bits.n_differ == 0 ? i : bits.first;
        bits.n_differ++;
    }
    /* Text, or bits behind the last element. */
    bits.same |= bits.same_form && bits.n_differ == 0;
    if (bits.n_differ > 0 && px_work_of(a->dtype, &work))
        PX_TRY(measure_ulp(a, b, &bits));
    *out = bits;
done:
    return st;
}

void px_bits_print(px_buf *b, const px_bits *bits)
{
    if (!bits->same_form) {
        px_buf_puts(b, "types or shapes differ");
        return;
    }
    px_buf_printf(b, "%lld of %lld value(s) differ", (long long)bits->n_differ,
                  (long long)bits->count);
    if (bits->has_ulp)
        px_buf_printf(b, ", by at most %llu ULP", (unsigned long long)bits->max_ulp);
}
