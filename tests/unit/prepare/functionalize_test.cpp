#include "core/prepare/functionalize.h"

#include "unit/prepare/functional_text.h"

namespace onnxport {
namespace {

using test::expect_refused;
using test::functional;
using test::torch_graph;
using ::testing::HasSubstr;

TEST(Functionalize, InPlaceBecomesFunctional) {
  EXPECT_EQ(functional("%x: f32[2]", R"(
    %a: f32[2] = aten::clone(%x, %none)
    %b = aten::relu_(%a)
    %c = aten::add_.Tensor(%b, %x, %c1)
    return %a, %c)"),
            R"(
0 = aten::clone(x, None)
1 = aten::relu(0)
2 = aten::add.Tensor(1, x, 1)
return 2, 2
)");
}

TEST(Functionalize, DtypeIsKeptWhereItMightChange) {
  EXPECT_EQ(functional("%x: f16[2], %y: f32[2]", R"(
    %b = aten::mul_.Tensor(%x, %y)
    return %b)"),
            R"(
0 = aten::mul.Tensor(x, y)
1 = aten::type_as(0, x)
return 1
)");
}

TEST(Functionalize, WritesThroughViewsReachTheBase) {
  EXPECT_EQ(functional("%x: f32[4,4]", R"(
    %a: f32[4,4] = aten::clone(%x, %none)
    %row = aten::select.int(%a, %c0, %c1)
    %part = aten::slice.Tensor(%row, %c0, %c1, %c3, %c1)
    %w = aten::fill_.Scalar(%part, %c7)
    return %a, %row)"),
            R"(
0 = aten::clone(x, None)
1 = aten::select.int(0, 0, 1)
2 = aten::slice.Tensor(1, 0, 1, 3, 1)
3 = aten::fill.Scalar(2, 7)
4 = aten::slice_scatter(1, 3, 0, 1, 3, 1)
5 = aten::select_scatter(0, 4, 0, 1)
return 5, 4
)");
}

TEST(Functionalize, OtherViewsAreMadeAgainWhenRead) {
  EXPECT_EQ(functional("%x: f32[4,4]", R"(
    %a: f32[4,4] = aten::clone(%x, %none)
    %t = aten::transpose.int(%a, %c0, %c1)
    %r = aten::select.int(%t, %c0, %c2)
    %w = aten::relu_(%a)
    %unread = aten::zero_(%x)
    return %r)"),
            R"(
0 = aten::clone(x, None)
1 = aten::relu(0)
2 = aten::transpose.int(1, 0, 1)
3 = aten::select.int(2, 0, 2)
return 3
)");
}

TEST(Functionalize, GeometryIsUndone) {
  EXPECT_EQ(functional("%x: f32[2,3,4]", R"(
    %a: f32[2,3,4] = aten::clone(%x, %none)
    %dims = prim::ListConstruct(%c2, %c0, %c1)
    %p = aten::permute(%a, %dims)
    %t = aten::transpose.int(%p, %c0, %c1)
    %u = aten::unsqueeze(%t, %m1)
    %size = prim::ListConstruct(%m1)
    %v = aten::view(%u, %size)
    %n = aten::narrow(%v, %c0, %c2, %c3)
    %w = aten::relu_(%n)
    return %a)"),
            R"(
0 = aten::clone(x, None)
1 = prim::ListConstruct(2, 0, 1)
2 = aten::permute(0, 1)
3 = aten::transpose.int(2, 0, 1)
4 = aten::unsqueeze(3, -1)
5 = prim::ListConstruct(-1)
6 = aten::view(4, 5)
7 = aten::narrow(6, 0, 2, 3)
8 = aten::relu(7)
9 = aten::slice_scatter(6, 8, 0, 2, 5, 1)
10 = aten::size(4)
11 = aten::reshape(9, 10)
12 = aten::squeeze.dim(11, -1)
13 = aten::transpose.int(12, 0, 1)
14 = aten::permute(13, [1,2,0])
return 14
)");
}

TEST(Functionalize, ElementsOfSplitsAreViews) {
  EXPECT_EQ(functional("%x: f32[2,4]", R"(
    %a: f32[2,4] = aten::clone(%x, %none)
    %list: list<f32[4]> = aten::unbind.int(%a, %c0)
    %p, %q = prim::ListUnpack(%list)
    %w = aten::relu_(%q)
    return %a)"),
            R"(
0 = aten::clone(x, None)
1 = aten::unbind.int(0, 0)
2, 3 = prim::ListUnpack(1)
4 = aten::relu(3)
5 = aten::select_scatter(0, 4, 0, 1)
return 5
)");
  EXPECT_EQ(functional("%x: f32[2,4]", R"(
    %a: f32[2,4] = aten::clone(%x, %none)
    %list: list<f32[2,2]> = aten::chunk(%a, %c2, %c1)
    %p, %q = prim::ListUnpack(%list)
    %w = aten::relu_(%p)
    return %a, %q)"),
            R"(
0 = aten::clone(x, None)
1 = aten::chunk(0, 2, 1)
2, 3 = prim::ListUnpack(1)
4 = aten::relu(2)
5 = aten::__getitem__.t(1, 1)
6 = prim::ListConstruct(4, 5)
7 = aten::cat(6, 1)
8 = aten::chunk(7, 2, 1)
9 = aten::__getitem__.t(8, 1)
return 7, 9
)");
}

// As torch prints the schema: the list's alias mark is missing.
TEST(Functionalize, PiecesTakenByIndexAreViews) {
  EXPECT_EQ(functional("%x: f32[2,4]", R"(
    %a: f32[2,4] = aten::clone(%x, %none)
    %list: list<f32[2,2]> = aten::split.Tensor(%a, %c2, %c1)
    %p = aten::__getitem__.t(%list, %c1)
    %w = aten::relu_(%p)
    return %a)"),
            R"(
0 = aten::clone(x, None)
1 = aten::split.Tensor(0, 2, 1)
2 = aten::__getitem__.t(1, 1)
3 = aten::relu(2)
4 = aten::slice_scatter(0, 3, 1, 2, 4, 1)
return 4
)");
}

TEST(Functionalize, ConversionsToAnotherDtypeAreCopies) {
  EXPECT_EQ(functional("%x: f32[2]", R"(
    %i64 = prim::Constant() {value = dtype i64}
    %f32 = prim::Constant() {value = dtype f32}
    %i = aten::to.dtype(%x, %i64, %false, %false, %none)
    %f = aten::to.dtype(%i, %f32, %false, %false, %none)
    %w = aten::relu_(%f)
    return %x, %i, %w)"),
            R"(
0 = aten::to.dtype(x, constant, False, False, None)
1 = aten::to.dtype(0, constant, False, False, None)
2 = aten::relu(1)
return x, 0, 2
)");
}

TEST(Functionalize, IndexedAssignment) {
  EXPECT_EQ(functional("%x: f32[4,4], %y: f32[4]", R"(
    %a: f32[4,4] = aten::clone(%x, %none)
    %row = aten::select.int(%a, %c0, %c1)
    %w = aten::copy_(%row, %y, %false)
    %r = aten::relu(%a)
    return %r)"),
            R"(
0 = aten::clone(x, None)
1 = aten::select.int(0, 0, 1)
2 = aten::copy(1, y, False)
3 = aten::select_scatter(0, 2, 0, 1)
4 = aten::relu(3)
return 4
)");
}

TEST(Functionalize, ListsInAStraightLineAreValues) {
  EXPECT_EQ(functional("%x: f32[2], %y: f32[2]", R"(
    %l: list<f32[2]> = prim::ListConstruct(%x)
    %l2 = aten::append.t(%l, %y)
    aten::insert.t(%l, %c0, %y)
    %l3 = aten::_set_item.t(%l, %m1, %x)
    %popped = aten::pop.t(%l, %c1)
    %first = aten::__getitem__.t(%l, %c0)
    %all = aten::cat(%l2, %c0)
    return %all, %popped, %first)"),
            R"(
0 = prim::ListConstruct(y, x)
1 = aten::cat(0, 0)
return 1, x, y
)");
}

TEST(Functionalize, WrittenElementsAreSeenThroughTheirList) {
  EXPECT_EQ(functional("%x: f32[2]", R"(
    %a: f32[2] = aten::clone(%x, %none)
    %l: list<f32[2]> = prim::ListConstruct(%a, %x)
    %e = aten::__getitem__.t(%l, %c0)
    %w = aten::relu_(%e)
    %all = aten::cat(%l, %c0)
    return %all)"),
            R"(
0 = aten::clone(x, None)
1 = aten::relu(0)
2 = prim::ListConstruct(1, x)
3 = aten::cat(2, 0)
return 3
)");
}

TEST(Functionalize, DictsWithConstantKeys) {
  EXPECT_EQ(functional("%x: f32[2], %y: f32[2]", R"(
    %k: str = prim::Constant() {value = "a"}
    %k2: str = prim::Constant() {value = "b"}
    %d: dict<str,f32[2]> = prim::DictConstruct(%k, %x)
    aten::_set_item.str(%d, %k, %y)
    aten::_set_item.str(%d, %k2, %x)
    %a = aten::__getitem__.Dict_str(%d, %k)
    %b = aten::__getitem__.Dict_str(%d, %k2)
    return %a, %b)"),
            "\nreturn y, x\n");
}

TEST(Functionalize, GeometryInPlace) {
  EXPECT_EQ(functional("%x: f32[4]", R"(
    %a: f32[4] = aten::clone(%x, %none)
    %u = aten::unsqueeze_(%a, %c0)
    %w = aten::relu_(%a)
    return %u)"),
            R"(
0 = aten::clone(x, None)
1 = aten::unsqueeze(0, 0)
2 = aten::relu(1)
return 2
)");
}

TEST(Functionalize, GeometryInPlaceLeavesOlderViewsAlone) {
  EXPECT_EQ(functional("%x: f32[4]", R"(
    %a: f32[4] = aten::clone(%x, %none)
    %v = aten::select.int(%a, %c0, %c3)
    %u = aten::unsqueeze_(%a, %c0)
    %w = aten::relu_(%a)
    return %a, %v)"),
            R"(
0 = aten::clone(x, None)
1 = aten::unsqueeze(0, 0)
2 = aten::relu(1)
3 = aten::squeeze.dim(2, 0)
4 = aten::select.int(3, 0, 3)
return 2, 4
)");
}

TEST(Functionalize, DropoutInEvalIsItsInput) {
  EXPECT_THAT(functional("%x: f32[4]", R"(
    %p: float = prim::Constant() {value = 0.5}
    %a: f32[4] = aten::clone(%x, %none)
    %d: f32[4] = aten::dropout(%a, %p, %false)
    %w = aten::relu_(%d)
    return %a)"),
              HasSubstr("return 1\n"));
}

TEST(Functionalize, StateThatIsWrittenIsReported) {
  const auto graph = torch_graph("%x: f32[2]", R"(
    %w = aten::add_.Tensor(%buffer, %x, %c1)
    %v = aten::relu_(%x)
    prim::SetAttr(%v) {name = "m.state"} @"m" "model.py:7"
    return %v)",
                                 "initializer %buffer: f32[2] = {1.0, 2.0}\n");
  std::vector<Diagnostic> notes;
  functionalize(*graph, State::drop, notes);
  ASSERT_EQ(notes.size(), 3u);
  for (const Diagnostic& note : notes) EXPECT_EQ(note.code, "T521");
  EXPECT_THAT(notes[0].message, HasSubstr("buffer"));
  EXPECT_THAT(notes[1].message, HasSubstr("'x'"));
  EXPECT_THAT(notes[2].message, HasSubstr("m.state"));
  EXPECT_EQ(notes[2].place.source, "model.py:7");
}

TEST(Functionalize, WhatCannotBeDoneIsRefused) {
  expect_refused("%x: f32[4]", R"(
    %s = prim::ListConstruct(%c2)
    %v = aten::as_strided(%x, %s, %s, %none)
    %w = aten::relu_(%v)
    return %x)",
                 "aten::as_strided");
  expect_refused("%x: f32[4]", R"(
    %s = prim::ListConstruct(%c2)
    %w = aten::resize_(%x, %s)
    return %x)",
                 "no operator is known");
  // Whether reshape copies depends on strides nobody recorded.
  expect_refused("%x: f32[4,4]", R"(
    %s = prim::ListConstruct(%c2)
    %a: f32[4,4] = aten::relu(%x)
    %t = aten::transpose.int(%a, %c0, %c1)
    %v = aten::reshape(%t, %s)
    %w = aten::relu_(%v)
    return %w, %a)",
                 "may share");
}

TEST(Functionalize, ElementsWrittenByUnknownIndexAreRefused) {
  expect_refused("%x: f32[4], %i: int", R"(
    %a: f32[4] = aten::relu(%x)
    %b: f32[4] = aten::relu(%x)
    %l: list<f32[4]> = prim::ListConstruct(%a, %b)
    %e: f32[4] = aten::__getitem__.t(%l, %i)
    %w = aten::add_.Tensor(%e, %x, %c1)
    %s = aten::_set_item.t(%l, %i, %w)
    %first = aten::__getitem__.t(%l, %c0)
    return %first)",
                 "may share");
}

TEST(Functionalize, ListsAreWrittenToAtAnyPosition) {
  EXPECT_EQ(functional("%x: f32[4], %i: int", R"(
    %l: list<f32[4]> = prim::ListConstruct(%x)
    %m = aten::_set_item.t(%l, %i, %x)
    aten::insert.t(%l, %i, %x)
    %p: f32[4] = aten::pop.t(%l, %i)
    %all = aten::cat(%l, %c0)
    return %all, %p)"),
            R"(
0 = prim::ListConstruct(x)
1 = prim::list_set(0, i, x)
2 = prim::list_insert(1, i, x)
3 = aten::__getitem__.t(2, i)
4 = prim::list_delete(2, i)
5 = aten::cat(4, 0)
return 5, 3
)");
}

TEST(Functionalize, AmbiguousMemoryIsFineWhenNobodyLooks) {
  EXPECT_THAT(functional("%x: f32[4,4]", R"(
    %s = prim::ListConstruct(%c2)
    %a: f32[4,4] = aten::relu(%x)
    %t = aten::transpose.int(%a, %c0, %c1)
    %v = aten::reshape(%t, %s)
    %w = aten::relu_(%v)
    return %w)"),
              HasSubstr("4 = aten::relu(3)\nreturn 4\n"));
}

TEST(Functionalize, EveryRefusalIsReportedAtOnce) {
  const auto graph = torch_graph("%x: f32[4]", R"(
    %s = prim::ListConstruct(%c2)
    %w = aten::resize_(%x, %s)
    %v = aten::resize_(%x, %s)
    return %x)");
  std::vector<Diagnostic> notes;
  try {
    functionalize(*graph, State::drop, notes);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.diagnostics().size(), 2u);
  }
}

std::unique_ptr<ir::Graph> chain(int length) {
  auto graph = torch_graph("%x: f32[4]", "return %x");
  ir::Block& body = graph->body();
  ir::Value* zero = body.first()->next()->output();
  ir::Value* x = body.parameters()[0];
  for (int i = 0; i < length; ++i) {
    ir::Value* view_operands[] = {x, zero, zero};
    ir::Node* view = graph->create("aten::select.int", view_operands, graph->find_schema("aten::select.int"));
    graph->append(body, view);
    ir::Value* written = view->add_output();
    ir::Node* write = graph->create("aten::relu_", {&written, 1}, graph->find_schema("aten::relu_"));
    write->add_output();
    graph->append(body, write);
  }
  return graph;
}

TEST(Functionalize, CostGrowsWithTheGraph) {
  const auto graph = chain(32000);
  std::vector<Diagnostic> notes;
  functionalize(*graph, State::drop, notes);  // quadratic would take minutes, and ctest's limit ends it
  remove_dead_torch_code(*graph);
  EXPECT_THAT(ir::check_invariants(*graph), ::testing::IsEmpty());
}

}  // namespace
}  // namespace onnxport
