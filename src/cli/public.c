/* cli/public.c - the public face of options: words of the command line for single calls.
 *
 * Each call takes the rows that it can carry out, and no others, so that no word is without an
 * effect. Functions in Python are left out everywhere: who calls a library calls them himself.
 */
#include "polygraphy/options.h"

#include "backend/trt/setup.h"
#include "cli/groups.h"
#include "compare/compare.h"
#include "data/feed.h"
#include "model/edit.h"
#include "runner/runner.h"
#include "runner/source.h"

/* A section, or the rows of it whose names are in `only` (joined by spaces). */
typedef struct taken {
    px_opt_group group;
    const char *only;
} taken;

#define IN(field) offsetof(px_run_args, field)

static const taken of_models[] = {
    {{&px_model_group, IN(model)}, "--model-type"},
    {{&px_model_saving, IN(model)}, NULL},
    {{&px_model_shape_inference, IN(model)}, NULL},
    {{&px_model_loading, IN(model)}, NULL},
};

static const taken of_runners[] = {
    {{&px_onnxrt_group, IN(onnxrt)}, NULL},
    {{&px_ref_group, IN(ref)}, NULL},
    {{&px_tf_session, IN(tf)}, NULL},
    {{&px_tf_inference, IN(tf)}, NULL},
    {{&px_trt_builder, IN(trt)}, NULL},
    {{&px_trt_plugins, IN(trt)}, NULL},
    {{&px_trt_parser, IN(trt)}, NULL},
    {{&px_trt_network, IN(trt)}, NULL},
    {{&px_trt_engine_saving, IN(trt)}, NULL},
    {{&px_trt_engine, IN(trt)}, NULL},
    {{&px_trt_inference, IN(trt)}, NULL},
    {{&px_runner_group, IN(runner)}, "--use-subprocess --timeout --mem-limit"},
};

static const taken of_inputs[] = {
    {{&px_data_group, IN(data)},
     "--seed --val-range --iterations --data-loader-backend-module --load-inputs --int-min "
     "--int-max --float-min --float-max"},
    {{&px_model_group, IN(model)}, "--input-shapes"},
};

static const taken of_comparisons[] = {
    {{&px_compare_comparisons, IN(compare)}, "--compare --fail-fast --check-average"},
    {{&px_compare_simple, IN(compare)}, NULL},
    {{&px_compare_simple_more, IN(compare)}, NULL},
    {{&px_compare_indices, IN(compare)}, NULL},
    {{&px_compare_l2, IN(compare)}, NULL},
    {{&px_compare_cosine, IN(compare)}, NULL},
    {{&px_compare_psnr, IN(compare)}, NULL},
    {{&px_compare_snr, IN(compare)}, NULL},
};

static bool is_listed(const char *list, px_str name)
{
    for (const char *p = list; *p != '\0';) {
        const size_t n = strcspn(p, " ");
        if (px_str_eq((px_str){p, n}, name))
            return true;
        p += n + (p[n] == ' ');
    }
    return false;
}

static bool is_python(const px_opt *row, px_str name)
{
    static const char suffix[] = "-func-name";
    return row->type == &px_type_script || row->type == &px_type_scripts ||
           (name.len > strlen(suffix) &&
            memcmp(name.ptr + name.len - strlen(suffix), suffix, strlen(suffix)) == 0);
}

/* The rows of `from` that are taken, as a section of its own. */
static pgy_status *take_rows(px_arena *arena, const taken *from, px_opt_group *out)
{
    const px_opt_section *section = from->group.section;
    px_opt_section *copy = px_arena_calloc(arena, 1, sizeof *copy);
    px_opt *rows = px_arena_calloc(arena, section->n, sizeof *rows);
    if (copy == NULL || rows == NULL)
        return px_status_nomem();
    *copy = (px_opt_section){.title = section->title, .about = section->about, .rows = rows};
    for (size_t i = 0; i < section->n; i++) {
        const px_str name = px_opt_name(&section->rows[i]);
        if (from->only != NULL ? is_listed(from->only, name) : !is_python(&section->rows[i], name))
            rows[copy->n++] = section->rows[i];
    }
    *out = (px_opt_group){copy, from->group.offset};
    return NULL;
}

static pgy_status *wrong_words(const px_parse_result *result)
{
    if (result->kind == PX_PARSE_UNKNOWN && result->hint != NULL &&
        strncmp(result->hint, "Instead", 7) == 0)
        return PX_FAIL(PGY_ERR_USAGE, "%s. %s", result->text, result->hint);
    if (result->kind == PX_PARSE_UNKNOWN)
        return PX_FAIL(PGY_ERR_USAGE,
                       "%s: this call does not take them. docs/options.md tells what each option "
                       "is for.",
                       result->text);
    if (result->kind != PX_PARSE_OK)
        return PX_FAIL(PGY_ERR_USAGE, "%s", result->text);
    if (result->n_late > 0) {
        const px_str name = px_opt_name(result->late[0].row);
        return PX_FAIL(PGY_ERR_USAGE, "%.*s: %s", PX_STR_ARG(name), result->late[0].message);
    }
    return NULL;
}

/* Values point into the arena of `args`, words included. */
static pgy_status *parse(const taken *from, size_t n_from, size_t n_words, const char *const *words,
                         px_run_args *args)
{
    pgy_status *st = NULL;
    px_parse_result result;
    px_opt_group *groups = px_arena_calloc(&args->arena, n_from, sizeof *groups);
    const char **copies = px_arena_calloc(&args->arena, n_words + 1, sizeof *copies);
    if (groups == NULL || copies == NULL)
        PX_TRY(px_status_nomem());
    for (size_t i = 0; i < n_words; i++) {
        copies[i] = px_arena_strdup(&args->arena, words[i]);
        if (copies[i] == NULL)
            PX_TRY(px_status_nomem());
    }
    for (size_t i = 0; i < n_from; i++)
        PX_TRY(take_rows(&args->arena, &from[i], &groups[i]));
    PX_TRY(px_argparse(&args->arena, groups, n_from, copies, n_words, args, &result));
    PX_TRY(wrong_words(&result));
done:
    return st;
}

/* Options that live as long as a model or runner. */
typedef struct kept_options {
    px_run_args args;
    px_trt_setup trt;
} kept_options;

static void free_options(void *options)
{
    kept_options *kept = options;
    if (kept == NULL)
        return;
    px_run_args_fini(&kept->args);
    px_mem_free(kept);
}

/* The type that --model-type says; UNKNOWN without it. */
static pgy_status *type_of(pgy_context *cx, const char *path, kept_options *kept,
                           pgy_model_type *out)
{
    pgy_status *st = NULL;
    px_model_args *args = &kept->args.model;
    const px_model_hints hints = {0};
    if (!args->model_type.given)
        return NULL;
    args->model_file = (px_opt_str){true, px_arena_strdup(&kept->args.arena, path)};
    if (args->model_file.value == NULL)
        return px_status_nomem();
    PX_TRY(px_model_args_check(cx, &kept->args.arena, args, &hints));
    *out = args->type;
done:
    return st;
}

pgy_status *pgy_model_open_with(pgy_context *cx, const char *path, size_t n_words,
                                const char *const *words, pgy_model **out)
{
    pgy_status *st = NULL;
    kept_options *kept = NULL;
    pgy_model *model = NULL;
    pgy_model_type type = PGY_MODEL_UNKNOWN;
    PX_TRY(PX_ALLOC(kept, 1));
    PX_TRY(parse(of_models, PX_COUNTOF(of_models), n_words, words, &kept->args));
    px_model_args *args = &kept->args.model;
    PX_TRY(type_of(cx, path, kept, &type));
    PX_TRY(px_model_open(cx, path, type, &model));
    args->path = model->path;
    args->type = model->type;
    PX_TRY(px_model_apply(cx, model, args));
    args->save_onnx.given = false; /* it is saved once, not with each runner */
    model->load_args = args;
    model->options = kept;
    model->free_options = free_options;
    kept = NULL;
    *out = model;
    model = NULL;
done:
    pgy_model_close(model);
    free_options(kept);
    return st;
}

static const void *backend_args(const kept_options *kept, const char *backend)
{
    if (strcmp(backend, "onnxrt") == 0)
        return &kept->args.onnxrt;
    if (strcmp(backend, "pluginref") == 0)
        return &kept->args.ref;
    if (strcmp(backend, "trt") == 0)
        return &kept->trt;
    if (strcmp(backend, "tf") == 0)
        return &kept->args.tf;
    return NULL; /* one that was registered: it has no options */
}

pgy_status *pgy_runner_open_with(pgy_context *cx, const char *backend, pgy_model *model,
                                 size_t n_words, const char *const *words, pgy_runner **out)
{
    pgy_status *st = NULL;
    kept_options *kept = NULL;
    PX_TRY(PX_ALLOC(kept, 1));
    px_run_args *args = &kept->args;
    PX_TRY(parse(of_runners, PX_COUNTOF(of_runners), n_words, words, args));
    PX_TRY(px_onnxrt_args_check(&args->onnxrt));
    PX_TRY(px_trt_args_check(cx, &args->arena, &args->trt, &args->model.input_shapes));
    PX_TRY(px_runner_args_check(cx, &args->runner));
    kept->trt = (px_trt_setup){.args = &args->trt};
    const px_runner_plan plan = {.cx = cx,
                                 .backend = backend,
                                 .model = model,
                                 .args = backend_args(kept, backend),
                                 .isolation = px_runner_isolation(&args->runner, NULL),
                                 .take_options = kept,
                                 .free_options = free_options};
    PX_TRY(px_runner_public_open(&plan, out));
    kept = NULL;
done:
    free_options(kept);
    return st;
}

struct pgy_inputs {
    px_run_args args;
    px_feeds_source *source;
};

pgy_status *pgy_inputs_open(pgy_context *cx, pgy_runner *runner, size_t n_words,
                            const char *const *words, pgy_inputs **out)
{
    pgy_status *st = NULL;
    pgy_inputs *inputs = NULL;
    const pgy_io *io;
    size_t n;
    PX_TRY(PX_ALLOC(inputs, 1));
    px_run_args *args = &inputs->args;
    PX_TRY(parse(of_inputs, PX_COUNTOF(of_inputs), n_words, words, args));
    PX_TRY(px_data_args_check(cx, &args->arena, &args->data));
    PX_TRY(pgy_runner_inputs(runner, &io, &n));
    PX_TRY(px_feeds_source_open(cx, &args->data, &args->model.input_shapes, &inputs->source));
    PX_TRY(px_feeds_source_begin(inputs->source, io, n, false));
    *out = inputs;
    inputs = NULL;
done:
    pgy_inputs_close(inputs);
    return st;
}

size_t pgy_inputs_count(const pgy_inputs *inputs)
{
    return (size_t)px_feeds_source_count(inputs->source);
}

pgy_status *pgy_inputs_get(pgy_inputs *inputs, size_t i, pgy_outputs *out)
{
    pgy_status *st = NULL;
    px_feed feed = {0};
    pgy_outputs_clear(out);
    if (i >= pgy_inputs_count(inputs))
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "There is no iteration %zu: the inputs have %zu", i,
                       pgy_inputs_count(inputs)));
    PX_TRY(px_feeds_source_feed(inputs->source, (int64_t)i, &feed));
    for (size_t k = 0; k < feed.n; k++)
        PX_TRY(pgy_outputs_add(out, feed.names[k], pgy_tensor_ref(feed.tensors[k])));
done:
    px_feed_fini(&feed);
    if (st != NULL)
        pgy_outputs_clear(out);
    return st;
}

void pgy_inputs_close(pgy_inputs *inputs)
{
    if (inputs == NULL)
        return;
    px_feeds_source_close(inputs->source);
    px_run_args_fini(&inputs->args);
    px_mem_free(inputs);
}

pgy_status *pgy_compare_with(pgy_context *cx, const pgy_results *results, size_t n_words,
                             const char *const *words, pgy_verdict **out)
{
    pgy_status *st = NULL;
    px_run_args args = {0};
    PX_TRY(parse(of_comparisons, PX_COUNTOF(of_comparisons), n_words, words, &args));
    for (size_t i = 0; i < args.compare.compare.n; i++)
        if (strcmp(args.compare.compare.at[i], "perceptual_metrics") == 0)
            PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                           "--compare perceptual_metrics runs in a Python of its own, which only "
                           "the command starts: use pgy_command"));
    PX_TRY(px_compare_args_check(cx, &args.arena, &args.compare));
    PX_TRY(px_compare_verdict(cx, &args.compare, results, out));
done:
    px_run_args_fini(&args);
    return st;
}
