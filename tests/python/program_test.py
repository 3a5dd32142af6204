"""What torch's own helpers do with an exported program and with the call, as PyTorch's tests use them."""
from __future__ import annotations

import unittest
import warnings

import numpy as np
import onnxruntime
import torch
from case import Case, Tiny

import onnxport


class Helpers(Case):
    def setUp(self) -> None:
        super().setUp()
        self.program = onnxport.export(Tiny().eval(), (torch.randn(2, 8),), dynamo=True)

    def test_a_program_is_torchs(self) -> None:
        self.assertIsInstance(self.program, torch.onnx.ONNXProgram)

    def test_torchs_assertion(self) -> None:
        from torch.onnx._internal.exporter._testing import assert_onnx_program  # torch.onnx.testing, from 2.8 on

        assert_onnx_program(self.program)
        assert_onnx_program(self.program, args=(torch.randn(2, 8),), backend="reference", atol=1e-5, rtol=1e-4)


class AddQuantized(torch.nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.dequantize(torch.ops.quantized.add(x, y, 0.5, 3))


class Unread(torch.nn.Module):
    def forward(self, x: torch.Tensor, flag: bool, n: int) -> torch.Tensor:
        return x * n


class Scale(torch.nn.Module):
    def forward(self, x: torch.Tensor, factor: float, count: int, twice: bool) -> torch.Tensor:
        out = x * factor + count
        return out + out if twice else out


class Dequantize(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.dequantize(x)


class Picky(torch.nn.Module):
    """Holds for some sizes only."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if x.shape[0] >= 6 and y.shape[0] <= 16:
            return x * 2.0, y + 1
        return x, y


class Calls(Case):
    def test_numbers_are_inputs_where_they_are_named(self) -> None:
        x = torch.randn(2, 3)
        for scripted in (False, True):
            model = torch.jit.script(Scale()) if scripted else Scale()
            wanted = [("x", "tensor(float)"), ("f", "tensor(double)"), ("n", "tensor(int64)"), ("b", "tensor(bool)")]
            for count in (1, 2, 3, 4):
                out = self.scratch / "numbers.onnx"
                names = [name for name, _ in wanted][:count]
                onnxport.export(model, (x, 2.5, 3, True), out, dynamo=False, input_names=names, verify=True)
                session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
                # Of a trace, the `if` of a bool is decided: nothing reads it.
                self.assertEqual([(i.name, i.type) for i in session.get_inputs()], wanted[:count if scripted else min(count, 3)])
        given = {"x": x.numpy(), "f": np.asarray(0.5), "n": np.asarray(7), "b": np.asarray(False)}
        np.testing.assert_allclose(session.run(None, given)[0], (x * 0.5 + 7).numpy(), atol=1e-6)

    def test_numbers_that_nothing_reads_are_no_inputs(self) -> None:
        class Flags(torch.nn.Module):
            def forward(self, x: torch.Tensor, flag: bool, n: int) -> torch.Tensor:
                return x * n if flag else x

        x, out = torch.randn(2, 3), self.scratch / "flags.onnx"
        onnxport.export(Flags(), (x, True, 3), out, dynamo=False, input_names=["x", "flag", "n"], dynamic_axes={"x": {0: "b"}})
        session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
        self.assertEqual([i.name for i in session.get_inputs()], ["x", "n"])
        np.testing.assert_allclose(session.run(None, {"x": x.numpy(), "n": np.asarray(5)})[0], (x * 5).numpy(), atol=1e-6)
        onnxport.export(torch.jit.script(Unread()), (x, True, 3), out, dynamo=False, input_names=["x", "flag", "n"])
        session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
        self.assertEqual([i.name for i in session.get_inputs()], ["x", "n"])

    def test_quantized_inputs(self) -> None:
        x = torch.quantize_per_tensor(torch.randn(2, 3), 0.1, 12, torch.quint8)
        y = torch.quantize_per_tensor(torch.randn(2, 3), 0.25, 100, torch.quint8)
        for model in (AddQuantized(), torch.jit.script(AddQuantized())):
            out = self.scratch / "quantized.onnx"
            onnxport.export(model, (x, y), out, dynamo=False, input_names=["a", "b"], verify=True)
            session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
            self.assertEqual([(i.name, i.type) for i in session.get_inputs()], [("a", "tensor(uint8)"), ("b", "tensor(uint8)")])
            got = session.run(None, {"a": x.int_repr().numpy(), "b": y.int_repr().numpy()})[0]
            np.testing.assert_allclose(got, AddQuantized()(x, y).numpy(), atol=1e-6)

    def test_quantized_by_channels(self) -> None:
        x = torch.quantize_per_channel(torch.randn(2, 3), torch.tensor([0.1, 0.2]), torch.tensor([0, 0]), 0, torch.qint8)
        with self.assertRaisesRegex(RuntimeError, "'x' is torch.qint8 by channels"):
            onnxport.export(Dequantize(), (x,), self.scratch / "x.onnx", dynamo=False)

    def test_ranges_that_torch_suggests(self) -> None:
        dims = {"x": (torch.export.Dim("dx"),), "y": (torch.export.Dim("dy"),)}
        with self.assertWarnsRegex(UserWarning, r"dx = Dim\('dx', min=6\)"):
            warnings.simplefilter("always")
            program = onnxport.export(Picky(), (torch.randn(16), torch.randn(12)), dynamic_shapes=dims, dynamo=True)
        given = (torch.randn(9), torch.randn(3))
        self.check(program.model_proto.SerializeToString(), Picky(), given)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    unittest.main(verbosity=1)
