/* backend/ref/op/reduce.c - reductions over axes.
 *
 * Neighbouring axes of the same fate are merged first; then either the innermost one is reduced
 * (runs) or it is kept (columns, up to CHUNK results side by side). Sums are those of sum.h. Over
 * an empty set: Sum, L1, L2, SumSquare 0, Prod 1, Mean NaN, LogSum and LogSumExp -inf, Max and Min
 * the least and greatest value of the type. Max and Min let a NaN win. Integers: Sum, Prod, L1,
 * SumSquare wrap; Mean, L2 and the logarithms are computed in float64 and truncated.
 */
#include "backend/ref/op/elem.h"
#include "backend/ref/op/sum.h"
#include "backend/ref/op/vmath.h"

#include <math.h>

#define CHUNK 256
#define WORK 16384 /* elements per piece of parallel work, about */

typedef enum reduction {
    RED_SUM,
    RED_MEAN,
    RED_MAX,
    RED_MIN,
    RED_PROD,
    RED_L1,
    RED_L2,
    RED_LOG_SUM,
    RED_LOG_SUM_EXP,
    RED_SUM_SQUARE
} reduction;

/* The input's dims, those of size 1 dropped, neighbours merged, sorted by fate. */
typedef struct plan {
    reduction what;
    const void *x;
    void *out;
    int n_kept, n_reduced;
    int64_t kept[PX_MAX_RANK], kept_stride[PX_MAX_RANK];
    int64_t reduced[PX_MAX_RANK], reduced_stride[PX_MAX_RANK];
    bool last_reduced;
    int64_t n_out;     /* results */
    int64_t n_each;    /* elements of one result */
    int64_t run;       /* last_reduced: contiguous elements; else contiguous results */
    int64_t n_outer;   /* last_reduced: runs of one result; else n_each */
    int64_t n_columns; /* not last_reduced: pieces that `run` is cut into */
    bool is_unsigned;  /* integers: I64 holds a U64 */
} plan;

static void plan_dims(plan *p, const pgy_tensor *x, const bool *is_reduced)
{
    int64_t strides[PX_MAX_RANK];
    int64_t stride = 1;
    int last = -1; /* fate of the dim before: 1 reduced, 0 kept */
    for (int d = x->rank - 1; d >= 0; d--) {
        strides[d] = stride;
        stride *= x->dims[d];
    }
    p->n_out = p->n_each = 1;
    for (int d = 0; d < x->rank; d++) {
        const int64_t n = x->dims[d];
        if (is_reduced[d])
            p->n_each *= n;
        else
            p->n_out *= n;
        if (n == 1)
            continue;
        int *count = is_reduced[d] ? &p->n_reduced : &p->n_kept;
        int64_t *dims = is_reduced[d] ? p->reduced : p->kept;
        int64_t *steps = is_reduced[d] ? p->reduced_stride : p->kept_stride;
        if (last == (int)is_reduced[d]) {
            dims[*count - 1] *= n;
            steps[*count - 1] = strides[d];
        } else {
            dims[*count] = n;
            steps[(*count)++] = strides[d];
        }
        last = is_reduced[d];
    }
    p->last_reduced = last == 1;
    p->run = last < 0 ? 1 : p->last_reduced ? p->reduced[p->n_reduced - 1] : p->kept[p->n_kept - 1];
    p->n_outer = p->last_reduced && p->run > 0 ? p->n_each / p->run : p->n_each;
    p->n_columns = (p->run + CHUNK - 1) / CHUNK;
}

/* Offset of element `i` of the row-major index space over n dims. */
static int64_t offset_of(int64_t i, int n, const int64_t *dims, const int64_t *strides)
{
    int64_t offset = 0;
    for (int d = n - 1; d >= 0 && i > 0; d--) {
        offset += i % dims[d] * strides[d];
        i /= dims[d];
    }
    return offset;
}

/* --- F64 --- */

static void max_run(double *best, const double *x, int64_t n)
{
    double b = *best;
    for (int64_t i = 0; i < n; i++)
        b = b >= x[i] || b != b ? b : x[i];
    *best = b;
}

static void min_run(double *best, const double *x, int64_t n)
{
    double b = *best;
    for (int64_t i = 0; i < n; i++)
        b = b <= x[i] || b != b ? b : x[i];
    *best = b;
}

/* exp(x - shift) added up; an infinite shift stands for itself. */
static void exp_run(px_acc *a, const double *x, int64_t n, double shift)
{
    double e[CHUNK];
    for (int64_t i = 0; i < n; i += CHUNK) {
        const int64_t m = PX_MIN(CHUNK, n - i);
        px_v_exp_shifted(e, x + i, shift, m);
        px_sum_plain(a, e, m, 0);
    }
}

static px_sum_run run_of(reduction what)
{
    switch (what) {
    case RED_L1:
        return px_sum_abs;
    case RED_L2:
    case RED_SUM_SQUARE:
        return px_sum_square;
    default:
        return px_sum_plain;
    }
}

static double finish(const plan *p, double sum)
{
    switch (p->what) {
    case RED_MEAN:
        return sum / (double)p->n_each;
    case RED_L2:
        return sqrt(sum);
    case RED_LOG_SUM:
        return log(sum);
    default:
        return sum;
    }
}

static double initial(reduction what)
{
    return what == RED_MAX || what == RED_LOG_SUM_EXP ? -INFINITY
           : what == RED_MIN                          ? INFINITY
           : what == RED_PROD                         ? 1.0
                                                      : 0.0;
}

/* One result whose elements come in n_outer runs from `x` on. */
static double reduce_runs(const plan *p, const double *x)
{
    px_acc acc = {0};
    double v = initial(p->what);
    const px_sum_run add = run_of(p->what);
    for (int64_t k = 0; k < p->n_outer; k++) {
        const double *at = x + offset_of(k, p->n_reduced - 1, p->reduced, p->reduced_stride);
        if (p->what == RED_MAX || p->what == RED_LOG_SUM_EXP)
            max_run(&v, at, p->run);
        else if (p->what == RED_MIN)
            min_run(&v, at, p->run);
        else if (p->what == RED_PROD)
            for (int64_t i = 0; i < p->run; i++)
                v *= at[i];
        else
            add(&acc, at, p->run, 0);
    }
    if (p->what == RED_MAX || p->what == RED_MIN || p->what == RED_PROD)
        return v;
    if (p->what != RED_LOG_SUM_EXP)
        return finish(p, px_acc_value(acc.s, acc.c));
    if (!isfinite(v)) /* NaN, inf, or nothing but -inf */
        return v;
    for (int64_t k = 0; k < p->n_outer; k++)
        exp_run(&acc, x + offset_of(k, p->n_reduced - 1, p->reduced, p->reduced_stride), p->run, v);
    return v + log(px_acc_value(acc.s, acc.c));
}

static void results_of_runs(void *arg, int64_t begin, int64_t end)
{
    const plan *p = arg;
    double *out = p->out;
    for (int64_t o = begin; o < end; o++)
        out[o] =
            reduce_runs(p, (const double *)p->x + offset_of(o, p->n_kept, p->kept, p->kept_stride));
}

/* `n` results side by side. */
static void reduce_columns(const plan *p, const double *x, double *out, int64_t n)
{
    double s[CHUNK], c[CHUNK], top[CHUNK];
    for (int64_t i = 0; i < n; i++) {
        s[i] = c[i] = 0.0;
        top[i] = initial(p->what);
    }
    for (int64_t k = 0; k < p->n_each; k++) {
        const double *at = x + offset_of(k, p->n_reduced, p->reduced, p->reduced_stride);
        switch (p->what) {
        case RED_MAX:
        case RED_LOG_SUM_EXP:
            for (int64_t i = 0; i < n; i++)
                top[i] = top[i] >= at[i] || top[i] != top[i] ? top[i] : at[i];
            break;
        case RED_MIN:
            for (int64_t i = 0; i < n; i++)
                top[i] = top[i] <= at[i] || top[i] != top[i] ? top[i] : at[i];
            break;
        case RED_PROD:
            for (int64_t i = 0; i < n; i++)
                top[i] *= at[i];
            break;
        case RED_L1:
            px_sum_column_abs(s, c, at, n);
            break;
        case RED_L2:
        case RED_SUM_SQUARE:
            px_sum_column_square(s, c, at, n);
            break;
        default:
            px_sum_column_plain(s, c, at, n);
        }
    }
    if (p->what == RED_MAX || p->what == RED_MIN || p->what == RED_PROD) {
        memcpy(out, top, (size_t)n * sizeof *out);
        return;
    }
    for (int64_t k = 0; p->what == RED_LOG_SUM_EXP && k < p->n_each; k++) {
        const double *at = x + offset_of(k, p->n_reduced, p->reduced, p->reduced_stride);
        double e[CHUNK];
        for (int64_t i = 0; i < n; i++)
            e[i] = at[i] - (isfinite(top[i]) ? top[i] : 0.0);
        px_v_exp(e, e, n);
        px_sum_column_plain(s, c, e, n);
    }
    for (int64_t i = 0; i < n; i++) {
        const double sum = px_acc_value(s[i], c[i]);
        if (p->what == RED_LOG_SUM_EXP)
            out[i] = isfinite(top[i]) ? top[i] + log(sum) : top[i];
        else
            out[i] = finish(p, sum);
    }
}

static void results_of_columns(void *arg, int64_t begin, int64_t end)
{
    const plan *p = arg;
    for (int64_t unit = begin; unit < end; unit++) {
        const int64_t row = unit / p->n_columns, first = unit % p->n_columns * CHUNK;
        const int64_t n = PX_MIN(CHUNK, p->run - first);
        const int64_t from = offset_of(row, p->n_kept - 1, p->kept, p->kept_stride) + first;
        reduce_columns(p, (const double *)p->x + from, (double *)p->out + row * p->run + first, n);
    }
}

static void reduce_f64(pgy_context *cx, plan *p)
{
    const int64_t per_result = PX_MAX(p->n_each, 1);
    if (p->n_out == 0)
        return;
    if (p->last_reduced || p->n_kept == 0) {
        if (!p->last_reduced) { /* every dim is 1: a run of one element */
            p->n_outer = p->n_each;
            p->run = 1;
            p->n_reduced = 1;
            p->reduced[0] = 1;
        }
        px_parallel_for(cx, p->n_out, PX_MAX(1, WORK / per_result), results_of_runs, p);
        return;
    }
    const int64_t per_unit = per_result > WORK ? WORK : per_result * PX_MIN(CHUNK, p->run);
    px_parallel_for(cx, p->n_out / p->run * p->n_columns, PX_MAX(1, WORK / per_unit),
                    results_of_columns, p);
}

/* --- integers: I64, narrower ones are converted --- */

static int64_t initial_i64(const plan *p)
{
    switch (p->what) {
    case RED_MAX:
        return p->is_unsigned ? 0 : INT64_MIN;
    case RED_MIN:
        return p->is_unsigned ? -1 : INT64_MAX; /* all bits set */
    case RED_PROD:
        return 1;
    default:
        return 0;
    }
}

static int64_t step_i64(const plan *p, int64_t acc, int64_t v)
{
    const uint64_t a = (uint64_t)acc, u = (uint64_t)v;
    switch (p->what) {
    case RED_MAX:
        return (p->is_unsigned ? u > a : v > acc) ? v : acc;
    case RED_MIN:
        return (p->is_unsigned ? u < a : v < acc) ? v : acc;
    case RED_PROD:
        return (int64_t)(a * u);
    case RED_L1:
        return (int64_t)(a + (v < 0 && !p->is_unsigned ? 0 - u : u));
    case RED_SUM_SQUARE:
        return (int64_t)(a + u * u);
    default:
        return (int64_t)(a + u);
    }
}

static void reduce_i64(const plan *p)
{
    const int64_t *x = p->x;
    int64_t *out = p->out;
    for (int64_t o = 0; o < p->n_out; o++) {
        const int64_t *at = x + offset_of(o, p->n_kept, p->kept, p->kept_stride);
        int64_t acc = initial_i64(p);
        for (int64_t k = 0; k < p->n_each; k++)
            acc = step_i64(p, acc, at[offset_of(k, p->n_reduced, p->reduced, p->reduced_stride)]);
        out[o] = acc;
    }
}

/* --- the operator --- */

/* From opset `input_since` on the axes are input 1, before that attribute `axes`. */
static pgy_status *reduced_axes(px_ref_call *c, int input_since, const pgy_tensor *x,
                                bool *is_reduced)
{
    pgy_status *st = NULL;
    const int64_t *axes = NULL;
    size_t n = 0;
    bool noop = false;
    if (c->opset >= input_since) {
        if (px_ref_has(c, 1))
            PX_TRY(px_ref_in_ints(c, 1, &axes, &n));
        noop = px_ref_attr_i(c, "noop_with_empty_axes", 0) != 0;
    } else {
        px_ref_attr_ints(c, "axes", &axes, &n);
    }
    memset(is_reduced, n == 0 && !noop ? 1 : 0, PX_MAX_RANK);
    for (size_t i = 0; i < n; i++) {
        int axis;
        if (x->rank == 0 && (axes[i] == 0 || axes[i] == -1))
            continue; /* a scalar counts as one element, as runtimes have it */
        PX_TRY(px_ref_axis(c, axes[i], x->rank, &axis));
        is_reduced[axis] = true;
    }
done:
    return st;
}

/* Least and greatest values of an integer type are not those of I64. */
static void empty_extreme(const plan *p, pgy_dtype storage)
{
    int64_t *out = p->out;
    if (p->n_each > 0 || (p->what != RED_MAX && p->what != RED_MIN))
        return;
    const int bits = pgy_dtype_bits(storage);
    const bool is_signed = px_dtype_is_signed(storage);
    int64_t v = 0; /* Max of unsigned or bool */
    if (storage == PGY_DTYPE_BOOL)
        v = p->what == RED_MIN;
    else if (is_signed)
        v = p->what == RED_MAX ? INT64_MIN >> (64 - bits) : INT64_MAX >> (64 - bits);
    else if (p->what == RED_MIN)
        v = (int64_t)(UINT64_MAX >> (64 - bits));
    for (int64_t o = 0; o < p->n_out; o++)
        out[o] = v;
}

static bool exact_in_ints(reduction what)
{
    return what == RED_SUM || what == RED_PROD || what == RED_MAX || what == RED_MIN ||
           what == RED_L1 || what == RED_SUM_SQUARE;
}

static pgy_status *run(px_ref_call *c, reduction what, int input_since)
{
    pgy_status *st = NULL;
    const pgy_tensor *x, *stored;
    bool is_reduced[PX_MAX_RANK];
    int64_t dims[PX_MAX_RANK];
    int rank = 0;
    void *out;
    plan p = {.what = what};

    PX_TRY(px_ref_in(c, 0, &stored));
    const pgy_dtype storage = stored->dtype;
    const bool as_bool = storage == PGY_DTYPE_BOOL && (what == RED_MAX || what == RED_MIN);
    if (px_numeric_index(storage) < 0 && !as_bool)
        PX_TRY(px_elem_bad_type(c, 0));
    PX_TRY(reduced_axes(c, input_since, stored, is_reduced));
    const bool keep = px_ref_attr_i(c, "keepdims", 1) != 0;
    for (int d = 0; d < stored->rank; d++)
        if (!is_reduced[d])
            dims[rank++] = stored->dims[d];
        else if (keep)
            dims[rank++] = 1;
    const bool in_ints = storage != PGY_DTYPE_F64 && exact_in_ints(what);
    x = stored;
    if (!in_ints)
        PX_TRY(px_ref_in_f64(c, 0, &x));
    plan_dims(&p, stored, is_reduced);
    p.x = x->data;
    if (in_ints && pgy_dtype_bits(storage) < 64) {
        int64_t *converted = px_arena_calloc(c->scratch, (size_t)stored->count, sizeof *converted);
        if (converted == NULL)
            PX_TRY(px_status_nomem());
        px_convert(PGY_DTYPE_I64, converted, storage, stored->data, 0, stored->count);
        p.x = converted;
    }
    p.is_unsigned = storage == PGY_DTYPE_U64;
    PX_TRY(px_ref_out(c, 0, c->in[0].dtype, rank, dims, &out));
    const bool direct = pgy_dtype_bits(storage) == 64 && (storage == PGY_DTYPE_F64 || in_ints);
    p.out = direct ? out : px_arena_calloc(c->scratch, (size_t)p.n_out, 8);
    if (p.out == NULL)
        PX_TRY(px_status_nomem());
    if (in_ints) {
        reduce_i64(&p);
        empty_extreme(&p, storage);
    } else {
        reduce_f64(c->cx, &p);
    }
    if (!direct)
        px_convert(storage, out, in_ints ? PGY_DTYPE_I64 : PGY_DTYPE_F64, p.out, 0, p.n_out);
done:
    return st;
}

#define KERNEL(name, what, input_since)                                                            \
    static pgy_status *name(px_ref_call *c)                                                        \
    {                                                                                              \
        return run(c, what, input_since);                                                          \
    }
KERNEL(k_sum, RED_SUM, 13)
KERNEL(k_mean, RED_MEAN, 18)
KERNEL(k_max, RED_MAX, 18)
KERNEL(k_min, RED_MIN, 18)
KERNEL(k_prod, RED_PROD, 18)
KERNEL(k_l1, RED_L1, 18)
KERNEL(k_l2, RED_L2, 18)
KERNEL(k_log_sum, RED_LOG_SUM, 18)
KERNEL(k_log_sum_exp, RED_LOG_SUM_EXP, 18)
KERNEL(k_sum_square, RED_SUM_SQUARE, 18)

#define ROW(name, since, max_in, kernel)                                                           \
    {                                                                                              \
        "", name, since, 1, max_in, 1, 1, kernel                                                   \
    }
#define COMMON(name, kernel)                                                                       \
    ROW(name, 1, 1, kernel), ROW(name, 11, 1, kernel), ROW(name, 13, 1, kernel),                   \
        ROW(name, 18, 2, kernel)
#define EXTREME(name, kernel)                                                                      \
    ROW(name, 1, 1, kernel), ROW(name, 11, 1, kernel), ROW(name, 12, 1, kernel),                   \
        ROW(name, 13, 1, kernel), ROW(name, 18, 2, kernel), ROW(name, 20, 2, kernel)

static const px_ref_op ops[] = {
    ROW("ReduceSum", 1, 1, k_sum),
    ROW("ReduceSum", 11, 1, k_sum),
    ROW("ReduceSum", 13, 2, k_sum),
    COMMON("ReduceMean", k_mean),
    EXTREME("ReduceMax", k_max),
    EXTREME("ReduceMin", k_min),
    COMMON("ReduceProd", k_prod),
    COMMON("ReduceL1", k_l1),
    COMMON("ReduceL2", k_l2),
    COMMON("ReduceLogSum", k_log_sum),
    ROW("ReduceLogSum", 28, 2, k_log_sum),
    COMMON("ReduceLogSumExp", k_log_sum_exp),
    ROW("ReduceLogSumExp", 28, 2, k_log_sum_exp),
    COMMON("ReduceSumSquare", k_sum_square),
};

const px_ref_family px_ref_family_reduce = {ops, PX_COUNTOF(ops)};
