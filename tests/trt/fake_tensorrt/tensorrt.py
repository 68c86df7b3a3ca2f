"""Stand-in for NVIDIA's Python module, on top of the stand-in for its library.

Our side takes the C++ object of a pybind11 instance from behind the instance's head, where a float has its
bits: so the objects are floats with an address for bits.
"""
import ctypes
import os
import struct

if "FAKE_TRT_LOG" in os.environ:
    os.environ["FAKE_TRT_LOG"] += ".python"
_lib = ctypes.CDLL(os.environ["POLYGRAPHY_TRT_LIB"] + "/libnvinfer.so.10")
for _name in ("createInferBuilder_INTERNAL", "fake_network", "fake_config"):
    getattr(_lib, _name).restype = ctypes.c_void_p


def _bits(pointer):
    return struct.unpack("d", struct.pack("Q", pointer))[0]


class ILogger:
    pass


class INetworkDefinition(float):
    pass


class IBuilderConfig(float):
    pass


class Builder(float):
    def __new__(cls, logger):
        return float.__new__(cls, _bits(_lib.createInferBuilder_INTERNAL(None, 0)))

    def create_network(self, flags):
        return INetworkDefinition(_bits(_lib.fake_network()))

    def create_builder_config(self):
        return IBuilderConfig(_bits(_lib.fake_config()))
