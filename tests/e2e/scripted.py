#!/usr/bin/env python3
"""scripted.py [CLASS…]: scripted models with control flow that depends on data, through onnxport."""

from __future__ import annotations

import math
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from case import FIXTURES, OPSETS, inputs, load
from programs import ProgramCase, open_session


# Opset 13 has no operator for a list that a branch leaves as it is.
REFUSED = {("uneven_pieces", 13): "O603"}


class Scripted(ProgramCase):
    """Every model at every opset, at all of its sizes and trip counts, against what PyTorch computed."""

    def check(self, entry: dict[str, Any], opset: int) -> None:
        if code := REFUSED.get((entry["name"], opset)):
            self.refuse(code, 15, "export", FIXTURES / entry["model"], "-o", self.scratch / "x.onnx", *inputs(entry), "--opset", opset)
            return
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
    for opset in (13, *OPSETS):
        def test(self: Scripted, entry: dict[str, Any] = entry, opset: int = opset) -> None:
            self.check(entry, opset)
        setattr(Scripted, f"test_{entry['name']}_{opset}", test)


class OldOperators(ProgramCase):
    """What nothing writes any more, and old files hold."""

    def test_interpolate(self) -> None:
        """functional.interpolate, before 1.6."""
        x, out = torch.randn(2, 3, 4, 5), self.scratch / "x.onnx"
        sizes = ("%p : int = prim::Constant[value=7]()", "%q : int = prim::Constant[value=9]()",
                 "%s : int[] = prim::ListConstruct(%p, %q)", "%n : NoneType = prim::Constant()")
        factor = ("%s : NoneType = prim::Constant()", "%n : float = prim::Constant[value=2.]()")
        for mode, given in (("nearest", sizes), ("nearest", factor), ("bilinear", sizes), ("bilinear", factor), ("bicubic", sizes)):
            with self.subTest(mode=mode, given=given[-1]):
                lines = ("graph(%x : Tensor):", *given, f'%m : str = prim::Constant[value="{mode}"]()', "%o : NoneType = prim::Constant()",
                         "%f : bool = prim::Constant[value=0]()", "%y : Tensor = aten::__interpolate(%x, %s, %n, %m, %o, %o, %f)", "return (%y)")
                graph = torch._C.parse_ir("\n  ".join(lines))
                function = torch._C._create_function_from_graph("forward", graph)
                function.save(str(self.scratch / "m.pt"))
                self.succeed("export", self.scratch / "m.pt", "-o", out, "-i", "x:f32[n=2,3,4,5]", "--verify")
                result, = open_session(out).run(None, {"x": x.numpy()})
                np.testing.assert_allclose(result, function(x).numpy(), rtol=1e-4, atol=1e-5)


def log_gamma(x: torch.Tensor) -> float:
    return math.lgamma(float(x))


class Overloads(ProgramCase):
    def test_a_mapping_of_other_overloads_says_so(self) -> None:
        torch.jit.script(log_gamma).save(str(self.scratch / "m.pt"))
        said = self.refuse("T503", 14, "export", self.scratch / "m.pt", "-o", self.scratch / "x.onnx", "-i", "x:f32[]")
        self.assertIn("-> the mapping is made for other overloads of the operator; a plugin can map this one", said)


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

    def calls(self, name: str, spec: str, sizes: list[tuple[int, ...]], opset: int) -> dict[str, tuple[int, ...]]:
        """Successive calls of the file against those of the module; the shapes of what the last one leaves behind."""
        model, output = FIXTURES / f"scripted/{name}.pt", self.scratch / f"{name}.onnx"
        self.succeed("export", model, "-o", output, "-i", spec, "--state", "io", "--opset", opset, "--verify")
        onnx.checker.check_model(onnx.load(output), full_check=True)
        session, module = open_session(output), torch.jit.load(str(model))
        names = [o.name for o in session.get_outputs()]
        taken = {i.name for i in onnx.load(output).graph.input}
        state: dict[str, np.ndarray] = {}
        for call, size in enumerate(sizes):
            x = np.random.default_rng(call).standard_normal(size).astype(np.float32)
            results = dict(zip(names, session.run(None, {"x": x, **state})))
            wanted = module(torch.from_numpy(x))
            for got, want in zip(results.values(), wanted if isinstance(wanted, tuple) else (wanted,)):
                self.assertEqual(got.shape, tuple(want.shape), f"call {call}")
                np.testing.assert_allclose(got, want.detach().numpy(), rtol=2e-4, atol=2e-5, err_msg=f"call {call}")
            state = {name.removesuffix(".out"): value for name, value in results.items()
                     if name.removesuffix(".out") in taken and name.endswith(".out")}
        return {name: value.shape for name, value in state.items()}

    def test_states_that_begin_empty(self) -> None:
        for opset in (13, *OPSETS):
            with self.subTest(opset=opset):
                shapes = self.calls("empty_cache", "x:f32[b=2,3]", [(2, 3), (2, 3), (2, 3), (1, 3), (1, 3), (4, 3)], opset)
                self.assertEqual((shapes["state"], shapes["context"]), ((2, 4, 4), (4, 1)))
                shapes = self.calls("none_cache", "x:f32[t=2,3]", [(2, 3), (1, 3), (3, 3), (1, 3)], opset)
                self.assertEqual((shapes["keys"], shapes["places"]), ((7, 3), (7,)))
                self.calls("growing_cache", "x:f32[t=2,3]", [(2, 3), (1, 3), (3, 3)], opset)

    def test_a_flag_that_says_whether_a_state_is_there(self) -> None:
        self.calls("flagged_cache", "x:f32[b=2,3]", [(2, 3), (2, 3), (2, 3)], 20)

    def test_lists_dicts_and_tuples_that_a_module_holds(self) -> None:
        for opset in (13, *OPSETS):
            with self.subTest(opset=opset):
                kept = self.calls("held_containers", "x:f32[1,3]", [(1, 3)] * 5, opset)
                self.assertLessEqual({"layers.0", "layers.1", "named.mean", "named.count", "pair.0", "pair.1"}, set(kept))

    def test_lists_that_are_changed_in_branches_and_at_places_that_a_run_knows(self) -> None:
        for opset in (13, *OPSETS):
            with self.subTest(opset=opset):
                kept = self.calls("changed_somewhere", "x:f32[1,3]", [(1, 3)] * 6, opset)
                self.assertEqual(set(kept), {"branched.0", "branched.1", "indexed.0", "indexed.1", "indexed.2"})

    def test_a_container_that_is_written_is_never_forgotten(self) -> None:
        """Without a word the file would give other numbers from the second call on."""
        for name, code in (("held_containers", 0), ("growing_list", 14), ("list_of_counts", 14)):
            words = ("export", FIXTURES / f"scripted/{name}.pt", "-o", self.scratch / "x.onnx", "-i", "x:f32[1,3]")
            with self.subTest(name):
                said = self.refuse("T521", 14, *words)
                self.assertIn("--state drop", said)
                if code:
                    self.refuse("T521", 14, *words, "--state", "io")
                self.assertIn("from call to call", self.run_program(*words, "--state", "drop", "--verbose").stderr)

    def test_a_state_that_changes_its_shape_is_refused(self) -> None:
        self.refuse("T548", 14, "export", FIXTURES / "scripted/shape_of_state.pt", "-o", self.scratch / "x.onnx",
                    "-i", "x:f32[2,3]", "--state", "io")
        self.succeed("export", FIXTURES / "scripted/shape_of_state.pt", "-o", self.scratch / "x.onnx", "-i", "x:f32[2,3]",
                     "--state", "drop", "--verify")


if __name__ == "__main__":
    unittest.main()
