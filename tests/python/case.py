"""What the tests of the Python package stand on: a scratch folder, models, and the numeric comparison."""
from __future__ import annotations

import io
import tempfile
import unittest
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch.utils import _pytree as pytree


class Case(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="onnxport-python-")
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        quiet = warnings.catch_warnings()
        quiet.__enter__()
        self.addCleanup(quiet.__exit__, None, None, None)
        warnings.simplefilter("ignore")
        torch.manual_seed(0)

    def check(self, model: bytes | Path | io.BytesIO, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> None:
        """The file computes what the module does."""
        data = model.getvalue() if isinstance(model, io.BytesIO) else str(model) if isinstance(model, Path) else model
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        tensors = [t for t in pytree.tree_leaves((args, kwargs or {})) if isinstance(t, torch.Tensor)]
        names = [i.name for i in session.get_inputs()]
        self.assertEqual(len(names), len(tensors), names)
        with torch.no_grad():
            wanted = [t for t in pytree.tree_leaves(module(*args, **(kwargs or {}))) if isinstance(t, torch.Tensor)]
        got = session.run(None, {n: t.detach().numpy() for n, t in zip(names, tensors)})
        self.assertEqual(len(got), len(wanted))
        for a, b in zip(got, wanted):
            self.assertEqual(a.shape, tuple(b.shape))
            np.testing.assert_allclose(a, b.numpy(), rtol=1e-4, atol=1e-5)

    @staticmethod
    def inputs_of(model: bytes | Path | io.BytesIO) -> list[tuple[str, list[Any]]]:
        data = model.getvalue() if isinstance(model, io.BytesIO) else str(model) if isinstance(model, Path) else model
        return [(i.name, i.shape) for i in onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).get_inputs()]


class Tiny(torch.nn.Module):
    """A weight, a view that needs the batch, an optional argument."""

    def __init__(self) -> None:
        super().__init__()
        self.lin = torch.nn.Linear(8, 4)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        out = torch.relu(self.lin(x)).view(x.shape[0], -1)
        return out if mask is None else out * mask


class Nested(torch.nn.Module):
    """Arguments and results in containers."""

    def forward(self, state: dict[str, torch.Tensor], pair: tuple[torch.Tensor, torch.Tensor], scale: float = 1.0) -> dict[str, Any]:
        total = state["a"] + pair[0] * scale
        return {"total": total, "more": [total @ pair[1], state["b"] - 1]}


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        return grad


class WithFunction(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return Swish.apply(x) + 1


class Branching(torch.nn.Module):
    """Python that depends on data: a trace keeps the branch that was taken."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.sum().item() > -1e9:
            x = x * 2
        return x + 1


class Counting(torch.nn.Module):
    """Writes a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        return x + self.count


class Modes(torch.nn.Module):
    """A dropout in eval mode below a module in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.norm = torch.nn.BatchNorm2d(4)
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.drop(torch.relu(self.norm(self.conv(x)))).mean((2, 3))
