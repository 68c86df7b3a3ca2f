/* backend/onnxrt/providers.c - see the header. */
#include "backend/onnxrt/providers.h"

#define CPU "CPUExecutionProvider"

/* The C interface has its own spelling of most providers; others are named as they are. */
static const struct {
    const char *provider, *short_name;
} short_names[] = {
    {"AzureExecutionProvider", "AZURE"},     {"CoreMLExecutionProvider", "CoreML"},
    {"JsExecutionProvider", "JS"},           {"OpenVINOExecutionProvider", "OpenVINO"},
    {"QNNExecutionProvider", "QNN"},         {"SNPEExecutionProvider", "SNPE"},
    {"VitisAIExecutionProvider", "VitisAI"}, {"WebGpuExecutionProvider", "WebGPU"},
    {"XnnpackExecutionProvider", "XNNPACK"},
};

const char *px_onnxrt_provider_match(px_str word, const char *const *available, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (px_str_is(word, available[i]))
            return available[i];
    for (size_t i = 0; i < n; i++)
        if (px_str_overlap_nocase(word, px_str_of(available[i])))
            return available[i];
    return NULL;
}

pgy_status *px_onnxrt_providers_choose(const char *const *words, size_t n_words,
                                       const char *const *available, size_t n, const char **out)
{
    pgy_status *st = NULL;
    px_buf list = {0};
    for (size_t w = 0; w < n_words; w++) {
        out[w] = px_onnxrt_provider_match(px_str_of(words[w]), available, n);
        if (out[w] != NULL)
            continue;
        for (size_t i = 0; i < n; i++)
            px_buf_printf(&list, "%s'%s'", i > 0 ? ", " : "", available[i]);
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND,
                       "Could not find specified ONNX-Runtime execution provider.\n"
                       "Note: '%s' was asked for; this ONNX Runtime has: [%s]",
                       words[w], px_buf_cstr(&list)));
    }
done:
    px_buf_fini(&list);
    return st;
}

static pgy_status *apply_cuda(px_onnxrt_lib *lib, px_ort_options *options)
{
    pgy_status *st = NULL;
    px_ort_cuda *cuda = NULL;
    PX_TRY(px_onnxrt_check(lib, lib->api->CreateCUDAProviderOptions(&cuda)));
    PX_TRY(px_onnxrt_check(lib,
                           lib->api->SessionOptionsAppendExecutionProvider_CUDA_V2(options, cuda)));
done:
    if (cuda != NULL)
        lib->api->ReleaseCUDAProviderOptions(cuda);
    return st;
}

static pgy_status *apply_tensorrt(px_onnxrt_lib *lib, px_ort_options *options)
{
    pgy_status *st = NULL;
    px_ort_tensorrt *tensorrt = NULL;
    PX_TRY(px_onnxrt_check(lib, lib->api->CreateTensorRTProviderOptions(&tensorrt)));
    PX_TRY(px_onnxrt_check(
        lib, lib->api->SessionOptionsAppendExecutionProvider_TensorRT_V2(options, tensorrt)));
done:
    if (tensorrt != NULL)
        lib->api->ReleaseTensorRTProviderOptions(tensorrt);
    return st;
}

static pgy_status *apply_cpu(px_onnxrt_lib *lib, px_ort_options *options, bool use_arena)
{
    if (lib->append_cpu == NULL)
        return PX_FAIL(PGY_ERR_BACKEND,
                       "%s cannot prefer the CPU's provider to others. Name it last in --providers",
                       lib->path);
    return px_onnxrt_check(lib, lib->append_cpu(options, use_arena));
}

static pgy_status *apply_one(px_onnxrt_lib *lib, px_ort_options *options, const char *provider)
{
    if (strcmp(provider, "CUDAExecutionProvider") == 0)
        return apply_cuda(lib, options);
    if (strcmp(provider, "TensorrtExecutionProvider") == 0)
        return apply_tensorrt(lib, options);
    const char *name = provider;
    for (size_t i = 0; i < PX_COUNTOF(short_names); i++)
        if (strcmp(provider, short_names[i].provider) == 0)
            name = short_names[i].short_name;
    return px_onnxrt_check(
        lib, lib->api->SessionOptionsAppendExecutionProvider(options, name, NULL, NULL, 0));
}

/* Position of the first of that name. */
static size_t first_of(const char *const *chosen, const char *name)
{
    size_t i = 0;
    while (strcmp(chosen[i], name) != 0)
        i++;
    return i;
}

pgy_status *px_onnxrt_providers_apply(px_onnxrt_lib *lib, px_ort_options *options,
                                      const char *const *chosen, size_t n, bool use_arena)
{
    pgy_status *st = NULL;
    size_t n_distinct = 0, n_applied = 0;
    for (size_t i = 0; i < n; i++)
        n_distinct += first_of(chosen, chosen[i]) == i;
    for (size_t i = 0; i < n; i++) {
        if (first_of(chosen, chosen[i]) != i)
            continue;
        const bool is_last = ++n_applied == n_distinct;
        if (strcmp(chosen[i], CPU) != 0)
            st = apply_one(lib, options, chosen[i]);
        else if (!is_last) /* last, it is there by itself */
            st = apply_cpu(lib, options, use_arena);
        PX_TRY(px_status_while(st, "setting up the %s", chosen[i]));
    }
done:
    return st;
}
