"""Symbolics: functions that people register with torch.onnx for an operator, or write into an autograd.Function. Each is called as
torch's TorchScript exporter calls it, with a graph of torch's own, whose nodes are then emitted."""
from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import torch

from onnxport._bridge import PIVOT_OPSET, Call, DType, PythonMappings, Size, Value
from onnxport._emit import emit, with_bodies
from onnxport._fakes import NUMBERS, dtype_of, result_types
from onnxport._modes import in_onnx_export

_SPACE = "onnxport_functions"  # of the operators that stand for functions of autograd while a model is traced


def _module(name: str) -> Any:
    """torch.onnx's own module, which moved once."""
    for place in ("torch.onnx._internal.torchscript_exporter", "torch.onnx._internal", "torch.onnx"):
        with contextlib.suppress(ImportError):
            return importlib.import_module(f"{place}.{name}")
    raise ImportError(f"this torch has no {name} for symbolics")


def registered(opset: int) -> dict[str, Callable[..., Any]]:
    """Operator -> the function that the caller registered for it (register_custom_op_symbolic), by the rules of versions of torch."""
    try:
        registration = _module("registration")
        groups = registration.registry._registry
    except (ImportError, AttributeError):
        return {}
    if not any(group._functions._overrides for group in groups.values()):
        return {}
    with contextlib.suppress(ImportError, AttributeError):
        _module("utils")._trigger_symbolic_function_registration()  # torch's own, of which a newer one goes before the caller's
    out = {}
    for name, group in list(groups.items()):
        functions = group._functions
        if not functions._overrides:
            continue
        if not re.fullmatch(r"\w+::\w+(\.\w+)?", name):
            continue  # as of onnxscript's functions ("onnx-script::Selu"): no operator is called so
        version = registration._dispatch_opset_version(opset, functions)
        if version is not None and functions.overridden(version):
            out[name] = functions[version]
    return out


# ---- a call, as a graph of torch's ----

class _Graph:
    """The graph that a symbolic adds to, and which of its values are which of ours."""

    def __init__(self, opset: int) -> None:
        self.graph = torch._C.Graph()
        self.opset = opset
        utilities = _module("jit_utils")
        given = {"graph": self.graph, "block": self.graph.block(), "opset": opset, "original_node": None, "params_dict": {}, "env": {},
                 "values_in_env": set()}
        names = {f.name for f in dataclasses.fields(utilities.GraphContext)}
        self.context = utilities.GraphContext(**{k: v for k, v in given.items() if k in names})
        self.known: dict[str, Value] = {}

    def value(self, argument: Any) -> Any:
        """As a symbolic is given it: constants as Constant nodes, lists as ListConstruct."""
        if isinstance(argument, Value):
            out = self.graph.addInput()
            out.setType(_type_of(argument))
            self.known[out.debugName()] = argument
            return out
        if argument is None:
            node = self.graph.insertNode(self.graph.create("prim::Constant", [], 1))
            node.output().setType(torch._C.NoneType.get())
            return node.output()
        if isinstance(argument, str):
            return self.context.op("Constant", value_s=argument)
        if isinstance(argument, DType):
            argument = _scalar_type(argument.number)
        if isinstance(argument, list):
            items = [self.value(item) for item in argument]
            node = self.graph.insertNode(self.graph.create("prim::ListConstruct", items, 1))
            kind = torch._C.TensorType.get() if any(isinstance(i, Value) for i in argument) else \
                torch._C.FloatType.get() if any(isinstance(i, float) for i in argument) else torch._C.IntType.get()
            node.output().setType(torch._C.ListType(kind))
            return node.output()
        return self.context.op("Constant", value_t=torch.tensor(argument))


def _scalar_type(number: int) -> int:
    """torch's own number of an element type."""
    return int(_module("_type_utils").JitScalarType.from_dtype(dtype_of(number)))


def _type_of(value: Value) -> Any:
    if value.dims is None:
        return torch._C.TensorType.get()
    model = torch.empty([1] * len(value.dims), dtype=dtype_of(value.dtype))
    return torch._C.TensorType.create_from_tensor(model).with_sizes([None if isinstance(d, Size) else d for d in value.dims])


def _stated_type(value: Any) -> tuple[int, list[int | Size | None] | None] | None:
    """What the symbolic says of a value (setType)."""
    kind = value.type()
    if not isinstance(kind, torch._C.TensorType) or kind.dtype() is None:
        return None
    sizes = kind.varyingSizes() if kind.dim() is not None else None
    return NUMBERS.get(kind.dtype(), 0), sizes


def _attribute_of(node: Any, name: str) -> Any:
    import onnx

    kind = node.kindOf(name)
    if kind in ("gs", "ts"):
        raise TypeError(f"its node {node.kind()} has the attribute '{name}', which is a list of graphs or tensors")
    value = getattr(node, kind)(name)
    if kind == "t":
        value = onnx.numpy_helper.from_array(value.detach().cpu().contiguous().numpy())
    return onnx.helper.make_attribute(name, _body_of(value, name) if kind == "g" else value)


def _body_of(block: Any, name: str) -> Any:
    """A block, or a graph, as the package onnx has it."""
    import onnx

    def names(values: Any) -> list[Any]:
        return [onnx.ValueInfoProto(name=v.debugName()) for v in values]

    return onnx.helper.make_graph(_nodes_of(block), name, names(block.inputs()), names(block.outputs()))


def _bodies_of(node: Any) -> list[tuple[str, Any]]:
    """The blocks of a node, by the names that ONNX has for them."""
    blocks = list(node.blocks())
    names = {"onnx::If": ["then_branch", "else_branch"], "onnx::Loop": ["body"], "onnx::Scan": ["body"]}.get(node.kind(), [])
    if len(blocks) > len(names):
        raise TypeError(f"its node {node.kind()} has {len(blocks)} blocks, and ONNX gives it {len(names)}")
    return list(zip(names, blocks))


def _nodes_of(graph: Any) -> list[Any]:
    import onnx

    out = []
    for node in graph.nodes():
        domain, op_type = node.kind().split("::")
        if domain == "prim":
            continue  # lists and Nones, which are read, not emitted
        nones = {v.debugName() for v in node.inputs() if v.node().mustBeNone()}
        made = onnx.helper.make_node(op_type, ["" if v.debugName() in nones else v.debugName() for v in node.inputs()],
                                     [v.debugName() for v in node.outputs()], domain="" if domain == "onnx" else domain)
        made.attribute.extend(_attribute_of(node, name) for name in node.attributeNames())
        made.attribute.extend(onnx.helper.make_attribute(name, _body_of(block, name)) for name, block in _bodies_of(node))
        while made.input and not made.input[-1]:
            del made.input[-1]
        out.append(made)
    return out


def _stated_types(graph: Any) -> dict[str, Any]:
    """What the symbolic says of its values, those of blocks too."""
    types: dict[str, Any] = {}
    for node in graph.nodes():
        for out in node.outputs():
            stated = _stated_type(out)
            if stated is not None:
                types[out.debugName()] = stated
        for block in node.blocks():
            types |= _stated_types(block)
    return types


@contextlib.contextmanager
def _globals(opset: int) -> Iterator[None]:
    """What torch's helpers of symbolics look at."""
    holder = _module("_globals").GLOBALS
    before = {name: getattr(holder, name) for name in ("_export_onnx_opset_version", "onnx_shape_inference") if hasattr(holder, name)}
    try:
        if "_export_onnx_opset_version" in before:
            holder._export_onnx_opset_version = opset
        holder.onnx_shape_inference = opset <= 20
        with in_onnx_export():
            yield
    finally:
        for name, value in before.items():
            setattr(holder, name, value)


def call_symbolic(call: Call, function: Callable[..., Any], arguments: list[Any], mappings: PythonMappings,
                  raw: bool = False) -> list[int]:
    """`raw`: what is no value of the graph is given as it is, as to the symbolic of an autograd.Function."""
    opset = min(call.target_opset, PIVOT_OPSET)
    graph = _Graph(opset)
    with _globals(opset):
        given = [a if raw and not isinstance(a, Value) else graph.value(a) for a in arguments]
        result = function(graph.context, *given)
    if result is None or result is NotImplemented:
        raise ValueError("it gives nothing")
    results = [v if isinstance(v, torch._C.Value) else graph.value(v) for v in (result if isinstance(result, (tuple, list)) else (result,))]
    nodes = _nodes_of(graph.graph)
    names = [v.debugName() for v in results]
    functions = _functions_of(nodes)
    if functions:
        from onnxport._translation import inlined

        nodes = inlined(nodes, functions, opset, graph.known, names)
    types = _stated_types(graph.graph)
    needed = {name for node in nodes if node.domain for name in node.output}
    if needed & set(names):
        for name, kind in zip(names, result_types(call)):
            if name in needed and kind[0] and (name not in types or kind[1] is not None):
                types[name] = kind
    for node in with_bodies(nodes):
        if node.domain:
            mappings.domains.setdefault(node.domain, 1)
    return emit(call, nodes, opset, graph.known, names, types)


def _functions_of(nodes: list[Any]) -> dict[str, Any]:
    """The functions of onnxscript that nodes call: g.onnxscript_op puts them among the symbolics."""
    groups = _module("registration").registry._registry
    out = {}
    for node in with_bodies(nodes):
        name = f"{node.domain}::{node.op_type}"
        versions = groups[name]._functions if node.domain and name in groups else {}
        out |= {name: versions[v] for v in versions if hasattr(versions[v], "to_function_proto")}
    return out


def schema_texts(name: str) -> list[str]:
    """The schemas of an operator that torch knows and the core may not."""
    space, word = name.split("::")
    if space in ("aten", "prim", "prims", "quantized", "torchvision", _SPACE):
        return []
    packet = getattr(getattr(torch.ops, space), word, None)
    return [str(getattr(packet, overload)._schema) for overload in packet.overloads()] if packet is not None else []


def mappings_of(functions: dict[str, Callable[..., Any]], mappings: PythonMappings) -> None:
    """Adds the registered symbolics."""
    for name, function in functions.items():
        def translate(call: Call, function: Callable[..., Any] = function) -> list[int]:
            return call_symbolic(call, function, list(call.arguments.values()), mappings)

        mappings.functions[name] = translate
        mappings.schemas += schema_texts(name)


# ---- operators that nothing maps, kept as they are ----

def kept(name: str, as_aten: bool, mappings: PythonMappings) -> None:
    """Adds a mapping to a node of the operator's own name and domain, or to org.pytorch.aten::ATen, as torch writes them: constants are
    inputs, texts attributes."""
    space, word = name.split("::")
    word, _, overload = word.partition(".")

    def translate(call: Call) -> list[int]:
        attributes = {f"{n}_s": v for n, v in call.arguments.items() if isinstance(v, str)}
        if as_aten:
            attributes |= {"operator_s": word, "overload_name_s": overload}

        def symbolic(g: Any, *inputs: Any) -> Any:
            nothing = g.op("prim::Constant")
            nothing.setType(torch._C.NoneType.get())
            given = [nothing if i is None else g.op("Constant", value_t=i) if isinstance(i, torch.Tensor) else i for i in inputs]
            return g.op("org.pytorch.aten::ATen" if as_aten else f"{space}::{word}", *given, outputs=call.output_count, **attributes)

        return call_symbolic(call, symbolic, _as_inputs(call), mappings, raw=True)

    mappings.functions[name] = translate
    mappings.schemas += [t for t in schema_texts(name.partition(".")[0]) if t not in mappings.schemas]


def _as_inputs(call: Call) -> list[Any]:
    out: list[Any] = []
    for argument in call.arguments.values():
        if isinstance(argument, list) and any(isinstance(a, Value) for a in argument):
            out += argument
        elif isinstance(argument, DType):
            out.append(torch.tensor(_scalar_type(argument.number)))
        elif argument is None or isinstance(argument, Value):
            out.append(argument)
        elif not isinstance(argument, str):
            out.append(torch.tensor(argument))
    return out


# ---- functions of autograd ----

_LIBRARY: list[Any] = []


def _paused(work: Callable[[], Any]) -> Any:
    """Without the tracer seeing it."""
    state = torch._C._get_tracing_state()
    if state is None:
        return work()
    torch._C._set_tracing_state(None)
    try:
        return work()
    finally:
        torch._C._set_tracing_state(state)


class TracedFunctions:
    """While a model is traced, an autograd.Function that has a symbolic is one operator of the trace; every one is where somebody has
    registered a symbolic for prim::PythonOp, `of_all`, which is told the name of the function."""

    def __init__(self, mappings: PythonMappings, of_all: Callable[..., Any] | None = None) -> None:
        self.mappings, self.of_all = mappings, of_all

    def _symbolic(self, function: Any) -> Callable[..., Any] | None:
        if "symbolic" in vars(function):
            return function.symbolic
        return functools.partial(self.of_all, name=function.__name__) if self.of_all is not None else None

    def _operator(self, function: Any, symbolic: Callable[..., Any], apply: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        if not _LIBRARY:
            _LIBRARY.append([torch.library.Library(_SPACE, "DEF"), 0])
        library, count = _LIBRARY[0]
        _LIBRARY[0][1] += 1
        name = f"{function.__name__}_{count}"
        places = [i for i, a in enumerate(args) if isinstance(a, torch.Tensor)]
        outputs = _paused(lambda: apply(function, *args))
        many = isinstance(outputs, (tuple, list))
        if not all(isinstance(o, torch.Tensor) for o in (outputs if many else (outputs,))):
            return None
        gives = "(" + ", ".join(["Tensor"] * len(outputs)) + ")" if many else "Tensor"
        library.define(f"{name}({', '.join(f'Tensor a{i}' for i in places)}) -> {gives}")
        library.impl(name, lambda *tensors: _paused(lambda: apply(function, *_filled(args, places, tensors))), "CompositeExplicitAutograd")

        def translate(call: Call) -> list[int]:
            return call_symbolic(call, symbolic, _filled(args, places, list(call.arguments.values())), self.mappings, raw=True)

        self.mappings.functions[f"{_SPACE}::{name}"] = translate
        return lambda: getattr(getattr(torch.ops, _SPACE), name)(*(args[i] for i in places))

    @contextlib.contextmanager
    def during(self) -> Iterator[None]:
        base = torch.autograd.Function
        held = base.__dict__["apply"]
        original = held.__func__

        def apply(function: Any, *args: Any, **kwargs: Any) -> Any:
            symbolic = self._symbolic(function)
            if symbolic is not None and not kwargs and torch._C._get_tracing_state() is not None:
                operator = self._operator(function, symbolic, original, args)
                if operator is not None:
                    return operator()
            return original(function, *args, **kwargs)

        base.apply = classmethod(apply)
        try:
            yield
        finally:
            base.apply = held


def _filled(args: tuple[Any, ...], places: list[int], values: Any) -> list[Any]:
    out = list(args)
    for place, value in zip(places, values):
        out[place] = value
    return out
