#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "core/libtorch/convert.h"
#include "core/libtorch/fit.h"
#include "unit/libtorch/models.h"

namespace onnxport::testing {
namespace {

using Symbols = std::map<std::string, ir::SymbolInfo, std::less<>>;

DecomposeArgument of_type(const std::string& type) {
  DecomposeArgument out;
  out.tensor = ir::Type::parse(type).value();
  return out;
}

DecomposeArgument of_constant(ir::AttributeValue value) {
  DecomposeArgument out;
  out.constant = std::move(value);
  return out;
}

DecomposeArgument of_list(std::vector<DecomposeArgument> items) {
  DecomposeArgument out;
  out.is_list = true;
  out.list = std::move(items);
  return out;
}

ir::Schema schema(const std::string& name) {
  const size_t dot = name.find('.');
  const std::string overload = dot == std::string::npos ? "" : name.substr(dot + 1);
  return from_torch(torch::jit::findOperatorFor(c10::OperatorName(name.substr(0, dot), overload))->schema());
}

Decomposition split(const std::string& name, const std::vector<DecomposeArgument>& arguments) {
  std::string why;
  auto out = onnxport_torch_interface()->split(schema(name), arguments, Symbols(), why);
  if (!out) throw std::runtime_error(why);
  EXPECT_THAT(ir::check_invariants(*out->graph), ::testing::ElementsAre());
  return std::move(*out);
}

void flatten(const DecomposeArgument& argument, const std::map<std::string, int64_t, std::less<>>& sizes,
             std::vector<RuntimeValue>& tensors, RuntimeValue& call) {
  if (argument.tensor) {
    std::vector<int64_t> dims;
    for (const ir::Dim& d : *argument.tensor->shape())
      dims.push_back(d.is_constant() ? d.value() : d.evaluate(sizes).value());
    call = value(at::randn(dims));
    tensors.push_back(call);
  } else if (argument.is_list) {
    call.kind = RuntimeValue::Kind::list;
    for (const DecomposeArgument& item : argument.list)
      flatten(item, sizes, tensors, call.items.emplace_back());
  } else if (const auto* numbers = std::get_if<std::vector<int64_t>>(&argument.constant)) {
    call.kind = RuntimeValue::Kind::list;
    for (const int64_t number : *numbers) {
      RuntimeValue& item = call.items.emplace_back();
      item.kind = RuntimeValue::Kind::integer;
      item.integer = number;
    }
  } else if (const auto* i = std::get_if<int64_t>(&argument.constant)) {
    call.kind = RuntimeValue::Kind::integer;
    call.integer = *i;
  } else if (const auto* b = std::get_if<bool>(&argument.constant)) {
    call.kind = RuntimeValue::Kind::boolean;
    call.integer = *b ? 1 : 0;
  } else if (const auto* d = std::get_if<double>(&argument.constant)) {
    call.kind = RuntimeValue::Kind::real;
    call.real = *d;
  } else if (const auto* s = std::get_if<std::string>(&argument.constant)) {
    call.kind = RuntimeValue::Kind::string;
    call.string = *s;
  }
}

// Splits a call and runs both the parts and the operator itself, at sizes that were never recorded.
void expect_equal(const std::string& name, const std::vector<DecomposeArgument>& arguments,
                  const std::map<std::string, int64_t, std::less<>>& sizes) {
  const Decomposition parts = split(name, arguments);
  std::vector<RuntimeValue> inputs;
  std::vector<RuntimeValue> whole(arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) flatten(arguments[i], sizes, inputs, whole[i]);
  const size_t tensors = inputs.size();
  for (const Decomposition::DimInput& dim : parts.dims) {
    ASSERT_LT(dim.tensor, tensors);
    RuntimeValue size;
    size.kind = RuntimeValue::Kind::integer;
    size.integer = inputs[dim.tensor].tensor.dims().at(dim.axis);
    inputs.push_back(size);
  }
  ir::Graph direct(ir::Graph::Dialect::torch);
  std::vector<ir::Value*> operands;
  for (size_t i = 0; i < whole.size(); ++i) operands.push_back(direct.add_input("", {}));
  ir::Node* node = direct.create(name, operands, direct.keep(schema(name)));
  for (size_t i = 0; i < node->schema()->returns.size(); ++i) direct.body().add_result(node->add_output());
  direct.append(direct.body(), node);

  TorchInterface& torch = *onnxport_torch_interface();
  const std::vector<RuntimeValue> expected = torch.evaluate(direct, whole, {}, {});
  const std::vector<RuntimeValue> got = torch.evaluate(*parts.graph, inputs, {}, {});
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (got[i].kind != RuntimeValue::Kind::tensor) continue;
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
                   ->split(schema("aten::relu"), {of_type("f32[2]")}, Symbols(), why)
                   .has_value());
  EXPECT_THAT(why, ::testing::HasSubstr("aten::relu"));
}

TEST(Decomposition, UnrolledTimeIsNoGraphForEveryLength) {
  const std::string name = "aten::lstm.input";
  std::vector<DecomposeArgument> weights;
  for (const char* type : {"f32[16,3]", "f32[16,4]", "f32[16]", "f32[16]"}) weights.push_back(of_type(type));
  const std::vector<DecomposeArgument> arguments{
      of_type("f32[seq,2,3]"), of_list({of_type("f32[1,2,4]"), of_type("f32[1,2,4]")}),
      of_list(weights),        of_constant(true),
      of_constant(int64_t{1}), of_constant(0.0),
      of_constant(false),      of_constant(false),
      of_constant(false)};
  EXPECT_THAT(codes([&] { split(name, arguments); }), ::testing::ElementsAre("T530"));
}

TEST(Decomposition, UnknownRanksAreNamed) {
  std::string why;
  EXPECT_FALSE(onnxport_torch_interface()
                   ->split(schema("aten::flatten.using_ints"),
                           {of_type("f32[*]"), of_constant(int64_t{0}), of_constant(int64_t{-1})}, Symbols(),
                           why)
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
