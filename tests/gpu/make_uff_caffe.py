#!/usr/bin/env python3
"""The same small networks as UFF or Caffe files and as ONNX, for run_gpu.sh: make_uff_caffe.py FOLDER (needs
the onnx package). TensorRT 8.6 runs the one, ONNX Runtime the other; their outputs must agree.

UFF files and Caffe's weights are protobuf: the few messages are written field by field.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from uff_wire import field, number, numbers, uff_node, varint  # noqa: E402

OUT = pathlib.Path(sys.argv[1])
RNG = np.random.default_rng(5)
KERNEL, BIAS = (RNG.standard_normal(s).astype("f") * np.float32(0.3) for s in ((8, 3, 3, 3), (8,)))
MATRIX, OFFSET = (RNG.standard_normal(s).astype("f") * np.float32(0.1) for s in ((5, 8 * 4 * 4), (5,)))


def save_onnx(name, nodes, shape, output, output_shape, init):
    graph = h.make_graph(nodes, name, [h.make_tensor_value_info("x", T.FLOAT, shape)],
                         [h.make_tensor_value_info(output, T.FLOAT, output_shape)], init)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, OUT / (name + ".onnx"))


# --- UFF: MetaGraph, Graph, Node, Data ---
FLOAT32 = 131104


def orders(*perms):
    """How the dimensions of each input lie: for each rank, where N, C, H and W are."""
    entries = b"".join(field(1, field(1, number(1, len(p)) + field(2, field(1, b"".join(map(varint, p))))))
                       for p in perms)
    return field(104, entries)


def uff_const(name, array, data):
    data.append(field(5, field(1, name + "_data") + field(2, field(9, array.astype("<f4").tobytes()))))
    return uff_node(name, "Const", dtype=number(101, FLOAT32), shape=numbers(array.shape),
                    values=field(100, name + "_data"))


def uff_conv():
    data, nchw = [], (0, 1, 2, 3)
    nodes = [
        uff_node("x", "Input", dtype=number(101, FLOAT32), shape=numbers([-1, 3, 8, 8])),
        uff_const("w", KERNEL, data),
        uff_node("conv", "Conv", ["x", "w"], inputs_orders=orders(nchw, nchw), outputs_orders=orders(nchw),
                 strides=numbers([1, 1]), padding=numbers([1, 1]), dilation=numbers([1, 1]),
                 number_groups=number(7, 1)),
        uff_node("relu", "Activation", ["conv"], func=field(1, "relu")),
        uff_node("sum", "Binary", ["relu", "conv"], func=field(1, "add")),
        uff_node("y", "Pool", ["sum"], func=field(1, "max"), inputs_orders=orders(nchw), kernel=numbers([2, 2]),
                 strides=numbers([2, 2]), padding=numbers([0, 0])),
        uff_node("out", "MarkOutput", ["y"])]
    graph = field(1, "main") + b"".join(field(2, n) for n in nodes)
    (OUT / "conv.uff").write_bytes(number(1, 1) + number(2, 1) + field(4, graph) + b"".join(data))
    save_onnx("conv_uff", [
        h.make_node("Conv", ["x", "w"], ["conv"], pads=[1, 1, 1, 1]),
        h.make_node("Relu", ["conv"], ["relu"]),
        h.make_node("Add", ["relu", "conv"], ["sum"]),
        h.make_node("MaxPool", ["sum"], ["y"], kernel_shape=[2, 2], strides=[2, 2])],
        ["N", 3, 8, 8], "y", ["N", 8, 4, 4], [nh.from_array(KERNEL, "w")])


# --- Caffe: NetParameter, LayerParameter, BlobProto ---
def blob(array):
    shape = field(1, b"".join(varint(n) for n in array.shape))
    return field(7, field(5, array.astype("<f4").tobytes()) + field(7, shape))


def caffe_layer(name, kind, *arrays):
    return field(100, field(1, name) + field(2, kind) + b"".join(map(blob, arrays)))


def caffe_net():
    (OUT / "net.prototxt").write_text("""name: "net"
input: "x"
input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
  convolution_param { num_output: 8 kernel_size: 3 pad: 1 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc" inner_product_param { num_output: 5 } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
""")
    (OUT / "net.caffemodel").write_bytes(
        field(1, "net") + caffe_layer("conv", "Convolution", KERNEL, BIAS)
        + caffe_layer("fc", "InnerProduct", MATRIX, OFFSET))
    save_onnx("net_caffe", [
        h.make_node("Conv", ["x", "w", "b"], ["conv"], pads=[1, 1, 1, 1]),
        h.make_node("Relu", ["conv"], ["relu"]),
        h.make_node("MaxPool", ["relu"], ["pool"], kernel_shape=[2, 2], strides=[2, 2]),
        h.make_node("Flatten", ["pool"], ["flat"]),
        h.make_node("Gemm", ["flat", "m", "o"], ["fc"], transB=1),
        h.make_node("Softmax", ["fc"], ["p"], axis=1),
        h.make_node("Unsqueeze", ["p", "axes"], ["prob"])],
        ["N", 3, 8, 8], "prob", ["N", 5, 1, 1],
        [nh.from_array(KERNEL, "w"), nh.from_array(BIAS, "b"), nh.from_array(MATRIX, "m"),
         nh.from_array(OFFSET, "o"), nh.from_array(np.array([2, 3]), "axes")])


OUT.mkdir(parents=True, exist_ok=True)
uff_conv()
caffe_net()
