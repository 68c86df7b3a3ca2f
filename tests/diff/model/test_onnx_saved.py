#!/usr/bin/env python3
"""test_onnx_saved.py POLYGRAPHY MODELS - whole commands that change and save real models, by both.

Each option that changes or saves an ONNX model runs through the reference (in this process) and
through POLYGRAPHY, on real models. The saved models must be equal as graphs: nodes, names, order of
the outputs, weights bit for bit, external files; each must load in the onnx package and in ONNX
Runtime. Ours must pass onnx.checker; outputs that the reference leaves without a type, so that its
file fails there, must have the type that onnx.shape_inference finds. Verdicts and exit codes must be
equal too. With --shape-inference the value infos of both are counted against each other.
-k WORD runs only the cases whose name holds it. Exit status 77 without the oracle or the models.
"""
import collections
import contextlib
import io
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
try:
    import onnx
    import onnxruntime
    from onnx import numpy_helper
    from polygraphy.tools import main as reference
except ImportError as error:
    print(f"SKIP: {error}")
    sys.exit(77)
from type_relation import relation, type_of, types_of

OURS, MODELS = sys.argv[1], pathlib.Path(sys.argv[2] or "/nonexistent")
WORD = sys.argv[sys.argv.index("-k") + 1] if "-k" in sys.argv else ""
ENV = {**os.environ, "NO_COLOR": "1"}
ENV.setdefault("VIRTUAL_ENV", sys.prefix)
ENV.setdefault("ASAN_OPTIONS", "detect_leaks=1:detect_odr_violation=0")
REAL = {  # model -> shapes of its inputs
    "magika/magika/models/standard_v3_3/model.onnx": [],
    "rapidocr/rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx": ["--input-shapes", "x:[1,3,48,192]"],
    "openwakeword/openwakeword/resources/models/hey_mycroft_v0.1.onnx": [],
}
failures = []
counts = collections.Counter()


def check(condition, what):
    counts["checks"] += 1
    if not condition:
        failures.append(what)
        print("FAILED:", what, flush=True)


# --- running both ---

def run_ours(words, folder):
    run = subprocess.run([OURS, "run", *words], cwd=folder, env=ENV, capture_output=True, text=True, errors="replace")
    return run.returncode, run.stdout + run.stderr


def run_theirs(words, folder):
    text, argv, here = io.StringIO(), sys.argv, os.getcwd()
    sys.argv = ["polygraphy", "run", *words]
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            code = reference()
    except SystemExit as error:
        code = error.code
    except Exception as error:  # how the reference ends on what it does not expect
        code = 1
        text.write(repr(error))
    finally:
        sys.argv = argv
        os.chdir(here)
    return code, text.getvalue()


def verdicts(log):
    return sorted(re.findall(r"(PASSED|FAILED) \| Output: '(.*?)'", log))


# --- saved models ---

def weight(tensor, folder):
    """One weight in a form that does not depend on where it lies."""
    return tensor.name, tensor.data_type, tuple(tensor.dims), numpy_helper.to_array(tensor, str(folder)).tobytes()


def without_types(graph, folder):
    """Nodes and inputs as bytes, weights, names of the outputs."""
    copy = onnx.GraphProto()
    copy.CopyFrom(graph)
    weights = [weight(t, folder) for t in copy.initializer]
    for field in ("initializer", "value_info", "output"):
        copy.ClearField(field)
    return copy.SerializeToString(deterministic=True), weights, [o.name for o in graph.output]


def complaint(path):
    try:
        onnx.checker.check_model(str(path), full_check=True)
        return None
    except Exception as error:  # the checker has several types for its complaints
        return str(error)


def loads(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return None
    except Exception as error:
        return str(error)


def compare_outputs(what, ours, theirs):
    """Types that the reference states are ours too; those that it leaves out are the true ones."""
    inferred = {v.name: type_of(v.type) for v in onnx.shape_inference.infer_shapes(theirs, data_prop=True).graph.output}
    for a, b in zip(ours.graph.output, theirs.graph.output):
        mine, other = type_of(a.type), type_of(b.type)
        if other is None:
            counts["outputs given a type"] += 1
            other = inferred[a.name]
        check(mine and relation(mine, other) in ("agree", "more"), f"{what}: output {a.name}: {mine} instead of {other}")
        if "inference" not in what and b.type.WhichOneof("value"):
            check(a.type == b.type, f"{what}: the type of output {a.name} is changed")


def compare_infos(what, ours, theirs):
    """Value infos: nothing that the reference finds may be missing or different."""
    mine, other = types_of(ours.graph), types_of(theirs.graph)
    check(set(mine) == set(other), f"{what}: other tensors")
    for key in mine.keys() & other.keys():
        word = relation(mine[key], other[key])
        counts[word] += 1
        check(word in ("agree", "more"), f"{what}: {key[1]!r}: {word}: we say {mine[key]}, the reference {other[key]}")


def compare_saved(what, ours, theirs):
    a = onnx.load(ours / "m.onnx", load_external_data=False)
    b = onnx.load(theirs / "m.onnx", load_external_data=False)
    check(without_types(a.graph, ours) == without_types(b.graph, theirs), f"{what}: the graphs differ")
    external = [{t.name for t in m.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL} for m in (a, b)]
    check(external[0] == external[1], f"{what}: external {sorted(external[0])}, reference {sorted(external[1])}")
    names = [sorted(p.name for p in folder.iterdir()) for folder in (ours, theirs)]
    # The reference names files by UUIDs where no name was given.
    if "by a chosen name" in what or "a file each" in what:
        check(len(names[0]) == len(names[1]), f"{what}: files {names[0]}, reference {names[1]}")
    else:
        check(names[0] == names[1], f"{what}: files {names[0]}, reference {names[1]}")
    for field in ("ir_version", "producer_name", "opset_import", "metadata_props", "functions"):
        check(str(getattr(a, field)) == str(getattr(b, field)), f"{what}: {field} differs")
    compare_outputs(what, a, b)
    if "shape-inference" in what:
        compare_infos(what, a, b)
    bad = [complaint(folder / "m.onnx") for folder in (ours, theirs)]
    counts["files of ours that onnx.checker accepts"] += bad[0] is None
    counts["files of the reference that it accepts"] += bad[1] is None
    check(bad[0] is None, f"{what}: onnx.checker: {bad[0]}")
    check(loads(ours / "m.onnx") is None, f"{what}: ONNX Runtime: {loads(ours / 'm.onnx')}")


# --- cases ---

def tensors(path):
    graph = onnx.load(path, load_external_data=False).graph
    return [n for n in graph.node if n.op_type != "Constant"]


def option_cases(path):
    """(name, words)"""
    nodes = tensors(path)
    first, second = (nodes[len(nodes) * k // 3].output[0] for k in (1, 2))
    own = [o.name for o in onnx.load(path, load_external_data=False).graph.output]
    common = collections.Counter(n.op_type for n in nodes).most_common(2)
    external = ["--save-external-data", "w.bin"]
    yield "mark all", ["--onnx-outputs", "mark", "all"]
    yield "names", ["--onnx-outputs", second, first, *own]
    yield "wildcard", ["--onnx-outputs", first[:-2] + "*", second]
    yield "excluded", ["--onnx-outputs", "mark", "all", "--onnx-exclude-outputs", first, second]
    yield "by type", ["--onnx-outputs-by-type", *(op.lower() for op, _ in common)]
    yield "unknown name", ["--onnx-outputs", first, second + "x"]
    yield "saved", []
    yield "external", external
    yield "external from 4K on", [*external, "--external-data-size-threshold", "4K"]
    yield "external, a file each", [*external, "--no-save-all-tensors-to-one-file", "--external-data-size-threshold", "4K"]
    yield "external by a chosen name", ["--save-external-data", "--external-data-size-threshold", "4K"]
    yield "shape-inference", ["--shape-inference"]
    yield "shape-inference without ONNX Runtime", ["--shape-inference", "--no-onnxruntime-shape-inference"]
    yield "shape-inference, mark all", ["--shape-inference", "--onnx-outputs", "mark", "all"]


def both(what, words, tmp):
    """Runs both in folders of their own; True when both succeeded."""
    logs, codes = [], []
    for name, run in (("ours", run_ours), ("theirs", run_theirs)):
        (tmp / name).mkdir()
        code, log = run(words, tmp / name)
        codes.append(code)
        logs.append(log)
    check(codes[0] == codes[1], f"{what}: exit code {codes[0]}, reference {codes[1]}\n{logs[0][-800:]}\n{logs[1][-800:]}")
    check(verdicts(logs[0]) == verdicts(logs[1]), f"{what}: other verdicts")
    return codes == [0, 0]


def saved(path, shapes):
    for name, words in option_cases(path):
        what = f"{path.parent.name}/{path.name}: {name}"
        if WORD not in what:
            continue
        with tempfile.TemporaryDirectory() as tmp:
            tmp = pathlib.Path(tmp)
            ok = both(what, [str(path), *shapes, "--onnxrt", *words, "--save-onnx", "m.onnx"], tmp)
            check(ok == ("unknown name" not in what), f"{what}: ok is {ok}")
            if ok:
                compare_saved(what, tmp / "ours", tmp / "theirs")


def elsewhere(path, shapes):
    """Models whose weights lie in another folder, and models without their weights."""
    what = f"{path.parent.name}/{path.name}: external-data-dir"
    if WORD not in what:
        return
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        (tmp / "weights").mkdir()
        model = onnx.load(path)
        if not any(len(t.raw_data) > 512 for t in model.graph.initializer):
            return  # its weights are Constant nodes
        onnx.save(model, str(tmp / "ext.onnx"), save_as_external_data=True, location="w.bin", size_threshold=512)
        os.rename(tmp / "w.bin", tmp / "weights/w.bin")
        words = [str(tmp / "ext.onnx"), *shapes, "--onnxrt", "--external-data-dir", str(tmp / "weights"), "--save-onnx", "m.onnx"]
        if both(what, words, tmp):
            compare_saved(what, tmp / "ours", tmp / "theirs")


def planted(path, shapes):
    """A weight is changed: both must find the same outputs wrong."""
    what = f"{path.parent.name}/{path.name}: planted"
    if WORD not in what:
        return
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        model = onnx.load(path)
        floats = [t for t in model.graph.initializer if t.data_type == 1 and len(t.dims) > 1] or \
                 [a.t for n in model.graph.node if n.op_type == "Constant" for a in n.attribute
                  if a.t.data_type == 1 and len(a.t.dims) > 1]
        target = floats[len(floats) // 2]
        values = numpy_helper.to_array(target).copy()
        values.flat[values.size // 2] += 1 + abs(values).max()
        target.CopyFrom(numpy_helper.from_array(values, target.name))
        onnx.save(model, str(tmp / "planted.onnx"))
        marked = [*shapes, "--onnxrt", "--onnx-outputs", "mark", "all"]
        code, log = run_theirs([str(path), *marked, "--save-inputs", "in.json", "--save-outputs", "golden.json"], tmp)
        check(code == 0, f"{what}: the golden run: {log[-500:]}")
        words = [str(tmp / "planted.onnx"), *marked, "--load-inputs", str(tmp / "in.json"), "--load-outputs",
                 str(tmp / "golden.json")]
        check(not both(what, words, tmp), f"{what}: not found")
    with tempfile.TemporaryDirectory() as tmp:
        check(both(f"{what}: two runners", [str(path), *marked, "--onnxrt"], pathlib.Path(tmp)), f"{what}: two runners differ")


def main():
    real = {MODELS / name: shapes for name, shapes in REAL.items() if (MODELS / name).exists()}
    if not real:
        print("SKIP: PX_MODELS names no folder with the models of tools/fetch_models.sh")
        return 77
    for path, shapes in real.items():
        saved(path, shapes)
        elsewhere(path, shapes)
        planted(path, shapes)
        print(f"{path.parent.name}/{path.name} done", flush=True)
    print(f"{len(real)} models; " + ", ".join(f"{n} {w}" for w, n in counts.items()) + f"; {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
