#!/usr/bin/env python3
"""test_onnx_read.py DUMP FOLDER... - our reading of every ONNX model below the folders must be the
onnx package's own. DUMP is the onnx_dump program; each fact of a model is one line of text and all
lines must be equal. Exit status 77: skipped.
"""
import pathlib
import subprocess
import sys
import zlib

try:
    import numpy as np
    import onnx
    from onnx import AttributeProto as A
    from onnx import TensorProto as T
    from onnx import numpy_helper
except ImportError as error:
    print(f"SKIP: {error}")
    sys.exit(77)

DTYPES = 27  # numbers from here on have no name in the library
PACKED = {T.UINT4: 4, T.INT4: 4, T.FLOAT4E2M1: 4, T.UINT2: 2, T.INT2: 2}
# Models that must be refused, and why is in their names.
REFUSED = {"external_offset.onnx"}
UNREADABLE = {"external_absolute.onnx", "external_parent.onnx", "external_short.onnx",
              "external_missing.onnx"}


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return '"' + "".join(chr(b) if 0x20 < b < 0x7F and b not in b'\\"' else f"\\x{b:02x}"
                         for b in data) + '"'


def bits(value):
    return f" {np.float32(value).view(np.uint32):08x}"


def dtype(number):
    return number if 0 <= number < DTYPES else 0


def type_text(t):
    kind = t.WhichOneof("value")
    if kind is None:
        return "none()"
    if kind in ("tensor_type", "sparse_tensor_type"):
        inner = getattr(t, kind)
        out = f"{kind.split('_')[0]}({dtype(inner.elem_type)}"
        if inner.HasField("shape"):
            out += f",{len(inner.shape.dim)}"
            for d in inner.shape.dim:
                which = d.WhichOneof("value")
                out += f",{max(d.dim_value, -1) if which == 'dim_value' else -1}{text(d.dim_param)}"
        return out + ")"
    if kind in ("sequence_type", "optional_type"):
        return f"{kind.split('_')[0]}({type_text(getattr(t, kind).elem_type)})"
    if kind == "map_type":
        return f"map({dtype(t.map_type.key_type)},{type_text(t.map_type.value_type)})"
    return "opaque()"


def elements(t, folder):
    if t.data_type == T.STRING:
        return b"".join(s + b"\0" for s in t.string_data)
    array = numpy_helper.to_array(t, str(folder))
    width = PACKED.get(t.data_type)
    if width is None:
        return array.tobytes()
    per_byte = 8 // width
    codes = array.flatten().view(np.uint8) & (2**width - 1)
    codes = np.pad(codes, (0, -len(codes) % per_byte)).reshape(-1, per_byte)
    return bytes(sum(int(c) << (width * i) for i, c in enumerate(row)) for row in codes)


class Dump:
    def __init__(self, folder, unreadable):
        self.lines, self.folder, self.unreadable = [], folder, unreadable

    def put(self, depth, line):
        self.lines.append("  " * depth + line)

    def tensor(self, depth, t):
        head = f"tensor {text(t.name)} {t.data_type} [{','.join(map(str, t.dims))}]"
        if self.unreadable and t.data_location == T.EXTERNAL:
            return self.put(depth, f"{head} unreadable")
        data = elements(t, self.folder)
        self.put(depth, f"{head} {len(data)} {zlib.crc32(data):08x}")

    def sparse(self, depth, s):
        self.put(depth, f"sparse [{','.join(map(str, s.dims))}]")
        self.tensor(depth + 1, s.values)
        self.tensor(depth + 1, s.indices)

    def attr(self, depth, a):
        kind = a.type
        fields = [("f", 1), ("i", 2), ("s", 3), ("t", 4), ("g", 5), ("floats", 6)]
        if kind == A.UNDEFINED:
            kind = next((k for n, k in fields[:5] if a.HasField(n)), 6 if a.floats else 0)
        line = f"attr {text(a.name)} {kind}"
        if a.ref_attr_name:
            return self.put(depth, f"{line} ref {text(a.ref_attr_name)}")
        line += {A.FLOAT: lambda: bits(a.f), A.INT: lambda: f" {a.i}",
                 A.STRING: lambda: " " + text(a.s),
                 A.FLOATS: lambda: "".join(map(bits, a.floats)),
                 A.INTS: lambda: "".join(f" {i}" for i in a.ints),
                 A.STRINGS: lambda: "".join(" " + text(s) for s in a.strings),
                 A.TYPE_PROTO: lambda: " " + type_text(a.tp),
                 A.TYPE_PROTOS: lambda: "".join(" " + type_text(t) for t in a.type_protos),
                 }.get(kind, str)()
        self.put(depth, line)
        for wanted, each, items in ((A.TENSOR, self.tensor, [a.t]), (A.TENSORS, self.tensor, a.tensors),
                                    (A.SPARSE_TENSOR, self.sparse, [a.sparse_tensor]),
                                    (A.SPARSE_TENSORS, self.sparse, a.sparse_tensors),
                                    (A.GRAPH, self.graph, [a.g]), (A.GRAPHS, self.graph, a.graphs)):
            if kind == wanted:
                for item in items:
                    each(depth + 1, item)

    def node(self, depth, n):
        self.put(depth, f"node {text(n.name)} {text(n.op_type)} {text(n.domain)} {text(n.overload)}")
        for s in n.input:
            self.put(depth + 1, "in " + text(s))
        for s in n.output:
            self.put(depth + 1, "out " + text(s))
        for a in n.attribute:
            self.attr(depth + 1, a)

    def values(self, depth, word, values):
        for v in values:
            self.put(depth, f"{word} {text(v.name)} {type_text(v.type)}")

    def graph(self, depth, g):
        self.put(depth, "graph " + text(g.name))
        self.values(depth + 1, "input", g.input)
        self.values(depth + 1, "output", g.output)
        self.values(depth + 1, "value", g.value_info)
        for t in g.initializer:
            self.tensor(depth + 1, t)
        for s in g.sparse_initializer:
            self.sparse(depth + 1, s)
        for n in g.node:
            self.node(depth + 1, n)

    def opsets(self, depth, opsets):
        for o in opsets:
            self.put(depth, f"opset {text(o.domain)} {o.version}")

    def model(self, m):
        self.put(0, f"model {m.ir_version} {text(m.producer_name)} {text(m.producer_version)}")
        self.opsets(1, m.opset_import)
        self.graph(1, m.graph)
        for f in m.functions:
            self.put(1, f"function {text(f.domain)} {text(f.name)} {text(f.overload)}")
            for word, items in (("in", f.input), ("out", f.output), ("attr_name", f.attribute)):
                for s in items:
                    self.put(2, f"{word} {text(s)}")
            for a in f.attribute_proto:
                self.attr(2, a)
            self.opsets(2, f.opset_import)
            self.values(2, "value", f.value_info)
            for n in f.node:
                self.node(2, n)


def expected(path):
    if path.name in REFUSED:
        return ["error"]
    dump = Dump(path.parent, path.name in UNREADABLE)
    dump.model(onnx.load(path, load_external_data=False))
    return dump.lines


def main():
    program, folders = sys.argv[1], [f for f in sys.argv[2:] if f]
    paths = sorted(p for f in folders for p in pathlib.Path(f).rglob("*.onnx"))
    if not paths:
        print("SKIP: no models below", folders)
        return 77
    run = subprocess.run([program], input="\n".join(map(str, paths)), capture_output=True, text=True)
    if run.returncode:
        print(f"{program} ended with status {run.returncode}\n{run.stderr}")
        return 1
    sections = dict((s.split("\n", 1)[0], s.split("\n")[1:-1])
                    for s in ("\n" + run.stdout).split("\nfile ")[1:] for s in [s + "\n"])
    bad = 0
    for path in paths:
        want, got = expected(path), [l for l in sections[str(path)] if l]
        if want != got:
            bad += 1
            n = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b), min(len(want), len(got)))
            print(f"{path}: line {n + 1}\n  onnx: {want[n:n + 1]}\n  ours: {got[n:n + 1]}")
    print(f"{len(paths) - bad} of {len(paths)} models are read as the onnx package reads them")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
