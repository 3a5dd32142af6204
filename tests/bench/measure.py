"""Whole commands, measured: their time and their peak resident memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass


@dataclass
class Run:
    seconds: float = 0
    peak: int = 0  # bytes
    ok: bool = True
    message: str = ""


def measure_once(words: list[str], limit: float) -> Run:
    start = time.perf_counter()
    with open(os.devnull, "wb") as null:
        process = subprocess.Popen(words, stdout=null, stderr=subprocess.PIPE)
    killer = None
    if limit:
        killer = threading.Timer(limit, process.kill)
        killer.start()
    said = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if killer:
        killer.cancel()
    lines = said.strip().splitlines()
    return Run(time.perf_counter() - start, usage.ru_maxrss * 1024, process.returncode == 0, lines[-1] if lines else "")


def measure(words: list[str], runs: int, limit: float = 0) -> Run:
    """The median of `runs` runs after a warming one; a command that fails or takes too long runs once."""
    warm = measure_once(words, limit)
    if not warm.ok or runs == 1 or warm.seconds > 20:
        return warm
    done = [measure_once(words, limit) for _ in range(runs)]
    return Run(statistics.median(r.seconds for r in done), int(statistics.median(r.peak for r in done)), all(r.ok for r in done))


def mib(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"
