"""The command with --trt and TensorRT-RTX, which builds engines without a GPU.

test_rtx.py PROGRAM ONNX_PYTHON MAKE_MODELS: runs in a Python with NVIDIA's bindings of the same
release. For each option the bindings are told the same, and both plans must be equal byte for byte:
the same network, profiles and configuration reached the builder. Running the engine needs a GPU, and
says so; so the command ends with exit code 1 either way.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

try:
    import tensorrt_rtx_bindings as trt
    import tensorrt_rtx_libs
except ImportError as e:
    print("SKIPPED: %s; tools/setup.sh test installs TensorRT-RTX" % e)
    sys.exit(77)

warnings.simplefilter("ignore")
PROGRAM, ONNX_PYTHON, MAKE_MODELS = sys.argv[1:]
LIBS = os.path.dirname(tensorrt_rtx_libs.__file__)
NEEDS_GPU = re.compile("can build without a GPU, but needs one to run|cannot load the engine")
failures, n_equal = [], 0


class Quiet(trt.ILogger):
    def __init__(self):
        trt.ILogger.__init__(self)

    def log(self, severity, message):
        pass


def build(model, change=None, network_flags=0, shapes=None, parser_flags=None):
    """The plan that the bindings build. `change(network, config)` is what the option stands for."""
    logger = Quiet()
    builder = trt.Builder(logger)
    network = builder.create_network(network_flags)
    config = builder.create_builder_config()
    parser = trt.OnnxParser(network, logger)
    parser.set_builder_config(config)
    if parser_flags is not None:
        parser.flags = parser_flags
    assert parser.parse_from_file(model), model
    config.clear_flag(trt.BuilderFlag.TF32)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if change is not None:
        change(network, config)
    for profile_shapes in shapes or [{}]:
        profile = builder.create_optimization_profile()
        for i in range(network.num_inputs):
            t = network.get_input(i)
            shape = [max(d, 1) for d in t.shape]
            profile.set_shape(t.name, *profile_shapes.get(t.name, [shape] * 3))
        config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    return b"" if plan is None else bytes(plan), network.num_layers, network.num_outputs


def reference(*args, **how):
    """The same in a process of its own: names in a plan depend on what was built before."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        plan, n_layers, n_outputs = build(*args, **how)
        with os.fdopen(w, "wb") as f:
            f.write(n_layers.to_bytes(4, "little") + n_outputs.to_bytes(4, "little") + plan)
        os._exit(0)
    os.close(w)
    with os.fdopen(r, "rb") as f:
        data = f.read()
    os.waitpid(pid, 0)
    return data[8:], int.from_bytes(data[:4], "little"), int.from_bytes(data[4:8], "little")


def command(words, env=None):
    done = subprocess.run([PROGRAM, "run", *words, "--trt"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=120, env=dict(os.environ, POLYGRAPHY_TRT_LIB=LIBS, **(env or {})))  # fmt: skip
    return done.returncode, done.stdout


def fail(words, what, text):
    failures.append("%s: %s\n%s" % (words, what, text))


def equal(model, words, change=None, **how):
    global n_equal
    with tempfile.TemporaryDirectory() as folder:
        at = os.path.join(folder, "plan")
        code, text = command([model, *words.split(), "--save-engine", at, "-v"])
        plan, n_layers, n_outputs = reference(model, change, **how)
        if code != 1 or not NEEDS_GPU.search(text):
            fail(words, "exit code %d, without the sentence about the GPU" % code, text)
        elif pathlib.Path(at).read_bytes() != plan:
            fail(words, "the plan is not that of the bindings", text)
        elif not re.search(r"Network Size +\| %d layers, 1 inputs, %d outputs" % (n_layers, n_outputs), text) and model == cnn:
            fail(words, "with the bindings the network has %d layers, %d outputs" % (n_layers, n_outputs), text)
        else:
            n_equal += 1


def says(words, *texts):
    code, text = command(words.split() if isinstance(words, str) else words)
    for wanted in texts:
        if wanted not in text:
            fail(words, "exit code %d, no %r" % (code, wanted), text)
    if code != 1:
        fail(words, "exit code %d" % code, text)
    return text


def flag(name):
    return lambda network, config: config.set_flag(getattr(trt.BuilderFlag, name))


def setting(name, value):
    return lambda network, config: setattr(config, name, value)


def mark_all(network, config):
    for i in range(network.num_outputs):
        network.unmark_output(network.get_output(0))
    for i in range(network.num_layers):
        layer = network.get_layer(i)
        if layer.type in (trt.LayerType.CONSTANT, trt.LayerType.SHAPE):
            continue
        for k in range(layer.num_outputs):
            network.mark_output(layer.get_output(k))


def tensor(network, name):
    return next(layer.get_output(k) for layer in network for k in range(layer.num_outputs)
                if layer.get_output(k).name == name)  # fmt: skip


def only_output(name):
    def change(network, config):
        t = tensor(network, name)
        network.unmark_output(network.get_output(0))
        network.mark_output(t)

    return change


def capabilities(*names):
    def change(network, config):
        config.num_compute_capabilities = len(names)
        for i, name in enumerate(names):
            config.set_compute_capability(getattr(trt.ComputeCapability, name), i)

    return change


with tempfile.TemporaryDirectory() as folder:
    subprocess.run([ONNX_PYTHON, MAKE_MODELS, folder], check=True)
    cnn, mlp, types, empty, wide = (os.path.join(folder, n + ".onnx") for n in ("cnn", "mlp", "types", "empty", "wide"))

    # --- the same plan ---
    for model in (cnn, mlp, types, empty, wide):
        equal(model, "")
    equal(cnn, "--tf32", flag("TF32"))
    for option, name in {"--sparse-weights": "SPARSE_WEIGHTS", "--trt-safety-restricted": "SAFETY_SCOPE",
                         "--direct-io": "DIRECT_IO", "--weight-streaming": "WEIGHT_STREAMING",
                         "--disable-compilation-cache": "DISABLE_COMPILATION_CACHE",
                         "--error-on-timing-cache-miss": "ERROR_ON_TIMING_CACHE_MISS"}.items():  # fmt: skip
        equal(cnn, option, flag(name))
    equal(cnn, "--strongly-typed", network_flags=1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    equal(cnn, "--builder-optimization-level 1", setting("builder_optimization_level", 1))
    equal(cnn, "--max-aux-streams 2", setting("max_aux_streams", 2))
    equal(cnn, "--profiling-verbosity none", setting("profiling_verbosity", trt.ProfilingVerbosity.NONE))
    equal(cnn, "--runtime-platform windows_amd64", setting("runtime_platform", trt.RuntimePlatform.WINDOWS_AMD64))
    equal(cnn, "--tiling-optimization-level full", setting("tiling_optimization_level", trt.TilingOptimizationLevel.FULL))
    equal(cnn, "--pool-limit workspace:64M tactic_dram:1G", lambda n, c: (
        c.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 64 << 20),
        c.set_memory_pool_limit(trt.MemoryPoolType.TACTIC_DRAM, 1 << 30)))  # fmt: skip
    equal(cnn, "--tactic-sources jit_convolutions", lambda n, c: c.set_tactic_sources(
        1 << int(trt.TacticSource.JIT_CONVOLUTIONS)))  # fmt: skip
    equal(cnn, "--preview-features aliased_plugin_io_10_03", lambda n, c: [
        c.set_preview_feature(f, f == trt.PreviewFeature.ALIASED_PLUGIN_IO_10_03)
        for f in trt.PreviewFeature.__members__.values()])  # fmt: skip
    equal(cnn, "--compute-capabilities 8.6 12.0", capabilities("SM86", "SM120"))
    equal(cnn, "--onnx-flags enable_plugin_override", parser_flags=1 << int(trt.OnnxParserFlag.ENABLE_PLUGIN_OVERRIDE))
    equal(cnn, "--trt-outputs mark all", mark_all)
    equal(cnn, "--trt-outputs r1", only_output("r1"))
    equal(cnn, "--mark-debug c2", lambda n, c: n.mark_debug(tensor(n, "c2")))
    equal(cnn, "--mark-unfused-tensors-as-debug-tensors", lambda n, c: n.mark_unfused_tensors_as_debug_tensors())
    equal(cnn, "--tensor-formats x:[linear,hwc]", lambda n, c: setattr(
        n.get_input(0), "allowed_formats", 1 << int(trt.TensorFormat.LINEAR) | 1 << int(trt.TensorFormat.HWC)))  # fmt: skip
    equal(mlp, "--trt-min-shapes x:[1,16] --trt-opt-shapes x:[4,16] --trt-max-shapes x:[9,16]",
          shapes=[{"x": [(1, 16), (4, 16), (9, 16)]}])  # fmt: skip
    equal(mlp, "--trt-min-shapes x:[1,16] --trt-opt-shapes x:[4,16] --trt-max-shapes x:[9,16] "
          "--trt-min-shapes x:[10,16] --trt-opt-shapes x:[20,16] --trt-max-shapes x:[30,16]",
          shapes=[{"x": [(1, 16), (4, 16), (9, 16)]}, {"x": [(10, 16), (20, 16), (30, 16)]}])  # fmt: skip

    # --- files ---
    at = lambda name: os.path.join(folder, name)  # noqa: E731
    says([cnn, "--save-engine", at("e.plan"), "--save-timing-cache", at("t.cache"), "-v"], "Saving engine to", "Saving tactic timing cache")
    for name in ("e.plan", "t.cache"):
        if not pathlib.Path(at(name)).stat().st_size:
            fail(name, "is empty", "")
    says([cnn, "--load-timing-cache", at("t.cache"), "-v"], "Loading tactic timing cache", "needs one to run")
    says([at("e.plan"), "--model-type", "engine"], "Loading bytes from", "needs one to run the engine")
    pathlib.Path(at("none.plan")).write_bytes(b"")
    says([at("none.plan"), "--model-type", "engine"], "Model file is empty")
    # A precision is a cast of the model.
    for option, name in (("--fp16", "float16"), ("--bf16", "bfloat16")):
        says([cnn, option, "-v"], "cast to " + name, "Finished engine building", "needs one to run")

    # --- what it has not, or not without a GPU: one sentence ---
    for words, texts in {
        "--int8": ["has no builder flag INT8", "QuantizeLinear"],
        "--fp8": ["has no builder flag FP8"],
        "--quantization-flags": ["has no QuantizationFlag"],
        "--hardware-compatibility-level ampere_plus": ["has no choice of hardware compatibility"],
        "--use-dla": ["has no deep learning accelerator"],
        "--calibration-cache c": ["has no int8 calibration"],
        "--layer-precisions a:float16": ["has no precision of single layers"],
        "--tensor-dtypes x:float16": ["change the types in the ONNX model"],
        "--save-tactics t": ["has no algorithm selector"],
        "--version-compatible": ["could not build an engine", "libnvinfer_lean"],
        "--refittable": ["could not build an engine"],
        "--strip-plan": ["could not build an engine"],
        "--compute-capabilities 8.7": ["cannot build for it", "SM89"],
        "--compute-capabilities current": ["could not build an engine"],
    }.items():
        says([cnn, *words.split()], "[!] ", *texts)
    says([at("nonzero.onnx")], "cannot take", "'n_nz' (NonZero)")
    says([at("unsupported.onnx")], "cannot take", "strange")

    # --- attention: an ONNX model, as the bindings cannot tell an attention from its layers ---
    subprocess.run([ONNX_PYTHON, "-c", """
import sys, onnx
from onnx import helper as h, TensorProto as T
io = [h.make_tensor_value_info(n, T.FLOAT16, [1, 2, 8, 16]) for n in "qkvy"]
g = h.make_graph([h.make_node("Attention", ["q", "k", "v"], ["y"])], "g", io[:3], io[3:])
onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 23)], ir_version=10), sys.argv[1])
""", at("attention.onnx")], check=True)  # fmt: skip
    says([at("attention.onnx"), "--decomposable-attentions", "-v"], "1 attention(s) may be decomposed", "Finished engine building")
    says([cnn, "--decomposable-attentions"], "the network has no attention layer")

for text in failures:
    print("FAILED:", text, "\n")
print("%d plans equal to those of the bindings, %d failures" % (n_equal, len(failures)))
sys.stdout.flush()
os._exit(1 if failures or n_equal < 29 else 0)
