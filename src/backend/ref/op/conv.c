/* backend/ref/op/conv.c - Conv, ConvInteger, QLinearConv.
 *
 * A convolution is a matrix product of the weights [channels out x (channels in * kernel)] with
 * the input unrolled to [(channels in * kernel) x positions]. The unrolled matrix is never stored:
 * the product asks for its columns panel by panel, and pack_columns reads them off the input.
 * One input channel per group (depthwise) leaves nothing to multiply: that is a sum of shifted
 * rows. Conv with 3 x 3 kernels on float32 or less goes by Winograd's transform where that pays
 * (winograd.h); float64 and the 8-bit forms never do.
 */
#include "backend/ref/op/conv.h"
#include "backend/ref/op/move.h"
#include "backend/ref/op/winograd.h"
#include "backend/ref/plan.h"

#include <math.h>
#include <stdatomic.h>

/* --- columns of the unrolled input --- */

typedef struct columns {
    const px_ref_window *w;
    const double *x; /* first channel of the group */
    int64_t channels;
} columns;

enum { TAPS_AT_ONCE = 64, MAX_SEGMENTS = PX_GEMM_MAX_NR };

/* Columns of a panel that lie in one row of the output. */
typedef struct segment {
    int at, n;   /* where in the panel */
    int64_t row; /* flat index over the outer output dimensions */
    int64_t o;   /* position in the innermost one */
} segment;

/* What one kernel element reads for one segment: columns [lo, hi) from x + from. */
typedef struct tap_range {
    int64_t from;
    int lo, hi;
} tap_range;

static int cut_segments(const px_ref_window *w, int64_t j, int64_t n, segment *out)
{
    const int64_t width = w->out[w->rank - 1];
    int n_out = 0;
    for (int64_t at = 0; at < n;) {
        segment s = {.at = (int)at, .row = (j + at) / width, .o = (j + at) % width};
        s.n = (int)PX_MIN(n - at, width - s.o);
        out[n_out++] = s;
        at += s.n;
    }
    return n_out;
}

/* Offset of the input row that outer kernel index `tap_row` reads for output row `row`; -1 when
 * it is padding. */
static int64_t input_row(const px_ref_window *w, int64_t row, int64_t tap_row)
{
    int64_t at = 0, stride = w->in[w->rank - 1];
    for (int d = w->rank - 2; d >= 0; d--) {
        const int64_t o = row % w->out[d], k = tap_row % w->kernel[d];
        row /= w->out[d];
        tap_row /= w->kernel[d];
        const int64_t i = o * w->stride[d] - w->pad[d] + k * w->dilation[d];
        if (i < 0 || i >= w->in[d])
            return -1;
        at += i * stride;
        stride *= w->in[d];
    }
    return at;
}

/* Positions [*lo, *hi) of `n` whose element `first + i * step` lies in [0, size). */
static void clip(int64_t first, int64_t step, int64_t size, int64_t n, int64_t *lo, int64_t *hi)
{
    const int64_t begin = first >= 0 ? 0 : (-first + step - 1) / step;
    const int64_t end = first >= size ? 0 : (size - first + step - 1) / step;
    *lo = PX_MIN(begin, n);
    *hi = PX_MAX(PX_MIN(end, n), *lo);
}

static tap_range range_of(const px_ref_window *w, const segment *s, int64_t tap)
{
    const int d = w->rank - 1;
    const int64_t base = input_row(w, s->row, tap / w->kernel[d]);
    const int64_t first = s->o * w->stride[d] - w->pad[d] + tap % w->kernel[d] * w->dilation[d];
    int64_t lo = 0, hi = 0;
    if (base >= 0)
        clip(first, w->stride[d], w->in[d], s->n, &lo, &hi);
    return (tap_range){
        .from = lo < hi ? base + first + lo * w->stride[d] : 0, .lo = (int)lo, .hi = (int)hi};
}

static void copy_segment(double *out, int n, const tap_range *r, const double *x, int64_t step)
{
    const double *from = x + r->from;
    if (step == 1 && r->lo == 0 && r->hi == 12 && n == 12) {
        memcpy(out, from, 12 * sizeof *out); /* a length the compiler knows is worth it */
        return;
    }
    for (int j = 0; j < r->lo; j++)
        out[j] = 0;
    for (int j = r->lo; j < r->hi; j++)
        out[j] = from[(j - r->lo) * step];
    for (int j = r->hi; j < n; j++)
        out[j] = 0;
}

static void pack_columns(const void *source, const px_gemm_isa *isa, int64_t j, int64_t n,
                         double *panel)
{
    const columns *cols = source;
    const px_ref_window *w = cols->w;
    const int64_t step = w->stride[w->rank - 1];
    segment segments[MAX_SEGMENTS];
    tap_range ranges[TAPS_AT_ONCE][MAX_SEGMENTS];
    const int n_segments = cut_segments(w, j, n, segments);

    for (int64_t tap0 = 0; tap0 < w->n_kernel; tap0 += TAPS_AT_ONCE) {
        const int n_taps = (int)PX_MIN(w->n_kernel - tap0, (int64_t)TAPS_AT_ONCE);
        for (int t = 0; t < n_taps; t++)
            for (int s = 0; s < n_segments; s++)
                ranges[t][s] = range_of(w, &segments[s], tap0 + t);
        for (int64_t c = 0; c < cols->channels; c++) {
            const double *x = cols->x + c * w->n_in;
            double *out = panel + (c * w->n_kernel + tap0) * isa->nr;
            for (int t = 0; t < n_taps; t++, out += isa->nr) {
                for (int s = 0; s < n_segments; s++)
                    copy_segment(out + segments[s].at, segments[s].n, &ranges[t][s], x, step);
                for (int64_t i = n; i < isa->nr; i++)
                    out[i] = 0;
            }
        }
    }
}

/* --- products --- */

typedef struct conv_job {
    const px_conv *cv;
    pgy_context *cx;
    const px_gemm_isa *isa;
    px_gemm_matrix weights; /* of all groups, one below the other */
    pgy_status *_Atomic failed;
} conv_job;

/* A 1x1 kernel that visits each position once: the input is the unrolled matrix. */
static bool is_plain(const px_ref_window *w)
{
    for (int d = 0; d < w->rank; d++)
        if (w->kernel[d] != 1 || w->stride[d] != 1 || w->pad[d] != 0 || w->pad_end[d] != 0)
            return false;
    return true;
}

/* Products [begin, end) of batch * groups. */
static void conv_products(void *arg, int64_t begin, int64_t end)
{
    conv_job *job = arg;
    const px_conv *cv = job->cv;
    const px_ref_window *w = &cv->w;
    const int64_t k = cv->group_in * w->n_kernel;
    const bool plain = is_plain(w);

    for (int64_t i = begin; i < end; i++) {
        const int64_t g = i % cv->groups;
        px_gemm_matrix rows = job->weights;
        rows.at = (const char *)rows.at +
                  g * cv->group_out * k * (int64_t)(rows.is_f32 ? sizeof(float) : sizeof(double));
        const double *x = cv->x + i * cv->group_in * w->n_in;
        const columns unrolled = {.w = w, .x = x, .channels = cv->group_in};
        const px_gemm_matrix matrix = {.at = x, .row = w->n_in, .col = 1, .k = k};
        const px_gemm_job gemm = {.isa = job->isa,
                                  .m = cv->group_out,
                                  .n = w->n_out,
                                  .k = k,
                                  .rows = rows,
                                  .pack = plain ? px_gemm_pack_matrix : pack_columns,
                                  .source = plain ? (const void *)&matrix : &unrolled,
                                  .alpha = 1,
                                  .row_start = cv->bias ? cv->bias + g * cv->group_out : NULL,
                                  .c = cv->out + i * cv->group_out * w->n_out,
                                  .ldc = w->n_out};
        pgy_status *st = px_gemm_run(job->cx, &gemm);
        if (st)
            pgy_status_free(atomic_exchange(&job->failed, st));
    }
}

/* --- depthwise --- */

typedef struct depth_job {
    const px_conv *cv;
    const double *weights;
    px_gemm_axpy_fn axpy;
} depth_job;

/* One output channel: each kernel element adds a scaled, shifted row. */
static void depth_plane(const depth_job *job, const double *x, const double *taps, double start,
                        double *out)
{
    const px_ref_window *w = &job->cv->w;
    const int d = w->rank - 1;
    const int64_t width = w->out[d], rows = w->n_out / width, step = w->stride[d];
    for (int64_t row = 0; row < rows; row++) {
        double *y = out + row * width;
        for (int64_t o = 0; o < width; o++)
            y[o] = start;
        for (int64_t tap = 0; tap < w->n_kernel; tap++) {
            const int64_t base = input_row(w, row, tap / w->kernel[d]);
            const int64_t first = tap % w->kernel[d] * w->dilation[d] - w->pad[d];
            int64_t lo = 0, hi = 0;
            if (base >= 0)
                clip(first, step, w->in[d], width, &lo, &hi);
            if (lo < hi)
                job->axpy(hi - lo, taps[tap], x + base + first + lo * step, step, y + lo);
        }
    }
}

static void depth_range(void *arg, int64_t begin, int64_t end)
{
    const depth_job *job = arg;
    const px_conv *cv = job->cv;
    const int64_t channels = cv->groups * cv->group_out;
    for (int64_t i = begin; i < end; i++) {
        const int64_t m = i % channels;
        depth_plane(job, cv->x + i / cv->group_out * cv->w.n_in, job->weights + m * cv->w.n_kernel,
                    cv->bias ? cv->bias[m] : 0, cv->out + i * cv->w.n_out);
    }
}

/* --- the whole --- */

pgy_status *px_conv_init(px_ref_call *c, const pgy_tensor *x, const pgy_tensor *w, px_conv *cv)
{
    pgy_status *st = NULL;

    memset(cv, 0, sizeof *cv);
    if (w->rank != x->rank || w->rank < 3)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "weights of rank %d for an input of rank %d", w->rank,
                           x->rank));
    PX_TRY(px_ref_window_init(c, x, w->dims + 2, &cv->w));
    cv->groups = px_ref_attr_i(c, "group", 1);
    cv->batch = x->dims[0];
    cv->group_in = w->dims[1];
    if (cv->groups < 1 || w->dims[0] % cv->groups != 0 || x->dims[1] % cv->groups != 0 ||
        x->dims[1] / cv->groups != w->dims[1])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "%lld input channels in %lld groups do not fit weights of %lld x %lld",
                           (long long)x->dims[1], (long long)cv->groups, (long long)w->dims[0],
                           (long long)w->dims[1]));
    cv->group_out = w->dims[0] / cv->groups;
    cv->rank = x->rank;
    cv->dims[0] = cv->batch;
    cv->dims[1] = w->dims[0];
    memcpy(cv->dims + 2, cv->w.out, (size_t)cv->w.rank * sizeof *cv->dims);
done:
    return st;
}

pgy_status *px_conv_bias(px_ref_call *c, size_t i, const px_conv *cv, const double **out)
{
    pgy_status *st = NULL;
    const pgy_tensor *b = NULL;
    *out = NULL;
    if (!px_ref_has(c, i))
        return NULL;
    PX_TRY(px_ref_in_f64(c, i, &b));
    if (b->count != cv->groups * cv->group_out)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "the bias has %lld elements; %lld are wanted",
                           (long long)b->count, (long long)(cv->groups * cv->group_out)));
    *out = b->data;
done:
    return st;
}

pgy_status *px_conv_run(px_ref_call *c, const px_conv *cv, const pgy_tensor *w)
{
    const bool is_f32 = w->dtype == PGY_DTYPE_F32;
    const int64_t products = cv->batch * cv->groups, k = cv->group_in * cv->w.n_kernel;
    const px_gemm_isa *isa = px_gemm_isa_get();

    if (products == 0 || cv->group_out == 0 || cv->w.n_out == 0)
        return NULL;
    if (cv->group_in == 1 && cv->groups > 1) {
        depth_job job = {.cv = cv, .weights = w->data, .axpy = isa->axpy};
        if (is_f32) {
            double *widened = px_arena_calloc(c->scratch, (size_t)w->count, sizeof *widened);
            if (!widened)
                return px_status_nomem();
            isa->widen(w->count, w->data, widened);
            job.weights = widened;
        }
        px_parallel_for(c->cx, products * cv->group_out, 1, depth_range, &job);
        return NULL;
    }
    conv_job job = {.cv = cv,
                    .isa = isa,
                    .weights = {.at = w->data, .is_f32 = is_f32, .row = k, .col = 1, .k = k}};
    atomic_init(&job.failed, NULL);
    /* Small products one to a thread, large ones with all threads inside. */
    if (products > 1 && (double)cv->group_out * (double)k * (double)cv->w.n_out < 4e6) {
        px_parallel_for(c->cx, products, 1, conv_products, &job);
    } else {
        job.cx = c->cx;
        conv_products(&job, 0, products);
    }
    return atomic_load(&job.failed);
}

/* By Winograd's transform. *out_done is false when it is not for this convolution or its numbers.
 */
static pgy_status *try_winograd(px_ref_call *c, const px_conv *cv, const pgy_tensor *w,
                                bool *out_done)
{
    pgy_status *st = NULL;
    px_ref_buf *buf = NULL;
    double *work = NULL;
    size_t count = 0;
    const px_winograd wg = {.cv = cv,
                            .isa = px_gemm_isa_get(),
                            .transforms = px_winograd_isa_get(),
                            .weights = w->data,
                            .is_f32 = w->dtype == PGY_DTYPE_F32};

    *out_done = false;
    if (c->in[0].dtype == PGY_DTYPE_F64 || !px_winograd_pays(cv))
        return NULL;
    if (!px_winograd_work(c->cx, &wg, &count))
        PX_TRY(px_status_nomem());
    PX_TRY(px_ref_temp(c, count, &buf, &work));
    *out_done = px_winograd_run(c->cx, &wg, work);
done:
    px_ref_buf_free(buf);
    return st;
}

static pgy_status *conv(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL, *w = NULL;
    px_conv cv;
    void *out = NULL;
    bool is_done = false;

    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(px_ref_in_float(c, 1, &w));
    PX_TRY(px_conv_init(c, x, w, &cv));
    PX_TRY(px_conv_bias(c, 2, &cv, &cv.bias));
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, cv.rank, cv.dims, &out));
    cv.x = x->data;
    cv.out = out;
    PX_TRY(try_winograd(c, &cv, w, &is_done));
    if (!is_done)
        PX_TRY(px_conv_run(c, &cv, w));
done:
    return st;
}

/* --- 8-bit: exact in float64, see matmul.c --- */

/* Input `i` as float64 in scratch, less zero point `zero`: a scalar, or one for each of the
 * `lines` equal parts of the array. */
static pgy_status *less_zero(px_ref_call *c, size_t i, size_t zero, int64_t lines,
                             const pgy_tensor **out)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL, *z = NULL, *stored = NULL;

    PX_TRY(px_ref_in(c, i, &stored));
    if (!px_dtype_is_int(stored->dtype))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "input %zu has type %s where integers are wanted", i,
                           pgy_dtype_name(c->in[i].dtype)));
    PX_TRY(px_ref_in_f64(c, i, &x)); /* a copy, since it is not stored as F64 */
    if (px_ref_has(c, zero)) {
        PX_TRY(px_ref_in_f64(c, zero, &z));
        if (z->count != 1 && z->count != lines)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "zero point %zu has %lld elements; 1 or %lld are wanted", zero,
                               (long long)z->count, (long long)lines));
        const double *zeros = z->data;
        double *at = x->data;
        const int64_t part = PX_MAX(x->count / PX_MAX(lines, (int64_t)1), (int64_t)1);
        for (int64_t e = 0; e < x->count; e++)
            at[e] -= zeros[z->count == 1 ? 0 : e / part];
    }
    *out = x;
done:
    return st;
}

static pgy_status *conv_integer(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL, *w = NULL, *stored = NULL;
    px_conv cv;
    void *out = NULL;

    PX_TRY(px_ref_in(c, 1, &stored));
    PX_TRY(less_zero(c, 0, 2, 1, &x));
    PX_TRY(less_zero(c, 1, 3, stored->rank > 0 ? stored->dims[0] : 1, &w));
    PX_TRY(px_conv_init(c, x, w, &cv));
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_I32, cv.rank, cv.dims, &out));
    const int64_t count = c->out[0].t->count;
    cv.x = x->data;
    cv.out = px_arena_calloc(c->scratch, (size_t)count + 1, sizeof *cv.out);
    if (!cv.out)
        PX_TRY(px_status_nomem());
    PX_TRY(px_conv_run(c, &cv, w));
    for (int64_t i = 0; i < count; i++)
        ((int32_t *)out)[i] = (int32_t)(uint32_t)(int64_t)cv.out[i];
done:
    return st;
}

static pgy_status *qlinear_conv(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL, *w = NULL, *sx = NULL, *sw = NULL, *sy = NULL, *zy = NULL;
    const pgy_tensor *stored = NULL, *like = NULL;
    px_conv cv;
    void *out = NULL;

    PX_TRY(px_ref_in(c, 3, &stored));
    PX_TRY(less_zero(c, 0, 2, 1, &x));
    PX_TRY(less_zero(c, 3, 5, stored->rank > 0 ? stored->dims[0] : 1, &w));
    PX_TRY(px_ref_in_f64(c, 1, &sx));
    PX_TRY(px_ref_in_f64(c, 4, &sw));
    PX_TRY(px_ref_in_f64(c, 6, &sy));
    PX_TRY(px_ref_in_f64(c, 7, &zy));
    PX_TRY(px_ref_in(c, 7, &like));
    PX_TRY(px_conv_init(c, x, w, &cv));
    PX_TRY(px_conv_bias(c, 8, &cv, &cv.bias));
    const int64_t channels = cv.groups * cv.group_out;
    if (sx->count != 1 || sy->count != 1 || zy->count != 1 ||
        (sw->count != 1 && sw->count != channels) || !px_dtype_is_int(like->dtype))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "scales and zero points have a wrong shape or type"));
    PX_TRY(px_ref_out(c, 0, c->in[7].dtype, cv.rank, cv.dims, &out));
    const int64_t count = c->out[0].t->count;
    cv.x = x->data;
    cv.out = px_arena_calloc(c->scratch, (size_t)count + 1, sizeof *cv.out);
    if (!cv.out)
        PX_TRY(px_status_nomem());
    PX_TRY(px_conv_run(c, &cv, w));
    const double low = like->dtype == PGY_DTYPE_I8 ? -128 : 0, high = low + 255;
    const double zero = *(const double *)zy->data, *scales = sw->data;
    for (int64_t i = 0; i < count; i++) {
        const double scale = *(const double *)sx->data *
                             scales[sw->count == 1 ? 0 : i / cv.w.n_out % channels] /
                             *(const double *)sy->data;
        cv.out[i] = fmin(fmax(rint(cv.out[i] * scale) + zero, low), high);
    }
    px_convert(like->dtype, out, PGY_DTYPE_F64, cv.out, 0, count);
done:
    return st;
}

static const px_ref_op ops[] = {
    {"", "Conv", 1, 2, 3, 1, 1, conv},
    {"", "ConvInteger", 10, 2, 4, 1, 1, conv_integer},
    {"", "QLinearConv", 10, 8, 9, 1, 1, qlinear_conv},
};

const px_ref_family px_ref_family_conv = {ops, PX_COUNTOF(ops)};
