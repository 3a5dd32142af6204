"""ONNX graphs as lines of text that two graphs share exactly when they compute alike, whatever their names."""

from __future__ import annotations

import hashlib

import onnx


def attribute(a: onnx.AttributeProto, scope: dict[str, str]) -> str:
    if a.type == onnx.AttributeProto.GRAPH:
        return f"{a.name}={{{'; '.join(graph_lines(a.g, dict(scope)))}}}"
    if a.type == onnx.AttributeProto.TENSOR:
        return f"{a.name}={tensor(a.t)}"
    value = onnx.helper.get_attribute_value(a)
    return f"{a.name}={value!r}"


def tensor(t: onnx.TensorProto) -> str:
    array = onnx.numpy_helper.to_array(t)
    return f"{array.dtype}{list(array.shape)}#{hashlib.sha256(array.tobytes()).hexdigest()[:12]}"


def type_of(value: onnx.ValueInfoProto) -> list[str]:
    """The element type, then each dim: a number, a name, or "" where nothing is known."""
    t = value.type.tensor_type
    dims = [d.dim_param or (str(d.dim_value) if d.HasField("dim_value") else "") for d in t.shape.dim]
    return [onnx.TensorProto.DataType.Name(t.elem_type), *dims]


def graph_lines(graph: onnx.GraphProto, scope: dict[str, str]) -> list[str]:
    """Values are named by how they are computed, so the order of independent nodes does not matter."""
    def known(name: str) -> str:
        return scope[name] if name else "-"

    for t in graph.initializer:
        scope[t.name] = tensor(t)
    prefix = f"b{len(scope)}." if graph.node and scope else ""
    for i, value in enumerate(graph.input):
        scope[value.name] = f"{prefix}input{i}"
    lines = [f"in {type_of(value)}" for value in graph.input]
    for node in graph.node:
        attributes = ",".join(sorted(attribute(a, scope) for a in node.attribute))
        text = f"{node.domain}{node.op_type}({','.join(known(n) for n in node.input)})[{attributes}]"
        own = f"{node.op_type}:{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        lines.append(f"{own} = {text}")
        for k, name in enumerate(node.output):
            if name:
                scope[name] = f"{own}.{k}"
    lines = sorted(set(lines))
    return lines + [f"out {known(value.name)}" for value in graph.output]


def canonical(model: onnx.ModelProto) -> list[str]:
    return graph_lines(model.graph, {})
