#!/usr/bin/env python3
"""Layer by layer on real models, whole commands:

  planted   one weight in the middle of a copy is changed; the report names the layer that reads it,
            --isolate-layers finds that this layer alone is wrong, and the extracted folder fails by
            itself when its command line is run
  parts     a model with all tensors marked, which runs in parts, gives what the whole model gives:
            the same tensors bit for bit and the same lines
  wrong     graphs that are none: one sentence, exit code 1

Environment: POLYGRAPHY_BIN, PX_MODELS, PX_ONNX_PYTHON (onnx and onnxruntime). Usage: test_layers.py [-k WORD]
"""
import difflib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SKIP = 77
PLANT = """
import sys, numpy, onnx
from onnx import numpy_helper
model = onnx.load(sys.argv[1])
weights = {t.name: t for t in model.graph.initializer}
for node in model.graph.node:
    if node.op_type == "Constant" and node.attribute[0].name == "value":
        weights[node.output[0]] = node.attribute[0].t
found = [(n, weights[n.input[1]]) for n in model.graph.node
         if n.op_type in ("Conv", "Gemm", "MatMul") and n.input[1] in weights and weights[n.input[1]].data_type == 1]
node, weight = found[len(found) // 2]
values = numpy_helper.to_array(weight).copy()
values[tuple(d // 2 for d in values.shape)] += 1 + abs(values).max()
weight.CopyFrom(numpy_helper.from_array(values, weight.name))
onnx.save(model, sys.argv[2])
print(node.output[0])
"""
# Weights of the "light" models are computed by ConstantOfShape: an error is planted in such a value.
PLANT_LIGHT = """
import sys, onnx
from onnx import numpy_helper, helper
model = onnx.load(sys.argv[1])
made = {n.output[0]: n for n in model.graph.node if n.op_type == "ConstantOfShape"}
found = [n for n in model.graph.node if n.op_type == "Conv" and n.input[1] in made]
node = found[len(found) // 2]
maker = made[node.input[1]]
value = numpy_helper.to_array(maker.attribute[0].t) * 1.5 + 0.25
maker.attribute[0].t.CopyFrom(numpy_helper.from_array(value.astype("float32"), "value"))
onnx.save(model, sys.argv[2])
print(maker.output[0])
"""
NAMES = """
import sys, json, onnx
model = onnx.load(sys.argv[1])
print(json.dumps([o for n in model.graph.node if n.op_type != "Constant" for o in n.output if o]))
"""
WRONG = """
import onnx
from onnx import helper as h, TensorProto as T
def save(name, nodes, outputs=("y",), inits=()):
    io = lambda n: h.make_tensor_value_info(n, T.FLOAT, [2])
    g = h.make_graph(nodes, "g", [io("x")], [io(o) for o in outputs], list(inits))
    m = h.make_model(g, opset_imports=[h.make_opsetid("", 13)])
    m.ir_version = 8
    onnx.save(m, name)
save("cycle.onnx", [h.make_node("Add", ["x", "b"], ["a"], "first"), h.make_node("Relu", ["a"], ["b"], "second"),
                    h.make_node("Relu", ["b"], ["y"], "third")])
save("twice.onnx", [h.make_node("Relu", ["x"], ["y"], "first"), h.make_node("Abs", ["x"], ["y"], "second")])
save("missing.onnx", [h.make_node("Add", ["x", "nobody"], ["y"], "first")])
save("unsorted.onnx", [h.make_node("Relu", ["a"], ["y"], "second"), h.make_node("Abs", ["x"], ["a"], "first")])
def external(name, **entries):
    t = T()
    t.name, t.data_type, t.data_location = "w", 1, T.EXTERNAL
    t.dims.append(2)
    for k, v in {"location": "w.bin", **entries}.items():
        e = t.external_data.add()
        e.key, e.value = k, str(v)
    save(name, [h.make_node("Add", ["x", "w"], ["y"], "first")], inits=[t])
open("w.bin", "wb").write(bytes(16))
external("length.onnx", offset=0, length=5)
external("offset.onnx", offset=12, length=8)
external("far.onnx", offset=2**62, length=8)
external("negative.onnx", offset=-8, length=8)
def overlapping():
    ts = []
    for name, offset in (("w", 0), ("v", 4)):
        t = T()
        t.name, t.data_type, t.data_location = name, 1, T.EXTERNAL
        t.dims.append(2)
        for k, v in {"location": "w.bin", "offset": offset, "length": 8}.items():
            e = t.external_data.add()
            e.key, e.value = k, str(v)
        ts.append(t)
    save("overlap.onnx", [h.make_node("Add", ["x", "w"], ["a"], "first"), h.make_node("Add", ["a", "v"], ["y"], "second")],
         inits=ts)
overlapping()
"""


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.binary = os.environ["POLYGRAPHY_BIN"]
        self.python = os.environ["PX_ONNX_PYTHON"]
        self.env = {**os.environ, "NO_COLOR": "1", "PYTHONWARNINGS": "ignore", "POLYGRAPHY": self.binary}
        self.env.setdefault("VIRTUAL_ENV", str(pathlib.Path(self.python).parent.parent))
        self.env.setdefault("ASAN_OPTIONS", "detect_leaks=1:detect_odr_violation=0")

    def run(self, *words, code=0, command=None):
        p = subprocess.run(command or [self.binary, "run", *map(str, words)], cwd=self.folder, env=self.env,
                           capture_output=True, text=True, errors="replace", timeout=300)
        check(p.returncode == code, f"{' '.join(map(str, words))}: exit code {p.returncode}, {code} expected\n"
              + p.stdout[-1500:] + p.stderr[-1500:])
        return p.stdout + p.stderr

    def script(self, text, *words):
        return subprocess.run([self.python, "-c", text, *map(str, words)], cwd=self.folder, env=self.env, check=True,
                              capture_output=True, text=True).stdout.strip()


def test_planted(bench, model, plant, *shapes):
    layer = bench.script(plant, model, "planted.onnx")
    bench.run(model, *shapes, "--onnxrt", "--onnx-outputs", "mark", "all", "--save-outputs", "whole.json", "--save-inputs",
              "in.json", "-q")
    bench.run("planted.onnx", "--onnxrt", "--onnx-outputs", "mark", "all", "--load-inputs", "in.json",
              "--save-outputs", "planted.json", "-q")
    # Two files, and the model only to tell the layers.
    log = bench.run("planted.onnx", "--load-outputs", "planted.json", "whole.json", code=1)
    check(f"gives '{layer}'" in log.split("First layer that differs")[1].splitlines()[0], f"{layer} is not named:\n{log[-3000:]}")
    # A runner against a file.
    log = bench.run("planted.onnx", "--onnxrt", "--onnx-outputs", "mark", "all", "--load-inputs", "in.json", "--load-outputs",
                    "whole.json", "--isolate-layers", "--extract-first-failure", "out", "-v", code=1)
    check(f"gives '{layer}'" in log.split("First layer that differs")[1].splitlines()[0], f"{layer} is not named")
    own = [line for line in log.splitlines() if re.search(r"  (FAILED|PASSED)(, own error|, NaN|, inf|$)", line)]
    failed = [line for line in own if line.rstrip().endswith("FAILED")]
    check(len(own) > 20 and len(failed) == 1 and "own error PASSED" in log, "own errors:\n" + "\n".join(own))
    check(sorted(os.listdir(bench.folder / "out")) == ["command.sh", "expected.json", "inputs.json", "model.onnx"],
          "files of the extracted folder")
    log = bench.run(command=["sh", "out/command.sh"], code=1)
    check(f"FAILED | Output: '{layer}'" in log, log[-2000:])
    # It is there already, so it is not touched.
    log = bench.run("planted.onnx", "--onnxrt", "--load-outputs", "whole.json", "--extract-first-failure", "out", code=1)
    check("holds" in log and "Activating" not in log, log)


def lines_of(log):
    log = re.sub(r"\d\d/\d\d/\d\d-\d\d:\d\d:\d\d", "<WHEN>", log)
    log = re.sub(r"[0-9.e+-]+ (ms|times)", r"<T> \1", log)
    log = re.sub(r"Runtime: .*", "", re.sub(r"Command: .*", "", log))
    return [line for line in log.splitlines() if "Marking all" not in line]


def test_parts(bench, model, *runners):
    names = json.loads(bench.script(NAMES, model))
    common = [model, *runners, "--iterations", "2"]
    whole = bench.run(*common, "--onnx-outputs", *names, "--save-outputs", "a.json")
    parts = bench.run(*common, "--onnx-outputs", "mark", "all", "--save-outputs", "b.json")
    lines = [lines_of(log) for log in (whole.replace("a.json", "b.json"), parts)]
    differing = list(difflib.unified_diff(*lines, lineterm="", n=0))
    check(not differing, "the lines differ:\n" + "\n".join(differing[:20]))
    kept = []
    for name in ("a.json", "b.json"):
        with open(bench.folder / name, encoding="utf-8") as f:
            kept.append([line for line in f if '"runtime":' not in line and "-runner-N" not in line])
    check(kept[0] == kept[1] and len(kept[0]) > len(names), "the outputs differ")


HALF = """
import numpy as np, onnx
from onnx import helper as h, numpy_helper, TensorProto as T
nodes, weights, last = [], [], "x"
for i in range(40):
    kind = (T.FLOAT16, T.BFLOAT16, T.FLOAT, T.INT8)[i % 4]
    nodes += [h.make_node("Cast", [last], [f"c{i}"], to=kind), h.make_node("Cast", [f"c{i}"], [f"f{i}"], to=T.FLOAT),
              h.make_node("Mul", [f"f{i}", "third"], [f"m{i}"]), h.make_node("Add", [f"m{i}", "x"], [f"a{i}"])]
    last = f"a{i}"
io = lambda n: h.make_tensor_value_info(n, T.FLOAT, ["N"])
g = h.make_graph(nodes, "g", [io("x")], [io(last)], [numpy_helper.from_array(np.float32([1 / 3]), "third")])
onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 13)], ir_version=8), "half.onnx")
"""
CHAIN = """
import sys, onnx
from onnx import helper as h, TensorProto as T
n = int(sys.argv[1])
nodes = [h.make_node(("Relu", "Abs")[i % 2], [f"t{i}"], [f"t{i + 1}"], f"n{i}") for i in range(n)]
io = lambda name: h.make_tensor_value_info(name, T.FLOAT, [1 << 19])
g = h.make_graph(nodes, "g", [io("t0")], [io(f"t{n}")])
onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 13)], ir_version=8), f"chain{n}.onnx")
"""


def test_parts_half(bench):
    """Types that the interpreter keeps wider than they are: nothing may be rounded at a cut. With 160 nodes
    and shapes that nobody states there are several parts."""
    bench.script(HALF)
    test_parts(bench, "half.onnx", "--pluginref", "--input-shapes", "x:[1000]")


def test_memory(bench):
    """Three times the layers, 320 MiB more of tensors: memory stays about what it is."""
    env = {**bench.env, "ASAN_OPTIONS": bench.env["ASAN_OPTIONS"] + ":quarantine_size_mb=8"}
    for runners in (["--onnxrt", "--onnxrt"], ["--pluginref"], ["--onnxrt", "--pluginref"]):
        peak = []
        for n in (80, 240):
            bench.script(CHAIN, n)
            command = [bench.binary, "run", f"chain{n}.onnx", *runners, "--onnx-outputs", "mark", "all", "-q"]
            p = subprocess.Popen(command, cwd=bench.folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
            check(p.returncode == 0, f"{runners}: exit code {p.returncode}")
            peak.append(usage.ru_maxrss / 1024)
        print(f"  {' '.join(runners)}: {peak[0]:.0f} MiB with 80 layers, {peak[1]:.0f} MiB with 240", flush=True)
        check(peak[1] - peak[0] < 60, f"{runners}: {peak[0]:.0f} MiB with 80 layers, {peak[1]:.0f} MiB with 240")


def test_wrong(bench):
    bench.script(WRONG)
    expected = {"cycle": "cycle", "twice": "two nodes", "missing": "nobody", "length": "length", "offset": "offset", "far": "",
                "negative": "offset"}
    for name, word in expected.items():
        for words in (["--onnx-outputs", "mark", "all"], []):
            for runner in ("--onnxrt", "--pluginref"):
                log = bench.run(f"{name}.onnx", runner, *words, code=1)
                said = [line for line in log.splitlines() if line.startswith("[!]")]
                check(len(said) == 1, f"{name} {runner}: one sentence expected:\n{log}")
                if words and runner == "--onnxrt":
                    check(word in said[0], f"{name}: {said[0]}")
    for name in ("unsorted", "overlap"):
        bench.run(f"{name}.onnx", "--onnxrt", "--onnxrt", "--onnx-outputs", "mark", "all")


def main() -> int:
    missing = [v for v in ("POLYGRAPHY_BIN", "PX_MODELS", "PX_ONNX_PYTHON") if not os.environ.get(v)]
    if missing:
        print(f"SKIPPED: {', '.join(missing)} not set")
        return SKIP
    models = pathlib.Path(os.environ["PX_MODELS"])
    light = next(models.rglob("light_squeezenet.onnx"), models / "light_squeezenet.onnx")
    magika = models / "magika/magika/models/standard_v3_3/model.onnx"
    ocr = models / "rapidocr/rapidocr_onnxruntime/models"
    det = ocr / "ch_PP-OCRv4_det_infer.onnx"
    cases = [("planted in magika", test_planted, magika, PLANT), ("planted in rapidocr det", test_planted, det, PLANT, "--input-shapes", "x:[1,3,64,64]"),
             
             ("planted in light_squeezenet", test_planted, light, PLANT_LIGHT),
             ("parts of magika", test_parts, magika, "--onnxrt", "--onnxrt"),
             ("parts of rapidocr cls", test_parts, ocr / "ch_ppocr_mobile_v2.0_cls_infer.onnx", "--onnxrt", "--onnxrt"),
             ("parts of magika in the interpreter", test_parts, magika, "--pluginref"),
             ("parts of rapidocr cls in the interpreter", test_parts, ocr / "ch_ppocr_mobile_v2.0_cls_infer.onnx", "--pluginref"),
             ("parts of half precision in the interpreter", test_parts_half),
             ("memory", test_memory),
             ("wrong graphs", test_wrong)]
    word = sys.argv[sys.argv.index("-k") + 1] if "-k" in sys.argv else ""
    n_failed = n_skipped = 0
    for name, test, *args in cases:
        if word not in name:
            continue
        absent = [a for a in args if isinstance(a, pathlib.Path) and not a.exists()]
        if absent:
            print(f"SKIPPED {name}: {absent[0]} is not there (tools/fetch_models.sh gets it)")
            n_skipped += 1
            continue
        with tempfile.TemporaryDirectory(prefix="px_layers_") as folder:
            try:
                test(Bench(pathlib.Path(folder)), *args)
                print(f"ok {name}", flush=True)
            except (Failure, subprocess.SubprocessError, OSError, IndexError) as e:
                n_failed += 1
                print(f"FAILED {name}: {getattr(e, 'stderr', '') or ''}{e}\n  again: test_layers.py -k '{name}'")
    return 1 if n_failed else SKIP if n_skipped == len(cases) else 0


if __name__ == "__main__":
    sys.exit(main())
