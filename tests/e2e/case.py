"""What every end-to-end test stands on: the program onnxport, the fixtures, a scratch folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

import yaml

PROGRAM = os.environ["ONNXPORT_BIN"]
FIXTURES = Path(os.environ["ONNXPORT_FIXTURES"])
OPSETS = (18, 20, 23)
ALL_OPSETS = (7, 9, 11, 13, 15, 17, *OPSETS, 21, 25, 28)  # of the models
# An installed program finds libtorch as the loader does.
LOADER = {**os.environ, "LD_LIBRARY_PATH": os.environ.get("ONNXPORT_TORCH_LIB_DIR", "")}


def load(name: str) -> list[dict[str, Any]]:
    return yaml.safe_load((FIXTURES / name).read_text())


def fixture(name: str) -> dict[str, Any]:
    return next(entry for entry in load("models.yaml") if entry["name"] == name)


def inputs(entry: dict[str, Any]) -> list[str]:
    return [word for text in entry["inputs"] for word in ("--input", text)]


class Case(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="onnxport-e2e-")
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)

    def installed(self) -> Path:
        """What is in the package, for this test alone: a prefix that it may change."""
        prefix = self.scratch / "prefix"
        shutil.copytree(os.environ["ONNXPORT_PACKAGE"], prefix, symlinks=True)
        return prefix

    def left(self) -> list[str]:
        return sorted(path.name for path in self.scratch.iterdir())

    def run_program(self, *words: object, env: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
        base = {k: v for k, v in os.environ.items() if not k.startswith("ONNXPORT_PLUGIN")}
        done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=300,
                              env={**base, **(env or {})}, **options)
        self.assertGreaterEqual(done.returncode, 0, f"killed by signal {-done.returncode}: {done.stderr}")
        return done

    def run_quietly(self, *words: object) -> str:
        """Any command, which must succeed: what it prints."""
        done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=600, env=LOADER)
        self.assertEqual(done.returncode, 0, f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
        return done.stdout

    def succeed(self, *words: object, **options: Any) -> str:
        done = self.run_program(*words, **options)
        self.assertEqual(done.returncode, 0, f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
        return done.stdout

    def assert_all_passed(self, runs: list[dict], at_least: int = 2) -> None:
        """Each size, and each kind of inputs, that --verify tried."""
        self.assertGreaterEqual(len(runs), at_least)
        self.assertEqual([run for run in runs if not run["passed"]], [])

    def refuse(self, code: str, status: int, *words: object, **options: Any) -> str:
        done = self.run_program(*words, **options)
        said = f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}"
        self.assertEqual(done.returncode, status, said)
        self.assertRegex(done.stderr, rf"error {code}\b", said)
        return done.stderr

    def export(self, entry: dict[str, Any], *words: object, **options: Any) -> Path:
        output = self.scratch / f"{entry['name']}.onnx"
        self.succeed("export", FIXTURES / entry["model"], "-o", output, *inputs(entry), *words, **options)
        return output
