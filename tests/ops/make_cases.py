#!/usr/bin/env python3
"""make_cases.py TABLE_cases.yaml OUTDIR: what PyTorch says of every case of a table.

OUTDIR/<i>/model.pt is the case as TorchScript, model.pt2 as an exported program; OUTDIR/<i>/<size>/input_<k>.pb and output_<k>.pb are its inputs and
results at the size written in the table (`first`) and, where a dim is dynamic, at another one (`second`).
OUTDIR/cases.json says the rest to the driver. A table that has not changed is not made again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import sys
import warnings
import zlib
from pathlib import Path
from typing import Any

import torch
import yaml
from onnx import TensorProto
from torch.export import Dim

DTYPES = {
    "f32": (torch.float32, TensorProto.FLOAT),
    "f64": (torch.float64, TensorProto.DOUBLE),
    "f16": (torch.float16, TensorProto.FLOAT16),
    "bf16": (torch.bfloat16, TensorProto.BFLOAT16),
    "i64": (torch.int64, TensorProto.INT64),
    "i32": (torch.int32, TensorProto.INT32),
    "i16": (torch.int16, TensorProto.INT16),
    "i8": (torch.int8, TensorProto.INT8),
    "u8": (torch.uint8, TensorProto.UINT8),
    "bool": (torch.bool, TensorProto.BOOL),
    "c64": (torch.complex64, TensorProto.COMPLEX64),
    "c128": (torch.complex128, TensorProto.COMPLEX128),
}
# Python numbers as arguments: 0-d tensors to ONNX.
NUMBERS = {"int": "i64", "float": "f32", "number_bool": "bool"}
ONNX_TYPE = {dtype: number for dtype, number in DTYPES.values()}
INPUT = re.compile(r"^\s*(\w+)\s*(?:\[(.*)\])?\s*(?:(-?[\d.e+-]+)\.\.(-?[\d.e+-]+))?\s*$")
FIELDS = {"expr", "body", "inputs", "atol", "rtol", "opsets", "nodes", "static_only", "ort_skip", "no_program"}


class Input:
    """One argument of a case: `f32[n=3,5] 0..1`."""

    def __init__(self, name: str, text: str, sizes: dict[str, int]) -> None:
        match = INPUT.match(text)
        if not match:
            raise ValueError(f"input {name}: '{text}' is not of the form dtype[dims] or dtype[dims] low..high")
        kind, dims, low, high = match.groups()
        self.name = name
        self.number = kind if dims is None else None
        self.dtype = NUMBERS[kind] if dims is None else kind
        self.low, self.high = (float(low), float(high)) if low is not None else (None, None)
        self.dims: list[str | int] = []
        for dim in filter(None, (d.strip() for d in (dims or "").split(","))):
            if dim.isdigit():
                self.dims.append(int(dim))
                continue
            symbol, _, size = dim.partition("=")
            if size:
                sizes[symbol] = int(size)
            self.dims.append(symbol)

    def argument(self) -> str:
        return f"{self.name}: {self.number.removeprefix('number_')}" if self.number else self.name

    def spec(self, sizes: dict[str, int], dynamic: bool) -> str:
        dims = [str(d) if isinstance(d, int) else f"{d}={sizes[d]}" if dynamic else str(sizes[d]) for d in self.dims]
        return f"{self.name}:{self.dtype}[{','.join(dims)}]"

    def tensor(self, sizes: dict[str, int], generator: torch.Generator) -> torch.Tensor:
        shape = [d if isinstance(d, int) else sizes[d] for d in self.dims]
        dtype = DTYPES[self.dtype][0]
        if dtype == torch.bool:
            return torch.rand(shape, generator=generator) < 0.5
        if not (dtype.is_floating_point or dtype.is_complex):
            low, high = (int(self.low), int(self.high)) if self.low is not None else (-5 if dtype != torch.uint8 else 0, 5)
            return torch.randint(low, high + 1, shape, generator=generator).to(dtype)
        if dtype.is_complex:
            return torch.complex(*(torch.randn(shape, generator=generator) for _ in range(2))).to(dtype)
        if self.low is None:
            return torch.randn(shape, generator=generator).to(dtype)
        return (torch.rand(shape, generator=generator) * (self.high - self.low) + self.low).to(dtype)


def write_tensor(tensor: torch.Tensor, name: str, path: Path) -> None:
    tensor = tensor.detach().resolve_conj().resolve_neg().contiguous()
    proto = TensorProto(name=name, data_type=ONNX_TYPE[tensor.dtype], dims=list(tensor.shape))
    proto.raw_data = tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
    path.write_bytes(proto.SerializeToString())


def flat(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (tuple, list)):
        return [tensor for item in value for tensor in flat(item)]
    if value is None:
        return []
    if isinstance(value, float):
        return [torch.tensor(value, dtype=torch.float32)]
    return [torch.tensor(value)]


def eager(case: dict[str, Any], inputs: list[Input], folder: Path) -> torch.nn.Module:
    body = case.get("body") or f"return {case['expr']}"
    lines = "".join(f"\n        {line}" for line in body.strip().split("\n"))
    arguments = "".join(f", {i.argument()}" for i in inputs)
    source = folder / "model.py"  # torch.jit.script reads the source of what it compiles
    source.write_text(f"class Case(torch.nn.Module):\n    def forward(self{arguments}):{lines}\n")
    scope: dict[str, Any] = {"torch": torch, "__name__": "cases"}
    exec(compile(source.read_text(), str(source), "exec"), scope)
    return scope["Case"]().eval()


def save_program(module: torch.nn.Module, inputs: list[Input], sizes: dict[str, int], dynamic: bool, path: Path) -> str:
    """Why there is no program, or nothing: torch.export takes no numbers that change and no branches on data."""
    if any(i.number for i in inputs):
        return "an argument is a number"
    generator = torch.Generator().manual_seed(0)
    arguments = tuple(i.tensor(sizes, generator) for i in inputs)
    dims = {name: Dim(name, min=2) for name in sizes}
    shapes = tuple({k: dims[d] for k, d in enumerate(i.dims) if isinstance(d, str)} for i in inputs) if dynamic else None
    try:
        torch.export.save(torch.export.export(module, arguments, dynamic_shapes=shapes), path)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return ""


def run(module: torch.jit.ScriptModule, inputs: list[Input], sizes: dict[str, int], seed: int, folder: Path) -> None:
    folder.mkdir()
    generator = torch.Generator().manual_seed(seed)
    tensors = [i.tensor(sizes, generator) for i in inputs]
    for k, (given, tensor) in enumerate(zip(inputs, tensors)):
        write_tensor(tensor, given.name, folder / f"input_{k}.pb")
    with torch.no_grad():
        results = flat(module(*(t.item() if i.number else t for i, t in zip(inputs, tensors))))
    for k, tensor in enumerate(results):
        write_tensor(tensor, f"output_{k}", folder / f"output_{k}.pb")


def make(op: str, case: dict[str, Any], folder: Path) -> dict[str, Any]:
    text = (case.get("expr") or case.get("body") or "").strip()
    out: dict[str, Any] = {"op": op, "text": text, "folder": str(folder)}
    try:
        unknown = set(case) - FIELDS
        if unknown or not text:
            raise ValueError(f"unknown fields {sorted(unknown)}" if unknown else "neither expr nor body")
        sizes: dict[str, int] = {}
        inputs = [Input(name, kind, sizes) for name, kind in (case.get("inputs") or {}).items()]
        seed = zlib.crc32(text.encode())
        folder.mkdir()
        python = eager(case, inputs, folder)
        module = torch.jit.script(python)
        module.save(str(folder / "model.pt"))
        run(module, inputs, sizes, seed, folder / "first")
        out["static"] = [i.spec(sizes, dynamic=False) for i in inputs]
        for field in ("opsets", "nodes", "atol", "rtol", "static_only", "ort_skip"):
            if field in case:
                out[field] = case[field]
        dynamic = bool(sizes) and "static_only" not in case
        out["no_program"] = case.get("no_program") or save_program(python, inputs, sizes, dynamic, folder / "model.pt2")
        if dynamic:
            # Different steps tell apart two dims that are equal in the table.
            second = {name: size + step for step, (name, size) in enumerate(sizes.items(), start=2)}
            out["dynamic"] = [i.spec(sizes, dynamic=True) for i in inputs]
            out["dynamic_second"] = [i.spec(second, dynamic=True) for i in inputs]
            run(module, inputs, second, seed + 1, folder / "second")
    except Exception as error:  # a case that PyTorch refuses is a failed test, with PyTorch's own words
        out["error"] = f"{type(error).__name__}: {error}"
    return out


def grouped_mm_fallback(rows: torch.Tensor, weight: torch.Tensor, offs: torch.Tensor) -> torch.Tensor:
    """As transformers/integrations/moe.py has it."""
    out, start = torch.zeros(rows.size(0), weight.size(2), dtype=rows.dtype), 0
    for i, end in enumerate(offs.tolist()):
        out[start:end] = rows[start:end] @ weight[i]
        start = end
    return out


def define_custom_operators() -> None:
    """Operators of packages that need not be there."""
    torch.library.define("transformers::grouped_mm_fallback", "(Tensor input, Tensor weight, Tensor offs) -> Tensor")
    torch.library.impl("transformers::grouped_mm_fallback", "CPU", grouped_mm_fallback)
    torch.library.impl("transformers::grouped_mm_fallback", "Meta",
                       lambda rows, weight, offs: rows.new_empty(rows.size(0), weight.size(2)))


def main() -> None:
    table, target = Path(sys.argv[1]), Path(sys.argv[2])
    want = hashlib.sha256(table.read_bytes() + Path(__file__).read_bytes() + torch.__version__.encode()).hexdigest()
    stamp = target / ".stamp"
    if stamp.exists() and stamp.read_text() == want:
        return
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)  # what torch.export refuses is in its exception
    define_custom_operators()
    made = []
    for entry in yaml.safe_load(table.read_text()):
        for case in entry["cases"]:
            made.append(make(entry["op"], case, target / str(len(made))))
    (target / "cases.json").write_text(json.dumps(made, indent=1))
    stamp.write_text(want)


if __name__ == "__main__":
    main()
