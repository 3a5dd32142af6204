// One of many plugins in one process, compiled without any flags but -shared -fPIC: every one maps acme::op, each to an operator of
// its own, with a static of its own. `plugin_number` is linked to it.
#include <atomic>

#include "onnxport/plugin.hpp"

extern const int plugin_number;

using namespace onnxport;

namespace {

const char* const operators[] = {"Sigmoid", "Cos",  "Relu", "Neg",  "Abs",  "Exp",  "Floor",
                                 "Ceil",    "Sin",  "Tanh", "Sqrt", "Erf",  "Sign", "Log",
                                 "Tan",     "Sinh", "Cosh", "Atan", "Asin", "Acos"};
std::atomic<int> calls{0};

Value mapped(Op& op) {
  ++calls;
  return op.node(operators[plugin_number % 20], {op["x"]});
}

// Fails where anything of this plugin was another's.
Value checked(Op& op) {
  op.require(op.option("number", "none") == std::to_string(plugin_number), "the options of another plugin");
  return mapped(op);
}

std::string id() { return "com.crowd.p" + std::to_string(plugin_number); }

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {id(), "1.0.0"}, {{"acme::op", checked}});
  return plugin.table();
}
