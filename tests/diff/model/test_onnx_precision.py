#!/usr/bin/env python3
"""test_onnx_precision.py TOOL FOLDER... - models changed to float16 and bfloat16.

Every changed model must pass the onnx checker with strict type inference, keep the types of its
inputs and outputs, and hold no float32 weight that a float16 node could have read. ONNX Runtime
must run it where it runs the original, with results near the original's. Exit status 77: skipped.
"""
import pathlib
import subprocess
import sys
import tempfile
import zlib

try:
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import TensorProto as T
    from onnx import numpy_helper
except ImportError as error:
    print(f"SKIP: {error}")
    sys.exit(77)

TOOL, DATA = sys.argv[1], pathlib.Path(sys.argv[2])
failures = []
checked = 0
n_run = 0


def check(condition, what):
    global checked
    checked += 1
    if not condition:
        failures.append(what)
        print("FAILED:", what)


def convert(path, kind, out, *more):
    run = subprocess.run([TOOL, str(path), f"--fp-to-{kind}", "--save-onnx", str(out), *more],
                         capture_output=True, text=True)
    check(run.returncode == 0 or "opset 6 or newer" in run.stderr, f"{path} {kind}: {run.stderr}")
    return run


def strict(model):
    """None, or what the checker with type inference says."""
    try:
        onnx.checker.check_model(model, full_check=True)
        return None
    except Exception as error:  # the checker has several types for its complaints
        return str(error)


def io_types(model):
    weights = {t.name for t in model.graph.initializer}
    return ([(v.name, v.type.SerializeToString(deterministic=True)) for v in model.graph.input
             if v.name not in weights],
            [(v.name, v.type.SerializeToString(deterministic=True)) for v in model.graph.output])


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


SHAPES = {"melspectrogram.onnx": [1, 16000], "ch_PP-OCRv4_det_infer.onnx": [1, 3, 160, 160],
          "ch_PP-OCRv4_rec_infer.onnx": [1, 3, 48, 160],
          "ch_ppocr_mobile_v2.0_cls_infer.onnx": [1, 3, 48, 192], "silero_vad.onnx": [1, 512]}


def feeds_of(s, path):
    rng = np.random.default_rng(0)
    feeds = {}
    for i in s.get_inputs():
        shape = [d if isinstance(d, int) and d > 0 else 1 for d in i.shape]
        shape = SHAPES.get(path.name, shape) if len(shape) > 1 and i.name in ("x", "input") else shape
        kind = i.type[len("tensor("):-1]
        if kind in ("float", "double", "float16"):
            feeds[i.name] = rng.random(shape).astype({"float": "f4", "double": "f8"}.get(kind, "f2"))
        elif i.name == "sr":
            feeds[i.name] = np.array(16000, np.int64)
        elif kind == "bool":
            feeds[i.name] = np.ones(shape, bool)
        elif "int" in kind:
            feeds[i.name] = np.ones(shape, kind)
        else:
            return None
    return feeds


def compare_runs(path, changed):
    """Results near the original's, where ONNX Runtime runs the original at all."""
    global n_run
    try:
        s = session(path)
        feeds = feeds_of(s, path)
        want = s.run(None, feeds) if feeds is not None else None
    except Exception:
        return
    if want is None:
        return
    try:
        got = session(changed).run(None, feeds)
    except Exception as error:
        if "NOT_IMPLEMENTED" in str(error) or "is not supported with" in str(error):
            return  # no kernel for this type on this device
        return check(False, f"{path}: ONNX Runtime refuses the float16 model: {error}")
    n_run += 1
    for a, b, o in zip(want, got, s.get_outputs()):
        if not isinstance(a, np.ndarray) or a.dtype.kind != "f" or a.dtype != b.dtype:
            check(isinstance(b, type(a)) and getattr(a, "dtype", 0) == getattr(b, "dtype", 0),
                  f"{path}: {o.name} changed its type")
            continue
        if not np.all(np.isfinite(a)) or np.abs(a).max(initial=0) > 6e4:
            continue
        scale = max(np.abs(a).max(initial=0), 1e-3)
        error = np.abs(a - b).max(initial=0) / scale if a.shape == b.shape else np.inf
        # float16 has 11 bits; a deep network loses a few more.
        check(error < 0.05 or LOOSE & {path.name, path.parent.name}, f"{path}: {o.name} is off by {error:.3g}")


# Random numbers; a discontinuity that rounding tips over; made-up weights whose sums leave float16's
# range.
LOOSE = {"rand.onnx", "test_bernoulli_double", "test_blackmanwindow_expanded",
         "light_inception_v1.onnx", "light_squeezenet.onnx"}


def one(path):
    try:
        original = onnx.load(path)
    except Exception:
        return
    was_strict = strict(original) is None
    for kind, dtype in (("fp16", T.FLOAT16), ("bf16", T.BFLOAT16)):
        with tempfile.TemporaryDirectory() as tmp:
            out = pathlib.Path(tmp) / path.name
            run = convert(path, kind, out)
            if run.returncode:
                continue
            changed = onnx.load(out)
            check(io_types(changed) == io_types(original), f"{path} {kind}: inputs or outputs differ")
            if was_strict:
                complaint = strict(changed)
                check(complaint is None, f"{path} {kind}: {complaint}")
            if kind == "fp16":
                compare_runs(path, out)


def details():
    with tempfile.TemporaryDirectory() as tmp:
        out = pathlib.Path(tmp) / "m.onnx"
        run = convert(DATA / "precision.onnx", "fp16", out)
        m = onnx.load(out)
        weights = {t.name: numpy_helper.to_array(t) for t in m.graph.initializer}
        check(weights["wide"].dtype == np.float16 and weights["wide"].tobytes() == np.float16(
            [65504, -65504, 6e-8, -6e-8, 0, 1, np.inf, np.nan]).tobytes(), f"clamping: {weights['wide']}")
        check("[30] 4 elements of the weights lie outside the range of float16" in run.stderr,
              f"clamping is reported: {run.stderr}")
        check(weights["scales"].dtype == np.float32, "the scales of Resize stay float32")
        nodes = {n.name: n for n in m.graph.node}
        check([a.i for a in nodes["cast"].attribute] == [T.FLOAT16], "Cast follows")
        inner = nodes["branch"].attribute
        constant = [n for a in inner for n in a.g.node if n.op_type == "Constant"]
        check(constant[0].attribute[0].t.data_type == T.FLOAT16, "constants of subgraphs follow")
        check(not any(n.op_type == "Cast" for a in inner for n in a.g.node), "no casts inside")
        check([v.type.tensor_type.elem_type for v in m.graph.value_info] == [T.FLOAT16],
              "value_info follows")
        keep(out)
        convert(DATA / "precision.onnx", "bf16", out)
        wide = next(t for t in onnx.load(out).graph.initializer if t.name == "wide")
        check(wide.data_type == T.BFLOAT16, "bfloat16 weights")
        # Twice is once: the second run finds nothing in float32 to change but the inputs' casts.
        convert(DATA / "dyn.onnx", "fp16", out)
        again = pathlib.Path(tmp) / "again.onnx"
        run = convert(out, "fp16", again)
        check(strict(onnx.load(again)) is None, "converted twice")


def keep(out):
    """Operators that the user wants in float32 read and give float32; casts stand around them."""
    for kind, half in (("fp16", T.FLOAT16), ("bf16", T.BFLOAT16)):
        run = convert(DATA / "branches.onnx", kind, out, "--fp16-keep", "sigmoid", "Nothing")
        m = onnx.load(out)
        check(strict(m) is None, f"--fp16-keep {kind}: {strict(m)}")
        check("[30] --fp16-keep: the model has no operator 'Nothing'" in run.stderr and "'sigmoid'" not in run.stderr,
              f"--fp16-keep: operators that are not there are reported: {run.stderr}")
        types = {v.name: v.type.tensor_type.elem_type for v in onnx.shape_inference.infer_shapes(m).graph.value_info}
        kept = [n for n in m.graph.node if n.op_type == "Sigmoid"]
        others = [n for n in m.graph.node if n.op_type == "Relu"]
        check(kept and all(types.get(n.input[0], T.FLOAT) == T.FLOAT for n in kept), f"--fp16-keep {kind}: Sigmoid")
        check(others and all(types.get(n.output[0]) == half for n in others), f"--fp16-keep {kind}: Relu is converted")
        run = convert(DATA / "branches.onnx", kind, out)
        check(run.returncode == 0 and not all(
            {v.name: v.type.tensor_type.elem_type for v in onnx.shape_inference.infer_shapes(onnx.load(out)).graph.value_info}
            .get(n.input[0], T.FLOAT) == T.FLOAT for n in onnx.load(out).graph.node if n.op_type == "Sigmoid"),
            f"{kind}: Sigmoid is converted when nobody keeps it")


def main():
    details()
    for folder in sys.argv[2:]:
        for path in sorted(pathlib.Path(folder).rglob("*.onnx")) if folder else []:
            if "external_" in path.name or path.stat().st_size > 100e6 or path.name == "unusual.onnx":
                continue
            if path.stat().st_size < 3000 and folder != sys.argv[2] and \
                    zlib.crc32(path.parent.name.encode()) % 4:
                continue  # one in four of the thousand one-node models
            one(path)
    print(f"{checked - len(failures)} of {checked} checks passed, {n_run} models ran in float16")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
