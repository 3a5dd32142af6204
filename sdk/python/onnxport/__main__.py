"""The program onnxport of this package: `onnxport export model.pt2`, or `python -m onnxport export model.pt2`."""
from __future__ import annotations

import os
import sys

from onnxport._library import find_program


def main() -> None:
    program = find_program()
    os.execv(program, [str(program), *sys.argv[1:]])


if __name__ == "__main__":
    main()
