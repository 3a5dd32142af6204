"""Every rule of the opset plugins, numerically: one node before and after legalization, both in ONNX Runtime."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

IR_OF_OPSET = {18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11}
random = np.random.default_rng(7)


def floats(*shape, dtype=np.float32):
    return random.standard_normal(shape).astype(dtype)


@dataclass
class Case:
    name: str
    op: str
    inputs: list  # arrays; None: omitted
    attrs: dict = field(default_factory=dict)
    constants: tuple = ()  # indices of inputs that are initializers
    outputs: int = 1
    start: int = 23
    targets: tuple = (18,)
    refused: str = ""  # the code expected instead of a model
    most_nodes: int = 0
    dynamic: bool = False  # every dim of every input is symbolic
    tolerance: float = 1e-5
    reference: bool = False  # ONNX Runtime has no kernel for the node itself: onnx.reference says what is right
    cast_to: int = 0  # element type the inputs are cast to, and the output from (bf16 has no numpy type)


def attention(name, q, k, v, mask=None, past=None, **kw):
    attrs = {a: kw.pop(a) for a in list(kw) if a in (
        "is_causal", "scale", "softcap", "q_num_heads", "kv_num_heads", "qk_matmul_output_mode", "softmax_precision")}
    inputs = [q, k, v, mask] + (list(past) if past else [])
    return Case("attention " + name, "Attention", inputs, attrs, **kw)


Q, K, V = floats(2, 4, 5, 8), floats(2, 4, 7, 8), floats(2, 4, 7, 6)
SQUARE = floats(2, 4, 6, 8)
MASK = random.random((5, 7)) > 0.3
MASK[:, 0] = True
NEVER = MASK.copy()
NEVER[2] = False
BIAS = floats(2, 1, 5, 7)
BLOCKED = np.where(NEVER, 0, -np.inf).astype(np.float32)
IMAGE = floats(2, 6, 5, 7)
C, S = floats(16, 4), floats(16, 4)
POSITIONS = random.integers(0, 16, (2, 5))


def cases():
    yield attention("plain", Q, K, V, most_nodes=6)
    yield attention("plain, dynamic", Q, K, V, dynamic=True)
    yield attention("scale", Q, K, V, scale=0.3, most_nodes=6)
    yield attention("causal", SQUARE, SQUARE, SQUARE, is_causal=1, most_nodes=10)
    yield attention("bool mask", Q, K, V, MASK, most_nodes=10)
    yield attention("bool mask with an empty row", Q, K, V, NEVER, most_nodes=10)
    yield attention("float mask", Q, K, V, BIAS, most_nodes=10)
    yield attention("float mask with an empty row", Q, K, V, BLOCKED, most_nodes=10)
    yield attention("constant float mask", Q, K, V, BIAS, constants=(3,), most_nodes=7)
    yield attention("causal and bool mask", SQUARE, SQUARE, SQUARE, np.tril(np.ones((6, 6), bool), 2), is_causal=1)
    yield attention("causal and float mask", SQUARE, SQUARE, SQUARE, floats(6, 6), is_causal=1)
    yield attention("softcap", Q, K, V, softcap=2.0)
    yield attention("grouped queries", Q, K[:, :2], V[:, :2])
    yield attention("one key head", Q, K[:, :1], V[:, :1], BIAS)
    yield attention("three dimensions", floats(2, 5, 32), floats(2, 7, 16), floats(2, 7, 16), q_num_heads=4, kv_num_heads=2)
    yield attention("past", Q, K, V, None, (floats(2, 4, 3, 8), floats(2, 4, 3, 6)), outputs=3)
    yield attention("past, causal", Q, K, V, None, (floats(2, 4, 3, 8), floats(2, 4, 3, 6)), outputs=3, is_causal=1)
    for mode in range(4):
        yield attention(f"scores of mode {mode}", Q, K, V, BIAS, outputs=4, qk_matmul_output_mode=mode, softcap=3.0)
    yield attention("half precision", *(x.astype(np.float16) for x in (Q, K, V)), tolerance=4e-3)

    yield Case("rms", "RMSNormalization", [IMAGE, floats(7)], most_nodes=6)
    yield Case("rms over two axes", "RMSNormalization", [IMAGE, floats(5, 7)], {"axis": 2, "epsilon": 1e-3})
    yield Case("rms half", "RMSNormalization", [IMAGE.astype(np.float16), floats(7).astype(np.float16)], tolerance=4e-3)

    yield Case("rotary", "RotaryEmbedding", [floats(2, 3, 5, 8), C, S, POSITIONS], most_nodes=12)
    yield Case("rotary without positions", "RotaryEmbedding", [floats(2, 3, 5, 8), floats(2, 5, 4), floats(2, 5, 4)],
               most_nodes=10)
    yield Case("rotary interleaved", "RotaryEmbedding", [floats(2, 3, 5, 8), C, S, POSITIONS], {"interleaved": 1})
    yield Case("rotary partial", "RotaryEmbedding", [floats(2, 3, 5, 12), C, S, POSITIONS], {"rotary_embedding_dim": 8})
    yield Case("rotary partial interleaved", "RotaryEmbedding", [floats(2, 3, 5, 12), C, S, POSITIONS],
               {"rotary_embedding_dim": 8, "interleaved": 1})
    yield Case("rotary flat", "RotaryEmbedding", [floats(2, 5, 24), C, S, POSITIONS], {"num_heads": 3})

    yield Case("group norm", "GroupNormalization", [IMAGE, floats(6), floats(6)], {"num_groups": 3}, targets=(20, 18))
    yield Case("group norm dynamic", "GroupNormalization", [IMAGE, floats(6), floats(6)], {"num_groups": 2}, dynamic=True)
    yield Case("group norm half", "GroupNormalization",
               [IMAGE.astype(np.float16), floats(6).astype(np.float16), floats(6).astype(np.float16)], {"num_groups": 2},
               tolerance=4e-3)
    yield Case("group norm up", "GroupNormalization", [IMAGE, floats(3), floats(3)], {"num_groups": 3}, start=20,
               targets=(21, 23), reference=True, tolerance=1e-4)

    yield Case("gelu", "Gelu", [IMAGE], targets=(19, 18), most_nodes=5)
    yield Case("gelu tanh", "Gelu", [IMAGE], {"approximate": "tanh"}, most_nodes=9)
    yield Case("affine grid", "AffineGrid", [floats(2, 2, 3), np.array([2, 3, 4, 5])], {"align_corners": 1}, constants=(1,))
    yield Case("affine grid of edges", "AffineGrid", [floats(2, 2, 3), np.array([2, 3, 4, 5])])
    yield Case("affine grid of a volume", "AffineGrid", [floats(2, 3, 4), np.array([2, 3, 4, 5, 6])], targets=(19,))
    yield Case("dft", "DFT", [floats(2, 6, 4, 1)], targets=(20, 19, 18), tolerance=1e-4)
    yield Case("dft axis", "DFT", [floats(2, 6, 4, 1), None, np.array(1)], {"onesided": 1}, constants=(2,), tolerance=1e-4)
    yield Case("dft of a run-time axis", "DFT", [floats(2, 6, 4, 1), None, np.array(1)], refused="O602")
    for mode in ("linear", "cubic", "nearest"):
        yield Case(f"grid sample {mode}", "GridSample", [floats(2, 3, 5, 6), random.uniform(-1, 1, (2, 4, 4, 2)).astype(np.float32)],
                   {"mode": mode}, tolerance=1e-4)
    yield Case("grid sample default", "GridSample", [floats(2, 3, 5, 6), random.uniform(-1, 1, (2, 4, 4, 2)).astype(np.float32)])
    yield Case("grid sample up", "GridSample", [floats(2, 3, 5, 6), random.uniform(-1, 1, (2, 4, 4, 2)).astype(np.float32)],
               {"mode": "bicubic"}, start=18, targets=(23,), tolerance=1e-4)
    yield Case("grid sample volume", "GridSample", [floats(2, 3, 5, 6, 4), floats(2, 4, 4, 4, 3)], refused="O602")

    yield Case("average pool, undilated", "AveragePool", [IMAGE], {"kernel_shape": [2, 2], "dilations": [1, 1]})
    yield Case("average pool, dilated", "AveragePool", [IMAGE], {"kernel_shape": [2, 2], "dilations": [2, 1]}, refused="O602")
    yield Case("pad wrap", "Pad", [IMAGE, np.array([0, 0, 2, 1, 0, 0, 1, 3])], {"mode": "wrap"}, constants=(1,))
    yield Case("pad wrap, axes", "Pad", [IMAGE, np.array([2, 1]), None, np.array([-1])], {"mode": "wrap"}, constants=(1, 3))
    yield Case("pad wrap, dynamic", "Pad", [IMAGE, np.array([2, 1]), None, np.array([3])], {"mode": "wrap"}, constants=(1, 3),
               dynamic=True)
    yield Case("pad constant", "Pad", [IMAGE, np.array([0, 0, 2, 1, 0, 0, 1, 3])], constants=(1,))
    yield Case("cast", "Cast", [IMAGE], {"to": TensorProto.INT32, "saturate": 0}, reference=True)
    yield Case("quantize", "QuantizeLinear", [IMAGE, np.float32(0.1), np.uint8(100)], {"block_size": 0, "axis": 1})
    yield Case("quantize to a named type", "QuantizeLinear", [IMAGE, np.float32(0.1)], {"output_dtype": TensorProto.INT8},
               refused="O602")
    yield Case("reduce bools", "ReduceMax", [IMAGE > 1], {"keepdims": 0})
    yield Case("is inf of halves", "IsInf", [np.array([1, np.inf, -np.inf], np.float16)])
    yield Case("strings", "StringConcat", [np.array(["a"]), np.array(["b"])], refused="O601")
    yield Case("bf16 sine", "Sin", [IMAGE], cast_to=TensorProto.BFLOAT16, targets=(22, 21, 18), reference=True, tolerance=2e-2)
    yield Case("bf16 convolution", "Conv", [floats(1, 2, 5, 5), floats(3, 2, 2, 2), floats(3)], cast_to=TensorProto.BFLOAT16,
               targets=(21, 18), reference=True, tolerance=8e-2)
    yield Case("constant of shape in bf16", "ConstantOfShape", [np.array([2, 3])],
               {"value": helper.make_tensor("v", TensorProto.BFLOAT16, [1], [2.5])}, reference=True)


def element_type(array):
    return helper.np_dtype_to_tensor_dtype(array.dtype)


def build(case: Case) -> onnx.ModelProto:
    nodes, names, inputs, constants = [], [], [], []
    for i, x in enumerate(case.inputs):
        names.append("" if x is None else f"x{i}")
        if x is None:
            continue
        x = np.asarray(x)
        if i in case.constants:
            constants.append(numpy_helper.from_array(x, f"x{i}"))
            continue
        shape = [f"d{i}_{a}" for a in range(x.ndim)] if case.dynamic else list(x.shape)
        if case.dynamic and case.op == "Attention":
            shape[1], shape[3] = x.shape[1], x.shape[3]
        inputs.append(helper.make_tensor_value_info(f"x{i}", element_type(x), shape))
        if case.cast_to:
            nodes.append(helper.make_node("Cast", [f"x{i}"], [f"c{i}"], to=case.cast_to))
            names[-1] = f"c{i}"
    while names and names[-1] == "":
        names.pop()
    outputs = [f"y{i}" for i in range(case.outputs)]
    if case.op == "Attention" and case.outputs == 4:
        outputs = ["y0", "", "", "y3"]  # there is no past
    nodes.append(helper.make_node(case.op, names, outputs, **case.attrs))
    outputs = [o for o in outputs if o]
    if case.cast_to or case.op == "ConstantOfShape":
        nodes.append(helper.make_node("Cast", ["y0"], ["z0"], to=TensorProto.FLOAT))
        outputs = ["z0"]
    graph = helper.make_graph(nodes, "g", inputs, [onnx.ValueInfoProto(name=o) for o in outputs], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", case.start)], ir_version=IR_OF_OPSET[case.start])
    if case.op == "GroupNormalization":  # ONNX infers it through its body only
        model.graph.output[0].type.CopyFrom(model.graph.input[0].type)
    model = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    for output in model.graph.output:  # rank and type are what inference says
        assert output.type.HasField("tensor_type"), case.name
    return model


def run(model: onnx.ModelProto, case: Case, reference=False):
    feeds = {f"x{i}": np.asarray(x) for i, x in enumerate(case.inputs) if x is not None and i not in case.constants}
    if reference:
        return ReferenceEvaluator(model).run(None, feeds)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def legalized(tool, model, target, folder):
    onnx.save(model, folder / "in.onnx")
    done = subprocess.run([tool, folder / "in.onnx", str(target), folder / "out.onnx"], capture_output=True, text=True)
    return done, (onnx.load(folder / "out.onnx") if done.returncode == 0 else None)


def check(tool: str, case: Case, target: int, folder: Path) -> str:
    """What is wrong, or nothing."""
    model = build(case)
    done, out = legalized(tool, model, target, folder)
    if case.refused:
        if done.returncode == 3 and case.refused in done.stderr:
            return ""
        return f"expected {case.refused}, got status {done.returncode}: {done.stderr.strip()}"
    if out is None:
        return f"status {done.returncode}: {done.stderr.strip()}"
    written = {o.domain: o.version for o in out.opset_import}
    if written != {"": target}:
        return f"opsets written: {written}"
    onnx.checker.check_model(out, full_check=True)
    if case.most_nodes and len(out.graph.node) > case.most_nodes:
        return f"{len(out.graph.node)} nodes, at most {case.most_nodes}: {[n.op_type for n in out.graph.node]}"
    expected = run(model, case, case.reference)
    actual = run(out, case, case.reference and bool(case.cast_to))
    for e, a in zip(expected, actual, strict=True):
        if e.dtype != a.dtype or e.shape != a.shape:
            return f"{e.dtype}{e.shape} became {a.dtype}{a.shape}"
        try:
            np.testing.assert_allclose(a, e, rtol=case.tolerance, atol=case.tolerance)
        except AssertionError as difference:
            return str(difference)
    return ""


def main() -> int:
    tool, wanted = sys.argv[1], sys.argv[2:]
    failed = checked = 0
    with tempfile.TemporaryDirectory() as name:
        for case in cases():
            if wanted and not any(w in case.name for w in wanted):
                continue
            for target in case.targets:
                checked += 1
                try:
                    wrong = check(tool, case, target, Path(name))
                except Exception as e:  # a case that cannot even be run is a failure with its reason
                    wrong = f"{type(e).__name__}: {e}"
                if wrong:
                    failed += 1
                    print(f"FAILED {case.name}, {case.start} -> {target}: {wrong}")
    print(f"{checked} cases, {failed} failed")
    return 1 if failed or checked == 0 else 0


sys.exit(main())
