"""Operators that the caller maps by functions of Python: symbolics, and custom_translation_table."""
from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import unittest
import warnings
from collections.abc import Iterator
from typing import Any

import onnx
import onnxscript
import torch
from case import Case, Tiny
from onnxscript import opset15 as op
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


class Scaling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, factor: int) -> torch.Tensor:
        return x + x * (factor - 1)


class CallsBoth(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return Doubled.apply(Scaling.apply(x, 3), 2.5, x)


@onnxscript.script(onnxscript.values.Opset("onnx-script", 1))
def ScriptedSelu(X):  # noqa: ANN001, ANN201, N802, N803 as onnxscript's own example
    scale = op.CastLike(1.0507, X)
    neg = scale * (op.CastLike(1.67326, X) * op.Exp(X) - op.CastLike(1.67326, X))
    return op.Where(X <= op.CastLike(0, X), neg, scale * X)


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

    def test_of_an_older_opset_than_torchs(self) -> None:
        """torch has a layer_norm of opset 17, which goes before one that was registered for 15, whoever exports first."""
        script = """if True:
            import io, onnx, onnxport, torch
            torch.onnx.register_custom_op_symbolic("aten::layer_norm", lambda g, x, *rest: g.op("Relu", x), 15)
            for opset in (20, 16):
                out = io.BytesIO()
                onnxport.export(torch.nn.LayerNorm(4).eval(), (torch.randn(2, 4),), out, dynamo=False, opset_version=opset)
                print(*(n.op_type for n in onnx.load_from_string(out.getvalue()).graph.node))
            """
        done = subprocess.run([sys.executable, "-B", "-c", script], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.split(), ["LayerNormalization", "Relu"])

    def test_that_calls_a_function_of_onnxscript(self) -> None:
        """By g.onnxscript_op, which leaves the function in torch's registry."""
        def symbolic(g: Any, x: Any) -> Any:
            return g.onnxscript_op(ScriptedSelu, x).setType(x.type())

        model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.SELU()).eval()
        with registered("aten::selu", symbolic):
            for opset in (15, 20):
                file = exported(model, torch.randn(2, 4), dynamo=False, opset_version=opset)
                self.check(file, model, (torch.randn(2, 4),))
                self.assertIn("Where", nodes(file))

    def test_of_what_is_no_operator(self) -> None:
        """A registration that stays in the process, and that torch never looks up, harms no later export."""
        with registered("onnx-script::Selu", lambda g, x: g.op("Selu", x)):
            model = Tiny().eval()
            self.check(exported(model, torch.randn(2, 8), dynamo=False), model, (torch.randn(3, 8),))

    def test_of_all_functions(self) -> None:
        """prim::PythonOp, which is told the name of the function; a function's own symbolic goes first."""
        def symbolic(g: Any, *args: Any, name: str) -> Any:
            self.assertEqual(name, "Scaling")
            return g.op("Mul", args[0], g.op("Constant", value_t=torch.tensor(float(args[1]))))

        with registered("prim::PythonOp", symbolic, 1):
            file = exported(CallsBoth().eval(), torch.randn(2, 4), dynamo=False)
        self.check(file, CallsBoth().eval(), (torch.randn(5, 4),))
        self.assertIn("Mul", nodes(file))


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


LIBRARY.define("halved(Tensor x, int steps=3) -> Tensor")
LIBRARY.impl("halved", lambda x, steps=3: x / 2 ** (steps if bool(x.sum() > 0) else 0), "CPU")
LIBRARY.impl("halved", lambda x, steps=3: torch.empty_like(x), "Meta")
LIBRARY.define("doubling(Tensor x, int steps=2) -> Tensor")
LIBRARY.impl("doubling", lambda x, steps=2: x.repeat(*([2 ** steps] + [1] * (x.dim() - 1))), "CPU")
LIBRARY.impl("doubling", lambda x, steps=2: x.new_empty([x.shape[0] * 2 ** steps, *x.shape[1:]]), "Meta")


class Halves(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.onnxport_tests.halved(x + 1).view(x.shape[0], 2, -1)


class Doubles(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.onnxport_tests.doubling(x + 1) * 3


def constant(g: Any, value: Any, dtype: torch.dtype = torch.int64) -> Any:
    return g.op("Constant", value_t=torch.tensor(value, dtype=dtype))


class Bodies(Case):
    """Nodes with blocks: If, Loop and Scan."""

    def each_sign(self, file: io.BytesIO, model: torch.nn.Module) -> None:
        for n in (2, 5):
            for sign in (1, -1):
                self.check(file, model, (sign * torch.rand(n, 4) - 1,))

    def test_a_symbolic_with_blocks(self) -> None:
        """As torch's own symbolics write them: an If, in whose branch a Loop halves."""
        def symbolic(g: Any, x: Any, steps: Any) -> Any:
            from torch.onnx._internal.torchscript_exporter import jit_utils, utils

            two = constant(g, 2.0, torch.float32)
            total = g.op("ReduceSum", x, constant(g, [0, 1]), keepdims_i=0) if g.opset >= 13 else g.op("ReduceSum", x, keepdims_i=0)
            out, (yes, no), _ = jit_utils.add_op_with_blocks(g, "If", g.op("Greater", total, constant(g, 0.0, torch.float32)), n_blocks=2)
            looped, (body,), _ = jit_utils.add_op_with_blocks(yes, "Loop", steps, constant(yes, True, torch.bool), x)
            utils._add_input_to_block(body.block)
            going, carried = utils._add_input_to_block(body.block), utils._add_input_to_block(body.block)
            utils._add_output_to_block(body.block, body.op("Identity", going))
            # In a form that opset 13 changed, of what is read from outside.
            divisor = body.op("Unsqueeze", two, constant(body, [0])) if g.opset >= 13 else body.op("Unsqueeze", two, axes_i=[0])
            utils._add_output_to_block(body.block, body.op("Div", carried, divisor))
            utils._add_output_to_block(yes.block, looped)
            utils._add_output_to_block(no.block, no.op("Identity", x))
            return out

        for opset in (11, 13, 18, 21):
            with registered("onnxport_tests::halved", symbolic), self.subTest(opset=opset):
                file = exported(Halves(), torch.rand(2, 4), dynamo=False, opset_version=opset)
                self.each_sign(file, Halves())
                proto = onnx.load_from_string(file.getvalue())
                self.assertIn("Loop", [n.op_type for n in next(n for n in proto.graph.node if n.op_type == "If").attribute[0].g.node]
                              + [n.op_type for n in next(n for n in proto.graph.node if n.op_type == "If").attribute[1].g.node])
                self.assertEqual([d.dim_param or d.dim_value for d in proto.graph.output[0].type.tensor_type.shape.dim], ["n", 2, 2])

    def test_a_size_that_changes_in_a_loop(self) -> None:
        def symbolic(g: Any, x: Any, steps: Any) -> Any:
            from torch.onnx._internal.torchscript_exporter import jit_utils, utils

            out, (body,), _ = jit_utils.add_op_with_blocks(g, "Loop", steps, constant(g, True, torch.bool), x)
            utils._add_input_to_block(body.block)
            going, carried = utils._add_input_to_block(body.block), utils._add_input_to_block(body.block)
            utils._add_output_to_block(body.block, body.op("Identity", going))
            utils._add_output_to_block(body.block, body.op("Concat", carried, carried, axis_i=0))
            return out

        with registered("onnxport_tests::doubling", symbolic):
            file = exported(Doubles(), torch.rand(2, 4), dynamo=False)
        for n in (2, 5):
            self.check(file, Doubles(), (torch.rand(n, 4),))
        shape = onnx.load_from_string(file.getvalue()).graph.output[0].type.tensor_type.shape
        self.assertEqual(shape.dim[1].dim_value, 4)

    def test_an_operator_of_ones_own_in_a_block(self) -> None:
        def symbolic(g: Any, x: Any, steps: Any) -> Any:
            from torch.onnx._internal.torchscript_exporter import jit_utils, utils

            above = g.op("Greater", g.op("ReduceMax", x, keepdims_i=0), constant(g, 0.0, torch.float32))
            out, (yes, no), _ = jit_utils.add_op_with_blocks(g, "If", above, n_blocks=2)
            ramp = yes.op("com.acme::Ramp", x)
            ramp.setType(x.type())
            utils._add_output_to_block(yes.block, ramp)
            utils._add_output_to_block(no.block, no.op("Identity", x))
            return out

        with registered("onnxport_tests::halved", symbolic):
            file = exported(Halves(), torch.rand(2, 4), dynamo=False, opset_version=17, custom_opsets={"com.acme": 3})
        proto = onnx.load_from_string(file.getvalue())
        self.assertEqual({o.domain: o.version for o in proto.opset_import}["com.acme"], 3)
        self.assertIn("Ramp", [n.op_type for a in next(n for n in proto.graph.node if n.op_type == "If").attribute for n in a.g.node])

    def test_a_table_with_blocks(self) -> None:
        """As onnxscript writes an if and a for."""
        import onnxscript
        from onnxscript import opset18 as op

        @onnxscript.script(onnxscript.values.Opset("com.acme.functions", 1))
        def halved(x):  # noqa: ANN001, ANN202 as onnxscript reads it
            if op.ReduceSum(x, keepdims=0) > op.Constant(value_float=0.0):
                y = op.Identity(x)
                for _ in range(3):
                    y = y / op.Constant(value_float=2.0)
                z = op.Identity(y)
            else:
                z = op.Identity(x)
            return z

        file = exported(Halves(), torch.rand(2, 4), dynamo=True, custom_translation_table={
            torch.ops.onnxport_tests.halved.default: lambda x, steps=3: halved(x)})
        self.each_sign(file, Halves())

    def test_what_a_body_lacks_is_named(self) -> None:
        def symbolic(g: Any, x: Any, steps: Any) -> Any:
            from torch.onnx._internal.torchscript_exporter import jit_utils, utils

            out, (body,), _ = jit_utils.add_op_with_blocks(g, "Loop", steps, constant(g, True, torch.bool), x)
            utils._add_output_to_block(body.block, utils._add_input_to_block(body.block))
            return out

        with registered("onnxport_tests::halved", symbolic), self.assertRaisesRegex(
                onnxport.ExportError, "the body of its node Loop has 1 parameters for 3 values"):
            exported(Halves(), torch.rand(2, 4), dynamo=False)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    unittest.main(verbosity=1)
