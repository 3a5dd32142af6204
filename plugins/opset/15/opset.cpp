#include "shared.h"
#include "table.h"

namespace {

using namespace onnxport;

// Shape: `start` and `end` came with 15.
Value shape_to_14(Node& node) {
  const Value whole = node.node("Shape", {node.input(0)});
  const int64_t start = node.integer("start", 0);
  const int64_t end = node.integer("end", to_end);
  return start == 0 && end == to_end ? whole : node.slice(whole, 0, start, end);
}

// BatchNormalization: X may be of another type than the rest since 15.
Value batch_normalization_to_14(Node& node) {
  const Value x = node.input(0);
  const DType t = node.input(1).dtype();
  if (t == x.dtype() && node.input(3).dtype() == t) node.decline("of one type the same in both");
  if (node.output_count() != 1) node.fail("BatchNormalization of two types trains");
  const DType wide = x.dtype() == DType::f64 || t == DType::f64 ? DType::f64 : DType::f32;
  Values inputs;
  for (const Value& v : node.inputs()) inputs.push_back(node.cast(v, wide));
  return node.cast(node.node("BatchNormalization", inputs, node.attrs_except()), x.dtype());
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(
      host, {"org.onnxport.opset.15", "0.1.0"}, {},
      {opset_with({{"BatchNormalization", batch_normalization_to_14}, {"Shape", shape_to_14}})});
  return plugin.table();
}
