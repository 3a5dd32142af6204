// Passes that behave, and passes that break a rule each.
#include "onnxport/plugin.hpp"

using namespace onnxport;

namespace {

Value to_abs(Node& node) { return node.Abs(node.input(0)); }
Value to_neg(Node& node) { return node.Neg(node.input(0)); }
Value to_relu(Node& node) { return node.Relu(node.input(0)); }
Values three_for_one(Node& node) {
  return {node.Abs(node.input(0)), node.Abs(node.input(0)), node.Relu(node.input(0))};
}
Value to_integers(Node& node) { return node.cast(node.input(0), DType::i64); }
Value undeclared(Node& node) { return node.node("Op", {node.input(0)}, {}, "com.nobody"); }
Value declared(Node& node) {
  return node.typed_like(node.node("Neg", {node.input(0)}, {}, "com.acme"), node.output(0));
}
// Reads what it is to take the place of.
Value cycle(Node& node) { return node.Abs(node.output(0)); }
Value tell_target(Node& node) {
  return node.node("LeakyRelu", {node.input(0)}, {{"alpha", static_cast<double>(node.target_opset())}});
}
Value declines(Node& node) {
  node.Abs(node.input(0));
  node.decline("not on a Monday");
}
// A branch of it becomes another node's: that is undone.
Value takes_a_branch(Node& node) {
  Attrs attrs = node.attrs_except({"else_branch"});
  attrs.emplace_back("else_branch",
                     node.block({}, [&](const Values&) { return Values{node.constant(0.0, DType::f32)}; }));
  node.node("If", {node.input(0)}, std::move(attrs));
  node.decline("on second thoughts");
}
Value fails(Node& node) {
  node.Abs(node.input(0));
  node.fail("not today");
}
// Neg(Neg(x)) is x: looks at what comes before.
Value twice(Node& node) { return node.sole_producer(0, "Neg").input(0); }
// The Neg before a Relu becomes an Abs where the Neg stands: replaces another node than its root.
void before(Node& node) {
  const NodeRef neg = node.sole_producer(0, "Neg");
  node.insert_before(neg);
  node.replace(neg, {node.Abs(neg.input(0))});
}

}  // namespace

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"com.test.passes", "1.0.0"}, {}, {},
                             {{"three-for-one", "optimize", {{"Neg", three_for_one}}},
                              {"to-integers", "optimize", {{"Neg", to_integers}}},
                              {"undeclared", "optimize", {{"Neg", undeclared}}},
                              {"declared", "optimize", {{"Neg", declared}}},
                              {"cycle", "optimize", {{"Neg", cycle}}},
                              {"ping-pong", "optimize", {{"Neg", to_abs}, {"Abs", to_neg}}},
                              {"again", "optimize", {{"Relu", to_relu}}},
                              {"tell-target", "translate", {{"Neg", tell_target}}},
                              {"declines", "optimize", {{"Neg", declines}}},
                              {"takes-a-branch", "optimize", {{"If", takes_a_branch}}},
                              {"fails", "optimize", {{"Neg", fails}}},
                              {"twice", "optimize", {{"Neg", twice}}},
                              {"before", "target", {{"Relu", before}}}});
  return plugin.table();
}
