"""The context: where log messages go, threads, memory."""

from __future__ import annotations

import ctypes
import logging
import threading
from typing import Any, Callable, Optional

from polygraphy_c._handle import Handle
from polygraphy_c._lib import LogFunction, lib, new

logger = logging.getLogger("polygraphy_c")
LogCallable = Callable[[int, str], None]


def _to_logging(severity: int, message: str) -> None:
    logger.log(max(severity, 1), message)


class Context(Handle):
    """What a number of calls share. Without one, calls use a context made for the process.

    log: called with severity and text of each message; severities are those of `logging` (10 is
        verbose, 20 info, 30 warning). Default: the logger "polygraphy_c".
    verbosity: messages of a lower severity are not made at all. Below 10 there are 0, -10 and -20.
    threads: of the library's own kernels; 0 means one per processor.
    memory_budget: bytes of kept outputs above which they go to a temporary file; 0 means half of memory.

    Calls on one context wait for each other, whatever the thread; different contexts are independent.
    """

    def __init__(
        self, *, log: Optional[LogCallable] = None, verbosity: int = 20, threads: int = 0, memory_budget: int = 0
    ) -> None:
        self._lock = threading.RLock()
        sink = _to_logging if log is None else log

        @LogFunction
        def pass_on(user: Any, severity: int, origin: bytes, indent: int, message: int, length: int) -> None:
            text = ctypes.string_at(message, length).decode("utf-8", "replace")
            sink(severity, "    " * indent + text)

        handle = new(lib.context_new)
        self._own(handle, lib.context_free, pass_on)
        lib.context_set_log(handle, pass_on, None)
        lib.context_set_level(handle, verbosity)
        lib.context_set_threads(handle, threads)
        lib.context_set_memory_budget(handle, memory_budget)

    def call(self, function: Any, *arguments: Any) -> Any:
        """`function(context, *arguments)`, when nobody else is at it."""
        with self._lock:
            return function(self.handle, *arguments)

    def locked(self) -> threading.RLock:
        """For calls that reach the context through another object."""
        return self._lock


_default: Optional[Context] = None
_default_lock = threading.Lock()


def context_or_default(context: Optional[Context]) -> Context:
    global _default
    if context is not None:
        return context
    with _default_lock:
        if _default is None or _default.closed:
            _default = Context()
        return _default
