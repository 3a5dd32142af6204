// Acme's operators for onnxport: one mapping, and two opsets of Acme's own domain.
#include "onnxport/plugin.hpp"

using namespace onnxport;

namespace {

// acme::scaled_tanh(Tensor x, float scale=1) -> Tensor
Value scaled_tanh(Op& op) {
  const Value x = op["x"];
  const Value y = op.node("ScaledTanh", {x}, {attr::scale(op.real("scale"))}, "com.acme");
  return op.typed_like(y, x);  // ONNX knows nothing of our operator: its result is like its input
}

// ---- what is legal in com.acme, and how its nodes get from one version to the other ----

constexpr uint64_t kFloats = 1u << ONNXPORT_F32 | 1u << ONNXPORT_F16;
constexpr onnxport_param kX[] = {{"x", ONNXPORT_PARAM_SINGLE, 0, kFloats}};
constexpr onnxport_attr_def kScale[] = {
    {"scale", ONNXPORT_ATTR_FLOAT, 0, 1, 0, 0, 1.0, nullptr, nullptr, nullptr, nullptr}};
// Version 3 scales in the operator; version 2 did not.
constexpr onnxport_op_def kVersion3[] = {
    {"ScaledTanh", 3, 0, ONNXPORT_BODY_NONE, 1, 1, 1, kX, kX, kScale, nullptr, 0, 0}};
constexpr onnxport_op_def kVersion2[] = {
    {"ScaledTanh", 1, 0, ONNXPORT_BODY_NONE, 1, 1, 0, kX, kX, nullptr, nullptr, 0, 0}};

// 3 -> 2: the scale becomes a Mul.
Value scale_outside(Node& node) {
  const Value x = node.input(0);
  const Value y = node.typed_like(static_cast<Builder&>(node).node("ScaledTanh", {x}, {}, "com.acme"), x);
  return y * node.real("scale", 1);
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(
      host, {"com.acme.ops", "1.0.0"}, {{"acme::scaled_tanh", scaled_tanh}},
      {{"com.acme", 2, 0, kVersion2, 1, {}, {}},
       {"com.acme", 3, 0, kVersion3, 1, {Rule("ScaledTanh", scale_outside).in_domain("com.acme")}, {}}});
  return plugin.table();
}
