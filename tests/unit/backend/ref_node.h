/* ref_node.h - runs one node on the reference interpreter, from C values to C values. */
#ifndef REF_NODE_H
#define REF_NODE_H

#include "test_base.h"

#include "backend/ref/plan.h"
#include "base/tensor.h"

#include <math.h>

#define NODE_MAX 8

/* One operand. `v` holds doubles that are converted to `dtype`; `raw` (when set) the real bytes,
 * pgy_string for strings. dtype 0: the optional input is left out. */
typedef struct node_value {
    pgy_dtype dtype;
    int rank;
    int64_t dims[4];
    const double *v;
    const void *raw;
} node_value;

typedef struct node_case {
    const char *op;
    int64_t opset;
    node_value in[NODE_MAX];
    size_t n_in;
    px_onnx_attr attrs[NODE_MAX];
    size_t n_attrs;
    size_t n_out;  /* 0: one */
    bool is_typed; /* round each output to its declared type */
} node_case;

#define NODE_INT(text, value)                                                                      \
    {                                                                                              \
        .name = PX_STR(text), .type = PX_ONNX_ATTR_INT, .i = (value)                               \
    }
#define NODE_FLOAT(text, value)                                                                    \
    {                                                                                              \
        .name = PX_STR(text), .type = PX_ONNX_ATTR_FLOAT, .f = (value)                             \
    }
#define NODE_STRING(text, value)                                                                   \
    {                                                                                              \
        .name = PX_STR(text), .type = PX_ONNX_ATTR_STRING, .s = PX_STR(value)                      \
    }
#define NODE_INTS(text, count, ...)                                                                \
    {                                                                                              \
        .name = PX_STR(text), .type = PX_ONNX_ATTR_INTS, .n = (count), .ints = (const int64_t[])   \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define NODE_DOUBLES(...) ((const double[]){__VA_ARGS__})

static inline void node_input(px_ref_session *s, const node_value *from, px_ref_value *out)
{
    pgy_tensor *t = NULL;
    assert_ok(px_tensor_new_raw(from->dtype, from->rank, from->dims, &t));
    if (from->raw != NULL)
        memcpy(t->data, from->raw, t->size);
    else
        px_convert(from->dtype, t->data, PGY_DTYPE_F64, from->v, 0, t->count);
    assert_ok(px_ref_value_load(&s->pool, t, out));
    pgy_tensor_free(t);
}

/* Runs the node with its operands as graph inputs. Outputs, in their declared types, belong to the
 * caller; on failure all are NULL. */
static inline pgy_status *node_run(const node_case *k, pgy_tensor **out)
{
    static const char names[] = "abcdefghstuvwxyz"; /* one letter per input, then per output */
    pgy_status *st = NULL;
    pgy_context *cx = NULL;
    px_ref_session *s = NULL;
    px_ref_value in[NODE_MAX] = {0}, results[NODE_MAX] = {0};
    px_str inputs[NODE_MAX] = {0}, outputs[NODE_MAX];
    px_onnx_value_info graph_in[NODE_MAX] = {0}, graph_out[NODE_MAX] = {0};
    px_onnx_attr attrs[NODE_MAX];
    const size_t n_out = k->n_out ? k->n_out : 1;
    size_t n_in = 0;

    memcpy(attrs, k->attrs, sizeof attrs);
    for (size_t i = 0; i < k->n_in; i++) {
        if (k->in[i].dtype == PGY_DTYPE_UNKNOWN)
            continue;
        inputs[i] = (px_str){names + i, 1};
        graph_in[n_in++] = (px_onnx_value_info){
            .name = inputs[i],
            .type = {.kind = PX_ONNX_TYPE_TENSOR, .dtype = k->in[i].dtype, .rank = -1}};
    }
    for (size_t i = 0; i < n_out; i++) {
        outputs[i] = (px_str){names + NODE_MAX + i, 1};
        graph_out[i].name = outputs[i];
        out[i] = NULL;
    }
    px_onnx_node node = {.name = PX_STR("it"),
                         .op_type = px_str_of(k->op),
                         .inputs = inputs,
                         .n_inputs = k->n_in,
                         .outputs = outputs,
                         .n_outputs = n_out,
                         .attrs = attrs,
                         .n_attrs = k->n_attrs};
    px_onnx_opset opset = {.version = k->opset};
    px_onnx_model model = {.ir_version = 8, .opsets = &opset, .n_opsets = 1};
    model.graph = (px_onnx_graph){.nodes = &node,
                                  .n_nodes = 1,
                                  .inputs = graph_in,
                                  .n_inputs = n_in,
                                  .outputs = graph_out,
                                  .n_outputs = n_out};
    const px_ref_options options = {.is_typed = k->is_typed};

    assert_ok(pgy_context_new(&cx));
    PX_TRY(px_ref_session_open(cx, &model, &options, &s));
    for (size_t i = 0, at = 0; i < k->n_in; i++)
        if (k->in[i].dtype != PGY_DTYPE_UNKNOWN)
            node_input(s, &k->in[i], &in[at++]);
    PX_TRY(px_ref_session_run(s, in, results));
    for (size_t i = 0; i < n_out; i++)
        PX_TRY(px_ref_value_store(&results[i], &out[i]));
done:
    for (size_t i = 0; i < NODE_MAX; i++) {
        px_ref_value_free(&in[i]);
        px_ref_value_free(&results[i]);
    }
    px_ref_session_close(s);
    pgy_context_free(cx);
    return st;
}

/* Checks type, element count and elements: relative to `tolerance`, NaN equal to NaN, 0 means
 * equal with the sign of zero. */
static inline void node_check(const pgy_tensor *t, pgy_dtype dtype, int64_t count,
                              const double *want, double tolerance)
{
    assert_non_null(t);
    assert_int_equal(t->dtype, dtype);
    assert_int_equal(t->count, count);
    for (int64_t i = 0; i < count; i++) {
        const double got = px_tensor_get_f64(t, i);
        if ((isnan(want[i]) && isnan(got)) || (isinf(want[i]) && got == want[i]))
            continue;
        if (tolerance == 0 ? got != want[i] || !signbit(got) != !signbit(want[i])
                           : !(fabs(got - want[i]) <= tolerance * fabs(want[i])))
            fail_msg("[%lld] is %.17g, wanted %.17g", (long long)i, got, want[i]);
    }
}

/* Runs, checks the only output and frees it. */
static inline void node_expect(const node_case *k, pgy_dtype dtype, int64_t count,
                               const double *want, double tolerance)
{
    pgy_tensor *out[NODE_MAX] = {0};
    assert_ok(node_run(k, out));
    node_check(out[0], dtype, count, want, tolerance);
    pgy_tensor_free(out[0]);
}

static inline void node_expect_error(const node_case *k, pgy_error code, const char *part)
{
    pgy_tensor *out[NODE_MAX] = {0};
    assert_fails(node_run(k, out), code, part);
}

#endif
