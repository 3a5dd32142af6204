#!/usr/bin/env python3
"""authors.py [CLASS…]: a plugin's author, from nothing to a shipped mapping, on an installation and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
import unittest
from pathlib import Path

import onnx
import torch

from case import LOADER, Case

BUILD = Path(os.environ["ONNXPORT_BUILD_DIR"])
built: bytes | None = None  # the library of PluginCheck
SCHEMA = "acme::swish(Tensor x, float beta=1) -> Tensor"


LOADER["ONNXPORT_ORT_LIBRARY"] = str(BUILD / "lib/libonnxruntime.so")  # as its user says where it is


class Line(torch.nn.Module):
    def __init__(self, *more: torch.nn.Module) -> None:
        super().__init__()
        self.all = torch.nn.Sequential(torch.nn.Linear(4, 4), *more)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.all(x)


class Swish(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.acme.swish(self.linear(x), 1.0)


def ops(path: Path) -> list[str]:
    return [f"{n.domain}::{n.op_type}" if n.domain else n.op_type for n in onnx.load(path).graph.node]


class Author(Case):
    """docs/tutorial.md, step by step, with the time that each takes, and the lines that the author writes."""

    def setUp(self) -> None:
        super().setUp()
        self.times: list[tuple[str, float]] = []
        self.written = 0
        self.prefix = self.installed()
        self.program = self.prefix / "bin/onnxport"

    def step(self, what: str, *words: object) -> str:
        start = time.monotonic()
        said = self.run_quietly(*words)
        self.times.append((what, time.monotonic() - start))
        return said

    def tearDown(self) -> None:
        for what, took in self.times:
            print(f"  {took:6.2f} s  {what}")
        total = sum(took for _, took in self.times)
        print(f"  {total:6.2f} s  in all; {self.written} lines written")
        self.assertLess(total, 120)
        self.assertLess(self.written, 60)
        super().tearDown()

    def build(self, folder: Path, tests: int) -> Path:
        build = folder / "build"
        self.step("configure", "cmake", "-G", "Ninja", "-S", folder, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.step("build", "cmake", "--build", build)
        said = self.step("conformance kit", "ctest", "--test-dir", build, "--output-on-failure")
        self.assertRegex(said, rf"100% tests passed(, 0 tests failed)? out of {tests}\b")
        return build

    def edit(self, file: Path, old: str, new: str) -> None:
        text = file.read_text()
        self.assertEqual(text.count(old), 1, f"{old} in\n{text}")
        file.write_text(text.replace(old, new))
        self.written += len(new.splitlines())

    def new(self, kind: str, *words: object) -> Path:
        folder = self.scratch / "project"
        self.step(f"plugin new {kind}".rstrip(), self.program, "plugin", "new", "com.acme.project", *([kind] if kind else []), *words, "-o", folder)
        return folder

    def compile(self, folder: Path, *compiler: object) -> Path:
        """Without CMake: a compiler, and the library's sha256 put where the manifest has room for it; then the kit."""
        dropped = self.scratch / "plugins.d"
        dropped.mkdir()
        self.step(f"bare {compiler[0]}", *compiler, "-shared", "-fPIC", "-I", self.prefix / "include", "-o", dropped / "libproject.so")
        total = hashlib.sha256((dropped / "libproject.so").read_bytes()).hexdigest()
        manifest = dropped / "project.onnxport.yaml"
        manifest.write_text((folder / manifest.name).read_text().replace("@SHA256@", total))
        self.step("conformance kit", self.program, "plugin", "check", manifest)
        return dropped

    def models(self) -> tuple[Path, Path]:
        library = torch.library.Library("acme", "DEF")
        library.define("swish(Tensor x, float beta=1) -> Tensor")
        library.impl("swish", lambda x, beta=1.0: x * torch.sigmoid(x * beta), "CompositeExplicitAutograd")
        torch.library.register_fake("acme::swish", lambda x, beta=1.0: torch.empty_like(x), lib=library)
        self.addCleanup(library._destroy)
        module = Swish().eval()
        pt, pt2 = self.scratch / "m.pt", self.scratch / "m.pt2"
        torch.jit.trace(module, torch.randn(2, 4)).save(pt)
        torch.export.save(torch.export.export(module, (torch.randn(2, 4),)), pt2)
        return pt, pt2

    def export_both(self, folder: Path, expected: list[str]) -> None:
        for model in self.models():
            out = self.scratch / "m.onnx"
            said = self.step(f"export and verify {model.suffix}", self.program, "export", model, "-o", out, "--plugin-path", folder,
                             "-i", "x:f32[2,4]", "--verify", "--torch-library", BUILD / "tests/kernels/acme_kernels.so")
            self.assertIn("verified", said)
            self.assertEqual(ops(out), expected)

    def test_yaml_alone(self) -> None:
        folder = self.scratch / "swish"
        self.step("plugin new", self.program, "plugin", "new", "com.acme.swish", "--yaml-only", "--op", SCHEMA, "-o", folder)
        self.edit(folder / "swish.onnxport.yaml", "{ y = Identity(x) }", "{ s = Sigmoid(x)  y = Mul(x, s) }")
        build = self.build(folder, 1)
        self.export_both(build, ["Gemm", "Sigmoid", "Mul"])

    def test_yaml_alone_without_a_build(self) -> None:
        folder = self.new("--yaml-only", "--op", SCHEMA)
        self.edit(folder / "project.onnxport.yaml", "{ y = Identity(x) }", "{ s = Sigmoid(x)  y = Mul(x, s) }")
        self.step("conformance kit", self.program, "plugin", "check", folder / "project.onnxport.yaml")
        self.export_both(folder, ["Gemm", "Sigmoid", "Mul"])

    def test_in_c_with_a_bare_compiler(self) -> None:
        folder = self.new("--c", "--op", SCHEMA)
        self.edit(folder / "project.c", """  emit->node(c, text(""), text("Identity"), &x, 1, NULL, 0, sizeof(onnxport_attr), &y, 1);
""", """  onnxport_value both[2] = {x, 0};
  emit->node(c, text(""), text("Sigmoid"), &x, 1, NULL, 0, sizeof(onnxport_attr), &both[1], 1);
  emit->node(c, text(""), text("Mul"), both, 2, NULL, 0, sizeof(onnxport_attr), &y, 1);
""")
        self.export_both(self.compile(folder, "cc", "-std=c99", folder / "project.c"), ["Gemm", "Sigmoid", "Mul"])

    def test_in_cpp_with_a_bare_compiler(self) -> None:
        folder = self.new("", "--op", SCHEMA)
        self.edit(folder / "project.cpp", 'return op.Identity(op["x"]);', 'return op["x"] * op.Sigmoid(op["x"] * op.real("beta"));')
        self.export_both(self.compile(folder, "g++", "-std=c++17", folder / "project.cpp"), ["Gemm", "Sigmoid", "Mul"])

    def test_a_pass(self) -> None:
        """As it is made: a fusion of MatMul and Add. Its pattern is the line to edit."""
        folder = self.new("--pass")
        self.edit(folder / "project.onnxport.yaml", "where: {w: {constant: true, rank: 2}, b: {rank: 1}}", "where: {w: {constant: true}, b: {rank: 1}}")
        self.build(folder, 1)
        module, x = Line().eval(), torch.randn(2, 3, 4)
        pt, pt2, out = self.scratch / "l.pt", self.scratch / "l.pt2", self.scratch / "l.onnx"
        torch.jit.trace(module, x).save(pt)
        torch.export.save(torch.export.export(module, (x,)), pt2)
        for model in (pt, pt2):
            words = ("export", model, "-o", out, "-i", "x:f32[2,3,4]", "--plugin-path", folder / "build", "--pass", "com.acme.project")
            self.step(f"export {model.suffix}", self.program, *words)
            self.assertEqual(ops(out), ["com.acme::FusedLinear"])
            self.step(f"verify {model.suffix}", self.program, *words, "--verify", "--trust", "com.acme")

    def test_an_opset_with_a_bare_compiler(self) -> None:
        folder = self.new("--opset")
        self.edit(folder / "project.cpp", '"(X) => (Y) { s = Sigmoid (X)  Y = Mul (X, s) }"', '"(X) => (Y) { Y = Sigmoid (X) }"')
        dropped = self.compile(folder, "g++", "-std=c++17", folder / "project.cpp")
        module, x = Line(torch.nn.Sigmoid()).eval(), torch.randn(2, 4)
        pt, pt2, out = self.scratch / "l.pt", self.scratch / "l.pt2", self.scratch / "l.onnx"
        torch.jit.trace(module, x).save(pt)
        torch.export.save(torch.export.export(module, (x,)), pt2)
        for model in (pt, pt2):
            self.step(f"export {model.suffix}", self.program, "export", model, "-o", out, "-i", "x:f32[2,4]", "--plugin-path", dropped,
                      "--opset", 29)
            self.assertEqual(next(o.version for o in onnx.load(out).opset_import if not o.domain), 29)

    def test_in_cpp(self) -> None:
        folder = self.scratch / "swish"
        self.step("plugin new", self.program, "plugin", "new", "com.acme.swish", "--op", SCHEMA, "-o", folder)
        self.edit(folder / "swish.cpp", 'return op.Identity(op["x"]);', 'return op["x"] * op.Sigmoid(op["x"] * op.real("beta"));')
        build = self.build(folder, 1)
        manifest = (build / "swish.onnxport.yaml").read_text()
        self.assertNotIn("@SHA256@", manifest)
        self.export_both(build, ["Gemm", "Sigmoid", "Mul"])
        # Installed beside onnxport's own plugins it is found by itself, with the sha256 that it was built with.
        self.step("install", "cmake", "--install", build, "--prefix", self.prefix)
        listed = json.loads(self.run_quietly(self.program, "--json", "plugin", "list"))
        state = {p["id"]: (p["state"], p["tier"], p["code"]) for p in listed["plugins"]}
        self.assertEqual(state["com.acme.swish"], ("active", "built-in", ""))

    def test_the_other_kinds(self) -> None:
        for kind, words in (("c", ("--op", SCHEMA)), ("pass", ()), ("opset", ()), ("target", ())):
            with self.subTest(kind):
                folder = self.scratch / kind
                self.step(f"plugin new --{kind}", self.program, "plugin", "new", f"com.acme.{kind}", f"--{kind}", *words, "-o", folder)
                self.build(folder, 1)
        out = self.scratch / "m.onnx"
        model = self.scratch / "linear.pt2"
        torch.export.save(torch.export.export(torch.nn.Linear(4, 4).eval(), (torch.randn(2, 4),)), model)
        self.run_quietly(self.program, "export", model, "-o", out, "--plugin-path", self.scratch / "target/build", "--config", "com.acme.target")
        self.assertEqual(ops(out), ["com.acme::Linear"])
        self.assertEqual(next(o.version for o in onnx.load(out).opset_import if not o.domain), 18)

    def test_what_cannot_be_made(self) -> None:
        def refused(code: str, status: int, *words: object) -> str:
            done = subprocess.run([self.program, "plugin", "new", *map(str, words)], capture_output=True, text=True, env=LOADER,
                                  cwd=self.scratch, timeout=60)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertRegex(done.stderr, rf"error {code}\b")
            return done.stderr

        refused("M105", 10, "Acme", "--op", SCHEMA)
        refused("M104", 10, "com.acme.ops")
        refused("M112", 10, "com.acme.ops", "--op", "acme::swish(Tensr x)")
        refused("M105", 10, "com.acme.ops", "--op", "acme::swish(int n) -> int")
        (self.scratch / "there").mkdir()
        (self.scratch / "there/file").write_text("mine")
        refused("S709", 16, "com.acme.ops", "--op", SCHEMA, "-o", self.scratch / "there")
        refused("S705", 16, "com.acme.ops", "--op", SCHEMA, "-o", "/proc/nowhere")
        self.assertEqual(self.left(), ["prefix", "there"])

    def test_a_model_as_a_part_of_a_build(self) -> None:
        """What the file was made from is known to the build: each of model, manifest, library and profile, and nothing else."""
        _, model = self.models()
        folder = self.new("--c", "--op", SCHEMA)
        project, profile = self.scratch / "uses", self.scratch / "uses/mine.yaml"
        project.mkdir()
        (project / "model.pt2").write_bytes(model.read_bytes())
        profile.write_text("onnxport_config: 1\nopset: 18\n")
        dropped = self.compile(folder, "cc", "-std=c99", folder / "project.c")
        manifest = dropped / "project.onnxport.yaml"
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.22)\nproject(uses LANGUAGES NONE)\nfind_package(onnxport REQUIRED)\n"
            f"onnxport_add_model(net MODEL model.pt2 CONFIG mine.yaml OPTIONS --plugin {manifest})\n")
        build = project / "build"
        self.step("configure", "cmake", "-G", "Ninja", "-S", project, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")

        def opset() -> int:
            return next(o.version for o in onnx.load(build / "net.onnx").opset_import if not o.domain)

        def makes(what: str, *expected: str) -> None:
            said = self.step(f"build: {what}", "cmake", "--build", build)
            self.assertNotIn("no work to do", said, what)
            self.assertEqual(ops(build / "net.onnx"), [*expected])
            self.assertIn("no work to do", self.run_quietly("cmake", "--build", build), f"after {what}")

        makes("the first time", "Gemm")
        profile.write_text("onnxport_config: 1\nopset: 19\n")
        makes("another profile", "Gemm")
        self.assertEqual(opset(), 19)
        self.edit(folder / "project.c", 'text("Identity")', 'text("Sigmoid")')
        # Without a sum, so that the library alone changes.
        manifest.write_text(re.sub(r', sha256: "[^"]*"', "", manifest.read_text()))
        makes("another manifest", "Gemm")
        self.run_quietly("cc", "-std=c99", "-shared", "-fPIC", "-I", self.prefix / "include", folder / "project.c", "-o", dropped / "libproject.so")
        makes("another library", "Gemm", "Sigmoid")
        torch.export.save(torch.export.export(Line(torch.nn.ReLU()).eval(), (torch.randn(2, 4),)), project / "model.pt2")
        makes("another model", "Gemm", "Relu")
        profile.unlink()
        profile.write_text("onnxport_config: 1\nopset: 20\n")
        makes("another profile, without the plugin", "Gemm", "Relu")
        self.assertEqual(opset(), 20)


class PluginCheck(Case):
    """plugin check and --isolate, on plugins that are in no order."""

    plugins = BUILD / "tests/plugins"

    def manifest(self, name: str, text: str) -> Path:
        path = self.scratch / f"{name}.onnxport.yaml"
        path.write_text(f'onnxport_manifest: 1\nplugin: {{id: com.acme.{name}, version: "1.0.0"}}\n{text}')
        return path

    def mapping(self, function: str, schema: str = "acme::f(Tensor x) -> Tensor", more: str = "") -> Path:
        return self.manifest("m", f'provides: {{mappings: [{{torch: "{schema}", function: "{function}"{more}}}]}}\n')

    def test_a_good_one(self) -> None:
        said = self.succeed("plugin", "check", self.mapping("(x) => (y) { s = Sigmoid(x)  y = Mul(x, s) }"))
        self.assertIn("acme::f at opset", said)
        self.assertIn("ok, with f32[n,3]", said)

    def test_what_is_wrong_is_told_by_family(self) -> None:
        self.refuse("M103", 10, "plugin", "check", self.manifest("m", "provide: {}\n"))
        self.refuse("M101", 10, "plugin", "check", self.scratch / "nowhere.onnxport.yaml")
        self.refuse("T512", 14, "plugin", "check", self.mapping("(x) => (y) { y = Sigmoid(z) }"))
        self.refuse("T511", 14, "plugin", "check", self.mapping("(x) => (y) { y = Sigmoyd(x) }"))
        self.refuse("L202", 11, "plugin", "check", self.manifest("m", "library: {linux_amd64: gone.so, linux_arm64: gone.so}\n"
                                                                "provides: {ops: [acme::f]}\n"))

    def test_texts_that_are_made_to_hurt(self) -> None:
        """Functions of manifests: each is taken or refused by a code, at once."""
        doubled = "c0 = Constant <value_ints = [1, 2, 3, 4]> () " + " ".join(f"c{i + 1} = Concat <axis = 0> (c{i}, c{i})" for i in range(60))
        deep = "t = CastLike (x, x)"
        for i in range(400):
            deep = (f"c{i} = Constant <value = bool {{1}}> () t{i} = If (c{i}) <then_branch = a{i} () => (v{i}) {{ v{i} = Identity (x) }}, "
                    f"else_branch = b{i} () => (w{i}) {{ {deep} w{i} = Identity (x) }}>")
        bodies = {
            "itself": "y = com.acme.f (x)", "a cycle": "a = Add (x, b)  b = Add (x, a)  y = Identity (b)", "twice": "y = Relu (x)  y = Neg (x)",
            "deep": f"{deep} y = Identity (x)", "a list that doubles": f"{doubled} s = Shape (c60)  y = Reshape (x, s)",
            "a huge tensor": "c = Constant <value = float[99999999999] {1}> ()  y = Add (x, c)",
            "a huge constant": "s = Constant <value_ints = [1000000, 1000000, 1000000]> ()  c = ConstantOfShape (s)  y = Add (x, c)",
            "a huge pad": "p = Constant <value_ints = [0, 4000000000000000000, 0, 4000000000000000000]> ()  y = Pad (x, p)",
            "a loop": "n = Constant <value_int = 9000000000000000000> ()  y = Loop (n, , x) <body = g (i, c, s) => (d, t) { d = Identity (c)  t = Relu (s) }>",
            "no attribute": "y = LeakyRelu <alpha = \"x\"> (x)", "no text": "y = LeakyRelu <alpha: float = @> (x)", "many": "a = Relu (x) " * 3000,
            "a long name": f"y{'y' * 60000} = Relu (x)  y = Neg (x)", "brackets": "y = Relu (" + "(" * 5000, "a division": "a = Constant <value_int = 0> ()  "
            "b = Div (a, a)  c = Cast <to = 1> (b)  y = Add (x, c)",
            "a wild shift": "a = Constant <value_int = -9223372036854775808> ()  m = Constant <value_int = -1> ()  b = Div (a, m)  "
                            "c = Mod (a, m)  d = Add (b, c)  e = Cast <to = 1> (d)  y = Add (x, e)"}
        for name, body in bodies.items():
            for kept in ("", ", keep_function: true"):
                with self.subTest(name, kept=bool(kept)):
                    text = json.dumps(f"(x) => (y) {{ {body} }}")
                    manifest = self.manifest("m", "provides: {domains: [{name: com.acme, version: 1}], "
                                             f'mappings: [{{torch: "acme::f(Tensor x) -> Tensor", function: {text}{kept}}}]}}\n')
                    started = time.monotonic()
                    done = self.run_program("plugin", "check", manifest)
                    self.assertLess(time.monotonic() - started, 10)
                    self.assertIn(done.returncode, (0, 10, 14, 15), done.stderr[-2000:])
                    self.assertNotIn("defect of onnxport", done.stderr)
                    if done.returncode:
                        self.assertRegex(done.stderr, r"error [MTO]\d{3}\b")

    SOURCE = """#include "onnxport/plugin.hpp"
#include <cstdlib>
#include <unistd.h>
using namespace onnxport;
static int calls = 0;
static Value f(Op& op) {
  switch (op.integer_option("mode", 0)) {
    case 1: std::abort();
    case 2: *(volatile int*)0 = 1; break;
    case 3: for (;;) usleep(1000);
    case 4: _exit(0);
    case 5: if (++calls % 2) return op.Relu(op["x"]);
  }
  return op.Identity(op["x"]);
}
ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"com.acme.hostile", "1.0.0"}, {{"acme::f", f}});
  return plugin.table();
}
"""

    def compile(self, *words: object, more: str = "") -> None:
        source = self.scratch / "hostile.cpp"
        source.write_text(self.SOURCE + more)
        sdk = Path(os.environ["ONNXPORT_SOURCE_DIR"]) / "sdk/include"
        self.run_quietly("g++", "-std=c++17", "-shared", "-fPIC", f"-I{sdk}", source, "-o", self.scratch / "hostile.so", *words)

    def library(self) -> Path:
        """Compiled once for all tests; what it does is chosen by its option."""
        global built
        if built is None:
            self.compile()
            built = (self.scratch / "hostile.so").read_bytes()
        (self.scratch / "hostile.so").write_bytes(built)
        return self.manifest("hostile", "library: {linux_amd64: hostile.so, linux_arm64: hostile.so}\n"
                             'provides: {ops: [acme::f], schemas: ["acme::f(Tensor x) -> Tensor"]}\n')

    def mode(self, number: int) -> tuple[str, ...]:
        return "--plugin-option", f"com.acme.hostile:mode={number}"

    MODES = ((1, (), "by signal 6"), (2, (), "by signal 11"), (3, ("--time-limit", "3"), "within 3 s"), (4, (), "with status 14"))

    def test_what_a_plugin_does_to_the_process_ends_in_a_child(self) -> None:
        manifest = self.library()
        for number, words, said in self.MODES:
            with self.subTest(said):
                self.assertIn(said, self.refuse("L216", 11, "plugin", "check", manifest, *self.mode(number), *words))

    def test_a_mapping_that_changes_its_mind(self) -> None:
        said = self.refuse("T518", 14, "plugin", "check", self.library(), *self.mode(5))
        self.assertIn("gives another graph when it is asked again", said)

    def test_an_operator_that_is_promised_and_not_there(self) -> None:
        manifest = self.library()
        self.succeed("plugin", "check", manifest)
        manifest.write_text(manifest.read_text().replace("ops: [acme::f]", "ops: [acme::f, acme::g]"))
        self.assertIn("acme::g", self.refuse("M116", 10, "plugin", "check", manifest))

    def test_symbols_and_needs(self) -> None:
        manifest = self.library()
        said = self.run_program("plugin", "check", manifest)
        self.assertNotIn("L214", said.stderr)  # the SDK's wrapper keeps itself out of sight, whatever the flags
        self.compile(f"-L{BUILD}/lib", "-Wl,--no-as-needed", "-lonnxport", more="int everybody_sees_me = 1;\n")
        done = self.run_program("plugin", "check", manifest)
        self.assertEqual(done.returncode, 11, done.stderr)
        self.assertRegex(done.stderr, "warning L214: .*everybody_sees_me")
        self.assertRegex(done.stderr, "error L215: .*linked with libonnxport.so")

    def odd(self, breaks: int) -> Path:
        """A library that breaks one promise; see odd_plugin.cpp."""
        sdk = Path(os.environ["ONNXPORT_SOURCE_DIR"]) / "sdk/include"
        self.run_quietly("g++", "-std=c++17", "-shared", "-fPIC", "-fvisibility=hidden", f"-DBREAKS={breaks}", f"-I{sdk}",
                         Path(__file__).parent / "odd_plugin.cpp", "-o", self.scratch / "odd.so")
        return self.manifest("odd", "library: {linux_amd64: odd.so, linux_arm64: odd.so}\n"
                             'provides: {ops: [acme::f], schemas: ["acme::f(Tensor x) -> Tensor"]}\n')

    def test_what_the_kit_tries_of_a_library(self) -> None:
        said = self.succeed("plugin", "check", self.odd(0))
        for what in ("the query answers the same", "opened and closed a hundred times", "the query in a host of ABI 1.0",
                     "the query in a host of a later ABI minor", "the query in a host that offers nothing", "the minor that it needs",
                     "the mappings in a host of ABI 1.0", "the mappings in a host of a later ABI minor"):
            self.assertRegex(said, rf"{what}.*\bok")
        self.assertRegex(said, r"acme::f when a call of the host fails\s+ok, each of 3\b")

    def test_promises_of_the_abi_that_are_broken(self) -> None:
        self.assertIn("another answer", self.refuse("L231", 11, "plugin", "check", self.odd(1)))
        self.assertIn("a later ABI minor", self.refuse("L232", 11, "plugin", "check", self.odd(2)))
        self.assertIn("gives another graph in a host", self.refuse("L232", 11, "plugin", "check", self.odd(3)))
        self.assertIn("throws an exception", self.refuse("T551", 14, "plugin", "check", self.odd(4)))
        done = self.run_program("plugin", "check", self.odd(5))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, "warning T551: .*says that all is well although call 1 of the host failed")
        self.assertIn("a table for every id", self.refuse("L231", 11, "plugin", "check", self.odd(6)))

    def test_calls_that_the_author_writes_down(self) -> None:
        manifest = self.mapping("(x) => (y) { s = Sigmoid(x)  y = Mul(x, s) }", "acme::f(Tensor x, int[] sizes=[1], str? mode=None) -> Tensor")
        said = self.succeed("plugin", "check", manifest, "--call", "acme::f(f32[n,4])", "--call", "acme::f(f16[2], sizes=[1, 2], mode='fast')")
        self.assertRegex(said, r"acme::f\(f16\[2\], sizes=\[1, 2\], mode='fast'\) at opset \d+\s+ok")
        for call in ("acme::f", "acme::f()", "acme::f(f32[2], 1, 2, 3)", "acme::f(f32[2], size=1)", "acme::f(x=f32[2], x=f32[2])",
                     "acme::f(f32[2)", "acme::f(f99[2])", "acme::unknown(f32[2])"):
            with self.subTest(call):
                self.refuse("T552", 14, "plugin", "check", manifest, "--call", call)
        self.refuse("T512", 14, "plugin", "check", self.mapping("(x) => (y) { y = Sigmoid(z) }"), "--call", "acme::f(f32[2])")

    def test_isolated_exports(self) -> None:
        library = torch.library.Library("acme", "FRAGMENT")
        library.define("f(Tensor x) -> Tensor")
        self.addCleanup(library._destroy)
        torch.library.register_fake("acme::f", lambda x: torch.empty_like(x), lib=library)

        class Net(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.ops.acme.f(x)

        model, out = self.scratch / "m.pt2", self.scratch / "m.onnx"
        torch.export.save(torch.export.export(Net(), (torch.randn(2),)), model)
        words = ("export", model, "-o", out, "--isolate")
        manifest = self.library()
        for number, more, said in self.MODES:
            with self.subTest(said):
                self.assertIn(said, self.refuse("L216", 11, *words, "--plugin", manifest, *self.mode(number), *more))
                self.assertFalse(out.exists())
        said = self.refuse("T549", 14, *words[:-1], "--plugin", manifest, *self.mode(3), "--time-limit", "1")
        self.assertRegex(said, r"error T549: not done within 1 s: capture took .*translate has run for")
        self.assertEqual([p.name for p in self.scratch.iterdir() if p.suffix in (".onnx", ".tmp")], [])
        self.succeed(*words, "--plugin", manifest)
        self.assertEqual(ops(out), ["Identity"])
        self.refuse("I101", 18, "export", self.scratch / "gone.pt2", "--isolate")


if __name__ == "__main__":
    unittest.main(argv=sys.argv, verbosity=2)
