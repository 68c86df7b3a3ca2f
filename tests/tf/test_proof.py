"""What --tf must show: test_proof.py POLYGRAPHY FOLDER WRITE_CONFIG, run by a Python that has TensorFlow.

Each kind of model against TensorFlow's own Python bit for bit, on one thread and on two; against the other
runners within the default tolerance; and what is written, read by those who define it. Needs PX_MODELS.
"""
import json
import os
import shutil
import subprocess
import sys

from support import BIN, MMSPLICE, NMP, SCRATCH, check, np, run, run_all, same_bits, saved, tf, v1

HERE = os.path.dirname(os.path.abspath(__file__))
# Those without layers of their own.
KERAS_FILES = [os.path.join(MMSPLICE, name + ".h5") for name in ("Donor", "Exon_prime3", "Intron3", "Intron5")]
LAYERS = os.path.join(HERE, "mmsplice_layers.py")
SOUND = ["--data-loader-script", os.path.join(HERE, "sound.py")]


def path(*names):
    return os.path.join(SCRATCH, *names)


def make_models():
    shutil.rmtree(SCRATCH, ignore_errors=True)
    subprocess.run([sys.executable, os.path.join(HERE, "make_models.py"), SCRATCH], check=True, capture_output=True)
    import keras
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((16, 4), name="signal"), keras.layers.Conv1D(8, 3, activation="relu"),
                              keras.layers.BatchNormalization(), keras.layers.LSTM(6), keras.layers.Dense(2, name="score")])
    model.save(path("written.keras"))
    call = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec([None, 16, 4], name="signal"))
    frozen = convert_variables_to_constants_v2(call)  # the usual way: the LSTM's loop is written out as nodes
    with open(path("loop.pb"), "wb") as f:
        f.write(frozen.graph.as_graph_def().SerializeToString())
    run(NMP, "--tf", "--save-pb", "nmp.pb", "--freeze-graph")


def shapes_of(name):
    """Of the Keras files: any length of sequence will do."""
    return [] if "Donor" in name or name.endswith(".keras") else ["--input-shapes", "%s:[1,40,4]" % input_of(name)]


def input_of(name):
    return {"Exon_prime3": "input_4:0", "Intron3": "input_5:0", "Intron5": "input_15:0"}[os.path.basename(name)[:-3]]


# --- the tests ---


def same_as_tensorflows_python():
    models = [("saved", NMP), ("frozen", path("nmp.pb")), ("frozen", path("loop.pb")), ("ckpt", path("ck", "model")), ("saved", path("saved")),
              ("keras", path("written.keras"))] + [("keras", f) for f in KERAS_FILES]  # fmt: skip
    for threads in (1, 2):
        models = models if threads == 1 else models[:-3]
        jobs = []
        for i, (kind, model) in enumerate(models):
            shapes = ["--input-shapes", "x:[5,4]"] if model.startswith(path("ck")) else []
            shapes = shapes_of(model) if kind == "keras" else shapes
            given = path("ck") if kind == "ckpt" else model
            runs, feed = saved([given, "--tf", "--threads", threads, "--val-range", "[-1,1]", *shapes])
            files = [path("%s%d.npz" % (name, i)) for name in ("feed", "want")]
            np.savez(files[0], **feed)
            jobs.append(({"kind": kind, "path": model, "feed": files[0], "outputs": list(runs[0][1]), "to": files[1]}, runs[0][1]))
        lines = "".join(json.dumps(job) + "\n" for job, _ in jobs)
        subprocess.run([sys.executable, os.path.join(HERE, "reference.py"), str(threads)], input=lines, text=True, check=True,
                       capture_output=True)
        for job, got in jobs:
            same_bits("%s on %d threads" % (job["path"], threads), got, dict(np.load(job["to"])))


def three_runners(model, *words, env=None):
    text = run(model, "--tf", "--onnxrt", "--pluginref", *words, says="PASSED | Runtime", env=env)
    check(text.count("All outputs matched") == 2, "%s: not all pairs were compared" % model)


def within_tolerance_of_the_others():
    for i, (model, words, tensor) in enumerate((
        (NMP, [], "serving_default_input_2:0"),
        ("nmp.pb", ["--threads", 1], "serving_default_input_2:0"),
        (NMP + ".onnx", ["--threads", 2], "serving_default_input_2:0"),
    )):
        three_runners(model, *SOUND, *words, env={"SOUND_INPUT": tensor, "SOUND_SEED": str(i + 1)})
    three_runners("ck", "--input-shapes", "x:[5,4]")
    three_runners("written.keras")
    for model in KERAS_FILES[:2]:  # each takes two starts of TensorFlow
        three_runners(model, *shapes_of(model))
    for name in ("Acceptor", "mtsplice_deep0"):
        three_runners(os.path.join(MMSPLICE, name + ".h5"), "--keras-layers", LAYERS)


def settings_as_tensorflow_reads_them():
    for threads, fraction, growth, xla in ((1, None, False, False), (2, 0.25, False, False), (300, 1.0, True, True)):
        words = [str(threads), "-" if fraction is None else str(fraction), str(int(growth)), str(int(xla))]
        data = subprocess.run([sys.argv[3], *words], capture_output=True, check=True).stdout
        want = v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads,
                              gpu_options=v1.GPUOptions(per_process_gpu_memory_fraction=fraction or 0.9, allow_growth=growth))
        if xla:
            want.graph_options.optimizer_options.global_jit_level = v1.OptimizerOptions.ON_1
        got = v1.ConfigProto.FromString(data)
        check(got == want, "settings %s: %s, wanted %s" % (words, got, want))
        check(got.SerializeToString(deterministic=True) == data, "settings %s: not as TensorFlow writes them" % words)


def nodes_in(stats):
    return sorted(node.node_name for device in stats.dev_stats for node in device.node_stats)


def a_timeline_has_what_ran():
    run("nmp.pb", "--tf", "--threads", 1, "--save-timeline", "tl", "--iterations", 2)
    config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    with tf.Graph().as_default() as graph, v1.Session(config=config) as session:
        with open(path("nmp.pb"), "rb") as f:
            tf.import_graph_def(v1.GraphDef.FromString(f.read()), name="")
        feed = {op.outputs[0]: np.zeros([d or 1 for d in op.outputs[0].shape], "f")
                for op in graph.get_operations() if op.type == "Placeholder"}  # fmt: skip
        fetched = [t for op in graph.get_operations() for t in op.outputs if op.type != "Const" and not t.consumers()]
        for i in range(2):
            metadata = v1.RunMetadata()
            session.run(fetched, feed, v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE), metadata)
            with open(path("tl", "run-%d.json" % i)) as f:
                trace = json.load(f)["traceEvents"]
            got = sorted(e["args"]["node"] for e in trace if e["ph"] == "X")
            want = nodes_in(metadata.step_stats)
            check(len(got) > 50 and got == want, "timeline %d: %d nodes, TensorFlow says %d: %s"
                  % (i, len(got), len(want), sorted(set(got) ^ set(want))[:9]))


def tensorboard_shows_the_graph():
    try:
        from tensorboard.backend.event_processing import event_accumulator
    except ImportError as e:
        print("not run: TensorBoard (%s)" % e)
        return
    run("nmp.pb", "--tf", "--save-tensorboard", "tb")
    events = event_accumulator.EventAccumulator(path("tb")).Reload()
    check(events.Tags()["graph"] is True, "TensorBoard: %s" % events.Tags())
    with open(path("nmp.pb"), "rb") as f:
        want = v1.GraphDef.FromString(f.read())
    got = v1.GraphDef.FromString(events.Graph().SerializeToString())
    for node in got.node:  # what importing adds
        for name in [n for n in node.attr if n.startswith("_")]:
            del node.attr[name]
    want = {n.name: (n.op, list(n.input)) for n in want.node}
    got = {n.name: (n.op, list(n.input)) for n in got.node}
    check(got == want, "TensorBoard: another graph: %s" % sorted(set(got) ^ set(want))[:9])


if not os.path.isdir(NMP) or not all(map(os.path.exists, KERAS_FILES)):
    print("SKIPPED: basic-pitch and mmsplice are not there; set PX_MODELS")
    sys.exit(77)
make_models()
sys.exit(run_all([same_as_tensorflows_python, within_tolerance_of_the_others, settings_as_tensorflow_reads_them,
                  a_timeline_has_what_ran, tensorboard_shows_the_graph]))  # fmt: skip
