#!/usr/bin/env python3
"""Loops without end: refused where nothing can end them, ended by Ctrl-C and --timeout otherwise.

POLYGRAPHY_BIN is the program; 77 means skipped.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time


def model(onnx, trips, has_condition):
    h, t = onnx.helper, onnx.TensorProto
    body = h.make_graph(
        [h.make_node("Identity", ["go"], ["on"]), h.make_node("Identity", ["v"], ["w"])], "body",
        [h.make_tensor_value_info("i", t.INT64, []), h.make_tensor_value_info("go", t.BOOL, []),
         h.make_tensor_value_info("v", t.FLOAT, [2])],
        [h.make_tensor_value_info("on", t.BOOL, []), h.make_tensor_value_info("w", t.FLOAT, [2])])
    constants = [h.make_tensor("yes", t.BOOL, [], [True]), h.make_tensor("trips", t.INT64, [], [trips or 0])]
    node = h.make_node("Loop", ["trips" if trips else "", "yes" if has_condition else "", "x"], ["y"], body=body)
    graph = h.make_graph([node], "endless", [h.make_tensor_value_info("x", t.FLOAT, [2])],
                         [h.make_tensor_value_info("y", t.FLOAT, [2])], constants)
    return h.make_model(graph, ir_version=8, opset_imports=[h.make_opsetid("", 16)])


def main():
    try:
        import onnx
    except ImportError as missing:
        print(f"SKIPPED: {missing}; set PX_ONNX_PYTHON to a python that has it")
        return 77
    program, bad = os.environ["POLYGRAPHY_BIN"], []
    with tempfile.TemporaryDirectory() as work:
        def start(trips, has_condition, *options):
            path = os.path.join(work, "m.onnx")
            onnx.save(model(onnx, trips, has_condition), path)
            return subprocess.Popen([program, "run", path, "--pluginref", *options], stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True)

        def check(title, ok, text):
            print(f"{'ok' if ok else 'WRONG'}: {title}")
            if not ok:
                bad.append(title)
                print(text)

        for title, trips, words in (("no trip count, no condition", None, "no trip count"),
                                    ("a huge trip count, no condition", 2**63 - 1, "above 2^40")):
            run = start(trips, False)
            text = run.communicate(timeout=30)[0]
            check(title, run.returncode == 1 and "never ends" in text and words in text, text)
        run = start(3, False)
        text = run.communicate(timeout=30)[0]
        check("three rounds", run.returncode == 0, text)
        for where in [], ["--use-subprocess"]:
            run = start(None, True, "--save-outputs", os.path.join(work, "out.json"), *where)
            time.sleep(1)
            check("a condition that stays true goes on", run.poll() is None, "")
            run.send_signal(signal.SIGINT)
            code = run.wait(timeout=10)
            check(f"until Ctrl-C {where}", code == -signal.SIGINT, f"exit code {code}")
            left = os.listdir(work)
            check("which leaves no file behind", left == ["m.onnx"], str(left))
        run = start(None, True, "--timeout", "1")
        text = run.communicate(timeout=30)[0]
        check("or --timeout", run.returncode == 1 and "--timeout 1" in text, text)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
