"""Random command lines through argparse and through our option engine: the same meaning, or the
same complaint.

Usage: test_argv.py ARGV_DUMP OPTIONS_JSON [COUNT [SEED]]

The parser is built from options.json, which lists what the reference version 0.49.26 registers.
`--compare` is left out: we deliberately read it differently (one or several function names).
"""
import argparse
import json
import random
import subprocess
import sys

VERSION = "0.49.26"
BYTES = {"--external-data-size-threshold"}
SHAPES = {"--input-shapes", "--trt-min-shapes", "--trt-opt-shapes", "--trt-max-shapes"}


class Stop(Exception):
    pass


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Stop("error", message)

    def exit(self, status=0, message=None):
        raise Stop("help", "")

    def print_help(self, file=None):
        pass


def build(options):
    parser = Parser(prog="polygraphy run", add_help=False)
    parser.add_argument("-h", "--help", action="help")
    exclusive = {}
    order = [o for o in options if VERSION in o["versions"]]
    order.sort(key=lambda o: o["registration_index"][VERSION])
    for o in order:
        names, arity = o["names"], o["arity"]
        if names[0] == "-h":
            continue
        kwargs = {"dest": names[0]} if names[0].startswith("-") else {}
        if o["dest"] == "runners":
            kwargs.update(dest="runners", action="append_const", const=names[0][2:])
        elif names[0] in ("-v", "-q"):
            kwargs.update(action="count")
        elif arity == "none":
            kwargs.update(action="store_const", const=True)
        else:
            kwargs["type"] = {"int": int, "float": float, None: str}[o["type"]]
            if o["choices"]:
                kwargs["choices"] = o["choices"][VERSION]
            base = arity.split(",")[0]
            nargs = {"one": None, "optional": "?", "one or more": "+", "zero or more": "*"}[base]
            if nargs:
                kwargs["nargs"] = nargs
            if "repeatable" in arity:
                kwargs["action"] = "append"
        where = parser
        if o["mutually_exclusive"]:
            where = exclusive.setdefault(o["mutually_exclusive"], parser.add_mutually_exclusive_group())
        where.add_argument(*names, **kwargs)
    return parser, order


def written(value):
    if isinstance(value, float):
        return repr(value)
    return str(value)


def expected(parser, words):
    try:
        space, extras = parser.parse_known_args(words)
    except Stop as stop:
        return {"kind": stop.args[0], "text": stop.args[1]}
    if extras:
        return {"kind": "unknown", "text": f"Unrecognized Options: {extras}"}
    return {"kind": "ok", "values": {k: v for k, v in vars(space).items() if v is not None}}


def by_key(words):
    """Words of a key:value list: a later one replaces an earlier one of its key, in place."""
    kept = {}
    for word in words:
        kept[word.rpartition(":")[0]] = word
    return list(kept.values())


def values_differ(option, got, want):
    """Does what we read under `option` differ from argparse's value?"""
    arity, name = option["arity"], option["names"][0]
    if name in ("-v", "-q"):
        return got != want
    if arity == "none":
        return got is None
    lines = got.split("\n")[:-1] if got is not None else None
    if arity == "one":
        if name in BYTES:
            return lines is None  # printed as a plain number
        return lines not in ([written(want)], [written(want).upper()])
    if arity.startswith("optional"):
        first = want[0] if isinstance(want, list) else want
        return lines != ([first] if first is not None else [])
    words = [w for use in want for w in use] if "repeatable" in arity else list(want)
    if name in SHAPES and not all(w.endswith("]") for w in words):
        return lines is None  # what is no list is no shape either, and prints as what it was taken for
    if lines == words or lines == [w.upper() for w in words]:
        return False
    return lines != by_key(words)


def difference(options, got, want):
    if got["kind"] != want["kind"]:
        return f"ours is {got['kind']} ({got['text']}), argparse's is {want['kind']}"
    if want["text" if "text" in want else "kind"].startswith("argument --compare/"):
        return None  # ours lists more functions
    if want["kind"] in ("error", "unknown"):
        return None if got["text"] == want["text"] else f"ours says {got['text']!r}"
    if want["kind"] != "ok":
        return None
    values = dict(want["values"])
    if got["runners"] != values.pop("runners", []):
        return f"ours runs {got['runners']}"
    for option in options:
        name = option["names"][0]
        want_value = values.pop(name, None)
        if name in got["late"] or option["dest"] in ("help", "runners"):
            continue
        got_value = got["values"].get(name)
        if (want_value is None) != (got_value is None):
            return f"{name} is given in one only"
        if want_value is not None and values_differ(option, got_value, want_value):
            return f"{name}: ours has {got_value!r}"
    return None


def words_of(rng, options):
    """One or two random words: an option, perhaps with a value that suits it, an abbreviation, a
    value or nonsense."""
    option = rng.choice(options)
    name = rng.choice(option["names"])
    kind = rng.random()
    if kind < 0.5:
        good = "4" if option["type"] else rng.choice(["x:[7]", "a", "b:1"])
        if option["choices"]:
            good = rng.choice(option["choices"][VERSION])
        takes = option["arity"] != "none" and rng.random() < 0.9
        return [name, good] if takes else [name]
    return [word(rng, name)]


def word(rng, name):
    kind = 0.45 + 0.55 * rng.random()
    if kind < 0.55:
        return name[: rng.randint(2, len(name))]
    if kind < 0.62:
        return name + "=" + rng.choice(["1", "", "x:1", "a b", "-1", "onnx"])
    if kind < 0.66:
        return rng.choice(["-vq", "-vv", "-qv", "-vx", "-v=1", "-qh", "-hv"])
    return rng.choice(["1", "-1", "-1.5", "-.5", "-1e3", "m.onnx", "x:1", "x:2", "x:[7]", "y:[3]",
                       "onnx", "prefer", "timestamp", "numpy", "-", "--", "-x", "--zzz", "--zzz=1",
                       "-a b", "", "0.5", "abc", " 7 ", "1_0", "nan", "--=", "-5,5", "mark", "all"])


def main():
    if sys.version_info[:2] >= (3, 12):
        print("skipped: argparse changed after Python 3.11, whose rules the reference is pinned to")
        return 77
    dump, options_path = sys.argv[1:3]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 20000
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 7)
    with open(options_path, encoding="utf-8") as f:
        parser, options = build(json.load(f))
    usable = [o for o in options if o["dest"] not in ("compare", "model_file")]
    lines = [sum((words_of(rng, usable) for _ in range(rng.randint(1, 5))), []) for _ in range(count)]
    text = "\n".join(">" + "\t".join(words) for words in lines) + "\n"
    run = subprocess.run([dump], input=text, capture_output=True, text=True, check=True)
    got = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(got) == count, "argv_dump did not answer every line"
    kinds, failed = {}, 0
    for words, ours in zip(lines, got):
        want = expected(parser, words)
        kinds[want["kind"]] = kinds.get(want["kind"], 0) + 1
        why = difference(options, ours, want)
        if why:
            failed += 1
            if failed <= 20:
                print(f"{words}\n    {why}\n    argparse: {want}")
    print(f"{count} command lines, {kinds}, {failed} differ")
    return failed > 0


sys.exit(main())
