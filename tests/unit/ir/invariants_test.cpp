#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/ir/graph.h"

namespace onnxport::ir {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Invariants : public ::testing::Test {
 protected:
  Node* add(std::string_view op, std::vector<Value*> operands, size_t outputs = 1) {
    Node* node = graph_.create(op, operands, graph_.find_schema(op));
    for (size_t i = 0; i < outputs; ++i) node->add_output();
    graph_.append(graph_.body(), node);
    return node;
  }
  void expect(const char* what) { EXPECT_THAT(check_invariants(graph_), Contains(HasSubstr(what))); }

  Graph graph_{Graph::Dialect::torch};
  Value* x_ = graph_.add_input("x", Type());
};

TEST_F(Invariants, SoundGraph) {
  graph_.body().add_result(add("f", {x_, nullptr, x_})->output());
  EXPECT_THAT(check_invariants(graph_), IsEmpty());
}

TEST_F(Invariants, UseBeforeDefinition) {
  Node* first = add("f", {x_});
  Node* second = add("g", {x_});
  first->set_operand(0, second->output());
  expect("is not defined before its use");
}

TEST_F(Invariants, UseOutsideItsBlock) {
  Node* node = add("f", {});
  Block* block = node->add_block();
  Value* inner = block->add_parameter(Type());
  add("g", {inner});
  expect("is not defined before its use");
}

TEST_F(Invariants, UseByARemovedNode) {
  Node* node = add("f", {x_});
  graph_.unlink(node);
  expect("used by a node outside the graph");
}

TEST_F(Invariants, UseOfARemovedNode) {
  Node* node = add("f", {});
  add("g", {node->output()});
  graph_.erase(node);
  expect("is not defined before its use");
}

TEST_F(Invariants, MissingResult) {
  graph_.body().add_result(nullptr);
  expect("does not exist");
}

TEST_F(Invariants, SchemaMismatch) {
  graph_.keep(parse_schema("aten::add(Tensor a, Tensor b) -> Tensor"));
  add("aten::add", {x_});
  expect("has 1 operands, its schema 2");
  add("aten::add", {x_, x_}, 2);
  expect("has 2 outputs, its schema 1");
  graph_.body().last()->set_op(graph_.intern("aten::sub"), graph_.find_schema("aten::add"));
  expect("has the schema of aten::add");
}

TEST_F(Invariants, VariadicSchemasAreOpen) {
  graph_.keep(parse_schema("aten::format(str self, ...) -> str"));
  add("aten::format", {x_, x_, x_});
  EXPECT_THAT(check_invariants(graph_), IsEmpty());
}

TEST_F(Invariants, BranchesAndLoops) {
  Node* branch = add("prim::If", {x_});
  expect("two blocks");
  branch->add_block();
  branch->add_block();
  expect("another number of results");
  Node* loop = add("prim::Loop", {x_, x_, x_}, 1);
  loop->add_block();
  expect("its body takes other values");
  expect("its body has other results");
}

TEST_F(Invariants, BlockOfAnotherNode) {
  Node* owner = add("f", {});
  Node* other = add("g", {});
  other->set_attribute(graph_.intern("body"), owner->add_block());
  expect("block of another node");
}

TEST_F(Invariants, Initializers) {
  graph_.add_initializer("w", Tensor::scalar(1));
  graph_.add_initializer("w", Tensor::scalar(1))->set_type(Type::tensor(DType::f32));
  expect("the name of two initializers");
  expect("is typed f32[*] but holds i64[]");
}

TEST_F(Invariants, NamesOfInputsAndOutputs) {
  graph_.input_names = {"x", "y"};
  graph_.output_names = {"z"};
  expect("input_names");
  expect("output_names");
}

TEST_F(Invariants, Constants) {
  add("prim::Constant", {});
  expect("an attribute \"value\"");
}

}  // namespace
}  // namespace onnxport::ir
