/* runner/parts.c - see the header. */
#include "runner/parts.h"

#include "base/progress.h"
#include "data/feed.h"
#include "model/model.h"
#include "model/onnx_part.h"

#define FIRST_NODES 32 /* of a graph whose shapes nobody knows: the first part measures */
/* A part has at most that many times the nodes of the one before; more of a model that seems small,
 * which is then one part or two. */
#define GROWTH 2
#define GROWTH_SMALL 32

typedef struct state {
    const px_parts *job;
    px_onnx_index index;
    px_results hidden; /* tensors between parts that are no outputs: one run */
    px_map where;      /* tensor -> 1 + position in an iteration, plus HIDDEN */
    px_map last_read;  /* tensor -> 1 + position in index.order of the last node that reads it */
    px_map declared;   /* tensor -> its element type, where it is kept in a wider one */
    bool *has;         /* nodes of the next part */
    size_t next;       /* position in index.order of the first node not run yet */
    size_t n_last;     /* nodes of the last part; 0: there was none */
    uint64_t per_node; /* bytes that its nodes gave on average */
} state;

#define HIDDEN ((size_t)1 << (sizeof(size_t) * 8 - 1))

static px_run *visible_run(const state *s)
{
    return &s->job->results->at[s->job->run];
}

/* --- which nodes --- */

/* Bytes of a node's outputs; false when shapes are not known. */
static bool outputs_size(const px_onnx_index *x, const px_onnx_node *node, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < node->n_outputs; i++) {
        const px_onnx_value_info *v = px_map_get(&x->value_infos, node->outputs[i]);
        int64_t dims[PX_MAX_RANK];
        size_t size;
        if (node->outputs[i].len == 0)
            continue;
        if (!v)
            v = px_map_get(&x->outputs, node->outputs[i]);
        if (!v || v->type.rank < 0 || v->type.rank > PX_MAX_RANK)
            return false;
        for (int d = 0; d < v->type.rank; d++)
            dims[d] = v->type.dims[d].value;
        if (!px_shape_size(v->type.dtype, v->type.rank, dims, &size))
            return false;
        *out += size;
    }
    return true;
}

static uint64_t weights_size(const px_onnx_index *x, size_t node)
{
    uint64_t size = 0;
    for (size_t i = 0; i < x->reads[node].n; i++)
        size += px_onnx_constant_size(x, x->reads[node].at[i].key);
    return size;
}

/* A Constant comes along with whoever reads it; alone it would be in the way. */
static bool runs(const px_onnx_index *x, const px_onnx_node *node)
{
    return node->n_outputs == 0 || !px_onnx_is_constant(x, node->outputs[0]) ||
           px_map_has(&x->outputs, node->outputs[0]);
}

/* Marks the nodes of the next part in s->has. */
static void choose_nodes(state *s)
{
    const px_onnx_index *x = &s->index;
    const size_t n_nodes = x->model->graph.n_nodes;
    const bool is_small = s->per_node * (n_nodes - s->next) <= PX_PARTS_BUDGET / 8;
    const size_t n_max =
        s->n_last == 0 ? FIRST_NODES : s->n_last * (is_small ? GROWTH_SMALL : GROWTH);
    uint64_t total = 0;
    size_t n = 0, n_unknown = 0;
    memset(s->has, 0, n_nodes * sizeof *s->has);
    for (; s->next < n_nodes; s->next++, n++) {
        const size_t at = x->order[s->next];
        uint64_t size;
        if (!outputs_size(x, &x->model->graph.nodes[at], &size)) {
            size = s->per_node;
            n_unknown++;
        }
        total += size + weights_size(x, at);
        if (n > 0 && (total > PX_PARTS_BUDGET || n_unknown > n_max))
            break;
        s->has[at] = runs(x, &x->model->graph.nodes[at]);
    }
    s->n_last = n;
}

/* --- feeding and fetching --- */

static px_lazy *find_value(const state *s, size_t iteration, px_str name)
{
    const size_t where = (size_t)px_map_get(&s->where, name);
    if (where != 0) {
        const px_run *run = where & HIDDEN ? &s->hidden.at[0] : visible_run(s);
        return run->at[iteration].outputs[(where & ~HIDDEN) - 1].value;
    }
    const px_iteration *feed = &s->job->feeds->at[iteration];
    for (size_t i = 0; i < feed->n_outputs; i++)
        if (px_str_is(name, feed->outputs[i].name))
            return feed->outputs[i].value;
    return NULL;
}

/* Type of an input over all iterations: dimensions that differ are dynamic. `dims` holds
 * PX_MAX_RANK. */
static pgy_status *describe(const state *s, px_str name, int64_t *dims, px_onnx_part_input *out)
{
    pgy_status *st = NULL;
    *out = (px_onnx_part_input){.rank = -1, .dims = dims};
    for (size_t i = 0; i < s->job->feeds->n; i++) {
        const int64_t *own;
        int rank;
        const px_lazy *value = find_value(s, i, name);
        if (!value)
            PX_TRY(PX_FAIL(PGY_ERR_BUG, "The tensor '%.*s' was not computed", PX_STR_ARG(name)));
        PX_TRY(px_lazy_describe(value, &out->dtype, &rank, &own));
        if (px_map_has(&s->declared, name))
            out->dtype = (pgy_dtype)(uintptr_t)px_map_get(&s->declared, name);
        if (i == 0)
            memcpy(dims, own, (size_t)rank * sizeof *dims);
        for (int d = 0; d < rank && rank == out->rank; d++)
            dims[d] = dims[d] == own[d] ? own[d] : -1;
        out->rank = i == 0 || rank == out->rank ? rank : -1;
        if (out->rank < 0)
            break;
    }
done:
    return st;
}

static pgy_status *make_feed(const state *s, size_t iteration, px_feed *out)
{
    pgy_status *st = NULL;
    const pgy_io *inputs;
    size_t n;
    PX_TRY(px_runner_inputs(s->job->runner, &inputs, &n));
    for (size_t i = 0; i < n; i++) {
        pgy_tensor *t = NULL;
        px_lazy *value = find_value(s, iteration, px_str_of(inputs[i].name));
        if (!value)
            PX_TRY(PX_FAIL(PGY_ERR_BUG, "The tensor '%s' was not computed", inputs[i].name));
        PX_TRY(px_lazy_get(s->job->cx, value, &t));
        PX_TRY(px_feed_add(out, inputs[i].name, t));
    }
done:
    return st;
}

/* Where one output goes: outputs of the whole model to its run, what only later parts read to the
 * hidden one. `*inout_exact` (NULL when the backend gives none) is kept for later parts instead. */
static pgy_status *keep_output(state *s, size_t iteration, pgy_outputs *visible,
                               pgy_outputs *hidden, px_named_tensor *output,
                               pgy_tensor **inout_exact)
{
    pgy_status *st = NULL;
    const px_str name = px_str_of(output->name);
    const bool is_output = px_map_has(&s->index.outputs, name);
    const bool is_exact = *inout_exact != NULL;
    const bool is_read = (size_t)px_map_get(&s->last_read, name) > s->next;
    const bool is_hidden = is_exact ? is_read : !is_output;
    const size_t at_visible = visible_run(s)->at[iteration].n_outputs + visible->n + 1;
    const size_t at_hidden = s->hidden.at[0].at[iteration].n_outputs + hidden->n + 1;
    pgy_tensor *t = output->tensor;

    if (iteration == 0)
        PX_TRY(px_map_set(&s->where, name, (void *)(is_hidden ? at_hidden | HIDDEN : at_visible)));
    if (iteration == 0 && is_exact)
        PX_TRY(px_map_set(&s->declared, name, (void *)(uintptr_t)t->dtype));
    if (is_hidden && is_exact) {
        pgy_tensor *wide = *inout_exact;
        *inout_exact = NULL;
        PX_TRY(pgy_outputs_add(hidden, output->name, wide));
    }
    if (is_output || !is_exact) {
        output->tensor = NULL;
        PX_TRY(pgy_outputs_add(is_output ? visible : hidden, output->name, t));
    }
done:
    return st;
}

static pgy_status *keep_outputs(state *s, size_t iteration, pgy_outputs *outputs,
                                pgy_outputs *exact)
{
    pgy_status *st = NULL;
    pgy_outputs hidden = {0}, visible = {0};
    for (size_t i = 0; i < outputs->n; i++) {
        pgy_tensor *none = NULL;
        PX_TRY(keep_output(s, iteration, &visible, &hidden, &outputs->at[i],
                           i < exact->n ? &exact->at[i].tensor : &none));
    }
    PX_TRY(
        px_iteration_extend(s->job->cx, s->job->results, &visible_run(s)->at[iteration], &visible));
    PX_TRY(px_iteration_extend(s->job->cx, &s->hidden, &s->hidden.at[0].at[iteration], &hidden));
done:
    px_outputs_clear(&visible);
    px_outputs_clear(&hidden);
    px_outputs_clear(outputs);
    px_outputs_clear(exact);
    return st;
}

/* --- running --- */

static pgy_status *run_iteration(state *s, size_t i, uint64_t *size)
{
    pgy_status *st = NULL;
    px_feed feed = {0};
    pgy_outputs outputs = {0}, exact = {0};
    PX_TRY(make_feed(s, i, &feed));
    const pgy_feed view = px_feed_view(&feed);
    for (int64_t k = 0; i == 0 && k < s->job->n_warm_up; k++) {
        PX_TRY(px_runner_infer(s->job->runner, &view, &outputs));
        px_outputs_clear(&outputs);
    }
    PX_TRY(px_runner_infer_part(s->job->runner, &view, &outputs, &exact));
    s->job->elapsed_ns[i] += outputs.elapsed_ns;
    for (size_t k = 0; k < outputs.n; k++)
        *size += outputs.at[k].tensor->size;
    PX_TRY(keep_outputs(s, i, &outputs, &exact));
done:
    px_outputs_clear(&outputs);
    px_outputs_clear(&exact);
    px_feed_fini(&feed);
    return st;
}

static pgy_status *open_part(const state *s, const px_onnx_part *part, size_t number,
                             pgy_model **out)
{
    pgy_status *st = NULL;
    px_onnx_part_input *types = NULL;
    int64_t *dims = NULL;
    px_onnx_model *onnx = NULL;
    pgy_model *model = NULL;
    const size_t n = part->inputs.n;
    PX_TRY(PX_ALLOC(types, n));
    PX_TRY(PX_ALLOC(dims, n * PX_MAX_RANK));
    for (size_t i = 0; i < n; i++)
        PX_TRY(describe(s, part->inputs.at[i].key, dims + i * PX_MAX_RANK, &types[i]));
    PX_TRY(px_onnx_part_build(&s->index, part, types, &onnx));
    PX_TRY(px_model_of_part(s->job->cx, pgy_model_path(px_runner_model(s->job->runner)), number,
                            onnx, &model));
    PX_TRY(px_runner_open_part(s->job->runner, model));
    *out = model;
    model = NULL;
done:
    pgy_model_close(model);
    px_mem_free(dims);
    px_mem_free(types);
    return st;
}

static pgy_status *run_part(state *s, const px_onnx_part *part, size_t number)
{
    pgy_status *st = NULL;
    pgy_model *model = NULL;
    const size_t n = s->job->feeds->n;
    uint64_t size = 0;
    PX_TRY(open_part(s, part, number, &model));
    for (size_t i = 0; i < n; i++)
        PX_TRY(run_iteration(s, i, &size));
    s->per_node = size / PX_MAX(n, (size_t)1) / PX_MAX(s->n_last, (size_t)1);
done:
    px_runner_close_part(s->job->runner);
    pgy_model_close(model);
    px_mem_trim(); /* else the next part's tensors come on top: 426 MiB instead of 285 */
    return st;
}

static pgy_status *add_empty_iterations(pgy_context *cx, px_results *results, px_run *run, size_t n)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < n; i++)
        PX_TRY(px_run_add_iteration(cx, results, run, &(pgy_outputs){0}));
done:
    return st;
}

static pgy_status *find_last_reads(state *s)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < s->index.model->graph.n_nodes; i++) {
        const px_map *reads = &s->index.reads[s->index.order[i]];
        for (size_t k = 0; k < reads->n; k++)
            PX_TRY(px_map_set(&s->last_read, reads->at[k].key, (void *)(i + 1)));
    }
done:
    return st;
}

static pgy_status *run_parts(state *s)
{
    pgy_status *st = NULL;
    px_onnx_part part = {0};
    const size_t n_nodes = s->index.model->graph.n_nodes;
    for (size_t number = 1; s->next < n_nodes;) {
        choose_nodes(s);
        px_onnx_part_fini(&part);
        PX_TRY(px_onnx_part_init(&s->index, s->has, NULL, &part));
        if (part.outputs.n > 0)
            PX_TRY(run_part(s, &part, number++));
        px_progress(s->job->cx, px_runner_name(s->job->runner), s->next, n_nodes);
    }
    px_progress_end(s->job->cx, px_runner_name(s->job->runner));
done:
    px_onnx_part_fini(&part);
    return st;
}

pgy_status *px_parts_run(const px_parts *job)
{
    pgy_status *st = NULL;
    px_onnx_model *onnx = NULL;
    px_run *run;
    state s = {.job = job, .hidden = {.limit = PX_PARTS_BUDGET / 4}};
    PX_TRY(px_model_onnx(px_runner_model(job->runner), &onnx));
    PX_TRY(px_onnx_index_init(onnx, &s.index));
    PX_TRY(find_last_reads(&s));
    PX_TRY(PX_ALLOC(s.has, onnx->graph.n_nodes));
    PX_TRY(px_results_add_run(&s.hidden, "", &run));
    PX_TRY(add_empty_iterations(job->cx, &s.hidden, run, job->feeds->n));
    PX_TRY(add_empty_iterations(job->cx, job->results, visible_run(&s), job->feeds->n));
    PX_TRY(run_parts(&s));
    for (size_t i = 0; i < job->feeds->n; i++)
        visible_run(&s)->at[i].runtime_s = (double)job->elapsed_ns[i] * 1e-9;
done:
    px_results_fini(&s.hidden);
    px_map_fini(&s.where);
    px_map_fini(&s.last_read);
    px_map_fini(&s.declared);
    px_mem_free(s.has);
    px_onnx_index_fini(&s.index);
    return st;
}
