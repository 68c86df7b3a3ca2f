#!/usr/bin/env python3
"""bench.py BINARY [NAME...]: whole-command timings against the reference, in one run.

Each row is one of the numbers the project holds itself to. Times are the best of several runs of whole
processes, ours and the reference's alternating, on the same files; memory is the peak resident set.
Environment: PX_ORACLE_PYTHON (0.53.6) and the ONNX Runtime it carries. Prints Markdown.
"""
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ENV = {**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1", "ORT_DISABLE_TELEMETRY": "1"}


def once(command, cwd, ok=(0,)):
    """Seconds and peak bytes of one process."""
    start = time.perf_counter()
    p = subprocess.Popen(command, cwd=cwd, env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(p.pid, 0)
    elapsed = time.perf_counter() - start
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode not in ok:
        sys.exit(f"{command}: exit code {p.returncode}: {p.stderr.read().decode()[-500:]}")
    return elapsed, usage.ru_maxrss * 1024


def best(commands, cwd, runs, ok=(0,)):
    """Best time and its memory for each command; the commands take turns."""
    out = [(float("inf"), 0)] * len(commands)
    for _ in range(runs):
        for i, command in enumerate(commands):
            out[i] = min(out[i], once(command, cwd, ok))
    return out


def ms(seconds):
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def mib(size):
    return f"{size / 2**20:.0f} MiB"


class Bench:
    def __init__(self, binary):
        self.ours = [str(pathlib.Path(binary).resolve()), "run"]
        python = os.environ.get("PX_ORACLE_PYTHON")
        if not python:
            sys.exit("set PX_ORACLE_PYTHON to a Python with polygraphy 0.53.6 (tools/setup.sh test makes one)")
        self.python = python
        self.oracle = [python, str(pathlib.Path(python).parent / "polygraphy"), "run"]
        self.rows = []
        self.dir = tempfile.TemporaryDirectory(prefix="px_bench_")
        subprocess.run([python, str(HERE.parent / "tests/diff/make_models.py"), self.dir.name], check=True)

    def row(self, what, ours, theirs, note=""):
        ratio = f"{theirs[0] / ours[0]:.1f} x" if theirs else ""
        their_time, their_mem = (ms(theirs[0]), mib(theirs[1])) if theirs else ("", "")
        self.rows.append(f"| {what} | {ms(ours[0])} | {their_time} | {ratio} | {mib(ours[1])} | {their_mem} | {note} |")

    def python_code(self, code):
        return [self.python, "-c", code]

    def bench_startup(self):
        d = self.dir.name
        for what, words, ok in (("`--help`", ["--help"], (0,)), ("`--version`", None, (0,)),
                                ("wrong option", ["--seed", "x"], (2,))):
            a = self.ours[:1] + ["--version"] if words is None else self.ours + words
            b = self.oracle[:-1] + ["--version"] if words is None else self.oracle + words
            self.row(what, *best([a, b], d, 5, ok))

    def bench_tiny(self):
        d = self.dir.name
        words = ["identity.onnx", "--onnxrt"]
        self.row("tiny model, `--onnxrt`, whole process", *best([self.ours + words, self.oracle + words], d, 10))

    def bench_compare(self):
        d = self.dir.name
        count = 64 * 2**20
        for i in (1, 2):
            subprocess.run(self.python_code(
                "import numpy as np; from polygraphy.comparator import RunResults, IterationResult;"
                f"x = np.random.RandomState({i}).rand({count}).astype(np.float32);"
                f"r = RunResults(); r.append(('r{i}', [IterationResult({{'y': x}}, runtime=0.1, runner_name='r{i}')]));"
                f"r.save('big{i}.json')"), cwd=d, check=True, env=ENV)
        words = ["--load-outputs", "big1.json", "big2.json", "--atol", "2", "-qq"]
        ours = best([self.ours + words], d, 3)[0]
        theirs = best([self.oracle + words], d, 1)[0]
        self.row("compare two saved 64 Mi float32 outputs", ours, theirs, "data: 512 MiB in memory, 683 MiB of JSON")

    def bench_files(self):
        d = self.dir.name
        code = ("import onnx; from onnx import helper as h, TensorProto as T;"
                "i = h.make_tensor_value_info('x', T.FLOAT, ['n']); o = h.make_tensor_value_info('y', T.FLOAT, ['n']);"
                "m = h.make_model(h.make_graph([h.make_node('Identity', ['x'], ['y'])], 'g', [i], [o]),"
                " opset_imports=[h.make_opsetid('', 13)]); m.ir_version = 8; onnx.save(m, 'vector.onnx')")
        subprocess.run(self.python_code(code), cwd=d, check=True, env=ENV)
        base = ["vector.onnx", "--onnxrt", "--input-shapes", f"x:[{256 * 2**20}]", "-qq"]
        plain = best([self.ours + base], d, 2)[0]
        save = best([self.ours + base + ["--save-outputs", "gb.json"]], d, 2)[0]
        floor = best([["dd", "if=/dev/zero", "of=floor.bin", "bs=1M", "count=1366"]], d, 2)[0]
        self.row("save 1 GiB of outputs as JSON (beyond the run)", (save[0] - plain[0], save[1]), None,
                 f"writing the same 1366 MiB with dd: {ms(floor[0])}; the run alone: {mib(plain[1])}")
        os.unlink(os.path.join(d, "floor.bin"))
        load = best([self.ours + ["--load-outputs", "gb.json", "--validate", "-qq"]], d, 2)[0]
        read = best([["cat", "gb.json"]], d, 2)[0]
        self.row("load and validate 1 GiB of outputs", load, None, f"`cat` of the file: {ms(read[0])}")
        os.unlink(os.path.join(d, "gb.json"))

    def bench_random(self):
        d = self.dir.name
        count = 64 * 2**20
        base = ["vector.onnx", "--onnxrt", "--input-shapes"]
        if not os.path.exists(os.path.join(d, "vector.onnx")):
            self.bench_files()
        small = best([self.ours + base + ["x:[1]", "-qq"]], d, 3)[0]
        large = best([self.ours + base + [f"x:[{count}]", "-qq"]], d, 3)[0]
        code = (f"import numpy as np, time; r = np.random.RandomState(1); t = time.perf_counter();"
                f"x = (r.random_sample({count}) * 1.0 + 0.0).astype(np.float32); print(time.perf_counter() - t)")
        theirs = min(float(subprocess.run(self.python_code(code), capture_output=True, text=True, env=ENV).stdout)
                     for _ in range(3))
        self.row("64 Mi random float32 (ours with running Identity on them)", (large[0] - small[0], large[1]),
                 (theirs, 0), "numpy: drawing and rounding alone")

    def bench_iterations(self):
        d = self.dir.name
        n = 5000
        base = ["identity.onnx", "--onnxrt", "-qqq"]
        one = best([self.ours + base], d, 3)[0]
        many = best([self.ours + base + ["--iterations", str(n)]], d, 3)[0]
        one_o = best([self.oracle + base], d, 1)[0]
        many_o = best([self.oracle + base + ["--iterations", str(n)]], d, 1)[0]
        ours, theirs = (many[0] - one[0]) / n, (many_o[0] - one_o[0]) / n
        self.rows.append(f"| one more iteration of a tiny model, inference included | {ours * 1e6:.1f} us "
                         f"| {theirs * 1e6:.0f} us | {theirs / ours:.1f} x | {mib(many[1])} | {mib(many_o[1])} | |")


def main() -> int:
    if len(sys.argv) < 2:
        sys.exit("usage: bench.py BINARY [startup|tiny|compare|files|random|iterations ...]")
    bench = Bench(sys.argv[1])
    names = sys.argv[2:] or ["startup", "tiny", "compare", "files", "random", "iterations"]
    for name in names:
        getattr(bench, f"bench_{name}")()
    print(f"{platform.machine()}, {os.cpu_count()} cores; reference 0.53.6\n")
    print("| what | ours | reference | ratio | our memory | reference's memory | note |\n|---|---|---|---|---|---|---|")
    print("\n".join(bench.rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
