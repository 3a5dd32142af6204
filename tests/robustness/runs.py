"""The program on a file that nobody vouches for: its status, time and memory."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

PROGRAM = os.environ["ONNXPORT_BIN"]
LONGEST = float(os.environ.get("ONNXPORT_MUTANT_SECONDS", "10"))
MOST_KB = 1 << 20  # above what the intact file takes


@dataclass
class Run:
    status: int  # negative: a signal
    seconds_over: bool
    peak_kb: int
    text: str

    def fault(self, usual_kb: int) -> str | None:
        if self.seconds_over:
            return f"longer than {LONGEST:g} s"
        if self.status < 0 or self.status > 100:
            return f"signal or abort ({self.status})"
        if self.peak_kb > usual_kb + MOST_KB:
            return f"{self.peak_kb // 1024} MiB of memory"
        if self.status == 1 or "defect of onnxport" in self.text:
            return f"status {self.status}: {self.text[-300:]}"
        return None


def run(model: Path, output: Path, words: list[str]) -> Run:
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen([PROGRAM, "export", str(model), "-o", str(output), *words], stdin=subprocess.DEVNULL,
                                 stdout=said, stderr=said, env={**os.environ, "OMP_NUM_THREADS": "1"})
        over = threading.Event()

        def stop() -> None:
            over.set()
            child.kill()

        clock = threading.Timer(LONGEST, stop)
        clock.start()
        _, status, usage = os.wait4(child.pid, 0)
        clock.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode(errors="replace")
    return Run(child.returncode, over.is_set(), usage.ru_maxrss, text)
