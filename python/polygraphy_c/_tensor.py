"""Arrays between numpy and the library, without copies.

An array made of a tensor is a view of the library's memory. It is read-only, since others may look at
the same bytes, and holds a reference to the tensor, as everything that is sliced from it does: the
memory stays for as long as one of them.
"""

from __future__ import annotations

import ctypes
import itertools
import warnings
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from polygraphy_c._lib import Feed, ReleaseFunction, String, UsageError, lib, new, text_bytes

# Numbers of onnx.TensorProto.DataType.
STRING = 8
_NUMPY = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16",
    11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128",
}  # fmt: skip
_ML_DTYPES = {
    16: "bfloat16", 17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz",
    21: "uint4", 22: "int4", 23: "float4_e2m1fn", 24: "float8_e8m0fnu", 25: "uint2", 26: "int2",
}  # fmt: skip
_CODES = {name: code for names in (_NUMPY, _ML_DTYPES) for code, name in names.items()}
# Packed in the library, one element a byte in ml_dtypes: the numbers go through this type.
_THROUGH = {21: 2, 22: 3, 23: 1, 25: 2, 26: 3}


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        raise ImportError("Arrays need numpy: python3 -m pip install numpy") from None
    return numpy


def _ml_dtype(code: int) -> Any:
    """The type of ml_dtypes, None when it is not installed or too old."""
    try:
        import ml_dtypes
    except ImportError:
        return None
    found = getattr(ml_dtypes, _ML_DTYPES[code], None)
    return None if found is None else _numpy().dtype(found)


class Tensor:
    """Holds one reference to a tensor of the library, and shows its bytes to numpy."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self._free = lib.tensor_free  # also there while Python ends

    def __del__(self) -> None:
        self._free(self.handle)

    @property
    def shape(self) -> Tuple[int, ...]:
        dims = lib.tensor_dims(self.handle)
        return tuple(dims[i] for i in range(lib.tensor_rank(self.handle)))

    @property
    def dtype(self) -> int:
        return lib.tensor_dtype(self.handle)

    def array(self) -> Any:
        """The tensor as an array: a view, but for text and types of fewer than 8 bits."""
        np = _numpy()
        code = self.dtype
        if code in _NUMPY:
            return self._view(np.dtype(_NUMPY[code]), self.shape)
        if code == STRING:
            return self._strings()
        dtype = _ml_dtype(code)
        if dtype is None:
            name = lib.dtype_name(code).decode()
            warnings.warn(
                f"numpy has no {name}: the array holds its bytes. Install ml_dtypes to get numbers.",
                RuntimeWarning, stacklevel=4,
            )  # fmt: skip
            return self._view(np.dtype(np.uint8), self._bytes_shape(code))
        if code in _THROUGH:
            through = Tensor(new(lib.tensor_cast, self.handle, _THROUGH[code]))
            return through.array().astype(dtype)
        return self._view(np.dtype(f"u{dtype.itemsize}"), self.shape).view(dtype)

    def _bytes_shape(self, code: int) -> Tuple[int, ...]:
        bits = lib.dtype_bits(code)
        if bits < 8:
            return (lib.tensor_size(self.handle),)
        return self.shape + ((bits // 8,) if bits > 8 else ())

    def _view(self, dtype: Any, shape: Tuple[int, ...]) -> Any:
        np = _numpy()
        if 0 in shape:
            return np.empty(shape, dtype)
        return np.asarray(_Bytes(self, dtype, shape))

    def _strings(self) -> Any:
        np = _numpy()
        n = lib.tensor_count(self.handle)
        array = np.empty(n, dtype=object)
        if n > 0:
            items = ctypes.cast(lib.tensor_data(self.handle), ctypes.POINTER(String))
            for i in range(n):
                array[i] = ctypes.string_at(items[i].ptr, items[i].len).decode("utf-8", "replace") if items[i].len else ""
        return array.reshape(self.shape)


class _Bytes:
    """numpy keeps this object, and with it the tensor, as the base of the array."""

    def __init__(self, tensor: Tensor, dtype: Any, shape: Tuple[int, ...]) -> None:
        self._tensor = tensor
        self.__array_interface__ = {
            "version": 3, "shape": shape, "typestr": dtype.str, "data": (lib.tensor_data(tensor.handle), True),
        }  # fmt: skip


# Arrays whose bytes the library looks at, until it lets go of them.
_lent: Dict[int, Any] = {}
_numbers = itertools.count(1)


@ReleaseFunction
def _release(number: Optional[int]) -> None:
    _lent.pop(number or 0, None)


def n_lent() -> int:
    """Number of arrays that the library holds on to."""
    return len(_lent)


def _as_array(value: Any, name: str) -> Any:
    np = _numpy()
    if type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if not isinstance(value, (np.ndarray, np.generic)):
        raise UsageError(
            f"{name!r} is of type {type(value).__name__}. Make it an array: numpy.array(value, dtype=...)."
        )
    return np.asarray(value)


def tensor_of(value: Any, name: str) -> Tensor:
    """A tensor that shares the array's bytes; only what is not contiguous in memory is copied."""
    np = _numpy()
    array = _as_array(value, name)
    if array.dtype.kind in "USO":
        return _tensor_of_strings(array, name)
    code = _CODES.get(array.dtype.name)
    if code is None:
        raise UsageError(f"{name!r} has the element type {array.dtype}, which no runtime takes. Use its astype().")
    if code in _THROUGH:
        wide = tensor_of(array.astype(_NUMPY[_THROUGH[code]]), name)
        return Tensor(new(lib.tensor_cast, wide.handle, code))
    shape = array.shape
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=") if code in _NUMPY else None)
    dims = (ctypes.c_int64 * max(len(shape), 1))(*shape)
    number = next(_numbers)
    _lent[number] = array
    try:
        handle = new(lib.tensor_wrap, code, len(shape), dims, array.ctypes.data, _release, number)
    except BaseException:
        del _lent[number]
        raise
    return Tensor(handle)


def _tensor_of_strings(array: Any, name: str) -> Tensor:
    texts: List[bytes] = []
    for item in array.flat:
        if not isinstance(item, (str, bytes)):
            raise UsageError(f"{name!r} holds a value of type {type(item).__name__}; text is wanted.")
        texts.append(item.encode() if isinstance(item, str) else item)
    buffers = [ctypes.create_string_buffer(t, len(t) + 1) for t in texts]
    items = (String * max(len(texts), 1))(*((ctypes.addressof(b), len(t)) for b, t in zip(buffers, texts)))
    dims = (ctypes.c_int64 * max(array.ndim, 1))(*array.shape)
    number = next(_numbers)
    _lent[number] = (items, buffers)
    try:
        handle = new(lib.tensor_wrap, STRING, array.ndim, dims, ctypes.addressof(items), _release, number)
    except BaseException:
        del _lent[number]
        raise
    return Tensor(handle)


class FeedHolder:
    """Named arrays as the library's feed; the arrays are lent for as long as this lives."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        if not isinstance(arrays, Mapping):
            raise UsageError(f"Inputs are a dict from names to arrays, not a value of type {type(arrays).__name__}.")
        self._names = [text_bytes(name, "An input's name") for name in arrays]
        self._tensors = [tensor_of(value, name) for name, value in arrays.items()]
        n = len(self._names)
        self.feed = Feed(
            n, (ctypes.c_char_p * max(n, 1))(*self._names),
            (ctypes.c_void_p * max(n, 1))(*(t.handle for t in self._tensors)),
        )  # fmt: skip


class OutputsHolder:
    """The library's list of named tensors."""

    def __init__(self) -> None:
        self.handle = new(lib.outputs_new)
        self._free = lib.outputs_free

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            self._free(self.handle)

    def add(self, name: str, value: Any) -> None:
        tensor = tensor_of(value, name)
        lib.outputs_add(self.handle, text_bytes(name, "An output's name"), lib.tensor_ref(tensor.handle))

    def arrays(self) -> Dict[str, Any]:
        found: Dict[str, Any] = {}
        for i in range(lib.outputs_count(self.handle)):
            tensor = Tensor(lib.tensor_ref(lib.outputs_tensor(self.handle, i)))
            found[lib.outputs_name(self.handle, i).decode("utf-8", "surrogateescape")] = tensor.array()
        return found


def outputs_of(arrays: Mapping[str, Any], runtime: Optional[float]) -> OutputsHolder:
    outputs = OutputsHolder()
    items: Iterable[Tuple[str, Any]] = arrays.items()
    for name, value in items:
        outputs.add(name, value)
    if runtime is not None:
        lib.outputs_set_elapsed(outputs.handle, int(runtime * 1e9))
    return outputs
