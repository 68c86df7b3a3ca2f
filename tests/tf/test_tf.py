"""--tf end to end: test_tf.py POLYGRAPHY FOLDER, run by a Python that has TensorFlow.

Models are made once into FOLDER, a scratch folder. Outputs of the command are compared with those of
TensorFlow's own Python bit for bit: it is the same library, so there is no other right answer.
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import zipfile

from support import BIN, MMSPLICE, MODELS, NMP, SCRATCH, check, np, run, run_all, same_bits, saved, tf, v1

DONOR = os.path.join(MMSPLICE, "Donor.h5")


def run_session(session, names, feed):
    return dict(zip(names, session.run(names, feed)))


def run_frozen(path, names, feed):
    graph_def = v1.GraphDef()
    with open(path, "rb") as f:
        graph_def.ParseFromString(f.read())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with v1.Session(graph=graph) as session:
            return run_session(session, names, feed)


def make_models():
    shutil.rmtree(SCRATCH, ignore_errors=True)
    os.makedirs(os.path.join(SCRATCH, "ck"))
    rng = np.random.RandomState(7)
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        with v1.variable_scope("dense", use_resource=True):
            w = v1.get_variable("w", initializer=rng.rand(4, 3).astype("f"))
        b = v1.get_variable("b", initializer=rng.rand(3).astype("f"), use_resource=False)
        hidden = tf.nn.relu(tf.matmul(x, w) + b, name="hidden")
        tf.nn.softmax(hidden, name="prob")
        tf.nn.top_k(hidden, 2, name="top")
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            v1.train.Saver(sharded=False).save(session, os.path.join(SCRATCH, "ck", "model"))
    types = [tf.float32, tf.float64, tf.float16, tf.bfloat16, tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8,
             tf.uint16, tf.uint32, tf.uint64, tf.bool]  # fmt: skip
    graph_of("types.pb", lambda: [tf.identity(v1.placeholder(t, [2], name="in_" + t.name), name="out_" + t.name)
                                  for t in types])
    graph_of("string.pb", lambda: tf.identity(v1.placeholder(tf.string, [2], name="text"), name="y"))
    graph_of("cond.pb", cond)
    import keras

    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((8, 3), name="signal"), keras.layers.Conv1D(4, 3, activation="relu"),
                              keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(2, name="score")])
    model.save(os.path.join(SCRATCH, "small.keras"))


def cond():
    """The old kind of conditional: its arms cannot be fetched."""
    x = v1.placeholder(tf.float32, [3], name="x")
    v1.disable_control_flow_v2()
    y = v1.cond(tf.reduce_sum(x) > 100.0, lambda: x * 2.0, lambda: x + 1.0)
    tf.identity(y, name="y")


def graph_of(name, make):
    with tf.Graph().as_default() as graph:
        make()
        with open(os.path.join(SCRATCH, name), "wb") as f:
            f.write(graph.as_graph_def().SerializeToString())


# --- the tests ---


def checkpoints():
    want = ["prob:0", "top:0", "top:1"]
    with tf.Graph().as_default(), v1.Session() as session:
        prefix = os.path.join(SCRATCH, "ck", "model")
        v1.train.import_meta_graph(prefix + ".meta").restore(session, prefix)
        for words in (["ck"], ["ck", "--ckpt", "model"], ["ck/model.meta", "--model-type", "ckpt"]):
            runs, feed = saved([*words, "--tf", "--input-shapes", "x:[5,4]"])
            same_bits(" ".join(words), runs[0][1], run_session(session, want, feed))
    runs, feed = saved(["ck", "--tf", "--freeze-graph", "--save-pb", "ck.pb", "--tf-outputs", "prob:0"])
    frozen = run_frozen(os.path.join(SCRATCH, "ck.pb"), ["prob:0"], feed)
    same_bits("frozen checkpoint", runs[0][1], frozen)
    os.rename(os.path.join(SCRATCH, "ck/checkpoint"), os.path.join(SCRATCH, "ck/other"))
    run("ck", "--tf", rc=1, says=["no file named `checkpoint`", "--ckpt"])
    os.rename(os.path.join(SCRATCH, "ck/other"), os.path.join(SCRATCH, "ck/checkpoint"))
    shard = os.path.join(SCRATCH, "ck/model.data-00000-of-00001")
    os.rename(shard, shard + "x")
    run("ck", "--tf", rc=1, says="lacks its file")
    os.rename(shard + "x", shard)
    with open(os.path.join(SCRATCH, "ck/model.index"), "r+b") as f:
        f.truncate(20)
    run("ck", "--tf", rc=1, says=["TensorFlow reports", "restoring variables"])


def conversion():
    text = run("ck.pb", "--tf", "--onnxrt", "--pluginref", "--opset", "13", "--save-onnx", "ck.onnx",
               says="PASSED | Runtime")
    check(text.count("All outputs matched") == 2, "frozen graph on three runners: not all pairs compared")
    import onnx

    model = onnx.load(os.path.join(SCRATCH, "ck.onnx"))
    check(model.opset_import[0].version == 13, "--opset 13 gave %s" % model.opset_import)
    check([o.name for o in model.graph.output] == ["prob:0"], "outputs of the converted model")


def types_and_outputs():
    runs, feed = saved(["types.pb", "--tf"])
    check(len(runs[0][1]) == 13, "all types: %d outputs" % len(runs[0][1]))
    for name, value in runs[0][1].items():
        if name != "out_bfloat16:0":
            same_bits("types", {name: value}, {name: feed[name.replace("out_", "in_")]})
    run("string.pb", "--tf", rc=1, says="'text:0' is of type string")
    text = run("cond.pb", "--tf", "--tf-outputs", "mark", "all", says="PASSED")
    check("y:0" in text and "cond/mul" not in text, "mark all fetches the arm of a conditional:\n" + text)
    runs, _ = saved(["ck.pb", "--tf", "--tf-outputs", "hidden", "prob:0"])
    check(list(runs[0][1]) == ["hidden:0", "prob:0"], "--tf-outputs: %s" % list(runs[0][1]))
    run("ck.pb", "--tf", "--tf-outputs", "hiden:0", rc=1, says=["no tensor 'hiden:0'", "'hidden:0'"])


def keras_files():
    runs, feed = saved(["small.keras", "--tf", "--onnxrt", "--pluginref", "--save-pb", "k.pb"])
    check(len(runs) == 3 and list(runs[0][1]) == ["score:0"], "runs of a .keras file: %s" % runs)
    same_bits("small.keras", runs[0][1], run_frozen(os.path.join(SCRATCH, "k.pb"), ["score:0"], feed))
    import keras

    model = keras.models.load_model(os.path.join(SCRATCH, "small.keras"))
    want = model(feed["signal:0"], training=False).numpy()
    check(np.allclose(want, runs[0][1]["score:0"], 1e-6, 1e-6), "small.keras differs from Keras")
    write_own_layer()
    run("own.keras", "--tf", rc=1, says=["has the class 'Double', which is not one of Keras", "--keras-layers"])
    run("own.h5", "--tf", rc=1, says=["has the layer 'Double', which is not one of Keras", "--keras-layers"])
    run("own.h5", "--tf", "--keras-layers", "none.py", rc=1, says=["--keras-layers none.py", "none.py"])
    run("own.h5", "--tf", "--keras-layers", "broken.py", rc=1, says="--keras-layers broken.py: ImportError: not here")
    for name in ("own.keras", "own.h5"):
        runs, feed = saved([name, "--tf", "--onnxrt", "--keras-layers", "own.py"])
        same_bits(name, runs[0][1], {"double:0": 2 * feed["x:0"]})
    if os.path.exists(DONOR):
        run(DONOR, "--tf", "--onnxrt", says="PASSED | Runtime")


OWN_LAYER = """
import keras


class Double(keras.layers.Layer):
    def call(self, x):
        return 2 * x
"""


def write_own_layer():
    for name, text in (("own.py", OWN_LAYER), ("broken.py", "raise ImportError('not here')\n")):
        with open(os.path.join(SCRATCH, name), "w") as f:
            f.write(text)
    import keras

    defined = {}
    exec(OWN_LAYER, defined)
    model = keras.Sequential([keras.Input((3,), name="x"), defined["Double"](name="double")])
    model.save(os.path.join(SCRATCH, "own.keras"))
    model.save(os.path.join(SCRATCH, "own.h5"))


def saved_model():
    if not os.path.isdir(NMP):
        print("not run: basic-pitch (PX_MODELS)")
        return
    runs, feed = saved([NMP, "--tf"])
    names = sorted(runs[0][1])
    check(len(names) == 3, "basic-pitch: outputs %s" % names)
    with tf.Graph().as_default(), v1.Session() as session:
        v1.saved_model.load(session, ["serve"], NMP)
        same_bits("SavedModel", runs[0][1], run_session(session, names, feed))
    audio = ["--val-range", "[-1,1]", "--seed", "2"]  # why the seed matters: docs/tensorflow.md
    for model in (NMP, "nmp.pb", NMP + ".onnx"):
        save = ["--save-pb", "nmp.pb"] if model == NMP else []
        run(model, "--tf", "--onnxrt", "--pluginref", *audio, *save, says="PASSED | Runtime")
    runs, feed = saved(["nmp.pb", "--tf"])
    same_bits("frozen SavedModel", runs[0][1], run_frozen(os.path.join(SCRATCH, "nmp.pb"), names, feed))
    run(os.path.join(NMP, "saved_model.pb"), "--tf", rc=1, says="the file of a SavedModel; give the folder")


def reports():
    run("ck.pb", "--tf", "--save-tensorboard", "tb", "--save-timeline", "tl", "--iterations", "2", "--warm-up", "1",
        "--allow-growth", "--gpu-memory-fraction", "0.5")
    (events,) = glob.glob(os.path.join(SCRATCH, "tb", "events.out.tfevents.*"))
    graphs = [e for e in v1.train.summary_iterator(events) if e.graph_def]
    check(len(graphs) == 1, "TensorBoard: %d graphs" % len(graphs))
    with open(os.path.join(SCRATCH, "ck.pb"), "rb") as f:
        want = v1.GraphDef.FromString(f.read())
    got = v1.GraphDef.FromString(graphs[0].graph_def)
    check({n.name for n in got.node} == {n.name for n in want.node}, "TensorBoard: other nodes")
    check(sorted(os.listdir(os.path.join(SCRATCH, "tl"))) == ["run-%d.json" % i for i in range(3)], "timeline: files")
    with open(os.path.join(SCRATCH, "tl", "run-0.json")) as f:
        trace = json.load(f)["traceEvents"]
    spans = [e for e in trace if e["ph"] == "X"]
    nodes = [e["args"]["node"] for e in spans]
    check(len(nodes) == len(set(nodes)), "timeline: a node twice")
    check(any("MatMul" in e["name"] for e in spans), "timeline: no MatMul in %s" % {e["name"] for e in spans})
    check(all(e["dur"] >= 0 and e["ts"] > 0 for e in spans), "timeline: times")


def settings():
    run("ck.pb", "--tf", "--xla", says="PASSED")
    run("ck.pb", "--tf", "--gpu-memory-fraction", "1.5", rc=1, says="--gpu-memory-fraction 1.5")
    run("ck.pb", "--tf", "--tftrt", rc=1, says=["--tftrt", "2.17"])
    lonely = {"POLYGRAPHY_PYTHON": "/nonexistent/python"}
    run("small.keras", "--tf", rc=1, env=lonely, says=["/nonexistent/python cannot be run", "POLYGRAPHY_PYTHON"])
    with open(os.path.join(SCRATCH, "tf2onnx.py"), "w") as f:
        f.write("raise ImportError('not here')\n")
    run("ck.pb", "--onnxrt", rc=1, env={"PYTHONPATH": SCRATCH}, says=["pip install tf2onnx", "not here"])


# Stands in for TF-TRT, which no CPU package has: it marks the graph, and writes down what it was told.
TFTRT = """
import json, sys, types


class TrtGraphConverter:
    def __init__(self, input_graph_def, **told):
        self.graph, self.told = input_graph_def, told

    def convert(self):
        if self.told["minimum_segment_size"] > 10:
            raise RuntimeError("segments are too large")
        json.dump(self.told, open("tftrt.json", "w"))
        self.graph.node.add(name="was_converted", op="NoOp")
        return self.graph


def module(name, **names):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(names)


convert = types.SimpleNamespace(TrtGraphConverter=TrtGraphConverter)
module("tensorflow.compiler.tf2tensorrt._pywrap_py_utils", is_tensorrt_enabled=lambda: True)
module("tensorflow.python.compiler.tensorrt", trt_convert=convert)
module("tensorflow.python.compiler.tensorrt.trt_convert", __getattr__=lambda name: None)  # for the import
"""


def tftrt():
    where = os.path.join(SCRATCH, "standin")
    os.makedirs(where)
    with open(os.path.join(where, "sitecustomize.py"), "w") as f:
        f.write(TFTRT)
    env = {"PYTHONPATH": where}
    run("ck.pb", "--tf", "--tftrt", "--minimum-segment-size", "5", "--dynamic-op", "--save-pb", "trt.pb", env=env,
        says="PASSED | Runtime")
    with open(os.path.join(SCRATCH, "tftrt.json")) as f:
        told = json.load(f)
    check(told == {"nodes_denylist": ["prob"], "minimum_segment_size": 5, "is_dynamic_op": True}, "TF-TRT: %s" % told)
    with open(os.path.join(SCRATCH, "trt.pb"), "rb") as f:
        names = [n.name for n in v1.GraphDef.FromString(f.read()).node]
    check("was_converted" in names, "--tftrt runs the graph it was given")
    run("ck.pb", "--tf", "--tftrt", "--minimum-segment-size", "11", env=env, rc=1, says="segments are too large")


def wheel(folder, files):
    """The package tensorflow-cpu as far as pip looks."""
    about = "tensorflow_cpu-9.9.dist-info/"
    files = {**files, about + "METADATA": "Metadata-Version: 2.1\nName: tensorflow-cpu\nVersion: 9.9\n",
             about + "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
             about + "RECORD": ""}
    with zipfile.ZipFile(os.path.join(folder, "tensorflow_cpu-9.9-py3-none-any.whl"), "w") as z:
        for name, text in files.items():
            z.writestr(name, text)


def install():
    """`backends install tf` without a network: the package comes out of a folder."""
    home, wheels = os.path.join(SCRATCH, "data"), os.path.join(SCRATCH, "wheels")
    os.makedirs(wheels)
    env = dict(os.environ, XDG_DATA_HOME=home, PIP_NO_INDEX="1", PIP_FIND_LINKS=wheels, PIP_CONFIG_FILE=os.devnull)
    env.pop("VIRTUAL_ENV", None)
    library = os.path.join(home, "polygraphy/backends/tf/tensorflow/libtensorflow_cc.so.2")
    for files, rc, says in (
        ({}, 1, "holds no library of TensorFlow"),
        ({"tensorflow/libtensorflow_cc.so.2": "not yet"}, 0, "TensorFlow is ready: " + library),
    ):
        wheel(wheels, files)
        p = subprocess.run([BIN, "backends", "install", "tf"], capture_output=True, text=True, env=env)
        text = p.stdout + p.stderr
        check(p.returncode == rc and says in text, "backends install tf: %d\n%s" % (p.returncode, text))
    own = os.path.join(os.path.dirname(tf.__file__), "libtensorflow_cc.so.2")
    if os.path.exists(own) and os.path.exists(library):
        for name in ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2"):
            to = os.path.join(os.path.dirname(library), name)
            if os.path.exists(to):
                os.remove(to)
            os.symlink(os.path.join(os.path.dirname(own), name), to)
        p = subprocess.run([BIN, "run", "ck.pb", "--tf", "-vv"], capture_output=True, text=True, env=env, cwd=SCRATCH)
        check(p.returncode == 0 and "from " + library in p.stdout, "the installed library is not the one that runs")


def bad_files():
    data = open(os.path.join(SCRATCH, "ck.pb"), "rb").read()
    with open(os.path.join(SCRATCH, "cut.pb"), "wb") as f:
        f.write(data[: data.index(b"MatMul") + 3])  # between nodes it would be a smaller graph
    run("cut.pb", "--tf", rc=1, says="The file is damaged")
    with open(os.path.join(SCRATCH, "unknown.pb"), "wb") as f:
        f.write(data.replace(b"MatMul", b"MatMux"))
    run("unknown.pb", "--tf", rc=1, says="MatMux")
    run("ck.onnx", "--tf", "--model-type", "frozen", rc=1, says="an ONNX model")
    run("small.keras", "--tf", "--model-type", "frozen", rc=1, says="write --model-type keras")
    run("ck", "--tf", "--model-type", "frozen", rc=1, says="this is a folder")
    run("nowhere.pb", "--tf", rc=1, says="nowhere.pb")


def onnx_models():
    run("ck.onnx", "--tf", "--onnxrt", "--warm-up", "2", "--iterations", "3", "--save-outputs", "multi.json",
        says="PASSED | Runtime")
    run("ck.onnx", "--tf", "--onnxrt", "--onnx-outputs", "mark", "all", says="PASSED | Runtime")
    run("ck.onnx", "--tf", "--tf-outputs", "x", says="--tf-outputs counts for TensorFlow's graphs only")
    for name, *words in [
        ("light/onnx/backend/test/data/light/light_shufflenet.onnx",),
        ("light/onnx/backend/test/data/light/light_inception_v1.onnx",),
        ("rapidocr/rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx", "--input-shapes", "x:[1,3,64,64]"),
        ("rapidocr/rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx", "--input-shapes", "x:[1,3,48,160]"),
        ("openwakeword/openwakeword/resources/models/hey_mycroft_v0.1.onnx",),
        ("openwakeword/openwakeword/resources/models/hey_jarvis_v0.1.onnx",),
        ("openwakeword/openwakeword/resources/models/timer_v0.1.onnx",),
        ("openwakeword/openwakeword/resources/models/embedding_model.onnx",),
        ("openwakeword/openwakeword/resources/models/melspectrogram.onnx", "--input-shapes", "input:[1,16000]"),
        ("openwakeword/openwakeword/resources/models/silero_vad.onnx", "--input-shapes", "input:[1,512]",
         "--val-range", "input:[-1,1]", "sr:[16000,16000]"),
        ("openwakeword/openwakeword/resources/models/silero_vad.onnx", "--input-shapes", "input:[2,512]", "h:[2,2,64]",
         "c:[2,2,64]", "--val-range", "input:[-1,1]", "sr:[8000,8000]"),
        ("magika/magika/models/standard_v3_3/model.onnx", "--val-range", "bytes:[0,256]"),
    ]:
        path = os.path.join(MODELS, name)
        if os.path.exists(path):
            run(path, "--tf", "--onnxrt", "--pluginref", *words, says="PASSED | Runtime")
    import onnx
    from onnx import helper

    node = helper.make_node("Det", ["x"], ["y"], "the_det")
    info = helper.make_tensor_value_info
    graph = helper.make_graph([node], "g", [info("x", 1, [2, 2])], [info("y", 1, [])])
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 14)]),
              os.path.join(SCRATCH, "det.onnx"))
    run("det.onnx", "--tf", rc=1, says=["Det", "'the_det'"])
    # The arm that is not taken would fail: {n} = {4} cannot be reshaped to {3}.
    def arm(value):
        nodes = [helper.make_node("Constant", [], ["to"], value=helper.make_tensor("", 7, [1], [value])),
                 helper.make_node("Reshape", ["x", "to"], ["arm"])]
        return helper.make_graph(nodes, "arm", [], [info("arm", 1, None)])

    node = helper.make_node("If", ["c"], ["y"], then_branch=arm(4), else_branch=arm(3))
    graph = helper.make_graph([node], "g", [info("x", 1, ["n"]), info("c", 9, [])], [info("y", 1, None)])
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 14)]),
              os.path.join(SCRATCH, "if.onnx"))
    run("if.onnx", "--tf", "--onnxrt", "--input-shapes", "x:[4]", "--val-range", "c:[1,1]", says="PASSED | Runtime")
    run("if.onnx", "--tf", "--input-shapes", "x:[4]", "--val-range", "c:[0,0]", rc=1, says="TensorFlow reports")


def save(name, nodes, inputs, outputs, domains=(), functions=(), opset=16):
    """Writes a model; inputs and outputs are name: (element type, shape)."""
    from onnx import helper

    infos = [[helper.make_tensor_value_info(n, *t) for n, t in side.items()] for side in (inputs, outputs)]
    imports = [helper.make_opsetid("", opset)] + [helper.make_opsetid(d, 1) for d in domains]
    model = helper.make_model(helper.make_graph(nodes, "g", *infos), ir_version=8, opset_imports=imports,
                              functions=functions)
    with open(os.path.join(SCRATCH, name), "wb") as f:
        f.write(model.SerializeToString())


def constant(name, dims, values, kind=7):
    from onnx import helper

    return helper.make_node("Constant", [], [name], value=helper.make_tensor("", kind, dims, values))


def recurrent():
    from onnx import helper

    for op, n_gates in (("GRU", 3), ("RNN", 1), ("LSTM", 4)):
        shapes = {"x": ["t", "n", 3], "w": [2, 2 * n_gates, 3], "r": [2, 2 * n_gates, 2], "b": [2, 4 * n_gates]}
        inputs = {n: (1, s) for n, s in shapes.items()}
        node = helper.make_node(op, list(shapes) + ["len"], ["y", "h"], hidden_size=2, direction="bidirectional",
                                clip=0.75)
        save("rnn.onnx", [node], {**inputs, "len": (6, ["n"])}, {"y": (1, None), "h": (1, None)})
        run("rnn.onnx", "--tf", "--onnxrt", "--pluginref", "--input-shapes", "x:[5,3,3]", "len:[3]", "--val-range",
            "len:[1,5]", "[-1,1]", says="PASSED | Runtime")
    kinds = ["LeakyRelu", "HardSigmoid", "ThresholdedRelu"]
    node = helper.make_node("LSTM", ["x", "w", "r", "", "", "", "", "p"], ["y", "h", "c"], hidden_size=2, activations=kinds,
                            activation_alpha=[0.1, 0.3, 0.05], activation_beta=[0.4], input_forget=1)
    inputs = {"x": (1, [4, 2, 3]), "w": (1, [1, 8, 3]), "r": (1, [1, 8, 2]), "p": (1, [1, 6])}
    save("lstm.onnx", [node], inputs, {n: (1, None) for n in "yhc"})
    run("lstm.onnx", "--tf", "--onnxrt", "--pluginref", "--val-range", "[-1,1]", says="PASSED | Runtime")


def eight_bit():
    """One sequence, for ONNX Runtime rounds the states of each thread's sequences on their own, and signed weights of 6
    bits, so that no processor saturates a sum of two products. Then the models, where a state may be rounded to the
    other of two neighbouring steps, and what comes after it differs."""
    from onnx import helper, numpy_helper

    rng = np.random.RandomState(3)
    floats = lambda *dims: rng.uniform(-1, 1, dims).astype(np.float32)
    for name, kind, scales, inputs in (("all", np.uint8, (2, 16), "b len h c p"), ("few", np.int8, (2,), "")):
        low, zero = (0, 31) if kind == np.uint8 else (-63, 0)
        values = {"w": rng.randint(low, 64, (2, 5, 16)), "r": rng.randint(low, 64, (2, 4, 16)),
                  "wz": np.full(scales, zero), "rz": np.full(scales, zero)}
        values = {n: v.astype(kind) for n, v in values.items()}
        values.update(b=floats(2, 32), len=np.array([2], np.int32), h=floats(2, 1, 4), c=floats(2, 1, 4), p=floats(2, 12),
                      ws=abs(floats(*scales)) / 60, rs=abs(floats(*scales)) / 60)
        fixed = [helper.make_node("Constant", [], [n], value=numpy_helper.from_array(a)) for n, a in values.items()]
        given = inputs.split()
        words = ["x", "w", "r"] + [n if n in given else "" for n in ("b", "len", "h", "c", "p")] + ["ws", "wz", "rs", "rz"]
        node = helper.make_node("DynamicQuantizeLSTM", words, ["y", "yh", "yc"], domain="com.microsoft",
                                hidden_size=4, direction="bidirectional")
        save("int8_%s.onnx" % name, fixed + [node], {"x": (1, ["t", 1, 5])}, {n: (1, None) for n in ("y", "yh", "yc")},
             domains=["com.microsoft"])
        run("int8_%s.onnx" % name, "--tf", "--pluginref", "--onnxrt", "--input-shapes", "x:[3,1,5]", "--val-range", "[-1,1]",
            says="PASSED | Runtime")
    models = "text2tashkeel/text2tashkeel/models/"
    for name, shape, *words in (("rawi_ensemble", "input:[2,24]"), ("rawi", "input:[1,24]", "--atol", "0.5"),
                                ("bilstm", "input_ids:[1,24]", "--atol", "0.5")):
        path = os.path.join(MODELS, models + name + ".int8.onnx")
        if os.path.exists(path):
            run(path, "--tf", "--pluginref", "--input-shapes", shape, "--val-range", "[0,30]", *words,
                says="PASSED | Runtime")


def loops():
    from onnx import helper

    info = helper.make_tensor_value_info
    # x grows by a row at each of n steps; what is collected has a shape of its own; k comes from outside.
    body = helper.make_graph(
        [helper.make_node("Concat", ["v", "k"], ["v2"], axis=0), helper.make_node("ReduceSum", ["v"], ["s"], keepdims=0),
         helper.make_node("Identity", ["c"], ["c2"])],
        "body", [info("i", 7, []), info("c", 9, []), info("v", 1, None)],
        [info("c2", 9, []), info("v2", 1, None), info("s", 1, [])])  # fmt: skip
    nodes = [helper.make_node("Abs", ["x"], ["k"]), helper.make_node("Loop", ["n", "", "x"], ["y", "sums"], body=body)]
    outputs = {"y": (1, None), "sums": (1, None)}
    save("loop.onnx", nodes, {"n": (7, []), "x": (1, [1, 2])}, outputs)
    for n in ("4", "0"):
        run("loop.onnx", "--tf", "--onnxrt", "--pluginref", "--val-range", "n:[%s,%s]" % (n, n), says="PASSED | Runtime")
    # A loop inside an arm inside a loop, which ends when its sum passes a limit.
    inner = helper.make_graph(
        [helper.make_node("Mul", ["w", "x"], ["wx"]), helper.make_node("Add", ["wx", "v"], ["w2"]),
         helper.make_node("Identity", ["ci"], ["ci2"])],
        "inner", [info("j", 7, []), info("ci", 9, []), info("w", 1, None)], [info("ci2", 9, []), info("w2", 1, None)])
    arms = {"then_branch": helper.make_graph([helper.make_node("Loop", ["n", "", "v"], ["a"], body=inner)], "t", [],
                                             [info("a", 1, None)]),
            "else_branch": helper.make_graph([helper.make_node("Add", ["v", "x"], ["e"])], "e", [], [info("e", 1, None)])}
    body = helper.make_graph(
        [constant("two", [], [2]), constant("one", [], [1]), helper.make_node("Mod", ["i", "two"], ["odd"]),
         helper.make_node("Equal", ["odd", "one"], ["is_odd"]), helper.make_node("If", ["is_odd"], ["v2"], **arms),
         constant("limit", [], [50.0], 1), helper.make_node("ReduceMax", ["v2"], ["top"], keepdims=0),
         helper.make_node("Less", ["top", "limit"], ["c2"])],
        "body", [info("i", 7, []), info("c", 9, []), info("v", 1, None)],
        [info("c2", 9, []), info("v2", 1, None), info("v2", 1, None)])  # fmt: skip
    nodes = [helper.make_node("Loop", ["", "go", "x"], ["y", "all"], body=body)]
    save("nested.onnx", nodes, {"n": (7, []), "go": (9, []), "x": (1, ["m"])}, {"y": (1, None), "all": (1, None)})
    run("nested.onnx", "--tf", "--onnxrt", "--pluginref", "--input-shapes", "x:[3]", "--val-range", "n:[2,2]",
        "go:[1,1]", "x:[1,2]", says="PASSED | Runtime")


def scans():
    from onnx import helper

    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Add", ["s", "a"], ["s2"]), helper.make_node("Mul", ["s2", "b"], ["p"]),
         helper.make_node("Sub", ["p", "k"], ["q"])],
        "body", [info(n, 1, [2]) for n in "sab"], [info(n, 1, [2]) for n in ("s2", "p", "q")])  # fmt: skip
    node = helper.make_node("Scan", ["s0", "x", "z"], ["s", "y", "w"], body=body, num_scan_inputs=2,
                            scan_input_axes=[0, 1], scan_input_directions=[0, 1], scan_output_axes=[1, -1],
                            scan_output_directions=[1, 0])
    inputs = {"s0": (1, [2]), "x": (1, ["t", 2]), "z": (1, [2, "t"]), "k": (1, [2])}
    save("scan.onnx", [node], inputs, {n: (1, None) for n in "syw"})
    run("scan.onnx", "--tf", "--onnxrt", "--pluginref", "--input-shapes", "x:[5,2]", "z:[2,5]", says="PASSED | Runtime")
    node = helper.make_node("Scan", ["", "s0", "x", "z"], ["s", "y", "w"], body=body, num_scan_inputs=2, directions=[1, 0])
    inputs = {"s0": (1, [3, 2]), "x": (1, [3, "t", 2]), "z": (1, [3, "t", 2]), "k": (1, [2])}
    save("scan8.onnx", [node], inputs, {n: (1, None) for n in "syw"}, opset=8)
    run("scan8.onnx", "--tf", "--pluginref", "--input-shapes", "x:[3,4,2]", "z:[3,4,2]", says="PASSED | Runtime")


def sequences():
    from onnx import helper

    info = helper.make_tensor_value_info
    # Rows of x in parts of 2; one goes in second, one is taken out; a loop appends its counter's square.
    body = helper.make_graph(
        [helper.make_node("Mul", ["i", "i"], ["ii"]), helper.make_node("SequenceInsert", ["s", "ii"], ["s2"]),
         helper.make_node("Identity", ["c"], ["c2"])],
        "body", [info("i", 7, []), info("c", 9, []), helper.make_tensor_sequence_value_info("s", 7, None)],
        [info("c2", 9, []), helper.make_tensor_sequence_value_info("s2", 7, None)])  # fmt: skip
    nodes = [
        constant("two", [], [2]), constant("one", [], [1]), constant("minus", [], [-1]), constant("parts", [2], [3, 2]),
        constant("four", [], [4]), helper.make_node("SplitToSequence", ["x", "two"], ["a"]),
        helper.make_node("Neg", ["x"], ["neg"]), helper.make_node("SequenceInsert", ["a", "neg", "one"], ["b"]),
        helper.make_node("SequenceErase", ["b", "minus"], ["c"]), helper.make_node("SequenceErase", ["c", "minus"], ["d"]),
        helper.make_node("SequenceLength", ["d"], ["n"]), helper.make_node("SequenceAt", ["d", "minus"], ["last"]),
        helper.make_node("ConcatFromSequence", ["d"], ["all"], axis=0),
        helper.make_node("SplitToSequence", ["x", "parts"], ["e"]), helper.make_node("SequenceAt", ["e", "one"], ["tail"]),
        helper.make_node("SplitToSequence", ["x"], ["f"], axis=1, keepdims=0),
        helper.make_node("ConcatFromSequence", ["f"], ["turned"], axis=-1, new_axis=1),
        helper.make_node("SequenceEmpty", [], ["g"], dtype=7), helper.make_node("Loop", ["four", "", "g"], ["h"], body=body),
        helper.make_node("ConcatFromSequence", ["h"], ["squares"], axis=0, new_axis=1)]  # fmt: skip
    kinds = {"n": 7, "squares": 7}
    save("sequences.onnx", nodes, {"x": (1, [5, 3])},
         {n: (kinds.get(n, 1), None) for n in ("n", "last", "all", "tail", "turned", "squares")})
    run("sequences.onnx", "--tf", "--onnxrt", "--pluginref", says="PASSED | Runtime")


def functions():
    """A function of the model, with an attribute of its own that the caller gives or leaves to its default."""
    from onnx import helper

    def made(op, inputs, outputs, attr, stands_for):
        node = helper.make_node(op, inputs, outputs)
        node.attribute.add(name=attr, ref_attr_name=stands_for, type=1)
        return node

    opsets = [helper.make_opsetid("", 16)]
    leaky = helper.make_function("own", "Bend", ["a"], ["c"], [made("LeakyRelu", ["a"], ["b"], "alpha", "slope"),
                                                               helper.make_node("Neg", ["b"], ["c"])],
                                 opsets, [], [helper.make_attribute("slope", 0.5)])
    twice = helper.make_function("own", "Twice", ["a"], ["c"], [helper.make_node("Bend", ["a"], ["b"], domain="own"),
                                                                helper.make_node("Bend", ["b"], ["c"], domain="own", slope=0.25)],
                                 opsets + [helper.make_opsetid("own", 1)], [])
    node = helper.make_node("Twice", ["x"], ["y"], domain="own")
    save("function.onnx", [node], {"x": (1, [6])}, {"y": (1, [6])}, domains=["own"], functions=[leaky, twice])
    run("function.onnx", "--tf", "--onnxrt", "--pluginref", "--val-range", "[-1,1]", says="PASSED | Runtime")
    wrong = [helper.make_node("Transpose", ["x"], ["y"], "the_turn", perm=[0.5]),
             helper.make_node("RNN", ["x", "x", "x"], ["y"], "the_rnn", activations=[3], hidden_size=2),
             helper.make_node("DynamicQuantizeLSTM", ["x"] * 12, ["y"], "the_lstm", domain="com.microsoft")]  # fmt: skip
    for node, what in zip(wrong, ("perm", "activations", "hidden_size is 0")):
        save("wrong.onnx", [node], {"x": (1, [1, 2, 2])}, {"y": (1, None)}, domains=["com.microsoft"])
        run("wrong.onnx", "--tf", rc=1, says=["'%s'" % node.name, what])
    save("unknown.onnx", [helper.make_node("Bent", ["x"], ["y"], "the_bent", domain="own")], {"x": (1, [6])},
         {"y": (1, [6])}, domains=["own"])  # fmt: skip
    run("unknown.onnx", "--tf", rc=1, says=["own.Bent", "'the_bent'"])


make_models()
sys.exit(run_all([checkpoints, conversion, types_and_outputs, keras_files, saved_model, reports, settings, tftrt, install,
                  onnx_models, recurrent, eight_bit, loops, scans, sequences, functions,
                  bad_files]))  # fmt: skip
