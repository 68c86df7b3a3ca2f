#!/usr/bin/env python3
"""Writes docs/operators.md: what the reference interpreter computes, from its own table.

    operators_doc.py LIST_OPS [--cases RUN_NODES FOLDER] [--check FILE | --out FILE]

LIST_OPS prints the operator rows. Types come from the onnx package's newest schemas. With --cases,
RUN_NODES runs the package's node cases in FOLDER and the table counts them. --check compares with
FILE and exits with 1 when it is stale; with 77 when the onnx package or the cases are missing, or
FILE was made with another version of the package.
"""

import argparse
import collections
import os
import re
import subprocess
import sys

NOTES = {
    ("", "ImageDecoder"): "PNG (not interlaced), BMP, PNM, uncompressed TIFF; JPEG by libturbojpeg, "
                          "WebP by libwebp, JPEG 2000 by OpenJPEG, loaded when needed",
    ("", "Bernoulli"): "generator, see below",
    ("", "Dropout"): "generator, see below; before opset 12 it passes its input on",
    ("", "Multinomial"): "generator, see below",
    ("", "RandomNormal"): "generator, see below",
    ("", "RandomNormalLike"): "generator, see below",
    ("", "RandomUniform"): "generator, see below",
    ("", "RandomUniformLike"): "generator, see below",
    ("", "DeformConv"): "two spatial dimensions",
    ("", "MaxUnpool"): "at most three spatial dimensions",
    ("", "RegexFullMatch"): "no back references or look-around",
    ("ai.onnx.ml", "ZipMap"): "as an output of the graph",
    ("com.microsoft", "CDist"): "euclidean, sqeuclidean",
    ("com.microsoft", "Attention"): "no do_rotary, no shared cache",
    ("com.microsoft", "GroupQueryAttention"): "no q_norm_weight, k_norm_weight; no bias with a sliding cache",
    ("com.microsoft", "MultiHeadAttention"): "no shared caches",
    ("com.microsoft", "RotaryEmbedding"): "no ragged batches, no scale",
}
OUTSIDE = """* `ai.onnx.preview.training.Gradient` asks for differentiation of the graph it stands in.
* Maps cannot be fed: `CastMap` and `DictVectorizer` are refused.
* Of `com.microsoft`: whole decoding loops (`BeamSearch`, `GreedySearch`, `Sampling`, `WhisperBeamSearch`), `Tokenizer`,
  mixtures of experts (`MoE`, `QMoE`), sparse operands, `QEmbedLayerNormalization`, what ONNX Runtime has on other
  devices than the CPU alone, and the blocked layouts that it makes for one machine (`com.microsoft.nchwc`).
"""
GROUPS = [("float", {"float16", "float", "double", "bfloat16"}),
          ("float8", {"float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz"}),
          ("float8e8m0", {"float8e8m0"}), ("float4", {"float4e2m1"}),
          ("int", {"int8", "int16", "int32", "int64"}),
          ("uint", {"uint8", "uint16", "uint32", "uint64"}),
          ("int4", {"int4"}), ("uint4", {"uint4"}), ("int2", {"int2"}), ("uint2", {"uint2"}),
          ("bool", {"bool"}), ("string", {"string"}), ("complex", {"complex64", "complex128"})]


def read_rows(program):
    """(domain, name) -> [(since, min_in, max_in, min_out, max_out)]"""
    rows = collections.defaultdict(list)
    for line in subprocess.run([program], check=True, capture_output=True,
                               text=True).stdout.splitlines():
        domain, name, *numbers = line.split("\t")
        rows[domain, name].append(tuple(int(n) for n in numbers))
    return rows


def type_words(schema):
    """The element types of all operands, and whether sequences or optionals are among them."""
    names = set()
    for operand in list(schema.inputs) + list(schema.outputs):
        names |= set(operand.types)
    elements = {m for n in names for m in re.findall(r"tensor\((\w+)\)", n)}
    words = []
    for word, members in GROUPS:
        have = members & elements
        if have == members:
            words.append(word)
        else:
            words += sorted(have)
    words += [kind for kind in ("seq", "optional", "map") if any(n.startswith(kind) for n in names)]
    return ", ".join(words).replace("seq", "sequence")


def arity(low, high):
    return f"{low}" if low == high else f"{low}-" if high < 0 else f"{low}-{high}"


def count_cases(onnx, run_nodes, folder):
    """Operator -> [passed, all], over the cases whose graph holds it; and the totals, the excuses."""
    out = subprocess.run([run_nodes, folder], capture_output=True, text=True, check=False).stdout
    counts, excuses = collections.defaultdict(lambda: [0, 0]), []
    total = [0, 0]
    for line in out.splitlines():
        found = re.match(r"(PASS|FAIL|MISSING|CRASH|EXCUSED)\s+(test_\w+)(?:: (.*))?$", line)
        if not found:
            continue
        verdict, case, why = found.groups()
        model = onnx.load(os.path.join(folder, case, "model.onnx"))
        total = [total[0] + (verdict == "PASS"), total[1] + 1]
        for op in {("" if n.domain == "ai.onnx" else n.domain, n.op_type)
                   for n in model.graph.node}:
            counts[op][0] += verdict == "PASS"
            counts[op][1] += 1
        if verdict != "PASS":
            excuses.append(f"* `{case}`: {why}\n")
    return counts, total, excuses


def render(onnx, rows, cases):
    schemas = {}
    for s in onnx.defs.get_all_schemas_with_history():
        have = schemas.get((s.domain, s.name))
        if have is None or s.since_version > have.since_version:
            schemas[s.domain, s.name] = s
    counts, total, excuses = cases or ({}, None, [])
    domains = sorted({d for d, _ in rows})
    n_versions = sum(len(v) for v in rows.values())
    text = ["# Operators of the reference interpreter\n\n",
            "Made by `tools/operators_doc.py` from the interpreter's table; do not edit.\n\n",
            f"{len(rows)} operators in {n_versions} versions. Types are those of the newest schema in "
            f"onnx {onnx.__version__}; floats are computed in float64. Operators that the standard "
            "defines as functions and that a model carries as functions are expanded. Your own: "
            "[custom-operators.md](custom-operators.md).\n"]
    if total:
        text += [f"\nNode cases of onnx {onnx.__version__}: {total[0]} of {total[1]} pass at the "
                 f"suite's own tolerances ({100 * total[0] / total[1]:.2f} %). A case counts for each "
                 "operator in its graph.\n"]
    for domain in domains:
        text += [f"\n## {domain or 'ai.onnx'}\n\n",
                 "| operator | since | inputs | outputs | types | cases | notes |\n",
                 "|---|---|---|---|---|---|---|\n"]
        for (d, name), versions in sorted(rows.items()):
            if d != domain:
                continue
            last = versions[-1]
            passed = "{}/{}".format(*counts[d, name]) if (d, name) in counts else ""
            types = type_words(schemas[d, name]) if (d, name) in schemas else "as ONNX Runtime"
            text.append(f"| {name} | {', '.join(str(v[0]) for v in versions)} | {arity(*last[1:3])} | "
                        f"{arity(*last[3:5])} | {types} | {passed} | {NOTES.get((d, name), '')} |\n")
    text += ["\n## What is left out\n\n", OUTSIDE]
    if excuses:
        text += ["\n## Cases that do not pass\n\n"] + excuses
    text += ["\n## Random numbers\n\n",
             "The standard prescribes no generator. Here draw i of a node is SplitMix64's finaliser of "
             "seed + (i + 1) * 0x9e3779b97f4a7c15; the seed is the bits of the attribute `seed`, else a "
             "hash of the first output's name. So every run gives the same numbers; other runtimes give "
             "others.\n"]
    unknown = set(NOTES) - set(rows)
    if unknown:
        sys.exit(f"Notes on operators that there are not: {sorted(unknown)}")
    return "".join(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("list_ops")
    parser.add_argument("--cases", nargs=2)
    parser.add_argument("--check")
    parser.add_argument("--out")
    args = parser.parse_args()
    try:
        import onnx
        import onnx.defs
    except ImportError as missing:
        print(f"SKIPPED: {missing}; set PX_ONNX_PYTHON to a python that has it")
        return 77
    cases = None
    if args.cases:
        if not os.path.isdir(args.cases[1]):
            print(f"SKIPPED: there are no node cases in {args.cases[1]}")
            return 77
        cases = count_cases(onnx, *args.cases)
    text = render(onnx, read_rows(args.list_ops), cases)
    if not args.check:
        with open(args.out, "w", encoding="utf-8") if args.out else sys.stdout as f:
            f.write(text)
        return 0
    with open(args.check, encoding="utf-8") as f:
        have = f.read()
    if f"onnx {onnx.__version__};" not in have:
        print(f"SKIPPED: {args.check} was made with another version of onnx than {onnx.__version__}")
        return 77
    if have != text:
        print(f"{args.check} is stale; make it again: cmake --build BUILD --target docs_operators")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
