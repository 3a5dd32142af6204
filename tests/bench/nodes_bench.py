"""The part of the benchmark that counts nodes: the models at opset 13 as written here and by torch.onnx.export(dynamo=False), both
with the same dims dynamic. Constants are counted apart: there they are nodes, here initializers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from measure import Run

OPSET = 13
HERE = Path(__file__).resolve().parent

# One process for each model: what one leaves behind in PyTorch is not the next one's.
PEER = """
import sys, warnings, logging
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
sys.path[:0] = [sys.argv[1], sys.argv[2]]
import torch, make, nodes_bench
torch.manual_seed(0)
fixture = next(f for f in make.fixtures() if f.name == sys.argv[3])
names, axes = nodes_bench.dynamic_axes(fixture.inputs)
module = fixture.module.eval()
if fixture.script:
    module = torch.jit.script(module)
torch.onnx.export(module, fixture.arguments, sys.argv[4], dynamo=False, opset_version=nodes_bench.OPSET, verbose=False,
                  input_names=names, dynamic_axes=axes)
"""


def dynamic_axes(inputs: list[str]) -> tuple[list[str], dict[str, dict[int, str]]]:
    """Of inputs as the command line takes them (`x:f32[batch=2,3]`): their names, and by name the axes that have one."""
    names, axes = [], {}
    for text in inputs:
        name, _, rest = text.partition(":")
        dims = rest.partition("[")[2].rstrip("]").split(",")
        names.append(name)
        axes[name] = {i: d.partition("=")[0] for i, d in enumerate(dims) if d and not d.isdigit()}
    return names, axes


def counts(path: Path) -> tuple[int, int]:
    """Nodes, those of blocks included, and constants among them."""
    import onnx

    nodes = constants = 0
    graphs = [onnx.load(path, load_external_data=False).graph]
    while graphs:
        graph = graphs.pop()
        for node in graph.node:
            nodes += node.op_type != "Constant"
            constants += node.op_type == "Constant"
            graphs += [a.g for a in node.attribute if a.HasField("g")]
    return nodes, constants


class NodesBench:
    """Mixed into run.py's Bench."""

    program: str
    out: Path
    fixtures: Path

    def nodes(self) -> None:
        import yaml

        print(f"Nodes at opset {OPSET}, without constants, and as torch.onnx.export(dynamo=False) writes them (its constants beside)")
        self.line("", "onnxport", "dynamo=False", "ratio")
        totals, more = [0, 0], []
        for entry in yaml.safe_load((self.fixtures / "models.yaml").read_text()):
            ours, peer = self.out / "ours.onnx", self.out / "peer.onnx"
            done = subprocess.run(self.ours(self.fixtures / entry["model"], entry["inputs"], "--opset", str(OPSET)), capture_output=True, text=True)
            if not self.check(Run(ok=done.returncode == 0, message=done.stderr.strip())).ok:
                continue
            own = counts(ours)[0]
            words = [sys.executable, "-c", PEER, str(HERE.parent / "fixtures"), str(HERE), entry["name"], str(peer)]
            done = subprocess.run(words, capture_output=True, text=True)
            if done.returncode != 0:
                self.line(entry["name"], str(own), "no")
                continue
            theirs, constants = counts(peer)
            totals = [totals[0] + own, totals[1] + theirs]
            if own > theirs:
                more.append(entry["name"])
            self.line(entry["name"], str(own), f"{theirs} ({constants})", f"{own / theirs:.2f}")
        print(f"  total where both write a file: {totals[0]} and {totals[1]} (expected: no more than torch.onnx)")
        print(f"  more nodes than torch.onnx: {', '.join(more) or 'none'}")
