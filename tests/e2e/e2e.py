#!/usr/bin/env python3
"""e2e.py [CLASS…]: the program onnxport on the fixtures, as a person runs it."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import unittest
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from case import ALL_OPSETS, FIXTURES, PROGRAM, Case, fixture, inputs, load


# What ONNX itself cannot say so far down, by model and the lowest opset that it can be said at.
LOWEST = {"packed_tagger": 10, "view_writes": 9}


class Models(Case):
    """Every model at every opset: exported, checked, verified at two sizes where a dim is dynamic."""

    def check(self, entry: dict[str, Any], opset: int) -> None:
        if opset < LOWEST.get(entry["name"], 0):
            done = self.run_program("export", FIXTURES / entry["model"], "-o", self.scratch / "x.onnx", *inputs(entry), "--opset", opset)
            self.assertEqual(done.returncode, 15, done.stderr)
            self.assertRegex(done.stderr, r"error O60[12]: .*\n  -> the lowest opset that works for it is")
            self.assertEqual(self.left(), [])
            return
        output = self.export(entry, "--verify", "--opset", opset, "--report", self.scratch / "report.json")
        model = onnx.load(output)
        onnx.checker.check_model(model, full_check=True)
        self.assertEqual([(o.domain, o.version) for o in model.opset_import], [("", opset)])
        if "nodes" in entry:
            self.assertEqual([node.op_type for node in model.graph.node], entry["nodes"])
        if "input_names" in entry:
            # Before IR 4 every initializer is an input too.
            weights = {t.name for t in model.graph.initializer} if model.ir_version < 4 else set()
            self.assertEqual([i.name for i in model.graph.input if i.name not in weights], entry["input_names"])
        report = json.loads((self.scratch / "report.json").read_text())
        dynamic = any("=" in text.partition("[")[2] for text in entry["inputs"])
        self.assert_all_passed(report["verify"], 2 if dynamic else 1)
        self.assertEqual(report["not_independently_checked"], [])
        self.assertEqual(self.left(), sorted([output.name, "report.json"]))

    def test_parameters_keep_their_names(self) -> None:
        names = {t.name for t in onnx.load(self.export(fixture("bert"))).graph.initializer}
        self.assertLessEqual({"words.weight", "layers.0.norm1.weight", "pooler.bias"}, names)

    def test_tied_weights_are_one(self) -> None:
        # Two layers share this matrix. (Of one that is also read transposed, folding may keep both forms, up to 1 MiB.)
        model = onnx.load(self.export(fixture("tied")))
        shapes = [list(t.dims) for t in model.graph.initializer]
        self.assertEqual(shapes.count([6, 6]), 1, shapes)

    def test_named_dims_reach_the_outputs(self) -> None:
        for name, expected in (("bert", [["batch", "seq", 32], ["batch", 32]]), ("gpt2", [["batch", "seq", 100]]),
                               ("llama", [["batch", "seq", 100]]), ("lstm_tagger", [["batch", "seq", 7]]),
                               ("unet", [["batch", 3, 16, 16]]), ("vit", [["batch", 10]])):
            with self.subTest(name):
                outputs = onnx.load(self.export(fixture(name))).graph.output
                self.assertEqual([[d.dim_param or d.dim_value for d in o.type.tensor_type.shape.dim] for o in outputs], expected)

    def test_same_bytes_twice(self) -> None:
        first = self.export(fixture("bert")).read_bytes()
        self.assertEqual(first, self.export(fixture("bert")).read_bytes())

    def test_nodes_are_named_by_module(self) -> None:
        model = onnx.load(self.export(fixture("resnet18")))
        conv = next(n for n in model.graph.node if n.op_type == "Conv")
        self.assertIn("conv1", conv.name)


def add_model_tests() -> None:
    if not (FIXTURES / "models.yaml").exists():
        sys.exit(f"no fixtures in {FIXTURES}: ./dev test makes them (tests/fixtures/make.py)")
    for entry in load("models.yaml"):
        for opset in ALL_OPSETS:
            setattr(Models, f"test_{entry['name']}_opset_{opset}",
                    lambda self, entry=entry, opset=opset: self.check(entry, opset))


class Commands(Case):
    def test_help_and_version(self) -> None:
        self.assertIn("export", self.succeed("--help"))
        self.assertIn("--verify", self.succeed("export", "--help"))
        self.assertNotIn("{", self.succeed("export", "--help").replace("TEXT:{", "").replace("{opset}", "").replace("{config}", ""))
        self.assertRegex(self.succeed("--version"), r"^onnxport \d+\.\d+\.\d+")

    def test_usage_errors(self) -> None:
        for words in ((), ("nonsense",), ("export",), ("export", "x.pt", "--weights", "everywhere"), ("plugin",)):
            with self.subTest(words):
                self.assertEqual(self.run_program(*words).returncode, 1)

    def test_no_colour_in_a_pipe(self) -> None:
        done = self.run_program("export", FIXTURES / "bad/missing.pt")
        self.assertNotIn("\033", done.stdout + done.stderr)

    def test_json_report(self) -> None:
        entry = fixture("linear")
        out = json.loads(self.succeed("--json", "export", FIXTURES / entry["model"], "-o", self.scratch / "x.onnx",
                                      *inputs(entry), "--verify"))
        self.assertEqual(out["nodes"], {"Gemm": 1, "Relu": 1})
        self.assertEqual(out["opset"], 20)
        self.assert_all_passed(out["verify"])
        self.assertIn("org.onnxport.aten", out["plugins"])

    def test_json_error(self) -> None:
        done = self.run_program("--json", "export", FIXTURES / "bad/missing.pt")
        self.assertEqual(done.returncode, 18)
        self.assertEqual(json.loads(done.stdout)["diagnostics"][0]["code"], "I101")

    def test_output_that_nobody_can_write(self) -> None:
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "plugin", "list"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=300)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output cannot be written", done.stderr)

    def test_dry_run_writes_nothing(self) -> None:
        entry = fixture("resnet18")
        text = self.succeed("export", FIXTURES / entry["model"], "-o", self.scratch / "x.onnx", *inputs(entry), "--dry-run")
        self.assertIn("aten::max_pool2d", text)
        self.assertIn("org.onnxport.aten", text)
        self.assertIn(" 0 unsupported", text)
        self.assertEqual(self.left(), [])

    def test_several_opsets_from_one_capture(self) -> None:
        entry = fixture("linear")
        model = self.scratch / "model.pt"
        model.write_bytes((FIXTURES / entry["model"]).read_bytes())
        out = json.loads(self.succeed("--json", "export", model, *inputs(entry), "--opset", 18, "--opset", 20, "--opset", 23, "--verify"))
        self.assertEqual(self.left(), ["model.opset18.onnx", "model.opset20.onnx", "model.opset23.onnx", "model.pt"])
        self.assertEqual([stage["stage"] for stage in out["capture"]["seconds"]], ["capture", "prepare"])
        for target, opset in zip(out["targets"], (18, 20, 23)):
            self.assertEqual(target["opset"], opset)
            self.assertEqual([stage["stage"] for stage in target["seconds"]], ["translate", "legalize", "serialize", "verify", "serialize"])
            self.assert_all_passed(target["verify"])
            self.assertEqual(target["output"], str(self.scratch / f"model.opset{opset}.onnx"))
            self.assertEqual([o.version for o in onnx.load(target["output"]).opset_import], [opset])
        # The same bytes as an export of its own.
        self.assertEqual(self.export(entry, "--opset", 20).read_bytes(), (self.scratch / "model.opset20.onnx").read_bytes())

    def test_files_named_by_opset(self) -> None:
        entry = fixture("linear")
        words = ("export", FIXTURES / entry["model"], *inputs(entry))
        text = self.succeed(*words, "-o", self.scratch / "v{opset}/x.onnx".replace("/x", "-{opset}"), "--opset", 18, "--opset", 21,
                            "--report", self.scratch / "report.json")
        self.assertEqual(self.left(), ["report.json", "v18-18.onnx", "v21-21.onnx"])
        self.assertIn("opset 18", text)
        self.assertIn("opset 21", text)
        self.assertEqual([t["opset"] for t in json.loads((self.scratch / "report.json").read_text())["targets"]], [18, 21])
        self.succeed(*words, "-o", self.scratch / "one{opset}.onnx", "--opset", "ai.onnx=19")
        self.assertEqual([o.version for o in onnx.load(self.scratch / "one19.onnx").opset_import], [19])

    def test_several_targets_are_checked_before_work(self) -> None:
        entry = fixture("linear")
        (self.scratch / "there18.onnx").write_text("kept")
        words = ("export", FIXTURES / entry["model"], *inputs(entry))
        for code, status, more in (("I112", 18, ("-o", self.scratch / "x.onnx", "--opset", 18, "--opset", 20)),
                                   ("I112", 18, ("-o", self.scratch / "x{opset}.onnx", "--opset", 18, "--opset", 18)),
                                   ("I111", 18, ("--opset", "eighteen")), ("I111", 18, ("--opset", "ai.onnx=18,")),
                                   ("I111", 18, ("--opset", "a=1,a=2")), ("I111", 18, ("--opset", "0")),
                                   ("O605", 15, ("--opset", 18, "--opset", 99)),
                                   ("O605", 15, ("-o", self.scratch / "x.onnx", "--opset", "ai.onnx=18,com.nobody=2")),
                                   ("S709", 16, ("-o", self.scratch / "there{opset}.onnx", "--opset", 20, "--opset", 18, "--no-overwrite")),
                                   ("S705", 16, ("-o", self.scratch / "{opset}/x.onnx", "--opset", 20, "--opset", 18))):
            with self.subTest(more):
                self.refuse(code, status, *words, *more)
                self.assertEqual(self.left(), ["there18.onnx"])
        self.assertEqual((self.scratch / "there18.onnx").read_text(), "kept")

    def test_show_each_stage(self) -> None:
        entry = fixture("linear")
        for stage, expected in (("capture", "aten::linear"), ("prepare", "aten::linear"), ("translate", "Gemm"), ("legalize", "Gemm")):
            with self.subTest(stage):
                self.assertIn(expected, self.succeed("show", FIXTURES / entry["model"], "--after", stage, *inputs(entry)))
        self.assertIn("Gemm", self.succeed("show", self.export(entry)))

    def test_verify_command(self) -> None:
        entry = fixture("lstm_tagger")
        output = self.export(entry)
        self.assertIn("verified", self.succeed("verify", FIXTURES / entry["model"], output, *inputs(entry)))
        model = onnx.load(output)
        bias = next(t for t in model.graph.initializer if t.name == "tags.bias")
        other = onnx.numpy_helper.to_array(bias) + np.linspace(1, 2, bias.dims[0], dtype=np.float32)
        bias.CopyFrom(onnx.numpy_helper.from_array(other, bias.name))
        onnx.save(model, output)
        self.refuse("V801", 17, "verify", FIXTURES / entry["model"], output, *inputs(entry))

    def test_written_case_is_what_expected_reads(self) -> None:
        entry = fixture("linear")
        output = self.export(entry, "--verify", "--write-case", self.scratch / "case")
        data = self.scratch / "case/test_data_set_0"
        self.assertEqual(sorted(p.name for p in data.iterdir()), ["input_0.pb", "output_0.pb"])
        words = ("--inputs", data, "--expected", data, "--verify", "--one-size")
        self.export(entry, *words)
        tensor = onnx.load_tensor(data / "output_0.pb")
        onnx.save_tensor(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor) + 1), data / "output_0.pb")
        output.unlink()
        self.refuse("V801", 17, "export", FIXTURES / entry["model"], "-o", output, *inputs(entry), *words)
        self.assertEqual(self.left(), ["case"])

    def test_names_and_dynamic_axes(self) -> None:
        output = self.scratch / "x.onnx"
        self.succeed("export", FIXTURES / fixture("linear")["model"], "-o", output, "--input", "input:f32[2,8]",
                     "--input-names", "features", "--output-names", "scores", "--dynamic-axes", "input:0=rows", "--verify")
        graph = onnx.load(output).graph
        self.assertEqual((graph.input[0].name, graph.output[0].name), ("features", "scores"))
        self.assertEqual(graph.input[0].type.tensor_type.shape.dim[0].dim_param, "rows")
        # Of an output, the name of what is no number.
        words = ("export", FIXTURES / fixture("linear")["model"], "-o", output, "--input", "input:f32[b=2,8]", "--output-names", "scores")
        self.succeed(*words, "--dynamic-axes", "scores:0=answers", "--verify")
        graph = onnx.load(output).graph
        self.assertEqual([g.type.tensor_type.shape.dim[0].dim_param for g in (graph.input[0], graph.output[0])], ["b", "answers"])
        output.unlink()
        self.refuse("I107", 18, *words, "--dynamic-axes", "score:0=answers")
        self.refuse("I107", 18, *words, "--dynamic-axes", "scores:0=the answers")
        self.assertEqual(self.left(), [])

    def test_ranges_of_dims(self) -> None:
        output = self.scratch / "x.onnx"
        words = ("export", FIXTURES / fixture("linear")["model"], "-o", output, "--verify")
        said = json.loads(self.succeed("--json", *words, "--input", "input:f32[batch=10..20,8]"))
        self.assertEqual({p.key: p.value for p in onnx.load(output).metadata_props}["onnxport.dim_ranges"], "batch 10..20")
        self.assertTrue(all(10 <= run["sizes"]["batch"] <= 20 for run in said["verify"]), said["verify"])
        output.unlink()
        for wrong in ("5..3", "a..3", "..3", "3..", "-1..3", "1..99999999999999999999"):
            self.refuse("I106", 18, *words, "--input", f"input:f32[batch={wrong},8]")
        self.refuse("I107", 18, "export", FIXTURES / "programs/linear.pt2", "-o", output, "--input", "input:f32[batch=1..3,8]")
        self.assertEqual(self.left(), [])

    def test_modules_as_functions(self) -> None:
        entry = fixture("bert")
        output = self.export(entry, "--verify", "--function", "layers.*=com.acme.models::Layer")
        model = onnx.load(output)
        self.assertEqual([f"{f.domain}::{f.name}" for f in model.functions], ["com.acme.models::Layer"])
        self.assertGreater(len([n for n in model.graph.node if n.op_type == "Layer"]), 1)
        output.unlink()
        words = ("export", FIXTURES / entry["model"], "-o", output, *inputs(entry))
        for wrong in ("encoder", "=X", "encoder=", "encoder=a b", "a..b=X"):
            self.refuse("S716", 16, *words, "--function", wrong)
        self.refuse("S716", 16, *words, "--function", "a=X", "--function", "a=Y")
        self.assertEqual(self.left(), [])
        said = json.loads(self.succeed("--json", *words, "--function", "nowhere=X"))["diagnostics"]
        self.assertIn("S717", [d["code"] for d in said])

    def test_state_of_a_script(self) -> None:
        words = ("export", FIXTURES / "models/counter.pt", "-o", self.scratch / "x.onnx", "--input", "x:f32[batch=2,3]")
        said = self.refuse("T521", 14, *words)
        self.assertIn("'steps'", said)
        self.assertIn("'mean'", said)
        self.assertEqual(self.left(), [])
        out = json.loads(self.succeed("--json", *words, "--state", "io", "--verify"))
        self.assertEqual([(s["input"], s["output"]) for s in out["states"]], [("steps", "steps.out"), ("mean", "mean.out")])
        self.assert_all_passed(out["verify"])
        graph = onnx.load(self.scratch / "x.onnx").graph
        self.assertEqual([i.name for i in graph.input], ["x", "steps", "mean"])
        self.assertEqual([t.name for t in graph.initializer if t.name in ("steps", "mean")], ["steps", "mean"])

    def test_plugin_list_and_which(self) -> None:
        text = self.succeed("plugin", "list")
        for plugin in ("org.onnxport.aten", "opset 18", "opset 23"):
            self.assertIn(plugin, text)
        self.assertIn("org.onnxport.aten", self.succeed("plugin", "which", "aten::gelu", "--opset", 18))
        self.assertTrue(json.loads(self.succeed("--json", "plugin", "which", "aten::add.Tensor"))[0]["wins"])
        self.refuse("T501", 14, "plugin", "which", "acme::nothing")
        self.assertEqual(json.loads(self.succeed("--json", "plugin", "which", "aten::gelu.default"))[0]["plugin"], "org.onnxport.aten")
        details = json.loads(self.succeed("--json", "plugin", "inspect", "org.onnxport.aten"))
        self.assertEqual((details["state"], len(details["library_sha256"])), ("active", 64))
        self.assertIn("aten::gelu", [op["operator"] for op in details["operators"]])
        self.assertIn("aten::gelu", self.succeed("plugin", "inspect", details["manifest"]))
        self.refuse("C405", 13, "plugin", "inspect", "org.onnxport.atem")


class Weights(Case):
    """Where weights go, and that ONNX Runtime finds them there."""

    def outputs(self, path: Path) -> list[np.ndarray]:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        image = np.random.default_rng(0).standard_normal((2, 3, 64, 64)).astype(np.float32)
        return session.run(None, {session.get_inputs()[0].name: image})

    def test_external_and_inline_agree(self) -> None:
        entry = fixture("resnet18")
        inline = self.outputs(self.export(entry, "--weights", "inline"))
        self.assertEqual(self.left(), ["resnet18.onnx"])
        path = self.export(entry, "--weights", "external", "--verify")
        self.assertEqual(self.left(), ["resnet18.onnx", "resnet18.onnx.data"])
        self.assertLess(path.stat().st_size, 300_000)
        np.testing.assert_array_equal(inline[0], self.outputs(path)[0])
        onnx.checker.check_model(str(path), full_check=True)

    def test_reference_into_the_model(self) -> None:
        entry = fixture("resnet18")
        model, output = self.scratch / "resnet18.pt", self.scratch / "resnet18.onnx"
        model.write_bytes((FIXTURES / entry["model"]).read_bytes())
        self.succeed("export", model, "-o", output, *inputs(entry), "--weights", "reference", "--verify")
        self.assertEqual(self.left(), ["resnet18.onnx", "resnet18.pt"])
        self.assertLess(output.stat().st_size, model.stat().st_size // 4)
        by_reference = self.outputs(output)
        whole = self.outputs(self.export(entry, "--weights", "inline"))
        np.testing.assert_allclose(whole[0], by_reference[0], rtol=1e-3, atol=1e-4)  # here batch norms are not folded

    def test_reference_elsewhere_is_refused(self) -> None:
        entry = fixture("resnet18")
        self.refuse("S706", 16, "export", FIXTURES / entry["model"], "-o", self.scratch / "x.onnx", *inputs(entry),
                    "--weights", "reference")
        self.assertEqual(self.left(), [])

    def test_parameters_as_inputs(self) -> None:
        graph = onnx.load(self.export(fixture("linear"), "--no-params", "--verify")).graph
        self.assertEqual(len(graph.initializer), 0)
        self.assertEqual({i.name for i in graph.input}, {graph.input[0].name, "0.weight", "0.bias"})
        kept = onnx.load(self.export(fixture("linear"), "--keep-initializers-as-inputs")).graph
        self.assertEqual({i.name for i in kept.input}, {kept.input[0].name, "0.weight", "0.bias"})
        self.assertEqual({t.name for t in kept.initializer}, {"0.weight", "0.bias"})


class BadInput(Case):
    """A coded error, its exit status, and nothing left behind."""

    def refuse_export(self, code: str, status: int, model: Path, *words: object) -> None:
        self.refuse(code, status, "export", model, "-o", self.scratch / "out.onnx", *words)
        self.assertEqual(self.left(), [])

    def test_files(self) -> None:
        for entry in load("bad.yaml"):
            with self.subTest(entry["model"]):
                self.refuse_export(entry["code"], 18, FIXTURES / entry["model"], "--input", "x:f32[2,8]")

    def test_inputs(self) -> None:
        linear = FIXTURES / fixture("linear")["model"]
        for code, specs in (("I105", ["f32[2,8]", "f32[2,8]"]), ("I106", ["input:f32[2,8]", "nobody:f32[2,8]"]),
                            ("I106", ["f33[2,8]"]), ("I106", ["f32[2,8"]), ("I106", ["f32[2,-1]"]), ("I106", ["f32[n=2,n=8]"]),
                            ("I106", ["x"]), ("I106", [""]), ("I106", ["input:f32[2,8]", "input:f32[2,8]"]),
                            ("I106", ["f32[99999999999999999999]"]), ("I106", ["f32[2,3-5]"])):
            with self.subTest(specs):
                self.refuse_export(code, 18, linear, *(word for spec in specs for word in ("--input", spec)))
        for spec in ("f32[2,9]", "f32[]", "i64[2,8]", "f32[9999999999,9999999999]"):
            with self.subTest(spec):
                self.refuse_export("T510", 14, linear, "--input", spec)

    def test_objects_of_classes_that_nobody_knows(self) -> None:
        model = self.scratch / "held.pt"
        with zipfile.ZipFile(FIXTURES / fixture("linear")["model"]) as old, zipfile.ZipFile(model, "w") as new:
            for record in old.infolist():
                content = old.read(record)
                if record.filename.endswith("container/___torch_mangle_1.py"):
                    content = content.replace(b"  training : bool", b"  table : __torch__.torch.classes.acme.Table\n  training : bool")
                new.writestr(record.filename, content)
        said = self.refuse("T543", 14, "export", model, "-o", self.scratch / "x.onnx", "--input", "f32[2,8]")
        self.assertIn("the C++ class __torch__.torch.classes.acme.Table", said)
        self.assertEqual(self.left(), ["held.pt"])

    def test_code_that_is_one_endless_name(self) -> None:
        model = self.scratch / "endless.pt"
        with zipfile.ZipFile(FIXTURES / fixture("linear")["model"]) as good, zipfile.ZipFile(model, "w") as bad:
            for entry in good.infolist():
                data = good.read(entry)
                if entry.filename.endswith("code/__torch__/torch/nn/modules/linear.py"):
                    data += b"ops." + b"a" * 2_000_000 + b".b(\n"
                bad.writestr(entry.filename, data)
        before = self.left()
        done = self.run_program("export", model, "-o", self.scratch / "out.onnx", "--input", "f32[2,8]")
        self.assertEqual(done.returncode, 14, done.stderr[:1000])
        self.assertRegex(done.stderr, r"error T501: the model calls the operator a+\.\.\., which")
        self.assertLess(len(done.stderr), 10_000)
        self.assertEqual(self.left(), before)

    def test_opset_that_nobody_offers(self) -> None:
        self.refuse_export("O605", 15, FIXTURES / fixture("linear")["model"], "--input", "f32[2,8]", "--opset", 99)

    def test_unwritable_output(self) -> None:
        for output in (self.scratch / "no/such/x.onnx", self.scratch, Path("/proc/x.onnx")):
            with self.subTest(output):
                self.refuse("S705", 16, "export", FIXTURES / fixture("linear")["model"], "-o", output, "--input", "f32[2,8]")
                self.assertEqual(self.left(), [])

    def test_full_disk_leaves_what_was_there(self) -> None:
        # A limit on the size of files is a disk that fills up while the file is written.
        def little_room() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

        entry = fixture("resnet18")
        output = self.scratch / "x.onnx"
        output.write_text("what was there")
        for weights in ("inline", "external"):
            with self.subTest(weights):
                self.refuse("S705", 16, "export", FIXTURES / entry["model"], "-o", output, *inputs(entry),
                            "--weights", weights, preexec_fn=little_room)
                self.assertEqual(output.read_text(), "what was there")
                self.assertEqual(self.left(), ["x.onnx"])

    def test_no_overwrite(self) -> None:
        output = self.scratch / "x.onnx"
        output.write_text("what was there")
        self.refuse("S709", 16, "export", FIXTURES / fixture("linear")["model"], "-o", output, "--no-overwrite",
                    "--input", "f32[2,8]")
        self.assertEqual(output.read_text(), "what was there")


if __name__ == "__main__":
    add_model_tests()
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
