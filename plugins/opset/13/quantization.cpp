// QuantizeLinear, DequantizeLinear: one scale for each place of an axis came with 13.
#include "rules.h"

using namespace onnxport;

namespace {

// Scale and zero point in the direction of the axis; nothing where there is one of each.
struct PerAxis {
  Value scale, zero;
};

PerAxis per_axis(Node& node) {
  const Value x = node.input(0);
  const int64_t axis = node.normalized(node.integer("axis", 1), x.rank());
  const auto turned = [&](const Value& v) { return v ? node.unsqueeze_around(v, axis, x.rank()) : v; };
  return {turned(node.input(1)), turned(node.input(2))};
}

bool is_one(const Value& scale) {
  return scale.has_rank() && (scale.rank() == 0 || scale.static_dim(0) == 1);
}

}  // namespace

Value quantize_to_12(Node& node) {
  const Value x = node.input(0);
  if (is_one(node.input(1))) {
    return node.node("QuantizeLinear",
                     {x, node.scalar(node.input(1)), node.input(2) ? node.scalar(node.input(2)) : Value()},
                     node.attrs_except({"axis"}));
  }
  const PerAxis p = per_axis(node);
  const bool is_signed = p.zero && p.zero.dtype() == DType::i8;
  Value steps = node.Round(node.cast(x, DType::f32) / p.scale);
  if (p.zero) steps = steps + node.cast(p.zero, DType::f32);
  const Value kept = node.clip(steps, node.like(steps, is_signed ? -128.0 : 0.0),
                               node.like(steps, is_signed ? 127.0 : 255.0));
  return node.cast(kept, is_signed ? DType::i8 : DType::u8);
}

Value dequantize_to_12(Node& node) {
  const Value x = node.input(0);
  if (is_one(node.input(1))) {
    return node.node("DequantizeLinear",
                     {x, node.scalar(node.input(1)), node.input(2) ? node.scalar(node.input(2)) : Value()},
                     node.attrs_except({"axis"}));
  }
  const PerAxis p = per_axis(node);
  Value steps = node.cast(x, DType::f32);
  if (p.zero) steps = steps - node.cast(p.zero, DType::f32);
  return steps * p.scale;
}
