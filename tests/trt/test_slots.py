"""Our table of virtual functions against NVIDIA's own Python bindings.

test_slots.py MODULE RELEASE ABI_JSON: MODULE is the bindings' module (tensorrt_rtx_bindings), RELEASE
a key of the table (rtx-1.7.1, 10.6.0). For each function a Python object is made around an object
whose every slot notes that it was called; the bindings' call must land in the slot that the table
has. No GPU is needed, and no object of the library.
"""
import ctypes
import importlib
import json
import os
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")  # some functions are deprecated
sys.setdlopenflags(os.RTLD_LAZY)  # so that empty libraries can stand for TensorRT's own
try:
    trt = importlib.import_module(sys.argv[1])
except ImportError as e:
    print("SKIPPED: %s; tools/setup.sh test installs the bindings" % e)
    sys.exit(77)
RELEASE = sys.argv[2]
INTERFACES = json.loads(pathlib.Path(sys.argv[3]).read_text())["interfaces"]
VERSIONS = json.loads(pathlib.Path(sys.argv[3]).read_text())["versions"]

SLOTS = 128
FUNCTION = ctypes.CFUNCTYPE(ctypes.c_uint64, *[ctypes.c_void_p] * 6)
TEXT = ctypes.create_string_buffer(b"text")
report = 2  # where a child writes the slots to
returns = 0  # what the noted function gives
fills_dims = False


def noting(slot):
    def note(first, *rest):
        os.write(report, bytes([slot]))
        if fills_dims:  # a large result goes where the first argument points
            ctypes.memset(first, 0, 72)
            return first
        return returns

    return FUNCTION(note)


functions = [noting(i) for i in range(SLOTS)]
table = (ctypes.c_void_p * SLOTS)(*[ctypes.cast(f, ctypes.c_void_p).value for f in functions])
impl = (ctypes.c_void_p * 2)(ctypes.addressof(table), 0)
# A public object: its own vtable, then the implementation, once or twice; a direct one is its own.
public = (ctypes.c_void_p * 4)(ctypes.addressof(table), *[ctypes.addressof(impl)] * 3)
keep = []


def forged(name):
    """A Python object of that class around our object (pybind11: the pointer follows the head)."""
    python_type = getattr(trt, name)
    o = python_type.__new__(python_type)
    ctypes.c_void_p.from_address(id(o) + 16).value = ctypes.addressof(public)
    keep.append(o)
    return o


PYTHON = {"IBuilder": "Builder", "IRuntime": "Runtime", "IParser": "OnnxParser", "IParserError": "ParserError",
          "IEngineInspector": "EngineInspector"}  # fmt: skip


def assign(o, name, value):
    getattr(type(o), name)  # a name that does not exist may not become an attribute
    setattr(o, name, value)


def first(enumeration):
    return list(getattr(trt, enumeration).__members__.values())[0]


CALLS = {
    "IBuilder": {
        "platformHasFastFp16": lambda o: o.platform_has_fast_fp16,
        "platformHasFastInt8": lambda o: o.platform_has_fast_int8,
        "getNbDLACores": lambda o: o.num_DLA_cores,
        "createBuilderConfig": lambda o: o.create_builder_config(),
        "createNetworkV2": lambda o: o.create_network(0),
        "createOptimizationProfile": lambda o: o.create_optimization_profile(),
        "buildSerializedNetwork": lambda o: o.build_serialized_network(
            forged("INetworkDefinition"), forged("IBuilderConfig")
        ),
    },
    "IBuilderConfig": {
        "setEngineCapability": lambda o: assign(o, "engine_capability", first("EngineCapability")),
        "getEngineCapability": lambda o: o.engine_capability,
        "getFlags": lambda o: o.flags,
        "clearFlag": lambda o: o.clear_flag(trt.BuilderFlag.DEBUG),
        "setFlag": lambda o: o.set_flag(trt.BuilderFlag.DEBUG),
        "getFlag": lambda o: o.get_flag(trt.BuilderFlag.DEBUG),
        "setDLACore": lambda o: assign(o, "DLA_core", 0),
        "getDLACore": lambda o: o.DLA_core,
        "setDefaultDeviceType": lambda o: assign(o, "default_device_type", trt.DeviceType.GPU),
        "getDefaultDeviceType": lambda o: o.default_device_type,
        "addOptimizationProfile": lambda o: o.add_optimization_profile(forged("IOptimizationProfile")),
        "getNbOptimizationProfiles": lambda o: o.num_optimization_profiles,
        "setProfilingVerbosity": lambda o: assign(o, "profiling_verbosity", first("ProfilingVerbosity")),
        "getProfilingVerbosity": lambda o: o.profiling_verbosity,
        "setCalibrationProfile": lambda o: o.set_calibration_profile(forged("IOptimizationProfile")),
        "getQuantizationFlags": lambda o: o.quantization_flags,
        "clearQuantizationFlag": lambda o: o.clear_quantization_flag(first("QuantizationFlag")),
        "setQuantizationFlag": lambda o: o.set_quantization_flag(first("QuantizationFlag")),
        "setTacticSources": lambda o: o.set_tactic_sources(0),
        "getTacticSources": lambda o: o.get_tactic_sources(),
        "createTimingCache": lambda o: o.create_timing_cache(b""),
        "setTimingCache": lambda o: o.set_timing_cache(forged("ITimingCache"), False),
        "getTimingCache": lambda o: o.get_timing_cache(),
        "setMemoryPoolLimit": lambda o: o.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1),
        "getMemoryPoolLimit": lambda o: o.get_memory_pool_limit(trt.MemoryPoolType.WORKSPACE),
        "setPreviewFeature": lambda o: o.set_preview_feature(first("PreviewFeature"), True),
        "getPreviewFeature": lambda o: o.get_preview_feature(first("PreviewFeature")),
        "setBuilderOptimizationLevel": lambda o: assign(o, "builder_optimization_level", 1),
        "getBuilderOptimizationLevel": lambda o: o.builder_optimization_level,
        "setHardwareCompatibilityLevel": lambda o: assign(
            o, "hardware_compatibility_level", first("HardwareCompatibilityLevel")
        ),
        "getHardwareCompatibilityLevel": lambda o: o.hardware_compatibility_level,
        "setMaxAuxStreams": lambda o: assign(o, "max_aux_streams", 1),
        "getMaxAuxStreams": lambda o: o.max_aux_streams,
        "setRuntimePlatform": lambda o: assign(o, "runtime_platform", first("RuntimePlatform")),
        "getRuntimePlatform": lambda o: o.runtime_platform,
        "setTilingOptimizationLevel": lambda o: assign(o, "tiling_optimization_level", first("TilingOptimizationLevel")),
        "getTilingOptimizationLevel": lambda o: o.tiling_optimization_level,
        "setNbComputeCapabilities": lambda o: assign(o, "num_compute_capabilities", 1),
        "setComputeCapability": lambda o: o.set_compute_capability(first("ComputeCapability"), 0),
    },
    "INetworkDefinition": {
        "markOutput": lambda o: o.mark_output(forged("ITensor")),
        "getNbLayers": lambda o: o.num_layers,
        "getLayer": lambda o: o.get_layer(0),
        "getNbInputs": lambda o: o.num_inputs,
        "getInput": lambda o: o.get_input(0),
        "getNbOutputs": lambda o: o.num_outputs,
        "getOutput": lambda o: o.get_output(0),
        "unmarkOutput": lambda o: o.unmark_output(forged("ITensor")),
        "getName": lambda o: o.name,
        "getFlags": lambda o: o.flags,
        "markDebug": lambda o: o.mark_debug(forged("ITensor")),
        "isDebugTensor": lambda o: o.is_debug_tensor(forged("ITensor")),
        "markUnfusedTensorsAsDebugTensors": lambda o: o.mark_unfused_tensors_as_debug_tensors(),
    },
    "ITensor": {
        "getName": lambda o: o.name,
        "getDimensions": lambda o: o.shape,
        "setType": lambda o: assign(o, "dtype", trt.float32),
        "getType": lambda o: o.dtype,
        "isNetworkInput": lambda o: o.is_network_input,
        "isNetworkOutput": lambda o: o.is_network_output,
        "setAllowedFormats": lambda o: assign(o, "allowed_formats", 1),
        "getAllowedFormats": lambda o: o.allowed_formats,
        "isShapeTensor": lambda o: o.is_shape_tensor,
    },
    "ILayer": {
        "getType": lambda o: o.type,
        "getName": lambda o: o.name,
        "getNbInputs": lambda o: o.num_inputs,
        "getInput": lambda o: o.get_input(0),
        "getNbOutputs": lambda o: o.num_outputs,
        "getOutput": lambda o: o.get_output(0),
        "setPrecision": lambda o: assign(o, "precision", trt.float32),
        "getPrecision": lambda o: o.precision,
        "precisionIsSet": lambda o: o.precision_is_set,
    },
    "IAttention": {"setDecomposable": lambda o: assign(o, "decomposable", True)},
    "IOptimizationProfile": {
        "setDimensions": lambda o: o.set_shape("x", (1,), (1,), (1,)),
        "getDimensions": lambda o: o.get_shape("x"),
        "setShapeValuesV2": lambda o: o.set_shape_input("x", (1,), (1,), (1,)),
        "isValid": lambda o: bool(o),
    },
    "IHostMemory": {"size": lambda o: o.nbytes},
    "ITimingCache": {
        "serialize": lambda o: o.serialize(),
        "combine": lambda o: o.combine(forged("ITimingCache"), False),
    },
    "IRuntime": {
        "setDLACore": lambda o: assign(o, "DLA_core", 0),
        "loadRuntime": lambda o: o.load_runtime("x"),
        "setEngineHostCodeAllowed": lambda o: assign(o, "engine_host_code_allowed", True),
        "deserializeCudaEngine": lambda o: o.deserialize_cuda_engine(b"x"),
        "setDLAWorkspaceAllocationStrategy": lambda o: assign(
            o, "dla_workspace_allocation_strategy", first("DLAWorkspaceAllocationStrategy")
        ),
    },
    "ICudaEngine": {
        "getNbLayers": lambda o: o.num_layers,
        "createExecutionContext": lambda o: o.create_execution_context(),
        "getDeviceMemorySize": lambda o: o.device_memory_size,
        "isRefittable": lambda o: o.refittable,
        "getName": lambda o: o.name,
        "getNbOptimizationProfiles": lambda o: o.num_optimization_profiles,
        "createEngineInspector": lambda o: o.create_engine_inspector(),
        "getTensorShape": lambda o: o.get_tensor_shape("x"),
        "getTensorDataType": lambda o: o.get_tensor_dtype("x"),
        "getTensorLocation": lambda o: o.get_tensor_location("x"),
        "isShapeInferenceIO": lambda o: o.is_shape_inference_io("x"),
        "getTensorIOMode": lambda o: o.get_tensor_mode("x"),
        "getTensorBytesPerComponent": lambda o: o.get_tensor_bytes_per_component("x"),
        "getTensorComponentsPerElement": lambda o: o.get_tensor_components_per_element("x"),
        "getTensorFormat": lambda o: o.get_tensor_format("x"),
        "getTensorFormatDesc": lambda o: o.get_tensor_format_desc("x"),
        "getTensorVectorizedDim": lambda o: o.get_tensor_vectorized_dim("x"),
        "getNbIOTensors": lambda o: o.num_io_tensors,
        "getIOTensorName": lambda o: o.get_tensor_name(0),
        "getDeviceMemorySizeForProfile": lambda o: o.get_device_memory_size_for_profile(0),
        "setWeightStreamingBudget": lambda o: assign(o, "weight_streaming_budget", 1),
        "getMinimumWeightStreamingBudget": lambda o: o.minimum_weight_streaming_budget,
        "getStreamableWeightsSize": lambda o: o.streamable_weights_size,
        "isDebugTensor": lambda o: o.is_debug_tensor("x"),
        "setWeightStreamingBudgetV2": lambda o: assign(o, "weight_streaming_budget_v2", 1),
        "getWeightStreamingAutomaticBudget": lambda o: o.get_weight_streaming_automatic_budget(),
        "getDeviceMemorySizeV2": lambda o: o.device_memory_size_v2,
        "getDeviceMemorySizeForProfileV2": lambda o: o.get_device_memory_size_for_profile_v2(0),
        "getAliasedInputTensor": lambda o: o.get_aliased_input_tensor("x"),
    },
    "IExecutionContext": {
        "setDeviceMemory": lambda o: assign(o, "device_memory", 256),
        "setOptimizationProfileAsync": lambda o: o.set_optimization_profile_async(0, 0),
        "setInputShape": lambda o: o.set_input_shape("x", (1,)),
        "getTensorShape": lambda o: o.get_tensor_shape("x"),
        "getTensorStrides": lambda o: o.get_tensor_strides("x"),
        "setTensorAddress": lambda o: o.set_tensor_address("x", 256),
        "setOutputAllocator": lambda o: o.set_output_allocator("x", None),
        "getMaxOutputSize": lambda o: o.get_max_output_size("x"),
        "enqueueV3": lambda o: o.execute_async_v3(0),
        "setDebugListener": lambda o: o.set_debug_listener(None),
        "setAllTensorsDebugState": lambda o: o.set_all_tensors_debug_state(True),
        "updateDeviceMemorySizeForShapes": lambda o: o.update_device_memory_size_for_shapes(),
        "setDeviceMemoryV2": lambda o: o.set_device_memory(256, 256),
        "setUnfusedTensorsDebugState": lambda o: assign(o, "unfused_tensors_debug_state", True),
    },
    "IEngineInspector": {
        "getLayerInformation": lambda o: o.get_layer_information(0, trt.LayerInformationFormat.ONELINE),
        "getEngineInformation": lambda o: o.get_engine_information(trt.LayerInformationFormat.ONELINE),
    },
    "IParser": {
        "getNbErrors": lambda o: o.num_errors,
        "getError": lambda o: o.get_error(0),
        "setFlags": lambda o: assign(o, "flags", 1),
        "getFlags": lambda o: o.flags,
        "setFlag": lambda o: o.set_flag(first("OnnxParserFlag")),
        "clearFlag": lambda o: o.clear_flag(first("OnnxParserFlag")),
        "getFlag": lambda o: o.get_flag(first("OnnxParserFlag")),
        "setBuilderConfig": lambda o: o.set_builder_config(forged("IBuilderConfig")),
    },
    "IParserError": {
        "code": lambda o: o.code(),
        "desc": lambda o: o.desc(),
        "node": lambda o: o.node(),
        "node_name": lambda o: o.node_name(),
        "nodeName": lambda o: o.node_name(),
        "nodeOperator": lambda o: o.node_operator(),
    },
}
END = b"\xff"
# Functions whose bindings call another one: the slot of that.
DIFFERENT = {"10.6.0": {"ICudaEngine.getDeviceMemorySizeForProfileV2": 41}}


def holds(key):
    """Does a key of the table ("10.0.0..10.16") stand for RELEASE?"""
    start, _, end = key.partition("..")
    if RELEASE.startswith("rtx") or start.startswith("rtx"):
        return key == RELEASE
    at = VERSIONS.index(RELEASE)
    return VERSIONS.index(start) <= at <= VERSIONS.index(end or start)


def in_child(call, o):
    """Slots that the call lands in. A process of its own: what a forged object ends in is open."""
    global report
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        report = w
        try:
            call(o)
        except Exception as e:
            os.write(w, END + type(e).__name__.encode())
        os._exit(0)
    os.close(w)
    with os.fdopen(r, "rb") as f:
        slots, _, why = f.read().partition(END)
    _, status = os.waitpid(pid, 0)
    return sorted(set(slots)), why.decode() or ("ended with status %d" % status if status else "")


n_checked, wrong, skipped = 0, [], []
for interface, facts in INTERFACES.items():
    if facts["kind"] == "callback":
        continue
    for method, m in facts["methods"].items():
        slot = next((v for k, v in m["slots"].items() if holds(k)), None)
        call = CALLS.get(interface, {}).get(method)
        name = "%s.%s" % (interface, method)
        if slot is None:
            continue
        if call is None or not hasattr(trt, PYTHON.get(interface, interface)):
            skipped.append(name)
            continue
        abi = m["abi"] if isinstance(m["abi"], str) else list(m["abi"].values())[-1]
        fills_dims = abi.startswith("Dims")
        returns = ctypes.addressof(TEXT) if abi.startswith("cstr") else 0
        slots, why = in_child(call, forged(PYTHON.get(interface, interface)))
        slot = DIFFERENT.get(RELEASE, {}).get(name, slot)
        if slots == [] and why == "AttributeError":
            skipped.append(name)
        elif slots != [slot]:
            wrong.append("%s: the table has slot %d, the bindings call %s (%s)" % (name, slot, slots, why))
        else:
            n_checked += 1
for enum, values in json.loads(pathlib.Path(sys.argv[3]).read_text())["enums"].items():
    python = getattr(trt, enum, None)
    for name, table_ in values.items():
        value = next((v for k, v in table_.items() if holds(k)), None)
        member = getattr(python, "__members__", {}).get(name) if python else None
        if value is not None and member is not None:
            n_checked += 1
            if int(member) != value:
                wrong.append("%s.%s: the table has %d, the bindings %d" % (enum, name, value, int(member)))
print("not in the bindings, or not called alone there: " + ", ".join(skipped))
for text in wrong:
    print("WRONG:", text)
print("%s: %d slots and values are right, %d wrong" % (RELEASE, n_checked, len(wrong)))
sys.stdout.flush()
os._exit(1 if wrong or n_checked < 200 else 0)  # forged objects may not be freed
