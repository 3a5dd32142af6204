#!/usr/bin/env python3
"""patched_worker.py TEST_ONNX_FOLDER list|torch|onnxport RECORDS [TEST…]: the process in which patched.py has PyTorch's tests run.

`list` writes the tests that there are; `torch` and `onnxport` run TESTs with the exporter of that name. RECORDS gets a line of JSON
when a test begins and one when it ends, so that a test that ends the process is known."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import inspect
import io
import json
import os
import re
import sys
import traceback
import types
import unittest
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock, patch

import torch
import torch.onnx.verification

from collect import OPSET, stand_in

# What only a test that looks at the exporter itself, or at the nodes that it happens to write, has a word for.
INSIDE = re.compile(r"\bop_type\b|\.node\b|\.graph\b|_graph\b|\bdomain\b|opset_import|doc_string|metadata_props|producer_|\bir\.|"
                    r"torch\.onnx\._internal|_type_utils|GLOBALS|_model_to_graph|onnx\.helper|_capture_strategy|printable_graph|"
                    r"check_onnx_opset|assertAtenOp|\.functions\b")
SCRIPT_EXPORTER = "torch.onnx._internal.torchscript_exporter"
VERIFICATION: Any = importlib.import_module(
    f"{SCRIPT_EXPORTER}.verification" if importlib.util.find_spec(SCRIPT_EXPORTER) else "torch.onnx.verification")


# ---- names of torch that have moved or gone since these tests were written ----

def _moved() -> None:
    new = SCRIPT_EXPORTER
    for old, name in (("torch.onnx._globals", "_globals"), ("torch.onnx._type_utils", "_type_utils"),
                      ("torch.onnx._internal.registration", "registration"), ("torch.onnx._internal.jit_utils", "jit_utils"),
                      ("torch.onnx._internal.onnx_proto_utils", "onnx_proto_utils")):
        if importlib.util.find_spec(old) is None and importlib.util.find_spec(f"{new}.{name}") is not None:
            sys.modules[old] = importlib.import_module(f"{new}.{name}")
            parent, _, word = old.rpartition(".")
            setattr(importlib.import_module(parent), word, sys.modules[old])
    for name in ("verify", "VerificationOptions", "OnnxBackend", "GraphInfo", "find_mismatch", "_compare_onnx_pytorch_model"):
        if hasattr(VERIFICATION, name):
            setattr(torch.onnx.verification, name, getattr(VERIFICATION, name))


@dataclass
class ExportOptions:
    """Of torch.onnx.dynamo_export."""
    dynamic_shapes: bool | None = None
    op_level_debug: bool | None = None
    fake_context: Any = None
    onnx_registry: Any = None
    diagnostic_options: Any = None


def _dynamo_export(model: Any, /, *args: Any, export_options: ExportOptions | None = None, **kwargs: Any) -> Any:
    """torch.onnx.dynamo_export in terms of the call that has replaced it."""
    shapes = None
    if export_options is not None and export_options.dynamic_shapes and not isinstance(model, torch.export.ExportedProgram):
        def of(value: Any) -> Any:
            return {i: torch.export.Dim.AUTO for i in range(value.dim())} if isinstance(value, torch.Tensor) else None

        given = inspect.signature(model.forward if isinstance(model, torch.nn.Module) else model).bind(*args, **kwargs).arguments
        shapes = torch.utils._pytree.tree_map(of, dict(given))
    return torch.onnx.export(model, args, kwargs=kwargs, dynamo=True, dynamic_shapes=shapes)


def _export_of_then(export: Callable[..., Any]) -> Callable[..., Any]:
    """torch.onnx.export with an argument that it takes no more, as onnxport still does."""
    @functools.wraps(export)
    def out(*args: Any, fallback: bool = False, **kwargs: Any) -> Any:  # noqa: ARG001
        return export(*args, **kwargs)
    return out


def prepare(tests: Path) -> None:
    warnings.simplefilter("ignore")
    os.environ["PYTORCH_PRINT_REPRO_ON_FAILURE"] = "0"
    torch.onnx.export.__kwdefaults__["dynamo"] = False  # as it was then; ours takes it over
    _moved()
    stand_in()
    if not hasattr(torch.onnx, "dynamo_export"):
        torch.onnx.dynamo_export, torch.onnx.ExportOptions = _dynamo_export, ExportOptions
        torch.onnx.DiagnosticOptions = lambda **_: None
    sys.path.insert(0, str(tests))


def _unpacked(value: Any, cast_onnx_accepted: bool = True) -> tuple[Any, ...]:
    """A quantized tensor as onnxport's files have it: of an input the integers, of an output the numbers. torch's have the scale and
    the zero point beside the integers."""
    if not (isinstance(value, torch.Tensor) and value.is_quantized):
        return (value,)
    return (value.int_repr() if cast_onnx_accepted else value.dequantize(),)


# ---- which tests ----

def load(tests: Path, path: str) -> types.ModuleType:
    name = path.removesuffix(".py").replace("/", "_") if "/" in path else Path(path).stem
    spec = importlib.util.spec_from_file_location(name, tests / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith("torch."):
            raise
        with patch.dict(sys.modules, {missing: MagicMock()}):  # one test of the file needs it
            spec.loader.exec_module(module)
    return module


def _is_asked(suite: Any, module: types.ModuleType) -> bool:
    """Of classes that differ in the opset alone, the one of ours; of those that differ in where initializers are, the usual one."""
    if not (isinstance(suite, type) and issubclass(suite, unittest.TestCase) and suite.__module__ == module.__name__):
        return False
    opset = re.search(r"opset(?:_version)?_?(\d+)", suite.__name__)
    return (opset is None or int(opset[1]) == OPSET) and "keep_initializers_as_inputs_True" not in suite.__name__


def found(tests: Path, path: str) -> Iterator[str]:
    module = load(tests, path)
    for suite in {v.__name__: v for v in vars(module).values() if _is_asked(v, module)}.values():
        for name in sorted(n for n in dir(suite) if n.startswith("test") and callable(getattr(suite, n))):
            yield f"{path}::{suite.__name__}.{name}"


# ---- one test ----

class Exports:
    """How many exports by onnxport the test had, how many of them raised, and whether a file was fed otherwise than torch's: torch
    leaves out inputs that nothing reads, and has some for numbers that nobody named."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.calls = self.raised = 0
        self.fed_otherwise = False

    def watch_feeds(self) -> None:
        prepare, run = VERIFICATION._prepare_input_for_onnx, VERIFICATION._run_onnx
        others: list[Any] = []

        def prepare_more(args: Any, kwargs: Any, remained: Any, flatten: bool) -> Any:
            plain = torch.utils._pytree.tree_map(lambda v: None if isinstance(v, (bool, int, float)) else v, (args, kwargs))
            others[:] = [prepare(args, kwargs, None, flatten), [v for v in prepare(*plain, None, flatten) if v is not None]]
            return prepare(args, kwargs, remained, flatten)

        def run_with_one(session: Any, inputs: Any) -> Any:
            try:
                return run(session, inputs)
            except ValueError:
                for other in others:
                    with contextlib.suppress(ValueError):
                        out = run(session, other)
                        self.fed_otherwise = True
                        return out
                raise

        VERIFICATION._prepare_input_for_onnx, VERIFICATION._run_onnx = prepare_more, run_with_one

    def watch(self) -> None:
        import onnxport._export as place

        ours: Callable[..., Any] = place.export

        def export(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            try:
                return ours(*args, **kwargs)
            except BaseException:
                self.raised += 1
                raise

        export.__kwdefaults__ = ours.__kwdefaults__
        place.export = export


class Result(unittest.TestResult):
    """The first thing that happened to one test."""

    def __init__(self, tests: Path) -> None:
        super().__init__()
        self.tests = tests
        self.record: dict[str, Any] = {"status": "ok", "text": ""}

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        self.record = {"status": "skipped", "text": reason}

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        self.addError(test, err)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        self.record = {"status": "failed", "text": "unexpected success"}

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:  # noqa: N802
        if err is not None and self.record["status"] == "ok":
            self.addError(test, err)

    def addError(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        kind, error, trace = err
        if kind.__name__ in ("Skipped", "XFailed"):  # pytest's
            self.record = {"status": "skipped", "text": str(error)}
            return
        codes = " ".join(dict.fromkeys(c for c in getattr(error, "codes", ()) if c))
        text = " ".join(str(error).split())
        self.record = {"status": "failed", "text": f"{codes or kind.__name__}: {text}"[:600], **self._place(test, trace)}

    def _place(self, test: unittest.TestCase, trace: Any) -> dict[str, Any]:
        """The statement of the tests that failed, and whether it is about the exporter."""
        frames = [f for f in traceback.walk_tb(trace)]
        own = [k for k, (frame, _) in enumerate(frames) if frame.f_code.co_filename.startswith(str(self.tests))]
        if not own:
            return {"place": "", "inside": False}
        frame, line = frames[own[-1]]
        # Behind the statement only assertions: neither the exporter, nor a runtime, nor a comparison of numbers.
        below = [f.f_code.co_filename for f, _ in frames[own[-1] + 1:]]
        stated = all("unittest" in name or name.endswith(("testing/_internal/common_utils.py", "testing/_comparison.py")) for name in below)
        method = getattr(test, getattr(test, "_testMethodName", ""), None)
        source = "".join(_source(code) for code in (frame.f_code, inspect.unwrap(method) if method else None))
        return {"place": f"{Path(frame.f_code.co_filename).name}:{line}", "inside": stated and bool(INSIDE.search(source))}


def _source(code: Any) -> str:
    try:
        return inspect.getsource(code) if code is not None else ""
    except (OSError, TypeError):
        return ""


def run(tests: Path, asked: list[str], records: Any, exports: Exports | None) -> None:
    modules: dict[str, types.ModuleType] = {}
    if exports is None and "fallback" not in torch.onnx.export.__kwdefaults__:
        torch.onnx.export = _export_of_then(torch.onnx.export)
    for test in asked:
        path = test.split("::")[0]
        if path not in modules:
            modules[path] = load(tests, path)
    ours: Any = contextlib.nullcontext()
    if exports is not None:
        import onnxport

        torch.onnx.utils.unpack_quantized_tensor = VERIFICATION.utils.unpack_quantized_tensor = _unpacked
        exports.watch()
        exports.watch_feeds()
        ours = onnxport.patch()
    with ours:
        for test in asked:
            path, _, name = test.partition("::")
            suite, method = name.split(".", 1)
            print(json.dumps({"test": test}), file=records, flush=True)
            result = Result(tests)
            if exports is not None:
                exports.begin()
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
                getattr(modules[path], suite)(method).run(result)
            counts = {"calls": exports.calls, "raised": exports.raised, "fed_otherwise": exports.fed_otherwise} if exports is not None else {}
            print(json.dumps({"test": test, **result.record, **counts}), file=records, flush=True)


def main(words: list[str]) -> None:
    tests, what = Path(words[0]).resolve(), words[1]
    torch.set_num_threads(1)
    prepare(tests)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with open(words[2], "a") as records:
        if what != "list":
            run(tests, json.loads(sys.stdin.read()), records, Exports() if what == "onnxport" else None)
            return
        for path in sorted(str(p.relative_to(tests)) for p in tests.rglob("test_*.py")):
            try:
                for test in found(tests, path):
                    print(json.dumps({"test": test}), file=records, flush=True)
            except Exception as error:  # noqa: BLE001 it needs a torch that this is not, or a package that is not here
                print(json.dumps({"file": path, "text": f"{type(error).__name__}: {error}"}), file=records, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
