/* backend/ref/op/pad.c - Pad in all its forms, and CenterCropPad.
 *
 * Every axis gets a table from output position to input position (-1: the constant). Rows then
 * consist of a middle run that is copied as a block and margins that go by the table.
 */
#include "backend/ref/op/move.h"

typedef enum pad_mode { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP } pad_mode;

typedef struct pad_plan {
    pad_mode mode;
    int64_t begin[PX_MAX_RANK], end[PX_MAX_RANK]; /* negative: cut off */
    const void *value;                            /* one stored element */
} pad_plan;

/* Position in what is left of the axis after cutting, for `r` relative to its begin. */
static int64_t pad_source(pad_mode mode, int64_t r, int64_t n)
{
    if (r >= 0 && r < n)
        return r;
    switch (mode) {
    case PAD_EDGE:
        return r < 0 ? 0 : n - 1;
    case PAD_WRAP:
        r %= n;
        return r < 0 ? r + n : r;
    case PAD_REFLECT: {
        if (n == 1)
            return 0;
        int64_t period = 2 * (n - 1);
        r %= period;
        r = r < 0 ? r + period : r;
        return r < n ? r : period - r;
    }
    default:
        return -1;
    }
}

static pgy_status *pad_axis(px_ref_call *c, const pad_plan *plan, int axis, int64_t size,
                            int64_t out_size, int64_t **out)
{
    pgy_status *st = NULL;
    int64_t *map, b = plan->begin[axis], e = plan->end[axis];
    int64_t first = PX_MAX(0, -b), n = size - first - PX_MAX(0, -e);
    PX_TRY(PX_MOVE_SCRATCH(c, map, out_size));
    if (plan->mode != PAD_CONSTANT && n == 0 && out_size > 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Axis %d is empty: only a constant can pad it", axis));
    for (int64_t i = 0; i < out_size; i++) {
        int64_t s = pad_source(plan->mode, i - PX_MAX(0, b), n);
        map[i] = s < 0 ? -1 : s + first;
    }
    *out = map;
done:
    return st;
}

static void pad_row(uint8_t *dst, const uint8_t *src, size_t elem, const int64_t *map, int64_t n,
                    int64_t lead, int64_t run, const void *value)
{
    for (int64_t i = 0; i < n; i++) {
        if (i == lead && run > 0) {
            memcpy(dst + (size_t)i * elem, src + (size_t)map[i] * elem, (size_t)run * elem);
            i += run - 1;
        } else {
            memcpy(dst + (size_t)i * elem, map[i] < 0 ? value : src + (size_t)map[i] * elem, elem);
        }
    }
}

static pgy_status *pad_by(px_ref_call *c, const pgy_tensor *x, const pad_plan *plan)
{
    pgy_status *st = NULL;
    int64_t dims[PX_MAX_RANK], strides[PX_MAX_RANK], pos[PX_MAX_RANK] = {0}, *map[PX_MAX_RANK];
    void *y;
    int rank = x->rank, last = rank - 1;
    if (rank == 0) {
        PX_TRY(px_ref_out_reshape(c, 0, 0, 0, NULL));
        goto done;
    }
    for (int i = 0; i < rank; i++) {
        const int64_t b = plan->begin[i], e = plan->end[i];
        dims[i] = px_geo_padded(x->dims[i], b, e);
        if (dims[i] == PX_GEO_NONE)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Pads %lld and %lld do not fit a dim of %lld",
                               (long long)b, (long long)e, (long long)x->dims[i]));
    }
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, rank, dims, &y));
    if (px_move_span(dims, 0, rank) > 0) {
        for (int i = 0; i < rank; i++)
            PX_TRY(pad_axis(c, plan, i, x->dims[i], dims[i], &map[i]));
        px_move_strides(rank, x->dims, strides);
        size_t elem = px_move_elem(x);
        int64_t lead = PX_MAX(0, plan->begin[last]);
        int64_t run = dims[last] - lead - PX_MAX(0, plan->end[last]);
        int64_t n_rows = px_move_span(dims, 0, last);
        for (int64_t r = 0; r < n_rows; r++) {
            int64_t from = 0;
            bool inside = true;
            for (int k = 0; k < last; k++) {
                inside = inside && map[k][pos[k]] >= 0;
                from += map[k][pos[k]] * strides[k];
            }
            uint8_t *dst = (uint8_t *)y + (size_t)(r * dims[last]) * elem;
            if (inside)
                pad_row(dst, (const uint8_t *)x->data + (size_t)from * elem, elem, map[last],
                        dims[last], lead, run, plan->value);
            else
                px_move_fill(dst, plan->value, elem, dims[last]);
            for (int k = last - 1; k >= 0 && ++pos[k] == dims[k]; k--)
                pos[k] = 0;
        }
    }
done:
    return st;
}

static const uint8_t zero_value[16];

static pgy_status *pad_mode_of(px_ref_call *c, pad_mode *out)
{
    static const char *const names[] = {"constant", "reflect", "edge", "wrap"};
    px_str mode = px_ref_attr_s(c, "mode", "constant");
    for (size_t i = 0; i < PX_COUNTOF(names); i++)
        if (px_str_is(mode, names[i])) {
            *out = (pad_mode)i;
            return NULL;
        }
    return PX_REF_FAIL(c, PGY_ERR_MODEL, "Mode \"%.*s\" is not known", PX_STR_ARG(mode));
}

/* Pads as [begin of each axis, then end of each]; `axes` NULL: all in order. */
static pgy_status *pad_set(px_ref_call *c, pad_plan *plan, const int64_t *pads, size_t n_pads,
                           const int *axes, size_t n_axes)
{
    if (n_pads != 2 * n_axes)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "%zu pads are given for %zu axes", n_pads, n_axes);
    for (size_t i = 0; i < n_axes; i++) {
        plan->begin[axes ? axes[i] : (int)i] = pads[i];
        plan->end[axes ? axes[i] : (int)i] = pads[n_axes + i];
    }
    return NULL;
}

static pgy_status *pad_by_attr(px_ref_call *c, const char *name)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    const int64_t *pads;
    size_t n;
    pad_plan plan = {.value = zero_value};
    double value = px_ref_attr_f(c, "value", 0);
    PX_TRY(px_ref_in(c, 0, &x));
    PX_TRY(pad_mode_of(c, &plan.mode));
    if (!px_ref_attr_ints(c, name, &pads, &n))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Attribute %s is missing", name));
    if (x->dtype == PGY_DTYPE_F64)
        plan.value = &value;
    else if (value != 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Padding %s with %g is not defined",
                           pgy_dtype_name(x->dtype), value));
    PX_TRY(pad_set(c, &plan, pads, n, NULL, (size_t)x->rank));
    PX_TRY(pad_by(c, x, &plan));
done:
    return st;
}

static pgy_status *pad_1(px_ref_call *c)
{
    return pad_by_attr(c, "paddings");
}

static pgy_status *pad_2(px_ref_call *c)
{
    return pad_by_attr(c, "pads");
}

static pgy_status *pad_11(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *value;
    const int64_t *pads;
    size_t n, n_axes = 0;
    int axes[PX_MAX_RANK];
    bool given = false;
    pad_plan plan = {.value = zero_value};
    PX_TRY(px_ref_in(c, 0, &x));
    PX_TRY(px_ref_in_ints(c, 1, &pads, &n));
    PX_TRY(pad_mode_of(c, &plan.mode));
    if (px_ref_has(c, 2)) {
        PX_TRY(px_ref_in(c, 2, &value));
        if (value->count != 1 || value->dtype != x->dtype)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "constant_value has %lld elements of %s, wanted "
                               "is one of %s",
                               (long long)value->count, pgy_dtype_name(value->dtype),
                               pgy_dtype_name(x->dtype)));
        plan.value = value->data;
    }
    if (px_ref_has(c, 3))
        PX_TRY(px_move_axes(c, 3, "axes", x->rank, &given, axes, &n_axes));
    PX_TRY(pad_set(c, &plan, pads, n, given ? axes : NULL, given ? n_axes : (size_t)x->rank));
    PX_TRY(pad_by(c, x, &plan));
done:
    return st;
}

static pgy_status *center_crop_pad(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    const int64_t *want;
    size_t n, n_axes;
    int axes[PX_MAX_RANK];
    bool given;
    pad_plan plan = {.value = zero_value};
    PX_TRY(px_ref_in(c, 0, &x));
    PX_TRY(px_ref_in_ints(c, 1, &want, &n));
    PX_TRY(px_move_axes(c, SIZE_MAX, "axes", x->rank, &given, axes, &n_axes));
    if (n != (given ? n_axes : (size_t)x->rank))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The shape has %zu dims for %zu axes", n,
                           given ? n_axes : (size_t)x->rank));
    for (size_t i = 0; i < n; i++) {
        int axis = given ? axes[i] : (int)i;
        if (want[i] < 0)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Dim %zu of the shape is negative", i));
        /* More than is there: half of it (rounded down) goes in front; less: likewise cut. */
        int64_t more = want[i] - x->dims[axis], half = more / 2;
        plan.begin[axis] = half;
        plan.end[axis] = more - half;
    }
    PX_TRY(pad_by(c, x, &plan));
done:
    return st;
}

static const px_ref_op rows[] = {
    {"", "CenterCropPad", 18, 2, 2, 1, 1, center_crop_pad},
    {"", "Pad", 1, 1, 1, 1, 1, pad_1},
    {"", "Pad", 2, 1, 1, 1, 1, pad_2},
    {"", "Pad", 11, 2, 4, 1, 1, pad_11},
};

const px_ref_family px_ref_family_pad = {rows, PX_COUNTOF(rows)};
