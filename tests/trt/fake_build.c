/* tests/trt/fake_build.c - configuration, profiles, builder; see fake_nvinfer.c. */
#include "fake_nvinfer.h"

#include <time.h>

/* --- configuration --- */

static impl *config_impl;

static void set_flag(impl *self, int32_t flag)
{
    fake_note("IBuilderConfig.setFlag", flag, 0);
    self->data[0] |= 1ll << flag;
}

static void clear_flag(impl *self, int32_t flag)
{
    fake_note("IBuilderConfig.clearFlag", flag, 0);
    self->data[0] &= ~(1ll << flag);
}

static bool get_flag(impl *self, int32_t flag)
{
    return self->data[0] >> flag & 1;
}

static void set_pool(impl *self, int32_t pool, uint64_t size)
{
    fake_note("IBuilderConfig.setMemoryPoolLimit", pool, (long long)size);
}

static uint64_t get_pool(impl *self, int32_t pool)
{
    return (uint64_t)(pool + 1) << 20;
}

static bool set_sources(impl *self, uint32_t mask)
{
    fake_note("IBuilderConfig.setTacticSources", mask, 0);
    return !fake_fails("setTacticSources");
}

/* Functions that take one number and only note it. */
#define NOTES(fn, line, result)                                                                    \
    static result fn(impl *self, int32_t value)                                                    \
    {                                                                                              \
        fake_note(line, value, 0);                                                                 \
        return (result)1;                                                                          \
    }
typedef int32_t number;
NOTES(set_verbosity, "IBuilderConfig.setProfilingVerbosity", number)
NOTES(set_level, "IBuilderConfig.setBuilderOptimizationLevel", number)
NOTES(set_hardware, "IBuilderConfig.setHardwareCompatibilityLevel", number)
NOTES(set_streams, "IBuilderConfig.setMaxAuxStreams", number)
NOTES(set_platform, "IBuilderConfig.setRuntimePlatform", number)
NOTES(set_tiling, "IBuilderConfig.setTilingOptimizationLevel", number)
NOTES(set_dla_core, "IBuilderConfig.setDLACore", number)
NOTES(set_device, "IBuilderConfig.setDefaultDeviceType", number)
NOTES(set_quantization, "IBuilderConfig.setQuantizationFlag", number)
NOTES(clear_quantization, "IBuilderConfig.clearQuantizationFlag", number)

static int32_t zero(impl *self)
{
    return 0;
}

static void set_preview(impl *self, int32_t feature, bool on)
{
    fake_note("IBuilderConfig.setPreviewFeature", feature, on);
}

static bool get_preview(impl *self, int32_t feature)
{
    return false;
}

static int32_t add_profile(impl *self, void *profile)
{
    fake_note("IBuilderConfig.addOptimizationProfile", 0, 0);
    return (int32_t)self->data[1]++;
}

static int32_t nb_profiles(impl *self)
{
    return (int32_t)self->data[1];
}

static bool set_calibration_profile(impl *self, void *profile)
{
    fake_note("IBuilderConfig.setCalibrationProfile", profile != NULL, 0);
    return true;
}

static void set_calibrator(impl *self, void *calibrator)
{
    fake_note("IBuilderConfig.setInt8Calibrator", 0, 0);
    self->pointer = calibrator;
}

static void *selector;
static void set_selector(impl *self, void *given)
{
    fake_note("IBuilderConfig.setAlgorithmSelector", 0, 0);
    selector = given;
}

static void *monitor;
static void set_monitor(impl *self, void *given)
{
    monitor = given;
}

/* Three steps of a phase within a phase, each as long as a user would notice. */
static void tell_monitor(void)
{
    const px_trt_fn *slots = *(const px_trt_fn **)monitor;
    void (*start)(void *, const char *, const char *, int32_t) =
        (void (*)(void *, const char *, const char *,
                  int32_t))slots[fake_abi.slots[PX_TRT_PROGRESS_MONITOR_PHASE_START]];
    bool (*step)(void *, const char *, int32_t) = (bool (*)(
        void *, const char *, int32_t))slots[fake_abi.slots[PX_TRT_PROGRESS_MONITOR_STEP_COMPLETE]];
    void (*finish)(void *, const char *) =
        (void (*)(void *, const char *))slots[fake_abi.slots[PX_TRT_PROGRESS_MONITOR_PHASE_FINISH]];
    start(monitor, "Building", NULL, 1);
    start(monitor, "Tactics", "Building", 3);
    for (int32_t i = 0; i < 3; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 400000000}, NULL);
        if (!step(monitor, "Tactics", i))
            fake_note("stepComplete ends the build", i, 0);
    }
    finish(monitor, "Tactics");
    step(monitor, "Building", 0);
    finish(monitor, "Building");
    monitor = NULL;
}

static void *timing_cache;
static void *create_timing_cache(impl *self, const void *bytes, uint64_t size)
{
    fake_note("IBuilderConfig.createTimingCache", (long long)size, 0);
    return fake_fails("createTimingCache") ? NULL : fake_new_object("ITimingCache");
}

static bool set_timing_cache(impl *self, void *cache, bool ignore)
{
    timing_cache = cache;
    return true;
}

static void *get_timing_cache(impl *self)
{
    return timing_cache;
}

static void *serialize_cache(impl *self)
{
    object *o = fake_new_object("IHostMemory");
    o->impl->pointer = "CACHE";
    o->impl->data[0] = 5;
    return o;
}

static bool combine(impl *self, void *other, bool ignore)
{
    fake_note("ITimingCache.combine", ignore, 0);
    return true;
}

/* --- profiles --- */

static void note_dims(const char *name, int32_t kind, const px_trt_dims *dims)
{
    fprintf(fake_out, "IOptimizationProfile.setDimensions %s %d [", name, kind);
    for (int i = 0; i < dims->n; i++)
        fprintf(fake_out, "%s%lld", i > 0 ? ", " : "", (long long)dims->d[i]);
    fprintf(fake_out, "]\n");
}

static object last_profile;
static bool set_dims(impl *self, const char *name, int32_t kind, const px_trt_dims *dims)
{
    note_dims(name, kind, dims);
    self->data[kind] = dims->d[0];
    return !fake_fails("setDimensions");
}

static bool set_dims32(impl *self, const char *name, int32_t kind, px_trt_dims32 dims)
{
    const px_trt_dims wide = px_trt_dims_widen(dims);
    return set_dims(self, name, kind, &wide);
}

static px_trt_dims profile_dims(impl *self, const char *name, int32_t kind)
{
    return (px_trt_dims){.n = 2, .d = {self->data[kind], 4}};
}

static px_trt_dims32 profile_dims32(impl *self, const char *name, int32_t kind)
{
    const px_trt_dims dims = profile_dims(self, name, kind);
    return px_trt_dims_narrow(&dims);
}

static bool set_values(impl *self, const char *name, int32_t kind, const int32_t *v, int32_t n)
{
    fprintf(fake_out, "IOptimizationProfile.setShapeValues %s %d %d %d\n", name, kind, v[0],
            v[n - 1]);
    return true;
}

static bool set_values_v2(impl *self, const char *name, int32_t kind, const int64_t *v, int32_t n)
{
    fprintf(fake_out, "IOptimizationProfile.setShapeValuesV2 %s %d %lld %lld\n", name, kind,
            (long long)v[0], (long long)v[n - 1]);
    return true;
}

static bool is_valid(impl *self)
{
    return true;
}

/* --- builder --- */

void *fake_config_new(impl *self)
{
    object *o = fake_new_object("IBuilderConfig");
    const int32_t tf32 = px_trt_enum(&fake_abi, "BuilderFlag", PX_STR("TF32"));
    o->impl->data[0] = 1ll << tf32;
    config_impl = o->impl;
    selector = monitor = NULL;
    return o;
}

void *fake_network_new(impl *self, uint32_t flags)
{
    static const char *const names[] = {"x", "h", "y", "s"};
    fake_note("IBuilder.createNetworkV2", flags, 0);
    fake_is_implicit = fake_abi.major == 8 && flags == 0;
    for (int i = 0; i < 4; i++) {
        fake_init(&fake_tensors[i], "ITensor", names[i]);
        fake_is_output[i] = i == Y && !fake_is_implicit;
    }
    for (int i = 0; i < 2; i++) {
        fake_init(&fake_layers[i], "ILayer", i == 0 ? "one" : "two");
        fake_layers[i].impl->pointer = &fake_tensors[i == 0 ? H : Y];
        fake_layers[i].impl->data[0] =
            px_trt_enum(&fake_abi, "LayerType", i == 0 ? PX_STR("ELEMENTWISE") : PX_STR("UNARY"));
    }
    object *o = fake_new_object("INetworkDefinition");
    o->impl->data[0] = flags;
    return o;
}

static void set_max_batch(impl *self, int32_t size)
{
    fake_note("IBuilder.setMaxBatchSize", size, 0);
    fake_max_batch = size;
}

static void *create_profile(impl *self)
{
    return fake_init(&last_profile, "IOptimizationProfile", "");
}

static int32_t dla_cores(impl *self)
{
    return getenv("FAKE_TRT_DLA") != NULL;
}

/* Fetches all calibration data, as TensorRT does. */
static void calibrate(void *calibrator)
{
    enum { INPUTS = 1 };
    px_trt_fn *slots = *(px_trt_fn **)calibrator;
    void *bindings[INPUTS] = {NULL};
    const char *names[INPUTS] = {"x"};
    size_t size = 0;
    const void *cache =
        ((const void *(*)(void *, size_t *))
             slots[fake_abi.slots[PX_TRT_CALIBRATOR_READ_CALIBRATION_CACHE]])(calibrator, &size);
    fake_note(
        "calibrator algorithm",
        ((int32_t(*)(void *))slots[fake_abi.slots[PX_TRT_CALIBRATOR_GET_ALGORITHM]])(calibrator),
        0);
    if (cache != NULL && size > 0) {
        fake_note("calibrator cache", (long long)size, 0);
        return;
    }
    bool (*get)(void *, void **, const char **, int32_t) = (bool (*)(
        void *, void **, const char **, int32_t))slots[fake_abi.slots[PX_TRT_CALIBRATOR_GET_BATCH]];
    while (get(calibrator, bindings, names, INPUTS))
        fprintf(fake_out, "calibrator batch %.6f\n", (double)*(float *)bindings[0]);
    ((void (*)(void *, const void *, size_t))
         slots[fake_abi.slots[PX_TRT_CALIBRATOR_WRITE_CALIBRATION_CACHE]])(calibrator, "SCALES", 6);
}

/* Two layers with three kernels each; the selector's first choice is taken. */
static object contexts[2], algorithms[3], variants[3], io_info;
static void choose_tactics(void)
{
    px_trt_fn *slots = *(px_trt_fn **)selector;
    void *choices[3] = {&algorithms[0], &algorithms[1], &algorithms[2]};
    void *asked[2] = {&contexts[0], &contexts[1]}, *taken[2];
    int32_t picks[3] = {0};
    fake_init(&io_info, "IAlgorithmIOInfo", "");
    for (int i = 0; i < 3; i++) {
        fake_init(&variants[i], "IAlgorithmVariant", "");
        variants[i].impl->data[0] = 2147483648 + i;
        variants[i].impl->data[1] = -5 - i;
        fake_init(&algorithms[i], "IAlgorithm", "");
        algorithms[i].impl->pointer = &variants[i];
    }
    for (int i = 0; i < 2; i++) {
        fake_init(&contexts[i], "IAlgorithmContext", i == 0 ? "one" : "two");
        const int32_t n =
            ((int32_t(*)(void *, void *, void **, int32_t,
                         int32_t *))slots[fake_abi.slots[PX_TRT_SELECTOR_SELECT_ALGORITHMS]])(
                selector, &contexts[i], choices, 3, picks);
        fake_note("selector chose", n, n > 0 ? picks[n == 3 ? 1 : 0] : -1);
        taken[i] = choices[n == 3 ? 1 : picks[0]];
    }
    ((void (*)(void *, void **, void **,
               int32_t))slots[fake_abi.slots[PX_TRT_SELECTOR_REPORT_ALGORITHMS]])(selector, asked,
                                                                                  taken, 2);
}

static int64_t first_number(impl *self)
{
    return self->data[0];
}

static int64_t second_number(impl *self)
{
    return self->data[1];
}

static void *pointer_of(impl *self)
{
    return self->pointer;
}

static void *algorithm_io(impl *self, int32_t i)
{
    return &io_info;
}

static px_trt_dims io_strides(impl *self)
{
    return (px_trt_dims){.n = 2, .d = {4, 1}};
}

static px_trt_dims32 io_strides32(impl *self)
{
    return (px_trt_dims32){.n = 2, .d = {4, 1}};
}

static int64_t minus_one(impl *self)
{
    return -1;
}

static int64_t one_component(impl *self)
{
    return 1;
}

const char fake_plan[] = "PLAN of the fake library";
static void *build(impl *self, void *network, void *config)
{
    fake_note("IBuilder.buildSerializedNetwork", 0, 0);
    if (fake_fails("buildSerializedNetwork"))
        return NULL;
    if (config_impl->pointer != NULL)
        calibrate(config_impl->pointer);
    if (selector != NULL)
        choose_tactics();
    if (monitor != NULL)
        tell_monitor();
    object *o = fake_new_object("IHostMemory");
    o->impl->pointer = (void *)fake_plan;
    o->impl->data[0] = sizeof fake_plan - 1;
    return o;
}

static void *memory_data(impl *self)
{
    return self->pointer;
}

static uint64_t memory_size(impl *self)
{
    return (uint64_t)self->data[0];
}

void fake_fill_config(void)
{
    const bool narrow = fake_abi.has_dims32;
    PUT(CONFIG_SET_FLAG, set_flag);
    PUT(CONFIG_CLEAR_FLAG, clear_flag);
    PUT(CONFIG_GET_FLAG, get_flag);
    PUT(CONFIG_SET_MEMORY_POOL_LIMIT, set_pool);
    PUT(CONFIG_GET_MEMORY_POOL_LIMIT, get_pool);
    PUT(CONFIG_SET_TACTIC_SOURCES, set_sources);
    PUT(CONFIG_GET_TACTIC_SOURCES, zero);
    PUT(CONFIG_SET_PROFILING_VERBOSITY, set_verbosity);
    PUT(CONFIG_GET_PROFILING_VERBOSITY, zero);
    PUT(CONFIG_GET_ENGINE_CAPABILITY, zero);
    PUT(CONFIG_SET_BUILDER_OPTIMIZATION_LEVEL, set_level);
    PUT(CONFIG_GET_BUILDER_OPTIMIZATION_LEVEL, zero);
    PUT(CONFIG_SET_HARDWARE_COMPATIBILITY_LEVEL, set_hardware);
    PUT(CONFIG_GET_HARDWARE_COMPATIBILITY_LEVEL, zero);
    PUT(CONFIG_SET_MAX_AUX_STREAMS, set_streams);
    PUT(CONFIG_GET_MAX_AUX_STREAMS, zero);
    PUT(CONFIG_SET_RUNTIME_PLATFORM, set_platform);
    PUT(CONFIG_GET_RUNTIME_PLATFORM, zero);
    PUT(CONFIG_SET_TILING_OPTIMIZATION_LEVEL, set_tiling);
    PUT(CONFIG_GET_TILING_OPTIMIZATION_LEVEL, zero);
    PUT(CONFIG_SET_DLA_CORE, set_dla_core);
    PUT(CONFIG_GET_DLA_CORE, zero);
    PUT(CONFIG_SET_DEFAULT_DEVICE_TYPE, set_device);
    PUT(CONFIG_GET_DEFAULT_DEVICE_TYPE, zero);
    PUT(CONFIG_SET_QUANTIZATION_FLAG, set_quantization);
    PUT(CONFIG_CLEAR_QUANTIZATION_FLAG, clear_quantization);
    PUT(CONFIG_GET_QUANTIZATION_FLAGS, zero);
    PUT(CONFIG_SET_PREVIEW_FEATURE, set_preview);
    PUT(CONFIG_GET_PREVIEW_FEATURE, get_preview);
    PUT(CONFIG_ADD_OPTIMIZATION_PROFILE, add_profile);
    PUT(CONFIG_GET_NB_OPTIMIZATION_PROFILES, nb_profiles);
    PUT(CONFIG_SET_CALIBRATION_PROFILE, set_calibration_profile);
    PUT(CONFIG_SET_INT8_CALIBRATOR, set_calibrator);
    PUT(CONFIG_SET_ALGORITHM_SELECTOR, set_selector);
    PUT(CONFIG_SET_PROGRESS_MONITOR, set_monitor);
    PUT(CONFIG_CREATE_TIMING_CACHE, create_timing_cache);
    PUT(CONFIG_SET_TIMING_CACHE, set_timing_cache);
    PUT(CONFIG_GET_TIMING_CACHE, get_timing_cache);
    PUT(TIMING_CACHE_SERIALIZE, serialize_cache);
    PUT(TIMING_CACHE_COMBINE, combine);
    PUT(PROFILE_SET_DIMENSIONS, narrow ? (px_trt_fn)set_dims32 : (px_trt_fn)set_dims);
    PUT(PROFILE_GET_DIMENSIONS, narrow ? (px_trt_fn)profile_dims32 : (px_trt_fn)profile_dims);
    PUT(PROFILE_SET_SHAPE_VALUES, set_values);
    PUT(PROFILE_SET_SHAPE_VALUES_V2, set_values_v2);
    PUT(PROFILE_IS_VALID, is_valid);
    PUT(BUILDER_CREATE_BUILDER_CONFIG, fake_config_new);
    PUT(BUILDER_CREATE_NETWORK_V2, fake_network_new);
    PUT(BUILDER_CREATE_OPTIMIZATION_PROFILE, create_profile);
    PUT(BUILDER_SET_MAX_BATCH_SIZE, set_max_batch);
    PUT(BUILDER_GET_NB_DLA_CORES, dla_cores);
    PUT(BUILDER_BUILD_SERIALIZED_NETWORK, build);
    PUT(MEMORY_DATA, memory_data);
    PUT(MEMORY_SIZE, memory_size);
    PUT(ALGORITHM_GET_ALGORITHM_VARIANT, pointer_of);
    PUT(ALGORITHM_GET_ALGORITHM_IO_INFO_BY_INDEX, algorithm_io);
    PUT(ALGORITHM_CONTEXT_GET_NAME, fake_name_of);
    PUT(ALGORITHM_CONTEXT_GET_NB_INPUTS, fake_one);
    PUT(ALGORITHM_CONTEXT_GET_NB_OUTPUTS, fake_one);
    PUT(ALGORITHM_VARIANT_GET_IMPLEMENTATION, first_number);
    PUT(ALGORITHM_VARIANT_GET_TACTIC, second_number);
    PUT(ALGORITHM_IO_GET_DATA_TYPE, zero);
    PUT(ALGORITHM_IO_GET_STRIDES, narrow ? (px_trt_fn)io_strides32 : (px_trt_fn)io_strides);
    PUT(ALGORITHM_IO_GET_VECTORIZED_DIM, minus_one);
    PUT(ALGORITHM_IO_GET_COMPONENTS_PER_ELEMENT, one_component);
}
