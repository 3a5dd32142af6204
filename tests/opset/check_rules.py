"""Every rule of the opset plugins, numerically: one node before and after legalization, both in ONNX Runtime."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

IR_OF_OPSET = {7: 3, 8: 3, 9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11,
               24: 12, 25: 13, 26: 13, 27: 13, 28: 14}
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
    yield attention("plain", Q, K, V, targets=(18, 13), most_nodes=6)
    yield attention("plain, dynamic", Q, K, V, dynamic=True)
    yield attention("scale", Q, K, V, scale=0.3, most_nodes=6)
    yield attention("causal", SQUARE, SQUARE, SQUARE, is_causal=1, targets=(18, 13), most_nodes=10)
    yield attention("causal, dynamic", SQUARE, SQUARE, SQUARE, is_causal=1, targets=(18, 13, 9), dynamic=True)
    yield attention("bool mask", Q, K, V, MASK, targets=(18, 13), most_nodes=10)
    yield attention("bool mask with an empty row", Q, K, V, NEVER, most_nodes=10)
    yield attention("float mask", Q, K, V, BIAS, targets=(18, 13), most_nodes=10)
    yield attention("float mask with an empty row", Q, K, V, BLOCKED, most_nodes=10)
    yield attention("constant float mask", Q, K, V, BIAS, constants=(3,), most_nodes=7)
    yield attention("causal and bool mask", SQUARE, SQUARE, SQUARE, np.tril(np.ones((6, 6), bool), 2), is_causal=1)
    yield attention("causal and float mask", SQUARE, SQUARE, SQUARE, floats(6, 6), is_causal=1)
    yield attention("softcap", Q, K, V, softcap=2.0)
    yield attention("grouped queries", Q, K[:, :2], V[:, :2])
    yield attention("one key head", Q, K[:, :1], V[:, :1], BIAS)
    yield attention("three dimensions", floats(2, 5, 32), floats(2, 7, 16), floats(2, 7, 16), q_num_heads=4, kv_num_heads=2)
    yield attention("past", Q, K, V, None, (floats(2, 4, 3, 8), floats(2, 4, 3, 6)), outputs=3)
    yield attention("past, causal", Q, K, V, None, (floats(2, 4, 3, 8), floats(2, 4, 3, 6)), outputs=3, is_causal=1,
                    targets=(18, 13))
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

    yield Case("gelu", "Gelu", [IMAGE], targets=(19, 18, 13), most_nodes=5)
    yield Case("layer norm stays one", "LayerNormalization", [IMAGE, floats(7), floats(7)], targets=(17,), most_nodes=1)
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
    for mode in ("linear", "nearest"):
        for padding in ("zeros", "border", "reflection"):
            yield Case(f"grid sample of a volume, {mode} {padding}", "GridSample",
                       [floats(2, 3, 5, 6, 4), random.uniform(-1.6, 1.6, (2, 4, 3, 2, 3)).astype(np.float32)],
                       {"mode": mode, "padding_mode": padding}, start=20, targets=(19, 15, 11), tolerance=1e-3)

    yield Case("average pool, undilated", "AveragePool", [IMAGE], {"kernel_shape": [2, 2], "dilations": [1, 1]})
    yield Case("average pool, dilated", "AveragePool", [IMAGE], {"kernel_shape": [2, 2], "dilations": [2, 1]}, refused="O602")
    yield Case("pad wrap", "Pad", [IMAGE, np.array([0, 0, 2, 1, 0, 0, 1, 3])], {"mode": "wrap"}, constants=(1,))
    yield Case("pad wrap, axes", "Pad", [IMAGE, np.array([2, 1]), None, np.array([-1])], {"mode": "wrap"}, constants=(1, 3))
    yield Case("pad wrap, dynamic", "Pad", [IMAGE, np.array([2, 1]), None, np.array([3])], {"mode": "wrap"}, constants=(1, 3),
               dynamic=True)
    yield Case("pad constant", "Pad", [IMAGE, np.array([0, 0, 2, 1, 0, 0, 1, 3])], constants=(1,))
    yield Case("cast", "Cast", [IMAGE], {"to": TensorProto.INT32, "saturate": 0}, reference=True)
    for start, short in ((19, "FLOAT8E4M3FN"), (19, "FLOAT8E5M2FNUZ"), (21, "INT4"), (23, "FLOAT4E2M1"), (24, "FLOAT8E8M0"), (25, "INT2")):
        yield Case(f"cast to {short}", "Cast", [IMAGE], {"to": TensorProto.DataType.Value(short)}, start=start, targets=(start - 1,),
                   refused="O602" if start == 19 else "O603")
    yield Case("quantize to 8-bit floats", "QuantizeLinear", [IMAGE, np.float32(0.1), np.array(0, ml_dtypes.float8_e4m3fn)], start=19,
               targets=(18,), refused="O603")
    yield Case("resize half_pixel_symmetric", "Resize", [IMAGE, None, None, np.array([3, 9])],
               {"axes": [2, 3], "mode": "linear", "coordinate_transformation_mode": "half_pixel_symmetric"}, constants=(3,), start=19,
               targets=(18, 11), tolerance=1e-4)
    yield Case("quantize", "QuantizeLinear", [IMAGE, np.float32(0.1), np.uint8(100)], {"block_size": 0, "axis": 1})
    yield Case("quantize to a named type", "QuantizeLinear", [IMAGE, np.float32(0.1)], {"output_dtype": TensorProto.INT8},
               refused="O602")
    yield Case("reduce bools", "ReduceMax", [IMAGE > 1], {"keepdims": 0})
    yield Case("is inf of halves", "IsInf", [np.array([1, np.inf, -np.inf], np.float16)])
    yield from cases_to_17()
    yield from cases_to_13()
    yield from cases_to_11()
    yield from cases_to_9()
    yield from cases_to_7()
    yield from cases_up()
    yield Case("strings", "StringConcat", [np.array(["a"]), np.array(["b"])], refused="O601")
    yield Case("bf16 sine", "Sin", [IMAGE], cast_to=TensorProto.BFLOAT16, targets=(22, 21, 18), reference=True, tolerance=2e-2)
    yield Case("bf16 convolution", "Conv", [floats(1, 2, 5, 5), floats(3, 2, 2, 2), floats(3)], cast_to=TensorProto.BFLOAT16,
               targets=(21, 18), reference=True, tolerance=8e-2)
    yield Case("constant of shape in bf16", "ConstantOfShape", [np.array([2, 3])],
               {"value": helper.make_tensor("v", TensorProto.BFLOAT16, [1], [2.5])}, reference=True)


INTS = random.integers(-9, 9, (3, 4))
COLUMN = floats(1, 6, 1, 1)
STATE = floats(2, 3)


def scan(direction=0):
    body = helper.make_graph(
        [helper.make_node("Add", ["s", "x"], ["t"]), helper.make_node("Mul", ["t", "x"], ["y"])], "body",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 3]) for n in ("s", "x")],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 3]) for n in ("t", "y")])
    return {"body": body, "num_scan_inputs": 1, "scan_input_axes": [1], "scan_output_axes": [2],
            "scan_input_directions": [direction]}


def cases_to_17():
    """18 and 17, down to 16."""
    for op in ("ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSumSquare"):
        yield Case(f"{op} axes", op, [IMAGE, np.array([-1, 1])], {"keepdims": 0}, constants=(1,), start=18, targets=(17, 12, 7),
                   most_nodes=1, tolerance=1e-4)
    yield Case("reduce all", "ReduceMax", [IMAGE], {"keepdims": 0}, start=18, targets=(17, 7))
    yield Case("reduce nothing", "ReduceMax", [IMAGE], {"noop_with_empty_axes": 1}, start=18, targets=(17,))
    yield Case("reduce run-time axes", "ReduceMax", [IMAGE, np.array([1])], start=18, targets=(17,), refused="O602")
    yield Case("split in three", "Split", [IMAGE], {"num_outputs": 3, "axis": 1}, outputs=3, start=18, targets=(17, 10, 7), most_nodes=1)
    yield Case("split unevenly", "Split", [IMAGE], {"num_outputs": 3, "axis": 3}, outputs=3, start=18, targets=(17, 10, 7), most_nodes=1)
    yield Case("split, dynamic", "Split", [IMAGE], {"num_outputs": 3, "axis": 3}, outputs=3, start=18, targets=(17, 11, 7), dynamic=True)
    yield Case("pad axes", "Pad", [IMAGE, np.array([1, 2, 0, 3]), np.float32(2), np.array([-1, 1])], constants=(1, 2, 3), start=18,
               targets=(17, 10, 7), most_nodes=1)
    yield Case("pad axes at run time", "Pad", [IMAGE, np.array([1, 2, 0, 3]), None, np.array([-1, 1])], constants=(3,), start=18,
               targets=(17, 11))
    for kind in (np.int64, np.int32, np.int8, np.uint8, np.uint16):
        low, high = (-100, 100) if np.dtype(kind).kind == "i" else (0, 200)
        x, y = (random.integers(low, high, s).astype(kind) for s in ((3, 4), (4,)))
        for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
            yield Case(f"{op} of {np.dtype(kind)}", op, [x, y], start=18, targets=(17, 11, 8))
        yield Case(f"BitwiseNot of {np.dtype(kind)}", "BitwiseNot", [x], start=18, targets=(17, 8))
    yield Case("mish", "Mish", [IMAGE], start=18, targets=(17, 7), most_nodes=3)
    for attrs in ({}, {"strides": [2, 2], "pads": [1, 1, 1, 1]}, {"dilations": [2, 1], "pads": [0, 1, 1, 2]}):
        side = [(6 + sum(attrs.get("pads", [0] * 4)[a::2]) - attrs.get("dilations", [1, 1])[a] * (k - 1) - 1)
                // attrs.get("strides", [1, 1])[a] + 1 for a, k in ((0, 3), (1, 2))]
        yield Case(f"col2im {sorted(attrs)}", "Col2Im", [floats(2, 18, side[0] * side[1]), np.array([6, 6]), np.array([3, 2])], attrs,
                   constants=(1, 2), start=18, targets=(17, 11), tolerance=1e-4)
    yield Case("resize axes", "Resize", [IMAGE, None, None, np.array([10, 14])], {"axes": [2, 3], "mode": "linear"}, constants=(3,),
               start=18, targets=(17, 13, 10, 8), tolerance=1e-4)
    for mode in ("linear", "cubic"):
        for outside in (0, 1):
            for size in ((2, 3), (3, 9)):
                yield Case(f"resize {mode} antialias {outside} {size}", "Resize", [IMAGE, None, None, np.array(size)],
                           {"axes": [2, 3], "mode": mode, "antialias": 1, "exclude_outside": outside}, constants=(3,), start=18,
                           targets=(17, 11, 7), most_nodes=4, tolerance=1e-4)
            yield Case(f"resize {mode} antialias {outside}, dynamic", "Resize", [IMAGE, None, None, np.array([2, 6, 3, 4])],
                       {"mode": mode, "antialias": 1, "exclude_outside": outside}, start=18, targets=(17, 11), dynamic=True, tolerance=1e-4)
    yield Case("resize antialias by scales", "Resize", [IMAGE, None, np.array([1, 1, 0.6, 0.5], np.float32)],
               {"mode": "linear", "antialias": 1, "coordinate_transformation_mode": "align_corners"}, constants=(2,), start=18,
               targets=(17, 9), tolerance=1e-4)
    for reduction in ("max", "min", "add", "mul"):
        yield Case(f"scatter elements {reduction}", "ScatterElements", [INTS.astype(np.float32), np.array([[0, 2, 1, 2], [0, 2, 2, 1]]), floats(2, 4)],
                   {"reduction": reduction}, start=18, targets=(17, 15, 11))
        yield Case(f"scatter rows {reduction}", "ScatterND", [floats(4, 5), np.array([[1], [3], [1]]), floats(3, 5)], {"reduction": reduction},
                   start=18, targets=(17, 15, 11))
    yield Case("layer norm", "LayerNormalization", [IMAGE, floats(7), floats(7)], start=17, targets=(16, 13, 9, 7), most_nodes=9)
    yield Case("layer norm, outputs", "LayerNormalization", [IMAGE, floats(5, 7)], {"axis": 2, "epsilon": 1e-3}, outputs=3, start=17,
               targets=(16, 11))
    yield Case("layer norm half", "LayerNormalization", [IMAGE.astype(np.float16), floats(7).astype(np.float16)], start=17,
               targets=(16,), tolerance=4e-3)
    for inverse, onesided, parts in ((0, 0, 1), (0, 1, 1), (0, 0, 2), (1, 0, 2)):
        yield Case(f"dft {inverse} {onesided} {parts}", "DFT", [floats(2, 6, 5, parts)],
                   {"inverse": inverse, "onesided": onesided, "axis": 1}, start=17, targets=(16, 11, 9), tolerance=1e-4)
    window = np.hanning(6).astype(np.float32)
    for parts, onesided, given in ((1, 1, window), (1, 0, window), (2, 0, window), (1, 1, None)):
        yield Case(f"stft {parts} {onesided} {given is not None}", "STFT", [floats(2, 20, parts), np.array(3), given, np.array(6)],
                   {"onesided": onesided}, constants=(1, 3), start=17, targets=(16, 11, 8), tolerance=1e-4)
    yield Case("stft, dynamic", "STFT", [floats(2, 20, 1), np.array(3), window, np.array(6)], constants=(3,), start=17, targets=(16, 11),
               dynamic=True, tolerance=1e-4)


def cases_to_13():
    """16 to 14, down to 13."""
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            for corners in (0, 1):
                yield Case(f"grid sample {mode} {padding} {corners}", "GridSample",
                           [floats(2, 3, 5, 6), random.uniform(-1.6, 1.6, (2, 4, 3, 2)).astype(np.float32)],
                           {"mode": mode, "padding_mode": padding, "align_corners": corners}, start=16, targets=(15, 11), tolerance=1e-3)
    yield Case("grid sample, dynamic", "GridSample", [floats(2, 3, 5, 6), random.uniform(-1, 1, (2, 4, 3, 2)).astype(np.float32)],
               start=16, targets=(15, 11), dynamic=True, tolerance=1e-4)
    for attrs in ({"start": 1}, {"end": -1}, {"start": -3, "end": 3}):
        yield Case(f"shape {attrs}", "Shape", [IMAGE], attrs, start=15, targets=(14, 9, 7), dynamic=True)
    for upper in (0, 1):
        for k in (-1, 0, 2):
            yield Case(f"trilu {upper} {k}", "Trilu", [IMAGE, np.array(k)], {"upper": upper}, constants=(1,), start=14, targets=(13, 11, 7))
    yield Case("trilu, dynamic", "Trilu", [IMAGE, np.array(1)], start=14, targets=(13, 11, 8), dynamic=True)
    yield Case("hard swish", "HardSwish", [IMAGE], start=14, targets=(13, 8))
    yield Case("relu of ints", "Relu", [INTS.astype(np.int32)], start=14, targets=(13, 11), reference=True)
    yield Case("add of bytes", "Add", [INTS.astype(np.int8), INTS.astype(np.int8)], start=14, targets=(13, 7), reference=True)
    yield Case("reshape with 0", "Reshape", [floats(0, 3), np.array([0, 5])], {"allowzero": 1}, constants=(1,), start=14, targets=(13, 9))
    yield Case("reshape without 0", "Reshape", [IMAGE, np.array([6, -1])], {"allowzero": 1}, constants=(1,), start=14, targets=(13, 7))
    moments = [floats(6), floats(6), floats(6), np.abs(floats(6))]
    yield Case("batch norm", "BatchNormalization", [IMAGE, *moments], start=14, targets=(13, 9, 7), most_nodes=1)
    yield Case("batch norm that trains", "BatchNormalization", [IMAGE, *moments], {"training_mode": 1, "momentum": 0.7}, outputs=3,
               start=14, targets=(13, 9), reference=True, tolerance=1e-4)


def cases_to_11():
    """13 and 12, down to 11."""
    for op in ("Softmax", "LogSoftmax", "Hardmax"):
        for axis in (-1, 0, 2):
            yield Case(f"{op} {axis}", op, [IMAGE], {"axis": axis}, start=13, targets=(12, 11, 7), most_nodes=1 if axis == -1 else 3)
        yield Case(f"{op}, dynamic", op, [IMAGE], {"axis": 1}, start=13, targets=(12, 9), dynamic=True)
    yield Case("squeeze", "Squeeze", [floats(1, 3, 1), np.array([-1, 0])], constants=(1,), start=13, targets=(12, 10, 7), most_nodes=1)
    yield Case("unsqueeze", "Unsqueeze", [floats(3), np.array([-1, 0])], constants=(1,), start=13, targets=(12, 10, 7), most_nodes=1)
    yield Case("squeeze of run-time axes", "Squeeze", [floats(1, 3, 1), np.array([0])], start=13, targets=(12,), refused="O604")
    yield Case("reduce sum", "ReduceSum", [IMAGE, np.array([-1, 1])], {"keepdims": 0}, constants=(1,), start=13, targets=(12, 10, 7), most_nodes=1)
    yield Case("split sizes", "Split", [IMAGE, np.array([1, 2, 3])], {"axis": 1}, constants=(1,), outputs=3, start=13, targets=(12, 7), most_nodes=1)
    yield Case("split sizes at run time", "Split", [IMAGE, np.array([1, 2, 3])], {"axis": 1}, outputs=3, start=13, targets=(12, 10))
    yield Case("pad bools", "Pad", [IMAGE > 0, np.array([0, 0, 1, 1, 0, 0, 0, 1])], constants=(1,), start=13, targets=(12, 11))
    for zero in (np.array([3, 4, 5, 6, 7, 8], np.uint8), np.array([3, -4, 5, -6, 7, -8], np.int8)):
        scale = np.linspace(0.01, 0.06, 6).astype(np.float32)
        yield Case(f"quantize per axis {zero.dtype}", "QuantizeLinear", [IMAGE, scale, zero], {"axis": 1}, start=13, targets=(12, 10, 9))
        yield Case(f"dequantize per axis {zero.dtype}", "DequantizeLinear", [random.integers(0, 99, (2, 6, 3)).astype(zero.dtype), scale, zero],
                   {"axis": 1}, start=13, targets=(12, 10, 9))
    yield Case("quantize", "QuantizeLinear", [IMAGE, np.float32(0.02), np.uint8(100)], start=13, targets=(12, 10, 9))
    for text, shapes in (("bij,bjk->bik", ((2, 3, 4), (2, 4, 5))), ("ij->ji", ((3, 4),)), ("ii->i", ((4, 4),)), ("ii", ((4, 4),)),
                         ("bhqd,bhkd->bhqk", ((2, 3, 4, 5), (2, 3, 6, 5))), ("i,j->ij", ((3,), (4,))), ("ij,ij->", ((3, 4), (3, 4))),
                         ("...ij,...jk->...ik", ((2, 1, 3, 4), (2, 5, 4, 6))), ("abc,cd,de->abe", ((2, 3, 4), (4, 5), (5, 2))),
                         ("bn,anm,bm->ba", ((2, 3), (4, 3, 5), (2, 5))), ("ijk,jil->kl", ((3, 4, 5), (4, 3, 2)))):
        yield Case(f"einsum {text}", "Einsum", [floats(*s) for s in shapes], {"equation": text}, start=12, targets=(11, 9), tolerance=1e-4)
    yield Case("einsum, dynamic", "Einsum", [floats(2, 3, 4, 5), floats(2, 3, 6, 5)], {"equation": "bhqd,bhkd->bhqk"}, start=12, targets=(11, 7),
               dynamic=True)
    yield Case("pow of ints", "Pow", [INTS, np.array(3)], constants=(1,), start=12, targets=(11, 9, 7))
    yield Case("pow of a float and an int", "Pow", [np.abs(IMAGE), np.array([2, 1, 0, 3, -1, 2, 3])], start=12, targets=(11, 7))
    for op in ("Max", "Min"):
        yield Case(f"{op} of ints", op, [INTS, INTS[0], np.array(2)], start=12, targets=(11, 9, 8))
        yield Case(f"{op} of floats", op, [IMAGE, floats(7)], start=12, targets=(11, 8, 7))
    yield Case("clip of ints", "Clip", [INTS, np.array(-2), np.array(5)], constants=(1, 2), start=12, targets=(11, 9, 8))
    for op in ("LessOrEqual", "GreaterOrEqual"):
        x = np.array([1, 2, np.nan, np.inf, -np.inf], np.float32)
        yield Case(op, op, [x[:, None], x], start=12, targets=(11, 10, 9, 7))
        yield Case(f"{op} of ints", op, [INTS, INTS[0]], start=12, targets=(11, 9, 8))
    yield Case("arg max, the last", "ArgMax", [INTS.astype(np.float32)], {"axis": 1, "select_last_index": 1}, start=12, targets=(11, 10, 9))
    yield Case("dropout", "Dropout", [IMAGE], outputs=2, start=12, targets=(11, 9))
    yield Case("gather nd in batches", "GatherND", [floats(2, 3, 4), np.array([[1], [-1]])], {"batch_dims": 1}, start=12, targets=(11, 10, 9, 8))


def cases_to_9():
    """11 and 10, down to 9."""
    for axis in (0, 1, -1):
        yield Case(f"gather elements {axis}", "GatherElements", [floats(2, 3, 4), random.integers(-2, 2, (2, 2, 4))], {"axis": axis}, start=11,
                   targets=(10, 9, 8))
        yield Case(f"scatter elements {axis}", "ScatterElements",
                   [floats(2, 3, 4), np.argsort(random.random((2, 2, 2)), axis), floats(2, 2, 2)], {"axis": axis}, start=11, targets=(10, 9, 8, 7))
    yield Case("gather elements, dynamic", "GatherElements", [floats(3, 4), random.integers(0, 3, (2, 4))], start=11, targets=(10, 8), dynamic=True)
    yield Case("gather nd", "GatherND", [floats(2, 3, 4), np.array([[[1, -1]], [[0, 2]]])], start=11, targets=(10, 8, 7))
    yield Case("scatter nd", "ScatterND", [floats(2, 3, 4), np.array([[1, 2], [0, 0]]), floats(2, 4)], start=11, targets=(10, 9, 8))
    yield Case("scatter nd of elements", "ScatterND", [floats(4), np.array([[1], [3]]), floats(2)], start=11, targets=(10, 9, 8, 7))
    for start, end, step in ((0, 7, 1), (2, 11, 3), (9, -2, -2), (0, 0, 1)):
        yield Case(f"range {start} {end} {step}", "Range", [np.array(start), np.array(end), np.array(step)], start=11, targets=(10, 9, 7))
    yield Case("range of floats", "Range", [np.float32(0.5), np.float32(4), np.float32(0.75)], start=11, targets=(10, 9, 7))
    for attrs in ({}, {"exclusive": 1}, {"reverse": 1}, {"exclusive": 1, "reverse": 1}):
        yield Case(f"cumsum {attrs}", "CumSum", [IMAGE, np.array(-1)], attrs, constants=(1,), start=11, targets=(10, 9, 8, 7))
    special = np.array([1, 2, 1, np.nan, np.inf, -np.inf, 0, -0.0], np.float32)
    yield Case("equal of floats", "Equal", [special[:, None], special], start=11, targets=(10, 9, 7))
    yield Case("equal of bytes", "Equal", [INTS.astype(np.int8), INTS.astype(np.int8)[0]], start=11, targets=(10, 7), reference=True)
    yield Case("round", "Round", [np.array([0.5, 1.5, 2.5, -0.5, -1.5, 0.4, 2.6, -2.6, 1e9, np.inf, -np.inf], np.float32)], start=11,
               targets=(10, 9, 7))
    yield Case("clip", "Clip", [IMAGE, np.float32(-0.5), np.float32(0.5)], constants=(1, 2), start=11, targets=(10, 7), most_nodes=1)
    yield Case("clip at run time", "Clip", [IMAGE, np.float32(-0.5), np.float32(0.5)], start=11, targets=(10, 8, 7))
    yield Case("pad ints", "Pad", [INTS, np.array([1, 0, 2, 3]), np.array(7)], constants=(1, 2), start=11, targets=(10, 9, 7))
    yield Case("pad at run time", "Pad", [IMAGE, np.array([0, 0, 2, -1, 0, 0, -1, 3])], start=11, targets=(10, 9))
    yield Case("slice backwards", "Slice", [IMAGE, np.array([-1, 4]), np.array([-100, 0]), np.array([3, 2]), np.array([-2, -1])],
               constants=(1, 2, 3, 4), start=11, targets=(10, 9, 7))
    yield Case("slice in steps", "Slice", [IMAGE, np.array([1]), np.array([1000]), np.array([-1]), np.array([2])], constants=(1, 2, 3, 4), start=11,
               targets=(10, 9, 7))
    yield Case("slice at run time", "Slice", [IMAGE, np.array([-5]), np.array([-1])], start=11, targets=(10, 9), constants=())
    for largest in (0, 1):
        yield Case(f"top k {largest}", "TopK", [IMAGE, np.array([3])], {"axis": 2, "largest": largest}, constants=(1,), outputs=2, start=11,
                   targets=(10, 9, 7))
    long = np.array([[2**62, 2**62 + 1, -2**63, 2**63 - 1, 0, -1, 2**62, 7], [5, -5, 2**40, 2**40 + 1, 2**40, -2**40, 3, 3]])
    for largest in (0, 1):
        yield Case(f"top k of ints {largest}", "TopK", [long, np.array([5])], {"largest": largest}, constants=(1,), outputs=2, start=11,
                   targets=(10, 9))
        yield Case(f"top k of unsigned ints {largest}", "TopK", [long.astype(np.uint64), np.array([4])], {"largest": largest},
                   constants=(1,), outputs=2, start=11, targets=(10,), reference=True)
    for mode in ("nearest", "linear", "cubic"):
        for transformation in ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"):
            for size in ((8, 10), (3, 4)):
                yield Case(f"resize {mode} {transformation} {size}", "Resize", [floats(1, 2, 5, 7), None, None, np.array([1, 2, *size])],
                           {"mode": mode, "coordinate_transformation_mode": transformation}, constants=(3,), start=13,
                           targets=(12, 10, 9, 7), tolerance=1e-4)
    yield Case("resize by scales", "Resize", [floats(1, 2, 5, 7), None, np.array([1, 1, 2, 1.5], np.float32)],
               {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, constants=(2,), start=13,
               targets=(12, 10, 9, 7), most_nodes=1)
    yield Case("resize, dynamic", "Resize", [floats(1, 2, 5, 7), None, None, np.array([1, 2, 8, 10])], {"mode": "linear"}, start=13,
               targets=(12, 10, 9), dynamic=True, tolerance=1e-4)
    yield Case("gemm without C", "Gemm", [floats(3, 4), floats(4, 5)], start=11, targets=(10, 7), most_nodes=1)
    yield Case("depth to space", "DepthToSpace", [floats(2, 8, 3, 2)], {"blocksize": 2, "mode": "CRD"}, start=11, targets=(10, 7))
    yield Case("gather from the end", "Gather", [IMAGE, np.array([-1, 0])], {"axis": -1}, constants=(1,), start=11, targets=(10, 7), most_nodes=1)
    yield Case("concat from the end", "Concat", [IMAGE, IMAGE], {"axis": -1}, start=11, targets=(10, 7), most_nodes=1)
    yield Case("flatten from the end", "Flatten", [IMAGE], {"axis": -1}, start=11, targets=(10, 7), most_nodes=1)
    for direction in ("LEFT", "RIGHT"):
        yield Case(f"shift {direction}", "BitShift", [np.array([1, 200, 77], np.uint8), np.array([1, 2, 3], np.uint8)],
                   {"direction": direction}, start=11, targets=(10, 8), reference=True)
    for batch in (0, 1):
        yield Case(f"reverse sequence {batch}", "ReverseSequence", [floats(4, 4, 3), np.array([1, 3, 2, 4])],
                   {"batch_axis": batch, "time_axis": 1 - batch}, start=10, targets=(9, 8, 7))
    yield Case("suppression", "NonMaxSuppression", [floats(1, 5, 4), floats(1, 2, 5), np.array([3])], constants=(2,), start=10, targets=(9,),
               refused="O602")
    for fmod in (0, 1):
        yield Case(f"mod of one {fmod}", "Mod", [np.array(1), np.array([3, 1, -3, -1, 5])], {"fmod": fmod}, constants=(0,), start=10,
                   targets=(9, 7))
        yield Case(f"mod of ints {fmod}", "Mod", [INTS, np.array([3, -4, 5, -2])], {"fmod": fmod}, start=10, targets=(9, 7))
    yield Case("mod of floats", "Mod", [np.array([7.5, -7.5, 0.3, 1e6, 1, np.nan], np.float32)[:, None], np.array([2, -2, 0.1, np.inf], np.float32)],
               {"fmod": 1}, start=10, targets=(9, 7))
    for attrs in ({}, {"detect_negative": 0}, {"detect_positive": 0}):
        yield Case(f"is inf {attrs}", "IsInf", [special], attrs, start=10, targets=(9, 7))
    yield Case("max pool", "MaxPool", [IMAGE], {"kernel_shape": [2, 2], "dilations": [1, 1], "ceil_mode": 0}, start=12, targets=(9, 7), most_nodes=1)
    for pads in ([0, 0, 0, 0], [1, 1, 1, 1]):
        yield Case(f"max pool with a ceiling {pads}", "MaxPool", [IMAGE], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": pads, "ceil_mode": 1},
                   start=12, targets=(9, 7), most_nodes=1)
    yield Case("max pool, dilated", "MaxPool", [IMAGE], {"kernel_shape": [2, 2], "dilations": [2, 2]}, start=12, targets=(9,), refused="O602")


def cases_to_7():
    """9 and 8, down to 7."""
    special = np.array([1, -2, 0.5, np.nan, np.inf, -np.inf, 0], np.float32)
    mask = random.random((3, 7)) > 0.5
    yield Case("where", "Where", [mask, special, floats(3, 1)], start=9, targets=(8, 7))
    yield Case("where, dynamic", "Where", [mask, special, floats(3, 1)], start=9, targets=(8, 7), dynamic=True)
    yield Case("where of ints", "Where", [mask, np.arange(7), np.array(-1)], start=9, targets=(8, 7))
    for op in ("Less", "Greater"):
        large = np.array([2**62, 2**62 + 1, -2**63, 2**63 - 1, 0], np.int64)
        yield Case(f"{op} of ints", op, [large[:, None], large], start=9, targets=(8, 7))
        yield Case(f"{op} of words", op, [INTS.astype(np.int32), INTS.astype(np.int32)[0]], start=9, targets=(8, 7))
    yield Case("erf", "Erf", [np.linspace(-6, 6, 101).astype(np.float32)], start=9, targets=(8, 7), tolerance=1e-6)
    yield Case("sign", "Sign", [np.array([-3, 0, 2.5, np.inf], np.float32)], start=9, targets=(8, 7))
    yield Case("is nan", "IsNaN", [special], start=9, targets=(8, 7))
    for op, low, high in (("Sinh", -3, 3), ("Cosh", -3, 3), ("Asinh", -30, 30), ("Acosh", 1, 9), ("Atanh", -0.9, 0.9)):
        yield Case(op, op, [np.linspace(low, high, 31).astype(np.float32)], start=9, targets=(8, 7), tolerance=1e-5)
    yield Case("shrink", "Shrink", [IMAGE], {"bias": 0.25, "lambd": 0.5}, start=9, targets=(8, 7))
    yield Case("constant of shape in ints", "ConstantOfShape", [np.array([2, 3])],
               {"value": helper.make_tensor("v", TensorProto.INT64, [1], [7])}, start=9, targets=(8, 7))
    yield Case("eye", "EyeLike", [floats(3, 4)], {"k": 1}, start=9, targets=(8, 7))
    for axis in (-1, 0):
        yield Case(f"one hot {axis}", "OneHot", [np.array([[1, 0], [3, -1]]), np.array(4), np.array([0.5, 2], np.float32)], {"axis": axis},
                   constants=(1,), start=9, targets=(8, 7))
    yield Case("product of ints", "MatMul", [INTS, INTS.T], start=9, targets=(8, 7))
    yield Case("flatten ints", "Flatten", [random.integers(0, 9, (2, 3, 4))], {"axis": 2}, start=9, targets=(8, 7))
    yield Case("scan", "Scan", [STATE, floats(2, 5, 3)], scan(), outputs=2, start=9, targets=(8,))
    yield Case("scan from the end", "Scan", [STATE, floats(2, 5, 3)], scan(1), outputs=2, start=9, targets=(8,))
    holes = np.where(np.abs(IMAGE) < 0.7, 0, IMAGE)
    for x in (holes, holes[0, 0, 0], (holes[0] * 9).astype(np.int64), holes > 0, np.zeros((2, 3), np.float32)):
        yield Case(f"not zero {x.dtype} {x.shape}", "NonZero", [x], start=9, targets=(8, 7))
    yield Case("not zero, dynamic", "NonZero", [holes], start=9, targets=(8, 7), dynamic=True)
    yield Case("compress", "Compress", [IMAGE, mask[0, :6]], {"axis": 1}, start=9, targets=(8, 7))
    yield Case("compress all", "Compress", [IMAGE[0, 0], mask.ravel()], start=9, targets=(8, 7))
    yield Case("expand", "Expand", [COLUMN, np.array([2, 1, 3, 4])], constants=(1,), start=8, targets=(7,))
    yield Case("expand at run time", "Expand", [COLUMN, np.array([2, 1, 3, 4])], start=8, targets=(7,))
    yield Case("expand bools", "Expand", [COLUMN > 0, np.array([2, 1, 3, 4])], start=8, targets=(7,))
    for op in ("Max", "Min", "Sum", "Mean"):
        yield Case(f"{op} that broadcasts", op, [IMAGE, floats(7), floats(1, 6, 1, 1)], start=8, targets=(7,))


def cases_up():
    for start in (12, 9):
        for axis in (1, 3):
            yield Case(f"softmax {axis} up", "Softmax", [IMAGE], {"axis": axis}, start=start, targets=(13, 23))
    yield Case("clip up", "Clip", [IMAGE], {"min": -0.5, "max": 0.5}, start=9, targets=(11, 23), most_nodes=1)
    yield Case("pad up", "Pad", [IMAGE], {"pads": [0, 0, 1, 1, 0, 0, 1, 1], "value": 2.0}, start=9, targets=(11, 23), most_nodes=1)
    yield Case("slice up", "Slice", [IMAGE], {"starts": [1, 0], "ends": [4, -1], "axes": [1, 3]}, start=9, targets=(10, 23), most_nodes=1)
    yield Case("top k up", "TopK", [IMAGE], {"k": 3, "axis": 2}, outputs=2, start=9, targets=(10, 23), most_nodes=1)
    yield Case("squeeze up", "Squeeze", [floats(1, 3, 1)], {"axes": [0, 2]}, start=9, targets=(13, 23), most_nodes=1)
    yield Case("unsqueeze up", "Unsqueeze", [floats(3)], {"axes": [0, 2]}, start=9, targets=(13, 23), most_nodes=1)
    yield Case("split up", "Split", [IMAGE], {"split": [2, 4], "axis": 1}, outputs=2, start=9, targets=(13, 23), most_nodes=1)
    yield Case("split evenly up", "Split", [IMAGE], {"axis": 1}, outputs=2, start=9, targets=(18, 23), most_nodes=1)
    yield Case("reduce up", "ReduceMean", [IMAGE], {"axes": [1, 3]}, start=9, targets=(18, 23), most_nodes=1)
    yield Case("reduce sum up", "ReduceSum", [IMAGE], {"axes": [1, 3]}, start=9, targets=(13, 23), most_nodes=1)
    yield Case("scatter up", "Scatter", [floats(3, 4), np.array([[0, 2, 1, 0]]), floats(1, 4)], start=9, targets=(11, 23), most_nodes=1)
    yield Case("upsample up", "Upsample", [IMAGE, np.array([1, 1, 2, 2], np.float32)], constants=(1,), start=9, targets=(10, 11, 23), most_nodes=1)
    yield Case("resize up", "Resize", [IMAGE, np.array([1, 1, 2, 2], np.float32)], {"mode": "linear"}, constants=(1,), start=10, targets=(11, 23),
               most_nodes=1)
    yield Case("dropout up", "Dropout", [IMAGE], {"ratio": 0.3}, start=10, targets=(12, 23))
    yield Case("batch norm up", "BatchNormalization", [IMAGE, floats(6), floats(6), floats(6), np.abs(floats(6))], start=9, targets=(14, 23),
               most_nodes=1)
    for target in (24, 25, 26, 27, 28):
        yield attention(f"at {target}", Q, K, V, targets=(target,), most_nodes=1)
        yield Case(f"cast at {target}", "Cast", [IMAGE], {"to": TensorProto.INT32}, targets=(target,), most_nodes=1)
    yield Case("swish", "Swish", [IMAGE], {"alpha": 1.5}, start=24, targets=(23, 17, 9), reference=True)


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
            if IR_OF_OPSET[case.start] < 4:  # its initializers are the defaults of inputs
                inputs.append(helper.make_tensor_value_info(f"x{i}", element_type(x), x.shape))
            continue
        shape = [f"d{i}_{a}" for a in range(x.ndim)] if case.dynamic else list(x.shape)
        if case.dynamic and case.op == "Attention":
            shape[1], shape[3] = x.shape[1], x.shape[3]
        if case.op == "STFT" and i == 0:  # real
            shape[2] = x.shape[2]
        if case.op == "Resize" and i == 3:  # as many as the input has axes
            shape = list(x.shape)
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
    if case.op == "Compress":  # ONNX infers nothing of it
        rank = np.ndim(case.inputs[0]) if "axis" in case.attrs else 1
        model.graph.output[0].type.CopyFrom(helper.make_tensor_type_proto(TensorProto.FLOAT, [None] * rank))
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


if __name__ == "__main__":
    sys.exit(main())
