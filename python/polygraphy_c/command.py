"""The whole command."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from typing import Any, NamedTuple, Optional, Sequence

from polygraphy_c._lib import Error, lib, word_array
from polygraphy_c._words import option_words

_lock = threading.Lock()  # file descriptors 1 and 2 are the process's


class CommandFailed(Error):
    """The command's exit code was not 0."""


class Outcome(NamedTuple):
    exit_code: int
    """0 passed, 1 mismatch or failure, 2 the command line is wrong"""
    stdout: Optional[str]
    stderr: Optional[str]
    """texts when they were captured"""

    @property
    def passed(self) -> bool:
        return self.exit_code == 0


def run(words: Sequence[Any], *, capture: bool = False, check: bool = False) -> Outcome:
    """Does what `polygraphy WORDS...` does, in this process: `run(["run", "m.onnx", "--onnxrt"])`.

    capture: keep what it writes instead of writing it.
    check: raise CommandFailed when the exit code is not 0.
    """
    said = ["polygraphy", *option_words(words if isinstance(words, str) else [os.fspath(w) for w in words], {})]
    argv = word_array(said)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    if capture:
        outcome = _captured(len(said), argv)
    else:
        outcome = Outcome(lib.command(len(said), argv), None, None)
    if check and outcome.exit_code != 0:
        last = (outcome.stderr or "").strip().splitlines()
        reason = f": {last[-1]}" if last else "."
        raise CommandFailed(f"The command ended with exit code {outcome.exit_code}{reason}")
    return outcome


def _captured(argc: int, argv: Any) -> Outcome:
    with _lock, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        saved = [os.dup(1), os.dup(2)]
        try:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            exit_code = lib.command(argc, argv)
        finally:
            for fd, copy in enumerate(saved, start=1):
                os.dup2(copy, fd)
                os.close(copy)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    return Outcome(exit_code, *texts)


def main() -> int:
    """The program `polygraphy-c`."""
    return run(sys.argv[1:]).exit_code
