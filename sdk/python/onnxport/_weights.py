"""Weights and programs as the core reads them in memory: what is large is handed over by pointer, what is left is a small file."""
from __future__ import annotations

import dataclasses
import io
import zipfile
from collections.abc import Iterable
from typing import Any

import torch

from onnxport._fakes import NUMBERS
from onnxport._library import Model, Weight

_NUMBERS = {**NUMBERS, **{getattr(torch, name): number for name, number in (
    ("uint16", 4), ("uint32", 12), ("uint64", 13), ("float8_e4m3fn", 17), ("float8_e4m3fnuz", 18), ("float8_e5m2", 19),
    ("float8_e5m2fnuz", 20)) if hasattr(torch, name)}}


class NotByPointer(Exception):
    """The model is handed over as a whole file."""


def weight_of(name: str, tensor: torch.Tensor) -> Weight:
    if type(tensor) not in (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer) or tensor.layout is not torch.strided or \
            tensor.dtype not in _NUMBERS or tensor.is_quantized or tensor.device.type == "meta":
        raise NotByPointer(name)
    here = tensor.detach().resolve_conj().resolve_neg().cpu()
    if any(stride < 0 for stride in here.stride()):
        here = here.contiguous()
    last = sum((size - 1) * stride for size, stride in zip(here.shape, here.stride())) if here.numel() else -1
    return Weight(name, _NUMBERS[here.dtype], tuple(here.shape), here.stride(), here.data_ptr(), (last + 1) * here.element_size(), here)


def place_of(tensor: torch.Tensor) -> tuple[Any, ...]:
    """Equal for two tensors that are the same elements."""
    if tensor.numel() == 0:
        return (id(tensor),)
    return tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride(), tensor.device


def weights_of(tensors: Iterable[tuple[str, Any]]) -> tuple[Weight, ...]:
    return tuple(weight_of(name, tensor) for name, tensor in tensors)


def program_model(program: Any) -> Model:
    """An exported program without its weights: the program by torch's own serializer, as torch.export.save writes it."""
    from torch._export.serde import serialize as serde

    if serde.SCHEMA_VERSION[0] != 8:
        raise NotByPointer(f"schema {serde.SCHEMA_VERSION}")
    serializer = serde.GraphModuleSerializer(program.graph_signature, program.module_call_graph)
    graph_module = serializer.serialize(program.graph_module)
    if serializer.custom_objs:
        raise NotByPointer("objects")
    members = {"graph_module": graph_module, "opset_version": {"aten": torch._C._get_max_operator_version()},
               "range_constraints": serde.serialize_range_constraints(program.range_constraints),
               "schema_version": serde.SchemaVersion(*serde.SCHEMA_VERSION[:2]), "verifiers": [v.dialect for v in program.verifiers],
               "torch_version": torch.__version__, "guards_code": getattr(program, "_guards_code", [])}
    names = {f.name for f in dataclasses.fields(serde.ExportedProgram)}
    text = serde._to_json_bytes(serde.ExportedProgram(**{k: v for k, v in members.items() if k in names})) \
        if hasattr(serde, "_to_json_bytes") else _json(serde, serde.ExportedProgram(**{k: v for k, v in members.items() if k in names}))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("program/models/model.json", text)
        archive.writestr("program/byteorder", b"little")
    return Model(buffer.getbuffer(), weights_of({**program.state_dict, **program.constants}.items()))


def _json(serde: Any, program: Any) -> bytes:
    import json

    return json.dumps(serde._dataclass_to_dict(program), cls=serde.EnumEncoder).encode()
