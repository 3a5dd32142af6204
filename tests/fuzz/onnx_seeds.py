"""Small ONNX files, field by field: the seeds need no package of Python's."""

from __future__ import annotations

import struct


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def field(number: int, content: bytes | str | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    data = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(data)) + data


def value(name: str, dtype: int = 1, dims: tuple[int | str, ...] = ("n", 4)) -> bytes:
    shape = b"".join(field(1, field(1, d) if isinstance(d, int) else field(2, d)) for d in dims)
    return field(1, name) + field(2, field(1, field(1, dtype) + field(2, shape)))


def tensor(name: str, dtype: int, dims: tuple[int, ...], content: bytes) -> bytes:
    return b"".join(field(1, d) for d in dims) + field(2, dtype) + field(8, name) + content


def attribute(name: str, kind: int, content: bytes) -> bytes:
    return field(1, name) + content + field(20, kind)


def node(op: str, inputs: list[str], outputs: list[str], *attributes: bytes, name: str = "", domain: str = "") -> bytes:
    return (b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs) + field(3, name) + field(4, op) +
            b"".join(field(5, a) for a in attributes) + (field(7, domain) if domain else b""))


def graph(nodes: list[bytes], inputs: list[bytes], outputs: list[bytes], initializers: list[bytes] = (), rest: bytes = b"") -> bytes:
    return (b"".join(field(1, n) for n in nodes) + field(2, "g") + b"".join(field(5, i) for i in initializers) +
            b"".join(field(11, i) for i in inputs) + b"".join(field(12, o) for o in outputs) + rest)


def model(body: bytes, rest: bytes = b"", domains: bytes = b"") -> bytes:
    return field(1, 10) + field(2, "seed") + field(7, body) + field(8, field(1, "") + field(2, 21)) + domains + rest


def models() -> dict[str, bytes]:
    floats = struct.pack("<16f", *range(16))
    weight = tensor("w", 1, (4, 4), field(9, floats))
    typed = tensor("t", 7, (2,), field(7, varint(2) + varint(2)))
    words = tensor("s", 8, (2,), field(6, "a") + field(6, "b"))
    outside = tensor("e", 1, (2,), field(13, field(1, "location") + field(2, "w.bin")) + field(14, 1))
    sparse = field(1, tensor("sp", 1, (1,), field(9, floats[:4]))) + field(2, tensor("", 7, (1,), field(7, varint(1)))) + field(3, 4)
    then = graph([node("Relu", ["x"], ["r"])], [], [value("r")])
    other = graph([node("Constant", [], ["c"], attribute("value_float", 1, varint(2 << 3 | 5) + struct.pack("<f", 1.0))),
                   node("Add", ["x", "c"], ["r"])], [], [value("r")])
    choose = node("If", ["flag"], ["y"], attribute("then_branch", 5, field(6, then)), attribute("else_branch", 5, field(6, other)))
    turn = graph([node("Identity", ["go"], ["g2"]), node("Add", ["s", "x"], ["s2"])],
                 [value("i", 7, ()), value("go", 9, ()), value("s")], [value("g2", 9, ()), value("s2")])
    call = (field(1, "act") + field(4, "v") + field(5, "r") + field(6, "alpha") +
            field(7, node("LeakyRelu", ["v"], ["r"], field(1, "alpha") + field(20, 1) + field(21, "alpha"))) +
            field(9, field(1, "") + field(2, 21)) + field(10, "d"))
    imports = field(8, field(1, "d") + field(2, 1))
    return {
        "linear": model(graph([node("Gemm", ["x", "w"], ["y"], attribute("transB", 2, field(3, 1)), name="l")], [value("x")],
                              [value("y")], [weight], field(13, value("z")))),
        "tensors": model(graph([node("Reshape", ["x", "t"], ["y"]), node("Identity", ["s"], ["z"])], [value("x", 1, (4,))],
                               [value("y", 1, (2, 2)), value("z", 8, (2,))], [typed, words], field(15, sparse))),
        "outside": model(graph([node("Add", ["x", "e"], ["y"])], [value("x")], [value("y")], [outside])),
        "if": model(graph([choose], [value("x"), value("flag", 9, ())], [value("y")])),
        "loop": model(graph([node("Loop", ["m", "", "x"], ["y"], attribute("body", 5, field(6, turn)))],
                            [value("x"), value("m", 7, ())], [value("y")])),
        "function": model(graph([node("act", ["x"], ["y"], domain="d")], [value("x")], [value("y")]), field(25, call), imports),
    }
