#!/usr/bin/env python3
"""Writes src/backend/trt/calls.h and tables.c from src/backend/trt/abi.json.

calls.h: an enumerator per virtual function, and a typed inline call for each that TensorRT
implements. tables.c: slots and enumerators with the range of versions each holds for.
  mktrtabi.py           write both
  mktrtabi.py --check   exit 1 when they are not what would be written
"""
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent.parent / "src/backend/trt"
FACTS = json.loads((HERE / "abi.json").read_text())
RTX = "rtx-1.7.1"

PREFIX = {
    "IBuilder": "builder", "IBuilderConfig": "config", "INetworkDefinition": "network",
    "ITensor": "tensor", "ILayer": "layer", "IAttention": "attention",
    "IAttentionBoundaryLayer": "attention_boundary", "IOptimizationProfile": "profile",
    "IHostMemory": "memory", "ITimingCache": "timing_cache", "IRuntime": "runtime",
    "ICudaEngine": "engine", "IExecutionContext": "exec", "IEngineInspector": "inspector",
    "IAlgorithm": "algorithm", "IAlgorithmContext": "algorithm_context",
    "IAlgorithmVariant": "algorithm_variant", "IAlgorithmIOInfo": "algorithm_io",
    "IParser": "parser", "IParserError": "parser_error", "ICaffeParser": "caffe_parser",
    "IBlobNameToTensor": "blob_map", "IUffParser": "uff_parser", "ILogger": "logger",
    "IOutputAllocator": "output_allocator", "IDebugListener": "debug_listener",
    "IProgressMonitor": "progress_monitor",
    "IInt8Calibrator": "calibrator", "IInt8LegacyCalibrator": "legacy_calibrator",
    "IAlgorithmSelector": "selector",
}
SCALARS = {"i32": "int32_t", "i64": "int64_t", "u32": "uint32_t", "u64": "uint64_t",
           "f32": "float", "f64": "double", "bool": "bool", "cstr": "const char *",
           "void": "void"}


def snake(name):
    name = name.replace("~", "destroy_").replace("IO", "Io").replace("API", "Api")
    name = name.replace("DLA", "Dla").replace("MSec", "Msec")
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def number(version):
    parts = [int(p) for p in version.split(".")] + [0]
    return parts[0] * 10000 + parts[1] * 100 + parts[2]


VERSIONS = [v for v in FACTS["versions"] if v != RTX]


def last_of(version):
    """The newest release that a range up to `version` covers: all before the next listed one."""
    i = VERSIONS.index(version)
    if i + 1 == len(VERSIONS):
        return number(version) // 10000 * 10000 + 9999
    here, following = number(version), number(VERSIONS[i + 1])
    if here // 10000 != following // 10000:
        return here // 10000 * 10000 + 9999
    return following - 1


def ranges(table):
    """[(from, to, value)] and the value in TensorRT-RTX or -1."""
    rows = []
    for key, value in table.items():
        if key == RTX:
            continue
        first, _, last = key.partition("..")
        rows.append((number(first), last_of(last or first), value))
    return rows, table.get(RTX, -1)


def split_abi(abi):
    """Return type and parameter types of the newest signature, and the one of 8.x."""
    texts = [abi] if isinstance(abi, str) else list(abi.values())
    parsed = []
    for text in texts:
        head, _, args = text.rpartition("(")
        head = head.replace(" via hidden first pointer", "").strip()
        args = args.rstrip(")").strip()
        parsed.append((head, [a.strip() for a in args.split(",")] if args else []))
    return parsed[-1], parsed[0]


def c_type(text):
    word = text.split()[0].split(":")[0]
    if word in SCALARS:
        return SCALARS[word]
    if word in ("Dims32", "Dims64"):
        return "px_trt_dims"
    if word == "Dims*":
        return "const px_trt_dims *"
    if word == "int32_t*":
        return "const int32_t *"
    if word == "int64_t*":
        return "const int64_t *"
    if word == "cudaStream_t" or word.endswith("*"):
        return "void *"
    if word == "char**":
        return "const char **"
    raise SystemExit("no C type for " + text)


def pad(ctype):
    return ctype if ctype.endswith("*") else ctype + " "


def invoke(ret, types, args):
    cast = "%s(*)(%s)" % (pad(ret), ", ".join(["void *"] + types))
    return "((%s)callee.fn)(%s)" % (cast, ", ".join(["callee.self"] + args))


def call(interface, kind, method, abi):
    (ret, args), (_, args8) = split_abi(abi)
    name = "px_trt_%s_%s" % (PREFIX[interface], snake(method))
    const = name.upper()
    ret_c = c_type(ret)
    types = [c_type(a) for a in args]
    names = ["a%d" % i for i in range(len(args))]
    has_dims = "Dims" in " ".join([ret] + args + args8)
    out = ["static inline %s%s(const px_trt_abi *abi, void *self%s)" % (
        pad(ret_c), name, "".join(", %s%s" % (pad(t), n) for t, n in zip(types, names)))]
    out += ["{", "    const px_trt_callee callee = px_trt_callee_of(abi, %s, self, %s);" % (
        const, "true" if kind == "public" else "false")]
    none = {"void": "", "px_trt_dims": " (px_trt_dims){0}", "bool": " false"}.get(
        ret_c, " NULL" if ret_c.endswith("*") else " 0")
    out += ["    if (callee.fn == NULL)", "        return%s;" % none]
    give = "" if ret_c == "void" else "return "
    if has_dims:
        types8, args_8, before = [], [], []
        for t, a, a8, n in zip(types, args, args8, names):
            if "Dims" not in a8:
                types8.append(t)
                args_8.append(n)
                continue
            by_value = ":" in a8
            before.append("        const px_trt_dims32 %s_32 = px_trt_dims_narrow(%s%s);" % (
                n, "" if t.endswith("*") else "&", n))
            types8.append("px_trt_dims32" if by_value else "const px_trt_dims32 *")
            args_8.append(("" if by_value else "&") + n + "_32")
        expr = invoke("px_trt_dims32" if ret_c == "px_trt_dims" else ret_c, types8, args_8)
        if ret_c == "px_trt_dims":
            expr = "px_trt_dims_widen(%s)" % expr
        types_now = ["const px_trt_dims *" if t == "px_trt_dims" else t for t in types]
        now_args = ["&" + n if t == "px_trt_dims" else n for t, n in zip(types, names)]
        out += ["    if (abi->has_dims32) {"] + before
        out += ["        %s%s;" % (give, expr)]
        if not give:
            out += ["        return;"]
        out += ["    }", "    %s%s;" % (give, invoke(ret_c, types_now, now_args))]
    else:
        out += ["    %s%s;" % (give, invoke(ret_c, types, names))]
    return out + ["}", ""]


def header():
    out = ["/* Written by tools/mktrtabi.py from abi.json. Do not edit. */",
           "#ifndef PX_BACKEND_TRT_CALLS_H", "#define PX_BACKEND_TRT_CALLS_H", "",
           '#include "backend/trt/abi.h"', "", "/* clang-format off */"]
    for interface, facts in FACTS["interfaces"].items():
        for method, m in facts["methods"].items():
            if facts["kind"] != "callback":
                out += call(interface, facts["kind"], method, m["abi"])
    return "\n".join(out + ["/* clang-format on */", "#endif", ""])


def method_names():
    out = ["/* Written by tools/mktrtabi.py from abi.json. Do not edit. */",
           "#ifndef PX_BACKEND_TRT_METHODS_H", "#define PX_BACKEND_TRT_METHODS_H", "",
           "/* clang-format off */", "typedef enum px_trt_method {"]
    for interface, facts in FACTS["interfaces"].items():
        for method in facts["methods"]:
            out.append("    PX_TRT_%s_%s," % (PREFIX[interface].upper(), snake(method).upper()))
    out += ["    PX_TRT_METHOD_COUNT", "} px_trt_method;", "/* clang-format on */", "#endif", ""]
    return "\n".join(out)


def c_ranges(rows):
    return "{" + ", ".join("{%d, %d, %d}" % r for r in rows) + "}"


def tables():
    out = ["/* Written by tools/mktrtabi.py from abi.json. Do not edit. */",
           '#include "backend/trt/abi.h"', "", "/* clang-format off */",
           "const px_trt_method_row px_trt_methods[PX_TRT_METHOD_COUNT] = {"]
    longest = 0
    for interface, facts in FACTS["interfaces"].items():
        for method, m in facts["methods"].items():
            rows, rtx = ranges(m["slots"])
            longest = max(longest, len(rows))
            out.append('    {"%s", "%s", %d, %s},' % (interface, method, rtx, c_ranges(rows) if rows else "{{0, 0, 0}}"))
    out += ["};", "", "const px_trt_enum_row px_trt_enums[] = {"]
    for enum, values in FACTS["enums"].items():
        for name, table in values.items():
            rows, rtx = ranges(table)
            longest = max(longest, len(rows))
            out.append('    {"%s", "%s", %d, %s},' % (
                enum, name, rtx, c_ranges(rows) if rows else "{{0, 0, 0}}"))
    out += ["};", "const size_t px_trt_n_enums = PX_COUNTOF(px_trt_enums);", "",
            "/* clang-format on */", ""]
    if longest > 4:
        raise SystemExit("PX_TRT_MAX_RANGES in abi.h is too small: %d" % longest)
    return "\n".join(out)


def main():
    files = {"calls.h": header(), "methods.h": method_names(), "tables.c": tables()}
    if sys.argv[1:] == ["--check"]:
        stale = [n for n, text in files.items() if (HERE / n).read_text() != text]
        if stale:
            sys.exit("stale: %s; run tools/mktrtabi.py" % ", ".join(stale))
        return
    for name, text in files.items():
        (HERE / name).write_text(text)


main()
