#!/usr/bin/env python3
"""Operators of com.microsoft on the interpreter against ONNX Runtime's CPU kernels, over their attributes
and types. GroupQueryAttention has a test of its own.

POLYGRAPHY_BIN is the program; 77 means skipped (no onnx package or no ONNX Runtime). Words choose cases.
"""

import concurrent.futures
import os
import subprocess
import sys
import tempfile

DOMAIN = "com.microsoft"


class Case:
    """One node; `is_bounded`: with its infinities made finite behind it. `inputs`: arrays, None for one that is left out, ("constant", array) for an initializer.
    `outputs`: an array type each; None for one that is left out. A tolerance of 0 means equal."""

    def __init__(self, op, inputs, outputs="f", atol=2e-5, rtol=1e-4, domain=DOMAIN, title="", is_bounded=False,
                 **attrs):
        self.op, self.inputs, self.domain = op, inputs, domain
        self.is_bounded = is_bounded
        self.outputs = [None if o == "-" else o for o in outputs.split()]
        self.atol, self.rtol, self.attrs = atol, rtol, attrs
        shown = {k: v for k, v in attrs.items() if k not in ("K", "N")}
        self.title = f"{op} {title} {shown or ''}".strip()


def elementwise(np, f):
    yield Case("Gelu", [f(3, 5)])
    yield Case("QuickGelu", [f(3, 5)])
    yield Case("QuickGelu", [f(3, 5)], alpha=0.5)
    yield Case("FastGelu", [f(2, 3, 8)])
    yield Case("FastGelu", [f(2, 3, 8), f(8)], title="bias")
    yield Case("BiasGelu", [f(2, 3, 8), f(8)])
    for x in (np.array([3, 1, 3, 2, 1, 7], np.float32), f(0)):
        yield Case("Unique", [x], "f q q", 0, 0, title=f"of {x.size}")
    yield Case("Range", [np.float32(1), np.float32(4.2), np.float32(0.7)], rtol=1e-6)
    yield Case("Range", [np.int64(7), np.int64(-3), np.int64(-4)], "q", 0, 0, title="down")
    yield Case("Range", [np.array([2], np.int32), np.array([6], np.int32)], "i", 0, 0, title="no step")
    yield Case("Trilu", [f(2, 4, 5), np.int64(1)], upper=1)
    yield Case("Trilu", [f(4, 5)], upper=0)
    yield Case("ExpandDims", [f(2, 3), np.int32(-1)])
    yield Case("Inverse", [f(2, 4, 4) + 4 * np.eye(4, dtype=np.float32)])
    yield Case("GatherND", [f(3, 4, 2), np.array([[0, 1], [-1, 2]], np.int64)])
    yield Case("Pad", [f(2, 3), np.array([1, 0, 0, 2], np.int64), np.float32(9)], mode="constant")
    yield Case("Pad", [f(2, 3), np.array([0, 1, 0, 2], np.int64)], mode="reflect")
    for metric in ("sqeuclidean", "euclidean"):
        yield Case("CDist", [f(4, 6), f(3, 6)], metric=metric)
    yield Case("CDist", [f(4, 6).astype(np.float64), f(3, 6).astype(np.float64)], "d", metric="euclidean")
    yield Case("UnfoldTensor", [f(2, 7, 3)], dim=1, size=3, step=2)
    yield Case("UnfoldTensor", [np.arange(6)], "q", 0, 0, size=2)


def tokens(np, f):
    ids = np.array([[1, 2, 3, 1, 2], [4, 4, 4, 4, 4]])
    for n in (1, 2, 3):
        yield Case("NGramRepeatBlock", [ids, f(2, 6)], is_bounded=True, ngram_size=n)
    for positive, out in ((1, "I"), (0, "i")):
        for x in (np.array([0, 1, -5], np.int32), np.array([3, 2**40]), f(3), f(3).astype(np.float64),
                  np.array(["", "a", "abcdefg", "abcd"])):
            yield Case("MurmurHash3", [x], out, 0, 0, title=str(x.dtype), positive=positive, seed=7)


def products(np, f):
    for a in ({}, {"transA": 1}, {"transB": 1}, {"transA": 1, "transB": 1, "alpha": 0.3}):
        yield Case("FusedMatMul", [f(4, 4), f(4, 4)], **a)
        yield Case("TransposeMatMul", [f(2, 4, 4), f(2, 4, 4)], **a)
    yield Case("FusedMatMul", [f(3, 2, 4), f(4, 5)], title="broadcast")
    yield Case("FusedMatMul", [f(4, 2, 3), f(2, 3, 5)], transBatchA=1)
    yield Case("FusedMatMul", [f(2, 4, 3), f(3, 2, 5)], transBatchB=1)
    yield Case("FusedMatMul", [f(4, 2, 3), f(5, 2, 3)], transBatchA=1, transBatchB=1, transB=1)
    yield Case("FusedMatMul", [f(2, 3).astype(np.float64), f(3, 2).astype(np.float64)], "d", title="double")
    activations = [("Relu", {}), ("LeakyRelu", {"activation_alpha": 0.2}), ("Tanh", {}), ("Sigmoid", {}),
                   ("HardSigmoid", {"activation_alpha": 0.3, "activation_beta": 0.4})]
    for name, a in activations:
        yield Case("FusedGemm", [f(3, 4), f(4, 5), f(5)], activation=name, alpha=0.5, beta=2.0, **a)
    yield Case("FusedGemm", [f(4, 3), f(5, 4)], activation="Relu", transA=1, transB=1)
    for name, params in (("Relu", None), ("Tanh", None), ("Sigmoid", None), ("LeakyRelu", [0.1]), ("Clip", [-0.5, 0.5]),
                         ("HardSigmoid", [0.3, 0.4])):
        a = {"activation_params": params} if params else {}
        yield Case("FusedConv", [f(1, 3, 6, 5), f(4, 3, 3, 3), f(4)], activation=name, pads=[1, 1, 1, 1], **a)
    yield Case("FusedConv", [f(1, 4, 6, 6), f(4, 2, 3, 3), f(4), f(1, 4, 4, 4)], title="residual", group=2,
               activation="Relu")


def normalisations(np, f):
    x, skip = f(2, 3, 8), f(2, 3, 8)
    yield Case("SkipLayerNormalization", [x, skip, f(8), f(8), f(8)], "f - - f", epsilon=1e-5)
    yield Case("SkipLayerNormalization", [x, f(1, 3, 8), f(8)], title="broadcast")
    yield Case("SkipLayerNormalization", [x, f(3, 8), f(8), f(8)], title="rank 2")
    yield Case("SkipSimplifiedLayerNormalization", [x, skip, f(8), f(8)], "f - - f")
    yield Case("SkipSimplifiedLayerNormalization", [x, skip, f(8)], epsilon=1e-3)
    yield Case("SimplifiedLayerNormalization", [x, f(8)], domain="")
    yield Case("SimplifiedLayerNormalization", [x, f(3, 8)], domain="", axis=1, epsilon=1e-2)
    ids, segments = np.array([[0, 3, 2], [1, 4, 0]], np.int32), np.array([[0, 1, 1], [0, 0, 1]], np.int32)
    tables = [f(5, 8), f(4, 8), f(2, 8), f(8), f(8)]
    mask = np.array([[1, 1, 0], [1, 1, 1]], np.int32)
    yield Case("EmbedLayerNormalization", [ids, segments, *tables, mask], "f i f", title="mask")
    yield Case("EmbedLayerNormalization", [ids, None, *tables[:2], None, *tables[3:]], "f i", title="no segments")
    yield Case("EmbedLayerNormalization", [ids, segments, *tables, None, np.array([[1, 0, 2], [3, 3, 1]], np.int32)],
               "f i", title="positions", epsilon=1e-3)


def rotations(np, f):
    cos, sin = np.cos(f(9, 4)), np.sin(f(9, 4))
    ids = np.array([[0, 1, 2], [5, 6, 7]])
    for a in ({}, {"interleaved": 1}):
        yield Case("RotaryEmbedding", [f(2, 3, 16), ids, cos, sin], **a)
    yield Case("RotaryEmbedding", [f(2, 2, 3, 8), np.array([2]), cos, sin], title="rank 4")
    yield Case("RotaryEmbedding", [f(2, 3, 24), ids, cos, sin], title="part of the head", num_heads=2,
               rotary_embedding_dim=8)


def attentions(np, f):
    q, k, v = f(2, 3, 8), f(2, 4, 8), f(2, 4, 8)
    mask = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], np.int32)
    yield Case("MultiHeadAttention", [q, k, v], num_heads=2)
    yield Case("MultiHeadAttention", [q, k, v, f(24)], title="bias", num_heads=2, scale=0.2)
    yield Case("MultiHeadAttention", [q, k, v, None, mask], title="mask", num_heads=2)
    yield Case("MultiHeadAttention", [q, k, v, None, mask], title="mask value", num_heads=2, mask_filter_value=-2.0)
    yield Case("MultiHeadAttention", [q, k, f(2, 4, 12), None, None, f(1, 2, 3, 4)], "f - - f", title="score bias",
               num_heads=2)
    yield Case("MultiHeadAttention", [q, f(2, 3, 8), f(2, 3, 8), None, None, None, f(2, 2, 2, 4), f(2, 2, 2, 4)],
               "f f f", title="past", num_heads=2)
    yield Case("MultiHeadAttention", [q, f(2, 3, 8), f(2, 3, 8)], num_heads=2, unidirectional=1)
    yield Case("MultiHeadAttention", [q, k, v, None, mask], "f - - f", title="scores with a mask", num_heads=2)
    x, w, b = f(2, 3, 6), f(6, 24), f(24)
    yield Case("Attention", [x, w, b], num_heads=2)
    yield Case("Attention", [x, w], title="no bias", num_heads=4, scale=0.3)
    yield Case("Attention", [x, w, b], num_heads=2, unidirectional=1)
    yield Case("Attention", [x, w, b, np.array([[1, 1, 0], [1, 0, 0]], np.int32)], title="mask", num_heads=2)
    yield Case("Attention", [x, w, b, np.array([2, 3], np.int32)], title="lengths", num_heads=2)
    yield Case("Attention", [x, w, b, np.array([3, 2, 1, 0], np.int32)], title="ends and starts", num_heads=2)
    yield Case("Attention", [x, w, b, np.tril(np.ones((2, 3, 3), np.int32))], title="square mask", num_heads=2)
    yield Case("Attention", [x, w, b, None, f(2, 2, 2, 2, 4)], "f f", title="past", num_heads=2, unidirectional=1)
    yield Case("Attention", [x, w, b, None, None, f(2, 2, 3, 3)], title="score bias", num_heads=2)
    yield Case("Attention", [x, f(6, 28), f(28)], title="wide values", num_heads=2, qkv_hidden_sizes=[8, 8, 12])


def quantized_products(np, f, u8, s8):
    scale = np.float32(0.02)
    scales = np.linspace(0.01, 0.03, 5).astype(np.float32)
    for b in (u8(4, 5), s8(4, 5)):
        zero = b[0, 0]
        yield Case("DynamicQuantizeMatMul", [f(3, 4), b, scale, zero], title=str(b.dtype), atol=1e-4)
        yield Case("MatMulIntegerToFloat", [u8(3, 4), b, scale, scale, np.uint8(7), zero, f(5)], title=str(b.dtype))
    yield Case("DynamicQuantizeMatMul", [f(3, 4), s8(4, 5), scales, None, f(5)], title="per column", atol=1e-4)
    yield Case("MatMulIntegerToFloat", [s8(2, 3, 4), s8(4, 5), scale, scales, np.int8(-3), s8(5)], title="per column")
    for a, b, y in ((u8, u8, np.uint8(9)), (u8, s8, np.uint8(100)), (s8, s8, np.int8(-4))):
        kind = f"{a(1).dtype} {b(1).dtype}"
        inputs = [a(3, 4), scale, a(1)[0], b(4, 5), scale, b(1)[0], np.arange(5, dtype=np.int32)]
        yield Case("QGemm", [*inputs, np.float32(0.1), y], y.dtype.char, 1, 0, title=kind)
        yield Case("QGemm", inputs, "f", title=f"{kind} to float", alpha=0.5)
    yield Case("QGemm", [u8(4, 3), scale, np.uint8(3), s8(5, 4), scales, s8(5), None, np.float32(0.1), np.uint8(9)],
               "B", 1, 0, title="per column", transA=1, transB=1)
    for y in (np.uint8(100), np.int8(3)):
        x = u8 if y.dtype == np.uint8 else s8
        yield Case("QLinearConv", [x(1, 5, 6, 4), scale, x(1)[0], ("constant", s8(3, 4, 3, 3)), scale,
                                   ("constant", np.int8(0)), np.float32(0.1), y, np.arange(3, dtype=np.int32)],
                   y.dtype.char, 1, 0, title=f"{y.dtype}", channels_last=1, pads=[1, 1, 1, 1])
        yield Case("QLinearConv", [x(1, 4, 5, 6), scale, x(1)[0], ("constant", s8(4, 2, 3, 3)), scale,
                                   ("constant", np.int8(0)), np.float32(0.1), y], y.dtype.char, 1, 0, title=f"{y.dtype}",
                   group=2, strides=[2, 1])
    yield Case("QLinearConv", [u8(2, 9, 4), scale, np.uint8(3), ("constant", s8(4, 1, 3)), ("constant", scales[:4]),
                               ("constant", s8(4) * 0), np.float32(0.1), np.uint8(9)], "B", 1, 0, title="rank 1",
               channels_last=1, group=4, dilations=[2])


def quantized_elements(np, f, u8, s8):
    scale, other = np.float32(0.02), np.float32(0.05)
    for x in (u8, s8):
        zero, out, kind = x(1)[0], x(1).dtype.char, str(x(1).dtype)
        one = [x(2, 3, 4), scale, zero]
        end = [other, x(1)[0]]
        for op in ("QLinearAdd", "QLinearMul"):
            yield Case(op, [*one, x(3, 1), other, x(1)[0], *end], out, 1, 0, title=kind)
        yield Case("QLinearSigmoid", [*one, np.float32(1 / 256), zero], out, 1, 0, title=kind)
        yield Case("QLinearLeakyRelu", [*one, *end], out, 1, 0, title=kind, alpha=0.3)
        for opset, axis in ((13, 1), (11, 1), (13, -1)):
            yield Case("QLinearSoftmax", [*one, np.float32(1 / 256), zero], out, 1, 0, title=kind, opset=opset, axis=axis)
        yield Case("QLinearConcat", [*end, *one, x(2, 3, 2), other, zero], out, 1, 0, title=kind, axis=2)
        yield Case("QLinearWhere", [f(2, 3, 1) > 0, *one, x(3, 4), other, x(1)[0], *end], out, 1, 0, title=kind)
        picture = [x(1, 3, 6, 5), scale, zero, *end]
        last = [x(1, 6, 5, 3), scale, zero, *end]
        yield Case("QLinearAveragePool", picture, out, 1, 0, title=kind, kernel_shape=[2, 3], strides=[2, 2],
                   pads=[1, 1, 0, 1])
        yield Case("QLinearAveragePool", picture, out, 1, 0, title=kind, kernel_shape=[3, 3], pads=[1, 1, 1, 1],
                   count_include_pad=1, strides=[2, 2])
        yield Case("QLinearAveragePool", picture, out, 1, 0, title=kind, kernel_shape=[2, 2], ceil_mode=1, strides=[2, 2])
        yield Case("QLinearAveragePool", last, out, 1, 0, title=kind, kernel_shape=[2, 2], channels_last=1)
        yield Case("QLinearGlobalAveragePool", picture, out, 1, 0, title=kind)
        yield Case("QLinearGlobalAveragePool", last, out, 1, 0, title=kind, channels_last=1)
        yield Case("NhwcMaxPool", [x(1, 6, 5, 3)], out, 0, 0, title=kind, kernel_shape=[2, 3], strides=[2, 1],
                   pads=[1, 0, 0, 1])
        yield Case("DequantizeLinear", one, title=kind)
        yield Case("DequantizeLinear", [one[0], np.linspace(0.1, 0.3, 3).astype(np.float32), x(3)], title=kind, axis=1)
        yield Case("QuantizeLinear", [f(2, 3, 4), scale, zero], out, 0, 0, title=kind)
    for kind, low, high in (("uint16", 0, 65536), ("int16", -32768, 32768)):
        x = np.array([[low, 7, high - 1]]).astype(kind)
        yield Case("DequantizeLinear", [x, scale, x[0, 1]], title=kind, atol=1e-3)
        yield Case("QuantizeLinear", [f(2, 3) * 900, scale, x[0, 1]], x.dtype.char, 0, 0, title=kind)


def weights_only(np, f, u8, s8):
    for bits in (4, 8, 2):
        K, N, block = 64, 6, 32
        packed = u8(N, K // block, block * bits // 8)
        zeros = u8(N * (-(-(K // block) * bits // 8)))
        sides = [("constant", packed), ("constant", abs(f(N, K // block)) / 9)]
        for zero in (None, ("constant", zeros.reshape(N, -1))):
            yield Case("MatMulNBits", [f(3, K), *sides, zero], title=f"{'zeros' if zero else ''}", atol=3e-4, K=K, N=N,
                       bits=bits, block_size=block)
    yield Case("MatMulNBits", [f(3, 40), ("constant", u8(6, 3, 8)), ("constant", abs(f(6, 3)) / 9), None, None, f(6)],
               title="bias, a cut block", atol=3e-4, K=40, N=6, bits=4, block_size=16)
    order = np.repeat(np.arange(4), 16)[::-1].astype(np.int32).copy()
    yield Case("MatMulNBits", [f(3, 64), ("constant", u8(6, 4, 8)), ("constant", abs(f(6, 4)) / 9), None,
                               ("constant", order)], title="g_idx", atol=3e-4, K=64, N=6, bits=4, block_size=16)
    for kind in (0, 1):
        yield Case("MatMulBnb4", [f(3, 32), ("constant", u8(6 * 32 // 2)), ("constant", abs(f(6 * 32 // 16)))],
                   atol=1e-4, K=32, N=6, block_size=16, quant_type=kind)
    ids = np.array([[0, 2], [1, -1]])
    for bits in (4, 8, 2):
        data, scales = u8(5, 32 * bits // 8), abs(f(5, 2))
        yield Case("GatherBlockQuantized", [("constant", data), ids, ("constant", scales)], bits=bits, block_size=16,
                   atol=1e-4)
        zeros = u8(5, max(2 * bits // 8, 1))
        yield Case("GatherBlockQuantized", [("constant", data), ids.astype(np.int32), ("constant", scales),
                                            ("constant", zeros)], title="zeros", bits=bits, block_size=16, atol=1e-4)
    yield Case("GatherBlockQuantized", [("uint4", u8(3, 32, 2) % 16), np.array([1, 0]), ("constant", abs(f(3, 2, 2))),
                                        ("uint4", u8(3, 2, 2) % 16)], title="uint4", block_size=16, gather_axis=2,
               quantize_axis=1, atol=1e-4)
    yield Case("GatherBlockQuantized", [("int4", s8(3, 32) // 8), np.array([[2, -3]]), ("constant", abs(f(3, 1)))],
               title="int4", block_size=32, atol=1e-4)


def lstms(np, f, u8, s8):
    for directions, name in ((1, "forward"), (1, "reverse"), (2, "bidirectional")):
        for weights in (u8, s8):
            w, r = weights(directions, 6, 16), weights(directions, 4, 16)
            step = np.full(directions, 0.01, np.float32)
            zero = np.full(directions, weights(1)[0])
            yield Case("DynamicQuantizeLSTM", [f(3, 2, 6), ("constant", w), ("constant", r), f(directions, 32), None,
                                               None, None, None, ("constant", step), ("constant", zero),
                                               ("constant", step), ("constant", zero)], "f f f", atol=5e-3,
                       title=str(w.dtype), hidden_size=4, direction=name)


def refused(np):
    """Cases with a part of the sentence that says why."""
    one, row = np.float32(1), np.ones(4, np.float32)
    table, scales = np.zeros((5, 16), np.uint8), np.ones((5, 2), np.float32)
    ids = np.array([0])
    yield Case("GatherBlockQuantized", [table, ids, scales], block_size=8), "block_size is 8"
    yield Case("GatherBlockQuantized", [table, ids, scales], block_size=16, bits=3), "not 3"
    yield Case("GatherBlockQuantized", [table, ids, scales[:4]], block_size=16), "The scales do not fit"
    yield Case("GatherBlockQuantized", [table, ids, scales, table], block_size=16), "The zero points do not fit"
    yield Case("GatherBlockQuantized", [table, ids, scales], block_size=16, gather_axis=7), "axis"
    yield Case("MatMulBnb4", [f32(np, 2, 32), table[0], row], K=32, N=1, block_size=16, quant_type=0), "do not fit N 1"
    yield Case("MatMulBnb4", [f32(np, 2, 32), table[0], row[:2]], K=32, N=1, block_size=16, quant_type=2), "of type 2"
    yield (Case("MatMulNBits", [f32(np, 2, 32), np.zeros((1, 2, 8), np.uint8), scales[:1], None,
                                np.full(32, 2, np.int32)], K=32, N=1, block_size=16), "g_idx")
    yield Case("CDist", [f32(np, 2, 3), f32(np, 2, 3)], metric="cosine"), "'cosine' is not supported"
    yield Case("CDist", [f32(np, 2, 3), f32(np, 2, 4)]), "rows of one length"
    yield Case("Range", [one, one + 1, one * 0]), "no range"
    yield Case("Range", [np.int64(0), np.int64(2**60)], "q"), "no range"
    yield Case("Range", [np.int64(0), np.int64(2**50)], "q"), "memory"
    yield Case("UnfoldTensor", [row], size=5), "Windows of 5"
    yield Case("NGramRepeatBlock", [np.array([[1, 9, 1]]), f32(np, 1, 4)], ngram_size=2), "Token 9"
    yield Case("Unique", [f32(np, 2, 2)], "f q q"), "rank 2"
    yield Case("MurmurHash3", [np.zeros(2, np.int8)], "I"), "hashes of int8"
    yield Case("QLinearConv", [table, one, np.uint8(0), table, one, np.uint8(0), one, np.uint8(0)], "B",
               channels_last=1), "rank 2"


def f32(np, *shape):
    return np.ones(shape, np.float32)


def all_cases(np):
    rng = np.random.default_rng(3)

    def f(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    def u8(*shape):
        return rng.integers(0, 256, shape).astype(np.uint8)

    def s8(*shape):
        """Seven bits: where the processor adds products of uint8 and int8 in 16 bits, ONNX Runtime's sums of larger
        ones saturate."""
        return rng.integers(-64, 64, shape).astype(np.int8)

    for family in (elementwise, tokens, products, normalisations, rotations, attentions):
        yield from family(np, f)
    for family in (quantized_products, quantized_elements, weights_only, lstms):
        yield from family(np, f, u8, s8)


def save(onnx, np, case, folder):
    h, feeds, names, constants = onnx.helper, {}, [], []
    for i, x in enumerate(case.inputs):
        name = f"x{i}" if x is not None else ""
        names.append(name)
        if isinstance(x, tuple):
            kind, values = x
            if kind == "constant":
                constants.append(onnx.numpy_helper.from_array(np.asarray(values), name))
            else:
                t = getattr(onnx.TensorProto, kind.upper())
                constants.append(h.make_tensor(name, t, values.shape, values.flatten().tolist()))
        elif x is not None:
            feeds[name] = np.asarray(x)
    while names and not names[-1]:
        names.pop()
    outputs = [f"y{i}" if o else "" for i, o in enumerate(case.outputs)]
    nodes = [h.make_node(case.op, names, outputs, domain=case.domain, **case.attrs)]
    if case.is_bounded:
        nodes[0].output[0] = "free"
        constants.append(onnx.numpy_helper.from_array(np.float32(-1000), "least"))
        nodes.append(h.make_node("Max", ["free", "least"], outputs[:1]))

    def kind(a):
        return onnx.TensorProto.STRING if a.dtype.kind in "US" else h.np_dtype_to_tensor_dtype(a.dtype)

    inputs = [h.make_tensor_value_info(n, kind(a), a.shape) for n, a in feeds.items()]
    infos = [h.make_tensor_value_info(n, h.np_dtype_to_tensor_dtype(np.dtype(o)), None)
             for n, o in zip(outputs, case.outputs) if o]
    model = h.make_model(h.make_graph(nodes, "contrib", inputs, infos, constants), ir_version=10,
                         opset_imports=[h.make_opsetid("", 21), h.make_opsetid(DOMAIN, 1)])
    onnx.save(model, os.path.join(folder, "m.onnx"))
    np.savez(os.path.join(folder, "in.npz"), **feeds)


def run(onnx, np, case, runners=("--onnxrt", "--pluginref")):
    with tempfile.TemporaryDirectory() as folder:
        save(onnx, np, case, folder)
        done = subprocess.run([os.environ["POLYGRAPHY_BIN"], "run", f"{folder}/m.onnx", *runners,
                               "--load-inputs", f"{folder}/in.npz", "--atol", str(case.atol), "--rtol", str(case.rtol)],
                              capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def main():
    try:
        import numpy as np
        import onnx
    except ImportError as missing:
        print(f"SKIPPED: {missing}; set PX_ONNX_PYTHON to a python that has it")
        return 77
    cases = [c for c in all_cases(np) if all(word in c.title for word in sys.argv[1:])]
    n_bad = 0
    for case, part in refused(np) if len(sys.argv) == 1 else ():
        code, text = run(onnx, np, case, ["--pluginref"])
        ok = code == 1 and part in text
        n_bad += not ok
        print(f"{'ok' if ok else 'WRONG'}: refuses {case.title}: {part}")
        if not ok:
            print(text[-1500:])
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for case, (code, text) in zip(cases, pool.map(lambda c: run(onnx, np, c), cases)):
            if "POLYGRAPHY_ONNXRT_LIB" in text:
                print("SKIPPED: ONNX Runtime is not installed")
                return 77
            n_bad += code != 0
            print(f"{'ok' if code == 0 else 'WRONG'}: {case.title}")
            if code != 0:
                print(text[-2500:])
    print(f"{len(cases)} cases, {n_bad} wrong")
    return 1 if n_bad or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
