/* compare/pick.c - see pick.h. */
#include "compare/pick.h"

void px_pick_add(px_pick *p, int64_t position)
{
    if (p->total < PX_PICK_MAX)
        p->at[p->n++] = position;
    p->last[p->total++ % PX_PICK_LAST] = position;
}

void px_pick_end(px_pick *p)
{
    for (int i = 0; p->total > PX_PICK_MAX && i < PX_PICK_LAST; i++)
        p->at[PX_PICK_MAX - PX_PICK_LAST + i] =
            p->last[(p->total - PX_PICK_LAST + i) % PX_PICK_LAST];
}

pgy_status *px_pick_values(const px_pick *p, const pgy_tensor *from, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    const int bits = pgy_dtype_bits(from->dtype);
    const pgy_dtype dtype = bits % 8 == 0 ? from->dtype : PGY_DTYPE_F32;
    const size_t size = (size_t)pgy_dtype_bits(dtype) / 8;
    PX_TRY(pgy_tensor_new(dtype, 1, &p->n, &t));
    for (int64_t i = 0; i < p->n; i++) {
        char *to = (char *)t->data + (size_t)i * size;
        if (dtype == from->dtype) {
            memcpy(to, (const char *)from->data + (size_t)p->at[i] * size, size);
        } else {
            const float v = (float)px_tensor_get_f64(from, p->at[i]);
            memcpy(to, &v, size);
        }
    }
    *out = t;
done:
    return st;
}

pgy_status *px_pick_indices(const px_pick *p, int rank, const int64_t *dims, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    PX_TRY(pgy_tensor_new(PGY_DTYPE_I64, 2, (int64_t[]){p->n, rank}, &t));
    int64_t *index = t->data;
    for (int64_t i = 0; i < p->n; i++) {
        int64_t flat = p->at[i];
        for (int d = rank - 1; d >= 0; d--) {
            index[i * rank + d] = flat % dims[d];
            flat /= dims[d];
        }
    }
    *out = t;
done:
    return st;
}
