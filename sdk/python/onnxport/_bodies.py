"""Bodies of ONNX nodes (If, Loop, Scan): what they read from outside, and the types of their parameters."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from onnxport._bridge import PIVOT_OPSET, Size, Value

Dims = tuple[Any, ...] | None  # of int, Size, or None for a size that is not known; None: nor is the rank
Type = tuple[int, Dims]  # element type as ONNX numbers it, sizes


def of(node: Any) -> Iterator[Any]:
    """The graphs among the node's attributes."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def reads(node: Any) -> set[str]:
    """The values that a node needs: its inputs, and what its bodies read from outside."""
    out = {name for name in node.input if name}
    for body in of(node):
        inside = {o.name for o in body.output}
        for inner in body.node:
            inside |= reads(inner)
        out |= inside - {i.name for i in body.input} - {t.name for t in body.initializer} - {n for m in body.node for n in m.output}
    return out


def _text(size: Any) -> str | int | None:
    return size if not isinstance(size, Size) else None if size.text == "?" else size.text


def value_info(name: str, value: Value | Type) -> Any:
    """As the package onnx has it."""
    import onnx

    dtype, dims = (value.dtype, value.dims) if isinstance(value, Value) else value
    return onnx.helper.make_tensor_value_info(name, dtype, None if dims is None else [_text(d) for d in dims])


def _inferred(body: Any, parameters: Sequence[Type], outside: Mapping[str, Value]) -> list[Any]:
    """What ONNX infers of the results of a body: TypeProtos."""
    import onnx

    model = onnx.ModelProto(ir_version=10)
    model.graph.CopyFrom(body)
    del model.graph.input[:]
    model.graph.input.extend(value_info(i.name, kind) for i, kind in zip(body.input, parameters))
    own = {i.name for i in body.input}
    needed = {name for node in body.node for name in reads(node)} | {o.name for o in body.output}
    model.graph.input.extend(value_info(name, outside[name]) for name in sorted(needed - own) if name in outside)
    for out in model.graph.output:
        out.ClearField("type")
    domains = {n.domain for n in body.node} - {"", "ai.onnx"}
    model.opset_import.extend([onnx.helper.make_opsetid("", PIVOT_OPSET), *(onnx.helper.make_opsetid(d, 1) for d in domains)])
    return [o.type for o in onnx.shape_inference.infer_shapes(model).graph.output]


def _joined(before: Type, after: Any) -> Type:
    """The type that holds before and after an iteration."""
    tensor = after.tensor_type
    dtype, dims = before
    if dims is None or not after.HasField("tensor_type") or not tensor.HasField("shape") or len(tensor.shape.dim) != len(dims):
        return dtype, None
    found = [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in tensor.shape.dim]
    return dtype, tuple(own if _text(own) is not None and _text(own) == other else None for own, other in zip(dims, found))


def _without_axis(dims: Dims, axis: int) -> Dims:
    return None if dims is None else tuple(d for i, d in enumerate(dims) if i != axis % len(dims))


def _ints(node: Any, name: str) -> list[int]:
    return next((list(a.ints) for a in node.attribute if a.name == name), [])


def _handed_in(node: Any, outside: Mapping[str, Value]) -> tuple[list[Type], int, int]:
    """The types of the parameters in the first iteration, and which of them are carried: from, to."""
    import onnx

    def kind(name: str) -> Type:
        return outside[name].dtype, outside[name].dims

    if node.op_type == "Loop":
        carried = [kind(name) for name in node.input[2:]]
        return [(onnx.TensorProto.INT64, ()), (onnx.TensorProto.BOOL, ()), *carried], 2, 2 + len(carried)
    if node.op_type == "Scan":
        (count,) = (a.i for a in node.attribute if a.name == "num_scan_inputs")
        states = len(node.input) - count
        axes = _ints(node, "scan_input_axes") or [0] * count
        slices = [(t, _without_axis(d, axis)) for (t, d), axis in zip(map(kind, node.input[states:]), axes)]
        return [*map(kind, node.input[:states]), *slices], 0, states
    return [], 0, 0


def carried_types(node: Any, parameters: Sequence[Type]) -> list[Type]:
    """Of what a loop gives first: the last values of what it carries. ONNX's own inference says nothing of their sizes."""
    if node.op_type == "Loop":
        return list(parameters[2:])
    if node.op_type == "Scan":
        return list(parameters[:len(parameters) - next(a.i for a in node.attribute if a.name == "num_scan_inputs")])
    return []


def parameter_types(node: Any, body: Any, outside: Mapping[str, Value]) -> list[Type]:
    """The types of a body's parameters. Of what a loop carries, they hold in every iteration: a size that changes is not known."""
    if not body.input:
        return []
    types, first, last = _handed_in(node, outside)
    if len(types) != len(body.input):
        raise TypeError(f"the body of its node {node.op_type} has {len(body.input)} parameters for {len(types)} values")
    while first != last:
        results = _inferred(body, types, outside)[1 if node.op_type == "Loop" else 0:]
        joined = [_joined(before, after) for before, after in zip(types[first:last], results)]
        if joined == types[first:last]:
            break
        types[first:last] = joined
    return types
