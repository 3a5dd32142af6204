"""Whole calls on live models in one warm process: onnxport.export and torch.onnx.export in turn, both flavours.

    python_calls.py FOLDER RUNS [MODEL…]      prints one JSON object per model
"""
from __future__ import annotations

import contextlib
import io
import json
import logging
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "fixtures"))
import models  # noqa: E402

import onnxport  # noqa: E402


def ids(batch: int, length: int) -> torch.Tensor:
    return torch.randint(0, 1000, (batch, length))


def cases() -> dict[str, tuple[Any, tuple[Any, ...], dict[str, dict[int, str]]]]:
    """Name -> module, arguments, dynamic axes."""
    tokens = {"input_ids": {0: "batch", 1: "seq"}}
    both = {**tokens, "attention_mask": {0: "batch", 1: "seq"}, "token_type_ids": {0: "batch", 1: "seq"}}
    return {
        "resnet18": (models.ResNet18(), (torch.randn(2, 3, 224, 224),), {"x": {0: "batch"}}),
        "unet": (models.UNet(32, 64), (torch.randn(2, 3, 32, 32), torch.tensor([3, 40])), {"x": {0: "batch"}, "steps": {0: "batch"}}),
        "bert": (models.Bert(1000, 384, 6, 6), (ids(2, 16), torch.ones(2, 16, dtype=torch.int64), ids(2, 16) % 2), both),
        "gpt2": (models.Gpt2(1000, 384, 6, 6), (ids(2, 16),), tokens),
        "vit": (models.ViT(), (torch.randn(2, 3, 32, 32),), {"x": {0: "batch"}}),
        "lstm": (Recurrent(), (torch.randn(2, 10, 32),), {"x": {0: "batch", 1: "time"}}),
        "mlp": (torch.nn.Sequential(*(m for _ in range(8) for m in (torch.nn.Linear(512, 512), torch.nn.GELU()))), (torch.randn(2, 512),),
                {"input": {0: "batch"}}),
        "volumes": (torch.nn.Sequential(*(m for i in range(6) for m in (torch.nn.Conv3d(1 if i == 0 else 16, 16, 3, padding=1),
                                                                        torch.nn.BatchNorm3d(16), torch.nn.ReLU()))),
                    (torch.randn(2, 1, 8, 16, 16),), {"input": {0: "batch"}}),
        "decoder": (torch.nn.TransformerDecoder(torch.nn.TransformerDecoderLayer(128, 8, batch_first=True), 4),
                    (torch.randn(2, 12, 128), torch.randn(2, 16, 128)), {"tgt": {0: "batch"}, "memory": {0: "batch"}}),
        "encoder": (torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(256, 8, batch_first=True), 6, enable_nested_tensor=False),
                    (torch.randn(2, 16, 256),), {"src": {0: "batch"}}),
    }


class Recurrent(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.out = torch.nn.LSTM(32, 64, 2, batch_first=True, bidirectional=True), torch.nn.Linear(128, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.lstm(x)[0])


def seconds(work: Any) -> float:
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work()
    return time.perf_counter() - start


def shapes(module: Any, axes: dict[str, dict[int, str]]) -> dict[str, Any]:
    import inspect

    given = list(inspect.signature(module.forward).parameters)
    return {name: {axis: torch.export.Dim.DYNAMIC for axis in axes[name]} if name in axes else None for name in given[:len(axes)]}


def measure(name: str, folder: Path, runs: int) -> dict[str, Any]:
    module, args, axes = cases()[name]
    module.eval()
    out = folder / f"{name}.onnx"
    names = list(axes)

    def call(export: Any, dynamo: bool) -> Any:
        return lambda: export(module, args, str(out), dynamo=dynamo, input_names=names, dynamic_axes=axes, opset_version=18, verbose=False)

    def traced() -> None:
        with torch.no_grad():
            torch.jit.trace(module, args, check_trace=False)

    ways = {"export": call(onnxport.export, True), "torch export": call(torch.onnx.export, True),
            "capture export": lambda: torch.export.export(module, args, dynamic_shapes=shapes(module, axes)),
            "trace": call(onnxport.export, False), "torch trace": call(torch.onnx.export, False), "capture trace": traced}
    took: dict[str, list[float]] = {way: [] for way in ways}
    failed: dict[str, str] = {}
    for i in range(runs + 1):  # the first warms up
        for way, work in ways.items():
            if way in failed:
                continue
            try:
                one = seconds(work)
            except Exception as error:  # noqa: BLE001 a peer that cannot is a figure too
                failed[way] = f"{type(error).__name__}: {error}".splitlines()[0][:120]
                continue
            if i > 0:
                took[way].append(one)
    return {"model": name, "seconds": {way: statistics.median(t) for way, t in took.items() if t}, "failed": failed}


def main() -> None:
    logging.disable(logging.CRITICAL)
    folder, runs = Path(sys.argv[1]), int(sys.argv[2])
    for name in sys.argv[3:] or cases():
        print(json.dumps(measure(name, folder, runs)), flush=True)


if __name__ == "__main__":
    main()
