#!/usr/bin/env python3
"""refusals.py [CLASS…]: what the program says when it cannot do what is asked, word for word."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np
import onnx

from case import FIXTURES, Case, fixture

LINEAR = FIXTURES / fixture("linear")["model"]
SPEC = ("--input", "f32[2,8]")


class Refusing(Case):
    def says(self, status: int, expected: str, *words: object, **options: object) -> None:
        """`expected`, with {fixtures} and {scratch} for their paths, is all that is said; nothing new is left behind."""
        before = self.left()
        done = self.run_program(*words, **options)
        said = done.stderr.replace(str(FIXTURES), "{fixtures}").replace(str(self.scratch), "{scratch}")
        self.assertEqual(said.rstrip("\n"), expected, done.stdout)
        self.assertEqual(done.returncode, status, said)
        self.assertEqual(self.left(), before)

    def says_of_export(self, status: int, expected: str, model: Path, *words: object, **options: object) -> None:
        self.says(status, expected, "export", model, "-o", self.scratch / "x.onnx", *words, **options)


class Models(Refusing):
    """Models that cannot be exported as they are."""

    def refused(self, status: int, name: str, expected: str, *words: str) -> None:
        self.says_of_export(status, expected, FIXTURES / f"refused/{name}.pt", *(words or ("--input", "x:f32[n=4,4]")))

    def test_every_unmapped_operator_with_its_place(self) -> None:
        self.refused(14, "unmapped",
                     "aten::histogram.bin_ct at inner (refused.py:89): error T501: operator aten::histogram.bin_ct is not mapped by any plugin\n"
                     "  -> a plugin can map it, see docs/plugins.md\n"
                     "aten::poisson (refused.py:84): error T501: operator aten::poisson is not mapped by any plugin\n"
                     "  -> a plugin can map it, see docs/plugins.md")

    def test_an_argument_that_must_be_known(self) -> None:
        self.refused(14, "size",
                     "aten::avg_pool2d (refused.py:63): error T502: operator aten::avg_pool2d is not supported as called: "
                     "org.onnxport.aten: needs an int that is known while exporting for 'kernel_size'; "
                     "aten::avg_pool2d is not made of smaller operators\n"
                     "  -> onnxport plugin which aten::avg_pool2d --opset 20 shows who maps it",
                     "--input", "x:f32[1,1,8,8]", "--input", "size:i64[]")

    def test_a_rank_of_the_moment(self) -> None:
        self.refused(14, "rank",
                     "error T513: the rank of the result 'output' is only known at run time, and an output of an ONNX model must "
                     "state one\n"
                     "  -> the if at refused.py:13 gives f32[4] or f32[n,4]: let both branches give tensors of one rank")

    def test_what_reads_it_names_the_branches(self) -> None:
        said = self.refuse("T502", 14, "export", FIXTURES / "refused/joins_ranks.pt", "-o", self.scratch / "x.onnx",
                           "--input", "x:f32[n=4,4]")
        self.assertRegex(said, r"refused.py:\d+ gives f32\[4\] or f32\[n,4\]: let both branches give tensors of one rank")
        self.assertEqual(said.count("error "), 1, said)

    def test_a_write_nobody_knows(self) -> None:
        self.refused(14, "resizes",
                     "aten::resize_ (refused.py:57): error T520: it writes in place and no operator is known that computes the "
                     "same without writing\n"
                     "  -> use the functional form of the operator")

    def test_a_kernel_that_asks_for_contents(self) -> None:
        self.refused(14, "contents",
                     "aten::combinations (refused.py:51): error T531: the size of what aten::masked_select "
                     "returns depends on the contents of its input\n"
                     "  -> a plugin can map the operator as a whole: see docs/plugins.md")

    def test_a_list_that_is_chosen_at_run_time(self) -> None:
        self.refused(14, "chooses",
                     "aten::append.t (refused.py:122): error T520: it changes a list or dict that is chosen at run time and may be in "
                     "'%groups.1', which is read later\n"
                     "  -> keep each such list in a variable of its own, and choose with if, or build a new list")

    def test_results_that_hold_nothing(self) -> None:
        self.refused(14, "gives_nothing",
                     "error T544: what the model returns holds nothing: a file would have no results\n"
                     "  -> return a tensor that is there at the sizes of the inputs given")

    def test_packed_weights(self) -> None:
        self.refused(14, "quantized",
                     "{fixtures}/refused/quantized.pt: quantized::linear_leaky_relu (refused.py:25): error T540: "
                     "input 1 of quantized::linear_leaky_relu is an object of type "
                     "__torch__.torch.classes.quantized.LinearPackedParamsBase, which no ONNX graph can hold\n"
                     "  -> the packed weights of this quantized operator cannot be read: leave its module out of the "
                     "quantization, or export the model before torch.ao.quantization.convert")

    def test_an_attribute_set_under_a_condition(self) -> None:
        self.refused(14, "sets",
                     "{fixtures}/refused/sets.pt: prim::GetAttr: error T542: the attribute 'inner' was set to "
                     "an object under a condition or in a loop\n"
                     "  -> keep tensors and numbers in such attributes, not modules or instances")

    def test_no_results(self) -> None:
        self.refused(14, "nothing",
                     "{fixtures}/refused/nothing.pt: error T544: forward returns nothing that an ONNX model could\n"
                     "  -> return tensors")

    def test_text_is_no_tensor(self) -> None:
        self.refused(18, "text",
                     "{fixtures}/refused/text.pt: error I107: the input 'x' is str, not f32[n,4]; the model is forward(x: str)\n"
                     "  -> fix it with --input 'x=VALUE'")

    def test_what_is_left_out_is_noted(self) -> None:
        done = self.run_program("-v", "export", FIXTURES / "refused/leaves_out.pt", "-o", self.scratch / "x.onnx",
                                "--input", "x:f32[n=4,4]", "--verify")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("note T545: the result 'output_1' is None and left out\n"
                      "note T545: the result 'output_2' is a string and left out\n", done.stderr)
        self.assertEqual([o.name for o in onnx.load(self.scratch / "x.onnx").graph.output], ["output_0"])


class Options(Refusing):
    """Options that name what is not there, or too much of it."""

    def test_an_onnx_file(self) -> None:
        (self.scratch / "model.onnx").write_bytes(b"")
        self.says_of_export(18, "error I108: {scratch}/model.onnx is an ONNX file already\n"
                                "  -> onnxport convert takes it to another opset; export takes a TorchScript .pt or an exported program .pt2", self.scratch / "model.onnx")

    def test_names(self) -> None:
        for option, what in (("--input-names", "input"), ("--output-names", "output")):
            with self.subTest(option):
                self.says_of_export(18, f"error I109: 2 {what} names are given for 1 {what}s", LINEAR, *SPEC, option, "a,b")

    def test_stage(self) -> None:
        done = self.run_program("show", LINEAR, *SPEC, "--after", "lunch")
        self.assertEqual(done.returncode, 1)
        self.assertIn("lunch not in {capture,prepare,translate,legalize}", done.stderr)

    def test_output_that_is_there_already(self) -> None:
        (self.scratch / "x.onnx").write_text("what was there")
        self.says_of_export(16, "error S709: {scratch}/x.onnx exists already\n  -> give another output, or allow overwriting",
                            LINEAR, *SPEC, "--no-overwrite")

    def inputs(self, tensor: onnx.TensorProto) -> tuple[str, Path]:
        folder = self.scratch / "inputs"
        folder.mkdir(exist_ok=True)
        (folder / "input_0.pb").write_bytes(tensor.SerializeToString())
        return "--inputs", folder

    def test_tensor_files(self) -> None:
        strings = onnx.helper.make_tensor("text", onnx.TensorProto.STRING, [1], [b"hello"])
        elsewhere = onnx.numpy_helper.from_array(np.zeros((2, 8), np.float32), "there")
        elsewhere.ClearField("raw_data")
        elsewhere.data_location = onnx.TensorProto.EXTERNAL
        elsewhere.external_data.add(key="location", value="/etc/passwd")
        short = onnx.numpy_helper.from_array(np.zeros((2, 8), np.float32), "short")
        short.raw_data = short.raw_data[:-4]
        for code, tensor in (("I125", strings), ("I124", elsewhere), ("I123", short)):
            with self.subTest(code):
                words = self.inputs(tensor)
                self.refuse(code, 18, "export", LINEAR, "-o", self.scratch / "x.onnx", *words)
                self.assertEqual(self.left(), ["inputs"])

    def test_symbols_of_two_kinds(self) -> None:
        self.says_of_export(18, "error I107: --dim names the symbols of an exported program, and this is none\n"
                                "  -> name the dims in --input, for example x:f32[batch=2,3]", LINEAR, *SPEC, "--dim", "s0=batch")


class Surroundings(Refusing):
    """Libraries and folders of the machine that are not as they should be."""

    def test_no_back_end(self) -> None:
        self.says_of_export(11, "{scratch}/none.so: error L211: cannot open the libtorch back end: {scratch}/none.so: cannot open "
                                "shared object file: No such file or directory\n"
                                "  -> install libonnxport_torch beside libonnxport, or name it in ONNXPORT_TORCH_LIBRARY; "
                                "libtorch's own folder must be found too (LD_LIBRARY_PATH)",
                            LINEAR, *SPEC, env={"ONNXPORT_TORCH_LIBRARY": str(self.scratch / "none.so")})

    def test_no_kernel_library(self) -> None:
        self.says_of_export(11, "{scratch}/none.so: error L212: cannot load the operator library: {scratch}/none.so: cannot open "
                                "shared object file: No such file or directory\n"
                                "  -> build it for the same libtorch; check with ldd that its libraries are found",
                            LINEAR, *SPEC, "--torch-library", self.scratch / "none.so")

    def test_no_runtime(self) -> None:
        self.says_of_export(17, "error V802: no ONNX Runtime library can be opened (tried {scratch}/none.so)\n"
                                "  -> set ONNXPORT_ORT_LIBRARY to a libonnxruntime.so of version 1.16 or newer",
                            LINEAR, *SPEC, "--verify", env={"ONNXPORT_ORT_LIBRARY": str(self.scratch / "none.so")})

    def test_no_temporary_folder(self) -> None:
        self.says_of_export(16, "error S708: no temporary folder can be made: No such file or directory\n"
                                "  -> point TMPDIR to a folder that exists, can be written to and has room",
                            LINEAR, *SPEC, "--verify", env={"TMPDIR": str(self.scratch / "none")})

    def test_no_plugins(self) -> None:
        empty = self.scratch / "plugins"
        empty.mkdir()
        said = self.refuse("L208", 11, "export", LINEAR, "-o", self.scratch / "x.onnx", *SPEC,
                           env={"ONNXPORT_BUILTIN_PLUGINS": str(empty)})
        self.assertIn(f"    {empty} (built-in): 0 manifests\n", said)
        self.assertEqual(self.left(), ["plugins"])

    def test_full_file_system(self) -> None:
        """A real file system of 1 MiB in a namespace of its own, where the kernel lets an ordinary user have one."""
        small = self.scratch / "small"
        small.mkdir()
        entry = fixture("resnet18")
        given = " ".join(f"--input '{text}'" for text in entry["inputs"])
        script = (f"mount -t tmpfs -o size=1m none '{small}' && cd '{small}' && echo there > x.onnx && "
                  f"for weights in inline external; do '{os.environ['ONNXPORT_BIN']}' export '{FIXTURES / entry['model']}' {given} "
                  "-o x.onnx --weights $weights; echo \"status $?\"; cat x.onnx; ls -A; done")
        done = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script], capture_output=True,
                              text=True, timeout=300)
        if "status" not in done.stdout:
            self.skipTest(f"this machine lets no test mount a file system: {done.stderr.strip()}")
        self.assertEqual(done.stdout, "status 16\nthere\nx.onnx\n" * 2, done.stderr)
        self.assertEqual(done.stderr.count("error S705: "), 2, done.stderr)
        self.assertEqual(done.stderr.count("No space left on device"), 2, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
