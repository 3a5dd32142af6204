#!/usr/bin/env python3
"""classes.py [CLASS…]: operators that take objects of a vendor's C++ class (torch.classes)."""

from __future__ import annotations

import os
import sys
import unittest
from pathlib import Path

import onnx
import torch

from case import Case

BUILD = Path(os.environ["ONNXPORT_BUILD_DIR"])
KERNELS = BUILD / "tests/kernels/acme_kernels.so"
CLASS = '"acme.Codebook(Tensor weight, float scale)"'
FUNCTION = ('function: "(x, book_weight) => (y) { t = MatMul(x, book_weight)  s = Constant <value_float: float = @book_scale> ()  '
            'y = Mul(t, s) }"')
NODE = ("onnx: com.acme::Project\n      inputs: [x, book_weight]\n      attributes: {scale: book_scale}\n"
        "      result: {like: x, shape: [x.0, book_weight.1]}")


def nodes(path: Path) -> list[str]:
    return [n.op_type for n in onnx.load(path).graph.node]


class Objects(Case):
    def setUp(self) -> None:
        super().setUp()
        torch.classes.load_library(str(KERNELS))

        class Net(torch.nn.Module):
            def __init__(self, width: int) -> None:
                super().__init__()
                self.book = torch.classes.acme.Codebook(torch.randn(width, 3), 0.5)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.ops.acme.project(x, self.book)

        class Two(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.first, self.second = Net(4), Net(3)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                y = self.first(x)
                if bool(y.sum() > 0):
                    y = self.second(y)
                return y

        class Calls(Net):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.book.forward(x)

        torch.manual_seed(0)
        self.model, self.out = self.scratch / "m.pt", self.scratch / "m.onnx"
        torch.jit.script(Net(4)).save(str(self.model))
        torch.jit.script(Two()).save(str(self.scratch / "two.pt"))
        torch.jit.script(Calls(4)).save(str(self.scratch / "calls.pt"))

    def words(self, mapping: str, *more: object, classes: str = CLASS, model: str = "m.pt") -> tuple[object, ...]:
        manifest = self.scratch / "acme.onnxport.yaml"
        described = f"  classes: [{classes}]\n" if classes else ""
        manifest.write_text('onnxport_manifest: 1\nplugin: {id: com.acme.ops, version: "1.0.0"}\nprovides:\n'
                            f"  domains: [{{name: com.acme, version: 1}}]\n{described}  mappings:\n    - torch: acme::project\n      {mapping}\n")
        return ("export", self.scratch / model, "-o", self.out, "-i", "x:f32[batch=2,4]", "--plugin", manifest,
                "--torch-library", KERNELS, *more)

    def test_as_a_function(self) -> None:
        self.assertEqual(self.succeed(*self.words(FUNCTION, "--verify")).count("  verified at"), 4)
        self.assertEqual(nodes(self.out), ["MatMul", "Mul"])
        self.assertIn("book.0", [t.name for t in onnx.load(self.out).graph.initializer])

    def test_as_a_node(self) -> None:
        said = self.succeed(*self.words(NODE, "--verify", "--trust", "com.acme"))
        self.assertNotIn("differ", said)
        graph = onnx.load(self.out).graph
        self.assertEqual([(n.op_type, list(n.input)) for n in graph.node], [("Project", ["x", "book.0"])])
        self.assertEqual(graph.node[0].attribute[0].f, 0.5)
        self.assertEqual([d.dim_param or d.dim_value for d in graph.output[0].type.tensor_type.shape.dim], ["batch", 3])

    def test_in_a_branch_and_of_two_modules(self) -> None:
        self.succeed(*self.words(FUNCTION, "--verify", model="two.pt"))
        self.assertLessEqual({"first.book.0", "second.book.0"}, {t.name for t in onnx.load(self.out).graph.initializer})

    def test_in_a_library(self) -> None:
        source = self.scratch / "lib.cpp"
        source.write_text("""#include "onnxport/plugin.hpp"
using namespace onnxport;
static Value project(Op& op) { return op.MatMul(op["x"], op["book_weight"]) * op.real("book_scale"); }
ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"com.acme.lib", "1.0.0"}, {{"acme::project", project}});
  return plugin.table();
}
""")
        sdk = Path(os.environ["ONNXPORT_SOURCE_DIR"]) / "sdk/include"
        self.run_quietly("g++", "-std=c++17", "-shared", "-fPIC", f"-I{sdk}", source, "-o", self.scratch / "lib.so")
        manifest = self.scratch / "lib.onnxport.yaml"
        manifest.write_text('onnxport_manifest: 1\nplugin: {id: com.acme.lib, version: "1.0.0"}\nlibrary: {linux_amd64: lib.so, linux_arm64: lib.so}\n'
                            f"provides:\n  ops: [acme::project]\n  classes: [{CLASS}]\n")
        self.succeed("export", self.model, "-o", self.out, "-i", "x:f32[batch=2,4]", "--plugin", manifest, "--torch-library", KERNELS, "--verify")
        self.assertEqual(nodes(self.out), ["MatMul", "Mul"])

    def test_what_no_manifest_describes(self) -> None:
        said = self.refuse("T553", 14, *self.words(FUNCTION, classes=""))
        self.assertIn("no manifest says what the object 'book' of the class acme.Codebook is made of", said)
        # A method of the object has no graph.
        self.refuse("T541", 14, *self.words(FUNCTION, model="calls.pt"))
        words = [w for w in self.words(FUNCTION) if w not in ("--torch-library", KERNELS)]
        self.refuse("T543", 14, *words)

    def test_what_a_manifest_describes_otherwise(self) -> None:
        for described, why in (('"acme.Codebook(Tensor weight)"', "its state has 2 parts"),
                               ('"acme.Codebook(Tensor weight, int scale)"', "its part 'scale' is no int")):
            said = self.refuse("T553", 14, *self.words(FUNCTION, classes=described))
            self.assertIn(why, said)
            self.assertIn("acme.onnxport.yaml:5:13", said)
        self.refuse("T512", 14, *self.words(FUNCTION.replace("@book_scale", "@book_scala")))
        self.refuse("M112", 10, *self.words(FUNCTION, classes='"Codebook(Tensor weight)"'))
        self.refuse("M105", 10, *self.words(FUNCTION, classes='"acme.Codebook(Dict(str, int) weight)"'))


if __name__ == "__main__":
    unittest.main(argv=sys.argv, verbosity=2)
