#!/usr/bin/env python3
"""locks.py [CLASS…]: plugins held to a lock file, and plugins that a profile brings."""

from __future__ import annotations

import hashlib
import json
import sys
import unittest
from pathlib import Path

import onnx
import torch
import yaml

from case import Case


def mapping(id_: str, op: str = "aten::relu", onnx_op: str = "com.acme::Relu", version: str = "1.0.0", more: str = "") -> str:
    return (f'onnxport_manifest: 1\nplugin: {{id: {id_}, version: "{version}"}}\noverrides: [{op}]\n{more}provides:\n'
            f"  domains: [{{name: com.acme, version: 1}}]\n  mappings: [{{torch: {op}, onnx: {onnx_op}, result: {{like: self}}}}]\n")


def ops(path: Path) -> list[str]:
    return [f"{n.domain}::{n.op_type}" if n.domain else n.op_type for n in onnx.load(path).graph.node]


class LockCase(Case):
    def setUp(self) -> None:
        super().setUp()
        self.plugins = self.scratch / "plugins"
        self.plugins.mkdir()
        self.model, self.out, self.lock = self.scratch / "m.pt2", self.scratch / "m.onnx", self.scratch / "my.lock.yaml"
        torch.export.save(torch.export.export(torch.nn.ReLU(), (torch.randn(2, 3),)), self.model)
        self.manifest = self.plugins / "acme.onnxport.yaml"
        self.manifest.write_text(mapping("com.acme.ops"))

    def words(self, *more: object, out: Path | None = None) -> tuple[object, ...]:
        return "export", self.model, "-o", out or self.out, "--plugin-path", self.plugins, *more

    def make_lock(self, *words: object, options: tuple[str, ...] = ()) -> str:
        return self.succeed(*options, "plugin", "lock", *words, "-o", self.lock, "--plugin-path", self.plugins, "--no-default-plugin-paths")


class Locks(LockCase):
    def test_what_is_locked_is_used_until_it_changes(self) -> None:
        self.assertIn("my.lock.yaml: 1 plugin\n", self.make_lock())
        locked = yaml.safe_load(self.lock.read_text())
        self.assertEqual(locked, {"onnxport_lock": 1, "plugins": [
            {"id": "com.acme.ops", "version": "1.0.0", "manifest": hashlib.sha256(self.manifest.read_bytes()).hexdigest()}]})
        self.succeed(*self.words("--plugin-lock", self.lock))
        self.assertEqual(ops(self.out), ["com.acme::Relu"])
        self.manifest.write_text(self.manifest.read_text() + "# changed\n")
        self.out.unlink()
        said = self.refuse("C409", 13, *self.words("--plugin-lock", self.lock))
        self.assertIn("the plugin com.acme.ops is not the one of the lock file: its manifest has the sha256", said)
        self.assertIn(f"onnxport plugin lock com.acme.ops -o {self.lock}", said)
        self.assertFalse(self.out.exists())
        self.make_lock("com.acme.ops")
        self.succeed(*self.words("--plugin-lock", self.lock))

    def test_a_plugin_that_appears(self) -> None:
        self.make_lock()
        new = self.plugins / "new.onnxport.yaml"
        new.write_text(mapping("com.acme.new", "aten::sigmoid", "com.acme::Sigmoid"))
        self.succeed(*self.words("--plugin-lock", self.lock))  # nobody needs it
        listed = self.run_program("plugin", "list", "--plugin-path", self.plugins, "--plugin-lock", self.lock)
        self.assertEqual(listed.returncode, 13)
        self.assertRegex(listed.stdout, r"com\.acme\.ops +1\.0\.0 +path +active, locked ")
        self.assertRegex(listed.stdout, r"com\.acme\.new +1\.0\.0 +path +refused C408 ")
        torch.export.save(torch.export.export(torch.nn.Sigmoid(), (torch.randn(2, 3),)), self.model)
        said = self.refuse("C408", 13, *self.words("--plugin-lock", self.lock))
        self.assertIn(f"the plugin com.acme.new 1.0.0 is not in the lock file {self.lock}", said)
        self.succeed(*self.words("--plugin-lock", self.lock, "--disable-plugin", "com.acme.new"))
        self.assertEqual(ops(self.out), ["Sigmoid"])
        self.make_lock("com.acme.new")  # beside what is there
        self.assertEqual([p["id"] for p in yaml.safe_load(self.lock.read_text())["plugins"]], ["com.acme.new", "com.acme.ops"])
        self.succeed(*self.words("--plugin-lock", self.lock))
        new.unlink()
        self.assertEqual(json.loads(self.make_lock(options=("--json",)))["plugins"], ["com.acme.ops"])
        self.assertEqual([p["id"] for p in yaml.safe_load(self.lock.read_text())["plugins"]], ["com.acme.ops"])

    def test_a_pass_that_changed_is_not_passed_over(self) -> None:
        self.manifest.write_text('onnxport_manifest: 1\nplugin: {id: com.acme.ops, version: "1.0.0"}\nprovides:\n'
                                 "  domains: [{name: com.acme, version: 1}]\n  passes:\n    - name: mine\n      stage: optimize\n      default: on\n"
                                 '      rules: [{pattern: "(x) => (y) { y = Relu(x) }", replace: "(x) => (y) { y = com.acme.Relu(x) }"}]\n')
        self.make_lock()
        self.succeed(*self.words("--plugin-lock", self.lock))
        self.assertEqual(ops(self.out), ["com.acme::Relu"])
        self.manifest.write_text(self.manifest.read_text().replace('"1.0.0"', '"1.0.1"'))
        self.assertIn("it is version 1.0.1, locked is 1.0.0", self.refuse("C409", 13, *self.words("--plugin-lock", self.lock)))
        # One that is not listed is as if it were not there.
        self.lock.write_text("onnxport_lock: 1\nplugins: []\n")
        done = self.run_program(*self.words("--plugin-lock", self.lock))
        self.assertEqual((done.returncode, ops(self.out)), (0, ["Relu"]))
        self.assertIn("warning C408", done.stderr)

    def test_a_profile_holds_its_own_target_to_it(self) -> None:
        self.make_lock()
        profile = self.scratch / "npu.yaml"
        profile.write_text("onnxport_config: 1\nplugins: {trust: locked, lock: my.lock.yaml}\n")
        self.succeed(*self.words("--config", profile, "--depfile", self.scratch / "m.d"))
        self.assertIn(str(self.lock), (self.scratch / "m.d").read_text())
        self.manifest.write_text(mapping("com.acme.ops", version="1.0.1"))
        self.refuse("C409", 13, *self.words("--config", profile))
        out = self.scratch / "m.{config}.onnx"
        done = self.run_program(*self.words("--config", profile, "--config", "default", out=out))
        self.assertEqual(done.returncode, 13, done.stderr)
        self.assertFalse((self.scratch / "m.npu.onnx").exists())

    def test_what_is_written_where(self) -> None:
        where = ("--plugin-path", self.plugins)
        before = self.manifest.read_text()
        self.assertIn("belongs to a plugin", self.refuse("S705", 16, "plugin", "lock", "-o", self.manifest, *where))
        other = self.scratch / "notes.yaml"
        other.write_text("mine: 1\n")
        self.refuse("M104", 10, "plugin", "lock", "-o", other, *where)
        self.refuse("S705", 16, "plugin", "lock", "-o", self.scratch, *where)
        self.refuse("S705", 16, "plugin", "lock", "-o", self.scratch / "gone/x.yaml", *where)
        self.refuse("S705", 16, "plugin", "lock", "-o", "", *where)
        self.refuse("C405", 13, "plugin", "lock", "com.acme.nobody", "-o", self.lock, *where)
        self.refuse("M101", 10, *self.words("--plugin-lock", self.scratch / "gone.yaml"))
        self.assertEqual((self.manifest.read_text(), other.read_text()), (before, "mine: 1\n"))
        self.assertEqual(self.left(), ["m.pt2", "notes.yaml", "plugins"])


class BroughtPlugins(LockCase):
    """plugins.files of a profile, and --config of verify and show."""

    def setUp(self) -> None:
        super().setUp()
        folder = self.scratch / "npu"
        folder.mkdir()
        self.manifest.rename(folder / "acme.onnxport.yaml")
        self.profile = folder / "npu.yaml"
        self.profile.write_text("onnxport_config: 1\ntarget: com.acme.npu\n"
                                "plugins: {files: [acme.onnxport.yaml], require: [com.acme.ops]}\nverify: {trust: [com.acme]}\n")
        self.own = folder / "acme.onnxport.yaml"
        self.own.write_text(mapping("com.acme.ops", more='targets: {com.acme.npu: {opset: "<=18"}}\n'))

    def test_its_own_target_alone(self) -> None:
        out = self.scratch / "m.{config}.onnx"
        self.succeed(*self.words("--config", self.profile, "--config", "default", out=out))
        self.assertEqual(ops(self.scratch / "m.npu.onnx"), ["com.acme::Relu"])
        self.assertEqual(ops(self.scratch / "m.default.onnx"), ["Relu"])
        # The range of its target is in the manifest that the profile brings.
        self.assertEqual(next(o.version for o in onnx.load(self.scratch / "m.npu.onnx").opset_import if not o.domain), 18)

    def test_a_folder(self) -> None:
        self.profile.write_text("onnxport_config: 1\nplugins: {files: [.]}\n")
        self.succeed(*self.words("--config", self.profile))
        self.assertEqual(ops(self.out), ["com.acme::Relu"])

    def test_what_is_wrong_with_it(self) -> None:
        self.own.write_text("nonsense")
        self.profile.write_text(self.profile.read_text().replace("target: com.acme.npu\n", ""))
        said = self.refuse("C403", 13, *self.words("--config", self.profile))
        self.assertIn("the target requires the plugin com.acme.ops, which is not installed", said)
        self.own.unlink()
        self.refuse("F105", 19, *self.words("--config", self.profile))

    def test_verify_with_a_profile(self) -> None:
        self.succeed(*self.words("--config", self.profile))
        words = ("verify", self.model, self.out)
        # Nothing here knows com.acme::Relu, but the profile says whom to ask and trust.
        self.assertNotEqual(self.run_program(*words).returncode, 0)
        self.assertIn("not independently checked", self.succeed(*words, "--config", self.profile))
        self.refuse("F109", 19, *words, "--config", "nobody")

    def test_verify_takes_its_tolerances_and_options_win(self) -> None:
        torch.export.save(torch.export.export(torch.nn.GELU(), (torch.randn(64, 64),)), self.model)
        self.succeed("export", self.model, "-o", self.out, "--no-default-plugin-paths")
        model = onnx.load(self.out)
        del model.graph.node[-1].attribute[:]
        model.graph.node[-1].attribute.append(onnx.helper.make_attribute("approximate", "tanh"))
        onnx.save(model, self.out)
        loose = self.scratch / "loose.yaml"
        loose.write_text("onnxport_config: 1\nverify: {rtol: 0.1, atol: 0.1}\n")
        words = ("verify", self.model, self.out)
        self.refuse("V801", 17, *words)
        self.succeed(*words, "--config", loose)
        self.refuse("V801", 17, *words, "--config", loose, "--rtol", "1e-6", "--atol", "1e-6")

    def test_show_with_a_profile(self) -> None:
        words = ("show", self.model, "--after", "legalize")
        self.assertIn("com.acme::Relu", self.succeed(*words, "--config", self.profile))
        self.assertNotIn("com.acme::Relu", self.succeed(*words))
        self.refuse("F203", 19, *words, "--config", self.profile, "--opset", "20")
        self.assertIn("com.acme::Relu", self.succeed(*words, "--config", self.profile, "--opset", "17"))
        self.assertNotEqual(self.run_program(*words, "--config", "default", "--config", "openvino").returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv, verbosity=2)
