"""Models, runners and their inputs."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from polygraphy_c._handle import Handle
from polygraphy_c._lib import Io, lib, new, path_bytes, text_bytes, word_array
from polygraphy_c._tensor import FeedHolder, OutputsHolder
from polygraphy_c._words import option_words
from polygraphy_c.context import Context, context_or_default

Dim = Union[int, str, None]
_MODEL_TYPES = [
    "unknown", "onnx", "engine", "frozen", "ckpt", "savedmodel", "keras", "trt-network-script", "uff", "caffe",
]  # fmt: skip


class TensorInfo(NamedTuple):
    """An input or output."""

    name: str
    dtype: str
    """ "float32", "bfloat16", ...; "unknown" when it is not stated"""
    shape: Optional[Tuple[Dim, ...]]
    """None: rank not known; a dimension is a number, a symbol's name, or None"""


def _infos(call: Any, *arguments: Any) -> List[TensorInfo]:
    items, n = ctypes.POINTER(Io)(), ctypes.c_size_t()
    call(*arguments, ctypes.byref(items), ctypes.byref(n))
    return [_info(items[i]) for i in range(n.value)]


def _info(io: Io) -> TensorInfo:
    dims: List[Dim] = []
    for d in range(max(io.rank, 0)):
        symbol = io.dim_names[d] if io.dim_names else None
        dims.append(io.dims[d] if io.dims[d] >= 0 else symbol.decode() if symbol else None)
    dtype = lib.dtype_name(io.dtype).decode() if io.dtype else "unknown"
    return TensorInfo(io.name.decode("utf-8", "surrogateescape"), dtype, None if io.rank < 0 else tuple(dims))


class Model(Handle):
    """A model file.

    Options are those of the command that concern the model: `Model("m.onnx", onnx_outputs=["mark", "all"])`,
    or as words: `Model("m.onnx", ["--onnx-outputs", "mark", "all"])`.
    """

    def __init__(
        self, path: Union[str, "os.PathLike[str]"], words: Sequence[str] = (), *, context: Optional[Context] = None,
        **options: Any,
    ) -> None:  # fmt: skip
        self.context = context_or_default(context)
        said = option_words(words, options)
        with self.context.locked():
            handle = new(lib.model_open_with, self.context.handle, path_bytes(path), len(said), word_array(said))
        self._own(handle, lib.model_close, self.context)

    @property
    def path(self) -> str:
        return os.fsdecode(lib.model_path(self.handle))

    @property
    def type(self) -> str:
        """ "onnx", "engine", ...: the words of --model-type"""
        return _MODEL_TYPES[lib.model_get_type(self.handle)]

    @property
    def inputs(self) -> List[TensorInfo]:
        with self.context.locked():
            return _infos(lib.model_inputs, self.handle)

    @property
    def outputs(self) -> List[TensorInfo]:
        with self.context.locked():
            return _infos(lib.model_outputs, self.handle)


class Outputs(Dict[str, Any]):
    """Arrays by name; `runtime` is the seconds that the runtime took."""

    runtime: Optional[float] = None


class Runner(Handle):
    """A session of a model on a backend: "onnxrt", "pluginref", "trt", "tf".

    Options are those of the command that concern runners: `Runner(model, "onnxrt", providers=["cpu"])`.
    `use_subprocess=True`, `timeout` and `mem_limit` put it into a process of its own.
    """

    def __init__(
        self, model: Union[Model, str, "os.PathLike[str]"], backend: str, words: Sequence[str] = (), *,
        context: Optional[Context] = None, **options: Any,
    ) -> None:  # fmt: skip
        self.model = model if isinstance(model, Model) else Model(model, context=context)
        self.context = self.model.context
        said = option_words(words, options)
        with self.context.locked():
            handle = new(
                lib.runner_open_with, self.context.handle, text_bytes(backend, "The backend's name"),
                self.model.handle, len(said), word_array(said),
            )  # fmt: skip
        self._own(handle, lib.runner_close, self.model)

    @property
    def name(self) -> str:
        """ "onnxrt-runner-N0-11/24/26-05:36:20" """
        return lib.runner_name(self.handle).decode()

    @property
    def inputs(self) -> List[TensorInfo]:
        with self.context.locked():
            return _infos(lib.runner_inputs, self.handle)

    def infer(self, feed: Mapping[str, Any]) -> Outputs:
        """One iteration. Arrays of other types or shapes are fitted where the command would do so."""
        holder, outputs = FeedHolder(feed), OutputsHolder()
        with self.context.locked():
            lib.runner_infer(self.handle, ctypes.byref(holder.feed), outputs.handle)
        found = Outputs(outputs.arrays())
        found.runtime = lib.outputs_elapsed_ns(outputs.handle) / 1e9
        return found

    __call__ = infer


class Inputs(Handle, Sequence[Dict[str, Any]]):
    """Inputs for a runner, one dict of arrays per iteration: the command's, bit for bit.

    Options are those of the command that concern inputs:
    `Inputs(runner, iterations=3, seed=1, val_range={"ids": (0, 30000)}, input_shapes={"x": (1, 3, 8, 8)})`,
    `Inputs(runner, load_inputs="inputs.json")`. Iterations are made when they are asked for.
    """

    def __init__(self, runner: Runner, words: Sequence[str] = (), **options: Any) -> None:
        self.context = runner.context
        said = option_words(words, options)
        with self.context.locked():
            handle = new(lib.inputs_open, self.context.handle, runner.handle, len(said), word_array(said))
        self._own(handle, lib.inputs_close, self.context)

    def __len__(self) -> int:
        return lib.inputs_count(self.handle)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        k = i + len(self) if i < 0 else i
        if not 0 <= k < len(self):
            raise IndexError(f"There is no iteration {i}: there are {len(self)}.")
        outputs = OutputsHolder()
        with self.context.locked():
            lib.inputs_get(self.handle, k, outputs.handle)
        return outputs.arrays()

    def __iter__(self) -> Iterator[Dict[str, Any]]:
        return (self[i] for i in range(len(self)))
