#!/usr/bin/env python3
"""mkmodels.py - makes the small ONNX models of tests/data/models, and of tests/data/endless.

    mkmodels.py FOLDER

Needs the `onnx` and `numpy` packages. The same versions give the same bytes: nothing here is
random. The results are committed; run it again only to add a model or change one.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

F = T.FLOAT
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)


def info(name, dtype, shape):
    return h.make_tensor_value_info(name, dtype, shape)


def save(name, graph, opset=13, ir=8, check=True, **kwargs):
    opsets = [h.make_opsetid("", opset)] + kwargs.pop("opsets", [])
    model = h.make_model(graph, opset_imports=opsets, **kwargs)
    model.ir_version = ir
    if check:
        onnx.checker.check_model(model)
    (folder / name).write_bytes(model.SerializeToString(deterministic=True))
    return model


def graph(nodes, name, inputs, outputs, *args, **kwargs):
    return h.make_graph(nodes, name, inputs, outputs, *args, **kwargs)


def transcripts():
    """The models behind the recorded transcripts."""
    node = h.make_node
    save("identity.onnx", graph([node("Identity", ["x"], ["y"], name="id0")], "identity",
                                [info("x", F, [1, 1, 2, 2])], [info("y", F, [1, 1, 2, 2])]))
    weights = np.arange(12, dtype=np.float32).reshape(3, 4) / 10
    save("dyn.onnx", graph([node("MatMul", ["x", "W"], ["h"], name="mm"),
                            node("Relu", ["h"], ["r"], name="relu"),
                            node("Add", ["r", "B"], ["out"], name="add")], "dyn",
                           [info("x", F, ["N", 3])], [info("out", F, ["N", 4])],
                           [nh.from_array(weights, "W"), nh.from_array(np.ones(4, np.float32), "B")]))
    types = [("f", F), ("d", T.DOUBLE), ("h", T.FLOAT16), ("i32", T.INT32), ("i64", T.INT64),
             ("u8", T.UINT8), ("i8", T.INT8), ("b", T.BOOL), ("u16", T.UINT16), ("i16", T.INT16),
             ("u32", T.UINT32), ("u64", T.UINT64)]
    save("multi.onnx", graph([node("Identity", [n], [n + "_o"]) for n, _ in types], "multi",
                             [info(n, t, [2, 3]) for n, t in types],
                             [info(n + "_o", t, [2, 3]) for n, t in types]), opset=16)
    save("nan.onnx", graph([node("Sub", ["x", "c"], ["s"]), node("Log", ["s"], ["nan_out"]),
                            node("Div", ["x", "z"], ["inf_out"])], "nan", [info("x", F, [4])],
                           [info("nan_out", F, [4]), info("inf_out", F, [4])],
                           [nh.from_array(np.float32(0.5), "c"), nh.from_array(np.float32(0), "z")]))
    save("scalar.onnx", graph([node("Mul", ["x", "s"], ["y"]),
                               node("ReduceSum", ["y"], ["z"], keepdims=0)], "scal",
                              [info("x", F, [2, 2]), info("s", F, [])],
                              [info("y", F, [2, 2]), info("z", F, [])]))
    save("reshape.onnx", graph([node("Reshape", ["data", "shape"], ["reshaped"])], "rs",
                               [info("data", F, [2, 6]), info("shape", T.INT64, [2])],
                               [info("reshaped", F, ["a", "b"])]))
    save("colon.onnx", graph([node("Identity", ["in:0"], ["out:0"])], "colon",
                             [info("in:0", F, ["B", 2])], [info("out:0", F, ["B", 2])]))
    save("rand.onnx", graph([node("RandomNormalLike", ["x"], ["n"], seed=1.0),
                             node("Add", ["x", "n"], ["y"])], "rnd", [info("x", F, [2, 3])],
                            [info("y", F, [2, 3])]))
    save("big.onnx", graph([node("Identity", ["x"], ["y"])], "big", [info("x", F, [1, 3, 16, 16])],
                           [info("y", F, [1, 3, 16, 16])]))
    save("string.onnx", graph([node("Identity", ["x"], ["y"])], "st", [info("x", T.STRING, [2])],
                              [info("y", T.STRING, [2])]), opset=16)
    save("bf16out.onnx", graph([node("Cast", ["x"], ["y"], to=T.BFLOAT16)], "bf",
                               [info("x", F, [4])], [info("y", T.BFLOAT16, [4])]), opset=16)
    save("bf16in.onnx", graph([node("Cast", ["x"], ["y"], to=F)], "bf",
                              [info("x", T.BFLOAT16, [4])], [info("y", F, [4])]), opset=16)
    save("two.onnx", graph([node("Add", ["image", "other_input"], ["sum"])], "two",
                           [info("image", F, ["b", "c"]), info("other_input", F, [None, "c"])],
                           [info("sum", F, ["r", "c"])]))
    save("id210.onnx", graph([node("Identity", ["x"], ["y"])], "id5", [info("x", F, [2, 10])],
                             [info("y", F, [2, 10])]))
    return weights_graph()


def weights_graph():
    big = np.arange(1024, dtype=np.float32).reshape(32, 32)
    g = graph([h.make_node("MatMul", ["x", "Wbig"], ["y"]), h.make_node("Add", ["y", "bs"], ["z"])],
              "w", [info("x", F, [1, 32])], [info("z", F, [1, 32])],
              [nh.from_array(big, "Wbig"), nh.from_array(np.ones(32, np.float32), "bs")])
    return save("weights.onnx", g)


def external(model):
    """One shared file with a hole, and one file per tensor; the small one stays inside."""
    one = onnx.ModelProto.FromString(model.SerializeToString())
    data = one.graph.initializer[0].raw_data
    (folder / "external.bin").write_bytes(b"\xee" * 48 + data)

    def point(tensor, **entries):
        tensor.ClearField("raw_data")
        tensor.data_location = T.EXTERNAL
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=str(value))

    point(one.graph.initializer[0], location="external.bin", offset=48, length=len(data))
    (folder / "external.onnx").write_bytes(one.SerializeToString(deterministic=True))

    def refused(name, location, **more):
        bad = onnx.ModelProto.FromString(model.SerializeToString())
        point(bad.graph.initializer[0], location=location, **more)
        (folder / name).write_bytes(bad.SerializeToString(deterministic=True))

    refused("external_absolute.onnx", "/etc/passwd", offset=0)
    refused("external_parent.onnx", "sub/../../external.bin", offset=0)
    refused("external_short.onnx", "external.bin", offset=100, length=len(data))
    refused("external_missing.onnx", "no such file.bin")
    refused("external_offset.onnx", "external.bin", offset="4x")


FLOATS = [0.0, -1.5, 3.25, 0.4375, -2.0, 6.0]
INTS = [0, 1, 2, 3, 1, 0]


def every_dtype():
    """Each element type twice: in its typed field (`t_`) and as raw data (`r_`)."""
    tensors = []
    for name, number in sorted(T.DataType.items(), key=lambda kv: kv[1]):
        if name in ("UNDEFINED", "STRING") or number > T.INT2:
            continue
        floats = "FLOAT" in name or name in ("DOUBLE",) or "COMPLEX" in name
        values = FLOATS if floats else [v % 2 for v in INTS] if name in ("BOOL", "INT2") else INTS
        if name == "FLOAT8E8M0":
            values = [1.0, 2.0, 0.5, 4.0, 1.0, 8.0]
        dims = [5] if name in ("UINT4", "INT4", "FLOAT4E2M1", "UINT2", "INT2") else [2, 3]
        values = values[:5] if dims == [5] else values
        array = np.array(values, dtype=h.tensor_dtype_to_np_dtype(number)).reshape(dims)
        tensors.append(h.make_tensor("t_" + name.lower(), number, dims, array.flatten()))
        raw = nh.from_array(array, "r_" + name.lower())
        assert raw.data_type == number and raw.HasField("raw_data"), name
        tensors.append(raw)
    tensors.append(h.make_tensor("t_string", T.STRING, [2, 2], [b"", b"a", "Größe".encode(), b"\0x"]))
    tensors.append(h.make_tensor("empty", F, [0, 3], []))
    tensors.append(h.make_tensor("scalar", T.INT64, [], [-7]))
    tensors.append(h.make_tensor("negative", T.INT32, [3], [-1, -2147483648, 2147483647]))
    tensors.append(h.make_tensor("negative_small", T.INT8, [3], [-1, -128, 127]))
    save("dtypes.onnx", graph([h.make_node("Identity", ["x"], ["y"])], "dtypes",
                              [info("x", F, [1])], [info("y", F, [1])], tensors),
         opset=25, ir=13, check=False)


def varint(value):
    out = bytearray()
    while True:
        out.append((value & 0x7F) | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def unusual():
    """Legal protobuf that writers rarely make: unpacked and mixed lists, joined parts, unknown
    fields, scalars given twice."""
    import struct

    tensor = (b"".join(varint(1 << 3) + varint(d) for d in (2, 2)) + b"\x10\x01"
              + varint(4 << 3 | 5) + struct.pack("<f", 1.0)
              + field(4, struct.pack("<2f", 2.0, 3.0))
              + varint(4 << 3 | 5) + struct.pack("<f", 4.0) + field(8, b"mixed"))
    dims = field(1, varint(2) + varint(2)) + b"\x10\x07" + varint(7 << 3) + varint(5) + field(
        7, b"".join(varint(v & (2**64 - 1)) for v in (-1, 6, -(2**63)))) + field(8, b"packed_dims")
    node = field(1, b"x") + field(2, b"y") + field(4, b"Relu") + field(4, b"Identity")
    unknown = varint(1000 << 3) + varint(5) + field(1001, b"kept") + varint(1002 << 3 | 1) + b"8 bytes!"
    x = info("x", F, [2]).SerializeToString()
    y = info("y", F, [2]).SerializeToString()
    part1 = field(1, node) + field(2, b"first") + field(5, tensor) + unknown
    part2 = field(2, b"joined") + field(5, dims) + field(11, x) + field(12, y)
    opset = field(8, varint(2 << 3) + varint(13))
    model = b"\x08\x07\x08\x08" + field(7, part1) + opset + unknown + field(7, part2)
    onnx.checker.check_model(onnx.ModelProto.FromString(model))
    (folder / "unusual.onnx").write_bytes(model)


def structures():
    node = h.make_node
    # Subgraphs, two deep, with a value of the outer graph inside.
    inner = graph([node("Constant", [], ["one"], value=nh.from_array(np.float32([1]), "one_value")),
                   node("Add", ["x", "one"], ["inner_out"])], "inner", [], [info("inner_out", F, [2])])
    other = graph([node("Identity", ["x"], ["other_out"])], "other", [], [info("other_out", F, [2])])
    middle = graph([node("If", ["c"], ["middle_out"], then_branch=inner, else_branch=other)],
                   "middle", [], [info("middle_out", F, [2])])
    plain = graph([node("Neg", ["x"], ["neg"])], "plain", [], [info("neg", F, [2])])
    save("subgraphs.onnx", graph([node("If", ["c"], ["y"], then_branch=middle, else_branch=plain)],
                                 "subgraphs", [info("x", F, [2]), info("c", T.BOOL, [])],
                                 [info("y", F, [2])]))
    body = graph([node("Identity", ["cond_in"], ["cond_out"]), node("Add", ["v", "v"], ["w"]),
                  node("Identity", ["w"], ["scan"])], "body",
                 [info("i", T.INT64, []), info("cond_in", T.BOOL, []), info("v", F, [2])],
                 [info("cond_out", T.BOOL, []), info("w", F, [2]), info("scan", F, [2])])
    save("loop.onnx", graph([node("Loop", ["n", "", "x"], ["last", "all"], body=body)], "loop",
                            [info("n", T.INT64, []), info("x", F, [2])],
                            [info("last", F, [2]), info("all", F, [None, 2])]))
    # A function with an attribute, its default and a reference to it.
    relu = node("LeakyRelu", ["a"], ["t"])
    ref = relu.attribute.add(name="alpha", type=onnx.AttributeProto.FLOAT)
    ref.ref_attr_name = "slope"
    function = h.make_function("local", "Twice", ["a"], ["b"],
                               [relu, node("Add", ["t", "t"], ["b"])],
                               [h.make_opsetid("", 18)], ["scale"],
                               [h.make_attribute("slope", 0.25)])
    save("function.onnx", graph([node("Twice", ["x"], ["y"], domain="local", scale=2)], "function",
                                [info("x", F, ["n"])], [info("y", F, ["n"])]),
         opset=18, ir=9, opsets=[h.make_opsetid("local", 1)], functions=[function])
    # Sparse: as an initializer and as an attribute.
    values = h.make_tensor("sp", F, [3], [1.0, 2.0, 3.0])
    indices = h.make_tensor("sp_idx", T.INT64, [3], [1, 4, 8])
    sparse = h.make_sparse_tensor(values, indices, [3, 3])
    unnamed = h.make_sparse_tensor(h.make_tensor("", F, [1], [5.0]),
                                   h.make_tensor("", T.INT64, [1, 2], [0, 1]), [2, 2])
    save("sparse.onnx", graph([node("Constant", [], ["k"], sparse_value=unnamed),
                               node("Add", ["x", "sp"], ["y"])], "sparse",
                              [info("x", F, [3, 3]), info("sp", F, [3, 3])], [info("y", F, [3, 3])],
                              sparse_initializer=[sparse]))
    # Every kind of type and of attribute.
    sequence = h.make_tensor_sequence_value_info("s", F, ["n", 2])
    optional = h.make_value_info("o", h.make_optional_type_proto(h.make_tensor_type_proto(T.INT64, [1])))
    mapping = h.make_value_info("m", h.make_map_type_proto(T.STRING, h.make_tensor_type_proto(F, None)))
    sparse_type = h.make_value_info("sp", h.make_sparse_tensor_type_proto(F, [2, None]))
    opaque = onnx.ValueInfoProto(name="q")
    opaque.type.opaque_type.domain = "d"
    untyped = onnx.ValueInfoProto(name="u")
    attrs = node("Everything", ["s", "", "o"], ["m"], name="n0", domain="custom", overload="v2",
                 doc_string="kept")
    attrs.attribute.extend([
        h.make_attribute("f", 1.5), h.make_attribute("i", -3), h.make_attribute("s", b"by\0tes"),
        h.make_attribute("t", nh.from_array(np.int16([1, 2]), "tt")), h.make_attribute("g", plain),
        h.make_attribute("fs", [0.5, -0.5]), h.make_attribute("is", [1, -(2**63), 2**63 - 1]),
        h.make_attribute("ss", ["a", "", "ü"]),
        h.make_attribute("ts", [nh.from_array(np.float64([1]), "a"), nh.from_array(np.bool_([True]), "b")]),
        h.make_attribute("gs", [inner, other]), h.make_attribute("sp", sparse),
        h.make_attribute("sps", [sparse, unnamed]),
        h.make_attribute("tp", h.make_tensor_type_proto(F, ["a", 3])),
        h.make_attribute("tps", [h.make_tensor_type_proto(F, []),
                                 h.make_sequence_type_proto(h.make_tensor_type_proto(T.INT8, None))]),
    ])
    attrs.attribute.add(name="old_style", f=2.5)  # files of IR version 1 leave the type out
    attrs.attribute.add(name="empty_ints", type=onnx.AttributeProto.INTS)
    attrs.metadata_props.add(key="k", value="v")
    g = graph([attrs], "everything", [sequence, optional, sparse_type, opaque],
              [mapping, untyped], value_info=[info("v", F, None)], doc_string="graph text")
    g.metadata_props.add(key="gk", value="gv")
    g.quantization_annotation.add(tensor_name="v").quant_parameter_tensor_names.add(key="a", value="b")
    save("everything.onnx", g, opset=22, ir=11, check=False, opsets=[h.make_opsetid("custom", 7)],
         producer_name="mkmodels", producer_version="1.0", doc_string="model text")


def endless():
    """Loops that only their condition could end, and it stays true: in a folder beside, because tests run
    all that is in this one."""
    def loop(name, nodes, carried, scans=()):
        body = graph([h.make_node("Identity", ["go"], ["on"])] + nodes, "body",
                     [info("i", T.INT64, []), info("go", T.BOOL, []), info("v", F, carried)],
                     [info("on", T.BOOL, []), info("w", F, carried)] + [info(s, F, []) for s in scans])
        save(name, graph([h.make_node("Loop", ["", "yes", "x"], ["y"] + [f"{s}_all" for s in scans],
                                      name="loop", body=body)], "endless", [info("x", F, [2])],
                         [info("y", F, carried)] + [info(f"{s}_all", F, ["n"]) for s in scans],
                         [h.make_tensor("yes", T.BOOL, [], [True])]), opset=16)
    keep = h.make_node("Identity", ["v"], ["w"])
    (folder.parent / "endless").mkdir(exist_ok=True)
    loop("../endless/kept.onnx", [keep], [2])
    loop("../endless/state.onnx", [h.make_node("Concat", ["v", "v"], ["w"], axis=0)], ["n"])
    loop("../endless/scan.onnx", [keep, h.make_node("ReduceSum", ["v"], ["s"], keepdims=0)], [2], ["s"])


def outputs():
    """Several branches, a Constant, a node without a known output type, an unused output."""
    node = h.make_node
    g = graph([node("Constant", [], ["k"], value=nh.from_array(np.float32([2]), "k")),
               node("Mul", ["x", "k"], ["layer_a"], name="first"),
               node("Split", ["layer_a"], ["half_0", "half_1"], name="split", axis=1),
               node("Relu", ["half_0"], ["layer_b"]), node("Sigmoid", ["half_1"], ["layer_c"]),
               node("Dropout", ["layer_b"], ["kept", ""]),
               node("Concat", ["kept", "layer_c"], ["y"], axis=1)], "branches",
              [info("x", F, [1, 4]), info("w", F, [1])], [info("y", F, [1, 4])],
              [nh.from_array(np.float32([1]), "w")], value_info=[info("layer_b", F, [1, 2])])
    save("branches.onnx", g, ir=4)


def precision():
    """What a change of precision must survive: values beyond float16, subgraphs, casts, shapes."""
    node = h.make_node
    wide = np.float32([1e6, -1e6, 1e-9, -1e-9, 0, 1, np.inf, np.nan])
    body = graph([node("Constant", [], ["kb"], value=nh.from_array(np.float32([0.5]), "kb")),
                  node("Mul", ["h", "kb"], ["t_out"])], "then", [], [info("t_out", F, [8])])
    other = graph([node("Identity", ["h"], ["e_out"])], "else", [], [info("e_out", F, [8])])
    g = graph([node("Add", ["x", "wide"], ["h"], name="add"),
               node("If", ["c"], ["b"], name="branch", then_branch=body, else_branch=other),
               node("Cast", ["i"], ["fi"], name="cast", to=F),
               node("Add", ["b", "fi"], ["sum"], name="sum"),
               node("Resize", ["image", "", "scales"], ["large"], name="resize", mode="nearest"),
               node("ReduceSum", ["large"], ["reduced"], name="reduce", keepdims=0),
               node("Add", ["sum", "reduced"], ["y"], name="last")], "precision",
              [info("x", F, [8]), info("c", T.BOOL, []), info("i", T.INT32, [8]),
               info("image", F, [1, 1, 2, 2])],
              [info("y", F, [8]), info("large", F, [1, 1, 4, 4])],
              [nh.from_array(wide, "wide"), nh.from_array(np.float32([1, 1, 2, 2]), "scales")],
              value_info=[info("h", F, [8])])
    save("precision.onnx", g)


external(transcripts())
every_dtype()
unusual()
structures()
endless()
outputs()
precision()
