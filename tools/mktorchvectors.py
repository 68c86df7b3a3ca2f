#!/usr/bin/env python3
"""mktorchvectors.py [--check] FILE: draws of torch's CPU generator, for tests/unit/data/test_rng.c.

Needs the torch package (any CPU build). With --check nothing is written: what this torch draws must be
what FILE holds. Exit code 77: there is no torch.
"""

import hashlib
import json
import pathlib
import sys

# Each case has a generator of its own, and draws from it in order.
FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTEGERS = [
    ("int8", -128, 127), ("int8", -5, 5), ("uint8", 0, 255), ("int16", -300, 300), ("int16", -32768, 32767),
    ("int32", 0, 1), ("int32", -(2**31), 2**31 - 1), ("int64", 1, 25), ("int64", 0, 2**32 - 2), ("int64", 0, 2**32 - 1),
    ("int64", -5, 2**40), ("int64", -(2**63), 2**63 - 2), ("bool", 0, 1),
]  # fmt: skip
SEEDS = [1, 42, 2**31, 2**32 - 1]


def cases():
    for i, seed in enumerate(SEEDS):
        for k, dtype in enumerate(FLOATS):
            yield seed, [(dtype, None, (5, 16, 1000, 10007)[(i + k) % 4])]
    for i, seed in enumerate(SEEDS[:2]):
        for k, (dtype, low, high) in enumerate(INTEGERS):
            yield seed, [(dtype, (low, high), (6, 17, 5001)[(i + k) % 3])]
    mixed = [(dtype, None, 3) for dtype in FLOATS] + [(dtype, (low, high), 3) for dtype, low, high in INTEGERS]
    for seed in (7, 2**32 + 7, 123456789):
        yield seed, mixed
        yield seed, mixed[::-1]


def draw(torch, generator, dtype, bounds, count):
    kind = getattr(torch, dtype)
    if bounds is None:
        t = torch.rand((count,), generator=generator, dtype=kind)
    else:
        t = torch.randint(bounds[0], bounds[1] + 1, (count,), generator=generator, dtype=kind)
    if dtype == "bfloat16":
        t = t.view(torch.int16)  # numpy has no bfloat16
    data = t.numpy().tobytes()
    item = len(data) // count
    found = {
        "dtype": dtype, "count": count, "sha256_le": hashlib.sha256(data).hexdigest(),
        "first_values_hex_le": [data[i * item : (i + 1) * item].hex() for i in range(min(count, 6))],
    }  # fmt: skip
    if bounds is not None:
        found["range"] = list(bounds)
    return found


def make(torch):
    made = []
    for seed, draws in cases():
        generator = torch.Generator()
        generator.manual_seed(seed)
        made.append({"seed": seed, "draws": [draw(torch, generator, *d) for d in draws]})
    return made


def is_wide(case):
    return any("range" in d and d["range"][1] - d["range"][0] + 1 >= 2**28 for d in case["draws"])


def is_half(case):
    return any(d["dtype"] in ("float16", "bfloat16") for d in case["draws"])


def rounds_halves(torch):
    """A later torch (2.6 does not, 2.15 does): halves are rounded float32 draws, and 1 becomes 0."""
    halves = torch.rand((1000,), generator=torch.Generator().manual_seed(1), dtype=torch.bfloat16)
    floats = torch.rand((1000,), generator=torch.Generator().manual_seed(1)).to(torch.bfloat16)
    return bool(torch.equal(halves, torch.where(floats == 1, torch.zeros_like(floats), floats)))


def main():
    words = sys.argv[1:]
    check = words[:1] == ["--check"]
    if len(words) != 1 + check:
        sys.exit(__doc__)
    try:
        import torch
    except ImportError as e:
        print(f"skipped: this Python has no torch ({e}); {len(list(cases()))} recorded cases are not drawn again")
        return 77
    path, made = pathlib.Path(words[-1]), make(torch)
    if not check:
        text = ",\n".join(json.dumps(case) for case in made)
        path.write_text(f'{{"torch_version": "{torch.__version__}", "cases": [\n{text}\n]}}\n', encoding="utf-8")
        return 0
    kept = json.loads(path.read_text(encoding="utf-8"))
    if len(made) != len(kept["cases"]):
        sys.exit(f"{path} holds {len(kept['cases'])} cases instead of {len(made)}")
    pairs = list(zip(made, kept["cases"]))
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) >= (2, 7):
        pairs = [(a, b) for a, b in pairs if not is_wide(a)]
        print(f"{len(made) - len(pairs)} cases with ranges of 2**28 and more are left out: torch 2.7 changed them")
    if rounds_halves(torch):
        n_pairs, pairs = len(pairs), [(a, b) for a, b in pairs if not is_half(a)]
        print(f"{n_pairs - len(pairs)} cases of float16 and bfloat16 are left out: this torch rounds float32 draws")
    equal = sum(a == b for a, b in pairs)
    print(f"torch {torch.__version__} draws what {kept['torch_version']} drew in {equal} of {len(pairs)} cases")
    return equal != len(pairs)


sys.exit(main())
