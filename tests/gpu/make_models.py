#!/usr/bin/env python3
"""Small models for run_gpu.sh: make_models.py FOLDER (needs the onnx package)."""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

OUT = pathlib.Path(sys.argv[1])
RNG = np.random.default_rng(11)


def const(name, array):
    return nh.from_array(np.asarray(array), name)


def weights(name, *shape, scale=0.15):
    return const(name, (RNG.standard_normal(shape) * scale).astype("f"))


def value(name, dtype, shape):
    return h.make_tensor_value_info(name, dtype, shape)


def save(name, nodes, inputs, outputs, init=()):
    graph = h.make_graph(nodes, name, inputs, outputs, list(init))
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, OUT / (name + ".onnx"))


def node(op, ins, outs, **attributes):
    return h.make_node(op, ins.split(), outs.split(), name="n_" + outs.split()[0], **attributes)


def cnn():
    save("cnn", [
        node("Conv", "x w1 b1", "c1", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Relu", "c1", "r1"),
        node("Conv", "r1 w2", "c2", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("Add", "c2 r1", "a1"), node("Relu", "a1", "r2"),
        node("MaxPool", "r2", "p1", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "p1 w3", "c3", kernel_shape=[1, 1], group=2),
        node("Sigmoid", "c3", "s1"), node("GlobalAveragePool", "s1", "gap"),
        node("Flatten", "gap", "fl"), node("Gemm", "fl w4 b4", "logits", transB=1)],
        [value("x", T.FLOAT, [2, 3, 64, 64])], [value("logits", T.FLOAT, [2, 10])],
        [weights("w1", 16, 3, 3, 3), weights("b1", 16), weights("w2", 16, 16, 3, 3),
         weights("w3", 32, 8, 1, 1), weights("w4", 10, 32), weights("b4", 10)])


def mlp():
    save("mlp", [node("MatMul", "x W1", "m1"), node("Add", "m1 B1", "a1"), node("Relu", "a1", "r1"),
                 node("MatMul", "r1 W2", "m2"), node("Softmax", "m2", "y", axis=-1)],
         [value("x", T.FLOAT, ["N", 16])], [value("y", T.FLOAT, ["N", 8])],
         [weights("W1", 16, 32), weights("B1", 32), weights("W2", 32, 8)])


def nonzero():
    save("nonzero", [node("Greater", "x half", "g"), node("NonZero", "g", "nz"),
                     node("Transpose", "nz", "idx", perm=[1, 0]), node("Identity", "x", "copy")],
         [value("x", T.FLOAT, ["N", 6])],
         [value("idx", T.INT64, ["K", 2]), value("copy", T.FLOAT, ["N", 6])],
         [const("half", np.float32(0.5))])


def reshape():
    save("reshape", [node("Reshape", "x shape", "y")],
         [value("x", T.FLOAT, ["N", 4]), value("shape", T.INT64, [2])],
         [value("y", T.FLOAT, ["A", "B"])])


def types():
    """Every element type that TensorRT takes as an input and gives as an output."""
    kinds = {"f32": T.FLOAT, "f16": T.FLOAT16, "i32": T.INT32, "i64": T.INT64, "b": T.BOOL}
    nodes, ins, outs, init = [], [], [], []
    for name, dtype in kinds.items():
        ins.append(value("in_" + name, dtype, [2, 3]))
        outs.append(value("out_" + name, dtype, [3, 2]))
        nodes.append(node("Transpose", "in_" + name, "out_" + name, perm=[1, 0]))
    outs.append(value("out_bf16_as_f32", T.FLOAT, [2, 3]))
    nodes += [node("Cast", "in_f32", "as_bf16", to=T.BFLOAT16),
              node("Cast", "as_bf16", "out_bf16_as_f32", to=T.FLOAT)]
    ins.append(value("in_u8", T.UINT8, [2, 3]))
    outs.append(value("out_u8_as_f32", T.FLOAT, [2, 3]))
    nodes.append(node("Cast", "in_u8", "out_u8_as_f32", to=T.FLOAT))
    save("types", nodes, ins, outs, init)


def empty():
    """A tensor without elements goes in, and comes out; its sibling has some."""
    save("empty", [node("Concat", "x k", "y", axis=0), node("Relu", "x", "z")],
         [value("x", T.FLOAT, ["N", 4])],
         [value("y", T.FLOAT, ["M", 4]), value("z", T.FLOAT, ["N", 4])],
         [const("k", np.ones((2, 4), "f"))])


def wide():
    """Enough weights for streaming to matter: 4 matrices of 16 MiB."""
    nodes, init, last = [], [], "x"
    for i in range(4):
        init.append(weights("W%d" % i, 2048, 2048, scale=0.02))
        nodes += [node("MatMul", "%s W%d" % (last, i), "m%d" % i),
                  node("Relu", "m%d" % i, "y" if i == 3 else "r%d" % i)]
        last = "r%d" % i
    save("wide", nodes, [value("x", T.FLOAT, [4, 2048])], [value("y", T.FLOAT, [4, 2048])], init)


def fat():
    """24 results that are wanted again when their sum is known: 4 GB each for 32 million rows."""
    nodes, init = [], []
    for i in range(24):
        init.append(weights("W%d" % i, 16, 32))
        nodes += [node("MatMul", "x W%d" % i, "m%d" % i), node("Relu", "m%d" % i, "r%d" % i),
                  node("ReduceMax", "r%d" % i, "top%d" % i, axes=[0], keepdims=1)]
    tops = " ".join("top%d" % i for i in range(24))
    nodes.append(node("Sum", tops, "all"))
    for i in range(24):
        nodes += [node("Mul", "r%d all" % i, "p%d" % i),
                  node("ReduceSum", "p%d first" % i, "s%d" % i, keepdims=1)]
    nodes.append(node("Concat", " ".join("s%d" % i for i in range(24)), "y", axis=1))
    save("fat", nodes, [value("x", T.FLOAT, ["N", 16])], [value("y", T.FLOAT, [1, 24 * 32])],
         init + [const("first", np.array([0]))])


def unsupported():
    graph = h.make_graph([h.make_node("FooBar", ["x"], ["y"], domain="my.domain", name="strange")],
                         "unsupported", [value("x", T.FLOAT, [4])], [value("y", T.FLOAT, [4])])
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17),
                                                 h.make_opsetid("my.domain", 1)], ir_version=8),
              OUT / "unsupported.onnx")


OUT.mkdir(parents=True, exist_ok=True)
for make in (cnn, mlp, nonzero, reshape, types, empty, wide, fat, unsupported):
    make()
