#!/usr/bin/env python3
"""The tolerance advisor through the command: what it suggests passes when pasted, in ours and in the
reference; it calls an fp16 cast rounding and swapped channels a bug.

Environment: POLYGRAPHY_BIN; runs in a Python with numpy and the reference (skipped aloud without).
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

SKIP = 77
N_CASES = 30


def ours(folder, *words):
    return subprocess.run([os.environ["POLYGRAPHY_BIN"], "run", *words], cwd=folder, text=True, capture_output=True,
                          timeout=120)


def make_case(np, case):
    """Two results of one or two outputs whose errors have another shape each time."""
    rng = np.random.default_rng(case)
    outputs = {}
    for name in ["y", "z:0"][: 1 + case % 2]:
        dtype = [np.float32, np.float64, np.float16][case % 3]
        a = rng.standard_normal((8, 33)) * 10.0 ** rng.integers(-3, 3, (8, 33))
        b = a * (1 + 1e-2 * (case % 4) * rng.standard_normal(a.shape)) + 1e-3 * (1 + case % 5) * rng.standard_normal(a.shape)
        if case % 6 == 1:
            b[2, 7] += 100
        outputs[name] = a.astype(dtype), b.astype(dtype)
    return ({k: v[0] for k, v in outputs.items()}, {k: v[1] for k, v in outputs.items()})


def save(folder, name, outputs):
    from polygraphy.comparator import IterationResult, RunResults

    results = RunResults()
    results.append((name, [IterationResult(outputs, runner_name=name)]))
    results.save(str(folder / f"{name}.json"))


def suggestion(text):
    """The options of the last line of advice."""
    lines = [line for line in text.splitlines() if "Tolerance Advice" in line]
    return shlex.split(re.search(r": (--atol.*)$", lines[-1]).group(1)) if lines else []


def check_pasting(np, folder):
    reference = pathlib.Path(sys.executable).with_name("polygraphy")
    bad, statements = [], 0
    for case in range(N_CASES):
        first, second = make_case(np, case)
        save(folder, "a", first)
        save(folder, "b", second)
        stat = [[], ["--check-error-stat", "max"], ["--check-error-stat", "mean"]][case // 10]
        failed = ours(folder, "--load-outputs", "a.json", "b.json", "--suggest-tolerances", *stat)
        options = suggestion(failed.stdout)
        if failed.returncode != 1 or not options:
            bad.append(f"case {case}: no suggestion, exit {failed.returncode}\n{failed.stdout}{failed.stderr}")
            continue
        words = ["--load-outputs", "a.json", "b.json", *stat, *options]
        passed = ours(folder, *words)
        if passed.returncode:
            bad.append(f"case {case}: {shlex.join(options)} does not pass\n{passed.stdout}")
        code = subprocess.run([reference, "run", *words], cwd=folder,
                              capture_output=True).returncode
        if code:
            bad.append(f"case {case}: {shlex.join(options)} does not pass in the reference")
        statements += 1
    print(f"suggestions: {statements} of {N_CASES} pasted")
    return bad


def check_causes(np, folder):
    bad = []
    x = np.random.default_rng(1).standard_normal((1, 16, 32, 32)).astype(np.float32)
    swapped = x.copy()
    swapped[:, [3, 5]] = swapped[:, [5, 3]]
    few = x.copy()
    few[0, 0, 0, 0] += 100
    cases = {
        "looks like rounding to float16": x.astype(np.float16).astype(np.float32),
        "looks like a bug": swapped,
        "a few elements hold nearly all of the error": few,
        "Would pass with": x + np.float32(1e-4),
        "NaN or infinity": np.where(x > 2, np.float32(np.nan), x),
    }
    for sentence, y in cases.items():
        save(folder, "a", {"y": y})
        save(folder, "b", {"y": x})
        done = ours(folder, "--load-outputs", "a.json", "b.json")
        if sentence not in done.stdout:
            bad.append(f"expected {sentence!r}\n{done.stdout}")
    save(folder, "a", {"y": x})
    quiet = ours(folder, "--load-outputs", "a.json", "a.json")
    if quiet.returncode or "Advice" in quiet.stdout:
        bad.append(f"advice without a mismatch\n{quiet.stdout}")
    return bad


def main():
    try:
        import numpy as np
        import polygraphy.comparator  # noqa: F401
    except ImportError as missing:
        print(f"SKIP: {missing}")
        return SKIP
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        bad = check_pasting(np, folder) + check_causes(np, folder)
    for item in bad:
        print(item, file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
