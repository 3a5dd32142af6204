#!/usr/bin/env python3
"""convert_nodes.py: the ONNX project's own node tests through `onnxport convert`, to lower and higher opsets.

Each case is a model of one operator with inputs and outputs, made by the `onnx` package when this runs. A converted file is
clean in ONNX's full check of its opset and gives in ONNX Runtime what the file as it was gave, or the program names what
stands in the way (O6xx). Beside it, what onnx.version_converter reaches on the same files: written, and equal.

    convert_nodes.py [--all] [--cases N] [--seed N]   without --all, a sample of the cases is taken by the seed
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper, version_converter
from onnx.backend.test.case.node import collect_testcases

PROGRAM = os.environ["ONNXPORT_BIN"]
SAMPLE = 120  # cases without --all, each to two opsets: what a minute takes
# Random by definition, or too large for a test of a second.
LEFT_OUT = ("bernoulli", "randomuniform", "randomnormal", "multinomial", "dropout_random", "training_dropout")


def offered() -> list[int]:
    listed = json.loads(subprocess.run([PROGRAM, "plugin", "list", "--json"], capture_output=True, text=True, check=True).stdout)
    opsets = {o for p in listed["plugins"] if p["state"] == "active" for o in p["opsets"]}
    return sorted(opsets)


def as_input(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value


def run(model: onnx.ModelProto, inputs: list[Any]) -> list[Any]:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs)))


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, (list, tuple)) or isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b))
    if a is None or b is None:
        return a is b
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind not in "fc":
        return bool(np.array_equal(a, b))
    wide = {2: 1e-2, 4: 1e-4}.get(a.dtype.itemsize, 1e-7)
    return bool(np.allclose(a, b, rtol=wide, atol=wide, equal_nan=True))


def judge(case: Any, target: int, folder: Path) -> tuple[str, str]:
    """Of one case at one opset: what became of it, and why."""
    source = folder / f"{case.name}.onnx"
    output = folder / f"{case.name}.{target}.onnx"
    done = subprocess.run([PROGRAM, "convert", str(source), "-o", str(output), "--opset", str(target), "-q"],
                          capture_output=True, text=True, timeout=120)
    if done.returncode < 0:
        return "crash", done.stderr[-300:]
    if done.returncode != 0:
        return ("refused" if done.returncode == 15 else "error"), done.stderr.strip()
    written = onnx.load(output)
    versions = {o.domain: o.version for o in written.opset_import}
    if versions.get("") != target:
        return "wrong", f"the file says opset {versions}"
    try:
        onnx.checker.check_model(written, full_check=True)
    except Exception as e:  # noqa: BLE001: whatever it says is the finding
        return "wrong", f"checker: {e}"
    try:
        actual = run(written, case.given)
    except Exception as e:  # noqa: BLE001
        text = str(e)
        return ("no kernel" if "NOT_IMPLEMENTED" in text or "is not implemented" in text.lower() or
                "is under development" in text else "wrong"), text[:300]
    return ("equal", "") if equal(case.expected, actual) else ("wrong", "other numbers")


def judge_peer(case: Any, target: int) -> str:
    try:
        written = version_converter.convert_version(case.model, target)
        onnx.checker.check_model(written, full_check=True)
        return "equal" if equal(case.expected, run(written, case.given)) else "wrong"
    except Exception:  # noqa: BLE001
        return "refused"


def load_cases(folder: Path, opsets: list[int]) -> list[Any]:
    out = []
    for case in collect_testcases(None):
        if any(word in case.name for word in LEFT_OUT) or not case.data_sets:
            continue
        versions = {o.domain: o.version for o in case.model.opset_import}
        if set(versions) - {""} or versions.get("", 0) not in opsets:
            continue
        case.given = [as_input(v) for v in case.data_sets[0][0]]
        case.opset = versions[""]
        try:
            case.expected = run(case.model, case.given)
        except Exception:  # noqa: BLE001: ONNX Runtime has no kernel for the file as it is
            continue
        onnx.save(case.model, folder / f"{case.name}.onnx")
        out.append(case)
    return out


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--cases", type=int, default=SAMPLE)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    words = parser.parse_args()
    ort.set_default_logger_severity(4)
    opsets = offered()
    with tempfile.TemporaryDirectory(prefix="onnxport-nodes-") as name:
        folder = Path(name)
        cases = load_cases(folder, opsets)
        total = len(cases)
        if words.only:
            cases = [c for c in cases if words.only in c.name]
        elif not words.all:
            cases = random.Random(words.seed).sample(cases, min(words.cases, total))
        work = [(case, target) for case in cases for target in opsets if target != case.opset]
        if not words.all and not words.only:
            chosen = random.Random(words.seed)
            work = [(case, t) for case in cases for t in sorted(chosen.sample([o for o in opsets if o != case.opset], 2))]
        counts: dict[int, Counter[str]] = {t: Counter() for t in opsets}
        peers: dict[int, Counter[str]] = {t: Counter() for t in opsets}
        faults: list[str] = []
        with concurrent.futures.ThreadPoolExecutor(words.jobs) as pool:
            for (case, target), (verdict, why) in zip(work, pool.map(lambda w: judge(w[0], w[1], folder), work)):
                counts[target][verdict] += 1
                if verdict in ("wrong", "error", "crash"):
                    faults.append(f"{case.name} {case.opset} -> {target}: {verdict}: {why}")
        for case, target in work:
            peers[target][judge_peer(case, target)] += 1
    print(f"{len(cases)} of {total} node tests of onnx {onnx.__version__} that ONNX Runtime {ort.__version__} runs")
    print(f"{'opset':>5} {'files':>6} | {'equal':>6} {'refused':>8} {'no kernel':>10} {'wrong':>6} | version_converter: equal, wrong")
    for target in opsets:
        c, p = counts[target], peers[target]
        bad = c["wrong"] + c["error"] + c["crash"]
        print(f"{target:>5} {sum(c.values()):>6} | {c['equal']:>6} {c['refused']:>8} {c['no kernel']:>10} {bad:>6} | {p['equal']:>17} {p['wrong']:>7}")
    ours, theirs = sum(c["equal"] for c in counts.values()), sum(p["equal"] for p in peers.values())
    print(f"equal: {ours} here, {theirs} of version_converter, of {len(work)}")
    for fault in faults:
        print(fault)
    return 1 if faults or ours < theirs else 0


if __name__ == "__main__":
    sys.exit(main())
