#include "core/serialize/module_functions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/onnx/proto.h"

namespace onnxport {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ir::Type vector_type() { return ir::Type::tensor(ir::DType::f32, ir::Shape{4}); }

// A graph whose nodes are from modules.
class ModuleFunctions : public testing::Test {
 protected:
  ModuleFunctions() {
    graph.opsets[""] = 20;
    x = graph.add_input("x", vector_type());
    graph.input_names = {"x"};
  }

  ir::Value* add(const char* module, const char* op, std::vector<ir::Value*> operands) {
    ir::Node* node = graph.create(op, operands);
    node->set_provenance(graph.keep({module, "model.py:1", std::string(module) + op}));
    graph.append(graph.body(), node);
    return node->add_output(vector_type());
  }
  ir::Value* weight(const char* name, float value) {
    return graph.add_initializer(name, ir::Tensor::of<float>(ir::DType::f32, {1}, std::vector<float>{value}));
  }
  // y = (x * scale + 0.5), all of it from one module.
  ir::Value* layer(const std::string& module, ir::Value* from, float constant = 0.5F) {
    ir::Value* scaled = add(module.c_str(), "Mul", {from, weight((module + ".scale").c_str(), 2)});
    return add(module.c_str(), "Add", {scaled, weight("", constant)});
  }
  void finish(std::vector<ir::Value*> results) {
    graph.body().set_results(results);
    for (size_t i = 0; i < results.size(); ++i) graph.output_names.push_back("y" + std::to_string(i));
  }
  void keep(const FunctionNames& functions, bool strip = false) {
    keep_modules_as_functions(graph, functions, strip, notes);
  }
  std::vector<std::string> ops() {
    std::vector<std::string> out;
    for (const ir::Node* node : graph.body()) out.emplace_back(node->op_text());
    return out;
  }
  pb::FunctionProto function(size_t i) const {
    pb::FunctionProto out;
    EXPECT_TRUE(out.ParseFromString(graph.functions.at(i).proto_bytes));
    return out;
  }
  static std::vector<std::string> ops_of(const pb::FunctionProto& function) {
    std::vector<std::string> out;
    for (const auto& node : function.node()) out.push_back(node.op_type());
    return out;
  }

  ir::Graph graph{ir::Graph::Dialect::onnx};
  ir::Value* x = nullptr;
  std::vector<Diagnostic> notes;
};

TEST_F(ModuleFunctions, OfOneKindShareOneFunction) {
  finish({layer("net.1", add("", "Relu", {layer("net.0", x)}))});
  keep({{"net.*", "com.acme::Layer"}});
  EXPECT_THAT(ops(), ElementsAre("com.acme::Layer", "Relu", "com.acme::Layer"));
  ASSERT_EQ(graph.functions.size(), 1U);
  const pb::FunctionProto made = function(0);
  EXPECT_EQ(made.domain(), "com.acme");
  EXPECT_EQ(made.name(), "Layer");
  EXPECT_THAT(made.input(), ElementsAre("input", "scale"));  // the constant is the function's own
  EXPECT_THAT(made.output(), ElementsAre("output"));
  EXPECT_THAT(ops_of(made), ElementsAre("Constant", "Mul", "Add"));
  EXPECT_EQ(graph.body().first()->operand(1)->name(), std::string_view("net.0.scale"));
  EXPECT_EQ(graph.body().last()->operand(1)->name(), std::string_view("net.1.scale"));
  EXPECT_TRUE(notes.empty());
}

TEST_F(ModuleFunctions, ThatDifferHaveNumbers) {
  finish({layer("net.2", layer("net.1", layer("net.0", x), 0.25F))});
  keep({{"net.*", "Layer"}});
  EXPECT_THAT(ops(), ElementsAre("modules::Layer", "modules::Layer_2", "modules::Layer"));
}

TEST_F(ModuleFunctions, InnerOnesAreCalledByOuterOnes) {
  finish({add("net", "Relu", {layer("net.0", x)})});
  keep({{"net", "a::Net"}, {"net.0", "a::Layer"}}, true);
  EXPECT_THAT(ops(), ElementsAre("a::Net"));
  ASSERT_EQ(graph.functions.size(), 2U);
  const pb::FunctionProto outer = function(1);
  EXPECT_THAT(ops_of(outer), ElementsAre("Layer", "Relu"));
  EXPECT_THAT(outer.input(), ElementsAre("input", "0.scale"));
  std::set<std::string> domains;
  for (const auto& import : outer.opset_import()) domains.insert(import.domain());
  EXPECT_THAT(domains, ElementsAre("", "a"));
  EXPECT_TRUE(outer.node(0).metadata_props().empty());
}

TEST_F(ModuleFunctions, NodesBetweenAreMoved) {
  ir::Value* first = add("net", "Relu", {x});
  ir::Value* reads = add("", "Neg", {first});  // after the call
  ir::Value* feeds = add("", "Abs", {x});      // before it
  ir::Value* second = add("net", "Add", {first, feeds});
  finish({second, reads});
  keep({{"net", "Net"}});
  EXPECT_THAT(ops(), ElementsAre("Abs", "modules::Net", "Neg"));
  EXPECT_THAT(function(0).output(), ElementsAre("output_0", "output_1"));
  EXPECT_THAT(function(0).input(), ElementsAre("input_0", "input_1"));
}

TEST_F(ModuleFunctions, WhatGoesThroughOthersStaysNodes) {
  ir::Value* between = add("", "Neg", {add("net", "Relu", {x})});
  finish({add("net", "Abs", {between})});
  keep({{"net", "Net"}, {"other.*", "Other"}});
  EXPECT_THAT(ops(), ElementsAre("Relu", "Neg", "Abs"));
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_THAT(notes[0].message, HasSubstr("'net' stays nodes"));
  EXPECT_THAT(notes[1].message, HasSubstr("no node is from the module 'other.*'"));
}

TEST_F(ModuleFunctions, BlocksTakeWhatTheyReadAsInputs) {
  ir::Value* condition = graph.add_input("c", ir::Type::tensor(ir::DType::boolean, ir::Shape{}));
  graph.input_names.emplace_back("c");
  ir::Node* branch = graph.create("If", std::vector<ir::Value*>{condition});
  branch->set_provenance(graph.keep({"net", "", ""}));
  for (const char* name : {"then_branch", "else_branch"}) {
    ir::Block* block = branch->add_block();
    ir::Node* inner = graph.create("Mul", std::vector<ir::Value*>{x, weight("net.w", 3)});
    graph.append(*block, inner);
    block->set_results(std::vector<ir::Value*>{inner->add_output(vector_type())});
    branch->set_attribute(graph.intern(name), block);
  }
  graph.append(graph.body(), branch);
  finish({branch->add_output(vector_type())});
  keep({{"net", "Net"}});
  EXPECT_THAT(ops(), ElementsAre("modules::Net"));
  EXPECT_THAT(function(0).input(), ElementsAre("input_0", "input_1", "w", "w_2"));
}

TEST_F(ModuleFunctions, AreNotCalledLikeOperators) {
  finish({add("", "com.acme::Layer", {layer("net", x)})});
  keep({{"net", "com.acme::Layer"}});
  EXPECT_THAT(ops(), ElementsAre("com.acme::Layer_2", "com.acme::Layer"));
}

TEST(ModuleFunctionNames, AreChecked) {
  check_function_names({{"encoder.layers.*", "com.acme.models::Layer"}, {"head", "Head_2"}});
  for (const FunctionNames& wrong : std::vector<FunctionNames>{{{"a", ""}},
                                                               {{"a", "x y"}},
                                                               {{"a", "::X"}},
                                                               {{"a", "d::"}},
                                                               {{"a", "a/b::X"}},
                                                               {{"", "X"}},
                                                               {{".a", "X"}},
                                                               {{"a..b", "X"}}}) {
    try {
      check_function_names(wrong);
      ADD_FAILURE() << wrong.begin()->first << "=" << wrong.begin()->second << " is taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.diagnostics().front().code, "S716");
    }
  }
}

}  // namespace
}  // namespace onnxport
