"""What a loop costs in ONNX Runtime: scripted models over a thousand steps, beside the file that torch's TorchScript exporter
writes of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from measure import measure

MODELS = Path(__file__).resolve().with_name("loop_models.py")
NAMES = ("cell", "written")
MOST = 1.5  # of the time of the peer's file


class LoopBench:
    """Mixed into run.py's Bench."""

    program: str
    out: Path
    failed: bool

    def loops(self) -> None:
        from latency_bench import latencies

        print("Scripted loops of 1000 steps in ONNX Runtime on the CPU: processor time of a run with one thread, opset 20")
        self.line("", "onnxport", "dynamo=False", f"ratio (at most {MOST})")
        for name in NAMES:
            model, peer = self.out / f"loop_{name}.pt", self.out / f"loop_{name}.peer.onnx"
            if not peer.exists():
                subprocess.run([sys.executable, "-W", "ignore", str(MODELS), name, str(self.out)], check=True, capture_output=True)
            ours = self.out / f"loop_{name}.onnx"
            self.check(measure([self.program, "export", str(model), "-o", str(ours), "--quiet", "-i", "x:f32[t=1000,b=2,32]"], 1))
            took = latencies({"ours": ours, "peer": peer}, self.out / f"loop_{name}.npy")
            ratio = took["ours"] / took["peer"]
            self.line(name, f"{took['ours']:.2f} ms", f"{took['peer']:.2f} ms", f"{ratio:.2f}")
            self.failed = self.failed or ratio > MOST
