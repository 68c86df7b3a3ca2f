"""libpolygraphy through ctypes: where it lies, what its functions take, how its errors are raised."""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, c_bool, c_char_p, c_double, c_int, c_int32, c_int64, c_size_t, c_uint64, c_void_p
from typing import Any, Dict, List, Sequence, Tuple

ABI = (0, 1)  # what the structs below describe: the library must be of this major and minor version
SONAME = "libpolygraphy.so.0"


class Error(Exception):
    """What went wrong in the library, as one sentence. `origin` is the place in its source."""

    origin: str = ""


class UsageError(Error, ValueError):
    """An option or argument is wrong."""


class FileError(Error, OSError):
    """A file cannot be read or written."""


class ModelError(Error):
    """A model or data file has wrong content."""


class BackendError(Error, RuntimeError):
    """An inference runtime is missing or failed."""


class UnsupportedError(Error):
    """Well-formed, but this library cannot do it."""


class OutOfMemoryError(Error, MemoryError):
    """There is not enough memory."""


class BugError(Error):
    """An invariant of the library does not hold."""


_ERRORS = [Error, UsageError, FileError, ModelError, BackendError, UnsupportedError, OutOfMemoryError, BugError]


class Io(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p), ("dtype", c_int), ("rank", c_int32), ("dims", POINTER(c_int64)),
        ("dim_names", POINTER(c_char_p)),
    ]  # fmt: skip


class Feed(ctypes.Structure):
    _fields_ = [("n", c_size_t), ("names", POINTER(c_char_p)), ("tensors", POINTER(c_void_p))]


class String(ctypes.Structure):
    _fields_ = [("ptr", c_void_p), ("len", c_size_t)]


class OutputVerdictStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t), ("runner0", c_char_p), ("runner1", c_char_p), ("output", c_char_p),
        ("iteration", c_size_t), ("passed", c_bool), ("max_abs", c_double), ("max_rel", c_double),
        ("mean_abs", c_double), ("mean_rel", c_double), ("metric", c_double), ("max_ulp", c_uint64),
        ("function", c_char_p),
    ]  # fmt: skip


class DistanceStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t), ("output", c_char_p), ("runner", c_char_p), ("ruling", c_int),
        ("sentence", c_char_p), ("wrong", c_bool), ("count", c_int64), ("n_exact", c_int64), ("n_unlike", c_int64),
        ("max_abs", c_double), ("max_rel", c_double), ("max_ulp", c_double), ("rms", c_double),
        ("allowed_abs", c_double), ("expected_abs", c_double),
    ]  # fmt: skip


LogFunction = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_char_p, c_int, c_void_p, c_size_t)
ReleaseFunction = ctypes.CFUNCTYPE(None, c_void_p)

_P, _OUT = c_void_p, POINTER(c_void_p)
_WORDS = POINTER(c_char_p)
_IO = (POINTER(POINTER(Io)), POINTER(c_size_t))
# Name -> result and arguments. The result "status" is raised when it is an error.
_FUNCTIONS: Dict[str, Tuple[Any, Sequence[Any]]] = {
    "pgy_version": (c_char_p, ()),
    "pgy_status_code": (c_int, (_P,)),
    "pgy_status_message": (c_char_p, (_P,)),
    "pgy_status_origin": (c_char_p, (_P,)),
    "pgy_status_free": (None, (_P,)),
    "pgy_command": (c_int, (c_int, _WORDS)),
    "pgy_context_new": ("status", (_OUT,)),
    "pgy_context_free": (None, (_P,)),
    "pgy_context_set_log": (None, (_P, LogFunction, _P)),
    "pgy_context_set_level": (None, (_P, c_int)),
    "pgy_context_set_threads": (None, (_P, c_int)),
    "pgy_context_set_memory_budget": (None, (_P, c_uint64)),
    "pgy_dtype_name": (c_char_p, (c_int,)),
    "pgy_dtype_bits": (c_int, (c_int,)),
    "pgy_tensor_new": ("status", (c_int, c_int, POINTER(c_int64), _OUT)),
    "pgy_tensor_wrap": ("status", (c_int, c_int, POINTER(c_int64), _P, ReleaseFunction, _P, _OUT)),
    "pgy_tensor_ref": (_P, (_P,)),
    "pgy_tensor_free": (None, (_P,)),
    "pgy_tensor_dtype": (c_int, (_P,)),
    "pgy_tensor_rank": (c_int, (_P,)),
    "pgy_tensor_dims": (POINTER(c_int64), (_P,)),
    "pgy_tensor_count": (c_int64, (_P,)),
    "pgy_tensor_size": (c_size_t, (_P,)),
    "pgy_tensor_data": (_P, (_P,)),
    "pgy_tensor_data_mut": (_P, (_P,)),
    "pgy_tensor_cast": ("status", (_P, c_int, _OUT)),
    "pgy_outputs_new": ("status", (_OUT,)),
    "pgy_outputs_free": (None, (_P,)),
    "pgy_outputs_add": ("status", (_P, c_char_p, _P)),
    "pgy_outputs_set_elapsed": (None, (_P, c_uint64)),
    "pgy_outputs_count": (c_size_t, (_P,)),
    "pgy_outputs_name": (c_char_p, (_P, c_size_t)),
    "pgy_outputs_tensor": (_P, (_P, c_size_t)),
    "pgy_outputs_elapsed_ns": (c_uint64, (_P,)),
    "pgy_model_open_with": ("status", (_P, c_char_p, c_size_t, _WORDS, _OUT)),
    "pgy_model_close": (None, (_P,)),
    "pgy_model_get_type": (c_int, (_P,)),
    "pgy_model_path": (c_char_p, (_P,)),
    "pgy_model_inputs": ("status", (_P, *_IO)),
    "pgy_model_outputs": ("status", (_P, *_IO)),
    "pgy_runner_open_with": ("status", (_P, c_char_p, _P, c_size_t, _WORDS, _OUT)),
    "pgy_runner_name": (c_char_p, (_P,)),
    "pgy_runner_inputs": ("status", (_P, *_IO)),
    "pgy_runner_infer": ("status", (_P, POINTER(Feed), _P)),
    "pgy_runner_close": (None, (_P,)),
    "pgy_inputs_open": ("status", (_P, _P, c_size_t, _WORDS, _OUT)),
    "pgy_inputs_count": (c_size_t, (_P,)),
    "pgy_inputs_get": ("status", (_P, c_size_t, _P)),
    "pgy_inputs_close": (None, (_P,)),
    "pgy_results_new": ("status", (_OUT,)),
    "pgy_results_free": (None, (_P,)),
    "pgy_results_load": ("status", (_P, _P, c_char_p)),
    "pgy_results_save": ("status", (_P, _P, c_char_p)),
    "pgy_results_begin_run": ("status", (_P, c_char_p)),
    "pgy_results_add": ("status", (_P, _P, _P)),
    "pgy_results_runs": (c_size_t, (_P,)),
    "pgy_results_runner": (c_char_p, (_P, c_size_t)),
    "pgy_results_iterations": (c_size_t, (_P, c_size_t)),
    "pgy_results_runtime": (c_double, (_P, c_size_t, c_size_t)),
    "pgy_results_outputs": (c_size_t, (_P, c_size_t, c_size_t)),
    "pgy_results_output_name": (c_char_p, (_P, c_size_t, c_size_t, c_size_t)),
    "pgy_results_tensor": ("status", (_P, _P, c_size_t, c_size_t, c_size_t, _OUT)),
    "pgy_compare_with": ("status", (_P, _P, c_size_t, _WORDS, _OUT)),
    "pgy_verdict_passed": (c_bool, (_P,)),
    "pgy_verdict_count": (c_size_t, (_P,)),
    "pgy_verdict_get": (None, (_P, c_size_t, POINTER(OutputVerdictStruct))),
    "pgy_verdict_free": (None, (_P,)),
    "pgy_referee_new": ("status", (_P, _P, c_char_p, _P, _P, _OUT)),
    "pgy_referee_count": (c_size_t, (_P,)),
    "pgy_referee_get": (None, (_P, c_size_t, POINTER(DistanceStruct))),
    "pgy_referee_log": (None, (_P, _P)),
    "pgy_referee_free": (None, (_P,)),
}


class _Library:
    """The loaded library: its functions without their prefix, loaded when the first one is asked for."""

    def __init__(self) -> None:
        self.path = ""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._load()
        return self.__dict__[name]

    def _load(self) -> None:
        self.path, dll = _open()
        for name, (result, arguments) in _FUNCTIONS.items():
            try:
                function = getattr(dll, name)
            except AttributeError:
                raise ImportError(f"{self.path} has no function {name}: it is older than this package.") from None
            function.argtypes = arguments
            function.restype = c_void_p if result == "status" else result
            if result == "status":
                function.errcheck = _check
            self.__dict__[name[4:]] = function
        version = self.version().decode()
        if tuple(int(part) for part in version.split(".")[:2]) != ABI:
            raise ImportError(f"{self.path} is version {version}; this package is for {ABI[0]}.{ABI[1]}.")


def _open() -> Tuple[str, ctypes.CDLL]:
    here = os.path.dirname(os.path.abspath(__file__))
    told = os.environ.get("POLYGRAPHY_LIBRARY")
    beside = os.path.join(here, SONAME)
    path = told or (beside if os.path.exists(beside) else SONAME)
    try:
        return path, ctypes.CDLL(path)
    except OSError as e:
        raise ImportError(
            f"libpolygraphy cannot be loaded: {e}. Install the wheel, which brings it, or set POLYGRAPHY_LIBRARY to "
            f"the file {SONAME}."
        ) from None


lib = _Library()


def _check(status: Any, function: Any, arguments: Any) -> None:
    if not status:
        return
    code = lib.status_code(status)
    error = (_ERRORS[code] if code < len(_ERRORS) else Error)(lib.status_message(status).decode("utf-8", "replace"))
    error.origin = lib.status_origin(status).decode("utf-8", "replace")
    lib.status_free(status)
    raise error


def new(function: Any, *arguments: Any) -> int:
    """Calls a function whose last argument gives a handle."""
    out = c_void_p()
    function(*arguments, ctypes.byref(out))
    assert out.value is not None
    return out.value


def path_bytes(path: Any) -> bytes:
    """A path-like as the library wants it."""
    data = os.fsencode(path)
    if b"\0" in data:
        raise UsageError("A path cannot hold a null character.")
    return data


def text_bytes(text: Any, what: str) -> bytes:
    if not isinstance(text, str):
        raise UsageError(f"{what} is of type {type(text).__name__}; a str is wanted.")
    if "\0" in text:
        raise UsageError(f"{what} holds a null character, which no name can.")
    return text.encode("utf-8", "surrogateescape")


def word_array(words: List[str]) -> Any:
    """An array of C strings, NULL at its end."""
    items = [text_bytes(w, "An option's word") for w in words]
    return (c_char_p * (len(items) + 1))(*items, None)
