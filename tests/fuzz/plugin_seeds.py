"""Manifests, profiles and patterns to start from: those of the tree as they are, and some written as JSON, which stays whole
when it is mutated value by value."""

from __future__ import annotations

import json
import random
from pathlib import Path

ROOT = Path(__file__).parents[2]
SIZE = "Tensor x, float scale=1, Tensor[] more, int[] sizes=[1], ScalarType? dtype=None"

RULES = [
    ("(x, w, b) => (y) { t = MatMul(x, w)  y = Add(t, b) }", "(x, w, b) => (y) { y = com.acme.Linear<alpha: float = 1.0>(x, w, b) }",
     {"w": {"constant": True, "rank": 2}, "b": {"rank": [1, 2]}}, {}),
    ("(x) => (y) { s = Sigmoid(x)  y = Mul(x, s) }", "(x) => (y) { y = com.acme.Swish(x) }", {"x": {"dtype": ["f32", "f16"]}}, {"y": {"like": "x"}}),
    ("(x) => (y) { y = Softmax<axis = @axis>(x) }", "(x) => (y) { y = LogSoftmax<axis: int = @axis>(x) }", {"@axis": {"one_of": [-1, 1]}}, {}),
    ("(x) => (y) { m = Mul(x, x)  c = Constant<value_float = 1.0>()  y = Add(m, c) }", "(x) => (y) { y = com.acme.Square(x) }",
     {"x": {"dims": ["n", "?"]}}, {"y": {"dtype": "f32", "shape": ["x.0", "2*x.1 - 4"]}}),
    ("(x, k) => (y, z) { z = Transpose<perm = @p>(x)  y = Reshape(z, k) }", "(x, k) => (y, z) { z = Transpose<perm: ints = @p>(x)  y = Identity(x) }",
     {"k": {"constant": True, "optional": True}, "@p": [1, 0]}, {}),
    ("(x) => (y) { y = Relu(x) }", "(x) => (y) { c = Constant<value = float {0.5}>()  m = Max(x, c)  y = Min(m, x) }",
     {"x": {"value": 0.5, "tolerance": 0.1, "same_shape": "y"}}, {}),
    ("(x) => (y) { y = GlobalAveragePool(x) }", "(x) => (y) { y = ReduceMean<keepdims = 1>(x) }", {"x": {"rank": 4}}, {}),
]

MANIFEST = {
    "onnxport_manifest": 1,
    "plugin": {"id": "com.acme.ops", "version": "1.0.0", "name": "Acme", "publisher": "p", "license": "MIT", "url": "https://a", "description": "d"},
    "abi": {"major": 1, "minor": 0},
    "library": {"linux_amd64": {"path": "lib/a.so", "sha256": "ab" * 32}, "linux_arm64": "b.so"},
    "requires": {"onnxport": ">=0.1 <2", "plugins": [{"id": "org.onnxport.aten", "version": "*"}]},
    "default": "off", "targets": {"com.acme.npu": {"opset": "<=18"}}, "profiles": ["a/com.acme.npu.yaml"], "overrides": ["aten::gelu", "a.b"],
    "provides": {
        "ops": ["acme::f", "acme::g.out"], "opsets": [{"version": 29}, {"domain": "com.acme", "version": 2}],
        "domains": [{"name": "com.acme", "version": 2}], "schemas": ["acme::f(Tensor x) -> Tensor", "acme::h(Tensor(a!) x, *, int[2]? n=None) -> ()"],
        "passes": [{"name": "fuse", "description": "d", "stage": "optimize", "needs": ["weights", "eval", "constant_folding"],
                    "rules": [{"pattern": p, "replace": r, "where": w, "types": t, "opset": ">=17"} for p, r, w, t in RULES]}],
    },
}

MAPPINGS = [
    {"torch": f"acme::f({SIZE}) -> Tensor", "onnx": "com.acme::F", "inputs": ["x", "more"],
     "attributes": {"alpha": "scale", "steps": 3, "axes": "sizes", "mode": "\"fast\"", "names": ["a"]}, "result": {"like": "x"}, "opset": ">=17 <23"},
    {"torch": f"acme::f({SIZE}) -> (Tensor, Tensor)", "onnx": "com.acme::F",
     "results": [{"like": "x", "shape": ["x[:-1]", "2*x.0 + 1"]}, {"dtype": "@dtype", "shape": ["x.1", 3]}]},
    {"torch": "acme::f(Tensor x, Tensor? y=None) -> Tensor[]", "onnx": "com.acme::F", "results": [{"like": "x"}, {"dtype": "i64", "shape": []}]},
    {"torch": "acme::swish(Tensor x, float beta=1) -> Tensor", "function_opset": 20, "keep_function": True,
     "function": "(x) => (y) { b = Constant<value_float: float = @beta>()  t = Mul(x, b)  s = Sigmoid(t)  y = Mul(x, s) }"},
    {"torch": "acme::shift_(Tensor(a!) x, float by) -> ()", "function": "(x) => (y) { y = Elu<alpha: float = @by>(x) }"},
    {"torch": "acme::pick(Tensor x, int[] sizes) -> (Tensor, Tensor)",
     "function": "(x) => (y, z) { n = Constant<value_ints: ints = @sizes>()  y = Expand(x, n)  z = Shape(x) }"},
]

PROFILE = {
    "onnxport_config": 1, "description": "d", "extends": ["default", "./other.yaml"], "target": "com.acme.npu", "opset": {"ai.onnx": 18, "com.acme": 2},
    "ir_version": 9, "takes": {"types": ["f32", "bfloat16"], "operators": {"Conv": True, "Add": ["f32"], "Resize": {"T1": ["f32"]}, "*": False},
                               "compute": {"bf16": "f32"}, "expand": True},
    "plugins": {"require": ["com.acme.npu >=1.2"], "prefer": ["a.b"], "disable": ["*"], "options": {"a.b": {"level": 7, "on": True, "mode": "fast"}}},
    "passes": {"on": ["fuse"], "off": []}, "constant_folding": False,
    "weights": {"store": "reference", "inline_below": 0, "parameters_as_inputs": True}, "names": {"inputs": ["x"], "outputs": ["y"], "provenance": True},
    "state": "drop", "verify": {"rtol": 1e-3, "atol": 0, "second_size": True, "trust": ["com.acme"], "ort_libraries": ["a.so"]}, "x-ours": {"any": ["thing"]},
}


def copies(paths: list[Path], into: Path, largest: int) -> None:
    for path in sorted(paths):
        if path.stat().st_size <= largest:
            (into / f"{path.parent.name}_{path.name}").write_bytes(path.read_bytes())


def write(out: Path, largest: int) -> None:
    trees = [ROOT / "plugins", ROOT / "sdk/example"]
    copies([p for tree in trees for p in tree.glob("**/*.onnxport.yaml")], out / "manifest", largest)
    copies([*ROOT.glob("configs/*.yaml")], out / "profile", largest)
    (out / "manifest/all.json").write_text(json.dumps(MANIFEST))
    for i, mapping in enumerate(MAPPINGS):
        only = {"domains": [{"name": "com.acme", "version": 2}], "mappings": [mapping]}
        (out / f"manifest/mapping_{i}.json").write_text(json.dumps({"onnxport_manifest": 1, "plugin": MANIFEST["plugin"], "provides": only}))
    (out / "profile/all.json").write_text(json.dumps(PROFILE))
    for key, value in PROFILE.items():
        (out / f"profile/{key}.json").write_text(json.dumps({"onnxport_config": 1, key: value}))
    for i, (pattern, replacement, where, types) in enumerate(RULES):
        parts = [pattern, replacement, json.dumps(where) if where else "", json.dumps(types) if types else ""]
        (out / f"pattern/{i}.txt").write_text("\0".join(parts))
    for i in range(24):
        (out / f"abi/{i}.bin").write_bytes(random.Random(i).randbytes(40 + 20 * i))
