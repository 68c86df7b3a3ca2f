#!/usr/bin/env python3
"""make_models.py FOLDER: writes the small ONNX models that the differential tests run."""

import os
import sys

import onnx, numpy as np
from onnx import helper as h, TensorProto as T, numpy_helper as nh

os.chdir(sys.argv[1])


def save(g, name, opset=13, check=True):
    m = h.make_model(g, opset_imports=[h.make_opsetid("", opset)])
    m.ir_version = 8
    if check:
        onnx.checker.check_model(m)
    onnx.save(m, name)


F = T.FLOAT
# 1 identity
save(
    h.make_graph(
        [h.make_node("Identity", ["x"], ["y"], name="id0")],
        "identity",
        [h.make_tensor_value_info("x", F, [1, 1, 2, 2])],
        [h.make_tensor_value_info("y", F, [1, 1, 2, 2])],
    ),
    "identity.onnx",
)
# 2 dynamic mlp
W = np.arange(12, dtype=np.float32).reshape(3, 4) / 10
save(
    h.make_graph(
        [
            h.make_node("MatMul", ["x", "W"], ["h"], name="mm"),
            h.make_node("Relu", ["h"], ["r"], name="relu"),
            h.make_node("Add", ["r", "B"], ["out"], name="add"),
        ],
        "dyn",
        [h.make_tensor_value_info("x", F, ["N", 3])],
        [h.make_tensor_value_info("out", F, ["N", 4])],
        [nh.from_array(W, "W"), nh.from_array(np.ones(4, np.float32), "B")],
    ),
    "dyn.onnx",
)
# 3 multi dtype in/out
ins = [
    ("f", F),
    ("d", T.DOUBLE),
    ("h", T.FLOAT16),
    ("i32", T.INT32),
    ("i64", T.INT64),
    ("u8", T.UINT8),
    ("i8", T.INT8),
    ("b", T.BOOL),
    ("u16", T.UINT16),
    ("i16", T.INT16),
    ("u32", T.UINT32),
    ("u64", T.UINT64),
]
nodes = [h.make_node("Identity", [n], [n + "_o"]) for n, _ in ins]
save(
    h.make_graph(
        nodes,
        "multi",
        [h.make_tensor_value_info(n, t, [2, 3]) for n, t in ins],
        [h.make_tensor_value_info(n + "_o", t, [2, 3]) for n, t in ins],
    ),
    "multi.onnx",
    opset=16,
)
# 4 nan/inf: log(x-0.5)
save(
    h.make_graph(
        [
            h.make_node("Sub", ["x", "c"], ["s"]),
            h.make_node("Log", ["s"], ["nan_out"]),
            h.make_node("Div", ["x", "z"], ["inf_out"]),
        ],
        "nan",
        [h.make_tensor_value_info("x", F, [4])],
        [h.make_tensor_value_info("nan_out", F, [4]), h.make_tensor_value_info("inf_out", F, [4])],
        [nh.from_array(np.float32(0.5), "c"), nh.from_array(np.float32(0), "z")],
    ),
    "nan.onnx",
)
# 5 scalar input + two outputs
save(
    h.make_graph(
        [h.make_node("Mul", ["x", "s"], ["y"]), h.make_node("ReduceSum", ["y"], ["z"], keepdims=0)],
        "scal",
        [h.make_tensor_value_info("x", F, [2, 2]), h.make_tensor_value_info("s", F, [])],
        [h.make_tensor_value_info("y", F, [2, 2]), h.make_tensor_value_info("z", F, [])],
    ),
    "scalar.onnx",
)
# 6 shape tensor: Reshape
save(
    h.make_graph(
        [h.make_node("Reshape", ["data", "shape"], ["reshaped"])],
        "rs",
        [h.make_tensor_value_info("data", F, [2, 6]), h.make_tensor_value_info("shape", T.INT64, [2])],
        [h.make_tensor_value_info("reshaped", F, ["a", "b"])],
    ),
    "reshape.onnx",
)
# 7 colon names
save(
    h.make_graph(
        [h.make_node("Identity", ["in:0"], ["out:0"])],
        "colon",
        [h.make_tensor_value_info("in:0", F, ["B", 2])],
        [h.make_tensor_value_info("out:0", F, ["B", 2])],
    ),
    "colon.onnx",
)
# 8 random normal (nondeterministic between runs) -> mismatch
save(
    h.make_graph(
        [h.make_node("RandomNormalLike", ["x"], ["n"], seed=1.0), h.make_node("Add", ["x", "n"], ["y"])],
        "rnd",
        [h.make_tensor_value_info("x", F, [2, 3])],
        [h.make_tensor_value_info("y", F, [2, 3])],
    ),
    "rand.onnx",
)
# 9 large output
save(
    h.make_graph(
        [h.make_node("Identity", ["x"], ["y"])],
        "big",
        [h.make_tensor_value_info("x", F, [1, 3, 16, 16])],
        [h.make_tensor_value_info("y", F, [1, 3, 16, 16])],
    ),
    "big.onnx",
)
# 10 string
save(
    h.make_graph(
        [h.make_node("Identity", ["x"], ["y"])],
        "st",
        [h.make_tensor_value_info("x", T.STRING, [2])],
        [h.make_tensor_value_info("y", T.STRING, [2])],
    ),
    "string.onnx",
    opset=16,
)
# 11 bf16
save(
    h.make_graph(
        [h.make_node("Cast", ["x"], ["y"], to=T.BFLOAT16)],
        "bf",
        [h.make_tensor_value_info("x", F, [4])],
        [h.make_tensor_value_info("y", T.BFLOAT16, [4])],
    ),
    "bf16out.onnx",
    opset=16,
)
save(
    h.make_graph(
        [h.make_node("Cast", ["x"], ["y"], to=F)],
        "bf",
        [h.make_tensor_value_info("x", T.BFLOAT16, [4])],
        [h.make_tensor_value_info("y", F, [4])],
    ),
    "bf16in.onnx",
    opset=16,
)
# 12 2-input dyn -1
save(
    h.make_graph(
        [h.make_node("Add", ["image", "other_input"], ["sum"])],
        "two",
        [h.make_tensor_value_info("image", F, ["b", "c"]), h.make_tensor_value_info("other_input", F, [None, "c"])],
        [h.make_tensor_value_info("sum", F, ["r", "c"])],
    ),
    "two.onnx",
)
# topk model
save(
    h.make_graph(
        [h.make_node("Identity", ["x"], ["y"])],
        "id5",
        [h.make_tensor_value_info("x", F, [2, 10])],
        [h.make_tensor_value_info("y", F, [2, 10])],
    ),
    "id210.onnx",
)
# weights 2KB for external data
Wb = np.arange(1024, dtype=np.float32).reshape(32, 32)
save(
    h.make_graph(
        [h.make_node("MatMul", ["x", "Wbig"], ["y"]), h.make_node("Add", ["y", "bs"], ["z"])],
        "w",
        [h.make_tensor_value_info("x", F, [1, 32])],
        [h.make_tensor_value_info("z", F, [1, 32])],
        [nh.from_array(Wb, "Wbig"), nh.from_array(np.ones(32, np.float32), "bs")],
    ),
    "weights.onnx",
)
# an input of unknown rank
save(
    h.make_graph(
        [h.make_node("Relu", ["x"], ["y"])],
        "norank",
        [h.make_tensor_value_info("x", F, None)],
        [h.make_tensor_value_info("y", F, None)],
    ),
    "norank.onnx",
    check=False,  # the checker wants a shape
)
