// Acme's operators for onnxport.
#include "onnxport/plugin.hpp"

using namespace onnxport;

namespace {

// acme::scaled_tanh(Tensor x, float scale=1) -> Tensor
Value scaled_tanh(Op& op) {
  const Value x = op["x"];
  const Value y = op.node("ScaledTanh", {x}, {attr::scale(op.real("scale"))}, "com.acme");
  std::vector<int64_t> sizes;  // ONNX knows nothing of our operator: its result is like its input
  for (int64_t axis = 0; axis < x.rank(); ++axis) sizes.push_back(x.static_dim(axis).value_or(-1));
  return op.typed(y, x.dtype(), sizes);
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"com.acme.ops", "1.0.0"}, {{"acme::scaled_tanh", scaled_tanh}});
  return plugin.table();
}
