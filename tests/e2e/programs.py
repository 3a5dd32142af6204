#!/usr/bin/env python3
"""programs.py [CLASS…]: exported programs (.pt2) through onnxport, as a person exports them."""

from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from bad_programs import BadPrograms as BadPrograms  # a test of this program
from case import FIXTURES, OPSETS, Case, fixture, inputs, load
from graphs import canonical, type_of


def program(name: str) -> dict[str, Any]:
    return next(entry for entry in load("programs.yaml") if entry["name"] == name)


def open_session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of every input that has a default
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class ProgramCase(Case):
    def export_program(self, entry: dict[str, Any], *words: object, **options: Any) -> Path:
        output = self.scratch / f"{entry['name']}.onnx"
        state = ("--state", entry["state"]) if "state" in entry else ()
        self.succeed("export", FIXTURES / entry["model"], "-o", output, *state, *words, **options)
        return output

    def compare(self, entry: dict[str, Any], output: Path) -> None:
        """ONNX Runtime against what PyTorch computed from the module itself, at sizes the program was not exported at."""
        session = open_session(output)
        for name in entry["cases"]:
            with np.load(FIXTURES / name) as case:
                feeds = {i.name: case[f"input_{k}"] for k, i in enumerate(session.get_inputs())}
                results = session.run(None, feeds)
                self.assertEqual(len(results), sum(key.startswith("output_") for key in case))
                for k, result in enumerate(results):
                    wanted = case[f"output_{k}"]
                    self.assertEqual((result.dtype, result.shape), (wanted.dtype, wanted.shape), f"{name}: output {k}")
                    np.testing.assert_allclose(result, wanted, rtol=2e-4, atol=2e-5, err_msg=f"{name}: output {k}")


class Programs(ProgramCase):
    """Every program at every opset, without libtorch where nothing has to be split."""

    def check(self, entry: dict[str, Any], opset: int) -> None:
        output = self.export_program(entry, "--opset", opset)
        model = onnx.load(output)
        onnx.checker.check_model(model, full_check=True)
        self.assertEqual([(o.domain, o.version) for o in model.opset_import], [("", opset)])
        self.compare(entry, output)
        self.assertEqual(self.left(), [output.name])

    def check_verify(self, entry: dict[str, Any]) -> None:
        report = self.scratch / "report.json"
        self.export_program(entry, "--verify", "--report", report)
        done = json.loads(report.read_text())
        self.assertTrue(done["verify"] and all(run["passed"] for run in done["verify"]), done["verify"])
        self.assertEqual(done["not_independently_checked"], entry.get("unchecked", []))

    def check_same_graph(self, entry: dict[str, Any]) -> None:
        """The two captures of one module end in one graph, apart from names and provenance."""
        traced = fixture(entry["same_as"])
        traced = {**traced, "inputs": entry.get("inputs", traced["inputs"])}
        by_trace = onnx.load(self.export(traced))
        by_program = onnx.load(self.export_program(entry, *inputs(traced)))
        self.assertEqual(canonical(by_program), canonical(by_trace))
        for ours, theirs in zip(by_program.graph.output, by_trace.graph.output):
            for known, other in zip(type_of(ours), type_of(theirs)):
                self.assertIn(other, (known, ""))  # a program may know a size that its trace does not


class ProgramOptions(ProgramCase):
    """What the command line offers for programs."""

    def run_session(self, path: Path, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        session = open_session(path)
        return dict(zip((o.name for o in session.get_outputs()), session.run(None, feeds)))

    def loaded_libraries(self, *words: object) -> str:
        self.succeed(*words, env={"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(self.scratch / "loader")})
        return "".join(path.read_text() for path in self.scratch.glob("loader.*"))

    def test_libtorch_is_not_loaded(self) -> None:
        for name in ("resnet18", "gpt2_cache", "detection", "scan_tagger"):
            with self.subTest(name):
                said = self.loaded_libraries("export", FIXTURES / program(name)["model"], "-o", self.scratch / "x.onnx")
                self.assertIn("libonnxport.so", said)
                self.assertNotIn("torch", said.replace(str(FIXTURES), ""))

    def test_the_loader_would_tell(self) -> None:
        entry = fixture("linear")
        said = self.loaded_libraries("export", FIXTURES / entry["model"], "-o", self.scratch / "x.onnx", *inputs(entry))
        self.assertIn("libtorch", said)

    def test_state_is_refused_by_default(self) -> None:
        said = self.refuse("T521", 14, "export", FIXTURES / program("counter")["model"], "-o", self.scratch / "x.onnx")
        for word in ("'steps'", "'mean'", "--state io", "--state drop"):
            self.assertIn(word, said)
        self.assertEqual(self.left(), [])

    def test_a_written_input_is_noted(self) -> None:
        said = self.succeed("--json", "export", FIXTURES / program("writes_input")["model"], "-o", self.scratch / "x.onnx", "--verify")
        noted = [d for d in json.loads(said)["diagnostics"] if d["code"] == "T521"]
        self.assertEqual([d["severity"] for d in noted], ["note"])
        self.assertIn("'ring'", noted[0]["message"])

    def test_state_is_dropped_with_a_note(self) -> None:
        output = self.scratch / "x.onnx"
        out = json.loads(self.succeed("--json", "export", FIXTURES / program("counter")["model"], "-o", output, "--state", "drop"))
        self.assertEqual([d["code"] for d in out["diagnostics"]].count("T521"), 2)
        self.assertEqual([i.name for i in onnx.load(output).graph.input], ["x"])

    def test_state_goes_from_call_to_call(self) -> None:
        output = self.scratch / "x.onnx"
        out = json.loads(self.succeed("--json", "export", FIXTURES / program("counter")["model"], "-o", output, "--state", "io",
                                      "--verify"))
        self.assertEqual({s["input"]: s["output"] for s in out["states"]}, {"steps": "steps.out", "mean": "mean.out"})
        onnx.checker.check_model(onnx.load(output), full_check=True)
        state: dict[str, np.ndarray] = {}  # the first call starts from the values in the file
        mean = np.zeros(3, np.float32)
        for call in range(3):
            x = np.random.default_rng(call).standard_normal((4, 3)).astype(np.float32)
            results = self.run_session(output, {"x": x, **state})
            mean = mean * np.float32(0.9) + np.float32(0.1) * x.mean(0)
            np.testing.assert_allclose(results["output"], x - mean, rtol=1e-5, atol=1e-6)
            state = {"steps": results["steps.out"], "mean": results["mean.out"]}
        self.assertEqual(state["steps"], 3)

    def test_written_input_becomes_an_output(self) -> None:
        output = self.scratch / "x.onnx"
        self.succeed("export", FIXTURES / program("writes_input")["model"], "-o", output, "--state", "io", "--verify")
        ring, x = np.arange(10, dtype=np.float32).reshape(2, 5), np.array([7, 8], np.float32)
        results = self.run_session(output, {"ring": ring, "x": x})
        np.testing.assert_array_equal(results["ring.out"], np.concatenate([x[:, None], ring[:, :-1]], axis=1))

    def dims_of(self, path: Path) -> list[list[str]]:
        return [type_of(value)[1:] for value in (*onnx.load(path).graph.input, *onnx.load(path).graph.output)]

    def test_dims_get_names_and_numbers(self) -> None:
        model, output = FIXTURES / program("linear")["model"], self.scratch / "x.onnx"
        self.succeed("export", model, "-o", output)
        symbol = self.dims_of(output)[0][0]
        self.succeed("export", model, "-o", output, "--dim", f"{symbol}=rows", "--verify")
        self.assertEqual(self.dims_of(output), [["rows", "8"], ["rows", "4"]])
        self.succeed("export", model, "-o", output, "--dim", f"{symbol}=5", "--verify")
        self.assertEqual(self.dims_of(output), [["5", "8"], ["5", "4"]])
        self.succeed("export", model, "-o", output, "--input", "input:f32[rows,8]", "--dim", f"{symbol}=rows")
        self.assertEqual(self.dims_of(output), [["rows", "8"], ["rows", "4"]])
        for words in (("--dim", "s999=rows"), ("--dim", f"{symbol}=2*rows"), ("--dim", f"{symbol}=65"), ("--dim", f"{symbol}=-1"),
                      ("--input", "input:f32[rows,9]"), ("--input", "input:f64[rows,8]"), ("--input", "input:f32[rows]"),
                      ("--input", "input:f32[rows,8]", "--dim", f"{symbol}=columns")):
            with self.subTest(words):
                output.unlink(missing_ok=True)
                self.refuse("I107", 18, "export", model, "-o", output, *words)
                self.assertEqual(self.left(), [])
        self.refuse("I111", 18, "export", model, "-o", output, "--dim", "rows")
        self.refuse("I107", 18, "export", FIXTURES / fixture("linear")["model"], "-o", output, "--dim", "s0=rows")

    def test_ranges_are_kept(self) -> None:
        self.succeed("export", FIXTURES / program("linear")["model"], "-o", self.scratch / "x.onnx", "--input", "input:f32[rows,8]")
        metadata = {entry.key: entry.value for entry in onnx.load(self.scratch / "x.onnx").metadata_props}
        self.assertEqual(metadata["onnxport.dim_ranges"], "rows 0..64")

    def test_expressions_of_names(self) -> None:
        output = self.scratch / "x.onnx"
        self.succeed("export", FIXTURES / program("whisper")["model"], "-o", output)
        frames = self.dims_of(output)[0][2]
        self.assertRegex(frames, r"^2\*s\d+$")
        self.succeed("export", FIXTURES / program("whisper")["model"], "-o", output, "--dim", f"{frames[2:]}=half")
        self.assertEqual(self.dims_of(output)[0][2], "2*half")

    def test_names_of_nested_arguments(self) -> None:
        graph = onnx.load(self.export_program(program("gpt2_cache"))).graph
        self.assertEqual([i.name for i in graph.input], ["input_ids", "past.0.0", "past.0.1", "past.1.0", "past.1.1"])
        self.assertEqual([o.name for o in graph.output],
                         ["output_0", "output_1.0.0", "output_1.0.1", "output_1.1.0", "output_1.1.1"])
        graph = onnx.load(self.export_program(program("structured"))).graph
        self.assertEqual([i.name for i in graph.input], ["pair.0", "pair.1", "named.scale", "named.shift"])
        self.assertEqual([o.name for o in graph.output], ["sum", "product"])
        graph = onnx.load(self.export_program(program("linear"), "--input-names", "features", "--output-names", "scores")).graph
        self.assertEqual((graph.input[0].name, graph.output[0].name), ("features", "scores"))

    def test_show_the_program(self) -> None:
        model = FIXTURES / program("conditional")["model"]
        for stage, expected in (("capture", "prim::If"), ("prepare", "aten::linear"), ("translate", "If"), ("legalize", "Gemm")):
            with self.subTest(stage):
                self.assertIn(expected, self.succeed("show", model, "--after", stage))

    def test_same_bytes_twice(self) -> None:
        first = self.export_program(program("t5_step")).read_bytes()
        self.assertEqual(first, self.export_program(program("t5_step")).read_bytes())


class ProgramWeights(ProgramCase):
    """Where the weights of a program go."""

    def test_external(self) -> None:
        for name in ("resnet18", "t5_step"):
            with self.subTest(name):
                path = self.export_program(program(name), "--weights", "external")
                self.assertEqual(self.left(), [path.name, path.name + ".data"])
                self.compare(program(name), path)
                onnx.checker.check_model(str(path), full_check=True)
                path.unlink(), Path(str(path) + ".data").unlink()

    def test_reference_into_the_archive(self) -> None:
        for name in ("resnet18", "gpt2_cache", "tied"):
            with self.subTest(name):
                entry = program(name)
                model, output = self.scratch / f"{name}.pt2", self.scratch / f"{name}.onnx"
                model.write_bytes((FIXTURES / entry["model"]).read_bytes())
                self.succeed("export", model, "-o", output, "--weights", "reference")
                stored = sum(t.ByteSize() for t in onnx.load(output, load_external_data=False).graph.initializer)
                self.assertLess(stored, 40_000)  # small ones stay in the file
                self.assertEqual(self.left(), [output.name, model.name])
                self.compare(entry, output)
                model.unlink(), output.unlink()

    def test_parameters_keep_their_names(self) -> None:
        names = {t.name for t in onnx.load(self.export_program(program("bert"))).graph.initializer}
        self.assertLessEqual({"words.weight", "layers.0.norm1.weight", "pooler.bias"}, names)

    def test_parameters_as_inputs(self) -> None:
        graph = onnx.load(self.export_program(program("linear"), "--no-params", "--verify")).graph
        self.assertEqual({i.name for i in graph.input}, {"input", "0.weight", "0.bias"})


ACME_WRITES = """\
onnxport_manifest: 1
plugin: {id: com.acme.writes, version: "1.0.0"}
provides:
  mappings:
    - torch: "acme::shift_(Tensor(a!) x, float by) -> ()"
      function: "(x) => (y) { b = Constant <value_float: float = @by> ()  y = Add(x, b) }"
    - torch: "acme::take_row(Tensor(a!) row, Tensor x) -> Tensor"
      function: |
        (row, x) => (total, new_row) {
          three = Constant <value_float = 3.0> ()
          new_row = Mul(row, three)
          a = ReduceSum <keepdims = 0> (new_row)
          b = ReduceSum <keepdims = 0> (x)
          total = Add(a, b)
        }
"""


class WritingOperators(ProgramCase):
    """Custom operators that write to their arguments, before and after PyTorch's own functionalization."""

    programs = ("acme_writes", "acme_functionalized")

    def plugins(self) -> Path:
        folder = self.scratch / "plugins"
        folder.mkdir()
        (folder / "acme.onnxport.yaml").write_text(ACME_WRITES)
        return folder

    def test_a_manifest_maps_them(self) -> None:
        plugins = self.plugins()
        for name in self.programs:
            with self.subTest(name):
                entry = {"name": name, "model": f"programs/{name}.pt2", "cases": ["programs/acme_writes_0.npz"]}
                output = self.export_program(entry, "--plugin-path", plugins)
                onnx.checker.check_model(onnx.load(output), full_check=True)
                self.compare(entry, output)
                self.succeed("export", FIXTURES / entry["model"], "-o", output, "--plugin-path", plugins, "--verify")

    def test_without_a_schema_they_are_named(self) -> None:
        for name in self.programs:
            with self.subTest(name):
                said = self.refuse("T541", 14, "export", FIXTURES / f"programs/{name}.pt2", "-o", self.scratch / "x.onnx")
                self.assertIn("acme::shift_", said)
                self.assertIn("schema", said)
                self.assertEqual(self.left(), [])


def add_program_tests() -> None:
    if not (FIXTURES / "programs.yaml").exists():
        sys.exit(f"no programs in {FIXTURES}: ./dev test makes them (tests/fixtures/make.py)")
    for entry in load("programs.yaml"):
        name = entry["name"]
        for opset in OPSETS:
            setattr(Programs, f"test_{name}_opset_{opset}", lambda self, entry=entry, opset=opset: self.check(entry, opset))
        setattr(Programs, f"test_{name}_verify", lambda self, entry=entry: self.check_verify(entry))
        if "same_as" in entry:
            setattr(Programs, f"test_{name}_same_graph", lambda self, entry=entry: self.check_same_graph(entry))


if __name__ == "__main__":
    add_program_tests()
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
