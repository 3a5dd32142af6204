"""onnxport.patch: who is replaced, what comes back, and the kinds of calls that people write."""
from __future__ import annotations

import inspect
import io
import subprocess
import sys
import textwrap
import threading
import types
import unittest
from typing import Any

import torch
from case import Case, Tiny, WithFunction

import onnxport

ORIGINAL = [torch.onnx.export]  # in a list: a global that is the function would be replaced too


def bound_before() -> types.ModuleType:
    """A module that took the name before anything was patched."""
    module = types.ModuleType("third_party_exporter")
    exec("from torch.onnx import export as onnx_export\nexport = onnx_export", module.__dict__)  # noqa: S102
    sys.modules[module.__name__] = module
    return module


class Patching(Case):
    def tearDown(self) -> None:
        self.assertIs(torch.onnx.export, ORIGINAL[0])

    def is_ours(self) -> bool:
        """ONNX Runtime's and torch's producers differ."""
        import onnx

        out = io.BytesIO()
        torch.onnx.export(torch.nn.ReLU().eval(), (torch.ones(2),), out, dynamo=False)
        return onnx.load_from_string(out.getvalue()).producer_name == "onnxport"

    def test_a_block(self) -> None:
        self.assertFalse(self.is_ours())
        with onnxport.patch():
            self.assertTrue(self.is_ours())
            self.assertEqual(inspect.signature(torch.onnx.export), inspect.signature(ORIGINAL[0]))
        self.assertFalse(self.is_ours())

    def test_without_a_block(self) -> None:
        onnxport.patch()
        self.addCleanup(onnxport.unpatch)
        self.assertTrue(self.is_ours())
        onnxport.unpatch()
        onnxport.unpatch()  # nothing to do
        self.assertFalse(self.is_ours())

    def test_names_bound_before(self) -> None:
        module = bound_before()
        self.addCleanup(sys.modules.pop, module.__name__)
        with onnxport.patch():
            self.assertIsNot(module.onnx_export, ORIGINAL[0])
            self.assertIs(module.export, module.onnx_export)
        self.assertIs(module.onnx_export, ORIGINAL[0])
        self.assertIs(module.export, ORIGINAL[0])

    def test_nests(self) -> None:
        with onnxport.patch():
            with onnxport.patch(fallback="torch"):
                self.assertTrue(self.is_ours())
            self.assertTrue(self.is_ours())
            self.assertIsNot(torch.onnx.export, ORIGINAL[0])

    def test_comes_back_after_an_error(self) -> None:
        with self.assertRaises(KeyError), onnxport.patch():
            raise KeyError

    def test_other_people_patch_too(self) -> None:
        """As ultralytics does: save the attribute, put a wrapper there, put back what was saved."""
        def wrapper_of(saved: Any) -> Any:
            return lambda *args, **kwargs: saved(*args, **{"dynamo": False, **kwargs})

        with onnxport.patch():
            saved = torch.onnx.export
            torch.onnx.export = wrapper_of(saved)
            self.assertTrue(self.is_ours())
            torch.onnx.export = saved
        theirs = torch.onnx.export = wrapper_of(ORIGINAL[0])
        try:
            with onnxport.patch():
                self.assertTrue(self.is_ours())
            self.assertIs(torch.onnx.export, theirs)
            with onnxport.patch():
                other = torch.onnx.export = wrapper_of(ORIGINAL[0])
            self.assertIs(torch.onnx.export, other)  # put there since: it stays
        finally:
            torch.onnx.export = ORIGINAL[0]

    def test_other_threads(self) -> None:
        seen: list[bool] = []
        with onnxport.patch():
            thread = threading.Thread(target=lambda: seen.append(self.is_ours()))
            thread.start()
            thread.join()
        self.assertEqual(seen, [True])

    def test_fallback(self) -> None:
        out = io.BytesIO()
        none = {"disable": ["org.onnxport.opset.*"]}  # so that an opset is not offered which torch has
        with onnxport.patch(fallback="torch", plugins=none), self.assertWarnsRegex(UserWarning, "O605"):
            torch.onnx.export(torch.nn.ReLU().eval(), (torch.ones(2),), out, dynamo=False, opset_version=17)
        self.check(out, torch.nn.ReLU(), (torch.ones(2),))
        with onnxport.patch(plugins=none), self.assertRaises(torch.onnx.OnnxExporterError):
            torch.onnx.export(torch.nn.ReLU().eval(), (torch.ones(2),), out, dynamo=False, opset_version=17)
        with onnxport.patch(fallback="torch"), self.assertRaises(onnxport.ExportError):  # torch could not write there either
            torch.onnx.export(torch.nn.ReLU().eval(), (torch.ones(2),), self.scratch / "no" / "a.onnx", dynamo=False)
        with self.assertRaises(ValueError):
            onnxport.patch(fallback="perhaps")
        with self.assertRaises(TypeError):
            onnxport.patch(colour="red")

    def test_arguments_that_torch_removed(self) -> None:
        with onnxport.patch(), self.assertWarnsRegex(DeprecationWarning, "use_external_data_format"):
            torch.onnx.export(Tiny().eval(), (torch.randn(2, 8),), io.BytesIO(), dynamo=False, use_external_data_format=False,
                              enable_onnx_checker=True)
        with self.assertRaises(TypeError):
            onnxport.export(Tiny().eval(), (torch.randn(2, 8),), io.BytesIO(), enable_onnx_checker=True)

    def test_a_script(self) -> None:
        script = self.scratch / "script.py"
        script.write_text(textwrap.dedent("""
            import sys
            import torch
            from torch.onnx import export
            export(torch.nn.ReLU().eval(), (torch.ones(2),), sys.argv[1], dynamo=False)
            assert __name__ == "__main__" and sys.argv[2:] == ["--more"]
        """))
        subprocess.run([sys.executable, "-m", "onnxport.patch", str(script), str(self.scratch / "a.onnx"), "--more"], check=True,
                       stderr=subprocess.DEVNULL)
        import onnx

        self.assertEqual(onnx.load(self.scratch / "a.onnx").producer_name, "onnxport")


def _relu(x: Any) -> Any:
    from onnxscript import opset18

    return opset18.Max(x, opset18.CastLike(0.0, x))


# Kinds of calls in public code: which arguments are given together, and what kinds of values.
CALLS: list[dict[str, Any]] = [
    {"opset_version": 13, "input_names": ["x"], "output_names": ["y"], "dynamic_axes": {"x": {0: "batch"}, "y": {0: "batch"}}},
    {"export_params": True, "opset_version": 11, "do_constant_folding": True, "input_names": ["input"], "output_names": ["output"],
     "dynamic_axes": {"input": {0: "batch_size"}, "output": {0: "batch_size"}}},
    {"verbose": False, "opset_version": 17, "input_names": ["images"], "output_names": ["output0"], "dynamic_axes": None},
    {"verbose": True, "opset_version": 20, "dynamic_axes": {}},
    {"verbose": False, "opset_version": 18, "input_names": ["input"], "output_names": ["out"], "keep_initializers_as_inputs": True,
     "export_params": True, "dynamic_axes": {"input": [0]}},
    {"training": torch.onnx.TrainingMode.EVAL, "do_constant_folding": True, "opset_version": 18},
    {"training": torch.onnx.TrainingMode.PRESERVE, "opset_version": 18},
    {"operator_export_type": torch.onnx.OperatorExportTypes.ONNX_ATEN_FALLBACK, "opset_version": 18},
    {"custom_opsets": {"com.acme": 2}, "opset_version": 18},
    {"export_modules_as_functions": False, "opset_version": 18},
    {"do_constant_folding": False, "opset_version": 19, "verbose": None},
    {"autograd_inlining": True, "fallback": False},
    {"external_data": False, "optimize": True},
    {"use_external_data_format": False, "enable_onnx_checker": True, "opset_version": 18},
    {"example_outputs": None, "strip_doc_string": False},
    {"input_names": ("x",), "output_names": ("y",), "opset_version": 18},
    {"operator_export_type": torch.onnx.OperatorExportTypes.ONNX_FALLTHROUGH, "opset_version": 12},
    {"opset_version": 14, "input_names": ["x"], "output_names": ["y"], "dynamic_axes": {"y": {0: "batch"}}},
    {"opset_version": 15, "input_names": ["x"], "dynamic_axes": {"x": {0: "batch"}, "absent": {0: "batch"}}},
    {"opset_version": 16, "training": torch.onnx.TrainingMode.EVAL, "export_params": True, "verbose": False, "kwargs": None},
    {"opset_version": 21, "report": False, "verify": False, "artifacts_dir": "."},
]
DYNAMO_CALLS: list[dict[str, Any]] = [
    {"dynamo": True},
    {"dynamo": True, "external_data": False, "optimize": True, "report": False, "verify": False, "opset_version": 18},
    {"dynamo": True, "dynamic_shapes": ({0: "batch"},), "input_names": ["x"], "output_names": ["y"]},
    {"dynamo": True, "dynamic_shapes": {"x": {0: torch.export.Dim.DYNAMIC}}},
    {"dynamo": True, "custom_translation_table": None, "profile": False, "dump_exported_program": False, "artifacts_dir": "."},
    {"dynamo": True, "dynamic_axes": {"x": {0: "batch"}}, "export_params": True, "verbose": False},
    {"dynamo": True, "kwargs": {}, "dynamic_shapes": None},
    {"dynamo": True, "custom_translation_table": {}, "dynamic_shapes": [{0: torch.export.Dim.AUTO}]},
    {"dynamo": True, "input_names": ["x"], "dynamic_axes": {"x": [0]}, "keep_initializers_as_inputs": False},
    {"dynamo": True, "custom_translation_table": {torch.ops.aten.relu.default: _relu}, "opset_version": 18},
]



class Calls(Case):
    def test_none_is_refused_and_all_are_right(self) -> None:
        model = Tiny().eval()
        with onnxport.patch():
            for i, call in enumerate([{"dynamo": False, **c} for c in CALLS] + CALLS + DYNAMO_CALLS):
                for args in ((torch.randn(1, 8),), torch.randn(2, 8)):
                    with self.subTest(call=call):
                        out = self.scratch / f"{i}.onnx"
                        torch.onnx.export(model, args, str(out), **call)
                        x = args if isinstance(args, torch.Tensor) else args[0]
                        if call.get("keep_initializers_as_inputs"):
                            continue  # its weights are inputs too
                        self.check(out, model, (x,))
                        if {"x", "input"} & set(call.get("dynamic_axes") or ()) or call.get("dynamic_shapes"):
                            self.check(out, model, (torch.randn(6, 8),))

    def test_by_the_names_of_other_places(self) -> None:
        """from torch.onnx.utils import export, and a name that is asked for inside a function."""
        import importlib

        with onnxport.patch():
            for place in ("torch.onnx", "torch.onnx.utils"):
                with self.subTest(place):
                    export = getattr(importlib.import_module(place), "export", None)
                    self.assertTrue(getattr(export, "__onnxport__", False))
                    model = Tiny().eval()
                    options = {} if place.endswith("utils") else {"dynamo": False}
                    export(model, (torch.randn(2, 8),), str(self.scratch / "u.onnx"), opset_version=13, **options)
                    self.check(self.scratch / "u.onnx", model, (torch.randn(2, 8),))

    def test_by_position(self) -> None:
        with onnxport.patch():
            torch.onnx.export(WithFunction(), torch.randn(2), self.scratch / "a.onnx")
            self.check(self.scratch / "a.onnx", WithFunction(), (torch.randn(2),))
            self.assertIsNotNone(torch.onnx.export(Tiny().eval(), (torch.randn(2, 8),), dynamo=True))
            torch.onnx.export(f=self.scratch / "b.onnx", args=(torch.randn(2, 8),), model=Tiny().eval())


if __name__ == "__main__":
    unittest.main(verbosity=1)
