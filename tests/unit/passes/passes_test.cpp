#include "core/passes/passes.h"

#include <gtest/gtest.h>

#include "unit/passes/onnx_graph_test.h"

namespace onnxport {
namespace {

using ir::DType;
using ir::Tensor;
using ir::Type;

class Passes : public test::OnnxGraphTest {
 protected:
  PassOptions all;
};

TEST_F(Passes, DeadCodeGoesWithItsBlocksAndInitializers) {
  ir::Value* x = input("f32[2]");
  ir::Value* dead = e.emit1("Add", {x, weight({2}, {1, 2})});
  ir::Value* condition = input("bool[]");
  e.begin_block({});
  ir::Value* a = e.emit1("Neg", {dead});
  ir::Block* then_block = e.end_block(std::span(&a, 1));
  e.begin_block({});
  ir::Value* b = e.emit1("Abs", {dead});
  ir::Block* else_block = e.end_block(std::span(&b, 1));
  e.emit1("If", {condition}, {at("then_branch", then_block), at("else_branch", else_block)});
  returns({e.emit1("Relu", {x})});
  remove_dead_code(graph);
  EXPECT_EQ(ops(), "Relu");
  EXPECT_TRUE(graph.initializers().empty());
}

TEST_F(Passes, EqualNodesAreMerged) {
  ir::Value* x = input("f32[2,3]");
  const auto softmax = [&](int64_t axis) { return e.emit1("Softmax", {x}, {at("axis", axis)}); };
  returns({e.emit1("Add", {softmax(0), softmax(0)}), e.emit1("Mul", {softmax(0), softmax(1)})});
  merge_common_subexpressions(graph);
  EXPECT_EQ(ops(), "Softmax Add Softmax Mul");
}

TEST_F(Passes, OneSizeOfAShapeIsOneGather) {
  ir::Value* sizes = e.emit1("Shape", {input("f32[n,3,m]")});
  const auto part = [&](int64_t from, int64_t to) {
    return e.emit1("Slice", {sizes, ints({from}), ints({to}), ints({0})});
  };
  returns({e.emit1("Squeeze", {part(2, 3)}), e.emit1("Squeeze", {part(-3, -2)}), part(0, 2)});
  gather_single_sizes(graph, 23);
  remove_dead_code(graph);
  EXPECT_EQ(ops(), "Shape Gather Gather Slice");
}

TEST_F(Passes, RandomNodesAndResultsAreNotMerged) {
  ir::Value* x = input("f32[2,3]");
  ir::Value* a = e.emit1("RandomNormalLike", {x});
  ir::Value* b = e.emit1("RandomNormalLike", {x});
  returns({e.emit1("Add", {a, b}), e.emit1("Relu", {x}), e.emit1("Relu", {x})});
  merge_common_subexpressions(graph);
  EXPECT_EQ(ops(), "RandomNormalLike RandomNormalLike Add Relu Relu");
}

TEST_F(Passes, BranchesShareOnlyWhatEnclosesThem) {
  ir::Value* x = input("f32[2]");
  ir::Value* condition = input("bool[]");
  ir::Value* outer = e.emit1("Exp", {x});
  ir::Block* blocks[2];
  for (ir::Block*& block : blocks) {
    e.begin_block({});
    ir::Value* inner = e.emit1("Neg", {e.emit1("Add", {e.emit1("Exp", {x}), e.emit1("Sin", {x})})});
    block = e.end_block(std::span(&inner, 1));
  }
  returns({e.emit1("Mul", {outer, e.emit1("If", {condition},
                                          {at("then_branch", blocks[0]), at("else_branch", blocks[1])})})});
  merge_common_subexpressions(graph);
  EXPECT_EQ(ops(), "Exp If Sin Add Neg Sin Add Neg Mul");
}

TEST_F(Passes, ConstantsFoldWithinTheLimit) {
  ir::Value* x = input("f32[100]");
  std::vector<double> values(100, 2.0);
  ir::Value* w = weight({100}, values);
  ir::Value* root = e.emit1("Sqrt", {e.emit1("Mul", {w, w})});
  returns({e.emit1("Add", {x, root})});
  fold_constants(graph, all);
  EXPECT_EQ(ops(), "Add");
  EXPECT_EQ(graph.body().first()->operand(1)->constant()->to_reals(), values);
}

TEST_F(Passes, LargeConstantsDoNot) {
  ir::Value* x = input("f32[300000]");
  ir::Value* w = weight({300000}, std::vector<double>(300000, 1.5));
  returns({e.emit1("Add", {x, e.emit1("Exp", {w})})});
  fold_constants(graph, all);
  EXPECT_EQ(ops(), "Exp Add");
}

TEST_F(Passes, AWeightIsTransposedOnlyWhenNothingElseReadsIt) {
  ir::Value* x = input("f32[b,600]");
  const std::vector<double> values(size_t{600} * 500, 0.5);
  ir::Value* once = weight({500, 600}, values, "once");
  ir::Value* shared = weight({500, 600}, values, "shared");
  ir::Value* ids = input("i64[n]");
  const auto perm = [&] { return at("perm", std::vector<int64_t>{1, 0}); };
  ir::Value* a = e.emit1("MatMul", {x, e.emit1("Transpose", {once}, {perm()})});
  ir::Value* b = e.emit1("MatMul", {x, e.emit1("Transpose", {shared}, {perm()})});
  returns({e.emit1("Add", {a, b}), e.emit1("Gather", {shared, ids})});
  PassOptions keep;
  keep.fold_weights = false;
  fold_constants(graph, keep);
  EXPECT_EQ(ops(), "Transpose MatMul Transpose MatMul Add Gather");
  fold_constants(graph, all);
  EXPECT_EQ(ops(), "MatMul Transpose MatMul Add Gather");
  EXPECT_EQ(graph.body().first()->operand(1)->name(), "once");
  EXPECT_EQ(graph.body().first()->operand(1)->constant()->dims(), (std::vector<int64_t>{600, 500}));
}

TEST_F(Passes, ATransposedWeightIsAViewThatItsReadersShare) {
  ir::Value* x = input("f32[b,600]");
  ir::Value* w = weight({500, 600}, std::vector<double>(size_t{600} * 500, 0.5), "tied");
  const std::byte* storage = w->constant()->bytes().data();
  ir::Value* condition = input("bool[]");
  const auto product = [&] {
    return e.emit1("MatMul", {x, e.emit1("Transpose", {w}, {at("perm", std::vector<int64_t>{1, 0})})});
  };
  e.begin_block({});
  ir::Value* a = product();
  ir::Block* then_block = e.end_block(std::span(&a, 1));
  e.begin_block({});
  ir::Value* b = e.emit1("Neg", {product()});
  ir::Block* else_block = e.end_block(std::span(&b, 1));
  returns({e.emit1("If", {condition}, {at("then_branch", then_block), at("else_branch", else_block)})});
  fold_constants(graph, all);
  EXPECT_EQ(ops(), "If MatMul MatMul Neg");
  ASSERT_EQ(graph.initializers().size(), 1U);
  EXPECT_EQ(graph.initializers()[0]->name(), "tied");
  EXPECT_EQ(graph.initializers()[0]->constant()->extent().data(), storage);
  EXPECT_FALSE(graph.initializers()[0]->constant()->is_contiguous());
}

TEST_F(Passes, WhatIsReadInTwoOrdersIsStoredTwiceOnlyWhileSmall) {
  const auto tied = [&](int64_t rows) {
    const std::string name = "of_" + std::to_string(rows);
    ir::Value* w = weight({rows, 64}, std::vector<double>(static_cast<size_t>(rows) * 64, 0.5), name.c_str());
    ir::Value* x = input("f32[b,64]");
    ir::Value* t = e.emit1("Transpose", {w}, {at("perm", std::vector<int64_t>{1, 0})});
    return std::vector<ir::Value*>{e.emit1("MatMul", {x, t}), e.emit1("Gather", {w, input("i64[n]")})};
  };
  std::vector<ir::Value*> results = tied(256);  // 64 KiB
  const std::vector<ir::Value*> large = tied(257);
  results.insert(results.end(), large.begin(), large.end());
  graph.body().set_results(results);
  fold_constants(graph, all);
  EXPECT_EQ(ops(), "MatMul Gather Transpose MatMul Gather");
}

TEST_F(Passes, SizesKnownByArithmeticFold) {
  ir::Value* x = graph.add_input("x", *Type::parse("f32[b,6]"));
  // As a file has it: nothing was folded while it was made.
  ir::Node* shape = graph.create("Shape", std::span(&x, 1));
  graph.append(graph.body(), shape);
  ir::Value* operands[] = {shape->add_output(*Type::parse("i64[2]")), e.constant(1)};
  ir::Node* gather = graph.create("Gather", operands);
  graph.append(graph.body(), gather);
  ir::Value* last = gather->add_output(*Type::parse("i64[]"));
  ir::Value* y = input("i64[n]");
  returns({e.emit1("Mul", {y, last})});
  fold_constants(graph, all);
  remove_dead_code(graph);
  EXPECT_EQ(ops(), "Mul");
  EXPECT_EQ(graph.body().first()->operand(1)->constant()->to_ints(), std::vector<int64_t>{6});
}

TEST_F(Passes, FloorDivisionOfSizesIsOneDiv) {
  ir::Value* x = input("f32[b,n]");
  const auto floor_divided = [&](ir::Value* a, int64_t by) {
    ir::Value* b = e.constant(by);
    return e.emit1("Div", {e.emit1("Sub", {a, e.emit1("Mod", {a, b})}), b});
  };
  ir::Value* half = floor_divided(e.dim(x, 1), 2);
  EXPECT_EQ((*e.shape_data(half))[0].text(), "floor_div(n,2)");
  ir::Value* less = floor_divided(e.emit1("Sub", {e.dim(x, 0), e.constant(3)}), 2);  // may be negative
  EXPECT_EQ((*e.shape_data(less))[0].text(), "floor_div(b+1,2)-2");
  ir::Value* any = floor_divided(input("i64[]"), 2);
  returns({half, less, any});
  fold_constants(graph, all);
  remove_dead_code(graph);
  EXPECT_EQ(ops(), "Shape Squeeze Div Shape Squeeze Sub Mod Sub Div Mod Sub Div");
}

TEST_F(Passes, NodesThatDoNothingGo) {
  ir::Value* x = input("f32[b,3]");
  ir::Value* v = e.emit1("Identity", {x});
  v = e.emit1("Cast", {v}, {at("to", int64_t{1})});
  v = e.emit1("Cast", {v}, {at("to", int64_t{11})});
  v = e.emit1("Cast", {v}, {at("to", int64_t{1})});
  v = e.emit1("Dropout", {v});
  v = e.emit1("Concat", {v}, {at("axis", int64_t{0})});
  v = e.emit1("Slice", {v, ints({0}), ints({INT64_MAX}), ints({1})});
  v = e.emit1("Unsqueeze", {v, ints({1})});
  v = e.emit1("Squeeze", {v, ints({1})});
  v = e.emit1("Mul", {v, e.constant(Tensor::of<float>(DType::f32, {}, {1.0f}))});
  v = e.emit1("Sub", {v, e.constant(Tensor::of<float>(DType::f32, {}, {0.0f}))});
  v = e.emit1("Pad", {v, ints({0, 0, 0, 0})});
  returns({e.emit1("Relu", {v})});
  remove_no_ops(graph);
  remove_dead_code(graph);
  EXPECT_EQ(ops(), "Relu");
}

TEST_F(Passes, NodesThatDoSomethingStay) {
  ir::Value* x = input("f32[b,3]");
  ir::Value* narrowed =
      e.emit1("Cast", {e.emit1("Cast", {x}, {at("to", int64_t{10})})}, {at("to", int64_t{1})});
  ir::Value* reversed = e.emit1("Slice", {narrowed, ints({-1}), ints({INT64_MIN}), ints({1}), ints({-1})});
  ir::Value* broadcast =
      e.emit1("Mul", {reversed, e.constant(Tensor::of<float>(DType::f32, {2, 1, 1}, {1.0f, 1.0f}))});
  ir::Value* zero = e.emit1("Add", {broadcast, e.constant(Tensor::of<float>(DType::f32, {}, {0.0f}))});
  returns({zero});
  remove_no_ops(graph);
  EXPECT_EQ(ops(), "Cast Cast Slice Mul Add");
}

TEST_F(Passes, AnInputThatIsAResultKeepsItsIdentity) {
  ir::Value* x = input("f32[2]");
  returns({e.emit1("Identity", {x})});
  remove_no_ops(graph);
  EXPECT_EQ(ops(), "Identity");
}

TEST_F(Passes, TransposesMerge) {
  ir::Value* x = input("f32[2,3,4]");
  const auto transpose = [&](ir::Value* v, std::vector<int64_t> p) {
    return e.emit1("Transpose", {v}, {at("perm", p)});
  };
  ir::Value* back = transpose(transpose(x, {1, 2, 0}), {2, 0, 1});
  ir::Value* moved = transpose(transpose(x, {1, 2, 0}), {1, 0, 2});
  returns({e.emit1("Relu", {back}), e.emit1("Relu", {moved})});
  remove_no_ops(graph);
  remove_dead_code(graph);
  EXPECT_EQ(ops(), "Transpose Relu Relu");
  const auto* perm = graph.body().first()->attribute_as<std::vector<int64_t>>("perm");
  ASSERT_NE(perm, nullptr);
  EXPECT_EQ(*perm, (std::vector<int64_t>{2, 1, 0}));
}

TEST_F(Passes, OnlyTheLastOfSeveralViewsCounts) {
  ir::Value* x = input("f32[b,3,4]");
  ir::Value* v = e.emit1("Reshape", {x, ints({-1, 2, 6})});
  v = e.emit1("Unsqueeze", {v, ints({0})});
  v = e.emit1("Reshape", {v, ints({-1, 12})});
  returns({e.emit1("Relu", {v})});
  remove_no_ops(graph);
  remove_dead_code(graph);
  EXPECT_EQ(ops(), "Reshape Relu");
  EXPECT_EQ(graph.body().first()->operand(0), x);
}

// A target that the graph computes, of the sizes of `to`; what is written down in its place, empty where it stays.
class ReshapeTargets : public Passes {
 protected:
  std::vector<int64_t> target(const char* from, const char* to, int64_t allowzero = 0) {
    const Type wanted = *Type::parse(to);
    ir::Value* x = input(from);
    ir::Value* sizes = graph.add_input("sizes", *Type::parse("i64[" + std::to_string(wanted.rank()) + "]"));
    ir::Value* out = e.emit1("Reshape", {x, sizes}, {at("allowzero", allowzero)});
    out->set_type(wanted);
    returns({e.emit1("Relu", {out})});
    remove_no_ops(graph);
    const ir::Value* written = out->producer()->operand(1);
    return written->is_constant() ? *written->constant()->to_ints() : std::vector<int64_t>{};
  }
};

using Sizes = std::vector<int64_t>;

TEST_F(ReshapeTargets, SizesAtTheSamePlaceAreCopied) {
  EXPECT_EQ(target("f32[b,t,12]", "f32[b,t,3,4]"), (Sizes{0, 0, 3, 4}));
}

TEST_F(ReshapeTargets, OneSizeIsWhatIsLeft) {
  EXPECT_EQ(target("f32[b,t,12]", "f32[b*t,3,4]"), (Sizes{-1, 3, 4}));
}

TEST_F(ReshapeTargets, WhatIsLeftOfASizeThatMayBeZeroIsNotKnown) {
  EXPECT_EQ(target("f32[b,t,4]", "f32[b,t*4]"), Sizes{});
}

TEST_F(ReshapeTargets, WhatIsLeftOfASizeThatIsNotZeroIs) {
  graph.symbols["b"].min = 1;
  EXPECT_EQ(target("f32[b,t,4]", "f32[b,t*4]"), (Sizes{0, -1}));
}

TEST_F(ReshapeTargets, CountsThatAreNotEqualForCertainAreComputed) {
  EXPECT_EQ(target("f32[b,12]", "f32[m,3,4]"), Sizes{});
}

TEST_F(ReshapeTargets, TwoSizesAtOtherPlacesAreComputed) {
  EXPECT_EQ(target("f32[b,t,4]", "f32[t,b,4]"), Sizes{});
}

TEST_F(ReshapeTargets, AnEmptyAxisIsNotWritten) { EXPECT_EQ(target("f32[b,0]", "f32[0,b]"), Sizes{}); }

TEST_F(ReshapeTargets, ZerosThatAreMeantStay) {
  EXPECT_EQ(target("f32[b,t,12]", "f32[b,t,3,4]", 1), Sizes{});
}

TEST_F(Passes, ABranchAlwaysTakenReplacesItsIf) {
  ir::Value* x = input("f32[2]");
  ir::Value* yes = e.constant(Tensor::of<uint8_t>(DType::boolean, {}, {1}));
  e.begin_block({});
  ir::Value* a = e.emit1("Identity", {e.emit1("Neg", {x})});
  ir::Block* then_block = e.end_block(std::span(&a, 1));
  e.begin_block({});
  ir::Value* b = e.emit1("Abs", {x});
  ir::Block* else_block = e.end_block(std::span(&b, 1));
  returns({e.emit1("If", {yes}, {at("then_branch", then_block), at("else_branch", else_block)})});
  remove_no_ops(graph);
  EXPECT_EQ(ops(), "Neg");
}

TEST_F(Passes, UnsqueezesBecomeOne) {
  ir::Value* v = e.emit1("Unsqueeze", {input("f32[2,3]"), ints({1})});  // [2,1,3]
  v = e.emit1("Unsqueeze", {v, ints({0, -1})});                         // [1,2,1,3,1]
  returns({v});
  remove_no_ops(graph);
  remove_dead_code(graph);
  EXPECT_EQ(ops(), "Unsqueeze");
  const ir::Node* made = graph.body().first();
  EXPECT_EQ(made->operand(1)->constant()->to_ints(), (std::vector<int64_t>{0, 2, 4}));
  EXPECT_EQ(made->output()->type().text(), "f32[1,2,1,3,1]");
}

TEST_F(Passes, EqualSmallConstantsAreOne) {
  ir::Value* x = input("f32[n,3]");
  const auto axes = [&](std::string_view name) {
    return graph.add_initializer(name, ir::Tensor::of<int64_t>(ir::DType::i64, {1}, {0}));
  };
  ir::Value *first = axes(""), *second = axes(""), *named = axes("weight");
  returns({e.emit1("Neg", {e.emit1("Unsqueeze", {x, first})}),
           e.emit1("Abs", {e.emit1("Unsqueeze", {x, second})}),
           e.emit1("Exp", {e.emit1("Unsqueeze", {x, named})})});
  merge_common_subexpressions(graph);
  EXPECT_FALSE(second->has_uses());
  EXPECT_TRUE(named->has_uses());
  EXPECT_EQ(graph.body().result(0)->producer()->operand(0), graph.body().result(1)->producer()->operand(0));
}

TEST_F(Passes, SizesAreReadOfTheInputs) {
  ir::Value* x = input("f32[batch,seq,8]");
  ir::Value* y = e.emit1("Relu", {x});
  ir::Value* whole = e.emit1("Shape", {y}, {at("start", int64_t{0}), at("end", int64_t{2})});
  ir::Value* last = e.emit1("Shape", {y}, {at("start", int64_t{-2}), at("end", int64_t{-1})});
  returns({e.emit1("Reshape", {y, e.shape(std::array{whole, ints({2, 4})})}), e.emit1("Expand", {y, last})});
  read_dims_of_inputs(graph, 23);
  remove_dead_code(graph);
  ir::for_each_node(graph.body(), [&](ir::Node* node) {
    if (node->op_text() == "Shape") {
      EXPECT_EQ(node->operand(0), x);
    }
  });
}

TEST_F(Passes, NeighbouringSizesAreReadAtOnce) {
  ir::Value* x = input("f32[batch,seq,8]");
  ir::Value* batch = e.emit1("Shape", {x}, {at("start", int64_t{0}), at("end", int64_t{1})});
  ir::Value* seq = e.emit1("Shape", {e.emit1("Relu", {x})}, {at("start", int64_t{1}), at("end", int64_t{2})});
  ir::Value* target =
      e.emit("", "Concat", std::array{batch, seq, ints({4, 2})}, {at("axis", int64_t{0})}, 1)[0];
  returns({e.emit1("Reshape", {x, target})});
  read_dims_of_inputs(graph, 23);
  remove_dead_code(graph);
  EXPECT_EQ(ops(), "Shape Concat Reshape");
}

TEST_F(Passes, SizesThatNoInputHasStay) {
  ir::Value* y = e.emit1("NonZero", {input("f32[n]")});  // [1,?0]
  ir::Value* shape = e.emit1("Shape", {y}, {at("start", int64_t{1}), at("end", int64_t{2})});
  returns({e.emit1("Expand", {ints({1}), shape})});
  read_dims_of_inputs(graph, 23);
  EXPECT_EQ(ops(), "NonZero Shape Expand");
}

}  // namespace
}  // namespace onnxport
