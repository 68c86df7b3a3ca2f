#!/usr/bin/env python3
"""mkoptypes.py - writes src/model/op_types.c: the element types of the standard operators.

    mkoptypes.py src/model/op_types.c

Reads the schemas of the `onnx` package. A row says what changed with a version: whether the
operator takes float16 and bfloat16, which inputs are float32 whatever the others are, and where
each output's element type comes from (src/model/op_types.h explains the letters).
"""
import sys

import onnx

CONCRETE = {"tensor(float)": "F", "tensor(int64)": "L", "tensor(int32)": "I", "tensor(bool)": "B",
            "tensor(uint8)": "U", "tensor(string)": "S", "tensor(double)": "D"}


def is_container(types):
    return all(t.startswith(("seq(", "optional(", "map(")) for t in types)


def row(schema):
    allowed = {c.type_param_str: list(c.allowed_type_strs) for c in schema.type_constraints}
    of = lambda p: allowed.get(p.type_str, [p.type_str])
    half = 0
    every = [*schema.inputs, *schema.outputs]
    # Mean and inverse deviation of a layer are float32 by an attribute, whatever the input is.
    params = [p for p in every if p in schema.inputs or schema.name != "LayerNormalization"]
    for bit, name in ((1, "tensor(float16)"), (2, "tensor(bfloat16)")):
        floats = [of(p) for p in params if p.type_str in allowed and "tensor(float)" in of(p)]
        if all(name in t for t in floats):
            half |= bit
    if any(is_container(of(p)) for p in every):
        half = 0  # sequences cannot be cast
    f32 = sum(1 << i for i, p in enumerate(schema.inputs) if p.type_str == "tensor(float)")
    outputs = ""
    for p in schema.outputs:
        same = [i for i, q in enumerate(schema.inputs) if q.type_str == p.type_str]
        types = of(p)
        if is_container(types):
            outputs += "q"
        elif len(types) == 1 and types[0] in CONCRETE:
            outputs += CONCRETE[types[0]]
        elif p.type_str in allowed and same:
            outputs += "0123456789"[same[0]]
        else:
            outputs += "?"
    return half, f32, outputs


def main():
    versions = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "" and not schema.deprecated:
            versions.setdefault(schema.name, {})[schema.since_version] = row(schema)
    lines = []
    for name in sorted(versions):
        last = None
        for since in sorted(versions[name]):
            half, f32, outputs = now = versions[name][since]
            if now != last:
                lines.append(f'    {{"{name}", {since}, {half}, 0x{f32:x}, "{outputs}"}},')
            last = now
    with open(sys.argv[1], "w") as file:
        file.write(f"""/* model/op_types.c - written by tools/mkoptypes.py from the ONNX standard's operator schemas
 * (onnx {onnx.__version__}); see op_types.h for the columns. */
#include "model/op_types.h"

/* clang-format off */
static const px_op_types table[] = {{
{chr(10).join(lines)}
}};
/* clang-format on */

static int order(px_str name, const char *row)
{{
    const size_t len = strlen(row);
    const int by_bytes = name.len > 0 ? memcmp(name.ptr, row, PX_MIN(name.len, len)) : 0;
    return by_bytes ? by_bytes : (name.len > len) - (name.len < len);
}}

const px_op_types *px_op_types_find(px_str name, int64_t opset)
{{
    size_t low = 0, high = PX_COUNTOF(table);
    while (low < high) {{ /* the first row of that name */
        const size_t middle = low + (high - low) / 2;
        if (order(name, table[middle].name) > 0)
            low = middle + 1;
        else
            high = middle;
    }}
    const px_op_types *found = NULL;
    for (; low < PX_COUNTOF(table) && order(name, table[low].name) == 0; low++)
        if (table[low].since <= opset)
            found = &table[low];
    return found;
}}
""")


main()
