#include "core/prepare/fold.h"

#include <string>
#include <vector>

#include "core/prepare/dead_code.h"
#include "core/prepare/prepare.h"
#include "unit/prepare/torch_text.h"

namespace onnxport {
namespace {

using test::render;
using test::torch_graph;

std::string folded(const std::string& inputs, const std::string& body) {
  const auto graph = torch_graph(inputs, body);
  std::vector<Diagnostic> notes;
  fold_scalars(*graph, notes);
  EXPECT_THAT(ir::check_invariants(*graph), ::testing::IsEmpty());
  remove_dead_torch_code(*graph);
  return render(*graph);
}

std::string prepared(const std::string& inputs, const std::string& body) {
  const auto graph = torch_graph(inputs, body);
  std::vector<Diagnostic> notes;
  prepare(*graph, State::drop, notes);
  return render(*graph);
}

TEST(Fold, ArithmeticAndConditions) {
  EXPECT_EQ(folded("%x: f32[2]", R"(
    %a = aten::add.int(%c2, %c3)
    %b = aten::mul.int(%a, %c4)
    %big = aten::gt.int(%b, %c9)
    %y = prim::If(%big) block() {
      %t = aten::relu(%x)
      return %t
    } block() {
      return %x
    }
    return %y, %b)"),
            "\n0 = aten::relu(x)\nreturn 0, 20\n");
}

TEST(Fold, NestedBranchesOfInlinedBranches) {
  EXPECT_EQ(folded("%x: f32[2]", R"(
    %y = prim::If(%true) block() {
      %z = prim::If(%false) block() {
        return %x
      } block() {
        %t = aten::relu(%x)
        return %t
      }
      return %z
    } block() {
      return %x
    }
    return %y)"),
            "\n0 = aten::relu(x)\nreturn 0\n");
}

TEST(Fold, NoneIsDecidedWithoutTypes) {
  EXPECT_EQ(folded("%x, %o: optional<f32[2]>", R"(
    %y = aten::relu(%x)
    %a = aten::__isnot__(%y, %none)
    %b = aten::__is__(%none, %none)
    %unknown = aten::__is__(%o, %none)
    %cast = prim::unchecked_cast(%y)
    return %a, %b, %unknown, %cast)"),
            "\n0 = aten::relu(x)\n1 = aten::__is__(o, None)\nreturn True, True, 1, 0\n");
}

TEST(Fold, TwoTensorsAreOneWhenTheyAreOneValue) {
  EXPECT_EQ(folded("%x: f32[2], %z: f32[2]", R"(
    %y = aten::relu(%x)
    %a = aten::__is__(%y, %y)
    %b = aten::__isnot__(%x, %x)
    %c = aten::__is__(%x, %z)
    %d = aten::__isnot__(%y, %x)
    %w = aten::relu_(%z)
    %unknown = aten::__is__(%w, %z)
    return %a, %b, %c, %d, %unknown)"),
            "\n0 = aten::relu_(z)\n1 = aten::__is__(0, z)\nreturn True, False, False, True, 1\n");
}

TEST(Fold, WhetherALoopStillCarriesWhatItBeganWithIsNotDecided) {
  EXPECT_THAT(folded("%x: f32[2], %n: int, %go: bool", R"(
    %y: f32[2] = prim::Loop(%n, %go, %x) block(%i: int, %h: f32[2]) {
      %same = aten::__is__(%h, %x)
      %next = aten::relu(%h)
      return %same, %next
    }
    return %y)"),
              testing::HasSubstr("aten::__is__("));
}

TEST(Fold, ContainersOfUnknownsHaveKnownLength) {
  EXPECT_EQ(folded("%x: f32[2], %y: f32[2]", R"(
    %l: list<f32[2]> = prim::ListConstruct(%x, %y)
    %n = aten::len.t(%l)
    %e = aten::__getitem__.t(%l, %m1)
    %t = prim::TupleConstruct(%l, %c3)
    %l2, %k = prim::TupleUnpack(%t)
    %m = aten::add.int(%k, %n)
    return %e, %m)"),
            "\nreturn y, 5\n");
}

TEST(Fold, ListsThatChangeAreLeftAlone) {
  EXPECT_EQ(folded("%x: f32[2]", R"(
    %l: list<f32[2]> = prim::ListConstruct(%x)
    %l2 = aten::append.t(%l, %x)
    %n = aten::len.t(%l)
    return %n)"),
            "\n0 = prim::ListConstruct(x)\n1 = aten::append.t(0, x)\n2 = aten::len.t(0)\nreturn 2\n");
  EXPECT_EQ(prepared("%x: f32[2]", R"(
    %l: list<f32[2]> = prim::ListConstruct(%x)
    %l2 = aten::append.t(%l, %x)
    %n = aten::len.t(%l)
    return %n)"),
            "\nreturn 2\n");
}

TEST(Fold, LoopsOfKnownLengthAreUnrolled) {
  EXPECT_EQ(prepared("%x: f32[2]", R"(
    %l: list<f32[2]> = prim::ListConstruct()
    %out: f32[2] = prim::Loop(%c3, %true, %x) block(%i: int, %p: f32[2]) {
      %q: f32[2] = aten::relu(%p)
      %even = aten::gt.int(%i, %c0)
      prim::If(%even) block() {
        %l2 = aten::append.t(%l, %q)
        return
      } block() {
        return
      }
      return %true, %q
    }
    %all = aten::cat(%l, %c0)
    return %all, %out)"),
            R"(
0 = aten::relu(x)
1 = aten::relu(0)
2 = aten::relu(1)
3 = prim::ListConstruct(1, 2)
4 = aten::cat(3, 0)
return 4, 2
)");
}

TEST(Fold, LoopsThatDoNotRunVanish) {
  EXPECT_EQ(folded("%x: f32[2], %n: int", R"(
    %a: f32[2] = prim::Loop(%c0, %true, %x) block(%i: int, %p: f32[2]) {
      %q: f32[2] = aten::relu(%p)
      return %true, %q
    }
    %b: f32[2] = prim::Loop(%n, %false, %a) block(%j: int, %r: f32[2]) {
      %s: f32[2] = aten::relu(%r)
      return %true, %s
    }
    return %b)"),
            "\nreturn x\n");
}

TEST(Fold, LoopsOfUnknownLengthStay) {
  const std::string out = folded("%x: f32[2], %n: int", R"(
    %a: f32[2] = prim::Loop(%n, %true, %x) block(%i: int, %p: f32[2]) {
      %k = aten::add.int(%c1, %c2)
      %s = aten::add.int(%i, %k)
      %q: f32[2] = aten::relu(%p)
      return %true, %q
    }
    return %a)");
  EXPECT_EQ(out, R"(
0 = prim::Loop(n, True, x)
 (1, 2)
  3 = aten::relu(2)
  return True, 3
return 0
)");
}

TEST(Fold, BranchesThatOnlyRaiseAreNotTaken) {
  EXPECT_EQ(folded("%x: f32[2], %c: bool", R"(
    %m: str = prim::Constant() {value = "bad"}
    %y: f32[2] = prim::If(%c) block() {
      prim::RaiseException(%m, %none)
      %u: f32[2] = prim::Uninitialized()
      return %u
    } block() {
      %t: f32[2] = aten::relu(%x)
      return %t
    }
    return %y)"),
            "\n0 = aten::relu(x)\nreturn 0\n");
}

// Twice the same check, as an unrolled loop leaves it, is one note; which branch raises does not matter.
TEST(Fold, ChecksThatAreLeftOutAreNoted) {
  const auto graph = torch_graph("%x: f32[2], %c: bool, %d: bool", R"(
    %m: str = prim::Constant() {value = "too long"}
    prim::If(%c) block() {
      return
    } block() {
      prim::RaiseException(%m, %none)
      return
    }
    prim::If(%d) block() {
      prim::RaiseException(%m, %none)
      return
    } block() {
      return
    }
    return %x)");
  std::vector<Diagnostic> notes;
  fold_scalars(*graph, notes);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].code, "T547");
  EXPECT_EQ(notes[0].severity, Severity::note);
  EXPECT_EQ(notes[0].message, "a check of values that only a run knows is left out: 'too long'");
}

TEST(DeadCode, GoesThroughRegions) {
  EXPECT_EQ(prepared("%x: f32[2], %c: bool, %n: int", R"(
    %m: str = prim::Constant() {value = "careful"}
    %dead: f32[2] = aten::relu(%x)
    aten::warn(%m, %c2)
    %a: f32[2], %b: f32[2] = prim::If(%c) block() {
      %p: f32[2] = aten::relu(%x)
      return %x, %p
    } block() {
      %q: f32[2] = aten::dropout(%x, %c1, %true)
      return %q, %x
    }
    %u: f32[2], %v: f32[2] = prim::Loop(%n, %true, %x, %b) block(%i: int, %k: f32[2], %l: f32[2]) {
      %w: f32[2] = aten::relu(%l)
      return %true, %k, %w
    }
    return %v)"),
            R"(
0 = prim::If(c)
 ()
  1 = aten::relu(x)
  return 1
 ()
  return x
2 = prim::Loop(n, True, 0)
 (3, 4)
  5 = aten::relu(4)
  return True, 5
return 2
)");
}

TEST(DeadCode, ModelThatAlwaysRaisesKeepsSayingSo) {
  EXPECT_THAT(prepared("%x: f32[2]", R"(
    %m: str = prim::Constant() {value = "no"}
    prim::RaiseException(%m, %none)
    return %x)"),
              ::testing::HasSubstr("prim::RaiseException"));
}

}  // namespace
}  // namespace onnxport
