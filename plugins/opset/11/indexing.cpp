// GatherElements, GatherND and ScatterND are new in 11: before, elements and rows are numbered along one axis.
#include "rules.h"
#include "shared.h"

using namespace onnxport;

namespace {

// How far apart neighbours along the axis lie, in elements.
Value stride(Node& node, const Value& x, int64_t axis, int64_t end) {
  Value out = node.constant(1);
  for (int64_t a = axis + 1; a < end; ++a) out = out * node.dim(x, a);
  return out;
}

// The numbers of the rows that the last axis of the indices names, among those that the first axes of `data` count.
Value row_numbers(Node& node, const Value& data, const Value& index, int64_t depth) {
  Value out;
  for (int64_t axis = 0; axis < depth; ++axis) {
    const Value at = node.Gather(index, node.constant(axis), {attr::axis(index.rank() - 1)});
    const Value part = shared::from_front(node, node.cast(at, DType::i64), node.dim(data, axis)) *
                       stride(node, data, axis, depth);
    out = out ? out + part : part;
  }
  return out;
}

int64_t depth_of(Node& node) {
  const auto depth = node.input(1).static_dim(-1);
  node.require(depth && *depth > 0, "how many axes the indices name is known at run time only");
  return *depth;
}

// data as (rows, …).
Value rows_of(Node& node, const Value& data, int64_t depth) {
  Values dims = {node.constant(-1)};
  for (int64_t axis = depth; axis < data.rank(); ++axis) dims.push_back(node.dim(data, axis));
  return node.reshape(data, dims);
}

}  // namespace

Value gathered_elements(Node& node, const Value& data, const Value& index, int64_t axis) {
  if (data.rank() == 1) return node.Gather(data, index);
  Value number;
  for (int64_t a = 0; a < data.rank(); ++a) {
    const Value place =
        a == axis ? index : node.unsqueeze_around(node.arange(node.dim(index, a)), a, data.rank());
    const Value part = place * stride(node, data, a, data.rank());
    number = number ? number + part : part;
  }
  return node.Gather(node.reshape(data, {-1}), number);
}

Value gather_elements_to_10(Node& node) {
  const Value data = node.input(0);
  const int64_t axis = node.normalized(node.integer("axis", 0), data.rank());
  const Value index = shared::from_front(node, node.cast(node.input(1), DType::i64), node.dim(data, axis));
  return gathered_elements(node, data, index, axis);
}

Value gather_nd_to_10(Node& node) {
  const int64_t depth = depth_of(node);
  const Value numbers = row_numbers(node, node.input(0), node.input(1), depth);
  return node.Gather(rows_of(node, node.input(0), depth), numbers);
}

// What 11 calls ScatterElements was called Scatter. It goes without negative indices.
Value scatter_elements_to_10(Node& node) {
  const Value data = node.input(0);
  const int64_t axis = node.normalized(node.integer("axis", 0), data.rank());
  const Value index = shared::from_front(node, node.input(1), node.dim(data, axis));
  return node.node("Scatter", {data, index, node.input(2)}, {{"axis", axis}});
}

Value scatter_nd_to_10(Node& node) {
  const Value data = node.input(0);
  const int64_t depth = depth_of(node);
  const Value numbers = node.reshape(row_numbers(node, data, node.input(1), depth), {-1});
  if (depth == data.rank()) {
    const Value flat =
        node.node("Scatter", {node.reshape(data, {-1}), numbers, node.reshape(node.input(2), {-1})});
    return node.Reshape(flat, node.shape_of(data));
  }
  const Value size = stride(node, data, depth - 1, data.rank());  // of a row
  const Values dims = {node.constant(-1), size};
  const Value updates = node.reshape(node.input(2), dims);
  const Value index = node.Expand(node.unsqueeze(numbers, {1}), node.shape_of(updates));
  return node.Reshape(node.node("Scatter", {node.reshape(data, dims), index, updates}), node.shape_of(data));
}
