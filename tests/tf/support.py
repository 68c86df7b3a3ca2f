"""What the tests of --tf share: TEST.py POLYGRAPHY FOLDER, run by a Python that has TensorFlow."""
import base64
import io
import json
import os
import subprocess
import sys
import zlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

try:
    import numpy as np
    import tensorflow as tf
except ImportError as e:
    print("SKIPPED: TensorFlow's Python is not there (%s); set PX_TF_PYTHON" % e)
    sys.exit(77)

v1 = tf.compat.v1
BIN, SCRATCH = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
MODELS = os.environ.get("PX_MODELS", "")
NMP = os.path.join(MODELS, "basic-pitch/basic_pitch/saved_models/icassp_2022/nmp")
MMSPLICE = os.path.join(MODELS, "mmsplice/mmsplice/models")
failures = []


def check(ok, what):
    if not ok:
        failures.append(what)
        print("FAIL", what, flush=True)


def run(*words, rc=0, says=None, env=None):
    p = subprocess.run([BIN, "run", *map(str, words)], capture_output=True, text=True, cwd=SCRATCH, timeout=300,
                       env=dict(os.environ, **(env or {})))
    line = " ".join(map(str, words))
    text = p.stdout + p.stderr
    if rc == 1:
        check(text.count("[!]") == 1 and "Traceback" not in text, "%s: not one sentence:\n%s" % (line, text[-1500:]))
    check(p.returncode == rc, "%s: exit code %d, not %d:\n%s" % (line, p.returncode, rc, text[-1500:]))
    for part in [says] if isinstance(says, str) else says or []:
        check(part in text, "%s: does not say %r:\n%s" % (line, part, text[-1500:]))
    return text


def array(node):
    """An array as the tool saves it: base64 of zlib of a .npy, or of a .npy."""
    raw = base64.b64decode(node["array"])
    try:
        raw = zlib.decompress(raw)
    except zlib.error:
        pass
    return np.load(io.BytesIO(raw), allow_pickle=False)


def saved(words):
    """Runs with saved inputs and outputs; [(runner, outputs)], feed."""
    run(*words, "--save-inputs", "in.json", "--save-outputs", "out.json")
    with open(os.path.join(SCRATCH, "in.json")) as f:
        feed = {k: array(v) for k, v in json.load(f)[0].items()}
    with open(os.path.join(SCRATCH, "out.json")) as f:
        lst = json.load(f)["lst"]
    return [(name, {k: array(v["values"]) for k, v in its[0]["outputs"].items()})
            for name, its in lst], feed


def same_bits(what, got, want):
    check(sorted(got) == sorted(want), "%s: outputs %s, wanted %s" % (what, sorted(got), sorted(want)))
    for name in want:
        if name in got:
            ok = got[name].dtype == want[name].dtype and got[name].tobytes() == want[name].tobytes()
            check(ok, "%s: output %s differs from TensorFlow's own" % (what, name))


def run_all(tests):
    """The exit code."""
    for test in tests:
        try:
            test()
        except Exception as e:  # the other tests still say what they find
            check(False, "%s: %s: %s" % (test.__name__, type(e).__name__, e))
    print("%d failures" % len(failures))
    return bool(failures)
