/* cli/stations/layers.c - a comparison of marked tensors, told layer by layer.
 *
 * After the verdict: the table and the first layer that differs; with --isolate-layers each layer's
 * own error; with --extract-first-failure a folder that shows the first failure by itself.
 */
#include "cli/stations.h"

#include "base/log.h"
#include "base/progress.h"
#include "cli/reproduce.h"
#include "data/feed.h"
#include "report/extract.h"
#include "report/layers.h"
#include "runner/golden.h"

typedef struct telling {
    px_run_state *run;
    px_onnx_index index;
    px_feed feed; /* of the iteration that is looked at; empty when not known */
} telling;

static bool wants_reruns(const px_report_args *args)
{
    return args->isolate_layers.given || args->extract_first_failure.given;
}

pgy_status *px_check_layers(const px_run_args *args)
{
    const px_report_args *report = &args->report;
    const char *option =
        report->isolate_layers.given ? "--isolate-layers" : "--extract-first-failure";
    if (!wants_reruns(report))
        return NULL;
    if (args->compare.postprocess.given)
        return PX_FAIL(PGY_ERR_USAGE,
                       "%s feeds layers with what others gave, which --postprocess replaces; leave "
                       "out one of them",
                       option);
    if (args->runner.streaming.given)
        return PX_FAIL(PGY_ERR_USAGE,
                       "%s needs the runners' outputs after the comparison, and --streaming keeps "
                       "none; leave out one of them",
                       option);
    if (args->cli.runners.n == 0)
        return PX_FAIL(PGY_ERR_USAGE,
                       "%s runs layers again, and no runner was given; add one, such as --onnxrt",
                       option);
    return report->extract_first_failure.given
               ? px_extract_check(report->extract_first_failure.value)
               : NULL;
}

/* --- what is there --- */

static bool is_wanted(const px_run_state *run)
{
    const px_model_args *model = &run->args->model;
    const bool is_marked = model->onnx_outputs.given || model->onnx_outputs_by_type.given;
    const bool is_asked = is_marked || run->n_runners == 0 || wants_reruns(&run->args->report);
    return run->accuracy.n > 0 && model->path && model->type == PGY_MODEL_ONNX && is_asked;
}

static pgy_status *open_index(telling *t)
{
    pgy_status *st = NULL;
    px_onnx_model *onnx = NULL;
    const px_run_args *args = t->run->args;
    pgy_model *model = t->run->model;
    if (!model) {
        PX_TRY(
            px_model_open(t->run->cx, args->model.path, args->model.type, &t->run->layers_model));
        model = t->run->layers_model;
    }
    PX_TRY(px_model_onnx(model, &onnx));
    PX_TRY(px_onnx_index_init(onnx, &t->index));
done:
    return st;
}

/* What the model was fed in that iteration; stays empty when nothing was run, or is not there any
 * more. */
static pgy_status *get_feed(telling *t, size_t iteration)
{
    px_feed_clear(&t->feed);
    if (t->run->n_runners == 0 || !px_feeds_source_holds(t->run->source, (int64_t)iteration))
        return NULL;
    return px_feeds_source_feed(t->run->source, (int64_t)iteration, &t->feed);
}

static px_runner *live_runner(const px_run_state *run, const char *name)
{
    for (size_t i = 0; i < run->n_runners; i++)
        if (strcmp(px_runner_name(run->runners[i]), name) == 0)
            return run->runners[i];
    return NULL;
}

/* Whose values are golden and who runs again for pair number `p`: the second runner on the first
 * run's values, or, where the second run came from a file, the runner on that file's values. */
static px_runner *choose_sides(const telling *t, size_t p, size_t iteration,
                               const px_iteration **out_values, const char **out_name)
{
    const px_run *runs = t->run->results.at;
    const px_pair_result *pair = &t->run->accuracy.at[p];
    px_runner *runner = live_runner(t->run, pair->runner[1]);
    const px_run *golden = &runs[0];
    if (!runner) {
        runner = live_runner(t->run, pair->runner[0]);
        golden = &runs[p + 1];
    }
    if (p + 1 >= t->run->results.n || iteration >= golden->n)
        return NULL;
    *out_values = &golden->at[iteration];
    *out_name = golden->runner_name;
    return runner;
}

/* --- own errors --- */

/* Outputs of the layer's node that the comparison had. */
static pgy_status *wanted_of(const px_layers *layers, const px_layer *layer,
                             const px_golden *golden, px_map *out)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < layer->node->n_outputs; i++) {
        const px_str name = layer->node->outputs[i];
        if (px_layers_find(layers, name) && px_map_has(&golden->known, name))
            PX_TRY(px_map_set(out, name, NULL));
    }
done:
    return st;
}

/* In the order of the pair: relative errors are to the second runner's values. */
static pgy_status *compare_one(const telling *t, const px_golden *golden, const px_layers *layers,
                               const char *name, pgy_tensor *given, px_layer_error *out)
{
    pgy_status *st = NULL;
    px_output_result r = {0};
    pgy_tensor *value = NULL;
    PX_TRY(px_golden_value(golden, px_str_of(name), &value));
    const bool is_second = strcmp(px_runner_name(golden->runner), layers->runner[1]) == 0;
    PX_TRY(px_compare_quietly(t->run->cx, &t->run->args->compare, name, is_second ? value : given,
                              is_second ? given : value, &r));
    *out = (px_layer_error){.given = true,
                            .passed = r.passed,
                            .max_abs = r.stats.of[PX_OF_ABS].max,
                            .max_rel = r.stats.of[PX_OF_REL].max,
                            .has_ulp = r.stats.ulp.given,
                            .max_ulp = r.stats.ulp.max};
    if (r.bare)
        out->given = false;
done:
    pgy_tensor_free(value);
    px_mem_free(r.dims);
    return st;
}

/* Runs the layer's node on golden inputs and compares what it gives. */
static pgy_status *isolate_one(const telling *t, const px_golden *golden, px_layers *layers,
                               const px_layer *layer)
{
    pgy_status *st = NULL;
    px_map wanted = {0};
    px_piece piece = {0};
    pgy_outputs outputs = {0};
    PX_TRY(wanted_of(layers, layer, golden, &wanted));
    if (wanted.n == 0)
        goto done;
    PX_TRY(px_golden_cut(golden, &wanted, 0, &piece));
    PX_TRY(px_golden_run(golden, &piece, &outputs));
    for (size_t i = 0; i < outputs.n; i++) {
        px_layer *of = (px_layer *)px_layers_find(layers, px_str_of(outputs.at[i].name));
        PX_TRY(compare_one(t, golden, layers, of->output, outputs.at[i].tensor, &of->own));
    }
done:
    px_outputs_clear(&outputs);
    px_piece_fini(&piece);
    px_map_fini(&wanted);
    return st;
}

static pgy_status *isolate(const telling *t, px_layers *layers, size_t p)
{
    pgy_status *st = NULL;
    px_golden golden = {0};
    const px_iteration *values;
    const char *name;
    px_runner *runner = choose_sides(t, p, layers->iteration, &values, &name);
    if (!runner)
        return NULL;
    px_log(t->run->cx, PGY_LOG_INFO, PX_AT_COMPARATOR,
           "%s | Running each layer on the inputs of %s", px_runner_label(runner), name);
    PX_TRY(px_golden_init(t->run->cx, runner, &t->index, values, &t->feed, &golden));
    const px_onnx_node *last = NULL;
    for (size_t i = 0; i < layers->n; i++) {
        if (layers->at[i].node != last) {
            st = isolate_one(t, &golden, layers, &layers->at[i]);
            PX_TRY(px_status_while(st, "running the layer that gives '%s' on its own",
                                   layers->at[i].output));
        }
        last = layers->at[i].node;
        px_progress(t->run->cx, "Isolating layers", i + 1, layers->n);
    }
    px_progress_end(t->run->cx, "Isolating layers");
    layers->has_own = true;
done:
    px_golden_fini(&golden);
    return st;
}

/* --- the first failure in a folder --- */

/* True when the piece fails alone, as the extracted command line will compare it: what is run
 * against what is expected. */
static pgy_status *fails(const telling *t, const px_golden *golden, const px_piece *piece,
                         const char *output, pgy_tensor *expected, bool *out)
{
    pgy_status *st = NULL;
    pgy_outputs outputs = {0};
    px_output_result r = {0};
    PX_TRY(px_golden_run(golden, piece, &outputs));
    for (size_t i = 0; i < outputs.n; i++)
        if (strcmp(outputs.at[i].name, output) == 0)
            PX_TRY(px_compare_quietly(t->run->cx, &t->run->args->compare, output,
                                      outputs.at[i].tensor, expected, &r));
    *out = !r.passed;
done:
    px_outputs_clear(&outputs);
    px_mem_free(r.dims);
    return st;
}

/* The layer on golden inputs; when it passes so, with ever more of the nodes before it. */
static pgy_status *find_piece(const telling *t, const px_golden *golden, const char *output,
                              pgy_tensor *expected, px_piece *out, bool *out_fails)
{
    pgy_status *st = NULL;
    px_map wanted = {0};
    PX_TRY(px_map_set(&wanted, px_str_of(output), NULL));
    for (size_t depth = 0;; depth = depth == 0 ? 1 : 2 * depth) {
        px_piece_fini(out);
        PX_TRY(px_golden_cut(golden, &wanted, depth, out));
        PX_TRY(fails(t, golden, out, output, expected, out_fails));
        if (*out_fails || out->is_whole)
            break;
    }
done:
    px_map_fini(&wanted);
    return st;
}

static pgy_status *write_piece(const telling *t, const px_layers *layers, const px_piece *piece,
                               const px_layer *layer, const char *runner, const char *golden_name,
                               pgy_tensor *expected)
{
    pgy_status *st = NULL;
    px_onnx_model *onnx = NULL;
    px_feed out = {0};
    px_buf about = {0}, command = {0}, backend = {0};
    const char *dir = t->run->args->report.extract_first_failure.value;
    PX_TRY(px_model_onnx(piece->model, &onnx));
    PX_TRY(px_feed_add(&out, layer->output, pgy_tensor_ref(expected)));
    px_buf_put(&backend, runner, strcspn(runner, "-"));
    px_buf_puts(&about, "The first layer that differs between ");
    px_buf_printf(&about, "%s and %s:\n", layers->runner[0], layers->runner[1]);
    px_layers_print_one(&about, layers, layer, NULL, 0);
    px_reproduce_print(&command, t->run->args, px_buf_cstr(&backend), px_buf_cstr(&about));
    PX_TRY(px_buf_status(&command));
    PX_TRY(px_extract_write(t->run->cx,
                            &(px_extract){.model = onnx,
                                          .inputs = &piece->inputs,
                                          .runner = golden_name,
                                          .expected = &out,
                                          .command = px_buf_cstr(&command)},
                            dir));
    px_log(t->run->cx, PGY_LOG_INFO, PX_AT_COMPARATOR,
           "Wrote the first failing layer, %zu node(s), to %s; to see it fail: sh "
           "%s/" PX_EXTRACT_COMMAND,
           piece->n_nodes, dir, dir);
done:
    px_buf_fini(&about);
    px_buf_fini(&command);
    px_buf_fini(&backend);
    px_feed_fini(&out);
    return st;
}

static pgy_status *extract(const telling *t, const px_layers *layers, size_t p)
{
    pgy_status *st = NULL;
    px_golden golden = {0};
    px_piece piece = {0};
    pgy_tensor *expected = NULL;
    const px_iteration *values;
    const char *name;
    const px_layer *layer = &layers->at[layers->first_failed];
    bool does_fail = false;
    px_runner *runner = choose_sides(t, p, layers->iteration, &values, &name);
    if (!runner)
        return NULL;
    PX_TRY(px_golden_init(t->run->cx, runner, &t->index, values, &t->feed, &golden));
    PX_TRY(px_golden_value(&golden, px_str_of(layer->output), &expected));
    if (!expected)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "%s has no output '%s' to expect", name, layer->output));
    PX_TRY(find_piece(t, &golden, layer->output, expected, &piece, &does_fail));
    if (!does_fail)
        px_log(t->run->cx, PGY_LOG_WARNING, PX_AT_COMPARATOR,
               "The failure of '%s' does not show when everything before it runs as a model of its "
               "own. That model is written nevertheless.",
               layer->output);
    PX_TRY(write_piece(t, layers, &piece, layer, px_runner_name(runner), name, expected));
done:
    pgy_tensor_free(expected);
    px_piece_fini(&piece);
    px_golden_fini(&golden);
    return px_status_while(st, "extracting the first failing layer");
}

/* --- telling --- */

static pgy_status *tell_one(const telling *t, px_layers *layers, size_t at, int severity,
                            const char *what)
{
    pgy_status *st = NULL;
    px_buf b = {0};
    const px_layer_input *inputs;
    size_t n;
    const pgy_feed feed = px_feed_view(&t->feed);
    if (at == PX_NO_LAYER || !px_log_enabled(t->run->cx, severity, PX_AT_COMPARATOR))
        return NULL;
    PX_TRY(px_layers_inputs(t->run->cx, layers, &t->index, &layers->at[at], &feed, &inputs, &n));
    px_buf_printf(&b, "%s: ", what);
    px_layers_print_one(&b, layers, &layers->at[at], inputs, n);
    PX_TRY(px_buf_status(&b));
    px_log_text(t->run->cx, severity, PX_AT_COMPARATOR, px_buf_str(&b));
done:
    px_buf_fini(&b);
    return st;
}

/* The layers stay in the state: documents and the summary tell of them, too. */
static pgy_status *tell_pair(telling *t, size_t p, bool *inout_extracted)
{
    pgy_status *st = NULL;
    px_layers *layers = &t->run->layers[p];
    px_buf b = {0};
    pgy_context *cx = t->run->cx;
    const px_report_args *args = &t->run->args->report;
    PX_TRY(px_layers_of(&t->index, &t->run->accuracy.at[p], layers));
    t->run->n_layers++;
    if (layers->n < 2)
        goto done;
    PX_TRY(get_feed(t, layers->iteration));
    if (args->isolate_layers.given)
        PX_TRY(isolate(t, layers, p));
    px_layers_print(&b, layers, !px_log_enabled(cx, PGY_LOG_VERBOSE, PX_AT_COMPARATOR));
    PX_TRY(px_buf_status(&b));
    px_log_text(cx, PGY_LOG_INFO, PX_AT_COMPARATOR, px_buf_str(&b));
    PX_TRY(tell_one(t, layers, layers->first_failed, PGY_LOG_ERROR, "First layer that differs"));
    PX_TRY(
        tell_one(t, layers, layers->first_bad, PGY_LOG_INFO, "First layer with NaN or infinity"));
    if (args->extract_first_failure.given && layers->first_failed != PX_NO_LAYER &&
        !*inout_extracted) {
        PX_TRY(extract(t, layers, p));
        *inout_extracted = true;
    }
done:
    px_buf_fini(&b);
    return st;
}

pgy_status *px_station_layers(px_run_state *run)
{
    pgy_status *st = NULL;
    telling t = {.run = run};
    bool is_extracted = false;
    if (!is_wanted(run))
        return NULL;
    st = open_index(&t);
    if (st && pgy_status_code(st) != PGY_ERR_NOMEM && !wants_reruns(&run->args->report)) {
        /* Runtimes may take what we do not: nobody asked for the report. */
        px_log(run->cx, PGY_LOG_VERBOSE, PX_AT_COMPARATOR, "No report by layers: %s",
               pgy_status_message(st));
        pgy_status_free(st);
        st = NULL;
        goto done;
    }
    PX_TRY(st);
    PX_TRY(PX_ALLOC(run->layers, run->accuracy.n));
    for (size_t p = 0; p < run->accuracy.n; p++)
        PX_TRY(tell_pair(&t, p, &is_extracted));
    if (run->args->report.extract_first_failure.given && !is_extracted)
        px_log(run->cx, PGY_LOG_INFO, PX_AT_COMPARATOR,
               "No layer failed: nothing was written to %s",
               run->args->report.extract_first_failure.value);
done:
    px_feed_fini(&t.feed);
    px_onnx_index_fini(&t.index);
    return st;
}
