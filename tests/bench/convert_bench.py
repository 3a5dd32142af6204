"""The part of the benchmark that is about `onnxport convert`: a gigabyte of weights at the speed of a copy, and a graph of 65536
nodes through sixteen opsets."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from measure import Run, copy_and, measure, measure_heap, mib

MOST_OF_COPY = 1.5  # of the time of cp and sync
MOST_HEAP = 64 * 2**20  # beside the mapped file
MOST_WALK = 2.0  # seconds, of 65536 nodes from 23 to 7
NODES = 65536

# 16 layers of 64 MiB each with a Gelu between them, which the step from 20 to 19 writes in other operators.
GIGABYTE = """
import sys, numpy as np, onnx
from onnx import helper as h, numpy_helper as nh, TensorProto as T
path, external, width = sys.argv[1], sys.argv[2] == "external", int(sys.argv[3])
random = np.random.default_rng(0)
nodes, weights, x = [], [], "x"
for i in range(16):
    weights.append(nh.from_array(random.standard_normal((width, width), np.float32), f"w{i}"))
    nodes += [h.make_node("MatMul", [x, f"w{i}"], [f"m{i}"]), h.make_node("Gelu", [f"m{i}"], [f"g{i}"])]
    x = f"g{i}"
ends = [h.make_tensor_value_info(n, T.FLOAT, ["batch", width]) for n in ("x", x)]
graph = h.make_graph(nodes, "g", ends[:1], ends[1:], weights)
model = h.make_model(graph, opset_imports=[h.make_opsetid("", 23)], ir_version=10)
data = {"save_as_external_data": True, "location": path.rpartition("/")[2] + ".data"} if external else {}
onnx.save(model, path, **data)
"""

# Blocks of 16 nodes, of which ten have another form somewhere between 23 and 7.
CHAIN = """
import sys, numpy as np, onnx
from onnx import helper as h, numpy_helper as nh, TensorProto as T
path, count = sys.argv[1], int(sys.argv[2])
weights = [nh.from_array(np.array([0.5], np.float32), "half"), nh.from_array(np.array(-3, np.float32), "low"),
           nh.from_array(np.array(3, np.float32), "high"), nh.from_array(np.array([1]), "one"),
           nh.from_array(np.eye(8, dtype=np.float32), "w")]
nodes, x = [], "x"
def add(op, inputs, **attributes):
    name = f"v{len(nodes)}"
    nodes.append(h.make_node(op, inputs, [name], **attributes))
    return name
for _ in range(count // 16):
    a = add("Sigmoid", [add("Add", [add("MatMul", [x, "w"]), "half"])])
    b = add("Clip", [add("Relu", [a]), "low", "high"])
    c = add("Squeeze", [add("Unsqueeze", [add("Sub", [b, add("ReduceMean", [b, "one"], keepdims=1)]), "one"]), "one"])
    d = add("HardSwish", [add("Softmax", [c], axis=-1)])
    x = add("Tanh", [add("Add", [add("Mul", [d, x]), add("Transpose", [add("Transpose", [d], perm=[1, 0])], perm=[1, 0])])])
ends = [h.make_tensor_value_info(n, T.FLOAT, [4, 8]) for n in ("x", x)]
onnx.save(h.make_model(h.make_graph(nodes, "g", ends[:1], ends[1:], weights), opset_imports=[h.make_opsetid("", 23)], ir_version=10), path)
print(len(nodes))
"""
LOAD_AND_SAVE = "import onnx, sys; onnx.save(onnx.load(sys.argv[1]), sys.argv[2])"
PEER = """
import onnx, sys
from onnx import version_converter
onnx.save(version_converter.convert_version(onnx.load(sys.argv[1]), int(sys.argv[3])), sys.argv[2])
"""


class ConvertBench:
    """Mixed into run.py's Bench."""

    program: str
    out: Path
    runs: int

    def convert_words(self, source: Path, output: Path, opset: int, *words: str) -> list[str]:
        return [self.program, "convert", str(source), "-o", str(output), "--opset", str(opset), "--quiet", *words]

    def convert(self) -> None:
        self.converted_weights()
        self.converted_nodes()

    # ---- a gigabyte ----

    def weights_file(self, kind: str, width: int) -> Path:
        path = self.out / f"weights_{kind}{width}.onnx"
        if not path.exists():
            subprocess.run([sys.executable, "-c", GIGABYTE, str(path), kind, str(width)], check=True)
        return path

    def converted_weights(self) -> None:
        print("convert 23 -> 17 of a file with 1 GiB of weights")
        folder = self.out / "converted"  # another folder: data that lies beside the output would be used where it is
        folder.mkdir(exist_ok=True)
        for kind in ("inline", "external"):
            path = self.weights_file(kind, 4096)
            data = path if kind == "inline" else path.with_name(path.name + ".data")
            made = [folder / "ours.onnx", folder / "ours.onnx.data"]
            words = self.convert_words(path, made[0], 17, "--weights", kind)
            cp, run = copy_and(words, data, made)
            heap = measure_heap(words)
            for each in (run, heap):
                self.check(each)
            for f in made:
                f.unlink(missing_ok=True)
            self.of_copy(kind, cp, run, heap)
            if kind == "external":
                words = self.convert_words(path, self.out / "beside.onnx", 17)
                self.line("external, used where it is", self.show(self.check(measure(words, self.runs))),
                          f"{(self.out / 'beside.onnx').stat().st_size} bytes")
            for f in (path, data):
                f.unlink(missing_ok=True)

    def of_copy(self, kind: str, cp: Run, run: Run, heap: Run) -> None:
        self.line(kind, f"{run.seconds:.2f} s", f"cp, sync {cp.seconds:.2f} s",
                  f"  {run.seconds / cp.seconds:.2f} of cp (expected: at most {MOST_OF_COPY})")
        print(f"  heap {mib(heap.heap)} beside the mapping (expected: at most {mib(MOST_HEAP)}); peak resident {mib(run.peak)}")

    # ---- many nodes ----

    def stage_seconds(self, source: Path, opset: int) -> float:
        """Of the stage that reads the nodes, walks them and checks them: the median."""
        took = []
        for _ in range(self.runs):
            words = self.convert_words(source, self.out / "ours.onnx", opset, "--report", str(self.out / "report.json"))
            done = subprocess.run(words, capture_output=True, text=True)
            self.check(Run(ok=done.returncode == 0, message=done.stderr))
            stages = json.loads((self.out / "report.json").read_text())["targets"][0]["seconds"]
            took.append(sum(s["seconds"] for s in stages if s["stage"] == "convert"))
        return statistics.median(took)

    def converted_nodes(self) -> None:
        print(f"convert of a graph of {NODES} nodes: the whole command, and of it the stage that reads, walks and checks")
        path = self.out / "chain.onnx"
        if not path.exists():
            subprocess.run([sys.executable, "-c", CHAIN, str(path), str(NODES)], check=True, stdout=subprocess.DEVNULL)
        stages, whole = {}, {}
        for opset in (23, 17, 7):
            whole[opset] = self.check(measure(self.convert_words(path, self.out / "ours.onnx", opset), self.runs))
            stages[opset] = self.stage_seconds(path, opset)
            self.line(f"23 -> {opset}", self.show(whole[opset]), f"stage {stages[opset]:.2f} s",
                      f"processor {whole[opset].processor:.2f} s")
        print(f"  the walk 23 -> 7 takes {stages[7] - stages[23]:.2f} s more than none (expected: at most {MOST_WALK:g} s), "
              f"{whole[7].processor - whole[23].processor:.2f} s of processor time")
        peer = str(self.out / "peer.onnx")
        copied = measure([sys.executable, "-c", LOAD_AND_SAVE, str(path), peer], self.runs)
        base = measure([sys.executable, "-c", "import onnx"], self.runs)
        own = copied.processor - base.processor
        self.line("onnx.load, onnx.save", self.show(copied), "", f"processor {own:.2f} s")
        print(f"  of processor time, 23 -> 23 takes {whole[23].processor / own:.2f} of that (ONNX's full check included, which it has "
              f"not), 23 -> 7 {whole[7].processor / own:.2f}")
        for opset in (17, 7):
            run = measure([sys.executable, "-c", PEER, str(path), peer, str(opset)], 1, limit=60)
            ratio = f"{run.processor / whole[opset].processor:.0f} times as long" if run.ok and opset in whole else ""
            self.line(f"version_converter -> {opset}", self.show(run), "", "  " + (ratio or run.message[:90]))
