/* backend/ref/op/manip.c - operators that rearrange whole tensors: Concat, Split, Transpose, Tile,
 * DepthToSpace and its inverse, ReverseSequence, Trilu; and Det and Col2Im, which compute. */
#include "backend/ref/op/move.h"

#include <math.h>

/* --- Concat, Split --- */

static pgy_status *concat_along(px_ref_call *c, int64_t wanted_axis)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, **in;
    int64_t dims[PX_MAX_RANK];
    int axis;
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK, &x));
    PX_TRY(px_ref_axis(c, wanted_axis, x->rank, &axis));
    PX_TRY(PX_MOVE_SCRATCH(c, in, (int64_t)c->n_in));
    memcpy(dims, x->dims, (size_t)x->rank * sizeof *dims);
    dims[axis] = 0;
    for (size_t i = 0; i < c->n_in; i++) {
        PX_TRY(px_move_in_rank(c, i, x->rank, x->rank, &in[i]));
        if (in[i]->dtype != x->dtype)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Input %zu is %s, the first is %s", i,
                               pgy_dtype_name(in[i]->dtype), pgy_dtype_name(x->dtype)));
        for (int k = 0; k < x->rank; k++)
            if (k != axis && in[i]->dims[k] != x->dims[k])
                PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                                   "Dim %d of input %zu is %lld, the first's is "
                                   "%lld",
                                   k, i, (long long)in[i]->dims[k], (long long)x->dims[k]));
        if (__builtin_add_overflow(dims[axis], in[i]->dims[axis], &dims[axis]))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The output is too large"));
    }
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, dims, &y));
    if (px_move_span(dims, 0, x->rank) > 0) {
        size_t inner = (size_t)px_move_span(dims, axis + 1, x->rank) * px_move_elem(x);
        size_t row = (size_t)dims[axis] * inner, at = 0;
        int64_t outer = px_move_span(dims, 0, axis);
        for (size_t i = 0; i < c->n_in; i++) {
            size_t run = (size_t)in[i]->dims[axis] * inner;
            for (int64_t o = 0; run > 0 && o < outer; o++)
                memcpy((uint8_t *)y + (size_t)o * row + at,
                       (const uint8_t *)in[i]->data + (size_t)o * run, run);
            at += run;
        }
    }
done:
    return st;
}

static pgy_status *concat_1(px_ref_call *c)
{
    return concat_along(c, px_ref_attr_i(c, "axis", 1));
}

static pgy_status *concat_4(px_ref_call *c)
{
    if (!px_ref_attr(c, "axis"))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "Attribute axis is missing");
    return concat_along(c, px_ref_attr_i(c, "axis", 0));
}

/* Lengths of the parts when the model does not list them: equal, or with num_outputs all but the
 * last of them. */
static pgy_status *split_even(px_ref_call *c, int64_t size, int64_t *parts)
{
    int64_t n = (int64_t)c->n_out, given = px_ref_attr_i(c, "num_outputs", 0);
    bool is_uneven = px_ref_attr(c, "num_outputs") != NULL;
    if (n == 0 || (is_uneven && given != n) || (!is_uneven && size % n != 0))
        return PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "A dim of %lld does not split into %lld outputs "
                           "(num_outputs is %lld)",
                           (long long)size, (long long)n, (long long)given);
    for (int64_t i = 0; i < n; i++)
        parts[i] = px_geo_split(size, n, i);
    return NULL;
}

static pgy_status *split(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    const int64_t *listed = NULL;
    int64_t *parts, sum = 0;
    size_t n_listed = 0;
    int axis;
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK, &x));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "axis", 0), x->rank, &axis));
    PX_TRY(PX_MOVE_SCRATCH(c, parts, (int64_t)c->n_out));
    bool is_listed = px_ref_has(c, 1);
    if (is_listed)
        PX_TRY(px_ref_in_ints(c, 1, &listed, &n_listed));
    else
        is_listed = px_ref_attr_ints(c, "split", &listed, &n_listed);
    if (!is_listed)
        PX_TRY(split_even(c, x->dims[axis], parts));
    else if (n_listed != c->n_out)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "split lists %zu lengths for %zu outputs", n_listed,
                           c->n_out));
    for (size_t i = 0; i < c->n_out; i++) {
        if (is_listed)
            parts[i] = listed[i];
        if (parts[i] < 0 || parts[i] > x->dims[axis] - sum)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Part %zu of length %lld exceeds a dim of %lld", i,
                               (long long)parts[i], (long long)x->dims[axis]));
        sum += parts[i];
    }
    if (sum != x->dims[axis])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The parts sum up to %lld, the dim is %lld",
                           (long long)sum, (long long)x->dims[axis]));
    int64_t outer = px_move_span(x->dims, 0, axis), dims[PX_MAX_RANK];
    int64_t inner = px_move_span(x->dims, axis + 1, x->rank);
    size_t elem = px_move_elem(x), from = 0;
    memcpy(dims, x->dims, (size_t)x->rank * sizeof *dims);
    for (size_t i = 0; i < c->n_out; i++) {
        size_t run = x->count ? (size_t)(parts[i] * inner) * elem : 0;
        if (px_ref_wants(c, i)) {
            dims[axis] = parts[i];
            PX_TRY(px_ref_out(c, i, c->in[0].dtype, x->rank, dims, &y));
            size_t row = (size_t)(x->dims[axis] * (x->count ? inner : 0)) * elem;
            for (int64_t o = 0; run > 0 && o < outer; o++)
                memcpy((uint8_t *)y + (size_t)o * run,
                       (const uint8_t *)x->data + (size_t)o * row + from, run);
        }
        from += run;
    }
done:
    return st;
}

/* --- Transpose, Tile, DepthToSpace, SpaceToDepth --- */

/* Output 0 of shape `dims` from a strided view (`rank` dims of its own) of input 0. */
static pgy_status *out_of_view(px_ref_call *c, const pgy_tensor *x, int rank, const int64_t *dims,
                               int view_rank, const int64_t *view_dims, const int64_t *strides)
{
    pgy_status *st = NULL;
    void *y;
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, rank, dims, &y));
    if (px_move_span(dims, 0, rank) > 0)
        px_move_strided(c->cx, y, x->data, px_move_elem(x), view_rank, view_dims, strides);
done:
    return st;
}

static pgy_status *transpose(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    const int64_t *perm;
    size_t n;
    int64_t dims[PX_MAX_RANK], strides[PX_MAX_RANK], in_strides[PX_MAX_RANK];
    bool seen[PX_MAX_RANK] = {false}, in_order = true;
    PX_TRY(px_ref_in(c, 0, &x));
    bool given = px_ref_attr_ints(c, "perm", &perm, &n);
    if (given && n != (size_t)x->rank)
        PX_TRY(
            PX_REF_FAIL(c, PGY_ERR_MODEL, "perm has %zu entries, the input rank %d", n, x->rank));
    px_move_strides(x->rank, x->dims, in_strides);
    int64_t last = -1;
    for (int i = 0; i < x->rank; i++) {
        int axis;
        PX_TRY(px_ref_axis(c, given ? perm[i] : x->rank - 1 - i, x->rank, &axis));
        if (seen[axis])
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "perm names axis %d twice", axis));
        seen[axis] = true;
        dims[i] = x->dims[axis];
        strides[i] = in_strides[axis];
        in_order = in_order && (dims[i] == 1 || axis > last);
        last = dims[i] == 1 ? last : axis;
    }
    PX_TRY(in_order ? px_ref_out_reshape(c, 0, 0, x->rank, dims)
                    : out_of_view(c, x, x->rank, dims, x->rank, dims, strides));
done:
    return st;
}

static pgy_status *tile_by(px_ref_call *c, const pgy_tensor *x, const int64_t *repeats)
{
    int64_t dims[PX_MAX_RANK], in_strides[PX_MAX_RANK];
    int64_t view[2 * PX_MAX_RANK], strides[2 * PX_MAX_RANK];
    px_move_strides(x->rank, x->dims, in_strides);
    for (int i = 0; i < x->rank; i++) {
        if (repeats[i] < 0 || __builtin_mul_overflow(x->dims[i], repeats[i], &dims[i]))
            return PX_REF_FAIL(c, PGY_ERR_MODEL, "Repeat %lld of axis %d is negative or too large",
                               (long long)repeats[i], i);
        view[2 * i] = repeats[i];
        view[2 * i + 1] = x->dims[i];
        strides[2 * i] = 0;
        strides[2 * i + 1] = in_strides[i];
    }
    return out_of_view(c, x, x->rank, dims, 2 * x->rank, view, strides);
}

static pgy_status *tile_1(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    double tiles, axis_number;
    int64_t repeats[PX_MAX_RANK];
    int axis;
    PX_TRY(px_ref_in(c, 0, &x));
    PX_TRY(px_move_in_number(c, 1, &tiles));
    PX_TRY(px_move_in_number(c, 2, &axis_number));
    if (!(fabs(axis_number) <= PX_MAX_RANK) || !(tiles >= 0 && tiles < 0x1p62))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%g tiles along axis %g", tiles, axis_number));
    PX_TRY(px_ref_axis(c, (int64_t)axis_number, x->rank, &axis));
    for (int i = 0; i < x->rank; i++)
        repeats[i] = i == axis ? (int64_t)tiles : 1;
    PX_TRY(tile_by(c, x, repeats));
done:
    return st;
}

static pgy_status *tile_6(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    const int64_t *repeats;
    size_t n;
    PX_TRY(px_ref_in(c, 0, &x));
    PX_TRY(px_ref_in_ints(c, 1, &repeats, &n));
    if (n != (size_t)x->rank)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "repeats has %zu entries, the input rank %d", n,
                           x->rank));
    PX_TRY(tile_by(c, x, repeats));
done:
    return st;
}

/* The block dims of NCHW data and where they go: `order` permutes the six dims of `parts`. */
static pgy_status *move_blocks(px_ref_call *c, const pgy_tensor *x, const int64_t parts[6],
                               const int order[6], const int64_t dims[4])
{
    int64_t from[6], view[6], strides[6];
    px_move_strides(6, parts, from);
    for (int i = 0; i < 6; i++) {
        view[i] = parts[order[i]];
        strides[i] = from[order[i]];
    }
    return out_of_view(c, x, 4, dims, 6, view, strides);
}

static pgy_status *block_size(px_ref_call *c, int64_t *out)
{
    int64_t b = px_ref_attr_i(c, "blocksize", 0);
    if (b < 1 || b > INT32_MAX)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "blocksize is %lld", (long long)b);
    *out = b;
    return NULL;
}

static pgy_status *depth_to_space(px_ref_call *c)
{
    static const int dcr[6] = {0, 3, 4, 1, 5, 2}, crd[6] = {0, 1, 4, 2, 5, 3};
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int64_t b = 1;
    PX_TRY(px_move_in_rank(c, 0, 4, 4, &x));
    PX_TRY(block_size(c, &b));
    px_str mode = px_ref_attr_s(c, "mode", "DCR");
    bool is_crd = px_str_is(mode, "CRD");
    const int64_t *d = x->dims;
    if (d[1] % (b * b) || (!is_crd && !px_str_is(mode, "DCR")))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld channels, block size %lld, mode \"%.*s\".",
                           (long long)d[1], (long long)b, PX_STR_ARG(mode)));
    int64_t depth = d[1] / (b * b);
    int64_t parts[6] = {d[0], is_crd ? depth : b, b, is_crd ? b : depth, d[2], d[3]};
    int64_t dims[4] = {d[0], depth, 0, 0};
    if (__builtin_mul_overflow(d[2], b, &dims[2]) || __builtin_mul_overflow(d[3], b, &dims[3]))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The output is too large"));
    PX_TRY(move_blocks(c, x, parts, is_crd ? crd : dcr, dims));
done:
    return st;
}

static pgy_status *space_to_depth(px_ref_call *c)
{
    static const int dcr[6] = {0, 3, 5, 1, 2, 4}, crd[6] = {0, 1, 3, 5, 2, 4};
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int64_t b = 1, depth = 0;
    PX_TRY(px_move_in_rank(c, 0, 4, 4, &x));
    PX_TRY(block_size(c, &b));
    px_str mode = px_ref_attr_s(c, "mode", "DCR"); /* an attribute since version 28 */
    bool is_crd = px_str_is(mode, "CRD");
    const int64_t *d = x->dims;
    if (d[2] % b || d[3] % b || __builtin_mul_overflow(d[1], b * b, &depth) ||
        (!is_crd && !px_str_is(mode, "DCR")))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "%lld x %lld does not divide into blocks of %lld, or mode \"%.*s\" is "
                           "not known",
                           (long long)d[2], (long long)d[3], (long long)b, PX_STR_ARG(mode)));
    int64_t parts[6] = {d[0], d[1], d[2] / b, b, d[3] / b, b};
    int64_t dims[4] = {d[0], depth, d[2] / b, d[3] / b};
    PX_TRY(move_blocks(c, x, parts, is_crd ? crd : dcr, dims));
done:
    return st;
}

/* --- ReverseSequence, Trilu --- */

static pgy_status *reverse_sequence(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    const int64_t *lens;
    size_t n;
    int batch_axis, time_axis;
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 2, PX_MAX_RANK, &x));
    PX_TRY(px_ref_in_ints(c, 1, &lens, &n));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "batch_axis", 1), 2, &batch_axis));
    PX_TRY(px_ref_axis(c, px_ref_attr_i(c, "time_axis", 0), 2, &time_axis));
    int64_t steps = x->dims[time_axis];
    if (batch_axis == time_axis || n != (size_t)x->dims[batch_axis])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "%zu lengths for a batch of %lld, batch axis %d, time "
                           "axis %d",
                           n, (long long)x->dims[batch_axis], batch_axis, time_axis));
    for (size_t i = 0; i < n; i++)
        if (lens[i] < 0 || lens[i] > steps)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Length %lld of sequence %zu exceeds %lld steps",
                               (long long)lens[i], i, (long long)steps));
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, x->dims, &y));
    size_t run = (size_t)px_move_span(x->dims, 2, x->rank) * px_move_elem(x);
    for (int64_t a = 0; x->count > 0 && a < x->dims[0]; a++)
        for (int64_t b = 0; b < x->dims[1]; b++) {
            int64_t t = time_axis == 0 ? a : b, s = time_axis == 0 ? b : a;
            int64_t from = t < lens[s] ? lens[s] - 1 - t : t;
            int64_t fa = time_axis == 0 ? from : a, fb = time_axis == 0 ? b : from;
            memcpy((uint8_t *)y + (size_t)(a * x->dims[1] + b) * run,
                   (const uint8_t *)x->data + (size_t)(fa * x->dims[1] + fb) * run, run);
        }
done:
    return st;
}

static pgy_status *trilu(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int64_t k = 0;
    void *y;
    PX_TRY(px_move_in_rank(c, 0, 2, PX_MAX_RANK, &x));
    if (px_ref_has(c, 1))
        PX_TRY(px_move_in_int(c, 1, &k));
    bool upper = px_ref_attr_i(c, "upper", 1) != 0;
    int64_t rows = x->dims[x->rank - 2], cols = x->dims[x->rank - 1];
    k = PX_MIN(PX_MAX(k, -rows), cols);
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, x->rank, x->dims, &y));
    size_t elem = px_move_elem(x);
    for (int64_t r = 0; cols > 0 && r < x->count / cols; r++) {
        /* Columns from i + k on belong to the upper part, up to i + k to the lower. */
        int64_t i = r % rows, edge = PX_MIN(PX_MAX(i + k + (upper ? 0 : 1), 0), cols);
        int64_t keep = upper ? edge : 0, n_keep = upper ? cols - edge : edge;
        uint8_t *dst = (uint8_t *)y + (size_t)(r * cols) * elem;
        memset(dst, 0, (size_t)cols * elem);
        memcpy(dst + (size_t)keep * elem,
               (const uint8_t *)x->data + (size_t)(r * cols + keep) * elem, (size_t)n_keep * elem);
    }
done:
    return st;
}

/* --- Det, Col2Im --- */

/* Determinant by elimination with row pivots; overwrites `a` (n x n). */
static double det_of(double *a, int64_t n)
{
    double det = 1;
    for (int64_t k = 0; k < n; k++) {
        int64_t p = k;
        for (int64_t i = k + 1; i < n; i++)
            if (fabs(a[i * n + k]) > fabs(a[p * n + k]))
                p = i;
        double pivot = a[p * n + k];
        if (pivot == 0)
            return 0;
        for (int64_t j = k; p != k && j < n; j++) {
            double t = a[k * n + j];
            a[k * n + j] = a[p * n + j];
            a[p * n + j] = t;
        }
        det *= p == k ? pivot : -pivot;
        for (int64_t i = k + 1; i < n; i++) {
            double f = a[i * n + k] / pivot;
            for (int64_t j = k + 1; j < n; j++)
                a[i * n + j] -= f * a[k * n + j];
        }
    }
    return det;
}

static pgy_status *det(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    double *work;
    void *y;
    PX_TRY(px_ref_in_f64(c, 0, &x));
    if (x->rank < 2 || x->dims[x->rank - 1] != x->dims[x->rank - 2])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The input is no stack of square matrices"));
    int64_t n = x->dims[x->rank - 1], n_matrices = px_move_span(x->dims, 0, x->rank - 2);
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, x->rank - 2, x->dims, &y));
    PX_TRY(PX_MOVE_SCRATCH(c, work, n_matrices ? n * n : 0));
    for (int64_t i = 0; i < n_matrices; i++) {
        memcpy(work, (const double *)x->data + i * n * n, (size_t)(n * n) * sizeof *work);
        ((double *)y)[i] = det_of(work, n);
    }
done:
    return st;
}

typedef struct col2im_shape {
    int n; /* spatial dims */
    int64_t image[PX_MAX_RANK], block[PX_MAX_RANK], dilation[PX_MAX_RANK], stride[PX_MAX_RANK];
    int64_t pad[PX_MAX_RANK], steps[PX_MAX_RANK]; /* pad at the begin; block positions */
    int64_t n_image, n_block, n_steps;            /* products */
} col2im_shape;

static pgy_status *col2im_shape_of(px_ref_call *c, const pgy_tensor *x, col2im_shape *s)
{
    pgy_status *st = NULL;
    const int64_t *image, *block, *dil = NULL, *pads = NULL, *strides = NULL;
    size_t n, n_block, n_dil, n_pads, n_strides;
    PX_TRY(px_ref_in_ints(c, 1, &image, &n));
    PX_TRY(px_ref_in_ints(c, 2, &block, &n_block));
    bool fits = n_block == n && n >= 1 && n <= PX_MAX_RANK - 2;
    fits = fits && (!px_ref_attr_ints(c, "dilations", &dil, &n_dil) || n_dil == n);
    fits = fits && (!px_ref_attr_ints(c, "pads", &pads, &n_pads) || n_pads == 2 * n);
    fits = fits && (!px_ref_attr_ints(c, "strides", &strides, &n_strides) || n_strides == n);
    for (size_t i = 0; fits && i < n; i++) {
        int64_t d = dil ? dil[i] : 1, stride = strides ? strides[i] : 1;
        int64_t a = pads ? pads[i] : 0, b = pads ? pads[n + i] : 0;
        const int64_t big = INT32_MAX;
        fits = image[i] >= 0 && image[i] < big && block[i] >= 1 && block[i] < big && d >= 1 &&
               d < big && stride >= 1 && stride < big && a >= 0 && a < big && b >= 0 && b < big;
        if (!fits)
            break;
        int64_t room = image[i] + a + b - d * (block[i] - 1) - 1;
        s->image[i] = image[i];
        s->block[i] = block[i];
        s->dilation[i] = d;
        s->stride[i] = stride;
        s->pad[i] = a;
        s->steps[i] = room < 0 ? 0 : room / stride + 1;
    }
    s->n = (int)n;
    s->n_image = fits ? px_move_span(s->image, 0, s->n) : 0;
    s->n_block = fits ? px_move_span(s->block, 0, s->n) : 1;
    s->n_steps = fits ? px_move_span(s->steps, 0, s->n) : 0;
    if (!fits || x->dims[1] % s->n_block || x->dims[2] != s->n_steps)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "Image, block, pads, strides and dilations do not fit "
                           "columns of %lld x %lld",
                           (long long)x->dims[1], (long long)x->dims[2]));
done:
    return st;
}

/* Adds one channel's columns (n_block x n_steps) to its image. */
static void col2im_add(const col2im_shape *s, const double *cols, double *image)
{
    for (int64_t b = 0; b < s->n_block; b++)
        for (int64_t l = 0; l < s->n_steps; l++) {
            int64_t to = 0, scale = 1, rest_b = b, rest_l = l;
            bool inside = true;
            for (int k = s->n - 1; k >= 0; k--) {
                int64_t p = rest_l % s->steps[k] * s->stride[k] +
                            rest_b % s->block[k] * s->dilation[k] - s->pad[k];
                inside = inside && p >= 0 && p < s->image[k];
                to += p * scale;
                scale *= s->image[k];
                rest_b /= s->block[k];
                rest_l /= s->steps[k];
            }
            if (inside)
                image[to] += cols[b * s->n_steps + l];
        }
}

static pgy_status *col2im(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    col2im_shape s = {0};
    int64_t dims[PX_MAX_RANK];
    void *y;
    PX_TRY(px_ref_in_f64(c, 0, &x));
    if (x->rank != 3)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The columns have rank %d, wanted is 3", x->rank));
    PX_TRY(col2im_shape_of(c, x, &s));
    dims[0] = x->dims[0];
    dims[1] = x->dims[1] / s.n_block;
    memcpy(dims + 2, s.image, (size_t)s.n * sizeof *dims);
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, s.n + 2, dims, &y));
    int64_t n = px_move_span(dims, 0, 2);
    if (s.n_image > 0 && n > 0)
        memset(y, 0, (size_t)(n * s.n_image) * sizeof(double));
    for (int64_t i = 0; s.n_image > 0 && x->count > 0 && i < n; i++)
        col2im_add(&s, (const double *)x->data + i * s.n_block * s.n_steps,
                   (double *)y + i * s.n_image);
done:
    return st;
}

static const px_ref_op rows[] = {
    {"", "Col2Im", 18, 3, 3, 1, 1, col2im},
    {"", "Concat", 1, 1, -1, 1, 1, concat_1},
    {"", "Concat", 4, 1, -1, 1, 1, concat_4},
    {"", "DepthToSpace", 1, 1, 1, 1, 1, depth_to_space},
    {"", "Det", 11, 1, 1, 1, 1, det},
    {"", "ReverseSequence", 10, 2, 2, 1, 1, reverse_sequence},
    {"", "SpaceToDepth", 1, 1, 1, 1, 1, space_to_depth},
    {"", "Split", 1, 1, 2, 1, -1, split},
    {"", "Tile", 1, 3, 3, 1, 1, tile_1},
    {"", "Tile", 6, 2, 2, 1, 1, tile_6},
    {"", "Transpose", 1, 1, 1, 1, 1, transpose},
    {"", "Trilu", 14, 1, 2, 1, 1, trilu},
};

const px_ref_family px_ref_family_manip = {rows, PX_COUNTOF(rows)};
