#!/usr/bin/env python3
"""Fails when an #include points against the direction of the run.

The stations, in order: base, model, data, results, backend, runner, compare, report, script, cli. A
file may include its own station, `base` and earlier ones, with the exceptions in `ALLOWED`.
"""
import pathlib
import re
import sys

ORDER = ["base", "model", "data", "results", "backend", "runner", "compare", "report", "script", "cli"]
RANK = {name: i for i, name in enumerate(ORDER)}
# Headers that hold a plain struct two stations share and nothing else.
ALLOWED = {("results", "backend/outputs.h"), ("data", "backend/outputs.h")}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent / "src"
    wrong = []
    for path in sorted(root.rglob("*.[ch]")):
        here = path.relative_to(root).parts[0]
        if here not in RANK:
            wrong.append(f"{path.relative_to(root)}: folder {here} is no station")
            continue
        for target in INCLUDE.findall(path.read_text(encoding="utf-8")):
            there = target.split("/")[0]
            if "/" not in target or there not in RANK or (here, target) in ALLOWED:
                continue
            if RANK[there] > RANK[here]:
                wrong.append(f"{path.relative_to(root)} includes {target}: {here} must not know {there}")
    print("\n".join(wrong) if wrong else "layers: every include points the right way")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
