#!/usr/bin/env python3
"""generate_schemas.py [OUT]: writes core/ir/aten_schemas.txt, the schemas of the installed PyTorch.

Run it after raising torch_pin in ./dev (.deps/venv/bin/python sdk/tools/generate_schemas.py); schemas_test.cpp
compares the table with libtorch. Left out is what no exported program holds: variants that write to a keyword argument
(`out=`), backward operators, and those of remote references, which only PyTorch's Python part registers.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

TABLE = Path(__file__).parents[2] / "core/ir/aten_schemas.txt"


def is_wanted(schema: torch.FunctionSchema) -> bool:
    writes_out = any(a.kwarg_only and a.alias_info is not None and a.alias_info.is_write for a in schema.arguments)
    is_remote = any("RRef" in str(a.type) for a in schema.arguments)
    return schema.name.startswith("aten::") and not ("backward" in schema.name or writes_out or is_remote)


def main() -> None:
    lines = sorted(str(schema) for schema in torch._C._jit_get_all_schemas() if is_wanted(schema))
    version = torch.__version__.split("+")[0]
    head = f"# libtorch {version}, without out= variants and backward operators; made by sdk/tools/generate_schemas.py"
    table = Path(sys.argv[1]) if len(sys.argv) > 1 else TABLE
    table.write_text("\n".join([head, *lines]) + "\n")
    print(f"{len(lines)} schemas of PyTorch {version} in {table}")


if __name__ == "__main__":
    main()
