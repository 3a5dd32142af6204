#!/usr/bin/env python3
"""seeds.py FIXTURES OUT: what the fuzz targets start from, of the small programs among the fixtures.

OUT/archive/*.pt2, OUT/program/*.json (program, weights and constants with a NUL between), OUT/symbolic/*, and
OUT/pickle/*, the pickles of archives within them; OUT/onnx_model/*, small ONNX files made here; OUT/manifest/*, OUT/input_spec/*,
OUT/profile/* and OUT/pattern/*, of our own plugins and of plugin_seeds.py; OUT/abi/*, bytes.
"""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from pathlib import Path

import onnx_seeds
import plugin_seeds

LARGEST = 48 << 10
INPUT_SPECS = ("x:f32[batch=1..64,3]", "x:f32[batch=2,3,224,224]", "f32[2,3]", "n:i64[]", "scale=0.5", "mode='max'", "mask=None",
               "x.0:bool[n, 2*n + 1]", "x:f32[max(n, 3) // 2]")


def shortened(text: bytes) -> str:
    """Without stack traces, which are most of a program and teach nothing."""
    def clean(value: object) -> object:
        if isinstance(value, dict):
            return {k: clean(v) for k, v in value.items() if k not in ("stack_trace", "torch_fn", "from_node")}
        return [clean(v) for v in value] if isinstance(value, list) else value
    return json.dumps(clean(json.loads(text)))


def pickles(archive: bytes) -> list[bytes]:
    out = []
    with zipfile.ZipFile(io.BytesIO(archive)) as records:
        for name in records.namelist():
            if name.endswith("/data.pkl"):
                out.append(records.read(name))
            elif name.endswith(".pt"):
                out += pickles(records.read(name))
    return out


def main() -> None:
    fixtures, out = Path(sys.argv[1]), Path(sys.argv[2])
    for name in ("abi", "archive", "input_spec", "manifest", "onnx_model", "pattern", "pickle", "profile", "program", "symbolic"):
        (out / name).mkdir(parents=True, exist_ok=True)
    plugin_seeds.write(out, LARGEST)
    for i, text in enumerate(INPUT_SPECS):
        (out / "input_spec" / str(i)).write_text(text)
    for name, model in onnx_seeds.models().items():
        (out / "onnx_model" / f"{name}.onnx").write_bytes(model)
    older = (Path(__file__).parents[1] / "fixtures/data").glob("*.pt2")  # written by PyTorch 2.6
    programs = sorted(p for p in [*fixtures.glob("programs/*.pt2"), *older] if p.stat().st_size <= LARGEST)
    if not programs:
        print(f"no programs in {fixtures}: fuzzing starts from nothing (./dev test makes them where PyTorch is there)")
    expressions = {"Pow(Symbol('s0', integer=True), Integer(2))", "2*s0 + Max(1, s1//2)", "Mod(s0, 3) - (-4)*s1"}
    for path in programs:
        (out / "archive" / path.name).write_bytes(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            names = {name.split("/", 1)[1]: name for name in archive.namelist() if "/" in name}
            if "models/model.json" not in names:
                continue  # of an older PyTorch
            records = [archive.read(names[name]) if name in names else b"{}" for name in
                       ("models/model.json", "data/weights/model_weights_config.json", "data/constants/model_constants_config.json")]
        (out / "program" / f"{path.stem}.json").write_text("\0".join(map(shortened, records)))
        expressions |= set(re.findall(r'"expr_str": "([^"]+)"', records[0].decode()))
    for path in programs:
        for i, pickle in enumerate(pickles(path.read_bytes())):
            (out / "pickle" / f"{path.stem}_{i}.pkl").write_bytes(pickle)
    for i, text in enumerate(sorted(expressions)):
        (out / "symbolic" / f"{i}.txt").write_text(text)


if __name__ == "__main__":
    main()
