"""Every operator, parameter, type, attribute and default of the generated tables of opsets 7 to 28 equals onnx.defs."""

import ast
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx
from onnx import defs

KINDS = {"INT": 1, "FLOAT": 2, "STRING": 3, "TENSOR": 4, "INTS": 5, "FLOATS": 6, "STRINGS": 7, "GRAPH": 8}
ELEMENTS = {"float": "FLOAT", "double": "DOUBLE"}


def section(text: str, name: str) -> list[str]:
    body = re.search(rf" {name}\[\] = {{\n(.*?)}};\n", text, re.S).group(1)
    return [line.strip() for line in body.splitlines() if line.strip()]


def fields(line: str) -> list:
    """'{"X", 0, 0, 12u},' -> its fields as Python values; references to other sections as their index."""
    inner = line.rstrip(",").strip().strip("{}")
    inner = re.sub(r"(?:params|attrs) \+ (\d+)", r"\1", inner).replace("nullptr", "None")
    return list(ast.literal_eval("[" + re.sub(r"(\d)u\b", r"\1", inner) + "]"))


def generated(generator: str, version: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.cpp"
        subprocess.run([generator, str(version), str(file)], check=True)
        text = file.read_text()
    params = [fields(line) for line in section(text, "params")]
    attrs = [fields(line) for line in section(text, "attrs")]
    out = {}
    for name, since, deprecated, body, n_in, n_out, n_attr, i, o, a, *body_of_its_own in (fields(x) for x in section(text, "table")):
        assert body_of_its_own == [None, 0, 0], f"{name}: bodies of ai.onnx are in the ONNX library"
        out[name] = {
            "since": since, "deprecated": bool(deprecated), "body": body,
            "inputs": [(p[0], p[1], p[3]) for p in params[i:i + n_in]],
            "outputs": [(p[0], p[1], p[3]) for p in params[o:o + n_out]],
            "attrs": {x[0]: (x[1], bool(x[2]), bool(x[3]), x[5], x[6], x[7], x[8], x[9], x[10]) for x in attrs[a:a + n_attr]},
        }
    return out


def mask(types) -> int:
    bits = 1 << 63  # it says of lists and optional values too
    for t in types:
        bits |= (t.startswith("seq(")) << 62 | (t.startswith("optional(")) << 61
        if t.startswith("tensor("):
            element = t[7:-1]
            bits |= 1 << onnx.TensorProto.DataType.Value(ELEMENTS.get(element, element.upper()))
    return bits


def attribute(a) -> tuple:
    value = onnx.AttributeProto()
    value.CopyFrom(a.default_value)
    kind = KINDS.get(a.type.name, 0)
    has_default = kind in (1, 2, 3) and not a.required and value.type == a.type.value
    single = struct.unpack("f", struct.pack("f", value.f))[0]
    return (kind, a.required, has_default, value.i if has_default else 0, single if has_default else 0.0,
            value.s.decode() if has_default and kind == 3 else None, None, None, None)


def expected(version: int) -> dict:
    out = {}
    for name in {s.name for s in defs.get_all_schemas_with_history() if s.domain == "" and s.since_version <= version}:
        s = defs.get_schema(name, version, "")
        if s.support_level == defs.OpSchema.SupportType.EXPERIMENTAL:
            continue
        out[name] = {
            "since": s.since_version, "deprecated": s.deprecated,
            "body": 1 if s.has_function else 2 if s.has_context_dependent_function else 0,
            "inputs": [(p.name, p.option.value, mask(p.types)) for p in s.inputs],
            "outputs": [(p.name, p.option.value, mask(p.types)) for p in s.outputs],
            "attrs": {k: attribute(a) for k, a in s.attributes.items()},
        }
    return out


def main() -> int:
    newest = defs.onnx_opset_version()
    wrong = 0
    for version in range(7, newest + 1):
        ours, theirs = generated(sys.argv[1], version), expected(version)
        for name in sorted(ours.keys() | theirs.keys()):
            if ours.get(name) != theirs.get(name):
                wrong += 1
                print(f"opset {version}: {name}\n  table:  {ours.get(name)}\n  schema: {theirs.get(name)}")
    print(f"opsets 7 to {newest} compared, {wrong} differences")
    return 1 if wrong or newest < 28 else 0


sys.exit(main())
