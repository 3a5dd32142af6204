#!/usr/bin/env python3
"""collect.py TEST_ONNX_FOLDER CASES [--only REGEX] [--every N] [--peer]: the models of PyTorch's own ONNX tests as files.

TEST_ONNX_FOLDER is test/onnx of a source tree of PyTorch. Its tests build a model and inputs, and have them exported and
compared; here the model is saved instead, traced or scripted as the test asks, beside its inputs and what PyTorch computes:
CASES/<name>/model.pt, case.json, <k>.npz. --peer has PyTorch's TorchScript exporter write model.onnx beside them."""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import re
import signal
import sys
import unittest
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
MODULE = "test_pytorch_onnx_onnxruntime"
OPSET = 20
SECONDS = 60  # for one test
SHORT = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16", torch.float64: "f64", torch.int64: "i64", torch.int32: "i32",
         torch.int16: "i16", torch.int8: "i8", torch.uint8: "u8", torch.bool: "bool", torch.complex64: "c64"}


# ---- what the tests import, of a torch that may be newer than they are ----

def stand_in() -> None:
    import torch.onnx
    from torch.onnx import _constants, verification
    for name in ("torch.onnx._internal.diagnostics", "torch.onnx._internal.diagnostics.infra"):
        try:
            __import__(name)
        except ImportError:
            sys.modules[name] = MagicMock()
            setattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2], sys.modules[name])
    if not hasattr(verification, "VerificationOptions"):
        verification.VerificationOptions = MagicMock()  # type: ignore[attr-defined]
    for name, value in (("ONNX_TORCHSCRIPT_EXPORTER_MAX_OPSET", OPSET), ("ONNX_DEFAULT_OPSET", 17)):
        if not hasattr(_constants, name):
            setattr(_constants, name, value)
    sys.path.insert(0, str(HERE.parent / "fixtures"))
    import torchvision_ops
    if not hasattr(torch.ops.torchvision, "nms"):
        for function, schema in torchvision_ops.SCHEMAS.items():
            torch.library.define(f"torchvision::{function.__name__}", schema)
            torch.library.impl(f"torchvision::{function.__name__}", "CPU", function)
        torch.library.define("torchvision::qnms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


# ---- one case ----

@dataclass
class Case:
    name: str
    scripted: bool
    inputs: list[str] = field(default_factory=list)  # as the program takes them
    files: list[str] = field(default_factory=list)   # one set of inputs and results each
    rtol: float = 1e-3
    atol: float = 1e-7
    check_dtype: bool = True
    check_shape: bool = True
    training: bool = False
    peer: str = ""  # what PyTorch's TorchScript exporter says; "ok": it wrote the file


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """What forward is given, under the names that the program has for it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}")
    elif isinstance(value, (tuple, list)) and not isinstance(value, str):
        for k, item in enumerate(value):
            yield from leaves(item, f"{path}.{k}")
    else:
        yield path, value


def tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, torch.Tensor):
        yield value.detach().dequantize() if value.is_quantized else value.detach()
    elif isinstance(value, (bool, int, float)):
        yield torch.tensor(value)


def array(value: Any) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        value = value.detach()
        value = value.int_repr() if value.is_quantized else value
        value = value.float() if value.dtype == torch.bfloat16 else value
        return value.numpy()
    return np.asarray(value, dtype={bool: np.bool_, int: np.int64, float: np.float32}[type(value)])


def shape_text(shape: tuple[int, ...], axes: Any, name: str) -> str:
    """axes: of dynamic_axes, a list of axes or their names."""
    names = axes if isinstance(axes, dict) else {a: f"{name}_{a}" for a in axes or ()}
    names = {a % len(shape): n for a, n in names.items()} if shape else {}
    return ",".join(f"d_{re.sub(r'[^A-Za-z0-9_]', '_', str(names[i]))}={size}" if i in names else str(size) for i, size in enumerate(shape))


def spec(path: str, value: Any, axes: Any) -> str | None:
    """The text for --input; None where that cannot say it."""
    if value is None:
        return f"{path}=None"
    if isinstance(value, (bool, int, float)):
        return f"{path}:{ {bool: 'bool', int: 'i64', float: 'f32'}[type(value)] }[]"
    if isinstance(value, str):
        return f'{path}="{value}"'
    if not isinstance(value, torch.Tensor):
        return None
    if value.is_quantized and value.qscheme() not in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        return None
    dtype = f"{str(value.dtype).removeprefix('torch.')}({value.q_scale()},{value.q_zero_point()})" if value.is_quantized else SHORT[value.dtype]
    return f"{path}:{dtype}[{shape_text(tuple(value.shape), axes, re.sub('[^A-Za-z0-9_]', '_', path))}]"


def argument_names(model: torch.jit.ScriptModule) -> list[str]:
    function = model if isinstance(model, torch.jit.ScriptFunction) else model.forward
    return [a.name for a in function.schema.arguments if a.name != "self"]


class Unsupported(Exception):
    """The test asks for what no saved model holds."""


class Collector:
    def __init__(self, folder: Path, peer: bool) -> None:
        self.folder, self.peer, self.cases, self.count = folder, peer, [], 0

    def save(self, test: unittest.TestCase, model: Any, args: Any, kwargs: Any, words: dict[str, Any]) -> None:
        scripted = isinstance(model, (torch.jit.ScriptModule, torch.jit.ScriptFunction))
        name = f"{test._testMethodName.removeprefix('test_')}-{self.count}-{'script' if scripted else 'trace'}"
        self.count += 1
        args = args if isinstance(args, (tuple, list)) else (args,)
        args, kwargs = list(args), dict(kwargs or {})
        if args and isinstance(args[-1], dict) and not kwargs and not scripted:
            kwargs = args.pop()
        training = "EVAL" not in str(words.get("training") or "EVAL")
        case = Case(name, scripted, rtol=words.get("rtol") or 1e-3, atol=words.get("atol") or 1e-7, training=training,
                    check_dtype=getattr(test, "check_dtype", True), check_shape=getattr(test, "check_shape", True))
        if hasattr(model, "train"):
            model.train(training)
        sets = [(args, kwargs)]
        for more in words.get("additional_test_inputs") or []:
            more = more if isinstance(more, (tuple, list)) else (more,)
            sets.append((list(more), {}) if not (len(more) == 2 and isinstance(more[1], dict) and isinstance(more[0], (tuple, list))) else (list(more[0]), dict(more[1])))
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        with torch.no_grad():
            saved = model if scripted else torch.jit.trace(model, tuple(copy.deepcopy(args)), strict=False, check_trace=False) if not kwargs else \
                torch.jit.trace(model, example_kwarg_inputs=self.by_name(model, args, kwargs), strict=False, check_trace=False)
        torch.jit.save(saved, str(folder / "model.pt"))
        names = argument_names(saved)
        axes = [(words.get("dynamic_axes") or {}).get(n) for n in words.get("input_names") or []]
        flat = list(self.flat(names, args, kwargs))
        at = 0
        for path, value in flat:
            text = spec(path, value, axes[at] if at < len(axes) else None)
            if text is None:
                raise Unsupported(f"an input of type {type(value).__name__}")
            at += isinstance(value, torch.Tensor)
            case.inputs.append(text)
        # The file is what is exported, so what it computes is wanted: a test may have moved the module's state before, and a
        # trace may hold for the sizes of its example only.
        loaded = torch.jit.load(str(folder / "model.pt"))
        for k, (given, named) in enumerate(sets):
            try:
                results = list(tensors(self.run(loaded, given, named)))
            except RuntimeError:
                if k > 0:
                    continue
                raise
            values = {f"in:{path}": array(v) for path, v in self.flat(names, given, named) if v is not None and not isinstance(v, str)}
            np.savez(folder / f"{k}.npz", **values, **{f"out:{i}": array(t) for i, t in enumerate(results)})
            case.files.append(f"{k}.npz")
        if self.peer:
            case.peer = self.by_peer(model, args, kwargs, words, folder)
        (folder / "case.json").write_text(json.dumps(case.__dict__))
        self.cases.append(case)

    @staticmethod
    def by_name(model: Any, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        import inspect
        names = list(inspect.signature(model.forward).parameters)
        return {**dict(zip(names, copy.deepcopy(args))), **copy.deepcopy(kwargs)}

    @staticmethod
    def flat(names: list[str], args: list[Any], kwargs: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        given = {**dict(zip(names, args)), **kwargs}
        for name in names:
            if name in given:
                yield from leaves(given[name], name)

    @staticmethod
    def run(model: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        own = model if isinstance(model, torch.jit.ScriptFunction) else copy.deepcopy(model)
        torch.manual_seed(0)
        with torch.no_grad():
            return own(*copy.deepcopy(args), **copy.deepcopy(kwargs))

    @staticmethod
    def by_peer(model: Any, args: list[Any], kwargs: dict[str, Any], words: dict[str, Any], folder: Path) -> str:
        taken = {k: words[k] for k in ("input_names", "output_names", "dynamic_axes", "training") if words.get(k)}
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                torch.onnx.export(model, tuple(copy.deepcopy(args)), str(folder / "model.onnx"), kwargs=kwargs or None, dynamo=False, opset_version=OPSET, **taken)
        except Exception as e:
            return f"{type(e).__name__}: {str(e).strip().splitlines()[0][:200] if str(e).strip() else ''}"
        return "ok"


class OutOfTime(Exception):
    pass


def out_of_time(*_: Any) -> None:
    raise OutOfTime(f"over {SECONDS} s")


def reason_of(trace: str) -> str:
    """The line that names the exception."""
    lines = [line for line in trace.strip().splitlines() if re.match(r"[\w.]+(Error|Exception|Unsupported|Time)\b", line)]
    return (lines[-1] if lines else trace.strip().splitlines()[-1])[:300]


def suites(module: Any) -> dict[bool, type[unittest.TestCase]]:
    """The tests at the opset, of scripted and of traced models."""
    out: dict[bool, type[unittest.TestCase]] = {}
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, unittest.TestCase) and value.__name__.startswith("TestONNXRuntime_") and \
                value.opset_version == OPSET and not value.keep_initializers_as_inputs:
            out[bool(value.is_script)] = value
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tests", type=Path)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--peer", action="store_true")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    stand_in()
    sys.path.insert(0, str(options.tests.resolve()))
    module = __import__(MODULE)
    import onnx_test_common
    collector = Collector(options.cases, options.peer)
    test_words = ("rtol", "atol", "dynamic_axes", "additional_test_inputs", "input_names", "output_names", "training")

    def run_model(test: unittest.TestCase, model: Any, input_args: Any = (), input_kwargs: Any = None, **words: Any) -> None:
        collector.save(test, model, input_args, input_kwargs, {k: words.get(k) for k in test_words})

    onnx_test_common.run_model_test = run_model
    skipped = (options.cases / "left_out.tsv")
    options.cases.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGALRM, out_of_time)
    tests = [(scripted, name) for scripted, suite in sorted(suites(module).items()) for name in sorted(dir(suite))
             if name.startswith("test_") and re.search(options.only, name)][::options.every]
    with skipped.open("w") as notes:
        for k, (scripted, name) in enumerate(tests):
            collector.count = 0
            test = suites(module)[scripted](name)
            result = unittest.TestResult()
            signal.alarm(SECONDS)
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    test.run(result)
            except OutOfTime as e:
                result.errors.append((test, str(e)))
            finally:
                signal.alarm(0)
            for _, why in [*result.errors, *result.failures]:
                notes.write(f"{name}\t{'script' if scripted else 'trace'}\t{reason_of(why)}\n")
            for _, why in result.skipped:
                notes.write(f"{name}\t{'script' if scripted else 'trace'}\tskipped by the test: {why}\n")
            if k % 100 == 99:
                print(f"{k + 1} of {len(tests)} tests, {len(collector.cases)} models", file=sys.stderr, flush=True)
    print(f"{len(tests)} tests, {len(collector.cases)} models in {options.cases}")


if __name__ == "__main__":
    main()
