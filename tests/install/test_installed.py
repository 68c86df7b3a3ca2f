#!/usr/bin/env python3
"""The installed program, in a folder that was moved and without the source tree: scripts, TensorRT scripts
(which load the library into Python), written C programs, and the same from the wheel.

test_installed.py CMAKE BUILD SOURCE FAKE_NVINFER FAKE_CUDA CC. Environment: PX_PYTHON, a Python with numpy;
PX_PRELOAD, the runtime of a sanitizer that the build has.
"""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

SKIP = 77
DATA = """
import numpy as np

def load_data():
    for i in range(3):
        yield {"x": np.full((1, 1, 2, 2), i, np.float32)}

def rows():
    yield {"x": np.zeros((3, 4), np.float32)}
"""
COMPARE = """
def compare_outputs(a, b):
    print("compared")
    return {"y": bool((a["y"] == b["y"]).all())}
"""
EDIT = """
def postprocess(network):
    with open("/proc/self/maps") as maps:
        print(sorted({line.split(maxsplit=5)[-1].strip() for line in maps if "/libpolygraphy" in line}))
"""


class Check:
    def __init__(self, folder, hidden, env):
        self.folder, self.env, self.failed = folder, env, 0
        # Mounts that only the command sees lie over what the source tree has of ours; the tests' Python may
        # be in there too.
        mounts = " && ".join(f"mount -t tmpfs none '{hidden}/{name}'" for name in ("src", "include", "build", "python"))
        hide = ["unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "sh"]
        can = subprocess.run([*hide, "true"], capture_output=True).returncode == 0
        self.hide = hide if can else []
        if not can:
            print("the source tree cannot be hidden here: only the folder is moved")

    def run(self, what, words, *texts, code=0, hides=True, **env):
        run = subprocess.run(
            [*(self.hide if hides else []), *map(str, words)], cwd=self.folder, env={**self.env, **env},
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        output = run.stdout + run.stderr
        if run.returncode != code or not all(t in output for t in texts):
            self.failed += 1
            print(f"FAILED: {what}: exit code {run.returncode}, wanted {code} and {texts}\n{output[-2500:]}")
        return output


def scripts(check, program, library, preload):
    """Of one copy of the program: `library` is what it must load into Python."""
    words = [*program, "run", "identity.onnx", "--pluginref", "--pluginref", "--data-loader-script", "data.py"]
    check.run("scripts", [*words, "--compare-func-script", "compare.py"], "compared", "Passed: 3/3 iterations")
    check.run("isolated runners", [*words, "--use-subprocess"], "Passed: 3/3 iterations")
    check.run("a script's error", [*words[:-1], "data.py:none"], "Could not import symbol: none", code=1)
    trt = [*program, "run", "identity.onnx", "--trt", "--data-loader-script", "data.py:rows",
           "--trt-network-postprocess-script", "edit.py", "--trt-opt-shapes", "x:[3,4]", "--trt-min-shapes", "x:[3,4]",
           "--trt-max-shapes", "x:[3,4]"]  # fmt: skip
    for more in ([], ["--use-subprocess"]):
        check.run("TensorRT scripts", [*trt, *more], str([str(library)]), **preload)


def written_program(check, cc, root, flags):
    written = [root / "bin/polygraphy", "run", "identity.onnx", "--pluginref", "--pluginref", "--gen-script", "it's written.c"]
    check.run("a C program", written)
    head = (check.folder / "it's written.c").read_text()
    (command,) = [line.strip(" */") for line in head.splitlines() if "pkg-config" in line]
    command = command.split(" && ")[0].replace("cc ", f"{cc} {flags} ", 1)
    (pc,) = root.glob("**/polygraphy.pc")
    pkg_config = {"PKG_CONFIG_PATH": str(pc.parent)}
    check.run(command, ["sh", "-c", command], **pkg_config)
    program = check.folder / shlex.split(command)[shlex.split(command).index("-o") + 1]
    check.run("the C program", [program], "Passed: 1/1 iterations", LD_LIBRARY_PATH=str(pc.parent.parent))
    other = written[:2] + ["multi.onnx", "--pluginref", "--load-outputs", "none.json", "--gen-script", "it's written.c"]
    check.run("another C program", other)
    check.run(command, ["sh", "-c", command], **pkg_config)
    check.run("its exit code", [program], "none.json", code=1, LD_LIBRARY_PATH=str(pc.parent.parent))


def wheel(check, source, library, python, preload):
    """polygraphy_c in an environment of its own, on top of the Python that has numpy."""
    env = {**check.env, "POLYGRAPHY_LIBRARY": str(library)}
    shutil.copytree(source / "python", check.folder / "package", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    made = subprocess.run([*pip, "wheel", "--no-deps", "--no-index", "--wheel-dir", check.folder, check.folder / "package"],
                          env=env, capture_output=True, text=True)  # fmt: skip
    if made.returncode:
        print(f"skipped: the wheel: {made.stderr[-300:]}")
        return
    (built,) = check.folder.glob("*.whl")
    site = check.folder / "site"
    subprocess.run([*pip, "install", "--no-index", "--target", site, built], env=check.env, check=True)
    check.env["PYTHONPATH"] += f":{site}"
    check.env.update(preload)  # the program is Python itself
    scripts(check, [python, "-m", "polygraphy_c"], site / "polygraphy_c/libpolygraphy.so.0", {})


def main():
    cmake, build, source, nvinfer, cuda, cc = sys.argv[1:]
    source, python = pathlib.Path(source), os.environ.get("PX_PYTHON")
    if not python or subprocess.run([python, "-c", "import numpy"], capture_output=True).returncode:
        print("skipped: PX_PYTHON names no Python with numpy")
        return SKIP
    with tempfile.TemporaryDirectory(prefix="px_installed_") as name:
        top = pathlib.Path(name)
        subprocess.run([cmake, "--install", build, "--prefix", top / "first"], check=True, capture_output=True)
        root, folder, fake = top / "moved", top / "work", top / "fake"
        (top / "first").rename(root)
        for made in (folder, fake):
            made.mkdir()
        shutil.copy(nvinfer, fake / "fake_nvinfer.so")
        for lib in ("libnvinfer", "libnvonnxparser", "libnvinfer_plugin"):
            (fake / f"{lib}.so.10").symlink_to("fake_nvinfer.so")
        shutil.copy(cuda, fake / "libcuda.so.1")
        shutil.copy(source / "tests/trt/fake_tensorrt/tensorrt.py", fake)
        for model in ("identity", "multi"):
            shutil.copy(source / f"tests/data/models/{model}.onnx", folder)
        for file, text in (("data.py", DATA), ("compare.py", COMPARE), ("edit.py", EDIT)):
            (folder / file).write_text(text)
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "POLYGRAPHY", "LD_"))}
        env.update(POLYGRAPHY_PYTHON=python, POLYGRAPHY_TRT_LIB=str(fake), PYTHONPATH=str(fake),
                   LD_LIBRARY_PATH=str(fake), ASAN_OPTIONS="detect_leaks=0")  # fmt: skip
        preload = {"LD_PRELOAD": os.environ["PX_PRELOAD"]} if os.environ.get("PX_PRELOAD") else {}
        check = Check(folder, source, env)
        check.run("--version", [root / "bin/polygraphy", "--version"], "Polygraphy")
        (library,) = root.glob("**/libpolygraphy.so.0")
        scripts(check, [root / "bin/polygraphy"], library.resolve(), preload)
        written_program(check, cc, root, "-fsanitize=address,undefined" if preload else "")
        wheel(check, source, library, python, preload)
        print(f"{check.failed} failed")
        return check.failed > 0


sys.exit(main())
