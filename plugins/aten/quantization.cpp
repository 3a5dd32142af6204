// Fake quantization: rounding to a grid and back, as quantization-aware training does.
#include "families.hpp"

namespace onnxport::aten {
namespace {

// The 8-bit type whose range holds [quant_min, quant_max]; undefined where there is none.
DType eight_bits(Op& op) {
  const int64_t low = op.integer("quant_min"), high = op.integer("quant_max");
  if (low >= 0 && high <= 255) return DType::u8;
  return low >= -128 && high <= 127 ? DType::i8 : DType::undefined;
}

// Whether all of the 8-bit type is used: then saturation is what torch's clamp is.
bool full_range(Op& op, DType t) {
  const int64_t low = op.integer("quant_min"), high = op.integer("quant_max");
  return (t == DType::u8 && low == 0 && high == 255) || (t == DType::i8 && low == -128 && high == 127);
}

Value fake_quantized(Op& op, const Value& scale, const Value& zero_point, int64_t axis) {
  Value self = op["self"];
  const DType t = eight_bits(op);
  if (full_range(op, t)) {
    AttributeList<attr::axis> attrs;
    if (scale.rank() > 0) attrs.add(attr::axis(axis));
    Value zero = op.cast(zero_point, t);
    return op.DequantizeLinear(op.QuantizeLinear(self, scale, zero, attrs), scale, zero, attrs);
  }
  Value step = op.unsqueeze_around(scale, axis, self.rank());
  Value zero = op.unsqueeze_around(op.cast_like(zero_point, self), axis, self.rank());
  Value steps = op.Clip(op.Round(self / step) + zero, op.as("quant_min", self.dtype()),
                        op.as("quant_max", self.dtype()));
  return (steps - zero) * step;
}

// aten::fake_quantize_per_tensor_affine(Tensor self, float scale, int zero_point, int quant_min,
//     int quant_max) -> Tensor
// aten::fake_quantize_per_tensor_affine.tensor_qparams(Tensor self, Tensor scale, Tensor zero_point, int quant_min,
//     int quant_max) -> Tensor
Value per_tensor(Op& op) {
  const DType t = op["self"].dtype();
  const auto single = [&](const Value& x) {
    return x.rank() == 0 ? x : op.reshape(x, std::vector<int64_t>{});
  };
  return fake_quantized(op, single(op.as("scale", t)), single(op["zero_point"]), 0);
}

// aten::fake_quantize_per_channel_affine(Tensor self, Tensor scale, Tensor zero_point, int axis, int quant_min,
//     int quant_max) -> Tensor
Value per_channel(Op& op) {
  Value self = op["self"];
  return fake_quantized(op, op.as("scale", self.dtype()), op["zero_point"], op.axis("axis", self));
}

// aten::fake_quantize_per_tensor_affine_cachemask(Tensor self, float scale, int zero_point, int quant_min,
//     int quant_max) -> (Tensor output, Tensor mask)
Values per_tensor_with_mask(Op& op) {
  op.require(!op.is_used(1), "the mask of fake quantization");
  return {per_tensor(op), {}};
}

// aten::fake_quantize_per_channel_affine_cachemask(Tensor self, Tensor scale, Tensor zero_point, int axis,
//     int quant_min, int quant_max) -> (Tensor output, Tensor mask)
Values per_channel_with_mask(Op& op) {
  op.require(!op.is_used(1), "the mask of fake quantization");
  return {per_channel(op), {}};
}

// ---- quantized tensors: ONNX's graph holds the floats that they stand for ----

// torch's numbers of quint8, qint8.
DType integers_of(Op& op) {
  const int64_t dtype = op.integer("dtype");
  constexpr int64_t kQInt8 = 12, kQUInt8 = 13;
  op.require(dtype == kQInt8 || dtype == kQUInt8,
             "only quint8 and qint8 can be said with ONNX's QuantizeLinear at all opsets");
  return dtype == kQUInt8 ? DType::u8 : DType::i8;
}

Value rounded(Op& op, const Value& scale, const Value& zero, AttributeList<attr::axis> attrs) {
  Value steps = op.QuantizeLinear(op["self"], scale, zero, attrs);
  return op.DequantizeLinear(steps, scale, zero, attrs);
}

// aten::quantize_per_tensor(Tensor self, float scale, int zero_point, ScalarType dtype) -> Tensor
// aten::quantize_per_tensor.tensor_qparams(Tensor self, Tensor scale, Tensor zero_point, ScalarType dtype) -> Tensor
Value quantize_per_tensor(Op& op) {
  const DType t = integers_of(op);
  return rounded(op, op.scalar(op.as("scale", DType::f32)), op.cast(op.scalar(op["zero_point"]), t), {});
}

// aten::_choose_qparams_per_tensor(Tensor self, bool reduce_range=False) -> (float, int): the grid of quint8 that holds all
// elements and 0; half of it where products of two must fit 16 bits. A grid finer than torch's finest is that one.
Values choose_grid(Op& op) {
  constexpr double kFinest = 6.1e-5, kOfZeros = 0.1;
  Value self = op["self"];
  const double steps = op.boolean("reduce_range", false) ? 127 : 255;
  const AttributeList<attr::keepdims> all{attr::keepdims(0)};
  Value least = op.ReduceMin(self, {}, all), greatest = op.ReduceMax(self, {}, all);
  least = op.Min({least, op.like(least, 0)});
  Value own = (op.Max({greatest, op.like(greatest, 0)}) - least) / op.like(least, steps);
  Value of_zeros = op.Equal(own, op.like(own, 0));
  Value scale = op.Where(of_zeros, op.like(own, kOfZeros), op.Max({own, op.like(own, kFinest)}));
  Value zero = op.Round(-least / op.Where(of_zeros, op.like(own, 1), own));
  return {scale, op.cast(zero, DType::i64)};
}

// aten::quantize_per_channel(Tensor self, Tensor scales, Tensor zero_points, int axis, ScalarType dtype) -> Tensor
Value quantize_per_channel(Op& op) {
  AttributeList<attr::axis> attrs;
  attrs.add(attr::axis(op.axis("axis", op["self"])));
  return rounded(op, op.as("scales", DType::f32), op.cast(op["zero_points"], integers_of(op)), attrs);
}

// aten::dequantize.self(Tensor self) -> Tensor
Value dequantize(Op& op) { return op["self"]; }

// aten::_make_per_tensor_quantized_tensor(Tensor self, float scale, int zero_point) -> Tensor
Value quantized_of(Op& op) {
  Value self = op["self"];
  return op.DequantizeLinear(self, op.scalar(op.as("scale", DType::f32)),
                             op.cast(op.scalar(op["zero_point"]), self.dtype()));
}

// aten::_make_per_channel_quantized_tensor(Tensor self, Tensor scale, Tensor zero_point, int axis) -> Tensor
Value quantized_of_channels(Op& op) {
  Value self = op["self"];
  return op.DequantizeLinear(self, op.as("scale", DType::f32), op.cast(op["zero_point"], self.dtype()),
                             {attr::axis(op.axis("axis", self))});
}

}  // namespace

Mappings quantization() {
  return {
      {"aten::fake_quantize_per_tensor_affine", per_tensor},
      {"aten::fake_quantize_per_tensor_affine_cachemask", per_tensor_with_mask},
      {"aten::fake_quantize_per_channel_affine", per_channel},
      {"aten::fake_quantize_per_channel_affine_cachemask", per_channel_with_mask},
      {"aten::_choose_qparams_per_tensor", choose_grid},
      {"aten::quantize_per_tensor", quantize_per_tensor},
      {"aten::quantize_per_channel", quantize_per_channel},
      {"aten::dequantize", dequantize},
      {"aten::_make_per_tensor_quantized_tensor", quantized_of},
      {"aten::_make_per_channel_quantized_tensor", quantized_of_channels},
  };
}

}  // namespace onnxport::aten
