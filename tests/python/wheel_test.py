"""The wheel in a fresh environment without torch: what is installed is found, nothing else is needed."""
from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

SOURCE = Path(os.environ["ONNXPORT_SOURCE_DIR"])
PROGRAM = Path(os.environ["ONNXPORT_FIXTURES"]) / "programs" / "linear.pt2"
CHECK = """
import sys, onnxport
done = onnxport.export_file(sys.argv[1], sys.argv[2])
assert done.report["nodes"], done
assert {p["state"] for p in onnxport.plugins()["plugins"]} == {"active"}
assert "torch" not in sys.modules
try:
    onnxport.export
except ImportError as error:
    assert error.name == "torch", error
else:
    raise AssertionError("a live model without torch")
print("well", onnxport.__version__)
"""


def run(*words: object) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ONNXPORT_", "PYTHON", "LD_LIBRARY"))}
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, env=clean, timeout=900)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


class Wheel(unittest.TestCase):
    def test_in_an_environment_of_its_own(self) -> None:
        with tempfile.TemporaryDirectory(prefix="onnxport-wheel-") as scratch:
            root = Path(scratch)
            run("cmake", "--install", os.environ["ONNXPORT_BUILD_DIR"], "--prefix", root / "prefix", "--strip")
            made = Path(run(sys.executable, SOURCE / "sdk/python/backend/onnxport_build.py", root / "prefix", root / "out").strip())
            self.assertRegex(made.name, r"^onnxport-\d+\.\d+\.\d+-py3-none-linux_\w+\.whl$")
            names = zipfile.ZipFile(made).namelist()
            self.assertFalse([name for name in names if "torch.so" in name or "libtorch_cpu" in name])
            run(sys.executable, "-m", "venv", root / "venv")
            run(root / "venv/bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", made)
            said = run(root / "venv/bin/python", "-c", CHECK, PROGRAM, root / "a.onnx")
            self.assertIn("well", said)
            run(root / "venv/bin/onnxport", "export", PROGRAM, "-o", root / "b.onnx")
            self.assertEqual((root / "a.onnx").read_bytes(), (root / "b.onnx").read_bytes())
            self.assertIn("onnxport", run(root / "venv/bin/python", "-m", "onnxport", "--version"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
