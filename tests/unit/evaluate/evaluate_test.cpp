#include <gtest/gtest.h>

#include <cmath>

#include "core/evaluate/elements.h"
#include "core/evaluate/evaluate.h"

namespace onnxport {
namespace {

using ir::DType;
using ir::Tensor;

constexpr uint64_t kPlenty = 1u << 20;

class Evaluate : public testing::Test {
 protected:
  ir::Attribute attribute(const char* name, ir::AttributeValue value) {
    return {graph.intern(name), std::move(value)};
  }

  std::optional<std::vector<Tensor>> run(const char* op, const std::vector<Tensor>& inputs,
                                         const std::vector<ir::Attribute>& attributes = {},
                                         size_t outputs = 1, uint64_t bytes = kPlenty) {
    std::vector<const Tensor*> pointers;
    for (const Tensor& t : inputs) pointers.push_back(t.dtype() == DType::undefined ? nullptr : &t);
    return evaluate_constant(op, pointers, attributes, 23, outputs, bytes);
  }
  std::vector<int64_t> ints(const char* op, const std::vector<Tensor>& inputs,
                            const std::vector<ir::Attribute>& attributes = {}) {
    const auto out = run(op, inputs, attributes);
    if (!out) return {-999};
    dims = (*out)[0].dims();
    return (*out)[0].to_ints().value_or(std::vector<int64_t>{-998});
  }
  std::vector<double> reals(const char* op, const std::vector<Tensor>& inputs,
                            const std::vector<ir::Attribute>& attributes = {}) {
    const auto out = run(op, inputs, attributes);
    if (!out) return {-999};
    dims = (*out)[0].dims();
    return (*out)[0].to_reals().value_or(std::vector<double>{-998});
  }

  ir::Graph graph{ir::Graph::Dialect::onnx};
  std::vector<int64_t> dims;
};

Tensor f(const std::vector<double>& v, DType dtype = DType::f32) {
  return *from_reals(dtype, {static_cast<int64_t>(v.size())}, v);
}
Tensor i(const std::vector<int64_t>& v, DType dtype = DType::i64) {
  return *from_ints(dtype, {static_cast<int64_t>(v.size())}, v);
}
Tensor matrix(int64_t rows, int64_t columns) {
  std::vector<int64_t> v;
  for (int64_t k = 0; k < rows * columns; ++k) v.push_back(k);
  return *from_ints(DType::i64, {rows, columns}, v);
}
using V = std::vector<int64_t>;
using R = std::vector<double>;

TEST_F(Evaluate, StridedOperandsReadAsTheirCopies) {
  const Tensor strided = matrix(200, 300).transposed({1, 0});
  const Tensor dense = strided.contiguous();
  const auto same = [&](const char* op, const Tensor& second,
                        const std::vector<ir::Attribute>& attributes = {}) {
    const auto a = run(op, {strided, second}, attributes, 1, UINT64_MAX);
    const auto b = run(op, {dense, second}, attributes, 1, UINT64_MAX);
    ASSERT_TRUE(a && b) << op;
    EXPECT_EQ((*a)[0].dims(), (*b)[0].dims()) << op;
    EXPECT_EQ((*a)[0].to_ints(), (*b)[0].to_ints()) << op;
  };
  same("Add", i({5}));
  same("Gather", i({7, 0}));
  same("Reshape", i({-1}));
  same("Reshape", i({3, 100, 200}));
  same("Unsqueeze", i({1}));
  same("Concat", matrix(2, 200), {attribute("axis", int64_t{0})});
  same("ReduceSum", i({0}));
  same("Trilu", {});
  // A view costs nothing, however large; a copy would.
  const auto view = run("Transpose", {matrix(200, 300)}, {}, 1, 8);
  ASSERT_TRUE(view);
  EXPECT_FALSE((*view)[0].is_contiguous());
  EXPECT_TRUE(run("Reshape", {strided, i({3, 100, 200})}, {}, 1, 8));
  EXPECT_FALSE(run("Reshape", {strided, i({-1})}, {}, 1, 8));
}

TEST_F(Evaluate, ArithmeticInEveryClass) {
  EXPECT_EQ(ints("Add", {i({1, 2}), i({3, 4})}), (V{4, 6}));
  EXPECT_EQ(ints("Sub", {i({1, 2}), i({3})}), (V{-2, -1}));
  EXPECT_EQ(ints("Mul", {i({200}, DType::i8), i({2}, DType::i8)}), (V{-112}));  // wraps as int8 does
  EXPECT_EQ(ints("Div", {i({-7, 7}), i({2})}), (V{-3, 3}));                     // towards zero
  EXPECT_EQ(ints("Mod", {i({-7, 7}), i({3})}), (V{2, 1}));
  EXPECT_EQ(ints("Mod", {i({-7, 7}), i({3})}, {attribute("fmod", int64_t{1})}), (V{-1, 1}));
  EXPECT_EQ(ints("Pow", {i({2, 3}), i({10, 3})}), (V{1024, 27}));
  EXPECT_FALSE(run("Div", {i({1}), i({0})}));
  EXPECT_EQ(reals("Add", {f({0.5, 1.5}), f({0.25})}), (R{0.75, 1.75}));
  EXPECT_EQ(reals("Div", {f({1}), f({3})}), (R{static_cast<double>(1.0f / 3.0f)}));
  EXPECT_EQ(reals("Mul", {f({3, 2}, DType::bf16), f({1.5}, DType::bf16)}), (R{4.5, 3}));
  EXPECT_EQ(reals("Add", {f({2048}, DType::f16), f({1}, DType::f16)}), (R{2048}));  // ties to even
  EXPECT_EQ(reals("Pow", {f({3}), i({2})}), (R{9}));
  EXPECT_EQ(reals("Sub", {f({1}, DType::f64), f({0.1}, DType::f64)}), (R{0.9}));
  EXPECT_FALSE(run("Add", {f({1}), i({1})}));
  EXPECT_FALSE(run("Add", {f({1, 2}), f({1, 2, 3})}));
}

TEST_F(Evaluate, RoundsAsHalfAndBfloatDo) {
  EXPECT_EQ(f({65519.9}, DType::f16).to_reals(), R{65504});
  EXPECT_TRUE(std::isinf((*f({65520}, DType::f16).to_reals())[0]));
  EXPECT_EQ(f({0x1p-24, 0x1p-25, 0x1.8p-24}, DType::f16).to_reals(), (R{0x1p-24, 0, 0x1p-23}));
  EXPECT_EQ(f({1 + 0x1p-11, 1 + 0x1.8p-10}, DType::f16).to_reals(), (R{1, 1 + 0x1p-9}));
  EXPECT_EQ(f({1 + 0x1p-8, 1 + 0x1.8p-7}, DType::bf16).to_reals(), (R{1, 1 + 0x1p-6}));
  EXPECT_EQ(f({1.9999999}, DType::bf16).to_reals(), R{2});
  EXPECT_TRUE(std::isnan((*f({NAN}, DType::bf16).to_reals())[0]));
  EXPECT_TRUE(std::isinf((*f({3.4e38}, DType::bf16).to_reals())[0]));
}

TEST_F(Evaluate, ComparisonsAndLogic) {
  EXPECT_EQ(ints("Equal", {i({1, 2}), i({1})}), (V{1, 0}));
  EXPECT_EQ(ints("Less", {f({1, NAN}), f({2})}), (V{1, 0}));
  EXPECT_EQ(ints("GreaterOrEqual", {i({1, 2, 3}), i({2})}), (V{0, 1, 1}));
  const Tensor t = i({1, 0, 1, 0}, DType::boolean), u = i({1, 1, 0, 0}, DType::boolean);
  EXPECT_EQ(ints("And", {t, u}), (V{1, 0, 0, 0}));
  EXPECT_EQ(ints("Or", {t, u}), (V{1, 1, 1, 0}));
  EXPECT_EQ(ints("Xor", {t, u}), (V{0, 1, 1, 0}));
  EXPECT_EQ(ints("Not", {t}), (V{0, 1, 0, 1}));
  EXPECT_EQ(ints("Where", {t, i({1, 2, 3, 4}), i({9})}), (V{1, 9, 3, 9}));
  EXPECT_EQ(ints("IsNaN", {f({NAN, 1})}), (V{1, 0}));
}

TEST_F(Evaluate, Functions) {
  EXPECT_EQ(reals("Sqrt", {f({4, 9})}), (R{2, 3}));
  EXPECT_NEAR(reals("Exp", {f({1})})[0], 2.718281828, 1e-6);
  EXPECT_NEAR(reals("Log", {f({2}, DType::f64)})[0], std::log(2.0), 1e-15);
  EXPECT_NEAR(reals("Sin", {f({1})})[0], 0.841470985, 1e-6);
  EXPECT_EQ(reals("Round", {f({0.5, 1.5, -2.5})}), (R{0, 2, -2}));
  EXPECT_EQ(reals("Floor", {f({-0.5})}), (R{-1}));
  EXPECT_EQ(ints("Neg", {i({3, -4}, DType::i32)}), (V{-3, 4}));
  EXPECT_EQ(ints("Abs", {i({3, -4}, DType::i32)}), (V{3, 4}));
  EXPECT_EQ(ints("Sign", {i({3, -4, 0})}), (V{1, -1, 0}));
  EXPECT_EQ(
      reals("Clip", {f({-2, 0.5, 7}), *from_reals(DType::f32, {}, {0}), *from_reals(DType::f32, {}, {1})}),
      (R{0, 0.5, 1}));
  EXPECT_EQ(ints("Min", {i({3, 1}), i({2}), i({5})}), (V{2, 1}));
  EXPECT_EQ(reals("Max", {f({3, 1}), f({2})}), (R{3, 2}));
}

TEST_F(Evaluate, Casts) {
  const auto to = [&](DType d) {
    return std::vector<ir::Attribute>{attribute("to", static_cast<int64_t>(d))};
  };
  EXPECT_EQ(ints("Cast", {f({-1.9, 1.9})}, to(DType::i32)), (V{-1, 1}));
  EXPECT_EQ(ints("Cast", {i({300})}, to(DType::u8)), (V{44}));
  EXPECT_EQ(ints("Cast", {f({0, 0.5})}, to(DType::boolean)), (V{0, 1}));
  EXPECT_EQ(reals("Cast", {i({1, 0}, DType::boolean)}, to(DType::f16)), (R{1, 0}));
  EXPECT_EQ(reals("Cast", {f({0.1}, DType::f64)}, to(DType::f32)), (R{static_cast<double>(0.1f)}));
  EXPECT_FALSE(run("Cast", {f({1e30})}, to(DType::i32)));  // not defined: left to the runtime
  EXPECT_FALSE(run("Cast", {f({NAN})}, to(DType::i64)));
}

TEST_F(Evaluate, Movement) {
  EXPECT_EQ(ints("Transpose", {matrix(2, 3)}), (V{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(dims, (V{3, 2}));
  EXPECT_EQ(ints("Reshape", {matrix(2, 3), i({3, -1})}), (V{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(dims, (V{3, 2}));
  EXPECT_FALSE(run("Reshape", {matrix(2, 3), i({4, -1})}));
  EXPECT_EQ(ints("Concat", {matrix(2, 2), matrix(2, 1)}, {attribute("axis", int64_t{-1})}),
            (V{0, 1, 0, 2, 3, 1}));
  EXPECT_EQ(ints("Concat", {i({1}), i({2, 3})}, {attribute("axis", int64_t{0})}), (V{1, 2, 3}));
  EXPECT_EQ(ints("Slice", {i({0, 1, 2, 3, 4}), i({1}), i({4})}), (V{1, 2, 3}));
  EXPECT_EQ(ints("Slice", {i({0, 1, 2, 3, 4}), i({-1}), i({INT64_MIN}), i({0}), i({-2})}), (V{4, 2, 0}));
  EXPECT_EQ(ints("Slice", {matrix(2, 3), i({1}), i({INT64_MAX}), i({1})}), (V{1, 2, 4, 5}));
  EXPECT_EQ(ints("Slice", {matrix(2, 3), i({5}), i({9}), i({1})}), (V{}));
  EXPECT_EQ(ints("Gather", {matrix(3, 2), i({-1, 0})}), (V{4, 5, 0, 1}));
  EXPECT_EQ(ints("Gather", {matrix(3, 2), Tensor::scalar(1)}, {attribute("axis", int64_t{1})}), (V{1, 3, 5}));
  EXPECT_EQ(dims, (V{3}));
  EXPECT_FALSE(run("Gather", {i({1, 2}), i({2})}));
  EXPECT_EQ(ints("Unsqueeze", {i({1, 2}), i({0, 2})}), (V{1, 2}));
  EXPECT_EQ(dims, (V{1, 2, 1}));
  ints("Squeeze", {matrix(1, 3)});
  EXPECT_EQ(dims, (V{3}));
  EXPECT_FALSE(run("Squeeze", {matrix(1, 3), i({1})}));
  EXPECT_EQ(ints("Expand", {i({1, 2}), i({2, 1})}), (V{1, 2, 1, 2}));
  EXPECT_EQ(ints("Tile", {matrix(1, 2), i({2, 2})}), (V{0, 1, 0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(dims, (V{2, 4}));
  ints("Flatten", {matrix(2, 3)}, {attribute("axis", int64_t{0})});
  EXPECT_EQ(dims, (V{1, 6}));
  EXPECT_EQ(ints("Pad", {i({1, 2}), i({1, 2}), Tensor::scalar(9)}), (V{9, 1, 2, 9, 9}));
  EXPECT_EQ(ints("Trilu", {matrix(2, 3)}), (V{0, 1, 2, 0, 4, 5}));
  EXPECT_EQ(ints("Trilu", {matrix(2, 3), Tensor::scalar(-1)}, {attribute("upper", int64_t{0})}),
            (V{0, 0, 0, 3, 0, 0}));
  const auto parts = run("Split", {i({1, 2, 3, 4, 5})}, {attribute("num_outputs", int64_t{2})}, 2);
  ASSERT_TRUE(parts);
  EXPECT_EQ((*parts)[0].to_ints(), (V{1, 2, 3}));
  EXPECT_EQ((*parts)[1].to_ints(), (V{4, 5}));
}

TEST_F(Evaluate, ReductionsAndRunningSums) {
  EXPECT_EQ(ints("ReduceSum", {matrix(2, 3), i({1})}, {attribute("keepdims", int64_t{0})}), (V{3, 12}));
  EXPECT_EQ(dims, (V{2}));
  EXPECT_EQ(ints("ReduceProd", {i({2, 3, 4})}), (V{24}));
  EXPECT_EQ(dims, (V{1}));
  EXPECT_EQ(ints("ReduceMax", {matrix(2, 3), i({0})}), (V{3, 4, 5}));
  EXPECT_EQ(ints("ReduceMin", {matrix(2, 3), i({-1})}), (V{0, 3}));
  EXPECT_EQ(reals("ReduceMean", {f({1, 2, 6})}), (R{3}));
  EXPECT_EQ(ints("ReduceSum", {i({1, 2}), i({})}, {attribute("noop_with_empty_axes", int64_t{1})}),
            (V{1, 2}));
  EXPECT_EQ(ints("CumSum", {matrix(2, 3), Tensor::scalar(1)}), (V{0, 1, 3, 3, 7, 12}));
  EXPECT_EQ(ints("CumSum", {i({1, 2, 3}), Tensor::scalar(0)},
                 {attribute("exclusive", int64_t{1}), attribute("reverse", int64_t{1})}),
            (V{5, 3, 0}));
}

TEST_F(Evaluate, Sources) {
  EXPECT_EQ(ints("Range", {Tensor::scalar(5), Tensor::scalar(0), Tensor::scalar(-2)}), (V{5, 3, 1}));
  EXPECT_EQ(reals("Range", {*from_reals(DType::f32, {}, {0}), *from_reals(DType::f32, {}, {1}),
                            *from_reals(DType::f32, {}, {0.5})}),
            (R{0, 0.5}));
  EXPECT_FALSE(run("Range", {Tensor::scalar(0), Tensor::scalar(INT64_MAX), Tensor::scalar(1)}));
  EXPECT_EQ(ints("ConstantOfShape", {i({2})}, {attribute("value", Tensor::ints({7}))}), (V{7, 7}));
  EXPECT_EQ(reals("ConstantOfShape", {i({2})}), (R{0, 0}));
  EXPECT_EQ(ints("Shape", {matrix(2, 3)}), (V{2, 3}));
  EXPECT_EQ(ints("Size", {matrix(2, 3)}), (V{6}));
}

TEST_F(Evaluate, StopsAtWhatIsTooLargeOrUnknown) {
  EXPECT_FALSE(run("Expand", {i({1}), i({1 << 30})}));
  EXPECT_FALSE(run("ConstantOfShape", {i({INT64_MAX, INT64_MAX})}));
  EXPECT_FALSE(run("Add", {matrix(10, 10), i({1})}, {}, 1, 64));
  EXPECT_FALSE(run("RandomNormal", {}));
  EXPECT_FALSE(run("Add", {}));
  EXPECT_FALSE(run("Transpose", {matrix(2, 2)}, {attribute("perm", std::vector<int64_t>{0, 0})}));
}

}  // namespace
}  // namespace onnxport
