// Acme's operators for onnxport.
#include "onnxport/plugin.hpp"

using namespace onnxport;

namespace {

// acme::scaled_tanh(Tensor x, float scale=1) -> Tensor
Value scaled_tanh(Op& op) {
  const Value x = op["x"];
  const Value y = op.node("ScaledTanh", {x}, {attr::scale(op.real("scale"))}, "com.acme");
  return op.typed_like(y, x);  // ONNX knows nothing of our operator: its result is like its input
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"com.acme.ops", "1.0.0"}, {{"acme::scaled_tanh", scaled_tanh}});
  return plugin.table();
}
