#!/usr/bin/env python3
"""Writes tests/unit/argument/promotion.tsv: torch's result type of every pair of operands, by category. Run it with the
pinned torch.

usage: generate_promotion.py [OUT]
"""
import pathlib
import sys

import torch

NAMES = {
    torch.bool: "bool", torch.uint8: "u8", torch.int8: "i8", torch.int16: "i16", torch.int32: "i32", torch.int64: "i64",
    torch.float16: "f16", torch.bfloat16: "bf16", torch.float32: "f32", torch.float64: "f64", torch.complex64: "c64",
    torch.complex128: "c128",
}
NUMBERS = {"bool": True, "i64": 3, "f32": 2.5, "c64": 1j}  # a Python number, under the dtype it counts as


def operands():
    for dtype, name in NAMES.items():
        yield "tensor", name, torch.ones(2, dtype=dtype)
        yield "zero_dim", name, torch.ones((), dtype=dtype)
    for name, number in NUMBERS.items():
        yield "number", name, number


def main():
    rows = []
    for kind_a, name_a, a in operands():
        for kind_b, name_b, b in operands():
            if kind_a == kind_b == "number":
                continue  # torch.result_type asks for a tensor
            result = NAMES.get(torch.result_type(a, b))
            if result is not None:  # complex of halves has no name in ONNX
                rows.append("\t".join((kind_a, name_a, kind_b, name_b, result)))
    place = pathlib.Path(__file__).parents[2] / "tests/unit/argument/promotion.tsv"
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else place
    path.write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
