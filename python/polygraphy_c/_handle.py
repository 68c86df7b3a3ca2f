"""What all objects of the library have in common: one owner, closed once, in the right order."""

from __future__ import annotations

import weakref
from typing import Any, Callable, TypeVar

from polygraphy_c._lib import UsageError

T = TypeVar("T", bound="Handle")


class Handle:
    """An object of the library. `with` closes it; so do `close()`, garbage collection and Python's end."""

    def _own(self, handle: int, free: Callable[[int], None], *needed: Any) -> None:
        """`needed` are kept alive until `free` was called."""
        self._handle = handle
        self._close = weakref.finalize(self, _free_with, free, handle, needed)

    @property
    def closed(self) -> bool:
        return not self._close.alive

    @property
    def handle(self) -> int:
        """The address in the library, for calls of your own through ctypes."""
        if not self._close.alive:
            raise UsageError(f"This {type(self).__name__} is closed.")
        return self._handle

    def close(self) -> None:
        """May be called more than once."""
        self._close()

    def __enter__(self: T) -> T:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()


def _free_with(free: Callable[[int], None], handle: int, needed: Any) -> None:
    free(handle)
