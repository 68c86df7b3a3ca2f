#!/usr/bin/env python3
"""The wheel is built, installed into a fresh environment without numpy, and works there.

Environment: POLYGRAPHY_LIBRARY; PX_PRELOAD when the library is sanitized.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

SKIP = 77
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
USE = """
import sys
import polygraphy_c as pc
assert pc.library_path().startswith(sys.prefix), pc.library_path()
out = pc.run(["run", "--help"], capture=True)
assert out.passed and "--load-outputs" in out.stdout, out
with pc.Model(sys.argv[1]) as model, pc.Runner(model, "pluginref") as runner:
    assert [i.name for i in model.inputs] == ["x"], model.inputs
    inputs = pc.Inputs(runner, iterations=2)
    assert len(inputs) == 2
    try:
        inputs[0]
    except ImportError as e:
        assert "pip install numpy" in str(e), e
    else:
        raise AssertionError("there is no numpy, but an array")
print("fine")
"""


def main():
    library = os.environ.get("POLYGRAPHY_LIBRARY")
    if not library or subprocess.run([sys.executable, "-c", "import venv, pip, ensurepip"], capture_output=True).returncode:
        print("skipped: POLYGRAPHY_LIBRARY is not set, or this Python cannot make environments with pip")
        return SKIP
    preload = {"LD_PRELOAD": os.environ.get("PX_PRELOAD", ""), "ASAN_OPTIONS": "detect_leaks=0"}
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k != "VIRTUAL_ENV"}
    with tempfile.TemporaryDirectory(prefix="px_wheel_") as name:
        folder = pathlib.Path(name)
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        for k in ("a", "b"):
            subprocess.run([*pip, "wheel", "--no-deps", "--no-index", "--wheel-dir", folder / k, ROOT / "python"],
                           check=True, env=env)  # fmt: skip
        (wheel,), (again,) = (folder / "a").glob("*.whl"), (folder / "b").glob("*.whl")
        assert wheel.read_bytes() == again.read_bytes(), "two builds differ"
        names = zipfile.ZipFile(wheel).namelist()
        assert "polygraphy_c/libpolygraphy.so.0" in names and "polygraphy_c/py.typed" in names, names
        assert not any("__pycache__" in n for n in names), names
        del env["POLYGRAPHY_LIBRARY"]
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True, env=env)
        python = folder / "venv/bin/python"
        subprocess.run([*pip, "--python", python, "install", "--no-index", wheel], check=True, env=env)
        use = [python, "-c", USE, ROOT / "tests/data/models/dyn.onnx"]
        shown = subprocess.run(use, env={**env, **preload}, cwd=folder, capture_output=True, text=True)
        script = subprocess.run([folder / "venv/bin/polygraphy-c", "--version"], env={**env, **preload}, cwd=folder,
                                capture_output=True, text=True)  # fmt: skip
        wrong = subprocess.run([python, "-m", "polygraphy_c", "run", "--no-such"], env={**env, **preload}, cwd=folder,
                               capture_output=True, text=True)  # fmt: skip
        # Without a library there is a way out.
        bad = subprocess.run([python, "-c", "import polygraphy_c as pc; pc.run([])"], cwd=folder, capture_output=True,
                             text=True, env={**env, "POLYGRAPHY_LIBRARY": "/no/such.so"})  # fmt: skip
    assert shown.stdout == "fine\n", shown
    assert script.returncode == 0 and "Polygraphy" in script.stdout, script
    assert wrong.returncode == 1 and "--no-such" in wrong.stdout, wrong
    assert "ImportError: libpolygraphy cannot be loaded: /no/such.so" in bad.stderr, bad
    print("built, installed, used")
    return 0


sys.exit(main())
