"""The command with --trt against stand-ins for TensorRT and the CUDA driver.

test_fake.py PROGRAM FAKE_FOLDER MODELS [LIBRARY]: what each option makes the backend call, in each release's
layout; what comes out of a run; which sentence each failure ends in.
"""
import base64
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import uff_wire as wire  # noqa: E402

PROGRAM, FAKE, MODELS = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
MODEL = str(MODELS / "identity.onnx")
MODULE = str(pathlib.Path(__file__).parent / "fake_tensorrt")
SHAPE = ["--input-shapes", "x:[3,4]"]
# A sanitizer's runtime, which a Python that loads our library needs.
PRELOAD = {"LD_PRELOAD": sys.argv[4], "ASAN_OPTIONS": "detect_leaks=0"} if len(sys.argv) > 4 else {}
failures = []


class Run:
    def __init__(self, words, version=100600, **env):
        self.words, self.version = " ".join(words), version
        with tempfile.TemporaryDirectory() as folder:
            log, out = pathlib.Path(folder, "calls"), pathlib.Path(folder, "out.json")
            major = version // (10000 if version >= 10000 else 1000)
            library = FAKE / str(major)
            if major == 12:  # a name that is not looked for
                library = library / "libnvinfer.so.12"
            full = dict(os.environ, FAKE_TRT_VERSION=str(version), FAKE_TRT_LOG=str(log),
                        POLYGRAPHY_TRT_LIB=str(library), POLYGRAPHY_PYTHON=sys.executable,
                        LD_LIBRARY_PATH=str(FAKE / "cuda"), **env)
            done = subprocess.Popen([PROGRAM, "run", *words, "--trt", "--save-outputs", str(out)],
                                    env=full, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.text = done.stdout.read()
            _, status, usage = os.wait4(done.pid, 0)  # also of its children
            self.exit = done.returncode = os.waitstatus_to_exitcode(status)
            self.peak_mib = usage.ru_maxrss / 1024
            self.calls = log.read_text().splitlines() if log.exists() else []
            self.python_calls = pathlib.Path(f"{log}.python").read_text().splitlines() \
                if os.path.exists(f"{log}.python") else []
            self.outputs = arrays(out) if out.exists() else []

    def check(self, condition, what):
        if not condition:
            failures.append(f"{self.words} (version {self.version}): {what}\n{self.text}"
                            + "\n".join(self.calls))

    def passes(self):
        self.check(self.exit == 0, f"exit code {self.exit}")
        self.check("objects alive: 0" in self.calls, "objects are left")
        return self

    def fails(self, *texts):
        self.check(self.exit == 1, f"exit code {self.exit}, not 1")
        for text in texts:
            self.check(text in self.text, f"no '{text}' in the output")
        if self.calls and "--use-subprocess" not in self.words:  # which ends without cleaning up
            self.check("objects alive: 0" in self.calls, "objects are left")
        return self

    def calls_has(self, *lines):
        for line in lines:
            self.check(line in self.calls, f"no call '{line}'")
        return self

    def calls_lacks(self, *starts):
        for start in starts:
            self.check(not any(c.startswith(start) for c in self.calls), f"a call '{start}'")
        return self


def arrays(path):
    found = []

    def walk(v):
        if isinstance(v, dict):
            if isinstance(v.get("array"), str):
                found.append(np.load(io.BytesIO(base64.b64decode(v["array"]))))
            for item in v.values():
                walk(item)
        elif isinstance(v, list):
            for item in v:
                walk(item)

    walk(json.loads(path.read_text()))
    return found


def run(*words, version=100600, **env):
    return Run([MODEL, *SHAPE, *words], version, **env)


# --- flags: option, and the numbers of BuilderFlag in 8.6, 10.6 and 11.1 (None: it has none) ---
FLAGS = {
    "--tf32": (7, 6, 6), "--fp16": (0, 0, "cast"), "--bf16": (None, 17, "cast"),
    "--fp8": (17, 15, None), "--int8": (1, 1, None), "--sparse-weights": (8, 7, 7),
    "--trt-safety-restricted": (9, 8, 8), "--refittable": (5, 4, 4), "--strip-plan": (None, 19, 18),
    "--direct-io": (12, 11, 11), "--version-compatible": (15, 13, 12),
    "--weight-streaming": (None, 21, 20), "--error-on-timing-cache-miss": (None, 16, 15),
    "--disable-compilation-cache": (None, 18, 17),
    "--version-compatible --exclude-lean-runtime": (16, 14, 13),
    "--precision-constraints obey": (10, 9, None), "--precision-constraints prefer": (11, 10, None),
}
VERSIONS = (8601, 100600, 110100)
for option, numbers in FLAGS.items():
    for version, number in zip(VERSIONS, numbers):
        r = run(*option.split(), version=version)
        if number is None:
            r.fails(option.split()[-1] if "exclude" in option else option.split()[0],
                    "has no builder flag")
        elif number == "cast":
            r.passes().calls_lacks("IBuilderConfig.setFlag").calls_has("IParser.parse 1 0")
        else:
            r.passes().calls_has(f"IBuilderConfig.setFlag {number} 0")

# TF32 is switched off unless asked for.
for version, number in zip(VERSIONS, (7, 6, 6)):
    run(version=version).passes().calls_has(f"IBuilderConfig.clearFlag {number} 0")
run("--precision-constraints", "none").passes().calls_lacks("IBuilderConfig.setFlag")

# --- what is no flag: words, version, calls or the sentence ---
OK = [
    ("--pool-limit workspace:16M tactic_dram:1e9", 100600,
     ["IBuilderConfig.setMemoryPoolLimit 0 16777216",
      "IBuilderConfig.setMemoryPoolLimit 4 1000000000"]),
    ("--tactic-sources cublas jit_convolutions", 100600, ["IBuilderConfig.setTacticSources 17 0"]),
    ("--tactic-sources jit_convolutions", 110100, ["IBuilderConfig.setTacticSources 2 0"]),
    ("--tactic-sources", 8601, ["IBuilderConfig.setTacticSources 0 0"]),
    ("--preview-features profile_sharing_0806", 100600,
     ["IBuilderConfig.setPreviewFeature 0 1", "IBuilderConfig.setPreviewFeature 1 0"]),
    ("--preview-features", 8601, ["IBuilderConfig.setPreviewFeature 2 0"]),
    ("--quantization-flags calibrate_before_fusion", 100600,
     ["IBuilderConfig.setQuantizationFlag 0 0"]),
    ("--quantization-flags", 8601, ["IBuilderConfig.clearQuantizationFlag 0 0"]),
    ("", 100600, ["IBuilderConfig.setProfilingVerbosity 2 0"]),
    ("--profiling-verbosity layer_names_only", 8601, ["IBuilderConfig.setProfilingVerbosity 0 0"]),
    ("--builder-optimization-level 5", 8601, ["IBuilderConfig.setBuilderOptimizationLevel 5 0"]),
    ("--hardware-compatibility-level ampere_plus", 100600,
     ["IBuilderConfig.setHardwareCompatibilityLevel 1 0", "IParser.setFlag 0 0"]),
    ("--max-aux-streams 3", 110100, ["IBuilderConfig.setMaxAuxStreams 3 0"]),
    ("--runtime-platform windows_amd64", 100600, ["IBuilderConfig.setRuntimePlatform 1 0"]),
    ("--tiling-optimization-level moderate", 110100,
     ["IBuilderConfig.setTilingOptimizationLevel 2 0"]),
    ("--strongly-typed", 100600, ["IBuilder.createNetworkV2 2 0"]),
    ("--strongly-typed", 110100, ["IBuilder.createNetworkV2 1 0"]),
    ("", 8601, ["IBuilder.createNetworkV2 1 0"]),
    ("", 100600, ["IBuilder.createNetworkV2 0 0"]),
    ("--onnx-flags native_instancenorm", 100600, ["IParser.setFlags 1 0"]),
    ("--plugin-instancenorm", 100600, ["IParser.clearFlag 0 0"]),
    ("--enable-uint8-asymmetric-quantization-dla", 110100, ["IParser.setFlag 1 0"]),
    ("", 110100, ["IParser.setBuilderConfig 0 0"]),
    ("--trt-outputs mark all", 100600, ["INetworkDefinition.markOutput h"]),
    ("--trt-outputs h", 100600,
     ["INetworkDefinition.unmarkOutput y", "INetworkDefinition.markOutput h"]),
    ("--trt-outputs h y --trt-exclude-outputs y", 8601, ["INetworkDefinition.unmarkOutput y"]),
    ("--trt-outputs-by-type elementwise", 8601, ["INetworkDefinition.markOutput h"]),
    ("--layer-precisions one:float16", 100600, ["ILayer.setPrecision one 1"]),
    ("--tensor-dtypes x:float16", 8601, ["ITensor.setType x 1"]),
    ("--all-tensor-dtypes bfloat16", 100600, ["ITensor.setType x 7", "ITensor.setType y 7"]),
    ("--tensor-formats x:[linear,chw4]", 110100, ["ITensor.setAllowedFormats x 9"]),
    ("--all-tensor-formats hwc8", 100600, ["ITensor.setAllowedFormats y 4"]),
    ("--mark-debug h", 100600, ["INetworkDefinition.markDebug h",
                                "IExecutionContext.setAllTensorsDebugState 1 0"]),
    ("--mark-unfused-tensors-as-debug-tensors", 110100,
     ["INetworkDefinition.markUnfusedTensorsAsDebugTensors 0 0",
      "IExecutionContext.setUnfusedTensorsDebugState 1 0"]),
    ("--optimization-profile 1", 100600, ["IExecutionContext.setOptimizationProfileAsync 1 0"]),
    ("--allocation-strategy static", 8601, ["ICudaEngine.createExecutionContext 0 0"]),
    ("--allocation-strategy profile", 100600,
     ["ICudaEngine.createExecutionContext 2 0", "ICudaEngine.getDeviceMemorySizeForProfile 0 0",
      "IExecutionContext.setDeviceMemoryV2 1 8192"]),
    ("--allocation-strategy runtime", 110100, ["IExecutionContext.setDeviceMemoryV2 1 3000"]),
    ("--allocation-strategy profile", 100000, ["IExecutionContext.setDeviceMemory 1 0"]),
    ("--dla-workspace-allocation-strategy shared_static", 110300,
     ["IRuntime.setDLAWorkspaceAllocationStrategy 1 0"]),
]
for words, version, calls in OK:
    run(*words.split(), version=version).passes().calls_has(*calls)

WRONG = [
    ("--pool-limit lake:1", 100600, ["--pool-limit LAKE", "it has WORKSPACE"]),
    ("--tactic-sources cudnn", 110100, ["--tactic-sources CUDNN", "EDGE_MASK_CONVOLUTIONS"]),
    ("--quantization-flags", 110100, ["--quantization-flags", "has no QuantizationFlag"]),
    ("--runtime-platform windows_amd64", 8601, ["--runtime-platform", "10.2 and newer"]),
    ("--tiling-optimization-level fast", 100600, ["10.8 and newer"]),
    ("--strongly-typed", 8601, ["--strongly-typed", "has no strongly typed networks"]),
    ("--fp16 --bf16", 110100, ["Leave one out"]),
    ("--calibration-cache c", 110100, ["has no int8 calibration"]),
    ("--save-tactics t.json", 110100, ["--save-tactics", "has no algorithm selector"]),
    ("--layer-precisions one:float16", 110100, ["has no precision of single layers"]),
    ("--layer-precisions one:float99", 100600, ["has no such type"]),
    ("--tensor-dtypes x:float16", 110100, ["change the types in the ONNX model"]),
    ("--tensor-formats x:[round]", 100600, ["--tensor-formats ROUND", "LINEAR"]),
    ("--mark-debug h", 8601, ["--mark-debug", "has no debug tensors"]),
    ("--mark-debug g", 100600, ["no tensor of that name; the closest one is"]),
    ("--mark-unfused-tensors-as-debug-tensors", 100600, ["10.12 and newer"]),
    ("--trt-outputs nowhere", 100600, ["--trt-outputs nowhere"]),
    ("--trt-outputs x", 100600, ["cannot make an input"]),
    ("--trt-exclude-outputs h", 100600, ["this tensor is no output"]),
    ("--trt-exclude-outputs y", 100600, ["No output of the TensorRT network is left"]),
    ("--trt-outputs-by-type brick", 100600, ["LayerType", "CONVOLUTION"]),
    ("--onnx-flags brick", 100600, ["OnnxParserFlag", "NATIVE_INSTANCENORM"]),
    ("--enable-uint8-asymmetric-quantization-dla", 100600, ["OnnxParserFlag"]),
    ("--optimization-profile 2", 100600, ["has 2 profile(s), counted from 0"]),
    ("--allocation-strategy runtime", 8601, ["has no choice of allocation strategy"]),
    ("--weight-streaming-budget 1G", 100600, ["no weights that can be streamed"]),
    ("--weight-streaming-budget 1G", 8601, ["has no weight streaming"]),
    ("--use-dla", 100600, ["no DLA hardware is available"]),
    ("--calib-base-cls Nothing --int8", 100600, ["IInt8MinMaxCalibrator"]),
    ("--plugins /nowhere.so", 100600, ["/nowhere.so"]),
    ("--device 7", 100600, ["There is no GPU number 7: the driver shows 2"]),
    ("--device -1", 100600, ["no number of a GPU"]),
    ("--decomposable-attentions", 100600, ["--decomposable-attentions", "10.14 and newer"]),
    ("--dla-workspace-allocation-strategy default", 110100, ["11.3 and newer"]),
    ("--dla-workspace-allocation-strategy round", 110300, ["DEFAULT, SHARED_STATIC"]),
    ("--compute-capabilities 8.6", 110300, ["--compute-capabilities", "for the GPU at hand"]),
]
for words, version, texts in WRONG:
    run(*words.split(), version=version).fails(*texts)

r = run("--decomposable-attentions", version=110100).passes()
r.check("the network has no attention layer" in r.text, "a warning that there is nothing to do")
run("--use-dla", "--allow-gpu-fallback", FAKE_TRT_DLA="1").passes().calls_has(
    "IBuilderConfig.setDefaultDeviceType 1 0", "IBuilderConfig.setDLACore 0 0",
    "IBuilderConfig.setFlag 3 0", "IBuilderConfig.setFlag 10 0")
run("--use-dla", FAKE_TRT_DLA="1").passes().calls_has("IBuilderConfig.setFlag 11 0")

# --- profiles ---
two = ("--trt-min-shapes x:[1,4] --trt-opt-shapes x:[2,4] --trt-max-shapes x:[8,4] "
       "--trt-min-shapes x:[9,4] --trt-max-shapes x:[20,4] --trt-opt-shapes x:[10,4]").split()
for version in VERSIONS:
    run(*two, version=version).passes().calls_has(
        "IOptimizationProfile.setDimensions x 0 [1, 4]",
        "IOptimizationProfile.setDimensions x 2 [8, 4]",
        "IOptimizationProfile.setDimensions x 1 [10, 4]",
        "IOptimizationProfile.setDimensions x 2 [20, 4]")
Run([MODEL], 100600).passes().calls_has("IOptimizationProfile.setDimensions x 1 [1, 4]")
shape = Run([MODEL, *SHAPE, "s:[5,6]"], 100600, FAKE_TRT_SHAPE_TENSOR="1")
shape.passes().calls_has("IOptimizationProfile.setShapeValues s 0 5 6", "shape tensor 5 6")
Run([MODEL, *SHAPE, "s:[5,6]"], 101100, FAKE_TRT_SHAPE_TENSOR="1").passes().calls_has(
    "IOptimizationProfile.setShapeValuesV2 s 2 5 6")
r = run("--trt-min-shapes", "nobody:[1]")
r.passes().check("'nobody', which is no input" in r.text, "no message about the unknown input")

# --- numbers that come out ---
for version in (8601, 100000, 100600, 101500, 110100):
    r = run("--iterations", "3", "--validate", version=version).passes()
    r.check(len(r.outputs) == 3 and all(o.shape == (3, 4) and o.dtype == np.float32
                                        for o in r.outputs), "three outputs of 3 x 4")
    r.check(all((o >= 2).all() and (o <= 3).all() for o in r.outputs), "inputs plus 2")
    r.check("0.25 ms" in r.text, "the time of the events")
r = run("--mark-debug", "h").passes()
r.check(len(r.outputs) == 2 and np.allclose(r.outputs[0] - 1, r.outputs[1]), "the debug tensor")
plain, packed = run().passes(), run(FAKE_TRT_FORMAT="1").passes()
packed.check(np.array_equal(plain.outputs, packed.outputs), "a vectorized input")
r = Run([MODEL, "--input-shapes", "x:[0,4]"]).passes()
r.check([o.shape for o in r.outputs] == [(0, 4)], "an empty output")
r = run("--fp16")
r.passes().check("1 FP16, 1 FP32" in r.text, "the report of precisions")

# --- weight streaming ---
for budget, call in (("50%", "500"), ("-2", "1000"), ("100%", "1000"), ("-1", "123"), ("77", "77")):
    run("--weight-streaming-budget", budget, FAKE_TRT_STREAMABLE="1").passes().calls_has(
        f"ICudaEngine.setWeightStreamingBudget {call} 0")
run("--weight-streaming-budget", "100%", version=100000, FAKE_TRT_STREAMABLE="1").passes(
    ).calls_has("ICudaEngine.setWeightStreamingBudget 0 0")

# --- files: engine, timing cache, tactics, calibration cache ---
with tempfile.TemporaryDirectory() as folder:
    at = lambda name: str(pathlib.Path(folder, name))  # noqa: E731
    run("--save-engine", at("e.plan")).passes()
    r = Run([at("e.plan"), "--model-type", "engine", *SHAPE]).passes()
    r.calls_lacks("IBuilder").check([o.shape for o in r.outputs] == [(3, 4)], "an engine's output")
    pathlib.Path(at("cut.plan")).write_bytes(b"PLAN of")
    Run([at("cut.plan"), "--model-type", "engine"]).fails("cannot load the engine")
    pathlib.Path(at("none.plan")).write_bytes(b"")
    Run([at("none.plan"), "--model-type", "engine"]).fails("is empty")
    Run([at("e.plan"), "--model-type", "engine", *SHAPE, "--load-runtime", at("e.plan")]).passes(
        ).calls_has("IRuntime.loadRuntime " + at("e.plan"))

    r = run("--save-timing-cache", at("t.cache")).passes()
    r.check(pathlib.Path(at("t.cache")).read_bytes() == b"CACHE", "the cache's bytes")
    run("--load-timing-cache", at("t.cache"), "--save-timing-cache", at("t.cache")).passes(
        ).calls_has("IBuilderConfig.createTimingCache 5 0", "ITimingCache.combine 1 0")
    r = run("--load-timing-cache", at("nowhere.cache")).passes()
    r.check("not found" in r.text, "a warning about the missing cache")

    for version in (8601, 100600):
        run("--save-tactics", at("t.json"), version=version).passes().calls_has("selector chose 3 1")
        tactics = json.loads(pathlib.Path(at("t.json")).read_text())
        algorithm = tactics["replay"]["one"]
        r.check(algorithm["implementation"] == 2147483649 and algorithm["tactic"] == -6
                and algorithm["inputs"][0]["strides"] == [4, 1]
                and algorithm["outputs"][0]["dtype"] == "DataType.FLOAT", f"tactics {tactics}")
        run("--load-tactics", at("t.json"), version=version).passes().calls_has(
            "selector chose 1 1")
    tactics["replay"]["two"]["tactic"] = 77
    pathlib.Path(at("t.json")).write_text(json.dumps(tactics))
    run("--load-tactics", at("t.json")).fails("Layer two: the kernel in", "tactic 77")
    pathlib.Path(at("t.json")).write_text('{"replay": {"one": {"implementation": "x"}}}')
    run("--load-tactics", at("t.json")).fails("this is no tactic replay file")

    for version, name, number in ((8601, "IInt8EntropyCalibrator2", 2), (100600, "", 2),
                                  (100600, "IInt8MinMaxCalibrator", 3),
                                  (100600, "IInt8EntropyCalibrator", 1),
                                  (100600, "IInt8LegacyCalibrator", 0),
                                  (8601, "IInt8LegacyCalibrator", 0)):
        words = ["--int8", "--iterations", "4"] + (["--calib-base-cls", name] if name else [])
        r = run(*words, version=version).passes()
        r.calls_has(f"calibrator algorithm {number} 0", "IBuilderConfig.setCalibrationProfile 1 0")
        r.check(sum(c.startswith("calibrator batch") for c in r.calls) == 4, "four batches")
    run("--int8", "--calibration-cache", at("c.cache")).passes()
    r = run("--int8", "--calibration-cache", at("c.cache")).passes()
    r.calls_has("calibrator cache 6 0").calls_lacks("calibrator batch")
    run("--int8", "--iterations", "0").fails("no data for int8 calibration")
    # A script's function is called once for each calibration and once for the run.
    pathlib.Path(at("data.py")).write_text(
        "import gc, weakref\n"
        "import numpy as np\n"
        "n_calls = 0\n"
        "def load_data():\n"
        "    global n_calls\n"
        "    n_calls += 1\n"
        "    print('call', n_calls, flush=True)\n"
        "    for i in range(3):\n"
        "        yield {'x': np.full((3, 4), 10 * n_calls + i, np.float32)}\n"
        "def nothing():\n"
        "    return []\n"
        "def breaks():\n"
        "    yield from load_data()\n"
        "    raise ValueError('no more luck')\n"
        "def many():\n"
        "    global n_calls\n"
        "    n_calls += 1\n"
        "    for i in range(60 if n_calls == 1 else 1):\n"
        "        yield {'x': np.full((131072, 4), i, np.float32)}\n")
    for version in (8601, 100600):
        for words in ([], ["--streaming"], ["--use-subprocess"], ["--trt"]):
            r = run("--int8", "--data-loader-script", at("data.py"), *words, version=version)
            n = 2 if "--trt" in words else 1  # calibrations; the run's feeds are asked for behind the first one
            order = [10, 11, 12] + ([30, 31, 32] if n == 2 else [])
            if "--use-subprocess" not in words:  # whose calls are not written down
                r.check([c for c in r.calls if c.startswith("calibrator batch")]
                        == [f"calibrator batch {v}.000000" for v in order], "the batches of the script")
            r.check(r.exit == 0 and r.text.count("call ") == n + 1, "a call for each calibration, and one")
    run("--int8", "--data-loader-script", at("data.py:nothing")).fails("no data for int8 calibration")
    for words in ([], ["--use-subprocess"]):
        run("--int8", "--data-loader-script", at("data.py:breaks"), *words).fails("ValueError: no more luck")
    # TensorRT scripts build in Python, with a stand-in for the module there.
    pathlib.Path(at("edit.py")).write_text(
        "def postprocess(network):\n"
        "    print('edited', flush=True)\n")
    for words in ([], ["--use-subprocess"]):
        script = ["--trt-network-postprocess-script", at("edit.py"), "--int8", *words, "--data-loader-script"]
        r = run(*script, at("data.py"), PYTHONPATH=MODULE, **PRELOAD)
        r.check(r.exit == 0 and "edited" in r.text, "builds")
        r.check([c for c in r.python_calls if c.startswith("calibrator batch")]
                == [f"calibrator batch {v}.000000" for v in (10, 11, 12)], "the batches of the script")
        r.check(r.text.count("call") == 2, "a call for the run")
        run(*script, at("data.py:nothing"), PYTHONPATH=MODULE, **PRELOAD).fails("no data for int8 calibration")
        run(*script, at("data.py:breaks"), PYTHONPATH=MODULE, **PRELOAD).fails(
            "ValueError: no more luck (" + at("data.py") + ", line 14, in breaks)")
    # 120 MiB of calibration data, of which memory holds one batch.
    for version in (8601, 100600):
        for words in ([], ["--use-subprocess"]):
            r = Run([MODEL, "--input-shapes", "x:[131072,4]", "--int8", "--data-loader-script", at("data.py:many"),
                     *words], version)
            r.check(r.exit == 0, f"exit code {r.exit}")
            r.check(r.peak_mib < 110, f"{r.peak_mib:.0f} MiB are not one batch of 2 MiB")

# --- UFF and Caffe files, which 8.6 alone reads ---
def shaped(name, operation, shape):
    return wire.uff_node(name, operation, shape=wire.numbers(shape))


with tempfile.TemporaryDirectory() as folder:
    at = lambda name: str(pathlib.Path(folder, name))  # noqa: E731
    def uff(*nodes):  # noqa: E306
        pathlib.Path(at("m.uff")).write_bytes(wire.field(4, b"".join(wire.field(2, node) for node in nodes)))
        return at("m.uff")

    out = wire.uff_node("out", "MarkOutput")
    model = uff(shaped("x", "Input", [-1, 4]), out)
    r = Run([model, *SHAPE], 8601).passes().calls_has(
        "IBuilder.createNetworkV2 0 0", "IUffParser.registerInput x order 2 rank 1 of 4",
        "IUffParser.registerOutput out", "IBuilder.setMaxBatchSize 3 0", "IExecutionContext.enqueue 3 0")
    r.calls_lacks("IBuilderConfig.addOptimizationProfile")
    r.check([o.shape for o in r.outputs] == [(3, 4)] and (r.outputs[0] >= 2).all(), "inputs plus 2")
    Run([model], 8601).passes().calls_has("IBuilder.setMaxBatchSize 1 0")
    Run([model, *SHAPE, "--trt-max-shapes", "x:[8,4]"], 8601).passes().calls_has(
        "IBuilder.setMaxBatchSize 8 0", "IExecutionContext.enqueue 3 0")
    Run([model, *SHAPE, "--trt-max-shapes", "x:[2,4]"], 8601).fails("takes up to [2, 4]", "[3, 4]")
    Run([model, *two], 8601).fails("2 optimization profiles were given")
    Run([model, *SHAPE, "--trt-outputs", "h", "--fp16"], 8601).calls_has("INetworkDefinition.markOutput h")
    r = Run([model, *SHAPE, "--int8", "--iterations", "2"], 8601).passes()
    r.check(sum(c.startswith("calibrator batch") for c in r.calls) == 2, "two batches")
    Run([model, *SHAPE], 8601, FAKE_TRT_FORMAT="1").fails("vectorized format")
    Run([model, "--save-engine", at("u.plan")], 8601).passes()
    Run([uff(shaped("x", "Input", [-1, 28, 28, 1]), out)], 8601).calls_has(
        "IUffParser.registerInput x order 1 rank 3 of 28")
    Run([uff(shaped("x", "Input", [-1, -1]), out), *SHAPE], 8601).passes().calls_has(
        "IUffParser.registerInput x order 2 rank 1 of 4")
    Run([uff(shaped("x", "Input", [-1, -1]), out)], 8601).fails("Dimension 1 of the UFF input 'x' is open")
    Run([uff(wire.uff_node("x", "Input"), out)], 8601).fails("The UFF input 'x' has no shape")
    Run([uff(shaped("x", "Input", [1] * 10), out)], 8601).fails("more than 9 dimensions")
    Run([uff(out)], 8601).fails("no nodes Input and MarkOutput")
    pathlib.Path(at("m.uff")).write_bytes(b"\x22\x50cut")
    Run([at("m.uff")], 8601).fails("m.uff")
    model = uff(shaped("x", "Input", [-1, 4]), out)
    pathlib.Path(at("d.prototxt")).write_text('name: "d"')
    for method in ("registerInput", "registerOutput", "parse", "enqueue"):
        Run([model, *SHAPE], 8601, FAKE_TRT_FAIL=method).fails("made-up failure")
    for version in (100600, 110100):
        Run([model, *SHAPE], version).fails("--model-type uff", "has no parser of UFF files", "to ONNX")
        Run([at("d.prototxt")], version).fails("--model-type caffe", "has no parser of Caffe files")

    Run([at("d.prototxt")], 8601).fails("d.caffemodel", "there are 0")
    pathlib.Path(at("w.caffemodel")).touch()
    r = Run([at("d.prototxt"), *SHAPE], 8601).passes().calls_has(
        "ICaffeParser.parse w.caffemodel 0", "INetworkDefinition.markOutput y", "IExecutionContext.enqueue 3 0")
    r.calls_lacks("INetworkDefinition.markOutput h")
    pathlib.Path(at("d.caffemodel")).touch()
    Run([at("d.prototxt"), *SHAPE], 8601).passes().calls_has("ICaffeParser.parse d.caffemodel 0")
    Run([at("d.prototxt"), *SHAPE], 8601, FAKE_TRT_FAIL="parse").fails("cannot parse", "d.prototxt")
    Run([at("d.prototxt"), "--onnxrt"], 8601).fails("could not be converted to an ONNX model")

# --- failures of the libraries ---
for method, texts in {
    "createInferBuilder": ["could not create a builder", "made-up failure"],
    "parseFromFile": ["cannot take", "strange", "FooBar", "no importer for this"],
    "buildSerializedNetwork": ["could not build an engine", "made-up failure for the layer 'two'"],
    "createInferRuntime": ["could not create a runtime"],
    "createExecutionContext": ["could not create an execution context"],
    "setDimensions": ["refuses [3, 4] as the smallest shape of the input 'x'"],
    "setInputShape": ["refuses the shape [3, 4] of the input 'x'"],
    "enqueueV3": ["could not run the engine: made-up failure"],
    "createTimingCache": ["cannot use the timing cache"],
}.items():
    run(FAKE_TRT_FAIL=method).fails(*texts)
run(FAKE_CUDA_ERROR="cuInit:100").fails("looking for the GPU that TensorRT 10.6.0 needs",
                                        "a made-up error")
run(FAKE_CUDA_ERROR="cuStreamSynchronize:700").fails("CUDA failed while", "error 700")
Run([MODEL, "--input-shapes", "x:[100,4]"], FAKE_CUDA_LIMIT="1000").fails(
    "GPU memory is out: x needs 1600 bytes, 1000 of 2000 are free")
run(version=120000).fails("TensorRT 12.0.0 has an interface that this program does not know")
run(version=8501).fails("TensorRT 8.5.1", "8.6")
r = run(version=110900).passes()
r.check("is newer than the versions" in r.text, "a warning about the newer version")

# --repeat: sessions are opened on the engine that is there, builds are made each time.
r = run("--repeat", "3").passes()
n_builds = sum(c.startswith("IBuilder.buildSerializedNetwork") for c in r.calls)
r.check(n_builds == 4, f"{n_builds} builds: not those of the run, the first session and two more")
r.check("Determinism: PASSED" in r.text, "not deterministic")

for text in failures:
    print("FAILED:", text, "\n")
print(f"{len(failures)} failures")
sys.exit(1 if failures else 0)
