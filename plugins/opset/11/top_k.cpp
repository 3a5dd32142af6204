// TopK took floats only, and only the greatest, before 11.
#include "rules.h"
#include "shared.h"

using namespace onnxport;

namespace {

// Halves of 64-bit integers, which doubles hold: x = high * 2^32 + low, both of x's sign.
struct Halves {
  Value high, low;
};

Halves halves_of(Node& node, const Value& x) {
  const Value unit = node.like(x, int64_t{1} << 32);
  const Value high = x / unit;
  return {node.cast(high, DType::f64), node.cast(x - high * unit, DType::f64)};
}

// Ordered by the lower halves, then by the higher ones: of two equal ones TopK keeps the first first.
Values of_long_integers(Node& node, int64_t axis, bool largest) {
  const Value x = node.input(0);
  const Halves halves = halves_of(node, x);
  const Value by_low = node.topk(halves.low, node.shape({node.dim(x, axis)}), axis, largest).Indices;
  const Value high = gathered_elements(node, halves.high, by_low, axis);
  const Value by_high = node.topk(high, node.input(1), axis, largest).Indices;
  const Value index = gathered_elements(node, by_low, by_high, axis);
  return {gathered_elements(node, x, index, axis), index};
}

}  // namespace

Values top_k_to_10(Node& node) {
  const Value x = node.input(0);
  const int64_t axis = node.normalized(node.integer("axis", -1), x.rank());
  const bool largest = node.integer("largest", 1) != 0;
  if (x.dtype() == DType::i64 || x.dtype() == DType::u64) return of_long_integers(node, axis, largest);
  const bool small =
      x.dtype() == DType::i8 || x.dtype() == DType::u8 || x.dtype() == DType::i16 || x.dtype() == DType::u16;
  const Value real = is_floating(x.dtype()) ? x : node.cast(x, small ? DType::f32 : DType::f64);
  const auto out = node.topk(real, node.input(1), axis, largest);
  return {node.cast(out.Values, x.dtype()), out.Indices};
}
