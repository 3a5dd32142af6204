#!/usr/bin/env python3
"""profiles.py [CLASS…]: targets chosen by profiles, as a person does it; a vendor's target by YAML alone."""

from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path

import onnx
import onnxruntime
import torch

from case import FIXTURES, Case, fixture, inputs

# A vendor maps two of PyTorch's own operators, and a quantize pair, into its domain; everything else stays ONNX.
NPU_MANIFEST = """\
onnxport_manifest: 1
plugin: {id: com.acme.npu, version: "1.2.0"}
default: off
targets: {com.acme.npu: {opset: "<=18"}}
profiles: [com.acme.npu.yaml]
overrides: [aten::linear, aten::scaled_dot_product_attention, quantized_decomposed::quantize_per_tensor,
            quantized_decomposed::dequantize_per_tensor]
provides:
  domains: [{name: com.acme, version: 2}]
  mappings:
    - torch: aten::linear
      onnx: com.acme::Linear
      result: {like: input, shape: ["input[:-1]", weight.0]}
    - torch: aten::scaled_dot_product_attention
      onnx: com.acme::Attention
      inputs: [query, key, value, attn_mask]
      attributes: {causal: is_causal, scale: scale}
      result: {like: query, shape: ["query[:-1]", "value[-1:]"]}
    - torch: quantized_decomposed::quantize_per_tensor
      onnx: com.acme::Quantize
      inputs: [input]
      attributes: {scale: scale, zero_point: zero_point}
      result: {like: input, dtype: "@dtype"}
    - torch: quantized_decomposed::dequantize_per_tensor
      onnx: com.acme::Dequantize
      inputs: [input]
      attributes: {scale: scale, zero_point: zero_point}
      result: {like: input, dtype: f32}
"""
NPU_PROFILE = """\
onnxport_config: 1
description: Acme's NPU
plugins: {require: [com.acme.npu >=1.2]}
takes:
  operators: {"com.acme::*": true}
verify: {trust: [com.acme]}
"""


class Block(torch.nn.Module):
    """A transformer's block: three Linears, an attention, a LayerNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.qkv, self.out = torch.nn.LayerNorm(16), torch.nn.Linear(16, 48), torch.nn.Linear(16, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (t.unflatten(-1, (2, 8)).transpose(1, 2) for t in self.qkv(self.norm(x)).chunk(3, -1))
        return x + self.out(torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


def ops(path: Path) -> set[str]:
    return {f"{n.domain}::{n.op_type}" if n.domain else n.op_type for n in onnx.load(path).graph.node}


def opset(path: Path, domain: str = "") -> int:
    return next((o.version for o in onnx.load(path).opset_import if o.domain == domain), 0)


class ProfileCase(Case):
    def write(self, name: str, text: str) -> Path:
        path = self.scratch / name
        path.write_text(text)
        return path

    def program(self, module: torch.nn.Module, *arguments: torch.Tensor) -> Path:
        path = self.scratch / "model.pt2"
        torch.export.save(torch.export.export(module.eval(), arguments), path)
        return path

    def bert(self) -> tuple[object, ...]:
        return FIXTURES / fixture("bert")["model"], *inputs(fixture("bert"))


class Profiles(ProfileCase):
    def test_list_and_show(self) -> None:
        self.write("mine.yaml", "onnxport_config: 1\ndescription: my own\nextends: tensorrt-10\nopset: 17\n")
        listed = self.succeed("config", "list", "--config-path", self.scratch)
        for name in ("mine", "default", "onnxruntime", "onnxruntime-cpu", "tensorrt-10", "openvino", "mobile"):
            self.assertRegex(listed, rf"(?m)^{name} +")
        shown = json.loads(self.succeed("--json", "config", "show", "mine", "--config-path", self.scratch))
        settings = {s["key"]: s for s in shown["settings"]}
        self.assertEqual(settings["opset.ai.onnx"]["value"], "17")
        self.assertEqual(settings["opset.ai.onnx"]["origin"], f"{self.scratch}/mine.yaml:4:8")
        self.assertTrue(settings["takes.types"]["origin"].endswith("tensorrt-10.yaml:10:10"), settings["takes.types"])
        self.assertIn("mine.yaml:4:8", self.succeed("config", "show", self.scratch / "mine.yaml"))

    def test_a_broken_profile_is_told_with_its_family_and_place(self) -> None:
        broken = self.write("broken.yaml", "onnxport_config: 1\nopset: x\n")
        said = self.refuse("F105", 19, "export", *self.bert(), "--config", broken)
        self.assertIn(f"{broken}:2:8: error F105", said)
        done = self.run_program("config", "list", "--config-path", self.scratch)
        self.assertEqual(done.returncode, 19)
        self.assertIn("broken F105", done.stdout)
        self.refuse("F109", 19, "export", *self.bert(), "--config", "onnxruntme")
        self.refuse("F109", 19, "config", "show", "nobody")

    def test_one_model_three_profiles_one_command(self) -> None:
        report = self.scratch / "report.json"
        names = ("onnxruntime", "tensorrt-10", "openvino")
        self.succeed("export", *self.bert(), *(w for n in names for w in ("--config", n)), "-o", self.scratch / "m.{config}.onnx",
                     "--report", report, "--verify")
        said = json.loads(report.read_text())
        self.assertEqual([t["profile"] for t in said["targets"]], list(names))
        self.assertEqual([s["stage"] for s in said["capture"]["seconds"]], ["capture", "prepare"])
        files = {n: self.scratch / f"m.{n}.onnx" for n in names}
        self.assertEqual({n: opset(f) for n, f in files.items()}, {"onnxruntime": 20, "tensorrt-10": 20, "openvino": 20})
        self.assertTrue(any(o.startswith("com.microsoft::") for o in ops(files["onnxruntime"])), ops(files["onnxruntime"]))
        self.assertFalse(any("::" in o for o in ops(files["tensorrt-10"]) | ops(files["openvino"])))
        for target in said["targets"]:
            self.assertTrue(all(run["passed"] for run in target["verify"]), target)

    def test_files_are_named_by_profile(self) -> None:
        model = self.scratch / "m.pt"
        model.write_bytes(self.bert()[0].read_bytes())
        self.succeed("export", model, *self.bert()[1:], "--config", "default", "--config", "openvino")
        self.succeed("export", model, *self.bert()[1:], "--config", "default", "--opset", "18", "--opset", "19")
        self.succeed("export", model, *self.bert()[1:], "--config", "default", "--config", "openvino", "--opset", "18", "--opset", "19")
        self.assertEqual(self.left(), ["m.default.onnx", "m.default.opset18.onnx", "m.default.opset19.onnx", "m.openvino.onnx",
                                       "m.openvino.opset18.onnx", "m.openvino.opset19.onnx", "m.opset18.onnx", "m.opset19.onnx", "m.pt"])
        self.refuse("I112", 18, "export", model, *self.bert()[1:], "--config", "default", "--config", "default")

    def test_the_command_line_wins(self) -> None:
        mine = self.write("mine.yaml", "onnxport_config: 1\nopset: 19\nir_version: 9\nweights: {store: external, inline_below: 0}\n"
                          "names: {provenance: false}\n")
        out = self.scratch / "m.onnx"
        self.succeed("export", *self.bert(), "-o", out, "--config", mine)
        self.assertEqual((opset(out), onnx.load(out).ir_version), (19, 9))
        self.assertTrue((self.scratch / "m.onnx.data").exists())
        (self.scratch / "m.onnx.data").unlink()
        self.succeed("export", *self.bert(), "-o", out, "--config", mine, "--opset", "21", "--ir-version", "10", "--weights", "inline")
        self.assertEqual((opset(out), onnx.load(out).ir_version), (21, 10))
        self.assertFalse((self.scratch / "m.onnx.data").exists())

    def test_profiles_that_want_different_captures(self) -> None:
        self.write("a.yaml", "onnxport_config: 1\nstate: io\n")
        words = ("export", *self.bert(), "--config", self.scratch / "a.yaml", "--config", "default")
        self.assertIn("differ in state", self.refuse("F111", 19, *words))

    def test_what_a_target_does_not_take(self) -> None:
        mine = self.write("tiny.yaml", "onnxport_config: 1\ntakes: {types: [f32, i64, bool], operators: [MatMul, Add]}\n")
        said = self.refuse("F301", 19, "export", *self.bert(), "-o", self.scratch / "m.onnx", "--config", mine)
        self.assertRegex(said, r"LayerNormalization at \S+.*: error F301: the target tiny does not take LayerNormalization")
        self.assertEqual(self.left(), ["tiny.yaml"])
        # The other target of the command is written.
        done = self.run_program("export", *self.bert(), "-o", self.scratch / "m.{config}.onnx", "--config", mine, "--config", "default")
        self.assertEqual(done.returncode, 19)
        self.assertEqual(self.left(), ["m.default.onnx", "tiny.yaml"])

    def test_types_without_kernels_are_computed_through_cast(self) -> None:
        for dtype in (torch.bfloat16, torch.float64):
            with self.subTest(dtype):
                module = torch.nn.Sequential(torch.nn.Conv1d(4, 8, 3), torch.nn.GELU(), torch.nn.Flatten(), torch.nn.Linear(48, 5),
                                             torch.nn.Softmax(-1)).to(dtype)
                model = self.program(module, torch.randn(2, 4, 8, dtype=dtype))
                out = self.scratch / "m.onnx"
                self.succeed("export", model, "-o", out)
                with self.assertRaisesRegex(Exception, "NOT_IMPLEMENTED|Could not find an implementation"):
                    onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
                report = json.loads(self.succeed("--json", "export", model, "-o", out, "--config", "onnxruntime-cpu"))
                onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
                changes = {c["operator"]: c for c in report["target_changes"]}
                short = "bf16" if dtype is torch.bfloat16 else "f64"
                self.assertEqual(changes["Conv" if short == "f64" else "Gemm"]["reason"], f"{short} is computed in f32")
                self.succeed("export", model, "-o", out, "--config", "onnxruntime-cpu", "--verify",
                             *(("--rtol", "2e-2", "--atol", "2e-2") if dtype is torch.bfloat16 else ("--rtol", "1e-5", "--atol", "1e-6")))
                said = self.refuse("F302", 19, "export", model, "-o", out, "--config",
                                   self.write("f32.yaml", "onnxport_config: 1\ntakes: {types: [f32, i64]}\n"))
                self.assertIn(f"is {short}, which the target f32 does not take", said)


class Fusion(torch.nn.Module):
    """One expression as a module, with a norm for those that need weights."""

    def __init__(self, function: object, width: int = 8) -> None:
        super().__init__()
        self.function, self.norm, self.linear = function, torch.nn.LayerNorm(width), torch.nn.Linear(width, width)
        self.scale = torch.nn.Parameter(torch.rand(width) + 0.5)

    def forward(self, *values: torch.Tensor) -> object:
        return self.function(self, *values)


F = torch.nn.functional


def heads(x: torch.Tensor, count: int = 2) -> torch.Tensor:
    return x.unflatten(-1, (count, -1)).transpose(1, 2)


def merged(x: torch.Tensor) -> torch.Tensor:
    return x.transpose(1, 2).flatten(2)


def rotary(x: torch.Tensor, by: float = 1, chunks: bool = False, batch: bool = False) -> torch.Tensor:
    """Rotary position embedding; its second half turns by as many times as much."""
    half = x.shape[-1] // 2
    angles = torch.arange(x.shape[-2]).float()[:, None] / 100.0 ** (torch.arange(half).float() / half)
    angles = torch.cat((angles, angles * by if by != 1 else angles), -1)
    cos, sin = (angles.cos()[None, None], angles.sin()[None, None]) if batch else (angles.cos(), angles.sin())
    first, second = x.chunk(2, -1) if chunks else (x[..., :half], x[..., half:])
    return x * cos + torch.cat((-second, first), -1) * sin


def packed(m: Fusion, x: torch.Tensor) -> torch.Tensor:
    q, k, v = torch.cat((m.linear(x), x, 2 * x), -1).unflatten(-1, (3, 2, -1)).permute(2, 0, 3, 1, 4).unbind(0)
    return merged(F.scaled_dot_product_attention(q, k, v))


# The operator of com.microsoft, how often it is there, the expression, the shapes of its operands.
FUSIONS = [
    ("BiasGelu", 1, lambda m, x: F.gelu(m.linear(x)), [(2, 3, 8)]),
    ("FastGelu", 1, lambda m, x: F.gelu(m.linear(x), approximate="tanh"), [(2, 3, 8)]),
    ("FastGelu", 1, lambda m, x: F.gelu(x, approximate="tanh"), [(2, 3)]),
    ("QuickGelu", 1, lambda m, x: x * torch.sigmoid(1.702 * x), [(2, 3)]),
    ("QuickGelu", 1, lambda m, x: F.silu(x), [(2, 3)]),
    ("SkipLayerNormalization", 1, lambda m, x, y: m.norm(x + y), [(2, 3, 8), (2, 3, 8)]),
    ("SkipLayerNormalization", 1, lambda m, x, y: (m.norm(x + y), (x + y) * 2), [(2, 3, 8), (2, 3, 8)]),
    ("SkipSimplifiedLayerNormalization", 1, lambda m, x, y: (F.rms_norm(x + y, (8,), m.scale, 1e-6), x + y), [(2, 3, 8), (2, 3, 8)]),
    ("FusedMatMul", 1, lambda m, x, y: x @ y.transpose(-1, -2), [(2, 2, 3, 4), (2, 2, 5, 4)]),
    ("FusedMatMul", 1, lambda m, x, y: x @ y.transpose(1, 2), [(2, 3, 4), (2, 5, 4)]),
    ("FusedMatMul", 1, lambda m, x, y: x.transpose(1, 2) @ y, [(2, 4, 3), (2, 4, 5)]),
    ("RotaryEmbedding", 1, lambda m, x: rotary(x), [(2, 2, 3, 8)]),
    ("RotaryEmbedding", 1, lambda m, x: rotary(x, chunks=True, batch=True), [(2, 2, 3, 8)]),
    ("RotaryEmbedding", 2, lambda m, x: rotary(heads(m.linear(x))) @ rotary(heads(x)).transpose(-1, -2), [(2, 3, 8)]),
    ("RotaryEmbedding", 1, lambda m, x: rotary(heads(x.transpose(0, 1)), batch=True), [(2, 3, 8)]),  # positions are dynamic
    ("MultiHeadAttention", 1, lambda m, x: merged(F.scaled_dot_product_attention(heads(m.linear(x)), heads(x), heads(2 * x))), [(2, 3, 8)]),
    ("MultiHeadAttention", 1, lambda m, x, y: merged(F.scaled_dot_product_attention(heads(x), heads(y), heads(2 * y), scale=0.5)),
     [(2, 3, 8), (2, 5, 8)]),
    ("MultiHeadAttention", 1, lambda m, x: merged(F.scaled_dot_product_attention(rotary(heads(m.linear(x))), rotary(heads(x)), heads(x))),
     [(2, 3, 8)]),
    ("MultiHeadAttention", 1, packed, [(2, 3, 8)]),
    # What is not the same is left alone.
    ("RotaryEmbedding", 0, lambda m, x: rotary(x, by=2), [(2, 2, 3, 8)]),
    ("RotaryEmbedding", 0, lambda m, x: rotary(heads(x.transpose(0, 1)), by=2), [(2, 3, 8)]),
    ("RotaryEmbedding", 0, lambda m, x: rotary(x), [(3, 8)]),
    ("MultiHeadAttention", 0, lambda m, x: merged(F.scaled_dot_product_attention(heads(x), heads(x), heads(x), is_causal=True)), [(2, 3, 8)]),
    ("MultiHeadAttention", 0, lambda m, x: F.scaled_dot_product_attention(heads(x), heads(x), heads(x)), [(2, 3, 8)]),
    ("MultiHeadAttention", 0, lambda m, x: merged(F.scaled_dot_product_attention(
        heads(x), heads(x), heads(x), torch.ones(3, 3).tril().log())), [(2, 3, 8)]),
    ("MultiHeadAttention", 0, lambda m, x: merged(F.scaled_dot_product_attention(
        heads(x, 4), heads(x[..., :4]), heads(x[..., 4:]), enable_gqa=True)), [(2, 3, 8)]),
    ("BiasGelu", 0, lambda m, x, y: F.gelu(x + y), [(2, 1, 8), (2, 3, 8)]),
    ("SkipLayerNormalization", 0, lambda m, x, y: m.norm(x + y), [(2, 3, 8), (3, 8)]),
    ("QuickGelu", 0, lambda m, x: x * torch.sigmoid(1.6 * x), [(2, 3)]),
    ("FusedMatMul", 0, lambda m, x, y: x @ y.permute(0, 2, 3, 1), [(2, 2, 3, 4), (2, 5, 2, 4)]),
]


class Fusions(ProfileCase):
    """Each pass of org.onnxport.onnxruntime, compared with PyTorch in ONNX Runtime."""

    def test_each(self) -> None:
        out = self.scratch / "m.onnx"
        for op, count, function, shapes in FUSIONS:
            with self.subTest(f"{op} {shapes}"):
                batch = torch.export.Dim("batch", min=2, max=64)
                examples = tuple(torch.randn(shape) for shape in shapes)
                dynamic = ({0: batch} if all(s[0] == 2 for s in shapes) else None,) * len(shapes)
                model = self.scratch / "m.pt2"
                torch.export.save(torch.export.export(Fusion(function).eval(), examples, dynamic_shapes=(dynamic,)), model)
                for opset_, at in (("18", op), ("20", op), ("23", op)):
                    self.succeed("export", model, "-o", out, "--config", "onnxruntime", "--opset", opset_, "--verify")
                    found = [n.op_type for n in onnx.load(out).graph.node if n.domain == "com.microsoft"]
                    self.assertEqual(found.count(at), count, found)

    def test_gelu_is_one_node_below_opset_20(self) -> None:
        out = self.scratch / "m.onnx"
        model = self.program(torch.nn.GELU(), torch.randn(2, 3))
        self.succeed("export", model, "-o", out, "--config", "onnxruntime", "--opset", "18", "--verify")
        self.assertEqual(ops(out), {"com.microsoft::Gelu"})
        self.succeed("export", model, "-o", out, "--config", "onnxruntime", "--opset", "20", "--verify")
        self.assertEqual(ops(out), {"Gelu"})

    def test_they_are_off_elsewhere(self) -> None:
        out = self.scratch / "m.onnx"
        model = self.program(Fusion(FUSIONS[0][2]), torch.randn(2, 3, 8))
        self.succeed("export", model, "-o", out)
        self.assertFalse(any("::" in op for op in ops(out)))
        self.succeed("export", model, "-o", out, "--config", "onnxruntime", "--disable-pass", "org.onnxport.onnxruntime")
        self.assertFalse(any("::" in op for op in ops(out)))


class VendorTarget(ProfileCase):
    """One profile and YAML alone."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = self.scratch / "plugins"
        self.folder.mkdir()
        (self.folder / "npu.onnxport.yaml").write_text(NPU_MANIFEST)
        (self.folder / "com.acme.npu.yaml").write_text(NPU_PROFILE)
        self.out = self.scratch / "m.{config}.onnx"
        self.model = self.program(Block(), torch.randn(2, 5, 16))

    def words(self, *more: object) -> tuple[object, ...]:
        return "export", self.model, "--plugin-path", self.folder, "-o", self.out, *more

    def test_three_targets_of_which_one_is_the_vendors(self) -> None:
        report = self.scratch / "report.json"
        self.succeed(*self.words("--config", "com.acme.npu", "--config", "onnxruntime", "--config", "openvino", "--report", report))
        said = {t["profile"]: t for t in json.loads(report.read_text())["targets"]}
        npu, others = self.scratch / "m.com.acme.npu.onnx", [self.scratch / f"m.{n}.onnx" for n in ("onnxruntime", "openvino")]
        self.assertEqual((opset(npu), opset(npu, "com.acme")), (18, 2))
        found = ops(npu)
        self.assertLessEqual({"com.acme::Linear", "com.acme::Attention"}, found)
        self.assertFalse({"Gemm", "Attention", "Softmax"} & found, found)
        self.assertIn("LayerNormalization", found)
        self.assertIn("com.acme.npu", said["com.acme.npu"]["plugins"])
        for other in others:
            self.assertFalse(any(o.startswith("com.acme::") for o in ops(other)))
        self.assertNotIn("com.acme.npu", said["openvino"]["plugins"])
        # Without the profile the plugin is as if it were not there.
        self.succeed(*self.words())
        self.assertFalse(any(o.startswith("com.acme::") for o in ops(self.scratch / "m.default.onnx")))

    def test_traced_and_scripted_models(self) -> None:
        x = torch.randn(2, 5, 16)
        for name, module in (("traced", torch.jit.trace(Block().eval(), x)), ("scripted", torch.jit.script(Block().eval()))):
            with self.subTest(name):
                module.save(self.scratch / f"{name}.pt")
                said = self.succeed("export", self.scratch / f"{name}.pt", "-i", "x:f32[b=2,t=5,16]", "--plugin-path", self.folder,
                                    "-o", self.scratch / f"{name}.{{config}}.onnx", "--config", "com.acme.npu", "--config",
                                    "onnxruntime", "--verify")
                npu = self.scratch / f"{name}.com.acme.npu.onnx"
                self.assertEqual((opset(npu), opset(npu, "com.acme")), (18, 2))
                self.assertLessEqual({"com.acme::Linear", "com.acme::Attention", "LayerNormalization"}, ops(npu))
                self.assertFalse(any(o.startswith("com.acme::") for o in ops(self.scratch / f"{name}.onnxruntime.onnx")))
                self.assertIn("not independently checked", said)
                self.assertIn("max error", said)

    def test_what_stays_onnx_is_verified(self) -> None:
        said = self.succeed(*self.words("--config", "com.acme.npu", "--verify"))
        self.assertIn("not independently checked: no kernel of aten::linear is here", said)

    def test_a_quantize_pair(self) -> None:
        model = FIXTURES / "programs/quantized.pt2"
        self.succeed("export", model, "--plugin-path", self.folder, "-o", self.out, "--config", "com.acme.npu")
        found = ops(self.scratch / "m.com.acme.npu.onnx")
        self.assertLessEqual({"com.acme::Quantize", "com.acme::Dequantize"}, found)
        types = {n.op_type for n in onnx.load(self.scratch / "m.com.acme.npu.onnx").graph.node if not n.domain}
        self.assertIn("Conv", types)  # what the vendor does not map stays ONNX

    def test_opsets_outside_the_range(self) -> None:
        said = self.refuse("F203", 19, *self.words("--config", "com.acme.npu", "--opset", "20"))
        self.assertIn("opset 20 is not taken by the target of the profile com.acme.npu", said)
        self.assertIn("npu.onnxport.yaml:4:33", said)
        self.assertIn("write opset 18", said)
        (self.folder / "com.acme.npu.yaml").write_text(NPU_PROFILE + "opset: 20\n")
        self.refuse("F201", 19, *self.words("--config", "com.acme.npu"))
        (self.folder / "other.yaml").write_text("onnxport_config: 1\ntarget: com.acme.gpu\n")
        self.refuse("F112", 19, *self.words("--config", self.folder / "other.yaml"))

    def test_a_plugin_that_is_required_and_not_there(self) -> None:
        (self.folder / "com.acme.npu.yaml").write_text(NPU_PROFILE.replace(">=1.2", ">=2"))
        said = self.refuse("C403", 13, *self.words("--config", "com.acme.npu"))
        self.assertIn("the target requires the plugin com.acme.npu >=2, found is 1.2.0", said)
        gone = self.write("gone.yaml", "onnxport_config: 1\nplugins: {require: [com.acme.gone]}\n")
        self.assertIn("com.acme.gone, which is not installed", self.refuse("C403", 13, *self.words("--config", gone)))
        gone.write_text("onnxport_config: 1\nplugins: {prefer: [com.acme.npx]}\n")
        self.assertIn("did you mean com.acme.npu?", self.refuse("C405", 13, *self.words("--config", gone)))

    def test_prefer_asks_a_plugin_that_is_off(self) -> None:
        self.succeed(*self.words("--prefer", "com.acme.npu", "--opset", "18"))
        self.assertIn("com.acme::Linear", ops(self.scratch / "m.default.onnx"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv, verbosity=2)
