#include "rules.h"

using namespace onnxport;

// (x - mean) / sqrt(variance + epsilon) * scale + bias, in single precision for the short floats unless stash_type says
// otherwise. Runtimes know these nodes and fuse them.
Values layer_normalization_to_16(Node& node) {
  const Value x = node.input(0);
  const bool widen =
      node.integer("stash_type", 1) == 1 && (x.dtype() == DType::f16 || x.dtype() == DType::bf16);
  const Value wide = widen ? node.cast(x, DType::f32) : x;
  std::vector<int64_t> axes;
  for (int64_t a = node.normalized(node.integer("axis", -1), x.rank()); a < x.rank(); ++a) axes.push_back(a);

  const Value mean = node.reduce_mean(wide, axes, true);
  const Value centred = wide - mean;
  const Value variance = node.reduce_mean(centred * centred, axes, true);
  const Value deviation = node.Sqrt(variance + node.real("epsilon", 1e-5));
  Value y = node.cast(centred / deviation, x.dtype()) * node.input(1);
  if (node.input(2)) y = y + node.input(2);
  Values outputs = {y};
  if (node.output_count() > 1) outputs.push_back(mean);
  if (node.output_count() > 2) outputs.push_back(node.Reciprocal(deviation));
  return outputs;
}
