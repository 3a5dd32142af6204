// What a target does not take: computed through Cast, expanded, or refused with the place and what would help.
#include "core/fit/fit.h"

#include <gmock/gmock.h>

#include "core/builder/graph_builder.h"
#include "unit/plugin/files.h"

namespace onnxport {
namespace {

using ir::DType;
using ir::Tensor;
using ir::Type;
using test::error_of;
using testing::AllOf;
using testing::HasSubstr;

class FitTest : public testing::Test {
 protected:
  FitTest() : graph(ir::Graph::Dialect::onnx), e(graph, 20) {
    graph.opsets[""] = 20;
    target.profile = "npu";
  }

  ir::Value* input(const char* type) {
    graph.input_names.emplace_back("x");
    return graph.add_input("x", *Type::parse(type));
  }
  void returns(ir::Value* value) {
    graph.output_names.emplace_back("y");
    graph.body().set_results(std::vector<ir::Value*>{value});
  }
  void takes(const char* op, std::map<std::string, std::vector<std::string>> types = {}, bool taken = true) {
    target.limits.operators[op] = {taken, std::move(types)};
  }
  std::vector<TargetChange> fit() {
    auto changes = fit_to_target(graph, 20, target);
    EXPECT_EQ(ir::check_invariants(graph), std::vector<std::string>{});
    return changes;
  }
  // "Cast:f32 Relu:f32 Cast:bf16": operators and what they give, in order.
  std::string nodes() {
    std::string out;
    ir::for_each_node(graph.body(), [&](ir::Node* n) {
      out += (out.empty() ? "" : " ") + std::string(n->op_text()) + ":" +
             std::string(ir::short_name(n->output()->type().dtype()));
    });
    return out;
  }

  ir::Graph graph;
  GraphBuilder e;
  Target target;
};

TEST_F(FitTest, WhatFitsStaysAsItIs) {
  returns(e.emit1("Relu", {input("f32[2,3]")}));
  takes("Relu", {{"T", {"f32"}}});
  takes("*", {}, false);
  target.limits.types = {"f32"};
  EXPECT_TRUE(fit().empty());
  EXPECT_EQ(nodes(), "Relu:f32");
}

TEST_F(FitTest, ComputesThroughCast) {
  ir::Value* x = input("bf16[2,3]");
  ir::Value* a = e.emit1("Relu", {x});
  ir::Value* b = e.emit1("Sigmoid", {x});
  returns(e.emit1("Add", {a, b}));
  takes("Relu", {{"T", {"f32"}}});
  takes("Add", {{"*", {"f32"}}});
  target.limits.compute = {{"bf16", "f32"}};
  const auto changes = fit();
  // The values between are rounded as they were, and one Cast of x would serve both readers.
  EXPECT_EQ(nodes(), "Cast:f32 Relu:f32 Cast:bf16 Cast:f32 Sigmoid:bf16 Cast:f32 Add:f32 Cast:bf16");
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].rule, "through-cast");
  EXPECT_EQ(changes[0].operator_name, "Relu");
  EXPECT_EQ(changes[0].reason, "bf16 is computed in f32");
  EXPECT_EQ(changes[0].count, 1u);
  EXPECT_EQ(graph.body().result(0)->type().dtype(), DType::bf16);
}

TEST_F(FitTest, OneCastServesAllReaders) {
  ir::Value* x = input("bf16[2]");
  returns(e.emit1("Add", {e.emit1("Mul", {x, x}), x}));
  takes("Add", {{"T", {"f32"}}});
  takes("Mul", {{"T", {"f32"}}});
  target.limits.compute = {{"bf16", "f32"}};
  fit();
  EXPECT_EQ(nodes(), "Cast:f32 Mul:f32 Cast:bf16 Cast:f32 Add:f32 Cast:bf16");
}

TEST_F(FitTest, ThereAndBackWithoutLossIsLeftOut) {
  ir::Value* x = input("f64[2]");
  returns(e.emit1(
      "Relu",
      {e.emit1("Sigmoid", {e.emit1("Mul", {x, e.constant(Tensor::of<double>(DType::f64, {}, {2}))})})}));
  for (const char* op : {"Relu", "Sigmoid", "Mul"}) takes(op, {{"T", {"f32"}}});
  target.limits.compute = {{"f64", "f32"}};
  const auto changes = fit();
  EXPECT_EQ(changes.size(), 3u);
  // The Casts back that nobody reads any more are dead code; the constant is converted, not cast.
  EXPECT_EQ(nodes(), "Cast:f32 Mul:f32 Cast:f64 Sigmoid:f32 Cast:f64 Relu:f32 Cast:f64");
  const ir::Node* sigmoid =
      graph.body().result(0)->producer()->operand(0)->producer()->operand(0)->producer();
  EXPECT_EQ(sigmoid->op_text(), "Sigmoid");
  EXPECT_EQ(sigmoid->operand(0)->producer()->op_text(), "Mul");
}

TEST_F(FitTest, TypeVariablesAreLookedAtOneByOne) {
  ir::Value* x = input("f32[4]");
  returns(e.emit1("Gather", {x, e.constant(Tensor::ints({0, 1}))}));
  takes("Gather", {{"T", {"f32"}}});  // nothing is said of Tind
  EXPECT_TRUE(fit().empty());
  takes("Gather", {{"Tind", {"i32"}}});
  EXPECT_THAT(error_of([&] { fit(); }), HasSubstr("error F302: the target npu does not take Gather of i64"));
}

TEST_F(FitTest, AttributesThatStateATypeFollow) {
  returns(e.emit1("ConstantOfShape", {input("i64[2]")},
                  {e.attribute("value", Tensor::of<double>(DType::f64, {1}, {3}))}));
  takes("ConstantOfShape", {{"T2", {"f32"}}});
  target.limits.compute = {{"f64", "f32"}};
  fit();
  EXPECT_EQ(nodes(), "ConstantOfShape:f32 Cast:f64");
  EXPECT_EQ(graph.body().first()->attribute_as<Tensor>("value")->dtype(), DType::f32);
}

TEST_F(FitTest, F301NamesTheOperatorThePlaceAndWhatHelps) {
  e.set_provenance(graph.keep({"encoder.act", "model.py:7", ""}));
  ir::Value* x = e.emit1("Gelu", {input("f32[2]")});
  returns(e.emit1("Gelu", {x}));
  takes("*", {}, false);
  EXPECT_EQ(error_of([&] { fit(); }),
            "Gelu at encoder.act (model.py:7): error F301: the target npu does not take Gelu, here and in 1 "
            "more places\n"
            "  -> a plugin may map it to what the target takes, or a pass replace it (docs/plugins.md); "
            "takes: {expand: true} "
            "writes operators as their bodies, where ONNX has one; a profile that extends this one may take "
            "it: takes: "
            "{operators: {\"Gelu\": true}}");
}

TEST_F(FitTest, ExpandsWhatIsNotTaken) {
  returns(e.emit1("HardSwish", {input("f32[2]")}));
  takes("HardSwish", {}, false);
  target.limits.expand = true;
  const auto changes = fit();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].rule, "expand");
  EXPECT_EQ(nodes(), "HardSigmoid:f32 Mul:f32");
}

TEST_F(FitTest, WhatABodyHoldsIsHeldToTheTargetToo) {
  returns(e.emit1("HardSwish", {input("f32[2]")}));
  takes("HardSwish", {}, false);
  takes("Mul", {}, false);
  target.limits.expand = true;
  EXPECT_THAT(error_of([&] { fit(); }), HasSubstr("error F301: the target npu does not take Mul"));
}

TEST_F(FitTest, F302NamesTypesOfEndsAndOfNodes) {
  returns(e.emit1("Relu", {input("f64[2]")}));
  target.limits.types = {"f32"};
  EXPECT_THAT(error_of([&] { fit(); }),
              AllOf(HasSubstr("error F302: the input 'x' is f64, which the target npu does not take"),
                    HasSubstr("the output 'y' is f64"),
                    HasSubstr("the target npu does not take Relu of f64, here and in 1"),
                    HasSubstr("takes: {compute: {f64: f32}}")));
}

TEST_F(FitTest, DomainsAndPatterns) {
  ir::Value* const x[] = {input("f32[2]")};
  ir::Value* y = e.emit("com.acme", "Npu", x, {}, 1)[0];
  y->set_type(*Type::parse("f32[2]"));
  returns(y);
  takes("*", {}, false);
  EXPECT_THAT(error_of([&] { fit(); }), HasSubstr("does not take com.acme::Npu"));
  takes("com.acme::*");
  EXPECT_TRUE(fit().empty());
  takes("com.acme::Npu", {{"*", {"f16"}}});
  EXPECT_THAT(error_of([&] { fit(); }), HasSubstr("does not take com.acme::Npu of f32"));
}

TEST_F(FitTest, F105ATypeThatIsNone) {
  returns(input("f32[2]"));
  target.limits.types = {"f23"};
  EXPECT_THAT(error_of([&] { fit(); }), HasSubstr("error F105: 'f23' is no element type"));
}

}  // namespace
}  // namespace onnxport
