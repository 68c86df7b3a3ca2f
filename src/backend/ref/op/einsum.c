/* backend/ref/op/einsum.c - Einsum, as numpy.einsum with an explicit or implicit output.
 *
 * Operands are contracted from left to right. A step sums labels that only one operand has and
 * nobody needs later, sorts both into [batch][kept][summed] and multiplies as matrices. Integers
 * go through float64, exact up to 2^53.
 */
#include "backend/ref/plan.h"

enum { MAX_LABELS = PX_MAX_RANK, N_LETTERS = 128 };

/* A strided view under labels; labels are small numbers: letters, and 128.. for the ellipsis. */
typedef struct view {
    int rank;
    int labels[MAX_LABELS];
    int64_t dims[MAX_LABELS], strides[MAX_LABELS];
    const double *data;
    px_ref_buf *owned; /* of intermediate results */
} view;

typedef struct einsum {
    px_ref_call *c;
    px_str equation;
    int64_t sizes[N_LETTERS + PX_MAX_RANK]; /* of each label; 0 when not seen */
    bool seen[N_LETTERS + PX_MAX_RANK];
    int ellipsis_rank;
    int out_labels[MAX_LABELS];
    int out_rank;
} einsum;

static pgy_status *bad_equation(const einsum *e, const char *why)
{
    return PX_REF_FAIL(e->c, PGY_ERR_MODEL, "the equation '%.*s' %s", PX_STR_ARG(e->equation), why);
}

static bool is_letter(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

/* Labels of one term with the ellipsis expanded to `ellipsis` labels; -1 when malformed. */
static int term_labels(px_str term, int ellipsis, int n_ellipsis_all, int *out)
{
    int n = 0;
    bool had_ellipsis = false;
    for (size_t i = 0; i < term.len; i++) {
        if (term.ptr[i] == ' ')
            continue;
        if (term.ptr[i] == '.') {
            if (had_ellipsis || i + 2 >= term.len || term.ptr[i + 1] != '.' ||
                term.ptr[i + 2] != '.' || n + ellipsis > MAX_LABELS)
                return -1;
            for (int k = 0; k < ellipsis; k++)
                out[n++] = N_LETTERS + n_ellipsis_all - ellipsis + k;
            had_ellipsis = true;
            i += 2;
        } else if (is_letter(term.ptr[i]) && n < MAX_LABELS) {
            out[n++] = term.ptr[i];
        } else {
            return -1;
        }
    }
    return n;
}

static bool has_ellipsis(px_str term)
{
    return memchr(term.ptr, '.', term.len) != NULL;
}

static int count_letters(px_str term)
{
    int n = 0;
    for (size_t i = 0; i < term.len; i++)
        n += is_letter(term.ptr[i]);
    return n;
}

/* Next comma-separated term of `*rest`. */
static px_str next_term(px_str *rest)
{
    const char *comma = memchr(rest->ptr, ',', rest->len);
    const px_str term = {rest->ptr, comma ? (size_t)(comma - rest->ptr) : rest->len};
    *rest =
        comma ? (px_str){comma + 1, rest->len - term.len - 1} : (px_str){rest->ptr + rest->len, 0};
    return term;
}

/* Index of a label in a view, or -1. */
static int find(const view *v, int label)
{
    for (int i = 0; i < v->rank; i++)
        if (v->labels[i] == label)
            return i;
    return -1;
}

/* A view of operand `t`: repeated labels become their diagonal. */
static pgy_status *view_of(einsum *e, px_str term, const pgy_tensor *t, view *out)
{
    int labels[MAX_LABELS];
    const int ellipsis = has_ellipsis(term) ? t->rank - count_letters(term) : 0;
    if (ellipsis < 0 || term_labels(term, ellipsis, e->ellipsis_rank, labels) != t->rank)
        return bad_equation(e, "does not fit the ranks of the operands");
    *out = (view){.data = t->data};
    int64_t stride = 1;
    for (int d = t->rank - 1; d >= 0; d--) {
        const int label = labels[d], at = find(out, label);
        const int64_t dim = t->dims[d];
        /* Size 1 broadcasts, as numpy has it. */
        if (e->seen[label] && e->sizes[label] != dim && dim != 1 && e->sizes[label] != 1)
            return bad_equation(e, "gives one label two sizes");
        if (!e->seen[label] || e->sizes[label] == 1)
            e->sizes[label] = dim;
        e->seen[label] = true;
        if (at >= 0) {
            if (out->dims[at] != dim)
                return bad_equation(e, "takes a diagonal of unequal dimensions");
            out->strides[at] += stride;
        } else {
            out->labels[out->rank] = label;
            out->dims[out->rank] = dim;
            out->strides[out->rank++] = stride;
        }
        stride *= dim;
    }
    return NULL;
}

/* --- copies in label order --- */

/* Count over `n` labels; false on overflow. */
static bool label_count(const einsum *e, const int *labels, int n, size_t *out)
{
    size_t count = 1;
    for (int i = 0; i < n; i++)
        if (!px_size_mul(count, (size_t)e->sizes[labels[i]], &count))
            return false;
    *out = count;
    return count <= (size_t)INT64_MAX / sizeof(double);
}

/* Copies `v` into [labels...]; labels it does not have, or of size 1, repeat. */
static void view_copy(const einsum *e, const view *v, const int *labels, int n, size_t count,
                      double *out)
{
    int64_t index[2 * MAX_LABELS] = {0}, strides[2 * MAX_LABELS], at = 0;
    for (int i = 0; i < n; i++) {
        const int d = find(v, labels[i]);
        strides[i] = d >= 0 && v->dims[d] != 1 ? v->strides[d] : 0;
    }
    for (size_t i = 0; i < count; i++) {
        out[i] = v->data[at];
        for (int d = n - 1; d >= 0; d--) {
            at += strides[d];
            if (++index[d] < e->sizes[labels[d]])
                break;
            at -= strides[d] * e->sizes[labels[d]];
            index[d] = 0;
        }
    }
}

typedef struct label_list {
    int at[2 * MAX_LABELS];
    int n;
} label_list;

static void put(label_list *l, int label)
{
    l->at[l->n++] = label;
}

/* New contiguous view [labels...] of v, summed over `gone` (which follow the kept labels). */
static pgy_status *view_sum(einsum *e, view *v, const label_list *kept, const label_list *gone,
                            view *out)
{
    pgy_status *st = NULL;
    label_list all = *kept;
    size_t n_kept = 0, n_all = 0;
    px_ref_buf *buf = NULL, *sums = NULL;
    double *copy = NULL, *sum = NULL;

    for (int i = 0; i < gone->n; i++)
        put(&all, gone->at[i]);
    if (kept->n > MAX_LABELS || !label_count(e, all.at, all.n, &n_all) ||
        !label_count(e, kept->at, kept->n, &n_kept))
        PX_TRY(px_status_nomem());
    PX_TRY(px_ref_temp(e->c, n_all, &buf, &copy));
    view_copy(e, v, all.at, all.n, n_all, copy);
    if (gone->n > 0) {
        PX_TRY(px_ref_temp(e->c, n_kept, &sums, &sum));
        const size_t run = n_kept > 0 ? n_all / n_kept : 0;
        for (size_t i = 0; i < n_kept; i++) {
            sum[i] = 0;
            for (size_t k = 0; k < run; k++)
                sum[i] += copy[i * run + k];
        }
    }
    view made = {.rank = kept->n, .data = sum ? sum : copy, .owned = sum ? sums : buf};
    int64_t stride = 1;
    for (int d = kept->n - 1; d >= 0; d--) {
        made.labels[d] = kept->at[d];
        made.dims[d] = e->sizes[kept->at[d]];
        made.strides[d] = stride;
        stride *= made.dims[d];
    }
    if (made.owned == buf)
        buf = NULL;
    else
        sums = NULL;
    px_ref_buf_free(v->owned);
    v->owned = NULL;
    *out = made;
done:
    px_ref_buf_free(buf);
    px_ref_buf_free(sums);
    return st;
}

/* --- contraction --- */

typedef struct needed {
    bool at[N_LETTERS + PX_MAX_RANK];
} needed;

/* Sums away the labels of `v` that neither `other` nor anybody later needs. */
static pgy_status *drop_lonely(einsum *e, view *v, const view *other, const needed *later)
{
    label_list kept = {0}, gone = {0};
    for (int i = 0; i < v->rank; i++) {
        const int label = v->labels[i];
        put(later->at[label] || (other && find(other, label) >= 0) ? &kept : &gone, label);
    }
    return gone.n > 0 ? view_sum(e, v, &kept, &gone, v) : NULL;
}

static pgy_status *contract(einsum *e, view *a, view *b, const needed *later, view *out)
{
    pgy_status *st = NULL;
    label_list batch = {0}, only_a = {0}, only_b = {0}, summed = {0}, none = {0};
    view x = {0}, y = {0};
    px_ref_buf *buf = NULL;
    double *z = NULL;
    size_t n_batch = 0, m = 0, n = 0, k = 0, count = 0;

    PX_TRY(drop_lonely(e, a, b, later));
    PX_TRY(drop_lonely(e, b, a, later));
    for (int i = 0; i < a->rank; i++) {
        const int label = a->labels[i];
        put(find(b, label) < 0 ? &only_a : later->at[label] ? &batch : &summed, label);
    }
    for (int i = 0; i < b->rank; i++)
        if (find(a, b->labels[i]) < 0)
            put(&only_b, b->labels[i]);
    label_list order_a = batch, order_b = batch, order_z = batch;
    for (int i = 0; i < only_a.n; i++) {
        put(&order_a, only_a.at[i]);
        put(&order_z, only_a.at[i]);
    }
    for (int i = 0; i < only_b.n; i++) {
        put(&order_b, only_b.at[i]);
        put(&order_z, only_b.at[i]);
    }
    for (int i = 0; i < summed.n; i++) {
        put(&order_a, summed.at[i]);
        put(&order_b, summed.at[i]);
    }
    if (order_z.n > MAX_LABELS)
        PX_TRY(bad_equation(e, "has an intermediate result of too many dimensions"));
    PX_TRY(view_sum(e, a, &order_a, &none, &x));
    PX_TRY(view_sum(e, b, &order_b, &none, &y));
    if (!label_count(e, batch.at, batch.n, &n_batch) || !label_count(e, only_a.at, only_a.n, &m) ||
        !label_count(e, only_b.at, only_b.n, &n) || !label_count(e, summed.at, summed.n, &k) ||
        !label_count(e, order_z.at, order_z.n, &count))
        PX_TRY(px_status_nomem());
    PX_TRY(px_ref_temp(e->c, count, &buf, &z));
    for (size_t i = 0; i < n_batch; i++)
        PX_TRY(px_ref_gemm(e->c->cx, false, true, (int64_t)m, (int64_t)n, (int64_t)k, 1,
                           x.data + i * m * k, (int64_t)k, y.data + i * n * k, (int64_t)k, 0,
                           z + i * m * n, (int64_t)n));
    *out = (view){.rank = order_z.n, .data = z, .owned = buf};
    int64_t stride = 1;
    for (int d = order_z.n - 1; d >= 0; d--) {
        out->labels[d] = order_z.at[d];
        out->dims[d] = e->sizes[order_z.at[d]];
        out->strides[d] = stride;
        stride *= out->dims[d];
    }
    buf = NULL;
done:
    px_ref_buf_free(buf);
    px_ref_buf_free(x.owned);
    px_ref_buf_free(y.owned);
    return st;
}

/* --- the whole --- */

/* Splits off "-> term"; without it the output is the ellipsis, then once-only letters in order. */
static pgy_status *parse(einsum *e, px_str *out_inputs)
{
    const char *arrow = NULL;
    for (size_t i = 0; i + 1 < e->equation.len && !arrow; i++)
        if (e->equation.ptr[i] == '-' && e->equation.ptr[i + 1] == '>')
            arrow = e->equation.ptr + i;
    *out_inputs =
        arrow ? (px_str){e->equation.ptr, (size_t)(arrow - e->equation.ptr)} : e->equation;
    px_str rest = *out_inputs;
    for (size_t i = 0; i < e->c->n_in; i++) {
        const pgy_tensor *t = e->c->in[i].t;
        const px_str term = next_term(&rest);
        if (has_ellipsis(term))
            e->ellipsis_rank = PX_MAX(e->ellipsis_rank, t->rank - count_letters(term));
    }
    if (rest.len > 0)
        return bad_equation(e, "has more terms than operands");
    if (arrow) {
        const px_str term = {arrow + 2, e->equation.len - out_inputs->len - 2};
        e->out_rank = term_labels(term, e->ellipsis_rank, e->ellipsis_rank, e->out_labels);
        return e->out_rank < 0 ? bad_equation(e, "has a malformed output") : NULL;
    }
    int seen[N_LETTERS] = {0};
    for (size_t i = 0; i < out_inputs->len; i++)
        if (is_letter(out_inputs->ptr[i]))
            seen[(unsigned char)out_inputs->ptr[i]]++;
    for (int i = 0; i < e->ellipsis_rank; i++)
        e->out_labels[e->out_rank++] = N_LETTERS + i;
    for (int ch = 0; ch < N_LETTERS; ch++)
        if (seen[ch] == 1 && e->out_rank < MAX_LABELS)
            e->out_labels[e->out_rank++] = ch;
    return NULL;
}

/* Labels that operands from `from` on, or the output, need. */
static needed needed_from(const einsum *e, const view *views, size_t from, size_t n)
{
    needed later = {{0}};
    for (int i = 0; i < e->out_rank; i++)
        later.at[e->out_labels[i]] = true;
    for (size_t v = from; v < n; v++)
        for (int i = 0; i < views[v].rank; i++)
            later.at[views[v].labels[i]] = true;
    return later;
}

static pgy_status *output(einsum *e, view *v)
{
    pgy_status *st = NULL;
    label_list labels = {0};
    int64_t dims[MAX_LABELS];
    void *out = NULL;
    const needed later = needed_from(e, NULL, 0, 0);

    PX_TRY(drop_lonely(e, v, NULL, &later));
    for (int i = 0; i < e->out_rank; i++) {
        if (!e->seen[e->out_labels[i]])
            PX_TRY(bad_equation(e, "has an output label that no operand has"));
        for (int k = 0; k < i; k++)
            if (e->out_labels[k] == e->out_labels[i])
                PX_TRY(bad_equation(e, "repeats an output label"));
        put(&labels, e->out_labels[i]);
        dims[i] = e->sizes[e->out_labels[i]];
    }
    PX_TRY(px_ref_out(e->c, 0, e->c->in[0].dtype, e->out_rank, dims, &out));
    const pgy_tensor *t = e->c->out[0].t;
    double *y = t->dtype == PGY_DTYPE_F64
                    ? out
                    : px_arena_calloc(e->c->scratch, (size_t)t->count + 1, sizeof *y);
    if (!y)
        PX_TRY(px_status_nomem());
    view_copy(e, v, labels.at, labels.n, (size_t)t->count, y);
    if (y != out)
        px_convert(t->dtype, out, PGY_DTYPE_F64, y, 0, t->count);
done:
    return st;
}

static pgy_status *einsum_run(px_ref_call *c)
{
    pgy_status *st = NULL;
    einsum e = {.c = c, .equation = px_ref_attr_s(c, "equation", "")};
    view *views = px_arena_calloc(c->scratch, c->n_in + 1, sizeof *views);
    view acc = {0};
    px_str rest;

    if (!views)
        PX_TRY(px_status_nomem());
    for (size_t i = 0; i < c->n_in; i++) {
        const pgy_tensor *t = NULL;
        PX_TRY(px_ref_in(c, i, &t));
    }
    PX_TRY(parse(&e, &rest));
    for (size_t i = 0; i < c->n_in; i++) {
        const pgy_tensor *t = NULL;
        PX_TRY(px_ref_in_f64(c, i, &t));
        PX_TRY(view_of(&e, next_term(&rest), t, &views[i]));
    }
    acc = views[0];
    for (size_t i = 1; i < c->n_in; i++) {
        const needed later = needed_from(&e, views, i + 1, c->n_in);
        view next = {0};
        PX_TRY(contract(&e, &acc, &views[i], &later, &next));
        acc = next;
    }
    PX_TRY(output(&e, &acc));
done:
    px_ref_buf_free(acc.owned);
    for (size_t i = 1; views && i < c->n_in; i++)
        px_ref_buf_free(views[i].owned);
    return st;
}

static const px_ref_op ops[] = {
    {"", "Einsum", 12, 1, -1, 1, 1, einsum_run},
};

const px_ref_family px_ref_family_einsum = {ops, PX_COUNTOF(ops)};
