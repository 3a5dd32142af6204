#include "rules.h"

using namespace onnxport;

// x / sqrt(mean(x^2) + epsilon) * scale, in single precision for the short floats unless stash_type says otherwise.
Value rms_normalization_to_22(Node& node) {
  const Value x = node.input(0);
  const Value scale = node.input(1);
  const bool widen =
      node.integer("stash_type", 1) == 1 && (x.dtype() == DType::f16 || x.dtype() == DType::bf16);
  const Value wide = widen ? node.cast(x, DType::f32) : x;

  std::vector<int64_t> axes;
  for (int64_t a = node.normalized(node.integer("axis", -1), x.rank()); a < x.rank(); ++a) axes.push_back(a);
  const Value mean = node.reduce_mean(wide * wide, axes, true);
  const Value normalized = wide / node.Sqrt(mean + node.real("epsilon", 1e-5));
  return node.cast(normalized, scale.dtype()) * scale;
}
