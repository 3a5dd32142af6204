// A pass: MatMul and Add of a constant matrix and a constant row become one node of Acme's.
#include "onnxport/plugin.hpp"

using namespace onnxport;

namespace {

// Add(MatMul(x, w), b), either way round.
Value fuse_linear(Node& add) {
  const size_t side = add.producer(add.input(0)).is("MatMul") ? 0 : 1;
  const NodeRef matmul =
      add.sole_producer(side, "MatMul");  // declines where there is none, or others read it
  const Value weight = matmul.input(1), bias = add.input(1 - side);
  add.require(weight.is_constant() && weight.has_rank() && weight.rank() == 2, "no matrix of weights");
  add.require(bias.is_constant() && bias.has_rank() && bias.rank() == 1, "no row of biases");
  const Value fused = add.node("FusedLinear", {matmul.input(0), weight, bias}, {{"alpha", 1.0}}, "com.acme");
  return add.typed_like(fused, add.output(0));
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"com.acme.passes", "1.0.0"}, {}, {},
                             {{"fuse-linear-in-code", "optimize", {{"Add", fuse_linear}}}});
  return plugin.table();
}
