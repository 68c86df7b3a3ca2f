/* backend/tf/session.c - opening a model and running it.
 *
 * Everything that an iteration needs but the tensors is made at opening. Inputs are TensorFlow's
 * views of the fed bytes, outputs ours of TensorFlow's.
 */
#include "backend/tf/session.h"

#include "backend/outputs.h"
#include "backend/tf/settings.h"
#include "backend/tf/timeline.h"
#include "backend/tf/values.h"
#include "base/log.h"
#include "base/tensor.h"
#include "base/thread.h"

pgy_status *px_tf_checked(px_tf_model *s)
{
    return px_tf_check(s->lib, s->status);
}

static pgy_status *make_options(px_tf_model *s)
{
    pgy_status *st = NULL;
    px_pb_out config = {0};
    char *bytes = NULL;
    PX_TRY(px_tf_config_write(s->args, px_context_threads(s->cx), &config));
    bytes = px_mem_alloc((size_t)config.size);
    s->options = s->lib->api.NewSessionOptions();
    if (bytes == NULL || s->options == NULL)
        PX_TRY(px_status_nomem());
    px_pb_out_copy(&config, bytes);
    s->lib->api.SetConfig(s->options, bytes, (size_t)config.size, s->status);
    PX_TRY(px_tf_checked(s));
done:
    px_mem_free(bytes);
    px_pb_out_fini(&config);
    return st;
}

/* Type and shape of an input, as far as the graph tells. */
static pgy_status *describe(px_tf_model *s, const px_tf_end *end, pgy_io *out)
{
    pgy_status *st = NULL;
    const px_tf_api *api = &s->lib->api;
    const int rank = api->GraphGetTensorNumDims(s->graph, end->port, s->status);
    PX_TRY(px_tf_checked(s));
    *out = (pgy_io){.name = end->name,
                    .dtype = px_tf_dtype_of(api->OperationOutputType(end->port)),
                    .rank = rank};
    if (rank <= 0)
        goto done;
    int64_t *dims = px_arena_calloc(&s->arena, (size_t)rank, sizeof *dims);
    if (dims == NULL)
        PX_TRY(px_status_nomem());
    api->GraphGetTensorShape(s->graph, end->port, dims, rank, s->status);
    PX_TRY(px_tf_checked(s));
    out->dims = dims;
done:
    return st;
}

static pgy_status *make_arrays(px_tf_model *s)
{
    pgy_status *st = NULL;
    const size_t n_in = s->inputs.n, n_out = s->outputs.n;
    s->signature = px_arena_calloc(&s->arena, n_in, sizeof *s->signature);
    s->in_ports = px_arena_calloc(&s->arena, n_in, sizeof *s->in_ports);
    s->in_tensors = px_arena_calloc(&s->arena, n_in, sizeof(px_tf_tensor *));
    s->out_ports = px_arena_calloc(&s->arena, n_out, sizeof *s->out_ports);
    s->out_tensors = px_arena_calloc(&s->arena, n_out, sizeof(px_tf_tensor *));
    if (!s->signature || !s->in_ports || !s->in_tensors || !s->out_ports || !s->out_tensors)
        PX_TRY(px_status_nomem());
    for (size_t i = 0; i < n_in; i++) {
        s->in_ports[i] = s->inputs.at[i].port;
        PX_TRY(describe(s, &s->inputs.at[i], &s->signature[i]));
    }
    for (size_t i = 0; i < n_out; i++)
        s->out_ports[i] = s->outputs.at[i].port;
done:
    return st;
}

/* An ONNX model says more of its inputs than the graph made of it: its dimensions have names. */
static pgy_status *describe_onnx(px_tf_model *s, pgy_model *model)
{
    pgy_status *st = NULL;
    const pgy_io *io = NULL;
    size_t n = 0;
    if (model->type != PGY_MODEL_ONNX)
        return NULL;
    PX_TRY(pgy_model_inputs(model, &io, &n));
    for (size_t i = 0; i < s->inputs.n; i++)
        for (size_t k = 0; k < n; k++)
            if (strcmp(io[k].name, s->signature[i].name) == 0)
                s->signature[i].dim_names = io[k].dim_names;
done:
    return st;
}

pgy_status *px_tf_model_open(pgy_context *cx, px_tf_lib *lib, pgy_model *model,
                             const px_tf_args *args, px_tf_model **out)
{
    pgy_status *st = NULL;
    px_tf_model *s = NULL;
    const char *path = pgy_model_path(model);

    PX_TRY(PX_ALLOC(s, 1));
    s->cx = cx;
    s->lib = px_tf_lib_ref(lib);
    s->args = args;
    s->where = px_arena_strdup(&s->arena, path != NULL ? path : "a model in memory");
    s->status = lib->api.NewStatus();
    s->graph = lib->api.NewGraph();
    if (s->where == NULL || s->status == NULL || s->graph == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(make_options(s));
    PX_TRY(px_tf_load(s, model));
    PX_TRY(make_arrays(s));
    PX_TRY(describe_onnx(s, model));
    *out = s;
    s = NULL;
done:
    px_tf_model_close(s);
    return px_status_while(st, "opening %s with TensorFlow",
                           path != NULL ? path : "a model in memory");
}

void px_tf_model_close(px_tf_model *s)
{
    if (s == NULL)
        return;
    const px_tf_api *api = &s->lib->api;
    if (s->run != NULL) {
        api->CloseSession(s->run, s->status);
        api->DeleteSession(s->run, s->status);
    }
    if (s->options != NULL)
        api->DeleteSessionOptions(s->options);
    if (s->graph != NULL)
        api->DeleteGraph(s->graph);
    if (s->status != NULL)
        api->DeleteStatus(s->status);
    px_mem_free(s->inputs.at);
    px_mem_free(s->outputs.at);
    px_tf_lib_unref(s->lib);
    px_arena_fini(&s->arena);
    px_mem_free(s);
}

static pgy_status *feed(px_tf_model *s, const pgy_feed *in)
{
    pgy_status *st = NULL;
    if (in->n != s->inputs.n)
        PX_TRY(
            PX_FAIL(PGY_ERR_USAGE, "%zu inputs were fed, the model has %zu.", in->n, s->inputs.n));
    for (size_t i = 0; i < in->n; i++)
        PX_TRY(px_status_while(
            px_tf_tensor_new(s->lib, in->tensors[i],
                             s->lib->api.OperationOutputType(s->in_ports[i]) % PX_TF_REF,
                             &s->in_tensors[i]),
            "feeding the input '%s'", s->inputs.at[i].name));
done:
    return st;
}

static void clear_tensors(px_tf_model *s, px_tf_tensor **at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (at[i] != NULL)
            s->lib->api.DeleteTensor(at[i]);
        at[i] = NULL;
    }
}

/* A graph may hand an input through: its output then lies in the bytes that were fed, which are
 * only ours for this call. */
static pgy_status *own_bytes(const pgy_feed *in, pgy_tensor **t)
{
    pgy_status *st = NULL;
    pgy_tensor *copy = NULL;
    const uintptr_t at = (uintptr_t)(*t)->data;
    bool is_fed = false;
    for (size_t i = 0; i < in->n; i++) {
        const pgy_tensor *fed = in->tensors[i];
        is_fed |= at >= (uintptr_t)fed->data && at < (uintptr_t)fed->data + fed->size;
    }
    if (!is_fed || (*t)->size == 0)
        return NULL;
    PX_TRY(px_tensor_new_raw((*t)->dtype, (*t)->rank, (*t)->dims, &copy));
    memcpy(copy->data, (*t)->data, copy->size);
    pgy_tensor_free(*t);
    *t = copy;
done:
    return st;
}

static pgy_status *fetch(px_tf_model *s, size_t i, const pgy_feed *in, pgy_outputs *out)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    px_tf_tensor *value = s->out_tensors[i];
    s->out_tensors[i] = NULL;
    PX_TRY(px_tf_tensor_take(s->lib, s->outputs.at[i].name, value, &t));
    PX_TRY(own_bytes(in, &t));
    pgy_tensor *given = t;
    t = NULL;
    PX_TRY(pgy_outputs_add(out, s->outputs.at[i].name, given));
done:
    pgy_tensor_free(t);
    return st;
}

pgy_status *px_tf_model_run(px_tf_model *s, const pgy_feed *in, pgy_outputs *out)
{
    pgy_status *st = NULL;
    const px_tf_api *api = &s->lib->api;
    px_tf_trace trace = {0};

    PX_TRY(feed(s, in));
    PX_TRY(px_tf_trace_begin(&trace, s->lib, s->args));
    const uint64_t start_ns = px_time_ns();
    api->SessionRun(s->run, trace.options, s->in_ports, s->in_tensors, (int)s->inputs.n,
                    s->out_ports, s->out_tensors, (int)s->outputs.n, NULL, 0, trace.metadata,
                    s->status);
    pgy_outputs_set_elapsed(out, px_time_ns() - start_ns);
    PX_TRY(px_tf_checked(s));
    PX_TRY(px_tf_trace_save(&trace, s->cx, s->args, s->n_runs));
    s->n_runs++;
    for (size_t i = 0; i < s->outputs.n; i++)
        PX_TRY(fetch(s, i, in, out));
done:
    px_tf_trace_end(&trace, s->lib);
    clear_tensors(s, s->in_tensors, s->inputs.n);
    clear_tensors(s, s->out_tensors, s->outputs.n);
    return px_status_while(st, "running %s with TensorFlow", s->where);
}
