"""What two inferences say about a tensor, and which of them says more.

A type is plain data: ("tensor_type", dtype, dims or None); a dim is an int, a name or None. The words:

    agree      the same type and the same dims
    more       all that the other says, and more
    less       the other says something that we do not
    conflict   the two cannot both be right
"""


def dim_of(dim):
    if dim.HasField("dim_value"):
        return dim.dim_value if dim.dim_value >= 0 else None
    if dim.HasField("dim_param") and dim.dim_param:
        # Names that an inference made up, now or before it was saved, say no more than "unknown".
        return None if dim.dim_param.startswith("unk__") else dim.dim_param
    return None


def type_of(proto):
    kind = proto.WhichOneof("value")
    if kind in ("tensor_type", "sparse_tensor_type"):
        t = getattr(proto, kind)
        if t.elem_type == 0:
            return None
        dims = tuple(dim_of(d) for d in t.shape.dim) if t.HasField("shape") else None
        return kind, t.elem_type, dims
    if kind in ("sequence_type", "optional_type"):
        return kind, type_of(getattr(proto, kind).elem_type)
    if kind == "map_type":
        return kind, proto.map_type.key_type, type_of(proto.map_type.value_type)
    return None


def types_of(graph, at=""):
    """(place, name) -> type, for node outputs."""
    stated = {v.name: v for v in (*graph.value_info, *graph.output)}
    found = {}
    for i, node in enumerate(graph.node):
        for name in node.output:
            if name in stated:
                found[at, name] = type_of(stated[name].type)
            elif name:
                found[at, name] = None
        for a in node.attribute:
            for k, g in enumerate((*([a.g] if a.HasField("g") else []), *a.graphs)):
                found.update(types_of(g, f"{at}/{i}.{a.name}.{k}"))
    return found


def relation(ours, theirs):
    """Which of agree, more, less, conflict; both are types, dims or None."""
    if ours == theirs:
        return "agree"
    if theirs is None:
        return "more"
    if ours is None:
        return "less"
    if ours[0] != theirs[0]:
        return "conflict"
    if ours[0] in ("tensor_type", "sparse_tensor_type"):
        if ours[1] != theirs[1]:
            return "conflict"
        return dims_relation(ours[2], theirs[2])
    if ours[0] == "map_type" and ours[1] != theirs[1]:
        return "conflict"
    return relation(ours[-1], theirs[-1])


def dims_relation(ours, theirs):
    if ours == theirs:
        return "agree"
    if theirs is None:
        return "more"
    if ours is None:
        return "less"
    if len(ours) != len(theirs):
        return "conflict"
    less = more = False
    for a, b in zip(ours, theirs):
        if isinstance(a, int) and isinstance(b, int) and a != b:
            return "conflict"
        if isinstance(a, int) and not isinstance(b, int) or (a is not None and b is None):
            more = True
        elif a != b:
            less = True
    return "less" if less else "more" if more else "agree"
