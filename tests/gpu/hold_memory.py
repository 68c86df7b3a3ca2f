#!/usr/bin/env python3
"""Holds all memory of the first GPU but as many MiB as said until it is killed: hold_memory.py MIB. Prints
"held" when it does."""
import ctypes
import signal
import sys

cuda = ctypes.CDLL("libcuda.so.1")


def call(name, *args):
    code = getattr(cuda, name)(*args)
    if code:
        sys.exit(f"{name} failed with {code}")


context, free, total, at = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_size_t(), ctypes.c_uint64()
call("cuInit", 0)
call("cuCtxCreate_v2", ctypes.byref(context), 0, 0)
call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
call("cuMemAlloc_v2", ctypes.byref(at), ctypes.c_size_t(free.value - int(sys.argv[1]) * 2**20))
print("held", flush=True)
signal.pause()
