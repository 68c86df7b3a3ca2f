/* backend/ref/shape.c - axis and broadcasting arithmetic that all operator families use. */
#include "backend/ref/ref.h"

pgy_status *px_ref_axis(const px_ref_call *c, int64_t axis, int rank, int *out)
{
    if (!px_geo_axis(axis, rank, out))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "axis %lld is outside [-%d, %d)", (long long)axis,
                           rank, rank);
    return NULL;
}

pgy_status *px_ref_broadcast(const px_ref_call *c, size_t n, const pgy_tensor *const *in,
                             int *out_rank, int64_t *out_dims)
{
    int rank = 0;
    for (size_t i = 0; i < n; i++)
        rank = PX_MAX(rank, in[i]->rank);
    for (int d = 0; d < rank; d++) {
        int64_t dim = 1;
        for (size_t i = 0; i < n; i++) {
            const int own = d - (rank - in[i]->rank);
            const int64_t mine = own < 0 ? 1 : in[i]->dims[own];
            const int64_t before = dim;
            if (!px_geo_broadcast(before, mine, &dim))
                return PX_REF_FAIL(c, PGY_ERR_MODEL,
                                   "operand shapes do not broadcast: dimension %d is %lld and %lld",
                                   d, (long long)before, (long long)mine);
        }
        out_dims[d] = dim;
    }
    *out_rank = rank;
    return NULL;
}

void px_ref_broadcast_strides(const pgy_tensor *t, int rank, const int64_t *dims, int64_t *strides)
{
    int64_t stride = 1;
    for (int d = rank - 1; d >= 0; d--) {
        const int own = d - (rank - t->rank);
        const int64_t mine = own < 0 ? 1 : t->dims[own];
        strides[d] = mine == 1 && dims[d] != 1 ? 0 : stride;
        if (own < 0)
            strides[d] = 0;
        stride *= mine;
    }
}
