"""One model of the census: captured by PyTorch, exported by the program, run in ONNX Runtime at two batch sizes.

The truth for a trace is the trace itself, for an exported program the model: what PyTorch says at each size.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any, Callable

import numpy
import torch
from catalog import Built

PROGRAM = os.environ.get("ONNXPORT_BIN", "")
EXPORT_SECONDS = 120
SHORT = {torch.float32: "f32", torch.float64: "f64", torch.float16: "f16", torch.bfloat16: "bf16", torch.int64: "i64",
         torch.int32: "i32", torch.bool: "bool", torch.uint8: "u8"}
EXAMPLE, OTHER = 2, 3
Tensors = tuple[torch.Tensor, ...]


def flat(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (int, float, bool)):
        return [torch.tensor(value)]
    if isinstance(value, dict):
        return [t for v in value.values() for t in flat(v)]
    if isinstance(value, (tuple, list)):
        return [t for v in value for t in flat(v)]
    if hasattr(value, "to_tuple"):
        return flat(value.to_tuple())
    if hasattr(value, "__dataclass_fields__"):
        return flat([getattr(value, name) for name in value.__dataclass_fields__])
    return []


class Flat(torch.nn.Module):
    """A model whose results are tensors, whatever objects it gives."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: torch.Tensor) -> Tensors:
        return tuple(flat(self.model(*inputs)))


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]


# ---- capture ----

def trace(model: torch.nn.Module, make: Callable[[int], Tensors], path: Path) -> tuple[Callable[..., Any], bool]:
    """What PyTorch runs for it, and whether another batch size fits."""
    traced = torch.jit.trace(model, make(EXAMPLE), check_trace=False, strict=False)
    traced.save(str(path))
    try:
        got, want = flat(traced(*make(OTHER))), flat(model(*make(OTHER)))
        dynamic = [t.shape for t in got] == [t.shape for t in want]
    except Exception:
        dynamic = False
    return traced, dynamic


def export(model: torch.nn.Module, make: Callable[[int], Tensors], path: Path, fixed: bool) -> tuple[Callable[..., Any], bool]:
    inputs = make(EXAMPLE)
    shapes = None if fixed else {"inputs": tuple({0: torch.export.Dim.AUTO} for _ in inputs)}
    try:
        program = torch.export.export(model, inputs, dynamic_shapes=shapes, strict=False)
    except Exception:
        if fixed:
            raise
        program = torch.export.export(model, inputs, strict=False)
    torch.export.save(program, path)
    placeholders = [n.meta["val"] for n in program.graph.nodes if n.op == "placeholder"]
    free = [v for v in placeholders if isinstance(v, torch.Tensor) and v.dim() and not str(v.shape[0]).isdigit()]
    return model, bool(free)


# ---- comparison ----

def far(want: torch.Tensor, got: numpy.ndarray) -> str:
    reference = want.detach().resolve_conj()
    expected = (torch.view_as_real(reference) if reference.is_complex() else reference).to(
        torch.float32 if reference.dtype == torch.bfloat16 else reference.dtype).numpy()
    if expected.shape != got.shape:
        return f"shape {got.shape} for {expected.shape}"
    if expected.dtype != got.dtype and reference.dtype != torch.bfloat16:
        return f"{got.dtype} for {expected.dtype}"
    if expected.dtype.kind != "f":
        wrong = expected != got
        return f"{int(wrong.sum())} of {wrong.size} differ" if wrong.any() else ""
    a, b = expected.astype("f8"), got.astype("f8")
    finite = numpy.isfinite(a)
    scale = float(numpy.abs(a[finite]).max()) if finite.any() else 0.0
    close = numpy.isclose(a, b, rtol=1e-3, atol=1e-5 + 1e-4 * scale, equal_nan=True)
    if close.all():
        return ""
    return f"{int((~close).sum())} of {close.size} differ, by {numpy.nanmax(numpy.abs(a - b)):.3g} where the largest is {scale:.3g}"


def doubled(values: Any) -> tuple[torch.Tensor, ...]:
    return tuple(v.double() if v.is_floating_point() else v for v in values)


def is_rounding(model: torch.nn.Module, inputs: Tensors, want: list[torch.Tensor], got: list[numpy.ndarray]) -> bool:
    """Whether PyTorch in f32 is as far from the model in f64 as the file is."""
    try:
        exact = flat(model.double()(*doubled(inputs)))
    except Exception:
        return False
    finally:
        model.float()
    for e, w, g in zip(exact, want, got):
        if not w.is_floating_point():
            continue
        truth, scale = e.detach().numpy().astype("f8"), float(e.abs().max())
        torch_error = numpy.nanmax(numpy.abs(truth - w.detach().numpy()), initial=0)
        if numpy.nanmax(numpy.abs(truth - g), initial=0) > 5 * torch_error + 1e-6 * scale:
            return False
    return True


def run_file(path: Path, inputs: Tensors) -> list[numpy.ndarray]:
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    if len(names) != len(inputs):
        raise ValueError(f"the file has inputs {names}, the model {len(inputs)}")
    return [numpy.asarray(v) for v in session.run(None, dict(zip(names, (t.numpy() for t in inputs))))]


def specs(inputs: Tensors, dynamic: bool) -> list[str]:
    out = []
    for k, t in enumerate(inputs):
        sizes = [f"batch={n}" if dynamic and axis == 0 else str(n) for axis, n in enumerate(t.shape)]
        out += ["--input", f"{SHORT[t.dtype]}[{','.join(sizes)}]"]
    return out


def export_file(captured: Path, words: list[str]) -> tuple[Path, str]:
    """The file and what the program said of a refusal."""
    output = captured.with_suffix(".onnx")
    output.unlink(missing_ok=True)
    done = subprocess.run([PROGRAM, "export", str(captured), "-o", str(output), "--opset", "20", *words],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=EXPORT_SECONDS)
    text = done.stdout.decode(errors="replace")
    if done.returncode == 0:
        return output, ""
    errors = [line for line in text.splitlines() if "error" in line]
    return output, f"status {done.returncode}: " + " | ".join((errors or text.splitlines() or [""])[:2])[:400]


def compare(output: Path, truth: Callable[..., Any], model: torch.nn.Module, make: Callable[[int], Tensors], batch: int) -> str:
    inputs = make(batch)
    want = flat(truth(*inputs))
    got = run_file(output, inputs)
    if len(want) != len(got):
        return f"{len(got)} results for {len(want)}"
    faults = [f"result {k}: {fault}" for k, (w, g) in enumerate(zip(want, got)) if (fault := far(w, g))]
    if not faults or ("shape" not in faults[0] and is_rounding(model, inputs, want, got)):
        return ""
    return f"batch {batch}: {faults[0]}"


def check(built: Built, capture: str, folder: Path) -> dict[str, Any]:
    """status: right, wrong, refused (with the program's words), uncaptured (with PyTorch's)."""
    model, make = Flat(built.model.eval()), built.make
    path = folder / f"model.{capture}"
    out: dict[str, Any] = {"capture": capture}
    started = time.monotonic()
    with torch.no_grad():
        try:
            flat(model(*make(EXAMPLE)))
            truth, dynamic = trace(model, make, path) if capture == "pt" else export(model, make, path, built.fixed)
        except Exception as error:
            return out | {"status": "uncaptured", "why": first_line(error)}
        dynamic = dynamic and not built.fixed
        out["captured_seconds"] = round(time.monotonic() - started, 2)
        started = time.monotonic()
        try:
            output, refusal = export_file(path, specs(make(EXAMPLE), dynamic) if capture == "pt" else [])
        except subprocess.TimeoutExpired:
            return out | {"status": "slow", "why": f"longer than {EXPORT_SECONDS} s"}
        out["export_seconds"] = round(time.monotonic() - started, 2)
        out["dynamic"] = dynamic
        if refusal:
            code = re.search(r"\b([A-Z]\d{3})\b", refusal)
            return out | {"status": "refused" if code else "crashed", "why": refusal}
        try:
            faults = [compare(output, truth, model, make, batch) for batch in ((EXAMPLE, OTHER) if dynamic else (EXAMPLE,))]
        except Exception as error:
            faults = [first_line(error)]
    faults = [f for f in faults if f]
    return out | ({"status": "wrong", "why": faults[0]} if faults else {"status": "right"})
