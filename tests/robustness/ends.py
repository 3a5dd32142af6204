#!/usr/bin/env python3
"""Files that ask for far more than they hold: each export ends in time with a file or a code, and leaves nothing else behind."""

from __future__ import annotations

import struct
import tempfile
import unittest
import zlib
from pathlib import Path

import torch
from torch import nn

import archives
import runs

HUGE = 50 << 30


def crc_of_zeros(count: int, crc: int) -> int:
    """The CRC-32 of what `crc` is of, followed by zeros: as zlib's crc32_combine, by squaring what one bit does."""
    def applied(matrix: list[int], bits: int) -> int:
        out = 0
        for row in matrix:
            if bits & 1:
                out ^= row
            bits >>= 1
        return out

    step = [0xEDB88320] + [1 << i for i in range(31)]
    for _ in range(3):
        step = [applied(step, row) for row in step]
    register = crc ^ 0xFFFFFFFF
    while count:
        if count & 1:
            register = applied(step, register)
        step = [applied(step, row) for row in step]
        count >>= 1
    return register ^ 0xFFFFFFFF


def write_huge(path: Path, parts: list[tuple[str, bytes]], huge: str, right: bool) -> None:
    """The record `huge` followed by 50 GB of zeros, as a hole of the file; its checksum right or wrong."""
    directory = []
    with path.open("wb") as out:
        for name, data in parts:
            size = HUGE if name == huge else len(data)
            crc = crc_of_zeros(size - len(data), zlib.crc32(data)) ^ (0 if right else name == huge)
            raw, at = name.encode(), out.tell()
            pad = -(at + 30 + len(raw) + 24) % 64
            sizes = struct.pack("<HHQQ", 1, 16, size, size) + struct.pack("<HH", 0x4246, pad) + b"\0" * pad
            out.write(b"PK\3\4" + struct.pack("<HHHHHIIIHH", 45, 0, 0, 0, 0, crc, 0xFFFFFFFF, 0xFFFFFFFF, len(raw), len(sizes)) + raw + sizes + data)
            out.seek(size - len(data), 1)
            directory.append((raw, crc, size, at))
        start = out.tell()
        for raw, crc, size, at in directory:
            extra = struct.pack("<HHQQQ", 1, 24, size, size, at)
            out.write(b"PK\1\2" + struct.pack("<HHHHHHIIIHHHHHII", 45, 45, 0, 0, 0, 0, crc, 0xFFFFFFFF, 0xFFFFFFFF, len(raw), len(extra), 0, 0, 0, 0, 0xFFFFFFFF)
                      + raw + extra)
        length, at = out.tell() - start, out.tell()
        out.write(b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, len(parts), len(parts), length, start))
        out.write(b"PK\6\7" + struct.pack("<IQI", 0, at, 1))
        out.write(b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))


class Ends(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="onnxport-ends-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def huge(self, intact: Path, words: list[str]) -> None:
        parts = list(archives.records(intact).items())
        weight = next(name for name, data in parts if ("/data/" in name or "/weights/" in name) and len(data) >= 64 and not name.endswith((".json", ".pkl")))
        for right in (True, False):
            with self.subTest(kind=intact.suffix, right=right):
                path, output = self.folder / f"huge{intact.suffix}", self.folder / "huge.onnx"
                write_huge(path, parts, weight, right)
                self.assertLess(path.stat().st_blocks * 512, 1 << 24, "no file system with holes")
                done = runs.run(path, output, words)
                self.assertIsNone(done.fault(1 << 18), done.text)
                if right:
                    self.assertEqual(done.status, 0, done.text)
                else:
                    self.assertIn("error I118", done.text)
                    self.assertFalse(output.exists())
                output.unlink(missing_ok=True)

    def test_a_record_of_which_little_is_used(self) -> None:
        torch.manual_seed(0)
        model = nn.Linear(4, 5).eval()
        torch.jit.trace(model, torch.rand(2, 4)).save(self.folder / "m.pt")
        torch.export.save(torch.export.export(model, (torch.rand(2, 4),)), self.folder / "m.pt2")
        self.huge(self.folder / "m.pt2", [])
        self.huge(self.folder / "m.pt", ["-i", "x:f32[n=2,4]"])


if __name__ == "__main__":
    unittest.main(verbosity=1)
