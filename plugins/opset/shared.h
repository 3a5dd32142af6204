// What the rules of several opsets share.
#pragma once

#include <string>
#include <vector>

#include "onnxport/plugin.hpp"

// A rule for an operator whose node would be taken along with another meaning, or an invalid one, if the rule only
// declined: its reason becomes the error. `sure<softmax_to_12>` is that rule in a table.
namespace shared {
inline namespace sdk_v1 ONNXPORT_SDK_HIDDEN {

using namespace onnxport;

template <Value (*rule)(Node&)>
Value sure(Node& node) {
  try {
    return rule(node);
  } catch (const Declined& reason) {
    node.fail(reason.what());
  }
}

template <Values (*rule)(Node&)>
Values sure_many(Node& node) {
  try {
    return rule(node);
  } catch (const Declined& reason) {
    node.fail(reason.what());
  }
}

inline std::vector<int64_t> axes_up_to(int64_t rank) {
  std::vector<int64_t> out;
  for (int64_t axis = 0; axis < rank; ++axis) out.push_back(axis);
  return out;
}

// Element `i` of a 1-D value, as a 0-d one; a constant of a constant.
inline Value element(Node& node, const Value& list, int64_t i) {
  if (const auto known = list.constant_ints(); known && list.dtype() == DType::i64)
    return node.constant((*known)[static_cast<size_t>(i)]);
  return node.Gather(list, node.constant(i));
}

// The axes that an input names, counted from the front; all of them where the input is absent. Declines where they are
// known at run time only.
inline std::vector<int64_t> axes_of(Node& node, const Value& axes, int64_t rank) {
  if (!axes) return axes_up_to(rank);
  const auto given = axes.constant_ints();
  node.require(given.has_value(), "its axes are known at run time only");
  std::vector<int64_t> out;
  for (const int64_t axis : *given) out.push_back(node.normalized(axis, rank));
  return out;
}

// Indices of which negative ones count from the end, all counted from the front.
inline Value from_front(Node& node, const Value& index, const Value& size) {
  if (const auto known = index.constant_ints()) {
    if (std::all_of(known->begin(), known->end(), [](int64_t i) { return i >= 0; })) return index;
  }
  return node.where(index < 0, index + node.cast(size, index.dtype()), index);
}

}  // namespace ONNXPORT_SDK_HIDDEN
}  // namespace shared
