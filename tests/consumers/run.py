#!/usr/bin/env python3
"""run.py --bin PROGRAM --fixtures FOLDER: written files in a second consumer, OpenVINO, against ONNX Runtime.

The models are exported at opsets 13 and 20, each with inputs (`--write-case`), and both consumers compute the same outputs from
them, at two sizes where a dim is dynamic. A file is skipped only where OpenVINO says that it lacks an operator, which is printed.
`./dev test consumers` makes the environment that this runs in.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino
import yaml
from onnx import numpy_helper

MODELS = ("seed", "linear", "resnet18", "unet", "vit", "bert", "gpt2", "lstm_tagger", "llama", "tied", "complex_rotary", "view_writes")
OPSETS = (13, 20)
LEAST = 10  # models that must have run: a consumer that takes nothing agrees with everything
ATOL, RTOL = 1e-4, 1e-3
LACKS = re.compile(r"OpenVINO does not support the following ONNX operations: ([^\n]*)")


class Lacking(Exception):
    """The consumer has no such operator."""


def export(program: str, entry: dict, folder: Path, fixtures: Path, opset: int) -> tuple[Path, dict[str, np.ndarray]]:
    output, case = folder / f"{entry['name']}.{opset}.onnx", folder / f"{entry['name']}.{opset}"
    given = [word for text in entry["inputs"] for word in ("--input", text)]
    words = [program, "export", str(fixtures / entry["model"]), "-o", str(output), *given, "--opset", str(opset), "--quiet",
             "--verify", "--write-case", str(case)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}\n{done.stderr}")
    tensors = [onnx.load_tensor(f) for f in sorted((case / "test_data_set_0").glob("input_*.pb"), key=number_of)]
    return output, {t.name: numpy_helper.to_array(t) for t in tensors}


def number_of(file: Path) -> int:
    return int(file.stem.rpartition("_")[2])


def larger(model: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray] | None:
    """The same inputs once more along their first dynamic axis, if they have one: another size than they were written with."""
    axes = {}
    for value in model.graph.input:
        names = [d.dim_param for d in value.type.tensor_type.shape.dim]
        if value.name in feeds and names and names[0]:
            axes[value.name] = names[0]
    first = next(iter(axes.values()), "")
    if not first:
        return None
    return {name: np.concatenate([x, x]) if axes.get(name) == first else x for name, x in feeds.items()}


def in_onnxruntime(file: Path, each: list[dict[str, np.ndarray]]) -> list[list[np.ndarray]]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return [session.run(None, feeds) for feeds in each]


def in_openvino(file: Path, each: list[dict[str, np.ndarray]]) -> list[list[np.ndarray]]:
    core = openvino.Core()
    try:
        # In full precision: on some processors it would compute in bfloat16.
        compiled = core.compile_model(core.read_model(str(file)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    except RuntimeError as e:
        lacking = LACKS.search(str(e))
        if lacking:
            raise Lacking(lacking.group(1).strip()) from e
        raise
    out = []
    for feeds in each:
        result = compiled(feeds)
        out.append([np.array(result[k]) for k in range(len(compiled.outputs))])
    return out


def difference(expected: list[np.ndarray], actual: list[np.ndarray]) -> str:
    """What differs, or nothing."""
    if len(expected) != len(actual):
        return f"{len(expected)} outputs and {len(actual)}"
    for k, (e, a) in enumerate(zip(expected, actual)):
        if e.shape != a.shape:
            return f"output {k} has the shape {list(e.shape)} and {list(a.shape)}"
        if e.dtype.kind in "fc":
            if not np.allclose(a, e, rtol=RTOL, atol=ATOL, equal_nan=True):
                return f"output {k} differs by up to {np.max(np.abs(a.astype(np.float64) - e)):g}"
        elif not np.array_equal(e, a.astype(e.dtype)):
            return f"output {k} differs"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="the program onnxport")
    parser.add_argument("--fixtures", required=True, type=Path)
    args = parser.parse_args()
    entries = {e["name"]: e for e in yaml.safe_load((args.fixtures / "models.yaml").read_text())}
    print(f"ONNX Runtime {onnxruntime.__version__} and OpenVINO {openvino.__version__.partition('-')[0]}")
    wrong, agreed = [], {opset: 0 for opset in OPSETS}
    with tempfile.TemporaryDirectory(prefix="onnxport-consumers-") as name:
        for model in MODELS:
            for opset in OPSETS:
                file, feeds = export(args.bin, entries[model], Path(name), args.fixtures, opset)
                more = larger(onnx.load(file, load_external_data=False), feeds)
                each = [feeds] + ([more] if more else [])
                what = f"{model:<16} opset {opset}"
                try:
                    answers = zip(in_onnxruntime(file, each), in_openvino(file, each))
                    said = next((d for d in (difference(e, a) for e, a in answers) if d), "")
                except Lacking as lacking:
                    print(f"{what}  SKIPPED: OpenVINO has no operator {lacking}", flush=True)
                    continue
                except RuntimeError as e:
                    said = str(e).strip().splitlines()[-1]
                if said:
                    wrong.append(what)
                agreed[opset] += not said
                print(f"{what}  {said or f'agree at {len(each)} sizes'}", flush=True)
    for opset, count in agreed.items():
        print(f"opset {opset}: {count} of {len(MODELS)} models agree in both (at least {LEAST} must)")
    return 1 if wrong or min(agreed.values()) < LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
