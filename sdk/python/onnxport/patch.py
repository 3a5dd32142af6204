"""Other people's calls of torch.onnx.export go to onnxport.

    with onnxport.patch():                  # while the block runs, in the whole process
        library.export_to_onnx(model)
    onnxport.patch(); …; onnxport.unpatch() # the same without a block
    python -m onnxport.patch script.py …    # a whole script

`fallback="torch"`: what onnxport cannot map or capture is exported by torch, with a warning that says why. Other keyword arguments
(`plugins`, `state`, `weights`, `verify`, `opset_version`) hold for calls that do not give them. Patches nest. Names that other
modules bound before (`from torch.onnx import export`) are replaced too, and get back exactly what they had.
"""
from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
import threading
import types
import warnings
from collections.abc import Callable
from typing import Any

_LOCK = threading.RLock()
_TARGETS = (("torch.onnx", "export"), ("torch.onnx", "_export"), ("torch.onnx.utils", "export"), ("torch.onnx.utils", "_export"),
            ("torch.onnx._internal.torchscript_exporter.utils", "export"))


class _State:
    """What is replaced while any patch is on. One per process."""

    def __init__(self) -> None:
        self.patches: list[Patch] = []
        self.places: list[tuple[dict[str, Any], str, Any, Any]] = []  # namespace, name, before, ours
        self.in_torch = threading.local()


_STATE = _State()


class Patch:
    """One call of patch(): ends with the block, or with unpatch()."""

    def __init__(self, fallback: str, defaults: dict[str, Any]) -> None:
        self.fallback, self.defaults = fallback, defaults

    def __enter__(self) -> Patch:
        return self

    def __exit__(self, *_: Any) -> None:
        _remove(self)


def _rest_is_gone(kwargs: dict[str, Any], known: Any) -> dict[str, Any]:
    """Arguments that torch took once: said and left out, as by torch when it removed them."""
    gone = [name for name in kwargs if name not in known]
    if gone:
        warnings.warn(f"onnxport: torch.onnx.export takes no {', '.join(gone)} any more; ignored", DeprecationWarning, stacklevel=4)
    return {name: value for name, value in kwargs.items() if name in known}


def _falls_back(error: Any) -> bool:
    """What torch may be able to do: operators, opsets, captures; not a wrong input or a file that cannot be written."""
    return all(not code or code[0] in "TOLC" for code in error.codes)


def _replacement(original: Callable[..., Any], dynamo: bool | None) -> Callable[..., Any]:
    @functools.wraps(original)
    def export(*args: Any, **kwargs: Any) -> Any:
        if not _STATE.patches or getattr(_STATE.in_torch, "now", False):
            return original(*args, **kwargs)
        from onnxport._export import ExportError
        from onnxport._export import export as ours

        patch = _STATE.patches[-1]
        known = ours.__kwdefaults__.keys() | {"model", "args", "f"}
        if len(args) > 3:  # very old calls
            names = ("model", "args", "f", "export_params", "verbose", "training", "input_names", "output_names")
            kwargs.update(zip(names[3:], args[3:]))
        asked = {**patch.defaults, **_rest_is_gone(kwargs, known)}
        if dynamo is not None:
            asked.setdefault("dynamo", dynamo)
        try:
            return ours(*args[:3], **asked)
        except ExportError as error:
            if patch.fallback != "torch" or not _falls_back(error):
                raise
            warnings.warn(f"onnxport could not export this model, torch does: {error}", stacklevel=2)
        _STATE.in_torch.now = True
        try:
            return original(*args, **kwargs)
        finally:
            _STATE.in_torch.now = False

    export.__onnxport__ = True
    return export


def _originals() -> list[tuple[Callable[..., Any], bool | None]]:
    """Each function that exports, and what `dynamo` means for it."""
    out: list[tuple[Callable[..., Any], bool | None]] = []
    for module_name, name in _TARGETS:
        try:
            function = getattr(importlib.import_module(module_name), name, None)
        except ImportError:
            continue
        if callable(function) and not any(function is f for f, _ in out):
            out.append((function, None if (module_name, name) == ("torch.onnx", "export") else False))
    return out


def _true_original() -> Callable[..., Any] | None:
    """torch's own function, when somebody has put another one in its place."""
    module = sys.modules.get("onnxport._export")
    return getattr(module, "_TORCH_EXPORT", None)


def _install() -> None:
    importlib.import_module("onnxport._export")
    found = _originals()
    true = _true_original()
    if true is not None and not any(true is f for f, _ in found):
        found.append((true, None))
    ours = [(original, _replacement(original, dynamo)) for original, dynamo in found]
    for name, module in list(sys.modules.items()):
        # torch's own files keep calling each other; ours keep the original.
        inside = name.startswith(("torch.onnx.", "onnxport.")) and (name, "export") not in _TARGETS
        if not isinstance(module, types.ModuleType) or inside or name == "onnxport":
            continue
        space = module.__dict__
        for key, value in list(space.items()):
            for original, replacement in ours:
                if value is original:
                    space[key] = replacement
                    _STATE.places.append((space, key, original, replacement))


def _restore() -> None:
    """What is still ours becomes what it was; what somebody else has put there since stays."""
    for space, key, before, ours in reversed(_STATE.places):
        if space.get(key) is ours:
            space[key] = before
    _STATE.places.clear()


def _remove(patch: Patch) -> None:
    with _LOCK:
        if patch in _STATE.patches:
            _STATE.patches.remove(patch)
            if not _STATE.patches:
                _restore()


def patch(fallback: str = "error", **defaults: Any) -> Patch:
    """Puts onnxport in the place of torch.onnx.export: for a `with` block, or until unpatch()."""
    if fallback not in ("error", "torch"):
        raise ValueError(f"fallback is 'error' or 'torch', not {fallback!r}")
    from onnxport._export import export

    unknown = [name for name in defaults if name not in export.__kwdefaults__]
    if unknown:
        raise TypeError(f"onnxport.export takes no {', '.join(unknown)}")
    out = Patch(fallback, defaults)
    with _LOCK:
        if not _STATE.patches:
            _install()
        _STATE.patches.append(out)
    return out


def unpatch() -> None:
    """Takes the last patch away; nothing when there is none."""
    with _LOCK:
        if _STATE.patches:
            _remove(_STATE.patches[-1])


class _CallableModule(types.ModuleType):
    """`onnxport.patch(…)` is the function, `python -m onnxport.patch` this file."""

    def __call__(self, fallback: str = "error", **defaults: Any) -> Patch:
        return patch(fallback, **defaults)


if __name__ != "__main__":
    sys.modules[__name__].__class__ = _CallableModule


def main(words: list[str] | None = None) -> None:
    import argparse
    import os
    import runpy

    parser = argparse.ArgumentParser(prog="python -m onnxport.patch", description="Runs a script, whose calls of torch.onnx.export go "
                                     "to onnxport.")
    parser.add_argument("--fallback", choices=("error", "torch"), default="error")
    parser.add_argument("-m", dest="module", action="store_true", help="SCRIPT is the name of a module")
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    asked = parser.parse_args(words)
    if importlib.util.find_spec("torch") is None:
        parser.error("there is no torch here, whose exports could be replaced: install it into this environment")
    if not asked.module and not os.path.exists(asked.script):
        parser.error(f"there is no script {asked.script}")
    sys.argv = [asked.script, *asked.arguments]
    with patch(asked.fallback):
        if asked.module:
            sys.path.insert(0, os.getcwd())
            runpy.run_module(asked.script, run_name="__main__", alter_sys=True)
        else:
            sys.path.insert(0, os.path.dirname(os.path.abspath(asked.script)))
            runpy.run_path(asked.script, run_name="__main__")


if __name__ == "__main__":
    from onnxport.patch import main as _main

    _main()
