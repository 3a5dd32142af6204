"""torch.onnx.export's own call."""
from __future__ import annotations

import inspect
import json
import logging
import os
import time
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
import torch.onnx

from onnxport import _library
from onnxport._arguments import (Arguments, apply_dynamic_axes, apply_dynamic_shapes, leave_out, output_labels,
                                 read_arguments, take_named_numbers)
from onnxport._bridge import PythonMappings
from onnxport._capture import Captured, CaptureFailed, UnreadNumbers, as_module, export_program, of_program, of_script, trace
from onnxport._errors import Diagnostic
from onnxport._errors import ExportError as _CoreError
from onnxport._functions import functions_of
from onnxport._modes import module_mode
from onnxport._plugins import plugin_options
from onnxport._program import ONNXProgram, to_numpy
from onnxport._run import Core

_logger = logging.getLogger("onnxport")
_Base = getattr(torch.onnx, "OnnxExporterError", RuntimeError)


class ExportError(_CoreError, _Base):
    """What torch.onnx.export's callers catch, and an onnxport.ExportError."""


_TORCH_EXPORT = torch.onnx.export  # before anything patches it
_INSTALLED = {name: p.default for name, p in inspect.signature(_TORCH_EXPORT).parameters.items()}
_TRAINING = torch.onnx.TrainingMode
_OPERATOR_EXPORT = torch.onnx.OperatorExportTypes


class _Default(int):
    """A default that is known from the same value given."""

    def __repr__(self) -> str:
        return repr(bool(self))


_EXTERNAL_DATA = _Default(True)


def default_opset(dynamo: bool) -> int:
    """That of the installed torch, from 18 up: no older opset is a default here."""
    try:
        from torch.onnx._internal.exporter import _constants
        opset = getattr(_constants, "TORCHLIB_OPSET", 18)
    except ImportError:
        opset = 18
    return max(int(opset), 18) if dynamo else 18


def export(
    model: Any,
    args: Any = (),
    f: str | os.PathLike[str] | Any | None = None,
    *,
    kwargs: dict[str, Any] | None = None,
    verbose: bool | None = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    opset_version: int | None = _INSTALLED.get("opset_version"),
    dynamo: bool = _INSTALLED.get("dynamo", True),
    external_data: bool = _EXTERNAL_DATA,
    dynamic_shapes: dict[str, Any] | tuple[Any, ...] | list[Any] | None = None,
    custom_translation_table: dict[Callable[..., Any], Callable[..., Any]] | None = None,
    report: bool = False,
    optimize: bool = _INSTALLED.get("optimize", True),
    verify: bool | str = False,
    profile: bool = False,
    dump_exported_program: bool = False,
    artifacts_dir: str | os.PathLike[str] = ".",
    export_params: bool = True,
    keep_initializers_as_inputs: bool = False,
    dynamic_axes: Mapping[str, Mapping[int, str]] | Mapping[str, Sequence[int]] | None = None,
    training: Any = _TRAINING.EVAL,
    operator_export_type: Any = _OPERATOR_EXPORT.ONNX,
    do_constant_folding: bool = True,
    custom_opsets: Mapping[str, int] | None = None,
    export_modules_as_functions: bool | Collection[type[torch.nn.Module]] = False,
    autograd_inlining: bool = True,
    fallback: bool = False,
    state: str | None = None,
    plugins: Any = None,
    weights: str | None = None,
) -> ONNXProgram | None:
    """Exports a live model, by torch.onnx.export's own call: the arguments of PyTorch 2.6 to 2.13, by the same names.

    Further ones: `state` ("error", "io", "drop": what becomes of buffers that the model writes; without it they are dropped with a
    warning, as torch does), `plugins` (manifests, folders, or a dict of PluginOptions), `weights` ("auto", "inline", "external").
    With `verify=True` a difference is an error; "warn" makes it a warning. `optimize`, `autograd_inlining` and `fallback` change
    nothing: the model is always written optimized, functions are always inlined.

    Returns an ONNXProgram with dynamo=True, None otherwise. Raises onnxport.ExportError, a torch.onnx.OnnxExporterError.
    """
    del optimize, autograd_inlining, fallback
    given = dict(locals())
    call = _Call(**{name: given[name] for name in _Call.__init__.__annotations__ if name in given})
    return call.run()


class _Call:
    """One export: arguments, capture, the core, what is done with the result."""

    def __init__(self, *, model: Any, args: Any, f: Any, kwargs: Any, verbose: Any, input_names: Any, output_names: Any,
                 opset_version: Any, dynamo: Any, external_data: Any, dynamic_shapes: Any, custom_translation_table: Any,
                 report: Any, verify: Any, profile: Any, dump_exported_program: Any, artifacts_dir: Any, export_params: Any,
                 keep_initializers_as_inputs: Any, dynamic_axes: Any, training: Any, operator_export_type: Any,
                 do_constant_folding: Any, custom_opsets: Any, export_modules_as_functions: Any, state: Any, plugins: Any,
                 weights: Any) -> None:
        self.model, self.f, self.verbose = model, f, bool(verbose)
        self.is_program = isinstance(model, torch.export.ExportedProgram)
        self.is_script = isinstance(model, (torch.jit.ScriptModule, torch.jit.ScriptFunction))
        self.input_names, self.output_names = list(input_names or ()), list(output_names or ())
        self.dynamic_axes, self.dynamic_shapes = dynamic_axes, dynamic_shapes
        self._take_exportable(args, kwargs)
        self.dynamo = bool(dynamo) or self.is_program
        self.training, self.state, self.verify = training, state, verify
        self.report, self.profile, self.dump = report, profile, dump_exported_program
        self.folder = Path(artifacts_dir)
        self.arguments: Arguments | None = None
        self.strict: bool | None = None  # how torch.export has captured it
        self.seconds: dict[str, float] = {}
        self.options: dict[str, Any] = {
            "opset": int(opset_version) if opset_version is not None else default_opset(self.dynamo),
            "domain_opsets": dict(custom_opsets or {}), "export_params": bool(export_params),
            "keep_initializers_as_inputs": bool(keep_initializers_as_inputs), "constant_folding": bool(do_constant_folding),
            "weights": weights or self._weights(external_data), "state": state or "drop", "plugins": plugin_options(plugins)}
        self._check(operator_export_type, export_modules_as_functions, custom_translation_table)
        self.core = Core(self._python_mappings(custom_translation_table))

    def _take_exportable(self, args: Any, kwargs: Any) -> None:
        """A torch.onnx.ExportableModule brings its own example."""
        kind = getattr(torch.onnx, "ExportableModule", None)
        if kind is not None and isinstance(self.model, kind) and not self.is_program and not args and not kwargs:
            args, kwargs = self.model.example_arguments()
            self.input_names = self.input_names or list(self.model.input_names() or ())
            self.output_names = self.output_names or list(self.model.output_names() or ())
            if self.dynamic_shapes is None:
                self.dynamic_shapes = self.model.dynamic_shapes()
        self.args, self.kwargs = args, kwargs

    def _weights(self, external_data: Any) -> str:
        if not external_data or hasattr(self.f, "write") or self.f is None:
            return "inline"
        return "external" if self.dynamo and external_data is not _EXTERNAL_DATA else "auto"

    def _check(self, operator_export_type: Any, functions: Any, table: Any) -> None:
        if not self.dynamo and self.f is None:
            raise ValueError("with dynamo=False, f says where the model is written: a path or a binary file")
        if not self.dynamo and self.dynamic_shapes:
            raise ValueError("The exporter only supports dynamic shapes through parameter dynamic_axes when dynamo=False.")
        if operator_export_type == _OPERATOR_EXPORT.ONNX_ATEN:
            warnings.warn("onnxport: operator_export_type=ONNX_ATEN is taken as ONNX_ATEN_FALLBACK: what can be ONNX is", stacklevel=4)
        self.kept_operators = operator_export_type if operator_export_type != _OPERATOR_EXPORT.ONNX else None
        self.options["functions"] = functions_of(self.model, functions, self.options["opset"])
        if table and any(isinstance(function, Sequence) for function in table.values()):
            raise TypeError("The value in custom_translation_table should be a single callable, not a sequence")

    def _python_mappings(self, table: Mapping[Any, Any] | None) -> PythonMappings:
        """What the caller maps by functions of Python, as torch takes it: a table with dynamo=True, symbolics without."""
        out = PythonMappings({}, domains=dict(self.options["domain_opsets"]))
        if table and self.dynamo:
            from onnxport._translation import mappings_of

            mappings_of(table, out)
        elif not self.dynamo:
            from onnxport._symbolic import mappings_of, registered

            mappings_of(registered(self.options["opset"]), out)
        return out

    # ---- the stages ----

    def run(self) -> ONNXProgram | None:
        try:
            captured = self._timed("capture", self._capture)
            if self.verbose:
                print(f"[onnxport] captured by {captured.kind}, {len(captured.data)} bytes")
            captured, answer = self._timed("convert", lambda: self._convert(captured))
        except CaptureFailed as error:
            raise ExportError(f"the model could not be captured:\n{error}",
                              [Diagnostic("error", "", f"{route}: {reason}") for route, reason in error.reasons]) from \
                error.reasons[0][1]
        except _CoreError as error:
            if isinstance(error, _Base):
                raise
            raise ExportError(str(error), error.diagnostics, error.status) from error.__cause__
        self._speak(answer)
        self._artifacts(captured, answer)
        if self.verify:
            self._timed("verify", lambda: self._verify(captured, answer))
        if not self.dynamo:
            return None
        return ONNXProgram(captured.data, self._asked(captured), captured.program, answer.report, answer.model or None, self.core,
                           self.strict)

    def _timed(self, stage: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        try:
            return work()
        finally:
            self.seconds[stage] = time.perf_counter() - start

    def _read_arguments(self) -> Arguments:
        forward = self.model.forward if isinstance(self.model, torch.nn.Module) else self.model
        arguments = read_arguments(forward, self.args, self.kwargs)
        if not self.dynamo:
            take_named_numbers(arguments, self.input_names)
        if self.dynamic_shapes is not None and not _is_torchs_own(self.dynamic_shapes):
            apply_dynamic_shapes(arguments, self.dynamic_shapes, forward)
        elif self.dynamic_axes:
            apply_dynamic_axes(arguments, self.dynamic_axes, self.input_names, self.output_names)
        return arguments

    def _mode(self) -> bool | None:
        """Train, eval, or as the model is: dynamo=True never changes it."""
        if self.dynamo or self.training in (_TRAINING.PRESERVE, None):
            return None
        return self.training == _TRAINING.TRAINING

    def _capture(self) -> Captured:
        if self.is_program:
            return of_program(self.model, None, self.dump)
        if self.dynamo and isinstance(self.model, torch.nn.Module) and self.model.training:
            warnings.warn("Exporting a model while it is in training mode. Please ensure that this is intended, as it may lead to "
                          "different behavior during inference. Calling model.eval() before export is recommended.", stacklevel=5)
        self.arguments = self._read_arguments()
        with module_mode(None if self.is_script else self.model, self._mode()):
            if self.is_script:
                mode = {True: "training", False: "eval", None: "preserve"}[self._mode()]
                return self._without_unread(lambda: of_script(self.model, self.arguments, mode))
            if self.dynamo:
                return self._export_program()
            return self._trace()

    def _export_program(self) -> Captured:
        own = self.dynamic_shapes if _is_torchs_own(self.dynamic_shapes) else None
        program, self.strict = export_program(as_module(self.model), self.arguments, own)
        return of_program(program, self.arguments, self.dump)

    def _without_unread(self, capture: Callable[[], Captured]) -> Captured:
        """Again, where it shows that numbers which were to be inputs are not read."""
        try:
            return capture()
        except UnreadNumbers as found:
            self.input_names = leave_out(self.arguments, found.leaves, self.input_names)
            return capture()

    def _trace(self) -> Captured:
        """A trace, where it can be written and read here; torch.export otherwise."""
        if not _library.reads_torchscript(torch.__version__):
            return self._export_program()
        from onnxport._symbolic import TracedFunctions, registered

        try:
            with TracedFunctions(self.core.mappings, registered(self.options["opset"]).get("prim::PythonOp")).during():
                return self._without_unread(lambda: trace(self.model, self.arguments, self.dump))
        except Exception as error:  # noqa: BLE001 such as functions of Python (autograd.Function), which no archive holds
            if self.verbose:
                print(f"[onnxport] torch.jit.trace: {error}; torch.export is next")
            try:
                return self._export_program()
            except CaptureFailed as other:
                raise CaptureFailed([("torch.jit.trace", error), *other.reasons]) from error

    def _asked(self, captured: Captured) -> dict[str, Any]:
        out = {**self.options, **captured.options}
        names = self.input_names[:captured.inputs] if captured.inputs is not None else self.input_names
        if names:
            out["input_names"] = [*names, *captured.options.get("input_names", [])[len(names):]]
        if self.output_names:
            out["output_names"] = self.output_names
        labels = output_labels(self.dynamic_axes, self.output_names)
        if labels:
            out["dynamic_axes"] = labels
        return out

    def _run_core(self, captured: Captured) -> _library.Answer:
        options = self._asked(captured)
        sink = getattr(self.f, "write", None)
        if sink is None and self.f is not None:
            options["output"] = os.fspath(self.f)
        name = type(self.model).__name__
        return self.core.export(captured.data, options, name=name, sink=sink)

    def _convert(self, captured: Captured) -> tuple[Captured, _library.Answer]:
        try:
            return captured, self._run_core(captured)
        except _CoreError as error:
            if self.options["domain_opsets"] and error.codes == ["O605"]:
                return self._without_domains(captured, error)
            if self._keep_operators(captured, error):
                return captured, self._run_core(captured)
            smaller = self._decomposed(captured, error)
            if smaller is None:
                raise
            return smaller, self._run_core(smaller)

    def _without_domains(self, captured: Captured, error: _CoreError) -> tuple[Captured, _library.Answer]:
        """torch takes opsets of domains that nothing writes; so do we, one less at a time, and say it."""
        named = [d for d in self.options["domain_opsets"] if d in str(error)]
        if not named:
            raise error
        for domain in named:
            del self.options["domain_opsets"][domain]
        warnings.warn(f"onnxport: custom_opsets names {', '.join(named)}, which no plugin writes; ignored", stacklevel=6)
        return self._convert(captured)

    def _unmapped(self, captured: Captured) -> list[str]:
        dry = self.core.export(captured.data, {**self._asked(captured), "dry_run": True})
        return [op["operator"] for op in dry.report["operators"] if not op["plugin"]]

    def _keep_operators(self, captured: Captured, error: _CoreError) -> bool:
        """ONNX_FALLTHROUGH and ONNX_ATEN_FALLBACK: an operator that nothing maps stays what it is."""
        if self.kept_operators is None or not {"T501", "T502", "L211", "L213"} & set(error.codes):
            return False
        from onnxport._symbolic import kept

        names = self._unmapped(captured)
        for name in names:
            kept(name, self.kept_operators != _OPERATOR_EXPORT.ONNX_FALLTHROUGH, self.core.mappings)
        if names:
            warnings.warn(f"onnxport: kept as they are, since nothing maps them: {', '.join(names)}", stacklevel=6)
        return bool(names)

    def _decomposed(self, captured: Captured, error: _CoreError) -> Captured | None:
        """The program with what nothing maps in smaller operators, by torch's own table."""
        if captured.program is None or not {"T501", "L211", "L213"} & set(error.codes):
            return None
        unmapped = set(self._unmapped(captured))
        table = {op: rule for op, rule in torch.export.default_decompositions().items()
                 if op.name() in unmapped or str(op.name()).split(".")[0] in unmapped}
        if not table:
            return None
        return of_program(captured.program.run_decompositions(table), self.arguments, self.dump)

    # ---- afterwards ----

    def _speak(self, answer: _library.Answer) -> None:
        for d in answer.diagnostics:
            dropped = self.state is None and d.code == "T521"
            if d.severity == "warning" or dropped:
                warnings.warn(f"onnxport: {d.message}" + (f" ({d.hint})" if d.hint else ""), stacklevel=4)
            elif self.verbose:
                print(f"[onnxport] {d.message}")
        if self.verbose:
            nodes = sum(answer.report["nodes"].values())
            print(f"[onnxport] opset {answer.report['opset']}: {nodes} nodes, inputs {answer.report['inputs']}, outputs "
                  f"{answer.report['outputs']}")

    def _artifacts(self, captured: Captured, answer: _library.Answer) -> None:
        if not (self.report or self.profile or self.dump):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.dump:
            (self.folder / ("exported_program.pt2" if captured.program is not None else "exported_program.pt")).write_bytes(captured.data)
        if self.report or self.profile:
            text = json.dumps({"capture": captured.kind, "seconds": self.seconds, "export": answer.report}, indent=1)
            (self.folder / "onnx_export_report.json").write_text(text)

    def _verify(self, captured: Captured, answer: _library.Answer) -> None:
        from onnxport._verify import differences

        if self.arguments is None:
            args, kwargs = self.model.example_inputs or ((), {})
            self.arguments = read_arguments(self.model.module().forward, tuple(args), kwargs)
        model = answer.model or self.core.export(captured.data, {**self._asked(captured), "weights": "inline"}).model
        runnable = self.model.module() if self.is_program else self.model
        with nullcontext() if self.is_program or self.is_script else module_mode(self.model, self._mode()):
            wrong = differences(model, runnable, self.arguments)
        if wrong and self.verify == "warn":
            warnings.warn(f"onnxport: the ONNX model differs from the module: {wrong}", stacklevel=4)
        elif wrong:
            raise ExportError(f"the ONNX model differs from the module: {wrong}", [Diagnostic("error", "V801", wrong)], 17)


def _is_torchs_own(shapes: Any) -> bool:
    return shapes is not None and not isinstance(shapes, (dict, tuple, list))


def _show_signature() -> None:
    """Annotations as values, as torch shows them."""
    export.__module__ = "onnxport"


_show_signature()
