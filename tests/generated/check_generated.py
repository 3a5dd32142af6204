"""A generator of sdk/tools writes what stands in the tree.

    check_generated.py NEEDS GENERATOR FILE [--edited]

NEEDS: the Python package that the generator imports, or "none". Without PyTorch (a build with ONNXPORT_TORCH_DIR) the test
is skipped, with the reason. --edited: an edited copy of FILE must be told from what the generator writes.
"""
import difflib
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SKIPPED = 77


def differences(expected: str, found: str, name: str) -> list[str]:
    return list(difflib.unified_diff(found.splitlines(), expected.splitlines(), f"{name} in the tree",
                                     f"{name} as generated", lineterm="", n=1))


def main() -> int:
    needs, generator, name = sys.argv[1:4]
    if needs == "torch" and importlib.util.find_spec("torch") is None:
        print(f"skipped: {generator} asks PyTorch, which this Python does not have")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / Path(name).name
        subprocess.run([sys.executable, str(ROOT / "sdk/tools" / generator), str(out)], check=True)
        expected = out.read_text()
    found = (ROOT / name).read_text()
    if "--edited" in sys.argv:
        lines = found.splitlines(keepends=True)
        edited = "".join(lines[:-1])
        return 0 if differences(expected, edited, name) else 1
    lines = differences(expected, found, name)
    print("\n".join(lines[:40]))
    if lines:
        print(f"{name} is not what {generator} writes: run .deps/venv/bin/python sdk/tools/{generator} {name}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
