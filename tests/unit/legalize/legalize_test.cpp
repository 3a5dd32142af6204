// Tables and generic rules against the built opset plugins; the rules of the plugins themselves are checked
// by tests/opset/check_rules.py.
#include "core/legalize/legalize.h"
#include "core/host/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/legalize/generic_rules.h"
#include "core/legalize/step.h"
#include "core/legalize/table.h"

namespace onnxport {
namespace {

PluginOptions built_plugins() {
  PluginOptions options;
  options.default_paths = false;
  options.paths = {std::filesystem::path(ONNXPORT_BUILD_DIR) / "lib/onnxport/plugins.d"};
  return options;
}

// A table reads what the registry keeps.
OpsetTable table(int version) {
  static Registry registry(built_plugins(), plugin_host());
  return OpsetTable(*registry.opset("", version)->opset);
}

ir::Type tensor(ir::DType dtype) { return ir::Type::tensor(dtype, ir::Shape{2, 3}); }

// One node of `op` on inputs of these types.
struct OneNode {
  ir::Graph graph{ir::Graph::Dialect::onnx};
  ir::Node* node = nullptr;

  OneNode(std::string_view op, const std::vector<ir::DType>& inputs, ir::DType output) {
    std::vector<ir::Value*> operands;
    for (ir::DType t : inputs)
      operands.push_back(graph.add_input("x" + std::to_string(operands.size()), tensor(t)));
    node = graph.create(op, operands);
    graph.append(graph.body(), node);
    graph.body().add_result(node->add_output(tensor(output)));
  }
  void set(const char* name, ir::AttributeValue value) {
    node->set_attribute(graph.intern(name), std::move(value));
  }
  std::optional<Violation> adapt_to(const OpsetTable& from, const OpsetTable& to) {
    return adapt(*node, *from.find(node->op_text()), *to.find(node->op_text()), to);
  }
  std::vector<std::string> ops() {
    std::vector<std::string> out;
    for (ir::Node* n : graph.body()) out.emplace_back(n->op_text());
    return out;
  }
};

TEST(OpsetTable, KnowsWhatIsLegal) {
  const OpsetTable t18 = table(18);
  const OpsetTable t23 = table(23);
  EXPECT_EQ(t18.find("Gelu"), nullptr);
  EXPECT_NE(t23.find("Gelu"), nullptr);
  OneNode gelu("Gelu", {ir::DType::f32}, ir::DType::f32);
  EXPECT_EQ(t18.violation_of(*gelu.node)->code, "O601");
  EXPECT_FALSE(t23.violation_of(*gelu.node));
  gelu.set("approximation", std::string("tanh"));
  EXPECT_EQ(t23.violation_of(*gelu.node)->message, "there is no attribute 'approximation' at opset 23");
}

TEST(OpsetTable, DeprecatedOperatorsAreNotLegal) {
  OneNode upsample("Upsample", {ir::DType::f32, ir::DType::f32}, ir::DType::f32);
  EXPECT_EQ(table(18).violation_of(*upsample.node)->message, "Upsample is deprecated at opset 18");
}

TEST(OpsetTable, RefusesTypesAndCounts) {
  const OpsetTable t18 = table(18);
  OneNode bf16("Sin", {ir::DType::bf16}, ir::DType::bf16);
  EXPECT_EQ(t18.violation_of(*bf16.node)->code, "O603");
  OneNode lonely("Add", {ir::DType::f32}, ir::DType::f32);
  EXPECT_EQ(t18.violation_of(*lonely.node)->message, "the input 'B' is required at opset 18");
  OneNode crowded("Sin", {ir::DType::f32, ir::DType::f32}, ir::DType::f32);
  EXPECT_EQ(t18.violation_of(*crowded.node)->message, "there is no input 1 at opset 18");
}

TEST(GenericRules, DropAnAttributeAtItsDefault) {
  OneNode cast("Cast", {ir::DType::f32}, ir::DType::i32);
  cast.set("to", int64_t{6});
  cast.set("saturate", int64_t{1});
  EXPECT_FALSE(cast.adapt_to(table(19), table(18)));
  EXPECT_EQ(cast.node->attribute("saturate"), nullptr);
  EXPECT_FALSE(table(18).violation_of(*cast.node));
}

TEST(GenericRules, RefuseAnAttributeThatSaysSomething) {
  OneNode cast("Cast", {ir::DType::f32}, ir::DType::i32);
  cast.set("to", int64_t{6});
  cast.set("saturate", int64_t{0});
  const auto problem = cast.adapt_to(table(19), table(18));
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->code, "O602");
  EXPECT_EQ(problem->message, "the attribute 'saturate' of Cast cannot be said at opset 18");
  EXPECT_NE(cast.node->attribute("saturate"), nullptr) << "a refused node stays as it was";
}

TEST(GenericRules, ComputeInAWiderType) {
  OneNode sine("Sin", {ir::DType::bf16}, ir::DType::bf16);
  EXPECT_FALSE(sine.adapt_to(table(22), table(21)));
  EXPECT_EQ(sine.ops(), (std::vector<std::string>{"Cast", "Sin", "Cast"}));
  EXPECT_EQ(sine.graph.body().result(0)->type().dtype(), ir::DType::bf16);
  EXPECT_TRUE(ir::check_invariants(sine.graph).empty());
  for (ir::Node* n : sine.graph.body()) EXPECT_FALSE(table(21).violation_of(*n));
}

TEST(GenericRules, OneCastForAnInputUsedTwice) {
  ir::Graph graph(ir::Graph::Dialect::onnx);
  ir::Value* x = graph.add_input("x", tensor(ir::DType::bf16));
  ir::Node* node = graph.create("MaxRoiPool", std::vector<ir::Value*>{x, x});
  graph.append(graph.body(), node);
  node->set_attribute(graph.intern("pooled_shape"), std::vector<int64_t>{1, 1});
  graph.body().add_result(node->add_output(tensor(ir::DType::bf16)));
  const OpsetTable t21 = table(21);
  EXPECT_FALSE(adapt(*node, *table(22).find("MaxRoiPool"), *t21.find("MaxRoiPool"), t21));
  EXPECT_EQ(node->operand(0), node->operand(1));
}

TEST(GenericRules, RefuseATypeNothingIsWiderThan) {
  OneNode equal("Equal", {ir::DType::string, ir::DType::string}, ir::DType::boolean);
  const auto problem = equal.adapt_to(table(19), table(18));
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->code, "O603");
  EXPECT_EQ(problem->message,
            "'A' of Equal cannot be string at opset 18, and no wider type can stand for it");
}

TEST(GenericRules, RefuseEightBitFloatsWhereCastHasNone) {
  OneNode identity("Identity", {ir::DType::f8e4m3fn}, ir::DType::f8e4m3fn);
  EXPECT_EQ(identity.adapt_to(table(19), table(18))->code, "O603");
}

TEST(GenericRules, AConstantInputBecomesAnAttributeAndBack) {
  ir::Graph graph(ir::Graph::Dialect::onnx);
  ir::Value* x = graph.add_input("x", ir::Type::tensor(ir::DType::f32, ir::Shape{2, 3, 1}));
  ir::Value* axis = graph.add_initializer("axis", ir::Tensor::scalar(1));
  axis->set_type(axis->constant()->type());
  ir::Node* node = graph.create("DFT", std::vector<ir::Value*>{x, nullptr, axis});
  graph.append(graph.body(), node);
  graph.body().add_result(node->add_output(ir::Type::tensor(ir::DType::f32, ir::Shape{2, 3, 2})));
  const OpsetTable t19 = table(19);
  const OpsetTable t20 = table(20);
  EXPECT_FALSE(adapt(*node, *t20.find("DFT"), *t19.find("DFT"), t19));
  ASSERT_NE(node->attribute_as<int64_t>("axis"), nullptr);
  EXPECT_EQ(*node->attribute_as<int64_t>("axis"), 1);
  EXPECT_EQ(node->operand_count(), 1U);

  EXPECT_FALSE(adapt(*node, *t19.find("DFT"), *t20.find("DFT"), t20));
  EXPECT_EQ(node->attribute("axis"), nullptr);
  ASSERT_EQ(node->operand_count(), 3U);
  EXPECT_EQ(node->operand(2)->constant()->to_ints()->front(), 1);

  node->set_operand(2, graph.add_input("axis_at_run_time", ir::Type::tensor(ir::DType::i64, ir::Shape{})));
  EXPECT_EQ(adapt(*node, *t20.find("DFT"), *t19.find("DFT"), t19)->code, "O604");
}

class Legalize : public testing::Test {
 protected:
  std::vector<Diagnostic> errors_at(ir::Graph& graph, int target) {
    try {
      legalize(graph, target, registry_, notes_);
    } catch (const Error& e) {
      return e.diagnostics();
    }
    return {};
  }

  Registry registry_{built_plugins(), plugin_host()};
  std::vector<Diagnostic> notes_;
};

TEST_F(Legalize, TellsEveryNodeThatCannotBeTaken) {
  ir::Graph graph(ir::Graph::Dialect::onnx);
  graph.opsets[""] = 23;
  ir::Value* s = graph.add_input("s", ir::Type::tensor(ir::DType::string, ir::Shape{2}));
  const auto* from = graph.keep({"text.join", "model.py:7", ""});
  for (int i = 0; i < 2; ++i) {
    ir::Node* node = graph.create("StringConcat", std::vector<ir::Value*>{s, s});
    node->set_provenance(from);
    graph.append(graph.body(), node);
    graph.body().add_result(node->add_output(s->type()));
  }
  const auto errors = errors_at(graph, 18);
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].text(),
            "StringConcat at text.join (model.py:7): error O601: StringConcat does not exist at opset 19, "
            "and it has no function body\n  -> the lowest opset that works for it is 20: ask for --opset 20");
}

TEST_F(Legalize, AnOpsetNobodyProvidesIsToldBeforeAnyWork) {
  ir::Graph graph(ir::Graph::Dialect::onnx);
  graph.opsets[""] = 23;
  const auto errors = errors_at(graph, 3);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].code, "O605");
  EXPECT_EQ(errors[0].message, "no plugin provides ai.onnx opset 3");
  EXPECT_THAT(errors[0].hint, testing::HasSubstr("18, 19, 20, 21, 22, 23"));
}

TEST_F(Legalize, NodesInsideBlocksAreTakenAlong) {
  ir::Graph graph(ir::Graph::Dialect::onnx);
  graph.opsets[""] = 23;
  ir::Value* c = graph.add_input("c", ir::Type::tensor(ir::DType::boolean, ir::Shape{}));
  ir::Value* x = graph.add_input("x", tensor(ir::DType::f32));
  ir::Node* node = graph.create("If", std::vector<ir::Value*>{c});
  graph.append(graph.body(), node);
  for (const char* name : {"then_branch", "else_branch"}) {
    ir::Block* block = node->add_block();
    ir::Node* gelu = graph.create("Gelu", std::vector<ir::Value*>{x});
    graph.append(*block, gelu);
    block->add_result(gelu->add_output(tensor(ir::DType::f32)));
    node->set_attribute(graph.intern(name), block);
  }
  graph.body().add_result(node->add_output(tensor(ir::DType::f32)));
  EXPECT_TRUE(errors_at(graph, 18).empty());
  EXPECT_TRUE(ir::check_invariants(graph).empty());
  EXPECT_EQ(graph.opsets[""], 18);
  size_t nodes = 0;
  ir::for_each_node(graph.body(), [&](ir::Node* n) {
    EXPECT_NE(n->op_text(), "Gelu");
    ++nodes;
  });
  EXPECT_EQ(nodes, 11U);
}

TEST_F(Legalize, AGraphThatIsIllegalAtItsOwnOpsetIsRefused) {
  OneNode bad("Sin", {ir::DType::i32}, ir::DType::i32);
  bad.graph.opsets[""] = 20;
  const auto errors = errors_at(bad.graph, 20);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].code, "O603");
}

TEST_F(Legalize, ListsAndOptionalValuesAreTypesOfAnOpset) {
  const ir::Type tensor_type = tensor(ir::DType::f32);
  for (const auto& [type, from, to] : {std::tuple(ir::Type::list(tensor_type), 14, 13),
                                       std::tuple(ir::Type::optional(tensor_type), 16, 15)}) {
    ir::Graph graph(ir::Graph::Dialect::onnx);
    graph.opsets[""] = from;
    ir::Node* node = graph.create("Identity", std::vector<ir::Value*>{graph.add_input("x", type)});
    graph.append(graph.body(), node);
    graph.body().add_result(node->add_output(type));
    EXPECT_TRUE(check_legality(graph, from, registry_).empty());
    ASSERT_EQ(check_legality(graph, to, registry_).size(), 1U);
    const auto errors = errors_at(graph, to);
    if (to == 13) {  // a list stands for itself
      EXPECT_TRUE(errors.empty());
      EXPECT_TRUE(graph.body().empty());
      continue;
    }
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].code, "O603");
    EXPECT_EQ(errors[0].message, "'input' of Identity cannot be an optional value at opset 15");
  }
}

TEST_F(Legalize, CustomDomainsAreLeftAlone) {
  OneNode custom("com.acme::Swish", {ir::DType::f32}, ir::DType::f32);
  custom.graph.opsets[""] = 23;
  EXPECT_TRUE(errors_at(custom.graph, 18).empty());
  EXPECT_EQ(custom.ops(), std::vector<std::string>{"com.acme::Swish"});
}

}  // namespace
}  // namespace onnxport
