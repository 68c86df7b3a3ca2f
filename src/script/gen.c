/* script/gen.c - puts a Python script together from its parts. */
#include "script/gen.h"
#include "script/gen_parts.h"

#include <stdlib.h>

static const struct {
    const char *option, *name;
    const char *(*runner)(px_gen *g);
} runner_kinds[] = {
    {"onnxrt", "ONNX-Runtime", px_gen_onnxrt_runner},
    {"trt", "TensorRT", px_gen_trt_runner},
    {"tf", "TensorFlow", px_gen_tf_runner},
    {"pluginref", "Plugin CPU Reference", px_gen_pluginref_runner},
};

static size_t runner_kind(const char *option)
{
    size_t k = 0;
    while (k + 1 < PX_COUNTOF(runner_kinds) && strcmp(runner_kinds[k].option, option) != 0)
        k++;
    return k;
}

/* What the Python API of the dialect lacks although its options exist in the other one. */
static pgy_status *check_dialect(const px_gen_args *args)
{
    const px_compare_args *compare = args->compare;
    const px_data_args *data = args->data;
    if (args->tf->tftrt.given)
        return PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "--tftrt cannot be written to a script: the Python package has no loader "
                       "for it. Leave out --gen-script.");
    for (size_t i = 0; i < args->runners->n; i++)
        if (args->model->type == PGY_MODEL_ONNX && strcmp(args->runners->at[i], "tf") == 0)
            return PX_FAIL(PGY_ERR_UNSUPPORTED,
                           "--tf with an ONNX model cannot be written to a script: the Python "
                           "package has no loader for it. Leave out --tf or --gen-script.");
    if (args->model->type == PGY_MODEL_UFF || args->model->type == PGY_MODEL_CAFFE)
        return PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "A model of the type %s cannot be written to a script: the Python package "
                       "has no loader for it. Leave out --gen-script.",
                       px_model_type_name(args->model->type));
    if (args->model->type == PGY_MODEL_TF_SAVED)
        return PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "A SavedModel cannot be written to a script: the Python package has no "
                       "loader for it. Save the graph with --save-pb and give that.");
    if (args->dialect == PX_GEN_0_49) {
        for (size_t i = 0; i < compare->n_funcs; i++) {
            if (i > 0 || compare->funcs[i] > PX_COMPARE_INDICES)
                return PX_FAIL(PGY_ERR_UNSUPPORTED,
                               "--compare %s: version 0.49.26 of the Python package compares with "
                               "one of simple and indices. Add --gen-dialect 0.53.",
                               px_compare_func_name(compare->funcs[i]));
        }
        return NULL;
    }
    if (data->int_min.given || data->int_max.given || data->float_min.given ||
        data->float_max.given)
        return PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "--int-min, --int-max, --float-min and --float-max do not exist in version "
                       "0.53.6 of the Python package. Use --val-range.");
    return NULL;
}

/* Text that stays in its comment line. */
static void put_comment(px_buf *out, const char *text)
{
    for (const char *c = text; *c; c++)
        px_buf_putc(out, *c == '\n' || *c == '\r' ? ' ' : *c);
}

/* "A", "A and B", "A, B, and C" */
static void put_series(px_buf *out, const char *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            px_buf_puts(out, n == 2 ? " and " : i + 1 < n ? ", " : ", and ");
        put_comment(out, items[i]);
    }
}

static pgy_status *put_head(const px_gen_args *args, px_buf *out)
{
    pgy_status *st = NULL;
    const char **names = NULL;
    const size_t n = args->runners->n;
    const char *version = args->dialect == PX_GEN_0_53 ? "0.53.6" : "0.49.26";
    PX_TRY(PX_ALLOC(names, n + 1));
    for (size_t i = 0; i < n; i++)
        names[i] = runner_kinds[runner_kind(args->runners->at[i])].name;
    px_buf_printf(out,
                  "#!/usr/bin/env python3\n"
                  "# Written by polygraphy %s for version %s of the Python package.\n"
                  "# Command: ",
                  PX_VERSION, version);
    put_comment(out, args->command);
    px_buf_putc(out, '\n');
    if (n > 0) {
        px_buf_puts(out, n > 1 ? "# Compares " : "# Runs ");
        put_comment(out, args->model->path);
        px_buf_puts(out, n > 1 ? " between " : " with ");
        put_series(out, names, n);
        px_buf_puts(out, ".\n");
    }
    if (args->compare->load_outputs.n > 0) {
        px_buf_puts(out, "# Checks against the outputs in ");
        put_series(out, args->compare->load_outputs.at, args->compare->load_outputs.n);
        px_buf_puts(out, ".\n");
    }
    px_buf_printf(out, "\nfrom polygraphy.logger import G_LOGGER\n%s\n", args->logging);
done:
    px_mem_free(names);
    return st;
}

static int by_text(const void *a, const void *b)
{
    const px_gen_import *x = a, *y = b;
    int order = strcmp(x->module, y->module);
    return order ? order : strcmp(x->text, y->text);
}

static int by_line(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One line a module, the lines sorted as text, as the reference does. */
static void put_imports(px_gen *g, px_buf *out)
{
    const char **lines = px_arena_calloc(&g->arena, g->imports.n + 1, sizeof *lines);
    size_t n = 0;
    if (lines == NULL) {
        g->failed = true;
        return;
    }
    if (g->imports.n > 0)
        qsort(g->imports.at, g->imports.n, sizeof *g->imports.at, by_text);
    for (size_t i = 0; i < g->imports.n;) {
        const char *module = g->imports.at[i].module;
        px_buf line = {0};
        px_buf_printf(&line, "from %s import ", module);
        for (const char *sep = ""; i < g->imports.n && strcmp(g->imports.at[i].module, module) == 0;
             i++, sep = ", ")
            px_buf_printf(&line, "%s%s", sep, g->imports.at[i].text);
        lines[n++] = px_gen_take(g, &line);
    }
    qsort(lines, n, sizeof *lines, by_line);
    if (g->lazy.n > 0)
        px_buf_puts(out, "from polygraphy import mod\n");
    for (size_t i = 0; i < n; i++)
        px_buf_printf(out, "%s\n", lines[i]);
    if (g->lazy.n > 0)
        qsort(g->lazy.at, g->lazy.n, sizeof *g->lazy.at, by_text);
    for (size_t i = 0; i < g->lazy.n; i++)
        px_buf_printf(out, "%s = mod.lazy_import('%s')\n", g->lazy.at[i].module,
                      g->lazy.at[i].text);
}

static void put_section(px_buf *out, const char *title, const px_buf *section)
{
    if (section->len > 0) {
        px_buf_printf(out, "\n# %s\n", title);
        px_buf_putstr(out, px_buf_str(section));
    }
}

static void put_runners(px_gen *g)
{
    const px_opt_strs *runners = g->args->runners;
    if (runners->n == 0) {
        px_buf_puts(&g->runners, "runners = []\n");
        return;
    }
    px_buf_puts(&g->runners, "runners = [\n");
    for (size_t i = 0; i < runners->n; i++)
        px_buf_printf(&g->runners, "    %s,\n",
                      runner_kinds[runner_kind(runners->at[i])].runner(g));
    px_buf_puts(&g->runners, "]\n");
}

pgy_status *px_gen_python(const px_gen_args *args, px_buf *out)
{
    pgy_status *st = NULL;
    px_gen g = {.args = args};
    px_buf *const parts[] = {&g.data_loader, &g.loaders, &g.compare_funcs, &g.runners, &g.suffix};
    PX_TRY(check_dialect(args));
    px_gen_data_loader(&g);
    put_runners(&g);
    px_gen_execution(&g);
    PX_TRY(put_head(args, out));
    put_imports(&g, out);
    put_section(out, "Data Loader", &g.data_loader);
    put_section(out, "Loaders", &g.loaders);
    put_section(out, "Comparison Functions", &g.compare_funcs);
    put_section(out, "Runners", &g.runners);
    px_buf_putstr(out, px_buf_str(&g.suffix));
    for (size_t i = 0; i < PX_COUNTOF(parts); i++)
        g.failed |= parts[i]->failed;
    if (g.failed)
        PX_TRY(px_status_nomem());
    PX_TRY(px_buf_status(out));
done:
    for (size_t i = 0; i < PX_COUNTOF(parts); i++)
        px_buf_fini(parts[i]);
    px_mem_free(g.imports.at);
    px_mem_free(g.lazy.at);
    px_mem_free(g.variables.at);
    px_arena_fini(&g.arena);
    return st;
}
