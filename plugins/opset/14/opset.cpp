#include "shared.h"
#include "table.h"

namespace {

using namespace onnxport;
using shared::sure;
using shared::sure_many;

// Trilu is new in 14: elements are kept by row and column.
Value trilu_to_13(Node& node) {
  const Value x = node.input(0);
  const Value rows = node.unsqueeze(node.arange(node.dim(x, -2)), {1});
  const Value columns = node.arange(node.dim(x, -1));
  const Value k = node.input(1) ? node.scalar(node.input(1)) : node.constant(0);
  const Value kept = node.integer("upper", 1) != 0 ? node.less_or_equal(rows + k, columns)
                                                   : node.less_or_equal(columns, rows + k);
  return node.where(kept, x, node.like(x, 0));
}

// Reshape: `allowzero` came with 14. A shape with a 0 is then that of an empty tensor.
Value reshape_to_13(Node& node) {
  const Attrs attrs = node.attrs_except({"allowzero"});
  if (node.integer("allowzero", 0) == 0) return node.node("Reshape", node.inputs(), attrs);
  const auto shape = node.input(1).constant_ints();
  if (!shape)
    node.fail("Reshape with allowzero to a shape known at run time only cannot be written below opset 14");
  if (std::find(shape->begin(), shape->end(), 0) == shape->end())
    return node.node("Reshape", node.inputs(), attrs);
  const bool asked = std::find(shape->begin(), shape->end(), -1) != shape->end();
  if (asked)
    node.fail("Reshape with allowzero to a shape with both 0 and -1 cannot be written below opset 14");
  return node.full(node.input(1), 0, node.input(0).dtype());
}

// Identity: of lists of tensors since 14.
Value identity_to_13(Node& node) {
  if (node.input(0).dtype() != DType::undefined) node.decline("of tensors the same in both");
  return node.input(0);
}

// BatchNormalization: training came in this form with 14; before, opsets said it in others that runtimes do not have.
Values batch_normalization_to_13(Node& node) {
  if (node.integer("training_mode", 0) == 0) {
    return {node.node("BatchNormalization", node.inputs(), node.attrs_except({"training_mode"}))};
  }
  const Value x = node.input(0);
  std::vector<int64_t> others = {0}, behind;
  for (int64_t axis = 2; axis < x.rank(); ++axis) others.push_back(axis), behind.push_back(axis - 1);
  const Value mean = node.reduce_mean(x, others, true);
  const Value centred = x - mean;
  const Value variance = node.reduce_mean(centred * centred, others, true);
  const Value normalized = centred / node.Sqrt(variance + node.real("epsilon", 1e-5));
  Values outputs = {normalized * node.unsqueeze(node.input(1), behind) +
                    node.unsqueeze(node.input(2), behind)};
  const double momentum = node.real("momentum", 0.9);
  const auto running = [&](const Value& so_far, const Value& now) {
    return so_far * momentum + node.squeeze(now, others) * (1 - momentum);
  };
  if (node.output_count() > 1) outputs.push_back(running(node.input(3), mean));
  if (node.output_count() > 2) outputs.push_back(running(node.input(4), variance));
  return outputs;
}

// 13 -> 14: what trained was told by the number of outputs.
Values batch_normalization_to_14(Node& node) {
  for (size_t i = 1; i < node.output_count(); ++i) {
    if (node.is_used(i))
      node.fail("BatchNormalization with more than one output is of another form since opset 14");
  }
  return {node.node("BatchNormalization", node.inputs(), node.attrs_except())};
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"org.onnxport.opset.14", "0.1.0"}, {},
                             {opset_with({{"BatchNormalization", sure_many<batch_normalization_to_13>},
                                          {"Identity", identity_to_13},
                                          {"Reshape", reshape_to_13},
                                          {"Trilu", sure<trilu_to_13>}},
                                         {{"BatchNormalization", batch_normalization_to_14}})});
  return plugin.table();
}
