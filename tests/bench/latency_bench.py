"""What the profile onnxruntime gains in ONNX Runtime: the latency of files with and without it, beside the dynamo exporter's."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from measure import measure

# The fixtures' architectures at widths at which a kernel counts for more than its call.
MODEL = """
import sys
sys.path.insert(0, {fixtures!r})
import numpy, torch
from torch import nn
import models, programs


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(384, 384) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(384), nn.LayerNorm(384)
        self.mlp = nn.Sequential(nn.Linear(384, 1536), nn.GELU(), nn.Linear(1536, 384))

    def forward(self, x):
        q, k, v = (programs.heads_of(f(x), 6) for f in (self.q, self.k, self.v))
        x = self.norm1(x + self.o(programs.merge_heads(nn.functional.scaled_dot_product_attention(q, k, v))))
        return self.norm2(x + self.mlp(x))


torch.manual_seed(0)
name, path = sys.argv[1:]
batch = {{0: torch.export.Dim("batch", max=64)}}
both = batch | {{1: torch.export.Dim("length", min=2, max=512)}}
if name == "vit":
    module, example, shapes = models.ViT(image=224, patch=16, width=384, depth=6, heads=6), torch.randn(2, 3, 224, 224), batch
elif name == "encoder":
    module, example, shapes = nn.Sequential(*(Layer() for _ in range(6))), torch.randn(2, 128, 384), both
else:
    module, example, shapes = programs.Llama(width=384, depth=4, heads=6, groups=2 if name.endswith("grouped") else 6), torch.randint(0, 100, (2, 128)), both
torch.export.save(torch.export.export(module.eval(), (example,), dynamic_shapes=(shapes,)), path)
numpy.save(path + ".npy", example[:1].numpy())
"""
PEER = """
import sys, warnings, logging
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
import torch
torch.onnx.export(torch.export.load(sys.argv[1]), f=sys.argv[2], dynamo=True, opset_version=20, verbose=False)
"""
MODELS = ("vit", "encoder", "llama", "llama_grouped")
TURNS = 15


def latencies(files: dict[str, Path], example: Path) -> dict[str, float]:
    """Milliseconds of the processor that a run of each file takes, with one thread: the least of runs in turns, so that what else
    the machine does counts little. Also checks that all say the same."""
    import numpy
    import onnxruntime

    value = numpy.load(example)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sessions = {name: onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"]) for name, file in files.items()}
    took: dict[str, list[float]] = {name: [] for name in files}
    results = {}
    for turn in range(TURNS + 2):
        for name, session in sessions.items():
            start = time.process_time()
            results[name] = session.run(None, {session.get_inputs()[0].name: value})[0]
            if turn > 1:
                took[name].append(time.process_time() - start)
    first = next(iter(results.values()))
    for name, result in results.items():
        numpy.testing.assert_allclose(result, first, rtol=1e-3, atol=1e-3, err_msg=name)
    return {name: min(times) * 1e3 for name, times in took.items()}


class LatencyBench:
    """Mixed into run.py's Bench."""

    program: str
    out: Path

    def latency(self) -> None:
        print("ONNX Runtime on the CPU: processor time of a run of the file with one thread, opset 20")
        self.line("", "default", "profile onnxruntime", "dynamo", "profile gains", "against dynamo", "com.microsoft")
        here = str(Path(__file__).resolve().parent.parent / "fixtures")
        for name in MODELS:
            model = self.out / f"latency_{name}.pt2"
            if not model.exists():
                subprocess.run([sys.executable, "-W", "ignore", "-c", MODEL.format(fixtures=here), name, str(model)], check=True)
            files = {kind: self.out / f"latency_{name}.{kind}.onnx" for kind in ("default", "onnxruntime", "dynamo")}
            for kind in ("default", "onnxruntime"):
                self.check(measure([self.program, "export", str(model), "-o", str(files[kind]), "--quiet", "--config", kind], 1))
            if not files["dynamo"].exists():
                done = subprocess.run([sys.executable, "-c", PEER, str(model), str(files["dynamo"])], capture_output=True)
                if done.returncode != 0:
                    del files["dynamo"]
            took = latencies({kind: file for kind, file in files.items() if file.exists()}, model.with_name(model.name + ".npy"))
            ours = took["onnxruntime"]
            peer = took.get("dynamo")
            self.line(name, f"{took['default']:.2f} ms", f"{ours:.2f} ms", f"{peer:.2f} ms" if peer else "no",
                      f"{took['default'] / ours:.2f}", f"{peer / ours:.2f}" if peer else "-", self.own_nodes(files["onnxruntime"]))

    @staticmethod
    def own_nodes(file: Path) -> str:
        import onnx

        names = [n.op_type for n in onnx.load(file, load_external_data=False).graph.node if n.domain == "com.microsoft"]
        return ", ".join(f"{names.count(name)} {name}" for name in sorted(set(names)))
