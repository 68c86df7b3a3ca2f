"""Keyword arguments as words of the command line: atol=1e-3 is --atol 1e-3."""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Sequence

from polygraphy_c._lib import UsageError


def option_words(words: Sequence[str], options: Mapping[str, Any]) -> List[str]:
    """`words` as they are, then every keyword.

    True is an option alone; None and False leave it out; a list or tuple gives several words; a dict
    gives `key:value` words, its key "" the bare value; inside of a dict, a list or tuple is a value in
    brackets, such as a shape or a range.
    """
    if isinstance(words, str):
        raise UsageError(f"Options are a list of words: write {words.split()!r}.")
    out = list(words)
    for name, value in options.items():
        if value is None or value is False:
            continue
        out.append("--" + name.replace("_", "-"))
        if value is True:
            continue
        if isinstance(value, Mapping):
            out.extend(f"{key}:{_text(v)}" if key else _text(v) for key, v in value.items())
        elif isinstance(value, (list, tuple)):
            out.extend(_text(v) for v in value)
        else:
            out.append(_text(value))
    return out


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_text(v) for v in value) + "]"
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, bool):
        raise UsageError(f"{value} stands for an option alone; it cannot be one of its words.")
    if isinstance(value, int):
        return str(value)
    try:
        return repr(float(value))  # of numpy too
    except (TypeError, ValueError):
        raise UsageError(f"A value of type {type(value).__name__} cannot be a word of an option.") from None
