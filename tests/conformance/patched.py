#!/usr/bin/env python3
"""patched.py TEST_ONNX_FOLDER RECORDS [--every N] [--seed N] [--only REGEX] [--jobs N] [--resume]: PyTorch's own ONNX tests, as
they are, twice: with torch.onnx.export, and with onnxport in its place.

TEST_ONNX_FOLDER is test/onnx of a source tree of PyTorch. Tests run in processes of their own, which are replaced when one crashes or
takes too long. What each test did is kept in the folder RECORDS, where torch's side is not run again, and ours only without
--resume. Then a table: a test that passes with torch's exporter only is a fault of ours, unless it looks into the exporter (the
export was made, and what failed is a statement about its nodes or about torch's own parts) or wants an error."""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from run import reason as shorter

WORKER = Path(__file__).resolve().parent / "patched_worker.py"
SIDES = ("torch", "onnxport")
SECONDS = 120  # for one test, and for the imports before the first
Records = dict[str, dict[str, Any]]


# ---- processes ----

def lines(file: Path) -> list[dict[str, Any]]:
    """Whole lines: a process may be writing another."""
    return [json.loads(line) for line in file.read_text().splitlines(True) if line.endswith("\n")] if file.exists() else []


def results(file: Path) -> Records:
    """The last thing that is known of each test; of one that ended its process only that it began."""
    return {record["test"]: record for record in lines(file) if "test" in record}


def work(tests: Path, side: str, file: Path, asked: list[str]) -> str:
    """One process, until it has ended or nothing has come of it for too long. Gives why it ended before its time."""
    with subprocess.Popen([sys.executable, "-B", str(WORKER), str(tests), side, str(file)], stdin=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        child.stdin.write(json.dumps(asked))
        child.stdin.close()
        child.stdin = None
        size, since = -1, time.monotonic()
        while True:
            try:
                _, said = child.communicate(timeout=0.5)
                words = said.strip().splitlines()[-1:] or [""]
                return "" if child.returncode == 0 else f"crash: exit {child.returncode} {words[0]}"
            except subprocess.TimeoutExpired:
                now = file.stat().st_size if file.exists() else 0
                if now != size:
                    size, since = now, time.monotonic()
                elif time.monotonic() - since > SECONDS:
                    child.kill()
                    return f"timeout: over {SECONDS} s"


def finish(tests: Path, side: str, file: Path, asked: list[str]) -> None:
    """Every test that is asked for gets its record."""
    while True:
        done = results(file)
        left = [test for test in asked if "status" not in done.get(test, {})]
        if not left:
            return
        why = work(tests, side, file, left)
        begun = [test for test, record in results(file).items() if test in left and "status" not in record]
        if not begun and why:
            sys.exit(f"the tests cannot run: {why}")
        with file.open("a") as records:
            for test in begun:
                records.write(json.dumps({"test": test, "status": "failed", "text": why, "place": "", "inside": False}) + "\n")


def run(tests: Path, side: str, folder: Path, asked: list[str], jobs: int) -> Records:
    files = [folder / f"{side}.{k}.jsonl" for k in range(jobs)]
    known = {test: record for file in folder.glob(f"{side}.*.jsonl") for test, record in results(file).items() if "status" in record}
    left = [test for test in asked if test not in known]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        parts = [pool.submit(finish, tests, side, file, left[k::jobs]) for k, file in enumerate(files)]
        while not all(part.done() for part in parts):
            concurrent.futures.wait(parts, timeout=60)
            count = sum("status" in r for file in files for t, r in results(file).items() if t in left)
            print(f"{side}: {count} of {len(left)} tests", file=sys.stderr, flush=True)
        for part in parts:
            part.result()
    return known | {test: record for file in files for test, record in results(file).items() if test in asked}


# ---- the table ----

OTHERWISE = "passed both ways, with the inputs that each file has"
TORCH_ONLY = ("torch only: a fault", "torch only: refused with a code", "torch only: looks into the exporter",
              "torch only: wants an error or a warning", "torch only: wants torch's words in an error",
              "torch only: without an export")


def kind(torchs: dict[str, Any], ours: dict[str, Any]) -> str:
    if "skipped" in (torchs["status"], ours["status"]):
        return "skipped by the test"
    passed = {("ok", "ok"): "passed both ways", ("failed", "ok"): "passed with onnxport only", ("failed", "failed"): "failed both ways"}
    if (torchs["status"], ours["status"]) in passed:
        both = passed[torchs["status"], ours["status"]]
        if both == "passed both ways":
            return "without an export" if not ours.get("calls") else OTHERWISE if ours.get("fed_otherwise") else both
        return both
    if re.search(r"\bnot raised\b|unexpected success|unexpectedly passed|not triggered", ours["text"], re.I):
        return "torch only: wants an error or a warning"
    if ours.get("calls") == 0:  # a test that ended its process has no count
        return "torch only: without an export"
    if re.search(r"\bdoes not match\b", ours["text"]):
        return "torch only: wants torch's words in an error"
    if re.match(r"[A-Z]\d{3}\b", ours["text"]):
        return "torch only: refused with a code"
    if ours.get("inside") and not ours.get("raised"):
        return "torch only: looks into the exporter"
    return "torch only: a fault"


def show(tests: list[str], torchs: Records, ours: Records) -> int:
    kinds: dict[str, list[str]] = collections.defaultdict(list)
    for test in tests:
        kinds[kind(torchs[test], ours[test])].append(test)
    print(f"{len(tests):5}  tests")
    for name in ("passed both ways", OTHERWISE, "passed with onnxport only", "failed both ways", *TORCH_ONLY,
                 "without an export", "skipped by the test"):
        print(f"{len(kinds[name]):5}  {name}")
    for name in (name for name in TORCH_ONLY if kinds[name]):
        reasons: dict[str, list[str]] = collections.defaultdict(list)
        for test in kinds[name]:
            word, _, text = ours[test]["text"].partition(": ")
            reasons[shorter({"kind": word, "text": text})].append(f"{test} ({ours[test].get('place', '')})")
        print(f"\n{name}")
        for why, names in sorted(reasons.items(), key=lambda item: -len(item[1])):
            print(f"{len(names):5}  {why}")
            for test in names[:5]:
                print(f"         {test}")
    return len(kinds["torch only: a fault"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", type=Path)
    parser.add_argument("records", type=Path)
    parser.add_argument("--only", default="", help="tests whose name this expression finds")
    parser.add_argument("--every", type=int, default=1, help="every N-th test")
    parser.add_argument("--seed", type=int, default=0, help="which of the N samples")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    options = parser.parse_args()
    options.records.mkdir(parents=True, exist_ok=True)
    if not options.resume:
        for file in options.records.glob("onnxport.*.jsonl"):
            file.unlink()
    listed = options.records / "list.jsonl"
    listed.unlink(missing_ok=True)
    why = work(options.tests, "list", listed, [])
    if why:
        sys.exit(f"the tests cannot be listed: {why}")
    for record in lines(listed):
        if "file" in record:
            print(f"left out: {record['file']}: {record['text']}")
    asked = [test for test in results(listed) if re.search(options.only, test)][options.seed % options.every::options.every]
    torchs, ours = (run(options.tests, side, options.records, asked, options.jobs) for side in SIDES)
    sys.exit(1 if show(asked, torchs, ours) else 0)


if __name__ == "__main__":
    main()
