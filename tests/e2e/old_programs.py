#!/usr/bin/env python3
"""old_programs.py [CLASS…]: the .pt2 files of PyTorch 2.6 and before through onnxport."""

from __future__ import annotations

import io
import json
import pickle
import sys
import unittest
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from case import FIXTURES, OPSETS, load
from graphs import canonical
from programs import ProgramCase, program

STATE = "serialized_state_dict.pt"
DATA = Path(__file__).parent.parent / "fixtures/data"


def old(name: str) -> dict[str, Any]:
    return next(entry for entry in load("old_programs.yaml") if entry["name"] == name)


class OldLayout(ProgramCase):
    """Every program of the older layout: the graph of the newer one, the same numbers, and its weights where they lie."""

    def check(self, entry: dict[str, Any]) -> None:
        for opset in OPSETS:
            output = self.export_program(entry, "--opset", opset)
            onnx.checker.check_model(onnx.load(output), full_check=True)
            self.compare(entry, output)
        self.assertEqual(self.left(), [output.name])

    def check_as_newer(self, entry: dict[str, Any]) -> None:
        by_older = canonical(onnx.load(self.export_program(entry)))
        self.assertEqual(by_older, canonical(onnx.load(self.export_program({**entry, "model": entry["newer"]}))))

    def check_external(self, entry: dict[str, Any]) -> None:
        output = self.export_program(entry, "--weights", "external")
        self.compare(entry, output)
        onnx.checker.check_model(str(output), full_check=True)

    def check_reference(self, entry: dict[str, Any], source: Path) -> dict[str, int]:
        """The offsets of the weights that lie in the copied archive, by name."""
        model, output = self.scratch / f"{entry['name']}.pt2", self.scratch / f"{entry['name']}.onnx"
        model.write_bytes(source.read_bytes())
        state = ("--state", entry["state"]) if "state" in entry else ()
        self.succeed("export", model, "-o", output, "--weights", "reference", *state)
        self.compare(entry, output)
        offsets = {}
        for tensor in onnx.load(output, load_external_data=False).graph.initializer:
            where = {e.key: e.value for e in tensor.external_data}
            if where.get("location") == model.name:
                offsets[tensor.name] = int(where["offset"])
        return offsets

    def test_references_into_the_archive_within_the_archive(self) -> None:
        offsets = self.check_reference(old("gpt2_cache"), FIXTURES / old("gpt2_cache")["model"])
        with zipfile.ZipFile(FIXTURES / old("gpt2_cache")["model"]) as archive:
            info = archive.getinfo(STATE)
        self.assertLessEqual({"words.weight", "positions.weight", "layers.0.attn.weight", "head.weight"}, set(offsets))
        for name, offset in offsets.items():
            self.assertTrue(info.header_offset < offset < info.header_offset + info.file_size, name)
        self.assertTrue(any(offset % 4 for offset in offsets.values()), "a file whose weights happen to be aligned shows nothing")

    def test_tied_weights_stay_one(self) -> None:
        names = {t.name for t in onnx.load(self.export_program(old("tied"))).graph.initializer}
        self.assertEqual(len(names & {"first.weight", "second.weight"}), 1)

    def test_verify(self) -> None:
        for name in ("vit", "strided", "view_writes"):
            with self.subTest(name):
                report = self.scratch / "report.json"
                self.export_program(old(name), "--verify", "--report", report)
                done = json.loads(report.read_text())
                self.assertTrue(done["verify"] and all(run["passed"] for run in done["verify"]), done["verify"])

    def test_written_by_2_6(self) -> None:
        """A file of PyTorch 2.6 itself (tests/fixtures/data/README.md), of the module that strided.pt2 is made of."""
        entry = {**program("strided"), "name": "real"}
        source = DATA / "strided_2.6.pt2"
        with zipfile.ZipFile(source) as archive:
            document = json.loads(archive.read("serialized_exported_program.json"))
        self.assertEqual(document["schema_version"], {"major": 8, "minor": 2})
        output = self.scratch / "real.onnx"
        self.succeed("export", source, "-o", output, "--verify")
        self.compare(entry, output)
        named = ("--input", "x:f32[batch,6]")
        self.succeed("export", source, "-o", output, *named)
        newer = self.export_program(program("strided"), *named)
        self.assertEqual(canonical(onnx.load(output)), canonical(onnx.load(newer)))
        self.assertEqual(list(self.check_reference(entry, source)), ["whole"])  # the others are small, or no plain views

    # ---- hostile files ----

    def refuse_state(self, state: bytes, code: str) -> str:
        model = self.scratch / "bad.pt2"
        with zipfile.ZipFile(FIXTURES / old("linear")["model"]) as good, zipfile.ZipFile(model, "w") as bad:
            for name in good.namelist():
                bad.writestr(name, state if name == STATE else good.read(name))
        said = self.refuse(code, 18, "export", model, "-o", self.scratch / "x.onnx")
        self.assertIn(STATE, said)
        self.assertEqual(self.left(), ["bad.pt2"])
        return said

    def changed(self, record: str, change: Callable[[bytes], bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(FIXTURES / old("linear")["model"]) as model, zipfile.ZipFile(out, "w") as inner:
            with zipfile.ZipFile(io.BytesIO(model.read(STATE))) as archive:
                for name in archive.namelist():
                    data = archive.read(name)
                    inner.writestr(name, change(data) if name == record else data,
                                   compression if name == record else zipfile.ZIP_STORED)
        return out.getvalue()

    def test_hostile_pickles(self) -> None:
        class Command:
            def __reduce__(self) -> tuple[Any, ...]:
                return (exec, (f"open({str(ran)!r}, 'w')",))

        ran = self.scratch / "ran"
        said = self.refuse_state(self.changed("archive/data.pkl", lambda _: pickle.dumps(Command(), 2)), "I117")
        self.assertIn("exec", said)
        self.assertFalse(ran.exists())
        for name, change in {"truncated": lambda data: data[:-40], "empty": lambda data: b"", "no dict": lambda data: b"\x80\x02N.",
                             "text": lambda data: b"this is no pickle",
                             "deep": lambda data: b"\x80\x02" + b"]" * 9999 + b"a" * 9998 + b".",
                             "another key": lambda data: data.replace(b"X\x01\0\0\0000", b"X\x01\0\0\0009")}.items():
            with self.subTest(name):
                self.refuse_state(self.changed("archive/data.pkl", change), "I117")

    def test_hostile_storages(self) -> None:
        self.refuse_state(self.changed("archive/data/0", lambda data: data[:-4]), "I117")
        self.refuse_state(self.changed("archive/data/0", lambda data: data, zipfile.ZIP_DEFLATED), "I117")
        self.refuse_state(self.changed("archive/byteorder", lambda data: b"big"), "I117")
        self.refuse_state(b"no archive", "I117")


def add_old_tests() -> None:
    if not (FIXTURES / "old_programs.yaml").exists():
        sys.exit(f"no old programs in {FIXTURES}: ./dev test makes them (tests/fixtures/make.py)")
    for entry in load("old_programs.yaml"):
        name = entry["name"]
        setattr(OldLayout, f"test_{name}", lambda self, entry=entry: self.check(entry))
        setattr(OldLayout, f"test_{name}_as_newer", lambda self, entry=entry: self.check_as_newer(entry))
        setattr(OldLayout, f"test_{name}_external", lambda self, entry=entry: self.check_external(entry))

        def reference(self: OldLayout, entry: dict[str, Any] = entry) -> None:
            self.check_reference(entry, FIXTURES / entry["model"])

        setattr(OldLayout, f"test_{name}_reference", reference)


if __name__ == "__main__":
    add_old_tests()
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
