"""ONNX nodes as the package onnx holds them, emitted by a mapping that is written in Python."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from onnxport._bridge import PIVOT_OPSET, Call, Size, Value

Types = Mapping[str, tuple[int, Sequence[int | Size | None] | None]]  # name -> element type, sizes


def _tensor(proto: Any) -> tuple[int, tuple[int, ...], bytes]:
    import onnx

    return proto.data_type, tuple(proto.dims), onnx.numpy_helper.to_array(proto).tobytes()


def _attribute(proto: Any) -> Any:
    import onnx

    if proto.type == onnx.AttributeProto.TENSOR:
        return _tensor(proto.t)
    if proto.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
        raise TypeError(f"its node has the graph attribute '{proto.name}', which a mapping in Python cannot emit: write it in C++")
    value = onnx.helper.get_attribute_value(proto)
    return value if isinstance(value, (bytes, int, float)) else list(value)


def _constant(node: Any) -> tuple[int, tuple[int, ...], bytes]:
    """What a Constant node holds, whichever of its attributes says so."""
    import numpy
    import onnx

    (proto,) = node.attribute
    if proto.name == "value":
        return _tensor(proto.t)
    value = onnx.helper.get_attribute_value(proto)
    if proto.name in ("value_float", "value_floats"):
        return _tensor(onnx.numpy_helper.from_array(numpy.array(value, dtype=numpy.float32)))
    if proto.name in ("value_int", "value_ints"):
        return _tensor(onnx.numpy_helper.from_array(numpy.array(value, dtype=numpy.int64)))
    raise TypeError(f"a Constant of '{proto.name}'")


def _changed(nodes: Iterable[Any], opset: int) -> bool:
    """Whether any of these operators is another at the pivot opset."""
    import onnx

    def version(op_type: str, at: int) -> int:
        try:
            return onnx.defs.get_schema(op_type, at, "").since_version
        except onnx.defs.SchemaError:
            return -1

    return any(version(n.op_type, opset) != version(n.op_type, PIVOT_OPSET) for n in nodes if n.domain in ("", "ai.onnx"))


def _at_pivot(nodes: list[Any], opset: int, known: Mapping[str, Value], results: Sequence[str]) -> list[Any]:
    """The same nodes as the pivot opset has them."""
    import onnx
    import onnx.version_converter

    if opset == PIVOT_OPSET or not _changed(nodes, opset):
        return nodes
    inputs = [onnx.helper.make_tensor_value_info(name, v.dtype, None if v.dims is None else [
        d.text if isinstance(d, Size) and d.text != "?" else None if isinstance(d, Size) else d for d in v.dims])
        for name, v in known.items()]
    outputs = [onnx.ValueInfoProto(name=name) for name in results]
    domains = {n.domain for n in nodes} - {"", "ai.onnx"}
    imports = [onnx.helper.make_opsetid("", opset), *(onnx.helper.make_opsetid(d, 1) for d in domains)]
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "mapping", inputs, outputs), opset_imports=imports)
    made = onnx.version_converter.convert_version(model, PIVOT_OPSET)
    constants = [onnx.helper.make_node("Constant", [], [t.name], value=t) for t in made.graph.initializer]
    return [*constants, *made.graph.node]


def _used(nodes: Sequence[Any], results: Iterable[str]) -> list[Any]:
    needed, out = set(results), []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            out.append(node)
    return out[::-1]


def emit(call: Call, nodes: Sequence[Any], opset: int, known: Mapping[str, Value], results: Sequence[str], types: Types) -> list[int]:
    """Emits the nodes, written in `opset`, over the values of these names. `types`: of what ONNX cannot infer."""
    handles = {name: value.handle for name, value in known.items()}
    for node in _at_pivot(_used(nodes, results), opset, known, results):
        domain = "" if node.domain == "ai.onnx" else node.domain
        if not domain and node.op_type == "Constant":
            handles[node.output[0]] = call.constant(*_constant(node))
            continue
        missing = [name for name in node.input if name and name not in handles]
        if missing:
            raise ValueError(f"{node.op_type} reads {', '.join(missing)}, which nothing gives")
        attributes = [(a.name, _attribute(a)) for a in node.attribute]
        made = call.node(domain, node.op_type, [handles[n] if n else 0 for n in node.input], attributes, len(node.output))
        for name, handle in zip(node.output, made):
            handles[name] = handle
            if domain and name in types:
                call.set_type(handle, *types[name])
    return [handles[name] for name in results]
