"""Models for hostile files, and archives taken apart and written again as torch writes them, with right or wrong checksums."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import torch
from torch import nn
from torch.export import Dim


class Rich(nn.Module):
    """Convolution, a norm that is folded, embedding, a constant: weights of several types."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.table = nn.Embedding(7, 4)
        self.head = nn.Linear(4, 5)
        self.register_buffer("scale", torch.rand(4, dtype=torch.float64))

    def forward(self, x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.conv(x)).relu().mean((2, 3)) + self.table(ids)
        return self.head(y * self.scale.float()) + torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])


class Loops(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor, n: int) -> torch.Tensor:
        for _ in range(n):
            if bool(x.sum() > 0):
                x = torch.tanh(self.cell(x))
            else:
                x = x - 1
        return x


class Branch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cond(x.sum() > 0, lambda y: self.a(y), lambda y: y.cos(), (x,))


class Writes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(4))
        self.lin = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x.clone()
        y[:, 1:3] = 0
        return self.lin(y).view(-1, 2, 2).transpose(1, 2) + self.seen[:2]


class Words(nn.Module):
    """What the language has beside operators: lists, dicts, tuples, optionals, texts, numbers, branches, loops, calls."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.ModuleList([nn.Linear(4, 4), nn.LayerNorm(4)])
        self.names = {"a": 1, "b": 2}

    def pick(self, x: torch.Tensor, which: Optional[int]) -> torch.Tensor:
        return x if which is None else x[:, which:which + 2]

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, List[torch.Tensor]]:
        kept: List[torch.Tensor] = []
        sizes = [n * 2 for n in [1, 2, 3]]
        for cell in self.cells:
            x = cell(x)
            kept.append(x)
        for i in range(len(sizes)):
            x = x + sizes[i] % 4
        found: Dict[str, torch.Tensor] = {"x": x}
        if x.size(0) > 1 and "x" in found:
            x = found["x"] * float(self.names["b"])
        else:
            x = x.view(-1, 2).t().reshape([-1, 4])
        head = self.pick(x, 1)
        padded = torch.nn.functional.pad(head, [1, 2], value=0.5).permute([1, 0]).unsqueeze(-1)
        return padded.expand([-1, -1, 3]).sum([0, 2]), kept


RICH = (torch.rand(2, 3, 8, 8), torch.tensor([1, 3]))
ROWS = (torch.rand(3, 4),)


def torchscript(folder: Path) -> dict[str, tuple[Path, list[str]]]:
    """Each model's file and the words that its export needs."""
    torch.manual_seed(0)
    rich, loops, writes = Rich().eval(), Loops().eval(), Writes().eval()
    made = {"traced": (torch.jit.trace(rich, RICH), ["-i", "x:f32[n=2,3,8,8]", "-i", "ids:i64[n=2]"]),
            "loops": (torch.jit.script(loops), ["-i", "x:f32[n=3,4]", "-i", "n:i64[]"]),
            "writes": (torch.jit.script(writes), ["-i", "x:f32[n=3,4]"])}
    out = {}
    for name, (module, words) in made.items():
        path = folder / f"{name}.pt"
        module.save(path)
        out[name] = (path, words)
    return out


def scripts(folder: Path) -> dict[str, tuple[Path, list[str]]]:
    """Files whose code has much to change."""
    out = torchscript(folder)
    torch.jit.script(Words().eval()).save(folder / "words.pt")
    return out | {"words": (folder / "words.pt", ["-i", "x:f32[n=3,4]"])}


def programs(folder: Path) -> dict[str, tuple[Path, list[str]]]:
    torch.manual_seed(0)
    batch = Dim("batch", min=2, max=64)
    made = {"rich": (Rich().eval(), RICH, ({0: batch}, {0: batch})), "branch": (Branch().eval(), ROWS, ({0: Dim.AUTO},)),
            "writes": (Writes().eval(), ROWS, ({0: Dim.AUTO},))}
    out = {}
    for name, (module, arguments, dims) in made.items():
        path = folder / f"{name}.pt2"
        torch.export.save(torch.export.export(module, arguments, dynamic_shapes=dims), path)
        out[name] = (path, [])
    return out


def records(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def write(path: Path, parts: list[tuple[str, bytes]], *, crc: dict[str, int] | None = None, deflate: tuple[str, ...] = (),
          align: int = 64) -> Path:
    """Stored, each record where torch puts it; `crc` overrides checksums, `deflate` names what is compressed."""
    out, directory = io.BytesIO(), io.BytesIO()
    for name, data in parts:
        raw = name.encode()
        method, body = 0, data
        if name in deflate:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            method, body = 8, packer.compress(data) + packer.flush()
        total = (crc or {}).get(name, zlib.crc32(data))
        common = struct.pack("<HHHHIIIH", 0, method, 0, 0, total, len(body), len(data), len(raw))
        at = out.tell()
        padding = -(at + 30 + len(raw)) % align
        out.write(b"PK\3\4" + struct.pack("<H", 20) + common + struct.pack("<H", padding) + raw + b"\0" * padding + body)
        directory.write(b"PK\1\2" + struct.pack("<HH", 20, 20) + common + struct.pack("<HHHHII", 0, 0, 0, 0, 0, at) + raw)
    end = struct.pack("<HHHHIIH", 0, 0, len(parts), len(parts), len(directory.getvalue()), out.tell(), 0)
    path.write_bytes(out.getvalue() + directory.getvalue() + b"PK\5\6" + end)
    return path


def with_code(path: Path, source: Path, code: str) -> Path:
    """A TorchScript file whose forward (and other functions) are `code`, methods of the class of `source`'s root."""
    parts = []
    for name, data in records(source).items():
        if name.endswith(".debug_pkl"):
            continue
        if name.endswith(".py") and "/code/" in name:
            text = data.decode()
            start = text.index("  def forward")
            data = (text[:start] + code).encode()
        parts.append((name, data))
    return write(path, parts)
