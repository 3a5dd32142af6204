#!/usr/bin/env python3
"""search.py [--seconds S] [--seed N] [--only TEXT]: operators at arguments that nobody wrote down.

Every expression of the case tables (plugins/*/*_cases.yaml) with its constants changed (flags, axes, sizes 0 and 1, bounds that
cross, negative steps), on inputs with ties, NaN, infinities, large and tiny numbers, at two sizes: what PyTorch computes is legal;
what the exported file computes in ONNX Runtime must be the same, through TorchScript and through an exported program. A refusal
with a code is right; another number is not. Cases are exported a handful at a time; what fails is tried alone. The seed is
printed, and --seed N makes the same cases again. known_findings.yaml lists what is known and why.
"""

from __future__ import annotations

import argparse
import ast
import logging
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy
import onnxruntime
import torch
import yaml
from torch.export import Dim

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "ops"))
import make_cases  # noqa: E402
from runs import PROGRAM  # noqa: E402

TOGETHER = 8
KNOWN = [(re.compile(entry["expr"]), entry["why"]) for entry in yaml.safe_load((Path(__file__).parent / "known_findings.yaml").read_text()) or []]


class Change(ast.NodeTransformer):
    """Constants of calls, some of them, replaced by others of their kind."""

    def __init__(self, random_: random.Random) -> None:
        self.random = random_

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        value = node.value
        if self.random.random() > 0.4:
            return node
        if isinstance(value, bool):
            return ast.copy_location(ast.Constant(not value), node)
        if isinstance(value, int):
            value = self.random.choice((0, 1, -1, 2, 3, -2, value + 1, value - 1, -value, value * 2, 100))
            return ast.parse(repr(value), mode="eval").body
        if isinstance(value, float):
            value = self.random.choice((0.0, 1.0, -value, value * 10, value / 10, 0.5, -0.5, 1e-3, 2.5))
            return ast.parse(repr(value), mode="eval").body
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if node.keywords and self.random.random() < 0.15:
            node.keywords.pop(self.random.randrange(len(node.keywords)))
        return node


class Trial:
    """One changed case: its text over its own input names, and inputs for two sizes."""

    def __init__(self, case: dict[str, Any], op: str, index: int, random_: random.Random) -> None:
        self.op = op
        self.prefix = f"c{index}_"
        self.sizes: dict[str, int] = {}
        self.inputs = [make_cases.Input(name, kind, self.sizes) for name, kind in (case.get("inputs") or {}).items()]
        if any(i.number for i in self.inputs):
            raise ValueError("an argument is a number")
        if "static_only" in case:
            self.freeze()
        tree = Change(random_).visit(ast.parse(case["expr"], mode="eval"))
        self.text = ast.unparse(ast.fix_missing_locations(tree))
        names = {i.name: self.prefix + i.name for i in self.inputs}
        for part in ast.walk(tree):
            if isinstance(part, ast.Name) and part.id in names:
                part.id = names[part.id]
        self.expr = ast.unparse(tree)
        for i in self.inputs:
            i.name = names[i.name]
            i.dims = [f"{self.prefix}{d}" if isinstance(d, str) else d for d in i.dims]
        sizes = {self.prefix + k: v for k, v in self.sizes.items()}
        self.example = {k: max(2, v + random_.choice((0, 0, 1))) for k, v in sizes.items()}
        self.second = {k: v + n + random_.choice((1, 2)) for n, (k, v) in enumerate(self.example.items())}
        self.least = {k: 1 for k in self.example} if random_.random() < 0.5 else {}
        self.kind = random_.choice(("plain", "plain", "ties", "special", "large", "tiny"))
        self.seed = random_.randrange(1 << 30)

    def freeze(self) -> None:
        for i in self.inputs:
            i.dims = [self.sizes.get(d, d) if isinstance(d, str) else d for d in i.dims]
        self.sizes = {}

    def tensors(self, sizes: dict[str, int]) -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(self.seed)
        return [self.coloured(i, i.tensor(sizes, generator), generator) for i in self.inputs]

    def coloured(self, i: make_cases.Input, t: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        if not t.is_floating_point() or i.low is not None or t.numel() == 0:
            return t
        if self.kind == "ties":
            return (t * 2).round() / 2
        if self.kind == "large":
            return t * 1e4
        if self.kind == "tiny":
            return t * 1e-6
        if self.kind == "special":
            odd = torch.tensor([float("nan"), float("inf"), float("-inf"), 0.0, -0.0], dtype=t.dtype)
            where = torch.rand(t.shape, generator=generator) < 0.2
            return torch.where(where, odd[torch.randint(0, 5, t.shape, generator=generator)], t)
        return t


def module_of(trials: list[Trial], folder: Path) -> torch.nn.Module:
    arguments = "".join(f", {i.argument()}" for t in trials for i in t.inputs)
    lines = "".join(f"\n        r{k} = {t.expr}" for k, t in enumerate(trials))
    results = ", ".join(f"r{k}" for k in range(len(trials)))
    source = folder / "model.py"
    source.write_text(f"class Case(torch.nn.Module):\n    def forward(self{arguments}):{lines}\n        return ({results},)\n")
    scope: dict[str, Any] = {"torch": torch, "__name__": "cases"}
    exec(compile(source.read_text(), str(source), "exec"), scope)
    return scope["Case"]().eval()


def computed(trial: Trial, sizes: dict[str, int]) -> list[torch.Tensor] | None:
    """What PyTorch says; None when it refuses, or returns what no file could."""
    scope = {"torch": torch, **dict(zip((i.name for i in trial.inputs), trial.tensors(sizes)))}
    try:
        with torch.no_grad():
            out = make_cases.flat(eval(trial.expr, scope))
    except Exception:
        return None
    return out if all(isinstance(t, torch.Tensor) and not t.is_complex() and not t.is_quantized and not t.is_sparse for t in out) and out else None


def differs(want: torch.Tensor, got: numpy.ndarray) -> str | None:
    expected = want.detach().resolve_neg().numpy() if want.dtype != torch.bfloat16 else want.float().numpy()
    if expected.shape != got.shape or (expected.dtype != got.dtype and want.dtype != torch.bfloat16):
        return f"{got.dtype}{list(got.shape)} for {expected.dtype}{list(expected.shape)}"
    if expected.dtype.kind != "f":
        return None if (expected == got).all() else f"{(expected != got).sum()} of {got.size} values: {got.ravel()[:4]} for {expected.ravel()[:4]}"
    scale = numpy.abs(expected[numpy.isfinite(expected)]).max(initial=1)
    loose = 2e-2 if expected.dtype == numpy.float16 else 1e-3
    same = numpy.isclose(expected.astype("f8"), got.astype("f8"), rtol=loose, atol=loose * 1e-2 * scale, equal_nan=True)
    return None if same.all() else f"{(~same).sum()} of {same.size} values: {got[~same][:4]} for {expected[~same][:4]}"


def export(trials: list[Trial], program: bool, folder: Path) -> tuple[str, Path | None]:
    """The file, or the code of a refusal, or what went wrong ('!…')."""
    model, output = folder / ("model.pt2" if program else "model.pt"), folder / "model.onnx"
    output.unlink(missing_ok=True)
    try:
        python = module_of(trials, folder)
        if program:
            arguments = tuple(t for trial in trials for t in trial.tensors(trial.example))
            dims = {d: Dim(d.replace("_", ""), min=2) for trial in trials for d in trial.example}
            shapes = tuple({k: dims[d] for k, d in enumerate(i.dims) if isinstance(d, str)} for trial in trials for i in trial.inputs)
            torch.export.save(torch.export.export(python, arguments, dynamic_shapes=(shapes if arguments else None)), model)
            words: list[str] = []
        else:
            torch.jit.script(python).save(str(model))
            words = [w for trial in trials for i in trial.inputs for w in ("-i", i.spec(trial.example, dynamic=True))]
    except Exception as error:
        return f"torch: {type(error).__name__}", None
    done = subprocess.run([PROGRAM, "export", model, "-o", output, "--state", "drop", *words], capture_output=True, text=True, timeout=120, check=False)
    code = re.search(r"error ([A-Z]\d{3})", done.stderr)
    if done.returncode == 0:
        return "", output
    if done.returncode < 0 or done.returncode == 1 or not code or code[1] in ("T519", "T510", "S710"):
        return f"!status {done.returncode}: {done.stderr[-300:]}", None
    return code[1], None


def faults(trials: list[Trial], program: bool, folder: Path) -> tuple[str, list[tuple[Trial, str]]]:
    """What became of the file, and which trials came out wrong."""
    said, output = export(trials, program, folder)
    if said.startswith("!"):
        return said, [(trials[0], said)] if len(trials) == 1 else []
    if output is None:
        return said, []
    try:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(output), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        return f"ort: {str(error)[:120]}", []
    out: list[tuple[Trial, str]] = []
    for which in ("example", "second", "least"):
        if which == "least" and program:
            continue
        sizes = [getattr(t, which) or t.example for t in trials]
        wanted = [computed(t, s) for t, s in zip(trials, sizes)]
        if any(w is None for w in wanted):
            sizes = [s if w is not None else t.example for t, s, w in zip(trials, sizes, wanted)]
            wanted = [computed(t, s) for t, s in zip(trials, sizes)]
        tensors = [x for t, s in zip(trials, sizes) for x in t.tensors(s)]
        feeds = {i.name: x.numpy() for i, x in zip(session.get_inputs(), tensors)}
        try:
            found = session.run(None, feeds)
        except Exception as error:
            if len(trials) == 1:
                out.append((trials[0], f"{which}: ONNX Runtime: {str(error)[-200:]}"))
            return "run", out
        at = 0
        for trial, want in zip(trials, wanted):
            for tensor in want or []:
                why = differs(tensor, found[at]) if at < len(found) else "a result is missing"
                at += 1
                if why and trial not in [t for t, _ in out]:
                    out.append((trial, f"{which} sizes, {trial.kind} values: {why}"))
    return "", out


def known(trial: Trial) -> str | None:
    return next((why for pattern, why in KNOWN if pattern.search(trial.text)), None)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--trials", type=int, default=1 << 30, help="end after as many, however much time is left")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--only", default="")
    wanted = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    cases = [(entry["op"], case) for table in sorted((ROOT / "plugins").glob("*/*_cases.yaml")) for entry in yaml.safe_load(table.read_text())
             for case in entry["cases"] if "expr" in case and "ort_skip" not in case and "transformers" not in case["expr"]
             and wanted.only in entry["op"] + case["expr"]]
    print(f"{len(cases)} expressions, seed {wanted.seed}", flush=True)
    random_, started, found = random.Random(wanted.seed), time.monotonic(), []
    count = {"tried": 0, "illegal": 0, "refused": 0, "right": 0, "known": 0}
    with tempfile.TemporaryDirectory(prefix="onnxport-search-") as name:
        folder = Path(name)
        while time.monotonic() - started < wanted.seconds and count["tried"] < wanted.trials:
            batch: list[Trial] = []
            while len(batch) < TOGETHER and time.monotonic() - started < wanted.seconds:
                op, case = random_.choice(cases)
                try:
                    trial = Trial(case, op, len(batch), random_)
                    legal = computed(trial, trial.example) is not None and known(trial) is None
                except Exception:
                    continue
                count["known"] += known(trial) is not None
                count["tried" if legal else "illegal"] += 1
                if legal:
                    batch.append(trial)
            for program in (False, True) if batch else ():
                said, wrong = faults(batch, program, folder)
                if said == "" and not wrong:
                    count["right"] += len(batch)
                    continue
                for trial in batch:
                    if time.monotonic() - started > 3 * wanted.seconds:
                        break
                    said, wrong = faults([trial], program, folder)
                    count["refused"] += bool(said) and not wrong
                    count["right"] += not said and not wrong
                    for _, why in wrong:
                        found.append((trial, why))
                        print(f"FAIL {'.pt2' if program else '.pt'} {trial.op}: {trial.text}\n     inputs "
                              f"{[i.spec(trial.example, True) for i in trial.inputs]}; {why}", flush=True)
    print(", ".join(f"{n} {what}" for what, n in count.items()) + f", {len(found)} wrong")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
