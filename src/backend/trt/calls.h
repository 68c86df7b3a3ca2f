/* Written by tools/mktrtabi.py from abi.json. Do not edit. */
#ifndef PX_BACKEND_TRT_CALLS_H
#define PX_BACKEND_TRT_CALLS_H

#include "backend/trt/abi.h"

/* clang-format off */
static inline void px_trt_builder_set_max_batch_size(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_BUILDER_SET_MAX_BATCH_SIZE, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline bool px_trt_builder_platform_has_fast_fp16(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_BUILDER_PLATFORM_HAS_FAST_FP16, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_builder_platform_has_fast_int8(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_BUILDER_PLATFORM_HAS_FAST_INT8, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *))callee.fn)(callee.self);
}

static inline int32_t px_trt_builder_get_nb_dla_cores(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_BUILDER_GET_NB_DLA_CORES, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_builder_create_builder_config(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_BUILDER_CREATE_BUILDER_CONFIG, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_builder_create_network_v2(const px_trt_abi *abi, void *self, uint32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_BUILDER_CREATE_NETWORK_V2, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, uint32_t))callee.fn)(callee.self, a0);
}

static inline void *px_trt_builder_create_optimization_profile(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_BUILDER_CREATE_OPTIMIZATION_PROFILE, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_builder_build_serialized_network(const px_trt_abi *abi, void *self, void *a0, void *a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_BUILDER_BUILD_SERIALIZED_NETWORK, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, void *, void *))callee.fn)(callee.self, a0, a1);
}

static inline void px_trt_config_set_engine_capability(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_ENGINE_CAPABILITY, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_config_get_engine_capability(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_ENGINE_CAPABILITY, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_config_set_int8_calibrator(const px_trt_abi *abi, void *self, void *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_INT8_CALIBRATOR, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, void *))callee.fn)(callee.self, a0);
}

static inline uint32_t px_trt_config_get_flags(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_FLAGS, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((uint32_t (*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_config_clear_flag(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_CLEAR_FLAG, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline void px_trt_config_set_flag(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_FLAG, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline bool px_trt_config_get_flag(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_FLAG, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline void px_trt_config_set_dla_core(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_DLA_CORE, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_config_get_dla_core(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_DLA_CORE, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_config_set_default_device_type(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_DEFAULT_DEVICE_TYPE, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_config_get_default_device_type(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_DEFAULT_DEVICE_TYPE, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline int32_t px_trt_config_add_optimization_profile(const px_trt_abi *abi, void *self, void *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_ADD_OPTIMIZATION_PROFILE, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *, void *))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_config_get_nb_optimization_profiles(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_NB_OPTIMIZATION_PROFILES, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_config_set_profiling_verbosity(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_PROFILING_VERBOSITY, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_config_get_profiling_verbosity(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_PROFILING_VERBOSITY, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_config_set_algorithm_selector(const px_trt_abi *abi, void *self, void *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_ALGORITHM_SELECTOR, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, void *))callee.fn)(callee.self, a0);
}

static inline bool px_trt_config_set_calibration_profile(const px_trt_abi *abi, void *self, void *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_CALIBRATION_PROFILE, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, void *))callee.fn)(callee.self, a0);
}

static inline uint32_t px_trt_config_get_quantization_flags(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_QUANTIZATION_FLAGS, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((uint32_t (*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_config_clear_quantization_flag(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_CLEAR_QUANTIZATION_FLAG, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline void px_trt_config_set_quantization_flag(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_QUANTIZATION_FLAG, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline bool px_trt_config_set_tactic_sources(const px_trt_abi *abi, void *self, uint32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_TACTIC_SOURCES, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, uint32_t))callee.fn)(callee.self, a0);
}

static inline uint32_t px_trt_config_get_tactic_sources(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_TACTIC_SOURCES, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((uint32_t (*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_config_create_timing_cache(const px_trt_abi *abi, void *self, void *a0, uint64_t a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_CREATE_TIMING_CACHE, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, void *, uint64_t))callee.fn)(callee.self, a0, a1);
}

static inline bool px_trt_config_set_timing_cache(const px_trt_abi *abi, void *self, void *a0, bool a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_TIMING_CACHE, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, void *, bool))callee.fn)(callee.self, a0, a1);
}

static inline void *px_trt_config_get_timing_cache(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_TIMING_CACHE, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_config_set_memory_pool_limit(const px_trt_abi *abi, void *self, int32_t a0, uint64_t a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_MEMORY_POOL_LIMIT, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t, uint64_t))callee.fn)(callee.self, a0, a1);
}

static inline uint64_t px_trt_config_get_memory_pool_limit(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_MEMORY_POOL_LIMIT, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((uint64_t (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline void px_trt_config_set_preview_feature(const px_trt_abi *abi, void *self, int32_t a0, bool a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_PREVIEW_FEATURE, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t, bool))callee.fn)(callee.self, a0, a1);
}

static inline bool px_trt_config_get_preview_feature(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_PREVIEW_FEATURE, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline void px_trt_config_set_builder_optimization_level(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_BUILDER_OPTIMIZATION_LEVEL, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_config_get_builder_optimization_level(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_BUILDER_OPTIMIZATION_LEVEL, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_config_set_hardware_compatibility_level(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_HARDWARE_COMPATIBILITY_LEVEL, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_config_get_hardware_compatibility_level(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_HARDWARE_COMPATIBILITY_LEVEL, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_config_set_max_aux_streams(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_MAX_AUX_STREAMS, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_config_get_max_aux_streams(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_MAX_AUX_STREAMS, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_config_set_runtime_platform(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_RUNTIME_PLATFORM, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_config_get_runtime_platform(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_RUNTIME_PLATFORM, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_config_set_tiling_optimization_level(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_TILING_OPTIMIZATION_LEVEL, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_config_get_tiling_optimization_level(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_GET_TILING_OPTIMIZATION_LEVEL, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_config_set_nb_compute_capabilities(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_NB_COMPUTE_CAPABILITIES, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline bool px_trt_config_set_compute_capability(const px_trt_abi *abi, void *self, int32_t a0, int32_t a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_COMPUTE_CAPABILITY, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, int32_t, int32_t))callee.fn)(callee.self, a0, a1);
}

static inline void px_trt_config_set_progress_monitor(const px_trt_abi *abi, void *self, void *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CONFIG_SET_PROGRESS_MONITOR, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, void *))callee.fn)(callee.self, a0);
}

static inline void px_trt_network_mark_output(const px_trt_abi *abi, void *self, void *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_NETWORK_MARK_OUTPUT, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, void *))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_network_get_nb_layers(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_NETWORK_GET_NB_LAYERS, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_network_get_layer(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_NETWORK_GET_LAYER, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_network_get_nb_inputs(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_NETWORK_GET_NB_INPUTS, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_network_get_input(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_NETWORK_GET_INPUT, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_network_get_nb_outputs(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_NETWORK_GET_NB_OUTPUTS, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_network_get_output(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_NETWORK_GET_OUTPUT, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline void px_trt_network_unmark_output(const px_trt_abi *abi, void *self, void *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_NETWORK_UNMARK_OUTPUT, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, void *))callee.fn)(callee.self, a0);
}

static inline const char *px_trt_network_get_name(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_NETWORK_GET_NAME, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((const char *(*)(void *))callee.fn)(callee.self);
}

static inline uint32_t px_trt_network_get_flags(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_NETWORK_GET_FLAGS, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((uint32_t (*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_network_mark_debug(const px_trt_abi *abi, void *self, void *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_NETWORK_MARK_DEBUG, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, void *))callee.fn)(callee.self, a0);
}

static inline bool px_trt_network_is_debug_tensor(const px_trt_abi *abi, void *self, void *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_NETWORK_IS_DEBUG_TENSOR, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, void *))callee.fn)(callee.self, a0);
}

static inline bool px_trt_network_mark_unfused_tensors_as_debug_tensors(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_NETWORK_MARK_UNFUSED_TENSORS_AS_DEBUG_TENSORS, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *))callee.fn)(callee.self);
}

static inline const char *px_trt_tensor_get_name(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_TENSOR_GET_NAME, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((const char *(*)(void *))callee.fn)(callee.self);
}

static inline px_trt_dims px_trt_tensor_get_dimensions(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_TENSOR_GET_DIMENSIONS, self, true);
    if (callee.fn == NULL)
        return (px_trt_dims){0};
    if (abi->has_dims32) {
        return px_trt_dims_widen(((px_trt_dims32 (*)(void *))callee.fn)(callee.self));
    }
    return ((px_trt_dims (*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_tensor_set_type(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_TENSOR_SET_TYPE, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_tensor_get_type(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_TENSOR_GET_TYPE, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_tensor_is_network_input(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_TENSOR_IS_NETWORK_INPUT, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_tensor_is_network_output(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_TENSOR_IS_NETWORK_OUTPUT, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_tensor_set_allowed_formats(const px_trt_abi *abi, void *self, uint32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_TENSOR_SET_ALLOWED_FORMATS, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, uint32_t))callee.fn)(callee.self, a0);
}

static inline uint32_t px_trt_tensor_get_allowed_formats(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_TENSOR_GET_ALLOWED_FORMATS, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((uint32_t (*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_tensor_is_shape_tensor(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_TENSOR_IS_SHAPE_TENSOR, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *))callee.fn)(callee.self);
}

static inline int32_t px_trt_layer_get_type(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_LAYER_GET_TYPE, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline const char *px_trt_layer_get_name(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_LAYER_GET_NAME, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((const char *(*)(void *))callee.fn)(callee.self);
}

static inline int32_t px_trt_layer_get_nb_inputs(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_LAYER_GET_NB_INPUTS, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_layer_get_input(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_LAYER_GET_INPUT, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_layer_get_nb_outputs(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_LAYER_GET_NB_OUTPUTS, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_layer_get_output(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_LAYER_GET_OUTPUT, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline void px_trt_layer_set_precision(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_LAYER_SET_PRECISION, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_layer_get_precision(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_LAYER_GET_PRECISION, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_layer_precision_is_set(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_LAYER_PRECISION_IS_SET, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_attention_set_decomposable(const px_trt_abi *abi, void *self, bool a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ATTENTION_SET_DECOMPOSABLE, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, bool))callee.fn)(callee.self, a0);
}

static inline void *px_trt_attention_boundary_get_attention(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ATTENTION_BOUNDARY_GET_ATTENTION, self, false);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_profile_set_dimensions(const px_trt_abi *abi, void *self, const char *a0, int32_t a1, const px_trt_dims *a2)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PROFILE_SET_DIMENSIONS, self, true);
    if (callee.fn == NULL)
        return false;
    if (abi->has_dims32) {
        const px_trt_dims32 a2_32 = px_trt_dims_narrow(a2);
        return ((bool (*)(void *, const char *, int32_t, px_trt_dims32))callee.fn)(callee.self, a0, a1, a2_32);
    }
    return ((bool (*)(void *, const char *, int32_t, const px_trt_dims *))callee.fn)(callee.self, a0, a1, a2);
}

static inline px_trt_dims px_trt_profile_get_dimensions(const px_trt_abi *abi, void *self, const char *a0, int32_t a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PROFILE_GET_DIMENSIONS, self, true);
    if (callee.fn == NULL)
        return (px_trt_dims){0};
    if (abi->has_dims32) {
        return px_trt_dims_widen(((px_trt_dims32 (*)(void *, const char *, int32_t))callee.fn)(callee.self, a0, a1));
    }
    return ((px_trt_dims (*)(void *, const char *, int32_t))callee.fn)(callee.self, a0, a1);
}

static inline bool px_trt_profile_set_shape_values(const px_trt_abi *abi, void *self, const char *a0, int32_t a1, const int32_t *a2, int32_t a3)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PROFILE_SET_SHAPE_VALUES, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, const char *, int32_t, const int32_t *, int32_t))callee.fn)(callee.self, a0, a1, a2, a3);
}

static inline bool px_trt_profile_is_valid(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PROFILE_IS_VALID, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_profile_set_shape_values_v2(const px_trt_abi *abi, void *self, const char *a0, int32_t a1, const int64_t *a2, int32_t a3)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PROFILE_SET_SHAPE_VALUES_V2, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, const char *, int32_t, const int64_t *, int32_t))callee.fn)(callee.self, a0, a1, a2, a3);
}

static inline void *px_trt_memory_data(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_MEMORY_DATA, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *))callee.fn)(callee.self);
}

static inline uint64_t px_trt_memory_size(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_MEMORY_SIZE, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((uint64_t (*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_timing_cache_serialize(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_TIMING_CACHE_SERIALIZE, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_timing_cache_combine(const px_trt_abi *abi, void *self, void *a0, bool a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_TIMING_CACHE_COMBINE, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, void *, bool))callee.fn)(callee.self, a0, a1);
}

static inline void px_trt_runtime_set_dla_core(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_RUNTIME_SET_DLA_CORE, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline void *px_trt_runtime_load_runtime(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_RUNTIME_LOAD_RUNTIME, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline void px_trt_runtime_set_engine_host_code_allowed(const px_trt_abi *abi, void *self, bool a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_RUNTIME_SET_ENGINE_HOST_CODE_ALLOWED, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, bool))callee.fn)(callee.self, a0);
}

static inline void *px_trt_runtime_deserialize_cuda_engine(const px_trt_abi *abi, void *self, void *a0, uint64_t a1, void *a2)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_RUNTIME_DESERIALIZE_CUDA_ENGINE, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, void *, uint64_t, void *))callee.fn)(callee.self, a0, a1, a2);
}

static inline bool px_trt_runtime_set_dla_workspace_allocation_strategy(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_RUNTIME_SET_DLA_WORKSPACE_ALLOCATION_STRATEGY, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_engine_get_binding_index(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_BINDING_INDEX, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_engine_get_max_batch_size(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_MAX_BATCH_SIZE, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline int32_t px_trt_engine_get_nb_layers(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_NB_LAYERS, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_engine_create_execution_context(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_CREATE_EXECUTION_CONTEXT, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline uint64_t px_trt_engine_get_device_memory_size(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_DEVICE_MEMORY_SIZE, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((uint64_t (*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_engine_is_refittable(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_IS_REFITTABLE, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *))callee.fn)(callee.self);
}

static inline const char *px_trt_engine_get_name(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_NAME, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((const char *(*)(void *))callee.fn)(callee.self);
}

static inline int32_t px_trt_engine_get_nb_optimization_profiles(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_NB_OPTIMIZATION_PROFILES, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_engine_has_implicit_batch_dimension(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_HAS_IMPLICIT_BATCH_DIMENSION, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_engine_create_engine_inspector(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_CREATE_ENGINE_INSPECTOR, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *))callee.fn)(callee.self);
}

static inline px_trt_dims px_trt_engine_get_tensor_shape(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_TENSOR_SHAPE, self, true);
    if (callee.fn == NULL)
        return (px_trt_dims){0};
    if (abi->has_dims32) {
        return px_trt_dims_widen(((px_trt_dims32 (*)(void *, const char *))callee.fn)(callee.self, a0));
    }
    return ((px_trt_dims (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_engine_get_tensor_data_type(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_TENSOR_DATA_TYPE, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_engine_get_tensor_location(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_TENSOR_LOCATION, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline bool px_trt_engine_is_shape_inference_io(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_IS_SHAPE_INFERENCE_IO, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_engine_get_tensor_io_mode(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_TENSOR_IO_MODE, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_engine_get_tensor_bytes_per_component(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_TENSOR_BYTES_PER_COMPONENT, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_engine_get_tensor_components_per_element(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_TENSOR_COMPONENTS_PER_ELEMENT, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_engine_get_tensor_format(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_TENSOR_FORMAT, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline const char *px_trt_engine_get_tensor_format_desc(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_TENSOR_FORMAT_DESC, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((const char *(*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_engine_get_tensor_vectorized_dim(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_TENSOR_VECTORIZED_DIM, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline px_trt_dims px_trt_engine_get_profile_shape(const px_trt_abi *abi, void *self, const char *a0, int32_t a1, int32_t a2)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_PROFILE_SHAPE, self, true);
    if (callee.fn == NULL)
        return (px_trt_dims){0};
    if (abi->has_dims32) {
        return px_trt_dims_widen(((px_trt_dims32 (*)(void *, const char *, int32_t, int32_t))callee.fn)(callee.self, a0, a1, a2));
    }
    return ((px_trt_dims (*)(void *, const char *, int32_t, int32_t))callee.fn)(callee.self, a0, a1, a2);
}

static inline int32_t px_trt_engine_get_nb_io_tensors(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_NB_IO_TENSORS, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline const char *px_trt_engine_get_io_tensor_name(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_IO_TENSOR_NAME, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((const char *(*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline uint64_t px_trt_engine_get_device_memory_size_for_profile(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_DEVICE_MEMORY_SIZE_FOR_PROFILE, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((uint64_t (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline bool px_trt_engine_set_weight_streaming_budget(const px_trt_abi *abi, void *self, int64_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_SET_WEIGHT_STREAMING_BUDGET, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, int64_t))callee.fn)(callee.self, a0);
}

static inline int64_t px_trt_engine_get_minimum_weight_streaming_budget(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_MINIMUM_WEIGHT_STREAMING_BUDGET, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int64_t (*)(void *))callee.fn)(callee.self);
}

static inline int64_t px_trt_engine_get_streamable_weights_size(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_STREAMABLE_WEIGHTS_SIZE, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int64_t (*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_engine_is_debug_tensor(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_IS_DEBUG_TENSOR, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline bool px_trt_engine_set_weight_streaming_budget_v2(const px_trt_abi *abi, void *self, int64_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_SET_WEIGHT_STREAMING_BUDGET_V2, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, int64_t))callee.fn)(callee.self, a0);
}

static inline int64_t px_trt_engine_get_weight_streaming_automatic_budget(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_WEIGHT_STREAMING_AUTOMATIC_BUDGET, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int64_t (*)(void *))callee.fn)(callee.self);
}

static inline int64_t px_trt_engine_get_device_memory_size_v2(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_DEVICE_MEMORY_SIZE_V2, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int64_t (*)(void *))callee.fn)(callee.self);
}

static inline int64_t px_trt_engine_get_device_memory_size_for_profile_v2(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_DEVICE_MEMORY_SIZE_FOR_PROFILE_V2, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int64_t (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline const char *px_trt_engine_get_aliased_input_tensor(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ENGINE_GET_ALIASED_INPUT_TENSOR, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((const char *(*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline bool px_trt_exec_enqueue(const px_trt_abi *abi, void *self, int32_t a0, void *a1, void *a2, void *a3)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_ENQUEUE, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, int32_t, void *, void *, void *))callee.fn)(callee.self, a0, a1, a2, a3);
}

static inline void px_trt_exec_set_device_memory(const px_trt_abi *abi, void *self, void *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_SET_DEVICE_MEMORY, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, void *))callee.fn)(callee.self, a0);
}

static inline bool px_trt_exec_set_optimization_profile_async(const px_trt_abi *abi, void *self, int32_t a0, void *a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_SET_OPTIMIZATION_PROFILE_ASYNC, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, int32_t, void *))callee.fn)(callee.self, a0, a1);
}

static inline bool px_trt_exec_set_input_shape(const px_trt_abi *abi, void *self, const char *a0, const px_trt_dims *a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_SET_INPUT_SHAPE, self, true);
    if (callee.fn == NULL)
        return false;
    if (abi->has_dims32) {
        const px_trt_dims32 a1_32 = px_trt_dims_narrow(a1);
        return ((bool (*)(void *, const char *, const px_trt_dims32 *))callee.fn)(callee.self, a0, &a1_32);
    }
    return ((bool (*)(void *, const char *, const px_trt_dims *))callee.fn)(callee.self, a0, a1);
}

static inline px_trt_dims px_trt_exec_get_tensor_shape(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_GET_TENSOR_SHAPE, self, true);
    if (callee.fn == NULL)
        return (px_trt_dims){0};
    if (abi->has_dims32) {
        return px_trt_dims_widen(((px_trt_dims32 (*)(void *, const char *))callee.fn)(callee.self, a0));
    }
    return ((px_trt_dims (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline px_trt_dims px_trt_exec_get_tensor_strides(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_GET_TENSOR_STRIDES, self, true);
    if (callee.fn == NULL)
        return (px_trt_dims){0};
    if (abi->has_dims32) {
        return px_trt_dims_widen(((px_trt_dims32 (*)(void *, const char *))callee.fn)(callee.self, a0));
    }
    return ((px_trt_dims (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline bool px_trt_exec_set_tensor_address(const px_trt_abi *abi, void *self, const char *a0, void *a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_SET_TENSOR_ADDRESS, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, const char *, void *))callee.fn)(callee.self, a0, a1);
}

static inline int32_t px_trt_exec_infer_shapes(const px_trt_abi *abi, void *self, int32_t a0, void *a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_INFER_SHAPES, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *, int32_t, void *))callee.fn)(callee.self, a0, a1);
}

static inline bool px_trt_exec_set_output_allocator(const px_trt_abi *abi, void *self, const char *a0, void *a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_SET_OUTPUT_ALLOCATOR, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, const char *, void *))callee.fn)(callee.self, a0, a1);
}

static inline int64_t px_trt_exec_get_max_output_size(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_GET_MAX_OUTPUT_SIZE, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int64_t (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline bool px_trt_exec_enqueue_v3(const px_trt_abi *abi, void *self, void *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_ENQUEUE_V3, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, void *))callee.fn)(callee.self, a0);
}

static inline bool px_trt_exec_set_debug_listener(const px_trt_abi *abi, void *self, void *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_SET_DEBUG_LISTENER, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, void *))callee.fn)(callee.self, a0);
}

static inline bool px_trt_exec_set_all_tensors_debug_state(const px_trt_abi *abi, void *self, bool a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_SET_ALL_TENSORS_DEBUG_STATE, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, bool))callee.fn)(callee.self, a0);
}

static inline uint64_t px_trt_exec_update_device_memory_size_for_shapes(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_UPDATE_DEVICE_MEMORY_SIZE_FOR_SHAPES, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((uint64_t (*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_exec_set_device_memory_v2(const px_trt_abi *abi, void *self, void *a0, int64_t a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_SET_DEVICE_MEMORY_V2, self, true);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, void *, int64_t))callee.fn)(callee.self, a0, a1);
}

static inline bool px_trt_exec_set_unfused_tensors_debug_state(const px_trt_abi *abi, void *self, bool a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_EXEC_SET_UNFUSED_TENSORS_DEBUG_STATE, self, true);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, bool))callee.fn)(callee.self, a0);
}

static inline const char *px_trt_inspector_get_engine_information(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_INSPECTOR_GET_ENGINE_INFORMATION, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((const char *(*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline void *px_trt_algorithm_get_algorithm_variant(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ALGORITHM_GET_ALGORITHM_VARIANT, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *))callee.fn)(callee.self);
}

static inline float px_trt_algorithm_get_timing_msec(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ALGORITHM_GET_TIMING_MSEC, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((float (*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_algorithm_get_algorithm_io_info_by_index(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ALGORITHM_GET_ALGORITHM_IO_INFO_BY_INDEX, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline const char *px_trt_algorithm_context_get_name(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ALGORITHM_CONTEXT_GET_NAME, self, true);
    if (callee.fn == NULL)
        return NULL;
    return ((const char *(*)(void *))callee.fn)(callee.self);
}

static inline int32_t px_trt_algorithm_context_get_nb_inputs(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ALGORITHM_CONTEXT_GET_NB_INPUTS, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline int32_t px_trt_algorithm_context_get_nb_outputs(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ALGORITHM_CONTEXT_GET_NB_OUTPUTS, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline int64_t px_trt_algorithm_variant_get_implementation(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ALGORITHM_VARIANT_GET_IMPLEMENTATION, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int64_t (*)(void *))callee.fn)(callee.self);
}

static inline int64_t px_trt_algorithm_variant_get_tactic(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ALGORITHM_VARIANT_GET_TACTIC, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int64_t (*)(void *))callee.fn)(callee.self);
}

static inline int32_t px_trt_algorithm_io_get_data_type(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ALGORITHM_IO_GET_DATA_TYPE, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline px_trt_dims px_trt_algorithm_io_get_strides(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ALGORITHM_IO_GET_STRIDES, self, true);
    if (callee.fn == NULL)
        return (px_trt_dims){0};
    if (abi->has_dims32) {
        return px_trt_dims_widen(((px_trt_dims32 (*)(void *))callee.fn)(callee.self));
    }
    return ((px_trt_dims (*)(void *))callee.fn)(callee.self);
}

static inline int64_t px_trt_algorithm_io_get_vectorized_dim(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ALGORITHM_IO_GET_VECTORIZED_DIM, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int64_t (*)(void *))callee.fn)(callee.self);
}

static inline int64_t px_trt_algorithm_io_get_components_per_element(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_ALGORITHM_IO_GET_COMPONENTS_PER_ELEMENT, self, true);
    if (callee.fn == NULL)
        return 0;
    return ((int64_t (*)(void *))callee.fn)(callee.self);
}

static inline bool px_trt_parser_parse(const px_trt_abi *abi, void *self, void *a0, uint64_t a1, const char *a2)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_PARSE, self, false);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, void *, uint64_t, const char *))callee.fn)(callee.self, a0, a1, a2);
}

static inline bool px_trt_parser_parse_from_file(const px_trt_abi *abi, void *self, const char *a0, int32_t a1)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_PARSE_FROM_FILE, self, false);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, const char *, int32_t))callee.fn)(callee.self, a0, a1);
}

static inline int32_t px_trt_parser_get_nb_errors(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_GET_NB_ERRORS, self, false);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_parser_get_error(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_GET_ERROR, self, false);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline void px_trt_parser_destroy_deleting(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_DESTROY_DELETING, self, false);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_parser_set_flags(const px_trt_abi *abi, void *self, uint32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_SET_FLAGS, self, false);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, uint32_t))callee.fn)(callee.self, a0);
}

static inline uint32_t px_trt_parser_get_flags(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_GET_FLAGS, self, false);
    if (callee.fn == NULL)
        return 0;
    return ((uint32_t (*)(void *))callee.fn)(callee.self);
}

static inline void px_trt_parser_clear_flag(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_CLEAR_FLAG, self, false);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline void px_trt_parser_set_flag(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_SET_FLAG, self, false);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline bool px_trt_parser_get_flag(const px_trt_abi *abi, void *self, int32_t a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_GET_FLAG, self, false);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, int32_t))callee.fn)(callee.self, a0);
}

static inline bool px_trt_parser_set_builder_config(const px_trt_abi *abi, void *self, void *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_SET_BUILDER_CONFIG, self, false);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, void *))callee.fn)(callee.self, a0);
}

static inline int32_t px_trt_parser_error_code(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_ERROR_CODE, self, false);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline const char *px_trt_parser_error_desc(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_ERROR_DESC, self, false);
    if (callee.fn == NULL)
        return NULL;
    return ((const char *(*)(void *))callee.fn)(callee.self);
}

static inline int32_t px_trt_parser_error_node(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_ERROR_NODE, self, false);
    if (callee.fn == NULL)
        return 0;
    return ((int32_t (*)(void *))callee.fn)(callee.self);
}

static inline const char *px_trt_parser_error_node_name(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_ERROR_NODE_NAME, self, false);
    if (callee.fn == NULL)
        return NULL;
    return ((const char *(*)(void *))callee.fn)(callee.self);
}

static inline const char *px_trt_parser_error_node_operator(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_PARSER_ERROR_NODE_OPERATOR, self, false);
    if (callee.fn == NULL)
        return NULL;
    return ((const char *(*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_caffe_parser_parse(const px_trt_abi *abi, void *self, const char *a0, const char *a1, void *a2, int32_t a3)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CAFFE_PARSER_PARSE, self, false);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, const char *, const char *, void *, int32_t))callee.fn)(callee.self, a0, a1, a2, a3);
}

static inline void px_trt_caffe_parser_destroy(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_CAFFE_PARSER_DESTROY, self, false);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *))callee.fn)(callee.self);
}

static inline void *px_trt_blob_map_find(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_BLOB_MAP_FIND, self, false);
    if (callee.fn == NULL)
        return NULL;
    return ((void *(*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline bool px_trt_uff_parser_register_input(const px_trt_abi *abi, void *self, const char *a0, px_trt_dims a1, int32_t a2)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_UFF_PARSER_REGISTER_INPUT, self, false);
    if (callee.fn == NULL)
        return false;
    if (abi->has_dims32) {
        const px_trt_dims32 a1_32 = px_trt_dims_narrow(&a1);
        return ((bool (*)(void *, const char *, px_trt_dims32, int32_t))callee.fn)(callee.self, a0, a1_32, a2);
    }
    return ((bool (*)(void *, const char *, const px_trt_dims *, int32_t))callee.fn)(callee.self, a0, &a1, a2);
}

static inline bool px_trt_uff_parser_register_output(const px_trt_abi *abi, void *self, const char *a0)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_UFF_PARSER_REGISTER_OUTPUT, self, false);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, const char *))callee.fn)(callee.self, a0);
}

static inline bool px_trt_uff_parser_parse(const px_trt_abi *abi, void *self, const char *a0, void *a1, int32_t a2)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_UFF_PARSER_PARSE, self, false);
    if (callee.fn == NULL)
        return false;
    return ((bool (*)(void *, const char *, void *, int32_t))callee.fn)(callee.self, a0, a1, a2);
}

static inline void px_trt_uff_parser_destroy(const px_trt_abi *abi, void *self)
{
    const px_trt_callee callee = px_trt_callee_of(abi, PX_TRT_UFF_PARSER_DESTROY, self, false);
    if (callee.fn == NULL)
        return;
    ((void (*)(void *))callee.fn)(callee.self);
}

/* clang-format on */
#endif
