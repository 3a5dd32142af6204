#!/usr/bin/env python3
"""scripted.py [CLASS…]: scripted models with control flow that depends on data, through onnxport."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

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


class States(ProgramCase):
    """What a scripted module sets from call to call."""

    def test_numbers_go_from_call_to_call(self) -> None:
        model, output = FIXTURES / "scripted/number_states.pt", self.scratch / "x.onnx"
        self.succeed("export", model, "-o", output, "-i", "x:f32[n=2,3]", "--state", "io", "--verify")
        session, module = open_session(output), torch.jit.load(str(model))
        self.assertEqual(sorted(o.name for o in session.get_outputs()[1:]), ["gain.calls.out", "gain.factor.out", "started.out", "steps.out"])
        state: dict[str, np.ndarray] = {}
        for call in range(5):
            x = np.random.default_rng(call).standard_normal((call + 1, 3)).astype(np.float32)
            result, *kept = session.run(None, {"x": x, **state})
            np.testing.assert_allclose(result, module(torch.from_numpy(x)).numpy(), rtol=1e-6, err_msg=f"call {call}")
            state = {o.name.removesuffix(".out"): value for o, value in zip(session.get_outputs()[1:], kept)}
        self.assertEqual((state["steps"], state["gain.factor"]), (8, 4.0))

    def test_a_state_that_changes_its_shape_is_refused(self) -> None:
        self.refuse("T548", 14, "export", FIXTURES / "scripted/growing_cache.pt", "-o", self.scratch / "x.onnx",
                    "-i", "x:f32[2,3]", "--state", "io")
        self.succeed("export", FIXTURES / "scripted/growing_cache.pt", "-o", self.scratch / "x.onnx", "-i", "x:f32[2,3]",
                     "--state", "drop", "--verify")


if __name__ == "__main__":
    unittest.main()
