"""G_LOGGER: messages go to the program's own log, under its verbosity."""
import contextlib
import os


class LogMode:
    EACH, ONCE = range(2)


class Logger:
    ULTRA_VERBOSE, SUPER_VERBOSE, EXTRA_VERBOSE, VERBOSE, INFO = -20, -10, 0, 10, 20
    START, FINISH, WARNING, ERROR, CRITICAL = 22, 28, 30, 40, 50

    def __init__(self):
        self._depth, self._seen = 0, set()
        # The program decides what is shown; scripts may look at this and set it.
        self.module_severity = self.severity = self.INFO

    def log(self, message, severity, mode=LogMode.EACH, stack_depth=None, error_ok=False):
        text = str(message() if callable(message) else message)
        if mode == LogMode.ONCE and text in self._seen:
            return
        self._seen.add(text) if mode == LogMode.ONCE else None
        import _polygraphy_worker

        pad = "    " * self._depth
        _polygraphy_worker.flush()
        _polygraphy_worker.worker.log(severity, "\n".join(pad + line for line in text.splitlines()) or pad)

    def critical(self, message):
        from polygraphy.exception import PolygraphyException

        raise PolygraphyException(str(message() if callable(message) else message))

    internal_error = critical

    def exit(self, message):
        self.log(message, self.CRITICAL)
        raise SystemExit(message)

    def backtrace(self, depth=0, limit=None, severity=20):
        import traceback

        self.log("".join(traceback.format_stack(limit=limit)[: -1 - depth]), severity)

    @contextlib.contextmanager
    def indent(self, level=1):
        self._depth += level
        try:
            yield self
        finally:
            self._depth -= level

    @contextlib.contextmanager
    def verbosity(self, severity=50):
        old, self.severity = self.severity, severity
        try:
            yield self
        finally:
            self.severity = old


def _method(severity):
    def log(self, message, mode=LogMode.EACH, **ignored):
        self.log(message, severity, mode)

    return log


for _name in ("ultra_verbose", "super_verbose", "extra_verbose", "verbose", "info", "start", "finish", "warning", "error"):
    setattr(Logger, _name, _method(getattr(Logger, _name.upper())))

G_LOGGER = Logger()
