"""The core on a captured model, with the mappings that the caller has in Python, if any."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from onnxport import _library
from onnxport._bridge import PythonMappings, serving
from onnxport._errors import ExportError

_MOST_RUNS = 8  # each may meet a domain that no run before it has met


@dataclass
class Core:
    mappings: PythonMappings | None = None

    def export(self, captured: Any, options: dict[str, Any], *, name: str = "model",
               sink: Callable[[bytes], Any] | None = None) -> _library.Answer:
        if self.mappings is None or not self.mappings.functions:
            return _library.run_export(captured, options, name=name, sink=sink)
        with serving(self.mappings) as added:
            for _ in range(_MOST_RUNS):
                before = dict(self.mappings.domains)
                try:
                    return _library.run_export(captured, self._with(options, added()), name=name, sink=sink)
                except ExportError as error:
                    # A function says which domain its nodes are of when it runs: the manifest must say it before.
                    if "C404" in error.codes and self.mappings.domains != before:
                        continue
                    raise error from (self.mappings.raised[0] if self.mappings.raised else None)
                finally:
                    self.mappings.raised.clear()
        raise ExportError("the Python functions name other domains each time they run")

    @staticmethod
    def _with(options: dict[str, Any], added: dict[str, Any]) -> dict[str, Any]:
        plugins = dict(options.get("plugins") or {})
        for key, value in added.items():
            plugins[key] = [*value, *plugins.get(key, [])]
        return {**options, "plugins": plugins}
