// ScatterElements and ScatterND that add, multiply or compare what they write: at opsets that know neither, one slice
// after the other, in a Loop, since two slices may write to one place.
#pragma once

#include "shared.h"

namespace shared {
inline namespace sdk_v1 ONNXPORT_SDK_HIDDEN {

inline Value reduced(Node& node, const std::string& reduction, const Value& a, const Value& b) {
  if (reduction == "add") return a + b;
  if (reduction == "mul") return a * b;
  return reduction == "max" ? node.maximum(a, b) : node.minimum(a, b);
}

inline Value scatter_elements_in_turn(Node& node) {
  const Value data = node.input(0);
  const int64_t axis = node.normalized(node.integer("axis", 0), data.rank());
  const std::string reduction = node.string("reduction", "none");
  const Value index = node.input(1), updates = node.input(2);
  const Values out =
      node.loop(node.dim(index, axis), {data}, [&](const Value& i, const Values& state, Value&) -> Values {
        const Value at = node.unsqueeze(node.Gather(index, i, {attr::axis(axis)}), {axis});
        const Value given = node.unsqueeze(node.Gather(updates, i, {attr::axis(axis)}), {axis});
        const Value now = node.GatherElements(state[0], at, {attr::axis(axis)});
        const Value next = reduced(node, reduction, now, given);
        return {node.node("ScatterElements", {state[0], at, next}, {{"axis", axis}})};
      });
  return out[0];
}

// Rows of the indices and updates, one after the other.
inline Value scatter_nd_in_turn(Node& node) {
  const Value data = node.input(0);
  const auto depth = node.input(1).static_dim(-1);
  node.require(depth.has_value(), "how many axes the indices name is known at run time only");
  const std::string reduction = node.string("reduction", "none");
  const Value index = node.reshape(node.input(1), {-1, *depth});
  Values row = {node.constant(-1)};
  for (int64_t axis = *depth; axis < data.rank(); ++axis) row.push_back(node.dim(data, axis));
  const Value updates = node.reshape(node.input(2), row);
  const Values out =
      node.loop(node.dim(index, 0), {data}, [&](const Value& i, const Values& state, Value&) -> Values {
        const Value at = node.unsqueeze(node.Gather(index, i), {0});
        const Value given = node.unsqueeze(node.Gather(updates, i), {0});
        const Value next = reduced(node, reduction, node.GatherND(state[0], at), given);
        return {node.node("ScatterND", {state[0], at, next})};
      });
  return out[0];
}

}  // namespace ONNXPORT_SDK_HIDDEN
}  // namespace shared
