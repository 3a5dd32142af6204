// The base of the tests of passes: a graph of ONNX operators, built line by line, and what is left of it.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "core/builder/graph_builder.h"
#include "core/evaluate/elements.h"

namespace onnxport::test {

class OnnxGraphTest : public testing::Test {
 protected:
  OnnxGraphTest() : graph(ir::Graph::Dialect::onnx), e(graph, 23) { graph.opsets[""] = 23; }

  ir::Value* input(const char* type) { return graph.add_input("x", *ir::Type::parse(type)); }
  ir::Value* ints(const std::vector<int64_t>& v) { return e.constant(ir::Tensor::ints(v)); }
  ir::Value* number(float v) { return e.constant(ir::Tensor::of<float>(ir::DType::f32, {}, {v})); }
  ir::Value* weight(std::vector<int64_t> dims, const std::vector<double>& values, const char* name = "w") {
    return graph.add_initializer(name, *from_reals(ir::DType::f32, std::move(dims), values));
  }
  // Every element is 0.5.
  ir::Value* weight(std::vector<int64_t> dims) {
    size_t count = 1;
    for (const int64_t dim : dims) count *= static_cast<size_t>(dim);
    return weight(std::move(dims), std::vector<double>(count, 0.5), "");
  }
  ir::Attribute at(const char* name, ir::AttributeValue value) { return e.attribute(name, std::move(value)); }
  void returns(std::initializer_list<ir::Value*> values) {
    graph.body().set_results(std::vector<ir::Value*>(values));
  }
  // Operators left, in order; sound after every pass.
  std::string ops() {
    EXPECT_EQ(ir::check_invariants(graph), std::vector<std::string>{});
    std::string out;
    ir::for_each_node(graph.body(),
                      [&](ir::Node* n) { out += (out.empty() ? "" : " ") + std::string(n->op_text()); });
    return out;
  }

  ir::Graph graph;
  GraphBuilder e;
};

}  // namespace onnxport::test
