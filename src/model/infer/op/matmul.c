/* model/infer/op/matmul.c - matrix products, Einsum, Det. */
#include "model/infer/infer.h"

/* numpy.matmul of inputs a and b into output 0, with either matrix transposed. */
static void product_of(px_infer_call *c, size_t a, size_t b, bool trans_a, bool trans_b)
{
    px_infer_dims x = px_infer_dims_of(c->in[a]), y = px_infer_dims_of(c->in[b]);
    px_dim row = px_dim_const(1), column = px_dim_const(1);
    if (x.rank < 1 || y.rank < 1)
        return;
    const bool is_vector = x.rank == 1, is_column = y.rank == 1;
    px_dim inner_x, inner_y;
    if (is_vector) {
        inner_x = x.dims[0];
    } else {
        row = x.dims[x.rank - (trans_a ? 1 : 2)];
        inner_x = x.dims[x.rank - (trans_a ? 2 : 1)];
    }
    if (is_column) {
        inner_y = y.dims[0];
    } else {
        column = y.dims[y.rank - (trans_b ? 2 : 1)];
        inner_y = y.dims[y.rank - (trans_b ? 1 : 2)];
    }
    if (px_dim_is_const(inner_x) && px_dim_is_const(inner_y) && !px_dim_eq(inner_x, inner_y))
        return;
    x.rank = PX_MAX(x.rank - 2, 0);
    y.rank = PX_MAX(y.rank - 2, 0);
    if (!px_infer_broadcast_dims(c->infer, &x, &y))
        return;
    if (!is_vector)
        x.dims[x.rank++] = row;
    if (!is_column)
        x.dims[x.rank++] = column;
    px_infer_shape(c, 0, x.rank, x.dims);
}

static void take_dtype(px_infer_call *c, size_t i)
{
    if (c->in[i]->kind == PX_ONNX_TYPE_TENSOR)
        px_infer_dtype(c, 0, c->in[i]->dtype);
}

static void matmul(px_infer_call *c)
{
    product_of(c, 0, 1, false, false);
}

static void qlinear_matmul(px_infer_call *c)
{
    take_dtype(c, 7);
    product_of(c, 0, 3, false, false);
}

static void fused_matmul(px_infer_call *c)
{
    take_dtype(c, 0);
    if (px_infer_attr_i(c, "transBatchA", 0) || px_infer_attr_i(c, "transBatchB", 0))
        return;
    product_of(c, 0, 1, px_infer_attr_i(c, "transA", 0) != 0, px_infer_attr_i(c, "transB", 0) != 0);
}

static void float_matmul(px_infer_call *c)
{
    take_dtype(c, 2); /* the scale of a */
    product_of(c, 0, 1, false, false);
}

static void dynamic_matmul(px_infer_call *c)
{
    take_dtype(c, 0);
    product_of(c, 0, 1, false, false);
}

static void matmul_nbits(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    const int64_t n = px_infer_attr_i(c, "N", -1);
    take_dtype(c, 0);
    if (x.rank < 1 || n < 0)
        return;
    x.dims[x.rank - 1] = px_dim_const(n);
    px_infer_shape(c, 0, x.rank, x.dims);
}

static void gemm_of(px_infer_call *c, size_t b)
{
    if ((px_infer_rank(c, 0) >= 0 && px_infer_rank(c, 0) != 2) ||
        (px_infer_rank(c, b) >= 0 && px_infer_rank(c, b) != 2))
        return;
    const px_dim dims[2] = {px_infer_dim(c, 0, px_infer_attr_i(c, "transA", 0) ? 1 : 0),
                            px_infer_dim(c, b, px_infer_attr_i(c, "transB", 0) ? 0 : 1)};
    px_infer_shape(c, 0, 2, dims);
}

static void gemm(px_infer_call *c)
{
    if (c->node->domain.len > 0 && !px_str_is(c->node->domain, "ai.onnx"))
        take_dtype(c, 0);
    gemm_of(c, 1);
}

static void qgemm(px_infer_call *c)
{
    if (px_infer_has(c, 8))
        take_dtype(c, 8);
    else
        px_infer_dtype(c, 0, PGY_DTYPE_F32);
    gemm_of(c, 3);
}

static void det(px_infer_call *c)
{
    const int rank = px_infer_rank(c, 0);
    if (rank >= 2)
        px_infer_shape(c, 0, rank - 2, c->in[0]->dims);
}

/* --- Einsum --- */

enum { N_LETTERS = 128 };

typedef struct einsum {
    px_dim dims[N_LETTERS];
    int counts[N_LETTERS];  /* how often a letter stands on the left */
    px_infer_dims ellipsis; /* what "..." is, broadcast */
    bool has_ellipsis;
} einsum;

static bool is_letter(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

/* Steps over one subscript: a letter, '.' for an ellipsis, 0 at the end, -1 when malformed. */
static int next_label(px_str term, size_t *pos)
{
    while (*pos < term.len && term.ptr[*pos] == ' ')
        ++*pos;
    if (*pos >= term.len)
        return 0;
    const char ch = term.ptr[(*pos)++];
    if (is_letter(ch))
        return ch;
    if (ch != '.' || *pos + 2 > term.len || term.ptr[*pos] != '.' || term.ptr[*pos + 1] != '.')
        return -1;
    *pos += 2;
    return '.';
}

/* One operand's subscripts. */
static bool einsum_term(px_infer_call *c, einsum *e, size_t operand, px_str term)
{
    const px_infer_dims x = px_infer_dims_of(c->in[operand]);
    int n_letters = 0, d = 0, label;
    if (x.rank < 0)
        return false;
    for (size_t pos = 0; (label = next_label(term, &pos)) != 0;) {
        if (label < 0)
            return false;
        n_letters += label != '.';
    }
    for (size_t pos = 0; (label = next_label(term, &pos)) != 0;) {
        if (label == '.') {
            px_infer_dims own = {.rank = x.rank - n_letters};
            if (own.rank < 0 || d + own.rank > x.rank)
                return false;
            memcpy(own.dims, x.dims + d, (size_t)own.rank * sizeof *own.dims);
            d += own.rank;
            if (!px_infer_broadcast_dims(c->infer, &e->ellipsis, &own))
                return false;
            e->has_ellipsis = true;
            continue;
        }
        if (d >= x.rank)
            return false;
        /* A dim of 1 gives way to another operand's. */
        px_dim *dim = &e->dims[label];
        const px_dim own = x.dims[d++];
        if (e->counts[label]++ == 0 || px_dim_is(*dim, 1))
            *dim = own;
        else if (!px_dim_is(own, 1))
            *dim = px_infer_unify(c->infer, *dim, own);
    }
    return d == x.rank;
}

static void einsum_of(px_infer_call *c)
{
    const px_str equation = px_infer_attr_s(c, "equation", "");
    einsum e = {.ellipsis = {.rank = 0}};
    px_infer_dims out = {.rank = 0};
    size_t from = 0, operand = 0, arrow = equation.len;
    for (size_t i = 0; i + 1 < equation.len; i++)
        if (equation.ptr[i] == '-' && equation.ptr[i + 1] == '>')
            arrow = PX_MIN(arrow, i);
    for (size_t i = 0; i <= arrow; i++) {
        if (i < arrow && equation.ptr[i] != ',')
            continue;
        if (operand >= c->n_in ||
            !einsum_term(c, &e, operand++, (px_str){equation.ptr + from, i - from}))
            return;
        from = i + 1;
    }
    if (operand != c->n_in)
        return;
    if (arrow < equation.len) {
        const px_str term = {equation.ptr + arrow + 2, equation.len - arrow - 2};
        int label;
        for (size_t pos = 0; (label = next_label(term, &pos)) != 0;) {
            const int n = label == '.' ? e.ellipsis.rank : 1;
            if (label < 0 || out.rank + n > PX_MAX_RANK || (label != '.' && !e.counts[label]))
                return;
            memcpy(&out.dims[out.rank], label == '.' ? e.ellipsis.dims : &e.dims[label],
                   (size_t)n * sizeof *out.dims);
            out.rank += n;
        }
    } else { /* implicit: the ellipsis, then the letters that stand once, in their order */
        if (e.has_ellipsis)
            out = e.ellipsis;
        for (int label = 0; label < N_LETTERS && out.rank < PX_MAX_RANK; label++)
            if (e.counts[label] == 1)
                out.dims[out.rank++] = e.dims[label];
    }
    px_infer_shape(c, 0, out.rank, out.dims);
}

static const px_infer_op rows[] = {
    {"", "Det", 11, det},
    {"", "Einsum", 12, einsum_of},
    {"", "Gemm", 1, gemm},
    {"", "MatMul", 1, matmul},
    {"", "MatMulInteger", 10, matmul},
    {"", "QLinearMatMul", 10, qlinear_matmul},
    {"com.microsoft", "DynamicQuantizeMatMul", 1, dynamic_matmul},
    {"com.microsoft", "FusedGemm", 1, gemm},
    {"com.microsoft", "FusedMatMul", 1, fused_matmul},
    {"com.microsoft", "MatMulIntegerToFloat", 1, float_matmul},
    {"com.microsoft", "MatMulNBits", 1, matmul_nbits},
    {"com.microsoft", "QGemm", 1, qgemm},
    {"com.microsoft", "TransposeMatMul", 1, fused_matmul},
};

const px_infer_family px_infer_family_matmul = {rows, PX_COUNTOF(rows)};
