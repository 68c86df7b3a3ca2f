/* compare/distance.c - see distance.h. */
#include "compare/distance.h"

#include "base/thread.h"

#include <math.h>
#include <string.h>

#define BLOCK 4096          /* elements converted at a time */
#define CHUNK (16 * BLOCK)  /* elements whose sums are made by one thread */
#define CHUNKS_AT_ONCE 1024 /* partial sums kept before they are joined */

/* Binary float types: bits of the significand with the hidden one, smallest normal exponent, and
 * the largest finite number. */
typedef struct float_form {
    int digits, min_exponent;
    double max;
} float_form;

static bool form_of(pgy_dtype dtype, float_form *out)
{
    switch (dtype) {
    case PGY_DTYPE_F64:
    case PGY_DTYPE_C128:
        *out = (float_form){53, -1022, 0x1.fffffffffffffp1023};
        return true;
    case PGY_DTYPE_F32:
    case PGY_DTYPE_C64:
        *out = (float_form){24, -126, 0x1.fffffep127};
        return true;
    case PGY_DTYPE_F16:
        *out = (float_form){11, -14, 65504};
        return true;
    case PGY_DTYPE_BF16:
        *out = (float_form){8, -126, 0x1.fep127};
        return true;
    case PGY_DTYPE_F8E4M3FN:
        *out = (float_form){4, -6, 448};
        return true;
    case PGY_DTYPE_F8E4M3FNUZ:
        *out = (float_form){4, -7, 240};
        return true;
    case PGY_DTYPE_F8E5M2:
        *out = (float_form){3, -14, 57344};
        return true;
    case PGY_DTYPE_F8E5M2FNUZ:
        *out = (float_form){3, -15, 57344};
        return true;
    case PGY_DTYPE_F8E8M0:
        *out = (float_form){1, -127, 0x1p127};
        return true;
    case PGY_DTYPE_F4E2M1:
        *out = (float_form){2, 0, 6};
        return true;
    default:
        return false;
    }
}

double px_dtype_unit_roundoff(pgy_dtype dtype)
{
    float_form f;
    return form_of(dtype, &f) ? ldexp(1.0, -f.digits) : 0.0;
}

double px_distance_rms(const px_distance *d)
{
    return d->count > d->n_unlike ? sqrt(d->sum_squares / (double)(d->count - d->n_unlike)) : 0.0;
}

double px_distance_share(const px_distance *d)
{
    return d->sum_truth > 0.0 ? sqrt(d->sum_squares / d->sum_truth) : 0.0;
}

void px_distance_merge(px_distance *io, const px_distance *more)
{
    if (more->worst >= 0 && (io->worst < 0 || more->max_abs > io->max_abs))
        io->worst = more->worst;
    io->count += more->count;
    io->n_exact += more->n_exact;
    io->n_unlike += more->n_unlike;
    io->n_missing += more->n_missing;
    io->max_abs = PX_MAX(io->max_abs, more->max_abs);
    io->max_rel = PX_MAX(io->max_rel, more->max_rel);
    io->max_ulp = PX_MAX(io->max_ulp, more->max_ulp);
    io->sum_squares += more->sum_squares;
    io->sum_truth += more->sum_truth;
    io->scale = PX_MAX(io->scale, more->scale);
}

bool px_distance_applies(pgy_dtype dtype)
{
    return dtype == PGY_DTYPE_BOOL || px_dtype_is_int(dtype) || px_dtype_is_float(dtype) ||
           px_dtype_is_complex(dtype);
}

/* Exponent of the gap between neighbours of the form at x, finite. */
static int gap_exponent(const float_form *f, double x)
{
    const int e = x == 0.0 ? f->min_exponent : ilogb(x);
    return PX_MAX(e, f->min_exponent) - (f->digits - 1);
}

/* x as the nearest number of the form, ties to even; beyond the largest one: infinity. */
static double round_to(const float_form *f, double x)
{
    if (!isfinite(x))
        return x;
    const int e = gap_exponent(f, x);
    const double rounded = f->digits == 53 ? x : ldexp(nearbyint(ldexp(x, -e)), e);
    return fabs(rounded) > f->max ? copysign(INFINITY, x) : rounded;
}

/* One candidate against the truth, both float64. `form` NULL: integers and truth values. */
static void add_block(const float_form *form, const double *truth, const double *x, int64_t first,
                      int64_t n, px_distance *io)
{
    io->count += n;
    for (int64_t i = 0; i < n; i++) {
        double t = truth[i];
        const double v = x[i];
        if (isfinite(t)) {
            io->scale = PX_MAX(io->scale, fabs(t));
            io->sum_truth += t * t;
        }
        if (t == v) {
            io->n_exact++;
            continue;
        }
        /* What the type cannot hold must come out as its infinity. */
        if (form && !isfinite(v))
            t = round_to(form, t);
        if (!isfinite(t) || !isfinite(v)) {
            const bool is_same = t == v || (isnan(t) && isnan(v));
            io->n_exact += is_same;
            io->n_unlike += !is_same;
            io->n_missing += isfinite(v);
            continue;
        }
        const double abs = fabs(v - t);
        if (form) {
            const double ulp = ldexp(abs, -gap_exponent(form, t));
            io->max_ulp = PX_MAX(io->max_ulp, ulp);
            io->n_exact += ulp <= 0.5 && v == round_to(form, t);
        }
        if (t != 0.0)
            io->max_rel = PX_MAX(io->max_rel, abs / fabs(t));
        io->sum_squares += abs * abs;
        if (io->worst < 0 || abs > io->max_abs) {
            io->max_abs = PX_MAX(io->max_abs, abs);
            io->worst = first + i;
        }
    }
}

/* 64-bit integers, whose float64 could hide a difference. */
static void add_wide(const pgy_tensor *truth, const pgy_tensor *x, int64_t first, int64_t n,
                     px_distance *io)
{
    const bool is_signed = px_dtype_is_signed(truth->dtype);
    io->count += n;
    for (int64_t i = first; i < first + n; i++) {
        uint64_t a, b;
        memcpy(&a, (const char *)truth->data + 8 * i, 8);
        memcpy(&b, (const char *)x->data + 8 * i, 8);
        const bool a_less = is_signed ? (int64_t)a < (int64_t)b : a < b;
        const double abs = (double)(a_less ? b - a : a - b);
        const double size = is_signed ? fabs((double)(int64_t)a) : (double)a;
        io->scale = PX_MAX(io->scale, size);
        io->sum_truth += size * size;
        if (a == b) {
            io->n_exact++;
            continue;
        }
        if (size != 0.0)
            io->max_rel = PX_MAX(io->max_rel, abs / size);
        io->sum_squares += abs * abs;
        if (abs > io->max_abs) {
            io->max_abs = abs;
            io->worst = i;
        }
    }
}

typedef struct job {
    const pgy_tensor *truth;
    const pgy_tensor *const *x;
    size_t n;
    const float_form *form;
    int parts;        /* float64 numbers per element: 2 for complex */
    int64_t base;     /* first chunk of the batch */
    px_distance *out; /* [chunk of the batch][candidate] */
} job;

static bool is_wide(const pgy_tensor *a, const pgy_tensor *b)
{
    return a->dtype == b->dtype && (a->dtype == PGY_DTYPE_I64 || a->dtype == PGY_DTYPE_U64);
}

/* Elements as float64, where they lie if they are that already. */
static const double *as_f64(const pgy_tensor *t, int parts, int64_t first, int64_t n, double *room)
{
    const pgy_dtype to = parts == 2 ? PGY_DTYPE_C128 : PGY_DTYPE_F64;
    if (t->dtype == to && (uintptr_t)t->data % sizeof(double) == 0)
        return (const double *)t->data + first * parts;
    px_convert(to, room, t->dtype, t->data, first, n);
    return room;
}

static void run_chunk(const job *j, int64_t chunk, px_distance *out)
{
    double truth_room[BLOCK], x_room[BLOCK]; /* 64 KiB */
    const int64_t block = BLOCK / j->parts;
    const int64_t end = PX_MIN((chunk + 1) * CHUNK, j->truth->count);
    for (int64_t first = chunk * CHUNK; first < end; first += block) {
        const int64_t n = PX_MIN(block, end - first);
        const double *truth = as_f64(j->truth, j->parts, first, n, truth_room);
        for (size_t k = 0; k < j->n; k++) {
            if (is_wide(j->truth, j->x[k])) {
                add_wide(j->truth, j->x[k], first, n, &out[k]);
                continue;
            }
            const double *x = as_f64(j->x[k], j->parts, first, n, x_room);
            add_block(j->form, truth, x, first * j->parts, n * j->parts, &out[k]);
        }
    }
}

static void run_chunks(void *arg, int64_t begin, int64_t end)
{
    const job *j = arg;
    for (int64_t c = begin; c < end; c++)
        run_chunk(j, j->base + c, &j->out[c * (int64_t)j->n]);
}

pgy_status *px_distance_add(pgy_context *cx, pgy_dtype declared, const pgy_tensor *truth, size_t n,
                            const pgy_tensor *const *candidates, px_distance *io)
{
    pgy_status *st = NULL;
    float_form form;
    px_distance *partial = NULL;
    const int64_t n_chunks = truth->count / CHUNK + (truth->count % CHUNK != 0);
    const int64_t batch = PX_MIN(n_chunks, (int64_t)CHUNKS_AT_ONCE);

    PX_TRY(PX_ALLOC(partial, (size_t)PX_MAX(batch, (int64_t)1) * PX_MAX(n, (size_t)1)));
    job j = {.truth = truth,
             .x = candidates,
             .n = n,
             .form = form_of(declared, &form) ? &form : NULL,
             .parts = px_dtype_is_complex(truth->dtype) ? 2 : 1,
             .out = partial};
    for (; j.base < n_chunks; j.base += batch) {
        const int64_t m = PX_MIN(batch, n_chunks - j.base);
        for (int64_t i = 0; i < m * (int64_t)n; i++)
            partial[i] = (px_distance)PX_DISTANCE_INIT;
        px_parallel_for(cx, m, 1, run_chunks, &j);
        for (int64_t i = 0; i < m * (int64_t)n; i++)
            px_distance_merge(&io[(size_t)i % n], &partial[i]);
    }
done:
    px_mem_free(partial);
    return st;
}
