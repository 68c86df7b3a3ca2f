#!/usr/bin/env python3
"""bench.py BINARY [NAME...]: whole-command timings against the reference, in one run.

Each row is one of the numbers the project holds itself to. Ours and the reference's runs take turns on the
same files. A time is the best of its runs, with the median behind it; the ratio is of the best ones.
Processor time is of all threads, of the best run by that measure: what other work on the machine changes
least. Memory is the peak resident set. Small helper programs stand beside BINARY in bench/ (built by
`cmake --build build/release --target bench`). Environment: PX_ORACLE_PYTHON (0.53.6 and the ONNX Runtime it
carries), PX_MATPLOTLIB_PYTHON (for the pictures), PX_TF_PYTHON and PX_ORACLE_PYTHON_SEED (TensorFlow, and
0.49.26, the version that has --tf). Prints Markdown.
"""
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ENV = {**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1", "ORT_DISABLE_TELEMETRY": "1"}
COUNT = 64 * 2**20


class Runs:
    """Wall and processor seconds and peak bytes of the runs of one command."""

    def __init__(self):
        self.wall, self.cpu, self.memory = [], [], 0

    def add(self, wall, cpu, memory=0):
        self.wall.append(wall)
        self.cpu.append(cpu)
        self.memory = max(self.memory, memory)

    def best(self):
        return min(self.wall)

    def median(self):
        return statistics.median(self.wall)


def once(command, cwd, ok):
    start = time.perf_counter()
    p = subprocess.Popen(command, cwd=cwd, env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(p.pid, 0)
    elapsed = time.perf_counter() - start
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode not in ok:
        sys.exit(f"{command}: exit code {p.returncode}: {p.stderr.read().decode()[-500:]}")
    p.stderr.close()
    return elapsed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def alternate(commands, cwd, rounds, ok=(0,)):
    """Runs of each command; `rounds` may be one number for each."""
    rounds = rounds if isinstance(rounds, list) else [rounds] * len(commands)
    out = [Runs() for _ in commands]
    for turn in range(max(rounds)):
        for i, command in enumerate(commands):
            if turn < rounds[i]:
                out[i].add(*once(command, cwd, ok))
    return out


def ms(seconds):
    return f"{seconds * 1e3:.1f} ms" if abs(seconds) < 1 else f"{seconds:.2f} s"


def mib(size):
    return f"{size / 2**20:.0f} MiB" if size else ""


def both(runs):
    return f"{ms(runs.best())} ({ms(runs.median())})"


class Bench:
    def __init__(self, binary):
        binary = pathlib.Path(binary).resolve()
        self.ours = [str(binary), "run"]
        self.helpers = binary.parent / "bench"
        python = os.environ.get("PX_ORACLE_PYTHON")
        if not python:
            sys.exit("set PX_ORACLE_PYTHON to a Python with polygraphy 0.53.6 (tools/setup.sh test makes one)")
        self.python = python
        self.oracle = [python, str(pathlib.Path(python).parent / "polygraphy"), "run"]
        self.rows, self.reference_rows = [], []
        self.tmp = tempfile.TemporaryDirectory(prefix="px_bench_", dir=os.environ.get("PX_BENCH_DIR"))
        self.dir = self.tmp.name
        subprocess.run([python, str(HERE.parent / "tests/diff/make_models.py"), self.dir], check=True)

    def row(self, what, ours, theirs, bound, note=""):
        self.rows.append(f"| {what} | {both(ours)} | {both(theirs)} | {theirs.best() / ours.best():.1f} x "
                         f"| {ms(min(ours.cpu))} : {ms(min(theirs.cpu))} "
                         f"| {mib(ours.memory)} : {mib(theirs.memory)} | {bound} | {note} |")

    def code(self, code):
        subprocess.run([self.python, "-c", code], cwd=self.dir, check=True, env=ENV)

    def output_of(self, command):
        return subprocess.run(command, cwd=self.dir, env=ENV, check=True, capture_output=True, text=True).stdout

    def bench_startup(self):
        for what, words, ok in (("`--help`", ["--help"], (0,)), ("`--version`", None, (0,)),
                                ("wrong option", ["--seed", "x"], (2,))):
            a = self.ours[:1] + ["--version"] if words is None else self.ours + words
            b = self.oracle[:-1] + ["--version"] if words is None else self.oracle + words
            self.row(what, *alternate([a, b], self.dir, [20, 5], ok), "under 5 ms")

    def bench_tiny(self):
        words = ["identity.onnx", "--onnxrt"]
        lib = self.output_of([self.python, "-c", "import onnxruntime, pathlib;"
                              "print(next(pathlib.Path(onnxruntime.__file__).parent.glob('capi/libonnxruntime.so.1*')))"])
        bare = [str(self.helpers / "bench_bare_ort"), lib.strip(), "identity.onnx", "x", "y", "1", "1", "2", "2"]
        ours, theirs, least = alternate([self.ours + words, self.oracle + words, bare], self.dir, [40, 10, 40])
        self.row("tiny model, `--onnxrt`, whole process", ours, theirs, "at least 10 x")
        self.row("the same against a bare C program (`bench_bare_ort.c`)", ours, least, "at most 5 ms more",
                 f"{ms(ours.best() - least.best())} more, {ms(min(ours.cpu) - min(least.cpu))} of processor time")

    def bench_tf(self):
        """A graph of one node: start-up is all there is. The reference wants TensorFlow 1, and gets its interface."""
        tf, seed = (os.environ.get(name) for name in ("PX_TF_PYTHON", "PX_ORACLE_PYTHON_SEED"))
        if not tf or not seed:
            sys.exit("set PX_TF_PYTHON to a Python with TensorFlow, PX_ORACLE_PYTHON_SEED to one with polygraphy 0.49.26")
        where = pathlib.Path(self.output_of([tf, "-c", "import importlib.util as u;"
                                             "print(u.find_spec('tensorflow').submodule_search_locations[0])"]).strip())
        site = pathlib.Path(self.output_of([seed, "-c", "import polygraphy; print(polygraphy.__path__[0])"]).strip())
        alone = pathlib.Path(self.dir, "seed")  # the package, without the others beside it
        alone.mkdir()
        (alone / "polygraphy").symlink_to(site)
        (alone / "reference_tf.py").write_text("import sys, tensorflow.compat.v1 as v1\nsys.modules['tensorflow'] = v1\n"
                                               "from polygraphy.tools import main\nsys.exit(main())\n")
        ENV.update(VIRTUAL_ENV=str(pathlib.Path(tf).parent.parent), TF_CPP_MIN_LOG_LEVEL="2")
        subprocess.run([tf, "-c", "import tensorflow.compat.v1 as v1; v1.disable_eager_execution();"
                        "v1.identity(v1.placeholder(v1.float32, [1, 1, 2, 2], name='x'), name='y');"
                        "open('identity.pb', 'wb').write(v1.get_default_graph().as_graph_def().SerializeToString())"],
                       cwd=self.dir, check=True, env=ENV, stderr=subprocess.DEVNULL)
        words = ["identity.pb", "--tf"]
        bare = [str(self.helpers / "bench_bare_tf"), str(where / "libtensorflow_cc.so.2")]
        ours, theirs, load, least = alternate(
            [self.ours + words, [tf, str(alone / "reference_tf.py"), "run"] + words, bare,
             bare + ["identity.pb", "x", "y", "1", "1", "2", "2"]], self.dir, [40, 5, 40, 40])
        self.row("tiny frozen graph, `--tf`, whole process; reference 0.49.26", ours, theirs, "at least 2 x")
        for what, other, bound in (("a bare C program that loads the library (`bench_bare_tf.c`)", load, "at most 10 % more"),
                                   ("one that also runs the graph", least, "")):
            more = [f"{(f(ours) / f(other) - 1) * 100:+.1f} % {what}" for f, what in (
                (Runs.best, "best"), (Runs.median, "median"), (lambda r: min(r.cpu), "processor time, best"),
                (lambda r: statistics.median(r.cpu), "its median"))]
            self.row(f"the same against {what}", ours, other, bound, ", ".join(more))

    def bench_compare(self):
        if not os.path.exists(os.path.join(self.dir, "big1.json")):
            for i in (1, 2):
                self.code("import numpy as np; from polygraphy.comparator import RunResults, IterationResult;"
                          f"x = np.random.RandomState({i}).rand({COUNT}).astype(np.float32); r = RunResults();"
                          f"r.append(('r{i}', [IterationResult({{'y': x}}, runtime=0.1, runner_name='r{i}')]));"
                          f"r.save('big{i}.json')")
        os.link(os.path.join(self.dir, "big1.json"), os.path.join(self.dir, "big3.json"))
        size = "512 MiB of data + 64 MiB"
        for what, second, more, ok in (("they differ within tolerance", 2, ["--atol", "2"], (0,)),
                                       ("they fail: with four histograms", 2, [], (1,)),
                                       ("they are equal", 3, [], (0,))):
            words = ["--load-outputs", "big1.json", f"big{second}.json"] + more
            ours, theirs = alternate([self.ours + words, self.oracle + words], self.dir, [5, 2], ok)
            self.row(f"compare two saved 64 Mi float32 outputs, whole command; {what}", ours, theirs,
                     f"at least 50 x; {size}")
        for name in (1, 2, 3):
            os.unlink(os.path.join(self.dir, f"big{name}.json"))

    def bench_memory(self):
        """The comparison alone, of arrays that are in memory."""
        code = ("import numpy as np, time, resource, sys; from polygraphy.comparator import *;"
                "from polygraphy.logger import G_LOGGER; G_LOGGER.module_severity = G_LOGGER.INFO;"
                f"x = [np.random.RandomState(i).rand({COUNT}).astype(np.float32) for i in (1, 2)]\n"
                "def results(y, n): return (n, [IterationResult({'y': y}, runtime=0.1, runner_name=n)])\n"
                "for b in x[1], x[0].copy():\n"
                "    r = RunResults(); r.append(results(x[0], 'a')); r.append(results(b, 'b'))\n"
                "    t = time.perf_counter(); c = time.process_time()\n"
                "    Comparator.compare_accuracy(r, compare_func=CompareFunc.simple(atol=2))\n"
                "    print('\\ntook', time.perf_counter() - t, time.process_time() - c)\n")
        ours, theirs = [Runs(), Runs()], [Runs(), Runs()]
        for turn in range(5):
            text = self.output_of([str(self.helpers / "bench_compare"), "64"])
            for i, (wall, cpu) in enumerate(re.findall(r"statistics ([\d.]+) s \(cpu ([\d.]+) s", text)):
                ours[i].add(float(wall), float(cpu))
            if turn < 2:
                text = self.output_of([self.python, "-c", code])
                for i, (wall, cpu) in enumerate(re.findall(r"^took ([\d.]+) ([\d.]+)", text, re.M)):
                    theirs[i].add(float(wall), float(cpu))
        for i, what in enumerate(("they differ", "they are equal")):
            self.row(f"compare two 64 Mi float32 arrays in memory; {what}", ours[i], theirs[i], "at least 50 x")

    def bench_files(self):
        text = self.output_of([str(self.helpers / "bench_files"), self.dir, "1024", "5"])
        measures = {}
        for line in text.splitlines():
            name, best, median, peak, size = line.split()
            measures[name] = (float(best), float(median), int(peak), int(size))
        for what, ours, floor in (("save 1 GiB as JSON, against `write` of the same bytes", "save", "write"),
                                  ("load 1 GiB from JSON, against `read` of the same file", "load", "read")):
            a, b = measures[ours], measures[floor]
            self.rows.append(f"| {what} | {ms(a[0])} ({ms(a[1])}) | {ms(b[0])} ({ms(b[1])}) | {b[0] / a[0]:.1f} x | "
                             f"| {a[2]} MiB : | at most twice the time; 1024 MiB of data + 64 MiB | "
                             f"the right column is the bare system call, not the reference |")

    def bench_random(self):
        ours, theirs = Runs(), Runs()
        code = (f"import numpy as np, time; r = np.random.RandomState(1)\nfor _ in range(3):\n"
                f"    t = time.perf_counter(); c = time.process_time()\n"
                f"    x = (r.random_sample({COUNT}) * 1.0 + 0.0).astype(np.float32)\n"
                f"    print(time.perf_counter() - t, time.process_time() - c)")
        for _ in range(3):
            for value in self.output_of([str(self.helpers / "bench_random"), "64", "3"]).split("\n")[:-1]:
                wall, cpu = value.split()
                ours.add(float(wall), float(cpu))
            for value in self.output_of([self.python, "-c", code]).split("\n")[:-1]:
                wall, cpu = value.split()
                theirs.add(float(wall), float(cpu))
        self.row("64 Mi random float32, against numpy", ours, theirs, "at least numpy's speed",
                 "one thread each; the bits are compared by `tests/unit/data`")

    def bench_pictures(self):
        """Beyond the comparison alone. The reference would take an hour for 64 Mi elements: it gets 1 Mi."""
        python = os.environ.get("PX_MATPLOTLIB_PYTHON")
        if not python:
            sys.exit("set PX_MATPLOTLIB_PYTHON to a Python with polygraphy 0.49.26 and matplotlib")
        for count in (1, 64):
            for i in (1, 2):
                self.code("import numpy as np; from polygraphy.comparator import RunResults, IterationResult;"
                          f"x = np.random.RandomState({i}).rand({count}, 1024, 1024).astype(np.float32);"
                          f"r = RunResults(); r.append(('r{i}', [IterationResult({{'y': x}}, runtime=0.1, "
                          f"runner_name='r{i}')])); r.save('p{count}_{i}.json')")
        oracle = [python, str(pathlib.Path(python).parent / "polygraphy"), "run"]
        commands = []
        for tool, count in ((self.ours, 64), (oracle, 1)):
            words = tool + ["--load-outputs", f"p{count}_1.json", f"p{count}_2.json", "--atol", "2", "-qq"]
            commands += [words, words + ["--save-heatmaps", "maps", "--save-error-metrics-plot", "plots"]]
        runs = alternate(commands, self.dir, [3, 3, 1, 1])
        ours, theirs = Runs(), Runs()
        for out, plain, drawn in ((ours, runs[0], runs[1]), (theirs, runs[2], runs[3])):
            for wall, cpu in zip(drawn.wall, drawn.cpu):
                out.add(wall - plain.best(), cpu - min(plain.cpu), drawn.memory - plain.memory)
        self.row("heat maps and error plot of 64 Mi elements, beyond the comparison", ours, theirs,
                 "under 2 s, 100 MiB; 20 x", "the reference draws 1 Mi elements only")

    def bench_iterations(self):
        n = 5000
        base = ["identity.onnx", "--onnxrt", "-qqq"]
        many = ["--iterations", str(n)]
        runs = alternate([self.ours + base, self.ours + base + many, self.oracle + base, self.oracle + base + many],
                         self.dir, [10, 10, 3, 3])
        ours, theirs = Runs(), Runs()
        for out, one, all_ in ((ours, runs[0], runs[1]), (theirs, runs[2], runs[3])):
            for wall in all_.wall:
                out.add((wall - one.best()) / n, (min(all_.cpu) - min(one.cpu)) / n, all_.memory)
        us = lambda r: f"{r.best() * 1e6:.1f} us ({r.median() * 1e6:.1f} us)"
        self.rows.append(f"| one more iteration of a tiny model, inference included | {us(ours)} | {us(theirs)} "
                         f"| {theirs.best() / ours.best():.1f} x | {ours.cpu[0] * 1e6:.1f} us : {theirs.cpu[0] * 1e6:.1f} us "
                         f"| {mib(ours.memory)} : {mib(theirs.memory)} | under 100 us | |")


    def bench_scripts(self):
        """Inputs of 1 MB from a user's generator against the same from a file, per iteration."""
        n = 1000
        self.code("import onnx; from onnx import helper as h, TensorProto as T;"
                  "x = h.make_tensor_value_info('x', T.FLOAT, [262144]); y = h.make_tensor_value_info('y', T.FLOAT, [1]);"
                  "g = h.make_graph([h.make_node('ReduceMax', ['x'], ['y'])], 'g', [x], [y]);"
                  "onnx.save(h.make_model(g, opset_imports=[h.make_opsetid('', 13)], ir_version=8), 'max.onnx')")
        for name, count in (("one", 1), ("all", n + 1)):
            (pathlib.Path(self.dir) / f"{name}.py").write_text(
                f"import numpy as np\nX = [np.full(262144, i, np.float32) for i in range(8)]\n"
                f"def load_data():\n    return ({{'x': X[i % 8]}} for i in range({count}))\n")
        ENV["POLYGRAPHY_PYTHON"] = self.python
        base = self.ours + ["max.onnx", "--onnxrt", "-qqq"]
        for name in ("one", "all"):
            once(base + ["--data-loader-script", f"{name}.py", "--save-inputs", f"{name}.json"], self.dir, (0,))
        words = [base + w for name in ("one", "all") for w in
                 (["--data-loader-script", f"{name}.py"], ["--load-inputs", f"{name}.json"])]
        one_script, one_file, script, file = alternate(words, self.dir, 5)
        per = [[(w - one.best()) / n * 1e6 for w in sorted(all_.wall)] for one, all_ in ((one_script, script), (one_file, file))]
        best = [p[0] for p in per]
        self.rows.append(f"| 1 MB of inputs from a script, against the same from a JSON file, per iteration "
                         f"| {best[0]:.0f} us ({statistics.median(per[0]):.0f} us) | {best[1]:.0f} us ({statistics.median(per[1]):.0f} us) "
                         f"| {best[1] / best[0]:.1f} x | | {mib(script.memory)} : {mib(file.memory)} | at most 200 us more "
                         f"| {best[0] - best[1]:.0f} us more; both include inference; the right column is ours too |")

    def light(self, name):
        """One of the ONNX package's models without weights; None, with a word, when it is not there."""
        found = next(pathlib.Path(os.environ.get("PX_MODELS", "/nonexistent")).rglob(f"light_{name}.onnx"), None)
        if not found:
            print(f"skipped: light_{name}.onnx is not below PX_MODELS (tools/fetch_models.sh gets it)", file=sys.stderr)
        return found

    def bench_layers(self):
        for name in ("vgg19", "densenet121"):
            model = self.light(name)
            if model:
                words = [str(model), "--onnxrt", "--onnxrt", "--onnx-outputs", "mark", "all"]
                ours, theirs = alternate([self.ours + words, self.oracle + words], self.dir, [3, 1])
                self.row(f"light_{name}, every tensor compared, two ONNX Runtime runners", ours, theirs,
                         "a fifth of the time, 40 % of the memory", f"{ours.memory / theirs.memory:.0%} of the memory")

    def bench_lowmem(self):
        model = self.light("vgg19")
        if model:
            bare = [self.python, "-c",
                    "import onnxruntime as o, numpy as n, sys; s = o.InferenceSession(sys.argv[1],"
                    " providers=['CPUExecutionProvider']); i = s.get_inputs()[0]; s.run(None, {i.name: n.ones(i.shape, 'f')})"]
            words = [str(model), "--onnxrt", "-q"]
            plain, least, low = alternate([self.ours + words, bare + [str(model)], self.ours + words + ["--low-memory"]],
                                          self.dir, 3)
            self.row("light_vgg19 on ONNX Runtime, against a bare session in Python", plain, least, "")
            self.row("the same with `--low-memory`", low, least, "less memory")

    def alone(self, what, runs, bound, note=""):
        self.rows.append(f"| {what} | {both(runs)} | | | {ms(min(runs.cpu))} : | {mib(runs.memory)} : | {bound} | {note} |")

    def bench_large(self):
        """A model of 3 GB, its weights a sparse external file: marking, running, saving."""
        free = shutil.disk_usage(self.dir).free >> 30
        memory = int(re.search(r"MemAvailable: +([0-9]+)", pathlib.Path("/proc/meminfo").read_text())[1]) >> 20
        if free < 8 or memory < 7:
            print(f"skipped: the 3 GB model needs 8 GiB of disk and 7 GiB of memory; there are {free} and {memory} GiB",
                  file=sys.stderr)
            return
        subprocess.run([self.python, str(HERE / "large_model.py"), "large.onnx"], cwd=self.dir, check=True)
        mark = ["large.onnx", "--onnxrt", "--onnx-outputs", "mark", "all", "-q"]
        marked, = alternate([self.ours + mark + ["--providers", "none"]], self.dir, 3, (1,))
        self.alone("3 GB model: read, all outputs marked (and stopped by a provider that does not exist)", marked,
                   "under a second, 200 MiB")
        ran, = alternate([self.ours + mark], self.dir, 1)
        self.alone("3 GB model: all outputs marked and run", ran, "works")
        saved, = alternate([self.ours + ["large.onnx", "--onnxrt", "--save-onnx", "saved.onnx", "-q"]], self.dir, 1)
        self.code("import onnx; onnx.checker.check_model('saved.onnx')")
        size = sum(os.path.getsize(os.path.join(self.dir, f)) for f in os.listdir(self.dir) if f.startswith("saved"))
        self.alone("3 GB model: saved and run as a whole", saved, "works", f"{size / 1e9:.2f} GB written; onnx.checker accepts it")


    def bench_reference(self):
        """The reference interpreter in float64: against ONNX Runtime's float32 on the CPU and onnx.reference."""
        subprocess.run([self.python, str(HERE / "bert_model.py"), "bert.onnx"], cwd=self.dir, check=True, env=ENV)
        rec = next(pathlib.Path(os.environ.get("PX_MODELS", "/nonexistent")).rglob("ch_PP-OCRv4_rec_infer.onnx"), None)
        models = [(f"light_{n}", self.light(n), []) for n in ("resnet50", "vgg19", "densenet121")]
        models += [("BERT-base encoder, 128 tokens", "bert.onnx", ["--val-range", "[0,1]"]),
                   ("rapidocr recognition, 1x3x48x320", rec, ["--input-shapes", "x:[1,3,48,320]"])]
        for name, model, more in models:
            if not model:
                print(f"skipped: {name} is not below PX_MODELS", file=sys.stderr)
                continue
            sides = [self.ours + [str(model), f"--{r}", "--warm-up", "2", "--iterations", "5"] + more
                     for r in ("pluginref", "onnxrt")]
            sides.append([self.python, "-c", ONNX_REFERENCE, str(model)])
            found = [[], [], []]  # (inference seconds, peak bytes)
            for turn in range(3):
                for i, command in enumerate(sides):
                    if i < 2 or turn == 0:
                        found[i].append(self.inference(command))
            best = [min(t for t, _ in f) for f in found]
            peak = [max(m for _, m in f) for f in found]
            self.reference_rows.append(
                f"| {name} | {ms(best[0])} | {ms(best[1])} | {best[0] / best[1]:.1f} x | {ms(best[2])} | {best[2] / best[0]:.0f} x "
                f"| {mib(peak[0])} : {mib(peak[1])} : {mib(peak[2])} |")

    def inference(self, command):
        """What a run says its inferences take on average, and its peak memory."""
        with tempfile.TemporaryFile() as out:
            p = subprocess.Popen(command, cwd=self.dir, env=ENV, stdout=out, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            text = out.read().decode()
        found = re.search(r"Average inference time: ([0-9.e+-]+) (ms|s)\b", text)
        if p.returncode or not found:
            sys.exit(f"{command}: exit code {p.returncode}: {text[-500:]}")
        return float(found[1]) / (1000 if found[2] == "ms" else 1), usage.ru_maxrss * 1024


# One inference of ones (the type's), after the model is read; dynamic dimensions as the row says.
ONNX_REFERENCE = """
import sys, time, numpy, onnx, onnx.reference
m = onnx.load(sys.argv[1])
r = onnx.reference.ReferenceEvaluator(m)
consts = {t.name for t in m.graph.initializer}
feed = {}
for i in m.graph.input:
    if i.name not in consts:
        dims = [d.dim_value or (320 if k == 3 else 48 if k == 2 else 1) for k, d in enumerate(i.type.tensor_type.shape.dim)]
        feed[i.name] = numpy.ones(dims, onnx.helper.tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type))
t = time.perf_counter()
r.run(None, feed)
print('Average inference time:', (time.perf_counter() - t) * 1e3, 'ms')
"""

NAMES = ["startup", "tiny", "tf", "compare", "memory", "files", "random", "iterations", "scripts", "pictures", "layers", "lowmem", "large", "reference"]


def main() -> int:
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(NAMES):
        sys.exit(f"usage: bench.py BINARY [{'|'.join(NAMES)} ...]")
    bench = Bench(sys.argv[1])
    before = os.getloadavg()[0]
    needed = {"pictures": "PX_MATPLOTLIB_PYTHON", "tf": "PX_TF_PYTHON"}
    possible = [n for n in NAMES if n not in needed or os.environ.get(needed[n])]
    for name in sys.argv[2:] or possible:
        getattr(bench, f"bench_{name}")()
        print(f"{name} done", file=sys.stderr)
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {before:.1f} before and {os.getloadavg()[0]:.1f} after, "
          f"niceness {os.nice(0)}; reference 0.53.6\n")
    if bench.reference_rows:
        print("| model | pluginref | ONNX Runtime | pluginref takes | onnx.reference | pluginref is faster by "
              "| peak memory of the three |\n|---|---|---|---|---|---|---|")
        print("\n".join(bench.reference_rows) + "\n")
    if not bench.rows:
        return 0
    print("| what | ours: best (median) | reference: best (median) | ratio | processor time, ours : reference "
          "| peak memory, ours : reference | bound | note |\n|---|---|---|---|---|---|---|---|")
    print("\n".join(bench.rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
