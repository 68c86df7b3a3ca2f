/* model/infer/op/random.c - tensors of random numbers, and the training operators. */
#include "model/infer/infer.h"

static void by_attributes(px_infer_call *c)
{
    const int64_t dtype = px_infer_attr_i(c, "dtype", PGY_DTYPE_F32), *shape = NULL;
    size_t n = 0;
    if (dtype > 0 && dtype < PGY_DTYPE_COUNT)
        px_infer_dtype(c, 0, (pgy_dtype)dtype);
    if (px_infer_attr_ints(c, "shape", &shape, &n) && n <= PX_MAX_RANK)
        px_infer_ints_shape(c, 0, (int)n, shape);
}

static void multinomial(px_infer_call *c)
{
    const int64_t dtype = px_infer_attr_i(c, "dtype", PGY_DTYPE_I32);
    const px_dim dims[2] = {px_infer_dim(c, 0, 0),
                            px_dim_const(px_infer_attr_i(c, "sample_size", 1))};
    if (dtype > 0 && dtype < PGY_DTYPE_COUNT)
        px_infer_dtype(c, 0, (pgy_dtype)dtype);
    px_infer_shape(c, 0, 2, dims);
}

/* Rate and step count, then groups of tensors (weights, gradients, states); outputs are the new
 * weights and states, without the gradients. */
static void update(px_infer_call *c, size_t n_groups)
{
    const size_t n = c->n_in < 2 ? 0 : (c->n_in - 2) / n_groups;
    for (size_t o = 0; o < c->n_out && n > 0; o++) {
        const size_t group = o / n, i = 2 + (group == 0 ? 0 : group + 1) * n + o % n;
        if (i < c->n_in && c->in[i]->kind == PX_ONNX_TYPE_TENSOR) {
            px_infer_dtype(c, o, c->in[i]->dtype);
            px_infer_same_shape(c, o, i);
        }
    }
}

static void adagrad(px_infer_call *c)
{
    update(c, 3);
}

static void adam(px_infer_call *c)
{
    update(c, 4);
}

static const px_infer_op rows[] = {
    {"", "Multinomial", 7, multinomial},
    {"", "RandomNormal", 1, by_attributes},
    {"", "RandomUniform", 1, by_attributes},
    {"ai.onnx.preview.training", "Adagrad", 1, adagrad},
    {"ai.onnx.preview.training", "Adam", 1, adam},
    {"ai.onnx.preview.training", "Momentum", 1, adagrad},
};

const px_infer_family px_infer_family_random = {rows, PX_COUNTOF(rows)};
