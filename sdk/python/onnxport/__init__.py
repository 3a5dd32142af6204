"""onnxport: PyTorch models to ONNX.

    import onnxport
    onnxport.export(model, (x,), "model.onnx", dynamic_axes={"x": {0: "batch"}})   # torch.onnx.export's own call
    onnxport.export_file("model.pt2", "model.onnx")                                # needs no torch
    with onnxport.patch():                                                         # other people's calls
        third_party.export_to_onnx()
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxport._errors import Diagnostic, ExportError
from onnxport._files import Exported, convert, export_file, export_targets, plugins, show, verify_files, version, which

if TYPE_CHECKING:
    from onnxport import patch
    from onnxport._export import export
    from onnxport._program import ONNXProgram
    from onnxport.patch import unpatch

__all__ = ["Diagnostic", "ExportError", "Exported", "ONNXProgram", "convert", "export", "export_file", "export_targets", "patch", "plugins",
           "show", "unpatch", "verify_files", "version", "which"]


def __getattr__(name: str) -> Any:
    """What needs torch is imported when it is asked for."""
    from importlib import import_module
    from importlib.util import find_spec

    if name in ("export", "ONNXProgram", "patch", "unpatch") and find_spec("torch") is None:
        raise ImportError(f"onnxport.{name} is for live models, which need torch: pip install torch; a file is exported without it by "
                          "onnxport.export_file", name="torch")
    if name == "export":
        return import_module("onnxport._export").export
    if name == "ONNXProgram":
        return import_module("onnxport._program").ONNXProgram
    if name == "patch":
        return import_module("onnxport.patch")  # a module that can be called
    if name == "unpatch":
        return import_module("onnxport.patch").unpatch
    if name == "__version__":
        return version()
    raise AttributeError(f"module 'onnxport' has no attribute {name!r}")
