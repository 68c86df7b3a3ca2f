/* backend/trt/network.c - a TensorRT network from a model file. */
#include "backend/trt/build.h"

#include "base/log.h"

/* --- which bytes are parsed --- */

/* The runner's model has outputs marked for the other runners, which this one must not see, and is
 * shared with them, so a cast may not touch it: then this runner reads the file for itself. */
static pgy_status *choose_model(px_trt_build *b)
{
    pgy_status *st = NULL;
    const pgy_model *model = b->model;
    const px_model_args *given = model->load_args;
    const bool has_marks =
        given != NULL && (given->onnx_outputs.given || given->onnx_exclude_outputs.given ||
                          given->onnx_outputs_by_type.given);
    px_onnx_model *onnx = NULL;
    px_onnx_half_report report = {0};

    if ((!has_marks && b->cast_to == PGY_DTYPE_UNKNOWN) || model->path == NULL)
        goto done;
    PX_TRY(px_model_open(b->cx, model->path, model->type, &b->own_model));
    if (given != NULL) {
        b->own_args = *given;
        b->own_args.onnx_outputs = (px_opt_strs){0};
        b->own_args.onnx_exclude_outputs = (px_opt_strs){0};
        b->own_args.onnx_outputs_by_type = (px_opt_strs){0};
        b->own_args.save_onnx = (px_opt_str){0}; /* the runner's model was saved */
        b->own_model->load_args = &b->own_args;
        PX_TRY(px_model_load(b->own_model));
    }
    b->model = b->own_model;
    if (b->cast_to == PGY_DTYPE_UNKNOWN)
        goto done;
    const px_onnx_half_options how = {.to = b->cast_to};
    PX_TRY(px_model_onnx(b->own_model, &onnx));
    PX_TRY(px_onnx_to_half(b->cx, onnx, &how, &report));
    b->own_model->is_edited = true;
    px_log(b->cx, PGY_LOG_INFO, PX_AT_TRT,
           "%s takes precisions from the model: cast to %s, %zu weights changed, %zu nodes left in "
           "float32, %zu casts inserted",
           b->lib->abi.name, pgy_dtype_name(b->cast_to), report.n_weights, report.n_kept,
           report.n_casts);
done:
    return st;
}

/* --- the ONNX parser --- */

static pgy_status *parse_failed(px_trt_build *b)
{
    const px_trt_abi *abi = &b->lib->abi;
    const char *path = b->model->path != NULL ? b->model->path : "a model in memory";
    px_buf text = {0};
    const int32_t n = px_trt_parser_get_nb_errors(abi, b->parser);
    for (int32_t i = 0; i < n; i++) {
        void *error = px_trt_parser_get_error(abi, b->parser, i);
        const char *name = px_trt_parser_error_node_name(abi, error);
        const char *type = px_trt_parser_error_node_operator(abi, error);
        const char *what = px_trt_parser_error_desc(abi, error);
        px_buf_puts(&text, i > 0 ? "; " : "");
        if (name != NULL && name[0] != '\0')
            px_buf_printf(&text, "node '%s' (%s): ", name, type != NULL ? type : "?");
        else if (px_trt_parser_error_node(abi, error) >= 0)
            px_buf_printf(&text, "node number %d%s%s: ", px_trt_parser_error_node(abi, error),
                          type != NULL && type[0] != '\0' ? ", " : "", type != NULL ? type : "");
        px_buf_puts(&text, what != NULL ? what : "no reason given");
    }
    if (n <= 0)
        return px_trt_failed(b->lib, "cannot parse %s", path);
    px_trt_begin(b->lib); /* the parser logged the same */
    pgy_status *st = PX_FAIL(PGY_ERR_BACKEND, "The ONNX parser of %s cannot take %s: %s", abi->name,
                             path, px_buf_cstr(&text));
    px_buf_fini(&text);
    return st;
}

static pgy_status *flag_value(px_trt_build *b, const char *option, const char *name, int32_t *out)
{
    return px_trt_enum_of(b->lib, option, "OnnxParserFlag", name, out);
}

static pgy_status *set_parser_flags(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    const px_trt_args *args = b->args;
    uint32_t mask = 0;
    int32_t flag = 0;

    for (size_t i = 0; i < args->onnx_flags.n; i++) {
        PX_TRY(flag_value(b, "--onnx-flags", args->onnx_flags.at[i], &flag));
        mask |= 1u << flag;
    }
    /* COMPAT: naming flags replaces the parser's own defaults. */
    if (args->onnx_flags.given)
        px_trt_parser_set_flags(abi, b->parser, mask);
    /* A plan for other versions or GPUs cannot hold the InstanceNormalization plugin. */
    if (args->version_compatible.given || args->hardware_compatibility_level.given) {
        PX_TRY(flag_value(b, "--version-compatible", "NATIVE_INSTANCENORM", &flag));
        px_trt_parser_set_flag(abi, b->parser, flag);
    }
    if (args->enable_uint8_asymmetric_quantization_dla.given) {
        PX_TRY(flag_value(b, "--enable-uint8-asymmetric-quantization-dla",
                          "ENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA", &flag));
        px_trt_parser_set_flag(abi, b->parser, flag);
    }
    if (args->plugin_instancenorm.given) {
        PX_TRY(flag_value(b, "--plugin-instancenorm", "NATIVE_INSTANCENORM", &flag));
        px_trt_parser_clear_flag(abi, b->parser, flag);
    }
    /* Newer parsers look at the configuration; older ones have no such function. */
    if (px_trt_has(abi, PX_TRT_PARSER_SET_BUILDER_CONFIG) && b->config != NULL)
        (void)px_trt_parser_set_builder_config(abi, b->parser, b->config);
done:
    return st;
}

static pgy_status *parse_onnx(px_trt_build *b)
{
    enum { SHOW_WARNINGS = 2 };
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    bool is_parsed;

    PX_TRY(px_trt_lib_need_parser(b->lib));
    px_trt_begin(b->lib);
    b->parser = b->lib->create_parser(b->network, &b->lib->logger, b->lib->parser_version);
    if (b->parser == NULL)
        PX_TRY(px_trt_failed(b->lib, "could not create its ONNX parser"));
    PX_TRY(set_parser_flags(b));
    /* The file itself where nothing was changed, so that external data is found beside it. */
    if (b->model->path != NULL && !b->model->is_edited && b->model->external_dir == NULL) {
        is_parsed = px_trt_parser_parse_from_file(abi, b->parser, b->model->path, SHOW_WARNINGS);
    } else {
        PX_TRY(px_model_serialize(b->model, &b->image));
        is_parsed =
            b->image.path != NULL
                ? px_trt_parser_parse_from_file(abi, b->parser, b->image.path, SHOW_WARNINGS)
                : px_trt_parser_parse(abi, b->parser, (void *)b->image.bytes.ptr,
                                      b->image.bytes.len, b->model->path);
    }
    if (!is_parsed)
        PX_TRY(parse_failed(b));
    px_trt_end(b->lib);
done:
    return st;
}

/* --- the network --- */

pgy_status *px_trt_network_flags(px_trt_build *b, uint32_t *out)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    *out = 0;
    /* Implied since 10, another meaning since 11. */
    if (abi->major == 8 && !abi->is_rtx && !px_trt_is_uff_or_caffe(b->model))
        *out |= 1u << px_trt_enum(abi, "NetworkDefinitionCreationFlag", PX_STR("EXPLICIT_BATCH"));
    if (b->args->strongly_typed.given) {
        const int32_t flag =
            px_trt_enum(abi, "NetworkDefinitionCreationFlag", PX_STR("STRONGLY_TYPED"));
        if (flag < 0)
            PX_TRY(px_trt_lacks(b->lib, "--strongly-typed", "strongly typed networks",
                                "TensorRT 10 and newer have them."));
        *out |= 1u << flag;
    }
done:
    return st;
}

pgy_status *px_trt_network_make(px_trt_build *b)
{
    pgy_status *st = NULL;
    uint32_t flags = 0;

    if (b->model->type == PGY_MODEL_TRT_SCRIPT) /* the script has filled it */
        goto done;
    PX_TRY(px_trt_network_flags(b, &flags));
    if (!b->is_foreign) {
        px_trt_begin(b->lib);
        b->network = px_trt_builder_create_network_v2(&b->lib->abi, b->builder, flags);
        if (b->network == NULL)
            PX_TRY(px_trt_failed(b->lib, "could not create a network"));
        px_trt_end(b->lib);
    }
    if (px_trt_is_uff_or_caffe(b->model)) {
        PX_TRY(px_trt_parse_uff_caffe(b));
    } else {
        PX_TRY(choose_model(b));
        PX_TRY(parse_onnx(b));
    }
done:
    return st;
}
