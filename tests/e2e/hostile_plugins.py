#!/usr/bin/env python3
"""hostile_plugins.py [CLASS…]: what a plugin's code does to the process. The host goes on, or ends with a line that names the
plugin; it never ends with status 0 and no file. What no process can see of itself ends in a child (--isolate)."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

import onnx
import torch

from case import PROGRAM, Case

HERE = Path(__file__).parent
SDK = Path(os.environ["ONNXPORT_SOURCE_DIR"]) / "sdk/include"
PLACES = ("load", "query", "tables", "mapping", "inference", "pass")
# By which a process can see that it ends.
ENDS = ("abort", "segv", "fpe", "overflow", "exit", "_exit", "_Exit", "quick_exit", "term")
MANIFEST = """onnxport_manifest: 1
plugin: {id: com.acme.hostile, version: "1.0.0"}
library: {linux_amd64: hostile.so, linux_arm64: hostile.so}
provides:
  domains: [{name: com.acme, version: 1}]
  ops: [acme::f]
  schemas: ["acme::f(Tensor x) -> Tensor"]
  passes: [{name: look, stage: optimize, default: on}]
"""


class Net(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        thirds = torch.arange(1, 6, dtype=torch.float32) / 3  # computed while exporting
        return torch.ops.acme.f(x + thirds * 1e-38)


class HostilePlugins(Case):
    @classmethod
    def setUpClass(cls) -> None:
        library = torch.library.Library("acme", "FRAGMENT")
        library.define("f(Tensor x) -> Tensor")
        torch.library.register_fake("acme::f", lambda x: torch.empty_like(x), lib=library)
        cls.kept = library
        cls.program = torch.export.export(Net(), (torch.randn(2, 5),))

    @classmethod
    def tearDownClass(cls) -> None:
        cls.kept._destroy()

    def setUp(self) -> None:
        super().setUp()
        (self.scratch / "plugins").mkdir()
        (self.scratch / "plugins/hostile.onnxport.yaml").write_text(MANIFEST)
        self.run_quietly("cc", "-std=gnu99", "-shared", "-fPIC", "-O0", f"-I{SDK}", HERE / "hostile_plugin.c", "-o",
                         self.scratch / "plugins/hostile.so", "-lm", "-pthread")
        self.model, self.out = self.scratch / "m.pt2", self.scratch / "m.onnx"
        torch.export.save(self.program, self.model)

    def export(self, act: str, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        self.out.unlink(missing_ok=True)
        env = {**{k: v for k, v in os.environ.items() if not k.startswith("ONNXPORT_PLUGIN")}, "ONNXPORT_TEST_ACT": act}
        # Relative paths, as a person writes them.
        return subprocess.run([PROGRAM, "export", "m.pt2", "-o", "m.onnx", "--plugin-path", self.scratch / "plugins", *words],
                              capture_output=True, text=True, env=env, cwd=self.scratch, timeout=120, **options)

    def assert_ends_with_its_name(self, done: subprocess.CompletedProcess[str]) -> None:
        self.assertNotEqual(done.returncode, 0, done.stderr)
        self.assertIn("com.acme.hostile", done.stderr)
        self.assertFalse(self.out.exists())
        self.assertEqual(self.left(), ["m.pt2", "plugins"], "something half written is left")

    def test_it_works_when_it_behaves(self) -> None:
        done = self.export("")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([n.op_type for n in onnx.load(self.out).graph.node][-1], "Thing")

    def test_what_ends_the_process_is_told(self) -> None:
        for place in PLACES:
            for act in ENDS:
                with self.subTest(f"{place}:{act}"):
                    self.assert_ends_with_its_name(self.export(f"{place}:{act}"))

    def test_in_a_thread_of_the_plugins_own(self) -> None:
        for act in ("abort", "segv", "fpe", "exit", "_exit", "quick_exit"):
            with self.subTest(act):
                self.assert_ends_with_its_name(self.export(f"mapping:thread_{act}"))

    def test_what_a_process_cannot_see_of_itself(self) -> None:
        for act in ("kill", "syscall", "hang"):
            with self.subTest(act):
                done = self.export(f"mapping:{act}", "--isolate", "--time-limit", "5")
                self.assertEqual(done.returncode, 11, done.stderr)
                self.assertIn("error L216", done.stderr)
                self.assertFalse(self.out.exists())

    def test_what_it_changes_of_the_process_changes_no_export(self) -> None:
        self.assertEqual(self.export("").returncode, 0)
        wanted = self.out.read_bytes()
        for place in ("load", "mapping"):
            for act in ("chdir", "rounding", "locale", "left_thread", "signals"):
                with self.subTest(f"{place}:{act}"):
                    done = self.export(f"{place}:{act}")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertTrue(self.out.exists(), "status 0, and no file where it was asked for")
                    self.assertEqual(self.out.read_bytes(), wanted)

    def test_what_it_takes_away_is_an_error_or_does_no_harm(self) -> None:
        for act in ("close", "umask"):
            with self.subTest(act):
                done = self.export(f"mapping:{act}")
                self.assertGreaterEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.returncode == 0, self.out.exists(), done.stderr)

    def test_the_host_called_from_threads_of_the_plugins_own(self) -> None:
        self.assertEqual(self.export("").returncode, 0)
        wanted = self.out.read_bytes()
        for _ in range(5):
            done = self.export("threads")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.out.read_bytes(), wanted)

    def test_nodes_without_end(self) -> None:
        done = self.export("endless")
        self.assertEqual(done.returncode, 14, done.stderr)
        self.assertIn("com.acme.hostile", done.stderr)
        self.assertFalse(self.out.exists())

    def test_memory_that_is_eaten_up(self) -> None:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))
        done = self.export("eat", preexec_fn=limit)
        self.assertGreater(done.returncode, 0, done.stderr)
        said = re.search(r"error ([A-Z]\d{3})", done.stderr)
        # Whoever asks next: the plugin's call, or whatever the host does after it.
        self.assertTrue(said and (said[1] == "I129" or said[1][0] in "LT"), done.stderr)
        self.assertFalse(self.out.exists())

    def test_words_stay_words(self) -> None:
        done = self.export("words")
        self.assertEqual(done.returncode, 14, done.stderr)
        self.assertIn("first line", done.stderr)
        self.assertFalse(set("\033\r\x07\x9b\u202e") & set(done.stderr), repr(done.stderr))
        self.assertNotRegex(done.stderr, r"(?m)^error T999")
        said = self.export("words", "--json")
        for line in (said.stdout + said.stderr).splitlines():
            if line.startswith("{"):
                json.loads(line)

    def test_a_library_whose_header_is_damaged(self) -> None:
        """What the loader does with it is not ours; that it is told, with the plugin's name, is."""
        library = self.scratch / "plugins/hostile.so"
        # Fixed, so that a suite fails for what was changed; ONNXPORT_SEED=N tries others.
        intact, seed = library.read_bytes(), int(os.environ.get("ONNXPORT_SEED", 3901948110))
        random_ = random.Random(seed)
        for i in range(25):
            damaged = bytearray(intact)
            for _ in range(6):
                damaged[random_.randrange(0x400)] = random_.randrange(256)
            library.unlink()
            library.write_bytes(damaged)
            with self.subTest(seed=seed, i=i):
                done = self.export("", "--isolate", "--time-limit", "20")
                self.assertIn(done.returncode, (0, 10, 11), done.stderr)
                self.assertEqual(done.returncode == 0, self.out.exists())
                if done.returncode:
                    self.assertRegex(done.stderr, "error (L20[0-9]|L216|A30[0-9]|M113)")
                told = self.export("")  # in the same process, as most do
                self.assertEqual(told.returncode == 0, self.out.exists())
                if told.returncode:
                    self.assertIn("com.acme.hostile", told.stderr)

    def test_at_the_end_of_the_process(self) -> None:
        done = self.export("unload:_exit")
        self.assertEqual(done.returncode == 0, self.out.exists(), done.stderr)

    def test_which_plugin_it_is_when_it_is_only_looked_at(self) -> None:
        for act in ("abort", "_exit", "hang"):
            with self.subTest(act):
                done = subprocess.run([PROGRAM, "plugin", "check", self.scratch / "plugins/hostile.onnxport.yaml", "--time-limit", "5"],
                                      capture_output=True, text=True, env={**os.environ, "ONNXPORT_TEST_ACT": f"load:{act}"}, timeout=120)
                self.assertEqual(done.returncode, 11, done.stderr)
                self.assertRegex(done.stderr, "error (L216|L206)")
        done = subprocess.run([PROGRAM, "plugin", "list", "--no-default-plugin-paths", "--plugin-path", self.scratch / "plugins"],
                              capture_output=True, text=True, env={**os.environ, "ONNXPORT_TEST_ACT": "load:abort"}, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)  # opens nothing


if __name__ == "__main__":
    unittest.main(argv=sys.argv, verbosity=2)
