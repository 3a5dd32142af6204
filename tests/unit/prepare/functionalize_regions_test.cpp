#include "core/prepare/functionalize.h"

#include "unit/prepare/functional_text.h"

namespace onnxport {
namespace {

using test::functional;

TEST(Functionalize, BranchesReturnWhatTheyWrite) {
  EXPECT_EQ(functional("%x: f32[4], %c: bool", R"(
    %a: f32[4] = aten::clone(%x, %none)
    %v = aten::select.int(%a, %c0, %c0)
    %y = prim::If(%c) block() {
      %w = aten::fill_.Scalar(%v, %c7)
      return %a
    } block() {
      return %a
    }
    %u = aten::relu(%v)
    return %y, %u)"),
            R"(
0 = aten::clone(x, None)
1 = aten::select.int(0, 0, 0)
2 = prim::If(c)
 ()
  3 = aten::fill.Scalar(1, 7)
  4 = aten::select_scatter(0, 3, 0, 0)
  return 4
 ()
  return 0
5 = aten::select.int(2, 0, 0)
6 = aten::relu(5)
return 2, 6
)");
}

TEST(Functionalize, LoopsCarryWhatTheyWrite) {
  EXPECT_EQ(functional("%x: f32[4], %n: int", R"(
    %a: f32[4] = aten::clone(%x, %none)
    %v = aten::select.int(%a, %c0, %c0)
    prim::Loop(%n, %true) block(%i: int) {
      %w = aten::add_.Tensor(%v, %x, %c1)
      return %true
    }
    return %a)"),
            R"(
0 = aten::clone(x, None)
1 = prim::Loop(n, True, 0)
 (2, 3)
  4 = aten::select.int(3, 0, 0)
  5 = aten::add.Tensor(4, x, 1)
  6 = aten::type_as(5, 4)
  7 = aten::select_scatter(3, 6, 0, 0)
  return True, 7
return 1
)");
}

// "x += 1" in a scripted loop carries x and writes it in place: one value, not two.
TEST(Functionalize, CarriedTensorsWrittenInPlaceAreOne) {
  EXPECT_EQ(functional("%x: f32[4], %n: int", R"(
    %a: f32[4] = aten::clone(%x, %none)
    %out: f32[4] = prim::Loop(%n, %true, %a) block(%i: int, %p: f32[4]) {
      %w = aten::add_.Scalar(%p, %c1, %c1)
      return %true, %w
    }
    return %out, %a)"),
            R"(
0 = aten::clone(x, None)
1 = prim::Loop(n, True, 0)
 (2, 3)
  4 = aten::add.Scalar(3, 1, 1)
  return True, 4
return 1, 1
)");
}

TEST(Functionalize, CarriedTensorsWrittenInBranchesAreOne) {
  EXPECT_EQ(functional("%x: f32[4], %n: int, %c: bool", R"(
    %a: f32[4] = aten::clone(%x, %none)
    %v: f32[] = aten::select.int(%a, %c0, %c0)
    %out: f32[], %base: f32[4] = prim::Loop(%n, %true, %v, %a) block(%i: int, %p: f32[], %q: f32[4]) {
      %r: f32[], %s: f32[4] = prim::If(%c) block() {
        %w = aten::add_.Scalar(%p, %c1, %c1)
        return %w, %q
      } block() {
        %u = aten::relu_(%q)
        return %p, %u
      }
      return %true, %r, %s
    }
    return %out, %base)"),
            R"(
0 = aten::clone(x, None)
1 = prim::Loop(n, True, 0)
 (2, 3)
  4 = prim::If(c)
   ()
    5 = aten::select.int(3, 0, 0)
    6 = aten::add.Scalar(5, 1, 1)
    7 = aten::select_scatter(3, 6, 0, 0)
    return 7
   ()
    8 = aten::relu(3)
    return 8
  return True, 4
9 = aten::select.int(1, 0, 0)
return 9, 1
)");
}

TEST(Functionalize, ListsGrownInLoopsAreCarried) {
  EXPECT_EQ(functional("%x: f32[4], %n: int", R"(
    %l: list<f32[4]> = prim::ListConstruct()
    prim::Loop(%n, %true) block(%i: int) {
      %y: f32[4] = aten::relu(%x)
      %l2 = aten::append.t(%l, %y)
      return %true
    }
    %all = aten::cat(%l, %c0)
    return %all)"),
            R"(
0 = prim::ListConstruct()
1 = prim::Loop(n, True, 0)
 (2, 3)
  4 = aten::relu(x)
  5 = prim::ListConstruct(4)
  6 = aten::add.t(3, 5)
  return True, 6
7 = aten::cat(1, 0)
return 7
)");
}

TEST(Functionalize, NestedRegions) {
  EXPECT_EQ(functional("%x: f32[4], %n: int, %c: bool", R"(
    %a: f32[4] = aten::clone(%x, %none)
    prim::Loop(%n, %true) block(%i: int) {
      prim::If(%c) block() {
        %w = aten::relu_(%a)
        return
      } block() {
        return
      }
      return %true
    }
    return %a)"),
            R"(
0 = aten::clone(x, None)
1 = prim::Loop(n, True, 0)
 (2, 3)
  4 = prim::If(c)
   ()
    5 = aten::relu(3)
    return 5
   ()
    return 3
  return True, 4
return 1
)");
}

// "list[0] += x" reads, writes in place and stores: only the tensor changes, and the list stays known.
TEST(Functionalize, ElementsOfListsAreAccumulatedInLoops) {
  EXPECT_EQ(functional("%x: f32[4], %n: int", R"(
    %a: f32[4] = aten::clone(%x, %none)
    %l: list<f32[4]> = prim::ListConstruct(%a, %x)
    prim::Loop(%n, %true) block(%i: int) {
      %e: f32[4] = aten::__getitem__.t(%l, %c0)
      %w: f32[4] = aten::add_.Scalar(%e, %c1, %c1)
      %s = aten::_set_item.t(%l, %c0, %w)
      return %true
    }
    %first = aten::__getitem__.t(%l, %c0)
    return %first)"),
            R"(
0 = aten::clone(x, None)
1 = prim::Loop(n, True, 0)
 (2, 3)
  4 = aten::add.Scalar(3, 1, 1)
  return True, 4
return 1
)");
}

}  // namespace
}  // namespace onnxport
