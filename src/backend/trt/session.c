/* backend/trt/session.c - from a plan to a context that can run. */
#include "backend/trt/session.h"

#include "base/log.h"
#include "base/tensor.h"
#include "base/thread.h"

static const px_trt_args nothing_given;

/* --- the plan --- */

static pgy_status *get_plan(px_trt_session *s, pgy_model *model, const px_trt_setup *setup)
{
    pgy_status *st = NULL;
    if (s->args->elsewhere != NULL && px_trt_has_scripts(s->args, model)) {
        PX_TRY(s->args->elsewhere(s->args->elsewhere_user, s->lib, &s->built));
        s->plan = (px_trt_plan){.data = s->built->data, .size = s->built->size};
        goto done;
    }
    if (model->type != PGY_MODEL_ENGINE) {
        PX_TRY(px_trt_build_plan(s->cx, s->lib, model, setup, &s->plan));
        goto done;
    }
    px_log(s->cx, PGY_LOG_INFO, PX_AT_TRT, "Loading bytes from %s", model->path);
    PX_TRY(px_trt_lib_load_plugins(s->lib, s->args->plugins.at, s->args->plugins.n));
    PX_TRY(px_file_map(model->path, &s->file));
    if (s->file.size == 0)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "%s is empty; it is no engine.", model->path));
    s->plan = (px_trt_plan){.data = s->file.data, .size = s->file.size};
done:
    return st;
}

/* --- runtime and engine --- */

static pgy_status *set_dla_workspace(px_trt_session *s)
{
    pgy_status *st = NULL;
    const px_opt_str *how = &s->args->dla_workspace_allocation_strategy;
    const px_trt_abi *abi = &s->lib->abi;
    int32_t value = 0;
    if (!how->given)
        goto done;
    if (!px_trt_has(abi, PX_TRT_RUNTIME_SET_DLA_WORKSPACE_ALLOCATION_STRATEGY))
        PX_TRY(px_trt_lacks(s->lib, "--dla-workspace-allocation-strategy",
                            "choice of how DLA workspace is allocated",
                            "TensorRT 11.3 and newer have it."));
    PX_TRY(px_trt_enum_of(s->lib, "--dla-workspace-allocation-strategy",
                          "DLAWorkspaceAllocationStrategy", how->value, &value));
    px_trt_begin(s->lib);
    if (!px_trt_runtime_set_dla_workspace_allocation_strategy(abi, s->runtime, value))
        PX_TRY(px_trt_failed(s->lib, "refuses --dla-workspace-allocation-strategy %s", how->value));
    px_trt_end(s->lib);
done:
    return st;
}

static pgy_status *make_runtime(px_trt_session *s)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &s->lib->abi;
    px_trt_begin(s->lib);
    s->runtime = s->lib->create_runtime(&s->lib->logger, s->lib->lib_version);
    if (s->runtime == NULL)
        PX_TRY(px_trt_failed(s->lib, "could not create a runtime"));
    px_trt_end(s->lib);
    if (s->args->load_runtime.given) {
        if (!px_trt_has(abi, PX_TRT_RUNTIME_LOAD_RUNTIME))
            PX_TRY(px_trt_lacks(s->lib, "--load-runtime", "way to load another runtime", NULL));
        px_log(s->cx, PGY_LOG_INFO, PX_AT_TRT, "Loading the runtime %s",
               s->args->load_runtime.value);
        px_trt_begin(s->lib);
        s->lean_runtime = px_trt_runtime_load_runtime(abi, s->runtime, s->args->load_runtime.value);
        if (s->lean_runtime == NULL)
            PX_TRY(px_trt_failed(s->lib, "could not load the runtime %s",
                                 s->args->load_runtime.value));
        px_trt_end(s->lib);
    }
    PX_TRY(set_dla_workspace(s));
    /* A version-compatible plan brings code of its own. */
    px_trt_runtime_set_engine_host_code_allowed(
        abi, s->lean_runtime != NULL ? s->lean_runtime : s->runtime, true);
done:
    return st;
}

static pgy_status *make_engine(px_trt_session *s, const char *where)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &s->lib->abi;
    const uint64_t start_ns = px_time_ns();
    px_trt_begin(s->lib);
    s->engine = px_trt_runtime_deserialize_cuda_engine(
        abi, s->lean_runtime != NULL ? s->lean_runtime : s->runtime, (void *)s->plan.data,
        s->plan.size, NULL);
    if (s->engine == NULL)
        PX_TRY(px_trt_failed(s->lib,
                             "cannot load the engine %s (it must come from the same release and "
                             "kind of GPU, unless it was built to be compatible)",
                             where));
    px_trt_end(s->lib);
    px_trt_log_since(s->cx, "The engine was made ready", start_ns);
    const int64_t memory = px_trt_has(abi, PX_TRT_ENGINE_GET_DEVICE_MEMORY_SIZE_V2)
                               ? px_trt_engine_get_device_memory_size_v2(abi, s->engine)
                               : (int64_t)px_trt_engine_get_device_memory_size(abi, s->engine);
    px_log(s->cx, PGY_LOG_VERBOSE, PX_AT_TRT,
           "Engine: %d layers, %d profiles, %lld bytes for activations, plan of %zu bytes",
           px_trt_engine_get_nb_layers(abi, s->engine),
           px_trt_engine_get_nb_optimization_profiles(abi, s->engine), (long long)memory,
           s->plan.size);
done:
    return st;
}

/* --- weight streaming --- */

/* Bytes of weights on the GPU; negative: TensorRT chooses. */
static int64_t wanted_budget(px_trt_session *s, int64_t streamable)
{
    const px_trt_weight_budget *b = &s->args->weight_budget;
    if (!b->given || (!b->is_percent && b->size_bytes == -2) ||
        (b->is_percent && b->percent >= 100))
        return streamable;
    if (b->is_percent)
        return (int64_t)(b->percent / 100 * (double)streamable);
    return b->size_bytes;
}

static pgy_status *set_weight_budget(px_trt_session *s)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &s->lib->abi;
    const bool is_given = s->args->weight_budget.given;
    const int64_t streamable = px_trt_engine_get_streamable_weights_size(abi, s->engine);

    if (is_given && !px_trt_has(abi, PX_TRT_ENGINE_GET_STREAMABLE_WEIGHTS_SIZE))
        PX_TRY(px_trt_lacks(s->lib, "--weight-streaming-budget", "weight streaming",
                            "TensorRT 10 and newer have it."));
    if (is_given && streamable == 0)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "--weight-streaming-budget %s: the engine holds no weights that can be "
                       "streamed. Build it with --strongly-typed --weight-streaming.",
                       s->args->weight_streaming_budget.value));
    if (streamable == 0)
        goto done;
    int64_t budget = wanted_budget(s, streamable);
    const bool is_off = budget == streamable;
    px_trt_begin(s->lib);
    bool is_ok;
    if (px_trt_has(abi, PX_TRT_ENGINE_SET_WEIGHT_STREAMING_BUDGET_V2)) {
        if (budget < 0)
            budget = px_trt_engine_get_weight_streaming_automatic_budget(abi, s->engine);
        is_ok = px_trt_engine_set_weight_streaming_budget_v2(abi, s->engine, budget);
    } else { /* 10.0: 0 switches streaming off, -1 lets TensorRT choose */
        is_ok = px_trt_engine_set_weight_streaming_budget(abi, s->engine, is_off ? 0 : budget);
    }
    if (!is_ok)
        PX_TRY(px_trt_failed(s->lib, "refuses a weight streaming budget of %lld bytes",
                             (long long)budget));
    px_trt_end(s->lib);
    if (is_off)
        px_log(s->cx, PGY_LOG_INFO, PX_AT_TRT_RUNNER, "Weight streaming is disabled.");
    else
        px_log(s->cx, PGY_LOG_INFO, PX_AT_TRT_RUNNER,
               "Weight streaming is enabled with a memory budget of %lld bytes.",
               (long long)budget);
done:
    return st;
}

/* --- context --- */

/* One block for the chosen profile, kept as long as the session. */
static pgy_status *reserve_for_profile(px_trt_session *s)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &s->lib->abi;
    const int64_t size =
        px_trt_has(abi, PX_TRT_ENGINE_GET_DEVICE_MEMORY_SIZE_FOR_PROFILE_V2)
            ? px_trt_engine_get_device_memory_size_for_profile_v2(abi, s->engine, s->profile)
            : (int64_t)px_trt_engine_get_device_memory_size_for_profile(abi, s->engine, s->profile);
    PX_TRY(
        px_cuda_buffer_reserve(&s->lib->cuda, &s->scratch, (size_t)PX_MAX(size, 0), "activations"));
    void *at = (void *)(uintptr_t)s->scratch.at;
    if (px_trt_has(abi, PX_TRT_EXEC_SET_DEVICE_MEMORY_V2))
        px_trt_exec_set_device_memory_v2(abi, s->context, at, (int64_t)s->scratch.size);
    else
        px_trt_exec_set_device_memory(abi, s->context, at);
done:
    return st;
}

static pgy_status *choose_profile(px_trt_session *s)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &s->lib->abi;
    const px_cuda *cuda = &s->lib->cuda;
    const px_opt_int *given = &s->args->optimization_profile;
    const int32_t n = px_trt_engine_get_nb_optimization_profiles(abi, s->engine);

    if (!given->given)
        goto done;
    if (given->value < 0 || given->value >= n)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "--optimization-profile %lld: the engine has %d profile(s), counted from 0.",
                       (long long)given->value, n));
    s->profile = (int32_t)given->value;
    px_trt_begin(s->lib);
    if (!px_trt_exec_set_optimization_profile_async(abi, s->context, s->profile, s->stream))
        PX_TRY(px_trt_failed(s->lib, "refuses optimization profile %d", s->profile));
    PX_TRY(px_cuda_check(cuda, cuda->stream_wait(s->stream), "choosing a profile"));
    px_trt_end(s->lib);
done:
    return st;
}

static pgy_status *make_context(px_trt_session *s)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &s->lib->abi;
    const px_cuda *cuda = &s->lib->cuda;
    const px_opt_str *how = &s->args->allocation_strategy;
    const bool is_static = !how->given || strcmp(how->value, "static") == 0;
    int32_t strategy = 0;

    if (!is_static) {
        strategy = px_trt_enum(abi, "ExecutionContextAllocationStrategy", PX_STR("USER_MANAGED"));
        if (strategy < 0)
            PX_TRY(px_trt_lacks(s->lib, "--allocation-strategy", "choice of allocation strategy",
                                "TensorRT 10 and newer have it."));
        s->is_scratch_ours = true;
        s->is_scratch_per_shape = strcmp(how->value, "runtime") == 0;
    }
    PX_TRY(px_cuda_check(cuda, cuda->stream_create(&s->stream, 1), "creating a stream"));
    PX_TRY(px_cuda_check(cuda, cuda->event_create(&s->start, 0), "creating an event"));
    PX_TRY(px_cuda_check(cuda, cuda->event_create(&s->stop, 0), "creating an event"));
    px_trt_begin(s->lib);
    s->context = px_trt_engine_create_execution_context(abi, s->engine, strategy);
    if (s->context == NULL)
        PX_TRY(px_trt_failed(s->lib, "could not create an execution context"));
    px_trt_end(s->lib);
    PX_TRY(choose_profile(s));
    if (s->is_scratch_ours && !s->is_scratch_per_shape)
        PX_TRY(reserve_for_profile(s));
done:
    return st;
}

/* From the plan in `s` to a session that can run. */
static pgy_status *start(px_trt_session *s, const char *where)
{
    pgy_status *st = NULL;
    PX_TRY(make_runtime(s));
    PX_TRY(make_engine(s, where));
    PX_TRY(px_trt_session_report(s));
    PX_TRY(set_weight_budget(s));
    PX_TRY(make_context(s));
    PX_TRY(px_trt_session_list_io(s));
    PX_TRY(px_trt_session_listen(s));
done:
    return st;
}

pgy_status *px_trt_session_reopen(px_trt_session *old, px_trt_session **out)
{
    pgy_status *st = NULL;
    px_trt_session *s = NULL;
    PX_TRY(PX_ALLOC(s, 1));
    s->cx = old->cx;
    s->lib = old->lib;
    s->args = old->args;
    PX_TRY(px_cuda_enter(&s->lib->cuda));
    /* The plan moves on; the old engine reads it no more, or is never run again. */
    s->plan = old->plan;
    s->file = old->file;
    old->plan = (px_trt_plan){0};
    old->file = (px_file){0};
    PX_TRY(start(s, "again"));
    *out = s;
    s = NULL;
done:
    px_trt_session_close(s);
    return px_status_while(st, "opening the engine again");
}

pgy_status *px_trt_session_open(pgy_context *cx, px_trt_lib *lib, pgy_model *model,
                                const px_trt_setup *setup, px_trt_session **out)
{
    pgy_status *st = NULL;
    px_trt_session *s = NULL;
    const char *where = model->path != NULL ? model->path : "a model in memory";

    PX_TRY(PX_ALLOC(s, 1));
    s->cx = cx;
    s->lib = lib;
    s->args = setup != NULL ? setup->args : &nothing_given;
    if (lib->has_gpu)
        PX_TRY(px_cuda_enter(&lib->cuda));
    PX_TRY(get_plan(s, model, setup));
    if (!lib->has_gpu)
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND,
                       "%s can build without a GPU, but needs one to run the engine: %s",
                       lib->abi.name, lib->no_gpu));
    PX_TRY(start(s, where));
    *out = s;
    s = NULL;
done:
    px_trt_session_close(s);
    return px_status_while(st, "opening %s with %s", where, lib->abi.name);
}

void px_trt_session_close(px_trt_session *s)
{
    if (s == NULL)
        return;
    const px_cuda *cuda = &s->lib->cuda;
    if (s->lib->has_gpu)
        pgy_status_free(px_cuda_enter(cuda));
    px_trt_delete(s->context);
    px_trt_delete(s->engine);
    px_trt_delete(s->lean_runtime);
    px_trt_delete(s->runtime);
    px_trt_plan_fini(&s->plan);
    pgy_tensor_free(s->built);
    px_file_unmap(&s->file);
    px_trt_session_free_io(s);
    px_trt_listener_clear(&s->listener);
    px_mem_free(s->listener.at);
    if (s->lib->has_gpu) {
        px_cuda_buffer_fini(cuda, &s->scratch);
        px_cuda_staging_fini(cuda, &s->upload);
        px_cuda_staging_fini(cuda, &s->download);
        if (s->start != NULL)
            (void)cuda->event_destroy(s->start);
        if (s->stop != NULL)
            (void)cuda->event_destroy(s->stop);
        if (s->stream != NULL)
            (void)cuda->stream_destroy(s->stream);
    }
    px_arena_fini(&s->arena);
    px_mem_free(s);
}
