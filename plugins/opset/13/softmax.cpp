// Softmax, LogSoftmax, Hardmax: before 13 everything from the axis on was one row of the last axis's size.
#include "rules.h"

using namespace onnxport;

namespace {

Value along_last(Node& node, const Value& x) {
  return node.node(node.op_type(), {x}, {{"axis", x.rank() - 1}});
}

// Without the rank, by what it is: exp(x - max) / sum.
Value by_definition(Node& node, const Value& x, int64_t axis) {
  if (node.op_type() == "Hardmax") node.fail("Hardmax needs the rank of its input below opset 13");
  const Value shifted = x - node.reduce_max(x, {axis}, true);
  const Value powers = node.Exp(shifted);
  const Value sum = node.reduce_sum(powers, {axis}, true);
  return node.op_type() == "Softmax" ? powers / sum : shifted - node.Log(sum);
}

}  // namespace

Value softmax_to_12(Node& node) {
  const Value x = node.input(0);
  if (!x.has_rank()) return by_definition(node, x, node.integer("axis", -1));
  if (x.rank() == 0) return node.scalar(along_last(node, node.reshape(x, {1})));
  const int64_t axis = node.normalized(node.integer("axis", -1), x.rank());
  return node.transpose(along_last(node, node.transpose(x, axis, -1)), axis, -1);
}

Value softmax_to_13(Node& node) {
  const Value x = node.input(0);
  const int64_t axis = node.normalized(node.integer("axis", 1), x.rank());
  if (axis == x.rank() - 1) return node.node(node.op_type(), {x}, {{"axis", -1}});
  Values dims = node.dims(x, 0, axis);
  dims.push_back(node.constant(-1));
  return node.Reshape(node.node(node.op_type(), {node.reshape(x, dims)}, {{"axis", -1}}), node.shape_of(x));
}
