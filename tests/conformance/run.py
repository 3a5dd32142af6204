#!/usr/bin/env python3
"""run.py CASES --bin ONNXPORT [--opset N] [--jobs N] [--results FILE] [--only REGEX]: the models that collect.py saved, through
onnxport and ONNX Runtime, against what PyTorch computed; a table of what fails and why."""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

SECONDS = 60
TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16, "tensor(int64)": np.int64,
         "tensor(int32)": np.int32, "tensor(int16)": np.int16, "tensor(int8)": np.int8, "tensor(uint8)": np.uint8, "tensor(bool)": np.bool_}


class Fails(Exception):
    """kind, and in what words."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def export(program: str, folder: Path, case: dict[str, Any], opset: int, output: Path, *more: str) -> None:
    words = [program, "export", str(folder / "model.pt"), "-o", str(output), "--opset", str(opset), "--quiet", "--state", "drop", *more]
    for text in case["inputs"]:
        words += ["--input", text]
    if case["training"]:
        words += ["--mode", "training"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise Fails("timeout", f"over {SECONDS} s") from None
    if done.returncode < 0:
        raise Fails("crash", f"signal {-done.returncode}")
    if done.returncode != 0:
        found = re.search(r"error (\w+): (.*)", done.stderr)
        raise Fails(found[1] if found else "error", found[2] if found else done.stderr.strip()[-200:])


def session_of(model: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def flat(values: list[Any]) -> list[np.ndarray]:
    out: list[np.ndarray] = []
    for value in values:
        out += flat(value) if isinstance(value, list) else [value]
    return out


def compare(case: dict[str, Any], results: list[np.ndarray], wanted: list[np.ndarray]) -> None:
    if len(results) != len(wanted):
        raise Fails("count", f"{len(results)} results, {len(wanted)} wanted")
    for k, (got, want) in enumerate(zip(results, wanted)):
        if np.iscomplexobj(want):
            got, want = (got if np.iscomplexobj(got) else got[..., 0] + 1j * got[..., 1]), want
        if case["check_shape"] and got.shape != want.shape:
            raise Fails("shape", f"result {k} is {list(got.shape)}, not {list(want.shape)}")
        if case["check_dtype"] and got.dtype != want.dtype and not (want.ndim == 0 and got.ndim == 0):
            raise Fails("dtype", f"result {k} is {got.dtype}, not {want.dtype}")
        try:
            np.testing.assert_allclose(got.astype(want.dtype).reshape(want.shape), want, rtol=case["rtol"], atol=max(case["atol"], 1e-6))
        except (AssertionError, TypeError, ValueError) as e:
            raise Fails("value", f"result {k}: " + " ".join(str(e).split())[:200]) from None


def check(program: str, folder: Path, opset: int) -> dict[str, Any]:
    case = json.loads((folder / "case.json").read_text())
    out: dict[str, Any] = {"name": case["name"], "peer": case["peer"], "kind": "ok", "text": ""}
    try:
        with tempfile.TemporaryDirectory() as scratch:
            model = Path(scratch) / "model.onnx"
            export(program, folder, case, opset, model)
            try:
                session = session_of(model)
            except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
                # The runtime lacks a kernel for the type, as for many of f64: the profile for its CPU kernels casts there.
                export(program, folder, case, opset, model, "--config", "onnxruntime-cpu")
                session = session_of(model)
            except Exception as e:
                raise Fails("load", str(e)[:300]) from None
            for name in case["files"]:
                with np.load(folder / name) as values:
                    given = {key[3:]: values[key] for key in values if key.startswith("in:")}
                    wanted = [values[f"out:{k}"] for k in range(sum(key.startswith("out:") for key in values))]
                feeds = {}
                for i in session.get_inputs():
                    if i.name not in given:
                        raise Fails("input", f"the file has an input '{i.name}', the model has {sorted(given)}")
                    value = given[i.name]
                    if np.iscomplexobj(value):
                        value = np.stack([value.real, value.imag], -1)
                    feeds[i.name] = value.astype(TYPES.get(i.type, value.dtype))
                try:
                    results = flat(session.run(None, feeds))
                except Exception as e:
                    raise Fails("run", str(e)[:300]) from None
                compare(case, results, wanted)
    except Fails as e:
        out |= {"kind": e.kind, "text": str(e)}
    return out


def reason(result: dict[str, Any]) -> str:
    """Without what differs from one such failure to the next."""
    return f"{result['kind']}: " + re.sub(r"\d+(\.\d+)?", "N", re.sub(r"'[^']*'", "'…'", result["text"]))[:120]


def table(results: list[dict[str, Any]]) -> None:
    good = sum(r["kind"] == "ok" for r in results)
    print(f"{good} of {len(results)} models")
    peers = [r for r in results if r["peer"] == "ok"]
    if peers:
        print(f"{sum(r['kind'] == 'ok' for r in peers)} of {len(peers)} that PyTorch's TorchScript exporter writes a file of")
    reasons: dict[str, list[str]] = collections.defaultdict(list)
    for r in results:
        if r["kind"] != "ok":
            reasons[reason(r)].append(r["name"])
    for why, names in sorted(reasons.items(), key=lambda item: -len(item[1])):
        print(f"{len(names):5}  {why}\n       {' '.join(names[:3])}{' …' if len(names) > 3 else ''}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--opset", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    folders = sorted(f.parent for f in options.cases.glob("*/case.json") if re.search(options.only, f.parent.name))
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda folder: check(options.bin, folder, options.opset), folders))
    if options.results:
        options.results.write_text("".join(json.dumps(r) + "\n" for r in results))
    table(results)
    # A file that computes something else, or that no runtime takes, is a fault; a named error is an answer.
    wrong = [r for r in results if r["kind"] != "ok" and not re.fullmatch(r"[A-Z]\d{3}", r["kind"])]
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
