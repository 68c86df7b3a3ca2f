#!/usr/bin/env python3
"""Records what the reference logs for the scenarios of test_compare.c.

Run with a Python that has polygraphy 0.49.26 or 0.53.6 (and numpy) installed:
    python record.py          writes 049_<scenario>.txt or 053_<scenario>.txt beside this file
"""
import contextlib
import io
import pathlib
from collections import OrderedDict

import numpy as np
import polygraphy
from polygraphy.comparator import Comparator, CompareFunc, IterationResult, RunResults
from polygraphy.logger import G_LOGGER

HERE = pathlib.Path(__file__).resolve().parent
NEW = polygraphy.__version__ != "0.49.26"


def iteration(runner, **outputs):
    return IterationResult(OrderedDict((k, np.asarray(v)) for k, v in outputs.items()), runner_name=runner, runtime=0.0)


def runs(**named):
    results = RunResults()
    for name, iterations in named.items():
        results.append((name, [iteration(name, **i) for i in iterations]))
    return results


def f32(*values):
    return np.array(values, np.float32)


def big(scale):
    return (np.arange(1200).reshape(40, 30) * scale).astype(np.float32)


def record(name, call):
    text = io.StringIO()
    G_LOGGER.once_logged = set()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        try:
            verdict = str(bool(call()))
        except Exception as error:
            verdict = type(error).__name__
    # The line about the missing package for colours is the reference's own.
    lines = [l for l in text.getvalue().splitlines() if "'colored'" not in l and "Loaded Module" not in l]
    path = HERE / f"{'053' if NEW else '049'}_{name}.txt"
    path.write_text("\n".join(lines) + f"\n= {verdict}\n")
    print(path.name, verdict)


def compare(results, **args):
    return lambda: Comparator.compare_accuracy(results, **args)


G_LOGGER.module_severity = {"": G_LOGGER.SUPER_VERBOSE}
same, other = {"y": f32(1, 2)}, {"y": f32(1, 3)}
two = {"y": f32(1, 2), "z": f32(4)}
record("iterations", compare(runs(r0=[same, same, same], r1=[same, other, same])))
record("three", compare(runs(r0=[same], r1=[other], r2=[other])))
record("fail_fast", compare(runs(r0=[two], r1=[{"y": f32(1, 3), "z": f32(5)}], r2=[two]), fail_fast=True,
                            compare_func=[CompareFunc.simple(fail_fast=True)] if NEW else CompareFunc.simple(fail_fast=True)))
record("shapes", compare(runs(r0=[{"y": f32(1, 2), "z": f32(4)}], r1=[{"y": f32(1, 2, 3), "z": f32(4)}])))
record("many", compare(runs(r0=[{"y": big(1)}], r1=[{"y": big(1.5)}])))
if not NEW:
    record("lengths", compare(runs(r0=[same], r1=[same, other])))
if NEW:
    from polygraphy.comparator import L2CompareFunc, PsnrCompareFunc, SimpleCompareFunc, SnrCompareFunc

    funcs = [SimpleCompareFunc(), L2CompareFunc(), PsnrCompareFunc()]
    record("functions", compare(runs(r0=[two, same], r1=[{"y": f32(1, 3), "z": f32(4)}, same]), compare_func=funcs))
    funcs = [SimpleCompareFunc(check_error_stat="max"), L2CompareFunc(l2_threshold=0.75), SnrCompareFunc()]
    record("average", compare(runs(r0=[same, same], r1=[other, same]), compare_func=funcs, check_average=True))
else:
    bad = {"y": np.array([[np.nan, np.inf], [0, -np.inf]], np.float32), "z": np.array([1, 2])}
    record("validate", lambda: Comparator.validate(runs(r0=[{"y": f32(1, np.inf)}, bad], r1=[same]), check_inf=True, check_nan=True))
    record("indices", compare(runs(r0=[{"y": np.array([[1, 2, 3]])}], r1=[{"y": np.array([[1, 3, 4]])}]),
                              compare_func=CompareFunc.indices(index_tolerance=0)))
