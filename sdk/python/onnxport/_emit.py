"""ONNX nodes as the package onnx holds them, emitted by a mapping that is written in Python."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from onnxport import _bodies
from onnxport._bridge import PIVOT_OPSET, Call, Size, Value

Types = Mapping[str, tuple[int, Sequence[int | Size | None] | None]]  # name -> element type, sizes


def _tensor(proto: Any) -> tuple[int, tuple[int, ...], bytes]:
    import onnx

    return proto.data_type, tuple(proto.dims), onnx.numpy_helper.to_array(proto).tobytes()


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


def with_bodies(nodes: Iterable[Any]) -> Iterator[Any]:
    """The nodes and those of their blocks."""
    for node in nodes:
        yield node
        for body in _bodies.of(node):
            yield from with_bodies(body.node)


def _changed(nodes: Iterable[Any], opset: int) -> bool:
    """Whether any of these operators is another at the pivot opset."""
    import onnx

    def version(op_type: str, at: int) -> int:
        try:
            return onnx.defs.get_schema(op_type, at, "").since_version
        except onnx.defs.SchemaError:
            return -1

    return any(version(n.op_type, opset) != version(n.op_type, PIVOT_OPSET) for n in with_bodies(nodes) if n.domain in ("", "ai.onnx"))


def _at_pivot(nodes: list[Any], opset: int, known: Mapping[str, Value], results: Sequence[str]) -> list[Any]:
    """The same nodes as the pivot opset has them."""
    import onnx
    import onnx.version_converter

    if opset == PIVOT_OPSET or not _changed(nodes, opset):
        return nodes
    inputs = [_bodies.value_info(name, v) for name, v in known.items()]
    outputs = [onnx.ValueInfoProto(name=name) for name in results]
    domains = {n.domain for n in with_bodies(nodes)} - {"", "ai.onnx"}
    imports = [onnx.helper.make_opsetid("", opset), *(onnx.helper.make_opsetid(d, 1) for d in domains)]
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "mapping", inputs, outputs), opset_imports=imports)
    made = onnx.version_converter.convert_version(model, PIVOT_OPSET)
    constants = [onnx.helper.make_node("Constant", [], [t.name], value=t) for t in made.graph.initializer]
    return [*constants, *made.graph.node]


def _used(nodes: Sequence[Any], results: Iterable[str]) -> list[Any]:
    needed, out = set(results), []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed |= _bodies.reads(node)
            out.append(node)
    return out[::-1]


class _Emitter:
    """Nodes, one after another, and those of their blocks."""

    def __init__(self, call: Call, types: Types) -> None:
        self.call, self.types = call, types

    def emit(self, nodes: Iterable[Any], handles: dict[str, int]) -> None:
        """Adds what the nodes give to `handles`."""
        for node in nodes:
            domain = "" if node.domain == "ai.onnx" else node.domain
            if not domain and node.op_type == "Constant":
                handles[node.output[0]] = self.call.constant(*_constant(node))
                continue
            missing = sorted(name for name in _bodies.reads(node) if name and name not in handles)
            if missing:
                raise ValueError(f"{node.op_type} reads {', '.join(missing)}, which nothing gives")
            parameters: list[_bodies.Type] = []
            attributes = [(a.name, self._attribute(node, a, handles, parameters)) for a in node.attribute]
            made = self.call.node(domain, node.op_type, [handles[n] if n else 0 for n in node.input], attributes, len(node.output))
            for name, handle in zip(node.output, made):
                handles[name] = handle
                if domain and name in self.types:
                    self.call.set_type(handle, *self.types[name])
            for handle, (dtype, dims) in zip(made, _bodies.carried_types(node, parameters)):
                if dims is not None:
                    self.call.set_type(handle, dtype, dims)

    def _attribute(self, node: Any, proto: Any, handles: dict[str, int], parameters: list[_bodies.Type]) -> Any:
        """`parameters`: set to the types of the parameters of a body."""
        import onnx

        if proto.type == onnx.AttributeProto.TENSOR:
            return _tensor(proto.t)
        if proto.type == onnx.AttributeProto.GRAPH:
            parameters[:] = _bodies.parameter_types(node, proto.g, {n: self.call.value(h) for n, h in handles.items() if h})
            return self._block(proto.g, parameters, handles)
        if proto.type in (onnx.AttributeProto.GRAPHS, onnx.AttributeProto.TENSORS):
            raise TypeError(f"its node {node.op_type} has the attribute '{proto.name}', which is a list of graphs or tensors")
        value = onnx.helper.get_attribute_value(proto)
        return value if isinstance(value, (bytes, int, float)) else list(value)

    def _block(self, body: Any, parameters: list[_bodies.Type], handles: dict[str, int]) -> Any:
        made = self.call.begin_block([(i.name, kind) for i, kind in zip(body.input, parameters)])
        inner = handles | {i.name: handle for i, handle in zip(body.input, made)}
        for tensor in body.initializer:
            inner[tensor.name] = self.call.constant(*_tensor(tensor))
        self.emit(body.node, inner)
        return self.call.end_block([inner[o.name] for o in body.output])


def emit(call: Call, nodes: Sequence[Any], opset: int, known: Mapping[str, Value], results: Sequence[str], types: Types) -> list[int]:
    """Emits the nodes, written in `opset`, over the values of these names. `types`: of what ONNX cannot infer."""
    handles = {name: value.handle for name, value in known.items()}
    _Emitter(call, types).emit(_at_pivot(_used(nodes, results), opset, known, results), handles)
    return [handles[name] for name in results]
