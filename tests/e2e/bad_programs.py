"""Damaged and hostile .pt2 files: a coded error with record and JSON path, its exit status, and nothing written."""

from __future__ import annotations

import copy
import json
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from case import FIXTURES, Case

PROGRAM = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"
WEIGHT = "data/weights/weight_0"
END, ENTRY, LOCAL = b"PK\5\6", b"PK\1\2", b"PK\3\4"


class BadPrograms(Case):
    def setUp(self) -> None:
        super().setUp()
        self.good = FIXTURES / "programs/linear.pt2"
        with zipfile.ZipFile(self.good) as archive:
            self.records = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
        self.model = self.scratch / "model.pt2"

    # ---- files ----

    def write(self, records: dict[str, bytes] | list[tuple[str, bytes]], compressed: str = "") -> None:
        items = records.items() if isinstance(records, dict) else records
        with zipfile.ZipFile(self.model, "w") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that are there twice
            for name, data in items:
                method = zipfile.ZIP_DEFLATED if name == compressed else zipfile.ZIP_STORED
                archive.writestr(f"linear/{name}", data, compress_type=method)

    def write_with(self, **changed: bytes) -> None:
        self.write({**self.records, **changed})

    def write_json(self, record: str, change: Callable[[Any], None]) -> None:
        document = json.loads(self.records[record])
        change(document)
        self.write({**self.records, record: json.dumps(document).encode()})

    def bytes_of(self, record: str) -> tuple[bytearray, int, int]:
        """The archive, and where the record's directory entry and its local header are."""
        self.write(self.records)
        data = bytearray(self.model.read_bytes())
        name = f"linear/{record}".encode()
        entry = next(at for at in positions(data, ENTRY) if data[at + 46:at + 46 + len(name)] == name)
        return data, entry, struct.unpack_from("<I", data, entry + 42)[0]

    def refused(self, code: str, *said: str, status: int = 18, words: tuple[str, ...] = ()) -> str:
        before = self.left()
        stderr = self.refuse(code, status, "export", self.model, "-o", self.scratch / "out.onnx", *words)
        self.assertEqual(self.left(), before)
        self.assertLess(len(stderr), 4000, "nobody reads that")
        for text in said:
            self.assertIn(text, stderr)
        return stderr

    def accepted(self, *words: str) -> None:
        self.succeed("export", self.model, "-o", self.scratch / "out.onnx", *words)
        (self.scratch / "out.onnx").unlink(missing_ok=True)

    # ---- the archive ----

    def test_rewritten_by_another_zip_program(self) -> None:
        self.write(self.records)
        self.accepted("--verify")

    def test_truncated(self) -> None:
        whole = self.good.read_bytes()
        for size in (0, 1, 10, len(whole) // 2, len(whole) - 22, len(whole) - 1):
            with self.subTest(size):
                self.model.write_bytes(whole[:size])
                self.refused("I102")

    def test_no_archive(self) -> None:
        for data in (b"x" * 100_000, b"\x7fELF" + bytes(500), END + bytes(18)):
            with self.subTest(data[:8]):
                self.model.write_bytes(data)
                self.refused("I10[23]")
        self.model.unlink()
        self.model.mkdir()
        self.refused("I101")

    def test_checksums(self) -> None:
        for record in (PROGRAM, WEIGHTS, WEIGHT):
            with self.subTest(record):
                data, entry, local = self.bytes_of(record)
                name, extra = struct.unpack_from("<HH", data, local + 26)
                at = local + 30 + name + extra + 4
                data[at] ^= 1
                self.model.write_bytes(data)
                self.refused("I118", f"'{record}'")
        # The last one is a weight: what is not written is not read as a whole.
        self.accepted("--dry-run")
        self.accepted("--weights", "reference")

    def test_records_twice_or_missing(self) -> None:
        self.write([*self.records.items(), (PROGRAM, b"{}")])
        self.refused("I102", "two records are named 'models/model.json'")
        for record, code in ((PROGRAM, "I103"), (WEIGHTS, "I117"), (WEIGHT, "I102")):
            with self.subTest(record):
                self.write({name: data for name, data in self.records.items() if name != record})
                self.refused(code)
        self.write({})
        self.refused("I103")
        self.write({**self.records, "byteorder": b"big"})
        self.refused("I119")

    def test_compressed(self) -> None:
        for record in (PROGRAM, WEIGHTS, WEIGHT):
            with self.subTest(record):
                self.write(self.records, compressed=record)
                self.refused("I102", f"'{record}' is compressed", "torch.export.save stores records as they are")

    def test_directory_that_lies(self) -> None:
        def change(at_of: Callable[[bytearray, int, int], int], layout: str, *values: int) -> None:
            data, entry, local = self.bytes_of(WEIGHT)
            struct.pack_into(layout, data, at_of(data, entry, local), *values)
            self.model.write_bytes(data)
            self.refused("I102")

        end = lambda data, entry, local: data.rfind(END)  # noqa: E731
        for value in (0, 1, 0x7FFFFFFF, 0xFFFFFFFE):
            change(lambda d, e, l: e + 42, "<I", value + 1)  # where the record lies
            change(lambda d, e, l: e + 20, "<II", value, value)  # how long it is
        change(lambda d, e, l: e + 28, "<HH", 0xFFFF, 0xFFFF)  # names and extra fields over the end
        change(lambda d, e, l: l + 26, "<HH", 0xFFFF, 0xFFFF)
        change(lambda d, e, l: end(d, e, l) + 10, "<H", 0xFFFE)  # more entries than there are
        change(lambda d, e, l: end(d, e, l) + 10, "<H", 0xFFFF)  # "see zip64", which is not there
        for value in (1, 0x7FFFFFFF, 0xFFFFFFFF):
            change(lambda d, e, l: end(d, e, l) + 16, "<I", value)

    def test_zip64_that_lies(self) -> None:
        data, entry, _ = self.bytes_of(WEIGHT)
        name, = struct.unpack_from("<H", data, entry + 28)
        struct.pack_into("<II", data, entry + 20, 0xFFFFFFFF, 0xFFFFFFFF)
        for size in (1 << 63, (1 << 64) - 1, 1 << 32):
            with self.subTest(size):
                extra = struct.pack("<HHQQ", 1, 16, size, size)
                lying = bytearray(data)
                struct.pack_into("<H", lying, entry + 30, len(extra))
                lying[entry + 46 + name:entry + 46 + name] = extra
                self.model.write_bytes(lying)
                self.refused("I102")

    def test_overlapping_records(self) -> None:
        # One record's bytes under two names, each with a header of its own inside the other.
        self.write({**self.records, "a": b"x" * 100})
        data = bytearray(self.model.read_bytes())
        entries = positions(data, ENTRY)
        local, = struct.unpack_from("<I", data, entries[-1] + 42)
        for at in (entries[-1] + 20, local + 18):
            struct.pack_into("<II", data, at, 160, 160)
        self.model.write_bytes(data)
        self.refused("I102", "overlaps")

    # ---- JSON ----

    def test_no_json(self) -> None:
        program = self.records[PROGRAM]
        for text in (b"", b"{", program[:-1], program + b"}", b"\0", b"[" * 100_000 + b"]" * 100_000, program.replace(b"linear", b"lin\xff\xfe")):
            with self.subTest(text[:20]):
                self.write({**self.records, PROGRAM: text})
                self.refused("I116", "models/model.json:", "is no JSON")
        for text in (b"3", b"[]", b"null", b"{}", b'"x"'):
            with self.subTest(text):
                self.write({**self.records, PROGRAM: text})
                self.refused("I116", "models/model.json:")

    def test_every_field_of_another_kind(self) -> None:
        """Each value of the program in turn is replaced by one of another kind, or taken out."""
        def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
            items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            return [path] * bool(path) + [p for key, inner in items for p in paths(inner, (*path, key))]

        document = json.loads(self.records[PROGRAM])
        refused = 0
        for path in paths(document):
            for wrong in (None, -1, "x", [], {"a": 1}):
                changed = copy.deepcopy(document)
                holder = changed
                for key in path[:-1]:
                    holder = holder[key]
                holder[path[-1]] = wrong
                self.write({**self.records, PROGRAM: json.dumps(changed).encode()})
                done = self.run_program("export", self.model, "-o", self.scratch / "out.onnx", "--dry-run")
                self.assertIn(done.returncode, (0, 14, 18), f"{path} as {wrong}: {done.stderr}")
                self.assertEqual(self.left(), ["model.pt2"])
                if done.returncode == 18:
                    self.assertRegex(done.stderr, r"error I1\d\d\b", f"{path} as {wrong}")
                    refused += 1
        self.assertGreater(refused, 200)

    def test_numbers_out_of_range(self) -> None:
        def size(program: Any, value: Any) -> None:
            program["graph_module"]["graph"]["tensor_values"]["input"]["sizes"][1] = value

        for value, said in (({"as_int": -1}, "is a negative size"), ({"as_int": 1 << 64}, "I116"), ({"as_int": 0.5}, "fits 64 bits"),
                            ({"as_expr": {"expr_str": "9" * 30}}, "no size expression"), ({"as_expr": {"expr_str": "(" * 9999}}, "no size expression")):
            with self.subTest(str(value)[:40]):
                self.write_json(PROGRAM, lambda program, value=value: size(program, value))
                self.refused("I116", "models/model.json:", said)

    def test_weights_outside_their_records(self) -> None:
        for change, code in (({"sizes": [{"as_int": 4}, {"as_int": 9}]}, "I117"), ({"storage_offset": {"as_int": 1}}, "I117"),
                             ({"storage_offset": {"as_int": -1}}, "I117"), ({"sizes": [{"as_int": -4}, {"as_int": 8}]}, "I117"),
                             ({"strides": [{"as_int": 1 << 62}, {"as_int": 1 << 62}]}, "I117"), ({"strides": [{"as_int": 8}]}, "I117"),
                             ({"sizes": [{"as_int": 1 << 40}, {"as_int": 8}], "strides": [{"as_int": 0}, {"as_int": 1}]}, "I117"),
                             ({"dtype": 99}, "I117"), ({"sizes": [{"as_int": 1 << 63}]}, "I116"), ({"dtype": "f32"}, "I116")):
            with self.subTest(change):
                self.write_json(WEIGHTS, lambda config, change=change: config["config"]["0.weight"]["tensor_meta"].update(change))
                self.refused(code, "data/weights/model_weights_config.json:.config.0.weight")

    # ---- the program ----

    def test_schema_versions(self) -> None:
        for major, hint in ((7, "write the program again"), (9, "use a newer onnxport"), (1 << 40, "use a newer onnxport")):
            self.write_json(PROGRAM, lambda program, major=major: program["schema_version"].update(major=major))
            self.refused("I115", f"schema version {major}", hint)
        self.write_json(PROGRAM, lambda program: program["schema_version"].update(minor=999))
        self.accepted()

    def test_unknown_fields_are_ignored(self) -> None:
        def change(program: Any) -> None:
            graph = program["graph_module"]["graph"]
            for holder in (program, program["graph_module"], graph, graph["nodes"][0], graph["tensor_values"]["input"]):
                holder["brand_new"] = {"a": [1, {"b": None}]}

        self.write_json(PROGRAM, change)
        self.accepted("--verify")

    def test_what_no_graph_can_hold(self) -> None:
        def first(program: Any) -> Any:
            return program["graph_module"]["graph"]["nodes"][0]

        def argument(program: Any, value: Any) -> None:
            first(program)["inputs"][0]["arg"] = value

        self.write_json(PROGRAM, lambda program: first(program).update(target="torch.ops.aten.no_such_operator.default"))
        self.refused("T501", "aten::no_such_operator", status=14)
        self.write_json(PROGRAM, lambda program: first(program).update(target="numpy.sum"))
        self.refused("T541", "numpy.sum", status=14)
        self.write_json(PROGRAM, lambda program: argument(program, {"as_brand_new": 1}))
        self.refused("T541", "as_brand_new", status=14)
        self.write_json(PROGRAM, lambda program: argument(program, {"as_tensor": {"name": "nobody"}}))
        self.refused("I116", "models/model.json:.graph_module.graph.nodes[0].inputs[0].arg.as_tensor.name", "'nobody'")

    def test_graphs_within_graphs(self) -> None:
        def nested(depth: int) -> dict[str, Any]:
            x = {"as_tensor": {"name": "x"}}
            inner = {"target": "torch.ops.aten.relu.default", "inputs": [{"name": "self", "arg": x, "kind": 1}]}
            if depth > 0:
                graph = {"name": "g", "graph": nested(depth - 1)}
                inner = {"target": "torch.ops.higher_order.wrap", "inputs": [{"name": "", "arg": {"as_graph": graph}, "kind": 1},
                                                                            {"name": "", "arg": x, "kind": 1}]}
            return {"inputs": [x], "outputs": [{"as_tensor": {"name": "y"}}], "tensor_values": {},
                    "nodes": [inner | {"outputs": [{"as_tensor": {"name": "y"}}], "metadata": {}}]}

        self.write_json(PROGRAM, lambda program: program["graph_module"].update(graph=nested(120) | {
            "tensor_values": program["graph_module"]["graph"]["tensor_values"],
            "inputs": program["graph_module"]["graph"]["inputs"][:2] + [{"as_tensor": {"name": "x"}}]}))
        self.refused("I116", "nested deeper than")

    def test_messages_are_safe_to_print(self) -> None:
        name = "\x1b[31m\x07" + "n" * 100_000
        self.write_json(PROGRAM, lambda program: program["graph_module"]["graph"]["nodes"][0]["inputs"][0].update(
            arg={"as_tensor": {"name": name}}))
        self.assertNotRegex(self.refused("I116"), r"[\x00-\x08\x0b-\x1f\x7f]")
        done = self.run_program("--json", "export", self.model, "-o", self.scratch / "out.onnx")
        self.assertEqual(json.loads(done.stdout)["diagnostics"][0]["code"], "I116")


def positions(data: bytes, mark: bytes) -> list[int]:
    out = [data.find(mark)]
    while out[-1] >= 0:
        out.append(data.find(mark, out[-1] + 4))
    return out[:-1]
