"""Comparison and referee."""

from __future__ import annotations

import ctypes
from typing import Any, List, NamedTuple, Optional, Sequence

from polygraphy_c._handle import Handle
from polygraphy_c._lib import DistanceStruct, OutputVerdictStruct, lib, new, text_bytes, word_array
from polygraphy_c._words import option_words
from polygraphy_c.results import Results

RULINGS = ["within", "some wrong", "all wrong", "not measured", "further"]


class OutputVerdict(NamedTuple):
    """One output of one iteration under one function. Numbers that the function does not give are NaN."""

    runners: Sequence[str]
    output: str
    iteration: int
    function: str
    passed: bool
    max_abs: float
    max_rel: float
    mean_abs: float
    mean_rel: float
    metric: float
    max_ulp: int


class Verdict(List[OutputVerdict]):
    """True when everything passed."""

    passed: bool = False

    def __bool__(self) -> bool:
        return self.passed

    @property
    def failed(self) -> List[OutputVerdict]:
        return [v for v in self if not v.passed]


class _Owner(Handle):
    def __init__(self, handle: int, free: Any) -> None:
        self._own(handle, free)


def compare(results: Results, words: Sequence[str] = (), **options: Any) -> Verdict:
    """Compares consecutive runs as the command does; what it would print goes to the context's log.

    Options are those of the command that concern comparisons: `compare(results, atol=1e-3)`,
    `compare(results, rtol={"": 1e-5, "logits": 1e-3})`, `compare(results, compare=["l2", "psnr"])`.
    """
    said = option_words(words, options)
    with results.context.locked():
        handle = new(lib.compare_with, results.context.handle, results.handle, len(said), word_array(said))
    with _Owner(handle, lib.verdict_free):
        verdict = Verdict(_output_verdict(handle, i) for i in range(lib.verdict_count(handle)))
        verdict.passed = lib.verdict_passed(handle)
    return verdict


def _output_verdict(handle: int, i: int) -> OutputVerdict:
    v = OutputVerdictStruct(struct_size=ctypes.sizeof(OutputVerdictStruct))
    lib.verdict_get(handle, i, ctypes.byref(v))
    return OutputVerdict(
        (_text(v.runner0), _text(v.runner1)), _text(v.output), v.iteration, _text(v.function), v.passed, v.max_abs,
        v.max_rel, v.mean_abs, v.mean_rel, v.metric, v.max_ulp,
    )  # fmt: skip


class Distance(NamedTuple):
    """How far one run's output is from the float64 values, over all iterations."""

    output: str
    runner: str
    ruling: str
    """on the output, over all runs: one of RULINGS"""
    sentence: str
    wrong: bool
    count: int
    n_exact: int
    n_unlike: int
    max_abs: float
    max_rel: float
    max_ulp: float
    rms: float
    allowed_abs: float
    """max_abs beyond it is wrong"""
    expected_abs: float
    """max_abs beyond it is further than the type leads one to expect"""


def referee(
    results: Results, reference: Optional[str] = None, *, exact: Optional[Results] = None,
    typed: Optional[Results] = None,
) -> List[Distance]:  # fmt: skip
    """Which run is wrong: distances of all others to the one named `reference`.

    reference: default the first run of the reference interpreter ("pluginref-runner-...").
    exact, typed: results of the same inputs, interpreted without and with rounding after every operator.
    """
    name = None if reference is None else text_bytes(reference, "The reference's name")
    with results.context.locked():
        handle = new(
            lib.referee_new, results.context.handle, results.handle, name, exact.handle if exact else None,
            typed.handle if typed else None,
        )  # fmt: skip
        with _Owner(handle, lib.referee_free):
            lib.referee_log(results.context.handle, handle)
            return [_distance(handle, i) for i in range(lib.referee_count(handle))]


def _distance(handle: int, i: int) -> Distance:
    d = DistanceStruct(struct_size=ctypes.sizeof(DistanceStruct))
    lib.referee_get(handle, i, ctypes.byref(d))
    return Distance(
        _text(d.output), _text(d.runner), RULINGS[d.ruling], _text(d.sentence), d.wrong, d.count, d.n_exact, d.n_unlike,
        d.max_abs, d.max_rel, d.max_ulp, d.rms, d.allowed_abs, d.expected_abs,
    )  # fmt: skip


def _text(text: Optional[bytes]) -> str:
    return (text or b"").decode("utf-8", "surrogateescape")
