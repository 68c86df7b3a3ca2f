#!/usr/bin/env python3
"""--compare perceptual_metrics with a stand-in for the lpips package, and without one.

The real network needs a download; the stand-in is the mean absolute difference of the two images, so
that what is prepared for the network can be checked. Environment: POLYGRAPHY_BIN, PX_PYTHON (numpy).
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

SKIP = 77
TORCH = """
import contextlib

def no_grad():
    return contextlib.nullcontext()

def from_numpy(array):
    assert array.flags.c_contiguous and str(array.dtype) == "float32", array.dtype
    assert array.ndim == 4 and array.shape[1] == 3, array.shape
    return array
"""
LPIPS = """
import os
import numpy as np

class LPIPS:
    def __init__(self, net, version, verbose):
        assert (net, version) == ("alex", "0.1")
        if os.environ.get("NO_WEIGHTS"):
            raise OSError("cannot download alexnet.pth")
        print("Setting up [LPIPS]")

    def eval(self):
        return self

    def __call__(self, a, b):
        return np.abs(a - b)
"""
MAKE = """
import sys
import numpy as np
from json_of import results
rng = np.random.default_rng(0)
a = rng.random((1, 3, 8, 8), dtype=np.float32)
results("a.json", a)
results("near.json", np.clip(a + np.float32(0.01), 0, 1))
results("far.json", 1 - a)
results("grey.json", a[0, :1])
results("hwc255.json", (a[0].transpose(1, 2, 0) * 255).astype(np.float32))
results("flat.json", a[0, 0])
"""
JSON_OF = """
import base64, io, json
import numpy as np

def results(path, array):
    f = io.BytesIO()
    np.save(f, array)
    nd = {"array": base64.b64encode(f.getvalue()).decode(), "polygraphy_class": "ndarray"}
    it = {"outputs": {"y": {"values": nd, "polygraphy_class": "LazyArray"}}, "runtime": 0.1,
          "runner_name": path, "polygraphy_class": "IterationResult"}
    with open(path, "w") as out:
        json.dump({"lst": [[path, [it]]], "polygraphy_class": "RunResults"}, out)
"""


def main():
    binary, python = os.environ.get("POLYGRAPHY_BIN"), os.environ.get("PX_PYTHON")
    if not binary or not python or subprocess.run([python, "-c", "import numpy"], capture_output=True).returncode:
        print("skipped: POLYGRAPHY_BIN is not set or PX_PYTHON has no numpy")
        return SKIP
    failed = 0
    with tempfile.TemporaryDirectory(prefix="px_lpips_") as name:
        folder = pathlib.Path(name)
        (folder / "with").mkdir()
        (folder / "without").mkdir()
        (folder / "with/torch.py").write_text(TORCH)
        (folder / "with/lpips.py").write_text(LPIPS)
        (folder / "without/lpips.py").write_text("raise ImportError('No module named lpips')")
        (folder / "json_of.py").write_text(JSON_OF)
        subprocess.run([python, "-c", MAKE], cwd=folder, check=True, env={**os.environ, "PYTHONPATH": name})

        def check(what, words, code, *texts, where="with", more=(), **env):
            nonlocal failed
            run = subprocess.run(
                [binary, "run", "--load-outputs", *words, "--compare", "perceptual_metrics", *more], cwd=folder, text=True,
                capture_output=True, timeout=120,
                env={**os.environ, "POLYGRAPHY_PYTHON": python, "PYTHONPATH": str(folder / where), **env},
            )  # fmt: skip
            output = run.stdout + run.stderr
            if run.returncode != code or not all(re.search(t, output) for t in texts) or "Setting up" in output:
                failed += 1
                print(f"FAILED: {what}: exit code {run.returncode}\n{output[-2500:]}")

        line = r"LPIPS: ([0-9.e-]+) \(tolerance: "
        check("equal", ["a.json", "a.json"], 0, r"LPIPS: 0 \(tolerance: 0.1\) \| PASSED")
        check("near", ["a.json", "near.json"], 0, line + r"0.1\) \| PASSED")
        check("far", ["a.json", "far.json"], 1, line + r"0.1\) \| FAILED")
        check("threshold", ["a.json", "far.json", "--lpips-threshold", "2"], 0, line + r"2\) \| PASSED")
        check("threshold of the output", ["a.json", "near.json", "--lpips-threshold", "y:0.001"], 1, "FAILED")
        check("one channel becomes three", ["grey.json", "grey.json"], 0, r"LPIPS: 0 ")
        check("channels last, up to 255", ["hwc255.json", "hwc255.json"], 0, r"LPIPS: 0 ")
        check("no image", ["flat.json", "flat.json"], 0, r"\[W\].*'y' is no image")
        check("with others", ["a.json", "near.json", "--lpips-threshold", "1"], 1, "L2 Norm", more=["l2"])
        check("no package", ["a.json", "a.json"], 1, r"\[!\] --compare perceptual_metrics.*pip install lpips",
              where="without")  # fmt: skip
        check("no weights", ["a.json", "a.json"], 1, r"\[!\].*cannot download alexnet.pth", NO_WEIGHTS="1")
    print(f"{failed} failed")
    return failed > 0


sys.exit(main())
