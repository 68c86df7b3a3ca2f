/* backend/ref/op/roi.c - pools over regions of interest: RoiAlign, MaxRoiPool. */
#include "backend/ref/op/move.h"
#include "backend/ref/ref.h"

#include <math.h>

/* Bins of one region are computed independently; a hostile model must not ask for endless ones. */
#define MAX_SAMPLES ((int64_t)1 << 20)

typedef struct roi_align {
    bool is_max;
    int64_t ratio; /* samples per bin and direction; 0: as many as input elements */
    int64_t channels, bins_h, bins_w;
    double scale, shift; /* shift: half a pixel, or 0 */
    bool keep_tiny;      /* regions below one pixel keep their size */
    const pgy_tensor *x;
    const double *rois;
    const int64_t *batch_of;
    double *y;
} roi_align;

/* One bilinear sample as four weighted corners; clamped to the image within one pixel around it. */
typedef struct bilinear {
    int64_t at[4];
    double weight[4];
    bool is_outside;
} bilinear;

static bilinear bilinear_of(int64_t h, int64_t w, double y, double x)
{
    bilinear b = {.is_outside = !(y >= -1 && y <= (double)h && x >= -1 && x <= (double)w)};
    if (b.is_outside || h == 0 || w == 0)
        return b;
    y = fmax(y, 0);
    x = fmax(x, 0);
    int64_t y0 = (int64_t)y, x0 = (int64_t)x;
    if (y0 >= h - 1) {
        y0 = h - 1;
        y = (double)y0;
    }
    if (x0 >= w - 1) {
        x0 = w - 1;
        x = (double)x0;
    }
    const int64_t y1 = PX_MIN(y0 + 1, h - 1), x1 = PX_MIN(x0 + 1, w - 1);
    const double fy = y - (double)y0, fx = x - (double)x0;
    const int64_t at[4] = {y0 * w + x0, y0 * w + x1, y1 * w + x0, y1 * w + x1};
    const double weight[4] = {(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx};
    memcpy(b.at, at, sizeof at);
    memcpy(b.weight, weight, sizeof weight);
    return b;
}

typedef struct bin_grid {
    double y0, x0, step_y, step_x; /* of the samples of bin (0, 0) */
    double bin_h, bin_w;
    int64_t n_h, n_w;
} bin_grid;

static double bin_value(const roi_align *r, const double *plane, const bin_grid *g, int64_t bh,
                        int64_t bw)
{
    const int64_t h = r->x->dims[2], w = r->x->dims[3];
    double acc = 0;
    bool any = false;
    for (int64_t i = 0; i < g->n_h; i++)
        for (int64_t j = 0; j < g->n_w; j++) {
            const double y = g->y0 + (double)bh * g->bin_h + ((double)i + 0.5) * g->step_y;
            const double x = g->x0 + (double)bw * g->bin_w + ((double)j + 0.5) * g->step_x;
            const bilinear b = bilinear_of(h, w, y, x);
            for (int k = 0; k < 4; k++) {
                const double v = b.is_outside ? 0 : b.weight[k] * plane[b.at[k]];
                if (!r->is_max)
                    acc += v;
                else if (!any || v > acc)
                    acc = v;
                any = true;
            }
        }
    /* COMPAT: max takes the largest weighted corner, as the standard's implementations do. */
    return r->is_max ? acc : acc / (double)PX_MAX(g->n_h * g->n_w, (int64_t)1);
}

static int64_t samples(const roi_align *r, double extent, int64_t bins)
{
    if (r->ratio > 0)
        return PX_MIN(r->ratio, MAX_SAMPLES);
    const double n = ceil(extent / (double)bins);
    return n >= 1 ? (int64_t)fmin(n, (double)MAX_SAMPLES) : 0;
}

static void roi_align_range(void *arg, int64_t begin, int64_t end)
{
    const roi_align *r = arg;
    const int64_t plane_size = r->x->dims[2] * r->x->dims[3], bins = r->bins_h * r->bins_w;
    for (int64_t i = begin; i < end; i++) {
        const int64_t roi = i / r->channels, channel = i % r->channels;
        const double *box = r->rois + roi * 4;
        const double *plane =
            (const double *)r->x->data + (r->batch_of[roi] * r->channels + channel) * plane_size;
        const double x0 = box[0] * r->scale - r->shift, y0 = box[1] * r->scale - r->shift;
        double w = box[2] * r->scale - r->shift - x0, h = box[3] * r->scale - r->shift - y0;
        if (!r->keep_tiny) {
            w = fmax(w, 1);
            h = fmax(h, 1);
        }
        bin_grid g = {.y0 = y0,
                      .x0 = x0,
                      .bin_h = h / (double)r->bins_h,
                      .bin_w = w / (double)r->bins_w,
                      .n_h = samples(r, h, r->bins_h),
                      .n_w = samples(r, w, r->bins_w)};
        g.step_y = g.bin_h / (double)PX_MAX(g.n_h, (int64_t)1);
        g.step_x = g.bin_w / (double)PX_MAX(g.n_w, (int64_t)1);
        for (int64_t b = 0; b < bins; b++)
            r->y[i * bins + b] = bin_value(r, plane, &g, b / r->bins_w, b % r->bins_w);
    }
}

static pgy_status *check_image(px_ref_call *c, const pgy_tensor *x, const pgy_tensor *rois,
                               int64_t columns)
{
    if (x->rank != 4 || rois->rank != 2 || rois->dims[1] != columns)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "an image of rank 4 and regions of %lld are wanted",
                           (long long)columns);
    return NULL;
}

static pgy_status *roi_align_run(px_ref_call *c)
{
    pgy_status *st = NULL;
    roi_align r = {.is_max = px_str_is(px_ref_attr_s(c, "mode", "avg"), "max"),
                   .ratio = px_ref_attr_i(c, "sampling_ratio", 0),
                   .bins_h = px_ref_attr_i(c, "output_height", 1),
                   .bins_w = px_ref_attr_i(c, "output_width", 1),
                   .scale = px_ref_attr_f(c, "spatial_scale", 1)};
    const pgy_tensor *rois = NULL;
    size_t n = 0;
    void *out = NULL;
    /* Version 16 shifts by half a pixel unless told otherwise; before it nothing was shifted. */
    const px_str mode = px_ref_attr_s(c, "coordinate_transformation_mode",
                                      c->opset >= 16 ? "half_pixel" : "output_half_pixel");

    r.keep_tiny = px_str_is(mode, "half_pixel");
    r.shift = r.keep_tiny ? 0.5 : 0;
    PX_TRY(px_ref_in_f64(c, 0, &r.x));
    PX_TRY(px_ref_in_f64(c, 1, &rois));
    PX_TRY(check_image(c, r.x, rois, 4));
    PX_TRY(px_ref_in_ints(c, 2, &r.batch_of, &n));
    if (n != (size_t)rois->dims[0])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%zu batch indices for %lld regions", n,
                           (long long)rois->dims[0]));
    for (size_t i = 0; i < n; i++)
        if (r.batch_of[i] < 0 || r.batch_of[i] >= r.x->dims[0])
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "batch index %lld of %lld",
                               (long long)r.batch_of[i], (long long)r.x->dims[0]));
    r.channels = r.x->dims[1];
    const int64_t dims[4] = {rois->dims[0], r.channels, r.bins_h, r.bins_w};
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, 4, dims, &out));
    r.rois = rois->data;
    r.y = out;
    if (c->out[0].t->count > 0)
        px_parallel_for(c->cx, dims[0] * dims[1], 1, roi_align_range, &r);
done:
    return st;
}

/* --- MaxRoiPool --- */

/* Input elements [*lo, *hi) of bin `b` of a region that starts at `start` and has `extent`. */
static void roi_bin(int64_t start, double extent, int64_t bins, int64_t b, int64_t size,
                    int64_t *lo, int64_t *hi)
{
    const double step = extent / (double)bins;
    const double from = floor((double)b * step) + (double)start;
    const double to = ceil((double)(b + 1) * step) + (double)start;
    *lo = (int64_t)fmin(fmax(from, 0), (double)size);
    *hi = (int64_t)fmin(fmax(to, 0), (double)size);
}

static double max_of(const double *plane, int64_t width, const int64_t y[2], const int64_t x[2])
{
    double best = 0; /* of an empty bin */
    bool any = false;
    for (int64_t i = y[0]; i < y[1]; i++)
        for (int64_t j = x[0]; j < x[1]; j++) {
            const double v = plane[i * width + j];
            best = !any || v > best ? v : best;
            any = true;
        }
    return best;
}

static int64_t rounded(double v)
{
    return (int64_t)fmin(fmax(round(v), -1e15), 1e15);
}

static pgy_status *max_roi_pool(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL, *rois = NULL;
    const int64_t *bins = NULL;
    size_t n = 0;
    const double scale = px_ref_attr_f(c, "spatial_scale", 1);
    void *out = NULL;

    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(px_ref_in_f64(c, 1, &rois));
    PX_TRY(check_image(c, x, rois, 5));
    if (!px_ref_attr_ints(c, "pooled_shape", &bins, &n) || n != 2 || bins[0] < 1 || bins[1] < 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "pooled_shape must be two positive numbers"));
    const int64_t dims[4] = {rois->dims[0], x->dims[1], bins[0], bins[1]};
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, 4, dims, &out));
    double *y = out;
    for (int64_t r = 0; r < dims[0]; r++) {
        const double *box = (const double *)rois->data + r * 5;
        if (!(box[0] >= 0 && box[0] < (double)x->dims[0]))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "batch index %g of %lld", box[0],
                               (long long)x->dims[0]));
        const int64_t x0 = rounded(box[1] * scale), y0 = rounded(box[2] * scale);
        const int64_t w = PX_MAX(rounded(box[3] * scale) - x0 + 1, (int64_t)1);
        const int64_t h = PX_MAX(rounded(box[4] * scale) - y0 + 1, (int64_t)1);
        for (int64_t ch = 0; ch < dims[1]; ch++) {
            const double *plane = (const double *)x->data +
                                  ((int64_t)box[0] * dims[1] + ch) * x->dims[2] * x->dims[3];
            for (int64_t b = 0; b < bins[0] * bins[1]; b++) {
                int64_t ys[2], xs[2];
                roi_bin(y0, (double)h, bins[0], b / bins[1], x->dims[2], &ys[0], &ys[1]);
                roi_bin(x0, (double)w, bins[1], b % bins[1], x->dims[3], &xs[0], &xs[1]);
                *y++ = max_of(plane, x->dims[3], ys, xs);
            }
        }
    }
done:
    return st;
}

static const px_ref_op ops[] = {
    {"", "RoiAlign", 10, 3, 3, 1, 1, roi_align_run},
    {"", "MaxRoiPool", 1, 2, 2, 1, 1, max_roi_pool},
};

const px_ref_family px_ref_family_roi = {ops, PX_COUNTOF(ops)};
