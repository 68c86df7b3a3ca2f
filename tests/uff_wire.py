"""Protobuf and UFF nodes field by field, for tests that need files of TensorRT 8.6: no package writes them any more."""


def varint(n):
    out = b""
    while True:
        out += bytes([n & 127 | (128 if n > 127 else 0)])
        n >>= 7
        if n == 0:
            return out


def field(number, payload):
    if isinstance(payload, str):
        payload = payload.encode()
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def number(tag, n):
    return varint(tag << 3) + varint(n % 2**64)


def numbers(values):
    """A UFF Data message that holds a list of integers."""
    return field(8, field(1, b"".join(varint(v % 2**64) for v in values)))


def uff_node(name, operation, inputs=(), **fields):
    node = field(1, name) + b"".join(field(2, i) for i in inputs) + field(3, operation)
    return node + b"".join(field(4, field(1, k) + field(2, v)) for k, v in fields.items())
