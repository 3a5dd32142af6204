#!/usr/bin/env python3
"""Guards of a program: sizes that it relates or fixes are not written as free."""

from __future__ import annotations

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from torch import nn
from torch.export import Dim

import archives
from runs import PROGRAM


class Rescaled(nn.Module):
    """A scale factor of floats: export bakes it in, and the guard says for which sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(1, 2, 5, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h, w = x.shape[2] // 4, x.shape[3] // 4
        return F.avg_pool2d(x, 4) + F.interpolate(self.table, scale_factor=((h + 0.1) / 5, (w + 0.1) / 5), mode="bicubic")


class Sum(nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.relu(a) + 1, b * 2  # type: ignore[return-value]


class Guards(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="onnxport-guards-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def save(self, model: nn.Module, arguments: tuple, dims: object) -> Path:
        path = self.folder / "program.pt2"
        with torch.no_grad():
            torch.export.save(torch.export.export(model.eval(), arguments, dynamic_shapes=dims), path)
        return path

    def with_guards(self, path: Path, guards: list[str]) -> Path:
        parts = []
        for name, data in archives.records(path).items():
            if name.endswith("models/model.json"):
                program = json.loads(data)
                program["guards_code"] = guards
                data = json.dumps(program).encode()
            parts.append((name, data))
        return archives.write(self.folder / "guarded.pt2", parts)

    def export(self, path: Path, *words: str) -> tuple[str, onnx.ModelProto]:
        output = self.folder / "out.onnx"
        done = subprocess.run([PROGRAM, "export", path, "-o", output, *words], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr, onnx.load(output)

    @staticmethod
    def shapes(model: onnx.ModelProto) -> list[list[str | int]]:
        return [[d.dim_param or d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input]

    def two(self, *guards: str) -> tuple[str, onnx.ModelProto]:
        path = self.save(Sum(), (torch.rand(4, 8), torch.rand(4, 8)), ({0: Dim.AUTO, 1: Dim.AUTO},) * 2)
        return self.export(self.with_guards(path, list(guards)), "--verify")

    def test_a_size_that_only_the_example_satisfies_is_a_number(self) -> None:
        dims = ({0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO},)
        text, model = self.export(self.save(Rescaled(), (torch.randn(2, 2, 20, 28),), dims), "--verify")
        self.assertEqual(self.shapes(model)[0][1:], [2, 20, 28])
        self.assertIsInstance(self.shapes(model)[0][0], str)
        self.assertIn("warning I120", text)
        self.assertIn("1.02", text)

    def test_equal_sizes_are_one_symbol(self) -> None:
        _, model = self.two("L['a'].size()[0] == L['b'].size()[0]")
        a, b = self.shapes(model)
        self.assertEqual(a[0], b[0])
        self.assertNotEqual(a[1], b[1])

    def test_a_relation_is_solved(self) -> None:
        _, model = self.two("2*L['a'].size()[0] == L['b'].size()[1]")
        a, b = self.shapes(model)
        self.assertEqual(b[1], f"{a[0]}*2" if f"{a[0]}*2" == b[1] else f"2*{a[0]}")

    def test_what_no_dim_can_say_is_metadata_and_verified_within(self) -> None:
        text, model = self.two("L['a'].size()[0] % 4 == 0", "L['b'].size()[1] // 4 != 1", "L['a'].size()[1] <= 9")
        kept = {p.key: p.value for p in model.metadata_props}["onnxport.dim_guards"]
        symbol = self.shapes(model)[0][0]
        self.assertIn(f"({symbol}) % 4 == 0", kept)
        self.assertNotIn("I120", text)
        for line in text.splitlines():
            if f"{symbol}=" in line:
                self.assertEqual(int(line.split(f"{symbol}=")[1].split()[0].rstrip(":,")) % 4, 0, line)

    def test_a_range_fixes_none(self) -> None:
        """Of chunks of 128 (TabNet's ghost batches): one chunk, whatever its size."""
        text, model = self.two("math.ceil(L['a'].size()[0] / 128) == 1", "(((-1) + 2*L['a'].size()[0]) // L['a'].size()[0]) == 1")
        self.assertNotIn("I120", text)
        symbol = self.shapes(model)[0][0]
        self.assertIsInstance(symbol, str)
        self.assertIn("128", {p.key: p.value for p in model.metadata_props}["onnxport.dim_guards"])

    def test_what_ties_sizes_to_each_other_fixes_none(self) -> None:
        text, model = self.two("(5*L['a'].size()[0]) % L['b'].size()[1] != 1", "((5*L['a'].size()[1]) % L['b'].size()[1]) == 0",
                               "L['a'].size()[0] // 4 == L['b'].size()[0] // 4")
        self.assertNotIn("I120", text)
        self.assertTrue(all(isinstance(d, str) for shape in self.shapes(model) for d in shape), self.shapes(model))

    def squeezed(self, size: int, *words: str) -> subprocess.CompletedProcess[str]:
        class Squeezed(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return (x * 2).squeeze()

        path = self.folder / "squeezed.pt"
        torch.jit.trace(Squeezed(), torch.rand(1, size, 3), check_trace=False).save(path)
        return subprocess.run([PROGRAM, "export", path, "-o", self.folder / "out.onnx", "-i", f"x:f32[1,t={size},3]", *words],
                              capture_output=True, text=True, check=False)

    def test_what_a_mapping_assumes_of_a_size_is_said_kept_and_verified_within(self) -> None:
        for words in ((), ("--strip",)):
            done = self.squeezed(5, "--verify", *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stderr, "warning T515: the file is right only where t != 1: squeeze")
            self.assertNotIn("t=1\n", done.stdout)
        self.squeezed(5)
        self.assertEqual({p.key: p.value for p in onnx.load(self.folder / "out.onnx").metadata_props}["onnxport.dim_guards"], "t != 1")

    def test_an_example_that_the_file_would_be_wrong_for(self) -> None:
        done = self.squeezed(1)
        self.assertEqual(done.returncode, 14, done.stdout + done.stderr)
        self.assertRegex(done.stderr, "error T515: the file would be right only where t != 1")

    def test_what_is_not_understood_changes_nothing(self) -> None:
        odd = ["L['a'].size()[0] == ", "L['c'].size()[0] == 4", "L['a'].stride()[0] == 8", "((((", "L[", "a == b", "L['a'].size()[9] == 4",
               "L['a'].size()[0] // 0 == 1", "not (L['a'].size()[0] == 4)", "x" * 5000 + " == 1"]
        text, model = self.two(*odd)
        self.assertTrue(all(isinstance(d, str) for shape in self.shapes(model) for d in shape), self.shapes(model))
        self.assertNotIn("I120", text)


if __name__ == "__main__":
    unittest.main(verbosity=1)
