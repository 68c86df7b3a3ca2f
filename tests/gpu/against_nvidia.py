#!/usr/bin/env python3
"""The same engine and inputs through both tools: outputs equal bit for bit, and both times.

against_nvidia.py PROGRAM PYTHON ENGINE INPUTS
PYTHON has NVIDIA's polygraphy and the tensorrt module of the engine's release.
"""
import json
import subprocess
import sys
import time

program, python, engine, inputs = sys.argv[1:]
common = ["run", engine, "--model-type", "engine", "--trt", "--load-inputs", inputs]


def run(command, out):
    best = None
    for _ in range(2):
        start = time.monotonic()
        done = subprocess.run(command + common + ["--save-outputs", out], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        seconds = time.monotonic() - start
        if done.returncode:
            print(done.stdout)
            sys.exit("%s ended with exit code %d" % (command[0], done.returncode))
        best = seconds if best is None else min(best, seconds)
    return best


def arrays(path):
    """Every base64 text of a results file, in order."""
    found = []

    def walk(v):
        if isinstance(v, dict):
            if isinstance(v.get("array"), str):
                found.append(v["array"])
            for item in v.values():
                walk(item)
        elif isinstance(v, list):
            for item in v:
                walk(item)

    walk(json.load(open(path)))
    return found


ours = run([program], "ours.json")
theirs = run([python, "-c", "from polygraphy.tools import main; main()"], "theirs.json")
same = arrays("ours.json") == arrays("theirs.json") and len(arrays("ours.json")) > 0
print("outputs %s; ours %.2f s, NVIDIA's %.2f s: %.1f times faster" % (
    "equal" if same else "DIFFER", ours, theirs, theirs / ours))
sys.exit(0 if same and ours * 2 <= theirs else 1)
