"""The installed wheel with a release of torch that it was not built with: ./dev test torch VERSION."""
from __future__ import annotations

import inspect
import io
import sys
import unittest
import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from case import Case, Nested, Tiny

import onnxport
from onnxport import _library

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "fixtures"))
import models  # noqa: E402


def ids(batch: int, length: int) -> torch.Tensor:
    return torch.randint(0, 100, (batch, length))


class OtherTorch(Case):
    def both(self, model: torch.nn.Module, args: tuple[Any, ...], others: tuple[Any, ...], axes: dict[str, dict[int, str]]) -> None:
        """Both flavours, compared at the size that was exported and at another."""
        for dynamo in (True, False):
            with self.subTest(model=type(model).__name__, dynamo=dynamo):
                file = io.BytesIO()
                onnxport.export(model, args, file, dynamo=dynamo, input_names=list(axes), dynamic_axes=axes)
                self.assertEqual(onnx.load_from_string(file.getvalue()).producer_name, "onnxport")
                for given in (args, others):
                    self.check(file, model, given)

    def test_models(self) -> None:
        self.both(models.ResNet18().eval(), (torch.randn(2, 3, 64, 64),), (torch.randn(5, 3, 64, 64),), {"x": {0: "batch"}})
        axes = {name: {0: "batch", 1: "length"} for name in ("input_ids", "attention_mask", "token_type_ids")}
        self.both(models.Bert().eval(), (ids(2, 7), torch.ones(2, 7, dtype=torch.int64), ids(2, 7) % 2),
                  (ids(3, 11), torch.ones(3, 11, dtype=torch.int64), ids(3, 11) % 2), axes)
        self.both(torch.nn.GRU(8, 16, 2, batch_first=True).eval(), (torch.randn(2, 5, 8),), (torch.randn(3, 5, 8),), {"input": {0: "batch"}})

    def test_calls(self) -> None:
        state, pair = {"a": torch.randn(3, 4), "b": torch.randn(5)}, (torch.randn(3, 4), torch.randn(4, 2))
        file = io.BytesIO()
        onnxport.export(Nested().eval(), (state, pair), file, dynamo=True)
        self.check(file, Nested(), (state, pair))
        program = onnxport.export(Tiny().eval(), (torch.randn(2, 8),), dynamo=True, verify=True)
        self.check(program.model_proto.SerializeToString(), program.exported_program.module(), (torch.randn(2, 8),))
        theirs, ours = inspect.signature(torch.onnx.export).parameters, inspect.signature(onnxport.export).parameters
        self.assertLessEqual(set(theirs), set(ours))
        for name in ("dynamo", "opset_version", "optimize"):
            if name in theirs:
                self.assertEqual(ours[name].default, theirs[name].default)
        with onnxport.patch():
            torch.onnx.export(Tiny().eval(), (torch.randn(2, 8),), self.scratch / "a.onnx")
        self.assertEqual(onnx.load(self.scratch / "a.onnx").producer_name, "onnxport")

    def test_what_needs_the_release_of_the_wheel(self) -> None:
        """A ScriptModule says so, in words that name the release."""
        if _library.reads_torchscript(torch.__version__):
            self.skipTest(f"the wheel was built with torch {torch.__version__}")
        with self.assertRaisesRegex(onnxport.ExportError, "L211|torch"):
            onnxport.export(torch.jit.script(Tiny().eval()), (torch.randn(2, 8),), io.BytesIO(), dynamo=False)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(f"torch {torch.__version__}, onnxport {onnxport.__version__}")
    unittest.main(verbosity=2)
