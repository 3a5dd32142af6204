#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "core/libtorch/convert.h"
#include "core/libtorch/fit.h"
#include "unit/libtorch/models.h"

namespace onnxport::testing {
namespace {

using Symbols = std::map<std::string, ir::SymbolInfo, std::less<>>;

// Of a value of that type, in a graph that lives as long as the test.
Argument of_type(const std::string& type) {
  static ir::Graph graph(ir::Graph::Dialect::onnx);
  return Argument::of(graph.add_input("", ir::Type::parse(type).value()));
}

Argument of_constant(const ir::AttributeValue& value) { return to_argument(value); }

Argument of_list(std::vector<Argument> items) { return Argument::list_of(std::move(items)); }

ir::Schema schema(const std::string& name) {
  const size_t dot = name.find('.');
  const std::string overload = dot == std::string::npos ? "" : name.substr(dot + 1);
  return from_torch(torch::jit::findOperatorFor(c10::OperatorName(name.substr(0, dot), overload))->schema());
}

Decomposition decompose(const std::string& name, const std::vector<Argument>& arguments) {
  std::string why;
  auto out = onnxport_torch_interface()->decompose(schema(name), arguments, Symbols(), why);
  if (!out) throw std::runtime_error(why);
  EXPECT_THAT(ir::check_invariants(*out->graph), ::testing::ElementsAre());
  return std::move(*out);
}

// The argument with random tensors for its values, which go to `tensors` in order.
Argument filled(const Argument& argument, const std::map<std::string, int64_t, std::less<>>& sizes,
                std::vector<Argument>& tensors) {
  if (argument.value() != nullptr) {
    std::vector<int64_t> dims;
    for (const ir::Dim& d : *argument.value()->type().shape())
      dims.push_back(d.is_constant() ? d.value() : d.evaluate(sizes).value());
    tensors.push_back(value(at::randn(dims)));
    return tensors.back();
  }
  if (argument.list() == nullptr) return argument;
  std::vector<Argument> items;
  for (const Argument& item : argument.items()) items.push_back(filled(item, sizes, tensors));
  return Argument::list_of(std::move(items), argument.list()->form());
}

// Decomposes a call and runs both the parts and the operator itself, at sizes that were never recorded.
void expect_equal(const std::string& name, const std::vector<Argument>& arguments,
                  const std::map<std::string, int64_t, std::less<>>& sizes) {
  const Decomposition parts = decompose(name, arguments);
  std::vector<Argument> inputs;
  std::vector<Argument> whole;
  for (const Argument& a : arguments) whole.push_back(filled(a, sizes, inputs));
  const size_t tensors = inputs.size();
  for (const Decomposition::DimInput& dim : parts.dims) {
    ASSERT_LT(dim.tensor, tensors);
    inputs.push_back({inputs[dim.tensor].as<ir::Tensor>()->dims().at(dim.axis)});
  }
  ir::Graph direct(ir::Graph::Dialect::torch);
  std::vector<ir::Value*> operands;
  for (size_t i = 0; i < whole.size(); ++i) operands.push_back(direct.add_input("", {}));
  ir::Node* node = direct.create(name, operands, direct.keep(schema(name)));
  for (size_t i = 0; i < node->schema()->returns.size(); ++i) direct.body().add_result(node->add_output());
  direct.append(direct.body(), node);

  TorchInterface& torch = *onnxport_torch_interface();
  const std::vector<Argument> expected = torch.evaluate(direct, whole, {}, {});
  const std::vector<Argument> got = torch.evaluate(*parts.graph, inputs, {}, {});
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (got[i].as<ir::Tensor>() == nullptr) continue;
    EXPECT_TRUE(tensor(got[i]).allclose(tensor(expected[i]), 1e-4, 1e-5)) << name << '\n'
                                                                          << ir::print(*parts.graph);
  }
}

TEST(Decomposition, Einsum) {
  expect_equal("aten::einsum",
               {of_constant(std::string("bij,bjk->bik")),
                of_list({of_type("f32[batch,3,seq]"), of_type("f32[batch,seq,5]")}), of_constant({})},
               {{"batch", 3}, {"seq", 9}});
}

TEST(Decomposition, Tensordot) {
  expect_equal("aten::tensordot",
               {of_type("f32[n,3,4]"), of_type("f32[4,3,m]"), of_constant(std::vector<int64_t>{1, 2}),
                of_constant(std::vector<int64_t>{1, 0})},
               {{"n", 2}, {"m", 13}});
}

TEST(Decomposition, Unflatten) {
  expect_equal("aten::unflatten.int",
               {of_type("f32[batch,12]"), of_constant(int64_t{1}), of_constant(std::vector<int64_t>{3, -1})},
               {{"batch", 5}});
}

TEST(Decomposition, CosineSimilarity) {
  expect_equal("aten::cosine_similarity",
               {of_type("f32[batch,8]"), of_type("f32[batch,8]"), of_constant(int64_t{1}), of_constant(1e-8)},
               {{"batch", 7}});
}

TEST(Decomposition, Static) {
  expect_equal("aten::instance_norm",
               {of_type("f32[2,3,8]"), of_constant({}), of_constant({}), of_constant({}), of_constant({}),
                of_constant(true), of_constant(0.1), of_constant(1e-5), of_constant(false)},
               {});
}

TEST(Decomposition, DynamicFlattenAndChunks) {
  expect_equal("aten::flatten.using_ints",
               {of_type("f32[batch,seq,8]"), of_constant(int64_t{0}), of_constant(int64_t{1})},
               {{"batch", 3}, {"seq", 31}});
  expect_equal("aten::kron", {of_type("f32[n,2]"), of_type("f32[3,m]")}, {{"n", 4}, {"m", 5}});
  expect_equal("aten::diff",
               {of_type("f32[2,n]"), of_constant(int64_t{1}), of_constant(int64_t{1}), of_constant({}),
                of_constant({})},
               {{"n", 9}});
}

TEST(Decomposition, WhatIsNoComposite) {
  std::string why;
  EXPECT_FALSE(onnxport_torch_interface()
                   ->decompose(schema("aten::relu"), {of_type("f32[2]")}, Symbols(), why)
                   .has_value());
  EXPECT_THAT(why, ::testing::HasSubstr("aten::relu"));
}

TEST(Decomposition, UnrolledTimeIsNoGraphForEveryLength) {
  const std::string name = "aten::lstm.input";
  std::vector<Argument> weights;
  for (const char* type : {"f32[16,3]", "f32[16,4]", "f32[16]", "f32[16]"}) weights.push_back(of_type(type));
  const std::vector<Argument> arguments{
      of_type("f32[seq,2,3]"), of_list({of_type("f32[1,2,4]"), of_type("f32[1,2,4]")}),
      of_list(weights),        of_constant(true),
      of_constant(int64_t{1}), of_constant(0.0),
      of_constant(false),      of_constant(false),
      of_constant(false)};
  EXPECT_THAT(codes([&] { decompose(name, arguments); }), ::testing::ElementsAre("T530"));
}

TEST(Decomposition, UnknownRanksAreNamed) {
  std::string why;
  EXPECT_FALSE(onnxport_torch_interface()
                   ->decompose(schema("aten::flatten.using_ints"),
                               {of_type("f32[*]"), of_constant(int64_t{0}), of_constant(int64_t{-1})},
                               Symbols(), why)
                   .has_value());
  EXPECT_THAT(why, ::testing::HasSubstr("rank"));
}

TEST(Fit, NumbersAreExpressedBySizes) {
  const std::vector<std::vector<int64_t>> samples{{6, 11, 17, 28}, {9, 25, 13, 40}};
  const auto fits = [&](auto&& f) {
    std::vector<int64_t> seen;
    for (size_t r = 0; r < 4; ++r) seen.push_back(f(samples[0][r], samples[1][r]));
    return fit_number(samples, seen);
  };
  const auto product = fits([](int64_t a, int64_t b) { return 3 * a * b; });
  ASSERT_TRUE(product);
  EXPECT_EQ(product->factor, 3);
  EXPECT_EQ(product->variables, (std::vector<size_t>{0, 1}));
  const auto affine = fits([](int64_t a, int64_t) { return 2 * a - 5; });
  ASSERT_TRUE(affine);
  EXPECT_EQ(affine->factor, 2);
  EXPECT_EQ(affine->offset, -5);
  const auto sum = fits([](int64_t a, int64_t b) { return a + b + 1; });
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->other_factor, 1);
  EXPECT_EQ(sum->offset, 1);
  const auto half = fits([](int64_t a, int64_t) { return a / 2; });
  ASSERT_TRUE(half);
  EXPECT_EQ(half->divisor, 2);
  EXPECT_EQ(half->offset, 0);
  EXPECT_FALSE(fits([](int64_t a, int64_t b) { return a * a * a * a + b % 7; }));
}

}  // namespace
}  // namespace onnxport::testing
