/* tests/trt/fake_network.c - the network of every model, and the parsers; see fake_nvinfer.c. */
#include "fake_nvinfer.h"

/* --- the network --- */

object fake_tensors[4], fake_layers[2];
bool fake_is_output[4];
bool fake_is_implicit; /* tensors have no batch dimension */
int32_t fake_max_batch = 1;
bool fake_has_shape_tensor(void)
{
    return getenv("FAKE_TRT_SHAPE_TENSOR") != NULL;
}

static impl *impl_of(void *tensor)
{
    return ((object *)tensor)->impl;
}

const char *fake_name_of(impl *self)
{
    return self->name;
}

static px_trt_dims dims_of(const impl *self)
{
    if (strcmp(self->name, "s") == 0)
        return (px_trt_dims){.n = 1, .d = {2}};
    if (fake_is_implicit)
        return (px_trt_dims){.n = 1, .d = {4}};
    return (px_trt_dims){.n = 2, .d = {-1, 4}};
}

static px_trt_dims tensor_dims(impl *self)
{
    return dims_of(self);
}

static px_trt_dims32 tensor_dims32(impl *self)
{
    const px_trt_dims dims = dims_of(self);
    return px_trt_dims_narrow(&dims);
}

int32_t fake_type_named(const char *name)
{
    return strcmp(name, "s") == 0 ? 8 : 0; /* INT64, FLOAT */
}

static int32_t tensor_type(impl *self)
{
    return fake_type_named(self->name);
}

static void tensor_set_type(impl *self, int32_t type)
{
    fprintf(fake_out, "ITensor.setType %s %d\n", self->name, type);
}

static void tensor_set_formats(impl *self, uint32_t mask)
{
    fprintf(fake_out, "ITensor.setAllowedFormats %s %u\n", self->name, mask);
}

static bool tensor_is_shape(impl *self)
{
    return strcmp(self->name, "s") == 0;
}

static bool tensor_is_input(impl *self)
{
    return strcmp(self->name, "x") == 0 || strcmp(self->name, "s") == 0;
}

static bool tensor_is_output(impl *self)
{
    for (int i = 0; i < 4; i++)
        if (self == fake_tensors[i].impl)
            return fake_is_output[i];
    return false;
}

static int32_t layer_type(impl *self)
{
    return (int32_t)self->data[0];
}

int32_t fake_one(impl *self)
{
    PX_UNUSED(self);
    return 1;
}

static void *layer_output(impl *self, int32_t i)
{
    PX_UNUSED(i);
    return self->pointer;
}

static void *layer_input(impl *self, int32_t i)
{
    PX_UNUSED(i);
    return &fake_tensors[self == fake_layers[0].impl ? X : H];
}

static void layer_set_precision(impl *self, int32_t type)
{
    fprintf(fake_out, "ILayer.setPrecision %s %d\n", self->name, type);
}

static void mark_output(impl *self, void *tensor)
{
    fprintf(fake_out, "INetworkDefinition.markOutput %s\n", impl_of(tensor)->name);
    for (int i = 0; i < 4; i++)
        fake_is_output[i] |= tensor == &fake_tensors[i];
}

static void unmark_output(impl *self, void *tensor)
{
    fprintf(fake_out, "INetworkDefinition.unmarkOutput %s\n", impl_of(tensor)->name);
    for (int i = 0; i < 4; i++)
        fake_is_output[i] &= tensor != &fake_tensors[i];
}

static int32_t nb_layers(impl *self)
{
    return 2;
}

static void *get_layer(impl *self, int32_t i)
{
    return &fake_layers[i];
}

static int32_t nb_inputs(impl *self)
{
    return fake_has_shape_tensor() ? 2 : 1;
}

static void *get_input(impl *self, int32_t i)
{
    return &fake_tensors[i == 0 ? X : S];
}

static int32_t nb_outputs(impl *self)
{
    return fake_is_output[0] + fake_is_output[1] + fake_is_output[2] + fake_is_output[3];
}

static void *get_output(impl *self, int32_t i)
{
    for (int k = 0; k < 4; k++)
        if (fake_is_output[k] && i-- == 0)
            return &fake_tensors[k];
    return NULL;
}

static uint32_t network_flags(impl *self)
{
    return (uint32_t)self->data[0];
}

static bool mark_debug(impl *self, void *tensor)
{
    fprintf(fake_out, "INetworkDefinition.markDebug %s\n", impl_of(tensor)->name);
    return !fake_fails("markDebug");
}

static bool mark_unfused(impl *self)
{
    fake_note("INetworkDefinition.markUnfusedTensorsAsDebugTensors", 0, 0);
    return true;
}

/* --- parser: its own implementation --- */

static bool parse_file(impl *self, const char *path, int32_t verbosity)
{
    fake_note("IParser.parseFromFile", 0, 0);
    return !fake_fails("parseFromFile");
}

static bool parse_bytes(impl *self, const void *bytes, uint64_t size, const char *path)
{
    fake_note("IParser.parse", size > 0, 0);
    return !fake_fails("parse");
}

static void *parser_error;
static impl parser_error_body;

static int32_t parser_errors(impl *self)
{
    return getenv("FAKE_TRT_FAIL") != NULL;
}

static void *parser_get_error(impl *self, int32_t i)
{
    parser_error_body.vptr = fake_slots_of("IParserError");
    parser_error = &parser_error_body;
    return parser_error;
}

static const char *error_desc(impl *self)
{
    return "no importer for this";
}

static const char *error_node_name(impl *self)
{
    return "strange";
}

static const char *error_operator(impl *self)
{
    return "FooBar";
}

static int32_t error_node(impl *self)
{
    return 3;
}

static void parser_set_flags(impl *self, uint32_t mask)
{
    fake_note("IParser.setFlags", mask, 0);
}

static void parser_set_flag(impl *self, int32_t flag)
{
    fake_note("IParser.setFlag", flag, 0);
}

static void parser_clear_flag(impl *self, int32_t flag)
{
    fake_note("IParser.clearFlag", flag, 0);
}

static uint32_t parser_flags(impl *self)
{
    return 1;
}

static bool parser_set_config(impl *self, void *config)
{
    fake_note("IParser.setBuilderConfig", 0, 0);
    return true;
}

static void parser_free(impl *self)
{
    fake_n_alive--;
    free(self);
}

/* --- UFF and Caffe parsers: their own implementations --- */

static bool uff_input(impl *self, const char *name, px_trt_dims32 dims, int32_t order)
{
    fprintf(fake_out, "IUffParser.registerInput %s order %d rank %d of %d\n", name, order, dims.n,
            dims.d[0]);
    return !fake_fails("registerInput");
}

static bool uff_output(impl *self, const char *name)
{
    fprintf(fake_out, "IUffParser.registerOutput %s\n", name);
    return !fake_fails("registerOutput");
}

static bool uff_parse(impl *self, const char *path, void *network, int32_t type)
{
    fake_note("IUffParser.parse", type, 0);
    mark_output(network, &fake_tensors[Y]);
    return !fake_fails("parse");
}

static void *caffe_parse(impl *self, const char *deploy, const char *weights, void *network,
                         int32_t type)
{
    const char *slash = strrchr(weights, '/');
    fprintf(fake_out, "ICaffeParser.parse %s %d\n", slash != NULL ? slash + 1 : weights, type);
    return fake_fails("parse") ? NULL : self;
}

void fake_fill_network(void)
{
    const bool narrow = fake_abi.has_dims32;
    PUT(TENSOR_GET_NAME, fake_name_of);
    PUT(TENSOR_GET_DIMENSIONS, narrow ? (px_trt_fn)tensor_dims32 : (px_trt_fn)tensor_dims);
    PUT(TENSOR_GET_TYPE, tensor_type);
    PUT(TENSOR_SET_TYPE, tensor_set_type);
    PUT(TENSOR_SET_ALLOWED_FORMATS, tensor_set_formats);
    PUT(TENSOR_IS_SHAPE_TENSOR, tensor_is_shape);
    PUT(TENSOR_IS_NETWORK_INPUT, tensor_is_input);
    PUT(TENSOR_IS_NETWORK_OUTPUT, tensor_is_output);
    PUT(LAYER_GET_TYPE, layer_type);
    PUT(LAYER_GET_NAME, fake_name_of);
    PUT(LAYER_GET_NB_INPUTS, fake_one);
    PUT(LAYER_GET_INPUT, layer_input);
    PUT(LAYER_GET_NB_OUTPUTS, fake_one);
    PUT(LAYER_GET_OUTPUT, layer_output);
    PUT(LAYER_SET_PRECISION, layer_set_precision);
    PUT(NETWORK_MARK_OUTPUT, mark_output);
    PUT(NETWORK_UNMARK_OUTPUT, unmark_output);
    PUT(NETWORK_GET_NB_LAYERS, nb_layers);
    PUT(NETWORK_GET_LAYER, get_layer);
    PUT(NETWORK_GET_NB_INPUTS, nb_inputs);
    PUT(NETWORK_GET_INPUT, get_input);
    PUT(NETWORK_GET_NB_OUTPUTS, nb_outputs);
    PUT(NETWORK_GET_OUTPUT, get_output);
    PUT(NETWORK_GET_FLAGS, network_flags);
    PUT(NETWORK_MARK_DEBUG, mark_debug);
    PUT(NETWORK_MARK_UNFUSED_TENSORS_AS_DEBUG_TENSORS, mark_unfused);
    PUT(PARSER_PARSE, parse_bytes);
    PUT(UFF_PARSER_REGISTER_INPUT, uff_input);
    PUT(UFF_PARSER_REGISTER_OUTPUT, uff_output);
    PUT(UFF_PARSER_PARSE, uff_parse);
    PUT(UFF_PARSER_DESTROY, parser_free);
    PUT(CAFFE_PARSER_PARSE, caffe_parse);
    PUT(CAFFE_PARSER_DESTROY, parser_free);
    PUT(PARSER_PARSE_FROM_FILE, parse_file);
    PUT(PARSER_GET_NB_ERRORS, parser_errors);
    PUT(PARSER_GET_ERROR, parser_get_error);
    PUT(PARSER_SET_FLAGS, parser_set_flags);
    PUT(PARSER_SET_FLAG, parser_set_flag);
    PUT(PARSER_CLEAR_FLAG, parser_clear_flag);
    PUT(PARSER_GET_FLAGS, parser_flags);
    PUT(PARSER_SET_BUILDER_CONFIG, parser_set_config);
    PUT(PARSER_DESTROY_DELETING, parser_free);
    PUT(PARSER_ERROR_DESC, error_desc);
    PUT(PARSER_ERROR_NODE, error_node);
    PUT(PARSER_ERROR_NODE_NAME, error_node_name);
    PUT(PARSER_ERROR_NODE_OPERATOR, error_operator);
}
