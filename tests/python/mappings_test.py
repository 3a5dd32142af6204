"""Operators that the caller maps by functions of Python: symbolics, and custom_translation_table."""
from __future__ import annotations

import contextlib
import io
import unittest
import warnings
from collections.abc import Iterator
from typing import Any

import onnx
import torch
from case import Case, Tiny
from torch.onnx import symbolic_helper

import onnxport

LIBRARY = torch.library.Library("onnxport_tests", "DEF")
LIBRARY.define("scaled_tanh(Tensor x, float scale=2.0, int[] dims=[]) -> Tensor")
LIBRARY.impl("scaled_tanh", lambda x, scale=2.0, dims=(): torch.tanh(x) * scale, "CompositeExplicitAutograd")
LIBRARY.define("pooled(Tensor x) -> (Tensor, Tensor)")
LIBRARY.impl("pooled", lambda x: (x.sum(-1), x.amax(-1, keepdim=True)), "CompositeExplicitAutograd")


class Scaled(torch.nn.Module):
    def __init__(self, scale: float = 3.0) -> None:
        super().__init__()
        self.lin, self.scale = torch.nn.Linear(4, 4), scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.onnxport_tests.scaled_tanh(self.lin(x), self.scale, [0, 1]).view(x.shape[0], -1) + 1


class Pools(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        total, most = torch.ops.onnxport_tests.pooled(x)
        return total.unsqueeze(-1) + most


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, factor: float, y: torch.Tensor) -> torch.Tensor:
        return x * factor + y

    @staticmethod
    def symbolic(g: Any, x: Any, factor: float, y: Any) -> Any:
        scaled = g.op("Mul", x, g.op("Constant", value_t=torch.tensor(factor)))
        return g.op("Add", scaled, y)


class Own(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.abs()

    @staticmethod
    def symbolic(g: Any, x: Any) -> Any:
        return g.op("com.acme::Magnitude", x, mode_s="fast", steps_i=[1, 2], alpha_f=0.5)


class CallsFunction(torch.nn.Module):
    def __init__(self, own: bool = False) -> None:
        super().__init__()
        self.lin, self.own = torch.nn.Linear(4, 4), own

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.lin(x)
        return Own.apply(y).view(x.shape[0], 2, 2) if self.own else Doubled.apply(y, 2.5, x)


@contextlib.contextmanager
def registered(name: str, function: Any, opset: int = 9) -> Iterator[None]:
    torch.onnx.register_custom_op_symbolic(name, function, opset)
    try:
        yield
    finally:
        torch.onnx.unregister_custom_op_symbolic(name, opset)


def exported(model: Any, x: torch.Tensor, **options: Any) -> io.BytesIO:
    out = io.BytesIO()
    onnxport.export(model, (x,), out, dynamic_axes={"x": {0: "n"}}, **options)
    return out


def nodes(file: io.BytesIO) -> list[str]:
    return [f"{n.domain}::{n.op_type}" if n.domain else n.op_type for n in onnx.load_from_string(file.getvalue()).graph.node]


class Symbolics(Case):
    def test_of_an_operator(self) -> None:
        @symbolic_helper.parse_args("v", "f", "is")
        def symbolic(g: Any, x: Any, scale: float, dims: list[int]) -> Any:
            self.assertEqual(dims, [0, 1])
            return g.op("Mul", g.op("Tanh", x), g.op("Constant", value_t=torch.tensor(scale)))

        model = Scaled().eval()
        for opset in (13, 18, 20):
            with registered("onnxport_tests::scaled_tanh", symbolic), self.subTest(opset=opset):
                file = exported(model, torch.randn(2, 4), dynamo=False, opset_version=opset)
                self.assertIn("Tanh", nodes(file))
                for n in (2, 5):
                    self.check(file, model, (torch.randn(n, 4),))
        with self.assertRaisesRegex(onnxport.ExportError, "onnxport_tests::scaled_tanh"):  # it is gone again
            exported(model, torch.randn(2, 4), dynamo=False)

    def test_of_an_operator_of_torch(self) -> None:
        """It is asked before the plugin that maps it."""
        with registered("aten::relu", lambda g, x: g.op("com.acme::Ramp", x, alpha_f=0.5)):
            file = exported(Tiny().eval(), torch.randn(2, 8), dynamo=False, opset_version=17, custom_opsets={"com.acme": 2})
        self.assertIn("com.acme::Ramp", nodes(file))
        proto = onnx.load_from_string(file.getvalue())
        self.assertEqual({o.domain: o.version for o in proto.opset_import}["com.acme"], 2)
        # What follows knows the result's sizes: view(n, -1).
        self.assertEqual([d.dim_param or d.dim_value for d in proto.graph.output[0].type.tensor_type.shape.dim], ["n", 4])
        self.assertNotIn("com.acme::Ramp", nodes(exported(Tiny().eval(), torch.randn(2, 8), dynamo=False)))

    def test_in_the_form_of_its_opset(self) -> None:
        """Axes were an attribute below opset 13; torch's helpers choose by it."""
        def symbolic(g: Any, x: Any) -> Any:
            total = g.op("ReduceSum", x, axes_i=[-1], keepdims_i=0) if g.opset < 13 else symbolic_helper._reducesum_helper(
                g, x, axes_i=[-1], keepdims_i=0)
            return total, g.op("ReduceMax", x, axes_i=[-1], keepdims_i=1)

        for opset in (11, 12, 13, 17):
            with registered("onnxport_tests::pooled", symbolic), self.subTest(opset=opset):
                file = exported(Pools(), torch.randn(2, 4), dynamo=False, opset_version=opset)
                self.check(file, Pools(), (torch.randn(5, 4),))

    def test_that_fails_is_named(self) -> None:
        def symbolic(g: Any, x: Any) -> Any:
            raise ArithmeticError("not today")

        with registered("aten::relu", symbolic), self.assertRaisesRegex(onnxport.ExportError, "aten::relu.*not today") as caught:
            exported(Tiny().eval(), torch.randn(2, 8), dynamo=False)
        self.assertIsInstance(caught.exception.__cause__.__cause__ or caught.exception.__cause__, ArithmeticError)

    def test_of_a_function(self) -> None:
        model = CallsFunction().eval()
        file = exported(model, torch.randn(2, 4), dynamo=False)
        for n in (2, 5):
            self.check(file, model, (torch.randn(n, 4),))
        self.assertIn("com.acme::Magnitude", nodes(exported(CallsFunction(own=True).eval(), torch.randn(2, 4), dynamo=False)))
        self.assertNotIn("com.acme::Magnitude", nodes(exported(CallsFunction(own=True).eval(), torch.randn(2, 4), dynamo=True)))
        attributes = {a.name: onnx.helper.get_attribute_value(a) for n in onnx.load_from_string(
            exported(CallsFunction(own=True).eval(), torch.randn(2, 4), dynamo=False).getvalue()).graph.node
            if n.domain for a in n.attribute}
        self.assertEqual(attributes, {"mode": b"fast", "steps": [1, 2], "alpha": 0.5})
        self.assertIs(torch.autograd.Function.__dict__["apply"], APPLY)


class Kept(Case):
    def test_what_nothing_maps(self) -> None:
        kinds = torch.onnx.OperatorExportTypes
        for kind, wanted in ((kinds.ONNX_FALLTHROUGH, "onnxport_tests::scaled_tanh"), (kinds.ONNX_ATEN_FALLBACK, "org.pytorch.aten::ATen")):
            with self.subTest(kind=str(kind)), self.assertWarnsRegex(UserWarning, "onnxport_tests::scaled_tanh"):
                file = exported(Scaled().eval(), torch.randn(2, 4), dynamo=False, operator_export_type=kind)
            self.assertIn(wanted, nodes(file))
            proto = onnx.load_from_string(file.getvalue())
            node = next(n for n in proto.graph.node if n.domain)
            self.assertEqual(len(node.input), 3)  # the tensor, the scale and the dims
            constants = {i.name: onnx.numpy_helper.to_array(i).tolist() for i in proto.graph.initializer}
            self.assertEqual([constants.get(n) for n in node.input[1:]], [3.0, [0, 1]])
            self.assertEqual([d.dim_param or d.dim_value for d in proto.graph.output[0].type.tensor_type.shape.dim], ["n", 4])
        with self.assertRaises(onnxport.ExportError):
            exported(Scaled().eval(), torch.randn(2, 4), dynamo=False)


APPLY = torch.autograd.Function.__dict__["apply"]


class Tables(Case):
    def test_python_that_calls_operators(self) -> None:
        from onnxscript import opset18 as op

        def scaled_tanh(x: Any, scale: float = 2.0, dims: Any = ()) -> Any:
            return op.Mul(op.Tanh(x), op.Constant(value_float=scale))

        model = Scaled().eval()
        table = {torch.ops.onnxport_tests.scaled_tanh.default: scaled_tanh}
        for opset in (18, 20, 21):
            file = exported(model, torch.randn(2, 4), dynamo=True, opset_version=opset, custom_translation_table=table)
            for n in (2, 5):
                self.check(file, model, (torch.randn(n, 4),))
        # What is made later of the program asks the table too.
        program = onnxport.export(model, (torch.randn(2, 4),), dynamo=True, custom_translation_table=table)
        program.save(self.scratch / "later.onnx")
        self.check(self.scratch / "later.onnx", model, (torch.randn(2, 4),))

    def test_a_function_of_onnxscript(self) -> None:
        import onnxscript
        from onnxscript import opset18 as op

        custom = onnxscript.values.Opset("com.acme.functions", 1)

        @onnxscript.script(custom)
        def twice_relu(x):  # noqa: ANN001, ANN202 as onnxscript reads it
            return op.Add(op.Relu(x), op.Relu(x))

        model = Tiny().eval()
        file = exported(model, torch.randn(2, 8), dynamo=True, custom_translation_table={torch.ops.aten.relu.default: twice_relu})
        self.check(file, lambda x: 2 * torch.relu(model.lin(x)), (torch.randn(5, 8),))

    def test_a_domain_of_its_own(self) -> None:
        import onnxscript

        acme = onnxscript.values.Opset("com.acme", 1)

        @onnxscript.script(acme)
        def ramp(x):  # noqa: ANN001, ANN202
            return acme.Ramp(x, alpha=0.5)

        file = exported(Tiny().eval(), torch.randn(2, 8), dynamo=True, custom_translation_table={torch.ops.aten.relu.default: ramp})
        self.assertIn("com.acme::Ramp", nodes(file))
        shape = onnx.load_from_string(file.getvalue()).graph.output[0].type.tensor_type.shape
        self.assertEqual([d.dim_param or d.dim_value for d in shape.dim], ["n", 4])

    def test_a_function_that_cannot_be_run(self) -> None:
        def broken(x: Any) -> Any:
            raise ArithmeticError("not today")

        model = Tiny().eval()
        with self.assertWarnsRegex(UserWarning, "aten::relu.*not today"):
            file = exported(model, torch.randn(2, 8), dynamo=True, custom_translation_table={torch.ops.aten.relu.default: broken})
        self.check(file, model, (torch.randn(5, 8),))
        with self.assertRaisesRegex(onnxport.ExportError, "scaled_tanh.*|not today"):
            exported(Scaled().eval(), torch.randn(2, 4), dynamo=True,
                     custom_translation_table={torch.ops.onnxport_tests.scaled_tanh.default: broken})
        with self.assertRaises(TypeError):
            exported(model, torch.randn(2, 8), dynamo=True, custom_translation_table={torch.ops.aten.relu.default: [broken]})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    unittest.main(verbosity=1)
