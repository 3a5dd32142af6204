"""Whether sdk/schema/config.schema.json and onnxport's reader say the same of a profile.

Each case is a profile and a verdict: GOOD and BAD are both sides', READER is what the reader alone can refuse, because it knows
names (of ONNX's operators, of element types) or sees how YAML is written (quotes, duplicates)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "manifest"))
from mutants import disagreements, mutants  # noqa: E402
from schema_and_reader import value_of  # noqa: E402

GOOD, BAD, READER = "good", "bad", "bad for the reader alone"
HEAD = "onnxport_config: 1\n"

CASES: list[tuple[str, str]] = [
    (GOOD, HEAD), (BAD, "opset: 18"), (BAD, "[]"), (BAD, "text"), (BAD, "onnxport_config: 2"), (BAD, 'onnxport_config: "1"'),
    *[(GOOD, HEAD + text) for text in (
        "x-ours: {any: [thing]}", "description: 7", "extends: default", "extends: [default, ./other.yaml]", "extends: []",
        "opset: 18", "opset: {ai.onnx: 18, com.acme: 2, x-why: because}", "ir_version: 9",
        "takes: {}", "takes: {types: [f32, bfloat16, torch.half], x-a: 1}", "takes: {operators: []}",
        "takes: {operators: [Conv, com.acme::Npu, \"com.acme::*\", \"*\", ai.onnx::NewOne]}",
        "takes: {operators: {Conv: true, Relu: false, Add: [f32], Resize: {T1: [f32], T2: []}, \"*\": false, x-note: none}}",
        "takes: {compute: {bf16: f32, i64: i32}, expand: true}",
        "plugins: {require: [com.acme.npu >=1.2], prefer: [a.b], disable: [\"*\"], options: {a.b: {level: 7, on: true, mode: fast}}}",
        "plugins: {files: [.], trust: any, lock: x.yaml}", "plugins: {trust: locked, lock: 7}",
        "passes: {on: [fuse, 7], off: []}", "constant_folding: false", "weights: {store: reference, inline_below: 0}",
        "weights: {parameters_as_inputs: true, initializers_as_inputs: false, x-b: 1}", "names: {inputs: [x], outputs: [y], provenance: true}",
        "state: drop", "verify: {rtol: 1e-3, atol: 0, second_size: true, trust: [com.acme], ort_libraries: [a.so]}")],
    *[(BAD, HEAD + text) for text in (
        "unknown: 1", "description: \"\"", "description: [a]", "description: null", "extends: {a: b}", "extends: [[a]]", "extends: \"\"",
        "target: \"\"", "opset: 0", "opset: 1001", "opset: \"18\"", "opset: [18]", "opset: {ai.onnx: latest}", "opset: {\"a b\": 1}",
        "ir_version: 0", "ir_version: new", "takes: []", "takes: {ops: []}", "takes: {types: f32}", "takes: {types: [[f32]]}",
        "takes: {operators: Conv}", "takes: {operators: [\"a b\"]}", "takes: {operators: [\"com.acme::\"]}", "takes: {operators: [\"::A\"]}",
        "takes: {operators: {Conv: 1}}", "takes: {operators: {Conv: yes}}", "takes: {operators: {Conv: {\"a b\": [f32]}}}",
        "takes: {operators: {Conv: {T: f32}}}", "takes: {operators: {Conv: null}}", "takes: {compute: [bf16]}", "takes: {compute: {bf16: [f32]}}",
        "takes: {expand: 1}", "plugins: {requires: []}", "plugins: {require: com.acme}", "plugins: {options: []}", "plugins: {options: {a.b: 1}}",
        "plugins: {files: x}", "plugins: {trust: all}", "plugins: {lock: [a]}", "plugins: {trust: locked}",
        "plugins: {lock: \"\"}", "plugins: {options: {a.b: {c.d: 1}}}", "plugins: {options: {a.b: {c: [1]}}}", "passes: [fuse]", "passes: {on: {a: b}}", "passes: {on: [\"\"]}",
        "passes: {order: [a]}", "constant_folding: 0", "weights: inline", "weights: {store: disk}", "weights: {inline_below: -1}",
        "weights: {inline_below: 2000000000}", "weights: {parameters_as_inputs: 1}", "names: {inputs: x}", "names: {input: [x]}",
        "names: {provenance: no}", "state: keep", "state: [io]", "verify: {rtol: -1}", "verify: {rtol: small}", "verify: {rtol: \"1\"}",
        "verify: {trust: com.acme}", "verify: {seed: 1}", "verify: {second_size: maybe}")],
    *[(READER, HEAD + text) for text in (
        "opset: 18\nopset: 19", "opset: 018", "opset: 18.0", "takes: {types: [f23]}", "takes: {operators: [Convolution]}",
        "takes: {operators: {Conv: [f23]}}", "takes: {compute: {bf16: i32}}", "takes: {compute: {bf16: bf16}}", "passes: {on: [a, a]}",
        "plugins: {files: [nowhere]}",
        "extends: nobody", "extends: ./nowhere.yaml", "target: com.acme.nobody", "takes: {types: [f32, f32]}", "ir_version: 8.0")],
]


# What only the reader can refuse: codes, and what is said with them.
READER_SEES = (
    ("F106", "twice"), ("F109", ""), ("F112", ""), ("F101", "cannot be read"), ("F105", "is no element type"), ("F105", "which does not exist"), ("F105", "ONNX has no operator"),
)


def mutated(validator: jsonschema.Draft202012Validator) -> tuple[int, list[str]]:
    originals = [value_of(yaml.compose(text)) for verdict, text in CASES if verdict == GOOD]
    pairs = [(made, original) for original in originals for made in mutants(original)]
    written = []
    with tempfile.TemporaryDirectory(prefix="onnxport-mutants-") as scratch:
        for number, (document, _) in enumerate(pairs):
            (Path(scratch) / f"{number:05}.yaml").write_text(json.dumps(document))
        (Path(scratch) / "other.yaml").write_text(HEAD)
        said = read_all(Path(scratch))
        for number, (document, original) in enumerate(pairs):
            entry = said[f"{number:05}.yaml"]
            written.append((document, original, entry["code"], entry["reason"], [e.message for e in validator.iter_errors(document)]))
    return len(pairs), disagreements(written, READER_SEES)


def read_all(folder: Path) -> dict[str, dict[str, Any]]:
    """What onnxport says of each file of the folder."""
    done = subprocess.run([os.environ["ONNXPORT_BIN"], "--json", "config", "list", "--no-default-plugin-paths", "--config-path", folder],
                          capture_output=True, text=True, timeout=600)
    return {Path(p["file"]).name: p for p in json.loads(done.stdout)["profiles"]}


def main() -> int:
    source = Path(os.environ["ONNXPORT_SOURCE_DIR"])
    schema = json.loads((source / "sdk/schema/config.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    wrong = []
    with tempfile.TemporaryDirectory(prefix="onnxport-config-") as scratch:
        folder = Path(scratch)
        for number, (_, text) in enumerate(CASES):
            (folder / f"{number:03}.yaml").write_text(text)
        (folder / "other.yaml").write_text(HEAD)
        said = read_all(folder)
        for number, (verdict, text) in enumerate(CASES):
            entry = said[f"{number:03}.yaml"]
            errors = list(validator.iter_errors(value_of(yaml.compose(text))))
            if (not entry["code"]) != (verdict == GOOD):
                wrong.append(f"case {number}, {verdict}: the reader says {entry['state']}: {entry['reason']}\n{text}")
            if (not errors) != (verdict != BAD):
                wrong.append(f"case {number}, {verdict}: the schema says {[e.message for e in errors]}\n{text}")
    own = sorted((source / "configs").glob("*.yaml")) + sorted((source / "sdk").glob("**/configs/*.yaml"))
    for profile in own:
        wrong += [f"{profile}: the schema says {e.message}" for e in validator.iter_errors(value_of(yaml.compose(profile.read_text())))]
    tried, more = mutated(validator)
    wrong += more
    print(f"{len(CASES)} profiles, {tried} mutants and {len(own)} of our own, {len(wrong)} disagreements")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
