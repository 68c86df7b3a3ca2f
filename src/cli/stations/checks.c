/* cli/stations/checks.c - --repeat and --check-batch-invariance: each runner against itself. */
#include "cli/stations.h"

#include "base/log.h"
#include "compare/batch.h"
#include "compare/repeat.h"
#include "model/model.h"
#include "model/onnx_part.h"

pgy_status *px_check_checks(const px_run_args *args)
{
    const px_runner_args *r = &args->runner;
    const char *option = r->repeat.given ? "--repeat" : "--check-batch-invariance";
    if (!r->repeat.given && !r->check_batch_invariance.given)
        return NULL;
    if (args->cli.runners.n == 0)
        return PX_FAIL(PGY_ERR_USAGE,
                       "%s runs the model again, and no runner was given; add one, such as "
                       "--onnxrt.",
                       option);
    return NULL;
}

/* --- who computes an output --- */

typedef struct graph {
    px_onnx_index index;
    px_map positions; /* output -> 1 + position */
} graph;

static pgy_status *open_graph(const px_run_state *run, graph *out)
{
    pgy_status *st = NULL;
    px_onnx_model *onnx;
    if (pgy_model_get_type(run->model) != PGY_MODEL_ONNX)
        return NULL;
    PX_TRY(px_model_onnx(run->model, &onnx));
    PX_TRY(px_onnx_index_init(onnx, &out->index));
    for (size_t i = 0; i < onnx->graph.n_nodes; i++) {
        const px_onnx_node *node = &onnx->graph.nodes[out->index.order[i]];
        for (size_t k = 0; k < node->n_outputs; k++)
            PX_TRY(px_map_set(&out->positions, node->outputs[k], (void *)(i + 1)));
    }
done:
    return st;
}

/* Runtimes may take what our reader of graphs does not: then nodes have no names. */
static pgy_status *try_open_graph(const px_run_state *run, graph *out)
{
    pgy_status *st = open_graph(run, out);
    if (st == NULL || pgy_status_code(st) == PGY_ERR_NOMEM)
        return st;
    pgy_status_free(st);
    return NULL;
}

static void graph_fini(graph *g)
{
    px_map_fini(&g->positions);
    px_onnx_index_fini(&g->index);
}

/* "#12 Conv 'conv1'"; nothing when the output is not one of the graph's. */
static void put_node(px_buf *b, const graph *g, const char *output)
{
    const size_t at = output != NULL ? (size_t)px_map_get(&g->positions, px_str_of(output)) : 0;
    if (at == 0)
        return;
    const px_onnx_node *node = px_onnx_producer(&g->index, px_str_of(output));
    px_buf_printf(b, "#%zu %.*s", at - 1, PX_STR_ARG(node->op_type));
    if (node->name.len > 0)
        px_buf_printf(b, " '%.*s'", PX_STR_ARG(node->name));
}

/* --- telling --- */

static pgy_status *tell(pgy_context *cx, bool passed, px_buf *take_text)
{
    pgy_status *st = NULL;
    PX_TRY(px_buf_status(take_text));
    px_log_text(cx, passed ? PGY_LOG_FINISH : PGY_LOG_ERROR, PX_AT_COMPARATOR,
                px_buf_str(take_text));
done:
    px_buf_fini(take_text);
    return st;
}

static pgy_status *repeat_one(px_run_state *run, const px_loop *loop, px_runner *runner,
                              const graph *g)
{
    pgy_status *st = NULL;
    px_repeat repeat = {0};
    px_buf b = {0}, node = {0};
    const int64_t n = run->args->runner.repeat.value;
    px_log(run->cx, PGY_LOG_START, PX_AT_COMPARATOR,
           "%s | Running %lld times in one session, in %lld sessions, and in %lld builds",
           px_runner_label(runner), (long long)n, (long long)n, (long long)n);
    PX_TRY(px_repeat_run(loop, runner, n, &g->positions, &repeat));
    px_buf_printf(&b, "%s | Determinism: %s", px_runner_label(runner),
                  repeat.is_deterministic ? "PASSED" : "FAILED");
    for (int level = 0; level < PX_N_REPEAT_LEVELS; level++) {
        node.len = 0;
        put_node(&node, g, repeat.of[level].output);
        px_buf_puts(&b, "\n    ");
        px_repeat_print(&b, &repeat, level, node.len > 0 ? px_buf_cstr(&node) : NULL);
    }
    run->repeat_failed |= !repeat.is_deterministic;
    PX_TRY(tell(run->cx, repeat.is_deterministic, &b));
done:
    px_buf_fini(&b);
    px_buf_fini(&node);
    px_repeat_fini(&repeat);
    return st;
}

static pgy_status *batch_one(px_run_state *run, const px_loop *loop, px_runner *runner)
{
    pgy_status *st = NULL;
    px_batch_check check = {0};
    px_buf b = {0};
    px_log(run->cx, PGY_LOG_START, PX_AT_COMPARATOR,
           "%s | Running each element of the batch on its own", px_runner_label(runner));
    PX_TRY(px_batch_check_run(loop, runner, &run->args->compare, &check));
    px_buf_printf(&b, "%s | Batch Invariance: %s, %lld element(s)", px_runner_label(runner),
                  check.is_invariant ? "PASSED" : "FAILED", (long long)check.n_elements);
    for (size_t i = 0; i < check.n; i++) {
        px_buf_puts(&b, "\n    ");
        px_batch_output_print(&b, &check.at[i]);
    }
    run->batch_failed |= !check.is_invariant;
    PX_TRY(tell(run->cx, check.is_invariant, &b));
done:
    px_buf_fini(&b);
    px_batch_check_fini(&check);
    return st;
}

/* An isolated runner that fails here fails like one that does in the run itself. */
static pgy_status *settle(const px_run_state *run, px_runner *runner, pgy_status *take)
{
    if (take == NULL || !px_runner_has_failed(runner))
        return take;
    px_log(run->cx, PGY_LOG_CRITICAL, PX_AT_COMPARATOR, "%s", pgy_status_message(take));
    pgy_status_free(take);
    return NULL;
}

pgy_status *px_station_checks(px_run_state *run)
{
    pgy_status *st = NULL;
    graph g = {0};
    const px_loop loop = px_run_loop(run);
    const px_runner_args *args = &run->args->runner;
    if (!args->repeat.given && !args->check_batch_invariance.given)
        return NULL;
    if (args->repeat.given)
        PX_TRY(try_open_graph(run, &g));
    for (size_t i = 0; i < run->n_runners; i++) {
        px_runner *runner = run->runners[i];
        if (args->repeat.given && !px_runner_has_failed(runner))
            PX_TRY(settle(run, runner, repeat_one(run, &loop, runner, &g)));
        if (args->check_batch_invariance.given && !px_runner_has_failed(runner))
            PX_TRY(settle(run, runner, batch_one(run, &loop, runner)));
    }
done:
    graph_fini(&g);
    return st;
}
