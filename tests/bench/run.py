#!/usr/bin/env python3
"""run.py --bin PROGRAM --out OUT: the figures we hold ourselves to, as ratios measured in one run.

Whole processes throughout: `onnxport export` against `python -c 'torch.onnx.export(…)'` on the same files, the time of the
command and its peak resident memory; medians of several runs, after one to warm the disk cache.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "fixtures")]

from convert_bench import ConvertBench  # noqa: E402
from latency_bench import LatencyBench  # noqa: E402
from loop_bench import LoopBench  # noqa: E402
from measure import Run, copy_and, measure, mib  # noqa: E402
from nodes_bench import NodesBench  # noqa: E402
from program_bench import ProgramBench  # noqa: E402
from python_bench import PythonBench  # noqa: E402
from transformer_bench import TransformerBench  # noqa: E402

# The peers are given the module the .pt was traced from: both of them want Python code, not an archive.
PEER = """
import sys, warnings, logging
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
sys.path[:0] = [{fixtures!r}, {bench!r}]
import torch, run
torch.set_num_threads({threads})
torch.manual_seed(0)
module, arguments = run.model({name!r})
torch.onnx.export(module.eval(), arguments, {output!r}, dynamo={dynamo}, opset_version=20, verbose=False)
"""
PARTS = ("startup", "manifests", "session", "models", "growth", "weights", "programs", "program_json", "program_weights",
         "transformer_weights", "latency", "loops", "convert", "nodes", "python")
SESSION_EXPORTS = 10000
# As a vendor writes one: an operator that is one node, and one that is a function.
MANIFEST = """onnxport_manifest: 1
plugin: {{id: com.acme.p{i}, version: "1.0.0", publisher: Acme Inc.}}
provides:
  domains: [{{name: com.acme, version: 1}}]
  mappings:
    - torch: "acme{i}::scaled_tanh(Tensor x, float scale) -> Tensor"
      onnx: com.acme::ScaledTanh
      inputs: [x]
      attributes: {{alpha: scale, mode: "fast", steps: 3}}
      result: {{like: x}}
    - torch: "acme{i}::swish2(Tensor x) -> Tensor"
      function_opset: 20
      function: "(x) => (y) {{ s = Sigmoid(x)  y = Mul(x, s) }}"
"""
LOAD = "import torch, sys; torch.jit.load(sys.argv[1])"


def chain(length: int):
    """`length` small operators one after another."""
    import torch

    class Chain(torch.nn.Module):
        def forward(self, x):
            for i in range(length // 4):
                x = torch.tanh(torch.sigmoid(torch.relu(x) + 0.5))
            return x

    return Chain(), (torch.randn(2, 4),)


def gigabyte():
    """1 GiB of float32 weights in 16 linear layers."""
    import torch

    return torch.nn.Sequential(*(torch.nn.Linear(4096, 4096, bias=False) for _ in range(16))), (torch.randn(1, 4096),)


def model(name: str):
    import torch

    if name.startswith("chain"):
        return chain(int(name.removeprefix("chain")))
    if name == "gigabyte":
        return gigabyte()
    import make

    fixture = next(f for f in make.fixtures() if f.name == name)
    return fixture.module, fixture.arguments


def script_chain(length: int, path: Path) -> None:
    """The chain as a script: tracing tens of thousands of operators exhausts the stack of the tracer."""
    import importlib.util

    import torch

    source = path.with_suffix(".py")  # torch.jit.script reads the source of what it compiles
    lines = "".join("        x = torch.tanh(torch.sigmoid(torch.relu(x) + 0.5))\n" for _ in range(length // 4))
    source.write_text(f"import torch\n\n\nclass Chain(torch.nn.Module):\n    def forward(self, x):\n{lines}        return x\n")
    spec = importlib.util.spec_from_file_location(path.stem, source)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    torch.jit.script(loaded.Chain().eval()).save(str(path))


def trace(name: str, path: Path) -> None:
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)
    if name.startswith("chain"):
        return script_chain(int(name.removeprefix("chain")), path)
    module, arguments = model(name)
    with torch.no_grad():
        torch.jit.trace(module.eval(), arguments, check_trace=False).save(str(path))


class Bench(ProgramBench, TransformerBench, LatencyBench, LoopBench, ConvertBench, NodesBench, PythonBench):
    def __init__(self, program: str, out: Path, runs: int, fixtures: Path) -> None:
        self.program, self.out, self.runs, self.fixtures = program, out, runs, fixtures
        self.failed = 0

    def ours(self, model_path: Path, inputs: list[str], *words: str) -> list[str]:
        given = [word for text in inputs for word in ("--input", text)]
        return [self.program, "export", str(model_path), "-o", str(self.out / "ours.onnx"), *given, "--quiet", *words]

    def peer(self, name: str, dynamo: bool) -> list[str]:
        code = PEER.format(fixtures=str(HERE.parent / "fixtures"), bench=str(HERE), name=name, dynamo=dynamo,
                           output=str(self.out / "peer.onnx"), threads=os.cpu_count())
        return [sys.executable, "-c", code]

    def line(self, *columns: str) -> None:
        print("  " + "".join(f"{c:<26}" if i == 0 else f"{c:>22}" for i, c in enumerate(columns)), flush=True)

    def show(self, run: Run) -> str:
        if run.ok:
            return f"{run.seconds:.2f} s {mib(run.peak)}"
        return f"no ({run.seconds:.0f} s)"

    def check(self, run: Run) -> Run:
        if not run.ok:
            self.failed += 1
            print(f"  onnxport failed: {run.message}")
        return run

    def models(self) -> None:
        import yaml

        print("Whole commands on real models: median time and peak memory, opset 20")
        self.line("", "onnxport", "dynamo=False", "dynamo=True", "times faster", "")
        faster: dict[bool, list[float]] = {False: [], True: []}
        wanted = ("resnet18", "unet", "vit", "bert", "gpt2", "lstm_tagger")
        for entry in yaml.safe_load((self.fixtures / "models.yaml").read_text()):
            if entry["name"] not in wanted:
                continue
            ours = self.check(measure(self.ours(self.fixtures / entry["model"], entry["inputs"]), self.runs))
            peers = {dynamo: measure(self.peer(entry["name"], dynamo), max(1, self.runs // 2)) for dynamo in (False, True)}
            ratios = []
            for dynamo, peer in peers.items():
                if ours.ok and peer.ok:
                    faster[dynamo].append(peer.seconds / ours.seconds)
                    ratios.append(f"{peer.seconds / ours.seconds:.1f}")
                else:
                    ratios.append("-")
            self.line(entry["name"], self.show(ours), self.show(peers[False]), self.show(peers[True]), " and ".join(ratios))
        for dynamo, expected in ((False, 4), (True, 20)):
            if faster[dynamo]:
                print(f"  median against dynamo={dynamo}: {statistics.median(faster[dynamo]):.1f} times faster (expected: {expected})")

    def startup(self) -> None:
        print("What is libtorch's own: `onnxport plugin list` and loading a model")
        listed = measure([self.program, "plugin", "list"], self.runs)
        linear = self.fixtures / "models/linear.pt"
        small = measure(self.ours(linear, ["f32[2,8]"]), self.runs)
        self.line("plugin list", self.show(listed))
        self.line("export of one layer", self.show(small))

    def manifests(self) -> None:
        print("Manifests of a folder: a Session that reads them, against yaml-cpp's parser alone over the same bytes")
        bench = Path(self.program).parents[1] / "tests/manifest_bench"
        if not bench.exists():
            print(f"  left out: {bench} is not built (cmake --build … --target manifest_bench)")
            return
        self.line("", "session", "yaml-cpp", "times yaml-cpp", "plugin list, whole", "expected")
        for count, most in ((50, 50), (2000, 500)):
            folder = self.out / f"manifests{count}"
            folder.mkdir(exist_ok=True)
            for i in range(count):
                (folder / f"p{i:04}.onnxport.yaml").write_text(MANIFEST.format(i=i))
            done = subprocess.run([str(bench), str(folder), str(max(3, self.runs))], capture_output=True, text=True)
            listed = self.check(measure([self.program, "plugin", "list", "--no-default-plugin-paths", "--plugin-path", str(folder)], self.runs))
            if done.returncode != 0:
                self.failed += 1
                print(f"  onnxport failed: {done.stderr.strip()}")
                continue
            took = {name: float(value) for name, value in (line.split() for line in done.stdout.splitlines())}
            self.line(f"{count} manifests", f"{took['session'] * 1e3:.1f} ms", f"{took['yaml'] * 1e3:.1f} ms",
                      f"{took['session'] / took['yaml']:.2f}", f"{listed.seconds * 1e3:.0f} ms", f"{most} ms")

    def session(self) -> None:
        print(f"{SESSION_EXPORTS} exports of one layer (.pt2) in one process: from one Session, and by a call each")
        bench = Path(self.program).parents[1] / "tests/session_bench"
        if not bench.exists():
            print(f"  left out: {bench} is not built (cmake --build … --target session_bench)")
            return
        words = [str(bench), str(self.fixtures / "programs/linear.pt2"), str(SESSION_EXPORTS)]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode != 0:
            self.failed += 1
            print(f"  onnxport failed: {done.stderr.strip()}")
            return
        took = {name: float(value) for name, value in (line.split() for line in done.stdout.splitlines())}
        each = {name: f"{value / SESSION_EXPORTS * 1e6:.0f} us" for name, value in took.items()}
        self.line("one Session", f"{took['session']:.2f} s", f"{each['session']} each", f"{took['session'] / took['stages']:.3f} of its stages")
        self.line("one call each", f"{took['calls']:.2f} s", f"{each['calls']} each", f"{took['calls'] / took['session']:.1f} times the Session's")
        self.line("targets of one Program", f"{took['targets']:.2f} s", f"{each['targets']} each")
        self.line("opening a Session", f"{took['open'] * 1e3:.2f} ms")
        self.line("keeping what verify runs", f"{each['clone']} each", f"{took['clone'] / took['capture']:.3f} of a capture")

    def weights(self) -> None:
        print("1 GiB of weights, written beside the model (--weights external)")
        path = self.out / "gigabyte.pt"
        if not path.exists():
            trace_apart("gigabyte", path)
        files = [self.out / "ours.onnx", self.out / "ours.onnx.data"]
        cp, run = copy_and(self.ours(path, ["f32[batch=1,4096]"], "--weights", "external"), path, files)
        self.check(run)
        load = measure([sys.executable, "-c", LOAD, str(path)], 1)
        base = measure([sys.executable, "-c", "import torch"], 1)
        self.line("cp and sync", f"{cp.seconds:.2f} s", f"{2**30 / cp.seconds / 1e6:.0f} MB/s")
        self.line("onnxport", self.show(run), f"{2**30 / run.seconds / 1e6:.0f} MB/s", f"{run.seconds / cp.seconds:.2f} of cp")
        self.line("torch.jit.load", self.show(load), f"({mib(base.peak)} of it Python and torch)")
        more = run.peak - load.peak
        print(f"  peak memory {mib(abs(more))} {'above' if more > 0 else 'below'} libtorch's own load of the file (expected: at most 64 MiB above)")
        for f in files:
            f.unlink(missing_ok=True)

    def growth(self) -> None:
        print("Chains of operators: time per node stays flat")
        # A short chain costs less than the start of the program that is taken off it, which varies: many runs, and few of the long ones.
        many = max(self.runs, 11)
        base = measure(self.ours(self.fixtures / "models/linear.pt", ["f32[2,8]"]), many).seconds
        self.line("", "onnxport", "per node", "dynamo=False")
        per_node, whole = [], []
        for length in (1024, 4096, 16384, 65536):
            path = self.out / f"chain{length}.pt"
            if not path.exists():
                trace_apart(f"chain{length}", path)
            ours = self.check(measure(self.ours(path, ["f32[batch=2,4]"]), many if length <= 4096 else min(self.runs, 3)))
            whole.append(ours.seconds)
            per_node.append((ours.seconds - base) / length * 1e6)
            peer = self.show(measure(self.peer(f"chain{length}", False), 1, limit=120)) if length <= 4096 else "-"
            self.line(f"{length} nodes", self.show(ours), f"{per_node[-1]:.1f} us", peer)
        print(f"  16 times the nodes (4096, 65536) take {whole[-1] / whole[1]:.1f} times as long (expected: at most 16); without the start of the "
              f"program {per_node[-1] / per_node[1]:.2f} times as long per node (what a graph beyond the caches costs)")


def trace_apart(name: str, path: Path) -> None:
    """In another process: a gigabyte here would stay in ours."""
    code = f"import sys; sys.path[:0] = [{str(HERE.parent / 'fixtures')!r}, {str(HERE)!r}]; import run, pathlib; "
    code += f"sys.setrecursionlimit(100000); run.trace({name!r}, pathlib.Path({str(path)!r}))"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="the program onnxport")
    parser.add_argument("--out", required=True, type=Path, help="a folder for what is made on the way (2 GiB)")
    parser.add_argument("--runs", type=int, default=5, help="runs per median (default 5)")
    parser.add_argument("--only", choices=PARTS, action="append", help="some of the parts")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    fixtures = args.out / "fixtures"
    if not (fixtures / "models.yaml").exists():
        shutil.rmtree(fixtures, ignore_errors=True)
        fixtures.mkdir()
        subprocess.run([sys.executable, "-W", "ignore", str(HERE.parent / "fixtures/make.py"), str(fixtures)], check=True)
    bench = Bench(str(Path(args.bin).resolve()), args.out.resolve(), args.runs, fixtures.resolve())
    for part in PARTS:
        if not args.only or part in args.only:
            getattr(bench, part)()
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
