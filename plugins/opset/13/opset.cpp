#include "rules.h"
#include "shared.h"
#include "table.h"

using namespace onnxport;

// Split: sizes were an attribute before 13, and so known; others are slices from one end to the next.
Values split_to_12(Node& node) {
  const Value x = node.input(0);
  const int64_t axis = node.normalized(node.integer("axis", 0), x.rank());
  const size_t count = node.output_count();
  if (!node.input(1)) return node.node("Split", {x}, {{"axis", axis}}, count);
  if (const auto sizes = node.input(1).constant_ints())
    return node.node("Split", {x}, {{"axis", axis}, {"split", *sizes}}, count);
  Values pieces;
  Value start = node.constant(0);
  for (size_t i = 0; i < count; ++i) {
    const Value end = start + shared::element(node, node.input(1), static_cast<int64_t>(i));
    pieces.push_back(node.slice(x, axis, start, end));
    start = end;
  }
  return pieces;
}

namespace {

using shared::sure;
using shared::sure_many;

// ReduceSum: `axes` was an attribute before 13. Without axes, noop_with_empty_axes reduces nothing.
Value reduce_sum_to_12(Node& node) {
  const Value x = node.input(0);
  const auto axes = node.input(1) ? node.input(1).constant_ints() : std::vector<int64_t>{};
  if (!axes) node.fail("the axes of a reduction must be constant below opset 13");
  if (axes->empty() && node.integer("noop_with_empty_axes", 0) != 0) return node.Identity(x);
  return node.reduce("ReduceSum", x, *axes, node.integer("keepdims", 1) != 0);
}

// Resize: a region and scales had to be given before 13; empty ones say nothing.
Value resize_to_12(Node& node) {
  const auto otherwise_empty = [&](const Value& v, DType t) {
    return v ? v : node.constant(Tensor{t, {0}, {}});
  };
  const Value roi = otherwise_empty(node.input(1), DType::f32);
  const Value scales = otherwise_empty(node.input(2), DType::f32);
  return node.node("Resize", {node.input(0), roi, scales, node.input(3)}, node.attrs_except());
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"org.onnxport.opset.13", "0.1.0"}, {},
                             {opset_with({{"DequantizeLinear", sure<dequantize_to_12>},
                                          {"Hardmax", sure<softmax_to_12>},
                                          {"LogSoftmax", sure<softmax_to_12>},
                                          {"QuantizeLinear", sure<quantize_to_12>},
                                          {"ReduceSum", reduce_sum_to_12},
                                          {"Resize", resize_to_12},
                                          {"Softmax", sure<softmax_to_12>},
                                          {"Split", sure_many<split_to_12>}},
                                         {{"Hardmax", sure<softmax_to_13>},
                                          {"LogSoftmax", sure<softmax_to_13>},
                                          {"Softmax", sure<softmax_to_13>}})});
  return plugin.table();
}
