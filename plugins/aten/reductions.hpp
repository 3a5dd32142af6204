// Reductions as torch's arguments dim and keepdim say, and norms.
#pragma once

#include <algorithm>
#include <cmath>

#include "numerics.hpp"

namespace onnxport::aten {

// The axes of argument `dim` as a value; absent, which means all to ONNX, where that is None or empty.
inline Value reduction_axes(Op& op, const Value& x) {
  if (!op.has("dim") || x.rank() == 0) return {};
  const std::vector<int64_t> axes = op.axes("dim", x);
  return axes.empty() ? Value() : op.ints(axes);
}

// Reduces `x` by the ONNX operator over the axes of argument `dim`, as the argument keepdim says.
inline Value reduce(Op& op, std::string_view onnx_op, const Value& x) {
  return op.node(onnx_op, {x, reduction_axes(op, x)}, {attr::keepdims(op.boolean("keepdim", false))});
}

// The same axes as numbers, None and empty meaning all.
inline std::vector<int64_t> reduction_dims(Op& op, const Value& x) {
  return op.has("dim") ? op.axes_or_all("dim", x) : op.axes_or_all("", x);
}

// Whether the axes are known to hold no element.
inline bool has_empty_axis(const Value& x, const std::vector<int64_t>& axes) {
  return std::any_of(axes.begin(), axes.end(), [&](int64_t axis) { return x.static_dim(axis) == 0; });
}

// NaN in the shape of the reduction: what torch takes of nothing, and runtimes answer in their own ways.
inline Value nan_reduction(Op& op, const Value& x) {
  return reduce(op, "ReduceSum", x) + op.like(x, std::nan(""));
}

inline Value reduce_mean(Op& op, const Value& x) {
  return has_empty_axis(x, reduction_dims(op, x)) ? nan_reduction(op, x) : reduce(op, "ReduceMean", x);
}

// The greatest element of an i64 tensor, `least` where it is less or there is none.
inline Value max_or(Op& op, const Value& x, int64_t least) {
  return op.reduce_max(op.Concat({op.reshape(x, {-1}), op.ints({least})}, {attr::axis(0)}), {}, false);
}

// The greatest or least of x over the axes. A NaN goes through, as in torch and ONNX's reference; ONNX Runtime passes it over.
inline Value extreme_through_nan(Op& op, bool greatest, const Value& x, const Value& axes,
                                 const AttributeList<attr::keepdims>& attrs) {
  Value missing = op.ReduceSum(op.Where(op.IsNaN(x), x, op.like(x, 0)), axes, attrs);
  return (greatest ? op.ReduceMax(x, axes, attrs) : op.ReduceMin(x, axes, attrs)) + missing;
}

// (sum |x|^p)^(1/p) over the axes, with its limits: the number of non-zeros, the least, the greatest.
inline Value p_norm(Op& op, const Value& x, double p, const Value& axes, bool keepdim) {
  const AttributeList<attr::keepdims> attrs{attr::keepdims(keepdim)};
  if (p == 1) return op.ReduceL1(x, axes, attrs);
  if (p == 2) return op.ReduceL2(x, axes, attrs);
  if (std::abs(p) == infinity) return extreme_through_nan(op, p > 0, op.Abs(x), axes, attrs);
  if (p == 0) return op.ReduceSum(op.cast(op.cast(x, DType::boolean), x.dtype()), axes, attrs);
  Value powers = op.ReduceSum(op.Pow(op.Abs(x), op.like(x, p)), axes, attrs);
  return op.Pow(powers, op.like(powers, 1 / p));
}

}  // namespace onnxport::aten
