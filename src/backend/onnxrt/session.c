/* backend/onnxrt/session.c - opening a model and running it.
 *
 * Everything that an iteration needs is made at opening: names, arrays of values, the description
 * of the CPU's memory. The values that stand for the inputs are kept between iterations and made
 * again only for another address or shape.
 */
#include "backend/onnxrt/session.h"

#include "backend/onnxrt/providers.h"
#include "backend/onnxrt/values.h"
#include "backend/outputs.h"
#include "backend/tensors_only.h"
#include "base/log.h"
#include "base/tensor.h"
#include "base/thread.h"
#include "model/edit.h"

/* What an input's value was made of. The tensor itself is borrowed for one iteration only; the
 * value is not looked into unless the same bytes are fed again. */
typedef struct bound_input {
    px_ort_value *value;
    const void *data;
    pgy_dtype dtype;
    int rank;
    int64_t dims[PX_MAX_RANK];
} bound_input;

struct px_onnxrt_session {
    pgy_context *cx;
    px_onnxrt_lib *lib;
    px_ort_session *ort;
    px_ort_memory *cpu;
    px_arena arena; /* names, shapes and arrays below; as long as the session */
    pgy_io *inputs, *outputs;
    size_t n_inputs, n_outputs;
    const char **in_names, **out_names;
    bool *is_optional; /* of the outputs */
    bound_input *bound;
    const px_ort_value **in_values; /* what `bound` holds, as the runtime wants it */
    px_ort_value **out_values;
    const char *where; /* the model's path, for errors */
};

int px_onnxrt_level_of(const char *name)
{
    static const struct {
        const char *name;
        int level;
    } levels[] = {{"ORT_DISABLE_ALL", 0},
                  {"ORT_ENABLE_BASIC", 1},
                  {"ORT_ENABLE_EXTENDED", 2},
                  {"ORT_ENABLE_LAYOUT", 3},
                  {"ORT_ENABLE_ALL", 99}};
    for (size_t i = 0; i < PX_COUNTOF(levels); i++)
        if (strcmp(levels[i].name, name) == 0)
            return levels[i].level;
    return -1;
}

/* The providers asked for; `out` has an entry per word, into the runtime's list. */
static pgy_status *choose_providers(pgy_context *cx, const px_onnxrt_args *args,
                                    const char *const *available, size_t n_available, bool is_said,
                                    const char ***out, size_t *out_n)
{
    static const char *const by_default[] = {"cpu"};
    pgy_status *st = NULL;
    const char **chosen = NULL;
    px_str *texts = NULL;
    px_buf list = {0};
    const bool given = args != NULL && args->providers.n > 0;
    const char *const *words = given ? args->providers.at : by_default;
    const size_t n = given ? args->providers.n : PX_COUNTOF(by_default);

    PX_TRY(PX_ALLOC(chosen, n));
    PX_TRY(PX_ALLOC(texts, n));
    PX_TRY(px_onnxrt_providers_choose(words, n, available, n_available, chosen));
    for (size_t i = 0; i < n; i++)
        texts[i] = px_str_of(chosen[i]);
    px_buf_repr_list(&list, texts, n);
    PX_TRY(px_buf_status(&list));
    if (is_said)
        px_log(cx, PGY_LOG_START, PX_AT_ONNXRT,
               "Creating ONNX-Runtime Inference Session with providers: %s", list.ptr);
    *out = chosen;
    *out_n = n;
    chosen = NULL;
done:
    px_mem_free(chosen);
    px_mem_free(texts);
    px_buf_fini(&list);
    return st;
}

/* Chooses the providers, says which if `is_said`, and adds them to `options`, unless it is NULL. */
static pgy_status *set_providers(pgy_context *cx, px_onnxrt_lib *lib, px_ort_options *options,
                                 const px_onnxrt_args *args, bool is_said, bool use_arena)
{
    pgy_status *st = NULL;
    char **available = NULL;
    int n_available = 0;
    const char **chosen = NULL;
    size_t n = 0;

    PX_TRY(px_onnxrt_providers(lib, &available, &n_available));
    PX_TRY(choose_providers(cx, args, (const char *const *)available, (size_t)n_available, is_said,
                            &chosen, &n));
    if (options != NULL)
        PX_TRY(px_onnxrt_providers_apply(lib, options, chosen, n, use_arena));
done:
    px_onnxrt_providers_free(lib, available, n_available);
    px_mem_free(chosen);
    return st;
}

pgy_status *px_onnxrt_session_announce(pgy_context *cx, px_onnxrt_lib *lib,
                                       const px_onnxrt_args *args)
{
    px_onnxrt_calling(lib);
    pgy_status *st = set_providers(cx, lib, NULL, args, true, true);
    px_onnxrt_calling(NULL);
    return st;
}

static pgy_status *set_level(px_onnxrt_session *s, px_ort_options *options, const char *name)
{
    const int level = px_onnxrt_level_of(name);
    if (level < 0)
        return PX_FAIL(PGY_ERR_USAGE,
                       "--graph-optimization-level %s is no level of ONNX Runtime. Use "
                       "ORT_DISABLE_ALL, ORT_ENABLE_BASIC, ORT_ENABLE_EXTENDED, ORT_ENABLE_LAYOUT "
                       "or ORT_ENABLE_ALL.",
                       name);
    return px_onnxrt_check(s->lib, s->lib->api->SetSessionGraphOptimizationLevel(options, level));
}

static pgy_status *set_entry(px_onnxrt_session *s, px_ort_options *options, const char *key,
                             const char *value)
{
    return px_onnxrt_check(s->lib, s->lib->api->AddSessionConfigEntry(options, key, value));
}

static bool uses_arena(const px_onnxrt_args *args, bool is_part)
{
    return !is_part && !(args != NULL && args->low_memory.given);
}

/* What the arena and the plan save in time pays off after some iterations, and costs the memory of
 * the largest one for good. A part of a model has few: it also computes what depends on constants
 * only once, so folding would hold it twice. */
static pgy_status *set_memory(px_onnxrt_session *s, px_ort_options *options,
                              const px_onnxrt_args *args, bool is_part)
{
    pgy_status *st = NULL;
    const bool is_low = args != NULL && args->low_memory.given;
    if (!uses_arena(args, is_part)) {
        PX_TRY(px_onnxrt_check(s->lib, s->lib->api->DisableCpuMemArena(options)));
        PX_TRY(px_onnxrt_check(s->lib, s->lib->api->DisableMemPattern(options)));
    }
    if (is_low)
        PX_TRY(set_entry(s, options, "session.disable_prepacking", "1"));
    if (is_part)
        PX_TRY(
            set_entry(s, options, "optimization.disable_specified_optimizers", "ConstantFolding"));
done:
    return st;
}

static pgy_status *make_options(px_onnxrt_session *s, const px_onnxrt_args *args, size_t part,
                                px_ort_options **out)
{
    pgy_status *st = NULL;
    px_onnxrt_lib *lib = s->lib;
    px_ort_options *options = NULL;
    const int n_threads = px_context_threads(s->cx);
    const bool use_arena = uses_arena(args, part > 0);

    PX_TRY(px_onnxrt_check(lib, lib->api->CreateSessionOptions(&options)));
    PX_TRY(
        px_onnxrt_check(lib, lib->api->SetUserLoggingFunction(options, px_onnxrt_on_message, lib)));
    PX_TRY(px_onnxrt_check(lib, lib->api->SetIntraOpNumThreads(options, n_threads)));
    PX_TRY(px_onnxrt_check(lib, lib->api->SetInterOpNumThreads(options, n_threads)));
    PX_TRY(set_memory(s, options, args, part > 0));
    if (args != NULL && args->graph_optimization_level.given)
        PX_TRY(set_level(s, options, args->graph_optimization_level.value));
    for (size_t i = 0; args != NULL && i < args->onnxrt_custom_ops.n; i++)
        PX_TRY(px_status_while(px_onnxrt_check(lib, lib->api->RegisterCustomOpsLibrary_V2(
                                                        options, args->onnxrt_custom_ops.at[i])),
                               "loading the operators of %s", args->onnxrt_custom_ops.at[i]));
    PX_TRY(set_providers(s->cx, lib, options, args, part == 0, use_arena));
    *out = options;
    options = NULL;
done:
    if (options != NULL)
        lib->api->ReleaseSessionOptions(options);
    return st;
}

/* From the file where the model is the file; else from bytes, with the folder that external data
 * is relative to. */
static pgy_status *create(px_onnxrt_session *s, pgy_model *model, px_ort_options *options)
{
    pgy_status *st = NULL;
    px_onnxrt_lib *lib = s->lib;
    px_model_image image = {0};
    const char *path = model->path;

    if (model->is_edited || model->external_dir != NULL || path == NULL) {
        PX_TRY(px_model_serialize(model, &image));
        path = image.path; /* set where the bytes would be too many for one message */
        if (image.external_dir != NULL && path == NULL)
            PX_TRY(set_entry(s, options, "session.model_external_initializers_file_folder_path",
                             image.external_dir));
    }
    if (path != NULL)
        PX_TRY(px_onnxrt_check(lib, lib->api->CreateSession(lib->env, path, options, &s->ort)));
    else
        PX_TRY(px_onnxrt_check(lib, lib->api->CreateSessionFromArray(lib->env, image.bytes.ptr,
                                                                     image.bytes.len, options,
                                                                     &s->ort)));
done:
    px_model_image_fini(&image);
    return st;
}

/* Shape and symbols of one input or output. */
static pgy_status *read_shape(px_onnxrt_session *s, const px_ort_type *type, pgy_io *io)
{
    pgy_status *st = NULL;
    px_onnxrt_lib *lib = s->lib;
    const px_ort_shape *shape = NULL; /* part of `type` */
    px_ort_dtype dtype = 0;
    size_t rank = 0;
    bool has_symbol = false;

    PX_TRY(px_onnxrt_check(lib, lib->api->CastTypeInfoToTensorInfo(type, &shape)));
    PX_TRY(px_onnxrt_check(lib, lib->api->GetTensorElementType(shape, &dtype)));
    PX_TRY(px_onnxrt_check(lib, lib->api->GetDimensionsCount(shape, &rank)));
    io->dtype = px_onnxrt_dtype_from(dtype);
    if (lib->api_version >= PX_ORT_API_HAS_SHAPE && !lib->api->TensorTypeAndShape_HasShape(shape)) {
        io->rank = -1;
        goto done;
    }
    int64_t *dims = px_arena_calloc(&s->arena, rank, sizeof *dims);
    const char **names = px_arena_calloc(&s->arena, rank, sizeof *names);
    if (dims == NULL || names == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_onnxrt_check(lib, lib->api->GetDimensions(shape, dims, rank)));
    PX_TRY(px_onnxrt_check(lib, lib->api->GetSymbolicDimensions(shape, names, rank)));
    for (size_t d = 0; d < rank; d++) {
        if (names[d] == NULL || names[d][0] == '\0') {
            names[d] = NULL;
            continue;
        }
        has_symbol = true;
        names[d] = px_arena_strdup(&s->arena, names[d]);
        if (names[d] == NULL)
            PX_TRY(px_status_nomem());
    }
    io->rank = (int32_t)rank;
    io->dims = dims;
    io->dim_names = has_symbol ? names : NULL;
done:
    return st;
}

typedef px_ort_status *(*get_name_fn)(const px_ort_session *, size_t, px_ort_allocator *, char **);
typedef px_ort_status *(*get_type_fn)(const px_ort_session *, size_t, px_ort_type **);

/* Fills one table entry, its name, and what kind of value it is. */
static pgy_status *read_one(px_onnxrt_session *s, px_ort_allocator *allocator, get_name_fn get_name,
                            get_type_fn get_type, size_t i, pgy_io *io, px_ort_kind *out_kind)
{
    pgy_status *st = NULL;
    px_onnxrt_lib *lib = s->lib;
    char *name = NULL;
    px_ort_type *type = NULL;

    PX_TRY(px_onnxrt_check(lib, get_name(s->ort, i, allocator, &name)));
    io->name = px_arena_strdup(&s->arena, name);
    if (io->name == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_onnxrt_check(lib, get_type(s->ort, i, &type)));
    PX_TRY(px_onnxrt_check(lib, lib->api->GetOnnxTypeFromTypeInfo(type, out_kind)));
    if (*out_kind == PX_ORT_TENSOR)
        PX_TRY(read_shape(s, type, io));
done:
    if (name != NULL)
        st = px_status_join(st, px_onnxrt_check(lib, lib->api->AllocatorFree(allocator, name)));
    if (type != NULL)
        lib->api->ReleaseTypeInfo(type);
    return st;
}

/* Reads names and types of all inputs and outputs and makes the arrays of an iteration. */
static pgy_status *read_signature(px_onnxrt_session *s)
{
    pgy_status *st = NULL;
    px_onnxrt_lib *lib = s->lib;
    const px_ort_api *api = lib->api;
    px_ort_allocator *allocator = NULL;
    px_ort_kind kind = PX_ORT_UNKNOWN;

    PX_TRY(px_onnxrt_check(lib, api->GetAllocatorWithDefaultOptions(&allocator)));
    PX_TRY(px_onnxrt_check(lib, api->SessionGetInputCount(s->ort, &s->n_inputs)));
    PX_TRY(px_onnxrt_check(lib, api->SessionGetOutputCount(s->ort, &s->n_outputs)));
    s->inputs = px_arena_calloc(&s->arena, s->n_inputs, sizeof *s->inputs);
    s->outputs = px_arena_calloc(&s->arena, s->n_outputs, sizeof *s->outputs);
    s->in_names = px_arena_calloc(&s->arena, s->n_inputs, sizeof *s->in_names);
    s->out_names = px_arena_calloc(&s->arena, s->n_outputs, sizeof *s->out_names);
    s->is_optional = px_arena_calloc(&s->arena, s->n_outputs, sizeof *s->is_optional);
    s->bound = px_arena_calloc(&s->arena, s->n_inputs, sizeof *s->bound);
    s->in_values = px_arena_calloc(&s->arena, s->n_inputs, sizeof *s->in_values);
    s->out_values = px_arena_calloc(&s->arena, s->n_outputs, sizeof *s->out_values);
    if (s->inputs == NULL || s->outputs == NULL || s->in_names == NULL || s->out_names == NULL ||
        s->is_optional == NULL || s->bound == NULL || s->in_values == NULL || s->out_values == NULL)
        PX_TRY(px_status_nomem());
    for (size_t i = 0; i < s->n_inputs; i++) {
        PX_TRY(read_one(s, allocator, api->SessionGetInputName, api->SessionGetInputTypeInfo, i,
                        &s->inputs[i], &kind));
        if (kind != PX_ORT_TENSOR)
            PX_TRY(
                px_refuse_value("input", px_str_of(s->inputs[i].name), px_onnxrt_kind_text(kind)));
        s->in_names[i] = s->inputs[i].name;
    }
    for (size_t i = 0; i < s->n_outputs; i++) {
        PX_TRY(read_one(s, allocator, api->SessionGetOutputName, api->SessionGetOutputTypeInfo, i,
                        &s->outputs[i], &kind));
        if (kind == PX_ORT_OPAQUE || kind == PX_ORT_SPARSE_TENSOR || kind == PX_ORT_UNKNOWN)
            PX_TRY(px_refuse_value("output", px_str_of(s->outputs[i].name),
                                   px_onnxrt_kind_text(kind)));
        s->is_optional[i] = kind == PX_ORT_OPTIONAL;
        s->out_names[i] = s->outputs[i].name;
    }
    PX_TRY(px_onnxrt_check(
        lib, api->CreateCpuMemoryInfo(PX_ORT_ARENA_ALLOCATOR, PX_ORT_MEM_DEFAULT, &s->cpu)));
done:
    return st;
}

pgy_status *px_onnxrt_session_open(pgy_context *cx, px_onnxrt_lib *lib, pgy_model *model,
                                   const px_onnxrt_args *args, px_onnxrt_session **out)
{
    pgy_status *st = NULL;
    px_onnxrt_session *s = NULL;
    px_ort_options *options = NULL;
    const char *path = pgy_model_path(model);

    px_onnxrt_calling(lib);
    PX_TRY(PX_ALLOC(s, 1));
    s->cx = cx;
    s->lib = px_onnxrt_lib_ref(lib);
    s->where = px_arena_strdup(&s->arena, path != NULL ? path : "a model in memory");
    if (s->where == NULL)
        PX_TRY(px_status_nomem());
    /* Making the session can take half a minute and gigabytes: what the file itself shows to be of
     * no use is refused before. */
    PX_TRY(px_check_tensors_only(model, true));
    PX_TRY(make_options(s, args, model->part, &options));
    PX_TRY(create(s, model, options));
    PX_TRY(read_signature(s));
    *out = s;
    s = NULL;
done:
    if (options != NULL)
        lib->api->ReleaseSessionOptions(options);
    px_onnxrt_session_close(s);
    px_onnxrt_calling(NULL);
    return px_status_while(st, "opening %s with ONNX Runtime",
                           path != NULL ? path : "a model in memory");
}

void px_onnxrt_session_close(px_onnxrt_session *s)
{
    if (s == NULL)
        return;
    const px_ort_api *api = s->lib->api;
    for (size_t i = 0; s->bound != NULL && i < s->n_inputs; i++)
        if (s->bound[i].value != NULL)
            api->ReleaseValue(s->bound[i].value);
    if (s->cpu != NULL)
        api->ReleaseMemoryInfo(s->cpu);
    if (s->ort != NULL)
        api->ReleaseSession(s->ort);
    px_onnxrt_lib_unref(s->lib);
    px_arena_fini(&s->arena);
    px_mem_free(s);
}

void px_onnxrt_session_inputs(const px_onnxrt_session *s, const pgy_io **out, size_t *out_n)
{
    *out = s->inputs;
    *out_n = s->n_inputs;
}

/* Makes input `i` stand for `t`. The value of the last iteration serves again when it is over the
 * same bytes in the same shape; strings are copied into it, so they are always taken anew. */
static pgy_status *bind(px_onnxrt_session *s, size_t i, const pgy_tensor *t)
{
    pgy_status *st = NULL;
    bound_input *b = &s->bound[i];
    px_ort_value *value = NULL;

    if (b->value != NULL && b->data == t->data && b->dtype == t->dtype &&
        t->dtype != PGY_DTYPE_STRING && px_shape_eq(b->rank, b->dims, t->rank, t->dims))
        return NULL;
    PX_TRY(px_status_while(px_onnxrt_value_new(s->lib, s->cpu, t, &value), "feeding the input '%s'",
                           s->in_names[i]));
    if (b->value != NULL)
        s->lib->api->ReleaseValue(b->value);
    *b = (bound_input){.value = value, .data = t->data, .dtype = t->dtype, .rank = t->rank};
    memcpy(b->dims, t->dims, (size_t)t->rank * sizeof *t->dims);
    s->in_values[i] = value;
done:
    return st;
}

pgy_status *px_onnxrt_session_run(px_onnxrt_session *s, const pgy_feed *in, pgy_outputs *out)
{
    pgy_status *st = NULL;
    const px_ort_api *api = s->lib->api;

    px_onnxrt_calling(s->lib);
    if (in->n != s->n_inputs)
        PX_TRY(
            PX_FAIL(PGY_ERR_USAGE, "%zu inputs were fed, the model has %zu.", in->n, s->n_inputs));
    for (size_t i = 0; i < s->n_inputs; i++)
        PX_TRY(bind(s, i, in->tensors[i]));
    memset(s->out_values, 0, s->n_outputs * sizeof *s->out_values);

    const uint64_t start_ns = px_time_ns();
    px_ort_status *status = api->Run(s->ort, NULL, s->in_names, s->in_values, s->n_inputs,
                                     s->out_names, s->n_outputs, s->out_values);
    pgy_outputs_set_elapsed(out, px_time_ns() - start_ns);
    PX_TRY(px_onnxrt_check(s->lib, status));

    for (size_t i = 0; i < s->n_outputs; i++) {
        px_ort_value *value = s->out_values[i];
        s->out_values[i] = NULL;
        PX_TRY(px_onnxrt_value_give(s->lib, s->out_names[i], s->is_optional[i], value, out));
    }
done:
    for (size_t i = 0; i < s->n_outputs; i++)
        if (s->out_values[i] != NULL) {
            api->ReleaseValue(s->out_values[i]);
            s->out_values[i] = NULL;
        }
    px_onnxrt_calling(NULL);
    return px_status_while(st, "running %s with ONNX Runtime", s->where);
}
