#include "core/builder/graph_builder.h"

#include <gtest/gtest.h>

#include <chrono>

#include "onnxport/errors.h"

namespace onnxport {
namespace {

using ir::Dim;
using ir::DType;
using ir::Shape;
using ir::Type;

Type f32(Shape shape) { return Type::tensor(DType::f32, std::move(shape)); }

class GraphBuilderTest : public testing::Test {
 public:
  ~GraphBuilderTest() override { EXPECT_EQ(ir::check_invariants(graph), std::vector<std::string>{}); }

 protected:
  GraphBuilderTest() : graph(ir::Graph::Dialect::onnx), e(graph, 23) { graph.opsets[""] = 23; }

  ir::Value* input(const char* type) { return graph.add_input("x", *Type::parse(type)); }
  ir::Value* ints(const std::vector<int64_t>& v) { return e.constant(ir::Tensor::ints(v)); }
  size_t nodes() const {
    size_t n = 0;
    for ([[maybe_unused]] ir::Node* node : graph.body()) ++n;
    return n;
  }
  std::string shape_data(const ir::Value* v) {
    const auto* dims = e.shape_data(v);
    if (dims == nullptr) return "none";
    std::string out;
    for (const Dim& d : *dims) out += (out.empty() ? "" : ",") + d.text();
    return out;
  }

  ir::Graph graph;
  GraphBuilder e;
};

TEST_F(GraphBuilderTest, TypesAreKnownAtOnce) {
  ir::Value* x = input("f32[batch,3]");
  ir::Value* w = e.constant(ir::Tensor::of<float>(DType::f32, {3, 4}, std::vector<float>(12)));
  EXPECT_EQ(e.emit1("MatMul", {x, w})->type().text(), "f32[batch,4]");
}

TEST_F(GraphBuilderTest, WrongInputsAreT510) {
  ir::Value* x = input("f32[2,3]");
  ir::Value* y = input("i64[2,3]");
  const auto message = [&](auto&& run) -> std::string {
    try {
      run();
    } catch (const Error& error) {
      EXPECT_EQ(error.diagnostics()[0].code, "T510");
      return error.diagnostics()[0].message;
    }
    return "no error";
  };
  EXPECT_NE(message([&] {
              e.emit1("Add", {x, y});
            }).find("input 1 (B) is i64, but input 0 (A) is f32"),
            std::string::npos);
  EXPECT_NE(message([&] {
              e.emit1("MatMul", {x, x});
            }).find("MatMul(f32[2,3], f32[2,3])"),
            std::string::npos);
  EXPECT_NE(message([&] { e.emit1("Relu", {}); }).find("takes 1 inputs, but is given 0"), std::string::npos);
  EXPECT_NE(message([&] { e.emit1("Relu", {x}, {e.attribute("alpha", 1.0)}); }).find("no attribute 'alpha'"),
            std::string::npos);
  EXPECT_NE(message([&] { e.emit1("Concat", {x}); }).find("'axis' is required"), std::string::npos);
  EXPECT_NE(message([&] { e.emit1("Sqrt", {y}); }).find("allowed are f32"), std::string::npos);
  EXPECT_EQ(nodes(), 0u);
}

TEST_F(GraphBuilderTest, UnknownOperatorIsT511AndCustomDomainsHaveNoType) {
  ir::Value* x = input("f32[2]");
  try {
    e.emit1("Relux", {x});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.diagnostics()[0].code, "T511");
  }
  ir::Value* inputs[] = {x};
  const auto out = e.emit("com.acme", "Swish", inputs, {}, 1);
  EXPECT_EQ(out[0]->producer()->op_text(), "com.acme::Swish");
  EXPECT_EQ(out[0]->type().dtype(), DType::undefined);
}

TEST_F(GraphBuilderTest, ShapeArithmeticFoldsOnStaticDims) {
  ir::Value* x = input("f32[2,3,4]");
  ir::Value* size = e.dim(x, -1);
  ASSERT_TRUE(size->is_constant());
  EXPECT_EQ(size->constant()->to_ints(), std::vector<int64_t>{4});
  ir::Value* shape = e.emit1("Shape", {x});
  ASSERT_TRUE(shape->is_constant());
  ir::Value* product = e.emit1("ReduceProd", {shape}, {e.attribute("keepdims", int64_t{0})});
  ASSERT_TRUE(product->is_constant());
  EXPECT_EQ(product->constant()->to_ints(), std::vector<int64_t>{24});
  EXPECT_EQ(nodes(), 0u);
}

TEST_F(GraphBuilderTest, ShapeDataFollowsArithmetic) {
  ir::Value* x = input("f32[b,s,12]");
  ir::Value* s = e.dim(x, 1);
  EXPECT_EQ(shape_data(s), "s");
  ir::Value* doubled = e.emit1("Mul", {s, e.constant(2)});
  EXPECT_EQ(shape_data(doubled), "2*s");
  EXPECT_EQ(e.emit1("Div", {doubled, e.constant(2)}), s);  // known to hold the same
  EXPECT_EQ(shape_data(e.emit1("Sub", {doubled, e.constant(1)})), "2*s-1");
  const Dim third = floor_div(Dim::symbol("s"), Dim(3));
  EXPECT_EQ(shape_data(e.emit1("Div", {s, e.constant(3)})), third.text());
  // s - 5 may be negative, where ONNX truncates and // does not.
  EXPECT_EQ(shape_data(e.emit1("Div", {e.emit1("Sub", {s, e.constant(5)}), e.constant(3)})), "none");
  EXPECT_TRUE(e.emit1("Less", {s, e.constant(0)})->is_constant());
  EXPECT_FALSE(e.emit1("Less", {s, e.constant(1)})->is_constant());
}

TEST_F(GraphBuilderTest, ReshapeStatesTheMissingSize) {
  ir::Value* x = input("f32[b,s,12]");
  ir::Value* parts[] = {e.dim(x, 0), e.constant(-1), e.constant(3)};
  EXPECT_EQ(e.emit1("Reshape", {x, e.shape(parts)})->type().text(), "f32[b,4*s,3]");
  EXPECT_EQ(e.emit1("Reshape", {x, ints({-1, 12})})->type().text(),
            Type::tensor(DType::f32, Shape{Dim::symbol("b") * Dim::symbol("s"), Dim(12)}).text());
  EXPECT_EQ(e.emit1("Reshape", {x, ints({0, 0, -1, 4})})->type().text(), "f32[b,s,3,4]");
}

TEST_F(GraphBuilderTest, SizesOfJoinsSlicesAndWindows) {
  graph.symbols["s"].min = 2;
  ir::Value* x = input("f32[b,3,s,s]");
  ir::Value* twice[] = {x, x};
  EXPECT_EQ(e.emit("", "Concat", twice, {e.attribute("axis", int64_t{2})}, 1)[0]->type().text(),
            "f32[b,3,2*s,s]");
  EXPECT_EQ(e.emit1("Slice", {x, ints({1}), ints({INT64_MAX}), ints({3})})->type().text(), "f32[b,3,s,s-1]");
  EXPECT_EQ(e.emit1("Slice", {x, ints({-1}), ints({INT64_MAX}), ints({3})})->type().text(), "f32[b,3,s,1]");
  ir::Value* w = e.constant(ir::Tensor::of<float>(DType::f32, {8, 3, 3, 3}, std::vector<float>(216)));
  ir::Value* conv = e.emit1("Conv", {x, w}, {e.attribute("pads", std::vector<int64_t>{1, 1, 1, 1})});
  EXPECT_EQ(conv->type().text(), "f32[b,8,s,s]");
  const auto halves = e.emit("", "Split", std::span(&x, 1),
                             {e.attribute("axis", int64_t{2}), e.attribute("num_outputs", int64_t{2})}, 2);
  const Dim half = floor_div(Dim::symbol("s") + Dim(1), Dim(2));
  EXPECT_EQ((*halves[0]->type().shape())[2], half);
  EXPECT_EQ((*halves[1]->type().shape())[2], Dim::symbol("s") - half);
}

TEST_F(GraphBuilderTest, WhatIsCutFromASizeBroadcastsOnlyWithAllOfIt) {
  ir::Value* x = input("f32[batch,seq,8]");
  EXPECT_EQ(e.emit1("Add", {x, input("f32[1,min(64,seq),8]")})->type().text(), "f32[batch,seq,8]");
  EXPECT_EQ(e.emit1("Mul", {input("f32[min(64,seq),1]"), x})->type().text(), "f32[batch,seq,8]");
  EXPECT_EQ(e.emit1("Mul", {input("f32[batch,max(1,seq),8]"), x})->type().text(), "f32[batch,seq,8]");
  // min(1, seq) is 0 or 1, and of two unrelated sizes either may be 1: what comes out has a name of its own.
  EXPECT_EQ(e.emit1("Add", {x, input("f32[min(1,seq),8]")})->type().text(), "f32[batch,?0,8]");
  EXPECT_EQ(e.emit1("Add", {x, input("f32[other,8]")})->type().text(), "f32[batch,?1,8]");
}

TEST_F(GraphBuilderTest, WhatACutLeavesOnBothSidesIsTheWhole) {
  ir::Value* x = input("f32[n,8]");
  ir::Value* front = e.emit1("Slice", {x, ints({0}), ints({1}), ints({0})});
  ir::Value* rest = e.emit1("Slice", {x, ints({1}), ints({INT64_MAX}), ints({0})});
  ir::Value* but_last = e.emit1("Slice", {x, ints({0}), ints({-1}), ints({0})});
  EXPECT_EQ(front->type().text(), "f32[min(1,n),8]");
  EXPECT_EQ(rest->type().text(), "f32[max(0,n-1),8]");
  EXPECT_EQ(e.emit1("Add", {rest, but_last})->type().text(), "f32[max(0,n-1),8]");
  ir::Value* both[] = {front, rest};
  EXPECT_EQ(e.emit("", "Concat", both, {e.attribute("axis", int64_t{0})}, 1)[0]->type().text(), "f32[n,8]");
}

TEST_F(GraphBuilderTest, ARangeInStepsOfASizeHasAsManyAsTheOther) {
  ir::Value* x = input("f32[n,t]");
  ir::Value* t = e.emit1("Squeeze", {e.emit1("Shape", {x}, {e.attribute("start", int64_t{1})}), ints({0})});
  ir::Value* n = e.emit1("Squeeze", {e.emit1("Shape", {x}, {e.attribute("end", int64_t{1})}), ints({0})});
  ir::Value* zero = e.constant(ir::Tensor::of<int64_t>(DType::i64, {}, std::vector<int64_t>{0}));
  EXPECT_EQ(e.emit1("Range", {zero, e.emit1("Mul", {n, t}), t})->type().text(), "i64[n]");
}

TEST_F(GraphBuilderTest, FramesOfAShortTimeTransformAreCounted) {
  ir::Value* x = input("f32[b,t,1]");
  ir::Value* step = e.constant(16);
  ir::Value* window = input("f32[64]");
  EXPECT_EQ(e.emit1("STFT", {x, step, nullptr, e.constant(63)})->type().text(),
            "f32[b,floor_div(t+1,16)-3,32,2]");
  EXPECT_EQ(e.emit1("STFT", {x, step, window}, {e.attribute("onesided", int64_t{0})})->type().text(),
            "f32[b,floor_div(t,16)-3,64,2]");
}

TEST_F(GraphBuilderTest, ResizedAxesAreStatedAndTheOthersKept) {
  ir::Value* x = input("f32[batch,8,height,width]");
  const auto resized = [&](ir::Value* scales, ir::Value* sizes, std::vector<int64_t> axes) {
    std::vector<ir::Attribute> attributes;
    if (!axes.empty()) attributes.push_back(e.attribute("axes", std::move(axes)));
    return e.emit1("Resize", {x, nullptr, scales, sizes}, attributes)->type().text();
  };
  const auto floats = [&](const std::vector<float>& v) {
    return e.constant(ir::Tensor::of<float>(DType::f32, {static_cast<int64_t>(v.size())}, v));
  };
  EXPECT_EQ(resized(nullptr, ints({16, 20}), {2, 3}), "f32[batch,8,16,20]");
  EXPECT_EQ(resized(nullptr, ints({16}), {-1}), "f32[batch,8,height,16]");
  EXPECT_EQ(resized(floats({2, 3}), nullptr, {2, 3}), "f32[batch,8,2*height,3*width]");
  EXPECT_EQ(resized(floats({1, 1, 2, 2}), nullptr, {}), "f32[batch,8,2*height,2*width]");
  EXPECT_EQ(resized(floats({2, 0.5}), nullptr, {2, 3}), "f32[batch,8,2*height,?0]");
}

TEST_F(GraphBuilderTest, OpenSizesGetFreshNames) {
  ir::Value* x = input("f32[a,b]");
  ir::Value* found = e.emit1("NonZero", {x});
  ASSERT_EQ(found->type().rank(), 2);
  const Dim count = (*found->type().shape())[1];
  EXPECT_TRUE(count.is_anonymous());
  EXPECT_EQ(count, count);
  GraphBuilder other(graph, 23);
  EXPECT_FALSE(other.fresh_dim() == count);
}

TEST_F(GraphBuilderTest, EqualDimsAndConstantsAreOneValue) {
  ir::Value* x = input("f32[b,s]");
  ir::Value* y = input("f32[b,t]");
  EXPECT_EQ(e.dim(x, 0), e.dim(y, 0));
  EXPECT_NE(e.dim(x, 1), e.dim(y, 1));
  EXPECT_EQ(ints({1, 2}), ints({1, 2}));
  EXPECT_NE(ints({1, 2}), ints({2, 1}));
  EXPECT_NE(e.constant(ir::Tensor::of<int32_t>(DType::i32, {1}, {1})),
            e.constant(ir::Tensor::of<float>(DType::f32, {1}, {1.401298e-45f})));
}

TEST_F(GraphBuilderTest, ShapeJoinsNeighbouringDims) {
  ir::Value* x = input("f32[b,s,12]");
  ir::Value* parts[] = {e.dim(x, 0), e.dim(x, 1), e.constant(3), e.constant(4)};
  ir::Value* shape = e.shape(parts);
  EXPECT_EQ(shape_data(shape), "b,s,3,4");
  ASSERT_EQ(shape->producer()->op_text(), "Concat");
  EXPECT_EQ(shape->producer()->operand_count(), 2u);
  ir::Value* known[] = {e.constant(3), e.constant(4)};
  EXPECT_EQ(e.shape(known)->constant()->to_ints(), (std::vector<int64_t>{3, 4}));
}

TEST_F(GraphBuilderTest, OlderOpsetsReadSizesWithWhatTheyHave) {
  GraphBuilder old(graph, 12);
  ir::Value* x = input("f32[b,3]");
  ir::Value* size = old.dim(x, 0);
  EXPECT_EQ(size->producer()->op_text(), "Gather");
  EXPECT_EQ(size->type().rank(), 0);
  EXPECT_EQ((*old.shape_data(size))[0].text(), "b");
}

TEST_F(GraphBuilderTest, RollbackLeavesTheGraphAsItWas) {
  ir::Value* x = input("f32[b,s]");
  e.emit1("Relu", {x});
  const std::string before = ir::print(graph);
  const auto mark = e.mark();
  ir::Value* s = e.dim(x, 1);
  e.constant(12345);
  e.begin_block({});
  ir::Value* inner = e.emit1("Neg", {x});
  e.emit1("Add", {inner, x});
  ir::Block* then = e.end_block(std::span(&inner, 1));
  e.begin_block({});
  e.emit1("Abs", {x});
  e.rollback(mark);
  EXPECT_EQ(e.open_blocks(), 0u);
  EXPECT_EQ(ir::print(graph), before);
  EXPECT_TRUE(then->empty());
  EXPECT_NE(e.dim(x, 1), s);  // what was rolled back is not given out again
  EXPECT_EQ(&e.block(), &graph.body());
}

TEST_F(GraphBuilderTest, BlocksAreTypedByTheirResults) {
  ir::Value* x = input("f32[b,3]");
  ir::Value* condition = input("bool[]");
  ir::Value* outer = e.dim(x, 0);
  e.begin_block({});
  ir::Value* a = e.emit1("Relu", {x});
  ir::Value* in_block = e.emit1("Mul", {e.dim(x, 0), e.constant(7)});
  EXPECT_EQ(e.dim(x, 0), outer);  // the enclosing block's value dominates
  ir::Block* then_block = e.end_block(std::span(&a, 1));
  e.begin_block({});
  ir::Value* b = e.emit1("Neg", {x});
  EXPECT_NE(e.emit1("Mul", {e.dim(x, 0), e.constant(7)}), in_block);  // the other branch's does not
  ir::Block* else_block = e.end_block(std::span(&b, 1));
  ir::Value* out = e.emit1("If", {condition},
                           {e.attribute("then_branch", then_block), e.attribute("else_branch", else_block)});
  EXPECT_EQ(out->type().text(), "f32[b,3]");
  EXPECT_EQ(then_block->owner(), out->producer());
  EXPECT_EQ(out->producer()->blocks().size(), 2u);
}

TEST_F(GraphBuilderTest, InsertingBeforeANodeUsesOnlyWhatComesEarlier) {
  ir::Value* x = input("f32[b,3]");
  ir::Value* y = e.emit1("Relu", {x});
  ir::Value* late = e.dim(y, 0);
  e.insert_before(y->producer());
  ir::Value* early = e.dim(x, 0);
  EXPECT_NE(early, late);
  EXPECT_EQ(graph.body().first(), early->producer()->operand(0)->producer());
}

TEST_F(GraphBuilderTest, ShapeDataOfNodesMadeByOthersIsFound) {
  ir::Value* x = input("f32[b,s]");
  ir::Value* parts[] = {e.emit1("Mul", {e.dim(x, 0), e.constant(2)}), e.constant(-1)};
  ir::Value* shape = e.shape(parts);
  GraphBuilder later(graph, 23);
  ASSERT_NE(later.shape_data(shape), nullptr);
  EXPECT_EQ((*later.shape_data(shape))[0].text(), "2*b");
}

TEST_F(GraphBuilderTest, SmallConstantsFoldWhileEmitted) {
  ir::Value* half = e.constant(ir::Tensor::of<float>(DType::f32, {}, {0.5f}));
  ir::Value* sum = e.emit1("Add", {half, half});
  ASSERT_TRUE(sum->is_constant());
  EXPECT_EQ(sum->constant()->to_reals(), std::vector<double>{1.0});
  EXPECT_EQ(nodes(), 0u);
}

double seconds_for_chain(int length) {
  ir::Graph graph(ir::Graph::Dialect::onnx);
  GraphBuilder e(graph, 23);
  ir::Value* x = graph.add_input("x", f32({Dim::symbol("batch"), Dim(64)}));
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < length; ++i) x = e.emit1(i % 2 == 0 ? "Relu" : "Neg", {x});
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(GraphBuilderGrowth, TimePerNodeStaysFlat) {
  seconds_for_chain(1000);  // schemas are registered once
  const double small = seconds_for_chain(4000);
  const double large = seconds_for_chain(64000);
  RecordProperty("microseconds_per_node", static_cast<int>(large / 64000 * 1e6));
  EXPECT_LT(large, 16 * small * 4) << "64k nodes took " << large << " s, 4k took " << small << " s";
}

}  // namespace
}  // namespace onnxport
