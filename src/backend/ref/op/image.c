/* backend/ref/op/image.c - sampling at computed positions (GridSample, AffineGrid) and
 * NonMaxSuppression. */
#include "backend/ref/op/move.h"

#include <math.h>

/* --- GridSample --- */

enum { MAX_SPATIAL = 6 }; /* 4^6 taps per point with mode cubic */

typedef enum grid_padding { GRID_ZEROS, GRID_BORDER, GRID_REFLECTION } grid_padding;

typedef struct grid_plan {
    int n_spatial, n_taps; /* taps per axis: 1, 2 or 4 */
    grid_padding padding;
    bool align_corners;
    int64_t in[MAX_SPATIAL];
} grid_plan;

/* Mirrors `x` at lo and hi until it lies between. */
static double reflect(double x, double lo, double hi)
{
    double range = hi - lo;
    if (range <= 0)
        return lo;
    double d = fmod(fabs(x - lo), 2 * range);
    return d <= range ? lo + d : hi - (d - range);
}

/* The input position that padding gives for `i`; -1: a zero. */
static int64_t grid_source(const grid_plan *p, int axis, double i)
{
    int64_t n = p->in[axis];
    switch (p->padding) {
    case GRID_BORDER:
        return i <= 0 ? 0 : i >= (double)n ? n - 1 : PX_MIN((int64_t)i, n - 1);
    case GRID_REFLECTION: {
        double lo = p->align_corners ? 0 : -0.5;
        double r = reflect(i, lo, (double)n - 1 - lo);
        return PX_MIN(PX_MAX((int64_t)r, 0), n - 1);
    }
    default:
        return i >= 0 && i < (double)n ? (int64_t)i : -1;
    }
}

static double cubic_weight(double d)
{
    const double a = -0.75;
    d = fabs(d);
    if (d <= 1)
        return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/* Taps of one axis for a normalised coordinate. */
static void grid_axis(const grid_plan *p, int axis, double g, int64_t *at, double *weight)
{
    double n = (double)p->in[axis], lo = p->align_corners ? 0 : -0.5;
    double x = p->align_corners ? (g + 1) / 2 * (n - 1) : ((g + 1) * n - 1) / 2;
    if (p->n_taps == 1)
        x = nearbyint(x);
    if (isnan(x))
        x = -2 * n - 8; /* nowhere near the input */
    if (x < lo || x > n - 1 - lo) {
        if (p->padding == GRID_BORDER)
            x = PX_MIN(PX_MAX(x, 0), n - 1);
        else if (p->padding == GRID_REFLECTION)
            x = reflect(x, lo, n - 1 - lo);
    }
    double first = floor(x) - (p->n_taps == 4);
    for (int i = 0; i < p->n_taps; i++) {
        double d = first + i - x;
        at[i] = grid_source(p, axis, first + i);
        weight[i] = p->n_taps == 4 ? cubic_weight(d) : p->n_taps == 2 ? 1 - fabs(d) : 1;
    }
}

typedef struct grid_job {
    const grid_plan *plan;
    const double *x, *grid;
    double *y;
    int64_t channels, n_in, n_points, n_combined; /* points and combined taps per batch member */
} grid_job;

/* All combined taps of a point: flat input offsets (-1: zero) and weights. */
static void grid_combine(const grid_plan *p, const double *g, int64_t *at, double *weight)
{
    int64_t n = 1;
    at[0] = 0;
    weight[0] = 1;
    for (int axis = 0; axis < p->n_spatial; axis++) {
        int64_t axis_at[4];
        double axis_weight[4];
        /* The grid names the innermost axis first. */
        grid_axis(p, axis, g[p->n_spatial - 1 - axis], axis_at, axis_weight);
        for (int64_t i = n - 1; i >= 0; i--) {
            int64_t base = at[i];
            double w = weight[i];
            for (int k = p->n_taps - 1; k >= 0; k--) {
                bool zero = base < 0 || axis_at[k] < 0;
                at[i * p->n_taps + k] = zero ? -1 : base * p->in[axis] + axis_at[k];
                weight[i * p->n_taps + k] = w * axis_weight[k];
            }
        }
        n *= p->n_taps;
    }
}

static void grid_points(void *arg, int64_t begin, int64_t end)
{
    const grid_job *job = arg;
    int64_t at[4096];
    double weight[4096];
    for (int64_t i = begin; i < end; i++) {
        int64_t batch = i / job->n_points, point = i % job->n_points;
        grid_combine(job->plan, job->grid + i * job->plan->n_spatial, at, weight);
        for (int64_t c = 0; c < job->channels; c++) {
            const double *x = job->x + (batch * job->channels + c) * job->n_in;
            double sum = 0;
            for (int64_t k = 0; k < job->n_combined; k++)
                sum += at[k] < 0 ? 0 : weight[k] * x[at[k]];
            job->y[(batch * job->channels + c) * job->n_points + point] = sum;
        }
    }
}

static pgy_status *grid_plan_of(px_ref_call *c, const pgy_tensor *x, grid_plan *p)
{
    px_str mode = px_ref_attr_s(c, "mode", "linear");
    px_str padding = px_ref_attr_s(c, "padding_mode", "zeros");
    p->align_corners = px_ref_attr_i(c, "align_corners", 0) != 0;
    p->n_taps = px_str_is(mode, "nearest")                                 ? 1
                : px_str_is(mode, "linear") || px_str_is(mode, "bilinear") ? 2
                : px_str_is(mode, "cubic") || px_str_is(mode, "bicubic")   ? 4
                                                                           : 0;
    if (px_str_is(padding, "zeros"))
        p->padding = GRID_ZEROS;
    else if (px_str_is(padding, "border"))
        p->padding = GRID_BORDER;
    else if (px_str_is(padding, "reflection"))
        p->padding = GRID_REFLECTION;
    else
        p->n_taps = 0;
    if (p->n_taps == 0)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "Mode \"%.*s\" or padding_mode \"%.*s\" is not known",
                           PX_STR_ARG(mode), PX_STR_ARG(padding));
    p->n_spatial = x->rank - 2;
    for (int i = 0; i < p->n_spatial; i++)
        p->in[i] = x->dims[2 + i];
    return NULL;
}

static pgy_status *grid_sample(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *grid;
    grid_plan p = {0};
    int64_t dims[PX_MAX_RANK];
    double *sums = NULL;
    void *y;
    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(px_ref_in_f64(c, 1, &grid));
    if (x->rank < 3 || x->rank > 2 + MAX_SPATIAL || grid->rank != x->rank ||
        grid->dims[x->rank - 1] != x->rank - 2 || grid->dims[0] != x->dims[0])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "A grid of rank %d does not fit an input of rank %d "
                           "(up to %d spatial dims)",
                           grid->rank, x->rank, MAX_SPATIAL));
    PX_TRY(grid_plan_of(c, x, &p));
    for (int i = 0; i < x->rank; i++)
        dims[i] = i < 2 ? x->dims[i] : grid->dims[i - 1];
    pgy_dtype declared = c->in[0].dtype;
    PX_TRY(px_ref_out(c, 0, declared, x->rank, dims, &y));
    int64_t count = px_move_span(dims, 0, x->rank);
    if (count == 0)
        goto done;
    if (x->count == 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The input has no elements to sample"));
    bool direct = px_ref_storage(declared) == PGY_DTYPE_F64;
    if (!direct)
        PX_TRY(PX_MOVE_SCRATCH(c, sums, count));
    grid_job job = {.plan = &p,
                    .x = x->data,
                    .grid = grid->data,
                    .y = direct ? y : sums,
                    .channels = dims[1],
                    .n_in = px_move_span(x->dims, 2, x->rank),
                    .n_points = px_move_span(dims, 2, x->rank),
                    .n_combined = 1};
    for (int i = 0; i < p.n_spatial; i++)
        job.n_combined *= p.n_taps;
    px_parallel_for(c->cx, dims[0] * job.n_points, 64, grid_points, &job);
    if (!direct)
        px_convert(px_ref_storage(declared), y, PGY_DTYPE_F64, sums, 0, count);
done:
    return st;
}

/* --- AffineGrid --- */

static double grid_step(int64_t i, int64_t n, bool align_corners)
{
    if (align_corners)
        return n > 1 ? -1 + 2 * (double)i / (double)(n - 1) : -1;
    return (2 * (double)i + 1) / (double)n - 1;
}

static pgy_status *affine_grid(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *theta;
    const int64_t *size;
    size_t n;
    int64_t dims[PX_MAX_RANK];
    void *out;
    bool align = px_ref_attr_i(c, "align_corners", 0) != 0;
    PX_TRY(px_ref_in_f64(c, 0, &theta));
    PX_TRY(px_ref_in_ints(c, 1, &size, &n));
    int k = (int)n - 2; /* spatial dims */
    if ((n != 4 && n != 5) || theta->rank != 3 || theta->dims[0] != size[0] ||
        theta->dims[1] != k || theta->dims[2] != k + 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "theta must be (N, 2, 3) for a size of 4 entries, "
                           "(N, 3, 4) for one of 5"));
    dims[0] = size[0];
    for (int i = 0; i < k; i++)
        dims[1 + i] = size[2 + i];
    dims[1 + k] = k;
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, k + 2, dims, &out));
    int64_t n_points = px_move_span(dims, 1, 1 + k);
    double *y = out;
    for (int64_t i = 0; n_points > 0 && i < dims[0] * n_points; i++) {
        const double *m = (const double *)theta->data + i / n_points * k * (k + 1);
        double at[3];
        int64_t rest = i % n_points;
        for (int a = 0; a < k; a++) { /* innermost axis is the first coordinate */
            at[a] = grid_step(rest % dims[k - a], dims[k - a], align);
            rest /= dims[k - a];
        }
        for (int r = 0; r < k; r++) {
            double v = m[r * (k + 1) + k];
            for (int a = 0; a < k; a++)
                v += m[r * (k + 1) + a] * at[a];
            y[i * k + r] = v;
        }
    }
done:
    return st;
}

/* --- NonMaxSuppression --- */

typedef struct nms_job {
    const double *boxes, *scores; /* of one batch member, of one class of it */
    bool is_center;
    double iou_limit;
} nms_job;

static bool higher_score(const void *arg, int64_t a, int64_t b)
{
    const double *scores = arg;
    return scores[a] > scores[b];
}

/* Lower and upper corner of a box. */
static void box_corners(const nms_job *job, int64_t i, double lo[2], double hi[2])
{
    const double *b = job->boxes + 4 * i;
    for (int k = 0; k < 2; k++) {
        double p = job->is_center ? b[k] - b[2 + k] / 2 : b[k];
        double q = job->is_center ? b[k] + b[2 + k] / 2 : b[2 + k];
        lo[k] = PX_MIN(p, q);
        hi[k] = PX_MAX(p, q);
    }
}

static bool overlaps(const nms_job *job, int64_t a, int64_t b)
{
    double alo[2], ahi[2], blo[2], bhi[2];
    box_corners(job, a, alo, ahi);
    box_corners(job, b, blo, bhi);
    double w = PX_MIN(ahi[0], bhi[0]) - PX_MAX(alo[0], blo[0]);
    double h = PX_MIN(ahi[1], bhi[1]) - PX_MAX(alo[1], blo[1]);
    double area_a = (ahi[0] - alo[0]) * (ahi[1] - alo[1]);
    double area_b = (bhi[0] - blo[0]) * (bhi[1] - blo[1]);
    if (!(w > 0 && h > 0 && area_a > 0 && area_b > 0))
        return false;
    return w * h / (area_a + area_b - w * h) > job->iou_limit;
}

typedef struct nms_output {
    int64_t *at; /* batch, class, box */
    size_t n, cap;
} nms_output;

static pgy_status *nms_class(const nms_job *job, int64_t batch, int64_t class, int64_t limit,
                             int64_t *order, int64_t *tmp, int64_t n, nms_output *out)
{
    pgy_status *st = NULL;
    int64_t n_kept = 0; /* tmp's front holds the kept ones after sorting */
    px_move_sort(order, tmp, n, higher_score, job->scores);
    for (int64_t i = 0; i < n && n_kept < limit; i++) {
        bool keep = true;
        for (int64_t k = 0; keep && k < n_kept; k++)
            keep = !overlaps(job, tmp[k], order[i]);
        if (!keep)
            continue;
        tmp[n_kept++] = order[i];
        PX_TRY(PX_RESERVE(out, 3));
        out->at[out->n++] = batch;
        out->at[out->n++] = class;
        out->at[out->n++] = order[i];
    }
done:
    return st;
}

static pgy_status *non_max_suppression(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *boxes, *scores;
    int64_t limit = 0, *order, *tmp;
    double floor_score = 0;
    nms_job job = {.is_center = px_ref_attr_i(c, "center_point_box", 0) != 0};
    nms_output out = {0};
    void *y;
    PX_TRY(px_ref_in_f64(c, 0, &boxes));
    PX_TRY(px_ref_in_f64(c, 1, &scores));
    if (px_ref_has(c, 2))
        PX_TRY(px_move_in_int(c, 2, &limit));
    if (px_ref_has(c, 3))
        PX_TRY(px_move_in_number(c, 3, &job.iou_limit));
    bool has_floor = px_ref_has(c, 4);
    if (has_floor)
        PX_TRY(px_move_in_number(c, 4, &floor_score));
    if (boxes->rank != 3 || scores->rank != 3 || boxes->dims[2] != 4 ||
        boxes->dims[0] != scores->dims[0] || boxes->dims[1] != scores->dims[2])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "Boxes must be (batch, n, 4), scores (batch, classes, "
                           "n)"));
    int64_t n = boxes->dims[1], classes = scores->dims[1];
    PX_TRY(PX_MOVE_SCRATCH(c, order, n));
    PX_TRY(PX_MOVE_SCRATCH(c, tmp, n));
    for (int64_t i = 0; n > 0 && i < scores->dims[0] * classes; i++) {
        int64_t n_left = 0;
        job.boxes = (const double *)boxes->data + i / classes * n * 4;
        job.scores = (const double *)scores->data + i * n;
        for (int64_t k = 0; k < n; k++)
            if (!has_floor || job.scores[k] > floor_score)
                order[n_left++] = k;
        PX_TRY(nms_class(&job, i / classes, i % classes, limit, order, tmp, n_left, &out));
    }
    int64_t dims[2] = {(int64_t)(out.n / 3), 3};
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_I64, 2, dims, &y));
    if (out.n > 0)
        memcpy(y, out.at, out.n * sizeof *out.at);
done:
    px_mem_free(out.at);
    return st;
}

static const px_ref_op rows[] = {
    {"", "AffineGrid", 20, 2, 2, 1, 1, affine_grid},
    {"", "GridSample", 16, 2, 2, 1, 1, grid_sample},
    {"", "NonMaxSuppression", 10, 2, 5, 1, 1, non_max_suppression},
};

const px_ref_family px_ref_family_image = {rows, PX_COUNTOF(rows)};
