"""onnxport.export: the arguments of torch.onnx.export in every form, and the numbers of what is written, at two sizes."""
from __future__ import annotations

import inspect
import io
import unittest
import warnings
from typing import Any

import onnx
import torch
from case import Branching, Case, Counting, Modes, Nested, Tiny, WithFunction

import onnxport


def written(model: Any, args: Any, **options: Any) -> io.BytesIO:
    out = io.BytesIO()
    onnxport.export(model, args, out, **options)
    return out


class Signature(unittest.TestCase):
    def test_is_torchs(self) -> None:
        """Every argument of the installed torch, in its order, of its kind, with its default."""
        ours = inspect.signature(onnxport.export).parameters
        theirs = inspect.signature(torch.onnx.export).parameters
        self.assertEqual([n for n in ours if n in theirs], list(theirs))
        for name, parameter in theirs.items():
            self.assertEqual((ours[name].kind, ours[name].default), (parameter.kind, parameter.default), name)

    def test_has_what_torch_2_6_took(self) -> None:
        self.assertLessEqual({"fallback", "export_modules_as_functions", "autograd_inlining", "operator_export_type"},
                             set(inspect.signature(onnxport.export).parameters))


class Arguments(Case):
    def both(self, model: torch.nn.Module, args: Any, others: list[tuple[tuple[Any, ...], dict[str, Any]]], **options: Any) -> None:
        for dynamo in (True, False):
            with self.subTest(dynamo=dynamo):
                file = written(model, args, dynamo=dynamo, **options)
                for other, kwargs in others:
                    self.check(file, model, other, kwargs)

    def test_forms_of_args(self) -> None:
        model, x, mask = Tiny().eval(), torch.randn(3, 8), torch.randn(3, 4)
        one, two = (x,), (x, mask)
        for i, (args, kwargs, used) in enumerate((
                (x, None, one), ((x,), None, one), ((x, {}), None, one), ((x, mask), None, two), ([x, mask], None, two),
                ((x, {"mask": mask}), None, two), ((x,), {"mask": mask}, two), ((), {"mask": mask, "x": x}, two),
                (({"mask": mask, "x": x},), None, two))):
            with self.subTest(form=i):
                self.both(model, args, [(used, {})], kwargs=kwargs)

    def test_a_dict_that_is_an_argument_itself(self) -> None:
        class Takes(torch.nn.Module):
            def forward(self, x: torch.Tensor, named: dict[str, torch.Tensor]) -> torch.Tensor:
                return x + named["y"]

        args = (torch.randn(2), {"y": torch.randn(2)})
        self.both(Takes(), args, [(args, {})])

    def test_containers(self) -> None:
        def example(n: int) -> tuple[Any, ...]:
            return {"a": torch.randn(n, 4), "b": torch.randn(5)}, (torch.randn(n, 4), torch.randn(4, 2)), 2.0

        self.both(Nested(), example(3), [(example(3), {}), (example(6), {})],
                  dynamic_axes={"state.a": {0: "n"}, "pair.0": {0: "n"}})

    def test_an_axis_of_size_one_stays_dynamic(self) -> None:
        model = Tiny().eval()
        self.both(model, (torch.randn(1, 8), torch.randn(1, 4)),
                  [((torch.randn(n, 8), torch.randn(n, 4)), {}) for n in (1, 2, 7)],
                  input_names=["inp", "weight"], dynamic_axes={"inp": {0: "batch"}, "weight": {0: "batch"}, "out": {0: "batch"}},
                  output_names=["out"])

    def test_forms_of_dynamic_axes(self) -> None:
        model, x = Tiny().eval(), torch.randn(3, 8)
        for axes, dim in (({"x": {0: "n"}}, "n"), ({"x": [0]}, "x_dynamic_axes_1"), ({}, 3), (None, 3), ({"x": {-2: "n"}}, "n"),
                          ({"x": {0: "batch size"}}, "batch_size")):
            for dynamo in (True, False):
                with self.subTest(axes=axes, dynamo=dynamo):
                    file = written(model, (x,), dynamo=dynamo, dynamic_axes=axes)
                    self.assertEqual(self.inputs_of(file), [("x", [dim, 8])])
                    self.check(file, model, (x,))
                    if dim != 3:
                        self.check(file, model, (torch.randn(5, 8),))
        with self.assertWarnsRegex(UserWarning, "Provided key y"):
            written(model, (x,), dynamo=False, dynamic_axes={"y": {0: "n"}})
        with self.assertRaisesRegex(ValueError, "axis 5"):
            written(model, (x,), dynamo=False, dynamic_axes={"x": {5: "n"}})

    def test_labels_of_outputs(self) -> None:
        class Several(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
                return x.flatten(), x.nonzero(), torch.cat([x, x]), x[:, :3]

        def sizes(file: io.BytesIO) -> list[list[Any]]:
            return [[d.dim_param or d.dim_value or None for d in o.type.tensor_type.shape.dim]
                    for o in onnx.load_from_string(file.getvalue()).graph.output]

        x, names = torch.randn(4, 5), ["flat", "places", "twice", "part"]
        axes = {"x": {0: "batch"}, "flat": {0: "count"}, "places": {0: "found", 1: "two"}, "twice": {0: "batch"}, "part": {0: "batch"}}
        for dynamo in (True, False):
            with self.subTest(dynamo=dynamo):
                file = written(Several(), (x,), dynamo=dynamo, input_names=["x"], output_names=names, dynamic_axes=axes)
                self.check(file, Several(), (torch.randn(7, 5),))
                # What is known to be twice the batch is not called "batch", and what is two at every size stays two.
                self.assertEqual(sizes(file), [["count"], ["found", 2], ["2*batch", 5], ["batch", 3]])
                # One name for sizes that differ is two names; a list of axes names nothing.
                file = written(Several(), (x,), dynamo=dynamo, input_names=["x"], output_names=names, dynamic_axes={
                    "x": {0: "batch"}, "flat": {0: "length"}, "twice": {-2: "length"}, "part": [0, 1]})
                found = sizes(file)
                self.assertEqual((found[0], found[2], found[3]), (["length"], ["length_2", 5], ["batch", 3]))
                with self.assertWarnsRegex(UserWarning, "axis 3 of the output 'part'"):
                    written(Several(), (x,), dynamo=dynamo, output_names=names, dynamic_axes={"part": {3: "n"}})

    def test_forms_of_dynamic_shapes(self) -> None:
        model, x, mask = Tiny().eval(), torch.randn(3, 8), torch.randn(3, 4)
        dim = torch.export.Dim("dim", min=2, max=64)
        auto = torch.export.Dim.AUTO
        for shapes, name in ((({0: "n"}, {0: "n"}), "n"), ({"x": {0: "n"}, "mask": {0: "n"}}, "n"), ([{0: dim}, {0: dim}], "dim"),
                             (((dim, None), (dim, None)), "dim"), (({0: auto}, {0: auto}), None),
                             (({0: "n", 1: torch.export.Dim.STATIC}, {0: "n"}), "n")):
            with self.subTest(shapes=str(shapes)):
                file = written(model, (x, mask), dynamo=True, dynamic_shapes=shapes)
                shape = self.inputs_of(file)[0][1]
                self.assertEqual(shape[0], name) if name else self.assertIsInstance(shape[0], str)
                self.check(file, model, (torch.randn(5, 8), torch.randn(5, 4)))
        self.assertEqual(self.inputs_of(written(model, (x, mask), dynamo=True, dynamic_shapes=(None, None)))[0][1], [3, 8])
        with self.assertRaises(ValueError):
            written(model, (x,), dynamo=False, dynamic_shapes=({0: "n"},))
        with self.assertRaisesRegex(ValueError, "entries for the"):
            written(Nested(), ({"a": x, "b": x}, (x, x)), dynamo=True, dynamic_shapes=(None, ({0: "n"},)))

    def test_one_name_for_two_sizes(self) -> None:
        class Two(torch.nn.Module):
            def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                return x * 2, y + 1

        self.both(Two(), (torch.randn(2, 3), torch.randn(4, 3)), [((torch.randn(5, 3), torch.randn(6, 3)), {})],
                  dynamic_axes={"x": {0: "n"}, "y": {0: "n"}})


class Places(Case):
    def test_a_slice_that_is_set(self) -> None:
        """A trace holds the sizes of the place that was written."""
        class Sets(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                x = x + 0
                x[:, x.size(0):] = torch.tensor([1.0, 2.0, 3.0])
                return x

        file = written(Sets(), (torch.ones(2, 5, 3),), dynamo=False, dynamic_axes={"x": {0: "a", 1: "b"}})
        for shape in ((2, 5, 3), (3, 4, 3), (4, 4, 3), (3, 7, 3)):
            self.check(file, Sets(), (torch.rand(*shape),))

    def test_a_default_name_gives_way(self) -> None:
        class Three(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
                return x + 1, x + 2, x + 3

        file = written(Three(), (torch.rand(2),), dynamo=False, output_names=["output_1"])
        self.assertEqual([o.name for o in onnx.load_from_string(file.getvalue()).graph.output], ["output_1", "output_1_2", "output_2"])
        self.check(file, Three(), (torch.rand(2),))


class Scaling(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = torch.nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.lin(x)) * 0.5


class Stack(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList([Scaling(), Scaling()])
        self.norm = torch.nn.LayerNorm(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = x + layer(x)
        return self.norm(x).view(x.shape[0], 2, 2)


class Functions(Case):
    """export_modules_as_functions."""

    def functions(self, model: Any, wanted: Any, **options: Any) -> tuple[onnx.ModelProto, list[str]]:
        file = written(model, (torch.randn(2, 4),), dynamic_axes={"x": {0: "n"}}, export_modules_as_functions=wanted, **options)
        for n in (2, 5):
            self.check(file, model, (torch.randn(n, 4),))
        proto = onnx.load_from_string(file.getvalue())
        return proto, [f"{n.domain}::{n.op_type}" for n in proto.graph.node if n.domain]

    def test_of_classes(self) -> None:
        model = Stack().eval()
        scaling = f"{Scaling.__module__}::Scaling"
        for subject in (model, torch.jit.script(model)):
            for dynamo in (False, True):
                with self.subTest(subject=type(subject).__name__, dynamo=dynamo):
                    proto, calls = self.functions(subject, {Scaling}, dynamo=dynamo, opset_version=17)
                    self.assertEqual(calls, [scaling, scaling])
                    self.assertEqual(len(proto.functions), 1)
                    self.assertIn("Tanh", [n.op_type for n in proto.functions[0].node])
                    self.assertIn("layers.0.lin.weight", proto.graph.node[0].input)

    def test_of_all(self) -> None:
        for dynamo in (False, True):
            with self.subTest(dynamo=dynamo):
                proto, calls = self.functions(Stack().eval(), True, dynamo=dynamo)
                self.assertEqual(calls, [f"{Scaling.__module__}::Scaling"] * 2 + ["torch.nn.modules.normalization::LayerNorm"])
                names = {f"{f.domain}::{f.name}" for f in proto.functions}
                self.assertIn("torch.nn.modules.linear::Linear", names)

    def test_of_a_program(self) -> None:
        program = torch.export.export(Stack().eval(), (torch.randn(2, 4),))
        file = written(program, (), export_modules_as_functions={Scaling})
        self.assertEqual(len(onnx.load_from_string(file.getvalue()).functions), 1)

    def test_what_torch_refuses(self) -> None:
        with self.assertRaisesRegex(ValueError, "opset_version. < 15"):
            written(Tiny().eval(), (torch.randn(2, 8),), dynamo=False, opset_version=14, export_modules_as_functions=True)
        with self.assertRaisesRegex(RuntimeError, "Only type of the .nn.Module"):
            written(Tiny().eval(), (torch.randn(2, 8),), dynamo=False, export_modules_as_functions={"Linear"})


class Models(Case):
    def test_kinds_of_models(self) -> None:
        x, other = torch.randn(3, 8), torch.randn(5, 8)
        tiny = Tiny().eval()
        axes = {"dynamic_axes": {"x": {0: "n"}}}
        traced = torch.jit.trace(tiny, x)
        scripted = torch.jit.script(tiny)
        for name, model in (("traced", traced), ("scripted", scripted), ("module", tiny)):
            for dynamo in (True, False):
                with self.subTest(name, dynamo=dynamo):
                    file = written(model, (x,), dynamo=dynamo, **axes)
                    self.check(file, tiny, (x,))
                    self.check(file, tiny, (other,))
        program = torch.export.export(tiny, (x,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
        for dynamo in (True, False):
            self.check(written(program, (), dynamo=dynamo), tiny, (other,))
        function = torch.jit.script(_scripted)
        self.check(written(function, (x, 3), dynamo=False), function, (x, ), {"times": 3})
        self.check(written(lambda t: t.sin() + 1, (x,), dynamo=False), lambda t: t.sin() + 1, (x,))

    def test_a_module_that_only_a_trace_takes(self) -> None:
        file = written(Branching(), (torch.randn(3),), dynamo=False, dynamic_axes={"x": {0: "n"}})
        self.check(file, Branching(), (torch.randn(9),))

    def test_functions_of_autograd_are_inlined(self) -> None:
        for dynamo in (True, False):
            file = written(WithFunction(), (torch.randn(3, 2),), dynamo=dynamo, dynamic_axes={"x": {0: "n"}})
            self.check(file, WithFunction(), (torch.randn(4, 2),))

    def test_weights_keep_their_names(self) -> None:
        import onnx

        for dynamo in (True, False):
            proto = onnx.load_from_string(written(Tiny().eval(), ({"x": torch.randn(2, 8)},), dynamo=dynamo).getvalue())
            self.assertEqual({i.name for i in proto.graph.initializer} & {"lin.weight", "lin.bias"}, {"lin.weight", "lin.bias"})

    def test_what_a_model_writes(self) -> None:
        import onnx

        for dynamo in (True, False):
            with self.subTest(dynamo=dynamo):
                with self.assertWarnsRegex(UserWarning, "count"):
                    file = written(Counting(), (torch.randn(2),), dynamo=dynamo)
                self.check(file, Counting(), (torch.randn(2),))
                with self.assertRaises(onnxport.ExportError) as caught:
                    written(Counting(), (torch.randn(2),), dynamo=dynamo, state="error")
                self.assertEqual(caught.exception.codes, ["T521"])
                kept = onnx.load_from_string(written(Counting(), (torch.randn(2),), dynamo=dynamo, state="io").getvalue())
                self.assertEqual([i.name for i in kept.graph.input], ["x", "count"])
                model = Counting()
                written(model, (torch.randn(2),), dynamo=dynamo)
                self.assertEqual(model.count.item(), 0)

    def test_the_installed_torch_may_have_no_back_end_of_ours(self) -> None:
        """Then a module is captured by torch.export, and operators that nobody maps are decomposed by torch."""
        from onnxport import _library

        held = _library.reads_torchscript
        _library.reads_torchscript = lambda version: False
        try:
            model = Tiny().eval()
            file = written(model, (torch.randn(1, 8),), dynamo=False, dynamic_axes={"x": {0: "n"}})
        finally:
            _library.reads_torchscript = held
        self.check(file, model, (torch.randn(4, 8),))


def _scripted(x: torch.Tensor, times: int) -> torch.Tensor:
    for _ in range(times):
        x = x + x.abs()
    return x


class Weights(Case):
    """They are handed over by pointer, whatever their layout, and a trace knows its modules."""

    class Several(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
            self.blocks = torch.nn.ModuleList(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh()) for _ in range(2))
            self.blocks[1][0].weight = self.blocks[0][0].weight
            self.register_buffer("shift", torch.randn(8)[::2], persistent=False)
            self.register_buffer("view", self.blocks[0][0].weight.detach()[1:3].t())
            self.register_buffer("nothing", torch.zeros(0, 4))
            self.register_buffer("short", torch.randn(4).to(torch.bfloat16))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.conv(x).mean((2, 3)) + self.shift + self.nothing.sum(0) + self.short.float()
            for block in self.blocks:
                y = block(y)
            return y @ self.view

    def handed_over(self, model: Any, x: torch.Tensor, dynamo: bool) -> Any:
        from onnxport import _library

        seen: list[Any] = []
        run = _library.run_export
        _library.run_export = lambda model, *args, **kwargs: seen.append(model) or run(model, *args, **kwargs)
        try:
            file = written(model, (x,), dynamo=dynamo, dynamic_axes={"x": {0: "n"}})
        finally:
            _library.run_export = run
        return file, seen[0]

    def test_by_pointer(self) -> None:
        import onnx
        from onnxport._library import Model

        model = self.Several().eval()
        for dynamo in (True, False):
            with self.subTest(dynamo=dynamo):
                file, given = self.handed_over(model, torch.randn(2, 3, 8, 8), dynamo)
                self.assertIsInstance(given, Model)
                self.assertIn(model.conv.weight.data_ptr(), [w.address for w in given.weights])
                for n in (2, 5):
                    self.check(file, model, (torch.randn(n, 3, 8, 8),))
                proto = onnx.load_from_string(file.getvalue())
                names = {i.name for i in proto.graph.initializer}
                self.assertLessEqual({"conv.weight", "conv.bias", "blocks.0.0.weight", "shift"}, names)
                self.assertNotIn("blocks.1.0.weight", names)
                self.assertIn("blocks.1.1", str(proto))  # where the second Tanh comes from

    def test_what_cannot_go_by_pointer(self) -> None:
        from onnxport._library import Model

        class Inside(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = torch.jit.script(torch.nn.Linear(4, 4))

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.inner(x) + 1

        file, given = self.handed_over(Inside().eval(), torch.randn(2, 4), False)
        self.assertNotIsInstance(given, Model)

    def test_a_file_that_was_kept_stands_for_itself(self) -> None:
        model = self.Several().eval()
        out = io.BytesIO()
        onnxport.export(model, (torch.randn(2, 3, 8, 8),), out, dynamo=True, dump_exported_program=True, artifacts_dir=self.scratch)
        onnxport.export_file(self.scratch / "exported_program.pt2", self.scratch / "again.onnx")
        self.check(self.scratch / "again.onnx", model, (torch.randn(2, 3, 8, 8),))


class Surroundings(Case):
    def test_modes_come_back(self) -> None:
        model = Modes().train()
        model.norm.eval()
        model.conv.eval()
        before = [m.training for m in model.modules()]
        x = torch.randn(2, 3, 8, 8)
        file = written(model, (x,), dynamo=False)
        self.assertEqual([m.training for m in model.modules()], before)
        self.check(file, Modes.eval(_clone(model)), (x,))
        with self.assertRaises(Exception):
            written(model, (torch.randn(2, 5, 8, 8),), dynamo=False)
        self.assertEqual([m.training for m in model.modules()], before)
        with self.assertWarnsRegex(UserWarning, "training mode"):
            written(model, (x,), dynamo=True)
        kept = written(model, (x,), dynamo=False, training=torch.onnx.TrainingMode.PRESERVE)
        self.assertNotEqual(kept.getvalue(), file.getvalue())
        self.assertNotIn(b"BatchNormalization", file.getvalue())  # part of the convolution
        self.assertNotIn(b"BatchNormalization", written(model.eval(), (x,), dynamo=False, training=torch.onnx.TrainingMode.PRESERVE).getvalue())

    def test_the_model_knows_that_it_is_exported(self) -> None:
        class Asks(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x + 1 if torch.onnx.is_in_onnx_export() else x - 1

        for dynamo in (True, False):
            file = written(Asks(), (torch.zeros(2),), dynamo=dynamo)
            self.check(file, lambda x: x + 1, (torch.randn(2),))
            self.assertFalse(torch.onnx.is_in_onnx_export())
        with self.assertRaises(onnxport.ExportError):
            written(_Raises(), (torch.zeros(2),), dynamo=True)
        self.assertFalse(torch.onnx.is_in_onnx_export())

    def test_files(self) -> None:
        model, x = torch.nn.Linear(64, 64).eval(), torch.randn(2, 64)
        for f in (str(self.scratch / "a.onnx"), self.scratch / "b.onnx"):
            self.assertIsNone(onnxport.export(model, (x,), f, dynamo=False))
            self.check(self.scratch / "a.onnx", model, (x,))
        onnxport.export(model, (x,), self.scratch / "c.onnx", dynamo=True, external_data=True)
        self.assertTrue((self.scratch / "c.onnx.data").is_file())
        self.check(self.scratch / "c.onnx", model, (x,))
        onnxport.export(model, (x,), self.scratch / "d.onnx", dynamo=True)
        onnxport.export(model, (x,), self.scratch / "e.onnx", dynamo=True, external_data=False)
        self.assertEqual(sorted(p.name for p in self.scratch.glob("*.data")), ["c.onnx.data"])
        with self.assertRaises(ValueError):
            onnxport.export(model, (x,), dynamo=False)
        with self.assertRaises(onnxport.ExportError) as caught:
            onnxport.export(model, (x,), self.scratch / "nowhere" / "a.onnx", dynamo=False)
        self.assertEqual(caught.exception.codes, ["S705"])

    def test_what_a_file_object_raises_is_raised(self) -> None:
        class Full(io.BytesIO):
            def write(self, data: Any) -> int:
                raise OSError("disk full")

        with self.assertRaisesRegex(OSError, "disk full"):
            onnxport.export(Tiny().eval(), (torch.randn(2, 8),), Full(), dynamo=False)

    def test_errors_are_torchs(self) -> None:
        with self.assertRaises(torch.onnx.OnnxExporterError) as caught:
            written(Tiny().eval(), (torch.randn(2, 8),), opset_version=9999)
        self.assertIsInstance(caught.exception, onnxport.ExportError)
        self.assertEqual(caught.exception.codes, ["O605"])
        with self.assertRaisesRegex(torch.onnx.OnnxExporterError, "could not be captured"):
            written(_Raises(), (torch.randn(2),), dynamo=True)

    def test_parameters_as_inputs(self) -> None:
        model, x = Tiny().eval(), torch.randn(2, 8)
        for dynamo in (True, False):
            names = [n for n, _ in self.inputs_of(written(model, (x,), dynamo=dynamo, export_params=False))]
            self.assertEqual(sorted(names), ["lin.bias", "lin.weight", "x"])

    def test_more_input_names_than_inputs(self) -> None:
        """PyTorch's tutorials name the weights too."""
        names = ["actual", *(f"learned_{i}" for i in range(16))]
        for dynamo in (True, False):
            self.assertEqual(self.inputs_of(written(Tiny().eval(), (torch.randn(2, 8),), dynamo=dynamo, input_names=names)),
                             [("actual", [2, 8])])

    def test_verify(self) -> None:
        model, x = Tiny().eval(), torch.randn(2, 8)
        written(model, (x,), verify=True, dynamo=True)

        class Asks(torch.nn.Module):
            def forward(self, t: torch.Tensor) -> torch.Tensor:
                return t + 1 if torch.onnx.is_in_onnx_export() else t - 1

        with self.assertRaises(onnxport.ExportError) as caught:
            written(Asks(), (x,), verify=True, dynamo=True)
        self.assertEqual(caught.exception.codes, ["V801"])
        with self.assertWarnsRegex(UserWarning, "differs"):
            written(Asks(), (x,), verify="warn", dynamo=True)

    def test_artifacts(self) -> None:
        onnxport.export(Tiny().eval(), (torch.randn(2, 8),), dynamo=True, report=True, dump_exported_program=True,
                        artifacts_dir=self.scratch)
        self.assertEqual(sorted(p.name for p in self.scratch.iterdir()), ["exported_program.pt2", "onnx_export_report.json"])
        onnxport.export_file(self.scratch / "exported_program.pt2", self.scratch / "again.onnx")


class _Raises(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise ArithmeticError("no")


def _clone(model: Modes) -> Modes:
    out = Modes()
    out.load_state_dict(model.state_dict())
    return out


class Program(Case):
    def setUp(self) -> None:
        super().setUp()
        self.model = Tiny().eval()
        self.program = onnxport.export(self.model, (torch.randn(2, 8),), dynamic_shapes=({0: "n"},), dynamo=True)

    def test_runs(self) -> None:
        x = torch.randn(5, 8)
        wanted = self.model(x).detach()
        torch.testing.assert_close(self.program(x)[0], wanted)
        torch.testing.assert_close(self.program.call_reference(x)[0], wanted, rtol=1e-4, atol=1e-5)
        self.program.release()
        name = self.program.model_proto.graph.node[0].output[0]
        self.assertEqual(self.program.compute_values([name], (x,))[0].shape[0], 5)

    def test_saves_what_was_changed(self) -> None:
        self.program.save(self.scratch / "own.onnx", external_data=False)
        self.check(self.scratch / "own.onnx", self.model, (torch.randn(3, 8),))
        other = Tiny().eval()
        self.program.apply_weights(other.state_dict())
        self.program.rename_axes({"n": "batch"})
        self.program.save(self.scratch / "changed.onnx")
        self.check(self.scratch / "changed.onnx", other, (torch.randn(3, 8),))
        self.assertEqual(self.inputs_of(self.scratch / "changed.onnx"), [("x", ["batch", 8])])
        self.program.save(self.scratch / "bare.onnx", include_initializers=False)
        self.assertEqual(len(self.program.model.graph.initializers), 2)

    def test_is_said_in_words(self) -> None:
        self.assertIn("x: f32[n,8]", repr(self.program))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    unittest.main(verbosity=1)
