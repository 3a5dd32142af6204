#!/usr/bin/env python3
"""other_opsets.py [CLASS…]: programs and scripted models at the opsets that programs.py and scripted.py leave out.

Each model is written for two of them, chosen by ONNXPORT_SEED (11 unless set); ONNXPORT_EVERY_OPSET=1 takes them all. What is
written is run in ONNX Runtime where it has the kernels; below the opset in LOWEST it must be refused, and nowhere else.
"""

from __future__ import annotations

import os
import random
import unittest
from typing import Any

import onnx

from case import ALL_OPSETS, FIXTURES, OPSETS, inputs, load
from programs import ProgramCase
from scripted import Scripted

OTHERS = sorted(set(ALL_OPSETS) - set(OPSETS))
EVERY = os.environ.get("ONNXPORT_EVERY_OPSET") == "1"
SEED = int(os.environ.get("ONNXPORT_SEED", "11"))

# What cannot be said below that opset: a Scatter of unknown rank, a Scan, a TopK of so many as run time says, a list of tensors, a
# list that a Loop carries on.
LOWEST = {"detection": 9, "view_writes": 9, "writes_input": 9, "writes_its_input": 9, "mapped": 8, "scan_tagger": 8,
          "suppression": 10, "dynamic_pieces": 11, "split_by_tensor": 11, "selective_scan": 12, "absent_state": 13, "beam_search": 13,
          "hypotheses": 13, "list_edits": 13, "lists_of_numbers": 13, "lstm_over_time": 13, "stop_token": 13, "streaming": 13, "uneven_pieces": 14}


class OtherOpsets(ProgramCase):
    def check(self, entry: dict[str, Any], opset: int) -> None:
        state = ("--state", entry["state"]) if "state" in entry else ()
        scripted = ("--method", entry["method"], *inputs(entry)) if "method" in entry else ()
        output = self.scratch / "x.onnx"
        words = ("export", FIXTURES / entry["model"], "-o", output, *scripted, *state, "--opset", opset)
        if opset < LOWEST.get(entry["name"], 0):
            said = self.refuse(r"O60[1-4]", 15, *words)
            self.assertRegex(said, r"-> the lowest opset that works for it is \d+: ask for --opset \d+")
            self.assertEqual(self.left(), [])
            return
        self.succeed(*words)
        model = onnx.load(output)
        onnx.checker.check_model(model, full_check=True)
        self.assertEqual([(o.domain, o.version) for o in model.opset_import], [("", opset)])
        compare = Scripted.compare if "method" in entry else ProgramCase.compare
        try:
            compare(self, entry, output)
        except Exception as e:
            if "Could not find an implementation" not in str(e):
                raise
            print(f"{entry['name']} at {opset}: not run, {str(e)[str(e).index('Could not'):][:90]}")


def add_tests() -> None:
    for kind, entry in [(kind, entry) for kind in ("programs", "scripted") for entry in load(f"{kind}.yaml")]:
        chosen = OTHERS if EVERY else random.Random(f"{SEED} {entry['name']}").sample(OTHERS, 2)
        for opset in sorted(chosen):
            setattr(OtherOpsets, f"test_{kind}_{entry['name']}_opset_{opset}",
                    lambda self, entry=entry, opset=opset: self.check(entry, opset))


add_tests()

if __name__ == "__main__":
    if not EVERY:
        print(f"two opsets for each model by seed {SEED}; ONNXPORT_EVERY_OPSET=1 takes all")
    unittest.main(defaultTest="OtherOpsets")
