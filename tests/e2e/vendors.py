#!/usr/bin/env python3
"""vendors.py [CLASS…]: operators that nobody maps until a vendor's manifest or library does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

import onnx
import torch

from case import FIXTURES, LOADER, Case


ACME = """\
onnxport_manifest: 1
plugin: {id: com.acme.ops, version: "1.4.0", publisher: Acme}
provides:
  domains: [{name: com.acme, version: 1}]
  mappings:
    - torch: "acme::scaled_tanh(Tensor x, float scale) -> Tensor"
      onnx: com.acme::ScaledTanh
      inputs: [x]
      attributes: {alpha: scale}
      result: {like: x}
    - torch: "acme::swish2(Tensor x) -> Tensor"
      function_opset: 20
      function: "(x) => (y) { s = Sigmoid(x)  y = Mul(x, s) }"
"""


ACME_GELU = """\
onnxport_manifest: 1
plugin: {id: com.acme.gelu, version: "1.0.0"}
provides:
  domains: [{name: com.acme, version: 1}]
  mappings:
    - torch: "aten::gelu(Tensor self, *, str approximate='none') -> Tensor"
      onnx: com.acme::Gelu
      inputs: [self]
      result: {like: self}
overrides: ["aten::gelu"]
"""


BY_NODE = ("      onnx: com.acme::ScaledTanh\n      inputs: [x]\n      attributes: {alpha: scale}\n"
           "      result: {like: x}\n")
BY_FUNCTION = '      function_opset: 20\n      function: "(x, scale) => (y) { t = Tanh(x)  y = Mul(t, scale) }"\n'


class AcmeNet(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.acme.swish2(torch.ops.acme.scaled_tanh(x, 0.5))


class Turns(torch.nn.Module):
    def forward(self, x: torch.Tensor, n: int) -> torch.Tensor:
        for _ in range(n):
            x = torch.nn.functional.gelu(x) + 1.0
        return x


class Vendor(Case):
    """Operators whose kernels are absent: named when nobody maps them, exported when a manifest does."""

    model = FIXTURES / "models/acme.pt"
    words = ("--input", "x:f32[batch=2,4]")

    def manifest(self, text: str = ACME) -> Path:
        folder = self.scratch / "plugins"
        folder.mkdir(exist_ok=True)
        (folder / "acme.onnxport.yaml").write_text(text)
        return folder

    def test_unknown_operators_are_all_named(self) -> None:
        said = self.refuse("T501", 14, "export", self.model, "-o", self.scratch / "x.onnx", *self.words)
        self.assertIn("acme::scaled_tanh", said)
        self.assertIn("acme::swish2", said)
        self.assertEqual(self.left(), [])

    def test_manifest_alone_maps_them(self) -> None:
        output = self.scratch / "x.onnx"
        plugins = self.manifest()
        text = self.succeed("export", self.model, "-o", output, *self.words, "--plugin-path", plugins, "--verify",
                            "--trust", "com.acme")
        self.assertIn("not independently checked", text)
        nodes = [(n.domain, n.op_type) for n in onnx.load(output).graph.node]
        self.assertEqual(nodes, [("", "Gemm"), ("com.acme", "ScaledTanh"), ("", "Sigmoid"), ("", "Mul")])
        self.assertIn("com.acme.ops", self.succeed("plugin", "list", "--plugin-path", plugins))
        self.assertIn("com.acme.ops", self.succeed("plugin", "which", "acme::swish2", env={"ONNXPORT_PLUGIN_PATH": str(plugins)}))

    def test_a_target_that_fails_does_not_keep_the_others(self) -> None:
        plugins = self.manifest(ACME.replace("      function_opset: 20\n", '      function_opset: 20\n      opset: ">=20"\n'))
        words = ("export", self.model, *self.words, "--plugin-path", plugins, "-o", self.scratch / "x{opset}.onnx", "--opset", 18, "--opset", 20)
        said = self.refuse("T501", 14, *words)
        self.assertIn("x18.onnx is not written", said)
        self.assertEqual(self.left(), ["plugins", "x20.onnx"])
        targets = json.loads(self.run_program("--json", *words).stdout)["targets"]
        self.assertEqual(targets[0]["diagnostics"][0]["code"], "T501")
        self.assertEqual(targets[1]["opset"], 20)

    def test_versions_of_a_vendors_domain(self) -> None:
        words = ("export", self.model, *self.words, "--plugin-path", self.manifest(), "-o", self.scratch / "x.onnx", "--opset")
        self.succeed(*words, "ai.onnx=19,com.acme=1")
        self.assertEqual({o.domain: o.version for o in onnx.load(self.scratch / "x.onnx").opset_import}, {"": 19, "com.acme": 1})
        self.assertIn("offered: 1", self.refuse("O605", 15, *words, "ai.onnx=19,com.acme=2"))

    def test_custom_domain_needs_trust(self) -> None:
        self.refuse("V803", 17, "export", self.model, "-o", self.scratch / "x.onnx", *self.words,
                    "--plugin-path", self.manifest(), "--verify")
        self.assertEqual(self.left(), ["plugins"])

    def test_d14_a_kept_function_is_verified_by_its_body(self) -> None:
        kept = """onnxport_manifest: 1
plugin: {id: com.acme.ops, version: "1.0.0"}
provides:
  mappings:
    - {torch: "acme::scaled_tanh(Tensor x, float scale) -> Tensor", keep_function: true, function_opset: 20,
       function: "(x) => (y) { t = Tanh(x)  s = Constant <value_float: float = @scale> ()  y = Mul(t, s) }"}
    - {torch: "acme::swish2(Tensor x) -> Tensor", keep_function: true, function_opset: 20,
       function: "(x) => (y) { s = Sigmoid(x)  y = Mul(x, s) }"}
"""
        output = self.scratch / "x.onnx"
        said = self.succeed("export", self.model, "-o", output, *self.words, "--plugin-path", self.manifest(kept), "--verify")
        self.assertIn("verified", said)
        self.assertEqual([n.domain for n in onnx.load(output).graph.node], ["", "com.acme.ops", "com.acme.ops"])

    def test_d02_a_pipe_in_a_plugin_folder_hangs_nobody(self) -> None:
        plugins = self.manifest()
        os.mkfifo(plugins / "pipe.onnxport.yaml")
        output = self.scratch / "x.onnx"
        self.succeed("export", self.model, "-o", output, *self.words, "--plugin-path", plugins)
        done = self.run_program("plugin", "list", "--plugin-path", plugins)
        self.assertEqual(done.returncode, 10, done.stdout + done.stderr)
        self.assertIn("refused M101", done.stdout)
        self.refuse("M101", 10, "plugin", "list", "--plugin", plugins / "pipe.onnxport.yaml")

    def test_d03_a_schema_that_is_none_harms_no_other_model(self) -> None:
        plugins = self.manifest()
        (plugins / "typo.onnxport.yaml").write_text(
            'onnxport_manifest: 1\nplugin: {id: com.typo, version: "1.0.0"}\nprovides: {schemas: ["typo::op(Tensr x) -> Tensor"]}\n')
        self.succeed("export", self.model, "-o", self.scratch / "x.onnx", *self.words, "--plugin-path", plugins)
        done = self.run_program("plugin", "list", "--plugin-path", plugins)
        self.assertEqual(done.returncode, 10)
        self.assertRegex(done.stdout, r"typo\.onnxport\.yaml:3:\d+: error M112: libtorch would not read this schema: 'Tensr'")

    def test_d15_schemas_that_contradict_each_other(self) -> None:
        plugins = self.manifest()
        (plugins / "other.onnxport.yaml").write_text(
            'onnxport_manifest: 1\nplugin: {id: com.other, version: "1.0.0"}\nprovides: {schemas: ["acme::swish2(Tensor x, int n) -> Tensor"]}\n')
        words = ("export", self.model, "-o", self.scratch / "x.onnx", *self.words, "--plugin-path", plugins)
        said = self.refuse("C407", 13, *words)
        self.assertIn("com.other", said)
        self.succeed(*words, "--prefer", "com.acme.ops")
        self.succeed(*words, "--disable-plugin", "com.other")

    def test_d15_a_schema_that_does_not_fit_the_program_is_the_plugins(self) -> None:
        plugins = self.manifest('onnxport_manifest: 1\nplugin: {id: com.acme.ops, version: "1.0.0"}\n'
                                'provides: {schemas: ["acme::shift_(Tensor(a!) x) -> ()", "acme::take_row(Tensor(a!) row, Tensor x) -> Tensor"]}\n')
        said = self.refuse("C407", 13, "export", FIXTURES / "programs/acme_writes.pt2", "-o", self.scratch / "x.onnx", "--plugin-path", plugins)
        self.assertIn("the schema that plugin com.acme.ops gives for acme::shift_ does not fit the program", said)
        said = self.refuse("C407", 13, "export", self.model, "-o", self.scratch / "x.onnx", *self.words, "--plugin-path",
                           self.manifest(ACME.replace("acme::swish2(Tensor x)", "acme::swish2(Tensor x, int n)")))
        self.assertIn("the schema that plugin com.acme.ops gives for acme::swish2 does not fit the model", said)
        self.refuse("M114", 10, "export", self.model, "-o", self.scratch / "x.onnx", *self.words, "--plugin",
                    self.manifest('onnxport_manifest: 1\nplugin: {id: com.acme.ops, version: "1.0.0"}\n'
                                  'provides: {schemas: ["aten::gelu(Tensor x) -> Tensor"]}\n') / "acme.onnxport.yaml")

    def test_d28_folders_and_ids(self) -> None:
        words = ("export", self.model, "-o", self.scratch / "x.onnx", *self.words)
        plugins = self.manifest()
        done = self.run_program(*words, "--plugin-path", self.scratch / "nowhere", "--plugin-path", plugins)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"nowhere: warning L209: the plugin folder does not exist")
        said = self.refuse("C405", 13, *words, "--plugin-path", plugins, "--prefer", "com.acme.op")
        self.assertIn("did you mean com.acme.ops?", said)
        done = self.run_program("--json", "plugin", "list", "--plugin-path", plugins)
        entry = next(p for p in json.loads(done.stdout)["plugins"] if p["id"] == "com.acme.ops")
        self.assertEqual((entry["state"], entry["manifest"]), ("active", str(plugins / "acme.onnxport.yaml")))
        self.assertEqual(done.returncode, 0)

    def test_which_explains_conflicts(self) -> None:
        plugins = self.manifest()
        (plugins / "other.onnxport.yaml").write_text(ACME.replace("com.acme.ops", "com.other.ops"))
        done = self.run_program("plugin", "which", "acme::swish2", "--plugin-path", plugins)
        self.assertEqual(done.returncode, 13, done.stdout + done.stderr)
        self.assertIn("com.acme.ops", done.stdout)
        self.assertIn("com.other.ops", done.stdout)
        self.assertIn("choose one: --prefer com.acme.ops or --prefer com.other.ops", done.stderr)

    def test_d26_json_is_json_whatever_a_plugin_says(self) -> None:
        words = ("--json", "export", b"\xff\xfe.pt".decode(errors="surrogateescape"))
        done = subprocess.run([os.environ["ONNXPORT_BIN"], *words], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 18)
        self.assertIn("\ufffd\ufffd.pt", json.loads(done.stdout)["diagnostics"][0]["message"])

    def test_broken_manifest_is_named_beside_what_it_would_map(self) -> None:
        folder = self.manifest(ACME.replace("inputs: [x]", "inptus: [x]"))
        said = self.refuse("T501", 14, "export", self.model, "-o", self.scratch / "x.onnx", *self.words, "--plugin-path", folder)
        self.assertRegex(said, r"acme\.onnxport\.yaml:8:\d+.*warning M103")

    def test_mistaken_manifest_names_the_line(self) -> None:
        folder = self.manifest(ACME.replace("inputs: [x]", "inptus: [x]"))
        said = self.refuse("M103", 10, "export", self.model, "-o", self.scratch / "x.onnx", *self.words,
                           "--plugin", folder / "acme.onnxport.yaml")
        self.assertRegex(said, r"acme\.onnxport\.yaml:8:\d+.*error M103")
        self.assertEqual(self.left(), ["plugins"])


class VendorLibrary(Case):
    """The example plugin of the SDK, built against an installation and nothing else; and plugins that are refused."""

    model = FIXTURES / "models/acme.pt"
    words = ("--input", "x:f32[batch=2,4]")
    build = Path(os.environ["ONNXPORT_BUILD_DIR"])

    def test_example_against_the_installation(self) -> None:
        prefix, plugins, output = self.installed(), self.scratch / "example", self.scratch / "x.onnx"
        self.run_quietly("cmake", "-G", "Ninja", "-S", prefix / "share/onnxport/sdk/example", "-B", plugins,
                         f"-DCMAKE_PREFIX_PATH={prefix}", f"-DONNXRUNTIME_INCLUDE={Path(os.environ['ONNXPORT_ORT_LIBRARY']).parents[1]}/include")
        self.run_quietly("cmake", "--build", plugins)
        # Each example keeps what it promises, in C++, C99 and YAML alone; what is tested by GoogleTest too.
        said = self.run_quietly("ctest", "--test-dir", plugins, "--output-on-failure")
        self.assertRegex(said, r"100% tests passed(, 0 tests failed)? out of 8\b")
        needed = [line for line in self.run_quietly("readelf", "-d", plugins / "libacme.so").splitlines() if "NEEDED" in line]
        for line in needed:
            self.assertRegex(line, r"\[(libstdc\+\+|libm|libgcc_s|libc|ld-linux[\w-]*)\.so\.\d+\]")
        program = [prefix / "bin/onnxport", "export", self.model, "-o", output, *self.words, "--plugin-path", plugins, "--verify"]
        refused = subprocess.run([*map(str, program)], capture_output=True, text=True, timeout=300, env=LOADER)
        self.assertEqual(refused.returncode, 17, refused.stderr)  # nothing here can check a node of com.acme
        self.assertIn("not independently checked", self.run_quietly(*program, "--trust", "com.acme"))
        nodes = [(n.domain, n.op_type) for n in onnx.load(output).graph.node]
        self.assertEqual(nodes, [("", "Gemm"), ("com.acme", "ScaledTanh"), ("", "Sigmoid"), ("", "Mul")])
        self.opsets_of_others(prefix, plugins)
        self.in_c_and_for_a_target(prefix, plugins)

    def in_c_and_for_a_target(self, prefix: Path, plugins: Path) -> None:
        """The mapping in C, verified by the example's kernels for ONNX Runtime; and the target with its profile."""
        output = self.scratch / "c.onnx"
        said = self.run_quietly(prefix / "bin/onnxport", "export", self.model, "-o", output, *self.words, "--plugin-path", plugins / "c",
                                "--plugin", plugins / "acme_swish.onnxport.yaml", "--verify",
                                "--torch-library", self.build / "tests/kernels/acme_kernels.so", "--ort-library", plugins / "kernels/libacme_ort_kernels.so")
        self.assertNotIn("not independently checked", said)
        self.assertIn(("com.acme", "ScaledTanh"), [(n.domain, n.op_type) for n in onnx.load(output).graph.node])
        model = self.program_of(torch.nn.Linear(4, 4), torch.randn(2, 4))
        self.run_quietly(prefix / "bin/onnxport", "export", model, "-o", output, "--plugin-path", plugins / "target", "--config", "com.acme.npu")
        written = onnx.load(output)
        self.assertEqual([(n.domain, n.op_type) for n in written.graph.node], [("com.acme", "Linear")])
        self.assertEqual({o.domain: o.version for o in written.opset_import}, {"": 18, "com.acme": 1})
        # What is not mapped points to a page of the manual that is there.
        done = subprocess.run([prefix / "bin/onnxport", "plugin", "which", "acme::unknown"], capture_output=True, text=True, timeout=300, env=LOADER)
        page = re.search(r"a plugin can map it: (\S+plugins\.md)", done.stderr)
        self.assertIsNotNone(page, done.stderr)
        self.assertTrue(Path(page[1]).is_relative_to(prefix.resolve()) and Path(page[1]).is_file(), page[1])

    def opsets_of_others(self, prefix: Path, plugins: Path) -> None:
        """Opset 29 with a new operator, and opset 3 of com.acme: neither onnxport nor the ONNX library knows them."""

        def exported(opset: str) -> tuple[list[tuple[str, str]], dict[str, int], int]:
            output = self.scratch / f"{opset.replace('=', '_').replace(',', '_')}.onnx"
            self.run_quietly(prefix / "bin/onnxport", "export", self.model, "-o", output, *self.words, "--plugin-path", plugins,
                             "--opset", opset)
            model = onnx.load(output)
            return ([(n.domain, n.op_type) for n in model.graph.node], {o.domain: o.version for o in model.opset_import},
                    model.ir_version)

        nodes, opsets, ir_version = exported("29")
        self.assertEqual(nodes, [("", "Gemm"), ("com.acme", "ScaledTanh"), ("", "Wobble")])
        self.assertEqual((opsets, ir_version), ({"": 29, "com.acme": 3}, 14))
        nodes, opsets, ir_version = exported("24")  # a mapping for 29 alone is no candidate
        self.assertEqual(nodes, [("", "Gemm"), ("com.acme", "ScaledTanh"), ("", "Sigmoid"), ("", "Mul")])
        self.assertEqual((opsets, ir_version), ({"": 24, "com.acme": 3}, 12))
        nodes, opsets, _ = exported("ai.onnx=20,com.acme=2")  # Acme's own rule takes the step
        self.assertEqual(nodes, [("", "Gemm"), ("com.acme", "ScaledTanh"), ("", "Mul"), ("", "Sigmoid"), ("", "Mul")])
        self.assertEqual(opsets, {"": 20, "com.acme": 2})
        # A file that exists is brought to the versions in the same way; what is not named stays.
        exported("24")
        for opset, expected in (("ai.onnx=17,com.acme=2", {"": 17, "com.acme": 2}), ("com.acme=2", {"": 24, "com.acme": 2}),
                                ("17", {"": 17, "com.acme": 3})):
            output = self.scratch / "converted.onnx"
            self.run_quietly(prefix / "bin/onnxport", "convert", self.scratch / "24.onnx", "-o", output, "--plugin-path", plugins,
                             "--opset", opset)
            model = onnx.load(output)
            self.assertEqual({o.domain: o.version for o in model.opset_import}, expected)
            own = [("com.acme", "ScaledTanh")] + ([("", "Mul")] if expected["com.acme"] == 2 else [])
            self.assertEqual([(n.domain, n.op_type) for n in model.graph.node], [("", "Gemm"), *own, ("", "Sigmoid"), ("", "Mul")])

    def kernels(self, manifest: str) -> tuple[object, ...]:
        folder = self.scratch / "plugins"
        folder.mkdir(exist_ok=True)
        (folder / "acme.onnxport.yaml").write_text(manifest)
        return "--plugin-path", folder, "--torch-library", self.build / "tests/kernels/acme_kernels.so", "--verify"

    def test_kernels_of_a_vendor_check_the_mapping(self) -> None:
        output = self.scratch / "x.onnx"
        by_functions = ACME.replace(BY_NODE, BY_FUNCTION)
        said = self.succeed("export", self.model, "-o", output, *self.words, *self.kernels(by_functions))
        self.assertEqual(said.count("  verified at"), 4, said)
        self.assertNotIn("not independently checked", said)
        output.unlink()
        wrong = by_functions.replace("y = Mul(x, s)", "y = Mul(s, s)")
        said = self.refuse("V801", 17, "export", self.model, "-o", output, *self.words, *self.kernels(wrong))
        self.assertRegex(said, r"the first node that differs is /Mul_1 \(Mul, make\.py:\d+\)")
        self.assertEqual(self.left(), ["plugins"])

    def program_of(self, module: torch.nn.Module, *examples: torch.Tensor) -> Path:
        path = self.scratch / "model.pt2"
        torch.export.save(torch.export.export(module.eval(), examples, strict=False), path)
        return path

    def test_kernels_check_a_program_too(self) -> None:  # D09
        model, output = FIXTURES / "programs/linear.pt2", self.scratch / "x.onnx"
        said = self.refuse("L212", 11, "export", model, "-o", output, *self.kernels(ACME)[:2], "--torch-library",
                           self.scratch / "missing.so", "--verify")
        self.assertIn("missing.so", said)
        self.assertEqual(self.left(), ["plugins"])
        torch.ops.load_library(self.build / "tests/kernels/acme_kernels.so")
        model = self.program_of(AcmeNet(), torch.randn(2, 4))
        words = self.kernels(ACME.replace(BY_NODE, BY_FUNCTION))
        said = self.succeed("export", model, "-o", output, *words)
        self.assertIn("verified", said)
        self.assertNotIn("not independently checked", said)
        words = self.kernels(ACME.replace(BY_NODE, BY_FUNCTION).replace("y = Mul(x, s)", "y = Mul(s, s)"))
        self.refuse("V801", 17, "export", model, "-o", output, *words)

    def test_divergence_is_found_with_the_runtimes_kernels(self) -> None:  # D13
        output = self.scratch / "x.onnx"
        words = ("--ort-library", self.build / "tests/kernels/acme_ort_kernels.so")
        said = self.succeed("export", self.model, "-o", output, *self.words, *self.kernels(ACME), *words)
        self.assertEqual(said.count("  verified at"), 4, said)
        self.assertNotIn("not independently checked", said)
        wrong = ACME.replace("y = Mul(x, s)", "y = Mul(s, s)")
        said = self.refuse("V801", 17, "export", self.model, "-o", output, *self.words, *self.kernels(wrong), *words)
        self.assertRegex(said, r"the first node that differs is /Mul(_1)? \(Mul, make\.py:\d+\)")

    def test_trust_of_a_stock_operator_in_a_domain(self) -> None:  # D08
        folder = self.scratch / "plugins"
        folder.mkdir()
        (folder / "acme.onnxport.yaml").write_text(ACME_GELU)
        module = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.GELU(), torch.nn.Linear(4, 2), torch.nn.GELU(), torch.nn.Sigmoid())
        traced = self.scratch / "model.pt"
        torch.jit.save(torch.jit.trace(module.eval(), torch.randn(2, 4)), traced)
        for words in ((traced, "--input", "x:f32[batch=2,4]"), (self.program_of(module, torch.randn(2, 4)),)):
            with self.subTest(words[0].name):
                output = self.scratch / "x.onnx"
                said = self.succeed("export", *words, "-o", output, "--plugin-path", folder, "--verify", "--trust", "com.acme")
                self.assertIn("not independently checked", said)
                self.assertIn("aten::gelu", said)
                self.assertEqual([n.op_type for n in onnx.load(output).graph.node if n.domain], ["Gelu", "Gelu"])

    def test_trusted_operators_in_loops_are_refused(self) -> None:  # D12
        traced = self.scratch / "model.pt"
        torch.jit.save(torch.jit.script(Turns()), traced)
        folder = self.scratch / "plugins"
        folder.mkdir()
        (folder / "acme.onnxport.yaml").write_text(ACME_GELU)
        said = self.refuse("V803", 17, "export", traced, "-o", self.scratch / "x.onnx", "--input", "x:f32[2,4]", "--input", "n:i64[]",
                           "--plugin-path", folder, "--verify", "--trust", "com.acme")
        self.assertIn("trusted operators in loops cannot be checked", said)

    def refused_library(self, code: str, status: int, library: bytes) -> None:
        folder = self.scratch / "plugins"
        folder.mkdir(exist_ok=True)
        (folder / "bad.so").write_bytes(library)
        (folder / "bad.onnxport.yaml").write_text(
            'onnxport_manifest: 1\nplugin: {id: com.test.plugin, version: "1.0.0"}\n'
            "library: {linux_amd64: bad.so, linux_arm64: bad.so}\n"
            'provides: {ops: ["acme::scaled_tanh", "acme::swish2"], schemas: ["acme::scaled_tanh(Tensor x, float scale) -> Tensor", '
            '"acme::swish2(Tensor x) -> Tensor"]}\n')
        said = self.refuse(code, status, "export", self.model, "-o", self.scratch / "x.onnx", *self.words, "--plugin-path", folder)
        self.assertIn("com.test.plugin", said)
        self.assertEqual(self.left(), ["plugins"])

    def test_bad_libraries_are_refused(self) -> None:
        plugins = self.build / "tests/plugins"
        self.refused_library("A301", 12, (plugins / "newer_minor.so").read_bytes())
        self.refused_library("A302", 12, (plugins / "newer_major.so").read_bytes())
        whole = (plugins / "good.so").read_bytes()
        self.refused_library("L202", 11, whole[: len(whole) // 2])
        self.refused_library("L205", 11, (plugins / "no_symbol.so").read_bytes())
        self.refused_library("L206", 11, (plugins / "throws.so").read_bytes())
        self.refused_library("M113", 10, whole)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
