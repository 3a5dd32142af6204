"""Whether sdk/schema/manifest.schema.json and onnxport's reader say the same of a manifest.

Each case is a manifest and a verdict: GOOD and BAD are both sides', READER is what the reader alone can refuse, because it
checks one key against another (a schema's arguments, declared domains, duplicates) or sees how YAML is written (quotes)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from mutants import disagreements, mutants

GOOD, BAD, READER = "good", "bad", "bad for the reader alone"

HEAD = 'onnxport_manifest: 1\nplugin: {id: com.acme.ops, version: "1.0.0"}\n'
OP = 'provides: {mappings: [{torch: acme::f, onnx: Relu}]}\n'
LIBRARY = "library: {linux_amd64: libacme.so}\n"


def plugin(text: str) -> str:
    return f"onnxport_manifest: 1\nplugin: {{{text}}}\n{OP}"


def top(text: str) -> str:
    return HEAD + text + "\n" + OP


def provides(text: str, library: bool = True) -> str:
    return HEAD + (LIBRARY if library else "") + f"provides: {{{text}}}\n"


def mapping(text: str) -> str:
    return HEAD + f"provides: {{domains: [{{name: com.acme, version: 2}}], mappings: [{{{text}}}]}}\n"


def rule(text: str, more: str = "name: fuse, stage: optimize") -> str:
    return HEAD + f"provides: {{domains: [{{name: com.acme}}], passes: [{{{more}, rules: [{{{text}}}]}}]}}\n"


PATTERN = 'pattern: "(x, w) => (y) { t = MatMul(x, w)  y = Softmax<axis = @a>(t) }", '
REPLACE = 'replace: "(x, w) => (y) { y = com.acme.Op<axis: int = @a>(x, w) }"'
SCHEMA = 'torch: "acme::f(Tensor x, float scale=1, Tensor[] more) -> Tensor"'
SWISH = 'function: "(x) => (y) { s = Sigmoid(x)  y = Mul(x, s) }"'

CASES: list[tuple[str, str]] = [
    (GOOD, top("")),
    (GOOD, top("x-ours: {anything: [at, all]}")),
    (GOOD, plugin('id: com.acme.ops, version: "1.0.0", x-build: 7')),
    (GOOD, plugin('id: com.acme.ops, version: "1.0.0", name: Acme, publisher: 42, license: MIT, url: "https://a", description: d')),
    (GOOD, plugin('id: a.b, version: "0.0.1-rc.1+build.5"')),
    (GOOD, plugin('id: a-b.c_d-e.f, version: "10.20.30"')),
    (BAD, plugin('id: com.acme.ops, version: 1.0')),
    (BAD, plugin('id: com.acme.ops, version: "1.0"')),
    (BAD, plugin('id: com.acme.ops, version: "01.0.0"')),
    (BAD, plugin('id: com.acme.ops, version: "1.0.0-"')),
    (BAD, plugin('id: com.acme.ops, version: "1.0.0-a..b"')),
    (BAD, plugin('id: com.acme.ops, version: "1.0.0.0"')),
    (BAD, plugin('id: com.acme.ops')),
    (BAD, plugin('version: "1.0.0"')),
    (BAD, plugin('id: Com.Acme, version: "1.0.0"')),
    (BAD, plugin('id: acme, version: "1.0.0"')),
    (BAD, plugin('id: com..acme, version: "1.0.0"')),
    (BAD, plugin('id: com.acme., version: "1.0.0"')),
    (BAD, plugin('id: "-com.acme", version: "1.0.0"')),
    (BAD, plugin(f'id: com.{"a" * 130}, version: "1.0.0"')),
    (BAD, plugin('id: com.acme.ops, version: "1.0.0", name: ""')),
    (BAD, plugin('id: com.acme.ops, version: "1.0.0", name: [a]')),
    (BAD, plugin('id: com.acme.ops, version: "1.0.0", author: me')),
    (BAD, plugin('id: com.acme.ops, version: "1.0.0", name: null')),
    (BAD, f"onnxport_manifest: 2\nplugin: {{id: com.acme.ops, version: \"1.0.0\"}}\n{OP}"),
    (BAD, f"onnxport_manifest: \"1\"\nplugin: {{id: com.acme.ops, version: \"1.0.0\"}}\n{OP}"),
    (BAD, f"plugin: {{id: com.acme.ops, version: \"1.0.0\"}}\n{OP}"),
    (BAD, "onnxport_manifest: 1\nplugin: com.acme.ops\n" + OP),
    (BAD, HEAD),
    (BAD, top("unknown: 1")),
    (BAD, "[]"),
    (BAD, "text"),
    # abi
    (GOOD, top("abi: {major: 1}")),
    (GOOD, top("abi: {major: 1, minor: 0, x-why: because}")),
    (BAD, top("abi: {minor: 0}")),
    (BAD, top("abi: {major: 0}")),
    (BAD, top("abi: {major: 1, minor: -1}")),
    (BAD, top("abi: {major: 70000}")),
    (BAD, top('abi: {major: "1"}')),
    (BAD, top("abi: 1")),
    (READER, top("abi: {major: 1.0}")),
    (READER, top("abi: {major: 01}")),
    # library
    (GOOD, top("library: {linux_amd64: lib/libacme.so, linux_arm64: {path: a.so}, macos_arm64: a.dylib, windows_amd64: a.dll}")),
    (GOOD, top(f'library: {{linux_amd64: {{path: a.so, sha256: "{"aB" * 32}", x-size: 3}}, x-note: none}}')),
    (GOOD, top("library: {linux_amd64: a..b.so}")),
    (GOOD, top("library: {}")),
    (BAD, top("library: {linux_amd64: /usr/lib/a.so}")),
    (BAD, top("library: {linux_amd64: ../a.so}")),
    (BAD, top("library: {linux_amd64: a/../b.so}")),
    (BAD, top("library: {linux_amd64: a/..}")),
    (BAD, top("library: {linux_amd64: 'a\\b.so'}")),
    (BAD, top("library: {linux_amd64: \"\"}")),
    (BAD, top("library: {linux_amd64: {}}")),
    (BAD, top('library: {linux_amd64: {path: a.so, sha256: "12"}}')),
    (BAD, top("library: {linux_amd64: {path: a.so, md5: x}}")),
    (BAD, top("library: {freebsd_amd64: a.so}")),
    (BAD, top("library: a.so")),
    (BAD, top("library: {linux_amd64: [a.so]}")),
    # requires
    (GOOD, top('requires: {onnxport: ">=0.1 <2", plugins: [{id: org.onnxport.aten, version: "*"}, {id: a.b}], x-a: 1}')),
    (GOOD, top('requires: {onnxport: "1.2.3-rc.1"}')),
    (GOOD, top("requires: {onnxport: 1.5}")),
    (BAD, top('requires: {onnxport: "about 1"}')),
    (BAD, top('requires: {onnxport: ">="}')),
    (BAD, top('requires: {onnxport: "=>1"}')),
    (BAD, top('requires: {onnxport: "1.2.3.4"}')),
    (BAD, top('requires: {onnxport: ""}')),
    (BAD, top("requires: {plugins: [{version: \"1\"}]}")),
    (BAD, top("requires: {plugins: [a.b]}")),
    (BAD, top("requires: {plugins: {id: a.b}}")),
    (BAD, top("requires: {python: 3}")),
    # provides
    (GOOD, provides("ops: [acme::f, acme::g.out, acme::h.default], x-a: 1")),
    (GOOD, provides("opsets: [{version: 29}, {domain: ai.onnx, version: 30, x-b: 1}]")),
    (GOOD, provides("passes: [fuse-swish]")),
    (GOOD, provides('schemas: ["acme::f(Tensor x) -> Tensor", "acme::g.out(Tensor(a!) x, *, int[2]? n=None) -> ()"]', library=False)),
    (GOOD, provides('ops: [acme::f], classes: ["acme.Table(Tensor? w, float[] s, int n)"]')),
    (BAD, provides("ops: [acme::f], classes: acme.Table(Tensor w)")),
    (BAD, provides('ops: [acme::f], classes: ["acme.Table"]')),
    (BAD, provides('ops: [acme::f], classes: ["Table(Tensor w)"]')),
    (BAD, provides('ops: [acme::f], classes: ["acme::Table(Tensor w)"]')),
    (BAD, provides('ops: [acme::f], classes: ["acme.Table()"]')),
    (READER, provides('ops: [acme::f], classes: ["acme.Table(Tensr w)"]')),
    (READER, provides('ops: [acme::f], classes: ["acme.Table(float s=1)"]')),
    (GOOD, provides("ops: [acme::f], domains: [{name: com.acme}, {name: com_acme-x.y, version: 3, x-c: 1}]")),
    (BAD, provides("")),
    (BAD, provides("ops: []")),
    (BAD, provides("domains: [{name: com.acme}]", library=False)),
    (BAD, provides("ops: [acme::f]", library=False)),
    (BAD, provides("opsets: [{version: 29}]", library=False)),
    (BAD, provides("passes: [p]", library=False)),
    (BAD, provides("ops: [f]")),
    (BAD, provides("ops: [acme::]")),
    (BAD, provides("ops: [\"acme::f(Tensor x) -> Tensor\"]")),
    (BAD, provides("ops: [1acme::f]")),
    (BAD, provides("ops: [acme::f.1]")),
    (BAD, provides("ops: [acme::é]")),
    (BAD, provides("ops: [acme::f, acme::f]")),
    (GOOD, provides("ops: acme::f")),
    (GOOD, provides("ops: acme::f acme::g.out")),
    (BAD, provides("ops: acme::f", library=False)),
    (BAD, provides("ops: acme::f g")),
    (READER, provides("ops: acme::f acme::f")),
    (BAD, provides("ops: [acme::f], domains: [{name: ai.onnx}]")),
    (BAD, provides("ops: [acme::f], domains: [{name: ai.onnx.ml}]")),
    (BAD, provides("ops: [acme::f], domains: [{name: \"a b\"}]")),
    (BAD, provides("ops: [acme::f], domains: [{name: com..acme}]")),
    (BAD, provides("ops: [acme::f], domains: [{name: com.acme, version: 0}]")),
    (BAD, provides("ops: [acme::f], domains: [{version: 1}]")),
    (BAD, provides("ops: [acme::f], domains: [com.acme]")),
    (READER, provides("ops: [acme::f], domains: [{name: com.acme}, {name: com.acme}]")),
    (BAD, provides("opsets: [{version: 0}]")),
    (BAD, provides("opsets: [{version: 1000001}]")),
    (GOOD, provides("opsets: [{domain: com.acme, version: 3}]")),
    (BAD, provides("opsets: [{domain: com.acme, version: 3}]", library=False)),
    (BAD, provides("opsets: [{domain: \"com acme\", version: 3}]")),
    (READER, provides("opsets: [{version: 29}, {version: 29}]")),
    (BAD, provides("opsets: [{domain: ai.onnx}]")),
    (BAD, provides("opsets: [20]")),
    (BAD, provides("passes: [\"\"]")),
    (BAD, provides("passes: [[a]]")),
    (BAD, provides('schemas: ["acme::f"]', library=False)),
    (BAD, provides('schemas: ["acme::f(Tensor x)"]', library=False)),
    (READER, provides('schemas: ["acme::f(Tensr x) -> Tensor"]', library=False)),
    (READER, provides('schemas: ["acme::f(Tensor x, int n=None[]) -> Tensor"]', library=False)),
    (READER, provides('schemas: ["aten::gelu(Tensor x) -> Tensor"]', library=False)),
    (BAD, provides("ops: [acme::f], kernels: [x]")),
    # mappings
    (GOOD, mapping("torch: acme::f, onnx: com.acme::F, result: {like: x}")),
    (GOOD, mapping(f"{SCHEMA}, onnx: com.acme::F, inputs: [x, more], attributes: {{alpha: scale, beta: 0.5, axes: [1, 2], mode: \"fast\", on: true, names: [\"a\"], none: []}}")),
    (GOOD, mapping(f"{SCHEMA}, onnx: Relu, x-a: 1, opset: \">=17 <23\"")),
    (GOOD, mapping("torch: acme::f, onnx: Relu, opset: 18")),
    (GOOD, mapping("torch: acme::f, onnx: ai.onnx::Relu")),
    (GOOD, mapping(f"torch: acme::f, {SWISH}")),
    (GOOD, mapping(f"torch: acme::f.default, {SWISH}, function_opset: 20, keep_function: true")),
    (GOOD, mapping('torch: "acme::f(Tensor x) -> (Tensor, Tensor)", onnx: com.acme::F, results: [{like: x}, {dtype: i64, shape: [x.0, 3]}]')),
    (GOOD, mapping('torch: "acme::f(Tensor x) -> Tensor[]", onnx: com.acme::F, results: [{like: x}, {like: x, x-a: 1}]')),
    (GOOD, mapping('torch: "acme::f(Tensor x, int n) -> Tensor", onnx: com.acme::F, result: {dtype: f16, shape: ["2*x.0 + 1", n, 3]}')),
    (BAD, mapping("onnx: Relu")),
    (BAD, mapping("torch: acme::f")),
    (BAD, mapping(f"torch: acme::f, onnx: Relu, {SWISH}")),
    (BAD, mapping("torch: f, onnx: Relu")),
    (BAD, mapping("torch: acme::f, onnx: \"Re lu\"")),
    (BAD, mapping("torch: acme::f, onnx: 3")),
    (READER, mapping("torch: acme::f, onnx: com.other::F")),
    (BAD, mapping("torch: acme::f, onnx: Relu, inputs: x")),
    (BAD, mapping("torch: acme::f, onnx: Relu, inputs: [\"x y\"]")),
    (READER, mapping(f"{SCHEMA}, onnx: Relu, inputs: [y]")),
    (BAD, mapping("torch: acme::f, onnx: Relu, attributes: [a]")),
    (BAD, mapping("torch: acme::f, onnx: Relu, attributes: {a: {}}")),
    (BAD, mapping("torch: acme::f, onnx: Relu, attributes: {a: null}")),
    (BAD, mapping("torch: acme::f, onnx: Relu, attributes: {a: [1, \"b\"]}")),
    (BAD, mapping("torch: acme::f, onnx: Relu, attributes: {\"a b\": 1}")),
    (READER, mapping("torch: acme::f, onnx: Relu, attributes: {a: not a name}")),
    (READER, mapping(f"{SCHEMA}, onnx: Relu, attributes: {{alpha: scael}}")),
    (BAD, mapping("torch: acme::f, onnx: Relu, opset: new")),
    (BAD, mapping("torch: acme::f, onnx: Relu, opset: 0")),
    (BAD, mapping("torch: acme::f, onnx: Relu, opset: \">=2000\"")),
    (READER, mapping("torch: acme::f, onnx: Relu, opset: \">20 <10\"")),
    (BAD, mapping("torch: acme::f, onnx: Relu, keep_function: true")),
    (BAD, mapping("torch: acme::f, onnx: Relu, function_opset: 20")),
    (BAD, mapping(f"torch: acme::f, {SWISH}, inputs: [x]")),
    (BAD, mapping(f"torch: acme::f, {SWISH}, attributes: {{a: 1}}")),
    (BAD, mapping(f"torch: acme::f, {SWISH}, function_opset: 6")),
    (BAD, mapping(f"torch: acme::f, {SWISH}, function_opset: 24")),
    (BAD, mapping(f"torch: acme::f, {SWISH}, keep_function: 1")),
    (BAD, mapping('torch: acme::f, function: "y = Relu(x)"')),
    (BAD, mapping('torch: acme::f, function: ""')),
    (READER, mapping('torch: "acme::f(Tensor x) -> Tensor", function: "(x) => (y) { y = Elu <alpha: float = @scael> (x) }"')),
    (READER, mapping('torch: "acme::f(Tensor[] x) -> Tensor", function: "(x) => (y) { y = Relu(x) }"')),
    (READER, mapping('torch: "acme::f(Tensor x) -> (Tensor, Tensor)", function: "(x) => (y) { y = Relu(x) }"')),
    (READER, mapping('torch: "acme::f(Tensor x) -> Tensor?", onnx: Relu')),
    (READER, mapping('torch: "acme::f(Tensor x) -> Tensor[]", onnx: Split')),
    (BAD, mapping("torch: acme::f, onnx: com.acme::F, result: {}")),
    (BAD, mapping("torch: acme::f, onnx: com.acme::F, result: {dtype: f32}")),
    (BAD, mapping("torch: acme::f, onnx: com.acme::F, result: {shape: [1]}")),
    (BAD, mapping("torch: acme::f, onnx: com.acme::F, result: {like: x, shape: 3}")),
    (BAD, mapping("torch: acme::f, onnx: com.acme::F, result: x")),
    (BAD, mapping("torch: acme::f, onnx: com.acme::F, results: []")),
    (BAD, mapping("torch: acme::f, onnx: com.acme::F, results: [{like: x}], result: {like: x}")),
    (READER, mapping("torch: acme::f, onnx: com.acme::F, result: {dtype: float3, shape: []}")),
    (READER, mapping("torch: acme::f, onnx: com.acme::F, result: {dtype: f32, shape: [\"x.0 +\"]}")),
    (BAD, mapping("torch: acme::f, onnx: Relu, priority: 3")),
    # passes
    (GOOD, provides("passes: [{name: fuse, stage: target, description: d, default: on, needs: [weights, eval, constant_folding], x-a: 1}]")),
    (GOOD, rule(PATTERN + REPLACE)),
    (GOOD, rule(PATTERN + REPLACE + ', opset: ">=17", where: {w: {constant: true, rank: [2, 3], dtype: f16, dims: [k, "?", 4]}, "@a": -1}')),
    (GOOD, rule(PATTERN + REPLACE + ', where: {x: {optional: true, value: 0.5, tolerance: 0.1, same_shape: w}, "@a": {one_of: [-1, 1]}}')),
    (GOOD, rule(PATTERN + REPLACE + ", types: {y: {dtype: f32, shape: [x.0, 3]}}")),
    (BAD, provides("passes: [Fuse It]")),
    (BAD, provides("passes: [{stage: target}]")),
    (BAD, provides("passes: [{name: fuse, stage: legalize}]")),
    (BAD, provides("passes: [{name: fuse, default: yes}]")),
    (BAD, provides("passes: [{name: fuse, needs: [gpu]}]")),
    (BAD, provides("passes: [{name: fuse, stage: target, rules: []}]")),
    (BAD, provides("passes: [{name: fuse, stage: target}]", library=False)),
    (BAD, rule(PATTERN + REPLACE, "name: fuse")),
    (BAD, rule(PATTERN)),
    (BAD, rule(REPLACE)),
    (BAD, rule(PATTERN + REPLACE + ", when: {}")),
    (BAD, rule(PATTERN + REPLACE + ", where: {w: {rnak: 2}}")),
    (BAD, rule(PATTERN + REPLACE + ", where: {w: {rank: two}}")),
    (BAD, rule(PATTERN + REPLACE + ", where: {w: {constant: 1}}")),
    (BAD, rule(PATTERN + REPLACE + ", types: {y: {dtype: f32, dims: [1]}}")),
    (READER, rule(PATTERN + REPLACE + ", where: {v: {rank: 2}}")),
    (READER, rule(PATTERN + REPLACE + ", where: {\"@b\": 2}")),
    (READER, rule(PATTERN + REPLACE + ", types: {z: {like: x}}")),
    (READER, rule('pattern: "(x) => (y) { y = Relu(z) }", ' + REPLACE)),
    (READER, rule(PATTERN + 'replace: "(x, w) => (y) { y = com.other.Op(x, w) }"')),
    (READER, provides("passes: [fuse, fuse]")),
    # targets and profiles
    (GOOD, top("default: off")),
    (GOOD, top("default: on")),
    (GOOD, top('targets: {com.acme.npu: {opset: "<=18", x-a: 1}, x-b: 2}')),
    (GOOD, top("targets: {com.acme.npu: {opset: 18}}")),
    (GOOD, top("profiles: [com.acme.npu.yaml, configs/b.yaml]")),
    (GOOD, HEAD + "profiles: [a.yaml]\nprovides: {}\n"),
    (GOOD, HEAD + "targets: {com.acme.npu: {opset: 18}}\nprovides: {}\n"),
    (BAD, HEAD + "profiles: []\nprovides: {}\n"),
    (BAD, top("default: true")),
    (READER, top('default: "off"')),
    (BAD, top("default: never")),
    (BAD, top("targets: [com.acme.npu]")),
    (BAD, top("targets: {npu: {opset: 18}}")),
    (BAD, top("targets: {com.acme.npu: 18}")),
    (BAD, top("targets: {com.acme.npu: {}}")),
    (BAD, top("targets: {com.acme.npu: {opset: new}}")),
    (BAD, top("targets: {com.acme.npu: {opset: 18, ir: 8}}")),
    (READER, top('targets: {com.acme.npu: {opset: ">20 <10"}}')),
    (BAD, top("profiles: a.yaml")),
    (BAD, top("profiles: [a.yml]")),
    (BAD, top("profiles: [../a.yaml]")),
    (BAD, top("profiles: [/a.yaml]")),
    # overrides
    (GOOD, top("overrides: [aten::gelu, aten::add.Tensor, org.onnxport.aten]")),
    (GOOD, top("overrides: []")),
    (BAD, top("overrides: [no op]")),
    (BAD, top("overrides: aten::gelu")),
    (BAD, top("overrides: [gelu]")),
]


def value_of(node: yaml.Node) -> Any:
    """As YAML 1.2 means it, and an editor sees it: PyYAML is of YAML 1.1, where `on` is true and 01:30 a number."""
    if isinstance(node, yaml.MappingNode):
        return {value_of(key): value_of(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [value_of(item) for item in node.value]
    text = node.value
    if node.style is not None:
        return text
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"[-+]?[0-9]+", text):
        return int(text)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", text):
        return float(text)
    return text


# What only the reader can refuse: codes, and what is said with them.
READER_SEES = (
    ("M106", "twice"), ("M110", ""), ("M112", ""), ("M114", ""),
    # One key against another.
    *[("M105", words) for words in ("is not in provides.domains", "is no argument of", "the mapping gives", "how many tensors the list that")],
    # Names and sizes that the reader knows.
    *[("M105", words) for words in ("is no element type", "is no size")],
)


def with_id(document: Any, number: int) -> str:
    """An id of its own, so that each is read for itself."""
    plugin = document.get("plugin") if isinstance(document, dict) else None
    if isinstance(plugin, dict) and plugin.get("id") == "com.acme.ops":
        document = {**document, "plugin": {**plugin, "id": f"com.acme.ops{number}"}}
    # A word of YAML that JSON has in quotes.
    return re.sub(r'"default": "(on|off)"', r'"default": \1', json.dumps(document))


def mutated(validator: jsonschema.Draft202012Validator) -> tuple[int, list[str]]:
    originals = [value_of(yaml.compose(text)) for verdict, text in CASES if verdict == GOOD]
    pairs = [(made, original) for (_, text), original in zip([c for c in CASES if c[0] == GOOD], originals, strict=True)
             for made in mutants(original, ("onnxport_manifest", "plugin") if text.startswith(HEAD) else ())]
    written = []
    with tempfile.TemporaryDirectory(prefix="onnxport-mutants-") as scratch:
        for number, (document, _) in enumerate(pairs):
            (Path(scratch) / f"{number:05}.onnxport.yaml").write_text(with_id(document, number))
        said = read_all(Path(scratch))
        for number, (document, original) in enumerate(pairs):
            entry = said[f"{number:05}.onnxport.yaml"]
            code = entry["code"] if entry["code"].startswith("M") else ""
            written.append((document, original, code, entry["reason"], [e.message for e in validator.iter_errors(document)]))
    return len(pairs), disagreements(written, READER_SEES)


def read_all(folder: Path) -> dict[str, dict[str, Any]]:
    """What onnxport says of each file of the folder."""
    done = subprocess.run([os.environ["ONNXPORT_BIN"], "--json", "plugin", "list", "--no-default-plugin-paths", "--plugin-path", folder],
                          capture_output=True, text=True, timeout=600)
    return {Path(p["manifest"]).name: p for p in json.loads(done.stdout)["plugins"]}


def main() -> int:
    schema = json.loads((Path(os.environ["ONNXPORT_SOURCE_DIR"]) / "sdk/schema/manifest.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    wrong = []
    with tempfile.TemporaryDirectory(prefix="onnxport-manifest-") as scratch:
        folder = Path(scratch)
        for number, (_, text) in enumerate(CASES):
            # An id of its own, so that each is read for itself.
            text = text.replace("id: com.acme.ops,", f"id: com.acme.ops{number},", 1)
            (folder / f"{number:03}.onnxport.yaml").write_text(text)
        said = read_all(folder)
        for number, (verdict, text) in enumerate(CASES):
            entry = said[f"{number:03}.onnxport.yaml"]
            by_reader = not entry["code"].startswith("M")
            errors = list(validator.iter_errors(value_of(yaml.compose(text))))
            if by_reader != (verdict == GOOD):
                wrong.append(f"case {number}, {verdict}: the reader says {entry['state']}: {entry['reason']}\n{text}")
            if (not errors) != (verdict != BAD):
                wrong.append(f"case {number}, {verdict}: the schema says {[e.message for e in errors]}\n{text}")
    examples = sorted(Path(os.environ["ONNXPORT_SOURCE_DIR"]).glob("**/*.onnxport.yaml"))
    examples = [e for e in examples if "build" not in e.parts and ".deps" not in e.parts]
    for example in examples:
        text = example.read_text().replace("@SHA256@", "ab" * 32)  # as the build fills it in
        for error in validator.iter_errors(value_of(yaml.compose(text))):
            wrong.append(f"{example}: the schema says {error.message}")
    tried, more = mutated(validator)
    wrong += more
    print(f"{len(CASES)} manifests, {tried} mutants and {len(examples)} of our own, {len(wrong)} disagreements")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
