#include "core/onnx/model_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/onnx/convert.h"
#include "core/onnx/graph_reader.h"
#include "core/onnx/schemas.h"
#include "core/onnx/wire.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;

pb::ValueInfoProto described(const char* name, const char* type) {
  pb::ValueInfoProto out;
  out.set_name(name);
  onnx::to_proto(*ir::Type::parse(type), *out.mutable_type(), onnx::For::file);
  return out;
}

pb::NodeProto node(const char* op, std::initializer_list<const char*> inputs,
                   std::initializer_list<const char*> outputs) {
  pb::NodeProto out;
  out.set_op_type(op);
  for (const char* name : inputs) out.add_input(name);
  for (const char* name : outputs) out.add_output(name);
  return out;
}

// y = x + w, and a constant of a node.
pb::ModelProto small_model() {
  pb::ModelProto out;
  out.set_ir_version(10);
  out.add_opset_import()->set_version(20);
  pb::GraphProto& graph = *out.mutable_graph();
  *graph.add_input() = described("x", "f32[n,2]");
  *graph.add_output() = described("y", "f32[n,2]");
  onnx::to_proto(ir::Tensor::of<float>(ir::DType::f32, {2}, {1, 2}), *graph.add_initializer());
  graph.mutable_initializer(0)->set_name("w");
  pb::NodeProto& constant = *graph.add_node() = node("Constant", {}, {"c"});
  pb::AttributeProto& value = *constant.add_attribute();
  value.set_name("value");
  value.set_type(pb::AttributeProto::TENSOR);
  onnx::to_proto(ir::Tensor::of<float>(ir::DType::f32, {2}, {3, 4}), *value.mutable_t());
  *graph.add_node() = node("Add", {"x", "w"}, {"a"});
  *graph.add_node() = node("Mul", {"a", "c"}, {"y"});
  return out;
}

class ModelFileTest : public ::testing::Test {
 protected:
  ModelFileTest()
      : folder_(fs::path(::testing::TempDir()) /
                ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::create_directories(folder_);
  }
  ~ModelFileTest() override { fs::remove_all(folder_); }

  fs::path save(const std::string& bytes) const {
    std::ofstream(folder_ / "m.onnx", std::ios::binary) << bytes;
    return folder_ / "m.onnx";
  }

  static Diagnostic refusal(const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& e) {
      return e.diagnostics().front();
    }
    return {};
  }

  fs::path folder_;
};

TEST_F(ModelFileTest, RawDataIsReplacedByWhereItLies) {
  const std::string bytes = small_model().SerializeAsString();
  pb::ModelProto stripped;
  ASSERT_TRUE(stripped.ParseFromString(onnx::without_raw_data(std::as_bytes(std::span(bytes)))));
  const auto range = onnx::range_of(stripped.graph().initializer(0));
  ASSERT_TRUE(range);
  EXPECT_EQ(range->size, 8u);
  float first = 0;
  std::memcpy(&first, bytes.data() + range->offset, sizeof first);
  EXPECT_EQ(first, 1.0F);
  EXPECT_TRUE(onnx::range_of(stripped.graph().node(0).attribute(0).t()));
}

TEST_F(ModelFileTest, WhatANodeMakesConstantIsAnInitializerThatRemembersIt) {
  const onnx::ModelFile file(save(small_model().SerializeAsString()));
  const onnx::ModelForm model = file.read();
  EXPECT_TRUE(ir::check_invariants(*model.graph).empty());
  ASSERT_EQ(model.graph->initializers().size(), 2u);
  const ir::Value* constant = model.graph->initializers()[1];
  EXPECT_EQ(constant->name(), "c");
  EXPECT_EQ(constant->constant()->to_reals(), (std::vector<double>{3, 4}));
  EXPECT_TRUE(onnx::is_constant_node(model.facts.graph, *constant, *model.graph));
  EXPECT_FALSE(onnx::is_constant_node(model.facts.graph, *model.graph->initializers()[0], *model.graph));
  EXPECT_EQ(file.opset(), 20);
}

TEST_F(ModelFileTest, LengthsThatLieAreRefusedAtTheirPlace) {
  std::string bytes = small_model().SerializeAsString();
  const Diagnostic cut = refusal([&] { onnx::ModelFile(save(bytes.substr(0, bytes.size() / 2))); });
  EXPECT_EQ(cut.code, "I122");
  EXPECT_NE(cut.message.find("begins no field that ends in it"), std::string::npos);
  EXPECT_EQ(cut.place.file, (folder_ / "m.onnx").string());
  EXPECT_EQ(refusal([&] { onnx::ModelFile(save(std::string(11, '\xff'))); }).code, "I122");
  EXPECT_EQ(refusal([&] { onnx::ModelFile(save("")); }).code, "I122");
}

TEST_F(ModelFileTest, GraphsNestedTooDeepAreRefusedBeforeTheyAreParsed) {
  const auto field = [](int number, const std::string& content) {
    std::string out(1, static_cast<char>(number << 3 | 2));
    for (size_t length = content.size();; length >>= 7) {
      out.push_back(static_cast<char>((length & 0x7f) | (length >= 0x80 ? 0x80 : 0)));
      if (length < 0x80) return out + content;
    }
  };
  std::string graph;
  for (int i = 0; i < 4000; ++i) graph = field(1, field(5, field(6, graph)));
  EXPECT_EQ(refusal([&] { onnx::ModelFile(save(field(7, graph))); }).code, "I123");
}

// A number beyond the known element types, large enough to be no shift either.
TEST_F(ModelFileTest, AnUnheardOfElementTypeIsUnknown) {
  constexpr int32_t kUnheardOf = 1 << 23;
  EXPECT_EQ(onnx::to_dtype(kUnheardOf), ir::DType::undefined);
  EXPECT_EQ(onnx::to_dtype(-1), ir::DType::undefined);
  pb::ModelProto proto = small_model();
  proto.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(kUnheardOf);
  proto.mutable_graph()->mutable_initializer(0)->set_data_type(kUnheardOf);
  const onnx::ModelFile file(save(proto.SerializeAsString()));
  onnx::ModelForm model = file.read();
  EXPECT_EQ(model.graph->body().parameters()[0]->type().dtype(), ir::DType::undefined);
  for (const ir::Value* value : model.graph->initializers()) {
    EXPECT_TRUE(value->name() == "c" || value->type().dtype() == ir::DType::undefined)
        << value->name().text();
  }
  onnx::Signatures signatures;
  const onnx::Signature* add = signatures.find("Add", "", 20);
  ASSERT_NE(add, nullptr);
  EXPECT_FALSE(add->inputs[0].allows(ir::Type::tensor(static_cast<ir::DType>(kUnheardOf))));
}

TEST_F(ModelFileTest, NodesKnowTheirPlaces) {
  pb::NodeProto plain = node("Relu", {}, {});
  plain.set_name("/conv1/relu");
  EXPECT_EQ(onnx::module_path_of(plain), "/conv1/relu");
  auto* entry = plain.add_metadata_props();
  entry->set_key("pkg.torch.onnx.name_scopes");
  entry->set_value("['', 'encoder', 'encoder.layers.0', 'linear']");
  EXPECT_EQ(onnx::module_path_of(plain), "encoder.layers.0");
  entry->set_value("broken [ 'one");
  EXPECT_EQ(onnx::module_path_of(plain), "/conv1/relu");
  entry->set_key("onnxport.module");
  entry->set_value("decoder");
  EXPECT_EQ(onnx::module_path_of(plain), "decoder");
}

TEST_F(ModelFileTest, AFunctionOfACallHasItsAttributes) {
  pb::ModelProto model = small_model();
  pb::FunctionProto& f = *model.add_functions();
  f.set_name("act");
  f.set_domain("d");
  f.add_input("v");
  f.add_output("r");
  f.add_opset_import()->set_version(20);
  pb::NodeProto& inner = *f.add_node() = node("LeakyRelu", {"v"}, {"r"});
  pb::AttributeProto& alpha = *inner.add_attribute();
  alpha.set_name("alpha");
  alpha.set_type(pb::AttributeProto::FLOAT);
  alpha.set_ref_attr_name("slope");
  const onnx::ModelFile file(save(model.SerializeAsString()));
  const onnx::ModelForm form = file.read();
  const ir::Node& open = *form.facts.functions.front().graph->body().first();
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*open.attribute("alpha")));
  pb::AttributeProto given;
  given.set_name("slope");
  given.set_type(pb::AttributeProto::FLOAT);
  given.set_f(0.5F);
  const auto call = file.read_call(file.proto().functions(0), {given});
  EXPECT_EQ(*call.graph->body().first()->attribute_as<double>("alpha"), 0.5);
  EXPECT_EQ(file.read_call(file.proto().functions(0), {}).graph->body().first()->attribute("alpha"), nullptr);
}

}  // namespace
}  // namespace onnxport
