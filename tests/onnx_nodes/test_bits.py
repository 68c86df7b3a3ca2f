#!/usr/bin/env python3
"""Neither the number of threads nor the size of blocks changes a bit of the reference interpreter's outputs.

    test_bits.py [MODELS]

A model of matrix products, convolutions and reductions around the borders of blocks, and (when the folder
has them) real models: with 1, 2, 3 and 8 threads, and with the two scalar kernels, whose tiles are the
smallest and the largest. POLYGRAPHY_BIN names the program. Exits with 77 without the onnx package.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

REAL = ("light_squeezenet.onnx", "nmp.onnx", "light_shufflenet.onnx")


def border_model(onnx, path):
    helper = onnx.helper
    nodes, inputs, outputs = [], [], []

    def value(shape):
        inputs.append(helper.make_tensor_value_info(f"x{len(inputs)}", onnx.TensorProto.DOUBLE, shape))
        return inputs[-1].name

    def node(op, *ins, **attrs):
        outputs.append(helper.make_empty_tensor_value_info(f"y{len(outputs)}"))
        outputs[-1].type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
        nodes.append(helper.make_node(op, ins, [outputs[-1].name], **attrs))
        return outputs[-1].name

    for m, n, k in ((1, 257, 300), (3, 193, 255), (4, 25, 257), (95, 191, 255), (96, 192, 256), (97, 193, 257), (200, 11, 513)):
        node("MatMul", value([m, k]), value([k, n]))
        node("Gemm", value([k, m]), value([n, k]), value([n]), transA=1, transB=1, alpha=0.5, beta=0.25)
    node("MatMul", value([3, 2, 17, 60]), value([2, 60, 33]))
    for width in (11, 12, 13, 14, 23, 24, 25, 26, 49):
        node("Conv", value([2, 6, 9, width]), value([10, 6, 3, 3]), value([10]), pads=[1, 1, 1, 1])
        node("Conv", value([1, 6, 9, width]), value([9, 2, 2, 3]), group=3, strides=[1, 2], dilations=[2, 1])
        node("Conv", value([1, 5, 9, width]), value([5, 1, 3, 3]), group=5, pads=[1, 1, 1, 1])
    node("Conv", value([1, 3, 70000]), value([4, 3, 5]))
    node("ConvTranspose", value([1, 30, 13, 13]), value([30, 9, 3, 3]), strides=[2, 2])
    long = value([3, 100003])
    for op in ("ReduceSum", "ReduceMean", "ReduceL2", "ReduceLogSumExp"):
        node(op, long, keepdims=0)
    node("Softmax", long, axis=1)
    node("LayerNormalization", long, value([100003]), axis=-1)
    node("AveragePool", value([1, 3, 200, 201]), kernel_shape=[5, 5])
    node("Sigmoid", long)
    model = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs),
                              opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)


def arrays(path):
    found = []

    def walk(v):
        if isinstance(v, dict):
            if isinstance(v.get("array"), str):
                found.append(v["array"])
            v = list(v.values())
        for item in v if isinstance(v, list) else ():
            walk(item)

    with open(path, encoding="utf-8") as f:
        walk(json.load(f))
    return found


def main():
    try:
        import onnx
    except ImportError as missing:
        print(f"SKIPPED: {missing}; set PX_ONNX_PYTHON to a python that has it")
        return 77
    program = os.environ["POLYGRAPHY_BIN"]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="px_bits_") as folder:
        border = os.path.join(folder, "border.onnx")
        border_model(onnx, border)
        models = [border]
        if len(sys.argv) > 1 and sys.argv[1]:
            models += [next(iter(pathlib.Path(sys.argv[1]).rglob(name)), None) for name in REAL]
        for model in filter(None, models):
            def outputs_of(cpu, threads):
                out = os.path.join(folder, "out.json")
                subprocess.run([program, "run", str(model), "--pluginref", "-qqq", "--threads", str(threads),
                                "--save-outputs", out], check=True, env={**os.environ, "POLYGRAPHY_CPU": cpu})
                return arrays(out)

            for what, runs in (("threads", [("best", n) for n in (1, 2, 3, 8)]),
                               ("blocks", [("scalar", 2), ("wide", 2), ("wide", 3)])):
                found = [outputs_of(*run) for run in runs]
                same = [i for i, f in enumerate(found) if f != found[0]] == []
                failed += not same or not found[0]
                print(f"{os.path.basename(model)}, {what}: {len(found[0])} outputs {'equal' if same else 'DIFFER'} over {runs}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
