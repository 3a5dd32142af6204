#include "rules.h"

using namespace onnxport;

namespace {

struct Pair {
  Value first, second;
};

// (first, second) turned by the angle of (cos, sin).
Pair rotate(const Pair& x, const Value& cos, const Value& sin) {
  return {x.first * cos - x.second * sin, x.first * sin + x.second * cos};
}

int64_t half_of_rotated(Node& node, const Value& x, const Value& cos) {
  if (const int64_t rotated = node.integer("rotary_embedding_dim", 0); rotated > 0) return rotated / 2;
  if (const auto size = x.static_dim(-1)) return *size / 2;
  if (const auto size = cos.static_dim(-1)) return *size;
  node.decline("the head size is known at run time only");
}

}  // namespace

// X is (batch, heads, sequence, size), or (batch, sequence, heads * size) which is taken as (batch, sequence,
// heads, size): the angles depend on batch and sequence alone, so neither layout needs a Transpose.
Value rotary_embedding_to_22(Node& node) {
  const bool flat = node.input(0).rank() == 3;
  const Value x =
      flat ? node.Reshape(node.input(0), node.ints({0, 0, node.integer("num_heads", 0), -1})) : node.input(0);
  Value cos = node.input(1);
  Value sin = node.input(2);
  if (const Value positions = node.input(3)) {
    cos = node.Gather(cos, positions);
    sin = node.Gather(sin, positions);
  }
  const int64_t heads_axis = flat ? 2 : 1;
  const int64_t half = half_of_rotated(node, x, cos);
  const auto size = x.static_dim(-1);
  const bool partial = node.integer("rotary_embedding_dim", 0) > 0 && size != 2 * half;
  if (partial && !size) node.decline("the head size is known at run time only");

  Value y;
  if (node.integer("interleaved", 0) != 0) {
    const std::vector<int64_t> angle_axes = {heads_axis, 4};
    const Values parts = partial ? node.split(x, {2 * half, *size - 2 * half}, -1) : Values{x};
    const Values pair = node.split(node.Reshape(parts[0], node.ints({0, 0, 0, half, 2})), {1, 1}, -1);
    const Pair turned =
        rotate({pair[0], pair[1]}, node.unsqueeze(cos, angle_axes), node.unsqueeze(sin, angle_axes));
    y = node.Reshape(node.Concat({turned.first, turned.second}, {attr::axis(-1)}),
                     node.ints({0, 0, 0, 2 * half}));
    if (partial) y = node.Concat({y, parts[1]}, {attr::axis(-1)});
  } else {
    std::vector<int64_t> sizes = {half, half};
    if (partial) sizes.push_back(*size - 2 * half);
    const Values parts = node.split(x, sizes, -1);
    const Pair turned =
        rotate({parts[0], parts[1]}, node.unsqueeze(cos, {heads_axis}), node.unsqueeze(sin, {heads_axis}));
    Values joined = {turned.first, turned.second};
    if (partial) joined.push_back(parts[2]);
    y = node.Concat(joined, {attr::axis(-1)});
  }
  return flat ? node.Reshape(y, node.ints({0, 0, -1})) : y;
}
