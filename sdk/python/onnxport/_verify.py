"""The ONNX model against the module, on the example of the call."""
from __future__ import annotations

from typing import Any

import numpy as np
import torch

from onnxport._arguments import Arguments
from onnxport._capture import _flat_results
from onnxport._program import to_numpy

_TOLERANCES = {torch.float64: 1e-6, torch.float32: 1e-3, torch.float16: 1e-2, torch.bfloat16: 4e-2}


def differences(model: bytes, module: Any, arguments: Arguments) -> str:
    """What differs, in words; empty: nothing does."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    feeds = dict(zip(names, (to_numpy(leaf.value) for leaf in arguments.tensors)))
    with torch.no_grad():
        expected = _flat_results(module(*arguments.args, **arguments.kwargs))
    got = session.run(None, feeds)
    if len(got) != len(expected):
        return f"{len(got)} outputs for {len(expected)} results"
    for out, a, b in zip(session.get_outputs(), got, expected):
        wanted = to_numpy(b)
        if a.shape != wanted.shape:
            return f"output '{out.name}' has the shape {list(a.shape)}, the module gives {list(wanted.shape)}"
        tolerance = _TOLERANCES.get(b.dtype, 0.0)
        if not np.allclose(a.astype(np.float64), wanted.astype(np.float64), rtol=tolerance, atol=tolerance, equal_nan=True):
            gap = np.abs(a.astype(np.float64) - wanted.astype(np.float64)).max()
            return f"output '{out.name}' differs by up to {gap:.3g}"
    return ""
