"""What goes wrong, as data: the core's diagnostics."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Diagnostic:
    """One finding: `code` is a family letter and a number (docs/errors.md)."""
    severity: str
    code: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    node: str = ""
    module_path: str = ""
    source: str = ""
    hint: str = ""

    @classmethod
    def of(cls, found: dict[str, Any]) -> Diagnostic:
        return cls(**{name: found[name] for name in cls.__dataclass_fields__ if name in found})


class ExportError(RuntimeError):
    """An export that failed. `diagnostics` holds every finding; the text has them all. What `onnxport.export` raises is a
    torch.onnx.OnnxExporterError too."""

    def __init__(self, message: str, diagnostics: list[Diagnostic] | None = None, status: int = 1) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics if diagnostics is not None else [Diagnostic("error", "", message)]
        self.status = status

    @property
    def codes(self) -> list[str]:
        return [d.code for d in self.diagnostics if d.severity == "error"]
