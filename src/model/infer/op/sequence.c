/* model/infer/op/sequence.c - sequences, optionals, strings. */
#include "model/infer/infer.h"

/* --- sequences --- */

static void construct(px_infer_call *c)
{
    px_infer_value element, sequence;
    if (c->n_in == 0)
        return;
    element = *c->in[0];
    for (size_t i = 1; i < c->n_in; i++) {
        px_infer_value joined;
        px_infer_join(c->infer, &element, c->in[i], &joined);
        element = joined;
    }
    px_infer_wrap(c->infer, PX_ONNX_TYPE_SEQUENCE, &element, &sequence);
    px_infer_set(c, 0, &sequence);
}

static void empty(px_infer_call *c)
{
    const int64_t dtype = px_infer_attr_i(c, "dtype", PGY_DTYPE_F32);
    const px_infer_value element = {
        .kind = PX_ONNX_TYPE_TENSOR,
        .dtype = dtype > 0 && dtype < PGY_DTYPE_COUNT ? (pgy_dtype)dtype : PGY_DTYPE_UNKNOWN,
        .rank = -1};
    px_infer_value sequence;
    px_infer_wrap(c->infer, PX_ONNX_TYPE_SEQUENCE, &element, &sequence);
    px_infer_set(c, 0, &sequence);
}

static const px_infer_value *element_of(const px_infer_value *v, px_onnx_type_kind kind)
{
    return v->kind == kind ? v->element : NULL;
}

static void at(px_infer_call *c)
{
    const px_infer_value *element = element_of(c->in[0], PX_ONNX_TYPE_SEQUENCE);
    if (element)
        px_infer_set(c, 0, element);
}

static void erase(px_infer_call *c)
{
    px_infer_same(c, 0, 0);
}

static void insert(px_infer_call *c)
{
    const px_infer_value *element = element_of(c->in[0], PX_ONNX_TYPE_SEQUENCE);
    px_infer_value joined, sequence;
    if (!element)
        return;
    px_infer_join(c->infer, element, c->in[1], &joined);
    px_infer_wrap(c->infer, PX_ONNX_TYPE_SEQUENCE, &joined, &sequence);
    px_infer_set(c, 0, &sequence);
}

static void scalar(px_infer_call *c)
{
    px_infer_shape(c, 0, 0, NULL);
}

static void split_to_sequence(px_infer_call *c)
{
    px_infer_value element = *c->in[0], sequence;
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    const bool keep = px_infer_has(c, 1) || px_infer_attr_i(c, "keepdims", 1) != 0;
    int64_t sizes[PX_INFER_MAX_DATA];
    px_dim part = px_infer_has(c, 1) ? px_infer_unknown(c) : px_dim_const(1);
    size_t n = 0;
    int axis = 0;
    if (element.kind != PX_ONNX_TYPE_TENSOR)
        return;
    element.rank = -1;
    if (px_infer_axis(c, 0, x.rank, &axis)) {
        if (px_infer_ints(c, 1, sizes, &n) && n > 0) {
            bool is_even = px_infer_rank(c, 1) == 1;
            for (size_t i = 1; i < n; i++)
                is_even = is_even && sizes[i] == sizes[0];
            /* A scalar is the length of all parts but, perhaps, the last. */
            if (px_infer_rank(c, 1) == 0 && sizes[0] > 0 && px_dim_is_const(x.dims[axis]))
                is_even = x.dims[axis].base % sizes[0] == 0;
            if (is_even && sizes[0] >= 0)
                part = px_dim_const(sizes[0]);
        }
        px_dim *dims = px_infer_alloc(c->infer, (size_t)x.rank, sizeof *dims);
        element.rank = 0;
        for (int d = 0; dims && d < x.rank; d++)
            if (d != axis || keep)
                dims[element.rank++] = d == axis ? part : x.dims[d];
        element.dims = dims;
    }
    px_infer_wrap(c->infer, PX_ONNX_TYPE_SEQUENCE, &element, &sequence);
    px_infer_set(c, 0, &sequence);
}

static void concat_from_sequence(px_infer_call *c)
{
    const px_infer_value *element = element_of(c->in[0], PX_ONNX_TYPE_SEQUENCE);
    const bool is_new = px_infer_attr_i(c, "new_axis", 0) != 0;
    int axis = 0, n = 0;
    px_dim dims[PX_MAX_RANK];
    if (!element || element->kind != PX_ONNX_TYPE_TENSOR)
        return;
    px_infer_dtype(c, 0, element->dtype);
    const int rank = element->rank < 0 ? -1 : element->rank + is_new;
    if (rank > PX_MAX_RANK || !px_infer_axis(c, 0, rank, &axis))
        return;
    for (int d = 0; d < rank; d++) {
        dims[d] = d == axis ? px_infer_unknown(c) : element->dims[n];
        n += d != axis || !is_new;
    }
    px_infer_shape(c, 0, rank, dims);
}

/* --- optionals --- */

static void optional(px_infer_call *c)
{
    const px_onnx_attr *type = px_infer_attr(c, "type");
    px_infer_value element = {0}, out;
    if (px_infer_has(c, 0))
        element = *c->in[0];
    else if (type && type->tp)
        px_infer_from_type(c->infer, type->tp, &element);
    if (element.kind == PX_ONNX_TYPE_NONE)
        return;
    px_infer_wrap(c->infer, PX_ONNX_TYPE_OPTIONAL, &element, &out);
    px_infer_set(c, 0, &out);
}

static void optional_get(px_infer_call *c)
{
    const px_infer_value *element = element_of(c->in[0], PX_ONNX_TYPE_OPTIONAL);
    if (element)
        px_infer_set(c, 0, element);
    else if (c->in[0]->kind != PX_ONNX_TYPE_OPTIONAL)
        px_infer_same(c, 0, 0); /* version 18: what is no optional is itself */
}

static void optional_has(px_infer_call *c)
{
    px_infer_dtype(c, 0, PGY_DTYPE_BOOL);
    px_infer_shape(c, 0, 0, NULL);
    if (c->in[0]->kind == PX_ONNX_TYPE_TENSOR || c->in[0]->kind == PX_ONNX_TYPE_SEQUENCE)
        px_infer_set_data(c, 0, (px_dim[]){px_dim_const(1)}, 1);
}

/* --- strings --- */

static void string_normalizer(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    const px_onnx_attr *stopwords = px_infer_attr(c, "stopwords");
    if (x.rank < 1 || x.rank > 2)
        return;
    if (stopwords && stopwords->n > 0) /* some strings may go */
        x.dims[x.rank - 1] = px_infer_unknown(c);
    px_infer_shape(c, 0, x.rank, x.dims);
}

static void string_split(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    px_infer_same_shape(c, 1, 0);
    if (x.rank < 0 || x.rank == PX_MAX_RANK)
        return;
    x.dims[x.rank] = px_infer_unknown(c);
    px_infer_shape(c, 0, x.rank + 1, x.dims);
}

static void tfidf(px_infer_call *c)
{
    px_infer_dims x = px_infer_dims_of(c->in[0]);
    const int64_t *at = NULL;
    int64_t most = -1;
    size_t n = 0;
    if (x.rank < 1 || x.rank > 2 || !px_infer_attr_ints(c, "ngram_indexes", &at, &n))
        return;
    for (size_t i = 0; i < n; i++)
        most = PX_MAX(most, at[i]);
    if (most < 0 || most == INT64_MAX)
        return;
    x.dims[x.rank - 1] = px_dim_const(most + 1);
    px_infer_shape(c, 0, x.rank, x.dims);
}

static const px_infer_op rows[] = {
    {"", "ConcatFromSequence", 11, concat_from_sequence},
    {"", "Optional", 15, optional},
    {"", "OptionalGetElement", 15, optional_get},
    {"", "OptionalHasElement", 15, optional_has},
    {"", "SequenceAt", 11, at},
    {"", "SequenceConstruct", 11, construct},
    {"", "SequenceEmpty", 11, empty},
    {"", "SequenceErase", 11, erase},
    {"", "SequenceInsert", 11, insert},
    {"", "SequenceLength", 11, scalar},
    {"", "SplitToSequence", 11, split_to_sequence},
    {"", "StringNormalizer", 10, string_normalizer},
    {"", "StringSplit", 20, string_split},
    {"", "TfIdfVectorizer", 9, tfidf},
};

const px_infer_family px_infer_family_sequence = {rows, PX_COUNTOF(rows)};
