#!/usr/bin/env python3
"""Checks that the reference interpreter has a row for every operator the onnx package knows.

    coverage.py LIST_OPS

LIST_OPS is the program that prints the rows. For every (domain, operator, since_version) there must
be a row of that version or an older one, and the newest of them must take every number of operands
that the standard allows. Also wrong: a row of a version the standard does not have, rows out of
order or twice, and an entry of OUTSIDE that has rows after all. Exits with 77 when the onnx package
is missing.
"""

import collections
import subprocess
import sys

# What the interpreter leaves out on purpose: (domain, operator) -> why.
OUTSIDE = {
    ("ai.onnx.preview.training", "Gradient"): "asks for differentiation of the graph it stands in",
}
# Domains beside the standard's that rows may belong to.
OTHER_DOMAINS = {"com.microsoft"}
# Operators that ONNX Runtime accepts in the standard's domain beyond the standard.
RUNTIME_ONLY = {("", "SimplifiedLayerNormalization", 1), ("", "LayerNormalization", 1)}


def read_rows(program):
    rows = collections.defaultdict(list)
    out = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        domain, name, *numbers = line.split("\t")
        rows[domain, name].append(tuple(int(n) for n in numbers))
    return rows


def up_to(most, wanted):
    """A row's maximum (-1: any number) reaches the schema's."""
    return most == -1 or most >= wanted


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        import onnx.defs
    except ImportError as missing:
        print(f"SKIPPED: {missing}; set PX_ONNX_PYTHON to a python that has it")
        return 77

    rows = read_rows(sys.argv[1])
    schemas = collections.defaultdict(dict)
    for s in onnx.defs.get_all_schemas_with_history():
        schemas[s.domain, s.name][s.since_version] = s

    problems = []
    n_checked = 0
    for op, versions in sorted(schemas.items()):
        label = f"{op[0] or 'ai.onnx'}.{op[1]}"
        if op in OUTSIDE:
            if op in rows:
                problems.append(f"{label}: has rows, take it off the list of what is outside")
            continue
        have = rows.get(op, [])
        for since, schema in sorted(versions.items()):
            n_checked += 1
            older = [row for row in have if row[0] <= since]
            if not older:
                problems.append(f"{label} {since}: no row")
                continue
            row = max(older)
            low_in, high_in, low_out, high_out = row[1:]
            if (low_in > schema.min_input or low_out > schema.min_output or
                    not up_to(high_in, schema.max_input) or
                    not up_to(high_out, schema.max_output)):
                problems.append(
                    f"{label} {since}: the row of version {row[0]} takes {low_in} to {high_in} inputs "
                    f"and gives {low_out} to {high_out} outputs, the standard has "
                    f"{schema.min_input} to {schema.max_input} and {schema.min_output} to "
                    f"{schema.max_output}")
        for row in have:
            if row[0] not in versions and (*op, row[0]) not in RUNTIME_ONLY:
                problems.append(f"{label} {row[0]}: the standard has no such version")
    for (domain, name), list_of in rows.items():
        label = f"{domain or 'ai.onnx'}.{name}"
        sinces = [row[0] for row in list_of]
        if sinces != sorted(set(sinces)):
            problems.append(f"{label}: rows out of order or twice: {sinces}")
        if (domain, name) not in schemas and domain not in OTHER_DOMAINS and (
                (domain, name, sinces[0]) not in RUNTIME_ONLY):
            problems.append(f"{label}: the standard has no such operator")

    for problem in problems:
        print(problem)
    print(f"onnx {onnx.__version__}, opset {onnx.defs.onnx_opset_version()}: {n_checked} operator "
          f"versions checked, {len(OUTSIDE)} operators outside, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
