"""custom_translation_table: functions of onnxscript, or Python that calls its operators, for operators of torch. Each is run as torch's
exporter runs it, by torch's own recorder, and what was recorded is emitted."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from onnxport._bridge import Call, Decline, DType, PythonMappings, Refused, Size, Value
from onnxport._emit import emit, with_bodies
from onnxport._fakes import result_types
from onnxport._symbolic import schema_texts

_OPSET = 18  # of what is written without one: that of torch's library of translations


def names_of(table: Mapping[Any, Any]) -> dict[str, Callable[..., Any]]:
    """Operator -> function. A key that is no operator of torch (operator.floordiv) is arithmetic on sizes, which the core does itself."""
    return {key.name(): function for key, function in table.items() if isinstance(key, torch._ops.OpOverload)}


def _is_default(value: Any, default: Any) -> bool:
    if isinstance(value, Value):
        return False
    return value is default or (type(value) is type(default) and value == default)


def _arguments(call: Call, values: Mapping[int, Any]) -> tuple[list[Any], dict[str, Any]]:
    """As a node of an exported program has them: without those that say what is said anyway."""
    def given(argument: Any) -> Any:
        if isinstance(argument, Value):
            return values[argument.handle]
        if isinstance(argument, DType):
            return argument.number
        return [given(a) for a in argument] if isinstance(argument, list) else argument

    space, word = call.name.split("::")
    packet, _, overload = word.partition(".")
    schema = getattr(getattr(getattr(torch.ops, space), packet), overload or "default")._schema
    args, kwargs, last = [], {}, 0
    for argument in schema.arguments:
        value = call.arguments.get(argument.name)
        said = not argument.has_default_value() or not _is_default(value, argument.default_value)
        if argument.kwarg_only:
            if said:
                kwargs[argument.name] = given(value)
        else:
            args.append(given(value))
            last = len(args) if said else last
    return args[:last], kwargs


def _values(call: Call, opset: Any) -> tuple[dict[int, Any], dict[str, Value]]:
    """Handle -> onnxscript's value, and name -> ours."""
    import onnx_ir
    from torch.onnx._internal.exporter import _tensors

    values: dict[int, Any] = {}
    known: dict[str, Value] = {}

    def add(argument: Any) -> None:
        if isinstance(argument, list):
            for item in argument:
                add(item)
        if not isinstance(argument, Value) or argument.handle in values:
            return
        name = f"in_{len(known)}"
        shape = None if argument.dims is None else onnx_ir.Shape(
            [None if isinstance(d, Size) and d.text == "?" else d.text if isinstance(d, Size) else d for d in argument.dims])
        values[argument.handle] = _tensors.SymbolicTensor(opset, name=name, shape=shape,
                                                          type=onnx_ir.TensorType(onnx_ir.DataType(argument.dtype)))
        known[name] = argument

    for argument in call.arguments.values():
        add(argument)
    return values, known


def _record(call: Call, function: Callable[..., Any]) -> tuple[list[Any], list[str], dict[str, Value], dict[Any, Any]]:
    import onnx_ir
    import onnxscript
    from torch.onnx._internal.exporter import _building

    opset = onnxscript.values.Opset("", _OPSET)
    values, known = _values(call, opset)
    args, kwargs = _arguments(call, values)
    recorder = _building.OpRecorder(opset, {})
    with onnxscript.evaluator.default_as(recorder):
        result = function(*args, **kwargs)
    results = list(result) if isinstance(result, Sequence) else [result]
    if not results and recorder.nodes:
        # A function that does not say what it returns is recorded as one that returns nothing.
        last = recorder.nodes[-1]
        called = recorder.functions.get(last.op_identifier()) or function
        if hasattr(called, "to_function_proto"):
            last.resize_outputs(len(called.to_function_proto().output))
        results = list(last.outputs)
    if not all(isinstance(r, onnx_ir.Value) for r in results):
        raise TypeError(f"it gives {[type(r).__name__ for r in results]}")
    for i, node in enumerate(recorder.nodes):
        for j, out in enumerate(node.outputs):
            out.name = out.name or f"out_{i}_{j}"
    return recorder.nodes, [r.name for r in results], known, recorder.functions


def inlined(nodes: list[Any], functions: Mapping[Any, Any], opset: int, known: Mapping[str, Value], results: list[str]) -> list[Any]:
    """Nodes without calls of these functions."""
    import onnx
    import onnx.inliner
    import onnx_ir

    protos = [onnx_ir.serde.serialize_function(f) if isinstance(f, onnx_ir.Function) else f.to_function_proto() for f in functions.values()]
    versions = {d.domain: d.version for p in protos for d in p.opset_import}
    versions |= {p.domain: 1 for p in protos}
    versions |= {n.domain: 1 for n in nodes if n.domain not in versions}
    versions[""] = max(opset, versions.get("", 0))
    inputs = [onnx.helper.make_tensor_value_info(n, v.dtype, None) for n, v in known.items()]
    graph = onnx.helper.make_graph(nodes, "mapping", inputs, [onnx.ValueInfoProto(name=n) for n in results])
    model = onnx.helper.make_model(graph, functions=protos, opset_imports=[onnx.helper.make_opsetid(d, v) for d, v in versions.items()])
    converts = any(d.version != versions[""] for p in protos for d in p.opset_import if d.domain == "")
    return list(onnx.inliner.inline_local_functions(model, converts).graph.node)


def call_translation(call: Call, function: Callable[..., Any], mappings: PythonMappings) -> list[int]:
    import onnx_ir

    recorded, results, known, functions = _record(call, function)
    opset = max([n.version for n in recorded if n.domain == "" and n.version] or [_OPSET])
    nodes = [onnx_ir.serde.serialize_node(n) for n in recorded]
    if functions:
        nodes = inlined(nodes, functions, opset, known, results)
    types: dict[str, Any] = {}
    needed = {name for node in nodes if node.domain for name in node.output}
    if needed & set(results):
        types = {name: kind for name, kind in zip(results, result_types(call)) if name in needed and kind[0]}
    for node in with_bodies(nodes):
        if node.domain:
            mappings.domains.setdefault(node.domain, 1)
    return emit(call, nodes, opset, known, results, types)


def mappings_of(table: Mapping[Any, Any], mappings: PythonMappings) -> None:
    """Adds the functions of a table. One that cannot be run leaves the operator to the plugins, with a warning."""
    for name, function in names_of(table).items():
        def translate(call: Call, function: Callable[..., Any] = function, name: str = name) -> list[int]:
            if call.name != name:
                raise Decline(f"the table has {name}")
            try:
                return call_translation(call, function, mappings)
            except (Decline, Refused, MemoryError):
                raise
            except Exception as error:  # noqa: BLE001 it is the caller's code
                why = f"custom_translation_table's function for {name} cannot be run: {_first_line(error)}"
                call.tell(why)
                raise Decline(why) from error

        mappings.functions[name] = translate
        mappings.schemas += [text for text in schema_texts(name.partition(".")[0]) if text.split("(")[0] == name]


def _first_line(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}".splitlines()[0]
