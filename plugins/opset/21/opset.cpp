#include "table.h"

namespace {

using namespace onnxport;

// GroupNormalization: scale and bias are per channel since 21; before they were per group, which cannot say
// the same. A group is an instance: (N, C, ...) is normalised as (N, groups, rest).
Value group_normalization_to_20(Node& node) {
  const Value x = node.input(0);
  const int64_t groups = node.integer("num_groups", 1);
  const bool widen =
      node.integer("stash_type", 1) == 1 && (x.dtype() == DType::f16 || x.dtype() == DType::bf16);
  const Value wide = widen ? node.cast(x, DType::f32) : x;

  const Value instances = node.Reshape(wide, node.ints({0, groups, -1}));
  const Value ones = node.constant(Builder::tensor(1.0, wide.dtype(), {groups}));
  const Value zeros = node.constant(Builder::tensor(0.0, wide.dtype(), {groups}));
  const Value normalized =
      node.InstanceNormalization(instances, ones, zeros, {attr::epsilon(node.real("epsilon", 1e-5))});
  const Value restored = node.cast(node.Reshape(normalized, node.shape_of(x)), x.dtype());

  std::vector<int64_t> trailing;
  for (int64_t axis = 2; axis < x.rank(); ++axis) trailing.push_back(axis - 1);
  return restored * node.unsqueeze(node.input(1), trailing) + node.unsqueeze(node.input(2), trailing);
}

// 20 -> 21: each group's scale and bias is repeated for its channels.
Value group_normalization_to_21(Node& node) {
  const Value x = node.input(0);
  const int64_t groups = node.integer("num_groups", 1);
  const Value per_group = node.dim(x, 1) / groups;
  const Value expanded = node.shape({node.constant(groups), per_group});
  const auto per_channel = [&](const Value& v) {
    return node.reshape(node.Expand(node.unsqueeze(v, {1}), expanded), std::vector<int64_t>{-1});
  };
  return node.node("GroupNormalization", {x, per_channel(node.input(1)), per_channel(node.input(2))},
                   node.attrs_except());
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"org.onnxport.opset.21", "0.1.0"}, {},
                             {opset_with({{"GroupNormalization", group_normalization_to_20}},
                                         {{"GroupNormalization", group_normalization_to_21}})});
  return plugin.table();
}
