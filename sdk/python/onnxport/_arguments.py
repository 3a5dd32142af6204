"""The arguments of a call: which tensors they hold, by which names, and which of their axes are dynamic."""
from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils import _pytree as pytree

Axes = dict[int, Any]  # axis -> label, Dim or size


@dataclass
class Leaf:
    """One value among the arguments: a tensor is an input of the graph, everything else a constant."""
    name: str  # by its place: x, past.0.1
    value: Any
    axes: Axes = field(default_factory=dict)  # as torch.export takes them
    labels: dict[int, str] = field(default_factory=dict)  # what these axes are called
    number: bool | int | float | None = None  # what was given, where a number is an input

    @property
    def is_tensor(self) -> bool:
        return isinstance(self.value, torch.Tensor)


@dataclass
class Arguments:
    """What `forward` is called with. `leaves` are in the order of `args`, then `kwargs`."""
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    leaves: list[Leaf]
    spec: pytree.TreeSpec

    @property
    def tensors(self) -> list[Leaf]:
        return [leaf for leaf in self.leaves if leaf.is_tensor]

    def replaced(self, values: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The same call with other leaves."""
        return pytree.tree_unflatten(list(values), self.spec)


def signature_of(forward: Callable[..., Any]) -> inspect.Signature | None:
    schema = getattr(forward, "schema", None)  # of TorchScript
    if isinstance(schema, torch.FunctionSchema):
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        own = 1 if isinstance(forward, torch.ScriptMethod) else 0  # self, whatever it is called
        return inspect.Signature([inspect.Parameter(a.name, kind) for a in schema.arguments[own:]])
    try:
        return inspect.signature(forward)
    except (TypeError, ValueError):
        return None


def _names_arguments(given: dict[Any, Any], args: tuple[Any, ...], signature: inspect.Signature | None) -> bool:
    """Whether a dict at the end of `args` holds keyword arguments, as torch.onnx.export takes it, or is one argument itself."""
    if not all(isinstance(key, str) for key in given):
        return False
    if signature is None or any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
        return True
    taken = list(signature.parameters)[:len(args)]
    return all(key in signature.parameters and key not in taken for key in given)


def _in_order(args: tuple[Any, ...], kwargs: dict[str, Any], signature: inspect.Signature | None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Keyword arguments that can be given by position are, and the others follow in the order of the signature: it is the order
    of the graph's inputs."""
    if signature is None:
        return args, kwargs
    left = dict(kwargs)
    out = list(args)
    parameters = list(signature.parameters.values())
    for parameter in parameters[len(args):]:
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD or parameter.name not in left:
            break
        out.append(left.pop(parameter.name))
    order = {p.name: i for i, p in enumerate(parameters)}
    return tuple(out), dict(sorted(left.items(), key=lambda item: order.get(item[0], len(order))))


def _text(key: Any) -> str:
    for member in ("key", "idx", "name"):
        if hasattr(key, member):
            return str(getattr(key, member))
    return str(key)


def _leaf_names(args: tuple[Any, ...], kwargs: dict[str, Any], signature: inspect.Signature | None) -> list[str]:
    parameters = list(signature.parameters.values()) if signature is not None else []
    names = []
    for path, _ in pytree.tree_flatten_with_path((args, kwargs))[0]:
        words = [_text(key) for key in path[1:]]
        if path[0].idx == 0:
            index = int(words[0])
            star = next((i for i, p in enumerate(parameters) if p.kind is p.VAR_POSITIONAL), len(parameters))
            if index < star:
                words[0] = parameters[index].name
            elif star < len(parameters):
                words[0] = f"{parameters[star].name}.{index - star}"
            else:
                words[0] = f"input_{index}"
        names.append(".".join(words))
    return names


def read_arguments(forward: Callable[..., Any], args: Any, kwargs: Mapping[str, Any] | None) -> Arguments:
    """Every form that torch.onnx.export takes: a tensor, a tuple, a tuple that ends with a dict of keyword arguments, `kwargs`."""
    signature = signature_of(forward)
    if isinstance(args, list) and signature is not None and len(signature.parameters) == len(args) != 1:
        args = tuple(args)  # as people write it
    if not isinstance(args, tuple):
        args = (args,)
    if args and isinstance(args[-1], dict) and kwargs is None and _names_arguments(args[-1], args[:-1], signature):
        args, kwargs = args[:-1], args[-1]
    args, keywords = _in_order(args, dict(kwargs or {}), signature)
    values, spec = pytree.tree_flatten((args, keywords))
    names = _leaf_names(args, keywords, signature)
    return Arguments(args, keywords, [Leaf(n, v) for n, v in zip(names, values)], spec)


def take_named_numbers(arguments: Arguments, input_names: Sequence[str]) -> None:
    """With dynamo=False, numbers are inputs of torch's graphs, in their place among the tensors. So are they here where `input_names`
    has names for more than the tensors; otherwise they are constants."""
    if len(input_names) <= len(arguments.tensors):
        return
    for leaf in [x for x in arguments.leaves if x.is_tensor or isinstance(x.value, (bool, int, float))][:len(input_names)]:
        if not leaf.is_tensor:
            leaf.number = leaf.value
            leaf.value = torch.tensor(leaf.value, dtype=torch.float64 if isinstance(leaf.value, float) else None)


def leave_out(arguments: Arguments, unread: Sequence[Leaf], input_names: Sequence[str]) -> list[str]:
    """Numbers that nothing reads (`return_dict`) are no inputs of torch's files: they are constants again. Gives the names of the
    other inputs."""
    places = {id(leaf) for leaf in unread}
    kept = [name for leaf, name in zip(arguments.tensors, input_names) if id(leaf) not in places]
    more = list(input_names[len(arguments.tensors):])
    for leaf in unread:
        leaf.value, leaf.number = leaf.number, None
    return kept + more


# ---- dynamic axes ----

def apply_dynamic_axes(arguments: Arguments, given: Mapping[str, Any] | None, input_names: Sequence[str],
                       output_names: Sequence[str]) -> None:
    """`dynamic_axes`: {name: {axis: label}} or {name: [axis, …]}."""
    by_name: dict[str, Leaf] = {}
    for i, leaf in enumerate(arguments.tensors):
        by_name[leaf.name] = leaf
    for leaf, name in zip(arguments.tensors, input_names):
        by_name[name] = leaf
    for name, axes in (given or {}).items():
        if axes is None or name in output_names and name not in by_name:
            continue
        if name not in by_name:
            warnings.warn(f"Provided key {name} for dynamic axes is not a valid input/output name", stacklevel=4)
            continue
        if not isinstance(axes, Mapping):
            axes = {axis: f"{name}_dynamic_axes_{i + 1}" for i, axis in enumerate(axes)}
        for axis, label in axes.items():
            if not isinstance(axis, int):
                raise ValueError("The axis in dynamic_axes must be in the form of: dict[int, str] or list[int].")
            _set_axis(by_name[name], axis, label, torch.export.Dim.DYNAMIC)


def output_labels(given: Mapping[str, Any] | None, output_names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The names that `dynamic_axes` gives to sizes of outputs, as the core takes them. A list of axes gives none."""
    return {name: {str(axis): identifier(label) for axis, label in axes.items() if isinstance(label, str)}
            for name, axes in (given or {}).items() if name in output_names and isinstance(axes, Mapping)}


def _set_axis(leaf: Leaf, axis: int, label: Any, dim: Any) -> None:
    rank = leaf.value.dim()
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} of '{leaf.name}' is dynamic, and it has {rank} axes")
    leaf.axes[axis % rank] = dim
    if isinstance(label, str):
        leaf.labels[axis % rank] = label


def _spec_of_axes(leaf: Leaf, given: Any) -> None:
    pairs = given.items() if isinstance(given, Mapping) else enumerate(given)
    for axis, dim in pairs:
        if isinstance(dim, str):
            _set_axis(leaf, axis, dim, torch.export.Dim.DYNAMIC)
        elif dim is not None:
            # A Dim of a name is a class or an object with `__name__`; AUTO, DYNAMIC and STATIC have none.
            _set_axis(leaf, axis, getattr(dim, "__name__", None), dim)


def _walk(given: Any, value: Any, leaves: dict[int, Leaf], place: str) -> None:
    if given is None:
        return
    if isinstance(value, torch.Tensor):
        _spec_of_axes(leaves[id(value)], given)
        return
    if isinstance(value, Mapping) and isinstance(given, Mapping):
        for key, inner in given.items():
            if key not in value:
                raise ValueError(f"dynamic_shapes names '{key}' in {place}, which is not there")
            _walk(inner, value[key], leaves, f"{place}.{key}")
        return
    children = list(value) if isinstance(value, (list, tuple)) else pytree.tree_leaves(value)
    specs = list(given.values()) if isinstance(given, Mapping) else list(given) if isinstance(given, (list, tuple)) else []
    if len(children) != len(specs):
        raise ValueError(f"dynamic_shapes gives {len(specs)} entries for the {len(children)} of {place}")
    for i, (inner, child) in enumerate(zip(specs, children)):
        _walk(inner, child, leaves, f"{place}.{i}")


def apply_dynamic_shapes(arguments: Arguments, given: Any, forward: Callable[..., Any]) -> None:
    """`dynamic_shapes` in every form of torch.export, and with names in place of Dims."""
    leaves = {id(leaf.value): leaf for leaf in arguments.tensors}
    if isinstance(given, Mapping):
        signature = signature_of(forward)
        bound: dict[str, Any] = dict(arguments.kwargs)
        if signature is not None:
            for name, value in signature.bind_partial(*arguments.args, **arguments.kwargs).arguments.items():
                if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
                    bound.update(value)
                bound[name] = value
        _walk(given, bound, leaves, "the arguments")
        return
    values = [*arguments.args, *arguments.kwargs.values()]
    if given is not None:
        _walk(tuple(given), tuple(values[:len(given)]), leaves, "the arguments")


def has_dynamic(arguments: Arguments) -> bool:
    return any(leaf.axes for leaf in arguments.leaves)


def enlarged(arguments: Arguments) -> list[Any]:
    """The leaves, in which no dynamic axis has the size 0 or 1: torch.export would take such a size for a fixed one."""
    sizes: dict[str, int] = {}
    for leaf in arguments.tensors:
        for axis, label in leaf.labels.items():
            sizes[label] = max(sizes.get(label, 2), leaf.value.shape[axis])
    out = []
    for leaf in arguments.leaves:
        value = leaf.value
        for axis, dim in leaf.axes.items():
            if isinstance(dim, int) or dim is torch.export.Dim.STATIC or value.shape[axis] > 1:
                continue
            size = sizes.get(leaf.labels.get(axis, ""), 2)
            minimum = getattr(dim, "min", None)
            size = max(size, minimum) if isinstance(minimum, int) else size
            shape = list(value.shape)
            if shape[axis] == 1:
                value = value.index_select(axis, torch.zeros(size, dtype=torch.int64, device=value.device))
            else:
                shape[axis] = size
                value = value.new_zeros(shape)
        out.append(value)
    return out


def identifier(label: str) -> str:
    """A label as the core takes it for the name of a dim."""
    word = re.sub(r"\W", "_", label)
    return word if word and not word[0].isdigit() else f"d_{word}"
