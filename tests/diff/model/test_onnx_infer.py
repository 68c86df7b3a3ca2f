#!/usr/bin/env python3
"""test_onnx_infer.py TOOL CASES FOLDER... - our shape inference against the onnx package and truth.

Models: those of the folders, the standard's node cases (CASES, folders separated by colons), and
the node cases that the installed onnx package makes itself. Each is inferred as it is and with all
that it states about node outputs removed. For each tensor, in subgraphs too, the answers
agree, more, less or conflict, as type_relation.py says; onnx.shape_inference propagates data.

There must be no `conflict` and, but for LESS_ALLOWED, no `less`. Node cases carry their outputs: a
stated dim must be the true one. Exit status 77 without the onnx package.
"""
import collections
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
try:
    import numpy as np
    import onnx
    import onnx.shape_inference
    from onnx import TensorProto
except ImportError as error:
    print(f"SKIP: {error}")
    sys.exit(77)
from type_relation import relation, types_of

TOOL, CASES, FOLDERS = sys.argv[1], sys.argv[2].split(":"), sys.argv[3:]
VERBOSE = os.environ.get("PX_VERBOSE")
counts = collections.Counter()
problems = []
# The case states that its sequence holds scalars and then inserts vectors.
LESS_ALLOWED = ("test_loop13_seq",)


# --- models ---

def strip(graph):
    """Removes what is stated about node outputs."""
    del graph.value_info[:]
    for v in graph.output:
        if v.type.HasField("tensor_type"):
            v.type.tensor_type.ClearField("shape")
    for node in graph.node:
        for a in node.attribute:
            for g in (*([a.g] if a.HasField("g") else []), *a.graphs):
                strip(g)


def leave_weights(graph):
    """Large weights, whose values nobody infers from, become external: hundreds of MB less to write."""
    large = [t for t in graph.initializer if len(t.raw_data) > 1 << 16]
    for t in large:
        size = len(t.raw_data)
        t.ClearField("raw_data")
        t.data_location = TensorProto.EXTERNAL
        for key, value in (("location", "absent.bin"), ("length", str(size))):
            t.external_data.add(key=key, value=value)
    return bool(large)


def actual_outputs(folder, model):
    """Shapes of output k in the case's data, or None."""
    out = {}
    for k, v in enumerate(model.graph.output):
        path = folder / f"output_{k}.pb"
        if path.exists() and v.type.HasField("tensor_type"):
            t = TensorProto()
            t.ParseFromString(path.read_bytes())
            out[v.name] = (t.data_type, tuple(t.dims))
    return out


def check_truth(label, ours, truth):
    for name, (dtype, dims) in truth.items():
        mine = ours.get(("", name))
        if mine is None or mine[0] != "tensor_type":
            continue
        counts["truth"] += 1
        if mine[1] != dtype and (mine[1], dtype) != (TensorProto.BFLOAT16, TensorProto.UINT16):
            problems.append(f"{label}: {name} is of type {dtype}, we say {mine[1]}")
        if mine[2] is None:
            continue
        if len(mine[2]) != len(dims) or any(
                isinstance(a, int) and a != b for a, b in zip(mine[2], dims)):
            problems.append(f"{label}: {name} has the shape {dims}, we say {mine[2]}")


class Work:
    """Collects models, runs the tool once over all, compares."""

    def __init__(self, folder):
        self.folder, self.jobs = folder, []

    def add(self, label, path, stripped, truth):
        model = onnx.load(path, load_external_data=False)
        source = path
        is_large = leave_weights(model.graph)
        if stripped:
            strip(model.graph)
        if stripped or is_large:
            source = self.folder / f"in{len(self.jobs)}.onnx"
            source.write_bytes(model.SerializeToString())
        self.jobs.append((label, model, source, self.folder / f"out{len(self.jobs)}.onnx", truth))

    def run(self, verbose):
        lines = "".join(f"{source}\t{out}\n" for _, _, source, out, _ in self.jobs)
        done = subprocess.run([TOOL], input=lines, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            problems.append(f"the tool ended with {done.returncode}: {done.stderr[-2000:]}")
            return
        for line in done.stdout.splitlines():
            problems.append(line)
        for label, model, _, out, truth in self.jobs:
            if out.exists():
                self.compare(label, model, onnx.load(out, load_external_data=False), truth, verbose)

    def compare(self, label, model, ours, truth, verbose):
        try:
            theirs = onnx.shape_inference.infer_shapes(model, data_prop=True)
        except Exception as error:  # it refuses the model
            theirs = model
            counts["refused by onnx"] += 1
        mine, other = types_of(ours.graph), types_of(theirs.graph)
        if set(mine) != set(other):
            problems.append(f"{label}: the graphs differ")
            return
        for key in mine:
            word = relation(mine[key], other[key])
            counts[word] += 1
            if word == "conflict" or (word == "less" and not label.endswith(LESS_ALLOWED)):
                problems.append(f"{label}: {key[0]} {key[1]!r}: {word}: we say {mine[key]}, onnx says "
                                f"{other[key]}")
            elif verbose and word == "more":
                print(f"more  {label}: {key}: {mine[key]}, onnx: {other[key]}")
        check_truth(label, mine, truth)


def node_cases():
    for folder in CASES:
        if folder:
            for path in sorted(pathlib.Path(folder).glob("*/model.onnx")):
                yield path.parent.name, path, path.parent / "test_data_set_0"


def generated_cases(folder):
    """The node cases of the installed onnx package, which knows newer operators."""
    from onnx.backend.test.case.node import collect_testcases
    for case in collect_testcases(None):
        if case.model is None:
            continue
        path = folder / f"{case.name}.onnx"
        path.write_bytes(case.model.SerializeToString())
        truth = {}
        if case.data_sets:
            _, outputs = case.data_sets[0]
            for info, value in zip(case.model.graph.output, outputs):
                if isinstance(value, np.ndarray) and info.type.HasField("tensor_type"):
                    truth[info.name] = (info.type.tensor_type.elem_type, tuple(value.shape))
        yield case.name, path, truth


def main():
    # Thousands of small files: in memory where there is room for them.
    shm = "/dev/shm"
    roomy = os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > 1 << 30
    with tempfile.TemporaryDirectory(dir=shm if roomy else None) as name:
        folder = pathlib.Path(name)
        work = Work(folder)
        for root in FOLDERS:
            for path in sorted(pathlib.Path(root).rglob("*.onnx")) if root else []:
                if any(part in str(path) for part in ("data/node", "data/simple", "pytorch-")):
                    continue
                try:
                    onnx.load(path, load_external_data=False)
                except Exception:
                    continue  # what is no model is another test's, as is external data gone wrong
                if path.name.startswith("external_"):
                    continue
                for stripped in (False, True):
                    work.add(f"{path.name}{' stripped' * stripped}", path, stripped, {})
        n_real = len(work.jobs)
        for name, path, data in node_cases():
            truth = actual_outputs(data, onnx.load(path, load_external_data=False))
            work.add(name, path, True, truth)
        try:
            (folder / "made").mkdir()
            for name, path, truth in generated_cases(folder / "made"):
                work.add(f"new {name}", path, True, truth)
        except Exception as error:
            print(f"the onnx package's own cases are not available: {error}")
        work.run(VERBOSE)
        print(f"{n_real} real and small models, {len(work.jobs) - n_real} node cases")
    for problem in problems:
        print("FAILED:", problem)
    print(", ".join(f"{counts[w]} {w}" for w in
                    ("agree", "more", "less", "conflict", "refused by onnx", "truth")))
    if counts["agree"] < 100 or counts["more"] == 0:
        print("FAILED: hardly anything was compared, or nothing more was found")
        return 1
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
