#!/usr/bin/env python3
"""run.py all|sample|NAME…: other people's exports under onnxport.patch(), each in a process of its own; fails unless all are right."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECONDS = 300


def one(name: str) -> int:
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(HERE))
    said = os.dup(1)  # packages print as they like
    os.dup2(2, 1)
    import torch
    from calls import CALLS

    torch.manual_seed(0)
    torch.set_num_threads(1)
    try:
        line, status = CALLS[name](), 0
    except Exception as error:  # noqa: BLE001 whatever their code raises is the result
        traceback.print_exc()
        line, status = f"{type(error).__name__}: {error}".replace("\n", " ")[:400], 1
    os.write(said, line.encode())
    return status


def apart(name: str) -> tuple[bool, str, float]:
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="onnxport-thirdparty-") as folder:
        environment = {**os.environ, "HOME": folder, "YOLO_CONFIG_DIR": folder, "YOLO_AUTOINSTALL": "false", "HF_HUB_OFFLINE": "1"}
        child = subprocess.Popen([sys.executable, "-B", __file__, "--one", name], cwd=folder, env=environment, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            line, errors = child.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            return False, f"longer than {SECONDS} s", time.monotonic() - start
    if child.returncode != 0 and os.environ.get("ONNXPORT_TEST_TRACEBACK"):
        print(errors, file=sys.stderr)
    return child.returncode == 0, line or errors[-400:], time.monotonic() - start


def main(words: list[str]) -> int:
    if words[:1] == ["--one"]:
        return one(words[1])
    sys.path.insert(0, str(HERE))
    from calls import CALLS, SAMPLE

    wanted = list(CALLS) if words in ([], ["all"]) else list(SAMPLE) if words == ["sample"] else \
        [name for name in CALLS if any(word in name for word in words)]
    if not wanted:
        raise SystemExit(f"no call is named {' '.join(words)}")
    right = 0
    for name in wanted:
        ok, line, seconds = apart(name)
        right += ok
        print(f"{'right' if ok else 'WRONG'}  {name}: {line} ({seconds:.1f} s)", flush=True)
    print(f"{right} of {len(wanted)} right")
    return 0 if right == len(wanted) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
