#!/usr/bin/env python3
"""compare_files.py A B NAME...: prints a line for each NAME whose files under A and B differ.

Runs in the reference's environment: JSON files are decoded by its own package, so that a file passes
only if the reference can load it.
"""

import re
import sys
from pathlib import Path

import numpy as np
from polygraphy.json import load_json


def arrays(value):
    return value.arr if hasattr(value, "arr") else value


def differences(a, b, where):
    a = a.load() if hasattr(a, "load") else a
    b = b.load() if hasattr(b, "load") else b
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
            yield f"{where}: {type(a).__name__} and {type(b).__name__}"
        elif a.dtype != b.dtype or a.shape != b.shape:
            yield f"{where}: {a.dtype}{a.shape} and {b.dtype}{b.shape}"
        elif a.tobytes() != b.tobytes():
            yield f"{where}: elements differ"
    elif type(a).__name__ in ("RunResults", "AccuracyResults", "AccuracyResult"):
        if type(a).__name__ != type(b).__name__:
            yield f"{where}: {type(a).__name__} and {type(b).__name__}"
        else:
            yield from differences(list(a.lst), list(b.lst), where)
    elif type(a).__name__ == "IterationResult":
        yield from differences(dict(a.items()), dict(b.items()), where)
        if (a.runtime is None) != (b.runtime is None):
            yield f"{where}: runtime {a.runtime} and {b.runtime}"
    elif isinstance(a, dict) and isinstance(b, dict):
        if list(a) != list(b):
            yield f"{where}: keys {list(a)} and {list(b)}"
        else:
            for key in a:
                yield from differences(a[key], b[key], f"{where}[{key!r}]")
    elif isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        if len(a) != len(b):
            yield f"{where}: {len(a)} and {len(b)} items"
        for i, (x, y) in enumerate(zip(a, b)):
            yield from differences(x, y, f"{where}[{i}]")
    elif isinstance(a, str) and isinstance(b, str):
        when = re.compile(r"\d\d/\d\d/\d\d-\d\d:\d\d:\d\d")
        if when.sub("", a) != when.sub("", b):
            yield f"{where}: {a!r} and {b!r}"
    elif hasattr(a, "__dict__") and hasattr(b, "__dict__"):
        yield from differences(vars(a), vars(b), where)
    elif a != b and not (a != a and b != b):
        yield f"{where}: {a!r} and {b!r}"


def main() -> int:
    left, right = Path(sys.argv[1]), Path(sys.argv[2])
    bad = 0
    for name in sys.argv[3:]:
        a, b = left / name, right / name
        if a.suffix == ".json":
            found = list(differences(load_json(str(a)), load_json(str(b)), name))
            text = re.compile(rb"\d\d/\d\d/\d\d-\d\d:\d\d:\d\d|\"runtime\": [0-9.e-]+")
            if not found and text.sub(b"", a.read_bytes()) != text.sub(b"", b.read_bytes()):
                found = [f"{name}: equal content, but the bytes differ"]
        else:
            found = [] if a.read_bytes() == b.read_bytes() else [f"{name}: bytes differ"]
        for line in found[:5]:
            print(line)
        bad += bool(found)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
