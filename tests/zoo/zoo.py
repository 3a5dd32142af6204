#!/usr/bin/env python3
"""zoo.py all|sample [--results FILE] [--only TEXT] [--workers N] [--page FILE]: a census over models of public packages.

Each model is captured by PyTorch in both ways (TorchScript, torch.export), exported by the program, and run in ONNX Runtime at two
batch sizes. One child per model and capture, bounded in time and memory. Results are JSON lines; what a file of results has
already is not run again. `sample` takes the models of sample.txt, and fails unless every one is right.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CAPTURES = ("pt", "pt2")
SECONDS = 240  # of one model and capture
MEMORY = 6 << 30
RESULTS = ("right", "refused", "wrong", "crashed", "slow", "killed", "uncaptured", "unmade")


# ---- one model, in a child ----

def in_child(name: str, builder: Any, capture: str, report: Path) -> None:
    """Writes what became of it; never returns."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    os.setsid()
    import torch
    from check import check, first_line
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="onnxport-zoo-") as folder:
        try:
            with torch.no_grad():
                built = builder()
        except BaseException as error:
            result = {"capture": capture, "status": "unmade", "why": first_line(error)}
        else:
            result = check(built, capture, Path(folder))
    report.write_text(json.dumps({"model": name} | result))


def run_one(name: str, builder: Any, capture: str, folder: Path) -> dict[str, Any]:
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        try:
            in_child(name, builder, capture, report)
        finally:
            os._exit(0)
    ended, status, usage = 0, 0, None
    while time.monotonic() - started < SECONDS:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        if ended:
            break
        time.sleep(0.02)
    if not ended:
        for number in (child, -child):
            try:
                (os.kill if number > 0 else lambda n, s: os.killpg(-n, s))(number, signal.SIGKILL)
            except ProcessLookupError:
                pass
        _, status, usage = os.wait4(child, 0)
    out = json.loads(report.read_text()) if report.exists() else {
        "model": name, "capture": capture, "status": "killed" if ended else "slow",
        "why": f"status {os.waitstatus_to_exitcode(status)}" if ended else f"longer than {SECONDS} s"}
    return out | {"seconds": round(time.monotonic() - started, 1), "peak_mb": usage.ru_maxrss // 1024 if usage else 0}


def work(package: str, wanted: list[str], results: Path) -> None:
    """The models of one package, whose import the children share."""
    sys.path.insert(0, str(HERE))
    import warnings
    warnings.filterwarnings("ignore")
    import logging
    logging.disable(logging.ERROR)
    from catalog import models_of
    models = models_of(package)
    os.environ["YOLO_CONFIG_DIR"] = tempfile.gettempdir()  # nothing is written to the user's home
    with tempfile.TemporaryDirectory(prefix="onnxport-zoo-") as folder:
        for line in wanted:
            name, capture = line.split()
            result = run_one(name, models[name], capture, Path(folder))
            with results.open("a") as out:
                out.write(json.dumps(result) + "\n")
            print(f"{result['status']:10} {capture:4} {result['seconds']:6.1f} s  {name}  {result.get('why', '')[:160]}", flush=True)


# ---- all of them ----

def read(results: Path) -> dict[tuple[str, str], dict[str, Any]]:
    lines = results.read_text().splitlines() if results.exists() else []
    return {(r["model"], r["capture"]): r for r in map(json.loads, filter(None, lines))}


def names(which: str, only: str) -> list[str]:
    if which == "sample":
        lines = [line.split("#")[0].strip() for line in (HERE / "sample.txt").read_text().splitlines()]
        found = [line for line in lines if line]
    else:
        found = json.loads(subprocess.run([sys.executable, __file__, "--list"], check=True, stdout=subprocess.PIPE).stdout)
    return [name for name in found if only in name]


def run_all(wanted: list[tuple[str, str]], results: Path, workers: int) -> None:
    by_package: dict[str, list[str]] = {}
    for name, capture in wanted:
        by_package.setdefault(name.split("/")[0], []).append(f"{name} {capture}")
    waiting = sorted(by_package, key=lambda p: -len(by_package[p]))
    running: list[subprocess.Popen[bytes]] = []
    while waiting or running:
        while waiting and len(running) < workers:
            package = waiting.pop(0)
            running.append(subprocess.Popen([sys.executable, __file__, "--work", package, "--results", str(results)], stdin=subprocess.PIPE))
            running[-1].stdin.write("\n".join(by_package[package]).encode())  # type: ignore[union-attr]
            running[-1].stdin.close()  # type: ignore[union-attr]
        running = [child for child in running if child.poll() is None]
        time.sleep(0.1)


def table(found: list[dict[str, Any]]) -> list[str]:
    packages = sorted({r["model"].split("/")[0] for r in found})
    rows = ["| package | capture | models | PyTorch captures | right | refused | wrong | other |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for package in [*packages, "all"]:
        for capture in CAPTURES:
            count = Counter(r["status"] for r in found if r["capture"] == capture and (package == "all" or r["model"].startswith(package + "/")))
            total, captured = sum(count.values()), sum(count.values()) - count["uncaptured"] - count["unmade"]
            if total:
                other = captured - count["right"] - count["refused"] - count["wrong"]
                rows.append(f"| {package} | .{capture} | {total} | {captured} | {count['right']} | {count['refused']} | {count['wrong']} | {other} |")
    return rows


def page(found: list[dict[str, Any]], models: int) -> str:
    """docs/zoo.md."""
    tried = len({r["model"] for r in found})
    lines = ["# Census over public packages", "",
             "Models of public packages with random weights and small sizes, captured by PyTorch in both ways, exported to opset 20 and run in",
             "ONNX Runtime at two batch sizes (at one, where the capture itself holds for one). `./dev zoo all` makes this page; `./dev test`",
             "runs the 25 of `tests/zoo/sample.txt`. \"PyTorch captures\" leaves out what `torch.jit.trace` or `torch.export` refuses.", "",
             *([] if tried == models else [f"This is a part of it: {tried} of {models} models.", ""]), *table(found), ""]
    bad = [r for r in found if r["status"] not in ("right", "uncaptured", "unmade")]
    if bad:
        lines += ["## What is not right", "", "| model | capture | what | why |", "| --- | --- | --- | --- |"]
        lines += [f"| {r['model']} | .{r['capture']} | {r['status']} | {clean(r.get('why', ''))} |" for r in sorted(bad, key=lambda r: (r["model"], r["capture"]))]
        lines.append("")
    for capture, how in (("pt", "torch.jit.trace"), ("pt2", "torch.export")):
        out = sorted(r["model"] for r in found if r["capture"] == capture and r["status"] == "uncaptured")
        if out:
            lines += [f"## What {how} does not capture", "", ", ".join(out) + ".", ""]
    static = sorted({f"{r['model']} (.{r['capture']})" for r in found if r["status"] == "right" and not r.get("dynamic")})
    if static:
        lines += ["## Captured for one batch size", "", ", ".join(static) + ".", ""]
    return "\n".join(lines)


def clean(text: str) -> str:
    import re
    text = re.sub(r"/tmp/\S*/", "", text)
    return text.replace("|", "/").replace("\n", " ")[:220]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", nargs="?", choices=("all", "sample"))
    parser.add_argument("--list", action="store_true", help="the names of all models, as JSON")
    parser.add_argument("--work", metavar="PACKAGE", help=argparse.SUPPRESS)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--only", default="", help="models whose names hold this text")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--page", type=Path, help="write the page of results here")
    asked = parser.parse_args()
    sys.path.insert(0, str(HERE))
    if asked.list:
        from catalog import all_models
        print(json.dumps(list(all_models())))
        return 0
    if asked.work:
        work(asked.work, sys.stdin.read().split("\n"), asked.results)
        return 0
    if asked.which is None:
        parser.error("all or sample?")
    with tempfile.TemporaryDirectory(prefix="onnxport-zoo-") as folder:
        results = asked.results or Path(folder) / "results.jsonl"
        wanted = [(name, capture) for name in names(asked.which, asked.only) for capture in CAPTURES]
        done = read(results)
        run_all([w for w in wanted if w not in done], results, asked.workers)
        found = [r for key, r in read(results).items() if key in wanted or not asked.only]
    print("\n".join(table(found)))
    bad = [r for r in found if r["status"] not in ("right", "uncaptured", "unmade")]
    for r in bad:
        print(f"{r['status']} {r['model']} .{r['capture']}: {r.get('why', '')}")
    if asked.page:
        asked.page.write_text(page(found, len(names("all", ""))))
    short = [r for r in found if r["status"] != "right"] if asked.which == "sample" else bad
    print(f"{len(found) - len(short)} passed, {len(short)} failed")
    return 1 if short or (asked.which == "sample" and len(found) < len(wanted)) else 0


if __name__ == "__main__":
    sys.exit(main())
