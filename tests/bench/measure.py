"""Whole commands, measured: their time and their peak resident memory."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass


@dataclass
class Run:
    seconds: float = 0
    peak: int = 0  # bytes
    ok: bool = True
    message: str = ""


# A command's peak memory counts what its parent had when it was started, so the parent is a small one.
STARTER = """
import os, sys, time
start = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
print(time.perf_counter() - start, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status), file=sys.stderr)
"""


def measure_once(words: list[str], limit: float) -> Run:
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", STARTER, *words], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, start_new_session=True)
    killer = threading.Timer(limit or 1e6, os.killpg, (process.pid, signal.SIGKILL))
    killer.start()
    said = process.communicate()[1].decode(errors="replace").strip().splitlines()
    killer.cancel()
    if process.returncode != 0 or not said:
        return Run(time.perf_counter() - start, 0, False, "ended after the time limit")
    seconds, peak, status = said[-1].split()
    return Run(float(seconds), int(peak), status == "0", said[-2] if len(said) > 1 else "")


def measure(words: list[str], runs: int, limit: float = 0) -> Run:
    """The median of `runs` runs after a warming one; a command that fails or takes too long runs once."""
    warm = measure_once(words, limit)
    if not warm.ok or runs == 1 or warm.seconds > 20:
        return warm
    done = [measure_once(words, limit) for _ in range(runs)]
    return Run(statistics.median(r.seconds for r in done), int(statistics.median(r.peak for r in done)), all(r.ok for r in done))


def mib(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"
