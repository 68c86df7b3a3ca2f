/* backend/trt/tactics.c - which kernel each layer gets: written down, and given again.
 *
 * The file is the reference's TacticReplayData in JSON. TensorRT calls the object while it builds;
 * errors there are kept and reported when the build is over. Versions from 11 on have no such
 * thing.
 */
#include "backend/trt/build.h"

#include "base/file.h"
#include "base/log.h"
#include "data/json.h"

/* One tensor that a kernel reads or writes. */
typedef struct tensor_info {
    const char *dtype; /* name in nvinfer1::DataType: "FLOAT" */
    px_trt_dims strides;
    int64_t vectorized_dim, components;
    bool has_vector; /* false: the two are null in the file, and count as equal to anything */
} tensor_info;

typedef struct tactic {
    const char *layer;
    int64_t implementation, tactic;
    tensor_info *inputs, *outputs;
    int32_t n_inputs, n_outputs;
} tactic;

struct px_trt_selector {
    const void *vptr; /* first word, as C++ has it */
    px_trt_vtable vtable;
    px_trt_build *build;
    tactic *at; /* chosen in this build, or wanted by the file */
    size_t n, cap;
    bool is_replay;
    px_file file;
    pgy_status *failed; /* first error inside a callback */
};

/* --- one tactic --- */

static tensor_info info_of(const px_trt_abi *abi, void *io)
{
    return (tensor_info){
        .dtype = px_trt_enum_name(abi, "DataType", px_trt_algorithm_io_get_data_type(abi, io)),
        .strides = px_trt_algorithm_io_get_strides(abi, io),
        .vectorized_dim = px_trt_algorithm_io_get_vectorized_dim(abi, io),
        .components = px_trt_algorithm_io_get_components_per_element(abi, io),
        .has_vector = true,
    };
}

static pgy_status *tactic_of(px_trt_selector *s, void *context, void *algorithm, tactic *out)
{
    const px_trt_abi *abi = &s->build->lib->abi;
    px_arena *arena = &s->build->arena;
    void *variant = px_trt_algorithm_get_algorithm_variant(abi, algorithm);
    *out = (tactic){
        .layer = px_arena_strdup(arena, px_trt_algorithm_context_get_name(abi, context)),
        .implementation = px_trt_algorithm_variant_get_implementation(abi, variant),
        .tactic = px_trt_algorithm_variant_get_tactic(abi, variant),
        .n_inputs = px_trt_algorithm_context_get_nb_inputs(abi, context),
        .n_outputs = px_trt_algorithm_context_get_nb_outputs(abi, context),
    };
    out->inputs = px_arena_calloc(arena, (size_t)out->n_inputs, sizeof *out->inputs);
    out->outputs = px_arena_calloc(arena, (size_t)out->n_outputs, sizeof *out->outputs);
    if (out->layer == NULL || out->inputs == NULL || out->outputs == NULL)
        return px_status_nomem();
    for (int32_t i = 0; i < out->n_inputs + out->n_outputs; i++) {
        void *io = px_trt_algorithm_get_algorithm_io_info_by_index(abi, algorithm, i);
        if (io == NULL)
            return PX_FAIL(PGY_ERR_BACKEND, "TensorRT tells nothing about tensor %d of layer %s.",
                           i, out->layer);
        if (i < out->n_inputs)
            out->inputs[i] = info_of(abi, io);
        else
            out->outputs[i - out->n_inputs] = info_of(abi, io);
    }
    return NULL;
}

static bool info_equal(const tensor_info *a, const tensor_info *b)
{
    if (a->dtype == NULL || b->dtype == NULL || strcmp(a->dtype, b->dtype) != 0 ||
        a->strides.n != b->strides.n)
        return false;
    for (int32_t i = 0; i < a->strides.n; i++)
        if (a->strides.d[i] != b->strides.d[i])
            return false;
    return !a->has_vector || !b->has_vector ||
           (a->vectorized_dim == b->vectorized_dim && a->components == b->components);
}

static bool infos_equal(const tensor_info *a, int32_t n_a, const tensor_info *b, int32_t n_b)
{
    if (n_a != n_b)
        return false;
    for (int32_t i = 0; i < n_a; i++)
        if (!info_equal(&a[i], &b[i]))
            return false;
    return true;
}

static bool tactic_equal(const tactic *a, const tactic *b)
{
    return a->implementation == b->implementation && a->tactic == b->tactic &&
           infos_equal(a->inputs, a->n_inputs, b->inputs, b->n_inputs) &&
           infos_equal(a->outputs, a->n_outputs, b->outputs, b->n_outputs);
}

static tactic *find(px_trt_selector *s, const char *layer)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->at[i].layer, layer) == 0)
            return &s->at[i];
    return NULL;
}

/* --- what TensorRT calls --- */

/* Writes the numbers of the choices to keep and returns how many. */
static pgy_status *choose(px_trt_selector *s, void *context, void *const *choices, int32_t n,
                          int32_t *out, int32_t *out_n)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &s->build->lib->abi;
    const char *layer = px_trt_algorithm_context_get_name(abi, context);
    const tactic *wanted = s->is_replay ? find(s, layer) : NULL;

    *out_n = 0;
    for (int32_t i = 0; wanted != NULL && i < n; i++) {
        tactic choice = {0};
        PX_TRY(tactic_of(s, context, choices[i], &choice));
        if (!tactic_equal(wanted, &choice))
            continue;
        out[0] = i;
        *out_n = 1;
        goto done;
    }
    if (wanted != NULL)
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND,
                       "Layer %s: the kernel in %s (implementation %lld, tactic %lld) is none of "
                       "the %d that %s offers; was the file made with another model, GPU or "
                       "configuration?",
                       layer, s->build->args->load_tactics.value, (long long)wanted->implementation,
                       (long long)wanted->tactic, n, abi->name));
    for (int32_t i = 0; i < n; i++)
        out[i] = i;
    *out_n = n;
done:
    return st;
}

static int32_t select_algorithms(void *self, void *context, void *const *choices, int32_t n,
                                 int32_t *out)
{
    px_trt_selector *s = self;
    int32_t n_chosen = 0;
    if (s->failed != NULL)
        return 0;
    pthread_mutex_lock(&s->build->lib->lock);
    s->failed = choose(s, context, choices, n, out, &n_chosen);
    pthread_mutex_unlock(&s->build->lib->lock);
    return n_chosen;
}

static pgy_status *record(px_trt_selector *s, void *context, void *algorithm)
{
    pgy_status *st = NULL;
    tactic chosen = {0};
    PX_TRY(tactic_of(s, context, algorithm, &chosen));
    tactic *old = find(s, chosen.layer);
    if (old != NULL) {
        *old = chosen;
        goto done;
    }
    PX_TRY(PX_RESERVE(s, 1));
    s->at[s->n++] = chosen;
done:
    return st;
}

static void report_algorithms(void *self, void *const *contexts, void *const *choices, int32_t n)
{
    px_trt_selector *s = self;
    pthread_mutex_lock(&s->build->lib->lock);
    for (int32_t i = 0; !s->is_replay && i < n && s->failed == NULL; i++)
        s->failed = record(s, contexts[i], choices[i]);
    pthread_mutex_unlock(&s->build->lib->lock);
}

static px_trt_interface_info selector_info(void *self)
{
    PX_UNUSED(self);
    return (px_trt_interface_info){"IAlgorithmSelector", 1, 0};
}

/* --- the file --- */

static pgy_status *bad_file(const px_trt_selector *s, const px_json *v, const char *wanted)
{
    return PX_FAIL(PGY_ERR_MODEL, "%s: byte %zu: expected %s; this is no tactic replay file.",
                   s->build->args->load_tactics.value, v != NULL ? v->at : 0, wanted);
}

static bool optional_int(const px_json *v, int64_t *out, bool *out_given)
{
    if (v == NULL || v->type == PX_JSON_NULL) {
        *out_given = false;
        return true;
    }
    return px_json_int(v, out);
}

static pgy_status *read_info(px_trt_selector *s, const px_json *v, tensor_info *out)
{
    pgy_status *st = NULL;
    static const char prefix[] = "DataType.";
    const px_json *dtype = px_json_get(v, "dtype"), *strides = px_json_get(v, "strides");
    px_str name = {0};

    *out = (tensor_info){.has_vector = true};
    if (dtype == NULL || dtype->type != PX_JSON_STRING)
        PX_TRY(bad_file(s, v, "a tensor with a dtype"));
    PX_TRY(px_json_string(&s->build->arena, dtype, &name));
    if (px_str_starts(name, prefix))
        name = (px_str){name.ptr + sizeof prefix - 1, name.len - (sizeof prefix - 1)};
    out->dtype = px_arena_strndup(&s->build->arena, name.ptr, name.len);
    if (out->dtype == NULL)
        PX_TRY(px_status_nomem());
    if (strides == NULL || strides->type != PX_JSON_ARRAY || strides->n > PX_TRT_MAX_DIMS)
        PX_TRY(bad_file(s, v, "a tensor with at most 8 strides"));
    for (const px_json *item = strides->first; item != NULL; item = item->next)
        if (!px_json_int(item, &out->strides.d[out->strides.n++]))
            PX_TRY(bad_file(s, item, "an integer"));
    if (!optional_int(px_json_get(v, "vectorized_dim"), &out->vectorized_dim, &out->has_vector) ||
        !optional_int(px_json_get(v, "components_per_element"), &out->components, &out->has_vector))
        PX_TRY(bad_file(s, v, "integers for vectorized_dim and components_per_element"));
done:
    return st;
}

static pgy_status *read_infos(px_trt_selector *s, const px_json *v, const char *key,
                              tensor_info **out, int32_t *out_n)
{
    pgy_status *st = NULL;
    const px_json *list = px_json_get(v, key);
    if (list == NULL || list->type != PX_JSON_ARRAY || list->n > 1024)
        PX_TRY(bad_file(s, v, "a list of inputs and one of outputs"));
    *out = px_arena_calloc(&s->build->arena, list->n, sizeof **out);
    if (*out == NULL)
        PX_TRY(px_status_nomem());
    *out_n = 0;
    for (const px_json *item = list->first; item != NULL; item = item->next)
        PX_TRY(read_info(s, item, &(*out)[(*out_n)++]));
done:
    return st;
}

static pgy_status *read_file(px_trt_selector *s)
{
    pgy_status *st = NULL;
    const char *path = s->build->args->load_tactics.value;
    px_json *root = NULL;

    px_log(s->build->cx, PGY_LOG_INFO, PX_AT_TRT, "Loading tactic replay file from %s", path);
    PX_TRY(px_file_map(path, &s->file));
    PX_TRY(px_json_parse(&s->build->arena, path, (px_str){(const char *)s->file.data, s->file.size},
                         &root));
    const px_json *replay = px_json_get(root, "replay");
    if (replay == NULL || replay->type != PX_JSON_OBJECT)
        PX_TRY(bad_file(s, root, "an object with the key replay"));
    for (const px_json *v = replay->first; v != NULL; v = v->next) {
        tactic t = {.layer = px_arena_strndup(&s->build->arena, v->key.ptr, v->key.len)};
        if (t.layer == NULL)
            PX_TRY(px_status_nomem());
        if (!px_json_int(px_json_get(v, "implementation"), &t.implementation) ||
            !px_json_int(px_json_get(v, "tactic"), &t.tactic))
            PX_TRY(bad_file(s, v, "an implementation and a tactic"));
        PX_TRY(read_infos(s, v, "inputs", &t.inputs, &t.n_inputs));
        PX_TRY(read_infos(s, v, "outputs", &t.outputs, &t.n_outputs));
        PX_TRY(PX_RESERVE(s, 1));
        s->at[s->n++] = t;
    }
done:
    return st;
}

static void put_key(px_buf *b, int level, const char *key)
{
    px_json_newline(b, level);
    px_json_put_string(b, px_str_of(key));
    px_buf_puts(b, ": ");
}

static void put_infos(px_buf *b, const char *key, const tensor_info *at, int32_t n)
{
    enum { KEY = 3, ITEM = 4, FIELD = 5, NUMBER = 6 };
    put_key(b, KEY, key);
    px_buf_putc(b, '[');
    for (int32_t i = 0; i < n; i++) {
        px_buf_puts(b, i > 0 ? "," : "");
        px_json_newline(b, ITEM);
        px_buf_putc(b, '{');
        put_key(b, FIELD, "dtype");
        px_buf_printf(b, "\"DataType.%s\",", at[i].dtype != NULL ? at[i].dtype : "UNKNOWN");
        put_key(b, FIELD, "strides");
        px_buf_putc(b, '[');
        for (int32_t k = 0; k < at[i].strides.n; k++) {
            px_buf_puts(b, k > 0 ? "," : "");
            px_json_newline(b, NUMBER);
            px_buf_printf(b, "%lld", (long long)at[i].strides.d[k]);
        }
        if (at[i].strides.n > 0)
            px_json_newline(b, FIELD);
        px_buf_puts(b, "],");
        put_key(b, FIELD, "vectorized_dim");
        px_buf_printf(b, "%lld,", (long long)at[i].vectorized_dim);
        put_key(b, FIELD, "components_per_element");
        px_buf_printf(b, "%lld,", (long long)at[i].components);
        put_key(b, FIELD, "polygraphy_class");
        px_buf_puts(b, "\"TensorInfo\"");
        px_json_newline(b, ITEM);
        px_buf_putc(b, '}');
    }
    if (n > 0)
        px_json_newline(b, KEY);
    px_buf_puts(b, "],");
}

static pgy_status *write_file(px_trt_selector *s)
{
    enum { ROOT = 1, LAYER = 2, FIELD = 3 };
    pgy_status *st = NULL;
    const char *path = s->build->args->save_tactics.value;
    px_buf b = {0};

    px_buf_putc(&b, '{');
    put_key(&b, ROOT, "replay");
    px_buf_putc(&b, '{');
    for (size_t i = 0; i < s->n; i++) {
        const tactic *t = &s->at[i];
        px_buf_puts(&b, i > 0 ? "," : "");
        put_key(&b, LAYER, t->layer);
        px_buf_putc(&b, '{');
        put_key(&b, FIELD, "implementation");
        px_buf_printf(&b, "%lld,", (long long)t->implementation);
        put_key(&b, FIELD, "tactic");
        px_buf_printf(&b, "%lld,", (long long)t->tactic);
        put_infos(&b, "inputs", t->inputs, t->n_inputs);
        put_infos(&b, "outputs", t->outputs, t->n_outputs);
        put_key(&b, FIELD, "polygraphy_class");
        px_buf_puts(&b, "\"Algorithm\"");
        px_json_newline(&b, LAYER);
        px_buf_putc(&b, '}');
    }
    if (s->n > 0)
        px_json_newline(&b, ROOT);
    px_buf_puts(&b, "},");
    put_key(&b, ROOT, "polygraphy_class");
    px_buf_puts(&b, "\"TacticReplayData\"");
    px_json_newline(&b, 0);
    px_buf_putc(&b, '}');
    PX_TRY(px_buf_status(&b));
    px_log(s->build->cx, PGY_LOG_INFO, PX_AT_TRT, "Saving tactic replay file to %s", path);
    PX_TRY(px_file_write(path, b.ptr, b.len));
done:
    px_buf_fini(&b);
    return st;
}

/* --- life --- */

pgy_status *px_trt_selector_attach(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_callback callbacks[] = {
        {PX_TRT_SELECTOR_SELECT_ALGORITHMS, (px_trt_fn)select_algorithms},
        {PX_TRT_SELECTOR_REPORT_ALGORITHMS, (px_trt_fn)report_algorithms},
        {PX_TRT_SELECTOR_GET_INTERFACE_INFO, (px_trt_fn)selector_info},
    };
    if (!b->args->save_tactics.given && !b->args->load_tactics.given)
        return NULL;
    px_trt_selector *s = b->selector = px_arena_calloc(&b->arena, 1, sizeof *s);
    if (s == NULL)
        PX_TRY(px_status_nomem());
    s->build = b;
    s->is_replay = b->args->load_tactics.given;
    if (s->is_replay)
        PX_TRY(read_file(s));
    px_trt_vtable_init(&s->vtable, &b->lib->abi, "IAlgorithmSelector", callbacks,
                       PX_COUNTOF(callbacks));
    s->vptr = s->vtable.slots;
    px_trt_config_set_algorithm_selector(&b->lib->abi, b->config, s);
done:
    return st;
}

pgy_status *px_trt_selector_finish(px_trt_selector *s)
{
    pgy_status *st = NULL;
    if (s == NULL)
        return NULL;
    st = s->failed;
    s->failed = NULL;
    return px_status_while(st, "choosing kernels");
}

pgy_status *px_trt_selector_save(px_trt_selector *s)
{
    return s != NULL && !s->is_replay ? write_file(s) : NULL;
}

void px_trt_selector_free(px_trt_selector *s)
{
    if (s == NULL)
        return;
    px_mem_free(s->at);
    px_file_unmap(&s->file);
    pgy_status_free(s->failed);
}
