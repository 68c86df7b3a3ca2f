/* backend/ref/op/conv_transpose.c - ConvTranspose and DeformConv.
 *
 * ConvTranspose is the product of the transposed weights with the input, giving for each input
 * position what it adds to each output element under its window; the second step adds that up.
 */
#include "backend/ref/op/conv.h"
#include "backend/ref/op/move.h"
#include "backend/ref/plan.h"

#include <math.h>
#include <stdatomic.h>

/* --- shapes of ConvTranspose --- */

static pgy_status *dim_list(px_ref_call *c, const char *name, int rank, int64_t otherwise,
                            int64_t *out)
{
    const int64_t *at = NULL;
    size_t n = 0;
    const bool given = px_ref_attr_ints(c, name, &at, &n);
    /* output_shape may list batch and channels too. */
    if (given && n == (size_t)rank + 2) {
        at += 2;
        n -= 2;
    }
    if (given && n != (size_t)rank)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "%s has %zu numbers; %d are wanted", name, n, rank);
    for (int d = 0; d < rank; d++) {
        out[d] = given ? at[d] : otherwise;
        if (out[d] < otherwise || out[d] > INT32_MAX)
            return PX_REF_FAIL(c, PGY_ERR_MODEL, "%s holds %lld", name, (long long)out[d]);
    }
    return NULL;
}

/* Standard, ConvTranspose: output_shape, or auto_pad, or what pads and output_padding give. */
static pgy_status *transpose_shape(px_ref_call *c, px_ref_window *w)
{
    pgy_status *st = NULL;
    int64_t shape[PX_MAX_RANK], extra[PX_MAX_RANK];
    const px_geo_auto_pad auto_pad = px_geo_auto_pad_of(px_ref_attr_s(c, "auto_pad", "NOTSET"));

    PX_TRY(dim_list(c, "output_shape", w->rank, -1, shape));
    PX_TRY(dim_list(c, "output_padding", w->rank, 0, extra));
    for (int d = 0; d < w->rank; d++) {
        px_geo_window dim = px_ref_window_dim(w, d);
        dim.auto_pad = auto_pad;
        dim.extra = extra[d];
        dim.wanted = shape[d];
        w->out[d] = px_geo_transposed_out(&dim, w->in[d]);
        w->pad[d] = dim.pad;
        w->pad_end[d] = dim.pad_end;
        if (w->out[d] == PX_GEO_NONE)
            PX_TRY(
                PX_REF_FAIL(c, PGY_ERR_MODEL, "pads remove more than there is in dimension %d", d));
    }
    PX_TRY(px_ref_window_count(c, w));
done:
    return st;
}

/* --- adding up --- */

typedef struct scatter_job {
    const px_ref_window *w;
    const double *cols; /* [channels][n_kernel][n_in] */
    const double *bias;
    double *out; /* [channels][n_out] */
} scatter_job;

/* Input positions [*lo, *hi) whose kernel element `k` lands inside the output, dimension `d`. */
static void landing(const px_ref_window *w, int d, int64_t k, int64_t *lo, int64_t *hi)
{
    const int64_t first = k * w->dilation[d] - w->pad[d], step = w->stride[d];
    *lo = first >= 0 ? 0 : (-first + step - 1) / step;
    *hi = first >= w->out[d] ? 0 : (w->out[d] - first + step - 1) / step;
    *lo = PX_MIN(*lo, w->in[d]);
    *hi = PX_MAX(PX_MIN(*hi, w->in[d]), *lo);
}

/* Output offset of input row `row` under outer kernel index `tap_row`; -1 when it is cut off. */
static int64_t output_row(const px_ref_window *w, int64_t row, int64_t tap_row)
{
    int64_t at = 0, stride = w->out[w->rank - 1];
    for (int d = w->rank - 2; d >= 0; d--) {
        const int64_t i = row % w->in[d], k = tap_row % w->kernel[d];
        row /= w->in[d];
        tap_row /= w->kernel[d];
        const int64_t o = i * w->stride[d] - w->pad[d] + k * w->dilation[d];
        if (o < 0 || o >= w->out[d])
            return -1;
        at += o * stride;
        stride *= w->out[d];
    }
    return at;
}

static void scatter_range(void *arg, int64_t begin, int64_t end)
{
    const scatter_job *job = arg;
    const px_ref_window *w = job->w;
    const int d = w->rank - 1;
    const int64_t width = w->in[d], rows = width ? w->n_in / width : 0;

    for (int64_t m = begin; m < end; m++) {
        double *out = job->out + m * w->n_out;
        for (int64_t o = 0; o < w->n_out; o++)
            out[o] = job->bias ? job->bias[m] : 0;
        for (int64_t tap = 0; tap < w->n_kernel; tap++) {
            const double *cols = job->cols + (m * w->n_kernel + tap) * w->n_in;
            const int64_t k = tap % w->kernel[d];
            int64_t lo = 0, hi = 0;
            landing(w, d, k, &lo, &hi);
            for (int64_t row = 0; row < rows; row++) {
                const int64_t at = output_row(w, row, tap / w->kernel[d]);
                if (at < 0)
                    continue;
                double *y = out + at + k * w->dilation[d] - w->pad[d];
                for (int64_t i = lo; i < hi; i++)
                    y[i * w->stride[d]] += cols[row * width + i];
            }
        }
    }
}

static pgy_status *transpose_init(px_ref_call *c, const pgy_tensor *x, const pgy_tensor *w,
                                  px_conv *cv)
{
    pgy_status *st = NULL;
    memset(cv, 0, sizeof *cv);
    if (w->rank != x->rank || w->rank < 3)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "weights of rank %d for an input of rank %d", w->rank,
                           x->rank));
    PX_TRY(px_ref_window_attrs(c, x, w->dims + 2, &cv->w));
    PX_TRY(transpose_shape(c, &cv->w));
    cv->groups = px_ref_attr_i(c, "group", 1);
    if (cv->groups < 1 || w->dims[0] != x->dims[1] || x->dims[1] % cv->groups != 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "%lld input channels in %lld groups do not fit weights of %lld x %lld",
                           (long long)x->dims[1], (long long)cv->groups, (long long)w->dims[0],
                           (long long)w->dims[1]));
    cv->batch = x->dims[0];
    cv->group_in = x->dims[1] / cv->groups;
    cv->group_out = w->dims[1];
    cv->rank = x->rank;
    cv->dims[0] = cv->batch;
    size_t channels = 0;
    if (!px_size_mul((size_t)cv->group_out, (size_t)cv->groups, &channels) || channels > INT32_MAX)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "too many output channels"));
    cv->dims[1] = (int64_t)channels;
    memcpy(cv->dims + 2, cv->w.out, (size_t)cv->w.rank * sizeof *cv->dims);
done:
    return st;
}

static pgy_status *conv_transpose(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL, *w = NULL;
    px_conv cv;
    px_ref_buf *buf = NULL;
    double *cols = NULL;
    void *out = NULL;
    size_t count = 0;

    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(px_ref_in_f64(c, 1, &w));
    PX_TRY(transpose_init(c, x, w, &cv));
    PX_TRY(px_conv_bias(c, 2, &cv, &cv.bias));
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, cv.rank, cv.dims, &out));
    if (!px_size_mul((size_t)cv.group_out, (size_t)cv.w.n_kernel, &count) ||
        !px_size_mul(count, (size_t)cv.w.n_in, &count) || count > INT64_MAX / 8)
        PX_TRY(px_status_nomem());
    PX_TRY(px_ref_temp(c, count, &buf, &cols));
    const int64_t m = cv.group_out * cv.w.n_kernel;
    for (int64_t i = 0; i < cv.batch * cv.groups && cv.w.n_out > 0; i++) {
        const int64_t g = i % cv.groups;
        PX_TRY(px_ref_gemm(c->cx, true, false, m, cv.w.n_in, cv.group_in, 1,
                           (const double *)w->data + g * cv.group_in * m, m,
                           (const double *)x->data + i * cv.group_in * cv.w.n_in, cv.w.n_in, 0,
                           cols, cv.w.n_in));
        scatter_job job = {.w = &cv.w,
                           .cols = cols,
                           .bias = cv.bias ? cv.bias + g * cv.group_out : NULL,
                           .out = (double *)out + i * cv.group_out * cv.w.n_out};
        px_parallel_for(c->cx, cv.group_out, 1, scatter_range, &job);
    }
done:
    px_ref_buf_free(buf);
    return st;
}

/* --- DeformConv --- */

/* Columns of the unrolled input where each kernel element reads at a shifted, fractional place. */
typedef struct deform {
    const px_ref_window *w;
    const double *x;      /* first channel of the group */
    const double *offset; /* [offset_groups][n_kernel][2][n_out] */
    const double *mask;   /* NULL or [offset_groups][n_kernel][n_out] */
    int64_t channels;
    int64_t first_channel;   /* of the group, among all */
    int64_t offset_channels; /* channels that share offsets */
} deform;

/* Bilinear, with zeros outside the image. */
static double sample(const double *x, int64_t h, int64_t w, double y, double z)
{
    if (!(y > -1 && y < (double)h && z > -1 && z < (double)w))
        return 0;
    const int64_t y0 = (int64_t)floor(y), z0 = (int64_t)floor(z);
    const double fy = y - (double)y0, fz = z - (double)z0;
    double sum = 0;
    for (int64_t i = 0; i < 2; i++)
        for (int64_t j = 0; j < 2; j++) {
            const int64_t yy = y0 + i, zz = z0 + j;
            if (yy >= 0 && yy < h && zz >= 0 && zz < w)
                sum += (i ? fy : 1 - fy) * (j ? fz : 1 - fz) * x[yy * w + zz];
        }
    return sum;
}

static void pack_deformed(const void *source, const px_gemm_isa *isa, int64_t j, int64_t n,
                          double *panel)
{
    const deform *d = source;
    const px_ref_window *w = d->w;
    memset(panel, 0, (size_t)(d->channels * w->n_kernel * isa->nr) * sizeof *panel);
    for (int64_t c = 0; c < d->channels; c++) {
        const int64_t og = (d->first_channel + c) / d->offset_channels;
        for (int64_t tap = 0; tap < w->n_kernel; tap++)
            for (int64_t i = 0; i < n; i++) {
                const int64_t o = j + i, oy = o / w->out[1], oz = o % w->out[1];
                const int64_t at = og * w->n_kernel + tap;
                const double y =
                    (double)(oy * w->stride[0] - w->pad[0] + tap / w->kernel[1] * w->dilation[0]) +
                    d->offset[at * 2 * w->n_out + o];
                const double z =
                    (double)(oz * w->stride[1] - w->pad[1] + tap % w->kernel[1] * w->dilation[1]) +
                    d->offset[(at * 2 + 1) * w->n_out + o];
                const double v = sample(d->x + c * w->n_in, w->in[0], w->in[1], y, z);
                panel[(c * w->n_kernel + tap) * isa->nr + i] =
                    d->mask ? v * d->mask[at * w->n_out + o] : v;
            }
    }
}

/* Checks that input `i` holds [batch][channels][out...]. */
static pgy_status *deform_side_input(px_ref_call *c, size_t i, const px_conv *cv, int64_t channels,
                                     const double **out)
{
    pgy_status *st = NULL;
    const pgy_tensor *t = NULL;
    PX_TRY(px_ref_in_f64(c, i, &t));
    if (t->rank != 4 || t->dims[0] != cv->batch || t->dims[1] != channels ||
        t->dims[2] != cv->w.out[0] || t->dims[3] != cv->w.out[1])
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "input %zu does not have %lld channels over the output", i,
                           (long long)channels));
    *out = t->data;
done:
    return st;
}

static pgy_status *deform_conv(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x = NULL, *w = NULL;
    const double *offset = NULL, *mask = NULL;
    const px_gemm_isa *isa = px_gemm_isa_get();
    px_ref_buf *buf = NULL;
    double *packed = NULL;
    px_conv cv;
    void *out = NULL;
    size_t count = 0;

    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(px_ref_in_f64(c, 1, &w));
    PX_TRY(px_conv_init(c, x, w, &cv));
    if (cv.w.rank != 2)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_UNSUPPORTED, "%d spatial dimensions; 2 are supported",
                           cv.w.rank));
    const int64_t offset_groups = px_ref_attr_i(c, "offset_group", 1), all = x->dims[1];
    if (offset_groups < 1 || offset_groups > PX_MAX(all, (int64_t)1) || all % offset_groups != 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld channels in %lld offset groups", (long long)all,
                           (long long)offset_groups));
    const int64_t taps = offset_groups * cv.w.n_kernel;
    PX_TRY(deform_side_input(c, 2, &cv, taps * 2, &offset));
    if (px_ref_has(c, 4))
        PX_TRY(deform_side_input(c, 4, &cv, taps, &mask));
    PX_TRY(px_conv_bias(c, 3, &cv, &cv.bias));
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, cv.rank, cv.dims, &out));
    const int64_t k = cv.group_in * cv.w.n_kernel;
    if (!px_gemm_packed_count(cv.group_out, isa->mr, k, &count))
        PX_TRY(px_status_nomem());
    PX_TRY(px_ref_temp(c, count, &buf, &packed));
    for (int64_t i = 0; i < cv.batch * cv.groups; i++) {
        const int64_t n = i / cv.groups, g = i % cv.groups;
        px_gemm_pack_a(c->cx, isa, cv.group_out, k, (const double *)w->data + g * cv.group_out * k,
                       k, 1, packed);
        const deform source = {.w = &cv.w,
                               .x = (const double *)x->data + i * cv.group_in * cv.w.n_in,
                               .offset = offset + n * taps * 2 * cv.w.n_out,
                               .mask = mask ? mask + n * taps * cv.w.n_out : NULL,
                               .channels = cv.group_in,
                               .first_channel = g * cv.group_in,
                               .offset_channels = PX_MAX(all / offset_groups, (int64_t)1)};
        const px_gemm_job job = {.isa = isa,
                                 .m = cv.group_out,
                                 .n = cv.w.n_out,
                                 .k = k,
                                 .a = packed,
                                 .pack = pack_deformed,
                                 .source = &source,
                                 .alpha = 1,
                                 .row_start = cv.bias ? cv.bias + g * cv.group_out : NULL,
                                 .c = (double *)out + i * cv.group_out * cv.w.n_out,
                                 .ldc = cv.w.n_out};
        PX_TRY(px_gemm_run(c->cx, &job));
    }
done:
    px_ref_buf_free(buf);
    return st;
}

static const px_ref_op ops[] = {
    {"", "ConvTranspose", 1, 2, 3, 1, 1, conv_transpose},
    {"", "DeformConv", 19, 3, 5, 1, 1, deform_conv},
};

const px_ref_family px_ref_family_conv_transpose = {ops, PX_COUNTOF(ops)};
