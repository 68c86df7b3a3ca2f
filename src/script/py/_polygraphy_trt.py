"""TensorRT scripts. Builder, network and configuration are made here, with the tensorrt module, and
handed to our library, loaded into this process, which applies the command line's options and builds."""
import ctypes
import importlib
import os
import sys

NETWORK, POSTPROCESS, CONFIG, CONFIG_EDIT = range(4)  # kinds of scripts; script/worker.h has the same numbers
OPTIONS = ["--model-type trt-network-script", "--trt-network-postprocess-script", "--trt-config-script",
           "--trt-config-postprocess-script"]  # fmt: skip
BEGIN, PARSED, MAKE_CONFIG, EDIT_CONFIG, FEED = range(5)  # steps; polygraphy/trt_build.h has the same numbers

SAY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)


class Request(ctypes.Structure):
    _fields_ = [
        ("step", ctypes.c_int), ("network_flags", ctypes.c_uint), ("say", SAY), ("logger", ctypes.c_void_p),
        ("builder", ctypes.c_void_p), ("network", ctypes.c_void_p), ("config", ctypes.c_void_p),
        ("error", ctypes.c_char_p), ("i_feed", ctypes.c_int64), ("n_tensors", ctypes.c_size_t),
        ("names", ctypes.POINTER(ctypes.c_char_p)), ("tensors", ctypes.POINTER(ctypes.c_void_p)),
    ]  # fmt: skip


STEP = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(Request))
LOG = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p,
                       ctypes.c_size_t)  # fmt: skip
PLAN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class Steps(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("user", ctypes.c_void_p), ("step", STEP), ("log", LOG),
                ("plan", PLAN)]  # fmt: skip


class Failed(Exception):
    """Ends the build; the text is the whole message."""


def import_module(is_rtx, release, option):
    """NVIDIA's module under the name that scripts import it by. The bare bindings serve as well."""
    name = "tensorrt_rtx" if is_rtx else "tensorrt"
    try:
        return importlib.import_module(name)
    except ImportError as e:
        first = e
    try:
        sys.modules[name] = importlib.import_module(name + "_bindings")
        return sys.modules[name]
    except ImportError:
        raise Failed(
            f"{option} needs the Python module {name} of {release}, which {sys.executable} cannot import ({first}). "
            "Install it there, or name another Python in POLYGRAPHY_PYTHON."
        ) from None


def loaded_library(is_rtx, otherwise):
    """The library that the module came with: both sides must use one."""
    stem = "libtensorrt_rtx.so" if is_rtx else "libnvinfer.so"
    with open("/proc/self/maps") as maps:
        for line in maps:
            path = line.split(maxsplit=5)[-1].strip()
            if os.path.basename(path).startswith(stem):
                return path
    return otherwise


def address(value):
    """The C++ object of a pybind11 instance: the pointer that follows the object's head."""
    return ctypes.c_void_p.from_address(id(value) + object.__basicsize__).value


class Feed:
    """Arrays as tensors of our library."""

    def __init__(self, library, code_of, arrays):
        self.library, self.names, self.tensors = library, (ctypes.c_char_p * len(arrays))(), (ctypes.c_void_p * len(arrays))()
        library.pgy_tensor_data_mut.restype = ctypes.c_void_p
        for i, (name, array) in enumerate(arrays.items()):
            if array.dtype.kind in "OUS":
                raise Failed(f"input {name!r} is text, which cannot calibrate")
            self.names[i] = name.encode()
            tensor = ctypes.c_void_p()
            dims = (ctypes.c_int64 * array.ndim)(*array.shape)
            if library.pgy_tensor_new(code_of(array), array.ndim, dims, ctypes.byref(tensor)):
                raise MemoryError(f"input {name!r}: {array.nbytes} bytes")
            self.tensors[i] = tensor.value
            data = array.tobytes()
            ctypes.memmove(library.pgy_tensor_data_mut(tensor), data, len(data))

    def close(self):
        for tensor in self.tensors:
            self.library.pgy_tensor_free(ctypes.c_void_p(tensor))
        self.tensors = ()


class Build:
    def __init__(self, worker, make_script, code_of, explain):
        ch = worker.channel
        self.worker, self.code_of, self.explain, self.feed = worker, code_of, explain, None
        self.library, self.trt_library, self.release = ch.get_str(), ch.get_str(), ch.get_str()
        self.is_rtx = ch.get_u32() != 0
        named = [(ch.get_u32(), ch.get_str(), ch.get_str()) for _ in range(ch.get_u32())]
        self.words = [ch.get_str() for _ in range(ch.get_u32())]
        self.trt = import_module(self.is_rtx, self.release, OPTIONS[named[0][0]])
        self.scripts = {kind: [] for kind in range(4)}
        for kind, path, func in named:
            what = f"{OPTIONS[kind]} {path}:{func}: "
            self.scripts[kind].append((what, self.guard(what, make_script, path, func, OPTIONS[kind])))
        self.builder = self.network = self.config = self.parser = self.plan = None
        self.error = b""

    def guard(self, what, function, *args, **kwargs):
        try:
            return function(*args, **kwargs)
        except BaseException as e:
            raise Failed(what + self.explain(e)) from None

    def call(self, kind, *args, **kwargs):
        what, script = self.scripts[kind][0]
        return self.guard(what, script.call, *args, **kwargs)

    def expect(self, what, value, name):
        if not isinstance(value, getattr(self.trt, name)):
            raise Failed(f"{what}returned {type(value).__name__} instead of a tensorrt.{name}.")
        return value

    def begin(self, request):
        if self.scripts[NETWORK]:
            what = self.scripts[NETWORK][0][0]
            result = self.call(NETWORK)
            if not isinstance(result, (tuple, list)) or len(result) not in (2, 3):
                raise Failed(f"{what}returned {type(result).__name__} instead of a builder, a network and optionally a parser.")
            self.builder = self.expect(what, result[0], "Builder")
            self.network = self.expect(what, result[1], "INetworkDefinition")
            self.parser = result[2] if len(result) == 3 else None
        else:
            # A copy: the function that ctypes shows lies in the request, which ends with the step.
            say, to = SAY(ctypes.cast(request.say, ctypes.c_void_p).value), request.logger

            class Logger(self.trt.ILogger):
                def __init__(self):
                    super().__init__()

                def log(self, severity, message):
                    say(to, int(severity), message.encode("utf-8", "replace"))

            self.logger = Logger()
            self.builder = self.trt.Builder(self.logger)
            self.network = self.builder.create_network(request.network_flags)
        request.builder, request.network = address(self.builder), address(self.network)
        if not self.scripts[CONFIG]:
            self.config = self.builder.create_builder_config()
            request.config = address(self.config)

    def parsed(self, request):
        for what, script in self.scripts[POSTPROCESS]:
            self.guard(what, script.call, network=self.network)

    def make_config(self, request):
        config = self.call(CONFIG, self.builder, self.network)
        self.config = self.expect(self.scripts[CONFIG][0][0], config, "IBuilderConfig")
        request.config = address(self.config)

    def edit_config(self, request):
        if self.scripts[CONFIG_EDIT]:
            self.call(CONFIG_EDIT, self.builder, self.network, self.config)

    def close_feed(self):
        if self.feed is not None:
            self.feed.close()
        self.feed = None

    def next_feed(self, request):
        arrays = self.worker.calibration_feed(request.i_feed) or {}
        self.feed = Feed(self.c_library, self.code_of, arrays)
        request.n_tensors, request.names, request.tensors = len(arrays), self.feed.names, self.feed.tensors

    def step(self, user, request):
        request = request.contents
        self.close_feed()
        try:
            [self.begin, self.parsed, self.make_config, self.edit_config, self.next_feed][request.step](request)
            return 0
        except BaseException as e:
            self.error = str(e if isinstance(e, Failed) else self.explain(e)).encode("utf-8", "replace")
            request.error = self.error
            return 1

    def log(self, user, severity, origin, indent, message, size):
        text = "    " * indent + ctypes.string_at(message, size).decode("utf-8", "replace")
        self.worker.log(severity, text, origin.decode())

    def take_plan(self, user, data, size):
        self.plan = ctypes.string_at(data, size)

    def run(self):
        os.environ["POLYGRAPHY_TRT_LIB"] = loaded_library(self.is_rtx, self.trt_library)
        try:
            self.c_library = library = ctypes.CDLL(self.library)
        except OSError as e:
            raise Failed(f"TensorRT scripts need {os.path.basename(self.library)}, the library of this program: {e}") from None
        library.pgy_trt_build.restype = ctypes.c_void_p
        library.pgy_status_message.restype = ctypes.c_char_p
        words = [b"polygraphy", b"run"] + [w.encode("utf-8", "surrogateescape") for w in self.words]
        argv = (ctypes.c_char_p * (len(words) + 1))(*words, None)
        steps = Steps(ctypes.sizeof(Steps), None, STEP(self.step), LOG(self.log), PLAN(self.take_plan))
        status = library.pgy_trt_build(len(words), argv, ctypes.byref(steps))
        self.close_feed()
        # In reverse order of making, while the module is alive.
        self.config = self.parser = self.network = self.builder = None
        if status is not None:
            text = library.pgy_status_message(ctypes.c_void_p(status)).decode("utf-8", "replace")
            library.pgy_status_free(ctypes.c_void_p(status))
            raise Failed(text)
        return self.plan
