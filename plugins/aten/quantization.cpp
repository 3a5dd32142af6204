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

}  // namespace

Mappings quantization() {
  return {
      {"aten::fake_quantize_per_tensor_affine", per_tensor},
      {"aten::fake_quantize_per_tensor_affine_cachemask", per_tensor_with_mask},
      {"aten::fake_quantize_per_channel_affine", per_channel},
      {"aten::fake_quantize_per_channel_affine_cachemask", per_channel_with_mask},
  };
}

}  // namespace onnxport::aten
