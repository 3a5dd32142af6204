#include "core/onnx/inference.h"

#include <gtest/gtest.h>

#include "core/builder/function.h"
#include "core/onnx/convert.h"
#include "core/onnx/functions.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

using ir::DType;
using ir::Type;

TEST(Convert, TypesGoThereAndBack) {
  for (const char* text : {"f32[batch,3]", "bf16[*]", "i64[]", "list<f32[2]>", "bool[2*s-1,4]"}) {
    const Type type = *Type::parse(text);
    pb::TypeProto proto;
    onnx::to_proto(type, proto);
    EXPECT_EQ(onnx::to_type(proto).text(), type.text());
  }
}

TEST(Convert, TensorsGoThereAndBackAndTypedFieldsAreRead) {
  const auto tensor = ir::Tensor::of<float>(DType::f32, {2}, {1.5f, -2.0f});
  pb::TensorProto proto;
  onnx::to_proto(tensor, proto);
  EXPECT_EQ(onnx::to_tensor(proto).to_reals(), tensor.to_reals());
  pb::TensorProto halves;
  halves.set_data_type(pb::TensorProto::FLOAT16);
  halves.add_dims(1);
  halves.add_int32_data(0x3c00);
  EXPECT_EQ(onnx::to_tensor(halves).to_reals(), std::vector<double>{1.0});
  halves.add_dims(7);
  EXPECT_THROW(onnx::to_tensor(halves), Error);
}

TEST(Convert, TensorsThatAreElsewhereOrNotWhatTheySayAreRefused) {
  const auto refusal = [](const pb::TensorProto& proto) {
    try {
      onnx::to_tensor(proto);
    } catch (const Error& e) {
      return e.diagnostics().front();
    }
    return Diagnostic{};
  };
  pb::TensorProto proto;
  proto.set_name("w");
  proto.set_data_type(pb::TensorProto::FLOAT);
  proto.add_dims(2);
  proto.set_raw_data("1234");
  EXPECT_EQ(refusal(proto).code, "I123");
  EXPECT_NE(refusal(proto).message.find("tensor 'w'"), std::string::npos);
  proto.set_data_location(pb::TensorProto::EXTERNAL);
  EXPECT_EQ(refusal(proto).code, "I124");
  EXPECT_EQ(refusal(proto).message,
            "the tensor 'w' lies in another file, which cannot be followed from here");
  proto.clear_data_location();
  proto.set_data_type(pb::TensorProto::STRING);
  EXPECT_EQ(refusal(proto).code, "I125");
  EXPECT_EQ(refusal(proto).message,
            "the tensor 'w' has element type 8, whose contents this version does not hold");
}

TEST(Convert, AttributesGoThereAndBack) {
  ir::Graph graph(ir::Graph::Dialect::onnx);
  const ir::AttributeValue values[] = {int64_t{3},
                                       0.5,
                                       std::string("x"),
                                       std::vector<int64_t>{},
                                       std::vector<double>{1, 2},
                                       std::vector<std::string>{"a", "b"}};
  for (const ir::AttributeValue& value : values) {
    pb::AttributeProto proto;
    onnx::to_proto(ir::Attribute{graph.intern("a"), value}, proto);
    pb::AttributeProto again;
    onnx::to_proto(ir::Attribute{graph.intern("a"), onnx::to_attribute_value(proto)}, again);
    EXPECT_EQ(onnx::to_attribute_value(proto).index(), value.index());
    EXPECT_EQ(again.SerializeAsString(), proto.SerializeAsString());
  }
}

class Functions : public testing::Test {
 protected:
  Functions() : graph(ir::Graph::Dialect::onnx), e(graph, 20) { graph.opsets[""] = 20; }
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

TEST_F(Functions, TextIsParsedAndInlinedWithItsAttributes) {
  const auto function = onnx::parse_function(R"(<domain: "acme", opset_import: ["": 20]>
    scaled <alpha, axis: int = 1> (x) => (y) {
      s = Softmax<axis: int = @axis>(x)
      a = LeakyRelu<alpha: float = @alpha>(s)
      y = Add(a, x)
    })");
  ir::Value* x = graph.add_input("x", *Type::parse("f32[b,4]"));
  const std::vector<ir::Attribute> attributes = {e.attribute("alpha", 0.25)};
  const auto out = emit_function(function, e, std::span(&x, 1), attributes);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0]->type().text(), "f32[b,4]");
  EXPECT_EQ(ops(), "Softmax LeakyRelu Add");
  EXPECT_EQ(*graph.body().first()->attribute_as<int64_t>("axis"), 1);
  EXPECT_EQ(*graph.body().first()->next()->attribute_as<double>("alpha"), 0.25);
}

TEST_F(Functions, BodiesOfBranchesMayUseOuterNames) {
  const auto function = onnx::parse_function(R"(<domain: "acme", opset_import: ["": 20]> pick (c, x) => (y) {
      n = Neg(x)
      y = If(c) <then_branch = t () => (float[N] a) { a = Abs(n) }, else_branch = f () => (float[N] b) { b = Relu(x) }>
    })");
  ir::Value* inputs[] = {graph.add_input("c", *Type::parse("bool[]")),
                         graph.add_input("x", *Type::parse("f32[4]"))};
  const auto out = emit_function(function, e, inputs, {});
  EXPECT_EQ(out[0]->type().text(), "f32[4]");
  EXPECT_EQ(ops(), "Neg If Abs Relu");
}

TEST_F(Functions, BrokenTextsAndBodiesAreT512) {
  const auto code = [](auto&& run) -> std::string {
    try {
      run();
    } catch (const Error& error) {
      return error.diagnostics()[0].code;
    }
    return "none";
  };
  EXPECT_EQ(code([] { onnx::parse_function("f (x) => (y) { y = "); }), "T512");
  EXPECT_EQ(code([] { onnx::parse_function(""); }), "T512");
  // ONNX's parser recurses for each graph: this one would take the whole stack.
  std::string deep = "<domain: \"x\", opset_import: [\"\": 20]> f (x) => (y) { ";
  for (int i = 0; i < 200000; ++i) deep += "y = If <then_branch = g () => (y) { ";
  EXPECT_EQ(code([&] { onnx::parse_function(deep); }), "T512");
  EXPECT_EQ(
      code([] {
        onnx::parse_function(R"(<domain: "a", opset_import: ["": 20]> f (x) => (y) { y = Neg(x) } zzz)");
      }),
      "T512");
  const auto undefined =
      onnx::parse_function(R"(<domain: "a", opset_import: ["": 20]> f (x) => (y) { y = Neg(z) })");
  ir::Value* x = graph.add_input("x", *Type::parse("f32[4]"));
  EXPECT_EQ(code([&] { emit_function(undefined, e, std::span(&x, 1), {}); }), "T512");
}

TEST_F(Functions, OfficialBodiesAreEmitted) {
  ir::Value* x = graph.add_input("x", *Type::parse("f32[b,8,4]"));
  const std::vector<ir::Attribute> approximate = {e.attribute("approximate", std::string("none"))};
  const onnx::NodeView gelu{"", "Gelu", std::span(&x, 1), approximate, 1};
  const auto body = onnx::official_body(gelu, 20);
  ASSERT_TRUE(body);
  const auto out = emit_function(*body, e, std::span(&x, 1), approximate);
  EXPECT_EQ(out[0]->type().text(), "f32[b,8,4]");
  EXPECT_EQ(ops(), "Div Erf Sum Mul Mul");  // its constants are folded
  EXPECT_FALSE(onnx::official_body({"", "Conv", std::span(&x, 1), {}, 1}, 20));
}

TEST(Inference, OldOpsetsUseTheirOwnSchemas) {
  ir::Graph graph(ir::Graph::Dialect::onnx);
  ir::Value* x = graph.add_input("x", *Type::parse("f32[2,3,4]"));
  onnx::Inference inference({});
  const std::vector<ir::Attribute> axes = {{graph.intern("axes"), std::vector<int64_t>{1}}};
  const onnx::NodeView sum{"", "ReduceSum", std::span(&x, 1), axes, 1};
  EXPECT_EQ(inference.infer(sum, 11)[0].text(), "f32[2,1,4]");
  EXPECT_THROW(inference.infer(sum, 13), Error);
}

TEST(CheckModel, RefusesWhatIsNoModel) {
  EXPECT_THROW(onnx::check_model_bytes("not a model"), Error);
  EXPECT_THROW(onnx::check_model_path("/nonexistent/model.onnx"), Error);
}

}  // namespace
}  // namespace onnxport
