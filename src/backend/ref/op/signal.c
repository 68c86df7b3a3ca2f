/* backend/ref/op/signal.c - DFT, STFT, window functions, MelWeightMatrix.
 *
 * A transform of 2^k points is the radix-2 algorithm, of a few points the sum itself, and of any
 * other count Bluestein's convolution, whose angles are reduced exactly in integers.
 */
#include "backend/ref/op/move.h"

#include <math.h>

enum { DIRECT_LIMIT = 32 };

static const double tau = 6.283185307179586476925286766559;

/* A plan for transforms of one length; interleaved complex numbers. */
typedef struct dft_plan {
    int64_t n, padded;      /* padded: power of two of the convolution, or n itself */
    double *roots;          /* exp(-i tau k / padded), k < padded / 2 (direct: all n) */
    double *chirp, *filter; /* Bluestein: exp(-i pi k^2 / n), its transformed conjugate */
    double *work;           /* padded numbers */
} dft_plan;

static bool is_power_of_two(int64_t n)
{
    return (n & (n - 1)) == 0;
}

static void multiply(double *a, const double *b)
{
    double re = a[0] * b[0] - a[1] * b[1];
    a[1] = a[0] * b[1] + a[1] * b[0];
    a[0] = re;
}

/* In place, n a power of two, roots of exp(-i tau k / n). */
static void fft_power(double *x, int64_t n, const double *roots)
{
    for (int64_t i = 1, j = 0; i < n; i++) { /* bit reversal */
        int64_t bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
        if (i < j) {
            double re = x[2 * i], im = x[2 * i + 1];
            x[2 * i] = x[2 * j];
            x[2 * i + 1] = x[2 * j + 1];
            x[2 * j] = re;
            x[2 * j + 1] = im;
        }
    }
    for (int64_t half = 1; half < n; half *= 2)
        for (int64_t i = 0; i < n; i += 2 * half)
            for (int64_t k = 0; k < half; k++) {
                double *a = x + 2 * (i + k), *b = a + 2 * half;
                double t[2] = {b[0], b[1]};
                multiply(t, roots + 2 * (k * (n / (2 * half))));
                b[0] = a[0] - t[0];
                b[1] = a[1] - t[1];
                a[0] += t[0];
                a[1] += t[1];
            }
}

static pgy_status *dft_plan_of(px_ref_call *c, int64_t n, dft_plan *p)
{
    pgy_status *st = NULL;
    *p = (dft_plan){.n = n, .padded = n};
    if (n > INT64_C(1) << 40)
        PX_TRY(px_status_nomem());
    bool direct = n <= DIRECT_LIMIT && !is_power_of_two(n);
    if (!direct && !is_power_of_two(n))
        for (p->padded = 1; p->padded < 2 * n - 1;)
            p->padded *= 2;
    int64_t n_roots = direct ? n : p->padded / 2 + 1;
    PX_TRY(PX_MOVE_SCRATCH(c, p->roots, 2 * n_roots));
    PX_TRY(PX_MOVE_SCRATCH(c, p->work, 2 * p->padded));
    for (int64_t k = 0; k < n_roots; k++) {
        p->roots[2 * k] = cos(tau * (double)k / (double)p->padded);
        p->roots[2 * k + 1] = -sin(tau * (double)k / (double)p->padded);
    }
    if (p->padded == n)
        goto done;
    PX_TRY(PX_MOVE_SCRATCH(c, p->chirp, 2 * n));
    PX_TRY(PX_MOVE_SCRATCH(c, p->filter, 2 * p->padded));
    int64_t square = 0; /* k^2 mod 2n */
    for (int64_t k = 0; k < n; k++) {
        double angle = tau * (double)square / (double)(2 * n);
        p->chirp[2 * k] = cos(angle);
        p->chirp[2 * k + 1] = -sin(angle);
        for (int64_t side = 0; side < (k ? 2 : 1); side++) {
            int64_t at = side ? p->padded - k : k;
            p->filter[2 * at] = cos(angle);
            p->filter[2 * at + 1] = sin(angle);
        }
        square = (square + 2 * k + 1) % (2 * n);
    }
    fft_power(p->filter, p->padded, p->roots);
done:
    return st;
}

/* In place, forward. */
static void dft_forward(const dft_plan *p, double *x)
{
    int64_t n = p->n, m = p->padded;
    if (n <= 1)
        return;
    if (is_power_of_two(n)) {
        fft_power(x, n, p->roots);
        return;
    }
    if (!p->chirp) {
        for (int64_t k = 0; k < n; k++) {
            double sum[2] = {0, 0};
            for (int64_t j = 0; j < n; j++) {
                double t[2] = {x[2 * j], x[2 * j + 1]};
                multiply(t, p->roots + 2 * (j * k % n));
                sum[0] += t[0];
                sum[1] += t[1];
            }
            memcpy(p->work + 2 * k, sum, sizeof sum);
        }
        memcpy(x, p->work, (size_t)(2 * n) * sizeof *x);
        return;
    }
    memset(p->work, 0, (size_t)(2 * m) * sizeof *x);
    for (int64_t k = 0; k < n; k++) {
        memcpy(p->work + 2 * k, x + 2 * k, 2 * sizeof *x);
        multiply(p->work + 2 * k, p->chirp + 2 * k);
    }
    fft_power(p->work, m, p->roots);
    for (int64_t k = 0; k < m; k++) {
        multiply(p->work + 2 * k, p->filter + 2 * k);
        p->work[2 * k + 1] = -p->work[2 * k + 1]; /* the inverse by conjugation */
    }
    fft_power(p->work, m, p->roots);
    for (int64_t k = 0; k < n; k++) {
        double t[2] = {p->work[2 * k] / (double)m, -p->work[2 * k + 1] / (double)m};
        multiply(t, p->chirp + 2 * k);
        memcpy(x + 2 * k, t, sizeof t);
    }
}

/* In place, inverse with the factor 1/n. */
static void dft_inverse(const dft_plan *p, double *x)
{
    for (int64_t k = 0; k < p->n; k++)
        x[2 * k + 1] = -x[2 * k + 1];
    dft_forward(p, x);
    for (int64_t k = 0; k < p->n; k++) {
        x[2 * k] /= (double)p->n;
        x[2 * k + 1] /= -(double)p->n;
    }
}

/* --- DFT --- */

typedef struct dft_lines {
    int64_t n_in, n_out, inner; /* positions along the axis; elements behind it */
    int in_parts, out_parts;    /* 1: real, 2: complex */
    bool is_inverse, is_onesided;
} dft_lines;

/* Fills the plan's n points of `line` from one line of `x`. */
static void dft_load(const dft_lines *d, int64_t n, const double *x, double *line)
{
    bool is_half = d->is_inverse && d->is_onesided;
    int64_t n_take = PX_MIN(d->n_in, is_half ? n / 2 + 1 : n);
    memset(line, 0, (size_t)(2 * n) * sizeof *line);
    for (int64_t k = 0; k < n_take; k++) {
        const double *from = x + k * d->inner * d->in_parts;
        double re = from[0], im = d->in_parts == 2 ? from[1] : 0;
        if (is_half && (k == 0 || 2 * k == n))
            im = 0; /* a real signal has none there */
        line[2 * k] = re;
        line[2 * k + 1] = im;
        if (is_half && k > 0 && 2 * k != n) {
            line[2 * (n - k)] = re;
            line[2 * (n - k) + 1] = -im;
        }
    }
}

static pgy_status *dft_run(px_ref_call *c, const pgy_tensor *x, int axis, int64_t length)
{
    pgy_status *st = NULL;
    dft_plan plan;
    int64_t dims[PX_MAX_RANK];
    double *line;
    void *y;
    dft_lines d = {.n_in = x->dims[axis],
                   .inner = px_move_span(x->dims, axis + 1, x->rank - 1),
                   .in_parts = (int)x->dims[x->rank - 1],
                   .is_inverse = px_ref_attr_i(c, "inverse", 0) != 0,
                   .is_onesided = px_ref_attr_i(c, "onesided", 0) != 0};
    if (length < 0)
        length = d.is_inverse && d.is_onesided ? 2 * (d.n_in - 1) : d.n_in;
    if (length < 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The transform has %lld points", (long long)length));
    d.out_parts = d.is_inverse && d.is_onesided ? 1 : 2;
    d.n_out = px_geo_dft_bins(length, d.is_onesided && !d.is_inverse);
    memcpy(dims, x->dims, (size_t)x->rank * sizeof *dims);
    dims[axis] = d.n_out;
    dims[x->rank - 1] = d.out_parts;
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, x->rank, dims, &y));
    PX_TRY(dft_plan_of(c, length, &plan));
    PX_TRY(PX_MOVE_SCRATCH(c, line, 2 * length));
    int64_t n_lines =
        px_move_span(dims, 0, x->rank) == 0 ? 0 : px_move_span(dims, 0, axis) * d.inner;
    for (int64_t i = 0; i < n_lines; i++) {
        int64_t o = i / d.inner, k = i % d.inner;
        dft_load(&d, length, (const double *)x->data + (o * d.n_in * d.inner + k) * d.in_parts,
                 line);
        if (d.is_inverse)
            dft_inverse(&plan, line);
        else
            dft_forward(&plan, line);
        double *to = (double *)y + (o * d.n_out * d.inner + k) * d.out_parts;
        for (int64_t j = 0; j < d.n_out; j++)
            memcpy(to + j * d.inner * d.out_parts, line + 2 * j, (size_t)d.out_parts * sizeof *to);
    }
done:
    return st;
}

static pgy_status *dft_at(px_ref_call *c, int64_t wanted_axis)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    int64_t length = -1;
    int axis;
    PX_TRY(px_ref_in_f64(c, 0, &x));
    if (x->rank < 2 || (x->dims[x->rank - 1] != 1 && x->dims[x->rank - 1] != 2))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The last dim must be 1 (real) or 2 (complex)"));
    PX_TRY(px_ref_axis(c, wanted_axis, x->rank, &axis));
    if (axis == x->rank - 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Axis %d holds the parts of the numbers", axis));
    if (px_ref_has(c, 1)) {
        PX_TRY(px_move_in_int(c, 1, &length));
        length = PX_MAX(length, 0);
    }
    PX_TRY(dft_run(c, x, axis, length));
done:
    return st;
}

static pgy_status *dft_17(px_ref_call *c)
{
    return dft_at(c, px_ref_attr_i(c, "axis", 1));
}

static pgy_status *dft_20(px_ref_call *c)
{
    int64_t axis = -2;
    pgy_status *st = px_ref_has(c, 2) ? px_move_in_int(c, 2, &axis) : NULL;
    return st ? st : dft_at(c, axis);
}

/* --- STFT --- */

typedef struct stft_shape {
    int64_t batch, length, step, frame, n_frames, n_bins;
    int parts;
    const double *window; /* NULL: ones */
} stft_shape;

static pgy_status *stft_shape_of(px_ref_call *c, const pgy_tensor *x, stft_shape *s)
{
    pgy_status *st = NULL;
    const pgy_tensor *window = NULL;
    s->parts = x->rank == 3 ? (int)x->dims[2] : 1;
    if (x->rank < 2 || x->rank > 3 || (s->parts != 1 && s->parts != 2))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The signal must be (batch, length, 1 or 2)"));
    s->batch = x->dims[0];
    s->length = s->frame = x->dims[1];
    PX_TRY(px_move_in_int(c, 1, &s->step));
    if (px_ref_has(c, 2)) {
        PX_TRY(px_ref_in_f64(c, 2, &window));
        s->frame = window->count;
        s->window = window->data;
    }
    if (px_ref_has(c, 3))
        PX_TRY(px_move_in_int(c, 3, &s->frame));
    if (s->step < 1 || s->frame < 1 || s->frame > s->length ||
        (window && window->count != s->frame))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "frame_step is %lld, frame_length %lld, the signal has %lld samples and "
                           "the window %lld",
                           (long long)s->step, (long long)s->frame, (long long)s->length,
                           (long long)(window ? window->count : s->frame)));
    s->n_frames = px_geo_stft_frames(s->length, s->frame, s->step);
    s->n_bins = px_geo_dft_bins(s->frame, px_ref_attr_i(c, "onesided", 1) != 0);
done:
    return st;
}

static pgy_status *stft(px_ref_call *c)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    stft_shape s = {0};
    dft_plan plan;
    double *line;
    void *y;
    PX_TRY(px_ref_in_f64(c, 0, &x));
    PX_TRY(stft_shape_of(c, x, &s));
    int64_t dims[4] = {s.batch, s.n_frames, s.n_bins, 2};
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, 4, dims, &y));
    PX_TRY(dft_plan_of(c, s.frame, &plan));
    PX_TRY(PX_MOVE_SCRATCH(c, line, 2 * s.frame));
    for (int64_t i = 0; i < s.batch * s.n_frames; i++) {
        const double *from = (const double *)x->data +
                             (i / s.n_frames * s.length + i % s.n_frames * s.step) * s.parts;
        for (int64_t k = 0; k < s.frame; k++) {
            double w = s.window ? s.window[k] : 1;
            line[2 * k] = w * from[k * s.parts];
            line[2 * k + 1] = s.parts == 2 ? w * from[k * s.parts + 1] : 0;
        }
        dft_forward(&plan, line);
        memcpy((double *)y + i * s.n_bins * 2, line, (size_t)(2 * s.n_bins) * sizeof *line);
    }
done:
    return st;
}

/* --- windows --- */

/* Output 0 of shape `dims` from float64 values, in the type of attribute output_datatype. */
static pgy_status *out_as(px_ref_call *c, const double *values, int rank, const int64_t *dims)
{
    pgy_status *st = NULL;
    pgy_dtype dtype;
    void *y;
    PX_TRY(px_move_attr_dtype(c, "output_datatype", PGY_DTYPE_F32, &dtype));
    if (dtype == PGY_DTYPE_STRING || px_dtype_is_complex(dtype))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "output_datatype is %s", pgy_dtype_name(dtype)));
    PX_TRY(px_ref_out(c, 0, dtype, rank, dims, &y));
    px_convert(px_ref_storage(dtype), y, PGY_DTYPE_F64, values, 0, px_move_span(dims, 0, rank));
done:
    return st;
}

/* a - b cos(tau i / N) + d cos(2 tau i / N), N the size, or one less when symmetric. */
static pgy_status *window(px_ref_call *c, double a, double b, double d)
{
    pgy_status *st = NULL;
    int64_t n;
    double *w;
    PX_TRY(px_move_in_int(c, 0, &n));
    if (n < 0)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The window's size is %lld", (long long)n));
    double period = (double)(px_ref_attr_i(c, "periodic", 1) ? n : n - 1);
    int64_t twice[2] = {2, n}; /* here, and the output */
    PX_TRY(px_move_check_room(c, 2, twice, sizeof *w));
    PX_TRY(PX_MOVE_SCRATCH(c, w, n));
    for (int64_t i = 0; i < n; i++) {
        double angle = tau * (double)i / period;
        w[i] = a - b * cos(angle) + d * cos(2 * angle);
    }
    PX_TRY(out_as(c, w, 1, &n));
done:
    return st;
}

static pgy_status *hann_window(px_ref_call *c)
{
    return window(c, 0.5, 0.5, 0);
}

static pgy_status *hamming_window(px_ref_call *c)
{
    return window(c, 25.0 / 46, 21.0 / 46, 0);
}

static pgy_status *blackman_window(px_ref_call *c)
{
    return window(c, 0.42, 0.5, 0.08);
}

/* --- MelWeightMatrix --- */

/* One triangle per column: up from `edge[0]` to `edge[1]`, down to `edge[2]`. */
static void mel_triangle(double *m, int64_t n_cols, int64_t col, const int64_t *edge)
{
    int64_t up = edge[1] - edge[0], down = edge[2] - edge[1];
    if (up == 0)
        m[edge[1] * n_cols + col] = 1;
    for (int64_t j = edge[0]; up > 0 && j <= edge[1]; j++)
        m[j * n_cols + col] = (double)(j - edge[0]) / (double)up;
    for (int64_t j = edge[1]; j < edge[2]; j++)
        m[j * n_cols + col] = (double)(edge[2] - j) / (double)down;
}

static pgy_status *mel_weight_matrix(px_ref_call *c)
{
    pgy_status *st = NULL;
    int64_t bands, length, rate, *edges;
    double low, high, *m;
    PX_TRY(px_move_in_int(c, 0, &bands));
    PX_TRY(px_move_in_int(c, 1, &length));
    PX_TRY(px_move_in_int(c, 2, &rate));
    PX_TRY(px_move_in_number(c, 3, &low));
    PX_TRY(px_move_in_number(c, 4, &high));
    if (bands < 0 || bands > INT32_MAX || length < 0 || length > INT32_MAX || rate < 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld bands, DFT length %lld, sample rate %lld",
                           (long long)bands, (long long)length, (long long)rate));
    int64_t bins = length / 2 + 1;
    double low_mel = 2595 * log10(1 + low / 700), high_mel = 2595 * log10(1 + high / 700);
    double step = (high_mel - low_mel) / (double)(bands + 2);
    PX_TRY(PX_MOVE_SCRATCH(c, edges, bands + 2));
    PX_TRY(PX_MOVE_SCRATCH(c, m, bins * bands));
    for (int64_t i = 0; i < bands + 2; i++) {
        double hertz = 700 * (pow(10, ((double)i * step + low_mel) / 2595) - 1);
        double bin = floor((double)(length + 1) * hertz / (double)rate);
        if (!(bin >= 0 && bin < (double)bins) || (i > 0 && bin < (double)edges[i - 1]))
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Band edge %g lies outside the spectrum", hertz));
        edges[i] = (int64_t)bin;
    }
    for (int64_t i = 0; i < bands; i++)
        mel_triangle(m, bands, i, edges + i);
    int64_t dims[2] = {bins, bands};
    PX_TRY(out_as(c, m, 2, dims));
done:
    return st;
}

static const px_ref_op rows[] = {
    {"", "BlackmanWindow", 17, 1, 1, 1, 1, blackman_window},
    {"", "DFT", 17, 1, 2, 1, 1, dft_17},
    {"", "DFT", 20, 1, 3, 1, 1, dft_20},
    {"", "HammingWindow", 17, 1, 1, 1, 1, hamming_window},
    {"", "HannWindow", 17, 1, 1, 1, 1, hann_window},
    {"", "MelWeightMatrix", 17, 5, 5, 1, 1, mel_weight_matrix},
    {"", "STFT", 17, 2, 4, 1, 1, stft},
};

const px_ref_family px_ref_family_signal = {rows, PX_COUNTOF(rows)};
