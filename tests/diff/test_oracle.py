#!/usr/bin/env python3
"""The same command lines through the pinned reference and through ours.

For every command line of cases.py: same exit code, same log (names of runners, times and paths aside)
or at least the same verdict lines, and saved files that are equal when the reference's own package
loads them.

Environment: POLYGRAPHY_BIN, PX_ORACLE_PYTHON (0.53.6), PX_ORACLE_PYTHON_SEED (0.49.26), PX_MODELS.
Usage: test_oracle.py [-k WORDS] [-v]
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import cases

HERE = pathlib.Path(__file__).resolve().parent
SKIP = 77
# Lines that only we print; scripts that read the reference's lines are not disturbed by them.
OURS = re.compile(r"^\[.\] +(ULP Distance|.* \| Latency|First (bad|NaN|infinity|layer)|Summary$|Tolerance Advice \| |Layers \| |Loaded ONNX Runtime )")
VERDICT = re.compile(r"(PASSED|FAILED)( \||$)|Accuracy Summary")


def normalise(text: str) -> list[str]:
    text = re.sub(r"\d\d/\d\d/\d\d-\d\d:\d\d:\d\d", "<WHEN>", text)
    text = re.sub(r"\(\d\d:\d\d:\d\d\)", "(<TIME>)", text)
    text = re.sub(r"[0-9.e+-]+ ms", "<T> ms", text)
    text = re.sub(r"Runtime: [0-9.]+s", "Runtime: <T>s", text)
    text = re.sub(r"Command: \S*polygraphy run", "Command: polygraphy run", text)
    lines = []
    is_ours = False
    for line in text.splitlines():
        is_ours = bool(OURS.match(line)) or (is_ours and not line.startswith("["))
        if is_ours or "Loaded Module:" in line or "Loaded extension modules" in line:
            continue
        # Python prints sets in an order of its own in every process.
        line = re.sub(r"\{('[^:{}]*'(, )?)+\}", lambda m: "{" + ", ".join(sorted(m[0][1:-1].split(", "))) + "}", line)
        lines.append(line.rstrip())
    return lines


def verdicts(lines: list[str]) -> list[str]:
    """The closing line and the summaries, without the numbers' layout of either version."""
    out = []
    for line in lines:
        line = line.strip()
        m = re.search(r"Accuracy Summary \|.*Passed: (\d+/\d+)", line)
        if m:
            out.append("summary " + m.group(1))
        elif re.match(r"\[[IE]\] (PASSED|FAILED) \| Runtime", line):
            out.append(line[4:10])
    return out


class Side:
    def __init__(self, name, command, folder, python):
        self.name, self.command, self.folder, self.python = name, command, folder, python

    def run(self, line, package):
        env = {**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1", "ORT_DISABLE_TELEMETRY": "1"}
        if self.name == "ours":
            env["POLYGRAPHY_PYTHON"] = self.python
            if package != "theirs":
                env["PYTHONPATH"] = str(HERE / "hide")
        env.setdefault("ASAN_OPTIONS", "detect_leaks=1:detect_odr_violation=0")
        p = subprocess.run(
            self.command + ["run", *shlex.split(line)],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=600,
            stdin=subprocess.DEVNULL,
        )
        return p.returncode, p.stdout, p.stderr


def first_difference(a, b):
    for i, (x, y) in enumerate(zip(a, b)):
        if x != y:
            return f"line {i + 1}:\n      reference: {x}\n      ours:      {y}"
    longer, who = (a, "reference") if len(a) > len(b) else (b, "ours")
    return f"{abs(len(a) - len(b))} more line(s) from {who}: {longer[min(len(a), len(b))]}"


def run_chain(index, version, steps, oracle, ours, models, keep):
    """Yields (command line, list of complaints)."""
    root = pathlib.Path(tempfile.mkdtemp(prefix=f"px_diff_{index}_"))
    sides = [
        Side("reference", oracle, root / "reference", oracle[0]),
        Side("ours", ours, root / "ours", oracle[0]),
    ]
    for side in sides:
        shutil.copytree(keep, side.folder)
    results = []
    pairs = []
    for line, options in steps:
        line = line.format(**models)
        (rc_a, out_a, err_a), (rc_b, out_b, err_b) = (
            side.run(line, options.get("package")) for side in sides
        )
        bad = []
        want = options.get("exit", "same")
        want = rc_a if want == "same" else want
        if rc_b != want:
            bad.append(f"exit code {rc_b}, want {want}; stderr: {err_b.strip()[-400:]}")
        if "Sanitizer" in err_b or "runtime error:" in err_b:
            bad.append("sanitizer: " + err_b.strip()[-1500:])
        a, b = normalise(out_a), normalise(out_b)
        if options.get("text", True) is None:
            a = b = []
        elif not options.get("text", True) or want != 0 and "Traceback" in err_a:
            a, b = verdicts(a), verdicts(b)
            if "Traceback" in err_a:
                b = [x for x in b if x != "FAILED"]  # the reference crashed before its closing line
                a = [x for x in a if x != "FAILED"]
        if a != b:
            bad.append("log differs at " + first_difference(a, b))
        for name in options.get("files", []):
            missing = [s.name for s in sides if not (s.folder / name).exists()]
            if missing:
                bad.append(f"{name}: not written by {', '.join(missing)}")
            else:
                pairs.append((len(results), name))
        results.append((line, bad))
    if pairs:
        script = str(HERE / "compare_files.py")
        p = subprocess.run(
            [oracle[0], script, str(sides[0].folder), str(sides[1].folder), *(n for _, n in pairs)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        for complaint in filter(None, p.stdout.splitlines()):
            name = complaint.split(":")[0]
            for i, n in pairs:
                if n == name:
                    results[i][1].append(complaint)
        if p.returncode not in (0, 1):
            results[pairs[0][0]][1].append("comparing the files failed: " + p.stderr.strip()[-600:])
    shutil.rmtree(root, ignore_errors=True)
    return results


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", default="", help="only chains with a command line that contains this")
    parser.add_argument("-v", action="store_true", help="name the command lines that pass too")
    args = parser.parse_args()

    binary = os.environ.get("POLYGRAPHY_BIN")
    pythons = {cases.NEW: os.environ.get("PX_ORACLE_PYTHON"), cases.SEED: os.environ.get("PX_ORACLE_PYTHON_SEED")}
    if not binary or not all(p and os.path.exists(p) for p in pythons.values()):
        print("SKIPPED: set POLYGRAPHY_BIN, PX_ORACLE_PYTHON and PX_ORACLE_PYTHON_SEED (tools/check.sh does)")
        return SKIP
    model_root = os.environ.get("PX_MODELS", "")
    models = {k: os.path.join(os.path.abspath(model_root), v) for k, v in cases.REAL.items()} if model_root else {}
    have_models = bool(models) and all(os.path.exists(p) for p in models.values())

    chains = [c for c in enumerate(cases.CHAINS) if not args.k or any(args.k in line for line, _ in c[1][1])]
    skipped = 0
    with tempfile.TemporaryDirectory(prefix="px_diff_models_") as small:
        subprocess.run([pythons[cases.NEW], str(HERE / "make_models.py"), small], check=True)
        for script in (HERE / "scripts").glob("*.py"):
            shutil.copy(script, small)
        (pathlib.Path(small) / "broken.py").write_text("def load_data(:\n", encoding="utf-8")
        passed, failed = 0, 0
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            jobs = []
            for index, (version, steps) in chains:
                if "{" in steps[0][0] and not have_models:
                    skipped += len(steps)
                    print(f"SKIPPED without PX_MODELS: {steps[0][0]}")
                    continue
                oracle = [pythons[version], str(pathlib.Path(pythons[version]).parent / "polygraphy")]
                jobs.append(pool.submit(run_chain, index, version, steps, oracle, [binary], models, small))
            for job in jobs:
                for line, bad in job.result():
                    passed, failed = passed + (not bad), failed + bool(bad)
                    if bad:
                        print(f"FAILED: polygraphy run {line}")
                        for b in bad:
                            print("   ", b)
                    elif args.v:
                        print(f"passed: polygraphy run {line}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
