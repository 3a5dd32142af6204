#!/usr/bin/env python3
"""passes.py [CLASS…]: rewrites that plugins bring, asked for and left out as a person does it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from case import FIXTURES, Case, fixture, inputs

FUSE = """\
onnxport_manifest: 1
plugin: {id: com.acme.fusions, version: "1.0.0"}
provides:
  domains: [{name: com.acme, version: 3}]
  passes:
    - name: fuse-linear
      stage: optimize
      rules:
        - pattern: "(x, w, b) => (y) { t = MatMul(x, w)  y = Add(t, b) }"
          where: {w: {constant: true, rank: 2}, b: {constant: true, rank: 1}}
          replace: "(x, w, b) => (y) { y = com.acme.FusedLinear <alpha: float = 1.0> (x, w, b) }"
"""


def ops(path: Path) -> list[str]:
    return [f"{n.domain}::{n.op_type}" if n.domain else n.op_type for n in onnx.load(path).graph.node]


class PassCase(Case):
    def plugin(self, text: str, name: str = "acme.onnxport.yaml") -> Path:
        path = self.scratch / name
        path.write_text(text)
        return path

    def run_fused(self, path: Path, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        """The file in ONNX Runtime, Acme's operator given as a function."""
        model = onnx.load(path)
        helper = onnx.helper
        opset = [o for o in model.opset_import if not o.domain]
        model.functions.append(helper.make_function(
            "com.acme", "FusedLinear", ["x", "w", "b"], ["y"],
            [helper.make_node("MatMul", ["x", "w"], ["t"]), helper.make_node("Add", ["t", "b"], ["y"])], opset, ["alpha"]))
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(None, feeds)

    def check_fused(self, fused: Path, *words: object) -> None:
        """As many fused nodes as the plain export has Linears, and the same numbers."""
        plain = self.scratch / "plain.onnx"
        self.succeed("export", *(words or (FIXTURES / fixture("bert")["model"], *inputs(fixture("bert")))), "-o", plain)
        self.assertEqual(onnx.load(fused).opset_import[1].domain, "com.acme")
        self.assertEqual(onnx.load(fused).opset_import[1].version, 3)
        was, became = ops(plain), ops(fused)
        count = became.count("com.acme::FusedLinear")
        self.assertGreater(count, 0)
        self.assertEqual(len(was) - len(became), count)
        session = onnxruntime.InferenceSession(str(plain), providers=["CPUExecutionProvider"])
        random = np.random.default_rng(0)
        sizes: dict[str, int] = {}  # of dynamic dims, by their names
        feeds = {i.name: random.integers(0, 2, [d if isinstance(d, int) else sizes.setdefault(d, 2 + 3 * len(sizes)) for d in i.shape])
                 for i in session.get_inputs()}
        for wanted, given in zip(session.run(None, feeds), self.run_fused(fused, feeds), strict=True):
            np.testing.assert_allclose(given, wanted, rtol=1e-4, atol=1e-5)


class Passes(PassCase):
    """A pass in YAML alone: on, off, in the report."""

    def export_bert(self, *words: object) -> Path:
        return self.export(fixture("bert"), *words)

    def test_a_pass_that_is_found_does_not_run(self) -> None:
        manifest = self.plugin(FUSE)
        self.assertNotIn("com.acme::FusedLinear", ops(self.export_bert("--plugin", manifest)))
        report = json.loads(self.succeed("--json", "export", FIXTURES / fixture("bert")["model"], "-o", self.scratch / "x.onnx",
                                         *inputs(fixture("bert")), "--plugin", manifest))
        self.assertNotIn("fuse-linear", [p["pass"] for p in report["passes"]])
        self.assertNotIn("com.acme.fusions", report["plugins"])

    def test_asked_for_by_name_by_plugin_and_by_both(self) -> None:
        manifest = self.plugin(FUSE)
        for name in ("fuse-linear", "com.acme.fusions", "com.acme.fusions/fuse-linear"):
            with self.subTest(name):
                self.check_fused(self.export_bert("--plugin", manifest, "--pass", name))

    def test_on_by_default_and_left_out(self) -> None:
        manifest = self.plugin(FUSE.replace("stage: optimize", "stage: optimize\n      default: on"))
        self.assertIn("com.acme::FusedLinear", ops(self.export_bert("--plugin", manifest)))
        self.assertNotIn("com.acme::FusedLinear", ops(self.export_bert("--plugin", manifest, "--disable-pass", "fuse-linear")))

    def test_every_stage(self) -> None:
        for stage in ("translate", "optimize", "target"):
            with self.subTest(stage):
                text = FUSE.replace("stage: optimize", f"stage: {stage}")
                if stage == "translate":  # before folding a Linear's weight is still transposed by a node
                    text = text.replace("constant: true, rank: 2", "rank: 2")
                self.assertIn("com.acme::FusedLinear", ops(self.export_bert("--plugin", self.plugin(text), "--pass", "fuse-linear")))

    def test_names_that_nobody_has(self) -> None:
        model, out = FIXTURES / fixture("linear")["model"], self.scratch / "x.onnx"
        for option in ("--pass", "--disable-pass"):
            said = self.refuse("C405", 13, "export", model, "-o", out, "--input", "f32[2,8]", "--plugin", self.plugin(FUSE), option, "fuse-liner")
            self.assertIn("did you mean fuse-linear?", said)
        self.assertFalse(out.exists())

    def test_report_and_verbose_name_each_pass(self) -> None:
        entry = fixture("bert")
        words = ("export", FIXTURES / entry["model"], "-o", self.scratch / "x.onnx", *inputs(entry), "--plugin",
                 self.plugin(FUSE), "--pass", "fuse-linear")
        report = json.loads(self.succeed("--json", *words))
        made = next(p for p in report["passes"] if p["pass"] == "fuse-linear")
        self.assertEqual((made["plugin"], made["stage"], made["skipped"]), ("com.acme.fusions", "optimize", ""))
        self.assertEqual(made["rewrites"], report["nodes"]["com.acme::FusedLinear"])
        self.assertEqual(made["nodes_removed"], 2 * made["nodes_added"])
        self.assertIn("com.acme.fusions", report["plugins"])
        self.assertRegex(self.succeed("--verbose", *words), r"pass fuse-linear of com\.acme\.fusions \(optimize\): \d+ rewrites")

    def test_a_broken_pattern_names_its_place(self) -> None:
        said = self.refuse("M110", 10, "export", FIXTURES / fixture("linear")["model"], "-o", self.scratch / "x.onnx",
                           "--input", "f32[2,8]", "--plugin", self.plugin(FUSE.replace("MatMul(x, w)", "MatMul(x w)")))
        self.assertRegex(said, r"acme\.onnxport\.yaml:9:\d+: error M110: the pattern is no text that ONNX's parser reads")

    def test_a_pass_never_changes_a_type(self) -> None:  # D10
        text = FUSE.replace("y = com.acme.FusedLinear <alpha: float = 1.0> (x, w, b)", "t = MatMul(x, w)  y = Cast<to = 7>(t)")
        entry = fixture("bert")
        said = self.refuse("T506", 14, "export", FIXTURES / entry["model"], "-o", self.scratch / "x.onnx", *inputs(entry),
                           "--plugin", self.plugin(text), "--pass", "fuse-linear")
        self.assertIn("pass 'fuse-linear' of plugin com.acme.fusions", said)
        self.assertEqual(self.left(), ["acme.onnxport.yaml"])

    def test_batch_normalization_is_folded_unless_left_out(self) -> None:
        entry = fixture("resnet18")
        self.assertNotIn("BatchNormalization", ops(self.export(entry)))
        for words in (("--disable-pass", "fold-batch-normalization"), ("--disable-pass", "org.onnxport.fusion"),
                      ("--no-constant-folding",), ("--no-params",)):
            with self.subTest(words):
                self.assertIn("BatchNormalization", ops(self.export(entry, *words)))
        report = json.loads(self.succeed("--json", "export", FIXTURES / entry["model"], "-o", self.scratch / "x.onnx",
                                         *inputs(entry), "--no-constant-folding"))
        said = next(p for p in report["passes"] if p["pass"] == "fold-batch-normalization")
        self.assertEqual(said["skipped"], "it needs constant folding, which is switched off")


class PassExamples(PassCase):
    """The SDK's examples of passes, built against an installation and nothing else."""

    def test_fused_linear_by_yaml_and_by_code(self) -> None:
        prefix, plugins, output = self.installed(), self.scratch / "example", self.scratch / "fused.onnx"
        self.run_quietly("cmake", "-G", "Ninja", "-S", prefix / "share/onnxport/sdk/example", "-B", plugins,
                         f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_DISABLE_FIND_PACKAGE_Torch=ON")
        self.run_quietly("cmake", "--build", plugins, "--target", "acme_passes")
        model = FIXTURES / "programs/bert.pt2"  # read without libtorch, which an installation looks for elsewhere
        for manifest, name in (("acme_fused_linear", "fuse-linear"), ("acme_passes", "fuse-linear-in-code")):
            with self.subTest(name):
                self.run_quietly(prefix / "bin/onnxport", "export", model, "-o", output,
                                 "--plugin", plugins / f"{manifest}.onnxport.yaml", "--pass", name)
                self.check_fused(output, model)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
