"""Runs a user's functions on behalf of the program. One request, one answer; log messages in between."""
import collections.abc
import faulthandler
import importlib.machinery
import importlib.util
import os
import signal
import sys
import traceback

# Requests and answers; script/worker.c has the same numbers.
LOAD, NEXT, COMPARE, POSTPROCESS, LPIPS, TRT = 1, 2, 3, 4, 5, 6
READY, DONE, FEED, VERDICT, ITERATION, VALUE, ERROR, LOG, PLAN = range(10, 19)
OPTIONS = ["--data-loader-script", "--compare-func-script", "--postprocess-func-script"]
DATA, COMPARISON, POSTPROCESSING = range(3)
CALIBRATION = 1  # a use of data; data/args.h has the same number
HAS_LPIPS, NO_LPIPS, NO_NUMBER = range(3)


class WrongValue(Exception):
    """What a function returned is not what is wanted; the text says both."""


class Script:
    def __init__(self, path, name, option):
        self.path, self.name, self.option, self.iterators = path, name, option, {}
        folder, file = os.path.split(os.path.abspath(path))
        module_name = os.path.splitext(file)[0]
        if not os.path.isfile(path):
            raise WrongValue("there is no such file")
        # As the reference does: the script's folder comes first while it is loaded. Later it comes last,
        # so that a function can import what lies beside it.
        sys.path.insert(0, folder)
        try:
            loader = importlib.machinery.SourceFileLoader(module_name, path)  # whatever the file's ending
            spec = importlib.util.spec_from_file_location(module_name, path, loader=loader)
            module = importlib.util.module_from_spec(spec)
            sys.modules.setdefault(module_name, module)
            spec.loader.exec_module(module)
        finally:
            sys.path.remove(folder)
            sys.path.append(folder)
        if not hasattr(module, name):
            found = [n for n, v in vars(module).items() if callable(v) and getattr(v, "__module__", "") == module_name]
            raise WrongValue(
                f"Could not import symbol: {name} from script: {path}. It has: {', '.join(found) or 'no function'}. "
                f"Write the name behind the path, {path}:NAME"
            )
        self.function = getattr(module, name)
        # Of a class an instance is called, a new one each time.
        self.is_class = isinstance(self.function, type) and option != OPTIONS[DATA]
        if not callable(self.function):
            raise WrongValue(f"{name} is {describe(self.function)}, which cannot be called")

    def call(self, *args, **kwargs):
        function = self.function() if self.is_class else self.function
        return function(*args, **kwargs)

    def feed(self, use, i):
        """Feed `i`, None behind the last one. Each use has iterations of its own, begun anew by feed 0."""
        if i == 0:
            data = self.function()
            if data is None:  # the reference makes random data then, which nobody can want
                raise WrongValue("returned None instead of the inputs. Yield or return one dict per iteration")
            self.iterators[use] = iter(data)
        try:
            feed = next(self.iterators[use])
        except StopIteration:
            return None
        if not isinstance(feed, collections.abc.Mapping) or not all(isinstance(k, str) for k in feed):
            raise WrongValue(
                f"iteration {i} is {describe(feed)}, which cannot be recognized as a feed_dict "
                "(Dict[str, Union[np.ndarray, torch.Tensor, DeviceView]])"
            )
        return {name: to_array(value, f"iteration {i}, input {name!r}") for name, value in feed.items()}

    def compare(self, a, b):
        verdict = self.call(a, b)
        if not isinstance(verdict, collections.abc.Mapping):
            raise WrongValue(f"returned {describe(verdict)} instead of a dict of output names and bools")
        return {str(name): bool(matched) for name, matched in verdict.items()}

    def postprocess(self, iteration):
        result = self.call(iteration)
        if not hasattr(result, "items") or not hasattr(result, "runner_name"):
            raise WrongValue(f"returned {describe(result)} instead of an IterationResult")
        outputs = {str(n): to_array(v, f"output {str(n)!r}") for n, v in result.items()}
        return outputs, result.runner_name


def describe(value):
    text = repr(value)
    return f"a value of type {type(value).__name__}: {text if len(text) <= 200 else text[:200] + '...'}"


def to_array(value, what):
    """The numpy array of an array, numpy scalar or torch tensor."""
    if type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            value = value.float()  # the same numbers; numpy has no bfloat16
        value = value.numpy()
    if isinstance(value, numpy.generic):
        value = numpy.asarray(value)
    if not isinstance(value, numpy.ndarray):
        raise WrongValue(f"{what} is {describe(value)}. Make it an array with numpy.array(value, dtype=...)")
    if code_of(value) is None:
        raise WrongValue(f"{what} has the element type {value.dtype}, which no runtime takes. Use its astype()")
    return value


class Worker:
    def __init__(self, channel):
        self.channel, self.scripts, self.lpips = channel, {}, None

    def log(self, severity, text, origin="tools/script.py"):
        self.channel.begin(LOG)
        self.channel.put_u32(severity & 0xFFFFFFFF)
        self.channel.put_str(text)
        self.channel.put_str(origin)
        self.channel.send()

    def get_iteration(self):
        """What the script's own import of polygraphy calls an IterationResult."""
        from polygraphy.comparator import IterationResult

        ch = self.channel
        runner_name, runtime = ch.get_str(), ch.get_f64()
        outputs = {}
        for _ in range(ch.get_u32()):
            name = ch.get_str()
            outputs[name] = ch.get_array()
        return IterationResult(outputs, runtime=None if runtime < 0 else runtime, runner_name=runner_name)

    def put_arrays(self, arrays):
        self.channel.put_u32(len(arrays))
        for name, array in arrays.items():
            self.channel.put_str(name)
            self.channel.put_array(array)

    def load(self):
        ch = self.channel
        role, path, name = ch.get_u32(), ch.get_str(), ch.get_str()
        self.scripts[role] = Script(path, name, OPTIONS[role])
        ch.begin(DONE)

    def next_feed(self):
        feed = self.scripts[DATA].feed(self.channel.get_u32(), self.channel.get_i64())
        self.channel.begin(FEED)
        self.channel.put_u32(feed is not None)
        if feed is not None:
            self.put_arrays(feed)

    def calibration_feed(self, i):
        return self.scripts[DATA].feed(CALIBRATION, i)

    def compare(self):
        a = self.get_iteration()
        b = self.get_iteration()
        verdict = self.scripts[COMPARISON].compare(a, b)
        self.channel.begin(VERDICT)
        self.channel.put_u32(len(verdict))
        for name, matched in verdict.items():
            self.channel.put_str(name)
            self.channel.put_u32(matched)

    def postprocess(self):
        outputs, runner_name = self.scripts[POSTPROCESSING].postprocess(self.get_iteration())
        self.channel.begin(ITERATION)
        self.channel.put_str(runner_name or "")
        self.put_arrays(outputs)

    def perceptual(self):
        import _polygraphy_lpips as lpips

        arrays = [self.channel.get_array() for _ in range(2 * self.channel.get_u32())]
        what, value, text = NO_NUMBER, None, ""
        try:
            self.lpips = self.lpips or lpips.Metric()
            value = self.lpips(*arrays) if arrays else None
            what = NO_NUMBER if value is None else HAS_LPIPS
        except lpips.Missing as e:
            what, text = NO_LPIPS, str(e)
        self.channel.begin(VALUE)
        self.channel.put_u32(what)
        self.channel.put_f64(value or 0.0)
        self.channel.put_str(text)

    def engine(self):
        import _polygraphy_trt as trt

        try:
            plan = trt.Build(self, Script, code_of, explain).run()
        except trt.Failed as e:
            raise WrongValue(str(e)) from None
        self.channel.begin(PLAN)
        self.channel.put_array(numpy.frombuffer(plan, numpy.uint8))

    def serve(self):
        requests = {
            LOAD: self.load, NEXT: self.next_feed, COMPARE: self.compare, POSTPROCESS: self.postprocess,
            LPIPS: self.perceptual, TRT: self.engine,
        }  # fmt: skip
        while True:
            kind = self.channel.receive()
            try:
                requests[kind]()
            except BaseException as e:
                self.channel.begin(ERROR)
                self.channel.put_str(explain(e))
            flush()
            self.channel.send()


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # closed by the script


def explain(e):
    """One sentence with file and line, and the traceback of the script's own frames."""
    if isinstance(e, WrongValue):
        return str(e)
    frames = traceback.extract_tb(e.__traceback__)
    own = [f for f in frames if not f.filename.startswith(("<polygraphy>", "<frozen"))]
    what = "".join(traceback.format_exception_only(type(e), e)).strip()
    first = what.splitlines()[-1] if isinstance(e, SyntaxError) else what.splitlines()[0]
    if isinstance(e, SystemExit):
        first = f"it ended with sys.exit({e.code!r})"
    where = own[-1] if own else None
    text = first
    if isinstance(e, SyntaxError) and e.filename:
        text += f" ({e.filename}, line {e.lineno})"
    elif where is not None:
        text += f" ({where.filename}, line {where.lineno}, in {where.name})"
    if own:
        text += "\nTraceback (most recent call last):\n" + "".join(traceback.format_list(own)) + what
    elif isinstance(e, SyntaxError):
        text += "\n" + what
    return text


def main(socket_fd, crash_fd):
    global numpy, code_of, worker
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    faulthandler.enable(os.fdopen(crash_fd, "w", closefd=False), all_threads=False)
    try:
        import numpy
    except ImportError as e:
        os.write(crash_fd, f"NUMPY {sys.executable}: {e}".encode())
        os._exit(4)
    from _polygraphy_channel import Channel, code_of

    worker = Worker(Channel(socket_fd))
    worker.channel.begin(READY)
    worker.channel.put_str(f"Python {sys.version.split()[0]} ({sys.executable}), numpy {numpy.__version__}")
    worker.channel.send()
    worker.serve()
