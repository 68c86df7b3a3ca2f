"""Run models on inference backends and compare what comes out: libpolygraphy from Python.

    import polygraphy_c as pc

    with pc.Model("model.onnx") as model:
        results = pc.Results()
        for backend in ("onnxrt", "pluginref"):
            with pc.Runner(model, backend) as runner:
                results.run(runner, pc.Inputs(runner, iterations=3))
    verdict = pc.compare(results, atol=1e-4)

Arrays are views of the library's memory, not copies. docs/python.md tells more.
"""

from __future__ import annotations

from polygraphy_c._lib import (
    BackendError,
    BugError,
    Error,
    FileError,
    ModelError,
    OutOfMemoryError,
    UnsupportedError,
    UsageError,
    lib,
)
from polygraphy_c.command import CommandFailed, Outcome, run
from polygraphy_c.context import Context
from polygraphy_c.results import Iteration, Results, Run
from polygraphy_c.session import Inputs, Model, Outputs, Runner, TensorInfo
from polygraphy_c.verdicts import Distance, OutputVerdict, Verdict, compare, referee

__version__ = "0.1.0"
__all__ = [
    "BackendError", "BugError", "CommandFailed", "Context", "Distance", "Error", "FileError", "Inputs", "Iteration",
    "Model", "ModelError", "OutOfMemoryError", "Outcome", "OutputVerdict", "Outputs", "Results", "Run", "Runner",
    "TensorInfo", "UnsupportedError", "UsageError", "Verdict", "compare", "library_path", "load_results", "referee",
    "run",
]  # fmt: skip

load_results = Results.load


def library_path() -> str:
    """The file that libpolygraphy was loaded from."""
    lib.version()
    return lib.path
