/* backend/trt/report.c - which precision each layer of an engine really has.
 *
 * TensorRT may run a layer in another type than the one asked for. The engine inspector describes
 * the layers in JSON: a "Name", and "Outputs" with a "Format/Datatype" such as "Row major linear
 * FP32". Without detailed profiling verbosity the layers are plain names; then nothing is told.
 */
#include "backend/trt/session.h"

#include "base/log.h"
#include "data/json.h"

enum { JSON_FORMAT = 1, MAX_KINDS = 16 };

/* How many layers write each type. */
typedef struct tally {
    char name[MAX_KINDS][24];
    size_t count[MAX_KINDS], n;
} tally;

static void count_type(tally *t, px_str name)
{
    size_t i = 0;
    while (i < t->n && !px_str_is(name, t->name[i]))
        i++;
    if (i == MAX_KINDS || name.len >= sizeof t->name[0])
        return;
    if (i == t->n) {
        memcpy(t->name[i], name.ptr, name.len);
        t->n++;
    }
    t->count[i]++;
}

/* The type is the last word ("... FP32") or, in newer versions, all there is ("Float"); remarks in
 * brackets follow in some formats. */
static px_str type_of(px_str format)
{
    static const char *const types[] = {"FP32",  "FP16",  "BF16",  "FP8",   "INT8", "INT32",
                                        "INT64", "INT4",  "UINT8", "Float", "Half", "BFloat16",
                                        "Int8",  "Int32", "Int64", "Bool",  "FP4"};
    px_str best = {0};
    for (size_t i = 0; i < PX_COUNTOF(types); i++) {
        const px_str word = px_str_of(types[i]);
        for (size_t at = 0; at + word.len <= format.len; at++) {
            const bool begins = at == 0 || format.ptr[at - 1] == ' ';
            const bool ends =
                at + word.len == format.len || strchr(" ,.;:)", format.ptr[at + word.len]) != NULL;
            if (begins && ends && memcmp(format.ptr + at, word.ptr, word.len) == 0 &&
                (best.ptr == NULL || format.ptr + at > best.ptr))
                best = (px_str){format.ptr + at, word.len};
        }
    }
    return best.ptr != NULL ? best : PX_STR("other");
}

static pgy_status *report_layer(px_trt_session *s, px_arena *arena, const px_json *layer, tally *t)
{
    pgy_status *st = NULL;
    const px_json *name = px_json_get(layer, "Name"), *outputs = px_json_get(layer, "Outputs");
    px_str text = {0}, format = {0};
    if (name == NULL || outputs == NULL || outputs->type != PX_JSON_ARRAY || outputs->n == 0)
        goto done;
    const px_json *f = px_json_get(outputs->first, "Format/Datatype");
    if (f == NULL || f->type != PX_JSON_STRING)
        goto done;
    PX_TRY(px_json_string(arena, name, &text));
    PX_TRY(px_json_string(arena, f, &format));
    count_type(t, type_of(format));
    px_log(s->cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_TRT, "Layer %.*s: %.*s", PX_STR_ARG(text),
           PX_STR_ARG(format));
done:
    return st;
}

static void report_sum(px_trt_session *s, const tally *t)
{
    const px_trt_args *args = s->args;
    const bool is_asked = args->fp16.given || args->bf16.given || args->int8.given ||
                          args->fp8.given || args->layer_precisions.given;
    px_buf text = {0};
    if (t->n == 0)
        return;
    for (size_t i = 0; i < t->n; i++)
        px_buf_printf(&text, "%s%zu %s", i > 0 ? ", " : "", t->count[i], t->name[i]);
    px_log(s->cx, is_asked ? PGY_LOG_INFO : PGY_LOG_VERBOSE, PX_AT_TRT,
           "Types that the engine's layers write: %s", px_buf_cstr(&text));
    px_buf_fini(&text);
}

pgy_status *px_trt_session_report(px_trt_session *s)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &s->lib->abi;
    px_arena arena = {0};
    px_json *root = NULL;
    tally t = {0};
    void *inspector = NULL;

    if (!px_log_enabled(s->cx, PGY_LOG_INFO, PX_AT_TRT))
        goto done;
    px_trt_begin(s->lib);
    inspector = px_trt_engine_create_engine_inspector(abi, s->engine);
    const char *text = inspector != NULL
                           ? px_trt_inspector_get_engine_information(abi, inspector, JSON_FORMAT)
                           : NULL;
    px_trt_end(s->lib);
    if (text == NULL)
        goto done;
    /* A text that is no JSON is TensorRT's affair and no reason to stop. */
    pgy_status *bad = px_json_parse(&arena, "the engine's description", px_str_of(text), &root);
    if (bad != NULL) {
        px_log(s->cx, PGY_LOG_VERBOSE, PX_AT_TRT, "The engine's layers cannot be listed: %s",
               pgy_status_message(bad));
        pgy_status_free(bad);
        goto done;
    }
    const px_json *layers = px_json_get(root, "Layers");
    for (const px_json *l = layers != NULL ? layers->first : NULL; l != NULL; l = l->next)
        PX_TRY(report_layer(s, &arena, l, &t));
    report_sum(s, &t);
done:
    px_trt_delete(inspector);
    px_arena_fini(&arena);
    return st;
}
