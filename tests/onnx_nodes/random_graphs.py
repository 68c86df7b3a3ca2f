#!/usr/bin/env python3
"""Random small graphs: the reference interpreter against onnx.reference.

    random_graphs.py RUN_NODES [--seed N] [--graphs N] [--seconds N] [--keep FOLDER]

Graphs grow node by node from a table of makers (below), each of which picks its inputs among the values
that are there and draws attributes. onnx.reference computes every node as it is added; what it refuses is
left out. RUN_NODES then runs the graphs as node cases, in batches. Operators that jump (Floor, ArgMax,
comparisons, casts to integers) only get values that both sides hold exactly: small multiples of 1/4 and
what sums and products make of them. Exits with 77 when the onnx package is missing.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

F, I, B = np.dtype(np.float32), np.dtype(np.int64), np.dtype(np.bool_)
BATCH = 200
OPSET = 21


class Skip(Exception):
    """The maker found no inputs that suit it."""


class Graph:
    def __init__(self, rng):
        self.rng = rng
        self.values = {}  # name -> array
        self.exact = set()
        self.inputs, self.initializers, self.nodes = [], [], []
        self.used = set()

    def int(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def choice(self, things):
        things = list(things)
        if not things:
            raise Skip
        return things[self.int(0, len(things) - 1)]

    def array(self, shape, dtype=F):
        if dtype == B:
            return self.rng.integers(0, 2, shape).astype(B)
        if dtype == I:
            return self.rng.integers(-6, 7, shape).astype(I)
        return (self.rng.integers(-12, 13, shape) / 4).astype(F)

    def add_value(self, array, constant=None):
        """A graph input or an initializer."""
        name = f"v{len(self.values)}"
        array = np.asarray(array)
        constant = self.int(0, 1) if constant is None else constant
        (self.initializers if constant else self.inputs).append(name)
        self.values[name] = array
        self.exact.add(name)
        return name

    def shape(self, low=0, high=4):
        return tuple(self.int(1, 5) if self.int(0, 15) else 0 for _ in range(self.int(low, high)))

    def pick(self, dtype=F, rank=None, exact=False, test=lambda x: True):
        """The name of a value, or a new one when none suits (or at times anyhow)."""
        found = [n for n, x in self.values.items() if x.dtype == dtype and (rank is None or x.ndim == rank)
                 and (not exact or n in self.exact) and test(x)]
        if found and self.int(0, 5):
            return self.choice(found)
        x = self.array(self.shape() if rank is None else tuple(self.int(1, 5) for _ in range(rank)), dtype)
        if not test(x):
            raise Skip
        return self.add_value(x)

    def beside(self, name, dtype=None):
        """A value that broadcasts with this one."""
        x = self.values[name]
        shape = [d if self.int(0, 2) else 1 for d in x.shape][self.int(0, x.ndim):]
        if not self.int(0, 4) and len(shape) == x.ndim:
            shape = [self.int(1, 3)] + shape
        fits = [n for n, y in self.values.items() if y.dtype == x.dtype and y.shape == tuple(shape)]
        if dtype is None and fits and self.int(0, 1):
            return self.choice(fits)
        return self.add_value(self.array(shape, dtype or x.dtype))

    def ints(self, values, constant=True):
        return self.add_value(np.array(values, I), constant)

    def axis(self, x, extra=0):
        n = x.ndim + extra
        if n == 0:
            raise Skip
        return self.int(-n, n - 1)

    def axes(self, x):
        if x.ndim == 0:
            return []
        some = self.rng.permutation(x.ndim)[:self.int(1, x.ndim)]
        return [int(a) - (x.ndim if self.int(0, 1) else 0) for a in some]


# --- makers: graph -> (operator, inputs, attributes, number of outputs, keeps exact) ---

def unary(op, exact=False, jumps=False, test=lambda x: True, **attrs):
    return lambda g: (op, [g.pick(exact=jumps, test=test)], {k: v(g) for k, v in attrs.items()}, 1, exact)


def binary(op, exact=False, jumps=False, dtypes=(F,), nonzero=False):
    def make(g):
        a = g.pick(g.choice(dtypes), exact=jumps)
        b = g.beside(a)
        if jumps and b not in g.exact or nonzero and not np.all(np.abs(g.values[b]) > 0.2):
            raise Skip
        return op, [a, b], {}, 1, exact
    return make


def reduction(op, exact=False):
    def make(g):
        a = g.pick(test=lambda x: x.size > 0)
        axes = [] if not g.int(0, 3) else [g.ints(g.axes(g.values[a]))]
        return op, [a] + axes, {"keepdims": g.int(0, 1), "noop_with_empty_axes": g.int(0, 1)}, 1, exact
    return make


def along(op, exact=False, jumps=False, **attrs):
    def make(g):
        a = g.pick(exact=jumps, test=lambda x: x.ndim > 0 and x.size > 0)
        return op, [a], {"axis": g.axis(g.values[a]), **{k: v(g) for k, v in attrs.items()}}, 1, exact
    return make


def matmul(g):
    a = g.pick(test=lambda x: x.ndim > 0)
    k = g.values[a].shape[-1]
    shape = [k, g.int(1, 26)] if g.int(0, 3) else [k]
    if g.values[a].ndim > 2 and len(shape) == 2 and g.int(0, 1):
        shape = list(g.values[a].shape[:-2]) + shape
    return "MatMul", [a, g.add_value(g.array(shape))], {}, 1, True


def gemm(g):
    a = g.pick(rank=2, test=lambda x: x.size > 0)
    ta, tb = g.int(0, 1), g.int(0, 1)
    m, k = g.values[a].shape[::-1] if ta else g.values[a].shape
    n = g.int(1, 30)
    ins = [a, g.add_value(g.array((n, k) if tb else (k, n)))]
    if g.int(0, 1):
        ins.append(g.add_value(g.array(g.choice([(n,), (m, n), (1, n), (m, 1), ()]))))
    return "Gemm", ins, {"transA": ta, "transB": tb, "alpha": g.choice([1.0, 0.5, -2.0]), "beta": 0.5}, 1, True


def window(g, x, d, dilates=False):
    kernel = [g.int(1, 4) for _ in range(d)]
    attrs = {"kernel_shape": kernel}
    if g.int(0, 1):
        attrs["strides"] = [g.int(1, 3) for _ in range(d)]
    how = g.int(0, 3)
    if how == 0:
        attrs["pads"] = [min(g.int(0, 2), (kernel * 2)[i] - 1) for i in range(2 * d)]
    elif how == 1:
        attrs["auto_pad"] = g.choice(["SAME_UPPER", "SAME_LOWER", "VALID"])
    if dilates and "auto_pad" not in attrs and not g.int(0, 2):
        attrs["dilations"] = [g.int(1, 2) for _ in range(d)]
    pads, dilations = attrs.get("pads", [0] * 2 * d), attrs.get("dilations", [1] * d)
    # Windows that do not fit: the standard says nothing (src/model/geometry.c does).
    if any(x.shape[2 + i] + pads[i] + pads[d + i] < (k - 1) * dilations[i] + 1 for i, k in enumerate(kernel)):
        raise Skip
    return attrs


def image(g):
    """[n, c, spatial...]; widths around the borders of blocks."""
    d = g.int(1, 3)
    spatial = [g.int(1, 6) for _ in range(d - 1)] + [g.choice([1, 3, 5, 11, 12, 13, 14, 23, 24, 25, 26, 37])]
    return g.add_value(g.array([g.int(1, 2), g.int(1, 4)] + spatial)), d


def conv(g):
    a, d = image(g)
    x = g.values[a]
    attrs = window(g, x, d, True)
    group = g.choice([1, x.shape[1]])
    m = group * g.int(1, 9)
    ins = [a, g.add_value(g.array([m, x.shape[1] // group] + attrs["kernel_shape"]))]
    if g.int(0, 1):
        ins.append(g.add_value(g.array([m])))
    return "Conv", ins, {"group": group, **attrs}, 1, True


def conv_transpose(g):
    a, d = image(g)
    x = g.values[a]
    attrs = {"kernel_shape": [g.int(1, 3) for _ in range(d)], "strides": [g.int(1, 2) for _ in range(d)]}
    if g.int(0, 1):
        attrs["pads"] = [min(g.int(0, 1), k - 1) for k in attrs["kernel_shape"] * 2]
    return "ConvTranspose", [a, g.add_value(g.array([x.shape[1], g.int(1, 4)] + attrs["kernel_shape"]))], attrs, 1, True


def pool(op):
    def make(g):
        a, d = image(g)
        attrs = window(g, g.values[a], d)
        if op == "AveragePool":
            attrs["count_include_pad"] = g.int(0, 1)
        if "auto_pad" not in attrs and "pads" not in attrs:
            attrs["ceil_mode"] = g.int(0, 1)
        return op, [a], attrs, 1, op == "MaxPool"
    return make


def global_pool(op):
    return lambda g: (op, [image(g)[0]], {}, 1, op == "GlobalMaxPool")


def transpose(g):
    a = g.pick(g.choice([F, I]))
    return "Transpose", [a], {"perm": [int(p) for p in g.rng.permutation(g.values[a].ndim)]}, 1, True


def reshape(g):
    a = g.pick(test=lambda x: x.size > 0)
    size, dims = g.values[a].size, []
    for f in (2, 3, 5, 2):
        if size % f == 0 and g.int(0, 1):
            dims.append(f)
            size //= f
    dims.insert(g.int(0, len(dims)), -1 if g.int(0, 1) else size)
    return "Reshape", [a, g.ints(dims, None)], {}, 1, True


def flatten(g):
    a = g.pick()
    return "Flatten", [a], {"axis": g.int(-g.values[a].ndim, g.values[a].ndim)}, 1, True


def concat(g):
    a = g.pick(g.choice([F, I]), test=lambda x: x.ndim > 0)
    x = g.values[a]
    axis = g.axis(x)
    ins = [a]
    for _ in range(g.int(0, 3)):
        shape = list(x.shape)
        shape[axis] = g.int(0, 4)
        ins.append(g.add_value(g.array(shape, x.dtype)))
    return "Concat", ins, {"axis": axis}, 1, True


def slice_(g):
    a = g.pick(g.choice([F, I]), test=lambda x: x.ndim > 0)
    axes = g.axes(g.values[a])
    n = len(axes)
    steps = [g.choice([1, 1, 2, -1, -2]) for _ in axes]
    # Backwards, the standard starts before the first element at the first; numpy does not start there.
    starts = [g.int(-7 if s > 0 else -g.values[a].shape[i], 7) for i, s in zip(axes, steps)]
    ins = [a, g.ints(starts), g.ints([g.choice([-2**62, -9, -1, 0, 2, 5, 2**62]) for _ in range(n)]),
           g.ints(axes), g.ints(steps)]
    return "Slice", ins, {}, 1, True


def gather(g):
    a = g.pick(g.choice([F, I]), test=lambda x: x.ndim > 0 and min(x.shape) > 0)
    x = g.values[a]
    axis = g.axis(x)
    n = x.shape[axis]
    return "Gather", [a, g.add_value(g.rng.integers(-n, n, g.shape(0, 2)).astype(I))], {"axis": axis}, 1, True


def gather_elements(g):
    a = g.pick(test=lambda x: x.ndim > 0 and min(x.shape) > 0)
    x = g.values[a]
    axis = g.axis(x)
    shape = list(x.shape)
    shape[axis] = g.int(1, 4)
    n = x.shape[axis]
    return "GatherElements", [a, g.add_value(g.rng.integers(-n, n, shape).astype(I))], {"axis": axis}, 1, True


def scatter_elements(g):
    a = g.pick(test=lambda x: x.ndim > 0 and min(x.shape) > 0)
    x = g.values[a]
    axis = g.axis(x)
    shape = [g.int(1, d) for d in x.shape]
    shape[axis] = x.shape[axis]
    order = np.argsort(g.rng.random(shape), axis=axis).astype(I)
    return ("ScatterElements", [a, g.add_value(order), g.add_value(g.array(shape))],
            {"axis": axis, "reduction": g.choice(["none", "add", "mul", "min", "max"])}, 1, True)


def pad(g):
    a = g.pick(test=lambda x: x.ndim > 0 and min(x.shape) > 0)
    x = g.values[a]
    mode = g.choice(["constant", "reflect", "edge", "wrap"])
    low = -1 if mode == "constant" else 0
    pads = [g.int(low if d > 2 else 0, d - 1 if mode in ("reflect", "wrap") else 2) for d in x.shape * 2]
    ins = [a, g.ints(pads)]
    if mode == "constant" and g.int(0, 1):
        ins.append(g.add_value(g.array(())))
    return "Pad", ins, {"mode": mode}, 1, True


def tile(g):
    a = g.pick(g.choice([F, I]))
    return "Tile", [a, g.ints([g.int(0, 3) for _ in g.values[a].shape])], {}, 1, True


def expand(g):
    a = g.pick(g.choice([F, I]))
    shape = [d if d != 1 or g.int(0, 1) else g.int(1, 4) for d in g.values[a].shape]
    return "Expand", [a, g.ints([g.int(1, 3)] * g.int(0, 1) + shape, None)], {}, 1, True


def squeeze(g):
    a = g.pick(test=lambda x: 1 in x.shape)
    ones = [i for i, d in enumerate(g.values[a].shape) if d == 1]
    return "Squeeze", [a] + ([g.ints([g.choice(ones)])] if g.int(0, 2) else []), {}, 1, True


def unsqueeze(g):
    a = g.pick(g.choice([F, I]))
    return "Unsqueeze", [a, g.ints([g.axis(g.values[a], 1)])], {}, 1, True


def where(g):
    a = g.pick(g.choice([F, I]))
    return "Where", [g.beside(a, B), a, g.beside(a)], {}, 1, True


def split(g):
    a = g.pick(test=lambda x: x.ndim > 0 and min(x.shape) > 0)
    x = g.values[a]
    axis, n = g.axis(x), g.int(1, 3)
    sizes = [0] * n
    for _ in range(x.shape[axis]):
        sizes[g.int(0, n - 1)] += 1
    return "Split", [a, g.ints(sizes)], {"axis": axis}, n, True


def clip(g):
    low = float(g.int(-8, 0)) / 4
    return "Clip", [g.pick(), g.add_value(np.array(low, F)), g.add_value(np.array(low + g.int(0, 8) / 4, F))], {}, 1, True


def variadic(op, exact):
    def make(g):
        a = g.pick()
        return op, [a] + [g.beside(a) for _ in range(g.int(0, 2))], {}, 1, exact
    return make


def top_k(g):
    a = g.pick(exact=True, test=lambda x: x.ndim > 0 and min(x.shape) > 0)
    x = g.values[a]
    axis = g.axis(x)
    return "TopK", [a, g.ints([g.int(0, x.shape[axis])])], {"axis": axis, "largest": g.int(0, 1), "sorted": 1}, 2, True


def one_hot(g):
    a = g.pick(I)
    return "OneHot", [a, g.ints([g.int(1, 6)]), g.add_value(g.array((2,)))], {"axis": g.axis(g.values[a], 1)}, 1, True


def cast(g):
    a = g.pick(g.choice([F, I, B]), exact=True)
    return "Cast", [a], {"to": g.choice([1, 6, 7, 9, 11, 1])}, 1, True


def cum_sum(g):
    a = g.pick(test=lambda x: x.ndim > 0)
    return ("CumSum", [a, g.add_value(np.array(g.axis(g.values[a]), I))],
            {"exclusive": g.int(0, 1), "reverse": g.int(0, 1)}, 1, True)


def trilu(g):
    a = g.pick(test=lambda x: x.ndim >= 2)
    return "Trilu", [a] + ([g.add_value(np.array(g.int(-3, 3), I))] if g.int(0, 1) else []), {"upper": g.int(0, 1)}, 1, True


def layer_norm(g):
    a = g.pick(test=lambda x: x.ndim > 0 and x.size > 0)
    x = g.values[a]
    axis = g.axis(x)
    return "LayerNormalization", [a, g.add_value(g.array(x.shape[axis:]))], {"axis": axis, "epsilon": 0.01}, 1, False


def batch_norm(g):
    a, _ = image(g)
    c = g.values[a].shape[1]
    ins = [a] + [g.add_value(g.array((c,))) for _ in range(3)] + [g.add_value(np.abs(g.array((c,))) + F.type(0.5))]
    return "BatchNormalization", ins, {}, 1, False


def instance_norm(g):
    a, _ = image(g)
    c = g.values[a].shape[1]
    return "InstanceNormalization", [a, g.add_value(g.array((c,))), g.add_value(g.array((c,)))], {"epsilon": 0.01}, 1, False


def depth_space(op):
    def make(g):
        b = g.int(1, 3)
        shape = (g.int(1, 2), g.int(1, 3) * b * b, g.int(1, 4), g.int(1, 4))
        if op == "SpaceToDepth":
            return op, [g.add_value(g.array((shape[0], 2, shape[2] * b, shape[3] * b)))], {"blocksize": b}, 1, True
        return op, [g.add_value(g.array(shape))], {"blocksize": b, "mode": g.choice(["DCR", "CRD"])}, 1, True
    return make


def einsum(g):
    n, m, k = g.int(1, 4), g.int(1, 5), g.int(1, 5)
    text, a, b = g.choice([("ij,jk->ik", (n, m), (m, k)), ("bij,bjk->bik", (2, n, m), (2, m, k)),
                           ("ij,ij->i", (n, m), (n, m)), ("i,j->ij", (n,), (m,)), ("bij,kj->bik", (2, n, m), (k, m)),
                           ("...ij,...jk->...ik", (2, n, m), (m, k)), ("ij,jk->ki", (n, m), (m, k))])
    return "Einsum", [g.add_value(g.array(a)), g.add_value(g.array(b))], {"equation": text}, 1, True


def resize(g):
    a = g.add_value(g.array((1, g.int(1, 2), g.int(2, 5), g.int(2, 6))))
    x = g.values[a]
    mode = g.choice(["linear", "nearest", "cubic"])
    how = "asymmetric" if mode == "nearest" else g.choice(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
    low = 2 if how == "pytorch_half_pixel" else 1  # the standard: 1 comes from position 0; theirs from -0.5
    sizes = list(x.shape[:2]) + [g.int(low, 9), g.int(low, 9)]
    attrs = {"mode": mode, "coordinate_transformation_mode": how}
    if mode == "nearest":
        attrs["nearest_mode"] = "floor"
    return "Resize", [a, "", "", g.ints(sizes)], attrs, 1, False


def shape_of(g):
    a = g.pick(g.choice([F, I]))
    return "Shape", [a], {"start": g.int(-3, 3), "end": g.int(-3, 4)}, 1, True


def non_zero(g):
    return "NonZero", [g.pick(g.choice([F, I, B]), exact=True, test=lambda x: x.ndim > 0)], {}, 1, True


def mod(g):
    a = g.pick(I)
    b = g.beside(a)
    if not np.all(g.values[b]):
        raise Skip
    return "Mod", [a, b], {}, 1, True


def quantize(g):
    a = g.pick(exact=True)
    return "QuantizeLinear", [a, g.add_value(np.array(0.25, F)), g.add_value(np.array(g.int(0, 9), np.uint8))], {}, 1, True


def number(low, high):
    return lambda g: g.int(low * 4, high * 4) / 4


SMALL = lambda x: x.size == 0 or np.abs(x).max() < 20
POSITIVE = lambda x: x.size == 0 or x.min() > 0.05
INSIDE = lambda x: x.size == 0 or np.abs(x).max() < 0.95

MAKERS = (
    [unary(op, exact=True) for op in ("Abs", "Neg", "Relu", "Identity")]
    + [unary(op) for op in ("Sigmoid", "Tanh", "Erf", "Softsign", "Softplus", "HardSwish", "Mish", "Sin", "Cos", "Atan")]
    + [unary(op, test=SMALL) for op in ("Exp", "Sinh", "Cosh", "Gelu")]
    + [unary(op, test=POSITIVE) for op in ("Log", "Sqrt", "Reciprocal")]
    + [unary(op, test=INSIDE) for op in ("Asin", "Acos", "Atanh")]
    + [unary(op, exact=True, jumps=True) for op in ("Floor", "Ceil", "Round", "Sign")]
    + [unary("LeakyRelu", alpha=number(0, 1)), unary("Elu", alpha=number(0, 2)), unary("Selu"),
       unary("HardSigmoid", alpha=number(0, 1), beta=number(0, 1)), unary("Celu", alpha=number(1, 2)),
       unary("ThresholdedRelu", jumps=True, alpha=number(0, 2)), unary("Shrink", jumps=True, lambd=number(0, 2))]
    + [binary(op, exact=True, dtypes=(F, I)) for op in ("Add", "Sub", "Mul")]
    + [binary("Div", nonzero=True), binary("PRelu"), mod]
    + [binary(op, exact=True, jumps=True, dtypes=(F, I)) for op in ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual")]
    + [binary(op, exact=True, dtypes=(B,)) for op in ("And", "Or", "Xor")]
    + [reduction(op, True) for op in ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceSumSquare")]
    + [reduction(op) for op in ("ReduceMean", "ReduceL2", "ReduceLogSumExp")]
    + [along(op) for op in ("Softmax", "LogSoftmax")]
    + [along("Hardmax", exact=True, jumps=True)]
    + [along(op, exact=True, jumps=True, keepdims=lambda g: g.int(0, 1), select_last_index=lambda g: g.int(0, 1))
       for op in ("ArgMax", "ArgMin")]
    + [variadic("Max", True), variadic("Min", True), variadic("Sum", True), variadic("Mean", False)]
    + [matmul, gemm, conv, conv, conv_transpose, pool("MaxPool"), pool("AveragePool"), global_pool("GlobalMaxPool"),
       global_pool("GlobalAveragePool"), transpose, reshape, flatten, concat, slice_, gather, gather_elements,
       scatter_elements, pad, tile, expand, squeeze, unsqueeze, where, split, clip, top_k, one_hot, cast, cum_sum,
       trilu, layer_norm, batch_norm, instance_norm, depth_space("DepthToSpace"), depth_space("SpaceToDepth"), einsum,
       resize, shape_of, non_zero, quantize])


def is_their_fault(op, attrs, shapes):
    """What onnx.reference gets wrong or takes beyond the standard, so that it proves nothing."""
    rank, pads = len(shapes[0]), attrs.get("pads", [])
    return (op in ("MaxPool", "AveragePool") and (attrs.get("ceil_mode") or "auto_pad" in attrs)
            or op == "MaxPool" and pads[:len(pads) // 2] != pads[len(pads) // 2:]  # takes them in another order
            or op == "ConvTranspose" and rank != 4
            or op == "GlobalMaxPool" and rank != 4  # image axes too few or many
            or op == "Shape" and clamp(attrs["start"], rank) >= clamp(attrs["end"], rank)  # not empty
            # Broadcasts in both directions.
            or op == "PRelu" and np.broadcast_shapes(*shapes) != shapes[0])


def clamp(i, n):
    return min(max(i + n if i < 0 else i, 0), n)


def evaluate(onnx, node, values):
    helper = onnx.helper
    ins = [n for n in dict.fromkeys(node.input) if n]
    infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(values[n].dtype), values[n].shape) for n in ins]
    outs = [helper.make_empty_tensor_value_info(n) for n in node.output]
    model = helper.make_model(helper.make_graph([node], "g", infos, outs),
                              opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    return onnx.reference.ReferenceEvaluator(model).run(None, {n: values[n] for n in ins})


def grow(onnx, g, n_nodes):
    for _ in range(n_nodes * 3):
        if len(g.nodes) >= n_nodes:
            return
        before = (len(g.inputs), len(g.initializers), list(g.values))
        try:
            op, ins, attrs, n_out, keeps = g.choice(MAKERS)(g)
            if is_their_fault(op, attrs, [g.values[n].shape for n in ins if n]):
                raise Skip
            names = [f"n{len(g.nodes)}_{i}" for i in range(n_out)]
            node = onnx.helper.make_node(op, ins, names, **attrs)
            results = [np.asarray(r) for r in evaluate(onnx, node, g.values)]
            for r in results:
                if r.size > 20000 or r.dtype.kind == "f" and not np.all(np.abs(r) < 1e4):
                    raise Skip
        except Exception:  # not computable for onnx.reference, or nothing to pick: another one
            del g.inputs[before[0]:], g.initializers[before[1]:]
            for name in set(g.values) - set(before[2]):
                del g.values[name]
                g.exact.discard(name)
            continue
        is_exact = keeps and all(n in g.exact for n in ins if n)
        for name, r in zip(names, results):
            g.values[name] = r
            if is_exact and (r.dtype.kind != "f" or r.size == 0 or
                             np.abs(r).max() < 4096 and np.all(r * 4096 == np.round(r * 4096))):
                g.exact.add(name)
        g.used.update(ins)
        g.nodes.append(node)


def write(onnx, g, folder):
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    made = [n for node in g.nodes for n in node.output]
    outs = [n for n in made if n not in g.used] + [n for n in made if n in g.used and g.int(0, 2) == 0]
    info = lambda n: helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(g.values[n].dtype), g.values[n].shape)
    inputs = [n for n in g.inputs if n in g.used]
    model = helper.make_model(
        helper.make_graph(g.nodes, "g", [info(n) for n in inputs], [info(n) for n in outs],
                          [numpy_helper.from_array(g.values[n], n) for n in g.initializers if n in g.used]),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    data = os.path.join(folder, "test_data_set_0")
    os.makedirs(data)
    onnx.save(model, os.path.join(folder, "model.onnx"))
    for what, names in (("input", inputs), ("output", outs)):
        for i, n in enumerate(names):
            with open(os.path.join(data, f"{what}_{i}.pb"), "wb") as f:
                f.write(numpy_helper.from_array(g.values[n], n).SerializeToString())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run_nodes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--graphs", type=int, default=200)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--keep")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    try:
        import onnx
        import onnx.reference
    except ImportError as missing:
        print(f"SKIPPED: {missing}; set PX_ONNX_PYTHON to a python that has it")
        return 77
    if onnx.defs.onnx_opset_version() < OPSET:
        print(f"SKIPPED: onnx {onnx.__version__} does not know opset {OPSET}")
        return 77
    start, seed, failed, operators = time.monotonic(), args.seed, 0, {}
    end = args.seed + args.graphs
    while (time.monotonic() - start < args.seconds) if args.seconds else seed < end:
        with tempfile.TemporaryDirectory(prefix="px_graphs_") as folder:
            for seed in range(seed, seed + BATCH if args.seconds else min(seed + BATCH, end)):
                g = Graph(np.random.default_rng(seed))
                grow(onnx, g, g.int(1, 10))
                if g.nodes:
                    write(onnx, g, os.path.join(folder, f"graph_{seed}"))
                for node in g.nodes:
                    operators[node.op_type] = operators.get(node.op_type, 0) + 1
            seed += 1
            done = subprocess.run([args.run_nodes, "--quiet", "--rtol", "2e-3", "--atol", "1e-4", folder],
                                  capture_output=True, text=True)
            if done.returncode:
                failed += 1
                print(done.stdout + done.stderr[-3000:], flush=True)
                if args.keep:
                    subprocess.run(["cp", "-r", folder + "/.", args.keep], check=True)
    print(f"{seed - args.seed} graphs of seeds {args.seed} to {seed - 1}, {sum(operators.values())} nodes of "
          f"{len(operators)} operators, {time.monotonic() - start:.0f} s: "
          + (f"{failed} batches FAILED" if failed else "all equal"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
