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
from pathlib import Path


@dataclass
class Run:
    seconds: float = 0
    peak: int = 0  # bytes
    ok: bool = True
    message: str = ""
    heap: int = 0  # bytes; of commands that `measure_heap` ran
    processor: float = 0  # seconds of all its threads: what other processes do on the machine matters less to it


# A command's peak memory counts what its parent had when it was started, so the parent is a small one.
STARTER = """
import os, sys, time
start = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
print(time.perf_counter() - start, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime,
      file=sys.stderr)
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
    seconds, peak, status, processor = said[-1].split()
    return Run(float(seconds), int(peak), status == "0", said[-2] if len(said) > 1 else "", processor=float(processor))


# As STARTER, and what is the process's own of its memory: the pages of mapped files are the system's. Sampled, so that a
# peak of less than a few milliseconds is not seen.
SAMPLER = """
import os, sys, time
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
heap, status = 0, None
while status is None:
    try:
        with open(f"/proc/{child}/status") as f:
            heap = max([heap] + [int(line.split()[1]) * 1024 for line in f if line.startswith("RssAnon")])
    except OSError:
        pass
    time.sleep(0.003)
    done, code = os.waitpid(child, os.WNOHANG)
    status = code if done else None
print(heap, os.waitstatus_to_exitcode(status), file=sys.stderr)
"""


def measure_heap(words: list[str]) -> Run:
    """One run: the peak of the memory that no file backs."""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", SAMPLER, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = done.stderr.decode(errors="replace").strip().splitlines()
    heap, status = said[-1].split()
    return Run(heap=int(heap), ok=status == "0", message=said[-2] if len(said) > 1 else "")


def measure(words: list[str], runs: int, limit: float = 0) -> Run:
    """The median of `runs` runs after a warming one; a command that fails or takes too long runs once."""
    warm = measure_once(words, limit)
    if not warm.ok or runs == 1 or warm.seconds > 20:
        return warm
    done = [measure_once(words, limit) for _ in range(runs)]
    return Run(statistics.median(r.seconds for r in done), int(statistics.median(r.peak for r in done)), all(r.ok for r in done),
               processor=statistics.median(r.processor for r in done))


def copy_and(words: list[str], source: Path, made: list[Path], turns: int = 5) -> tuple[Run, Run]:
    """A copy of `source` that is on the disk when it ends, as the files of `words` are, and `words`: medians of runs in
    turns, each from a disk at rest."""
    copy = made[0].with_name("copy.data")
    copying = ["sh", "-c", 'cp --reflink=never "$1" "$2" && sync "$2"', "sh", str(source), str(copy)]
    runs: tuple[list[Run], list[Run]] = ([], [])
    for _ in range(turns):
        for command, done in zip((copying, words), runs):
            for f in (copy, *made):
                f.unlink(missing_ok=True)
            os.sync()
            time.sleep(0.3)
            done.append(measure_once(command, 0))
    copy.unlink(missing_ok=True)
    first, second = (sorted(done, key=lambda r: (not r.ok, r.seconds))[turns // 2] for done in runs)
    return first, second


def mib(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"
