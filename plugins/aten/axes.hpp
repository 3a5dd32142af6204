// Orders of axes, and axes that an operator wants where torch has none.
#pragma once

#include <algorithm>
#include <numeric>

#include "onnxport/plugin.hpp"

namespace onnxport::aten {

inline std::vector<int64_t> all_axes(int64_t rank) {
  std::vector<int64_t> axes(static_cast<size_t>(rank));
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

// The axes `first`, then the others in their order.
inline std::vector<int64_t> axes_first(int64_t rank, std::vector<int64_t> first) {
  const auto named = static_cast<std::ptrdiff_t>(first.size());
  for (int64_t axis = 0; axis < rank; ++axis) {
    if (std::find(first.begin(), first.begin() + named, axis) == first.begin() + named) first.push_back(axis);
  }
  return first;
}

// The axes other than `last` in their order, then those.
inline std::vector<int64_t> axes_last(int64_t rank, const std::vector<int64_t>& last) {
  std::vector<int64_t> order = axes_first(rank, last);
  std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(last.size()), order.end());
  return order;
}

// The order that undoes `order`.
inline std::vector<int64_t> inverse_permutation(const std::vector<int64_t>& order) {
  std::vector<int64_t> back(order.size());
  for (size_t i = 0; i < order.size(); ++i) back[order[i]] = static_cast<int64_t>(i);
  return back;
}

// f(x) for an operator that wants at least one axis, where torch allows none.
template <typename F>
Value atleast_1d(Op& op, const Value& x, F f) {
  return x.rank() > 0 ? f(x) : op.squeeze(f(op.unsqueeze(x, {0})), {0});
}

// The spatial part of an ONNX operator that wants a batch axis: f(x), with one added and taken away where
// torch allows an input of `spatial` + 1 axes.
template <typename F>
Value with_batch_axis(Op& op, const Value& x, int64_t spatial, F f) {
  if (x.rank() == spatial + 2) return f(x);
  return op.squeeze(f(op.unsqueeze(x, {0})), {0});
}

// ONNX's index of a pooled maximum counts through the whole batch, torch's through one plane (N, C, plane).
inline Value index_in_plane(Op& op, const Value& x, const Value& index) {
  Value size = op.constant(1);
  for (int64_t axis = 2; axis < x.rank(); ++axis) size = size * op.dim(x, axis);
  return op.Mod(index, size);
}

}  // namespace onnxport::aten
