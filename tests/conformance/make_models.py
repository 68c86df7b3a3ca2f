#!/usr/bin/env python3
"""make_models.py FOLDER: writes conf_*.onnx, the models of the backends' conformance suite."""

import sys

import onnx
from onnx import TensorProto as T
from onnx import helper as h


def save(name, nodes, inputs, outputs, initializers=(), opset=21, domains=()):
    graph = h.make_graph(nodes, name, inputs, outputs, list(initializers))
    opsets = [h.make_opsetid("", opset)] + [h.make_opsetid(d, 1) for d in domains]
    model = h.make_model(graph, opset_imports=opsets, producer_name="mkmodels")
    model.ir_version = 10
    onnx.save(model, f"{sys.argv[1]}/conf_{name}.onnx")


def tensor(name, dtype, shape):
    return h.make_tensor_value_info(name, dtype, shape)


# Inputs and outputs that are no tensors: to be refused by name.
sequence = h.make_tensor_sequence_value_info
save("sequence", [h.make_node("SequenceConstruct", ["x", "x"], ["pair"])],
     [tensor("x", T.FLOAT, [2])], [sequence("pair", T.FLOAT, [2])])
save("sequence_in", [h.make_node("SequenceLength", ["list"], ["n"])],
     [sequence("list", T.FLOAT, None)], [tensor("n", T.INT64, [])])
# The same, but declared by nobody: only the runtime knows.
save("sequence_untyped", [h.make_node("SequenceConstruct", ["x", "x"], ["pair"])],
     [tensor("x", T.FLOAT, [2])], [onnx.ValueInfoProto(name="pair")])

# Small floats, and two elements to a byte, with an odd count.
small = {"f16": T.FLOAT16, "bf16": T.BFLOAT16, "e4m3": T.FLOAT8E4M3FN, "e5m2": T.FLOAT8E5M2,
         "u4": T.UINT4, "i4": T.INT4}
save("small", [h.make_node("Cast", ["x"], [n], to=t) for n, t in small.items()],
     [tensor("x", T.FLOAT, [5])], [tensor(n, t, [5]) for n, t in small.items()])
# And back, so that they are inputs too.
save("small_in", [h.make_node("Cast", [n], ["o_" + n], to=T.FLOAT) for n in small],
     [tensor(n, t, [5]) for n, t in small.items()],
     [tensor("o_" + n, T.FLOAT, [5]) for n in small])

# Sizes that are known at run time only, none included.
save("length", [h.make_node("Identity", ["x"], ["y"]), h.make_node("Shape", ["x"], ["shape"])],
     [tensor("x", T.FLOAT, ["length", 3])], [tensor("y", T.FLOAT, ["length", 3]),
                                             tensor("shape", T.INT64, [2])])
save("string", [h.make_node("Identity", ["x"], ["y"])],
     [tensor("x", T.STRING, ["n"])], [tensor("y", T.STRING, ["n"])])
# An operator nobody has.
save("unknown", [h.make_node("NoSuchOperator", ["x"], ["y"], domain="no.such.domain")],
     [tensor("x", T.FLOAT, [1])], [tensor("y", T.FLOAT, [1])], domains=["no.such.domain"])
# The operator of double_op.c.
save("custom", [h.make_node("Double", ["x"], ["y"], domain="test.polygraphy")],
     [tensor("x", T.FLOAT, ["n"])], [tensor("y", T.FLOAT, ["n"])], domains=["test.polygraphy"])
# An attribute and an optional input of users' operators (examples/ref_ops_library.c).
save("decay", [h.make_node("Decay", ["x"], ["y"], domain="test.polygraphy", rate=0.5),
               h.make_node("Decay", ["y", "t"], ["z"], domain="test.polygraphy")],
     [tensor("x", T.FLOAT, [3]), tensor("t", T.FLOAT, [])], [tensor("z", T.FLOAT, [3])],
     domains=["test.polygraphy"])
