"""Whether sdk/schema/lock.schema.json and onnxport's reader say the same of a lock file. Verdicts as in schema_and_reader.py of
profiles: READER is what the reader alone can refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema
import yaml

from schema_and_reader import value_of

GOOD, BAD, READER = "good", "bad", "bad for the reader alone"
HEAD = "onnxport_lock: 1\n"
SHA = '"' + "0123456789abcdef" * 4 + '"'


def one(text: str) -> str:
    return f"{HEAD}plugins: [{{{text}}}]"


WHOLE = f'id: com.acme.ops, version: "1.0.0", manifest: {SHA}'
CASES = [
    (GOOD, HEAD + "plugins: []"), (GOOD, HEAD + "plugins: []\nx-by: me"), (GOOD, one(WHOLE)), (GOOD, one(WHOLE + ", x-why: {a: [b]}")),
    (GOOD, one(f"{WHOLE}, library: {{linux_amd64: {SHA}, linux_arm64: {SHA}, macos_arm64: {SHA}, windows_amd64: {SHA}, x-a: 1}}")),
    (GOOD, one(WHOLE.replace("abcdef", "ABCDEF"))), (GOOD, one(WHOLE + ", library: {}")),
    (BAD, ""), (BAD, "[]"), (BAD, HEAD), (BAD, "plugins: []"), (BAD, "onnxport_lock: 2\nplugins: []"), (BAD, 'onnxport_lock: "1"\nplugins: []'),
    (BAD, HEAD + "plugins: {}"), (BAD, HEAD + "plugins: []\nmore: 1"), (BAD, HEAD + "plugins: [com.acme.ops]"), (BAD, one(WHOLE + ", sha256: x")),
    (BAD, one(f"id: com.acme.ops, manifest: {SHA}")), (BAD, one(f'version: "1.0.0", manifest: {SHA}')), (BAD, one('id: com.acme.ops, version: "1"')),
    (BAD, one(WHOLE.replace("com.acme.ops", "Acme"))), (BAD, one(WHOLE.replace("com.acme.ops", "acme"))), (BAD, one(WHOLE.replace("abcdef", "abcdeg"))),
    (BAD, one(WHOLE.replace("0123456789abcdef", "0", 1))), (BAD, one(WHOLE.replace('"1.0.0"', '""'))), (BAD, one(WHOLE + ", library: lib.so")),
    (BAD, one(f"{WHOLE}, library: {{linux: {SHA}}}")), (BAD, one(f"{WHOLE}, library: {{linux_amd64: abc}}")),
    (READER, f"{HEAD}plugins: [{{{WHOLE}}}, {{{WHOLE}}}]"), (READER, HEAD + "plugins: []\nplugins: []"), (READER, "onnxport_lock: 01\nplugins: []"),
]


def code_of(text: str, path: Path) -> str:
    """What onnxport says of the file; empty: nothing."""
    path.write_text(text)
    done = subprocess.run([os.environ["ONNXPORT_BIN"], "--json", "plugin", "list", "--no-default-plugin-paths", "--plugin-lock", path],
                          capture_output=True, text=True, timeout=60)
    said = json.loads(done.stdout)
    return "" if "plugins" in said else said["diagnostics"][0]["code"]


def main() -> int:
    schema = json.loads((Path(os.environ["ONNXPORT_SOURCE_DIR"]) / "sdk/schema/lock.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    wrong = []
    with tempfile.TemporaryDirectory(prefix="onnxport-lock-") as scratch:
        for verdict, text in CASES:
            code = code_of(text, Path(scratch) / "lock.yaml")
            node = yaml.compose(text)
            errors = list(validator.iter_errors(None if node is None else value_of(node)))
            if (not code) != (verdict == GOOD):
                wrong.append(f"the reader says {code or 'yes'} to what is {verdict}: {text!r}")
            if (not errors) != (verdict != BAD):
                wrong.append(f"the schema says {errors[0].message if errors else 'yes'} to what is {verdict}: {text!r}")
    print("\n".join(wrong) or f"{len(CASES)} lock files")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
