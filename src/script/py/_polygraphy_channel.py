"""Messages and arrays to and from the program; base/channel.h describes the format."""
import fcntl
import mmap
import os
import socket
import struct
import sys

import numpy as np

_HEAD = struct.Struct("=IHHQ")
_U32, _I64, _F64 = struct.Struct("=I"), struct.Struct("=q"), struct.Struct("=d")
_MAGIC, _INLINE, _ALIGN = 0x31595047, 16384, 64
_FREE, _KEPT, _GONE = 1, 2, 3
_IN_BODY, _IN_PIECE, _IN_YOURS = 0, 1, 2
_MAX_FREE, _MAX_IDLE = 4, 8

# Numbers of onnx.TensorProto.DataType. The names below the line are those of ml_dtypes; such arrays
# travel as a type that numpy has, with the true type's number beside.
STRING = 8
CODES = {
    "float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9,
    "float16": 10, "float64": 11, "uint32": 12, "uint64": 13, "complex64": 14, "complex128": 15,
}  # fmt: skip
ML_CODES = {
    "bfloat16": 16, "float8_e4m3fn": 17, "float8_e4m3fnuz": 18, "float8_e5m2": 19, "float8_e5m2fnuz": 20,
    "uint4": 21, "int4": 22, "float4_e2m1fn": 23, "float8_e8m0fnu": 24, "uint2": 25, "int2": 26,
}  # fmt: skip
_DTYPES = {code: np.dtype(name) for name, code in CODES.items()}
_ML_NAMES = {code: name for name, code in ML_CODES.items()}


class _Piece:
    """Mapped shared memory. `root` is the base of every view of it, so its count tells of them."""

    def __init__(self, number, fd, size):
        self.number, self.size, self.used, self.age = number, size, False, 0
        self.root = np.frombuffer(mmap.mmap(fd, size), dtype=np.uint8)
        self.address = self.root.__array_interface__["data"][0]

    def is_unused(self):
        return sys.getrefcount(self.root) <= 2


def _is_text(array):
    return array.dtype.kind in "US" or (
        array.dtype.kind == "O" and all(isinstance(x, (str, bytes)) for x in array.flat)
    )


def code_of(array):
    """Number of the array's element type, None when there is none."""
    if _is_text(array):
        return STRING
    name = array.dtype.name
    return CODES.get(name) or ML_CODES.get(name)


class Channel:
    def __init__(self, fd):
        self.socket = socket.socket(fileno=fd)
        self.ours, self.theirs, self.last_number, self.gone = {}, {}, 0, []

    # --- writing ---

    def begin(self, kind):
        self.kind, self.out, self.placed, self.n_placed_bytes = kind, [], [], 0

    def put_u32(self, v):
        self.out.append(_U32.pack(v))

    def put_i64(self, v):
        self.out.append(_I64.pack(v))

    def put_f64(self, v):
        self.out.append(_F64.pack(v))

    def put_str(self, s):
        data = s if isinstance(s, bytes) else s.encode("utf-8", "replace")
        self.out.append(_I64.pack(len(data)) + data)

    def put_array(self, array):
        """An array with a code_of; its true type's number goes in front."""
        code = code_of(array)
        self.put_u32(code)
        if code in _ML_NAMES:
            array = array.astype(np.float32 if "float" in _ML_NAMES[code] else
                                 np.uint8 if _ML_NAMES[code][0] == "u" else np.int8)  # fmt: skip
            code = CODES[array.dtype.name]
        elif code != STRING and not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        self.put_u32(code)
        self.put_u32(array.ndim)
        for dim in array.shape:
            self.put_i64(dim)
        if code == STRING:
            for text in array.flat:
                self.put_str(text)
        elif array.nbytes <= _INLINE:
            self.put_u32(_IN_BODY)
            self.out.append(array.tobytes())
        else:
            self._put_large(array)

    def _put_large(self, array):
        if array.flags.c_contiguous:
            address = array.__array_interface__["data"][0]
            for piece in self.theirs.values():
                if piece.used and 0 <= address - piece.address <= piece.size - array.nbytes:
                    self.put_u32(_IN_YOURS)
                    self.put_u32(piece.number)
                    self.put_i64(address - piece.address)
                    return
        self.put_u32(_IN_PIECE)
        self.put_i64(self.n_placed_bytes)
        self.placed.append((self.n_placed_bytes, array))
        self.n_placed_bytes += -(-array.nbytes // _ALIGN) * _ALIGN

    def _take_piece(self, size):
        free = [p for p in self.ours.values() if not p.used]
        best = min((p for p in free if p.size >= size), key=lambda p: p.size, default=None)
        fd = None
        if best is None:
            for piece in free[_MAX_FREE - 1 :]:
                del self.ours[piece.number]
                self.gone.append(piece.number)
            fd = os.memfd_create("polygraphy", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            os.ftruncate(fd, size)
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
            self.last_number += 1
            best = self.ours[self.last_number] = _Piece(self.last_number, fd, size)
        best.used = True
        return best, fd

    def _fates(self):
        fates = [(number, _GONE) for number in self.gone]
        self.gone = []
        for piece in list(self.theirs.values()):
            if not piece.used:
                continue
            piece.age += 1
            if piece.is_unused():
                piece.used = False
                fates.append((piece.number, _FREE))
            elif piece.age > _MAX_IDLE:
                del self.theirs[piece.number]
                fates.append((piece.number, _KEPT))
        return b"".join([_U32.pack(len(fates))] + [_U32.pack(x) for fate in fates for x in fate])

    def send(self):
        try:
            self._send()
        except ConnectionError:
            os._exit(0)  # the program has ended

    def _send(self):
        piece = fd = None
        if self.placed:
            piece, fd = self._take_piece(self.n_placed_bytes)
            for offset, array in self.placed:
                view = piece.root[offset : offset + array.nbytes].view(array.dtype).reshape(array.shape)
                np.copyto(view, array)
                del view
        self.placed = []
        head = self._fates() + _U32.pack(piece.number if piece else 0) + _I64.pack(piece.size if piece else 0)
        body = b"".join([head] + self.out)
        data = _HEAD.pack(_MAGIC, self.kind, fd is not None, len(body)) + body
        if fd is None:
            self.socket.sendall(data)
            return
        sent = socket.send_fds(self.socket, [data], [fd])
        os.close(fd)
        if sent < len(data):  # the program may be gone once it has all: even sending nothing fails then
            self.socket.sendall(memoryview(data)[sent:])

    # --- reading ---

    def _read(self, size, fds):
        data = bytearray(size)
        view, at = memoryview(data), 0
        while at < size:
            try:
                n, control, _, _ = self.socket.recvmsg_into([view[at:]], socket.CMSG_SPACE(4))
            except ConnectionError:
                n = 0
            if n == 0:
                os._exit(0)  # the program has ended
            for level, kind, value in control:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds.append(struct.unpack("=i", value[:4])[0])
            at += n
        return data

    def receive(self):
        """The kind of the next message, whose content is then taken out in order."""
        fds = []
        _, kind, _, size = _HEAD.unpack(self._read(_HEAD.size, fds))
        self.body, self.pos, self.piece = self._read(size, fds), 0, None
        for _ in range(self.get_u32()):
            number, fate = self.get_u32(), self.get_u32()
            pieces = self.theirs if fate == _GONE else self.ours
            if fate == _FREE:
                pieces[number].used = False
            else:
                pieces.pop(number, None)
        number, size = self.get_u32(), self.get_i64()
        if number:
            if number not in self.theirs:
                self.theirs[number] = _Piece(number, fds[0], size)
            self.piece = self.theirs[number]
            self.piece.used, self.piece.age = True, 0
        for fd in fds:
            os.close(fd)
        return kind

    def _get(self, form):
        (v,) = form.unpack_from(self.body, self.pos)
        self.pos += form.size
        return v

    def get_u32(self):
        return self._get(_U32)

    def get_i64(self):
        return self._get(_I64)

    def get_f64(self):
        return self._get(_F64)

    def get_bytes(self):
        size = self.get_i64()
        self.pos += size
        return bytes(self.body[self.pos - size : self.pos])

    def get_str(self):
        return self.get_bytes().decode("utf-8", "surrogateescape")

    def get_array(self):
        declared, code, rank = self.get_u32(), self.get_u32(), self.get_u32()
        shape = tuple(self.get_i64() for _ in range(rank))
        count = int(np.prod(shape, dtype=np.int64))
        if code == STRING:
            array = np.empty(count, dtype=object)
            for i in range(count):
                array[i] = self.get_str()
            return array.reshape(shape)
        dtype = _DTYPES[code]
        if self.get_u32() == _IN_PIECE:
            at = self.get_i64()
            array = self.piece.root[at : at + count * dtype.itemsize].view(dtype).reshape(shape)
        else:
            array = np.frombuffer(self.body, dtype, count, self.pos).reshape(shape)
            self.pos += count * dtype.itemsize
        return _as_declared(array, declared) if declared != code else array


def _as_declared(array, code):
    """As ml_dtypes' type, if that is installed."""
    try:
        import ml_dtypes
    except ImportError:
        return array
    dtype = getattr(ml_dtypes, _ML_NAMES[code], None)
    return array if dtype is None else array.astype(dtype)
