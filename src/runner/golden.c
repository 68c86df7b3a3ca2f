/* runner/golden.c - see the header. */
#include "runner/golden.h"

#include "base/log.h"
#include "data/feed.h"

pgy_status *px_golden_init(pgy_context *cx, px_runner *runner, const px_onnx_index *index,
                           const px_iteration *values, const px_feed *feed, px_golden *out)
{
    pgy_status *st = NULL;
    *out = (px_golden){.cx = cx, .runner = runner, .index = index, .values = values, .feed = feed};
    for (size_t i = 0; i < values->n_outputs; i++)
        PX_TRY(px_map_set(&out->known, px_str_of(values->outputs[i].name), (void *)(i + 1)));
    PX_TRY(px_runner_activate_bare(runner));
done:
    if (st)
        px_golden_fini(out);
    return st;
}

void px_golden_fini(px_golden *golden)
{
    if (golden->runner)
        px_runner_deactivate(golden->runner);
    px_map_fini(&golden->known);
    *golden = (px_golden){0};
}

pgy_status *px_golden_value(const px_golden *golden, px_str name, pgy_tensor **out)
{
    const size_t at = (size_t)px_map_get(&golden->known, name);
    *out = NULL;
    if (at > 0)
        return px_lazy_get(golden->cx, golden->values->outputs[at - 1].value, out);
    for (size_t i = 0; i < golden->feed->n; i++)
        if (px_str_is(name, golden->feed->names[i]))
            *out = pgy_tensor_ref(golden->feed->tensors[i]);
    return NULL;
}

/* --- cutting --- */

/* What may be read: golden values, but for those of nodes fewer than `depth` steps before `node`.
 */
static pgy_status *known_before(const px_golden *g, size_t node, size_t depth, px_map *out)
{
    pgy_status *st = NULL;
    const px_onnx_graph *graph = &g->index->model->graph;
    size_t *queue = NULL, *steps = NULL, n = 0;
    PX_TRY(PX_ALLOC(queue, graph->n_nodes));
    PX_TRY(PX_ALLOC(steps, graph->n_nodes)); /* 0: not reached; 1: the node itself */
    queue[n++] = node;
    steps[node] = 1;
    for (size_t i = 0; i < n && steps[queue[i]] <= depth; i++) {
        const px_map *reads = &g->index->reads[queue[i]];
        for (size_t k = 0; k < reads->n; k++) {
            const px_onnx_node *from = px_onnx_producer(g->index, reads->at[k].key);
            if (!from || steps[from - graph->nodes] > 0)
                continue;
            steps[from - graph->nodes] = steps[queue[i]] + 1;
            queue[n++] = (size_t)(from - graph->nodes);
        }
    }
    for (size_t i = 0; i < g->known.n; i++) {
        const px_onnx_node *from = px_onnx_producer(g->index, g->known.at[i].key);
        if (!from || steps[from - graph->nodes] == 0)
            PX_TRY(px_map_set(out, g->known.at[i].key, NULL));
    }
done:
    px_mem_free(queue);
    px_mem_free(steps);
    return st;
}

/* Types and values of what the part reads. */
static pgy_status *fetch_inputs(const px_golden *g, const px_onnx_part *part,
                                px_onnx_part_input *types, px_feed *out)
{
    pgy_status *st = NULL;
    px_buf name = {0};
    for (size_t i = 0; i < part->inputs.n; i++) {
        const px_str key = part->inputs.at[i].key;
        pgy_tensor *t = NULL;
        PX_TRY(px_golden_value(g, key, &t));
        if (!t)
            PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                           "There is no value of the tensor '%.*s'. Mark it with --onnx-outputs, "
                           "or give the inputs that the results were made from with --load-inputs",
                           PX_STR_ARG(key)));
        types[i] = (px_onnx_part_input){t->dtype, t->rank, t->dims};
        name.len = 0;
        px_buf_putstr(&name, key);
        PX_TRY(px_feed_add(out, px_buf_cstr(&name), t));
    }
    PX_TRY(px_buf_status(&name));
done:
    px_buf_fini(&name);
    return st;
}

static pgy_status *build(const px_golden *g, const px_onnx_part *part, px_piece *out)
{
    pgy_status *st = NULL;
    px_onnx_part_input *types = NULL;
    px_onnx_model *onnx = NULL;
    PX_TRY(PX_ALLOC(types, part->inputs.n));
    PX_TRY(fetch_inputs(g, part, types, &out->inputs));
    PX_TRY(px_onnx_part_build(g->index, part, types, &onnx));
    out->n_nodes = onnx->graph.n_nodes;
    PX_TRY(
        px_model_of_part(g->cx, pgy_model_path(px_runner_model(g->runner)), 0, onnx, &out->model));
done:
    px_mem_free(types);
    return st;
}

pgy_status *px_golden_cut(const px_golden *g, const px_map *wanted, size_t depth, px_piece *out)
{
    pgy_status *st = NULL;
    const px_onnx_graph *graph = &g->index->model->graph;
    const px_onnx_node *node = px_onnx_producer(g->index, wanted->at[0].key);
    px_map known = {0};
    bool *has = NULL;
    px_onnx_part part = {0};
    px_piece piece = {.is_whole = true};
    if (!node)
        PX_TRY(PX_FAIL(PGY_ERR_BUG, "No node gives '%.*s'", PX_STR_ARG(wanted->at[0].key)));
    PX_TRY(PX_ALLOC(has, graph->n_nodes));
    PX_TRY(known_before(g, (size_t)(node - graph->nodes), depth, &known));
    PX_TRY(px_onnx_part_upto(g->index, &known, wanted->at[0].key, has));
    PX_TRY(px_onnx_part_init(g->index, has, wanted, &part));
    for (size_t i = 0; i < part.inputs.n; i++)
        piece.is_whole &= !px_onnx_producer(g->index, part.inputs.at[i].key);
    PX_TRY(build(g, &part, &piece));
    *out = piece;
    piece = (px_piece){0};
done:
    px_piece_fini(&piece);
    px_onnx_part_fini(&part);
    px_map_fini(&known);
    px_mem_free(has);
    return st;
}

void px_piece_fini(px_piece *piece)
{
    pgy_model_close(piece->model);
    px_feed_fini(&piece->inputs);
    *piece = (px_piece){0};
}

/* --- running --- */

pgy_status *px_golden_run(const px_golden *g, const px_piece *piece, pgy_outputs *out)
{
    pgy_status *st = NULL;
    px_feed feed = {0};
    const pgy_io *inputs;
    size_t n;
    const pgy_feed all = px_feed_view(&piece->inputs);
    px_log_mute(g->cx, 1);
    PX_TRY(px_runner_open_part(g->runner, piece->model));
    PX_TRY(px_runner_inputs(g->runner, &inputs, &n));
    PX_TRY(px_feed_adapt(g->cx, &all, inputs, n, NULL, 0, &feed));
    const pgy_feed view = px_feed_view(&feed);
    PX_TRY(px_runner_infer(g->runner, &view, out));
done:
    px_runner_close_part(g->runner);
    px_log_mute(g->cx, -1);
    px_feed_fini(&feed);
    return st;
}
