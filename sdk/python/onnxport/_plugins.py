"""Where plugins are looked for beside the core's own places: what installed packages bring."""
from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any


@lru_cache(maxsize=1)
def installed_folders() -> tuple[str, ...]:
    """The folders of manifests that the packages of the entry-point group `onnxport.plugins` name: each entry is a folder, a
    function that gives one (or several), or a package whose own folder it is."""
    from importlib.metadata import entry_points

    out: list[str] = []
    for entry in entry_points(group="onnxport.plugins"):
        try:
            given: Any = entry.load()
            given = given() if callable(given) else given
            if hasattr(given, "__path__"):
                given = list(given.__path__)
            out += [os.fspath(path) for path in ([given] if isinstance(given, (str, os.PathLike)) else given)]
        except Exception as error:  # noqa: BLE001 a broken package must not end every export
            warnings.warn(f"onnxport: the plugins of '{entry.value}' are left out: {error}", stacklevel=3)
    return tuple(out)


def plugin_options(given: dict[str, Any] | str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None) -> dict[str, Any]:
    """`plugins=` of a call: the options of PluginOptions by name, or manifests and folders."""
    out: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
    if given is not None and not isinstance(given, dict):
        for path in [given] if isinstance(given, (str, os.PathLike)) else given:
            kind = "paths" if Path(path).is_dir() else "files"
            out.setdefault(kind, []).append(os.fspath(path))
    if out.get("default_paths", True):
        out["paths"] = [*map(os.fspath, out.get("paths", [])), *installed_folders()]
    return out
