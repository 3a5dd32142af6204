"""Live models from Python: whole calls of onnxport.export against torch.onnx.export, and the memory that an export takes."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# What a process takes at most beyond what it had before the call, over the size of the weights.
MEMORY = """
import io, resource, sys, torch, onnxport
model = torch.nn.Sequential(*(torch.nn.Linear(2048, 2048) for _ in range(16))).eval()
x, dynamo, out = torch.randn(2, 2048), sys.argv[1] == "dynamo", sys.argv[2]
onnxport.export(torch.nn.Linear(4, 4).eval(), (torch.randn(2, 4),), out, dynamo=dynamo)  # what is loaded once
size = sum(p.numel() * p.element_size() for p in model.parameters())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
onnxport.export(model, (x,), out, dynamo=dynamo, external_data=False)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before) / size)
"""
TARGETS = {"export": ("torch export", 3.0), "trace": ("torch trace", 2.0)}


class PythonBench:
    """Mixed into run.py's Bench."""

    program: str
    out: Path
    runs: int

    def python(self) -> None:
        print("Python: whole calls on live models in one warm process, in turn (torch / onnxport); opset 18, medians of "
              f"{self.runs}")
        library = Path(self.program).parent.parent / "lib" / "libonnxport.so"
        environment = {**os.environ, "ONNXPORT_LIBRARY": str(library), "PYTHONPATH": str(HERE.parent.parent / "sdk" / "python")}
        self.line("", "dynamo=True", "torch", "ratio", "beyond capture", "dynamo=False", "torch", "ratio", "beyond capture")
        ratios: dict[str, list[float]] = {way: [] for way in TARGETS}
        process = subprocess.Popen([sys.executable, "-W", "ignore", str(HERE / "python_calls.py"), str(self.out), str(self.runs)],
                                   env=environment, stdout=subprocess.PIPE, text=True)
        for text in process.stdout or ():
            self._model(json.loads(text), ratios)
        if process.wait() != 0:
            self.failed += 1
        for way, (peer, wanted) in TARGETS.items():
            if ratios[way]:
                middle = statistics.median(ratios[way])
                print(f"  median over {peer}: {middle:.2f} ({len(ratios[way])} models), wanted {wanted:g}"
                      + ("" if middle >= wanted else ": missed"))
        for way in ("dynamo", "trace"):
            done = subprocess.run([sys.executable, "-W", "ignore", "-c", MEMORY, way, str(self.out / "memory.onnx")], env=environment,
                                  capture_output=True, text=True)
            if done.returncode != 0:
                self.failed += 1
            print(f"  memory beyond the model's own, {way}: {done.stdout.strip() or done.stderr[-200:]} of the size of its weights")

    def _model(self, found: dict, ratios: dict[str, list[float]]) -> None:
        seconds = found["seconds"]
        columns = []
        for way, (peer, _) in TARGETS.items():
            ours, theirs = seconds.get(way), seconds.get(peer)
            if ours is None and theirs is None:
                print(f"  neither can: {found['failed'].get(peer)}")
            elif ours is None:
                self.failed += 1
                print(f"  onnxport failed: {found['failed'].get(way)}")
            if ours is not None and theirs is not None:
                ratios[way].append(theirs / ours)
            columns += [f"{ours:.2f} s" if ours else "no", f"{theirs:.2f} s" if theirs else "no",
                        f"{theirs / ours:.2f}" if ours and theirs else "-",
                        f"{(ours - seconds[f'capture {way}']) / seconds[f'capture {way}']:.0%}" if ours and f"capture {way}" in seconds else "-"]
        self.line(found["model"], *columns)
