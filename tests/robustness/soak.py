#!/usr/bin/env python3
"""soak.py HOURS [--slice SECONDS] [--only TEXT]: everything that looks for faults by chance, in turn, until the time is over.

Each fuzz target (built with ASan and UBSan), the search over operators, and damaged files of both kinds. Whatever is found is
kept in build/soak, with the log that says how to make it again; the table at the end says what each did. Every round has new
seeds.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "robustness"
FUZZ = ROOT / "build" / "fuzz"
OUT = ROOT / "build" / "soak"
GRACE = 300  # what a task may take beyond its slice


@dataclass
class Task:
    """One thing that is run again and again."""

    name: str
    seconds: float = 0
    rounds: int = 0
    tried: int = 0
    findings: list[str] = field(default_factory=list)

    def words(self, seconds: int, seed: int, kept: Path) -> list[str]:
        if self.name.startswith("fuzz "):
            target = self.name.split()[1]
            dictionary = ROOT / "tests" / "fuzz" / f"{target}.dict"
            return [str(FUZZ / "tests" / f"fuzz_{target}"), f"-max_total_time={seconds}", f"-seed={seed}", "-rss_limit_mb=2048", "-timeout=20",
                    "-print_final_stats=1", f"-artifact_prefix={kept}/{target}-", *([f"-dict={dictionary}"] if dictionary.exists() else []),
                    str(FUZZ / "corpus" / target), str(FUZZ / "seeds" / target)]
        if self.name == "search":
            return [sys.executable, str(HERE / "search.py"), "--seconds", str(seconds), "--seed", str(seed)]
        return [sys.executable, str(HERE / "mutants.py"), self.name.split()[1], "1000000", str(seed), "--seconds", str(seconds)]

    def run(self, seconds: int, seed: int) -> None:
        kept = OUT / f"{self.rounds:03d} {self.name}".replace(" ", "-")
        kept.mkdir(parents=True)
        log = kept / "log"
        if self.name.startswith("fuzz "):
            (FUZZ / "corpus" / self.name.split()[1]).mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        with log.open("w") as out:
            try:
                status = subprocess.run(self.words(seconds, seed, kept), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                        timeout=seconds + GRACE, env=os.environ | {"TMPDIR": str(kept)}).returncode
            except subprocess.TimeoutExpired:
                status = -1
                out.write(f"\nFAIL did not end within {seconds + GRACE} s\n")
        self.seconds += time.monotonic() - started
        self.rounds += 1
        text = log.read_text(errors="replace")
        self.tried += sum(int(n) for n in re.findall(r"stat::number_of_executed_units:\s*(\d+)|^(\d+) tried|^(\d+) mutants, ", text, re.M) for n in n if n)
        found = [line for line in text.splitlines() if line.startswith(("FAIL", "SUMMARY:"))]
        if status != 0 and not found:
            found = [f"status {status}: {text[-200:]!r}"]
        self.findings += [f"{line}  [{log.relative_to(ROOT)}]" for line in found]
        if not found:
            shutil.rmtree(kept)


def tasks(only: str) -> list[Task]:
    targets = sorted(path.name.removeprefix("fuzz_") for path in (FUZZ / "tests").glob("fuzz_*") if os.access(path, os.X_OK) and path.is_file())
    if not targets:
        print("no fuzz target is built here (no clang?): left out", flush=True)
    every = [Task(f"fuzz {name}") for name in targets] + [Task("search"), Task("mutants pt"), Task("mutants pt2"), Task("mutants code")]
    return [task for task in every if only in task.name]


def table(done: list[Task]) -> str:
    rows = [("task", "seconds", "rounds", "tried", "findings")] + [
        (t.name, f"{t.seconds:.0f}", str(t.rounds), str(t.tried), str(len(t.findings))) for t in done]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return "\n".join("  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))) for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hours", type=float)
    parser.add_argument("--slice", type=int, default=600, help="the seconds of one turn")
    parser.add_argument("--only", default="", help="tasks whose names hold this text")
    asked = parser.parse_args()
    shutil.rmtree(OUT, ignore_errors=True)
    every, end = tasks(asked.only), time.monotonic() + asked.hours * 3600
    turn = max(10, min(asked.slice, int(asked.hours * 3600 / max(len(every), 1))))  # everything has its turn
    seeds = random.SystemRandom()
    while every and time.monotonic() < end:
        for task in every:
            left = end - time.monotonic()
            if left < 5:
                break
            task.run(int(min(turn, left)), seeds.randrange(1 << 31))
            print(f"{task.name}: {task.seconds:.0f} s, {task.tried} tried, {len(task.findings)} findings", flush=True)
    print("\n" + table(every))
    for task in every:
        for finding in task.findings:
            print(f"{task.name}: {finding}")
    return 1 if any(task.findings for task in every) else 0


if __name__ == "__main__":
    sys.exit(main())
