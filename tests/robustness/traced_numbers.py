#!/usr/bin/env python3
"""Python numbers in a trace: element types and values are those that torch.jit.load of the file computes."""

from __future__ import annotations

import subprocess
import tempfile
import unittest
import warnings
from pathlib import Path

import numpy
import onnxruntime
import torch
from torch import nn

from runs import PROGRAM

warnings.filterwarnings("ignore")


class Everything(nn.Module):
    def forward(self, i: torch.Tensor, b: torch.Tensor, h: torch.Tensor, f: torch.Tensor):  # type: ignore[no-untyped-def]
        k = torch.tensor(0.5, dtype=torch.float64)
        return (i + 0.5, i - 0.5, i * 0.5, i / 2, b * 1.5, b + 2, b / 2, (b * 1.5).sum(), 0.5 * i, 0.5 - i, 2 / (i + 3), i * 3, i - 2,
                h * 0.5, h + 2, f * 2, f / 3.0, i // 2, i % 3, i ** 2, i * k, f * k, torch.arange(i.shape[0]) * -0.25, torch.where(b, i, 0.5),
                i.add(2, alpha=3), torch.add(i, 0.5, alpha=2))


class TracedNumbers(unittest.TestCase):
    def test_element_types_are_those_of_the_loaded_file(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="onnxport-numbers-")
        self.addCleanup(scratch.cleanup)
        path, output = Path(scratch.name) / "m.pt", Path(scratch.name) / "m.onnx"

        def inputs(n: int) -> tuple[torch.Tensor, ...]:
            return torch.arange(n), torch.arange(n) % 2 == 0, torch.arange(n).half(), torch.linspace(-1, 1, n)

        torch.jit.trace(Everything().eval(), inputs(4), check_trace=False).save(path)
        words = [w for text in ("i:i64[n=4]", "b:bool[n]", "h:f16[n]", "f:f32[n]") for w in ("-i", text)]
        done = subprocess.run([PROGRAM, "export", path, "-o", output, "--verify", *words], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        session = onnxruntime.InferenceSession(output, providers=["CPUExecutionProvider"])
        loaded = torch.jit.load(path)
        for n in (4, 1, 7):
            given = inputs(n)
            expected = loaded(*given)
            found = session.run(None, {i.name: t.numpy() for i, t in zip(session.get_inputs(), given)})
            for k, (want, got) in enumerate(zip(expected, found)):
                with self.subTest(n=n, output=k):
                    self.assertEqual(got.dtype, want.numpy().dtype)
                    numpy.testing.assert_allclose(got, want.numpy(), rtol=1e-3, atol=1e-5)


if __name__ == "__main__":
    unittest.main(verbosity=1)
