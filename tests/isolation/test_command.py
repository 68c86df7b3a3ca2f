#!/usr/bin/env python3
"""Isolation through the command: ONNX Runtime dies of SIGFPE on int32 INT_MIN / -1, hangs and limits are
reported, and Ctrl-C leaves neither a child nor a file behind.

Environment: POLYGRAPHY_BIN, PX_PYTHON (a Python with onnx and numpy; ONNX Runtime is found beside it).
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

SKIP = 77
MAKE = """
import onnx, numpy
from onnx import helper as h, numpy_helper as n, TensorProto as T
for name, n in ("div", 2), ("wide", 1 << 20):
    io = lambda name: h.make_tensor_value_info(name, T.INT32, [n])
    g = h.make_graph([h.make_node("Div", ["x", "y"], ["z"])], "g", [io("x"), io("y")], [io("z")])
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 13)], ir_version=8), name + ".onnx")
"""
DATA = """
import time
import numpy as np

def load_data():
    yield {"x": np.array([6, 8], np.int32), "y": np.array([2, 2], np.int32)}
    yield {"x": np.array([6, -2**31], np.int32), "y": np.array([2, -1], np.int32)}

def at_once():
    yield from reversed(list(load_data()))

def later():
    yield from good()
    yield from good()
    yield from at_once()
    yield from good()

def without_end():
    while True:
        yield from load_data()

def good():
    yield {"x": np.array([6, 8], np.int32), "y": np.array([2, 2], np.int32)}

def hangs():
    yield from good()
    time.sleep(1000)
"""


SLOW = """
import time
import numpy as np

def load_data():
    for i in range(4):
        print("made", i, flush=True)
        time.sleep(0.01)
        yield {"x": np.full((1 << 20), i, np.int32), "y": np.ones((1 << 20), np.int32)}

def postprocess_outputs(it):
    print("postprocessing", flush=True)
    time.sleep(0.05)
    return it

def compare_outputs(a, b):
    print("comparing", flush=True)
    time.sleep(0.05)
    return {"z": bool((a["z"] == b["z"]).all())}
"""


def session(number):
    """Processes of a session that are alive."""
    found = subprocess.run(["ps", "-e", "-o", "pid=,sid=,stat="], capture_output=True, text=True).stdout
    rows = [row.split() for row in found.splitlines()]
    return [int(pid) for pid, sid, state in rows if int(sid) == number and not state.startswith("Z")]


def children_of(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(p) for p in found.stdout.split()]


class Check:
    def __init__(self, binary, python, folder):
        self.command, self.folder, self.failed = [binary, "run"], folder, 0
        path = f"{pathlib.Path(python).parent}:{os.environ['PATH']}"
        self.env = {**os.environ, "POLYGRAPHY_PYTHON": python, "PATH": path, "TMPDIR": str(folder / "tmp")}

    def run(self, *words):
        return subprocess.run(
            self.command + list(words), cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=120
        )

    def expect(self, what, condition, run=None):
        if not condition:
            self.failed += 1
            print(f"FAILED: {what}")
            if run is not None:
                print(run.returncode, run.stdout[-1500:], run.stderr[-1500:])

    def nothing_left(self):
        left = [str(p) for p in self.folder.rglob("*") if p.is_file() and p.name not in self.known]
        self.expect(f"no file left: {left}", not left)


def crashes(check):
    run = check.run("div.onnx", "--onnxrt", "--pluginref", "--pluginref", "--use-subprocess", "--data-loader-script",
                    "data.py", "--save-outputs", "out.json")  # fmt: skip
    check.expect("exit code 1", run.returncode == 1, run)
    check.expect("the signal and the iteration", "was killed by signal 8 (SIGFPE) during inference of iteration 1" in run.stderr, run)
    check.expect("the model", "div.onnx" in run.stderr, run)
    check.expect("the others are compared", "Passed: 2/2 iterations" in run.stdout, run)
    saved = (check.folder / "out.json").read_text()
    check.expect("the others are saved", saved.count('"pluginref-runner-N1') == 3 and "onnxrt-runner" not in saved, run)


def many(check):
    """A hundred runners in one run that die of it."""
    before = set(os.listdir("/dev/shm"))
    run = check.run("div.onnx", *["--onnxrt"] * 100, "--pluginref", "--use-subprocess", "--data-loader-script", "data.py",
                    "--save-outputs", "out.json")  # fmt: skip
    check.expect("a hundred reports", run.returncode == 1 and run.stderr.count("was killed by signal 8 (SIGFPE)") == 100, run)
    check.expect("who is left is saved", (check.folder / "out.json").read_text().count('"pluginref-runner-N0') == 3, run)
    check.expect("no shared memory is left", set(os.listdir("/dev/shm")) <= before, run)


def limits(check):
    run = check.run("div.onnx", "--onnxrt", "--pluginref", "--timeout", "0.0001", "--data-loader-script", "data.py:good")
    # The script, too, must answer in time; it is asked first.
    check.expect("a script has a limit", run.returncode == 1 and "--timeout 0.0001 seconds" in run.stderr, run)
    run = check.run("div.onnx", "--onnxrt", "--timeout", "0.0001", "--val-range", "[1,5]")
    check.expect("a runner has a limit", run.returncode == 1 and "--timeout 0.0001 seconds" in run.stderr, run)
    run = check.run("div.onnx", "--onnxrt", "--mem-limit", "1M", "--val-range", "[1,5]")
    check.expect("so has its memory", run.returncode == 1 and "more memory than --mem-limit 1048576" in run.stderr, run)
    run = check.run("div.onnx", "--onnxrt", "--pluginref", "--data-loader-script", "data.py:hangs", "--timeout", "3")
    check.expect("a hanging script", run.returncode == 1 and "line 27 in hangs" in run.stderr, run)
    for words in (["--timeout", "0"], ["--timeout", "-1"], ["--mem-limit", "0"], ["--mem-limit", "x"]):
        run = check.run("div.onnx", "--onnxrt", *words)
        check.expect(f"{words} is refused", run.returncode in (1, 2) and words[0] in run.stderr, run)


def streaming(check):
    check.run("div.onnx", "--pluginref", "--data-loader-script", "data.py", "--save-outputs", "two.json")
    run = check.run("div.onnx", "--onnxrt", "--pluginref", "--streaming", "--use-subprocess", "--data-loader-script",
                    "data.py")  # fmt: skip
    check.expect("streaming reports", run.returncode == 1 and "SIGFPE" in run.stderr, run)
    # The others go on without it, wherever it stood; its neighbours are compared from there on.
    for runners in ("--onnxrt --pluginref --pluginref", "--pluginref --onnxrt --pluginref", "--pluginref --pluginref --onnxrt"):
        run = check.run("div.onnx", *runners.split(), "--streaming", "--use-subprocess", "--data-loader-script",
                        "data.py:later", "--save-outputs", "out.json", "--validate", "-v")  # fmt: skip
        check.expect("exit code 1", run.returncode == 1, run)
        check.expect("the signal and the iteration", "was killed by signal 8 (SIGFPE) during inference of iteration 2" in run.stderr, run)
        summaries = [line for line in run.stdout.splitlines() if "Accuracy Summary" in line]
        both = [line for line in summaries if line.count("pluginref-runner") == 2]
        check.expect("the others are compared", len(both) == 1 and all("Passed: " in s for s in summaries), run)
        n = 3 if runners.split()[1] == "--onnxrt" else 5  # iterations that only the neighbours have
        check.expect("from there on", f"Passed: {n}/{n} iterations" in both[0], run)
        check.expect("with it, until then", all("Passed: 2/2" in s for s in summaries if s not in both), run)
        saved = (check.folder / "out.json").read_text()
        check.expect("the others are saved", saved.count('"pluginref-runner-N1') == 6 and "onnxrt-runner" not in saved, run)
        check.expect("the others are named", "Successfully ran: ['pluginref-runner-N0" in run.stdout, run)
    # In the first iteration, while it is made, and with nobody left.
    run = check.run("div.onnx", "--onnxrt", "--pluginref", "--pluginref", "--streaming", "--use-subprocess",
                    "--data-loader-script", "data.py:at_once", "--compare", "l2")  # fmt: skip
    check.expect("as if it was not asked for", run.returncode == 1 and run.stdout.count("Accuracy Comparison") == 1
                 and "Passed: 2/2 iterations" in run.stdout, run)  # fmt: skip
    run = check.run("div.onnx", "--onnxrt", "--pluginref", "--pluginref", "--streaming", "--use-subprocess", "--providers",
                    "made-up", "--data-loader-script", "data.py:good", "--warm-up", "1")  # fmt: skip
    check.expect("one that cannot be made", run.returncode == 1 and run.stdout.count("Accuracy Comparison") == 1
                 and "Passed: 1/1 iterations" in run.stdout and "made-up" in run.stderr, run)  # fmt: skip
    run = check.run("div.onnx", "--onnxrt", "--onnxrt", "--streaming", "--use-subprocess", "--data-loader-script",
                    "data.py:without_end", "--save-outputs", "out.json")  # fmt: skip
    check.expect("nobody left ends a script without end", run.returncode == 1 and run.stderr.count("SIGFPE") == 2, run)
    run = check.run("div.onnx", "--onnxrt", "--streaming", "--use-subprocess", "--load-outputs", "two.json", "two.json",
                    "--data-loader-script", "data.py:at_once")  # fmt: skip
    check.expect("files are compared", run.returncode == 1 and "Passed: 2/2 iterations" in run.stdout, run)


def interrupt(check):
    for stop in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen(
            check.command + ["div.onnx", "--onnxrt", "--use-subprocess", "--data-loader-script", "data.py:hangs",
                             "--streaming", "--save-outputs", "cut.json", "--save-inputs", "cut"],
            cwd=check.folder, env=check.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        children, until = [], time.time() + 60
        while len(children) < 2 and time.time() < until:
            children = children_of(process.pid)
            time.sleep(0.05)
        process.send_signal(stop)
        process.communicate(timeout=60)
        check.expect(f"ended by {stop.name}", process.returncode == -stop)
        time.sleep(0.2)
        alive = [c for c in children if os.path.exists(f"/proc/{c}") and "Z" not in pathlib.Path(f"/proc/{c}/stat").read_text().split()[2]]
        # What was written before the end is whole.
        for done in check.folder.glob("cut/*"):
            check.expect(f"{done.name} is whole", json.loads(done.read_text()))
            done.unlink()
        check.expect(f"two children, none alive after {stop.name}: {children}", len(children) == 2 and not alive)


# Where a run is when a line appears, and is interrupted: what it is, the line, what comes on top.
STAGES = [
    ("loading", "RUNNING", []),
    ("building", "Activating and starting", []),
    ("the data script", "made 2", []),
    ("inference", "Inference Output(s)", []),
    ("a streaming inference", "Inference Output(s)", ["--streaming"]),
    ("saving", "Saving inference results", []),
    ("post-processing", "postprocessing", []),
    ("comparing", "comparing", []),
    ("a streaming comparison", "comparing", ["--streaming"]),
    ("the verdict", "Accuracy Summary", []),
]


def stages(check):
    """Interrupted in each stage: no process of the run's session, and only whole files."""
    out = check.folder / "stage"
    for what, mark, more in STAGES:
        for stop in (signal.SIGINT, signal.SIGTERM):
            out.mkdir()
            process = subprocess.Popen(
                check.command + ["wide.onnx", "--onnxrt", "--pluginref", "--use-subprocess", "--data-loader-script", "slow.py",
                                 "--postprocess-func-script", "slow.py", "--compare-func-script", "slow.py",
                                 "--save-inputs", "stage/i.json", "--save-outputs", "stage/o.json", "--report",
                                 "stage/r.json", *more],
                cwd=check.folder, env=check.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                start_new_session=True,
            )  # fmt: skip
            seen = []
            for line in process.stdout:
                seen.append(line)
                if mark in line:
                    break
            process.send_signal(stop)
            rest = process.stdout.read()
            process.wait(timeout=60)
            check.expect(f"{what}: '{mark}' is said", seen and mark in seen[-1])
            check.expect(f"{what}: ended by {stop.name}: {seen[-3:]} {rest[-500:]}", process.returncode == -stop)
            until = time.time() + 5
            while session(process.pid) and time.time() < until:
                time.sleep(0.02)
            check.expect(f"{what}: no process is left: {session(process.pid)}", not session(process.pid))
            for file in list(out.iterdir()):
                check.expect(f"{what}: {file.name} was asked for", file.name in ("i.json", "o.json", "r.json"))
                check.expect(f"{what}: {file.name} is whole", json.loads(file.read_text()))
                file.unlink()
            out.rmdir()


def main():
    binary, python = os.environ.get("POLYGRAPHY_BIN"), os.environ.get("PX_PYTHON")
    if not binary or not python:
        print("skipped: POLYGRAPHY_BIN or PX_PYTHON is not set")
        return SKIP
    with tempfile.TemporaryDirectory(prefix="px_isolation_") as name:
        folder = pathlib.Path(name)
        (folder / "tmp").mkdir()
        (folder / "data.py").write_text(DATA)
        (folder / "slow.py").write_text(SLOW)
        made = subprocess.run([python, "-c", MAKE], cwd=folder, capture_output=True, text=True)
        check = Check(binary, python, folder)
        check.known = {"data.py", "slow.py", "div.onnx", "wide.onnx", "out.json", "two.json", "data.cpython-311.pyc"}
        probe = check.run("div.onnx", "--onnxrt", "--val-range", "[1,5]")
        if made.returncode or probe.returncode:
            print(f"skipped: no onnx or no ONNX Runtime: {made.stderr[-300:]}{probe.stderr[-300:]}")
            return SKIP
        for test in (crashes, many, limits, streaming, interrupt, stages):
            test(check)
        for p in folder.rglob("__pycache__/*"):
            p.unlink()
        check.nothing_left()
        print(f"{check.failed} failed")
        return check.failed > 0


sys.exit(main())
