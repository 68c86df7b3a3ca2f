#!/usr/bin/env python3
"""bert_model.py OUT.onnx [LAYERS [SEQUENCE]]: an encoder of BERT-base's size with random weights.

12 layers of hidden size 768 with 12 heads and 3072 inner units, 128 tokens of a 30522-word vocabulary:
110 million parameters, 440 MB.
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HIDDEN, HEADS, INNER, WORDS = 768, 12, 3072, 30522


class Encoder:
    def __init__(self):
        self.rng = np.random.default_rng(1)
        self.nodes, self.weights = [], []

    def weight(self, *shape, center=0.0):
        x = self.rng.standard_normal(shape, np.float32) * np.float32(0.02) + np.float32(center)
        return self.constant(x)

    def constant(self, x):
        self.weights.append(numpy_helper.from_array(np.asarray(x), f"w{len(self.weights)}"))
        return self.weights[-1].name

    def __call__(self, op, *ins, **attrs):
        out = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, ins, [out], f"{op}_{len(self.nodes)}", **attrs))
        return out

    def dense(self, x, n_in, n_out):
        return self("Add", self("MatMul", x, self.weight(n_in, n_out)), self.weight(n_out))

    def norm(self, x):
        return self("LayerNormalization", x, self.weight(HIDDEN, center=1), self.weight(HIDDEN), axis=-1, epsilon=1e-12)

    def heads(self, x, perm):
        x = self("Reshape", x, self.constant(np.array([0, 0, HEADS, HIDDEN // HEADS], np.int64)))
        return self("Transpose", x, perm=perm)

    def layer(self, x, mask):
        q = self.heads(self.dense(x, HIDDEN, HIDDEN), [0, 2, 1, 3])
        k = self.heads(self.dense(x, HIDDEN, HIDDEN), [0, 2, 3, 1])
        v = self.heads(self.dense(x, HIDDEN, HIDDEN), [0, 2, 1, 3])
        scores = self("Div", self("MatMul", q, k), self.constant(np.float32(np.sqrt(HIDDEN // HEADS))))
        a = self("MatMul", self("Softmax", self("Add", scores, mask), axis=-1), v)
        a = self("Reshape", self("Transpose", a, perm=[0, 2, 1, 3]), self.constant(np.array([0, 0, HIDDEN], np.int64)))
        x = self.norm(self("Add", self.dense(a, HIDDEN, HIDDEN), x))
        h = self.dense(x, HIDDEN, INNER)
        half = self("Mul", h, self.constant(np.float32(0.5)))
        erf = self("Erf", self("Div", h, self.constant(np.float32(np.sqrt(2)))))
        h = self("Mul", half, self("Add", erf, self.constant(np.float32(1))))
        return self.norm(self("Add", self.dense(h, INNER, HIDDEN), x))


def main() -> int:
    if not 2 <= len(sys.argv) <= 4:
        sys.exit("usage: bert_model.py OUT.onnx [LAYERS [SEQUENCE]]")
    layers = int(sys.argv[2]) if len(sys.argv) > 2 else 12
    length = int(sys.argv[3]) if len(sys.argv) > 3 else 128
    e = Encoder()
    x = e("Add", e("Gather", e.weight(WORDS, HIDDEN), "input_ids"), e.weight(length, HIDDEN))
    x = e.norm(x)
    mask = e("Unsqueeze", e("Cast", "attention_mask", to=TensorProto.FLOAT), e.constant(np.array([1, 2], np.int64)))
    mask = e("Mul", e("Sub", e.constant(np.float32(1)), mask), e.constant(np.float32(-10000)))
    for _ in range(layers):
        x = e.layer(x, mask)
    ins = [helper.make_tensor_value_info(n, TensorProto.INT64, [1, length]) for n in ("input_ids", "attention_mask")]
    e.nodes[-1].output[0] = "last_hidden_state"
    out = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [1, length, HIDDEN])
    model = helper.make_model(helper.make_graph(e.nodes, "encoder", ins, [out], e.weights),
                              opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, sys.argv[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
