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
    rng = np.random.default_rng(1)
    f32 = np.float32
    x = rng.standard_normal((1, 16, 32, 32)).astype(f32)
    swapped = x.copy()
    swapped[:, [3, 5]] = swapped[:, [5, 3]]
    alike = (3 + 0.01 * rng.standard_normal((8, 100))).astype(f32)
    few = x.copy()
    few[0, 0, 0, 0] += 100
    rows, weights, bias = rng.standard_normal((64, 256)), rng.standard_normal((256, 256)) / 16, rng.standard_normal(256)
    y = rows @ weights + bias
    softmax = np.exp(y) / np.exp(y).sum(1, keepdims=True)
    large = (30000 * y).astype(f32)

    def int8(v):
        return np.round(v * 127 / np.abs(v).max()) * np.abs(v).max() / 127

    def bfloat16(v):
        bits = np.ascontiguousarray(v, f32).view(np.uint32)
        return ((bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)).view(f32)

    long_sum = np.zeros((8, 16), f32)
    left, right = rng.standard_normal((8, 20000)).astype(f32), rng.standard_normal((20000, 16)).astype(f32)
    for k in range(left.shape[1]):
        long_sum += np.outer(left[:, k], right[k])
    near_zero = np.where(x > 0, x, 0)
    steps = rng.integers(0, 255, (50, 50))
    with np.errstate(over="ignore"):
        overflow = large.astype(np.float16).astype(f32)
    bug, moved = "looks like a bug.", "not the same one by one, which looks like a bug"
    cases = [
        ("swapped channels", moved, swapped, x),
        ("swapped channels of float16", moved, swapped.astype(np.float16), x.astype(np.float16)),
        ("swapped rows that are much alike", moved, alike[::-1].copy(), alike),
        ("an axis that is off by one", moved, np.roll(y, 1, 1), y),
        ("transposed weights", moved, rows @ weights.T + bias, y),
        ("a softmax over another axis", bug, np.exp(y) / np.exp(y).sum(0), softmax),
        ("no bias", bug, rows @ weights, y),
        ("another scale", "factor or offset is off for all elements, which looks like a bug", 1.01 * y, y),
        ("another offset", "factor or offset is off for all elements, which looks like a bug", y + 0.01, y),
        ("saturated", bug, np.clip(y, -2, 2), y),
        ("a few elements", "a few elements hold nearly all of the error", few, x),
        ("cast to float16", "looks like rounding to float16 or TensorFloat-32.", x.astype(np.float16), x),
        ("cast to bfloat16", "or to bfloat16 in few layers", bfloat16(x), x),
        ("quantized weights", "looks like rounding to bfloat16 or int8", rows @ int8(weights) + bias, y),
        ("long sums", "looks like rounding.", long_sum, left.astype(float) @ right),
        ("noise near zero", "looks like rounding.", near_zero + 1e-9 * (near_zero == 0), near_zero),
        ("an offset below float16's step", "Would pass with", x + f32(1e-4), x),
        ("NaN on one side", "NaN or infinity", np.where(x > 2, f32(np.nan), x), x),
        ("overflow", "an overflow of float16", overflow, large),
        ("integers off by one", "off by at most one", (steps + 1).astype(np.uint8), steps.astype(np.uint8)),
        ("another index", "nearly equal", np.where(steps == 7, 9, steps).astype(np.int64), steps.astype(np.int64)),
        ("a truth value", "truth values differ", steps > 7, steps > 8),
    ]
    for what, sentence, a, b in cases:
        as_declared = b.dtype if b.dtype != np.float64 else f32
        save(folder, "a", {"y": np.ascontiguousarray(a.astype(as_declared))})
        save(folder, "b", {"y": np.ascontiguousarray(b.astype(as_declared))})
        done = ours(folder, "--load-outputs", "a.json", "b.json", "--atol", "0", "--rtol", "1e-09")
        if sentence not in done.stdout:
            bad.append(f"{what}: expected {sentence!r}\n{done.stdout}")
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
