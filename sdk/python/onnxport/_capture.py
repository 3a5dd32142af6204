"""A live model becomes the bytes of a file that the core reads: an exported program (.pt2) or a TorchScript archive (.pt)."""
from __future__ import annotations

import contextlib
import inspect
import io
import re
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from onnxport._arguments import Arguments, Leaf, enlarged, has_dynamic, identifier
from onnxport._library import Model
from onnxport._modes import in_onnx_export, kept_state, no_fast_path
from onnxport._weights import NotByPointer, place_of, program_model, weights_of


@dataclass
class Captured:
    """What the core is given: the bytes, and what it must be told of them."""
    data: Any  # bytes, or a Model
    kind: str  # "torch.export", "torch.jit.trace" or "TorchScript"
    options: dict[str, Any] = field(default_factory=dict)
    program: Any = None  # the ExportedProgram
    inputs: int | None = None  # how many the graph has


class CaptureFailed(Exception):
    """No route leads to a graph; each with its reason."""

    def __init__(self, reasons: list[tuple[str, Exception]]) -> None:
        self.reasons = reasons
        super().__init__("\n".join(f"{route}: {_first_lines(error)}" for route, error in reasons))


class UnreadNumbers(Exception):
    """Numbers that were to be inputs, and that the model does not read."""

    def __init__(self, leaves: list[Leaf]) -> None:
        self.leaves = leaves
        super().__init__(", ".join(leaf.name for leaf in leaves))


def _check_numbers(arguments: Arguments, inputs: Sequence[Any]) -> None:
    """`inputs`: of the graph, as the tensors among the arguments."""
    unread = [leaf for leaf, value in zip(arguments.tensors, inputs) if leaf.number is not None and not value.uses()]
    if unread:
        raise UnreadNumbers(unread)


def _first_lines(error: Exception, count: int = 12) -> str:
    lines = [line for line in f"{type(error).__name__}: {error}".splitlines() if line.strip()]
    return "\n    ".join(lines[:count])


def _quietly() -> contextlib.AbstractContextManager[Any]:
    return warnings.catch_warnings()


# ---- torch.export ----

def _shapes(arguments: Arguments, values: Sequence[Any]) -> Any:
    if not has_dynamic(arguments):
        return None
    out = torch.export.ShapesCollection()
    for leaf, value in zip(arguments.leaves, values):
        if leaf.axes:
            out[value] = dict(leaf.axes)
    return out


def _attempts(arguments: Arguments) -> list[list[Any]]:
    """The leaves to export with: without sizes of 0 and 1 first, then as they are."""
    own = [leaf.value for leaf in arguments.leaves]
    large = enlarged(arguments)
    return [own] if all(a is b for a, b in zip(own, large)) else [large, own]


def export_program(model: torch.nn.Module, arguments: Arguments, dynamic_shapes: Any = None) -> tuple[Any, bool]:
    """torch.export, not strict and then strict: the program, and which of both. `dynamic_shapes`: an object of torch's own that is
    handed on."""
    reasons: list[tuple[str, Exception]] = []
    for strict in (False, True):
        for values in _attempts(arguments):
            args, kwargs = arguments.replaced(values)
            shapes = dynamic_shapes if dynamic_shapes is not None else _shapes(arguments, values)

            def export(given: Any) -> Any:
                with in_onnx_export(), no_fast_path(), torch.no_grad():
                    return torch.export.export(model, args, kwargs, dynamic_shapes=given, strict=strict)  # noqa: B023 called here

            try:
                try:
                    return export(shapes), strict
                except torch._dynamo.exc.UserError as error:
                    refined = _refined(error, shapes, model, args, kwargs)
                    if refined is None:
                        raise
                    return export(refined), strict
            except Exception as error:  # noqa: BLE001 torch raises what it likes; the next route decides
                reasons.append((f"torch.export(strict={strict})", error))
    raise CaptureFailed(reasons)


def _refined(error: Exception, shapes: Any, model: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The dynamic shapes with the ranges that torch.export suggests, as torch.onnx.export takes them; None: it suggests nothing
    that names a Dim of the caller."""
    message = getattr(error, "msg", "")
    if "Suggested fixes:" not in message:
        return None
    given = shapes.dynamic_shapes(model, args, kwargs) if isinstance(shapes, torch.export.ShapesCollection) else shapes
    try:
        refined = torch.export.dynamic_shapes.refine_dynamic_shapes_from_suggested_fixes(message, given)
    except Exception:  # noqa: BLE001 the error that suggests it says more
        return None
    fixes = ", ".join(line.strip() for line in message.partition("Suggested fixes:")[2].splitlines() if " = " in line)
    warnings.warn(f"onnxport: the model holds for other sizes than dynamic_shapes says; taken: {fixes}", stacklevel=8)
    return refined


def dim_names(program: Any, arguments: Arguments | None) -> dict[str, str]:
    """Symbol of the program -> the name that the call gives it. A name for two symbols is numbered."""
    specs = [s for s in program.graph_signature.input_specs if s.kind.name == "USER_INPUT"]
    if arguments is None or len(specs) != len(arguments.leaves):
        return {}
    values = {node.name: node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"}
    out: dict[str, str] = {}
    taken = {str(symbol) for symbol in program.range_constraints}
    for spec, leaf in zip(specs, arguments.leaves):
        value = values.get(getattr(spec.arg, "name", ""))
        for axis, label in leaf.labels.items():
            symbol = str(value.shape[axis]) if isinstance(value, torch.Tensor) else ""
            if not re.fullmatch(r"[A-Za-z_]\w*", symbol) or symbol in out:
                continue
            word, count = identifier(label), 1
            while word in out.values() or (word in taken and word != symbol):
                count += 1
                word = f"{identifier(label)}_{count}"
            out[symbol] = word
    return out


def _program_data(program: Any, whole: bool) -> Any:
    with _quietly():
        warnings.simplefilter("ignore")
        if not whole:
            try:
                return program_model(program)
            except Exception:  # noqa: BLE001 torch's serializer is another in each release; its file is the same
                pass
        buffer = io.BytesIO()
        torch.export.save(program, buffer)
        return buffer.getbuffer()


def of_program(program: Any, arguments: Arguments | None, whole: bool = False) -> Captured:
    """`whole`: as a file that stands for itself."""
    names = dim_names(program, arguments)
    count = sum(1 for s in program.graph_signature.input_specs
                if s.kind.name == "USER_INPUT" and type(s.arg).__name__ != "ConstantArgument")
    options = {"dims": names} if names else {}
    return Captured(_program_data(program, whole), "torch.export", options, program, count)


# ---- TorchScript ----

_DTYPES = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16", torch.float64: "f64", torch.int64: "i64",
           torch.int32: "i32", torch.int16: "i16", torch.int8: "i8", torch.uint8: "u8", torch.bool: "bool",
           torch.complex64: "c64"}


def _type_word(leaf: Leaf) -> str:
    """The core's word for the type of a tensor: "f32", "quint8(0.1,12)"."""
    value = leaf.value
    if value.is_quantized and value.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        return f"{str(value.dtype).removeprefix('torch.')}({value.q_scale()},{value.q_zero_point()})"
    if value.dtype not in _DTYPES:
        kind = f"{value.dtype} by channels" if value.is_quantized else str(value.dtype)
        raise TypeError(f"the input '{leaf.name}' is {kind}, which TorchScript inputs cannot be here")
    return _DTYPES[value.dtype]


def _inputs(arguments: Arguments) -> list[str]:
    """The core's words for the tensors: "f32[batch=2,3]"."""
    sizes: dict[str, int] = {}
    out = []
    for leaf in arguments.tensors:
        dims = []
        for axis, size in enumerate(leaf.value.shape):
            dim = leaf.axes.get(axis)
            if dim is None or isinstance(dim, int) or dim is torch.export.Dim.STATIC:
                dims.append(str(size))
                continue
            label = identifier(leaf.labels.get(axis, f"{leaf.name}_{axis}"))
            word, count = label, 1
            while sizes.setdefault(word, size) != size:  # one name, two sizes: two dims
                count += 1
                word = f"{label}_{count}"
            dims.append(f"{word}={size}")
        out.append(f"{_type_word(leaf)}[{','.join(dims)}]")
    return out


def _flat_results(value: Any) -> list[torch.Tensor]:
    """The tensors of a result, in order; what is no tensor is none of the graph's either."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [t for inner in value.values() for t in _flat_results(inner)]
    if isinstance(value, (list, tuple)):
        return [t for inner in value for t in _flat_results(inner)]
    if hasattr(value, "__dataclass_fields__"):
        return [t for name in value.__dataclass_fields__ for t in _flat_results(getattr(value, name))]
    return []


def _flat_forward(forward: Any, arguments: Arguments) -> Any:
    """forward(*tensors) -> tensors: what torch.jit.trace takes, whatever the model takes and gives."""
    def flat(self: Any, *tensors: torch.Tensor) -> Any:  # noqa: ARG001 bound to the model
        given = iter(tensors)
        args, kwargs = arguments.replaced([next(given) if leaf.is_tensor else leaf.value for leaf in arguments.leaves])
        result = forward(*args, **kwargs)
        if isinstance(result, torch.Tensor):
            return result
        found = _flat_results(result)
        if not found:
            raise TypeError(f"the model gives {type(result).__name__}, in which there is no tensor")
        return found[0] if len(found) == 1 else tuple(found)

    words = [re.sub(r"\W", "_", leaf.name) for leaf in arguments.tensors]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = [word if words.count(word) == 1 and word.isidentifier() else f"input_{i}" for i, word in enumerate(words)]
    flat.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in ["self", *names]])
    return flat


class _Callable(torch.nn.Module):
    """Any function as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.__dict__["function"] = function

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def as_module(model: Any) -> torch.nn.Module:
    return model if isinstance(model, torch.nn.Module) else _Callable(model)


def trace(model: Any, arguments: Arguments, whole: bool = False) -> Captured:
    """torch.jit.trace. `whole`: as a file that stands for itself."""
    if not whole and not isinstance(model, (torch.jit.ScriptModule, torch.jit.ScriptFunction)):
        try:
            return _trace_function(model, arguments)
        except UnreadNumbers:
            raise
        except Exception:  # noqa: BLE001 what a function cannot be, a module may
            pass
    return _trace_module(model, arguments)


def _mode_of(module: torch.nn.Module) -> str:
    """A trace holds the mode of each of its operators; the core does more to a model of which none is training."""
    return "preserve" if any(m.training for m in module.modules()) else "eval"


@contextlib.contextmanager
def _named_scopes(module: torch.nn.Module) -> Iterator[list[str]]:
    """Operators of a trace know their module, by its number in the list of paths."""
    paths = [name for name, _ in module.named_modules()]
    holder = torch.jit._trace
    before = getattr(holder, "_trace_module_map", None)
    holder._trace_module_map = {m: str(i) for i, (_, m) in enumerate(module.named_modules())}
    try:
        yield paths
    finally:
        holder._trace_module_map = before


def _trace_function(model: Any, arguments: Arguments) -> Captured:
    """A trace of a function whose arguments are the tensors and then the weights: it takes a quarter of the time that a trace of the
    module does, and its file holds no weights."""
    module = as_module(model)
    if any(isinstance(m, torch.jit.ScriptModule) for m in module.modules()):
        raise NotByPointer("it has a ScriptModule")
    inputs = [leaf.value for leaf in arguments.tensors]
    state = list({id(t): (n, t) for n, t in [*module.named_buffers(), *module.named_parameters()]}.values())
    if {id(t) for _, t in state} & {id(t) for t in inputs} or any("\n" in n for n, _ in state):
        raise NotByPointer("an input is a weight")
    flat = _flat_forward(module, arguments)

    def function(*values: torch.Tensor) -> Any:
        return flat(None, *values[:len(inputs)])

    words = [f"onnxport_weight_{i}" for i in range(len(state))]
    own = [p for n, p in flat.__signature__.parameters.items() if n != "self"]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    function.__signature__ = inspect.Signature([*own, *(inspect.Parameter(word, kind) for word in words)])
    with in_onnx_export(), no_fast_path(), torch.no_grad(), kept_state(module), _quietly(), _named_scopes(module) as paths:
        warnings.simplefilter("ignore", category=torch.jit.TracerWarning)
        warnings.simplefilter("ignore", category=DeprecationWarning)
        traced = torch.jit.trace(function, (*inputs, *(t for _, t in state)), check_trace=False, strict=False)
    _check_numbers(arguments, list(traced.graph.inputs()))
    names: dict[Any, str] = {}
    lines = [f"weight {word} {names.setdefault(place_of(t), name)}" for word, (name, t) in zip(words, state)]
    for node in traced.graph.nodes():
        if node.kind().startswith("aten::"):
            scope = node.scopeName().rpartition("/")[2]
            lines.append(f"node {node.kind()} {paths[int(scope)] if scope.isdigit() else ''}")
    buffer = io.BytesIO()
    with _quietly():
        warnings.simplefilter("ignore", category=DeprecationWarning)
        torch.jit.save(traced, buffer, _extra_files={"onnxport.trace": "\n".join(lines)})
    data = Model(buffer.getbuffer(), weights_of((n, t) for n, t in state if names[place_of(t)] == n))
    options = {"inputs": _inputs(arguments), "mode": _mode_of(module), "input_names": [leaf.name for leaf in arguments.tensors]}
    return Captured(data, "torch.jit.trace", options, None, len(inputs))


def _trace_module(model: Any, arguments: Arguments) -> Captured:
    """With the model's tensors alone as arguments; its parameters keep their names."""
    module = as_module(model)
    function = model if module is not model else model.forward
    own = module.__dict__.get("forward")  # somebody may have put one there already
    module.__dict__["forward"] = types.MethodType(_flat_forward(function, arguments), module)
    try:
        with in_onnx_export(), no_fast_path(), torch.no_grad(), kept_state(module), _quietly():
            warnings.simplefilter("ignore", category=torch.jit.TracerWarning)
            warnings.simplefilter("ignore", category=DeprecationWarning)
            traced = torch.jit.trace(module, tuple(leaf.value for leaf in arguments.tensors), check_trace=False, strict=False)
    finally:
        if own is None:
            del module.__dict__["forward"]
        else:
            module.__dict__["forward"] = own
    _check_numbers(arguments, list(traced.graph.inputs())[1:])
    buffer = io.BytesIO()
    torch.jit.save(traced, buffer)
    options = {"inputs": _inputs(arguments), "mode": _mode_of(module), "input_names": [leaf.name for leaf in arguments.tensors]}
    return Captured(buffer.getbuffer(), "torch.jit.trace", options, None, len(arguments.tensors))


def of_script(model: Any, arguments: Arguments, mode: str) -> Captured:
    """A ScriptModule as it is; a ScriptFunction by way of a trace, which calls it."""
    if not isinstance(model, torch.jit.ScriptModule):
        return trace(model, arguments)
    inputs = dict(zip((a.name for a in model.forward.schema.arguments), model.forward.graph.inputs()))
    unread = [leaf for leaf in arguments.tensors if leaf.number is not None and leaf.name in inputs and not inputs[leaf.name].uses()]
    if unread:
        raise UnreadNumbers(unread)
    buffer = io.BytesIO()
    with _quietly():
        warnings.simplefilter("ignore", category=DeprecationWarning)
        torch.jit.save(model, buffer)
    specs = _script_inputs(arguments)
    return Captured(buffer.getbuffer(), "TorchScript", {"inputs": specs, "mode": mode}, None, len(arguments.tensors))


def _script_inputs(arguments: Arguments) -> list[str]:
    """Of a scripted forward, whose arguments have names: tensors by their place, numbers and None fixed."""
    tensors = iter(_inputs(arguments))
    out = []
    for leaf in arguments.leaves:
        if leaf.is_tensor:
            out.append(f"{leaf.name}:{next(tensors)}")
        elif isinstance(leaf.value, (bool, int, float, type(None))):
            out.append(f"{leaf.name}={leaf.value}")
        elif isinstance(leaf.value, str):
            out.append(f'{leaf.name}="{leaf.value}"')
        else:
            raise TypeError(f"the argument '{leaf.name}' of a ScriptModule is {type(leaf.value).__name__}")
    return out
