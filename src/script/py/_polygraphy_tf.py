"""TensorFlow's own Python, for what its C interface cannot do: freezing, Keras files, ONNX.

Run with python3 -c. Arguments: kind of model, path, file descriptors that the frozen graph and the
ONNX model are written to ("-": not wanted), operator set, segment size ("-": no TF-TRT), 0 or 1 for
dynamic engines, file with layers ("-": none), output tensors. What goes wrong in a known way ends with a line that
starts with MARK and exit code 3.
"""
import os
import re
import runpy
import sys

MARK = "polygraphy: "
# Nodes that are not there to compute: backend/tf/ports.c has the same list.
SILENT = {
    "Const", "Placeholder", "PlaceholderWithDefault", "NoOp", "Assert", "Print", "Variable", "VariableV2",
    "VarHandleOp", "ReadVariableOp", "VarIsInitializedOp", "IsVariableInitialized", "Assign", "AssignAdd",
    "AssignSub", "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "SaveV2", "RestoreV2",
    "ShardedFilename", "MergeV2Checkpoints",
}  # fmt: skip


def fail(text):
    print(MARK + " ".join(str(text).split()), file=sys.stderr)
    sys.exit(3)


def is_number(tensor):
    return tensor.dtype.base_dtype.name not in ("string", "resource", "variant")


def places(graph):
    """Nodes inside a loop's frame or one arm of a conditional, which have no one value."""
    inside = {}
    for op in graph.get_operations():
        place = set().union(*(inside.get(t.op, set()) for t in op.inputs)) if op.inputs else set()
        if op.type in ("Enter", "RefEnter"):
            place = place | {"frame"}
        if op.type in ("Switch", "RefSwitch", "_SwitchN"):
            place = place | {"arm"}
        if op.type in ("Exit", "RefExit"):
            place = set()
        if op.type in ("Merge", "RefMerge"):
            place = place - {"arm"}
        inside[op] = place
    return inside


def ends_of(graph):
    """Names of the tensors that are fed, and of those that nothing depends on."""
    ops = graph.get_operations()
    inside = places(graph)
    inputs = [op.outputs[0].name for op in ops
              if op.type == "Placeholder" and (is_number(op.outputs[0]) or op.outputs[0].consumers())]
    outputs = []
    for op in ops:
        used = any(t.consumers() for t in op.outputs) or op._control_outputs
        if not used and op.type not in SILENT and not inside[op]:
            outputs += [t.name for t in op.outputs if is_number(t)]
    return inputs, outputs


def canonical(name):
    return name if ":" in name else name + ":0"


def node_of(name):
    return name.split(":")[0]


def signature_of(meta):
    signatures = meta.signature_def
    keys = ["serving_default"] + [k for k in sorted(signatures) if not k.startswith("__")]
    for key in keys:
        if key in signatures and signatures[key].outputs:
            s = signatures[key]
            return [s.inputs[k].name for k in sorted(s.inputs)], [s.outputs[k].name for k in sorted(s.outputs)]
    return None


def freeze(tf, session, ends, wanted):
    inputs, outputs = ends
    outputs = [canonical(n) for n in wanted] or outputs
    graph = session.graph
    for name in outputs:
        try:
            graph.get_tensor_by_name(name)
        except (KeyError, ValueError):
            fail("--tf-outputs: the graph has no tensor '%s'." % name)
    if not outputs:
        fail("The graph has no output: no tensor of numbers is left that nothing depends on. Name some with --tf-outputs.")
    nodes = list(dict.fromkeys(node_of(n) for n in outputs))
    frozen = tf.compat.v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), nodes)
    kept = {n.name for n in frozen.node}
    return frozen, [n for n in inputs if node_of(n) in kept], outputs


def load_frozen(tf, path, wanted):
    graph_def = tf.compat.v1.GraphDef()
    with open(path, "rb") as f:
        try:
            graph_def.ParseFromString(f.read())
        except Exception as e:
            fail("%s is no frozen TensorFlow graph: %s" % (path, e))
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            return freeze(tf, session, ends_of(graph), wanted)


def load_saved(tf, path, wanted):
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    with open(os.path.join(path, "saved_model.pb"), "rb") as f:
        saved.ParseFromString(f.read())
    meta = next((m for m in saved.meta_graphs if "serve" in m.meta_info_def.tags), saved.meta_graphs[0])
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, list(meta.meta_info_def.tags), path)
        return freeze(tf, session, signature_of(meta) or ends_of(session.graph), wanted)


def load_ckpt(tf, prefix, wanted):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        saver = tf.compat.v1.train.import_meta_graph(prefix + ".meta", clear_devices=True)
        if saver is not None:
            saver.restore(session, prefix)
        return freeze(tf, session, ends_of(session.graph), wanted)


def users_layers(path):
    """Classes and functions of a user's file, by their names."""
    if path == "-":
        return {}
    try:
        return {k: v for k, v in runpy.run_path(path).items() if callable(v) and not k.startswith("_")}
    except Exception as e:
        fail("--keras-layers %s: %s: %s" % (path, type(e).__name__, e))


def load_keras(tf, path, wanted, layers="-"):
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    try:
        import keras
    except ImportError as e:
        fail("Keras files need the keras package, which %s cannot import (%s). Install it with %s -m pip install keras."
             % (sys.executable, e, sys.executable))
    try:
        model = keras.models.load_model(path, custom_objects=users_layers(layers), compile=False)
    except Exception as e:
        unknown = re.search(r"Unknown (\w+): '(\w+)'|Could not locate (class|function) '(\w+)'", str(e))
        if unknown:
            kind, name = [g for g in unknown.groups() if g]
            fail("%s has the %s '%s', which is not one of Keras. Name a Python file that defines it with --keras-layers."
                 % (path, kind, name))
        fail("Keras %s cannot load %s: %s" % (keras.__version__, path, e))
    specs = [tf.TensorSpec(t.shape, t.dtype, name=t.name.split(":")[0]) for t in model.inputs]
    call = tf.function(lambda *args: model(args[0] if len(args) == 1 else list(args), training=False))
    # Loops stay functions: tf2onnx knows those of Keras in that form only.
    frozen = convert_variables_to_constants_v2(call.get_concrete_function(*specs), lower_control_flow=False)
    inputs = [t.name for t in frozen.inputs if is_number(t)]
    outputs = [t.name for t in frozen.outputs]
    graph_def = frozen.graph.as_graph_def()
    taken = {n.name for n in graph_def.node}
    names = getattr(model, "output_names", None) or [model.layers[-1].name]
    for i, name in enumerate(names[: len(outputs)]):
        node = next(n for n in graph_def.node if n.name == node_of(outputs[i]))
        if name not in taken and node.op == "Identity" and outputs.count(outputs[i]) == 1:
            node.name, outputs[i] = name, name + ":0"  # nothing depends on it
            taken.add(name)
    if wanted:
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(graph_def, name="")
            with tf.compat.v1.Session(graph=graph) as session:
                return freeze(tf, session, (inputs, outputs), wanted)
    return graph_def, inputs, outputs


LOADERS = {"frozen": load_frozen, "saved": load_saved, "ckpt": load_ckpt, "keras": load_keras}


def use_tensorrt(tf, graph_def, outputs, segment, dynamic):
    """TF-TRT: parts of the graph become nodes that run TensorRT engines."""
    enabled = False
    try:
        from tensorflow.compiler.tf2tensorrt._pywrap_py_utils import is_tensorrt_enabled

        enabled = is_tensorrt_enabled()
    except ImportError:
        pass
    if not enabled:
        fail("--tftrt: TensorFlow %s was built without TF-TRT; the GPU packages have it up to version 2.17. Use --trt, which "
             "runs the graph converted to ONNX." % tf.__version__)
    from tensorflow.python.compiler.tensorrt import trt_convert

    converter = trt_convert.TrtGraphConverter(
        input_graph_def=graph_def,
        nodes_denylist=[node_of(n) for n in outputs],
        minimum_segment_size=segment,
        is_dynamic_op=dynamic,
    )
    try:
        return converter.convert()
    except Exception as e:
        fail("--tftrt: TF-TRT cannot convert the graph: %s" % e)


def to_onnx(graph_def, inputs, outputs, opset):
    try:
        from tf2onnx import convert
    except ImportError as e:
        fail("Other runners need the model as ONNX, which takes the tf2onnx package, and %s cannot import it (%s). Install it "
             "with %s -m pip install tf2onnx." % (sys.executable, e, sys.executable))
    try:
        model, _ = convert.from_graph_def(graph_def, input_names=inputs, output_names=outputs, opset=opset)
    except Exception as e:
        fail("tf2onnx cannot convert the graph to ONNX operator set %d: %s" % (opset, e))
    return model.SerializeToString()


def write(fd, data):
    with os.fdopen(int(fd), "wb") as f:
        f.write(data)


def main(kind, path, graph_fd, onnx_fd, opset, segment, dynamic, layers, *wanted):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import tensorflow as tf
    except ImportError as e:
        fail("TensorFlow's Python package is needed, and %s cannot import it (%s). Install it with %s -m pip install "
             "tensorflow-cpu, or name another Python in POLYGRAPHY_PYTHON." % (sys.executable, e, sys.executable))
    more = [layers] if kind == "keras" else []
    graph_def, inputs, outputs = LOADERS[kind](tf, path, list(wanted), *more)
    if onnx_fd != "-":
        write(onnx_fd, to_onnx(graph_def, inputs, outputs, int(opset)))
    if segment != "-":
        graph_def = use_tensorrt(tf, graph_def, outputs, int(segment), dynamic == "1")
    if graph_fd != "-":
        write(graph_fd, graph_def.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
