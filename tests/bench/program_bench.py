"""The parts of the benchmark that are about exported programs (.pt2)."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

from measure import Run, copy_and, measure, mib

# The peer starts from the same file: PyTorch reads its own archive and exports the program it holds.
PEER = """
import sys, warnings, logging
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
import torch
program = torch.export.load(sys.argv[1])
torch.onnx.export(program, f=sys.argv[2], dynamo=True, opset_version=20, verbose=False)
"""
LOAD = "import torch, sys; torch.export.load(sys.argv[1])"
MODELS = ("resnet18", "unet", "vit", "bert", "gpt2", "gpt2_cache", "llama", "t5_step", "whisper", "lstm_tagger", "conditional",
          "while", "detection")
GIGABYTE = """
import sys, torch
module = torch.nn.Sequential(*(torch.nn.Linear(4096, 4096, bias=False) for _ in range(16)))
batch = torch.export.Dim("batch", max=64)
torch.export.save(torch.export.export(module, (torch.randn(2, 4096),), dynamic_shapes=({0: batch},)), sys.argv[1])
"""


def node_count(path: Path) -> int:
    import onnx

    model = onnx.load(path, load_external_data=False)
    functions = {(f.domain, f.name): len(f.node) for f in model.functions}
    return sum(functions.get((n.domain, n.op_type), 1) for n in model.graph.node)


def long_program(seed: Path, path: Path, size: int) -> int:
    """The program of `seed` with its first node repeated until the JSON has `size` bytes; how many nodes that is."""
    with zipfile.ZipFile(seed) as archive:
        names = archive.namelist()
        record = next(n for n in names if n.endswith("models/model.json"))
        program = json.loads(archive.read(record))
        graph = program["graph_module"]["graph"]
        template = next(n for n in graph["nodes"] if n["target"].startswith("torch.ops.aten.relu"))
        before, meta = template["inputs"][0]["arg"]["as_tensor"]["name"], None
        made = template["outputs"][0]["as_tensor"]["name"]
        meta = graph["tensor_values"][made]
        count = size // (len(json.dumps(template)) + len(json.dumps(meta)) + 40)
        nodes = []
        for i in range(count):
            node = json.loads(json.dumps(template))
            node["inputs"][0]["arg"]["as_tensor"]["name"] = before if i == 0 else f"relu_{i - 1}"
            node["outputs"][0]["as_tensor"]["name"] = node["name"] = f"relu_{i}"
            graph["tensor_values"][f"relu_{i}"] = meta
            nodes.append(node)
        at = graph["nodes"].index(template)
        graph["nodes"] = graph["nodes"][:at] + nodes + graph["nodes"][at + 1:]
        text = json.dumps(program).replace(f'"name": "{made}"', f'"name": "relu_{count - 1}"')
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
            for name in names:
                out.writestr(name, text if name == record else archive.read(name))
    return count


class ProgramBench:
    """Mixed into run.py's Bench."""

    program: str
    out: Path
    runs: int
    fixtures: Path

    def from_program(self, path: Path, *words: str) -> list[str]:
        return [self.program, "export", str(path), "-o", str(self.out / "ours.onnx"), "--quiet", *words]

    def program_peer(self, path: Path) -> list[str]:
        return [sys.executable, "-c", PEER, str(path), str(self.out / "peer.onnx")]

    def programs(self) -> None:
        print("Exported programs: `onnxport export m.pt2` against torch.export.load + torch.onnx.export of the same file, opset 20")
        self.line("", "onnxport", "torch", "times faster", "memory", "nodes")
        faster, more_nodes = [], []
        for name in MODELS:
            path = self.fixtures / f"programs/{name}.pt2"
            ours = self.check(measure(self.from_program(path), self.runs))
            peer = measure(self.program_peer(path), max(1, self.runs // 2))
            columns = ["-", "-", "-"]
            if ours.ok and peer.ok:
                faster.append(peer.seconds / ours.seconds)
                counts = node_count(self.out / "ours.onnx"), node_count(self.out / "peer.onnx")
                if counts[0] > counts[1]:
                    more_nodes.append(name)
                columns = [f"{faster[-1]:.0f}", f"1/{peer.peak / ours.peak:.0f}", f"{counts[0]} and {counts[1]}"]
            self.line(name, f"{ours.seconds * 1e3:.0f} ms {mib(ours.peak)}", self.show(peer), *columns)
        if faster:
            print(f"  median: {statistics.median(faster):.0f} times faster (expected: 100)")
            print(f"  more nodes than torch.onnx: {', '.join(more_nodes) or 'none'} (expected: none)")

    def program_json(self) -> None:
        print("A program whose model.json has 100 MB")
        seed, path = self.out / "relu.pt2", self.out / "long.pt2"
        if not path.exists():
            code = "import sys, torch; torch.export.save(torch.export.export(torch.nn.ReLU(), (torch.randn(2, 4),)), sys.argv[1])"
            subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(seed)], check=True)
            print(f"  {long_program(seed, path, 100_000_000)} nodes")
        ours = self.check(measure(self.from_program(path), min(self.runs, 3)))
        load = measure([sys.executable, "-c", LOAD, str(path)], 1, limit=300)
        self.line("onnxport, to the end", self.show(ours))
        self.line("torch.export.load alone", self.show(load), f"{load.seconds / ours.seconds:.0f} times as long" if ours.ok else "-")

    def program_weights(self) -> None:
        print("1 GiB of weights in a program")
        path = self.out / "gigabyte.pt2"
        if not path.exists():
            subprocess.run([sys.executable, "-W", "ignore", "-c", GIGABYTE, str(path)], check=True)
        files = [self.out / "ours.onnx", self.out / "ours.onnx.data"]
        cp, run = copy_and(self.from_program(path, "--weights", "external"), path, files)
        self.check(run)
        for f in files:
            f.unlink(missing_ok=True)
        self.line("cp and sync", f"{cp.seconds:.2f} s")
        self.line("--weights external", self.show(run), f"{run.seconds / cp.seconds:.2f} of cp")
        self.line("--weights reference", self.show(self.by_reference(path)), f"{(self.out / 'ours.onnx').stat().st_size} bytes")

    def by_reference(self, path: Path) -> Run:
        (self.out / "ours.onnx").unlink(missing_ok=True)
        return self.check(measure(self.from_program(path, "--weights", "reference"), self.runs))
