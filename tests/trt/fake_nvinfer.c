/* tests/trt/fake_nvinfer.c - libnvinfer and its parser in C, for tests without TensorRT.
 *
 * Objects have the layout of the version in FAKE_TRT_VERSION (100600 unless set), by the same
 * tables as the backend's. Each call is written as a line to the file FAKE_TRT_LOG:
 * "IBuilderConfig.setFlag 0". A slot that no function was put into ends the process: the backend
 * may not call what the version lacks. "objects alive: N" is the last line.
 *
 * Every model is the same network: x float32 [-1, 4] -> (layer one) h -> (layer two) y, where
 * h = x + 1 and y = h + 1. FAKE_TRT_SHAPE_TENSOR=1: the input "s" (int64, [2]) is a shape tensor in
 * host memory. FAKE_TRT_FAIL=METHOD makes that function fail and log an error. A network that 8.6
 * makes without EXPLICIT_BATCH is of single samples: x is [4], and h and y too.
 */
#include "backend/trt/abi.h"

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

static px_trt_abi abi;
static FILE *out;
static void *logger;
static int n_alive;

/* --- vtables --- */

enum { SLOTS = 128, MAX_INTERFACES = 32 };

static struct table {
    const char *interface;
    px_trt_fn slots[SLOTS];
} tables[MAX_INTERFACES];
static int n_tables;

static void unexpected(void)
{
    fprintf(stderr, "fake_nvinfer: a slot was called that this version does not have\n");
    abort();
}

static struct table *table_of(const char *interface)
{
    for (int i = 0; i < n_tables; i++)
        if (strcmp(tables[i].interface, interface) == 0)
            return &tables[i];
    struct table *t = &tables[n_tables++];
    t->interface = interface;
    for (int i = 0; i < SLOTS; i++)
        t->slots[i] = unexpected;
    return t;
}

static void put(px_trt_method method, px_trt_fn fn)
{
    if (abi.slots[method] >= 0)
        table_of(px_trt_methods[method].interface)->slots[abi.slots[method]] = fn;
}
#define PUT(method, fn) put(PX_TRT_##method, (px_trt_fn)(fn))

/* A public object and its implementation. `data` is whatever the functions make of it. */
typedef struct impl {
    const px_trt_fn *vptr;
    int64_t data[24];
    void *pointer;
    char name[32];
} impl;
typedef struct object {
    const px_trt_fn *vptr;
    impl *impl;
    impl body;
} object;

static void destroy_in_place(void *self)
{
    PX_UNUSED(self);
    abort();
}

static void destroy_and_free(void *self)
{
    n_alive--;
    free(self);
}

static const px_trt_fn public_vtable[] = {(px_trt_fn)destroy_in_place, (px_trt_fn)destroy_and_free};

static object *init(object *o, const char *interface, const char *name)
{
    *o = (object){.vptr = public_vtable, .impl = &o->body};
    o->body.vptr = table_of(interface)->slots;
    snprintf(o->body.name, sizeof o->body.name, "%s", name);
    return o;
}

static object *new_object(const char *interface)
{
    n_alive++;
    return init(malloc(sizeof(object)), interface, "");
}

/* --- the log, and failing on demand --- */

static void note(const char *what, long long a, long long b)
{
    fprintf(out, "%s %lld %lld\n", what, a, b);
}

static bool fails(const char *method)
{
    const char *wanted = getenv("FAKE_TRT_FAIL");
    if (wanted == NULL || strcmp(wanted, method) != 0)
        return false;
    void **self = logger;
    void (*log)(void *, int32_t, const char *) = (void (*)(void *, int32_t, const char *))(
        *(px_trt_fn **)self)[abi.slots[PX_TRT_LOGGER_LOG]];
    log(logger, 1, "made-up failure for the layer 'two'");
    return true;
}

/* --- the network --- */

static object tensors[4], layers[2];
enum { X, H, Y, S };
static bool is_output[4];
static bool is_implicit; /* tensors have no batch dimension */
static int32_t max_batch = 1;
static bool has_shape_tensor(void)
{
    return getenv("FAKE_TRT_SHAPE_TENSOR") != NULL;
}

static impl *impl_of(void *tensor)
{
    return ((object *)tensor)->impl;
}

static const char *name_of(impl *self)
{
    return self->name;
}

static px_trt_dims dims_of(const impl *self)
{
    if (strcmp(self->name, "s") == 0)
        return (px_trt_dims){.n = 1, .d = {2}};
    if (is_implicit)
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

static int32_t type_named(const char *name)
{
    return strcmp(name, "s") == 0 ? 8 : 0; /* INT64, FLOAT */
}

static int32_t tensor_type(impl *self)
{
    return type_named(self->name);
}

static void tensor_set_type(impl *self, int32_t type)
{
    fprintf(out, "ITensor.setType %s %d\n", self->name, type);
}

static void tensor_set_formats(impl *self, uint32_t mask)
{
    fprintf(out, "ITensor.setAllowedFormats %s %u\n", self->name, mask);
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
        if (self == tensors[i].impl)
            return is_output[i];
    return false;
}

static int32_t layer_type(impl *self)
{
    return (int32_t)self->data[0];
}

static int32_t one(impl *self)
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
    return &tensors[self == layers[0].impl ? X : H];
}

static void layer_set_precision(impl *self, int32_t type)
{
    fprintf(out, "ILayer.setPrecision %s %d\n", self->name, type);
}

static void mark_output(impl *self, void *tensor)
{
    fprintf(out, "INetworkDefinition.markOutput %s\n", impl_of(tensor)->name);
    for (int i = 0; i < 4; i++)
        is_output[i] |= tensor == &tensors[i];
}

static void unmark_output(impl *self, void *tensor)
{
    fprintf(out, "INetworkDefinition.unmarkOutput %s\n", impl_of(tensor)->name);
    for (int i = 0; i < 4; i++)
        is_output[i] &= tensor != &tensors[i];
}

static int32_t nb_layers(impl *self)
{
    return 2;
}

static void *get_layer(impl *self, int32_t i)
{
    return &layers[i];
}

static int32_t nb_inputs(impl *self)
{
    return has_shape_tensor() ? 2 : 1;
}

static void *get_input(impl *self, int32_t i)
{
    return &tensors[i == 0 ? X : S];
}

static int32_t nb_outputs(impl *self)
{
    return is_output[0] + is_output[1] + is_output[2] + is_output[3];
}

static void *get_output(impl *self, int32_t i)
{
    for (int k = 0; k < 4; k++)
        if (is_output[k] && i-- == 0)
            return &tensors[k];
    return NULL;
}

static uint32_t network_flags(impl *self)
{
    return (uint32_t)self->data[0];
}

static bool mark_debug(impl *self, void *tensor)
{
    fprintf(out, "INetworkDefinition.markDebug %s\n", impl_of(tensor)->name);
    return !fails("markDebug");
}

static bool mark_unfused(impl *self)
{
    note("INetworkDefinition.markUnfusedTensorsAsDebugTensors", 0, 0);
    return true;
}

/* --- parser: its own implementation --- */

static bool parse_file(impl *self, const char *path, int32_t verbosity)
{
    note("IParser.parseFromFile", 0, 0);
    return !fails("parseFromFile");
}

static bool parse_bytes(impl *self, const void *bytes, uint64_t size, const char *path)
{
    note("IParser.parse", size > 0, 0);
    return !fails("parse");
}

static void *parser_error;
static impl parser_error_body;

static int32_t parser_errors(impl *self)
{
    return getenv("FAKE_TRT_FAIL") != NULL;
}

static void *parser_get_error(impl *self, int32_t i)
{
    parser_error_body.vptr = table_of("IParserError")->slots;
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
    note("IParser.setFlags", mask, 0);
}

static void parser_set_flag(impl *self, int32_t flag)
{
    note("IParser.setFlag", flag, 0);
}

static void parser_clear_flag(impl *self, int32_t flag)
{
    note("IParser.clearFlag", flag, 0);
}

static uint32_t parser_flags(impl *self)
{
    return 1;
}

static bool parser_set_config(impl *self, void *config)
{
    note("IParser.setBuilderConfig", 0, 0);
    return true;
}

static void parser_free(impl *self)
{
    n_alive--;
    free(self);
}

/* --- UFF and Caffe parsers: their own implementations --- */

static bool uff_input(impl *self, const char *name, px_trt_dims32 dims, int32_t order)
{
    fprintf(out, "IUffParser.registerInput %s order %d rank %d of %d\n", name, order, dims.n,
            dims.d[0]);
    return !fails("registerInput");
}

static bool uff_output(impl *self, const char *name)
{
    fprintf(out, "IUffParser.registerOutput %s\n", name);
    return !fails("registerOutput");
}

static bool uff_parse(impl *self, const char *path, void *network, int32_t type)
{
    note("IUffParser.parse", type, 0);
    mark_output(network, &tensors[Y]);
    return !fails("parse");
}

static void *caffe_parse(impl *self, const char *deploy, const char *weights, void *network,
                         int32_t type)
{
    const char *slash = strrchr(weights, '/');
    fprintf(out, "ICaffeParser.parse %s %d\n", slash != NULL ? slash + 1 : weights, type);
    return fails("parse") ? NULL : self;
}

/* --- configuration --- */

static impl *config_impl;

static void set_flag(impl *self, int32_t flag)
{
    note("IBuilderConfig.setFlag", flag, 0);
    self->data[0] |= 1ll << flag;
}

static void clear_flag(impl *self, int32_t flag)
{
    note("IBuilderConfig.clearFlag", flag, 0);
    self->data[0] &= ~(1ll << flag);
}

static bool get_flag(impl *self, int32_t flag)
{
    return self->data[0] >> flag & 1;
}

static void set_pool(impl *self, int32_t pool, uint64_t size)
{
    note("IBuilderConfig.setMemoryPoolLimit", pool, (long long)size);
}

static uint64_t get_pool(impl *self, int32_t pool)
{
    return (uint64_t)(pool + 1) << 20;
}

static bool set_sources(impl *self, uint32_t mask)
{
    note("IBuilderConfig.setTacticSources", mask, 0);
    return !fails("setTacticSources");
}

/* Functions that take one number and only note it. */
#define NOTES(fn, line, result)                                                                    \
    static result fn(impl *self, int32_t value)                                                    \
    {                                                                                              \
        note(line, value, 0);                                                                      \
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
    note("IBuilderConfig.setPreviewFeature", feature, on);
}

static bool get_preview(impl *self, int32_t feature)
{
    return false;
}

static int32_t add_profile(impl *self, void *profile)
{
    note("IBuilderConfig.addOptimizationProfile", 0, 0);
    return (int32_t)self->data[1]++;
}

static int32_t nb_profiles(impl *self)
{
    return (int32_t)self->data[1];
}

static bool set_calibration_profile(impl *self, void *profile)
{
    note("IBuilderConfig.setCalibrationProfile", profile != NULL, 0);
    return true;
}

static void set_calibrator(impl *self, void *calibrator)
{
    note("IBuilderConfig.setInt8Calibrator", 0, 0);
    self->pointer = calibrator;
}

static void *selector;
static void set_selector(impl *self, void *given)
{
    note("IBuilderConfig.setAlgorithmSelector", 0, 0);
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
                  int32_t))slots[abi.slots[PX_TRT_PROGRESS_MONITOR_PHASE_START]];
    bool (*step)(void *, const char *, int32_t) = (bool (*)(
        void *, const char *, int32_t))slots[abi.slots[PX_TRT_PROGRESS_MONITOR_STEP_COMPLETE]];
    void (*finish)(void *, const char *) =
        (void (*)(void *, const char *))slots[abi.slots[PX_TRT_PROGRESS_MONITOR_PHASE_FINISH]];
    start(monitor, "Building", NULL, 1);
    start(monitor, "Tactics", "Building", 3);
    for (int32_t i = 0; i < 3; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 400000000}, NULL);
        if (!step(monitor, "Tactics", i))
            note("stepComplete ends the build", i, 0);
    }
    finish(monitor, "Tactics");
    step(monitor, "Building", 0);
    finish(monitor, "Building");
    monitor = NULL;
}

static void *timing_cache;
static void *create_timing_cache(impl *self, const void *bytes, uint64_t size)
{
    note("IBuilderConfig.createTimingCache", (long long)size, 0);
    return fails("createTimingCache") ? NULL : new_object("ITimingCache");
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
    object *o = new_object("IHostMemory");
    o->impl->pointer = "CACHE";
    o->impl->data[0] = 5;
    return o;
}

static bool combine(impl *self, void *other, bool ignore)
{
    note("ITimingCache.combine", ignore, 0);
    return true;
}

/* --- profiles --- */

static void note_dims(const char *name, int32_t kind, const px_trt_dims *dims)
{
    fprintf(out, "IOptimizationProfile.setDimensions %s %d [", name, kind);
    for (int i = 0; i < dims->n; i++)
        fprintf(out, "%s%lld", i > 0 ? ", " : "", (long long)dims->d[i]);
    fprintf(out, "]\n");
}

static object last_profile;
static bool set_dims(impl *self, const char *name, int32_t kind, const px_trt_dims *dims)
{
    note_dims(name, kind, dims);
    self->data[kind] = dims->d[0];
    return !fails("setDimensions");
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
    fprintf(out, "IOptimizationProfile.setShapeValues %s %d %d %d\n", name, kind, v[0], v[n - 1]);
    return true;
}

static bool set_values_v2(impl *self, const char *name, int32_t kind, const int64_t *v, int32_t n)
{
    fprintf(out, "IOptimizationProfile.setShapeValuesV2 %s %d %lld %lld\n", name, kind,
            (long long)v[0], (long long)v[n - 1]);
    return true;
}

static bool is_valid(impl *self)
{
    return true;
}

/* --- builder --- */

static void *create_config(impl *self)
{
    object *o = new_object("IBuilderConfig");
    const int32_t tf32 = px_trt_enum(&abi, "BuilderFlag", PX_STR("TF32"));
    o->impl->data[0] = 1ll << tf32;
    config_impl = o->impl;
    selector = monitor = NULL;
    return o;
}

static void *create_network(impl *self, uint32_t flags)
{
    static const char *const names[] = {"x", "h", "y", "s"};
    note("IBuilder.createNetworkV2", flags, 0);
    is_implicit = abi.major == 8 && flags == 0;
    for (int i = 0; i < 4; i++) {
        init(&tensors[i], "ITensor", names[i]);
        is_output[i] = i == Y && !is_implicit;
    }
    for (int i = 0; i < 2; i++) {
        init(&layers[i], "ILayer", i == 0 ? "one" : "two");
        layers[i].impl->pointer = &tensors[i == 0 ? H : Y];
        layers[i].impl->data[0] =
            px_trt_enum(&abi, "LayerType", i == 0 ? PX_STR("ELEMENTWISE") : PX_STR("UNARY"));
    }
    object *o = new_object("INetworkDefinition");
    o->impl->data[0] = flags;
    return o;
}

static void set_max_batch(impl *self, int32_t size)
{
    note("IBuilder.setMaxBatchSize", size, 0);
    max_batch = size;
}

static void *create_profile(impl *self)
{
    return init(&last_profile, "IOptimizationProfile", "");
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
             slots[abi.slots[PX_TRT_CALIBRATOR_READ_CALIBRATION_CACHE]])(calibrator, &size);
    note("calibrator algorithm",
         ((int32_t(*)(void *))slots[abi.slots[PX_TRT_CALIBRATOR_GET_ALGORITHM]])(calibrator), 0);
    if (cache != NULL && size > 0) {
        note("calibrator cache", (long long)size, 0);
        return;
    }
    bool (*get)(void *, void **, const char **, int32_t) = (bool (*)(
        void *, void **, const char **, int32_t))slots[abi.slots[PX_TRT_CALIBRATOR_GET_BATCH]];
    while (get(calibrator, bindings, names, INPUTS))
        fprintf(out, "calibrator batch %.6f\n", (double)*(float *)bindings[0]);
    ((void (*)(void *, const void *,
               size_t))slots[abi.slots[PX_TRT_CALIBRATOR_WRITE_CALIBRATION_CACHE]])(calibrator,
                                                                                    "SCALES", 6);
}

/* Two layers with three kernels each; the selector's first choice is taken. */
static object contexts[2], algorithms[3], variants[3], io_info;
static void choose_tactics(void)
{
    px_trt_fn *slots = *(px_trt_fn **)selector;
    void *choices[3] = {&algorithms[0], &algorithms[1], &algorithms[2]};
    void *asked[2] = {&contexts[0], &contexts[1]}, *taken[2];
    int32_t picks[3] = {0};
    init(&io_info, "IAlgorithmIOInfo", "");
    for (int i = 0; i < 3; i++) {
        init(&variants[i], "IAlgorithmVariant", "");
        variants[i].impl->data[0] = 2147483648 + i;
        variants[i].impl->data[1] = -5 - i;
        init(&algorithms[i], "IAlgorithm", "");
        algorithms[i].impl->pointer = &variants[i];
    }
    for (int i = 0; i < 2; i++) {
        init(&contexts[i], "IAlgorithmContext", i == 0 ? "one" : "two");
        const int32_t n =
            ((int32_t(*)(void *, void *, void **, int32_t,
                         int32_t *))slots[abi.slots[PX_TRT_SELECTOR_SELECT_ALGORITHMS]])(
                selector, &contexts[i], choices, 3, picks);
        note("selector chose", n, n > 0 ? picks[n == 3 ? 1 : 0] : -1);
        taken[i] = choices[n == 3 ? 1 : picks[0]];
    }
    ((void (*)(void *, void **, void **,
               int32_t))slots[abi.slots[PX_TRT_SELECTOR_REPORT_ALGORITHMS]])(selector, asked, taken,
                                                                             2);
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

static const char plan[] = "PLAN of the fake library";
static void *build(impl *self, void *network, void *config)
{
    note("IBuilder.buildSerializedNetwork", 0, 0);
    if (fails("buildSerializedNetwork"))
        return NULL;
    if (config_impl->pointer != NULL)
        calibrate(config_impl->pointer);
    if (selector != NULL)
        choose_tactics();
    if (monitor != NULL)
        tell_monitor();
    object *o = new_object("IHostMemory");
    o->impl->pointer = (void *)plan;
    o->impl->data[0] = sizeof plan - 1;
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

/* --- runtime, engine, context --- */

static void allow_code(impl *self, bool on)
{
    note("IRuntime.setEngineHostCodeAllowed", on, 0);
}

static bool set_dla_workspace(impl *self, int32_t strategy)
{
    note("IRuntime.setDLAWorkspaceAllocationStrategy", strategy, 0);
    return true;
}

static void *load_runtime(impl *self, const char *path)
{
    fprintf(out, "IRuntime.loadRuntime %s\n", path);
    return new_object("IRuntime");
}

static void *deserialize(impl *self, const void *bytes, uint64_t size, void *unused)
{
    if (size != sizeof plan - 1 || memcmp(bytes, plan, size) != 0)
        return fails("deserialize") ? NULL : NULL;
    return new_object("ICudaEngine");
}

static const char *io_names[] = {"x", "y", "h", "s"};

static int32_t nb_io(impl *self)
{
    return 2 + has_shape_tensor() * 2;
}

static const char *io_name(impl *self, int32_t i)
{
    return io_names[i == 2 && has_shape_tensor() ? 3 : i == 3 ? 2 : i];
}

static int32_t io_mode(impl *self, const char *name)
{
    return strcmp(name, "x") == 0 || strcmp(name, "s") == 0 ? 1 : 2;
}

static int32_t io_type(impl *self, const char *name)
{
    return type_named(name);
}

static int32_t io_location(impl *self, const char *name)
{
    return strcmp(name, "s") == 0;
}

/* FAKE_TRT_FORMAT=1: x is in vectors of 4 along its last dim. */
static bool has_format(const char *name)
{
    return getenv("FAKE_TRT_FORMAT") != NULL && strcmp(name, "x") == 0;
}

static int32_t io_format(impl *self, const char *name)
{
    return has_format(name) ? 3 : 0;
}

static const char *format_text(impl *self, const char *name)
{
    return "vectors of 4";
}

static int32_t vector_dim(impl *self, const char *name)
{
    return 1;
}

static int32_t components(impl *self, const char *name)
{
    return 4;
}

static bool has_implicit_batch(impl *self)
{
    return is_implicit;
}

static int32_t get_max_batch(impl *self)
{
    return max_batch;
}

static int32_t binding_index(impl *self, const char *name)
{
    return strcmp(name, "y") == 0;
}

static px_trt_dims io_dims(impl *self, const char *name)
{
    if (is_implicit)
        return (px_trt_dims){.n = 1, .d = {4}};
    return strcmp(name, "s") == 0 ? (px_trt_dims){.n = 1, .d = {2}}
                                  : (px_trt_dims){.n = 2, .d = {-1, 4}};
}

static px_trt_dims32 io_dims32(impl *self, const char *name)
{
    const px_trt_dims dims = io_dims(self, name);
    return px_trt_dims_narrow(&dims);
}

static int64_t device_memory(impl *self)
{
    return 4096;
}

static int64_t device_memory_of(impl *self, int32_t profile)
{
    note("ICudaEngine.getDeviceMemorySizeForProfile", profile, 0);
    return 8192;
}

static int32_t two_profiles(impl *self)
{
    return 2;
}

static int64_t streamable(impl *self)
{
    return getenv("FAKE_TRT_STREAMABLE") != NULL ? 1000 : 0;
}

static int64_t automatic_budget(impl *self)
{
    return 123;
}

static bool set_budget(impl *self, int64_t size)
{
    note("ICudaEngine.setWeightStreamingBudget", size, 0);
    return true;
}

static const char *aliased(impl *self, const char *name)
{
    return NULL;
}

static void *create_inspector(impl *self)
{
    return new_object("IEngineInspector");
}

static const char *information(impl *self, int32_t format)
{
    return "{\"Layers\": [{\"Name\": \"one\", \"Outputs\": [{\"Name\": \"h\", "
           "\"Format/Datatype\": \"Row major linear FP16\"}]}, {\"Name\": \"two\", \"Outputs\": "
           "[{\"Name\": \"y\", \"Format/Datatype\": \"Row major linear FP32\"}]}]}";
}

/* What a context knows. */
static struct {
    px_trt_dims dims;
    void *x, *s;
    void *allocators[2];
    void *listener;
    bool shows_debug;
} run;

static void *create_context(impl *self, int32_t strategy)
{
    note("ICudaEngine.createExecutionContext", abi.major == 8 ? 0 : strategy, 0);
    memset(&run, 0, sizeof run);
    return fails("createExecutionContext") ? NULL : new_object("IExecutionContext");
}

static bool choose_profile(impl *self, int32_t profile, void *stream)
{
    note("IExecutionContext.setOptimizationProfileAsync", profile, 0);
    return true;
}

static bool set_shape(impl *self, const char *name, const px_trt_dims *dims)
{
    fprintf(out, "IExecutionContext.setInputShape %s %lld\n", name, (long long)dims->d[0]);
    if (fails("setInputShape"))
        return false;
    if (strcmp(name, "x") == 0)
        run.dims = *dims;
    return true;
}

static bool set_shape32(impl *self, const char *name, const px_trt_dims32 *dims)
{
    const px_trt_dims wide = px_trt_dims_widen(*dims);
    return set_shape(self, name, &wide);
}

static px_trt_dims strides(impl *self, const char *name)
{
    return (px_trt_dims){.n = 2, .d = {2, 1}}; /* one vector of padding behind each row */
}

static px_trt_dims32 strides32(impl *self, const char *name)
{
    return (px_trt_dims32){.n = 2, .d = {2, 1}};
}

static bool set_address(impl *self, const char *name, void *address)
{
    if (strcmp(name, "x") == 0)
        run.x = address;
    if (strcmp(name, "s") == 0) {
        run.s = address;
        fprintf(out, "shape tensor %lld %lld\n", (long long)((int64_t *)address)[0],
                (long long)((int64_t *)address)[1]);
    }
    return true;
}

static bool set_allocator(impl *self, const char *name, void *allocator)
{
    run.allocators[strcmp(name, "h") == 0] = allocator;
    return true;
}

static void *allocate(void *allocator, const char *name, uint64_t size)
{
    px_trt_fn *slots = *(px_trt_fn **)allocator;
    const int16_t plain = abi.slots[PX_TRT_OUTPUT_ALLOCATOR_REALLOCATE_OUTPUT];
    const int16_t async = abi.slots[PX_TRT_OUTPUT_ALLOCATOR_REALLOCATE_OUTPUT_ASYNC];
    if (async >= 0)
        return ((void *(*)(void *, const char *, void *, uint64_t, uint64_t, void *))slots[async])(
            allocator, name, NULL, size, 256, NULL);
    return ((void *(*)(void *, const char *, void *, uint64_t, uint64_t))slots[plain])(
        allocator, name, NULL, size, 256);
}

static void notify(void *allocator, const char *name)
{
    px_trt_fn *slots = *(px_trt_fn **)allocator;
    const px_trt_dims32 narrow = px_trt_dims_narrow(&run.dims);
    ((void (*)(void *, const char *,
               const void *))slots[abi.slots[PX_TRT_OUTPUT_ALLOCATOR_NOTIFY_SHAPE]])(
        allocator, name, abi.has_dims32 ? (const void *)&narrow : (const void *)&run.dims);
}

static void show_debug(const float *h)
{
    px_trt_fn *slots = *(px_trt_fn **)run.listener;
    ((bool (*)(void *, const void *, int32_t, int32_t, const px_trt_dims *, const char *,
               void *))slots[abi.slots[PX_TRT_DEBUG_LISTENER_PROCESS_DEBUG_TENSOR]])(
        run.listener, h, 0, 0, &run.dims, "h", NULL);
}

static bool enqueue(impl *self, void *stream)
{
    const int64_t n = run.dims.d[0] * 4;
    const float *x = run.x;
    float *h = malloc((size_t)n * sizeof *h + 1);
    bool is_ok = !fails("enqueueV3");
    for (int64_t i = 0; i < n; i++) /* with a format, each row is followed by 4 unused elements */
        h[i] = x[has_format("x") ? i / 4 * 8 + i % 4 : i] + 1;
    for (int k = 0; k < 2 && is_ok; k++) {
        if (run.allocators[k] == NULL)
            continue;
        float *to = allocate(run.allocators[k], k == 0 ? "y" : "h", (uint64_t)n * sizeof *h);
        is_ok = to != NULL;
        for (int64_t i = 0; is_ok && i < n; i++)
            to[i] = k == 0 ? h[i] + 1 : h[i];
        if (is_ok)
            notify(run.allocators[k], k == 0 ? "y" : "h");
    }
    if (is_ok && run.listener != NULL && run.shows_debug)
        show_debug(h);
    free(h);
    return is_ok;
}

/* The older call: addresses by number, no allocators. */
static bool enqueue_batch(impl *self, int32_t batch, void *const *bindings, void *stream,
                          void *event)
{
    const float *x = bindings[0];
    float *y = bindings[1];
    note("IExecutionContext.enqueue", batch, 0);
    for (int32_t i = 0; i < batch * 4; i++)
        y[i] = x[i] + 2;
    return !fails("enqueue");
}

static bool set_listener(impl *self, void *listener)
{
    run.listener = listener;
    return true;
}

static bool show_all(impl *self, bool on)
{
    note("IExecutionContext.setAllTensorsDebugState", on, 0);
    run.shows_debug = on;
    return true;
}

static bool show_unfused(impl *self, bool on)
{
    note("IExecutionContext.setUnfusedTensorsDebugState", on, 0);
    run.shows_debug = on;
    return true;
}

static void set_memory_v2(impl *self, void *at, int64_t size)
{
    note("IExecutionContext.setDeviceMemoryV2", at != NULL, size);
}

static void set_memory(impl *self, void *at)
{
    note("IExecutionContext.setDeviceMemory", at != NULL, 0);
}

static uint64_t memory_for_shapes(impl *self)
{
    return 1000 * (uint64_t)run.dims.d[0];
}

/* --- entry points --- */

static void fill_network(void)
{
    const bool narrow = abi.has_dims32;
    PUT(TENSOR_GET_NAME, name_of);
    PUT(TENSOR_GET_DIMENSIONS, narrow ? (px_trt_fn)tensor_dims32 : (px_trt_fn)tensor_dims);
    PUT(TENSOR_GET_TYPE, tensor_type);
    PUT(TENSOR_SET_TYPE, tensor_set_type);
    PUT(TENSOR_SET_ALLOWED_FORMATS, tensor_set_formats);
    PUT(TENSOR_IS_SHAPE_TENSOR, tensor_is_shape);
    PUT(TENSOR_IS_NETWORK_INPUT, tensor_is_input);
    PUT(TENSOR_IS_NETWORK_OUTPUT, tensor_is_output);
    PUT(LAYER_GET_TYPE, layer_type);
    PUT(LAYER_GET_NAME, name_of);
    PUT(LAYER_GET_NB_INPUTS, one);
    PUT(LAYER_GET_INPUT, layer_input);
    PUT(LAYER_GET_NB_OUTPUTS, one);
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

static void fill_config(void)
{
    const bool narrow = abi.has_dims32;
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
    PUT(BUILDER_CREATE_BUILDER_CONFIG, create_config);
    PUT(BUILDER_CREATE_NETWORK_V2, create_network);
    PUT(BUILDER_CREATE_OPTIMIZATION_PROFILE, create_profile);
    PUT(BUILDER_SET_MAX_BATCH_SIZE, set_max_batch);
    PUT(BUILDER_GET_NB_DLA_CORES, dla_cores);
    PUT(BUILDER_BUILD_SERIALIZED_NETWORK, build);
    PUT(MEMORY_DATA, memory_data);
    PUT(MEMORY_SIZE, memory_size);
    PUT(ALGORITHM_GET_ALGORITHM_VARIANT, pointer_of);
    PUT(ALGORITHM_GET_ALGORITHM_IO_INFO_BY_INDEX, algorithm_io);
    PUT(ALGORITHM_CONTEXT_GET_NAME, name_of);
    PUT(ALGORITHM_CONTEXT_GET_NB_INPUTS, one);
    PUT(ALGORITHM_CONTEXT_GET_NB_OUTPUTS, one);
    PUT(ALGORITHM_VARIANT_GET_IMPLEMENTATION, first_number);
    PUT(ALGORITHM_VARIANT_GET_TACTIC, second_number);
    PUT(ALGORITHM_IO_GET_DATA_TYPE, zero);
    PUT(ALGORITHM_IO_GET_STRIDES, narrow ? (px_trt_fn)io_strides32 : (px_trt_fn)io_strides);
    PUT(ALGORITHM_IO_GET_VECTORIZED_DIM, minus_one);
    PUT(ALGORITHM_IO_GET_COMPONENTS_PER_ELEMENT, one_component);
}

static void fill_runtime(void)
{
    const bool narrow = abi.has_dims32;
    PUT(RUNTIME_SET_ENGINE_HOST_CODE_ALLOWED, allow_code);
    PUT(RUNTIME_LOAD_RUNTIME, load_runtime);
    PUT(RUNTIME_SET_DLA_WORKSPACE_ALLOCATION_STRATEGY, set_dla_workspace);
    PUT(RUNTIME_DESERIALIZE_CUDA_ENGINE, deserialize);
    PUT(ENGINE_GET_NB_LAYERS, one);
    PUT(ENGINE_GET_NB_IO_TENSORS, nb_io);
    PUT(ENGINE_GET_IO_TENSOR_NAME, io_name);
    PUT(ENGINE_GET_TENSOR_IO_MODE, io_mode);
    PUT(ENGINE_GET_TENSOR_DATA_TYPE, io_type);
    PUT(ENGINE_GET_TENSOR_LOCATION, io_location);
    PUT(ENGINE_GET_TENSOR_FORMAT, io_format);
    PUT(ENGINE_GET_TENSOR_FORMAT_DESC, format_text);
    PUT(ENGINE_GET_TENSOR_VECTORIZED_DIM, vector_dim);
    PUT(ENGINE_GET_TENSOR_COMPONENTS_PER_ELEMENT, components);
    PUT(ENGINE_GET_TENSOR_SHAPE, narrow ? (px_trt_fn)io_dims32 : (px_trt_fn)io_dims);
    PUT(ENGINE_GET_DEVICE_MEMORY_SIZE, device_memory);
    PUT(ENGINE_GET_DEVICE_MEMORY_SIZE_V2, device_memory);
    PUT(ENGINE_GET_DEVICE_MEMORY_SIZE_FOR_PROFILE, device_memory_of);
    PUT(ENGINE_GET_DEVICE_MEMORY_SIZE_FOR_PROFILE_V2, device_memory_of);
    PUT(ENGINE_GET_NB_OPTIMIZATION_PROFILES, two_profiles);
    PUT(ENGINE_GET_STREAMABLE_WEIGHTS_SIZE, streamable);
    PUT(ENGINE_GET_WEIGHT_STREAMING_AUTOMATIC_BUDGET, automatic_budget);
    PUT(ENGINE_SET_WEIGHT_STREAMING_BUDGET, set_budget);
    PUT(ENGINE_SET_WEIGHT_STREAMING_BUDGET_V2, set_budget);
    PUT(ENGINE_GET_ALIASED_INPUT_TENSOR, aliased);
    PUT(ENGINE_CREATE_ENGINE_INSPECTOR, create_inspector);
    PUT(ENGINE_CREATE_EXECUTION_CONTEXT, create_context);
    PUT(INSPECTOR_GET_ENGINE_INFORMATION, information);
    PUT(EXEC_SET_OPTIMIZATION_PROFILE_ASYNC, choose_profile);
    PUT(EXEC_SET_INPUT_SHAPE, narrow ? (px_trt_fn)set_shape32 : (px_trt_fn)set_shape);
    PUT(EXEC_GET_TENSOR_STRIDES, narrow ? (px_trt_fn)strides32 : (px_trt_fn)strides);
    PUT(EXEC_SET_TENSOR_ADDRESS, set_address);
    PUT(EXEC_SET_OUTPUT_ALLOCATOR, set_allocator);
    PUT(EXEC_ENQUEUE_V3, enqueue);
    PUT(EXEC_ENQUEUE, enqueue_batch);
    PUT(ENGINE_HAS_IMPLICIT_BATCH_DIMENSION, has_implicit_batch);
    PUT(ENGINE_GET_MAX_BATCH_SIZE, get_max_batch);
    PUT(ENGINE_GET_BINDING_INDEX, binding_index);
    PUT(EXEC_SET_DEBUG_LISTENER, set_listener);
    PUT(EXEC_SET_ALL_TENSORS_DEBUG_STATE, show_all);
    PUT(EXEC_SET_UNFUSED_TENSORS_DEBUG_STATE, show_unfused);
    PUT(EXEC_SET_DEVICE_MEMORY_V2, set_memory_v2);
    PUT(EXEC_SET_DEVICE_MEMORY, set_memory);
    PUT(EXEC_UPDATE_DEVICE_MEMORY_SIZE_FOR_SHAPES, memory_for_shapes);
}

static int32_t version(void)
{
    const char *text = getenv("FAKE_TRT_VERSION");
    return text != NULL ? (int32_t)strtol(text, NULL, 10) : 100600;
}

static void at_end(void)
{
    fprintf(out, "objects alive: %d\n", n_alive);
    fclose(out);
}

static void begin(void *given_logger)
{
    bool is_tested;
    logger = given_logger;
    if (out != NULL)
        return;
    const char *path = getenv("FAKE_TRT_LOG");
    out = fopen(path != NULL ? path : "/dev/null", "w");
    setvbuf(out, NULL, _IOLBF, BUFSIZ); /* Python ends without a chance to write the rest */
    atexit(at_end);
    pgy_status_free(px_trt_abi_init(&abi, version(), false, &is_tested));
    fill_network();
    fill_config();
    fill_runtime();
}

EXPORT int32_t getInferLibVersion(void);
EXPORT int32_t getInferLibVersion(void)
{
    return version();
}

EXPORT void *createInferBuilder_INTERNAL(void *given_logger, int32_t given_version);
EXPORT void *createInferBuilder_INTERNAL(void *given_logger, int32_t given_version)
{
    begin(given_logger);
    return fails("createInferBuilder") ? NULL : new_object("IBuilder");
}

/* For tests that look while the library is loaded. */
EXPORT int fake_objects_alive(void);
EXPORT int fake_objects_alive(void)
{
    return n_alive;
}

/* What the methods of a builder give, for a stand-in of the Python module. */
EXPORT void *fake_network(void);
EXPORT void *fake_network(void)
{
    return create_network(NULL, 0);
}

EXPORT void *fake_config(void);
EXPORT void *fake_config(void)
{
    return create_config(NULL);
}

EXPORT void *createInferRuntime_INTERNAL(void *given_logger, int32_t given_version);
EXPORT void *createInferRuntime_INTERNAL(void *given_logger, int32_t given_version)
{
    begin(given_logger);
    return fails("createInferRuntime") ? NULL : new_object("IRuntime");
}

/* The parser and the plugins, which are other libraries with TensorRT. */
EXPORT int32_t getNvOnnxParserVersion(void);
EXPORT int32_t getNvOnnxParserVersion(void)
{
    return version();
}

static void *new_parser(const char *interface)
{
    impl *parser = calloc(1, sizeof *parser);
    parser->vptr = table_of(interface)->slots;
    n_alive++;
    return parser;
}

EXPORT void *createNvOnnxParser_INTERNAL(void *network, void *given_logger, int32_t given_version);
EXPORT void *createNvOnnxParser_INTERNAL(void *network, void *given_logger, int32_t given_version)
{
    return new_parser("IParser");
}

EXPORT void *createNvUffParser_INTERNAL(void);
EXPORT void *createNvUffParser_INTERNAL(void)
{
    return new_parser("IUffParser");
}

EXPORT void *createNvCaffeParser_INTERNAL(void);
EXPORT void *createNvCaffeParser_INTERNAL(void)
{
    return new_parser("ICaffeParser");
}

EXPORT bool initLibNvInferPlugins(void *given_logger, const char *name_space);
EXPORT bool initLibNvInferPlugins(void *given_logger, const char *name_space)
{
    return true;
}
