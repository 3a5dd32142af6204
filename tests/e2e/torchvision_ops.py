#!/usr/bin/env python3
"""torchvision_ops.py [CLASS…]: models that call torchvision's operators, exported without torchvision."""

from __future__ import annotations

import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from case import FIXTURES, Case

INPUTS = {
    "torchvision_boxes": ["f32[1,4,8,8]", "f32[n=6,4]", "f32[n]"],
    "torchvision_pooled": ["f32[batch=2,4,8,8]", "f32[n=6,5]"],
    "torchvision_deformable": ["f32[batch=2,4,5,6]"],
}


class TorchvisionOperators(Case):
    """The numbers of plain loops after their definitions, at another size than the exported one."""

    def exported(self, name: str, opset: int) -> Path:
        entry = {"name": name, "model": f"models/{name}.pt", "inputs": INPUTS[name]}
        output = self.export(entry, "--opset", opset)
        onnx.checker.check_model(onnx.load(output), full_check=True)
        return output

    def check(self, name: str, opset: int) -> None:
        output = self.exported(name, opset)
        known = np.load(FIXTURES / "models" / f"{name}.npz")
        session = onnxruntime.InferenceSession(output)
        results = session.run(None, {given.name: known[f"input_{k}"] for k, given in enumerate(session.get_inputs())})
        for k, result in enumerate(results):
            np.testing.assert_allclose(result, known[f"output_{k}"], rtol=1e-4, atol=1e-5, err_msg=f"{name}, output {k}")

    def test_numbers(self) -> None:
        for name in INPUTS:
            self.check(name, 20)

    def test_opset_18(self) -> None:
        for name in ("torchvision_boxes", "torchvision_pooled"):
            self.check(name, 18)

    def test_opset_23_is_valid(self) -> None:
        for name in INPUTS:  # ONNX Runtime has no kernels yet for what opset 22 changed of these operators
            self.exported(name, 23)

    def test_deformable_convolution_is_newer_than_opset_18(self) -> None:
        self.refuse("O601", 15, "export", FIXTURES / "models/torchvision_deformable.pt", "--input", "f32[batch=2,4,5,6]", "--opset", 18,
                    "-o", self.scratch / "out.onnx")
        self.assertEqual(self.left(), [])

    def test_mappings_stand_in_for_missing_kernels(self) -> None:
        entry = {"name": "boxes", "model": "models/torchvision_boxes.pt", "inputs": INPUTS["torchvision_boxes"]}
        words = [word for text in entry["inputs"] for word in ("--input", text)]
        said = self.succeed("export", FIXTURES / entry["model"], "-o", self.scratch / "boxes.onnx", *words, "--verify")
        self.assertIn("not independently checked: no kernel of torchvision::nms", said)


if __name__ == "__main__":
    unittest.main()
