/* backend/trt/uff_caffe.c - networks from UFF and Caffe files, with the parsers of TensorRT 8.6.
 *
 * These networks have no batch dimension: their tensors are one sample each, and the engine takes
 * up to a largest number of them (see implicit.c).
 */
#include "backend/trt/build.h"

#include "base/file.h"
#include "base/log.h"
#include "model/uff.h"

enum { WEIGHTS_FLOAT = 0 };            /* nvinfer1::DataType */
enum { ORDER_NHWC = 1, ORDER_NC = 2 }; /* nvuffparser::UffInputOrder */

bool px_trt_is_uff_or_caffe(const pgy_model *model)
{
    return model->type == PGY_MODEL_UFF || model->type == PGY_MODEL_CAFFE;
}

pgy_status *px_trt_check_uff_caffe(const px_trt_lib *lib, const pgy_model *model)
{
    const bool is_uff = model->type == PGY_MODEL_UFF;
    if (!px_trt_is_uff_or_caffe(model) || px_trt_has(&lib->abi, PX_TRT_UFF_PARSER_PARSE))
        return NULL;
    return px_trt_lacks(lib, is_uff ? "--model-type uff" : "--model-type caffe",
                        is_uff ? "parser of UFF files" : "parser of Caffe files",
                        "TensorRT 8.6 was the last release with one: convert the model to ONNX.");
}

/* --- UFF --- */

/* Without the batch, which comes first. The user's shape fills in what the file leaves open. */
static pgy_status *uff_dims(px_trt_build *b, const px_uff_input *input, px_trt_dims *out)
{
    const px_opt_shape *given = px_trt_profile_shape(b->args, input->name, PX_TRT_PROFILE_OPT);
    *out = (px_trt_dims){.n = input->rank - 1};
    if (input->rank < 1)
        return PX_FAIL(PGY_ERR_MODEL, "The UFF input '%s' has no shape.", input->name);
    for (int d = 0; d < out->n; d++) {
        out->d[d] = input->dims[d + 1];
        if (out->d[d] < 0 && given != NULL && given->rank == input->rank)
            out->d[d] = given->dims[d + 1];
        if (out->d[d] < 0)
            return PX_FAIL(PGY_ERR_USAGE,
                           "Dimension %d of the UFF input '%s' is open: give its shape with "
                           "--input-shapes.",
                           d + 1, input->name);
    }
    return NULL;
}

/* Inputs are fed as the file has them; NHWC is the parser's name for that, and means nothing to a
 * model that keeps channels first. */
static pgy_status *register_uff(px_trt_build *b, const px_uff *uff)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    for (size_t i = 0; i < uff->n_inputs; i++) {
        px_trt_dims dims;
        PX_TRY(uff_dims(b, &uff->inputs[i], &dims));
        if (!px_trt_uff_parser_register_input(abi, b->parser_8, uff->inputs[i].name, dims,
                                              dims.n == 1 ? ORDER_NC : ORDER_NHWC))
            PX_TRY(px_trt_failed(b->lib, "refuses the UFF input '%s'", uff->inputs[i].name));
    }
    for (size_t i = 0; i < uff->n_outputs; i++)
        if (!px_trt_uff_parser_register_output(abi, b->parser_8, uff->outputs[i]))
            PX_TRY(px_trt_failed(b->lib, "refuses the UFF output '%s'", uff->outputs[i]));
done:
    return st;
}

static pgy_status *parse_uff(px_trt_build *b)
{
    pgy_status *st = NULL;
    const char *path = b->model->path;
    px_file file = {0};
    px_uff uff = {0};

    PX_TRY(px_file_map(path, &file));
    PX_TRY(px_uff_read(&b->arena, (px_str){(const char *)file.data, file.size}, path, &uff));
    b->parser_8 = b->lib->create_uff_parser();
    if (b->parser_8 == NULL)
        PX_TRY(px_trt_failed(b->lib, "could not create its UFF parser"));
    PX_TRY(register_uff(b, &uff));
    if (!px_trt_uff_parser_parse(&b->lib->abi, b->parser_8, path, b->network, WEIGHTS_FLOAT))
        PX_TRY(px_trt_failed(b->lib, "cannot parse %s", path));
done:
    px_file_unmap(&file);
    return st;
}

/* --- Caffe --- */

/* "deploy.caffemodel" beside "deploy.prototxt", else the only such file in that folder. */
static pgy_status *find_weights(const char *deploy, char **out)
{
    pgy_status *st = NULL;
    char *dir = px_path_dirname(deploy), **names = NULL;
    size_t n = 0;
    px_buf path = {0};

    px_buf_printf(&path, "%.*s.caffemodel", (int)(strlen(deploy) - strlen(px_path_ext(deploy))),
                  deploy);
    PX_TRY(px_buf_status(&path));
    if (dir == NULL)
        PX_TRY(px_status_nomem());
    if (px_path_exists(path.ptr)) {
        *out = px_mem_strdup(path.ptr);
    } else {
        PX_TRY(px_path_list(dir, ".caffemodel", &names, &n));
        if (n != 1)
            PX_TRY(PX_FAIL(PGY_ERR_IO,
                           "The weights of %s are looked for in %s, or in the only file of its "
                           "folder that ends in .caffemodel: there are %zu.",
                           deploy, path.ptr, n));
        *out = px_path_join(dir, names[0]);
    }
    if (*out == NULL)
        PX_TRY(px_status_nomem());
done:
    for (size_t i = 0; i < n; i++)
        px_mem_free(names[i]);
    px_mem_free(names);
    px_mem_free(dir);
    px_buf_fini(&path);
    return st;
}

static bool is_read(px_trt_build *b, const void *tensor)
{
    const px_trt_abi *abi = &b->lib->abi;
    const int32_t n = px_trt_network_get_nb_layers(abi, b->network);
    for (int32_t i = 0; i < n; i++) {
        void *layer = px_trt_network_get_layer(abi, b->network, i);
        const int32_t n_inputs = px_trt_layer_get_nb_inputs(abi, layer);
        for (int32_t k = 0; k < n_inputs; k++)
            if (px_trt_layer_get_input(abi, layer, k) == tensor)
                return true;
    }
    return false;
}

/* A Caffe file does not name its outputs: they are what no layer reads. */
static void mark_caffe_outputs(px_trt_build *b)
{
    const px_trt_abi *abi = &b->lib->abi;
    const int32_t n = px_trt_network_get_nb_layers(abi, b->network);
    for (int32_t i = 0; i < n; i++) {
        void *layer = px_trt_network_get_layer(abi, b->network, i);
        const int32_t n_outputs = px_trt_layer_get_nb_outputs(abi, layer);
        for (int32_t k = 0; k < n_outputs; k++) {
            void *tensor = px_trt_layer_get_output(abi, layer, k);
            if (!is_read(b, tensor))
                px_trt_network_mark_output(abi, b->network, tensor);
        }
    }
}

static pgy_status *parse_caffe(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    const char *deploy = b->model->path;
    char *weights = NULL;

    PX_TRY(find_weights(deploy, &weights));
    px_log(b->cx, PGY_LOG_VERBOSE, PX_AT_TRT, "The weights of %s are those of %s", deploy, weights);
    b->parser_8 = b->lib->create_caffe_parser();
    if (b->parser_8 == NULL)
        PX_TRY(px_trt_failed(b->lib, "could not create its Caffe parser"));
    if (px_trt_caffe_parser_parse(abi, b->parser_8, deploy, weights, b->network, WEIGHTS_FLOAT) ==
        NULL)
        PX_TRY(px_trt_failed(b->lib, "cannot parse %s with %s", deploy, weights));
    mark_caffe_outputs(b);
done:
    px_mem_free(weights);
    return st;
}

/* --- both --- */

pgy_status *px_trt_parse_uff_caffe(px_trt_build *b)
{
    pgy_status *st = NULL;
    PX_TRY(px_trt_lib_need_parsers_8(b->lib));
    px_trt_begin(b->lib);
    PX_TRY(b->model->type == PGY_MODEL_UFF ? parse_uff(b) : parse_caffe(b));
    px_trt_end(b->lib);
done:
    return st;
}

void px_trt_uff_caffe_free(px_trt_build *b)
{
    const px_trt_abi *abi = &b->lib->abi;
    if (b->parser_8 == NULL)
        return;
    if (b->model->type == PGY_MODEL_UFF)
        px_trt_uff_parser_destroy(abi, b->parser_8);
    else
        px_trt_caffe_parser_destroy(abi, b->parser_8);
}

/* Instead of profiles: the largest batch that the user names. */
pgy_status *px_trt_max_batch_set(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    const int32_t n = px_trt_network_get_nb_inputs(abi, b->network);
    int64_t largest = 1;

    if (b->args->n_profiles > 1)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "UFF and Caffe models take one range of batch sizes, %zu optimization "
                       "profiles were given.",
                       b->args->n_profiles));
    for (int32_t i = 0; i < n; i++) {
        const char *name =
            px_trt_tensor_get_name(abi, px_trt_network_get_input(abi, b->network, i));
        const px_opt_shape *shape = px_trt_profile_shape(b->args, name, PX_TRT_PROFILE_MAX);
        if (shape != NULL && shape->rank > 0)
            largest = PX_MAX(largest, shape->dims[0]);
    }
    if (largest > INT32_MAX)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "A batch of %lld is too large.", (long long)largest));
    px_trt_builder_set_max_batch_size(abi, b->builder, (int32_t)largest);
    px_log(b->cx, PGY_LOG_INFO, PX_AT_TRT, "Configuring for batches of up to %lld",
           (long long)largest);
    if (b->args->int8.given)
        PX_TRY(px_trt_calibrator_attach(b, NULL));
done:
    return st;
}
