#!/usr/bin/env python3
"""programs.py [CLASS…]: exported programs (.pt2) through onnxport, as a person exports them."""

from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from case import FIXTURES, OPSETS, Case, fixture, inputs, load
from graphs import canonical


def program(name: str) -> dict[str, Any]:
    return next(entry for entry in load("programs.yaml") if entry["name"] == name)


class ProgramCase(Case):
    def export_program(self, entry: dict[str, Any], *words: object, **options: Any) -> Path:
        output = self.scratch / f"{entry['name']}.onnx"
        state = ("--state", entry["state"]) if "state" in entry else ()
        self.succeed("export", FIXTURES / entry["model"], "-o", output, *state, *words, **options)
        return output

    def compare(self, entry: dict[str, Any], output: Path) -> None:
        """ONNX Runtime against what PyTorch computed from the module itself, at sizes the program was not exported at."""
        session = onnxruntime.InferenceSession(str(output), providers=["CPUExecutionProvider"])
        for name in entry["cases"]:
            with np.load(FIXTURES / name) as case:
                feeds = {i.name: case[f"input_{k}"] for k, i in enumerate(session.get_inputs())}
                results = session.run(None, feeds)
                self.assertEqual(len(results), sum(key.startswith("output_") for key in case))
                for k, result in enumerate(results):
                    wanted = case[f"output_{k}"]
                    self.assertEqual((result.dtype, result.shape), (wanted.dtype, wanted.shape), f"{name}: output {k}")
                    np.testing.assert_allclose(result, wanted, rtol=2e-4, atol=2e-5, err_msg=f"{name}: output {k}")


class Programs(ProgramCase):
    """Every program at every opset, without libtorch where nothing has to be split."""

    def check(self, entry: dict[str, Any], opset: int) -> None:
        output = self.export_program(entry, "--opset", opset)
        model = onnx.load(output)
        onnx.checker.check_model(model, full_check=True)
        self.assertEqual([(o.domain, o.version) for o in model.opset_import], [("", opset)])
        self.compare(entry, output)
        self.assertEqual(self.left(), [output.name])

    def check_verify(self, entry: dict[str, Any]) -> None:
        report = self.scratch / "report.json"
        self.export_program(entry, "--verify", "--report", report)
        done = json.loads(report.read_text())
        self.assertTrue(done["verify"] and all(run["passed"] for run in done["verify"]), done["verify"])
        self.assertEqual(done["not_independently_checked"], [])

    def check_same_graph(self, entry: dict[str, Any]) -> None:
        """The two captures of one module end in one graph, apart from names and provenance."""
        traced = fixture(entry["same_as"])
        by_trace = onnx.load(self.export(traced))
        by_program = onnx.load(self.export_program(entry, *inputs(traced)))
        self.assertEqual(canonical(by_program), canonical(by_trace))


def add_program_tests() -> None:
    if not (FIXTURES / "programs.yaml").exists():
        sys.exit(f"no programs in {FIXTURES}: ./dev test makes them (tests/fixtures/make.py)")
    for entry in load("programs.yaml"):
        name = entry["name"]
        for opset in OPSETS:
            setattr(Programs, f"test_{name}_opset_{opset}", lambda self, entry=entry, opset=opset: self.check(entry, opset))
        setattr(Programs, f"test_{name}_verify", lambda self, entry=entry: self.check_verify(entry))
        if "same_as" in entry:
            setattr(Programs, f"test_{name}_same_graph", lambda self, entry=entry: self.check_same_graph(entry))


if __name__ == "__main__":
    add_program_tests()
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
