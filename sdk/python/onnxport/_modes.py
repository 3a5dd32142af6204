"""What is changed around a capture, and put back as it was."""
from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

import torch


@contextlib.contextmanager
def module_mode(model: Any, training: bool | None) -> Iterator[None]:
    """Train or eval mode for a while; each submodule gets back its own (train(flag) at the root would not)."""
    if training is None or not isinstance(model, torch.nn.Module):
        yield
        return
    before = [(module, module.training) for module in model.modules()]
    try:
        model.train(training)
        yield
    finally:
        for module, flag in before:
            module.training = flag


# Where torch keeps what torch.onnx.is_in_onnx_export() says: one spot or two, by version.
_SPOTS = (("torch.onnx._internal.exporter._flags", None, "_is_onnx_exporting"),
          ("torch.onnx._internal.torchscript_exporter._globals", "GLOBALS", "in_onnx_export"),
          ("torch.onnx._globals", "GLOBALS", "in_onnx_export"))


@contextlib.contextmanager
def in_onnx_export() -> Iterator[None]:
    """torch.onnx.is_in_onnx_export() says True meanwhile."""
    with contextlib.ExitStack() as stack:
        for module_name, holder_name, attribute in _SPOTS:
            try:
                holder = importlib.import_module(module_name)
            except ImportError:
                continue
            holder = getattr(holder, holder_name, None) if holder_name else holder
            if holder is None or not hasattr(holder, attribute):
                continue
            stack.callback(setattr, holder, attribute, getattr(holder, attribute))
            setattr(holder, attribute, True)
        yield


@contextlib.contextmanager
def no_fast_path() -> Iterator[None]:
    """Transformer layers compute as they are written, not by the fused kernels of inference."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


@contextlib.contextmanager
def kept_state(model: Any) -> Iterator[None]:
    """Buffers are the same tensors with the same values again afterwards: a trace runs the model, which may write them."""
    if not isinstance(model, torch.nn.Module):
        yield
        return
    before = [(module, name, buffer, buffer.detach().clone()) for module in model.modules()
              for name, buffer in module._buffers.items() if buffer is not None]
    try:
        yield
    finally:
        with torch.no_grad():
            for module, name, buffer, value in before:
                module._buffers[name] = buffer
                if not torch.equal(buffer, value):
                    buffer.copy_(value)
