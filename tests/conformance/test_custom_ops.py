#!/usr/bin/env python3
"""Users' operators through the command: --ref-ops and --onnxrt-custom-ops.

    test_custom_ops.py POLYGRAPHY MODELS REF_LIBRARY ORT_LIBRARY WRONG_FOLDER

MODELS holds conf_custom.onnx (test.polygraphy:Double) and conf_decay.onnx; the libraries hold the
operators for one runner each, WRONG_FOLDER those that are wrong (wrong_ops.c). What needs ONNX
Runtime is left out, aloud, when it is not installed.
"""

import os
import subprocess
import sys
import tempfile


class Checks:
    def __init__(self, program):
        self.program = program
        self.n_bad = 0
        self.n = 0

    def run(self, *args):
        done = subprocess.run([self.program, "run", *args], capture_output=True, text=True,
                              timeout=120, check=False)
        return done.returncode, done.stdout + done.stderr

    def expect(self, title, args, code, *parts):
        got, text = self.run(*args)
        missing = [p for p in parts if p not in text]
        ok = got == code and not missing
        self.n += 1
        self.n_bad += not ok
        print(f"{'ok' if ok else 'WRONG'}: {title}")
        if not ok:
            print(f"  exit code {got}, wanted {code}; not found: {missing}\n{text}")


def wrong(folder, name):
    return os.path.join(folder, f"libwrong_ops_{name}.so")


def check_faults(c, model, folder):
    """Each wrong library: its name, and what must be said of it."""
    for name, parts in {
            "NO_SYMBOL": ("exports no pgy_ref_ops_get", "polygraphy/ref_ops.h"),
            "NO_OPS": ("gives no operators",),
            "OTHER_ABI": ("version 2 of the interface", "build it again"),
            "UNSOUND": ("operator 0 ('Double')",),
            "FAILS": ("Double", "only odd numbers can be doubled"),
            "FAILS_SILENTLY": ("Double", "the kernel failed with 7"),
            "FILLS_NOTHING": ("Double", "did not fill output 0"),
            "FILLS_TWICE": ("Double", "has filled before"),
            "FILLS_OTHER": ("Double", "output 3, which the node does not have"),
            "BAD_SHAPE": ("Double", "impossible type or shape"),
    }.items():
        c.expect(name, [model, "--pluginref", "--ref-ops", wrong(folder, name)], 1, *parts)


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    program, models, ref_library, ort_library, folder = sys.argv[1:]
    model = os.path.join(models, "conf_custom.onnx")
    decay = os.path.join(models, "conf_decay.onnx")
    c = Checks(program)

    c.expect("the example's operator", [model, "--pluginref", "--ref-ops", ref_library], 0, "PASSED")
    c.expect("attributes and optional inputs", [decay, "--pluginref", "--ref-ops", ref_library], 0,
             "PASSED")
    c.expect("without a library", [model, "--pluginref"], 1, "no operator 'Double'",
             "domain 'test.polygraphy', version 1", "node", "--ref-ops")
    c.expect("a library that is not there",
             [model, "--pluginref", "--ref-ops", "/nonexistent/libops.so"], 1,
             "/nonexistent/libops.so")
    c.expect("a file that is no library", [model, "--pluginref", "--ref-ops", model], 1, model)
    c.expect("the last library wins",
             [model, "--pluginref", "--ref-ops", ref_library, wrong(folder, "FAILS")], 1,
             "only odd numbers")
    check_faults(c, model, folder)
    with tempfile.TemporaryDirectory() as work:
        half = os.path.join(work, "half.json")
        c.expect("outputs to compare with",
                 [decay, "--pluginref", "--ref-ops", ref_library, "--save-outputs", half], 0)
        c.expect("the same outputs again",
                 [decay, "--pluginref", "--ref-ops", ref_library, "--load-outputs", half], 0,
                 "PASSED")

    probe, text = c.run(model, "--onnxrt", "--onnxrt-custom-ops", ort_library)
    if probe and "POLYGRAPHY_ONNXRT_LIB" in text:
        print("SKIPPED: what needs ONNX Runtime, which is not installed")
    else:
        c.expect("ONNX Runtime's library", [model, "--onnxrt", "--onnxrt-custom-ops", ort_library],
                 0, "PASSED")
        c.expect("both runners, a library each",
                 [model, "--onnxrt", "--onnxrt-custom-ops", ort_library, "--pluginref", "--ref-ops",
                  ref_library], 0, "Passed: 1/1 iterations")
        c.expect("ONNX Runtime without its library", [model, "--onnxrt"], 1, "Double")
        c.expect("a library ONNX Runtime cannot find",
                 [model, "--onnxrt", "--onnxrt-custom-ops", "/nonexistent/libops.so"], 1,
                 "/nonexistent/libops.so")
        c.expect("a library without operators for ONNX Runtime",
                 [model, "--onnxrt", "--onnxrt-custom-ops", ref_library], 1, "RegisterCustomOps")
    print(f"{c.n} checks, {c.n_bad} wrong")
    return 1 if c.n_bad else 0


if __name__ == "__main__":
    sys.exit(main())
