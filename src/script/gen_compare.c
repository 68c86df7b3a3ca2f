/* script/gen_compare.c - what a script does with its runners: run, save, compare, judge. */
#include "script/gen_parts.h"

#define COMPARATOR "polygraphy.comparator"

/* {'': 5, 'out0': (3, 1)} */
static const char *top_k(px_gen *g, const px_compare_args *compare)
{
    px_buf b = {0};
    px_buf_putc(&b, '{');
    for (size_t i = 0; i < compare->n_top_k; i++) {
        const px_top_k_arg *arg = &compare->top_k[i];
        px_buf_puts(&b, i ? ", " : "");
        px_buf_repr(&b, px_str_of(arg->output));
        if (arg->has_axis)
            px_buf_printf(&b, ": (%lld, %lld)", (long long)arg->k, (long long)arg->axis);
        else
            px_buf_printf(&b, ": %lld", (long long)arg->k);
    }
    px_buf_putc(&b, '}');
    return px_gen_take(g, &b);
}

static void put_simple(px_gen_call *c, px_gen *g)
{
    const px_compare_args *compare = g->args->compare;
    const px_report_args *report = g->args->report;
    px_gen_kw(c, "rtol", px_gen_keyed(g, &compare->rtol));
    px_gen_kw(c, "atol", px_gen_keyed(g, &compare->atol));
    px_gen_kw(c, "check_shapes", px_gen_false(&compare->no_shape_check));
    px_gen_kw(c, "fail_fast", px_gen_true(&compare->fail_fast));
    px_gen_kw(c, "check_error_stat", px_gen_keyed(g, &compare->check_error_stat));
    px_gen_kw(c, "infinities_compare_equal", px_gen_true(&compare->infinities_compare_equal));
    px_gen_kw(c, "save_heatmaps", px_gen_str(g, &report->save_heatmaps));
    px_gen_kw(c, "show_heatmaps", px_gen_true(&report->show_heatmaps));
    px_gen_kw(c, "save_error_metrics_plot", px_gen_str(g, &report->save_error_metrics_plot));
    px_gen_kw(c, "show_error_metrics_plot", px_gen_true(&report->show_error_metrics_plot));
    px_gen_kw(c, "error_quantile", px_gen_keyed(g, &compare->error_quantile));
}

/* --- the newer dialect --- */

static const px_opt_keyed *threshold(const px_compare_args *compare, px_compare_func func,
                                     const char **out_keyword, const char **out_class)
{
    switch (func) {
    case PX_COMPARE_INDICES:
        *out_keyword = "index_tolerance", *out_class = "IndicesCompareFunc";
        return &compare->index_tolerance;
    case PX_COMPARE_L2:
        *out_keyword = "l2_threshold", *out_class = "L2CompareFunc";
        return &compare->l2_threshold;
    case PX_COMPARE_COSINE:
        *out_keyword = "cosine_similarity_threshold", *out_class = "CosineSimilarityCompareFunc";
        return &compare->cosine_similarity_threshold;
    case PX_COMPARE_PSNR:
        *out_keyword = "psnr_threshold", *out_class = "PsnrCompareFunc";
        return &compare->psnr_threshold;
    case PX_COMPARE_SNR:
        *out_keyword = "snr_threshold", *out_class = "SnrCompareFunc";
        return &compare->snr_threshold;
    default:
        *out_keyword = "lpips_threshold", *out_class = "PerceptualMetricsCompareFunc";
        return &compare->lpips_threshold;
    }
}

static const char *metric_function(px_gen *g, px_compare_func func)
{
    const px_compare_args *compare = g->args->compare;
    const char *keyword, *class_name;
    const px_opt_keyed *limit = threshold(compare, func, &keyword, &class_name);
    px_gen_call c = px_gen_call_begin(g, px_gen_from(g, COMPARATOR, class_name, NULL));
    px_gen_kw(&c, keyword, px_gen_keyed(g, limit));
    if (func != PX_COMPARE_INDICES)
        px_gen_kw(&c, "check_shapes", px_gen_false(&compare->no_shape_check));
    px_gen_kw(&c, "fail_fast", px_gen_true(&compare->fail_fast));
    return px_gen_assign(g, &g->compare_funcs,
                         px_gen_printf(g, "%s_compare_func", px_compare_func_name(func)),
                         px_gen_call_end(&c));
}

static const char *simple_function(px_gen *g)
{
    px_gen_call c = px_gen_call_begin(g, "SimpleCompareFunc");
    put_simple(&c, g);
    bool has_keyword = c.has_keyword;
    const char *call = px_gen_call_end(&c);
    if (!has_keyword)
        return "None";
    px_gen_from(g, COMPARATOR, "SimpleCompareFunc", NULL);
    return px_gen_assign(g, &g->compare_funcs, "simple_compare_func", call);
}

const char *px_gen_compare_functions(px_gen *g)
{
    const px_compare_args *compare = g->args->compare;
    px_buf b = {0};
    px_buf_putc(&b, '[');
    if (compare->compare_func_script.given) {
        px_buf_puts(&b, px_gen_script(g, &compare->compare_func_script, "compare_outputs"));
    } else {
        for (size_t i = 0; i < compare->n_funcs; i++) {
            px_buf_puts(&b, i ? ", " : "");
            px_buf_puts(&b, compare->funcs[i] == PX_COMPARE_SIMPLE
                                ? simple_function(g)
                                : metric_function(g, compare->funcs[i]));
        }
    }
    px_buf_putc(&b, ']');
    return px_gen_take(g, &b);
}

/* The newer API warms up and isolates only runners that run one after the other. */
static bool is_sequential(const px_gen_args *args)
{
    return args->compare->sequential_runners.given || args->runner->warm_up.given ||
           args->runner->use_subprocess.given;
}

static void run_0_53(px_gen *g)
{
    const px_runner_args *runner = g->args->runner;
    const bool sequential = is_sequential(g->args);
    if (g->args->runners->n == 0)
        return;
    px_gen_call c = px_gen_call_begin(g, "Comparator.run");
    px_gen_pos(&c, "runners");
    px_gen_kw(&c, "warm_up", px_gen_int(g, &runner->warm_up));
    px_gen_kw(&c, "data_loader", g->data_loader_use);
    px_gen_kw(&c, "use_subprocess", px_gen_true(&runner->use_subprocess));
    px_gen_kw(&c, "save_inputs_path", px_gen_str(g, &runner->save_inputs));
    px_gen_kw(&c, "save_outputs_path", px_gen_str(g, &runner->save_outputs));
    px_gen_kw(
        &c, "save_input_blob_path",
        runner->save_input_blob.given
            ? px_gen_repr(g, runner->save_input_blob.value ? runner->save_input_blob.value : ".")
            : NULL);
    px_gen_kw(&c, "streaming", sequential ? NULL : "True");
    px_buf_printf(&g->suffix, "\n# Runner Execution\n%s = %s\n",
                  sequential ? "results" : "run_stream", px_gen_call_end(&c));
}

static void inputs_0_53(px_gen *g)
{
    const px_opt_strs *paths = &g->args->compare->load_outputs;
    const bool sequential = is_sequential(g->args);
    const char *separator = "";
    px_buf_puts(&g->suffix, "\n# Comparison Inputs\nruns = [");
    if (g->args->runners->n > 0) {
        px_buf_puts(&g->suffix, sequential ? "results" : "run_stream");
        separator = ", ";
    }
    for (size_t i = 0; i < paths->n; i++) {
        px_gen_from(g, COMPARATOR, "RunResults", NULL);
        px_buf_printf(&g->suffix,
                      sequential ? "%sRunResults.load(%s)"
                                 : "%sRunResults.load_streaming(%s, allow_dirs=True)",
                      separator, px_gen_repr(g, paths->at[i]));
        separator = ", ";
    }
    px_buf_puts(&g->suffix, "]\n");
}

static void postprocess_0_53(px_gen *g)
{
    const px_compare_args *compare = g->args->compare;
    const char *func = NULL;
    if (compare->postprocess_func_script.given)
        func = px_gen_script(g, &compare->postprocess_func_script, "postprocess_outputs");
    else if (compare->postprocess.given)
        func = px_gen_printf(g, "%s(%s)", px_gen_from(g, COMPARATOR, "TopKPostprocessFunc", NULL),
                             top_k(g, compare));
    if (func != NULL)
        px_buf_printf(&g->suffix, "\n# Postprocessing\nruns = Comparator.postprocess(runs, %s)\n",
                      func);
}

static void judge_0_53(px_gen *g)
{
    const px_compare_args *compare = g->args->compare;
    const char *validate = "Comparator.validate(runs, check_inf=True, check_nan=True)";
    const bool sequential = is_sequential(g->args);
    if (compare->validate.given && !sequential)
        px_buf_printf(&g->suffix, "\n# Output Validation\nruns = %s\n", validate);

    px_gen_call c = px_gen_call_begin(g, "Comparator.compare_accuracy");
    px_gen_pos(&c, "runs");
    px_gen_kw(&c, "compare_func", px_gen_compare_functions(g));
    px_gen_kw(&c, "fail_fast", px_gen_true(&compare->fail_fast));
    px_gen_kw(&c, "check_average", px_gen_true(&compare->check_average));
    const char *call = px_gen_call_end(&c);
    px_buf_puts(&g->suffix, "\n# Accuracy Comparison\n");
    if (compare->save_accuracy_results.given)
        px_buf_printf(&g->suffix,
                      "accuracy_results = %s\naccuracy_results.save(%s)\n"
                      "success = bool(accuracy_results)\n",
                      call, px_gen_str(g, &compare->save_accuracy_results));
    else
        px_buf_printf(&g->suffix, "success = bool(%s)\n", call);
    if (compare->validate.given && sequential)
        px_buf_printf(&g->suffix, "success &= all(%s)\n", validate);
}

/* --- the seed's dialect --- */

static void run_0_49(px_gen *g)
{
    const px_runner_args *runner = g->args->runner;
    const px_compare_args *compare = g->args->compare;
    px_gen_call c = px_gen_call_begin(g, "Comparator.run");
    px_gen_pos(&c, "runners");
    px_gen_kw(&c, "warm_up", px_gen_int(g, &runner->warm_up));
    px_gen_kw(&c, "data_loader", g->data_loader_use);
    px_gen_kw(&c, "use_subprocess", px_gen_true(&runner->use_subprocess));
    px_gen_kw(&c, "save_inputs_path", px_gen_str(g, &runner->save_inputs));
    px_buf_printf(&g->suffix, "\n# Runner Execution\nresults = %s\n", px_gen_call_end(&c));
    if (runner->save_outputs.given) {
        px_gen_from(g, "polygraphy", "util", NULL);
        px_buf_printf(&g->suffix, "\n# Save results\nresults.save(%s)\n",
                      px_gen_str(g, &runner->save_outputs));
    }
    if (compare->load_outputs.given) {
        px_gen_from(g, "polygraphy", "util", NULL);
        px_buf_printf(&g->suffix,
                      "\n# Load results\nfor load_output in %s:\n"
                      "    results.extend(%s.load(load_output))\n",
                      px_gen_strs(g, &compare->load_outputs),
                      px_gen_from(g, COMPARATOR, "RunResults", NULL));
    }
    if (compare->postprocess.given)
        px_buf_printf(&g->suffix,
                      "\n# Postprocessing\nresults = Comparator.postprocess(results, "
                      "%s.top_k(%s))\n",
                      px_gen_from(g, COMPARATOR, "PostprocessFunc", NULL), top_k(g, compare));
}

/* The comparison function, assigned where it is not the default; NULL for the default. */
static const char *compare_func_0_49(px_gen *g)
{
    const px_compare_args *compare = g->args->compare;
    if (compare->compare_func_script.given)
        return px_gen_script(g, &compare->compare_func_script, "compare_outputs");
    const bool is_simple = compare->funcs[0] == PX_COMPARE_SIMPLE;
    px_gen_call c = px_gen_call_begin(g, is_simple ? "CompareFunc.simple" : "CompareFunc.indices");
    if (is_simple) {
        put_simple(&c, g);
    } else {
        px_gen_kw(&c, "index_tolerance", px_gen_keyed(g, &compare->index_tolerance));
        px_gen_kw(&c, "fail_fast", px_gen_true(&compare->fail_fast));
    }
    bool is_default = is_simple && !c.has_keyword;
    const char *call = px_gen_call_end(&c);
    if (is_default)
        return NULL;
    px_gen_from(g, COMPARATOR, "CompareFunc", NULL);
    px_buf_printf(&g->suffix, "compare_func = %s\n", call);
    return "compare_func";
}

static void judge_0_49(px_gen *g)
{
    const px_compare_args *compare = g->args->compare;
    px_buf_puts(&g->suffix, "\nsuccess = True\n");
    if (g->args->runners->n > 1 || compare->load_outputs.given) {
        px_buf_puts(&g->suffix, "# Accuracy Comparison\n");
        const char *func = compare_func_0_49(g);
        px_gen_call c = px_gen_call_begin(g, "Comparator.compare_accuracy");
        px_gen_pos(&c, "results");
        px_gen_kw(&c, "compare_func", func);
        px_gen_kw(&c, "fail_fast", px_gen_true(&compare->fail_fast));
        px_buf_printf(&g->suffix, "success &= bool(%s)\n", px_gen_call_end(&c));
    }
    if (compare->validate.given)
        px_buf_puts(&g->suffix,
                    "\n# Validation\nsuccess &= Comparator.validate(results, check_inf=True, "
                    "check_nan=True)\n");
}

void px_gen_execution(px_gen *g)
{
    px_gen_from(g, COMPARATOR, "Comparator", NULL);
    if (g->args->dialect == PX_GEN_0_53) {
        run_0_53(g);
        inputs_0_53(g);
        postprocess_0_53(g);
        judge_0_53(g);
    } else {
        run_0_49(g);
        judge_0_49(g);
    }
    px_buf_printf(&g->suffix, "\n# Report Results\nif not success:\n    raise %s('FAILED')\n",
                  px_gen_from(g, "polygraphy.exception", "PolygraphyException", NULL));
}
