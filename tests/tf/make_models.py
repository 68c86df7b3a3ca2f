"""Small TensorFlow models for tests in C: make_models.py FOLDER, run by a Python that has TensorFlow.

A checkpoint (ck), a SavedModel (saved), and frozen graphs: of one small network, of each element type,
and with a loop and a conditional of the old kind. 77 without TensorFlow.
"""
import os
import shutil
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

try:
    import numpy as np
    import tensorflow as tf
except ImportError as e:
    print("SKIPPED: TensorFlow's Python is not there (%s); set PX_TF_PYTHON" % e)
    sys.exit(77)

v1 = tf.compat.v1
FOLDER = sys.argv[1]
TYPES = [tf.float32, tf.float64, tf.float16, tf.bfloat16, tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8,
         tf.uint16, tf.uint32, tf.uint64, tf.bool, tf.as_dtype("int4")]  # fmt: skip


def path(*names):
    return os.path.join(FOLDER, *names)


def write(name, graph_def):
    with open(path(name), "wb") as f:
        f.write(graph_def.SerializeToString())


def network():
    x = v1.placeholder(tf.float32, [None, 4], name="x")
    w = v1.get_variable("w", initializer=np.random.RandomState(7).rand(4, 3).astype("f"), use_resource=True)
    b = v1.get_variable("b", initializer=np.full(3, 0.5, "f"), use_resource=False)
    hidden = tf.nn.relu(tf.matmul(x, w) + b, name="hidden")
    return x, tf.nn.softmax(hidden, name="prob"), tf.nn.top_k(hidden, 2, name="top").values


def old_control():
    v1.disable_control_flow_v2()
    x = v1.placeholder(tf.float32, [3], name="x")
    y = v1.cond(tf.reduce_sum(x) > 100.0, lambda: x * 2.0, lambda: x + 1.0)
    tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v + 1.0), (0, y), name="while")


shutil.rmtree(FOLDER, ignore_errors=True)
os.makedirs(path("ck"))
with tf.Graph().as_default() as graph, v1.Session() as session:
    x, prob, top = network()
    session.run(v1.global_variables_initializer())
    v1.train.Saver().save(session, path("ck", "model"))
    v1.saved_model.simple_save(session, path("saved"), {"x": x}, {"prob": prob, "top": top})
    write("frozen.pb", v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["prob", "top"]))
for name, make in (
    ("types.pb", lambda: [tf.identity(v1.placeholder(t, [2], name="in_" + t.name), name="out_" + t.name) for t in TYPES]),
    ("control.pb", old_control),
):
    with tf.Graph().as_default() as graph:
        make()
        write(name, graph.as_graph_def())
