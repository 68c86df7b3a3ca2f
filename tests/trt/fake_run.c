/* tests/trt/fake_run.c - runtime, engine, context; see fake_nvinfer.c. */
#include "fake_nvinfer.h"

/* --- runtime, engine, context --- */

static void allow_code(impl *self, bool on)
{
    fake_note("IRuntime.setEngineHostCodeAllowed", on, 0);
}

static bool set_dla_workspace(impl *self, int32_t strategy)
{
    fake_note("IRuntime.setDLAWorkspaceAllocationStrategy", strategy, 0);
    return true;
}

static void *load_runtime(impl *self, const char *path)
{
    fprintf(fake_out, "IRuntime.loadRuntime %s\n", path);
    return fake_new_object("IRuntime");
}

static void *deserialize(impl *self, const void *bytes, uint64_t size, void *unused)
{
    if (size != sizeof fake_plan - 1 || memcmp(bytes, fake_plan, size) != 0)
        return fake_fails("deserialize") ? NULL : NULL;
    return fake_new_object("ICudaEngine");
}

static const char *io_names[] = {"x", "y", "h", "s"};

static int32_t nb_io(impl *self)
{
    return 2 + fake_has_shape_tensor() * 2;
}

static const char *io_name(impl *self, int32_t i)
{
    return io_names[i == 2 && fake_has_shape_tensor() ? 3 : i == 3 ? 2 : i];
}

static int32_t io_mode(impl *self, const char *name)
{
    return strcmp(name, "x") == 0 || strcmp(name, "s") == 0 ? 1 : 2;
}

static int32_t io_type(impl *self, const char *name)
{
    return fake_type_named(name);
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
    return fake_is_implicit;
}

static int32_t get_max_batch(impl *self)
{
    return fake_max_batch;
}

static int32_t binding_index(impl *self, const char *name)
{
    return strcmp(name, "y") == 0;
}

static px_trt_dims io_dims(impl *self, const char *name)
{
    if (fake_is_implicit)
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
    fake_note("ICudaEngine.getDeviceMemorySizeForProfile", profile, 0);
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
    fake_note("ICudaEngine.setWeightStreamingBudget", size, 0);
    return true;
}

static const char *aliased(impl *self, const char *name)
{
    return NULL;
}

static void *create_inspector(impl *self)
{
    return fake_new_object("IEngineInspector");
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
    fake_note("ICudaEngine.createExecutionContext", fake_abi.major == 8 ? 0 : strategy, 0);
    memset(&run, 0, sizeof run);
    return fake_fails("createExecutionContext") ? NULL : fake_new_object("IExecutionContext");
}

static bool choose_profile(impl *self, int32_t profile, void *stream)
{
    fake_note("IExecutionContext.setOptimizationProfileAsync", profile, 0);
    return true;
}

static bool set_shape(impl *self, const char *name, const px_trt_dims *dims)
{
    fprintf(fake_out, "IExecutionContext.setInputShape %s %lld\n", name, (long long)dims->d[0]);
    if (fake_fails("setInputShape"))
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
        fprintf(fake_out, "shape tensor %lld %lld\n", (long long)((int64_t *)address)[0],
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
    const int16_t plain = fake_abi.slots[PX_TRT_OUTPUT_ALLOCATOR_REALLOCATE_OUTPUT];
    const int16_t async = fake_abi.slots[PX_TRT_OUTPUT_ALLOCATOR_REALLOCATE_OUTPUT_ASYNC];
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
               const void *))slots[fake_abi.slots[PX_TRT_OUTPUT_ALLOCATOR_NOTIFY_SHAPE]])(
        allocator, name, fake_abi.has_dims32 ? (const void *)&narrow : (const void *)&run.dims);
}

static void show_debug(const float *h)
{
    px_trt_fn *slots = *(px_trt_fn **)run.listener;
    ((bool (*)(void *, const void *, int32_t, int32_t, const px_trt_dims *, const char *,
               void *))slots[fake_abi.slots[PX_TRT_DEBUG_LISTENER_PROCESS_DEBUG_TENSOR]])(
        run.listener, h, 0, 0, &run.dims, "h", NULL);
}

static bool enqueue(impl *self, void *stream)
{
    const int64_t n = run.dims.d[0] * 4;
    const float *x = run.x;
    float *h = malloc((size_t)n * sizeof *h + 1);
    bool is_ok = !fake_fails("enqueueV3");
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
    fake_note("IExecutionContext.enqueue", batch, 0);
    for (int32_t i = 0; i < batch * 4; i++)
        y[i] = x[i] + 2;
    return !fake_fails("enqueue");
}

static bool set_listener(impl *self, void *listener)
{
    run.listener = listener;
    return true;
}

static bool show_all(impl *self, bool on)
{
    fake_note("IExecutionContext.setAllTensorsDebugState", on, 0);
    run.shows_debug = on;
    return true;
}

static bool show_unfused(impl *self, bool on)
{
    fake_note("IExecutionContext.setUnfusedTensorsDebugState", on, 0);
    run.shows_debug = on;
    return true;
}

static void set_memory_v2(impl *self, void *at, int64_t size)
{
    fake_note("IExecutionContext.setDeviceMemoryV2", at != NULL, size);
}

static void set_memory(impl *self, void *at)
{
    fake_note("IExecutionContext.setDeviceMemory", at != NULL, 0);
}

static uint64_t memory_for_shapes(impl *self)
{
    return 1000 * (uint64_t)run.dims.d[0];
}

void fake_fill_runtime(void)
{
    const bool narrow = fake_abi.has_dims32;
    PUT(RUNTIME_SET_ENGINE_HOST_CODE_ALLOWED, allow_code);
    PUT(RUNTIME_LOAD_RUNTIME, load_runtime);
    PUT(RUNTIME_SET_DLA_WORKSPACE_ALLOCATION_STRATEGY, set_dla_workspace);
    PUT(RUNTIME_DESERIALIZE_CUDA_ENGINE, deserialize);
    PUT(ENGINE_GET_NB_LAYERS, fake_one);
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
