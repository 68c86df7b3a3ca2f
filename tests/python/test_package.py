#!/usr/bin/env python3
"""polygraphy_c against the built library: arrays, results, runners, comparison, the command, wrong uses.

Environment: POLYGRAPHY_LIBRARY, POLYGRAPHY_BIN; PX_PYTHON: a Python with numpy and NVIDIA's package;
PX_PRELOAD when the library is sanitized. Starts itself in that Python.
"""

import gc
import logging
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings

SKIP = 77
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODELS = ROOT / "tests/data/models"


def restart():
    python = os.environ.get("PX_PYTHON")
    if not python or not os.environ.get("POLYGRAPHY_LIBRARY") or not os.environ.get("POLYGRAPHY_BIN"):
        print("skipped: PX_PYTHON, POLYGRAPHY_LIBRARY or POLYGRAPHY_BIN is not set")
        return SKIP
    if subprocess.run([python, "-c", "import numpy"], capture_output=True).returncode:
        print("skipped: PX_PYTHON has no numpy")
        return SKIP
    env = {**os.environ, "PX_INSIDE": "1", "PYTHONPATH": str(ROOT / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
    if os.environ.get("PX_PRELOAD"):
        # Python keeps much until its end; leaks are looked for below.
        env.update(LD_PRELOAD=os.environ["PX_PRELOAD"], ASAN_OPTIONS="detect_leaks=0:quarantine_size_mb=8")
    return subprocess.run([python, __file__, *sys.argv[1:]], env=env, timeout=280).returncode


if not os.environ.get("PX_INSIDE"):
    sys.exit(restart())

import numpy as np  # noqa: E402

import polygraphy_c as pc  # noqa: E402
from polygraphy_c import _tensor  # noqa: E402

QUIET = pc.Context(log=lambda severity, text: None)


def raises(kind, part, function, *arguments, **keywords):
    try:
        function(*arguments, **keywords)
    except kind as e:
        assert part in str(e), f"{part!r} is not in {e!r}"
        return e
    raise AssertionError(f"no {kind.__name__} of {part!r}")


def results_of(**runs):
    results = pc.Results(context=QUIET)
    for name, iterations in runs.items():
        results.begin_run(name)
        for it in iterations:
            results.add(it)
    return results


# --- arrays ---


def test_views_share_memory():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    results = results_of(a=[{"x": x}])
    y, again = results[0][0]["x"], results[0][0]["x"]
    assert y.dtype == x.dtype and y.shape == x.shape and (y == x).all()
    assert np.shares_memory(x, y) and np.shares_memory(y, again)
    assert not y.flags.writeable
    raises(ValueError, "read-only", y.__setitem__, 0, 1)
    x[0, 0] = 7
    assert y[0, 0] == 7


def test_views_keep_memory():
    before = _tensor.n_lent()
    results = results_of(a=[{"x": np.arange(100000)}])
    part = results[0][0]["x"][10:20].reshape(2, 5).T
    assert _tensor.n_lent() == before + 1
    results.close()
    gc.collect()
    assert _tensor.n_lent() == before + 1 and part.tolist() == [[10, 15], [11, 16], [12, 17], [13, 18], [14, 19]]
    del part
    gc.collect()
    assert _tensor.n_lent() == before


def test_outputs_outlive_everything():
    with pc.Context(log=lambda *a: None) as cx, pc.Model(MODELS / "dyn.onnx", context=cx) as model:
        with pc.Runner(model, "pluginref") as runner:
            y = runner.infer({"x": np.ones((5, 3), np.float32)})["out"]
    expected = y.copy()
    del cx, model, runner
    gc.collect()
    assert y.shape == (5, 4) and (y == expected).all()


def test_every_type():
    for name in ("f4 u1 i1 u2 i2 i4 i8 ? f2 f8 u4 u8 c8 c16").split():
        for shape in ((), (0, 3), (2, 3)):
            x = (np.arange(math.prod(shape)) % 3).astype(name).reshape(shape)
            y = results_of(a=[{"x": x}])[0][0]["x"]
            assert y.dtype == x.dtype and y.shape == shape and (y == x).all(), (name, shape)
    for x in (np.arange(12).reshape(3, 4).T, np.arange(5, dtype=">i4"), np.arange(20)[::3], np.float64(2.5)):
        y = results_of(a=[{"x": x}])[0][0]["x"]
        assert y.dtype.isnative and y.shape == x.shape and (y == x).all()
    text = np.array([["a", "b\u00e4"], ["", "c"]])
    assert results_of(a=[{"x": text}])[0][0]["x"].tolist() == text.tolist()
    assert results_of(a=[{"x": np.array([], dtype=object)}])[0][0]["x"].shape == (0,)


def test_small_types():
    try:
        import ml_dtypes
    except ImportError:
        print("  ml_dtypes is not installed: its types are not tried")
        return
    for code, name in _tensor._ML_DTYPES.items():
        dtype = getattr(ml_dtypes, name, None)
        if dtype is None:
            print(f"  ml_dtypes has no {name}")
            continue
        x = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
        y = results_of(a=[{"x": x}])[0][0]["x"]
        assert y.dtype == x.dtype and y.shape == x.shape and y.tobytes() == x.tobytes(), name
        if code not in _tensor._THROUGH:
            z = results_of(a=[{"x": x}])
            assert np.shares_memory(x, z[0][0]["x"]), name
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                raw = array_without(ml_dtypes, x)
        finally:
            sys.modules["ml_dtypes"] = ml_dtypes
        assert raw.dtype == np.uint8 and len(said) == 1 and "ml_dtypes" in str(said[0].message), (name, said)
        if code not in _tensor._THROUGH:
            assert raw.tobytes() == x.tobytes()


def array_without(ml_dtypes, x):
    """What is seen of `x` where ml_dtypes is not installed."""
    sys.modules["ml_dtypes"] = ml_dtypes
    results = results_of(a=[{"x": x}])
    sys.modules["ml_dtypes"] = None
    return results[0][0]["x"]


# --- files ---


def test_round_trip_with_nvidia(folder):
    try:
        from polygraphy.comparator import IterationResult, RunResults
        from polygraphy.json import load_json, save_json
    except ImportError:
        print("  NVIDIA's package is not installed: files are not exchanged with it")
        return
    arrays = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array([1, -2], np.int64)}
    theirs = RunResults()
    theirs.append(("one", [IterationResult(dict(arrays), runtime=0.25, runner_name="one") for _ in range(2)]))
    theirs.append(("two", [IterationResult({"x": arrays["x"] + 1}, runtime=0.5, runner_name="two")]))
    save_json(theirs, str(folder / "theirs.json"))
    with pc.load_results(folder / "theirs.json", context=QUIET) as ours:
        assert ours.names == ["one", "two"] and len(ours["one"]) == 2 and ours[0][1].runtime == 0.25
        assert list(ours[0][0]) == ["x", "n"] and (ours[0][0]["n"] == arrays["n"]).all()
        assert (ours["two"][0]["x"] == arrays["x"] + 1).all()
        ours.save(folder / "ours.json")
    back = load_json(str(folder / "ours.json"))
    assert [name for name, _ in back] == ["one", "two"] and len(back["one"]) == 2
    for name, array in arrays.items():
        assert (back["one"][1][name] == array).all() and back["one"][1][name].dtype == array.dtype
    assert back["one"][0].runtime == 0.25
    made = results_of(three=[{"y": np.float32([1, 2])}])
    made.save(folder / "made.json")
    assert load_json(str(folder / "made.json"))["three"][0]["y"].tolist() == [1, 2]
    made.save(folder / "made.npz")
    assert pc.load_results(folder / "made.npz", context=QUIET)[0][0]["y"].tolist() == [1, 2]


def test_sequences(folder):
    results = results_of(a=[{"x": np.zeros(1)}, {"x": np.ones(1)}], b=[])
    assert [it["x"][0] for it in results[0]] == [0, 1] and results[-1].name == "b" and len(results[1]) == 0
    assert results[0][-1]["x"][0] == 1 and len(results[0:2]) == 2 and len(results[0][0:1]) == 1
    assert dict(results[0][0]).keys() == {"x"} and "y" not in results[0][0]
    assert "'a', 'b'" in repr(results) and "2 iterations" in repr(results[0])
    raises(IndexError, "no run 2", results.__getitem__, 2)
    raises(KeyError, "no run 'c'", results.__getitem__, "c")
    raises(IndexError, "no iteration 2", results[0].__getitem__, 2)
    raises(KeyError, "y", results[0][0].__getitem__, "y")


# --- models and runners ---


def test_model_and_runner():
    with pc.Model(MODELS / "dyn.onnx", context=QUIET) as model:
        assert model.type == "onnx" and model.path == str(MODELS / "dyn.onnx")
        assert model.inputs == [("x", "float32", ("N", 3))] and model.outputs == [("out", "float32", ("N", 4))]
        with pc.Runner(model, "pluginref", ref_precision="typed") as runner:
            assert runner.name.startswith("pluginref-runner-N0-") and runner.inputs == model.inputs
            outputs = runner.infer({"x": np.ones((2, 3))})  # cast to float32
            assert outputs["out"].shape == (2, 4) and outputs.runtime > 0
            e = raises(pc.UsageError, "x", runner.infer, {})
            assert e.origin.count(":") == 1 and isinstance(e, ValueError)
            raises(pc.UsageError, "int", runner.infer, {"x": 5})
            raises(pc.UsageError, "dict", runner.infer, [1])
            raises(pc.UsageError, "datetime64", runner.infer, {"x": np.zeros(3, "M8[s]")})
            raises(pc.UsageError, "text is wanted", runner.infer, {"x": np.array([None])})
        raises(pc.UsageError, "closed", runner.infer, {"x": np.ones((2, 3))})
        assert runner.closed
        runner.close()
    raises(pc.UsageError, "closed", lambda: model.inputs)
    marked = pc.Model(MODELS / "dyn.onnx", onnx_outputs=["mark", "all"], context=QUIET)
    assert len(marked.outputs) == 3
    assert len(pc.Runner(marked, "pluginref")({"x": np.ones((1, 3), np.float32)})) == 3


def test_inputs_are_the_commands(folder):
    saved = folder / "inputs.npz"
    words = ["--iterations", "3", "--seed", "5", "--val-range", "x:[2,3]", "--input-shapes", "x:[4,3]"]
    subprocess.run([os.environ["POLYGRAPHY_BIN"], "run", MODELS / "dyn.onnx", "--pluginref", "-qqq", *words,
                    "--save-inputs", saved], check=True)  # fmt: skip
    runner = pc.Runner(MODELS / "dyn.onnx", "pluginref", context=QUIET)
    made = pc.Inputs(runner, iterations=3, seed=5, val_range={"x": (2, 3)}, input_shapes={"x": (4, 3)})
    said = pc.Inputs(runner, words)
    loaded = pc.Inputs(runner, load_inputs=saved)
    assert len(made) == len(said) == len(loaded) == 3
    for a, b, c in zip(made, said, loaded):
        assert a["x"].shape == (4, 3) and a["x"].tobytes() == b["x"].tobytes() == c["x"].tobytes()
    assert made[-1]["x"].tobytes() == made[2]["x"].tobytes() and len(made[1:]) == 2
    raises(IndexError, "no iteration 3", made.__getitem__, 3)
    raises(pc.FileError, "no/such.json", pc.Inputs, runner, load_inputs="no/such.json")
    assert isinstance(raises(pc.UsageError, "--val-range", pc.Inputs, runner, val_range=5), pc.Error)


def test_isolation():
    with pc.Runner(MODELS / "dyn.onnx", "pluginref", use_subprocess=True, timeout=60, context=QUIET) as runner:
        assert runner.infer({"x": np.ones((2, 3), np.float32)})["out"].shape == (2, 4)


def test_model_errors(folder):
    raises(pc.FileError, "nope.onnx", pc.Model, folder / "nope.onnx", context=QUIET)
    (folder / "empty.onnx").write_bytes(b"")
    raises(pc.ModelError, "empty", pc.Model, folder / "empty.onnx", context=QUIET)
    raises(pc.UsageError, "'nope'", pc.Runner, MODELS / "dyn.onnx", "nope", context=QUIET)
    raises(pc.UsageError, "--providrs", pc.Runner, MODELS / "dyn.onnx", "pluginref", providrs="cpu", context=QUIET)
    raises(pc.UsageError, "list of words", pc.Model, MODELS / "dyn.onnx", "--onnx-outputs y", context=QUIET)
    raises(pc.UsageError, "type object", pc.Model, MODELS / "dyn.onnx", onnx_outputs=object(), context=QUIET)
    raises(pc.UsageError, "null character", pc.Model, "a\0b", context=QUIET)
    raises(pc.BackendError, "onnxrt", missing_runtime)


def missing_runtime():
    os.environ["POLYGRAPHY_ONNXRT_LIB"] = "/no/such/libonnxruntime.so"
    try:
        pc.Runner(MODELS / "dyn.onnx", "onnxrt", context=QUIET)
    finally:
        del os.environ["POLYGRAPHY_ONNXRT_LIB"]


# --- verdicts ---


def test_verdicts_are_the_commands(folder):
    rng = np.random.default_rng(0)
    a = {"x": rng.random((3, 5), np.float32), "y": rng.random(7, np.float32)}
    b = {name: value + np.float32(1e-3) for name, value in a.items()}
    results_of(a=[a, a], b=[b, b]).save(folder / "ab.json")
    results = pc.load_results(folder / "ab.json", context=QUIET)
    for keywords, words in (
        ({}, []),
        ({"atol": 1e-2}, ["--atol", "1e-2"]),
        ({"atol": {"": 1e-2, "y": 1e-6}}, ["--atol", "1e-2", "y:1e-6"]),
        ({"check_error_stat": "mean", "rtol": 1}, ["--check-error-stat", "mean", "--rtol", "1"]),
        ({"compare": ["l2", "cosine_similarity"]}, ["--compare", "l2", "cosine_similarity"]),
        ({"compare": "snr", "snr_threshold": 30.0}, ["--compare", "snr", "--snr-threshold", "30.0"]),
        ({"fail_fast": True}, ["--fail-fast"]),
    ):
        run = subprocess.run([os.environ["POLYGRAPHY_BIN"], "run", "--load-outputs", folder / "ab.json", *words],
                             capture_output=True)  # fmt: skip
        for verdict in (pc.compare(results, **keywords), pc.compare(results, words)):
            assert bool(verdict) == (run.returncode == 0), (words, run.stdout)
            assert bool(verdict) == (not verdict.failed), verdict
    verdict = pc.compare(results, atol={"": 1e-2, "y": 1e-6})
    assert len(verdict) == 4 and [v.output for v in verdict.failed] == ["y", "y"]
    assert verdict[0].runners == ("a", "b") and verdict[0].function == "simple" and verdict[2].iteration == 1
    assert abs(verdict[0].max_abs - 1e-3) < 1e-5 and math.isnan(verdict[0].metric) and verdict[0].max_ulp > 0
    raises(pc.UsageError, "nope", pc.compare, results, compare="nope")
    raises(pc.UsageError, "--load-outputs", pc.compare, results, load_outputs="a.json")
    raises(pc.UnsupportedError, "perceptual_metrics", pc.compare, results, compare="perceptual_metrics")


def test_referee():
    results = pc.Results(context=QUIET)
    feed = {"x": np.ones((2, 3), np.float32)}
    with pc.Runner(MODELS / "dyn.onnx", "pluginref", context=QUIET) as runner:
        results.run(runner, [feed])
        out = results[0][0]["out"]
    for name, wrong in (("good", 0), ("bad", 1)):
        results.begin_run(name)
        results.add({"out": out + np.float32(wrong)})
    found = {d.runner: d for d in pc.referee(results)}
    assert not found["good"].wrong and found["bad"].wrong and found["bad"].max_abs > 0.9
    assert found["bad"].ruling == "some wrong" and "bad" in found["bad"].sentence
    raises(pc.UsageError, "nope", pc.referee, results, "nope")


# --- the command, contexts, leaks ---


def test_command(folder):
    out = pc.run(["run", MODELS / "dyn.onnx", "--pluginref", "--save-outputs", folder / "r.json"], capture=True)
    assert out.passed and "[I] RUNNING | Command: polygraphy run" in out.stdout and out.stderr == ""
    assert len(pc.load_results(folder / "r.json", context=QUIET)) == 1
    assert pc.run(["run", "--atol"], capture=True).exit_code == 2
    e = raises(pc.CommandFailed, "exit code 1", pc.run, ["run", "no.onnx", "--pluginref"], capture=True, check=True)
    assert isinstance(e, pc.Error)
    raises(pc.UsageError, "list of words", pc.run, "run m.onnx")
    raises(TypeError, "int", pc.run, [1])


def test_logging():
    said = []
    cx = pc.Context(log=lambda severity, text: said.append((severity, text)), verbosity=10)
    pc.compare(results_in(cx))
    assert any(s == 10 for s, _ in said) and any("PASSED" in t for _, t in said)
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger("polygraphy_c").addHandler(handler)
    logging.getLogger("polygraphy_c").setLevel(1)
    try:
        pc.compare(results_in(pc.Context()))
    finally:
        logging.getLogger("polygraphy_c").removeHandler(handler)
    assert records and all(r.levelno >= 20 for r in records)


def results_in(cx):
    results = pc.Results(context=cx)
    for name in "ab":
        results.begin_run(name)
        results.add({"x": np.ones(3)})
    return results


def test_threads():
    model = pc.Model(MODELS / "dyn.onnx", context=QUIET)
    runner = pc.Runner(model, "pluginref")
    expected = runner.infer({"x": np.ones((2, 3), np.float32)})["out"]
    wrong = []

    def work():
        for _ in range(50):
            if not (runner.infer({"x": np.ones((2, 3), np.float32)})["out"] == expected).all():
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def memory():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_nothing_leaks(folder):
    lent = _tensor.n_lent()
    results_of(a=[{"x": np.zeros(50000, np.float32)}] * 2, b=[{"x": np.zeros(50000, np.float32)}] * 2).save(
        folder / "leak.json"
    )

    def loop():
        with pc.load_results(folder / "leak.json", context=QUIET) as results:
            kept = results[0][0]["x"]
            assert pc.compare(results)
            results.begin_run("c")
            results.add({"x": kept + 1, "t": np.array(["a", "b"])})
            try:
                pc.compare(results, atol="x")
            except pc.UsageError:
                pass
        runner.infer(inputs[0])
        with pc.Model(MODELS / "dyn.onnx", context=QUIET) as model, pc.Runner(model, "pluginref") as other:
            other.infer(inputs[0])
        return kept

    runner = pc.Runner(MODELS / "dyn.onnx", "pluginref", context=QUIET)
    inputs = pc.Inputs(runner)
    for _ in range(50):
        loop()
    gc.collect()
    before, files = memory(), len(os.listdir("/proc/self/fd"))
    for _ in range(1000):
        loop()
    gc.collect()
    grown = memory() - before
    assert grown < 30 << 20, f"{grown} bytes more after 1000 loops of 600 kB"  # allocators keep some
    assert len(os.listdir("/proc/self/fd")) == files and _tensor.n_lent() == lent


def main():
    failed = []
    names = [n for n in globals() if n.startswith("test_") and (len(sys.argv) < 2 or n in sys.argv)]
    for name in names:
        test = globals()[name]
        with tempfile.TemporaryDirectory(prefix="px_python_") as folder:
            try:
                test(*([pathlib.Path(folder)] if test.__code__.co_argcount else []))
            except Exception:
                failed.append(name)
                print(f"FAILED: {name}")
                traceback.print_exc()
    print(f"{len(names)} tests, {len(failed)} failed")
    return bool(failed)


sys.exit(main())
