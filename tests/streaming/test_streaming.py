#!/usr/bin/env python3
"""The same command lines with and without --streaming: the same exit code, the same lines in another
order, the same files; and memory that does not grow with the number of iterations.

Environment: POLYGRAPHY_BIN, POLYGRAPHY_PYTHON (one with numpy, for scripts). Usage: test_streaming.py [-k WORDS]
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

MODELS = pathlib.Path(__file__).resolve().parent.parent / "data/models"
SKIP = 77
# Freed memory must not be held back for the sanitizer's reports.
ENV = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=1:detect_leaks=0"}

# Files of results that the command lines compare with.
MAKE = [
    "identity.onnx --pluginref --iterations 2 --save-outputs two.json",
    "identity.onnx --pluginref --iterations 4 --seed 7 --save-outputs four.json",
    "identity.onnx --pluginref --iterations 3 --save-outputs three.npz",
    "identity.onnx --pluginref --iterations 3 --save-inputs inputs.json",
    "nan.onnx --pluginref --iterations 2 --save-outputs nan.json",
    "dyn.onnx --pluginref --iterations 3 --seed 7 --save-outputs dyn.json",
]
# {} stands for the folder of files to write, which are compared too.
CASES = [
    "identity.onnx --pluginref --pluginref",
    "identity.onnx --pluginref",
    "identity.onnx --pluginref --pluginref --pluginref --iterations 3",
    "identity.onnx --pluginref --iterations 3 --save-outputs {}/o.json --save-inputs {}/i.json",
    "identity.onnx --pluginref --pluginref --iterations 3 --save-outputs {}/o.npz --save-inputs {}/i.npz",
    "identity.onnx --pluginref --save-input-blob {} --iterations 2",
    "identity.onnx --pluginref --iterations 2 --load-outputs two.json",
    "dyn.onnx --pluginref --iterations 2 --load-outputs dyn.json",
    "dyn.onnx --pluginref --iterations 3 --load-outputs dyn.json dyn.json --check-error-stat max",
    "dyn.onnx --pluginref --iterations 2 --load-outputs dyn.json --check-average",
    "identity.onnx --pluginref --iterations 3 --load-outputs two.json",
    "identity.onnx --pluginref --iterations 2 --load-outputs four.json two.json",
    "identity.onnx --pluginref --iterations 1 --load-outputs four.json four.json --validate",
    "identity.onnx --pluginref --iterations 3 --load-outputs three.npz --check-error-stat max",
    "identity.onnx --pluginref --iterations 2 --load-outputs four.json --save-outputs {}/o.json",
    "identity.onnx --pluginref --iterations 3 --load-outputs two.json --compare l2 psnr",
    "identity.onnx --pluginref --iterations 2 --load-outputs four.json --compare l2 --check-average",
    "identity.onnx --pluginref --iterations 2 --load-outputs two.json --save-accuracy-results {}/a.json",
    "identity.onnx --pluginref --iterations 2 --load-outputs four.json --save-heatmaps {}/h",
    "identity.onnx --pluginref --pluginref --iterations 2 --load-outputs two.json --report {}/r.csv",
    "identity.onnx --pluginref --load-inputs inputs.json --load-outputs three.npz -v",
    "identity.onnx --pluginref --pluginref --iterations 2 --postprocess top-2,axis=3 --compare indices",
    "identity.onnx --pluginref --iterations 2 --postprocess top-1 --load-outputs two.json four.json",
    "identity.onnx --pluginref --pluginref --iterations 2 --warm-up 2 -vv",
    "identity.onnx --pluginref --pluginref --iterations 0 --save-outputs {}/o.json --save-inputs {}/i.json",
    "dyn.onnx --pluginref --pluginref --iterations 2",
    "dtypes.onnx --pluginref --pluginref --iterations 2 --validate",
    "nan.onnx --pluginref --pluginref --iterations 2 --validate",
    "nan.onnx --pluginref --iterations 3 --load-outputs nan.json --validate -v",
    "multi.onnx --pluginref --load-outputs two.json",
    "--load-outputs two.json four.json",
    "identity.onnx --pluginref --load-outputs missing.json",
    "missing.onnx --pluginref --load-outputs two.json",
]
# The same with inputs that a script makes one by one.
DATA = """
import numpy as np

def feeds(n):
    for i in range(n):
        yield {"x": np.full((1, 1, 2, 2), i, np.float32)}

def none():
    return feeds(0)

def one():
    return feeds(1)

def load_data():
    return feeds(3)

def breaks():
    yield from feeds(2)
    raise ValueError("no more")

def endless():
    n = 0
    while True:
        print("made", n, flush=True)
        yield {"x": np.full((174763, 3), n, np.float32)}
        n += 1

n_compared = 0

def until_150(a, b):
    global n_compared
    n_compared += 1
    return {"y": n_compared < 150}
"""
SCRIPTED = [
    "identity.onnx --pluginref --pluginref --data-loader-script data.py",
    "identity.onnx --pluginref --pluginref --data-loader-script data.py:one -v",
    "identity.onnx --pluginref --pluginref --data-loader-script data.py:none",
    "identity.onnx --pluginref --pluginref --pluginref --data-loader-script data.py --compare l2 psnr",
    "identity.onnx --pluginref --load-outputs two.json four.json --data-loader-script data.py",
    "identity.onnx --pluginref --load-outputs two.json four.json --data-loader-script data.py --compare l2",
    "identity.onnx --pluginref --load-outputs four.json --data-loader-script data.py:one --check-error-stat max",
    "identity.onnx --pluginref --data-loader-script data.py --save-outputs {}/o.json --save-inputs {}/i.json --warm-up 2",
    "identity.onnx --pluginref --pluginref --data-loader-script data.py --repeat 2",
    "identity.onnx --pluginref --pluginref --data-loader-script data.py --onnx-outputs mark all --validate",
    "identity.onnx --pluginref --pluginref --data-loader-script data.py --use-subprocess",
    "identity.onnx --pluginref --data-loader-script data.py:breaks",
]
# Command line with --streaming, exit code, what the output must hold.
ONLY_STREAMING = [
    ("identity.onnx --pluginref --save-outputs full", 1, "the directory is not empty"),
    ("identity.onnx --pluginref --save-inputs full", 1, "the directory is not empty"),
    ("identity.onnx --pluginref --save-outputs two.json/x", 1, "two.json"),
    ("identity.onnx --pluginref --pluginref --isolate-layers", 1, "--isolate-layers"),
    ("identity.onnx --pluginref --sequential-runners", 1, "--sequential-runners"),
]


def normalise(text):
    text = re.sub(r"\d\d/\d\d/\d\d-\d\d:\d\d:\d\d", "<WHEN>", text)
    text = re.sub(r"[0-9.e+-]+ ms", "<T> ms", text)
    # A stream does not keep its inputs: who asks for their shapes later has them made again.
    text = re.sub(r"^\[V\] Generating data using .*\n", "", text, flags=re.M)
    text = re.sub(r"<T> ms \([0-9.e+-]+ times\)", "<T> ms (<T> times)", text)
    text = re.sub(r"Runtime: [0-9.]+s", "Runtime: <T>s", text)
    text = text.replace("--streaming ", "").replace("w/streaming", "w/sequence")
    return sorted(line.rstrip() for line in text.splitlines())


def content(path):
    """A file without the times and names that differ from run to run."""
    if path.suffix == ".svg":  # letters are strokes: the subtitle, with the names of the runners, goes by its place
        kept, n_cut = re.subn(r"<path [^>]*transform=\"matrix\(1,0,0,1,20,44\)\"/>", "", path.read_text())
        assert n_cut == 1, path
        return kept
    if path.suffix != ".json":
        return re.sub(rb"\d\d%2[fF]\d\d%2[fF]\d\d-\d\d:\d\d:\d\d|\d\d/\d\d/\d\d-\d\d:\d\d:\d\d", b"", path.read_bytes())
    text = re.sub(r"\d\d/\d\d/\d\d-\d\d:\d\d:\d\d", "<WHEN>", path.read_text())
    return re.sub(r'"runtime": [0-9.e-]+', '"runtime": 0', text)


def files(folder):
    return {str(p.relative_to(folder)): content(p) for p in sorted(folder.rglob("*")) if p.is_file()}


class Runner:
    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def __call__(self, line, into=None):
        if into:
            (self.folder / into).mkdir()
            line = line.replace("{}", into)
        run = subprocess.run(
            [self.binary, "run", *shlex.split(line)], cwd=self.folder, capture_output=True, text=True, timeout=600
        )
        found = files(self.folder / into) if into else {}
        if into:
            shutil.rmtree(self.folder / into)
        return run, found


def compare(call, line):
    plain, plain_files = call(line, "w/sequence")
    stream, stream_files = call("--streaming " + line, "w/streaming")
    if plain.returncode != stream.returncode:
        yield f"exit code {stream.returncode} instead of {plain.returncode}"
    for what in ("stdout", "stderr"):
        want, have = normalise(getattr(plain, what)), normalise(getattr(stream, what))
        if want == have:
            continue
        # A run that fails before it begins says less, since it knows earlier.
        if what == "stdout" and plain.stderr and set(have) <= set(want):
            continue
        yield from (f"{what} lacks: {x}" for x in want if x not in have)
        yield from (f"{what} has: {x}" for x in have if x not in want)
        if set(want) == set(have):
            yield f"{what}: lines appear in other numbers"
    if plain_files != stream_files:
        yield f"files differ: {sorted(plain_files)} {sorted(stream_files)}"


def check_folders(call):
    """Paths without an ending: a file per iteration, which is what --load-* read back."""
    line = "--streaming identity.onnx --pluginref --iterations 3 --save-outputs out --save-inputs in"
    run, _ = call(line)
    names = [f"000000000{i}.json" for i in range(3)]
    for folder in ("out", "in"):
        have = sorted(p.name for p in (call.folder / folder).iterdir())
        if have != names:
            yield f"{folder} holds {have}: {run.stdout}{run.stderr}"
    one = json.loads((call.folder / "out" / names[2]).read_text())
    if [len(r[1]) for r in one["lst"]] != [1]:
        yield "a file of the folder does not hold one iteration"
    run, _ = call("--streaming identity.onnx --pluginref --load-inputs in --load-outputs out")
    if run.returncode != 0 or "Passed: 3/3" not in run.stdout:
        yield f"folders do not come back: {run.stdout}{run.stderr}"


def check_fail_fast(call):
    """The first mismatch ends the run; what was run until then is saved."""
    run, _ = call(
        "--streaming identity.onnx --pluginref --iterations 4 --load-outputs four.json --fail-fast --save-outputs ff.json"
    )
    saved = json.loads((call.folder / "ff.json").read_text())
    if run.returncode != 1 or len(saved["lst"][0][1]) != 1:
        yield f"--fail-fast: exit code {run.returncode}, {len(saved['lst'][0][1])} iteration(s): {run.stdout}"


def peak_mib(call, line):
    """Peak resident memory of a run."""
    process = subprocess.Popen(
        [call.binary, "run", *shlex.split(line)],
        cwd=call.folder,
        stdout=subprocess.DEVNULL,
        env=ENV,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, line
    return usage.ru_maxrss / 1024


def check_endless(call):
    """A script without an end, 2 MiB an iteration: --fail-fast ends the run, memory holds one of them."""
    line = ("--streaming dyn.onnx --pluginref --pluginref --data-loader-script data.py:endless "
            "--compare-func-script data.py:until_150 --fail-fast")  # fmt: skip
    process = subprocess.Popen(
        [call.binary, "run", *shlex.split(line)], cwd=call.folder, stdout=subprocess.PIPE, text=True, env=ENV
    )
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    made = text.count("made ")
    print(f"    endless script: {made} iterations made, {usage.ru_maxrss / 1024:.0f} MiB")
    if process.returncode != 1 or not 150 <= made <= 151:
        yield f"exit code {process.returncode}, {made} iterations: {text[-2000:]}"
    if usage.ru_maxrss / 1024 > 250:  # 150 iterations are 300 MiB of inputs and 400 of outputs
        yield "memory grows with the iterations of a script"


def check_memory(call):
    """2 MiB of input and 2.7 MiB of output per iteration, 40 iterations against 8."""
    line = "--streaming dyn.onnx --pluginref --input-shapes x:[174763,3] --iterations {} -q "
    for n in (8, 40):
        call(line.format(n) + f"--save-outputs big{n}.json --save-inputs in{n}.json")
    for what in (
        "--pluginref",
        "--save-outputs out.json --save-inputs in.json",
        "--save-outputs out.npz --save-inputs in.npz",
        "--load-inputs in{}.json --load-outputs big{}.json --validate",
    ):
        few, many = (peak_mib(call, line.format(n) + what.replace("{}", str(n))) for n in (8, 40))
        print(f"    {what}: {few:.0f} MiB with 8 iterations, {many:.0f} MiB with 40")
        if many > few + 24:  # 32 more iterations hold 85 MiB of outputs
            yield f"memory grows with the iterations: {what}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", default="", help="only command lines that hold this text")
    options = parser.parse_args()
    binary = os.environ.get("POLYGRAPHY_BIN")
    if not binary:
        print("skipped: POLYGRAPHY_BIN names no program")
        return SKIP
    failed = 0

    def report(title, problems):
        nonlocal failed
        found = list(problems)
        failed += bool(found)
        if found:
            print("\n    ".join([title, *found]))

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for model in MODELS.glob("*.onnx"):
            shutil.copy(model, folder)
        (folder / "w").mkdir()
        (folder / "full").mkdir()
        (folder / "full/x").write_text("")
        call = Runner(binary, folder)
        for line in MAKE:
            run, _ = call(line)
            assert run.returncode == 0, run.stdout + run.stderr
        for line in CASES:
            if options.k in line:
                report(line, compare(call, line))
        for line, code, text in ONLY_STREAMING:
            run, _ = call("--streaming " + line)
            if run.returncode != code or text not in run.stdout + run.stderr:
                report(line, [f"exit code {run.returncode}: {run.stdout}{run.stderr}"])
        python = os.environ.get("POLYGRAPHY_PYTHON") or "python3"
        if subprocess.run([python, "-c", "import numpy"], capture_output=True).returncode:
            print("skipped: scripts; POLYGRAPHY_PYTHON has no numpy")
        else:
            (folder / "data.py").write_text(DATA)
            for line in SCRIPTED:
                if options.k in line:
                    report(line, compare(call, line))
            report("endless script", check_endless(call))
        report("folders", check_folders(call))
        report("--fail-fast", check_fail_fast(call))
        report("memory", check_memory(call))
    print(f"{len(CASES) + len(SCRIPTED) + len(ONLY_STREAMING) + 4} checks, {failed} failed")
    return failed > 0


sys.exit(main())
