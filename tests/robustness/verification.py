#!/usr/bin/env python3
"""What --verify sees, and what it does not call verified: wrong files that it must catch, right ones that it must not refuse."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import unittest
import warnings
from pathlib import Path

import numpy
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from runs import PROGRAM

warnings.filterwarnings("ignore")


class Verification(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="onnxport-verify-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def save(self, model: nn.Module, arguments: tuple, name: str = "model", script: bool = False) -> Path:
        path = self.folder / f"{name}.pt"
        torch.manual_seed(0)
        with torch.no_grad():
            (torch.jit.script(model.eval()) if script else torch.jit.trace(model.eval(), arguments, check_trace=False)).save(path)
        return path

    def program(self, status: int, command: str, *words: object) -> str:
        done = subprocess.run([PROGRAM, command, *map(str, words)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def verified(self, model: nn.Module, arguments: tuple, *inputs: str, words: tuple[object, ...] = (), script: bool = False) -> str:
        given = [w for text in inputs for w in ("-i", text)]
        return self.program(0, "export", self.save(model, arguments, script=script), "-o", self.folder / "m.onnx", "--verify", *given, *words)

    def differs(self, right: nn.Module, wrong: nn.Module, arguments: tuple, *inputs: str) -> str:
        """The file of `wrong` against the model `right`."""
        given = [w for text in inputs for w in ("-i", text)]
        self.program(0, "export", self.save(wrong, arguments, "wrong"), "-o", self.folder / "wrong.onnx", *given)
        text = self.program(17, "verify", self.save(right, arguments, "right"), self.folder / "wrong.onnx", *given)
        self.assertIn("V801", text)
        return text

    # ---- nothing seen is not verified ----
    def test_results_that_say_nothing(self) -> None:
        class Hidden(nn.Module):
            def __init__(self, how: str) -> None:
                super().__init__()
                self.how = how

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                if self.how == "nan":
                    return torch.softmax(torch.log(-x.abs() - 50), -1)
                if self.how == "empty":
                    return x[:, 5:]
                if self.how == "constant":
                    return x * 0 + 7
                return torch.sigmoid(1e6 * (x.abs() + 50))

        for how, says in (("nan", "NaN"), ("empty", "no elements"), ("constant", "7 throughout"), ("saturated", "1 throughout")):
            with self.subTest(how=how):
                text = self.verified(Hidden(how), (torch.rand(3, 4),), "x:f32[n=3,4]")
                self.assertIn("warning V808", text)
                self.assertIn("not verified", text)
                self.assertIn(says, text)
                self.assertNotRegex(text, r"\bok\b")
                self.program(17, "verify", self.folder / "model.pt", self.folder / "m.onnx", "-i", "x:f32[n=3,4]")

    def test_what_was_seen_is_said(self) -> None:
        text = self.verified(nn.Linear(4, 2), (torch.rand(3, 4),), "x:f32[n=3,4]")
        self.assertRegex(text, r"verified at n=3: .* 6 elements, 100 % finite")
        self.assertRegex(text, r"verified at n=1:")
        self.assertIn("of all magnitudes", text)
        self.assertNotIn("V808", text)
        report = json.loads(self.program(0, "--json", "verify", self.folder / "model.pt", self.folder / "m.onnx", "-i", "x:f32[n=3,4]"))
        self.assertTrue(all("elements, 100 % finite" in run["message"] for run in report["verify"]), report["verify"])

    # ---- what is wrong is seen ----
    def test_wrong_only_above_what_normal_numbers_reach(self) -> None:
        class Clipped(nn.Module):
            def __init__(self, top: float) -> None:
                super().__init__()
                self.top = top

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.clamp(x, max=self.top)

        self.differs(Clipped(1e9), Clipped(6.0), (torch.rand(3, 4),), "x:f32[n=3,4]")

    def test_wrong_only_at_size_one(self) -> None:
        class Sum(nn.Module):
            def __init__(self, more: bool) -> None:
                super().__init__()
                self.more = more

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                n = torch.ones_like(x[:, 0]).sum()
                return x * 2 + ((n < 1.5).float() if self.more else 0)

        self.differs(Sum(False), Sum(True), (torch.rand(3, 4),), "x:f32[n=3,4]")

    def test_wrong_only_in_the_last_row_of_a_table(self) -> None:
        right = nn.Embedding(1000, 4)
        wrong = nn.Embedding(1000, 4)
        with torch.no_grad():
            wrong.weight.copy_(right.weight)
            wrong.weight[999] += 1
        self.differs(right, wrong, (torch.tensor([1, 2, 3]),), "x:i64[n=3]")

    def test_a_small_row_beside_a_large_one(self) -> None:
        class Scaled(nn.Module):
            def __init__(self, small: float) -> None:
                super().__init__()
                self.register_buffer("scale", torch.tensor([[1e4], [small]]))

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.tanh(x) * self.scale

        self.differs(Scaled(0.01), Scaled(0.02), (torch.rand(2, 4),), "x:f32[2,4]")

    def test_half_precision_elsewhere_loosens_nothing(self) -> None:
        class Two(nn.Module):
            def __init__(self, factor: float) -> None:
                super().__init__()
                self.factor = factor

            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                return torch.sin(x) * self.factor + 3, (x.half() * 2).float()

        self.differs(Two(1.0), Two(1.02), (torch.rand(2, 4),), "x:f32[2,4]")

    def test_the_node_that_differs_is_written_as_a_case(self) -> None:
        class Chain(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.a = nn.Linear(4, 4)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.tanh(self.a(torch.relu(x)))

        path = self.save(Chain(), (torch.rand(2, 4),))
        output, case = self.folder / "m.onnx", self.folder / "case"
        self.program(0, "export", path, "-o", output, "-i", "x:f32[n=2,4]")
        model = onnx.load(output)
        weight = next(w for w in model.graph.initializer if w.name == "a.bias")
        weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) + numpy.float32(1), weight.name))
        onnx.save(model, output)
        text = self.program(17, "verify", path, output, "-i", "x:f32[n=2,4]", "--write-case", case)
        self.assertIn("Gemm", text)
        node = onnx.load(case / "first_difference" / "model.onnx")
        onnx.checker.check_model(node, full_check=True)
        self.assertIn("Gemm", {n.op_type for n in node.graph.node})
        self.assertNotIn("Tanh", {n.op_type for n in node.graph.node})
        data = case / "first_difference" / "test_data_set_0"
        self.assertEqual(len(list(data.glob("input_*.pb"))), len(node.graph.input))
        self.assertTrue((data / "output_0.pb").exists())

    # ---- what is right is not refused ----
    def test_inputs_with_a_meaning(self) -> None:
        class Model(nn.Module):
            def __init__(self, f) -> None:  # type: ignore[no-untyped-def]
                super().__init__()
                self.f = f
                self.table = nn.Embedding(6, 3)
                self.bag = nn.EmbeddingBag(10, 4, mode="sum")

            def forward(self, *x: torch.Tensor) -> torch.Tensor:
                return self.f(self, *x)

        two = torch.rand(2, 4)
        for name, function, arguments, inputs in (
                ("probabilities", lambda s, p, t: nn.functional.binary_cross_entropy(p, t), (two, two), ("p:f32[n=2,4]", "t:f32[n,4]")),
                ("boundaries", lambda s, b, x: torch.searchsorted(b, x), (torch.arange(5.0), two), ("b:f32[5]", "x:f32[n=2,4]")),
                ("buckets", lambda s, x, b: torch.bucketize(x, b), (two, torch.arange(5.0)), ("x:f32[n=2,4]", "b:f32[5]")),
                ("classes", lambda s, c: nn.functional.one_hot(c, 3) * 2, (torch.tensor([0, 2]),), ("c:i64[n=2]",)),
                ("divisors", lambda s, a, b: a // b, (torch.tensor([7, 9]), torch.tensor([2, 3])), ("a:i64[n=2]", "b:i64[n]")),
                ("offsets", lambda s, i, o: s.bag(i, o), (torch.randint(0, 10, (10,)), torch.tensor([0, 2, 4])), ("i:i64[n=10]", "o:i64[b=3]")),
                ("multiples", lambda s, x: x.view(x.shape[0] // 4, 4, 4) * 2, (torch.rand(8, 4),), ("x:f32[n=8,4]",)),
                ("ids", lambda s, i: s.table(i.long() + 0), (torch.tensor([1, 5], dtype=torch.int32),), ("i:i32[n=2]",)),
                ("places along an axis", lambda s, x, i: torch.take_along_dim(x, i, 1), (two, torch.tensor([[0, 3]])), ("x:f32[n=2,4]", "i:i64[1,2]")),
                ("places to write", lambda s, x, i: x.index_fill(1, i, 7.0) * 2, (two, torch.tensor([0, 3])), ("x:f32[n=2,4]", "i:i64[k=2]")),
                ("equal sizes", lambda s, a, b: a + b, (two, two), ("a:f32[n=2,4]", "b:f32[m=2,4]"))):
            with self.subTest(name):
                text = self.verified(Model(function), arguments, *inputs)
                self.assertNotIn("V808", text)

    def test_inputs_that_nothing_suits_are_asked_for(self) -> None:
        class Picky(nn.Module):
            def forward(self, x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
                if int(ids.sum()) != 12345:
                    raise ValueError("no")
                return x * 2

        path = self.save(Picky(), (), script=True)
        text = self.program(17, "export", path, "-o", self.folder / "m.onnx", "--verify", "-i", "x:f32[n=2,3]", "-i", "ids:i64[4]")
        if "V80" in text:
            self.assertIn("error V807", text)
            self.assertIn("--inputs DIR", text)
            self.assertIn("--one-size", text)

    def test_given_inputs_serve_at_other_sizes(self) -> None:
        bag = nn.EmbeddingBag(10, 4, mode="sum")
        given = self.folder / "given"
        given.mkdir()
        for i, values in enumerate((numpy.array([1, 9, 3, 4, 5, 6, 7, 8, 0, 2]), numpy.array([0, 2, 4, 4, 6]))):
            (given / f"input_{i}.pb").write_bytes(numpy_helper.from_array(values, ("input", "offsets")[i]).SerializeToString())
        path = self.save(bag, (torch.randint(0, 10, (10,)), torch.tensor([0, 2, 4, 4, 6])))
        text = self.program(0, "export", path, "-o", self.folder / "m.onnx", "--inputs", given, "--dynamic-axes",
                            "input:0=n", "--dynamic-axes", "offsets:0=b", "--verify")
        self.assertIn("given, at this size", text)

    def test_types_without_kernels(self) -> None:
        model = nn.Sequential(nn.Linear(8, 8), nn.SiLU(), nn.Linear(8, 3))
        text = self.verified(model.bfloat16(), (torch.rand(2, 8).bfloat16(),), "x:bf16[b=2,8]")
        self.assertIn("f32 for bf16", text)
        conv = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Hardswish()).double()
        text = self.verified(conv, (torch.rand(1, 2, 5, 5).double(),), "x:f64[b=1,2,5,5]")
        self.assertTrue(re.search("f32 for f64", text) or "verified at b=1" in text, text)


if __name__ == "__main__":
    unittest.main(verbosity=1)
