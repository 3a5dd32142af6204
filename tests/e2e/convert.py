#!/usr/bin/env python3
"""convert.py [CLASS…]: `onnxport convert` as a person runs it, on files that the onnx package makes here."""

from __future__ import annotations

import json
import os
import sys
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

from case import Case

NO_TORCH = {"ONNXPORT_TORCH_LIBRARY": "/nonexistent"}


def value(name: str, dtype: int = T.FLOAT, shape: Any = ("batch", 4)) -> onnx.ValueInfoProto:
    return h.make_tensor_value_info(name, dtype, shape)


def model(graph: onnx.GraphProto, opset: int = 23, **more: Any) -> onnx.ModelProto:
    imports = [h.make_opsetid("", opset), *(h.make_opsetid(d, v) for d, v in more.pop("domains", {}).items())]
    made = h.make_model(graph, opset_imports=imports, producer_name="somebody", **more)
    made.ir_version = more.get("ir_version", min(made.ir_version, 10))
    return made


def linear(opset: int = 23, rows: int = 4) -> onnx.ModelProto:
    """x -> Gemm -> Gelu -> y, with a weight, names, doc strings and metadata."""
    w = nh.from_array(np.arange(rows * 4, dtype=np.float32).reshape(rows, 4) / 10, "layer.weight")
    nodes = [h.make_node("Gemm", ["x", "layer.weight"], ["hidden"], name="/layer/Gemm", transB=1, doc_string="a layer"),
             h.make_node("Gelu", ["hidden"], ["y"], name="/act/Gelu", approximate="tanh")]
    graph = h.make_graph(nodes, "named", [value("x")], [value("y", shape=("batch", rows))], [w], doc_string="a graph",
                         value_info=[value("hidden", shape=("batch", rows))])
    made = model(graph, opset)
    made.doc_string = "a model"
    made.model_version = 7
    made.domain = "org.example"
    h.set_model_props(made, {"author": "ann", "zoo": "a"})
    return made


def run(file: Path | bytes, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    source = str(file) if isinstance(file, Path) else file
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"]).run(None, feeds)


class Files(Case):
    def save(self, made: onnx.ModelProto, name: str = "in.onnx", **options: Any) -> Path:
        file = self.scratch / name
        onnx.save(made, file, **options)
        return file

    def offered(self) -> list[int]:
        listed = json.loads(self.succeed("plugin", "list", "--json"))
        return sorted(o for p in listed["plugins"] if p["state"] == "active" for o in p["opsets"])

    def convert(self, file: Path, opset: object, *words: object, name: str = "out.onnx") -> onnx.ModelProto:
        output = self.scratch / name
        self.succeed("convert", file, "-o", output, "--opset", opset, "-q", *words, env=NO_TORCH)
        written = onnx.load(output)
        onnx.checker.check_model(str(output), full_check=True)
        return written

    def same(self, file: Path, other: Path, feeds: dict[str, np.ndarray]) -> None:
        for a, b in zip(run(file, feeds), run(other, feeds), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


class Contents(Files):
    def test_what_a_file_says_is_kept(self) -> None:
        file = self.save(linear())
        for opset in (23, 20, 19, 18):
            with self.subTest(opset):
                written = self.convert(file, opset)
                self.assertEqual({o.domain: o.version for o in written.opset_import}, {"": opset})
                self.assertEqual((written.producer_name, written.doc_string, written.model_version, written.domain),
                                 ("somebody", "a model", 7, "org.example"))
                self.assertEqual([(p.key, p.value) for p in written.metadata_props], [("author", "ann"), ("zoo", "a")])
                graph = written.graph
                self.assertEqual((graph.name, graph.doc_string), ("named", "a graph"))
                self.assertEqual([list(v.type.tensor_type.shape.dim)[0].dim_param for v in (*graph.input, *graph.output)],
                                 ["batch", "batch"])
                self.assertEqual([i.name for i in graph.initializer if i.name == "layer.weight"], ["layer.weight"])
                self.assertEqual((graph.node[0].name, graph.node[0].doc_string, graph.node[0].output[0]),
                                 ("/layer/Gemm", "a layer", "hidden"))
                self.assertIn("hidden", [v.name for v in graph.value_info])
                self.same(file, self.scratch / "out.onnx", {"x": np.random.rand(3, 4).astype(np.float32)})

    def test_dim_names_that_look_like_arithmetic_are_names(self) -> None:
        shape = ("seq-len", "a - a", "2*n", "n+1")
        graph = h.make_graph([h.make_node("Relu", ["x"], ["y"])], "g", [value("x", shape=shape)], [value("y", shape=shape)])
        written = self.convert(self.save(model(graph)), 18)
        for end in (*written.graph.input, *written.graph.output):
            self.assertEqual(tuple(d.dim_param for d in end.type.tensor_type.shape.dim), shape)

    def test_element_types_in_both_places_of_a_tensor(self) -> None:
        kinds = [T.FLOAT, T.DOUBLE, T.FLOAT16, T.BFLOAT16, T.INT8, T.UINT8, T.INT16, T.UINT16, T.INT32, T.UINT32, T.INT64,
                 T.UINT64, T.BOOL, T.STRING, T.FLOAT8E4M3FN, T.FLOAT8E5M2, T.INT4, T.UINT4, T.FLOAT4E2M1, T.COMPLEX64]
        for raw in (False, True):
            tensors, outputs = [], []
            for kind in kinds:
                if kind == T.STRING and raw:
                    continue
                name = T.DataType.Name(kind)
                data = [b"a", b"", b"\xc3\xa9"] if kind == T.STRING else np.array([1, 0, 1])
                made = h.make_tensor(name, kind, [3], data)
                if raw:
                    made = nh.from_array(nh.to_array(made), name)
                    self.assertEqual(made.data_type, kind)
                tensors.append(made)
                outputs.append(value(f"{name}_out", kind, [3]))
            nodes = [h.make_node("Identity", [t.name], [f"{t.name}_out"]) for t in tensors]
            made = model(h.make_graph(nodes, "g", [], outputs, tensors), 23, ir_version=11)
            written = self.convert(self.save(made), 24 if 24 in self.offered() else 23, name=f"raw{raw}.onnx")
            self.assertGreaterEqual(written.ir_version, 11)
            back = {t.name: t for t in written.graph.initializer}
            for tensor in tensors:
                with self.subTest(tensor.name, raw=raw):
                    self.assertEqual(back[tensor.name].data_type, tensor.data_type)
                    np.testing.assert_array_equal(nh.to_array(back[tensor.name]), nh.to_array(tensor))

    def test_sparse_and_string_tensors_annotations_and_types_that_are_no_tensors(self) -> None:
        sparse = h.make_sparse_tensor(h.make_tensor("s", T.FLOAT, [2], [3.0, 4.0]), h.make_tensor("s_i", T.INT64, [2], [1, 6]), [2, 4])
        words = h.make_tensor("words", T.STRING, [2], [b"one", b"two"])
        scale = nh.from_array(np.float32(0.5), "scale")
        nodes = [h.make_node("Take", ["x", "s"], ["y"], domain="com.acme"), h.make_node("Identity", ["words"], ["w"]),
                 h.make_node("SequenceConstruct", ["x", "y"], ["seq"]),
                 h.make_node("Constant", [], ["text"], value=h.make_tensor("t", T.STRING, [1], [b"hi"])),
                 h.make_node("Optional", ["x"], ["maybe"]),
                 h.make_node("Optional", [], ["none"], type=h.make_tensor_type_proto(T.FLOAT, [2]))]
        optional = h.make_optional_type_proto(h.make_tensor_type_proto(T.FLOAT, [2, 4]))
        none = h.make_optional_type_proto(h.make_tensor_type_proto(T.FLOAT, [2]))
        graph = h.make_graph(nodes, "g", [value("x", shape=[2, 4])],
                             [value("y", shape=[2, 4]), value("w", T.STRING, [2]), value("text", T.STRING, [1]),
                              h.make_tensor_sequence_value_info("seq", T.FLOAT, [2, 4]),
                              h.make_value_info("maybe", optional), h.make_value_info("none", none)],
                             [words, scale], sparse_initializer=[sparse])
        note = graph.quantization_annotation.add()
        note.tensor_name = "y"
        entry = note.quant_parameter_tensor_names.add()
        entry.key, entry.value = "SCALE_TENSOR", "scale"
        file = self.save(model(graph, 21, domains={"com.acme": 1}))
        for opset in (18, 23):
            written = self.convert(file, opset)
            self.assertEqual(written.graph.sparse_initializer[0], sparse)
            self.assertEqual({t.name for t in written.graph.initializer}, {"words", "scale"})
            self.assertEqual(written.graph.quantization_annotation[0], note)
            self.assertEqual([o.name for o in written.graph.output], ["y", "w", "text", "seq", "maybe", "none"])
            self.assertEqual(list(written.graph.output), list(graph.output))
            constant = next(n for n in written.graph.node if n.op_type == "Constant")
            self.assertEqual(constant.attribute[0].t.string_data[0], b"hi")
            self.assertEqual(next(n for n in written.graph.node if n.output[0] == "none").attribute[0].tp, none.optional_type.elem_type)

    def test_ml_domain_and_unknown_domains_are_left_alone(self) -> None:
        types = onnx.TypeProto()
        types.sequence_type.elem_type.map_type.key_type = T.INT64
        types.sequence_type.elem_type.map_type.value_type.CopyFrom(h.make_tensor_type_proto(T.FLOAT, []))
        nodes = [h.make_node("ZipMap", ["x"], ["maps"], domain="ai.onnx.ml", classlabels_int64s=[1, 2, 3, 4]),
                 h.make_node("Swish", ["x"], ["y"], domain="com.acme", beta=2.0)]
        made = model(h.make_graph(nodes, "g", [value("x")], [h.make_value_info("maps", types), value("y")]), 20,
                     domains={"ai.onnx.ml": 3, "com.acme": 5, "com.unused": 2})
        written = self.convert(self.save(made), 18)
        self.assertEqual({o.domain: o.version for o in written.opset_import}, {"": 18, "ai.onnx.ml": 3, "com.acme": 5, "com.unused": 2})
        self.assertEqual(list(written.graph.output), list(made.graph.output))
        self.assertEqual([n.op_type for n in written.graph.node], ["ZipMap", "Swish"])
        self.refuse("O605", 15, "convert", self.scratch / "in.onnx", "-o", self.scratch / "x.onnx", "--opset", "com.acme=2")

    def test_initializers_among_the_inputs(self) -> None:
        made = linear()
        made.graph.input.insert(0, value("layer.weight", shape=[4, 4]))
        made.graph.input.append(value("idle", shape=[1]))
        made.graph.initializer.append(nh.from_array(np.zeros(1, np.float32), "idle"))
        written = self.convert(self.save(made), 18)
        self.assertEqual([i.name for i in written.graph.input], ["layer.weight", "x", "idle"])
        made.ir_version = 3  # where the format asks for it, it says nothing
        made.opset_import[0].version = 20
        written = self.convert(self.save(made), 19)
        self.assertEqual([i.name for i in written.graph.input], ["x"])
        written = self.convert(self.save(made), 19, "--keep-initializers-as-inputs")
        self.assertEqual({i.name for i in written.graph.input}, {"x", "layer.weight", "idle"})

    def test_outputs_that_are_inputs_or_weights(self) -> None:
        w = nh.from_array(np.ones((1, 4), np.float32), "w")
        graph = h.make_graph([h.make_node("Relu", ["x"], ["y"])], "g", [value("x")], [value("y"), value("x"), value("w", shape=[1, 4])], [w])
        written = self.convert(self.save(model(graph)), 18)
        self.assertEqual([o.name for o in written.graph.output], ["y", "x", "w"])
        self.assertEqual(len(written.graph.node), 1)

    def test_blocks_keep_what_they_read_outside(self) -> None:
        then = h.make_graph([h.make_node("Gelu", ["x"], ["t"], name="in_then")], "then", [], [value("t")])
        other = h.make_graph([h.make_node("Constant", [], ["one"], value_float=1.0), h.make_node("Add", ["x", "one"], ["t"])],
                             "else", [], [value("t")])
        loop = h.make_graph([h.make_node("Mul", ["state", "x"], ["next"]), h.make_node("Identity", ["go"], ["go_on"]),
                             h.make_node("ReduceMax", ["next"], ["top"], keepdims=0)], "body",
                            [value("i", T.INT64, []), value("go", T.BOOL, []), h.make_value_info("state", h.make_tensor_type_proto(T.FLOAT, None))],
                            [value("go_on", T.BOOL, []), value("next", shape=None), value("top", shape=None)])
        nodes = [h.make_node("If", ["flag"], ["a"], then_branch=then, else_branch=other, name="choose"),
                 h.make_node("Loop", ["n", "", "a"], ["b", "tops"], body=loop, name="turn")]
        graph = h.make_graph(nodes, "g", [value("x"), value("flag", T.BOOL, []), value("n", T.INT64, [])],
                             [value("b"), value("tops", shape=["n"])])
        file = self.save(model(graph))
        for opset in (18, 20, 22):
            self.convert(file, opset)
            for flag in (True, False):
                self.same(file, self.scratch / "out.onnx", {"x": np.random.rand(2, 4).astype(np.float32), "flag": np.array(flag),
                                                            "n": np.array(3)})


class Functions(Files):
    def functions(self) -> onnx.ModelProto:
        """act(x; approximate) in the opset of its own, twice(x) calls it, an overload of twice."""
        gelu = h.make_node("Gelu", ["v"], ["r"], name="inner")
        ref = gelu.attribute.add()
        ref.name, ref.ref_attr_name, ref.type = "approximate", "how", onnx.AttributeProto.STRING
        act = h.make_function("org.example", "act", ["v"], ["r"], [gelu], [h.make_opsetid("", 23)],
                              attribute_protos=[h.make_attribute("how", "none")])
        plain = h.make_function("org.example", "plain", ["v"], ["r"],
                                [h.make_node("Constant", [], ["c"], value_float=2.0), h.make_node("Mul", ["v", "c"], ["m"]),
                                 h.make_node("ReduceMax", ["m"], ["r"], keepdims=1)], [h.make_opsetid("", 23)])
        twice = h.make_function("org.example", "twice", ["v"], ["r"],
                                [h.make_node("plain", ["v"], ["p"], domain="org.example"),
                                 h.make_node("Add", ["v", "p"], ["q"]),
                                 h.make_node("act", ["q"], ["r"], domain="org.example", how="tanh", name="call")],
                                [h.make_opsetid("", 23), h.make_opsetid("org.example", 1)])
        nodes = [h.make_node("twice", ["x"], ["a"], domain="org.example", name="first"),
                 h.make_node("act", ["a"], ["y"], domain="org.example", name="second")]
        made = model(h.make_graph(nodes, "g", [value("x")], [value("y")]), 23, domains={"org.example": 1})
        made.functions.extend([act, plain, twice])
        return made

    def test_functions_are_taken_along(self) -> None:
        file = self.save(self.functions())
        for opset in (23, 21, 19, 18):
            with self.subTest(opset):
                written = self.convert(file, opset)
                names = {f.name for f in written.functions}
                # Below 20 there is no Gelu, and what stands for it depends on the attribute that each call gives.
                self.assertEqual(names, {"plain", "twice", "act"} if opset >= 20 else {"plain", "twice"})
                for function in written.functions:
                    self.assertEqual(next(o.version for o in function.opset_import if not o.domain), opset)
                self.same(file, self.scratch / "out.onnx", {"x": np.random.rand(2, 4).astype(np.float32)})

    def test_overloads(self) -> None:
        one, two = (h.make_function("org.example", "act", ["v"], ["r"], [h.make_node(op, ["v"], ["r"])], [h.make_opsetid("", 23)],
                                    overload=op) for op in ("Relu", "Neg"))
        nodes = [h.make_node("act", ["x"], ["a"], domain="org.example", overload="Relu"),
                 h.make_node("act", ["a"], ["y"], domain="org.example", overload="Neg")]
        made = model(h.make_graph(nodes, "g", [value("x")], [value("y")]), 23, domains={"org.example": 1})
        made.functions.extend([one, two])
        written = self.convert(self.save(made), 18)
        self.assertEqual([(f.name, f.overload) for f in written.functions], [("act", "Relu"), ("act", "Neg")])
        self.assertEqual([n.overload for n in written.graph.node], ["Relu", "Neg"])
        self.assertGreaterEqual(written.ir_version, 10)

    def test_functions_that_call_themselves(self) -> None:
        made = self.functions()
        made.functions[1].node.append(h.make_node("twice", ["m"], ["z"], domain="org.example"))
        self.refuse("I123", 18, "convert", self.save(made), "-o", self.scratch / "x.onnx", "--opset", 18)


class Weights(Files):
    def external(self, name: str = "in.onnx") -> Path:
        return self.save(linear(rows=256), name, save_as_external_data=True, location="weights.bin", size_threshold=0)

    def test_weights_stay_where_they_are(self) -> None:
        file = self.external()
        feeds = {"x": np.random.rand(2, 4).astype(np.float32)}
        before = (self.scratch / "weights.bin").read_bytes()
        self.convert(file, 18)
        self.assertEqual(self.left(), ["in.onnx", "out.onnx", "weights.bin"])
        self.same(file, self.scratch / "out.onnx", feeds)
        folder = self.scratch / "elsewhere"
        folder.mkdir()
        self.convert(file, 18, name="elsewhere/out.onnx")
        self.assertEqual(sorted(p.name for p in folder.iterdir()), ["out.onnx", "out.onnx.data"])
        self.same(file, folder / "out.onnx", feeds)
        self.convert(file, 18, "--weights", "inline", name="inline.onnx")
        self.assertFalse((self.scratch / "inline.onnx.data").exists())
        self.same(file, self.scratch / "inline.onnx", feeds)
        self.convert(file, 18, "--weights", "external", "--external-threshold", 16, name="moved.onnx")
        self.assertTrue((self.scratch / "moved.onnx.data").exists())
        self.same(file, self.scratch / "moved.onnx", feeds)
        self.assertEqual((self.scratch / "weights.bin").read_bytes(), before)

    def test_external_data_that_leads_elsewhere(self) -> None:
        secret = self.scratch / "secret"
        secret.write_bytes(b"\0" * 5000)
        inner = self.scratch / "model"
        inner.mkdir()
        (inner / "link.bin").symlink_to(secret)
        (inner / "short.bin").write_bytes(b"\0" * 100)
        (inner / "folder").mkdir()
        os.mkfifo(inner / "pipe")
        for location, code in (("../secret", "I124"), (str(secret), "I124"), ("link.bin", "I124"), ("short.bin", "I124"), ("", "I124"),
                               ("a/../../secret", "I124"), ("none.bin", "I121"), ("folder", "I121"), ("pipe", "I121")):
            with self.subTest(location):
                made = linear(rows=256)
                tensor = made.graph.initializer[0]
                tensor.ClearField("raw_data")
                tensor.data_location = T.EXTERNAL
                for key, text in (("location", location), ("offset", "0"), ("length", "4096")):
                    entry = tensor.external_data.add()
                    entry.key, entry.value = key, text
                file = inner / "in.onnx"
                file.write_bytes(made.SerializeToString())
                self.refuse(code, 18, "convert", file, "-o", self.scratch / "x.onnx", "--opset", 18)
                self.assertFalse((self.scratch / "x.onnx").exists())


class Surroundings(Files):
    def test_no_file_of_the_model_is_written_over(self) -> None:
        file = self.save(linear(rows=256), save_as_external_data=True, location="out.onnx.data", size_threshold=0)
        data = self.scratch / "out.onnx.data"
        before = file.read_bytes(), data.read_bytes()
        (self.scratch / "hard.onnx").hardlink_to(file)
        (self.scratch / "soft.onnx").symlink_to(file)
        for code, status, words in (("S705", 16, ("-o", file)), ("S705", 16, ("-o", self.scratch / "hard.onnx")),
                                    ("S705", 16, ("-o", self.scratch / "soft.onnx")), ("S705", 16, ("-o", data)),
                                    ("S705", 16, ("-o", self.scratch / "out.onnx", "--weights", "external")),
                                    ("S705", 16, ("-o", "")), ("S705", 16, ("-o", self.scratch / "no/x.onnx")),
                                    ("S705", 16, ("-o", self.scratch / "x.onnx", "--report", file)),
                                    ("S705", 16, ("-o", self.scratch / "x.onnx", "--report", data)),
                                    ("S705", 16, ("-o", self.scratch / "x.onnx", "--report", self.scratch / "soft.onnx")),
                                    ("S705", 16, ("--explain", "--report", file)), ("S705", 16, ("--explain", "--report", data)),
                                    ("S709", 16, ("-o", self.scratch / "x.onnx", "--report", data, "--no-overwrite")),
                                    ("I112", 18, ("-o", self.scratch / "x.onnx", "--report", self.scratch / "x.onnx")),
                                    ("I112", 18, ("-o", self.scratch / "x.onnx", "--report", self.scratch / "x.onnx.data")),
                                    ("I112", 18, ("-o", self.scratch / "x.onnx", "--opset", 19)),
                                    ("S709", 16, ("-o", self.scratch / "hard.onnx", "--no-overwrite"))):
            with self.subTest(words):
                self.refuse(code, status, "convert", file, "--opset", 18, *words)
                self.assertEqual((file.read_bytes(), data.read_bytes()), before)
                self.assertEqual(self.left(), ["hard.onnx", "in.onnx", "out.onnx.data", "soft.onnx"])

    def test_several_opsets_names_and_reports(self) -> None:
        file = self.save(linear())
        said = json.loads(self.succeed("convert", file, "--opset", 18, "--opset", "ai.onnx=20", "--json", "--report",
                                       self.scratch / "r.json"))
        self.assertEqual([t["opset"] for t in said["targets"]], [18, 20])
        self.assertEqual(json.loads((self.scratch / "r.json").read_text()), said)
        self.assertEqual(self.left(), ["in.onnx", "in.opset18.onnx", "in.opset20.onnx", "r.json"])
        self.refuse("I111", 18, "convert", file, "-o", self.scratch / "x.onnx")
        self.refuse("I111", 18, "convert", file, "--opset", "com.acme=2")
        self.refuse("I108", 18, "export", file, "-o", self.scratch / "x.onnx")
        self.refuse("O605", 15, "convert", file, "--opset", "3")

    def test_libtorch_is_not_opened(self) -> None:
        file = self.save(linear())
        done = self.run_program("convert", file, "-o", self.scratch / "out.onnx", "--opset", 18, "--verify",
                                env={"LD_DEBUG": "files", **NO_TORCH})
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        self.assertIn("libonnxport", done.stderr)
        for library in ("libtorch", "libonnxport_torch", "libc10"):
            self.assertNotIn(library, done.stderr)

    def test_verify_and_show(self) -> None:
        file = self.save(linear())
        said = json.loads(self.succeed("convert", file, "-o", self.scratch / "out.onnx", "--opset", 18, "--verify", "--json", env=NO_TORCH))
        runs = said["targets"][0]["verify"]
        self.assertEqual([r["passed"] for r in runs], [True, True])
        self.assertEqual(runs[0]["sizes"], {"batch": 2})
        self.assertIn("verified", self.succeed("verify", file, self.scratch / "out.onnx", env=NO_TORCH))
        other = linear()
        other.graph.initializer[0].CopyFrom(nh.from_array(np.zeros((4, 4), np.float32), "layer.weight"))
        self.refuse("V801", 17, "verify", file, self.save(other, "other.onnx"), env=NO_TORCH)
        self.assertIn("Gelu", self.succeed("show", file))

    def test_explain(self) -> None:
        made = linear()
        made.graph.node.append(h.make_node("RMSNormalization", ["x", "scale"], ["z"], name="/norm", axis=-1, stash_type=1))
        made.graph.initializer.append(nh.from_array(np.ones(4, np.float32), "scale"))
        made.graph.output.append(value("z"))
        file = self.save(made)
        said = json.loads(self.succeed("convert", file, "--explain", "--json"))
        self.assertEqual(said["opset"], 23)
        self.assertTrue(all(o["reachable"] == (not o["blockers"]) for o in said["opsets"]))
        self.assertTrue(next(o for o in said["opsets"] if o["opset"] == 23)["reachable"])
        text = self.succeed("convert", file, "--explain")
        self.assertRegex(text, r"opset 23: can be written at opset \d+ to \d+")
        self.assertEqual(self.left(), ["in.onnx"])

    def test_what_blocks_is_named_by_node(self) -> None:
        nodes = [h.make_node("RegexFullMatch", ["x"], ["m"], name="/text/match", pattern="a.*"),
                 h.make_node("RegexFullMatch", ["x"], ["n"], name="/text/other", pattern="b.*"), h.make_node("And", ["m", "n"], ["y"])]
        file = self.save(model(h.make_graph(nodes, "g", [value("x", T.STRING, [3])], [value("y", T.BOOL, [3])])))
        said = self.refuse("O601", 15, "convert", file, "-o", self.scratch / "x.onnx", "--opset", 18)
        for name in ("/text/match", "/text/other"):
            self.assertIn(name, said)
        self.assertRegex(self.succeed("convert", file, "--explain"), r"opset 20 to \d+\n +19 blocked\n.*/text/match: O601")

    def test_what_the_user_may_do_instead(self) -> None:
        short = [h.make_node("Cast", ["x"], ["s"], name="/to_short", to=T.FLOAT8E4M3FN), h.make_node("Cast", ["s"], ["y"], to=T.FLOAT)]
        listed = [h.make_node("SequenceConstruct", ["x", "x"], ["s"], name="/list"),
                  h.make_node("ConcatFromSequence", ["s"], ["y"], axis=0)]
        for nodes, opset, lowest, words in ((short, 18, 19, "8-bit floats came with opset 19"),
                                            (listed, 10, 11, "lists of tensors (Sequence values) came with opset 11")):
            graph = h.make_graph(nodes, "g", [value("x")], [value("y", shape=("rows", 4))])
            file = self.save(model(graph, 19))
            said = self.refuse("O602", 15, "convert", file, "-o", self.scratch / "x.onnx", "--opset", opset)
            self.assertIn(nodes[0].name, said)
            self.assertIn(words, said)
            self.assertRegex(said, rf"-> the lowest opset that works for it is {lowest}: ask for --opset {lowest}; or \w+")
            self.assertNotIn("export", said)
            self.convert(file, lowest)

    def test_files_that_are_wrong_already(self) -> None:
        wrong = linear()
        wrong.graph.node[0].attribute.append(h.make_attribute("nonsense", 1))
        said = self.refuse("I126", 18, "convert", self.save(wrong), "-o", self.scratch / "x.onnx", "--opset", 18)
        self.assertIn("/layer/Gemm", said)
        wrong = linear()
        wrong.graph.output[0].type.tensor_type.ClearField("shape")  # which ONNX's check asks of an output
        wrong.graph.node[1].op_type, wrong.graph.node[1].domain = "Unknown", "com.acme"
        wrong.opset_import.append(h.make_opsetid("com.acme", 1))
        said = self.refuse("I126", 18, "convert", self.save(wrong), "-o", self.scratch / "x.onnx", "--opset", 18)
        self.assertIn("the file itself", said)


class Hostile(Files):
    def refused(self, data: bytes, *codes: str) -> None:
        file = self.scratch / "bad.onnx"
        file.write_bytes(data)
        done = self.run_program("convert", file, "-o", self.scratch / "x.onnx", "--opset", 18)
        if done.returncode == 0 and not codes:
            onnx.checker.check_model(str(self.scratch / "x.onnx"), full_check=True)
            (self.scratch / "x.onnx").unlink()
            return
        self.assertIn(done.returncode, (15, 16, 18), done.stderr)
        codes = codes or ("I12[2-6]", "S701")
        self.assertRegex(done.stderr, rf"error ({'|'.join(codes)})\b")
        self.assertFalse((self.scratch / "x.onnx").exists())

    def test_cut_off_anywhere(self) -> None:
        data = linear().SerializeToString()
        for length in range(0, len(data), 7):
            self.refused(data[:length])  # between two fields of the model, what is left may be a whole one

    def test_structures(self) -> None:
        def changed(change: Any) -> bytes:
            made = linear()
            change(made)
            return made.SerializeToString()

        self.refused(b"PK\x03\x04" + b"\0" * 100, "I122")
        self.refused(changed(lambda m: m.ClearField("graph")), "I122")
        self.refused(changed(lambda m: m.ClearField("opset_import")), "I122")
        self.refused(changed(lambda m: m.graph.node.reverse()), "I123")  # used before it is made
        self.refused(changed(lambda m: m.graph.node[1].output.__setitem__(0, "hidden")), "I123")
        self.refused(changed(lambda m: m.graph.node.add(op_type="a::b", output=["q"])), "I123")
        self.refused(changed(lambda m: m.graph.initializer.append(m.graph.initializer[0])), "I123")
        self.refused(changed(lambda m: m.graph.initializer[0].dims.__setitem__(0, 5)), "I123")
        self.refused(changed(lambda m: m.graph.initializer[0].dims.__setitem__(0, -4)), "I123")
        self.refused(changed(lambda m: m.graph.initializer[0].dims.extend([1 << 40, 1 << 40])), "I123")
        self.refused(changed(lambda m: setattr(m.graph.initializer[0], "data_type", 99)), "I12[356]", "S701")
        self.refused(changed(lambda m: m.graph.node.add(op_type="If", input=["x"], output=["q"])), "I123")
        self.refused(changed(lambda m: setattr(m.opset_import[0], "version", 1 << 40)), "O605")

    def test_depth(self) -> None:
        def nested(depth: int) -> bytes:
            graph = h.make_graph([h.make_node("Identity", ["x"], ["y"])], "g", [], [value("y")])
            for _ in range(depth):
                graph = h.make_graph([h.make_node("If", ["flag"], ["y"], then_branch=graph, else_branch=graph)], "g", [], [value("y")])
            graph.input.extend([value("x"), value("flag", T.BOOL, [])])
            return model(graph).SerializeToString()

        self.refused(self.deep(200), "I123")
        (self.scratch / "fine.onnx").write_bytes(nested(8))
        self.convert(self.scratch / "fine.onnx", 18)

    @staticmethod
    def deep(levels: int) -> bytes:
        """Graphs in graphs, deeper than a message that protobuf writes."""

        def field(number: int, data: bytes) -> bytes:
            length, out = len(data), bytearray([number << 3 | 2])
            while length >= 0x80:
                out.append(length & 0x7F | 0x80)
                length >>= 7
            return bytes(out) + bytes([length]) + data

        graph = b""
        for _ in range(levels):
            graph = field(1, field(5, field(6, graph)))
        return field(7, graph) + field(8, b"\x10\x17")


def first_of(module: Any) -> Any:
    import torch

    class Wrapped(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, x: Any) -> Any:
            return self.inner(x)[0]

    return Wrapped()


class OtherExporters(Files):
    """Files of torch.onnx, made here, through the opsets that plugins offer."""

    def through(self, name: str, module: Any, example: Any, dynamo: bool) -> None:
        import logging
        import warnings

        import torch

        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        torch.manual_seed(3)
        file = self.scratch / f"{name}.onnx"
        shapes = {"dynamic_shapes": ({0: torch.export.Dim("batch", max=64)},)} if dynamo else {"dynamic_axes": {"x": {0: "batch"}}}
        torch.onnx.export(module.eval(), (example,), str(file), input_names=["x"], output_names=["y"], opset_version=18,
                          dynamo=dynamo, **({"verbose": False} if dynamo else {}), **shapes)
        offered = [o for o in self.offered() if 11 <= o <= 24]
        for opset in offered:
            with self.subTest(name=name, dynamo=dynamo, opset=opset):
                self.convert(file, opset, "--verify", name=f"{name}.{opset}.onnx")
                self.same(file, self.scratch / f"{name}.{opset}.onnx", {"x": example.numpy()})

    def test_files_of_both_exporters(self) -> None:
        import torch
        from torch import nn

        class Sizes(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                top, _ = x.topk(2, dim=-1)
                return torch.cat([x.reshape(x.shape[0], -1).cumsum(1)[:, :3], top.amax(1).clamp(min=0), x.var(dim=1)], dim=1)

        class Block(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.norm, self.qkv, self.out = nn.LayerNorm(16), nn.Linear(16, 48), nn.Linear(16, 16)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                q, k, v = (t.reshape(x.shape[0], -1, 2, 8).transpose(1, 2) for t in self.qkv(self.norm(x)).chunk(3, dim=-1))
                y = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
                return x + nn.functional.gelu(self.out(y))

        models = {
            "conv": (nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                                   nn.Linear(8, 4), nn.Softmax(-1)), torch.randn(3, 3, 9, 9)),
            "transformer": (Block(), torch.randn(3, 5, 16)),
            "lstm": (first_of(nn.LSTM(4, 6, batch_first=True)), torch.randn(3, 5, 4)),
            "resize": (nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.InstanceNorm2d(3), nn.GELU(approximate="tanh")),
                       torch.randn(3, 3, 4, 4)),
            "sizes": (Sizes(), torch.randn(3, 4, 5)),
        }
        for name, (module, example) in models.items():
            for dynamo in (True, False):
                self.through(name, module, example, dynamo)


if __name__ == "__main__":
    np.random.seed(7)
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=1)
