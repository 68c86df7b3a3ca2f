/* backend/trt/network_edit.c - changes to the parsed network: outputs, types, formats, debugging.
 */
#include "backend/trt/build.h"

#include "base/log.h"

/* --- tensors by name --- */

/* Goes over the layers, and over the outputs of each. */
typedef struct layer_walk {
    const px_trt_abi *abi;
    void *network, *layer;
    int32_t n_layers, i_layer, n_outputs, i_output;
} layer_walk;

static layer_walk walk_begin(const px_trt_build *b)
{
    return (layer_walk){.abi = &b->lib->abi,
                        .network = b->network,
                        .n_layers = px_trt_network_get_nb_layers(&b->lib->abi, b->network),
                        .i_layer = -1};
}

static bool walk_layer(layer_walk *w)
{
    if (++w->i_layer >= w->n_layers)
        return false;
    w->layer = px_trt_network_get_layer(w->abi, w->network, w->i_layer);
    w->n_outputs = px_trt_layer_get_nb_outputs(w->abi, w->layer);
    w->i_output = -1;
    return true;
}

/* Next output tensor of the layer, or NULL. */
static void *walk_output(layer_walk *w)
{
    while (++w->i_output < w->n_outputs) {
        void *tensor = px_trt_layer_get_output(w->abi, w->layer, w->i_output);
        if (tensor != NULL)
            return tensor;
    }
    return NULL;
}

/* Every tensor of the network: inputs, then layer outputs. */
static pgy_status *map_tensors(const px_trt_build *b, px_map *out)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    layer_walk w = walk_begin(b);
    const int32_t n = px_trt_network_get_nb_inputs(abi, b->network);
    for (int32_t i = 0; i < n; i++) {
        void *tensor = px_trt_network_get_input(abi, b->network, i);
        PX_TRY(px_map_set(out, px_str_of(px_trt_tensor_get_name(abi, tensor)), tensor));
    }
    while (walk_layer(&w))
        for (void *t = walk_output(&w); t != NULL; t = walk_output(&w))
            PX_TRY(px_map_set(out, px_str_of(px_trt_tensor_get_name(abi, t)), t));
done:
    return st;
}

/* The error for a tensor that is not there, with the name most like it. */
static pgy_status *no_tensor(const char *option, const char *name, const px_map *tensors)
{
    px_str best = {0};
    int best_distance = 0;
    for (size_t i = 0; i < tensors->n; i++) {
        const int distance = px_str_distance(px_str_of(name), tensors->at[i].key);
        if (best.ptr == NULL || distance < best_distance) {
            best = tensors->at[i].key;
            best_distance = distance;
        }
    }
    return PX_FAIL(PGY_ERR_USAGE,
                   "%s %s: the TensorRT network has no tensor of that name; the closest one is "
                   "'%.*s'.",
                   option, name, PX_STR_ARG(best));
}

static bool is_pattern(const char *name)
{
    return strpbrk(name, "*?[") != NULL;
}

typedef pgy_status *(*tensor_fn)(px_trt_build *b, const char *option, void *tensor);

/* Calls `fn` for each named tensor; a name that no tensor has may be a pattern. */
static pgy_status *for_names(px_trt_build *b, const char *option, const px_opt_strs *names,
                             tensor_fn fn)
{
    pgy_status *st = NULL;
    px_map tensors = {0};
    PX_TRY(map_tensors(b, &tensors));
    for (size_t i = 0; i < names->n; i++) {
        void *exact = px_map_get(&tensors, px_str_of(names->at[i]));
        size_t n = 0;
        if (exact != NULL)
            PX_TRY(fn(b, option, exact));
        for (size_t k = 0; exact == NULL && is_pattern(names->at[i]) && k < tensors.n; k++) {
            if (!px_str_fnmatch(px_str_of(names->at[i]), tensors.at[k].key))
                continue;
            PX_TRY(fn(b, option, tensors.at[k].value));
            n++;
        }
        if (exact == NULL && n == 0)
            PX_TRY(no_tensor(option, names->at[i], &tensors));
    }
done:
    px_map_fini(&tensors);
    return st;
}

/* --- outputs --- */

static void mark(px_trt_build *b, void *tensor)
{
    const px_trt_abi *abi = &b->lib->abi;
    if (!px_trt_tensor_is_network_output(abi, tensor))
        px_trt_network_mark_output(abi, b->network, tensor);
}

static pgy_status *mark_named(px_trt_build *b, const char *option, void *tensor)
{
    const px_trt_abi *abi = &b->lib->abi;
    if (px_trt_tensor_is_network_input(abi, tensor))
        return PX_FAIL(PGY_ERR_USAGE,
                       "%s %s: TensorRT cannot make an input of the network its output as well.",
                       option, px_trt_tensor_get_name(abi, tensor));
    mark(b, tensor);
    return NULL;
}

static void unmark_all(px_trt_build *b)
{
    const px_trt_abi *abi = &b->lib->abi;
    for (int32_t i = px_trt_network_get_nb_outputs(abi, b->network); i-- > 0;)
        px_trt_network_unmark_output(abi, b->network,
                                     px_trt_network_get_output(abi, b->network, i));
}

static bool is_type(const px_trt_abi *abi, int32_t type, const char *name)
{
    return type == px_trt_enum(abi, "LayerType", px_str_of(name));
}

/* Outputs of shapes and constants are of no interest, tensors inside a loop have no single value.
 */
static void mark_every(px_trt_build *b)
{
    const px_trt_abi *abi = &b->lib->abi;
    bool in_loop = false;
    layer_walk w = walk_begin(b);
    while (walk_layer(&w)) {
        const int32_t type = px_trt_layer_get_type(abi, w.layer);
        if (is_type(abi, type, "TRIP_LIMIT") || is_type(abi, type, "ITERATOR") ||
            is_type(abi, type, "RECURRENCE"))
            in_loop = true;
        else if (is_type(abi, type, "LOOP_OUTPUT"))
            in_loop = false;
        if (in_loop || is_type(abi, type, "SHAPE") || is_type(abi, type, "CONSTANT"))
            continue;
        for (void *t = walk_output(&w); t != NULL; t = walk_output(&w))
            mark(b, t);
    }
}

static pgy_status *mark_by_type(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    const px_opt_strs *names = &b->args->trt_outputs_by_type;
    for (size_t i = 0; i < names->n; i++) {
        int32_t wanted = 0;
        size_t n = 0;
        PX_TRY(px_trt_enum_of(b->lib, "--trt-outputs-by-type", "LayerType", names->at[i], &wanted));
        layer_walk w = walk_begin(b);
        while (walk_layer(&w)) {
            if (px_trt_layer_get_type(abi, w.layer) != wanted)
                continue;
            for (void *t = walk_output(&w); t != NULL; t = walk_output(&w), n++)
                mark(b, t);
        }
        if (n == 0)
            px_log(b->cx, PGY_LOG_WARNING, PX_AT_TRT,
                   "--trt-outputs-by-type %s: the network has no layer of that type.",
                   names->at[i]);
    }
done:
    return st;
}

static pgy_status *unmark_named(px_trt_build *b, const char *option, void *tensor)
{
    const px_trt_abi *abi = &b->lib->abi;
    if (!px_trt_tensor_is_network_output(abi, tensor))
        return PX_FAIL(PGY_ERR_USAGE, "%s %s: this tensor is no output of the network.", option,
                       px_trt_tensor_get_name(abi, tensor));
    px_trt_network_unmark_output(abi, b->network, tensor);
    return NULL;
}

static pgy_status *edit_outputs(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_args *args = b->args;
    /* Also before all are marked: outputs come in the order in which they are. */
    if (args->trt_outputs.given || args->trt_outputs_by_type.given)
        unmark_all(b);
    if (args->trt_outputs.given && px_opt_marks_all(&args->trt_outputs)) {
        px_log(b->cx, PGY_LOG_VERBOSE, PX_AT_TRT, "Marking all TensorRT tensors as outputs");
        mark_every(b);
    } else if (args->trt_outputs.given) {
        PX_TRY(for_names(b, "--trt-outputs", &args->trt_outputs, mark_named));
    }
    if (args->trt_outputs_by_type.given)
        PX_TRY(mark_by_type(b));
    if (args->trt_exclude_outputs.given)
        PX_TRY(for_names(b, "--trt-exclude-outputs", &args->trt_exclude_outputs, unmark_named));
    if (px_trt_network_get_nb_outputs(&b->lib->abi, b->network) == 0)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "No output of the TensorRT network is left."));
done:
    return st;
}

/* --- precisions and types --- */

static pgy_status *type_of_value(px_trt_build *b, const char *option, const char *name,
                                 const px_cast *value, int32_t *out)
{
    const char *text = value->kind == PX_CAST_TEXT ? value->text : "";
    *out = px_trt_data_type_from(&b->lib->abi, px_str_of(text));
    if (*out < 0)
        return PX_FAIL(PGY_ERR_USAGE, "%s %s:%s: %s has no such type.", option, name, text,
                       b->lib->abi.name);
    return NULL;
}

static pgy_status *set_layer_precisions(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    const px_opt_keyed *given = &b->args->layer_precisions;
    if (!given->given)
        return NULL;
    if (!px_trt_has(abi, PX_TRT_LAYER_SET_PRECISION))
        return px_trt_lacks(b->lib, "--layer-precisions", "precision of single layers",
                            "Its networks are strongly typed: put Cast nodes into the ONNX model.");
    for (size_t i = 0; i < given->n; i++) {
        int32_t type = 0;
        bool is_found = false;
        PX_TRY(
            type_of_value(b, "--layer-precisions", given->at[i].key, &given->at[i].value, &type));
        layer_walk w = walk_begin(b);
        while (walk_layer(&w)) {
            const char *name = px_trt_layer_get_name(abi, w.layer);
            if (strcmp(name, given->at[i].key) != 0)
                continue;
            px_trt_layer_set_precision(abi, w.layer, type);
            px_log(b->cx, PGY_LOG_VERBOSE, PX_AT_TRT, "Layer %s: precision set to %s", name,
                   given->at[i].value.text);
            is_found = true;
        }
        if (!is_found)
            px_log(b->cx, PGY_LOG_WARNING, PX_AT_TRT,
                   "--layer-precisions %s: the network has no layer of that name.",
                   given->at[i].key);
    }
done:
    return st;
}

/* Input `i`, and behind the inputs the outputs; NULL at the end. */
static void *io_tensor(const px_trt_build *b, int32_t i)
{
    const px_trt_abi *abi = &b->lib->abi;
    const int32_t n_in = px_trt_network_get_nb_inputs(abi, b->network);
    if (i < n_in)
        return px_trt_network_get_input(abi, b->network, i);
    if (i - n_in < px_trt_network_get_nb_outputs(abi, b->network))
        return px_trt_network_get_output(abi, b->network, i - n_in);
    return NULL;
}

static pgy_status *set_type(px_trt_build *b, const char *option, void *tensor, const px_cast *value)
{
    const char *name = px_trt_tensor_get_name(&b->lib->abi, tensor);
    int32_t type = 0;
    pgy_status *st = type_of_value(b, option, name, value, &type);
    if (st == NULL)
        px_trt_tensor_set_type(&b->lib->abi, tensor, type);
    return st;
}

static pgy_status *set_formats(px_trt_build *b, const char *option, void *tensor,
                               const px_cast *value)
{
    pgy_status *st = NULL;
    uint32_t mask = 0;
    const size_t n = value->kind == PX_CAST_LIST ? value->n : 1;
    for (size_t i = 0; i < n; i++) {
        const px_cast *item = value->kind == PX_CAST_LIST ? &value->items[i] : value;
        int32_t format = 0;
        PX_TRY(px_trt_enum_of(b->lib, option, "TensorFormat",
                              item->kind == PX_CAST_TEXT ? item->text : "", &format));
        mask |= 1u << format;
    }
    px_trt_tensor_set_allowed_formats(&b->lib->abi, tensor, mask);
done:
    return st;
}

typedef pgy_status *(*io_fn)(px_trt_build *b, const char *option, void *tensor,
                             const px_cast *value);

/* Calls `fn` for the network's inputs and outputs that are named, or with `all` for each. */
static pgy_status *for_io(px_trt_build *b, const char *option, const px_opt_keyed *named,
                          const px_cast *all, io_fn fn)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    void *tensor;
    for (int32_t i = 0; all != NULL && (tensor = io_tensor(b, i)) != NULL; i++)
        PX_TRY(fn(b, option, tensor, all));
    for (size_t k = 0; all == NULL && k < named->n; k++) {
        bool is_found = false;
        for (int32_t i = 0; (tensor = io_tensor(b, i)) != NULL; i++) {
            if (strcmp(px_trt_tensor_get_name(abi, tensor), named->at[k].key) != 0)
                continue;
            PX_TRY(fn(b, option, tensor, &named->at[k].value));
            is_found = true;
        }
        if (!is_found)
            px_log(b->cx, PGY_LOG_WARNING, PX_AT_TRT,
                   "%s %s: the network has no input or output of that name.", option,
                   named->at[k].key);
    }
done:
    return st;
}

static pgy_status *set_io_types(px_trt_build *b)
{
    const px_trt_args *args = b->args;
    const bool is_all = args->all_tensor_dtypes.given;
    const px_cast all = {.kind = PX_CAST_TEXT, .text = args->all_tensor_dtypes.value};
    const char *option = is_all ? "--all-tensor-dtypes" : "--tensor-dtypes";
    if (!is_all && !args->tensor_dtypes.given)
        return NULL;
    if (!px_trt_has(&b->lib->abi, PX_TRT_TENSOR_SET_TYPE))
        return px_trt_lacks(b->lib, option, "way to set the type of a tensor",
                            "Its networks are strongly typed: change the types in the ONNX model.");
    return for_io(b, option, &args->tensor_dtypes, is_all ? &all : NULL, set_type);
}

static pgy_status *set_io_formats(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_args *args = b->args;
    const bool is_all = args->all_tensor_formats.given;
    px_cast all = {.kind = PX_CAST_LIST, .n = args->all_tensor_formats.n};
    if (!is_all && !args->tensor_formats.given)
        return NULL;
    all.items = px_arena_calloc(&b->arena, all.n, sizeof *all.items);
    if (all.items == NULL)
        PX_TRY(px_status_nomem());
    for (size_t i = 0; i < all.n; i++)
        all.items[i] = (px_cast){.kind = PX_CAST_TEXT, .text = args->all_tensor_formats.at[i]};
    PX_TRY(for_io(b, is_all ? "--all-tensor-formats" : "--tensor-formats", &args->tensor_formats,
                  is_all ? &all : NULL, set_formats));
done:
    return st;
}

/* --- debug tensors --- */

static pgy_status *mark_debug(px_trt_build *b, const char *option, void *tensor)
{
    px_trt_begin(b->lib);
    if (!px_trt_network_mark_debug(&b->lib->abi, b->network, tensor))
        return px_trt_failed(b->lib, "refuses %s %s", option,
                             px_trt_tensor_get_name(&b->lib->abi, tensor));
    px_trt_end(b->lib);
    return NULL;
}

static pgy_status *set_debugging(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    if (b->args->mark_debug.given) {
        if (!px_trt_has(abi, PX_TRT_NETWORK_MARK_DEBUG))
            PX_TRY(px_trt_lacks(b->lib, "--mark-debug", "debug tensors",
                                "Make them outputs with --trt-outputs."));
        PX_TRY(for_names(b, "--mark-debug", &b->args->mark_debug, mark_debug));
    }
    if (b->args->mark_unfused_tensors_as_debug_tensors.given) {
        if (!px_trt_has(abi, PX_TRT_NETWORK_MARK_UNFUSED_TENSORS_AS_DEBUG_TENSORS))
            PX_TRY(px_trt_lacks(b->lib, "--mark-unfused-tensors-as-debug-tensors",
                                "way to mark unfused tensors",
                                "TensorRT 10.12 and newer have it; name tensors with "
                                "--mark-debug."));
        px_trt_begin(b->lib);
        if (!px_trt_network_mark_unfused_tensors_as_debug_tensors(abi, b->network))
            PX_TRY(px_trt_failed(b->lib, "could not mark unfused tensors as debug tensors"));
        px_trt_end(b->lib);
    }
done:
    return st;
}

/* --- attention --- */

/* An attention shows up in the network as two layers, at its inputs and at its output. */
static pgy_status *make_attentions_decomposable(px_trt_build *b)
{
    enum { OWN_PART = 2 }; /* word of a layer object that holds what its kind adds */
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    const int32_t type = px_trt_enum(abi, "LayerType", PX_STR("ATTENTION_INPUT"));
    int n = 0;

    if (!b->args->decomposable_attentions.given)
        goto done;
    if (!px_trt_has(abi, PX_TRT_ATTENTION_SET_DECOMPOSABLE))
        PX_TRY(px_trt_lacks(b->lib, "--decomposable-attentions", "attention layers",
                            "TensorRT 10.14 and newer have them."));
    for (int32_t i = 0; i < px_trt_network_get_nb_layers(abi, b->network); i++) {
        void *layer = px_trt_network_get_layer(abi, b->network, i);
        if (px_trt_layer_get_type(abi, layer) != type)
            continue;
        px_trt_begin(b->lib);
        void *attention = px_trt_attention_boundary_get_attention(abi, ((void **)layer)[OWN_PART]);
        if (attention == NULL || !px_trt_attention_set_decomposable(abi, attention, true))
            PX_TRY(px_trt_failed(b->lib, "refuses --decomposable-attentions for the layer '%s'",
                                 px_trt_layer_get_name(abi, layer)));
        px_trt_end(b->lib);
        n++;
    }
    if (n > 0)
        px_log(b->cx, PGY_LOG_VERBOSE, PX_AT_TRT, "%d attention(s) may be decomposed", n);
    else
        px_log(b->cx, PGY_LOG_WARNING, PX_AT_TRT,
               "--decomposable-attentions has no effect: the network has no attention layer.");
done:
    return st;
}

pgy_status *px_trt_network_edit(px_trt_build *b)
{
    pgy_status *st = NULL;
    PX_TRY(edit_outputs(b));
    PX_TRY(set_layer_precisions(b));
    PX_TRY(set_io_types(b));
    PX_TRY(set_io_formats(b));
    PX_TRY(set_debugging(b));
    PX_TRY(make_attentions_decomposable(b));
done:
    return st;
}
