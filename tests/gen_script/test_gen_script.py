#!/usr/bin/env python3
"""`--gen-script` against the reference: the same syntax trees, scripts that run under the reference's
package with our verdict, and C programs that compile and give it too.

Environment: POLYGRAPHY_BIN; PX_ORACLE_PYTHON, PX_ORACLE_PYTHON_SEED (skipped aloud without them);
POLYGRAPHY_CC: a compiler with the flags that link the library.
"""

import ast
import difflib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent / "data"
SKIP = 77
DIALECT = {"0.49.26": "0.49", "0.53.6": "0.53"}

# Command lines beside those of the specification; both versions unless a tag says otherwise.
MORE = """
model.onnx --onnxrt --shape-inference --onnx-outputs a b --fp-to-fp16 --save-onnx o.onnx --ignore-external-data
model.onnx --onnxrt --shape-inference --ignore-external-data --external-data-dir ext
model.onnx --trt --shape-inference
model.onnx --trt --fp-to-fp16 --save-onnx o.onnx
model.onnx --trt --onnx-outputs a --save-onnx o.onnx
model.onnx --trt --onnx-exclude-outputs a
model.onnx --trt --external-data-dir ext
model.onnx --trt --ignore-external-data
model.onnx --onnxrt --trt --onnx-outputs a --save-onnx o.onnx --fp-to-fp16
model.onnx --onnxrt --no-save-all-tensors-to-one-file --save-onnx y
model.onnx --pluginref --shape-inference --onnx-outputs a --fp-to-fp16 --save-onnx o.onnx
model.pb --tf --freeze-graph --opset 11 --trt --onnxrt
model.pb --tf --trt --save-engine e
model.pb --tf --onnxrt --pluginref --shape-inference --onnx-outputs a
ckptdir --model-type ckpt --tf
model.onnx --trt --int8 --data-loader-script d.py
model.onnx --trt --plugins a.so --onnx-outputs x --fp-to-fp16
model.engine --trt --plugins a.so
model.engine --trt --save-engine e
net.py --trt --trt-outputs mark all --strongly-typed
model.onnx --trt --input-shapes x:[1,3] --int8
model.onnx --trt --trt-min-shapes x:[1,3] --trt-opt-shapes x:[2,3] --trt-max-shapes x:[4,3] --int8 --calibration-cache c
model.onnx --onnxrt --onnxrt --compare-func-script c.py --rtol 1e-3
model.onnx --onnxrt --validate
model.onnx --onnxrt --load-outputs a b --postprocess x:top-5 --compare indices --fail-fast
model.onnx --onnxrt --atol 0 --rtol 1
model.onnx --onnxrt -q
model.onnx --onnxrt -v -q
model.onnx --onnxrt -v --verbosity backend/trt:verbose
model.onnx --onnxrt --verbosity warning -v
model.onnx --onnxrt --verbosity backend/trt:verbose warning
model.onnx --onnxrt --verbosity foo:info foo:error a:b:info
model.onnx --onnxrt --silent -v
model.onnx --trt --trt-npps p.py:a p.py:b --plugins x.so
model.onnx --trt --preview-features a b --onnx-flags x native_instancenorm --quantization-flags q --version-compatible
model.onnx --trt --trt-config-postprocess-script p.py
model.onnx --trt --weight-streaming-budget 100% --optimization-profile 2 --allocation-strategy profile
model.onnx --trt --weight-streaming-budget -2
model.onnx --trt --save-timing-cache a --refittable
model.onnx --onnxrt --trt --load-inputs a.json --int8 --calib-base-cls IInt8EntropyCalibrator
model.onnx --onnxrt --val-range x:[0,1.5] --seed 1
0.49.26 model.onnx --trt --trt --fp16
0.49.26 model.onnx --onnxrt --float-max 3
0.49.26 model.onnx --onnxrt --onnxrt --warm-up 0 --iterations 1
0.53.6 model.onnx --onnxrt --trt --compare simple indices --rtol 1e-3
0.53.6 model.onnx --onnxrt --onnxrt --postprocess-func-script pp.py
0.53.6 model.onnx --onnxrt --trt --tensor-dtypes a:int32 --tensor-formats b:[chw2] --trt-outputs x
0.53.6 model.onnx --trt --enable-uint8-asymmetric-quantization-dla --onnx-flags a --version-compatible
"""

# Runnable ones: the script's verdict under the reference's package must be ours. {m}: a model,
# {a}, {b}: results that differ.
VERDICTS = """
{m} --onnxrt --onnxrt --iterations 2
{m} --onnxrt --load-outputs {a} --atol 1 --rtol 1
{m} --onnxrt --load-outputs {b}
--load-outputs {a} {b}
--load-outputs {a} {b} --atol 100
{m} --onnxrt --input-shapes x:[4,3] --validate --seed 5 --val-range [2,3]
"""

# What a script can't say: the words of the error.
REFUSED = {
    "model.onnx --onnxrt --compare l2": "--gen-dialect 0.53",
    "model.onnx --onnxrt --save-accuracy-results a.json": "--save-accuracy-results",
    "model.onnx --onnxrt --fp-to-bf16": "--fp-to-bf16",
    "model.onnx --onnxrt --int-min 2 --gen-dialect 0.53": "--val-range",
    "model.pb --tf --tftrt": "--tftrt",
    "model.onnx --tf": "--tf with an ONNX model",
}


def all_cases():
    cases = json.load(open(DATA / "spec" / "gen-script-cases.json"))["cases"]
    for i, line in enumerate(filter(None, MORE.splitlines())):
        words = shlex.split(line)
        versions = [words.pop(0)] if words[0] in DIALECT else list(DIALECT)
        cases.append({"id": f"more-{i:02}", "versions": versions,
                      "argv": ["polygraphy", "run", *words, "--gen-script", "-"]})
    return cases


def script_of(text):
    """What stands behind the log lines."""
    start = text.find("#!/usr/bin/env python3")
    return text[start:] if start >= 0 else text


def ours(words, folder, **keywords):
    return subprocess.run([os.environ["POLYGRAPHY_BIN"], "run", *words], cwd=folder, text=True,
                          capture_output=True, timeout=120, **keywords)


def check_trees(folder, pythons):
    cases, bad, n = all_cases(), [], 0
    (folder / "cases.json").write_text(json.dumps(cases))
    (folder / "expected").mkdir()
    cwd = folder / "cwd"
    (cwd / "ckptdir").mkdir(parents=True)
    (cwd / "model.onnx").touch()
    for version, python in pythons.items():
        subprocess.run([python, HERE / "oracle_scripts.py", folder / "cases.json", version, folder / "expected"],
                       cwd=cwd, check=True, stderr=subprocess.DEVNULL)
        for case in cases:
            if version not in case["versions"]:
                continue
            n += 1
            expected = script_of((folder / "expected" / f"{case['id']}.{version}").read_text())
            done = ours([*case["argv"][2:], "--gen-dialect", DIALECT[version]], cwd)
            try:
                same = ast.dump(ast.parse(script_of(done.stdout))) == ast.dump(ast.parse(expected))
            except SyntaxError:
                same = False
            if done.returncode or not same:
                diff = "\n".join(difflib.unified_diff(expected.splitlines(), script_of(done.stdout).splitlines(),
                                                      "reference", "ours", lineterm="", n=0))
                bad.append(f"{case['id']} {version} {shlex.join(case['argv'])}: exit {done.returncode}\n"
                           f"{done.stderr}{diff}")
    print(f"syntax trees: {n - len(bad)} of {n} scripts equal")
    return bad


def check_verdicts(folder, pythons):
    bad, model = [], DATA / "models" / "dyn.onnx"
    names = {"m": str(model), "a": str(folder / "a.json"), "b": str(folder / "b.json")}
    for name, seed in (("a", "1"), ("b", "2")):
        done = ours([str(model), "--onnxrt", "--seed", seed, "--save-outputs", names[name]], folder)
        assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.format(**names) for line in filter(None, VERDICTS.splitlines())]
    for line in lines:
        words = shlex.split(line)
        expected = ours(words, folder).returncode
        for version, python in pythons.items():
            script = folder / "script.py"
            written = ours([*words, "--gen-script", str(script), "--gen-dialect", DIALECT[version]], folder)
            got = subprocess.run([python, script], cwd=folder, text=True, capture_output=True).returncode
            if written.returncode or not os.access(script, os.X_OK) or got != expected:
                bad.append(f"{line} ({version}): script ends with {got}, the command with {expected}\n{written.stderr}")
        bad += check_c(words, folder, expected)
    print(f"verdicts: {len(lines)} command lines, as Python for each version and as C")
    return bad


def check_c(words, folder, expected):
    source, program = folder / "run.c", folder / "program"
    written = ours([*words, "--gen-script", str(source)], folder)
    if written.returncode:
        return [f"{shlex.join(words)}: {written.stderr}"]
    compiled = subprocess.run([*shlex.split(os.environ["POLYGRAPHY_CC"]), source, "-o", program,
                               *shlex.split(os.environ["POLYGRAPHY_LIBS"])], text=True, capture_output=True)
    if compiled.returncode:
        return [f"{shlex.join(words)}: {compiled.stderr}"]
    got = subprocess.run([program], cwd=folder, capture_output=True).returncode
    return [] if got == expected else [f"{shlex.join(words)}: C program ends with {got}, the command with {expected}"]


def check_refusals(folder):
    bad = []
    for line, words in REFUSED.items():
        target = folder / "never.py"
        done = ours([*shlex.split(line), "--gen-script", str(target)], folder / "cwd")
        if done.returncode != 1 or words not in done.stderr or target.exists():
            bad.append(f"{line}: exit {done.returncode}, expected an error with {words!r}:\n{done.stderr}")
    done = ours(["model.onnx", "--onnxrt", "--gen-script", "/proc/no/such/x.py"], folder / "cwd")
    if done.returncode != 1 or "/proc/no" not in done.stderr:
        bad.append(f"unwritable script: exit {done.returncode}: {done.stderr}")
    done = ours(["model.onnx", "--onnxrt\n", "--onnxrt", "--log-file", "a\nimport os", "--gen-script", "-"],
                folder / "cwd")
    if "\nimport os" in done.stdout:
        bad.append("a line break in an argument becomes a statement of the script")
    return bad


def main():
    pythons = {"0.49.26": os.environ.get("PX_ORACLE_PYTHON_SEED"), "0.53.6": os.environ.get("PX_ORACLE_PYTHON")}
    missing = [v for v, p in pythons.items() if not p]
    if missing:
        print(f"SKIP: no Python with polygraphy {' and '.join(missing)}")
        return SKIP
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        bad = check_trees(folder, pythons) + check_verdicts(folder, pythons) + check_refusals(folder)
    for item in bad:
        print(item, file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
