"""export_modules_as_functions: which modules of a model become local functions, and what these are called."""
from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import torch


def _scripted_type(module: Any) -> str:
    """The class that a module of TorchScript was made from."""
    words = [w for w in module._c._type().qualified_name().split(".") if w != "__torch__" and not w.startswith("___torch_mangle_")]
    return ".".join(words if len(words) > 1 else ["__main__", *words])


def _is_called(module: torch.nn.Module) -> bool:
    """A ModuleList is not: it has no forward."""
    if isinstance(module, torch.jit.ScriptModule):
        return module._c._has_method("forward")
    return type(module).forward is not torch.nn.Module.forward


def _types(model: Any) -> Iterator[tuple[str, str]]:
    """Path and class of each module below the model."""
    if isinstance(model, torch.nn.Module):
        for path, module in model.named_modules():
            if _is_called(module):
                yield path, _scripted_type(module) if isinstance(module, torch.jit.ScriptModule) else torch.typename(type(module))
    elif isinstance(model, torch.export.ExportedProgram):
        for node in model.graph.nodes:
            for path, kind in (node.meta.get("nn_module_stack") or {}).values():
                yield path, kind if isinstance(kind, str) else torch.typename(kind)


def _function(kind: str) -> str:
    domain, _, name = kind.rpartition(".")
    domain, name = re.sub(r"[^\w.-]", "_", domain), re.sub(r"\W", "_", name)
    return f"{domain}::{name}" if domain else name


def functions_of(model: Any, wanted: bool | Collection[type[torch.nn.Module]], opset: int) -> dict[str, str]:
    """Path -> function, as the core takes them. Raises what torch does for opsets without functions and for what is no class."""
    if not wanted:
        return {}
    if opset < 15:
        raise ValueError("`export_modules_as_functions` is not supported for `opset_version` < 15: models of such opsets have no local "
                         "functions")
    if not isinstance(wanted, bool):
        for kind in wanted:
            if not isinstance(kind, type):
                raise RuntimeError("Only type of the `nn.Module` should be passed in the set for argument `export_modules_as_functions`. "
                                   f"Got `{type(kind).__name__}`.")
    names = None if isinstance(wanted, bool) else {torch.typename(kind) for kind in wanted}
    return {path: _function(kind) for path, kind in _types(model) if path and (names is None or kind in names)}
