#!/usr/bin/env python3
"""large_model.py OUT.onnx: a chain of MatMul and Relu with 3 GB of weights in OUT.onnx.data.

The weights are zeros in a sparse file, so that making the model takes no time and no disk.
"""
import sys

import onnx
from onnx import TensorProto, helper

N_LAYERS, WIDTH = 24, 5632  # 24 * 5632 * 5632 * 4 bytes: 3.05 GB


def main() -> int:
    if len(sys.argv) != 2:
        sys.exit("usage: large_model.py OUT.onnx")
    path = sys.argv[1]
    size = WIDTH * WIDTH * 4
    nodes, weights = [], []
    for i in range(N_LAYERS):
        w = TensorProto()
        w.name, w.data_type, w.data_location = f"w{i}", TensorProto.FLOAT, TensorProto.EXTERNAL
        w.dims.extend([WIDTH, WIDTH])
        for key, value in (("location", path.split("/")[-1] + ".data"), ("offset", i * size), ("length", size)):
            entry = w.external_data.add()
            entry.key, entry.value = key, str(value)
        weights.append(w)
        nodes.append(helper.make_node("MatMul", ["x" if i == 0 else f"r{i - 1}", f"w{i}"], [f"m{i}"], f"matmul{i}"))
        nodes.append(helper.make_node("Relu", [f"m{i}"], [f"r{i}"], f"relu{i}"))
    io = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, WIDTH]) for n in ("x", f"r{N_LAYERS - 1}")]
    model = helper.make_model(helper.make_graph(nodes, "large", io[:1], io[1:], weights),
                              opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    with open(path, "wb") as f:
        f.write(model.SerializeToString())
    with open(path + ".data", "wb") as f:
        f.truncate(N_LAYERS * size)
    return 0


if __name__ == "__main__":
    sys.exit(main())
