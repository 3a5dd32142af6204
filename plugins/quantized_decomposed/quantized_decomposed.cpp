// Floats rounded to a grid of integers and back, written against ONNX opset 23.
#include "onnxport/plugin.hpp"

namespace onnxport::quantized_decomposed {
namespace {

struct Grid {
  Value scale, zero;  // of one number, or of one per channel
  int64_t axis = 0;   // of the channels
  DType type = DType::undefined;
  int64_t low = 0, high = 0;

  // What ONNX saturates at by itself.
  bool is_full() const {
    return (type == DType::u8 && low == 0 && high == 255) ||
           (type == DType::i8 && low == -128 && high == 127);
  }
  AttributeList<attr::axis> attrs() const {
    return scale.rank() == 0 ? AttributeList<attr::axis>{} : AttributeList<attr::axis>{attr::axis(axis)};
  }
};

Grid grid_of(Op& op) {
  Grid g;
  g.type = op.dtype("dtype", DType::undefined);
  g.low = op.integer("quant_min");
  g.high = op.integer("quant_max");
  if (op.has("scales")) {
    g.axis = op.axis("axis", op["input"]);
    g.scale = op.as("scales", DType::f32);
    g.zero = op["zero_points"];
  } else {
    g.scale = op.scalar(op.as("scale", DType::f32));
    g.zero = op.scalar(op["zero_point"]);
  }
  return g;
}

// quantized_decomposed::quantize_per_tensor(Tensor input, float scale, int zero_point, int quant_min, int quant_max,
//     ScalarType dtype) -> Tensor
// quantized_decomposed::quantize_per_channel(Tensor input, Tensor scales, Tensor zero_points, int axis, int quant_min,
//     int quant_max, ScalarType dtype) -> Tensor
Value quantize(Op& op) {
  const Grid g = grid_of(op);
  Value x = op.as("input", DType::f32);
  if (g.is_full()) return op.QuantizeLinear(x, g.scale, op.cast(g.zero, g.type), g.attrs());
  Value step = op.unsqueeze_around(g.scale, g.axis, x.rank()),
        zero = op.unsqueeze_around(op.cast_like(g.zero, x), g.axis, x.rank());
  Value steps = op.Round(x / step) + zero;
  const auto bound = [&](int64_t n) { return op.like(x, static_cast<double>(n)); };
  return op.cast(op.Clip(steps, bound(g.low), bound(g.high)), g.type);
}

// quantized_decomposed::dequantize_per_tensor(Tensor input, float scale, int zero_point, int quant_min, int quant_max,
//     ScalarType dtype, *, ScalarType? out_dtype=None) -> Tensor
// quantized_decomposed::dequantize_per_channel(Tensor input, Tensor scales, Tensor? zero_points, int axis,
//     int quant_min, int quant_max, ScalarType dtype, *, ScalarType? out_dtype=None) -> Tensor
Value dequantize(Op& op) {
  const Grid g = grid_of(op);
  const Value input = op["input"];
  const DType wanted = op.dtype("out_dtype", DType::f32);
  if (g.type == DType::i8 || g.type == DType::u8) {
    const Value zero = g.zero ? op.cast(g.zero, g.type) : g.zero;
    return op.cast(op.DequantizeLinear(input, g.scale, zero, g.attrs()), wanted);
  }
  Value x = op.cast(input, DType::f32);
  if (g.zero) x = x - op.unsqueeze_around(op.cast(g.zero, DType::f32), g.axis, x.rank());
  return op.cast(x * op.unsqueeze_around(g.scale, g.axis, x.rank()), wanted);
}

}  // namespace
}  // namespace onnxport::quantized_decomposed

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  using namespace onnxport::quantized_decomposed;
  static const onnxport::Plugin plugin(host, {"org.onnxport.quantized_decomposed", "0.1.0"},
                                       {{"quantized_decomposed::quantize_per_tensor", quantize},
                                        {"quantized_decomposed::quantize_per_channel", quantize},
                                        {"quantized_decomposed::dequantize_per_tensor", dequantize},
                                        {"quantized_decomposed::dequantize_per_channel", dequantize}});
  return plugin.table();
}
