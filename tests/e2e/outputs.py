#!/usr/bin/env python3
"""outputs.py [CLASS…]: no path that is written harms what it should not, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
import unittest
from pathlib import Path

import onnx

from case import FIXTURES, PROGRAM, Case, fixture, inputs


class Outputs(Case):
    def setUp(self) -> None:
        super().setUp()
        entry = fixture("resnet18")  # its weights are large enough for a file of their own
        self.given = inputs(entry)
        self.model = self.scratch / "model.pt"
        self.model.write_bytes((FIXTURES / entry["model"]).read_bytes())
        self.before = self.model.read_bytes()
        self.output = self.scratch / "x.onnx"

    def words(self, *more: object) -> tuple[object, ...]:
        return "export", self.model, "-o", self.output, *self.given, *more

    def untouched(self, *names: str) -> None:
        self.assertEqual(self.model.read_bytes(), self.before)
        self.assertEqual(self.left(), sorted(["model.pt", *names]))

    def test_reports_have_the_guards_of_outputs(self) -> None:
        (self.scratch / "there.json").write_text("kept")
        (self.scratch / "link.json").symlink_to(self.scratch / "nowhere.json")
        (self.scratch / "again.pt").hardlink_to(self.model)
        for code, status, more in (("S705", 16, ("--report", self.model)), ("S705", 16, ("--report", self.scratch / "again.pt")),
                                   ("I112", 18, ("--report", self.output)), ("I112", 18, ("--report", f"{self.output}.data")),
                                   ("S705", 16, ("--report", self.scratch)), ("S705", 16, ("--report", self.scratch / "no/report.json")),
                                   ("S705", 16, ("--report", self.scratch / "link.json")), ("S705", 16, ("--report", "")),
                                   ("S709", 16, ("--report", self.scratch / "there.json", "--no-overwrite"))):
            with self.subTest(more):
                self.refuse(code, status, *self.words(*more))
                self.untouched("again.pt", "link.json", "there.json")
        self.assertEqual((self.scratch / "there.json").read_text(), "kept")

    def test_the_data_file_has_the_guards_of_outputs(self) -> None:
        data = self.scratch / "x.onnx.data"
        data.write_text("kept")
        external = ("--weights", "external")
        self.refuse("S709", 16, *self.words(*external, "--no-overwrite"))
        self.assertEqual(data.read_text(), "kept")
        data.unlink()
        victim = self.scratch / "victim"
        victim.write_text("kept")
        data.symlink_to(victim)
        self.refuse("S705", 16, *self.words(*external))
        self.assertEqual(victim.read_text(), "kept")
        data.unlink()
        self.model.rename(data)  # the model, under the name that its own weights would get
        self.refuse("S705", 16, "export", data, "-o", self.output, *self.given, *external)
        self.assertEqual(data.read_bytes(), self.before)
        self.assertEqual(self.left(), ["victim", "x.onnx.data"])

    def test_links(self) -> None:
        other = self.scratch / "other"
        other.mkdir()
        self.output.symlink_to(other / "real.onnx")
        self.refuse("S705", 16, *self.words())
        self.assertTrue(self.output.is_symlink())
        self.output.unlink()
        self.output.symlink_to(self.output)
        self.refuse("S705", 16, *self.words())
        self.output.unlink()
        (other / "real.onnx").write_text("old")
        self.output.symlink_to(other / "real.onnx")
        self.succeed(*self.words())
        self.assertTrue(self.output.is_symlink())
        onnx.load(other / "real.onnx")

    def test_test_cases_have_the_guards_of_outputs(self) -> None:
        (self.scratch / "file").write_text("kept")
        taken = self.scratch / "case/test_data_set_0"
        taken.mkdir(parents=True)
        (taken / "input_0.pb").write_text("kept")
        for code, more in (("S705", ("--write-case", self.scratch / "file")), ("S705", ("--write-case", "")),
                           ("S709", ("--write-case", self.scratch / "case", "--no-overwrite"))):
            with self.subTest(more):
                self.refuse(code, 16, *self.words("--verify", *more))
                self.untouched("case", "file")
        self.refuse("S705", 16, "verify", self.model, self.model, *self.given, "--write-case", self.scratch / "file")
        self.assertEqual((taken / "input_0.pb").read_text(), "kept")

    def test_a_replaced_file_keeps_its_mode(self) -> None:
        for path in (self.output, self.scratch / "x.onnx.data", self.scratch / "report.json"):
            path.write_text("old")
            path.chmod(0o600)
        self.succeed(*self.words("--weights", "external", "--report", self.scratch / "report.json"))
        for path in (self.output, self.scratch / "x.onnx.data", self.scratch / "report.json"):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)
            self.assertNotEqual(path.read_bytes(), b"old")

    def test_names(self) -> None:
        self.refuse("S705", 16, "export", self.model, "-o", "", *self.given)
        self.untouched()
        for length in (241, 250, 255):
            name = "n" * (length - 5) + ".onnx"
            self.succeed("export", self.model, "-o", self.scratch / name, *self.given)
            onnx.load(self.scratch / name)

    def test_tolerances_that_compare_nothing(self) -> None:
        for words in (("--rtol", "inf"), ("--atol", "nan"), ("--atol", "-1"), ("--rtol", "-1", "--atol", "-1")):
            with self.subTest(words):
                self.refuse("I114", 18, *self.words("--verify", *words))
                self.untouched()

    def test_a_failing_verify_writes_beside_nobody(self) -> None:
        entry = fixture("linear")
        output = self.export(entry)
        model = onnx.load(output)
        weight = model.graph.initializer[0]
        weight.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weight) + 1, weight.name))
        onnx.save(model, output)
        victim = self.scratch / "victim"
        victim.write_text("kept")
        # Names that a process numbered soon could have chosen for a probe.
        for pid in range(os.getpid(), os.getpid() + 3000):
            (self.scratch / f"onnxport-{pid}-0.onnx").symlink_to(victim)
        temporary = self.scratch / "tmp"
        temporary.mkdir()
        said = self.refuse("V801", 17, "verify", FIXTURES / entry["model"], output, *inputs(entry), env={"TMPDIR": str(temporary)})
        self.assertIn("the first node that differs is", said)
        self.assertEqual(victim.read_text(), "kept")
        self.assertEqual([p.name for p in temporary.iterdir() if p.name.startswith("onnxport")], [])

    def test_messages_that_nobody_can_read(self) -> None:
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "export", self.scratch / "missing.pt"], stdout=full, stderr=full, timeout=300)
        self.assertEqual(done.returncode, 18)

    def test_closed_descriptors(self) -> None:
        given = " ".join(f"'{word}'" for word in self.given)
        line = f"'{PROGRAM}' export '{self.model}' -o '{self.output}' {given} <&- >&- 2>&-"
        done = subprocess.run(["sh", "-c", line], timeout=300)
        self.assertEqual(done.returncode, 0)
        onnx.checker.check_model(onnx.load(self.output))
        done = subprocess.run(["sh", "-c", f"'{PROGRAM}' export '{self.scratch}/missing.pt' <&- >&- 2>&-"], timeout=300)
        self.assertEqual(done.returncode, 18)

    def test_signals_leave_nothing_behind(self) -> None:
        temporary = self.scratch / "tmp"
        temporary.mkdir()
        self.output.write_text("what was there")
        for which in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(which.name):
                process = subprocess.Popen([PROGRAM, *map(str, self.words("--verify"))], env={**os.environ, "TMPDIR": str(temporary)},
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                while process.poll() is None and not list(temporary.glob("onnxport-*/*")):
                    time.sleep(0.001)
                process.send_signal(which)
                self.assertEqual(process.wait(60), -which)
                self.assertEqual(list(temporary.glob("onnxport-*")), [])
                self.assertEqual(self.output.read_text(), "what was there")
                self.untouched("tmp", "x.onnx")

    def test_a_signal_that_is_ignored_stays_ignored(self) -> None:
        process = subprocess.Popen(["sh", "-c", 'trap "" HUP; exec "$@"', "sh", PROGRAM, *map(str, self.words("--verify"))],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.2)
        process.send_signal(signal.SIGHUP)
        self.assertEqual(process.wait(120), 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
