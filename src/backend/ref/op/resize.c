/* backend/ref/op/resize.c - Resize and its forerunner Upsample.
 *
 * Interpolation is separable: each axis that changes gets a table of taps (input positions and
 * weights) per output position, and axes are resized one after the other. Nearest is a table of one
 * position and moves elements of any type.
 *
 * Coordinates follow the standard's text: where an output size comes from scales, the "resized
 * length" in it is the unrounded product, and sizes give the exact ratio of two integers.
 */
#include "backend/ref/op/move.h"

#include <math.h>

typedef enum resize_mode { RESIZE_NEAREST, RESIZE_LINEAR, RESIZE_CUBIC } resize_mode;

typedef enum resize_coordinate {
    HALF_PIXEL,
    HALF_PIXEL_SYMMETRIC,
    PYTORCH_HALF_PIXEL,
    ALIGN_CORNERS,
    ASYMMETRIC,
    TF_HALF_PIXEL_FOR_NN,
    TF_CROP_AND_RESIZE
} resize_coordinate;

typedef enum resize_nearest {
    ROUND_PREFER_FLOOR,
    ROUND_PREFER_CEIL,
    FLOOR,
    CEIL,
    SIMPLE
} resize_nearest;

typedef struct resize_axis {
    int64_t in, out;
    double up, down; /* the scale as a quotient up / down */
    double roi_begin, roi_end;
    bool is_used;
} resize_axis;

typedef struct resize_plan {
    resize_mode mode;
    resize_coordinate coordinate;
    resize_nearest nearest;
    double cubic_a, extrapolation;
    bool exclude_outside, antialias;
    int rank;
    resize_axis axes[PX_MAX_RANK];
} resize_plan;

/* Taps of every output position of one axis. */
typedef struct resize_taps {
    int64_t n; /* per position */
    int64_t *at;
    double *weight;
    bool *outside; /* the crop leaves the input there */
} resize_taps;

static double coordinate_of(const resize_plan *p, const resize_axis *a, int64_t o)
{
    double x = (double)o, in = (double)a->in, wide = in * a->up / a->down;
    switch (p->coordinate) {
    case HALF_PIXEL_SYMMETRIC: {
        double offset = in / 2 * (1 - (double)a->out / wide);
        return offset + (x + 0.5) * a->down / a->up - 0.5;
    }
    case PYTORCH_HALF_PIXEL:
        return a->out > 1 ? (x + 0.5) * a->down / a->up - 0.5 : 0;
    case ALIGN_CORNERS:
        return a->out == 1 || wide == 1 ? 0 : x * (in - 1) / (wide - 1);
    case ASYMMETRIC:
        return x * a->down / a->up;
    case TF_HALF_PIXEL_FOR_NN:
        return (x + 0.5) * a->down / a->up;
    case TF_CROP_AND_RESIZE:
        return a->out > 1 ? a->roi_begin * (in - 1) +
                                x * (a->roi_end - a->roi_begin) * (in - 1) / (double)(a->out - 1)
                          : 0.5 * (a->roi_begin + a->roi_end) * (in - 1);
    default:
        return (x + 0.5) * a->down / a->up - 0.5;
    }
}

static double nearest_of(const resize_plan *p, const resize_axis *a, double x)
{
    switch (p->nearest) {
    case ROUND_PREFER_CEIL:
        return floor(x + 0.5);
    case FLOOR:
        return floor(x);
    case CEIL:
        return ceil(x);
    case SIMPLE: /* before version 11: up when shrinking */
        return a->up < a->down ? ceil(x) : floor(x);
    default:
        return ceil(x - 0.5);
    }
}

static double cubic_weight(double d, double a)
{
    d = fabs(d);
    if (d <= 1)
        return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/* Weights of the taps around `x`; what lies outside the input goes to its edge or to nobody. */
static void taps_at(const resize_plan *p, const resize_axis *a, double x, double squeeze,
                    int64_t first, int64_t n, int64_t *at, double *weight)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = ((double)(first + i) - x) * squeeze;
        int64_t pos = first + i;
        weight[i] = p->mode == RESIZE_CUBIC ? cubic_weight(d, p->cubic_a) : PX_MAX(0, 1 - fabs(d));
        if (p->exclude_outside && (pos < 0 || pos >= a->in))
            weight[i] = 0;
        sum += weight[i];
        at[i] = PX_MIN(PX_MAX(pos, 0), a->in - 1);
    }
    if (p->antialias || p->exclude_outside)
        for (int64_t i = 0; i < n; i++)
            weight[i] /= sum;
}

static pgy_status *taps_of(px_ref_call *c, const resize_plan *p, const resize_axis *a,
                           resize_taps *out)
{
    pgy_status *st = NULL;
    double squeeze = p->antialias ? PX_MIN(1, a->up / a->down) : 1;
    double reach = (p->mode == RESIZE_CUBIC ? 2 : 1) / squeeze;
    int64_t total;
    if (!(reach < 0x1p30))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "A scale of %g is too small", a->up / a->down));
    out->n = p->mode == RESIZE_NEAREST ? 1 : 2 * (int64_t)ceil(reach);
    if (__builtin_mul_overflow(out->n, a->out, &total))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The output is too large"));
    PX_TRY(PX_MOVE_SCRATCH(c, out->at, total));
    if (p->mode != RESIZE_NEAREST)
        PX_TRY(PX_MOVE_SCRATCH(c, out->weight, total));
    PX_TRY(PX_MOVE_SCRATCH(c, out->outside, a->out));
    for (int64_t o = 0; o < a->out; o++) {
        double x = coordinate_of(p, a, o);
        out->outside[o] =
            p->coordinate == TF_CROP_AND_RESIZE && !(x >= 0 && x <= (double)(a->in - 1));
        /* Beyond this only edges are seen, whatever the distance. */
        x = x > -0x1p40 ? PX_MIN(x, 0x1p40) : -0x1p40;
        if (p->mode == RESIZE_NEAREST) {
            int64_t i = (int64_t)nearest_of(p, a, x);
            out->at[o] = PX_MIN(PX_MAX(i, 0), a->in - 1);
            continue;
        }
        int64_t first = (int64_t)floor(x - reach) + 1;
        taps_at(p, a, x, squeeze, first, out->n, out->at + o * out->n, out->weight + o * out->n);
    }
done:
    return st;
}

/* --- the work --- */

typedef struct resize_job {
    const double *src;
    double *dst;
    const resize_taps *taps;
    int64_t in, out, inner;
} resize_job;

static void resize_rows(void *arg, int64_t begin, int64_t end)
{
    const resize_job *job = arg;
    const resize_taps *t = job->taps;
    for (int64_t i = begin; i < end; i++) {
        const double *src = job->src + i / job->out * job->in * job->inner;
        double *dst = job->dst + i * job->inner;
        int64_t first = i % job->out * t->n;
        memset(dst, 0, (size_t)job->inner * sizeof *dst);
        for (int64_t k = first; k < first + t->n; k++) {
            double w = t->weight[k];
            const double *from = src + t->at[k] * job->inner;
            if (w != 0)
                for (int64_t j = 0; j < job->inner; j++)
                    dst[j] += w * from[j];
        }
    }
}

/* Positions that any axis sees outside the crop get the extrapolation value. */
static void extrapolate(const resize_plan *p, const resize_taps *taps, double *y)
{
    for (int axis = 0; axis < p->rank; axis++) {
        int64_t outer = 1, inner = 1, n = p->axes[axis].out;
        for (int i = 0; i < p->rank; i++)
            *(i < axis ? &outer : &inner) *= i == axis ? 1 : p->axes[i].out;
        for (int64_t r = 0; p->axes[axis].is_used && r < outer * n; r++)
            for (int64_t j = 0; taps[axis].outside[r % n] && j < inner; j++)
                y[r * inner + j] = p->extrapolation;
    }
}

static pgy_status *resize_smooth(px_ref_call *c, const resize_plan *p, const resize_taps *taps)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int64_t dims[PX_MAX_RANK], total;
    void *y;
    double *work = NULL, *next = NULL;
    pgy_dtype declared = c->in[0].dtype;
    PX_TRY(px_ref_in_f64(c, 0, &x));
    memcpy(dims, x->dims, (size_t)p->rank * sizeof *dims);
    const double *src = x->data;
    for (int axis = 0; axis < p->rank; axis++) {
        const resize_axis *a = &p->axes[axis];
        if (!a->is_used)
            continue;
        int64_t outer = px_move_span(dims, 0, axis);
        dims[axis] = a->out;
        if (!px_shape_count(p->rank, dims, &total) || total > INT64_MAX / 8)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The output is too large"));
        next = px_mem_alloc_aligned((size_t)total * sizeof *next);
        if (!next)
            PX_TRY(px_status_nomem());
        resize_job job = {.src = src,
                          .dst = next,
                          .taps = &taps[axis],
                          .in = a->in,
                          .out = a->out,
                          .inner = px_move_span(dims, axis + 1, p->rank)};
        if (total > 0)
            px_parallel_for(c->cx, outer * a->out, PX_MAX(1, 4096 / job.inner), resize_rows, &job);
        px_mem_free(work);
        src = work = next;
        next = NULL;
    }
    PX_TRY(px_ref_out(c, 0, declared, p->rank, dims, &y));
    total = px_move_span(dims, 0, p->rank);
    if (total > 0 && work && p->coordinate == TF_CROP_AND_RESIZE)
        extrapolate(p, taps, work);
    px_convert(px_ref_storage(declared), y, PGY_DTYPE_F64, src, 0, total);
done:
    px_mem_free(work);
    return st;
}

static pgy_status *resize_nearest_move(px_ref_call *c, const pgy_tensor *x, const resize_plan *p,
                                       const resize_taps *taps)
{
    pgy_status *st = NULL;
    int64_t dims[PX_MAX_RANK], strides[PX_MAX_RANK], pos[PX_MAX_RANK] = {0}, value[2] = {0};
    void *y;
    int last = p->rank - 1;
    for (int i = 0; i < p->rank; i++)
        dims[i] = p->axes[i].out;
    px_move_strides(p->rank, x->dims, strides);
    if (x->dtype != PGY_DTYPE_STRING && x->dtype != PGY_DTYPE_C128)
        px_convert(x->dtype, value, PGY_DTYPE_F64, &p->extrapolation, 0, 1);
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, p->rank, dims, &y));
    size_t elem = px_move_elem(x);
    int64_t n_rows = px_move_span(dims, 0, last), n = dims[last];
    for (int64_t r = 0; n > 0 && r < n_rows; r++) {
        int64_t from = 0;
        bool outside = false;
        for (int k = 0; k < last; k++) {
            bool used = p->axes[k].is_used;
            from += (used ? taps[k].at[pos[k]] : pos[k]) * strides[k];
            outside = outside || (used && taps[k].outside[pos[k]]);
        }
        uint8_t *dst = (uint8_t *)y + (size_t)(r * n) * elem;
        const uint8_t *src = (const uint8_t *)x->data + (size_t)from * elem;
        if (outside)
            px_move_fill(dst, value, elem, n);
        else if (!p->axes[last].is_used)
            memcpy(dst, src, (size_t)n * elem);
        else
            for (int64_t j = 0; j < n; j++)
                memcpy(dst + (size_t)j * elem,
                       taps[last].outside[j] ? (const uint8_t *)value
                                             : src + (size_t)taps[last].at[j] * elem,
                       elem);
        for (int k = last - 1; k >= 0 && ++pos[k] == dims[k]; k--)
            pos[k] = 0;
    }
done:
    return st;
}

static pgy_status *resize_run(px_ref_call *c, const pgy_tensor *x, resize_plan *p)
{
    pgy_status *st = NULL;
    resize_taps taps[PX_MAX_RANK] = {{0}};
    int64_t dims[PX_MAX_RANK];
    bool any = false;
    for (int i = 0; i < p->rank; i++)
        dims[i] = p->axes[i].out;
    PX_TRY(px_move_check_room(c, p->rank, dims, sizeof(double)));
    for (int i = 0; i < p->rank; i++) {
        resize_axis *a = &p->axes[i];
        a->is_used = a->in != a->out || a->up != a->down || p->coordinate == TF_CROP_AND_RESIZE;
        any = any || a->is_used;
        if (!a->is_used)
            continue;
        if (a->in == 0 && a->out > 0)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Axis %d is empty and cannot grow", i));
        if (a->in > 0)
            PX_TRY(taps_of(c, p, a, &taps[i]));
    }
    if (!any) {
        PX_TRY(px_ref_out_reshape(c, 0, 0, x->rank, x->dims));
        goto done;
    }
    PX_TRY(p->mode == RESIZE_NEAREST ? resize_nearest_move(c, x, p, taps)
                                     : resize_smooth(c, p, taps));
done:
    return st;
}

/* --- reading the node --- */

static pgy_status *choice_of(px_ref_call *c, const char *attr, const char *otherwise,
                             const char *const *names, size_t n, int *out)
{
    px_str word = px_ref_attr_s(c, attr, otherwise);
    for (size_t i = 0; i < n; i++)
        if (px_str_is(word, names[i])) {
            *out = (int)i;
            return NULL;
        }
    return PX_REF_FAIL(c, PGY_ERR_MODEL, "Attribute %s is \"%.*s\", which is not known", attr,
                       PX_STR_ARG(word));
}

static pgy_status *mode_of(px_ref_call *c, resize_plan *p)
{
    static const char *const modes[] = {"nearest", "linear", "cubic", "bilinear"};
    int mode;
    pgy_status *st = choice_of(c, "mode", "nearest", modes, PX_COUNTOF(modes), &mode);
    if (!st)
        p->mode = mode == 3 ? RESIZE_LINEAR : (resize_mode)mode;
    return st;
}

static pgy_status *set_scale(px_ref_call *c, resize_plan *p, int axis, double scale)
{
    resize_axis *a = &p->axes[axis];
    const int64_t out = px_geo_scaled(a->in, scale);
    if (out == PX_GEO_NONE)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "The scale of axis %d is %g", axis, scale);
    a->up = scale;
    a->down = 1;
    a->out = out;
    return NULL;
}

static void plan_init(resize_plan *p, const pgy_tensor *x)
{
    p->rank = x->rank;
    for (int i = 0; i < x->rank; i++)
        p->axes[i] = (resize_axis){
            .in = x->dims[i], .out = x->dims[i], .up = 1, .down = 1, .roi_begin = 0, .roi_end = 1};
}

/* Upsample, and Resize before version 11: asymmetric, one scale per axis. */
static pgy_status *resize_old(px_ref_call *c, const double *scales, size_t n)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    resize_plan p = {.coordinate = ASYMMETRIC, .nearest = SIMPLE};
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK, &x));
    plan_init(&p, x);
    PX_TRY(mode_of(c, &p));
    if (n != (size_t)x->rank)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%zu scales for rank %d", n, x->rank));
    for (int i = 0; i < x->rank; i++)
        PX_TRY(set_scale(c, &p, i, scales[i]));
    PX_TRY(resize_run(c, x, &p));
done:
    return st;
}

static pgy_status *upsample_1(px_ref_call *c)
{
    double scales[4] = {1, 1, px_ref_attr_f(c, "height_scale", 0),
                        px_ref_attr_f(c, "width_scale", 0)};
    return resize_old(c, scales, 4);
}

static pgy_status *upsample_7(px_ref_call *c)
{
    const float *given;
    size_t n;
    double scales[PX_MAX_RANK];
    if (!px_ref_attr_floats(c, "scales", &given, &n) || n > PX_MAX_RANK)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "Attribute scales is missing or too long");
    for (size_t i = 0; i < n; i++)
        scales[i] = (double)given[i];
    return resize_old(c, scales, n);
}

static pgy_status *resize_10(px_ref_call *c)
{
    const pgy_tensor *scales;
    pgy_status *st = px_ref_in_f64(c, 1, &scales);
    return st ? st : resize_old(c, scales->data, (size_t)scales->count);
}

static pgy_status *sizes_set(px_ref_call *c, resize_plan *p, const int *axes, size_t n_axes)
{
    static const char *const policies[] = {"stretch", "not_larger", "not_smaller"};
    pgy_status *st = NULL;
    const int64_t *sizes;
    size_t n;
    int policy = 0;
    PX_TRY(px_ref_in_ints(c, 3, &sizes, &n));
    PX_TRY(choice_of(c, "keep_aspect_ratio_policy", "stretch", policies, 3, &policy));
    if (n != n_axes)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%zu sizes for %zu axes", n, n_axes));
    int64_t dims[PX_MAX_RANK];
    for (size_t i = 0; i < n; i++) {
        resize_axis *a = &p->axes[axes[i]];
        if (sizes[i] < 0 || (sizes[i] > 0 && a->in == 0) || sizes[i] >= INT64_C(1) << 52)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Size %lld from %lld", (long long)sizes[i],
                               (long long)a->in));
        a->out = sizes[i];
        a->up = (double)PX_MAX(sizes[i], 1);
        a->down = (double)PX_MAX(a->in, 1);
        dims[i] = a->in;
    }
    const double scale = px_geo_common_scale(dims, sizes, n, policy == 1);
    for (size_t i = 0; policy != 0 && i < n; i++) {
        resize_axis *a = &p->axes[axes[i]];
        a->out = px_geo_rescaled(a->in, scale);
        if (a->out == PX_GEO_NONE)
            PX_TRY(
                PX_REF_FAIL(c, PGY_ERR_MODEL, "A size from %lld is too large", (long long)a->in));
        a->up = scale;
        a->down = 1;
    }
done:
    return st;
}

static pgy_status *resize_attrs(px_ref_call *c, resize_plan *p)
{
    static const char *const coordinates[] = {
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
        "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
    static const char *const nearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                          "ceil"};
    pgy_status *st = NULL;
    int k = 0;
    PX_TRY(mode_of(c, p));
    PX_TRY(choice_of(c, "coordinate_transformation_mode", "half_pixel", coordinates,
                     PX_COUNTOF(coordinates), &k));
    p->coordinate = (resize_coordinate)k;
    PX_TRY(choice_of(c, "nearest_mode", "round_prefer_floor", nearest, PX_COUNTOF(nearest), &k));
    p->nearest = (resize_nearest)k;
    p->cubic_a = px_ref_attr_f(c, "cubic_coeff_a", -0.75);
    p->extrapolation = px_ref_attr_f(c, "extrapolation_value", 0);
    p->exclude_outside = px_ref_attr_i(c, "exclude_outside", 0) != 0;
    p->antialias = px_ref_attr_i(c, "antialias", 0) != 0;
    if (p->antialias && p->mode == RESIZE_NEAREST)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "antialias is not defined for mode nearest"));
done:
    return st;
}

static pgy_status *resize_11(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *roi = NULL, *scales = NULL;
    resize_plan p = {0};
    int axes[PX_MAX_RANK];
    size_t n_axes;
    bool given;
    PX_TRY(px_move_in_rank(c, 0, 1, PX_MAX_RANK, &x));
    plan_init(&p, x);
    PX_TRY(resize_attrs(c, &p));
    PX_TRY(px_move_axes(c, SIZE_MAX, "axes", x->rank, &given, axes, &n_axes));
    n_axes = given ? n_axes : (size_t)x->rank;
    for (size_t i = 0; !given && i < n_axes; i++)
        axes[i] = (int)i;
    if (px_ref_has(c, 2))
        PX_TRY(px_ref_in_f64(c, 2, &scales));
    /* Old models give an empty tensor for what they leave out. */
    if (scales && scales->count > 0) {
        if (scales->count != (int64_t)n_axes)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld scales for %zu axes",
                               (long long)scales->count, n_axes));
        for (size_t i = 0; i < n_axes; i++)
            PX_TRY(set_scale(c, &p, axes[i], ((const double *)scales->data)[i]));
    } else if (px_ref_has(c, 3)) {
        PX_TRY(sizes_set(c, &p, axes, n_axes));
    } else {
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Neither scales nor sizes are given"));
    }
    if (p.coordinate == TF_CROP_AND_RESIZE) {
        PX_TRY(px_ref_in_f64(c, 1, &roi));
        if (roi->count != 2 * (int64_t)n_axes)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "roi has %lld entries for %zu axes",
                               (long long)roi->count, n_axes));
        for (size_t i = 0; i < n_axes; i++) {
            p.axes[axes[i]].roi_begin = ((const double *)roi->data)[i];
            p.axes[axes[i]].roi_end = ((const double *)roi->data)[n_axes + i];
        }
    }
    PX_TRY(resize_run(c, x, &p));
done:
    return st;
}

static const px_ref_op rows[] = {
    {"", "Resize", 10, 2, 2, 1, 1, resize_10},   {"", "Resize", 11, 1, 4, 1, 1, resize_11},
    {"", "Upsample", 1, 1, 1, 1, 1, upsample_1}, {"", "Upsample", 7, 1, 1, 1, 1, upsample_7},
    {"", "Upsample", 9, 2, 2, 1, 1, resize_10},
};

const px_ref_family px_ref_family_resize = {rows, PX_COUNTOF(rows)};
