/* report/layers.c - see the header. */
#include "report/layers.h"

#include <math.h>

/* --- gathering --- */

static void widen(px_layer_range *r, const px_stats *s)
{
    const bool is_nan = isnan(s->min) || isnan(s->max);
    if (!r->known || is_nan || s->min < r->min)
        r->min = s->min;
    if (!r->known || is_nan || s->max > r->max)
        r->max = s->max;
    r->known = true;
    r->n_nan += s->n_nan;
    r->n_inf += s->n_inf;
}

static double worst(double a, double b)
{
    return isnan(a) || a > b ? a : b;
}

/* The numbers of `simple`; other functions have none of these. */
static pgy_status *add_numbers(px_layers *layers, px_layer *layer, const px_output_result *r)
{
    px_layer_error *e = &layer->error;
    for (int i = 0; i < 2; i++)
        widen(&layer->of[i], &r->stats.of[i]);
    const double abs = r->stats.of[PX_OF_ABS].max, rel = r->stats.of[PX_OF_REL].max;
    e->max_abs = e->given ? worst(e->max_abs, abs) : abs;
    e->max_rel = e->given ? worst(e->max_rel, rel) : rel;
    e->given = true;
    e->has_ulp |= r->stats.ulp.given;
    e->max_ulp = PX_MAX(e->max_ulp, r->stats.ulp.max);
    if (layer->rank < 0) {
        int64_t *dims = px_arena_calloc(&layers->arena, (size_t)r->rank, sizeof *dims);
        if (!dims)
            return px_status_nomem();
        for (int i = 0; i < r->rank; i++)
            dims[i] = r->dims[i];
        layer->rank = r->rank;
        layer->dims = dims;
    }
    return NULL;
}

/* A layer for each output of the pair that a node of the graph gives; `where`: name -> 1 +
 * position.
 */
static pgy_status *find_layers(const px_onnx_index *index, const px_pair_result *pair,
                               px_layers *out, px_map *where)
{
    pgy_status *st = NULL;
    px_map names = {0};
    size_t n = 0;
    for (size_t f = 0; f < pair->n_funcs; f++)
        for (size_t i = 0; i < pair->funcs[f].n; i++)
            for (size_t k = 0; k < pair->funcs[f].at[i].n; k++)
                PX_TRY(px_map_set(&names, px_str_of(pair->funcs[f].at[i].at[k].name), NULL));
    out->at = px_arena_calloc(&out->arena, names.n, sizeof *out->at);
    if (!out->at)
        PX_TRY(px_status_nomem());
    for (size_t i = 0; i < index->model->graph.n_nodes; i++) {
        const px_onnx_node *node = &index->model->graph.nodes[index->order[i]];
        for (size_t k = 0; k < node->n_outputs; k++) {
            const px_str name = node->outputs[k];
            if (!px_map_has(&names, name) || name.len == 0)
                continue;
            char *copy = px_arena_strndup(&out->arena, name.ptr, name.len);
            if (!copy)
                PX_TRY(px_status_nomem());
            out->at[n++] = (px_layer){
                .output = copy, .node = node, .position = i, .rank = -1, .error = {.passed = true}};
            PX_TRY(px_map_set(where, name, (void *)n));
        }
    }
    out->n = n;
done:
    px_map_fini(&names);
    return st;
}

static pgy_status *add_results(const px_pair_result *pair, px_layers *out, const px_map *where,
                               size_t *first_failed_in)
{
    pgy_status *st = NULL;
    for (size_t f = 0; f < pair->n_funcs; f++) {
        const px_func_result *func = &pair->funcs[f];
        out->n_iterations = PX_MAX(out->n_iterations, func->n);
        for (size_t i = 0; i < func->n; i++)
            for (size_t k = 0; k < func->at[i].n; k++) {
                const px_output_result *r = &func->at[i].at[k];
                const size_t at = (size_t)px_map_get(where, px_str_of(r->name));
                if (at == 0)
                    continue;
                px_layer *layer = &out->at[at - 1];
                if (!r->passed)
                    first_failed_in[at - 1] = PX_MIN(first_failed_in[at - 1], i);
                layer->error.passed &= r->passed;
                if (func->func == PX_COMPARE_SIMPLE && !r->bare)
                    PX_TRY(add_numbers(out, layer, r));
            }
    }
done:
    return st;
}

static bool is_bad(const px_layer *layer)
{
    for (int i = 0; i < 2; i++)
        if (layer->of[i].n_nan + layer->of[i].n_inf > 0)
            return true;
    return false;
}

pgy_status *px_layers_of(const px_onnx_index *index, const px_pair_result *pair, px_layers *out)
{
    pgy_status *st = NULL;
    px_layers layers = {.first_failed = PX_NO_LAYER, .first_bad = PX_NO_LAYER};
    px_map where = {0};
    size_t *failed_in = NULL;
    for (int i = 0; i < 2; i++) {
        layers.runner[i] = px_arena_strdup(&layers.arena, pair->runner[i]);
        if (!layers.runner[i])
            PX_TRY(px_status_nomem());
    }
    PX_TRY(find_layers(index, pair, &layers, &where));
    PX_TRY(PX_ALLOC(failed_in, layers.n));
    for (size_t i = 0; i < layers.n; i++)
        failed_in[i] = SIZE_MAX;
    PX_TRY(add_results(pair, &layers, &where, failed_in));
    for (size_t i = layers.n; i-- > 0;) {
        if (!layers.at[i].error.passed) {
            layers.n_failed++;
            layers.first_failed = i;
            layers.iteration = failed_in[i];
        }
        if (is_bad(&layers.at[i]))
            layers.first_bad = i;
    }
    *out = layers;
    layers = (px_layers){0};
done:
    px_mem_free(failed_in);
    px_map_fini(&where);
    px_layers_fini(&layers);
    return st;
}

void px_layers_fini(px_layers *layers)
{
    px_arena_fini(&layers->arena);
    *layers = (px_layers){0};
}

const px_layer *px_layers_find(const px_layers *layers, px_str output)
{
    for (size_t i = 0; i < layers->n; i++)
        if (px_str_is(output, layers->at[i].output))
            return &layers->at[i];
    return NULL;
}

/* --- what a layer reads --- */

static pgy_status *range_of(pgy_context *cx, const pgy_tensor *t, px_layer_range out[2])
{
    px_stats stats;
    px_work work;
    if (t->count == 0 || !px_work_of(t->dtype, &work))
        return NULL;
    pgy_status *st = px_stats_of(cx, t, &stats);
    for (int i = 0; !st && i < 2; i++)
        widen(&out[i], &stats);
    return st;
}

static pgy_status *weight_range(pgy_context *cx, const px_onnx_index *index, px_str name,
                                px_layer_range out[2])
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    const px_onnx_tensor *weight = px_map_get(&index->initializers, name);
    const px_onnx_node *node = px_onnx_producer(index, name);
    const px_onnx_attr *value = node ? px_onnx_node_attr(node, "value") : NULL;
    if (!weight && value && value->type == PX_ONNX_ATTR_TENSOR)
        weight = value->t;
    if (!weight || (const void *)weight == (const void *)index)
        return NULL; /* a sparse one */
    PX_TRY(px_onnx_tensor_load(index->model, weight, &t));
    PX_TRY(range_of(cx, t, out));
done:
    pgy_tensor_free(t);
    return st;
}

static const pgy_tensor *find_fed(const pgy_feed *feed, px_str name)
{
    for (size_t i = 0; feed && i < feed->n; i++)
        if (px_str_is(name, feed->names[i]))
            return feed->tensors[i];
    return NULL;
}

pgy_status *px_layers_inputs(pgy_context *cx, px_layers *layers, const px_onnx_index *index,
                             const px_layer *layer, const pgy_feed *feed,
                             const px_layer_input **out, size_t *out_n)
{
    pgy_status *st = NULL;
    const px_map *reads = &index->reads[index->order[layer->position]];
    px_layer_input *at = px_arena_calloc(&layers->arena, reads->n, sizeof *at);
    if (!at)
        PX_TRY(px_status_nomem());
    for (size_t i = 0; i < reads->n; i++) {
        const px_str name = reads->at[i].key;
        const px_layer *from = px_layers_find(layers, name);
        const pgy_tensor *fed = find_fed(feed, name);
        at[i] = (px_layer_input){.name = name, .kind = "layer"};
        if (from) {
            at[i].of[0] = from->of[0];
            at[i].of[1] = from->of[1];
        } else if (px_onnx_is_constant(index, name)) {
            at[i].kind = "weight";
            PX_TRY(weight_range(cx, index, name, at[i].of));
        } else if (!px_onnx_producer(index, name)) {
            at[i].kind = "input";
            if (fed)
                PX_TRY(range_of(cx, fed, at[i].of));
        }
    }
    *out = at;
    *out_n = reads->n;
done:
    return st;
}
