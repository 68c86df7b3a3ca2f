#!/usr/bin/env python3
"""Outputs that are no tensors: what ONNX Runtime and the interpreter give must have the same names
and values, and the names must be those that are promised.

POLYGRAPHY_BIN is the program; 77 means skipped.
"""

import json
import os
import subprocess
import sys
import tempfile


def models(onnx):
    h, t = onnx.helper, onnx.TensorProto
    floats = h.make_tensor_type_proto(t.FLOAT, [2])
    x = h.make_tensor_value_info("x", t.FLOAT, [2])

    def model(nodes, outputs, inputs=(x,), constants=()):
        graph = h.make_graph(nodes, "values", list(inputs), outputs, list(constants))
        return h.make_model(graph, ir_version=8,
                            opset_imports=[h.make_opsetid("", 16), h.make_opsetid("ai.onnx.ml", 1)])

    def value(name, type_proto):
        return h.make_value_info(name, type_proto)

    sequence = h.make_sequence_type_proto(floats)
    yield ("sequence", model([h.make_node("SequenceConstruct", ["x", "x", "x"], ["s"])], [value("s", sequence)]),
           ["s.length", "s[0]", "s[1]", "s[2]"])
    yield ("empty sequence", model([h.make_node("SequenceEmpty", [], ["s"], dtype=t.FLOAT),
                                    h.make_node("Identity", ["x"], ["y"])],
                                   [value("s", sequence), value("y", floats)]), ["s.length", "y"])
    yield ("strings", model([h.make_node("Constant", [], ["c"], value_strings=["a", "bc"]),
                             h.make_node("SequenceConstruct", ["c"], ["s"]), h.make_node("Identity", ["x"], ["y"])],
                            [value("s", h.make_sequence_type_proto(h.make_tensor_type_proto(t.STRING, [2]))),
                             value("y", floats)]), ["s.length", "s[0]", "y"])
    optional = h.make_optional_type_proto(floats)
    yield ("optional", model([h.make_node("Optional", ["x"], ["o"])], [value("o", optional)]), ["o.has_value", "o"])
    yield ("empty optional", model([h.make_node("Optional", [], ["o"], type=floats),
                                    h.make_node("Identity", ["x"], ["y"])],
                                   [value("o", optional), value("y", floats)]), ["o.has_value", "y"])
    yield ("optional sequence",
           model([h.make_node("SequenceConstruct", ["x"], ["s"]), h.make_node("Optional", ["s"], ["o"])],
                 [value("o", h.make_optional_type_proto(sequence))]), ["o.has_value", "o.length", "o[0]"])
    rows = h.make_tensor_value_info("rows", t.FLOAT, [2, 3])
    for name, key, labels in (("strings", t.STRING, {"classlabels_strings": ["b", "c", "a"]}),
                              ("ints", t.INT64, {"classlabels_int64s": [7, -1, 3]})):
        maps = h.make_sequence_type_proto(h.make_map_type_proto(key, h.make_tensor_type_proto(t.FLOAT, [])))
        yield (f"map of {name}", model([h.make_node("ZipMap", ["rows"], ["m"], domain="ai.onnx.ml", **labels)],
                                       [value("m", maps)], [rows]),
               ["m.length", "m[0].keys", "m[0].values", "m[1].keys", "m[1].values"])


def check_fed_map(onnx):
    """The reference's own tool ends such a model with a ValueError of numpy; both runners here say what to do."""
    h, t = onnx.helper, onnx.TensorProto
    n_bad = 0
    given = h.make_map_type_proto(t.STRING, h.make_tensor_type_proto(t.FLOAT, []))
    for op, attrs in (("DictVectorizer", {"string_vocabulary": ["a", "b"]}), ("CastMap", {"cast_to": "TO_FLOAT"})):
        node = h.make_node(op, ["d"], ["y"], domain="ai.onnx.ml", **attrs)
        key = given if op == "DictVectorizer" else h.make_map_type_proto(t.INT64, h.make_tensor_type_proto(t.FLOAT, []))
        model = h.make_model(h.make_graph([node], "fed", [h.make_value_info("d", key)],
                                          [h.make_tensor_value_info("y", t.FLOAT, None)]), ir_version=8,
                             opset_imports=[h.make_opsetid("", 16), h.make_opsetid("ai.onnx.ml", 1)])
        for runner in "--pluginref", "--onnxrt":
            with tempfile.TemporaryDirectory() as work:
                path = os.path.join(work, "m.onnx")
                onnx.save(model, path)
                done = subprocess.run([os.environ["POLYGRAPHY_BIN"], "run", path, runner], capture_output=True,
                                      text=True, timeout=60, check=False)
            text = done.stdout + done.stderr
            if "POLYGRAPHY_ONNXRT_LIB" in text:
                continue
            ok = done.returncode == 1 and "The input 'd' is a map" in text and "in its place" in text
            n_bad += not ok
            print(f"{'ok' if ok else 'WRONG'}: {runner} refuses {op}")
            if not ok:
                print(text[-3000:])
    return n_bad


def main():
    try:
        import onnx
    except ImportError as missing:
        print(f"SKIPPED: {missing}; set PX_ONNX_PYTHON to a python that has it")
        return 77
    n_bad = check_fed_map(onnx)
    for title, model, names in models(onnx):
        with tempfile.TemporaryDirectory() as work:
            path, saved = os.path.join(work, "m.onnx"), os.path.join(work, "o.json")
            onnx.save(model, path)
            done = subprocess.run([os.environ["POLYGRAPHY_BIN"], "run", path, "--onnxrt", "--pluginref",
                                   "--save-outputs", saved], capture_output=True, text=True, timeout=60, check=False)
            text = done.stdout + done.stderr
            if "POLYGRAPHY_ONNXRT_LIB" in text:
                print("SKIPPED: ONNX Runtime is not installed")
                return 77
            ok = done.returncode == 0
            if ok:
                with open(saved, encoding="utf-8") as f:
                    runs = json.load(f)["lst"]
                given = [list(run[1][0]["outputs"]) for run in runs]
                ok = all(g == names for g in given)
        n_bad += not ok
        print(f"{'ok' if ok else 'WRONG'}: {title}")
        if not ok:
            print(text[-3000:], given if done.returncode == 0 else "")
    return 1 if n_bad else 0


if __name__ == "__main__":
    sys.exit(main())
