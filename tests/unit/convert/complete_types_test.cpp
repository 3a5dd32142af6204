#include "core/convert/complete_types.h"

#include <gtest/gtest.h>

#include "core/ir/graph.h"

namespace onnxport {
namespace {

ir::Value* value_named(ir::Graph& graph, std::string_view name) {
  ir::Value* out = nullptr;
  for_each_node(graph.body(), [&](ir::Node* node) {
    for (ir::Value* v : node->outputs()) {
      if (v->name() == name) out = v;
    }
  });
  return out;
}

struct Built {
  std::unique_ptr<ir::Graph> graph = std::make_unique<ir::Graph>(ir::Graph::Dialect::onnx);

  explicit Built(int opset = 20) { graph->opsets[""] = opset; }

  ir::Node* add(std::string_view op, std::initializer_list<ir::Value*> operands, std::string_view output,
                ir::Block* block = nullptr) {
    ir::Node* node = graph->create(op, std::vector<ir::Value*>(operands));
    graph->append(block == nullptr ? graph->body() : *block, node);
    node->add_output()->set_name(graph->intern(output));
    return node;
  }
};

TEST(CompleteTypes, NodesInALineGetTheirTypes) {
  Built b;
  ir::Value* x = b.graph->add_input("x", *ir::Type::parse("f32[n,3]"));
  ir::Value* w =
      b.graph->add_initializer("w", ir::Tensor::of<float>(ir::DType::f32, {3, 2}, std::vector<float>(6)));
  ir::Node* product = b.add("MatMul", {x, w}, "p");
  b.add("Relu", {product->output()}, "y");
  complete_types(*b.graph);
  EXPECT_EQ(value_named(*b.graph, "y")->type().text(), "f32[n,2]");
}

TEST(CompleteTypes, WhatIsStatedStaysAndWhatCannotBeKnownStaysOpen) {
  Built b;
  ir::Value* x = b.graph->add_input("x", *ir::Type::parse("f32[n,3]"));
  b.add("Relu", {x}, "stated")->output()->set_type(*ir::Type::parse("f32[batch,3]"));
  ir::Node* custom = b.add("com.acme::Swish", {x}, "custom");
  b.add("Relu", {custom->output()}, "after");
  complete_types(*b.graph);
  EXPECT_EQ(value_named(*b.graph, "stated")->type().text(), "f32[batch,3]");
  EXPECT_EQ(value_named(*b.graph, "custom")->type().kind(), ir::Type::Kind::unknown);
}

TEST(CompleteTypes, BodiesOfLoopsKnowWhatTheyAreGiven) {
  Built b;
  ir::Value* x = b.graph->add_input("x", *ir::Type::parse("f16[n,3]"));
  ir::Value* turns = b.graph->add_input("m", *ir::Type::parse("i64[]"));
  ir::Node* loop = b.graph->create("Loop", std::vector<ir::Value*>{turns, nullptr, x});
  ir::Block* body = loop->add_block();
  body->add_parameter({});
  ir::Value* go = body->add_parameter({});
  ir::Value* state = body->add_parameter({});
  b.graph->append(b.graph->body(), loop);
  ir::Node* next = b.add("Neg", {state}, "next", body);
  ir::Node* on = b.add("Identity", {go}, "on", body);
  body->set_results(std::vector<ir::Value*>{on->output(), next->output()});
  loop->set_attribute(b.graph->intern("body"), body);
  loop->add_output()->set_name(b.graph->intern("y"));
  complete_types(*b.graph);
  EXPECT_EQ(value_named(*b.graph, "next")->type().dtype(), ir::DType::f16);
  EXPECT_EQ(value_named(*b.graph, "on")->type().text(), "bool[]");
  EXPECT_EQ(value_named(*b.graph, "y")->type().dtype(), ir::DType::f16);
}

TEST(CompleteTypes, AnAttributeThatACallGivesMaySayNothing) {
  Built b;
  ir::Value* x = b.graph->add_input("x", *ir::Type::parse("f32[n,3]"));
  b.add("Cast", {x}, "cast")->set_attribute(b.graph->intern("to"), std::monostate());
  b.add("ReduceSum", {x}, "sum")->set_attribute(b.graph->intern("keepdims"), std::monostate());
  complete_types(*b.graph);
  EXPECT_EQ(value_named(*b.graph, "cast")->type().kind(), ir::Type::Kind::unknown);
  EXPECT_EQ(value_named(*b.graph, "sum")->type().text(), "f32[*]");
}

}  // namespace
}  // namespace onnxport
