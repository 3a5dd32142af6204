"""Models of public packages, with random weights and small inputs: what the census takes.

Each module of this folder has `models()`: names to functions that build one. A package is imported when its first model is
asked for; the names of all cost nothing.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Callable

import torch

PACKAGES = ("timm", "torchvision", "transformers", "diffusers", "segmentation", "monai", "ultralytics", "x_transformers", "more")
# Families of models that one process serves, so that its package is imported once.


@dataclass
class Built:
    """A model, and inputs for a batch of any size."""

    model: torch.nn.Module
    make: Callable[[int], tuple[torch.Tensor, ...]]
    fixed: bool = False  # the model itself is made for one batch size
    notes: list[str] = field(default_factory=list)


Builder = Callable[[], Built]


def images(*shape: int) -> Callable[[int], tuple[torch.Tensor, ...]]:
    """One input of floats whose first axis is the batch."""
    def make(batch: int) -> tuple[torch.Tensor, ...]:
        return (torch.randn(batch, *shape, generator=torch.Generator().manual_seed(batch)),)
    return make


def tokens(length: int, below: int, *, more: tuple[tuple[int, ...], ...] = ()) -> Callable[[int], tuple[torch.Tensor, ...]]:
    def make(batch: int) -> tuple[torch.Tensor, ...]:
        generator = torch.Generator().manual_seed(batch)
        ids = torch.randint(0, below, (batch, length), generator=generator)
        return (ids, *(torch.randn(batch, *shape, generator=generator) for shape in more))
    return make


def models_of(package: str) -> dict[str, Builder]:
    module = importlib.import_module(f"catalog.{package}_models")
    return {f"{package}/{name}": builder for name, builder in module.models().items()}


def all_models() -> dict[str, Builder]:
    out: dict[str, Builder] = {}
    for package in PACKAGES:
        out.update(models_of(package))
    return out
