#!/usr/bin/env python3
"""--repeat and --check-batch-invariance through the command, on models made here that hold still or do
not: the verdict, the exit code, the output and node that are named.

Environment: POLYGRAPHY_BIN; runs in a Python with the onnx package. What needs ONNX Runtime is left out
aloud where it is missing. Usage: test_checks.py
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SKIP = 77
failures = []


def make_models(folder):
    from onnx import TensorProto as T
    from onnx import helper as h
    from onnx import save

    def info(name, *dims):
        return h.make_tensor_value_info(name, T.FLOAT, list(dims))

    def model(name, nodes, inputs, outputs):
        graph = h.make_graph(nodes, name, inputs, outputs)
        save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8), folder / f"{name}.onnx")

    noise = h.make_node("RandomNormalLike", ["a"], ["r"], name="noise", seed=1.0)
    model("noise", [h.make_node("Relu", ["x"], ["a"], name="relu"), noise, h.make_node("Add", ["a", "r"], ["y"], name="add")],
          [info("x", "N", 8)], [info("y", "N", 8)])
    model("centred", [h.make_node("ReduceMean", ["x"], ["m"], axes=[0], keepdims=1), h.make_node("Sub", ["x", "m"], ["y"]),
                      h.make_node("Relu", ["x"], ["z"]), h.make_node("ReduceSum", ["x"], ["s"], keepdims=0)],
          [info("x", "N", 8)], [info("y", "N", 8), info("z", "N", 8), info("s")])
    model("rows", [h.make_node("Reshape", ["x", "shape"], ["y"])], [info("x", "N", 4, 3)], [info("y", "M", 3)])
    model("fixed", [h.make_node("Relu", ["x"], ["y"])], [info("x", 4, 8)], [info("y", 4, 8)])
    model("whole", [h.make_node("ReduceSum", ["x"], ["y"], keepdims=0)], [info("x", "N", 8)], [info("y")])
    model("pair", [h.make_node("Add", ["x", "b"], ["y"])], [info("x", "N", 8), info("b", "M", 1)], [info("y", "N", 8)])
    import onnx
    m = onnx.load(folder / "rows.onnx")
    m.graph.initializer.append(onnx.numpy_helper.from_array(__import__("numpy").array([-1, 3], "int64"), "shape"))
    onnx.save(m, folder / "rows.onnx")


class Run:
    def __init__(self, folder, words):
        self.words = words
        env = dict(os.environ, NO_COLOR="1", ORT_DISABLE_TELEMETRY="1")
        done = subprocess.run([os.environ["POLYGRAPHY_BIN"], "run", *words.split()], cwd=folder, env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        self.exit, self.text = done.returncode, done.stdout

    def gives(self, exit, *patterns):
        if self.exit != exit:
            failures.append(f"{self.words}: exit code {self.exit}, not {exit}\n{self.text}")
        for pattern in patterns:
            if not re.search(pattern, self.text):
                failures.append(f"{self.words}: no '{pattern}' in\n{self.text}")
        return self


def main():
    if not os.environ.get("POLYGRAPHY_BIN"):
        print("SKIPPED: set POLYGRAPHY_BIN")
        return SKIP
    try:
        import onnx  # noqa: F401
    except ImportError:
        print("SKIPPED: no onnx package for", sys.executable)
        return SKIP
    with tempfile.TemporaryDirectory(prefix="px_checks_") as name:
        folder = pathlib.Path(name)
        make_models(folder)
        same = r"Runs +the same to the last bit\n +Sessions +the same to the last bit\n +Builds +the same to the last bit"
        Run(folder, "centred.onnx --pluginref --repeat 3").gives(0, "Determinism: PASSED", same)
        Run(folder, "centred.onnx --pluginref --pluginref --repeat 2 --iterations 2 --streaming").gives(
            0, "N0.*Determinism: PASSED(.|\n)*N1.*Determinism: PASSED(.|\n)*Summary(.|\n)*    Determinism: PASSED")
        Run(folder, "centred.onnx --pluginref --repeat 2 --use-subprocess").gives(0, "Determinism: PASSED")
        Run(folder, "centred.onnx --pluginref --repeat 1").gives(1, "--repeat 1: write a number from 2")
        Run(folder, "--repeat 2 --load-outputs none.json").gives(1, "--repeat runs the model again, and no runner")

        batch = "--pluginref --check-batch-invariance --input-shapes x:"
        Run(folder, f"centred.onnx {batch}[4,8] --iterations 2").gives(
            1, "Batch Invariance: FAILED, 8 element", "'y': FAILED .* 8 of 8 element",
            "'z': PASSED . 8 element.*same to the last bit", "'s': left out", r"FAILED \| Runtime")
        Run(folder, f"centred.onnx {batch}[4,8] --onnx-outputs z").gives(0, "Batch Invariance: PASSED", r"PASSED \| Runtime")
        Run(folder, f"centred.onnx {batch}[4,8] --atol 5").gives(0, "'y': PASSED .* 0 of 4 element.* 4 of other bits")
        # Four rows of the output belong to an element.
        Run(folder, f"rows.onnx {batch}[3,4,3]").gives(0, "'y': PASSED . 3 element")
        Run(folder, f"fixed.onnx {batch}[4,8]").gives(1, "the model's batch is fixed").gives(1, r"^(?!(.|\n)*Activating)")
        Run(folder, f"whole.onnx {batch}[4,8]").gives(1, "no output has a dimension that grows with the batch")
        Run(folder, f"centred.onnx {batch}[1,8]").gives(1, "give at least 2 elements")
        Run(folder, f"pair.onnx {batch}[4,8] b:[1,1]").gives(1, "'x' and 'b' .* 4 in one and 1 in the other")
        Run(folder, f"pair.onnx {batch}[4,8] b:[4,1]").gives(0, "'y': PASSED")
        Run(folder, "--check-batch-invariance --load-outputs none.json").gives(1, "no runner was given")

        probe = Run(folder, "fixed.onnx --onnxrt")
        if probe.exit != 0 and "not found" in probe.text:
            print("Left out what needs ONNX Runtime: it is not installed")
        else:
            # The generator goes on within a session and starts again in each.
            r = Run(folder, "noise.onnx --onnxrt --repeat 3 --onnx-outputs mark all")
            r.gives(1, "Determinism: FAILED",
                    "Runs +number 2 differs from the first, first in output 'r' of #1 RandomNormalLike 'noise': "
                    "8 of 8 value.*ULP; 2 of 3 outputs differ",
                    r"Sessions +the same to the last bit\n +Builds +the same to the last bit")
            Run(folder, "fixed.onnx --onnxrt --repeat 3").gives(0, same)
    for failure in failures:
        print("FAILED:", failure)
    print(f"{len(failures)} failed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
