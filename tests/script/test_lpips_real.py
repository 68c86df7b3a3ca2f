#!/usr/bin/env python3
"""--compare perceptual_metrics with the real lpips and torch packages, against the package itself and against
the reference.

Only when asked for, since torch is large: PX_LPIPS_PYTHON is a Python with lpips, torch and torchvision. The
weights of LPIPS come with its package. Those of AlexNet are a download; where torch has not got them, seeded
ones take their place, for all sides. Also: POLYGRAPHY_BIN; PX_ORACLE_PYTHON, the reference's Python of the
same version, if there is one.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SKIP = 77
MAKE = """
import base64, io, json, os, sys
import lpips, numpy as np, torch, torchvision

weights = os.path.join(torch.hub.get_dir(), "checkpoints", "alexnet-owt-7be5be79.pth")
if not os.path.exists(weights):
    os.makedirs(os.path.dirname(weights))
    torch.manual_seed(0)
    torch.save(torchvision.models.alexnet(weights=None).state_dict(), weights)

def results(path, array):
    f = io.BytesIO()
    np.save(f, array)
    nd = {"array": base64.b64encode(f.getvalue()).decode(), "polygraphy_class": "ndarray"}
    it = {"outputs": {"y": {"values": nd, "polygraphy_class": "LazyArray"}}, "runtime": 0.1,
          "runner_name": path, "polygraphy_class": "IterationResult"}
    with open(path, "w") as out:
        json.dump({"lst": [[path, [it]]], "polygraphy_class": "RunResults"}, out)

rng = np.random.default_rng(0)
a = rng.random((2, 3, 64, 80), dtype=np.float32)
noise = rng.normal(0, 0.05, a.shape).astype(np.float32)
network = lpips.LPIPS(net="alex", version="0.1", verbose=False).eval()

def distance(x, y):  # of RGB in [0, 1]
    with torch.no_grad():
        return float(network(torch.from_numpy(x) * 2 - 1, torch.from_numpy(y) * 2 - 1).mean())

near = np.clip(a + noise, 0, 1)
results("a.json", a)
results("near.json", near)
results("far.json", 1 - a)
results("one_a.json", a[:1])
results("one_near.json", near[:1])
results("grey_a.json", a[:1, :1])
results("grey_near.json", near[:1, :1])
results("bytes_a.json", (a[0] * 255).astype(np.uint8).transpose(1, 2, 0))
results("bytes_near.json", (near[0] * 255).astype(np.uint8).transpose(1, 2, 0))
thrice = lambda x: np.repeat(x, 3, axis=1)
as_bytes = lambda x: ((x[:1] * 255).astype(np.uint8).astype(np.float32)) / np.float32(255)
with open("expected.json", "w") as out:
    json.dump({"near": distance(a, near), "far": distance(a, 1 - a), "one": distance(a[:1], near[:1]),
               "grey": distance(thrice(a[:1, :1]), thrice(near[:1, :1])),
               "bytes": distance(as_bytes(a), as_bytes(near))}, out)
"""
PAIRS = {"near": ("a", "near"), "far": ("a", "far"), "one": ("one_a", "one_near"), "grey": ("grey_a", "grey_near"),
         "bytes": ("bytes_a", "bytes_near")}  # fmt: skip
LINE = re.compile(r"LPIPS: (\S+) \(tolerance: (\S+)\) \| (PASSED|FAILED)")


def main():
    binary, python = os.environ.get("POLYGRAPHY_BIN"), os.environ.get("PX_LPIPS_PYTHON")
    if not binary or not python:
        print("skipped: PX_LPIPS_PYTHON names no Python with the lpips, torch and torchvision packages")
        return SKIP
    oracle = os.environ.get("PX_ORACLE_PYTHON")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="px_lpips_") as name:
        env = {**os.environ, "POLYGRAPHY_PYTHON": python, "PYTHONWARNINGS": "ignore"}
        env.setdefault("TORCH_HOME", name)
        made = subprocess.run([python, "-W", "ignore", "-c", MAKE], cwd=name, env=env, capture_output=True, text=True)
        if made.returncode:
            print(f"FAILED: the images\n{made.stderr[-2000:]}")
            return 1
        site = subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True
        ).stdout.strip()
        expected = json.loads(pathlib.Path(name, "expected.json").read_text())

        def measure(command, pair, *words, **more):
            run = subprocess.run(
                [*command, "run", "--load-outputs", *(f"{p}.json" for p in pair), "--compare", "perceptual_metrics", *words],
                cwd=name, env={**env, **more}, capture_output=True, text=True, timeout=300,
            )  # fmt: skip
            found = LINE.search(run.stdout)
            return found.groups() if found else (run.stdout + run.stderr)[-2000:], run.returncode

        for what, pair in PAIRS.items():
            value = expected[what]
            # A threshold on each side of the true distance.
            for threshold, verdict, code in ((value * 1.01, "PASSED", 0), (value * 0.99, "FAILED", 1)):
                got, exit_code = measure([binary], pair, "--lpips-threshold", repr(threshold))
                good = exit_code == code and len(got) == 3 and got[2] == verdict
                good = good and abs(float(got[0]) - value) <= 1e-4 * value
                failed += not good
                print(f"{'ok' if good else 'FAILED'}: {what}: {got}, lpips says {value:.6g}")
        # The reference: the same number and verdict at the default threshold.
        for what in ("near", "far", "one", "bytes") if oracle else ():
            ours = measure([binary], PAIRS[what])
            theirs = measure([str(pathlib.Path(oracle).parent / "polygraphy")], PAIRS[what], PYTHONPATH=site)
            failed += ours != theirs
            print(f"{'ok' if ours == theirs else 'FAILED'}: {what}: ours {ours}, the reference's {theirs}")
    print(f"{failed} failed")
    return failed > 0


sys.exit(main())
