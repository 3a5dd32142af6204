"""The program onnxport of this package: `onnxport export model.pt2`, or `python -m onnxport export model.pt2`."""
from __future__ import annotations

import os
import sys

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from onnxport._library import find_program, point_to_runtime, torch_library


def _point_to_torch() -> None:
    """A .pt needs the libtorch of the installed torch, which is not imported for that."""
    spec = find_spec("torch")
    try:
        path = torch_library(version("torch")) if spec is not None else None
    except PackageNotFoundError:
        path = None
    if path is None or spec is None:
        return
    os.environ["ONNXPORT_TORCH_LIBRARY"] = str(path)
    folders = [str(Path(folder) / "lib") for folder in spec.submodule_search_locations or ()]
    before = os.environ.get("LD_LIBRARY_PATH")
    os.environ["LD_LIBRARY_PATH"] = os.pathsep.join([*folders, before] if before else folders)


def main() -> None:
    program = find_program()
    _point_to_torch()
    point_to_runtime()
    os.execv(program, [str(program), *sys.argv[1:]])


if __name__ == "__main__":
    main()
