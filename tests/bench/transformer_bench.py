"""The part of the benchmark that is about the weights of transformers: Linear on rank-3 input, which ONNX has as MatMul with
the transposed weight. A gigabyte of them is written at the speed of a copy, and is never held in memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from measure import Run, copy_and, measure_heap, mib

MOST_OF_COPY = 1.5  # of the time of cp and sync
MOST_HEAP = 64 * 2**20  # beside the graph

# 20 blocks of width 1024: 252 million parameters. The width may be made small: what such a file costs is the graph.
MODEL = """
import sys, torch, torch.nn.functional as F

class Block(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.before, self.between = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.qkv, self.out = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
        self.up, self.down = torch.nn.Linear(width, 4 * width), torch.nn.Linear(4 * width, width)

    def forward(self, x):
        q, k, v = self.qkv(self.before(x)).unflatten(-1, (3, 16, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.between(x))))

torch.manual_seed(0)
width = int(sys.argv[2])
module = torch.nn.Sequential(*(Block(width) for _ in range(20))).eval()
example = torch.randn(2, 16, width)
if sys.argv[1].endswith(".pt2"):
    shapes = ({0: torch.export.Dim("batch", max=64), 1: torch.export.Dim("time", max=4096)},)
    torch.export.save(torch.export.export(module, (example,), dynamic_shapes=shapes), sys.argv[1])
else:
    with torch.no_grad():
        torch.jit.trace(module, (example,), check_trace=False).save(sys.argv[1])
"""
LOAD = "import torch, sys; torch.jit.load(sys.argv[1])"
BASE = "import torch"


class TransformerBench:
    """Mixed into run.py's Bench."""

    program: str
    out: Path

    def transformer(self, suffix: str, width: int) -> Path:
        path = self.out / f"transformer{width}{suffix}"
        if not path.exists():
            subprocess.run([sys.executable, "-W", "ignore", "-c", MODEL, str(path), str(width)], check=True)
        return path

    def of_transformer(self, path: Path, weights: str) -> list[str]:
        width = int(path.stem.removeprefix("transformer"))
        given = [] if path.suffix == ".pt2" else ["--input", f"f32[batch=2,time=16,{width}]"]
        return [self.program, "export", str(path), "-o", str(self.out / "ours.onnx"), *given, "--quiet", "--weights", weights]

    def transformer_weights(self) -> None:
        for suffix in (".pt2", ".pt"):
            print(f"1 GiB of weights of a transformer, {suffix} (rank-3 Linear: each is written transposed)")
            path, small = self.transformer(suffix, 1024), self.transformer(suffix, 64)
            own_load = self.load_heap(path) if suffix == ".pt" else 0
            for weights in ("external", "inline"):
                files = [self.out / "ours.onnx", self.out / "ours.onnx.data"]
                cp, run = copy_and(self.of_transformer(path, weights), path, files)
                graph = measure_heap(self.of_transformer(small, weights))
                heap = measure_heap(self.of_transformer(path, weights))
                for each in (run, graph, heap):
                    self.check(each)
                for f in files:
                    f.unlink(missing_ok=True)
                self.report(weights, suffix, cp, run, heap.heap - graph.heap - own_load)
            path.unlink()

    def load_heap(self, path: Path) -> int:
        """What libtorch itself takes to load the file."""
        load, base = measure_heap([sys.executable, "-c", LOAD, str(path)]), measure_heap([sys.executable, "-c", BASE])
        return load.heap - base.heap

    def report(self, weights: str, suffix: str, cp: Run, run: Run, more: int) -> None:
        ratio = run.seconds / cp.seconds
        expected = f" (expected: at most {MOST_OF_COPY})" if suffix == ".pt2" else ""
        self.line(f"--weights {weights}", f"{run.seconds:.2f} s", f"cp, sync {cp.seconds:.2f} s", f"{ratio:.2f} of cp{expected}")
        beside = "beside libtorch's own load and the graph" if suffix == ".pt" else "beside the graph"
        print(f"  heap {mib(max(more, 0))} {beside} (expected: at most {mib(MOST_HEAP)}); peak resident {mib(run.peak)}")
