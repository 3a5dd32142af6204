#!/usr/bin/env python3
"""make_cases.py TABLE_cases.yaml OUTDIR: what PyTorch says of every case of a table.

OUTDIR/<i>/model.pt is the case as TorchScript, model.pt2 as an exported program; OUTDIR/<i>/<size>/input_<k>.pb and output_<k>.pb are its inputs and
results at the size written in the table (`first`) and, where a dim is dynamic, at another one (`second`; `program` where torch.export
fixes some of the sizes). OUTDIR/cases.json says the rest to the driver. A table that has not changed is not made again.

A case that torch.export does not take, or of which it records something else, says so: `no_program` with the reason. Any other must
not say so.
"""

from __future__ import annotations

import functools
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


def plain(module: torch.nn.Module, arguments: tuple[torch.Tensor, ...]) -> torch.nn.Module:
    """With results that torch.export can write down: torch's named tuples as tuples."""
    if type(module(*arguments)) in (torch.Tensor, tuple, list):
        return module

    @functools.wraps(type(module).forward)
    def forward(self: torch.nn.Module, *given: torch.Tensor) -> Any:
        return tuple(module(*given))

    return type("Plain", (torch.nn.Module,), {"forward": forward})().eval()


def program_of(module: torch.nn.Module, inputs: list[Input], sizes: dict[str, int], dims: dict[str, Any] | None) -> torch.export.ExportedProgram:
    generator = torch.Generator().manual_seed(0)
    arguments = tuple(i.tensor(sizes, generator) for i in inputs)
    shapes = tuple({k: dims[d] for k, d in enumerate(i.dims) if isinstance(d, str)} for i in inputs) if dims else None
    return torch.export.export(plain(module, arguments), arguments, dynamic_shapes=shapes)


def save_program(module: torch.nn.Module, inputs: list[Input], sizes: dict[str, int], dynamic: bool,
                 path: Path) -> tuple[torch.export.ExportedProgram, set[str] | None]:
    """With the dims that torch.export fixes, where it is left to it which stay free. Raises what torch.export does."""
    fixed = None
    try:
        program = program_of(module, inputs, sizes, {name: Dim(name, min=2) for name in sizes} if dynamic else None)
    except Exception:
        if not dynamic:
            raise
        program = program_of(module, inputs, sizes, {name: Dim.AUTO for name in sizes})
        values = {node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"}
        fixed = set()
        for given, name in zip(inputs, program.graph_signature.user_inputs, strict=True):
            fixed |= {d for d, size in zip(given.dims, values[name].shape, strict=True) if isinstance(d, str) and str(size).isdigit()}
    torch.export.save(program, path)
    return program, fixed


def is_right(program: torch.export.ExportedProgram, module: torch.nn.Module, inputs: list[Input], sizes: dict[str, int]) -> bool:
    """Whether the program gives what the module gives, and records of each node the type that it gives."""
    arguments = tuple(i.tensor(sizes, torch.Generator().manual_seed(1)) for i in inputs)

    class Checked(torch.fx.Interpreter):
        def run_node(self, n: torch.fx.Node) -> Any:
            out = super().run_node(n)
            for given, recorded in zip(flat(out), flat(n.meta.get("val")), strict=False):
                assert given.dtype == recorded.dtype
            return out

    try:
        torch.testing.assert_close(flat(program.module()(*arguments)), flat(module(*arguments)), equal_nan=True)
        Checked(program.module()).run(*arguments)
    except Exception:
        return False
    return True


def make_program(case: dict[str, Any], module: torch.nn.Module, inputs: list[Input], sizes: dict[str, int], dynamic: bool, path: Path,
                 out: dict[str, Any]) -> set[str] | None:
    """What save_program gives. A case that lacks a program has to say why, and one that has one must not."""
    declared = case.get("no_program", "")
    if any(i.number for i in inputs):
        out["no_program"] = declared or "an argument is a number"
        return None
    try:
        program, fixed = save_program(module, inputs, sizes, dynamic, path)
    except Exception as error:
        if not declared:
            words = str(error).strip().splitlines() or [""]
            raise ValueError(f"torch.export does not take it ({type(error).__name__}: {words[0]}): say so in the table, "
                             "no_program: the reason") from error
        out["no_program"] = declared
        return None
    if declared and is_right(program, module, inputs, sizes):
        raise ValueError(f"torch.export takes it: remove no_program: {declared}")
    out["no_program"] = declared
    return fixed


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


def takes(program: Path, folder: Path) -> bool:
    """Whether the guards of the program admit the inputs of a folder."""
    protos = [TensorProto.FromString(path.read_bytes()) for path in sorted(folder.glob("input_*.pb"), key=lambda p: int(p.stem[6:]))]
    kinds = {number: dtype for dtype, number in ONNX_TYPE.items()}
    given = [torch.frombuffer(bytearray(p.raw_data), dtype=kinds[p.data_type]).reshape(list(p.dims)) if p.raw_data
             else torch.empty(list(p.dims), dtype=kinds[p.data_type]) for p in protos]
    try:
        torch.export.load(program).module()(*given)
    except Exception as error:
        return "Guard failed" not in str(error)
    return True


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
        left = make_program(case, python, inputs, sizes, dynamic, folder / "model.pt2", out)
        if dynamic:
            # Different steps tell apart two dims that are equal in the table.
            second = {name: size + step for step, (name, size) in enumerate(sizes.items(), start=2)}
            out["dynamic"] = [i.spec(sizes, dynamic=True) for i in inputs]
            out["dynamic_second"] = [i.spec(second, dynamic=True) for i in inputs]
            run(module, inputs, second, seed + 1, folder / "second")
            fixed = left or set()
            out["fixed"] = sorted(fixed)
            out["program_second"] = "second" if not fixed else "program" if fixed < set(sizes) else ""
            if out["program_second"] == "program":
                run(module, inputs, {name: sizes[name] if name in fixed else size for name, size in second.items()}, seed + 2,
                    folder / "program")
            if left is not None and out["program_second"] and not takes(folder / "model.pt2", folder / out["program_second"]):
                out["program_second"] = ""
                out["fixed"] += ["what its guards leave out"]
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
