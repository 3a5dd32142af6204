#!/usr/bin/env python3
"""scripted.py [CLASS…]: scripted models with control flow that depends on data, through onnxport."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from case import FIXTURES, OPSETS, load
from programs import ProgramCase, open_session


class Scripted(ProgramCase):
    """Every model at every opset, at all of its sizes and trip counts, against what PyTorch computed."""

    def check(self, entry: dict[str, Any], opset: int) -> None:
        output = self.export(entry, "--opset", opset, "--state", entry["state"], "--method", entry["method"])
        model = onnx.load(output)
        onnx.checker.check_model(model, full_check=True)
        self.assertEqual([(o.domain, o.version) for o in model.opset_import], [("", opset)])
        self.compare(entry, output)

    def compare(self, entry: dict[str, Any], output: Path) -> None:
        session = open_session(output)
        for name in entry["cases"]:
            with np.load(FIXTURES / name) as case:
                feeds = {i.name: case[f"input_{k}"] for k, i in enumerate(session.get_inputs())}
                results = session.run(None, feeds)
                self.assertEqual(len(results), sum(key.startswith("output_") for key in case))
                for k, result in enumerate(results):
                    wanted = case[f"output_{k}"]
                    self.assertEqual((result.dtype, result.shape), (wanted.dtype, wanted.shape), f"{name}: output {k}")
                    np.testing.assert_allclose(result, wanted, rtol=2e-4, atol=2e-5 + entry["steps"], err_msg=f"{name}: output {k}")


for entry in load("scripted.yaml"):
    for opset in OPSETS:
        def test(self: Scripted, entry: dict[str, Any] = entry, opset: int = opset) -> None:
            self.check(entry, opset)
        setattr(Scripted, f"test_{entry['name']}_{opset}", test)


if __name__ == "__main__":
    unittest.main()
