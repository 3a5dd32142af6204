"""The package without torch: files in, files out, and the C API's errors as exceptions."""
from __future__ import annotations

import os
import sys
import tempfile
import unittest
from pathlib import Path

import onnxport
from onnxport import _library

PROGRAM = Path(os.environ["ONNXPORT_FIXTURES"]) / "programs" / "linear.pt2"


class Files(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="onnxport-python-")
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)

    def refuse(self, code: str, status: int, *args: object, **options: object) -> onnxport.ExportError:
        with self.assertRaises(onnxport.ExportError) as caught:
            onnxport.export_file(*args, **options)
        self.assertIn(code, caught.exception.codes)
        self.assertEqual(caught.exception.status, status)
        return caught.exception

    def test_a_file_and_its_bytes_give_the_same_model(self) -> None:
        done = onnxport.export_file(PROGRAM, self.scratch / "a.onnx", opset=18)
        self.assertEqual(done.report["opset"], 18)
        written = (self.scratch / "a.onnx").read_bytes()
        for data in (PROGRAM.read_bytes(), bytearray(PROGRAM.read_bytes()), memoryview(PROGRAM.read_bytes())):
            self.assertEqual(onnxport.export_file(data, opset=18).model, written)

    def test_several_targets_of_one_capture(self) -> None:
        targets = {self.scratch / f"{opset}.onnx": {"opset": opset} for opset in (11, 17, 21)}
        for done, (file, target) in zip(onnxport.export_targets(PROGRAM, targets, dims={"s31": "batch"}), targets.items()):
            self.assertEqual((done.path, done.report["opset"]), (file, target["opset"]))
            self.assertEqual(file.read_bytes(), onnxport.export_file(PROGRAM.read_bytes(), dims={"s31": "batch"}, **target).model)

    def test_an_onnx_file_at_another_opset(self) -> None:
        onnxport.export_file(PROGRAM, self.scratch / "a.onnx", opset=13)
        data = (self.scratch / "a.onnx").read_bytes()
        done = onnxport.convert(self.scratch / "a.onnx", self.scratch / "b.onnx", opset=20)
        self.assertEqual(done.report["opset"], 20)
        self.assertEqual(onnxport.convert(data, opset=20).model, (self.scratch / "b.onnx").read_bytes())
        with self.assertRaises(onnxport.ExportError) as caught:
            onnxport.convert(data, opset=9999)
        self.assertEqual(caught.exception.codes, ["O605"])

    def test_plugins_are_found_once_and_anew_when_they_change(self) -> None:
        folder = self.scratch / "plugins"
        folder.mkdir()

        def codes() -> list[str]:
            done = onnxport.export_file(PROGRAM.read_bytes(), plugins={"paths": [str(folder)]})
            return [d.code for d in done.diagnostics if d.severity == "warning"]

        self.assertEqual(codes(), [])
        first = dict(_library._SESSIONS)
        self.assertEqual(codes(), [])
        self.assertEqual(first, _library._SESSIONS)
        (folder / "broken.onnxport.yaml").write_text("onnxport_manifest: 1\n")
        self.assertTrue(codes() and codes()[0].startswith("M"))
        (folder / "broken.onnxport.yaml").unlink()
        self.assertEqual(codes(), [])

    def test_no_torch_is_imported(self) -> None:
        onnxport.export_file(PROGRAM.read_bytes())
        self.assertNotIn("torch", sys.modules)

    def test_errors_carry_codes_places_and_hints(self) -> None:
        self.refuse("I101", 18, self.scratch / "absent.pt2")
        error = self.refuse("I140", 18, PROGRAM, self.scratch / "a.onnx", opsett=18)
        self.assertIn("opsett", str(error))
        self.assertTrue(error.diagnostics[0].hint)
        self.refuse("O605", 15, PROGRAM, self.scratch / "a.onnx", opset=9999)
        self.refuse("S705", 16, PROGRAM, self.scratch / "nowhere" / "a.onnx")
        self.refuse("I102", 18, b"no archive")
        self.assertEqual(list(self.scratch.iterdir()), [])

    def test_what_a_callback_raises_ends_the_export_and_is_raised(self) -> None:
        def angry(stage: str, fraction: float) -> None:
            raise KeyError(stage)

        with self.assertRaises(KeyError):
            onnxport.export_file(PROGRAM, self.scratch / "a.onnx", progress=angry)

    def test_progress_is_told(self) -> None:
        seen: list[tuple[str, float]] = []
        onnxport.export_file(PROGRAM.read_bytes(), progress=lambda *told: seen.append(told))
        self.assertIn("capture", [stage for stage, _ in seen])
        self.assertTrue(all(0 <= fraction <= 1 for _, fraction in seen))

    def test_questions(self) -> None:
        self.assertRegex(onnxport.version(), r"^\d+\.\d+\.\d+$")
        self.assertIn("org.onnxport.aten", [p["id"] for p in onnxport.plugins()["plugins"]])
        self.assertEqual([w["wins"] for w in onnxport.which("aten::relu", 18)][0], True)
        self.assertIn("return", onnxport.show(PROGRAM, "translate"))

    def test_plugins_of_installed_packages_are_found(self) -> None:
        """A distribution with an entry point of the group onnxport.plugins."""
        from onnxport import _plugins

        package = self.scratch / "acme_plugins"
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "acme.onnxport.yaml").write_text(
            "onnxport: 1\nplugin: {id: com.acme.py, version: 1.0.0, publisher: Acme}\n"
            "ops:\n  - torch: acme::twice(Tensor x) -> Tensor\n    node: com.acme::Twice\n")
        info = self.scratch / "acme_plugins-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-plugins\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[onnxport.plugins]\nacme = acme_plugins\n")
        sys.path.insert(0, str(self.scratch))
        self.addCleanup(sys.path.remove, str(self.scratch))
        _plugins.installed_folders.cache_clear()
        self.addCleanup(_plugins.installed_folders.cache_clear)
        self.assertEqual(_plugins.installed_folders(), (str(package),))
        found = {p["manifest"]: p for p in onnxport.plugins()["plugins"]}
        self.assertIn(str(package / "acme.onnxport.yaml"), found)


if __name__ == "__main__":
    unittest.main(verbosity=1)
