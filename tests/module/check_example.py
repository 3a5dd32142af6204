#!/usr/bin/env python3
"""check_example.py CMAKE BUILD TORCH: sdk/example/module built from the unpacked package and run, as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path


def run(*words: object, **more) -> str:
    done = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(str(w) for w in words)}\nended with status {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def main() -> None:
    cmake, build, torch = sys.argv[1:]
    prefix = Path(os.environ["ONNXPORT_PACKAGE"])
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "build")
        run(cmake, "-S", prefix / "share/onnxport/sdk/example/module", "-B", out, f"-DCMAKE_PREFIX_PATH={prefix};{torch}",
            "-DCMAKE_BUILD_TYPE=Debug")
        run(cmake, "--build", out)
        # ONNX Runtime, for --verify, is where the build has it.
        env = dict(os.environ, LD_LIBRARY_PATH=f"{Path(build, 'lib')}:{os.environ.get('LD_LIBRARY_PATH', '')}")
        said = run(out / "digits", out / "digits.onnx", env=env)
        if "written and verified" not in said or not (out / "digits.onnx").is_file():
            sys.exit(f"the example said:\n{said}")
        print(said, end="")


main()
