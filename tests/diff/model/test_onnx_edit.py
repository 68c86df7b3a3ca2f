#!/usr/bin/env python3
"""test_onnx_edit.py TOOL FOLDER... - edited and saved models against the reference's own.

Each case runs through onnx_edit_tool and through the reference's Python loaders; the resulting
graphs must be equal, weights included. Needs onnx and polygraphy; without them exit status 77.
Models are those of the folders; the first folder is tests/data/models.
"""
import contextlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
try:
    import numpy as np
    import onnx
    from onnx import numpy_helper
    from polygraphy import constants
    from polygraphy.backend.onnx import ModifyOutputs, OnnxFromPath, SaveOnnx
    from polygraphy.exception import PolygraphyException
    from polygraphy.logger import G_LOGGER
except ImportError as error:
    print(f"SKIP: {error}")
    sys.exit(77)
try:
    import onnxruntime
except ImportError:
    onnxruntime = None

G_LOGGER.module_severity = G_LOGGER.CRITICAL + 1
TOOL, DATA = sys.argv[1], pathlib.Path(sys.argv[2])
failures = []
checked = 0


def check(condition, what):
    global checked
    checked += 1
    if not condition:
        failures.append(what)
        print("FAILED:", what)


def tool(*args, cwd=None):
    run = subprocess.run([TOOL, *map(str, args)], capture_output=True, text=True, cwd=cwd)
    if run.returncode not in (0, 1):
        check(False, f"{args}: status {run.returncode}\n{run.stderr}")
    return run


def normal(tensor, folder):
    """The tensor in one canonical form: raw data, inside."""
    if tensor.data_type == onnx.TensorProto.STRING:
        return tensor.SerializeToString(deterministic=True)
    array = numpy_helper.to_array(tensor, str(folder))
    return (tensor.name, tensor.data_type, tuple(tensor.dims), array.tobytes(), tensor.doc_string)


def shape_of(graph, folder):
    """Everything of a graph but where its weights lie."""
    copy = onnx.GraphProto()
    copy.CopyFrom(graph)
    weights = [normal(t, folder) for t in copy.initializer]
    copy.ClearField("initializer")
    return copy.SerializeToString(deterministic=True), weights


def same(ours, folder, theirs, their_folder, what):
    a, b = onnx.ModelProto(), onnx.ModelProto()
    a.CopyFrom(ours)
    b.CopyFrom(theirs)
    check(shape_of(a.graph, folder) == shape_of(b.graph, their_folder), f"{what}: graphs differ")
    a.ClearField("graph")
    b.ClearField("graph")
    check(a.SerializeToString(deterministic=True) == b.SerializeToString(deterministic=True),
          f"{what}: models differ outside the graph")


def reference_outputs(path, outputs=None, exclude=None, types=None):
    kwargs = {"mark_types": types} if types else {}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return ModifyOutputs(OnnxFromPath(str(path)), outputs=outputs, exclude_outputs=exclude,
                             **kwargs)()


def output_case(path, outputs=None, exclude=None, types=None):
    words = []
    for name, value in (("--onnx-outputs", outputs), ("--onnx-exclude-outputs", exclude),
                        ("--onnx-outputs-by-type", types)):
        if value:
            words += [name, *(["mark", "all"] if value == constants.MARK_ALL else value)]
    what = f"{path.name} {words}"
    with tempfile.TemporaryDirectory() as tmp:
        out = pathlib.Path(tmp) / "out.onnx"
        run = tool(path, *words, "--serialize", out)
        try:
            theirs = reference_outputs(path, outputs, exclude, types)
        except PolygraphyException as error:
            first = str(error).split("\n")[0]
            # The reference prints a set, whose order is not stable.
            key = lambda s: sorted(s.replace("{", " ").replace("}", " ").replace(",", " ").split())
            line = next((l for l in run.stderr.split("\n") if l.startswith("error ")), "")
            check(run.returncode == 1 and key(line.split(" ", 2)[2]) == key(first),
                  f"{what}: wanted the error {first!r}, got {run.stderr!r}")
            return
        check(run.returncode == 0, f"{what}: {run.stderr}")
        if run.returncode == 0:
            same(onnx.load(out, load_external_data=False), path.parent, theirs, path.parent, what)


def outputs():
    branches, dyn = DATA / "branches.onnx", DATA / "dyn.onnx"
    for case in (dict(outputs=["layer_b", "x", "y", "w"]), dict(outputs=["y", "layer_b", "y"]),
                 dict(outputs=["nope", "y", "n2"]), dict(exclude=["y"]), dict(exclude=["layer_b"]),
                 dict(exclude=["nope"]), dict(outputs=["layer_b", "layer_c"], exclude=["layer_c"]),
                 dict(outputs=["layer_*"]), dict(outputs=["layer_*", "x", "*_0"]),
                 dict(outputs=["[xy]", "zz*"]), dict(outputs=["zz*"]), dict(exclude=["*"]),
                 dict(outputs=["x", "zz*", "nope"]),
                 dict(outputs=["layer_*"], exclude=["*_b", "zz*"]),
                 dict(types=["relu", "SPLIT", "Foo"]), dict(types=["Constant"]),
                 dict(types=["Dropout"]), dict(types=["Zzzz"]),
                 dict(outputs=["layer_a"], exclude=["layer_b"], types=["relu", "sigmoid"])):
        output_case(branches, **case)
    output_case(dyn, outputs=["W"])
    output_case(dyn, types=["Relu", "relu"])
    for folder in sys.argv[2:]:
        for path in sorted(pathlib.Path(folder).rglob("*.onnx")) if folder else []:
            if "external_" in path.name or path.stat().st_size > 100e6:
                continue
            if path.stat().st_size < 3000 and folder != sys.argv[2] and hash_of(path) % 8:
                continue  # one in eight of the thousand one-node models
            output_case(path, outputs=constants.MARK_ALL)


def hash_of(path):
    import zlib
    return zlib.crc32(path.parent.name.encode())


def messages():
    run = tool(DATA / "branches.onnx", "--onnx-outputs-by-type", "Sigmod", "Zzzz", "relu")
    check("[40] No ONNX nodes of op type 'Sigmod' were found in the model. Did you mean one of: "
          "['Sigmoid']?\n" in run.stderr, "by type: nearest")
    check("[40] No ONNX nodes of op type 'Zzzz' were found in the model. Available op types: "
          "['Concat', 'Constant', 'Dropout', 'Mul', 'Relu', 'Sigmoid', 'Split']\n" in run.stderr,
          "by type: all")
    run = tool(DATA / "branches.onnx", "--onnx-outputs", "zz*", "y")
    check("[30] No tensors matched wildcard pattern: 'zz*'\n" in run.stderr, "unmatched pattern")
    run = tool(DATA / "branches.onnx", "--onnx-outputs", "layer_d")
    check("Did you mean 'layer_a', 'layer_b', 'layer_c'?" in run.stderr, f"nearest: {run.stderr}")
    for words in (["mark", "all"], ["mark all"], ["*"]):
        run = tool(DATA / "branches.onnx", "--onnx-outputs", *words)
        check("[10] Marking all ONNX tensors as outputs\n" in run.stderr, f"mark all: {words}")


def externals_of(model):
    return {t.name for t in model.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL}


def run_model(path):
    if onnxruntime is None:
        return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feeds = {i.name: np.linspace(0, 1, 32, dtype=np.float32).reshape(1, 32)
             for i in session.get_inputs()}
    return [o.tobytes() for o in session.run(None, feeds)]


def save_case(path, tmp, external, threshold, each, what):
    """One way to save, by both."""
    ours, theirs = tmp / "ours", tmp / "theirs"
    theirs.mkdir()
    words = ["--save-onnx", ours / "m.onnx"]
    words += ["--save-external-data", *([external] if external else [])] if external is not None else []
    words += ["--external-data-size-threshold", threshold] if threshold is not None else []
    words += ["--no-save-all-tensors-to-one-file"] if each else []
    run = tool(path, *words)
    check(run.returncode == 0, f"{what}: {run.stderr}")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        SaveOnnx(OnnxFromPath(str(path)), str(theirs / "m.onnx"), external_data_path=external,
                 size_threshold=threshold, all_tensors_to_one_file=False if each else None)()
    a = onnx.load(ours / "m.onnx", load_external_data=False)
    b = onnx.load(theirs / "m.onnx", load_external_data=False)
    check(externals_of(a) == externals_of(b),
          f"{what}: external {sorted(externals_of(a))}, reference {sorted(externals_of(b))}")
    same(a, ours, b, theirs, what)
    if external or each:
        names = lambda d: sorted(p.name for p in d.iterdir())
        check(names(ours) == names(theirs), f"{what}: files {names(ours)} {names(theirs)}")
    onnx.checker.check_model(str(ours / "m.onnx"))
    check(not list(ours.glob("*.??????")), f"{what}: temporary files left")
    check(run_model(ours / "m.onnx") == run_model(path), f"{what}: other results")


def saving():
    for path in (DATA / "weights.onnx", DATA / "external.onnx"):
        for external in (None, "", "w.bin"):
            for threshold in (None, 0, 161, 162, 4129, 4130):
                for each in (False, True):
                    with tempfile.TemporaryDirectory() as tmp:
                        save_case(path, pathlib.Path(tmp), external, threshold, each,
                                  f"{path.name} external={external!r} {threshold} each={each}")


def saving_details():
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        path = DATA / "weights.onnx"
        # Saving over the model and its own data.
        for _ in range(2):
            run = tool(path, "--save-onnx", tmp / "deep" / "m.onnx", "--save-external-data", "d.bin",
                       "--external-data-size-threshold", 0)
            path = tmp / "deep" / "m.onnx"
            check(run.returncode == 0, f"saving in place: {run.stderr}")
        check(run_model(path) == run_model(DATA / "weights.onnx"), "saving in place: other results")
        data = (tmp / "deep" / "d.bin").stat().st_size
        check(data == 4096 + 128, f"saving in place grew the data to {data}")
        # Ignored external data keeps pointing where it did.
        run = tool(path, "--ignore-external-data", "--save-onnx", tmp / "deep" / "k.onnx")
        kept = onnx.load(tmp / "deep" / "k.onnx", load_external_data=False)
        check(len(externals_of(kept)) == 2, "ignored external data was loaded")
        # External data found elsewhere.
        (tmp / "elsewhere").mkdir()
        os.rename(tmp / "deep" / "d.bin", tmp / "elsewhere" / "d.bin")
        run = tool(path, "--save-onnx", tmp / "deep" / "x.onnx")
        check(run.returncode == 1 and "--external-data-dir" in run.stderr, "missing external data")
        check(not (tmp / "deep" / "x.onnx").exists(), "a failed save left a file")
        run = tool(path, "--external-data-dir", tmp / "elsewhere", "--save-onnx", tmp / "y.onnx")
        check(run.returncode == 0 and run_model(tmp / "y.onnx") == run_model(DATA / "weights.onnx"),
              f"--external-data-dir: {run.stderr}")
        for bad in ("/abs.bin", "../up.bin", "y.onnx"):
            run = tool(path, "--save-onnx", tmp / "y.onnx", "--save-external-data", bad)
            check(run.returncode == 1 and "error 1" in run.stderr, f"external name {bad}")
        # What a runtime gets.
        run = tool(DATA / "external.onnx", "--onnx-outputs", "y", "--serialize", tmp / "s.onnx")
        check(f"external_dir {DATA.resolve()}" in run.stderr, f"serialize: {run.stderr}")
        check(externals_of(onnx.load(tmp / "s.onnx", load_external_data=False)) == {"Wbig"},
              "serializing loaded external data")


def rebuilt():
    """Messages rebuilt without a change must stay as they were, unknown fields included."""
    for path in sorted(DATA.glob("*.onnx")):
        if "external" in path.name:
            continue
        with tempfile.TemporaryDirectory() as tmp:
            out = pathlib.Path(tmp) / "m.onnx"
            run = tool(path, "--save-onnx", out)
            check(run.returncode == 0, f"{path.name}: {run.stderr}")
            a, b = onnx.load(path), onnx.load(out)
            check(a.SerializeToString(deterministic=True) == b.SerializeToString(deterministic=True),
                  f"{path.name} changed when saved")


def main():
    for part in (messages, rebuilt, saving_details, saving, outputs):
        part()
    print(f"{checked - len(failures)} of {checked} checks passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
