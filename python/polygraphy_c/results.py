"""Results: named outputs per runner and iteration, in memory or in files."""

from __future__ import annotations

import os
from typing import Any, Iterator, List, Mapping, Optional, Sequence, Union

from polygraphy_c._handle import Handle
from polygraphy_c._lib import lib, new, path_bytes, text_bytes
from polygraphy_c._tensor import Tensor, outputs_of
from polygraphy_c.context import Context, context_or_default
from polygraphy_c.session import Runner

PathLike = Union[str, "os.PathLike[str]"]


class Iteration(Mapping[str, Any]):
    """One iteration's outputs by name. A value in a file is read when it is asked for."""

    def __init__(self, results: "Results", run: int, i: int) -> None:
        self._results, self._run, self._i = results, run, i
        n = lib.results_outputs(results.handle, run, i)
        names = (lib.results_output_name(results.handle, run, i, k) for k in range(n))
        self._at = {name.decode("utf-8", "surrogateescape"): k for k, name in enumerate(names)}

    @property
    def runtime(self) -> Optional[float]:
        """Seconds; None when it is not known."""
        seconds = lib.results_runtime(self._results.handle, self._run, self._i)
        return seconds if seconds >= 0 else None

    def __getitem__(self, name: str) -> Any:
        k, context = self._at[name], self._results.context
        with context.locked():
            tensor = new(
                lib.results_tensor, context.handle, self._results.handle, self._run, self._i, k
            )  # fmt: skip
        return Tensor(tensor).array()

    def __len__(self) -> int:
        return len(self._at)

    def __iter__(self) -> Iterator[str]:
        return iter(self._at)

    def __repr__(self) -> str:
        return f"<Iteration {self._i} of {list(self._at)}>"


class Run(Sequence[Iteration]):
    """What one runner gave."""

    def __init__(self, results: "Results", k: int) -> None:
        self._results, self._k = results, k

    @property
    def name(self) -> str:
        return lib.results_runner(self._results.handle, self._k).decode("utf-8", "surrogateescape")

    def __len__(self) -> int:
        return lib.results_iterations(self._results.handle, self._k)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[n] for n in range(*i.indices(len(self)))]
        n = i + len(self) if i < 0 else i
        if not 0 <= n < len(self):
            raise IndexError(f"There is no iteration {i}: {self.name} has {len(self)}.")
        return Iteration(self._results, self._k, n)

    def __repr__(self) -> str:
        return f"<Run {self.name!r}, {len(self)} iterations>"


class Results(Handle, Sequence[Run]):
    """Runs, in order. `results[0]` and `results["runner's name"]` are runs, `results[0][0]["y"]` an array."""

    def __init__(self, *, context: Optional[Context] = None) -> None:
        self.context = context_or_default(context)
        self._own(new(lib.results_new), lib.results_free, self.context)

    @classmethod
    def load(cls, *paths: PathLike, context: Optional[Context] = None) -> "Results":
        """The runs of all files: JSON of this tool or of NVIDIA's, .npz, .npy, folders."""
        results = cls(context=context)
        for path in paths:
            results.append(path)
        return results

    def append(self, path: PathLike) -> None:
        """Adds a file's runs."""
        with self.context.locked():
            lib.results_load(self.context.handle, self.handle, path_bytes(path))

    def save(self, path: PathLike) -> None:
        """Writes the format that the path's ending names; without one that is known, NVIDIA's JSON."""
        with self.context.locked():
            lib.results_save(self.context.handle, self.handle, path_bytes(path))

    def begin_run(self, name: str) -> None:
        """Starts a run; iterations are added to the newest."""
        lib.results_begin_run(self.handle, text_bytes(name, "A run's name"))

    def add(self, outputs: Mapping[str, Any], runtime: Optional[float] = None) -> None:
        """Adds an iteration. The arrays' memory is shared: what changes there changes here.

        runtime: seconds; that of the outputs when a runner gave them, else 0.
        """
        runtime = getattr(outputs, "runtime", None) if runtime is None else runtime
        holder = outputs_of(outputs, runtime)
        with self.context.locked():
            lib.results_add(self.context.handle, self.handle, holder.handle)

    def run(self, runner: Runner, feeds: Any) -> Run:
        """Runs all feeds on a runner, and gives the new run."""
        self.begin_run(runner.name)
        for feed in feeds:
            self.add(runner.infer(feed))
        return self[-1]

    @property
    def names(self) -> List[str]:
        return [run.name for run in self]

    def __len__(self) -> int:
        return lib.results_runs(self.handle)

    def __getitem__(self, k: Any) -> Any:
        if isinstance(k, slice):
            return [self[n] for n in range(*k.indices(len(self)))]
        if isinstance(k, str):
            found = next((run for run in self if run.name == k), None)
            if found is None:
                raise KeyError(f"There is no run {k!r}: there are {self.names}.")
            return found
        n = k + len(self) if k < 0 else k
        if not 0 <= n < len(self):
            raise IndexError(f"There is no run {k}: there are {len(self)}.")
        return Run(self, n)

    def __repr__(self) -> str:
        return "<Results, closed>" if self.closed else f"<Results of {self.names}>"
