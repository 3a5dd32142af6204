// Keeps every rule: its mappings show what the host gives.
#include "onnxport/plugin.hpp"

using namespace onnxport;

namespace {

Value scaled_tanh(Op& op) { return op.Tanh(op["x"]) * op.real("scale"); }
Value tail(Op& op) { return op.slice(op["x"], 0, 1, op["x"].rank() + 1); }
Value declines(Op& op) { op.decline("not on a Monday"); }
Value fails(Op& op) {
  op.Relu(op["x"]);
  op.fail("never");
}
// The first refusal of the host is what the user reads, whatever the mapping does after it.
Value poisoned(Op& op) {
  const Value bad = op.node("NoSuchOperator", {op["x"]});
  return bad + bad;
}
Value undeclared(Op& op) { return op.node("Thing", {op["x"]}, {}, "com.other"); }
Value throws_standard(Op&) { throw std::runtime_error("out of cheese"); }
Value throws_int(Op&) { throw 42; }

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"com.test.plugin", "1.0.0"},
                             {{"test::scaled_tanh", scaled_tanh},
                              {"test::declines", declines},
                              {"test::fails", fails},
                              {"test::poisoned", poisoned},
                              {"test::undeclared", undeclared},
                              {"test::throws_standard", throws_standard},
                              {"test::throws_int", throws_int},
                              Mapping("test::ranged", scaled_tanh).opset(18, 20),
                              Mapping("test::complex", scaled_tanh).complex(),
                              Mapping("test::only_complex", scaled_tanh).only_complex(),
                              Mapping("test::by_parts", tail).by_parts()});
  return plugin.table();
}
