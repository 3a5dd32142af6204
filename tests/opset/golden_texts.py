"""The graph before and after each rule, as ONNX text: one file per opset in golden/, kept for review.

    golden_texts.py LEGALIZE_FILE [--update]

The cases are those of check_rules.py, each at the first step of its rule. A change of what a rule writes is a diff of these
files; --update writes them.
"""

import difflib
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import check_rules
import onnx

GOLDEN = Path(__file__).parent / "golden"


MOST_NODES = 40  # of a graph that is written out; of a larger one, its operators


def nodes_of(model: onnx.ModelProto) -> str:
    """The nodes alone: weights and recorded types say nothing of a rule."""
    if len(model.graph.node) > MOST_NODES:
        counts = Counter(n.op_type for n in model.graph.node)
        return ", ".join(f"{count} {op}" for op, count in sorted(counts.items()))
    graph = onnx.GraphProto()
    graph.CopyFrom(model.graph)
    for field in ("initializer", "value_info"):
        graph.ClearField(field)
    text = onnx.printer.to_text(graph)
    return "\n".join(line.rstrip() for line in text.splitlines())


def form_of(model: onnx.ModelProto) -> list:
    return [(n.op_type, len(n.input), sorted(a.name for a in n.attribute)) for n in model.graph.node]


def first_step(tool: str, case: check_rules.Case, model: onnx.ModelProto, folder: Path) -> tuple[int, onnx.ModelProto]:
    """The nearest opset at which the graph is another; the nearest of the case's targets where it stays the same."""
    down = case.targets[0] < case.start
    nearest = max(case.targets) if down else min(case.targets)
    for target in range(case.start - 1, nearest - 1, -1) if down else range(case.start + 1, nearest + 1):
        done, after = check_rules.legalized(tool, model, target, folder)
        if after is None:
            raise RuntimeError(f"{case.name}: {done.stderr}")
        if form_of(after) != form_of(model):
            break
    return target, after


def texts(tool: str) -> dict[int, str]:
    out = defaultdict(str)
    with tempfile.TemporaryDirectory() as name:
        for case in check_rules.cases():
            if case.refused:
                continue
            model = check_rules.build(case)
            target, after = first_step(tool, case, model, Path(name))
            step = target + 1 if target < case.start else target
            out[step] += f"# {case.name}, {case.start} -> {target}\n{nodes_of(model)}\n  becomes\n{nodes_of(after)}\n\n"
    return out


def main() -> int:
    made = {f"{step:02}.txt": text for step, text in texts(sys.argv[1]).items()}
    if "--update" in sys.argv:
        GOLDEN.mkdir(exist_ok=True)
        for file in GOLDEN.glob("*.txt"):
            file.unlink()
        for name, text in made.items():
            (GOLDEN / name).write_text(text)
        return 0
    wrong = 0
    for name in sorted(made.keys() | {f.name for f in GOLDEN.glob("*.txt")}):
        kept = (GOLDEN / name).read_text() if (GOLDEN / name).exists() else ""
        lines = list(difflib.unified_diff(kept.splitlines(), made.get(name, "").splitlines(), f"golden/{name}", "as written now",
                                          lineterm="", n=2))
        wrong += bool(lines)
        print("\n".join(lines[:60]))
    print(f"{len(made)} opsets, {wrong} differ" + (": golden_texts.py --update writes them, for review" if wrong else ""))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
