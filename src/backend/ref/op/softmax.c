/* backend/ref/op/softmax.c - Softmax, LogSoftmax, Hardmax.
 *
 * Before opset 13 the input counts as a matrix whose rows are everything from `axis` (default 1)
 * on; since then one axis (default the last) is normalised. Both are [outer, n, inner] here, with
 * inner = 1 for the old meaning. The maximum is subtracted first. Sums are those of sum.h.
 */
#include "backend/ref/op/elem.h"
#include "backend/ref/op/sum.h"
#include "backend/ref/op/vmath.h"

#include <math.h>

#define CHUNK 256  /* columns side by side */
#define WORK 16384 /* elements per piece of parallel work, about */

typedef enum normaliser { SOFTMAX, LOG_SOFTMAX, HARDMAX } normaliser;

typedef struct job {
    normaliser what;
    const double *x;
    double *out;
    int64_t n, inner, n_pieces; /* pieces that the inner extent is cut into */
} job;

static double max_of(const double *x, int64_t n)
{
    double lane[4] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++)
            lane[k] = x[i + k] > lane[k] ? x[i + k] : lane[k];
    for (; i < n; i++)
        lane[0] = x[i] > lane[0] ? x[i] : lane[0];
    lane[0] = lane[1] > lane[0] ? lane[1] : lane[0];
    lane[2] = lane[3] > lane[2] ? lane[3] : lane[2];
    return lane[2] > lane[0] ? lane[2] : lane[0]; /* NaN shows in the sum of the exponentials */
}

static void hardmax_row(double *out, const double *x, int64_t n, int64_t step)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i * step] > x[best * step])
            best = i;
    for (int64_t i = 0; i < n; i++)
        out[i * step] = i == best ? 1.0 : 0.0;
}

static double exp_sum(const double *x, double shift, int64_t n)
{
    px_acc acc = {0};
    double e[CHUNK];
    for (int64_t i = 0; i < n; i += CHUNK) {
        const int64_t m = PX_MIN(CHUNK, n - i);
        px_v_exp_shifted(e, x + i, shift, m);
        px_sum_plain(&acc, e, m, 0);
    }
    return px_acc_value(acc.s, acc.c);
}

static void one_row(const job *j, double *out, const double *x)
{
    const int64_t n = j->n;
    if (j->what == HARDMAX) {
        hardmax_row(out, x, n, 1);
        return;
    }
    const double top = max_of(x, n);
    if (j->what == LOG_SOFTMAX) {
        const double shift = log(exp_sum(x, top, n));
        for (int64_t i = 0; i < n; i++)
            out[i] = (x[i] - top) - shift;
        return;
    }
    px_acc acc = {0};
    px_v_exp_shifted(out, x, top, n);
    px_sum_plain(&acc, out, n, 0);
    const double sum = px_acc_value(acc.s, acc.c);
    for (int64_t i = 0; i < n; i++)
        out[i] /= sum;
}

static void rows(void *arg, int64_t begin, int64_t end)
{
    const job *j = arg;
    for (int64_t o = begin; o < end; o++)
        one_row(j, j->out + o * j->n, j->x + o * j->n);
}

/* `m` neighbouring columns of one [n, inner] matrix. */
static void some_columns(const job *j, double *out, const double *x, int64_t m)
{
    double top[CHUNK], s[CHUNK], c[CHUNK], e[CHUNK];
    for (int64_t i = 0; i < m; i++) {
        top[i] = -INFINITY;
        s[i] = c[i] = 0.0;
    }
    for (int64_t k = 0; k < j->n; k++)
        for (int64_t i = 0; i < m; i++) {
            const double v = x[k * j->inner + i];
            top[i] = v > top[i] ? v : top[i];
        }
    for (int64_t k = 0; k < j->n; k++) {
        const double *row = x + k * j->inner;
        double *to = out + k * j->inner;
        for (int64_t i = 0; i < m; i++)
            e[i] = row[i] - top[i];
        if (j->what == LOG_SOFTMAX)
            memcpy(to, e, (size_t)m * sizeof *to);
        px_v_exp(e, e, m);
        if (j->what == SOFTMAX)
            memcpy(to, e, (size_t)m * sizeof *to);
        px_sum_column_plain(s, c, e, m);
    }
    for (int64_t i = 0; i < m; i++) {
        const double sum = px_acc_value(s[i], c[i]);
        s[i] = j->what == SOFTMAX ? sum : log(sum);
    }
    for (int64_t k = 0; k < j->n; k++) {
        double *to = out + k * j->inner;
        for (int64_t i = 0; i < m; i++)
            to[i] = j->what == SOFTMAX ? to[i] / s[i] : to[i] - s[i];
    }
}

static void columns(void *arg, int64_t begin, int64_t end)
{
    const job *j = arg;
    for (int64_t unit = begin; unit < end; unit++) {
        const int64_t outer = unit / j->n_pieces, first = unit % j->n_pieces * CHUNK;
        const int64_t m = PX_MIN(CHUNK, j->inner - first);
        const int64_t at = outer * j->n * j->inner + first;
        if (j->what != HARDMAX)
            some_columns(j, j->out + at, j->x + at, m);
        else
            for (int64_t i = 0; i < m; i++)
                hardmax_row(j->out + at + i, j->x + at + i, j->n, j->inner);
    }
}

static pgy_status *run(px_ref_call *c, normaliser what)
{
    pgy_status *st = NULL;
    const pgy_tensor *x;
    void *out;
    int axis = 0;
    int64_t outer = 1;
    job j = {.what = what, .n = 1, .inner = 1};

    PX_TRY(px_ref_in(c, 0, &x));
    if (x->dtype != PGY_DTYPE_F64)
        PX_TRY(px_elem_bad_type(c, 0));
    const bool one_axis = c->opset >= 13;
    const int64_t given = px_ref_attr_i(c, "axis", one_axis ? -1 : 1);
    /* A scalar is a row of one; the old form also takes axis = rank: rows of one element. */
    if (!one_axis && given == x->rank)
        axis = x->rank;
    else if (x->rank > 0)
        PX_TRY(px_ref_axis(c, given, x->rank, &axis));
    for (int d = 0; d < x->rank; d++) {
        int64_t *extent = d < axis ? &outer : d == axis || !one_axis ? &j.n : &j.inner;
        *extent *= x->dims[d];
    }
    const int64_t count = x->count;
    j.x = x->data;
    PX_TRY(px_ref_out_like(c, 0, 0, c->in[0].dtype, &out));
    j.out = out;
    if (count == 0)
        goto done;
    if (j.inner == 1) {
        px_parallel_for(c->cx, outer, PX_MAX(1, WORK / j.n), rows, &j);
        goto done;
    }
    j.n_pieces = (j.inner + CHUNK - 1) / CHUNK;
    const int64_t per_unit = j.n > WORK ? WORK : j.n * PX_MIN(CHUNK, j.inner);
    px_parallel_for(c->cx, outer * j.n_pieces, PX_MAX(1, WORK / per_unit), columns, &j);
done:
    return st;
}

static pgy_status *k_softmax(px_ref_call *c)
{
    return run(c, SOFTMAX);
}

static pgy_status *k_log_softmax(px_ref_call *c)
{
    return run(c, LOG_SOFTMAX);
}

static pgy_status *k_hardmax(px_ref_call *c)
{
    return run(c, HARDMAX);
}

#define ROWS(name, kernel)                                                                         \
    {"", name, 1, 1, 1, 1, 1, kernel}, {"", name, 11, 1, 1, 1, 1, kernel},                         \
    {                                                                                              \
        "", name, 13, 1, 1, 1, 1, kernel                                                           \
    }

static const px_ref_op ops[] = {
    ROWS("Softmax", k_softmax),
    ROWS("LogSoftmax", k_log_softmax),
    ROWS("Hardmax", k_hardmax),
};

const px_ref_family px_ref_family_softmax = {ops, PX_COUNTOF(ops)};
