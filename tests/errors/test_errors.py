#!/usr/bin/env python3
"""What goes wrong outside of the program: damaged files, absurd shapes, folders that cannot be written,
disks that are full, runtimes that are missing. Each command line must end with exit code 1 and one
error on stderr that names the file, option or tensor, and leave nothing half-written.

Environment: POLYGRAPHY_BIN. Usage: test_errors.py [-k WORDS] [-v]
"""

import argparse
import base64
import json
import os
import pathlib
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile

MODELS = pathlib.Path(__file__).resolve().parent.parent / "data/models"
SKIP = 77
# An allocation that is too large fails, as it does without the sanitizer.
ASAN = os.environ.get("ASAN_OPTIONS", "detect_leaks=1") + ":allocator_may_return_null=1"
NPY = b"\x93NUMPY\x01\x00"


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.ljust(117) + "\n"
    return NPY + len(text).to_bytes(2, "little") + text.encode("latin-1") + data


def feed(image: bytes) -> str:
    array = {"array": base64.b64encode(image).decode(), "polygraphy_class": "ndarray"}
    return json.dumps([{"x": array}])


GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2, 2), }"
ARRAYS = {
    "short": npy(GOOD, bytes(15)),
    "nodata": npy(GOOD),
    "cut": npy(GOOD)[:40],
    "magic": b"NUMPY" + npy(GOOD, bytes(16)),
    "version": b"\x93NUMPY\x09\x00" + npy(GOOD, bytes(16))[8:],
    "descr": npy(GOOD.replace("<f4", "<q9"), bytes(16)),
    "object": npy(GOOD.replace("<f4", "|O"), bytes(32)),
    "keys": npy("{'descr': '<f4', 'shape': (4,), }", bytes(16)),
    "dict": npy("[1, 2, 3]", bytes(16)),
    "negative": npy(GOOD.replace("(1, 1, 2, 2)", "(-4,)"), bytes(16)),
    "huge": npy(GOOD.replace("(1, 1, 2, 2)", "(4611686018427387904, 4)"), bytes(16)),
    "wide": npy(GOOD.replace("(1, 1, 2, 2)", "(1099511627776,)"), bytes(16)),
    "rank": npy(GOOD.replace("(1, 1, 2, 2)", "(" + "1, " * 99 + ")"), bytes(16)),
    "empty": b"",
}
TEXTS = {
    "empty": "",
    "blank": " \n",
    "word": "inputs",
    "cut": '[{"x": {"array": "k05V',
    "comma": '[{"x": 1,}]',
    "trailing": "[] []",
    "deep": "[" * 5000 + "]" * 5000,
    "number": "[1]",
    "nul": '[{"x\u0000": ',
    "noarray": '[{"x": {"polygraphy_class": "ndarray"}}]',
    "class": '[{"x": {"polygraphy_class": "Thing"}}]',
    "base64": '[{"x": {"array": "k05VTVBZ*", "polygraphy_class": "ndarray"}}]',
    "base64char": feed(npy(GOOD, bytes(16))).replace("AAAA", "A*AA"),
    "results": '{"lst": [], "polygraphy_class": "RunResults"}',
}
RESULTS = {
    "list": "[]",
    "nolst": '{"polygraphy_class": "RunResults"}',
    "lst": '{"lst": {}, "polygraphy_class": "RunResults"}',
    "pair": '{"lst": [["r"]], "polygraphy_class": "RunResults"}',
    "name": '{"lst": [[1, []]], "polygraphy_class": "RunResults"}',
    "iterations": '{"lst": [["r", {}]], "polygraphy_class": "RunResults"}',
    "outputs": '{"lst": [["r", [{"outputs": [], "polygraphy_class": "IterationResult"}]]], "polygraphy_class": "RunResults"}',
}


def damaged_models(folder):
    """Names of damaged models, each with the word that its error must hold."""
    good = (MODELS / "dyn.onnx").read_bytes()
    made = {"empty": b"", "text": b"not a model", "zeros": bytes(64), "ones": b"\xff" * 64}
    made |= {f"cut{n}": good[:n] for n in (1, 7, len(good) // 3, len(good) // 2, len(good) - 1)}
    for name, data in made.items():
        (folder / f"bad_{name}.onnx").write_bytes(data)
    return [f"bad_{name}.onnx" for name in made]


class Call:
    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def __call__(self, line, env=None, file_limit=None):
        def limit():
            if file_limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

        run = subprocess.run(
            [self.binary, "run", *shlex.split(line)],
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1", "ASAN_OPTIONS": ASAN, **(env or {})},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
            preexec_fn=limit,
        )
        run.stderr = re.sub(r"^==\d+==WARNING: .* failed to allocate .*\n", "", run.stderr, flags=re.M)
        return run

    def files(self):
        return {
            str(p.relative_to(self.folder)): p.stat().st_size for p in self.folder.rglob("*") if p.is_file()
        }


def problems(run, words, before, after):
    errors = [x for x in run.stderr.splitlines() if x and not x.startswith("    ")]
    if run.returncode != 1:
        yield f"exit code {run.returncode} instead of 1"
    if len(errors) != 1 or not errors[0].startswith("[!] "):
        yield f"{len(errors)} errors on stderr instead of 1"
    for word in words:
        if word not in run.stderr:
            yield f"the error does not name {word}"
    if "[E] FAILED | Runtime" not in run.stdout and "RUNNING" in run.stdout:
        yield "no FAILED line"
    if "Sanitizer" in run.stderr or "runtime error" in run.stderr:
        yield "a sanitizer's report"
    if before != after:
        yield f"files left or changed: {sorted(set(after.items()) ^ set(before.items()))}"


def cases(folder):
    """(command line, words that the error must hold, environment, limit of file sizes)"""
    run = "identity.onnx --pluginref "
    for model in damaged_models(folder):
        yield f"{model} --pluginref", [model], None, None
    yield "missing.onnx --pluginref", ["missing.onnx"], None, None
    yield "folder.onnx --model-type onnx --pluginref", ["folder.onnx"], None, None
    for name, data in ARRAYS.items():
        (folder / f"{name}.npy").write_bytes(data)
        (folder / f"array_{name}.json").write_text(feed(data))
        yield run + f"--load-inputs {name}.npy", [f"{name}.npy"], None, None
        yield run + f"--load-inputs array_{name}.json", [f"array_{name}.json"], None, None
    for name, text in TEXTS.items():
        (folder / f"{name}.json").write_text(text)
        yield run + f"--load-inputs {name}.json", [f"{name}.json"], None, None
        yield run + f"--load-outputs {name}.json" if name != "results" else run + "--load-inputs results.json", [
            f"{name}.json"
        ], None, None
    for name, text in RESULTS.items():
        (folder / f"r_{name}.json").write_text(text)
        yield run + f"--load-outputs r_{name}.json", [f"r_{name}.json"], None, None
    (folder / "bytes.json").write_bytes(b'[{"\xff": 1}]')
    (folder / "cut.npz").write_bytes(b"PK\x03\x04\x14\x00")
    (folder / "text.npz").write_text("not an archive")
    for name in ("bytes.json", "cut.npz", "text.npz", "missing.json", "folder.onnx"):
        yield run + f"--load-inputs {name}", [name], None, None
        yield run + f"--load-outputs {name}", [name], None, None
    # Shapes
    yield "dyn.onnx --pluginref --input-shapes x:[4000000000000000000,3]", ["input x"], None, None
    yield "dyn.onnx --pluginref --input-shapes x:[1000000000000,3]", ["Input tensor: x"], None, None
    yield "dyn.onnx --pluginref --fp16-keep Relu", ["--fp16-keep", "--fp-to-fp16"], None, None
    # Files that cannot be written
    saves = {"--save-outputs": "json npz", "--save-inputs": "json npz", "--save-accuracy-results": "json"}
    for option, endings in saves.items():
        for ending in endings.split():
            line = run + f"--pluginref {option} "
            yield line + f"identity.onnx/o.{ending}", ["identity.onnx"], None, None
            yield line + f"/proc/nowhere/o.{ending}", ["/proc/nowhere"], None, None
            yield line + "folder.onnx", ["folder.onnx"], None, None
    for option in ("--save-outputs", "--save-inputs", "--save-accuracy-results"):
        yield run + f"--pluginref {option} /dev/full", ["/dev/full"], None, None
    yield run + "--save-input-blob identity.onnx", ["identity.onnx"], None, None
    yield "dyn.onnx --pluginref --save-onnx identity.onnx/m.onnx", ["identity.onnx/m.onnx"], None, None
    # A disk that fills up
    big = "dyn.onnx --pluginref --pluginref --input-shapes x:[200000,3] "
    for option in ("--save-outputs o.json", "--save-outputs o.npz", "--save-inputs i.json"):
        yield big + option, [option.split()[1]], None, 1 << 20
    yield big + "--save-inputs i.npz", ["temporary file"], None, 1 << 20
    yield big + "--memory-budget 1M", ["temporary file"], None, 1 << 20
    yield big + "--streaming --save-outputs o.json", ["temporary file"], None, 1 << 20
    yield big + "--streaming --save-inputs i.json", ["i.json"], None, 1 << 20
    yield run + "--log-file folder.onnx", ["folder.onnx"], None, None
    # Runtimes
    none = {"POLYGRAPHY_ONNXRT_LIB": "/nowhere/libonnxruntime.so"}
    yield "identity.onnx --onnxrt", ["/nowhere/libonnxruntime.so"], none, None
    text = {"POLYGRAPHY_ONNXRT_LIB": str(folder / "word.json")}
    yield "identity.onnx --onnxrt", ["word.json"], text, None
    libc = {"POLYGRAPHY_ONNXRT_LIB": "libc.so.6"}
    yield "identity.onnx --onnxrt", ["libc.so.6"], libc, None


def check_flipped_bits(call, verbose):
    """Any flipped bit of a model: it runs or there is one error; never a crash."""
    good = (MODELS / "dyn.onnx").read_bytes()
    for at in range(0, len(good), 3):
        data = bytearray(good)
        data[at] ^= 1 << (at % 8)
        (call.folder / "flipped.onnx").write_bytes(data)
        run = call("flipped.onnx --pluginref")
        errors = [x for x in run.stderr.splitlines() if x and not x.startswith("    ")]
        if run.returncode not in (0, 1) or len(errors) != run.returncode:
            yield f"bit {at % 8} of byte {at}: exit code {run.returncode}: {run.stderr}"
    (call.folder / "flipped.onnx").unlink()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", default="", help="only command lines that hold this text")
    parser.add_argument("-v", action="store_true", help="show every error")
    options = parser.parse_args()
    binary = os.environ.get("POLYGRAPHY_BIN")
    if not binary:
        print("skipped: POLYGRAPHY_BIN names no program")
        return SKIP
    failed = done = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for model in ("identity.onnx", "dyn.onnx"):
            shutil.copy(MODELS / model, folder)
        (folder / "folder.onnx").mkdir()
        call = Call(binary, folder)
        everything = list(cases(folder))
        for line, words, env, file_limit in everything:
            if options.k not in line:
                continue
            before = call.files()
            run = call(line, env, file_limit)
            found = list(problems(run, words, before, call.files()))
            done += 1
            failed += bool(found)
            if found or options.v:
                print("\n    ".join([line, *found, *("| " + x for x in run.stderr.splitlines()[:6])]))
            for extra in set(call.files()) - set(before):
                (folder / extra).unlink()
        if not options.k:
            found = list(check_flipped_bits(call, options.v))
            failed += bool(found)
            done += 1
            if found:
                print("\n    ".join(["flipped bits", *found[:20]]))
    print(f"{done} cases, {failed} failed")
    return failed > 0


sys.exit(main())
