#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/ir/graph_clone.h"

namespace onnxport::ir {
namespace {

using ::testing::IsEmpty;

// A graph with what a graph can have: a weight, an absent operand, a branch that reads outside, a state.
std::unique_ptr<Graph> sample() {
  auto graph = std::make_unique<Graph>(Graph::Dialect::torch);
  Value* x = graph->add_input("x", Type::tensor(DType::f32, Shape{Dim(2), Dim(3)}));
  Value* w = graph->add_initializer("w", Tensor::of<float>(DType::f32, {3}, {1, 2, 3}));
  const Provenance* here = graph->keep({"encoder", "model.py:3", "add_1"});
  Node* add = graph->create("aten::add", std::vector<Value*>{x, w, nullptr});
  add->add_output(x->type())->set_name(graph->intern("sum"));
  add->set_provenance(here);
  graph->append(graph->body(), add);
  Node* choose = graph->create("prim::If", std::vector<Value*>{x});
  for (int branch = 0; branch < 2; ++branch) {
    Block* block = choose->add_block();
    Node* inner = graph->create("aten::relu", std::vector<Value*>{add->output()});
    inner->set_attribute(graph->intern("value"), std::vector<int64_t>{branch});
    inner->add_output(x->type());
    graph->append(*block, inner);
    block->add_result(inner->output());
  }
  choose->add_output(x->type());
  graph->append(graph->body(), choose);
  graph->body().add_result(choose->output());
  graph->input_names = {"x"};
  graph->output_names = {"y"};
  graph->symbols["batch"].hint = 4;
  graph->metadata["key"] = "value";
  graph->states.push_back({"mean", "mean", "mean.out", Tensor::scalar(1)});
  return graph;
}

TEST(GraphClone, IsTheSameText) {
  const auto graph = sample();
  const auto copy = clone(*graph);
  EXPECT_EQ(print(*copy), print(*graph));
  EXPECT_THAT(check_invariants(*copy), IsEmpty());
  EXPECT_EQ(copy->input_names, graph->input_names);
  EXPECT_EQ(copy->output_names, graph->output_names);
  EXPECT_EQ(copy->symbols.at("batch").hint, 4);
  EXPECT_EQ(copy->metadata, graph->metadata);
  EXPECT_EQ(copy->states.at(0).output, "mean.out");
}

TEST(GraphClone, SharesTheBytesOfWeightsAndNothingElse) {
  auto graph = sample();
  const auto copy = clone(*graph);
  const std::string before = print(*copy);
  EXPECT_TRUE(copy->initializers()[0]->constant()->same_storage(*graph->initializers()[0]->constant()));
  EXPECT_NE(copy->initializers()[0], graph->initializers()[0]);
  Node* add = graph->body().first();
  add->set_op(graph->intern("aten::sub"));
  add->output()->set_type(Type());
  graph->body().set_results(std::vector<Value*>{add->output()});
  EXPECT_EQ(print(*copy), before);
  graph.reset();  // names and provenances are its own
  EXPECT_EQ(print(*copy), before);
}

TEST(GraphClone, KeepsSchemasSharedAndApart) {
  Graph graph(Graph::Dialect::torch);
  const Schema* shared = graph.keep(parse_schema("ns::f(Tensor x) -> Tensor"));
  const Schema* apart = graph.keep_apart(parse_schema("ns::g(Tensor x) -> Tensor"));
  Value* x = graph.add_input("x", Type());
  for (const Schema* schema : {shared, apart, shared}) {
    Node* node = graph.create("ns::f", std::vector<Value*>{x}, schema);
    node->add_output();
    graph.append(graph.body(), node);
  }
  const auto copy = clone(graph);
  Node* first = copy->body().first();
  EXPECT_EQ(first->schema(), copy->find_schema("ns::f"));
  EXPECT_NE(first->schema(), shared);
  EXPECT_EQ(first->next()->schema()->text(), apart->text());
  EXPECT_EQ(copy->find_schema("ns::g"), nullptr);
  EXPECT_EQ(first->next()->next()->schema(), first->schema());
}

}  // namespace
}  // namespace onnxport::ir
