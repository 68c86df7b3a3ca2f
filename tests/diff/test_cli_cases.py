#!/usr/bin/env python3
"""Command lines whose outcome was observed on the reference (cli-cases.json): the same exit code, and
messages that name the same options, files and values.

Our words may differ: a message counts as ours if every word of the command line that the reference's
message repeats is in our output too. Each line is judged by version 0.49.26, or by 0.53.6 if the
older one does not know its options.

Environment: POLYGRAPHY_BIN. ONNX Runtime must be found by the program. Usage: test_cli_cases.py [-k WORDS]
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

TESTS = pathlib.Path(__file__).resolve().parent.parent
SKIP = 77

# Command line (without "polygraphy run ") -> our exit code, what our output must hold, and why ours
# differs. An entry that no longer holds fails, so that it is taken out when its reason is gone.
MORE_CHOICES = "one option takes the functions of both versions, so the list of choices is longer"
EVERY_TYPE = "numbers of every type are generated, run and shown; numpy has no such type"
MARK_ALL = "the quoted form and * mark all tensors, patterns are taken, in every mode"
NO_STRINGS = "text is not generated; the message says so at once"
NO_RUNTIME = "the runtime is not there; the message names what was asked for"
EXCEPTIONS = {
    "identity.onnx --onnxrt --compare foo": (2, "invalid choice: 'foo'", MORE_CHOICES),
    "string.onnx --onnxrt": (1, "Input tensor: x", NO_STRINGS),
    "bf16in.onnx --onnxrt": (0, "PASSED", EVERY_TYPE),
    "bf16out.onnx --onnxrt": (0, "PASSED", EVERY_TYPE),
    "dyn.onnx --onnxrt --onnx-outputs '*'": (0, "PASSED", MARK_ALL),
    "dyn.onnx --onnxrt --onnx-outputs '?'": (0, "PASSED", MARK_ALL),
    "dyn.onnx --onnxrt --onnx-outputs 'mark all'": (0, "PASSED", MARK_ALL),
    "identity.onnx --trt": (1, "TensorRT", NO_RUNTIME),
    "identity.onnx --tf": (1, "TensorFlow is missing", NO_RUNTIME),
    "identity.onnx --model-type frozen --onnxrt": (1, "frozen", NO_RUNTIME),
    "identity.onnx --model-type keras --trt": (1, "keras", NO_RUNTIME),
    ". --onnxrt": (1, "ckpt", NO_RUNTIME),
    "identity.onnx --ckpt foo --onnxrt": (1, "ckpt", NO_RUNTIME),
}


def judged_by(case):
    old = case["0.49.26"]
    if any("Unrecognized Options" in m for m in old["messages"]) and case["0.53.6"]["messages"] != old["messages"]:
        return case["0.53.6"]
    return old


def repeated(message, words):
    """The words of the command line that the message repeats."""
    found = []
    for word in words:
        for part in [word, *word.split("=", 1), *word.split(":", 1)]:
            if len(part) > 1 and re.search(r"(?<![\w-])" + re.escape(part) + r"(?![\w-])", message):
                found.append(part)
    return found


def problems(case, words, run):
    want = judged_by(case)
    output = run.stdout + run.stderr
    if run.returncode != want["exit"]:
        yield f"exit code {run.returncode} instead of {want['exit']}"
    error = want.get("argparse_error")
    if error and error not in run.stderr:
        yield f"missing on stderr: {error}"
    if want["exit"] != 0 and not error:
        if want["messages"] and want["messages"][-1].startswith("[E] Unrecognized"):
            if want["messages"][-1] not in run.stdout:
                yield f"missing on stdout: {want['messages'][-1]}"
        elif "[!]" not in run.stderr:
            yield "no [!] line on stderr"
    for message in want["messages"]:
        first = message[4:].split("\n")[0]
        if first not in output:
            missing = [w for w in repeated(first, words) if w not in output]
            if missing or not repeated(first, words):
                yield f"nothing like: {message}"
    if "Traceback" in output or "Sanitizer" in output:
        yield "a crash"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", default="", help="only command lines that hold this text")
    options = parser.parse_args()
    binary = os.environ.get("POLYGRAPHY_BIN")
    if not binary:
        print("skipped: POLYGRAPHY_BIN names no program")
        return SKIP
    with open(TESTS / "data/spec/cli-cases.json", encoding="utf-8") as f:
        cases = json.load(f)["cases"]
    failed = done = 0
    with tempfile.TemporaryDirectory() as folder:
        for model in (TESTS / "data/models").glob("*.onnx"):
            shutil.copy(model, folder)

        def call(words):
            return subprocess.run([binary, *words], cwd=folder, capture_output=True, text=True, timeout=120,
                                  env=dict(os.environ, POLYGRAPHY_TF_LIB="/nonexistent"))

        probe = call(["run", "identity.onnx", "--onnxrt"])
        if probe.returncode != 0:
            print(f"skipped: ONNX Runtime does not work here:\n{probe.stdout}{probe.stderr}")
            return SKIP
        for case in cases:
            words = shlex.split(case["command"].split(" | ")[0])[1:]
            if options.k not in case["command"]:
                continue
            line = case["command"].removeprefix("polygraphy run ")
            run = call(words)
            done += 1
            known = EXCEPTIONS.get(line)
            if known:
                holds = run.returncode == known[0] and known[1] in run.stdout + run.stderr
                found = [] if holds else [f"no longer as its exception says: {known[2]}"]
            else:
                found = list(problems(case, words, run))
            if found:
                failed += 1
                print(f"{case['command']}")
                for problem in found:
                    print(f"    {problem}")
                for text in (run.stdout + run.stderr).splitlines()[-6:]:
                    print(f"    | {text}")
    print(f"{done} command lines, {failed} failed, {len(EXCEPTIONS)} listed exceptions")
    return failed > 0


sys.exit(main())
