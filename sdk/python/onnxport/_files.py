"""Calls that need no torch: files in, files out."""
from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onnxport import _library
from onnxport._errors import Diagnostic
from onnxport._plugins import plugin_options


@dataclass
class Exported:
    """What an export gave."""
    path: Path | None  # the file that was written
    model: bytes  # the bytes, when there was no file
    report: dict[str, Any]  # as `onnxport --json` prints it
    diagnostics: list[Diagnostic]  # notes and warnings


def _options(options: dict[str, Any]) -> dict[str, Any]:
    return {**options, "plugins": plugin_options(options.get("plugins"))}


def export_file(model: str | os.PathLike[str] | bytes | bytearray | memoryview, output: str | os.PathLike[str] | None = None, *,
                progress: Callable[[str, float], None] | None = None, **options: Any) -> Exported:
    """Exports a .pt2 (no torch is needed) or a .pt, given as a file or as its bytes. `output`: the file to write; a model given as a
    file is written beside it otherwise, the ONNX bytes of one given as bytes are in the result. `options` are those of
    ExportOptions by name: opset=18, weights="external", verify={"enabled": True}, plugins=["acme.onnxport.yaml"], …"""
    if output is None and isinstance(model, (str, os.PathLike)) and not options.get("dry_run"):
        output = Path(model).with_suffix(".onnx")
    asked = _options(options)
    if output is not None:
        asked["output"] = os.fspath(output)
    answer = _library.run_export(model, asked, progress=progress)
    return Exported(Path(output) if output is not None else None, answer.model, answer.report, answer.diagnostics)


def export_targets(model: str | os.PathLike[str] | bytes | bytearray | memoryview,
                   targets: Mapping[str | os.PathLike[str], Mapping[str, Any]], **options: Any) -> list[Exported]:
    """One model for several targets: it is captured once. `targets`: file -> what holds for it alone ({"opset": 18}); `options` say how
    the model is captured, and hold for all."""
    asked = _options(options)
    program = _library.Program(model, asked)
    how = {name: value for name, value in asked.items() if name != "plugins"}
    out = []
    for file, target in targets.items():
        answer = program.write({**how, **target, "output": os.fspath(file)})
        out.append(Exported(Path(file), answer.model, answer.report, [*program.answer.diagnostics, *answer.diagnostics]))
    return out


def convert(model: str | os.PathLike[str] | bytes | bytearray | memoryview, output: str | os.PathLike[str] | None = None, *,
            opset: int, progress: Callable[[str, float], None] | None = None, **options: Any) -> Exported:
    """Takes an ONNX file, or the bytes of one, to another opset. `output`: the file to write; without one, the bytes are in the
    result. `options` are those of Target by name, and `plugins`, `inputs`: docs/opsets.md."""
    asked = {**_options(options), "opset": opset}
    if output is not None:
        asked["output"] = os.fspath(output)
    answer = _library.run_convert(model, asked, progress=progress)
    return Exported(Path(output) if output is not None else None, answer.model, answer.report, answer.diagnostics)


def verify_files(model: str | os.PathLike[str] | bytes | bytearray | memoryview, onnx_file: str | os.PathLike[str],
                 **options: Any) -> dict[str, Any]:
    """Compares an ONNX file with its model; raises ExportError (V801) when they differ. Gives the report."""
    return _library.run_verify(model, onnx_file, _options(options)).report


def show(model: str | os.PathLike[str] | bytes | bytearray | memoryview, after: str = "capture", **options: Any) -> str:
    """The graph as text after "capture", "prepare", "translate" or "legalize"."""
    return _library.run_show(model, after, _options(options)).text


def plugins(**options: Any) -> dict[str, Any]:
    """Every plugin that is found and the folders searched; options are those of PluginOptions."""
    return _library.run_plugins({"plugins": plugin_options(options)}).report


def which(operator: str, opset: int = 20, **options: Any) -> list[dict[str, Any]]:
    """Who maps a torch operator ("aten::gelu") at an opset: the candidates, the winner first."""
    return _library.run_which(operator, {**_options(options), "opset": opset}).report


def version() -> str:
    return _library.library().onnxport_version().decode()
