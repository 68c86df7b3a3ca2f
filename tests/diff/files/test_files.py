#!/usr/bin/env python3
"""test_files.py CONVERT: files of results and inputs, written by one side and read by the other.

CONVERT is convert_file. PX_ORACLE_PYTHON and PX_ORACLE_PYTHON_SEED name interpreters that have
NVIDIA's package; without both the test is skipped (77). This file is its own child: `test_files.py make DIR` writes
files with the package, `test_files.py check DIR` reads what we made of them.
"""

import base64
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

RUNNER = "onnxrt-runner-N0-11/24/26-05:43:39"


def arrays():
    import numpy as np

    rng = np.random.default_rng(0)
    out = {}
    for code in "f8 f4 f2 i1 i2 i4 i8 u1 u2 u4 u8".split():
        for shape in [(), (3,), (0, 3), (2, 3, 4), (1, 1, 2, 2), (100, 1000)]:
            a = (rng.random(shape) * 100).astype("<" + code)
            out[f"{code}{shape}"] = np.asarray(a)
    out["bool"] = rng.random((5, 7)) > 0.5
    out["complex"] = (rng.random((2, 3)) + 1j * rng.random((2, 3))).astype(np.complex64)
    out["nan"] = np.array([np.nan, np.inf, -np.inf, -0.0], dtype=np.float32)
    out["fortran"] = np.asfortranarray(rng.random((4, 5, 6)).astype(np.float32))
    out["big endian"] = rng.random((3, 4)).astype(">f4")
    out["text"] = np.array([["a", "日本", ""], ["x y", "\U0001f600", "end"]])
    out['quote " \\ \n \u65e5 \U0001f600 /'] = np.arange(3, dtype=np.int64)
    out["rank20"] = np.zeros((1,) * 20, dtype=np.float64)
    return out


def same(a, b, exact=True):
    import numpy as np

    assert a.shape == b.shape, (a.shape, b.shape)
    if exact:
        assert a.dtype.newbyteorder("=") == b.dtype.newbyteorder("="), (a.dtype, b.dtype)
    assert a.tolist() == b.tolist() or np.array_equal(a, b, equal_nan=True), (a, b)


def make(folder):
    """Files as the package writes them."""
    import numpy as np
    from polygraphy.comparator import IterationResult, RunResults
    from polygraphy.json import save_json

    data = arrays()
    save_json([data, {"x": np.arange(4, dtype=np.float32)}], str(folder / "in.json"))
    results = RunResults()
    for name in (RUNNER, "second%2F", RUNNER):
        results.append(
            (name, [IterationResult(dict(data), runtime=0.1 * (i + 1), runner_name=name) for i in range(2)])
        )
    results.append(("empty", []))
    results.append(("no outputs", [IterationResult({}, runtime=None, runner_name="no outputs")]))
    results.save(str(folder / "out.json"))
    np.savez(folder / "stored.npz", **{f"n{i}": v for i, v in enumerate(data.values())})
    np.savez_compressed(folder / "deflated.npz", **{f"n{i}": v for i, v in enumerate(data.values())})
    np.save(folder / "single.npy", data["f4(2, 3, 4)"])


def check(folder):
    """What convert_file made of them, and what it made itself."""
    import numpy as np
    from polygraphy.comparator import RunResults
    from polygraphy.json import load_json

    data = arrays()
    # The bytes are the package's own, but for arrays it would store in another order.
    for name in ("in", "out"):
        ours = json.loads((folder / f"{name}2.json").read_text())
        theirs = json.loads((folder / f"{name}.json").read_text())
        normal = [k for k in data if k not in ("fortran", "big endian")]
        if name == "in":
            assert [list(d) for d in ours] == [list(d) for d in theirs]
            assert [{k: d[k] for k in normal if k in d} for d in ours] == [
                {k: d[k] for k in normal if k in d} for d in theirs
            ]
        else:
            for a, b in zip(ours["lst"], theirs["lst"], strict=True):
                assert a[0] == b[0]
                for p, q in zip(a[1], b[1], strict=True):
                    assert list(p) == list(q) and p["runtime"] == q["runtime"]
                    assert list(p["outputs"]) == list(q["outputs"])
                    for k in normal:
                        assert p["outputs"].get(k) == q["outputs"].get(k), k
    only = [(folder / f"{n}.json").read_bytes() for n in ("plain", "plain2")]
    assert only[0] == only[1], "a file without such arrays must come back byte for byte"

    feeds = load_json(str(folder / "in2.json"))
    assert len(feeds) == 2
    for k, v in data.items():
        same(feeds[0][k], v)
    results = RunResults.load(str(folder / "out2.json"))
    assert [name for name, _ in results] == [RUNNER, "second%2F", RUNNER, "empty", "no outputs"]
    for _, iterations in list(results)[:3]:
        for it in iterations:
            for k, v in data.items():
                same(it[k], v)
    for form in ("stored", "deflated"):
        feed = load_json(str(folder / f"{form}2.json"))[0]
        for i, v in enumerate(data.values()):
            same(feed[f"n{i}"], v)
        back = np.load(folder / f"{form}2.npz")
        assert len(back.files) == len(data)
        for i, v in enumerate(data.values()):
            same(back[f"n{i}"], v)
    single = load_json(str(folder / "single2.json"))[0]
    same(single["single"], data["f4(2, 3, 4)"])
    same(np.load(folder / "single2.npy"), data["f4(2, 3, 4)"])
    archive = np.load(folder / "out2.npz")
    same(archive[RUNNER.replace("/", "%2F") + "/1/f4(3,)"], data["f4(3,)"])
    again = RunResults.load(str(folder / "out3.json"))  # out2.npz read back
    assert {name for name, _ in again} == {RUNNER, "second%2F"}
    for k, v in data.items():
        same(list(again)[1][1][1][k], v)

    types = load_json(str(folder / "types.json"))[0]
    for k in ("bfloat16", "float8e4m3fn", "float8e5m2", "float4", "int4", "uint4", "float32", "int64"):
        got = [v for name, v in types.items() if name == k or (k == "float4" and name.startswith("float4"))]
        assert got and got[0].ravel().tolist() == [0, 1, 2, 3], (k, got)
    assert (folder / "types.json").read_bytes() == (folder / "types2.json").read_bytes()


def legacy(folder):
    """Forms that old versions wrote, made by hand."""
    import numpy as np

    def image(a, save=np.save):
        stream = io.BytesIO()
        save(stream, a)
        return stream.getvalue()

    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    marker = "polygraphy_serialized_json_type"
    feed = {
        "old": {"array": base64.b64encode(image(a)).decode(), "__polygraphy_encoded_ndarray": marker},
        "latin": {"array": image(a).decode("latin-1"), "polygraphy_class": "ndarray"},
        "npz": {"array": base64.b64encode(image(a, np.savez)).decode(), "polygraphy_class": "ndarray"},
        "formatted": {
            "array": {"array": base64.b64encode(image(a.ravel())).decode(), "polygraphy_class": "ndarray"},
            "shape": [2, 3],
            "polygraphy_class": "FormattedArray",
        },
    }
    torch_file = pathlib.Path(__file__).with_name("torch_tensor.txt").read_text().strip()
    feed["torch"] = {"tensor": torch_file, "polygraphy_class": "Tensor"}
    (folder / "legacy.json").write_text(json.dumps(feed))


def check_legacy(folder):
    import numpy as np
    from polygraphy.json import load_json

    feed = load_json(str(folder / "legacy2.json"))[0]
    for k in ("old", "latin", "npz", "formatted"):
        same(feed[k], np.arange(6, dtype=np.float32).reshape(2, 3))
    same(feed["torch"], np.array([1, 2], dtype=np.float32))


def convert(*words):
    done = subprocess.run([sys.argv[1], *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, (words, done.stderr)


def run(python):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        child = [python, __file__]
        env = dict(os.environ, PYTHONWARNINGS="ignore")
        subprocess.run([*child, "make", name], check=True, env=env, stdout=subprocess.DEVNULL)
        for kind, source, target in [
            ("inputs", "in.json", "in2.json"),
            ("results", "out.json", "out2.json"),
            ("inputs", "plain.json", "plain2.json"),
            ("inputs", "stored.npz", "stored2.json"),
            ("inputs", "deflated.npz", "deflated2.json"),
            ("inputs", "stored.npz", "stored2.npz"),
            ("inputs", "deflated.npz", "deflated2.npz"),
            ("inputs", "single.npy", "single2.json"),
            ("inputs", "single.npy", "single2.npy"),
            ("results", "out2.json", "out2.npz"),
            ("results", "out2.npz", "out3.json"),
            ("inputs", "legacy.json", "legacy2.json"),
        ]:
            convert(kind, folder / source, folder / target)
        convert("make", folder / "types.json")
        convert("inputs", folder / "types.json", folder / "types2.json")
        with zipfile.ZipFile(folder / "out2.npz") as archive:
            assert archive.testzip() is None
        subprocess.run([*child, "check", name], check=True, env=env)


def main():
    if len(sys.argv) == 3:
        folder = pathlib.Path(sys.argv[2])
        if sys.argv[1] == "make":
            make(folder)
            legacy(folder)
            data = json.loads((folder / "in.json").read_text())
            for odd in ("fortran", "big endian"):
                del data[0][odd]
            (folder / "plain.json").write_text(json.dumps(data, indent=4))
        else:
            check(folder)
            check_legacy(folder)
        return 0
    names = ("PX_ORACLE_PYTHON", "PX_ORACLE_PYTHON_SEED")
    oracles = [os.environ[n] for n in names if os.environ.get(n)]
    if not oracles:
        print("SKIPPED: set PX_ORACLE_PYTHON or PX_ORACLE_PYTHON_SEED to a Python that has polygraphy")
        return 77
    for python in oracles:
        run(python)
        print(f"files go both ways with {python}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
