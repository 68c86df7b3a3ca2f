#!/usr/bin/env python3
"""When the referee report is made: through the command, without any other runtime.

    test_referee_cli.py POLYGRAPHY MODELS
"""

import os
import subprocess
import sys
import tempfile


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, models = sys.argv[1:]
    model = os.path.join(models, "dyn.onnx")
    n_bad = 0

    def run(*args):
        done = subprocess.run([program, "run", *args], capture_output=True, text=True, timeout=60,
                              check=False)
        return done.returncode, done.stdout + done.stderr

    def expect(title, args, code, *parts, absent=()):
        nonlocal n_bad
        got, text = run(*args)
        wrong = [p for p in parts if p not in text] + [p for p in absent if p in text]
        ok = got == code and not wrong
        n_bad += not ok
        print(f"{'ok' if ok else 'WRONG'}: {title}")
        if not ok:
            print(f"  exit code {got}, wanted {code}; {wrong}\n{text}")

    with tempfile.TemporaryDirectory() as work:
        same, other = os.path.join(work, "same.json"), os.path.join(work, "other.json")
        expect("results to load", [model, "--pluginref", "--save-outputs", same], 0)
        expect("others", [model, "--pluginref", "--seed", "7", "--save-outputs", other], 0)
        ref = [model, "--pluginref", "--load-outputs"]
        expect("one run, passing: no report", [*ref, same], 0, absent=["Referee"])
        expect("one run, failing", [*ref, other], 1, "Referee Report |", "is wrong: ",
               "(rounding after every operator)", "max ULP=", "RMS=", "Ratio of RMS:")
        expect("two runs", [*ref, same, other], 1, "Referee Report |", "; pluginref-runner", "is right")
        expect("two runs, passing", [*ref, same, same], 0, "both are right to the last bit")
        expect("saved results alone", ["--load-outputs", same, other], 1, "Referee Report |",
               "at this size of numbers", absent=["(rounding after"])
        expect("several iterations", [*ref, same, other, "--iterations", "3"], 1,
               "over 1 iteration(s)")
        expect("the typed interpreter is measured against float64 too",
               [model, "--pluginref", "--ref-precision", "typed", "--load-outputs", other], 1,
               "Referee Report |")
        expect("post-processed outputs: no further interpretation",
               [*ref, same, other, "--postprocess", "top-1"], 0, "Referee Report |", absent=["(rounding after"])
        expect("no reference, no report", ["--load-outputs", other], 0, absent=["Referee"])
    return 1 if n_bad else 0


if __name__ == "__main__":
    sys.exit(main())
