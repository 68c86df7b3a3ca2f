"""TensorRT scripts through the command, with TensorRT-RTX, which builds without a GPU.

test_scripts.py PROGRAM ONNX_PYTHON MAKE_MODELS [LIBRARY]: runs in a Python with NVIDIA's bindings. Each
engine that is built with scripts must be, byte for byte, the one that the options alone give for the
same thing. LIBRARY is a sanitizer's runtime, which foreign programs need when ours has it (for LD_PRELOAD).
"""
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import tensorrt_rtx_bindings  # noqa: F401
    import tensorrt_rtx_libs
except ImportError as e:
    print("SKIPPED: %s; tools/setup.sh test installs TensorRT-RTX" % e)
    sys.exit(77)

PROGRAM, ONNX_PYTHON, MAKE_MODELS = sys.argv[1:4]
ENV = dict(os.environ, POLYGRAPHY_TRT_LIB=os.path.dirname(tensorrt_rtx_libs.__file__), POLYGRAPHY_PYTHON=sys.executable)
if len(sys.argv) > 4:
    ENV.update(LD_PRELOAD=sys.argv[4], ASAN_OPTIONS="detect_leaks=0")
failures, n_passed = [], 0

NETWORK = """
import tensorrt_rtx as trt

def load_network():
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    assert parser.parse_from_file(MODEL)
    return builder, network, parser

def two():
    return load_network()[:2]

def only_builder():
    return load_network()[0]
"""
SCRIPT = """
import tensorrt_rtx as trt

def postprocess(network):
    assert isinstance(network, trt.INetworkDefinition)
    for layer in network:
        for i in range(layer.num_outputs):
            t = layer.get_output(i)
            if t.name == "r1":
                network.mark_output(t)

def first(network):
    network.name = "first"

def second(network):
    assert network.name == "first"
    network.unmark_output(network.get_output(0))
    postprocess(network)

def load_config(builder, network):
    config = builder.create_builder_config()
    config.clear_flag(trt.BuilderFlag.TF32)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    config.builder_optimization_level = 2
    profile = builder.create_optimization_profile()
    t = network.get_input(0)
    profile.set_shape(t.name, t.shape, t.shape, t.shape)
    config.add_optimization_profile(profile)
    return config

def no_config(builder, network):
    return None

def postprocess_config(builder, network, config):
    assert isinstance(config, trt.IBuilderConfig) and network.num_inputs == 1
    config.builder_optimization_level = 2

def raises(network):
    raise ValueError("the user's mistake")

def exits(network):
    raise SystemExit(3)

def crashes(network):
    import ctypes
    ctypes.string_at(0)

class Marker:
    def __call__(self, network):
        postprocess(network)
"""


def run(words, **env):
    done = subprocess.run([PROGRAM, "run", *words, "--trt"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=120, env=dict(ENV, **env))  # fmt: skip
    return done.returncode, done.stdout


def engine(words, **env):
    at = os.path.join(folder, "plan")
    if os.path.exists(at):
        os.remove(at)
    code, text = run([*words, "--save-engine", at], **env)
    if code != 1 or "needs one to run the engine" not in text:
        failures.append("%s: exit code %d\n%s" % (words, code, text))
    return pathlib.Path(at).read_bytes() if os.path.exists(at) else b"", text


def equal(words, plain):
    global n_passed
    (a, text), (b, _) = engine(words), engine(plain)
    if a != b or not a:
        failures.append("%s: not the engine of %s\n%s" % (words, plain, text))
    else:
        n_passed += 1
    return text


def says(words, *texts, **env):
    global n_passed
    code, text = run(words, **env)
    missing = [t for t in texts if t not in text]
    if missing or code != 1:
        failures.append("%s: exit code %d, no %s\n%s" % (words, code, missing, text))
    else:
        n_passed += 1


with tempfile.TemporaryDirectory() as folder:
    subprocess.run([ONNX_PYTHON, MAKE_MODELS, folder], check=True)
    at = lambda name: os.path.join(folder, name)  # noqa: E731
    cnn, script, network = at("cnn.onnx"), at("script.py"), at("network.py")
    pathlib.Path(script).write_text(SCRIPT)
    pathlib.Path(network).write_text(NETWORK.replace("MODEL", repr(cnn)))

    equal([network], [cnn])
    equal([network + ":two", "--model-type", "trt-network-script"], [cnn])
    equal([network, "--builder-optimization-level", "1", "--trt-outputs", "r1"],
          [cnn, "--builder-optimization-level", "1", "--trt-outputs", "r1"])  # fmt: skip
    equal([cnn, "--trt-network-postprocess-script", script], [cnn, "--trt-outputs", "logits", "r1"])
    equal([cnn, "--trt-npps", script + ":Marker"], [cnn, "--trt-outputs", "logits", "r1"])
    equal([cnn, "--trt-npps", script + ":first", script + ":second"],
          [network, "--trt-npps", script + ":first", script + ":second"])  # fmt: skip
    equal([cnn, "--trt-config-script", script], [cnn, "--builder-optimization-level", "2"])
    # Other options of the configuration do not count then.
    equal([cnn, "--trt-config-script", script, "--sparse-weights"], [cnn, "--builder-optimization-level", "2"])
    equal([cnn, "--trt-config-postprocess-script", script, "--sparse-weights"],
          [cnn, "--builder-optimization-level", "2", "--sparse-weights"])  # fmt: skip
    # Messages of the library in the worker, and of TensorRT through the script's logger, are shown here.
    for words in ([cnn, "--trt-cpps", script, "-v"], [network, "-v"]):
        text = run(words)[1]
        for wanted in ("Building engine with configuration:", "Finished engine building", "Optimization Level     |"):
            if text.count(wanted) != 1:
                failures.append("%s: not once %r\n%s" % (words, wanted, text))

    npps = [cnn, "--trt-npps"]
    says([*npps, script + ":raises"], "[!] --trt-network-postprocess-script", ":raises: ValueError: the user's mistake", "in raises")
    says([*npps, script + ":exits"], "sys.exit(3)")
    says([*npps, script + ":crashes"], "the Python process", "in crashes")
    says([*npps, script + ":nothing"], "Could not import symbol: nothing", "postprocess")
    says([*npps, at("missing.py")], "there is no such file")
    says([cnn, "--trt-config-script", script + ":no_config"], "no_config: returned NoneType instead of a tensorrt.IBuilderConfig")
    says([network + ":only_builder"], "only_builder: returned Builder instead of a builder, a network")
    says([cnn, "--trt-cpps", script, "--use-dla"], "has no deep learning accelerator")
    says([at("unsupported.onnx"), "--trt-cpps", script], "cannot take", "strange")
    says([cnn, "--trt-cpps", script], "needs the Python module tensorrt_rtx", "POLYGRAPHY_PYTHON", POLYGRAPHY_PYTHON=ONNX_PYTHON)
    says([cnn, "--trt-cpps", script], "cannot be run", POLYGRAPHY_PYTHON="/nowhere/python")

for text in failures:
    print("FAILED:", text, "\n")
print("%d passed, %d failures" % (n_passed, len(failures)))
sys.exit(1 if failures else 0)
