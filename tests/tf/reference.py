"""TensorFlow's own Python on given models, in a process of its own since its threads are set once:

    reference.py THREADS    a job per line on stdin: {"kind", "path", "feed", "outputs", "to"}

`feed` and `to` are .npz files; of a Keras file the outputs are the model's own, in its order.
"""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
THREADS = int(sys.argv[1])


def keras_model(path, feed):
    import keras

    model = keras.models.load_model(path, compile=False)
    outputs = model([feed[t.name.split(":")[0] + ":0"] for t in model.inputs], training=False)
    return [np.asarray(t) for t in (outputs if isinstance(outputs, list) else [outputs])]


def load(session, kind, path):
    if kind == "saved":
        v1.saved_model.load(session, ["serve"], path)
    elif kind == "ckpt":
        v1.train.import_meta_graph(path + ".meta").restore(session, path)
    else:
        with open(path, "rb") as f:
            tf.import_graph_def(v1.GraphDef.FromString(f.read()), name="")


tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(THREADS)
config = v1.ConfigProto(intra_op_parallelism_threads=THREADS, inter_op_parallelism_threads=THREADS)
for line in sys.stdin:
    job = json.loads(line)
    feed = dict(np.load(job["feed"]))
    if job["kind"] == "keras":
        values = keras_model(job["path"], feed)
    else:
        with tf.Graph().as_default(), v1.Session(config=config) as session:
            load(session, job["kind"], job["path"])
            values = session.run(job["outputs"], feed)
    np.savez(job["to"], **dict(zip(job["outputs"], values)))
