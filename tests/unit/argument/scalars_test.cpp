#include "core/argument/scalars.h"

#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <limits>
#include <string>

namespace onnxport {
namespace {

Argument I(int64_t v) { return {v}; }
Argument R(double v) { return {v}; }
Argument B(bool v) { return {v}; }
Argument S(const char* v) { return {std::string(v)}; }
Argument L(std::initializer_list<Argument> items) { return Argument::list_of(items); }
Argument T(std::initializer_list<Argument> items) {
  return Argument::list_of(items, ArgumentList::Form::tuple);
}
Argument D(std::initializer_list<Argument> items) {
  return Argument::list_of(items, ArgumentList::Form::dict);
}

struct Case {
  const char* op;
  std::vector<Argument> arguments;
  std::optional<Argument> expected;
};

void expect(const std::vector<Case>& cases) {
  for (size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    const auto got = evaluate_scalar(c.op, c.arguments);
    ASSERT_EQ(got.has_value(), c.expected.has_value()) << c.op << " (case " << i << ')';
    if (!got) continue;
    EXPECT_EQ(got->content.index(), c.expected->content.index()) << c.op << " (case " << i << ')';
    EXPECT_TRUE(equal(*got, *c.expected)) << c.op << " (case " << i << ')';
  }
}

TEST(Scalars, IntegersFollowPython) {
  expect({{"aten::add.int", {I(2), I(3)}, I(5)},
          {"aten::add.int", {I(INT64_MAX), I(1)}, std::nullopt},
          {"aten::sub.int", {I(2), I(3)}, I(-1)},
          {"aten::mul.int", {I(INT64_MIN), I(-1)}, std::nullopt},
          {"aten::floordiv.int", {I(-7), I(2)}, I(-4)},
          {"aten::floordiv.int", {I(7), I(-2)}, I(-4)},
          {"aten::floordiv.int", {I(7), I(0)}, std::nullopt},
          {"aten::remainder.int", {I(-7), I(3)}, I(2)},
          {"aten::remainder.int", {I(7), I(-3)}, I(-2)},
          {"aten::remainder.int", {I(INT64_MIN), I(-1)}, I(0)},
          {"aten::div.int", {I(7), I(2)}, R(3.5)},
          {"aten::div.int", {I(7), I(0)}, std::nullopt},
          {"aten::pow.int_to_int", {I(3), I(4)}, I(81)},
          {"aten::pow.int_to_int", {I(10), I(19)}, std::nullopt},
          {"aten::pow.int_to_int", {I(2), I(-1)}, std::nullopt},
          {"aten::pow.int", {I(2), I(-1)}, R(0.5)},
          {"aten::neg.int", {I(INT64_MIN)}, std::nullopt},
          {"prim::abs.int", {I(-4)}, I(4)},
          {"aten::__lshift__.int", {I(1), I(62)}, I(int64_t{1} << 62)},
          {"aten::__lshift__.int", {I(2), I(62)}, std::nullopt},
          {"aten::__rshift__.int", {I(-8), I(1)}, I(-4)},
          {"aten::__and__.int", {I(6), I(3)}, I(2)},
          {"aten::divmod.int", {I(-7), I(2)}, T({I(-4), I(1)})},
          {"aten::gcd.int", {I(12), I(18)}, I(6)},
          {"prim::max.int", {I(2), I(5)}, I(5)},
          {"prim::min.int_float", {I(2), R(2.5)}, R(2)},
          {"aten::__range_length", {I(0), I(10), I(3)}, I(4)},
          {"aten::__range_length", {I(10), I(0), I(-3)}, I(4)},
          {"aten::__range_length", {I(5), I(0), I(1)}, I(0)},
          {"aten::__derive_index", {I(2), I(10), I(-3)}, I(4)}});
}

TEST(Scalars, RealsAndConversions) {
  expect({{"aten::add", {I(2), R(0.5)}, R(2.5)},
          {"aten::floordiv.float", {R(-7.5), R(2)}, R(-4)},
          {"aten::remainder.float", {R(-7.5), R(2)}, R(0.5)},
          {"aten::floor.float", {R(-1.5)}, I(-2)},
          {"aten::ceil.float", {R(1e30)}, std::nullopt},
          {"aten::round.float", {R(2.5)}, R(2)},
          {"aten::Int.float", {R(-2.9)}, I(-2)},
          {"aten::Int.float", {R(NAN)}, std::nullopt},
          {"aten::Int.str", {S(" 12 ")}, I(12)},
          {"aten::Int.str", {S("12x")}, std::nullopt},
          {"aten::Float.int", {I(3)}, R(3)},
          {"aten::Bool.int", {I(3)}, B(true)},
          {"aten::Bool.float", {R(0)}, B(false)},
          {"aten::sqrt.int", {I(16)}, R(4)},
          {"aten::log.int_int", {I(8), I(2)}, R(std::log(8.0) / std::log(2.0))},
          {"aten::isnan.float", {R(NAN)}, B(true)},
          {"aten::factorial.int", {I(5)}, I(120)},
          {"aten::mul.complex_float",
           {{std::complex<double>(1, 2)}, R(2)},
           Argument{std::complex<double>(2, 4)}}});
}

TEST(Scalars, Comparisons) {
  expect({{"aten::eq.int", {I(2), R(2.0)}, B(true)},
          {"aten::lt.float", {R(NAN), R(1)}, B(false)},
          {"aten::ne.float", {R(NAN), R(NAN)}, B(true)},
          {"aten::eq.int", {{ir::DType::f32}, I(6)}, B(true)},
          {"aten::eq.int", {{ir::DType::f32}, {ir::DType::f16}}, B(false)},
          {"aten::ge.int", {I(2), I(2)}, B(true)},
          {"aten::lt.str", {S("a"), S("b")}, B(true)},
          {"aten::eq.str", {S("a"), S("a")}, B(true)},
          {"aten::eq.int_list", {L({I(1), I(2)}), L({I(1), I(2)})}, B(true)},
          {"aten::ne.int_list", {L({I(1)}), L({I(1), I(2)})}, B(true)},
          {"aten::__is__", {Argument{}, Argument{}}, B(true)},
          {"aten::__isnot__", {I(3), Argument{}}, B(true)},
          {"aten::__is__", {I(3), I(3)}, std::nullopt},
          {"aten::__not__", {B(false)}, B(true)},
          {"aten::__and__.bool", {B(true), B(false)}, B(false)},
          {"aten::lt", {S("a"), I(1)}, std::nullopt}});
}

TEST(Scalars, Lists) {
  const Argument list = L({I(10), I(20), I(30)});
  expect({{"aten::len.t", {list}, I(3)},
          {"aten::__getitem__.t", {list, I(-1)}, I(30)},
          {"aten::__getitem__.t", {list, I(3)}, std::nullopt},
          {"prim::TupleIndex", {T({I(1), S("x")}), I(1)}, S("x")},
          {"aten::__contains__.int_list", {list, I(20)}, B(true)},
          {"aten::__contains__.str_list", {L({S("a")}), S("b")}, B(false)},
          {"aten::add.t", {L({I(1)}), L({I(2)})}, L({I(1), I(2)})},
          {"aten::mul.left_t", {L({I(1)}), I(3)}, L({I(1), I(1), I(1)})},
          {"aten::mul.right_", {I(-1), L({I(1)})}, L({})},
          {"aten::mul.left_t", {list, I(INT64_MAX)}, std::nullopt},
          {"aten::mul.left_t", {L({}), I(INT64_MAX)}, L({})},
          {"aten::slice.t", {list, Argument{}, I(-1), I(1)}, L({I(10), I(20)})},
          {"aten::slice.t", {list, Argument{}, Argument{}, I(-1)}, L({I(30), I(20), I(10)})},
          {"aten::slice.t", {list, I(-100), I(100), I(2)}, L({I(10), I(30)})},
          {"aten::slice.t", {list, I(2), I(0), I(-1)}, L({I(30), I(20)})},
          {"aten::slice.t", {list, I(2), I(1), I(1)}, L({})},
          {"aten::slice.t", {list, Argument{}, Argument{}, I(0)}, std::nullopt},
          {"aten::sum.int", {list}, I(60)},
          {"aten::any.bool", {L({B(false), B(true)})}, B(true)},
          {"aten::all.int", {L({I(1), I(0)})}, B(false)},
          {"prim::max.self_int", {list}, I(30)},
          {"prim::min.int_list", {L({I(1), I(5)}), L({I(1), I(2)})}, L({I(1), I(2)})},
          {"aten::sorted.int", {L({I(3), I(1), I(2)})}, L({I(1), I(2), I(3)})},
          {"aten::index.list_int", {list, I(20)}, I(1)},
          {"aten::index.list_int", {list, I(21)}, std::nullopt},
          {"aten::count.int", {L({I(1), I(1)}), I(1)}, I(2)},
          {"aten::list.t", {T({I(1)})}, L({I(1)})}});
}

TEST(Scalars, Dicts) {
  const Argument dict = D({S("a"), I(1), S("b"), I(2)});
  expect({{"aten::__getitem__.Dict_str", {dict, S("b")}, I(2)},
          {"aten::__getitem__.Dict_str", {dict, S("c")}, std::nullopt},
          {"aten::__contains__.str", {dict, S("a")}, B(true)},
          {"aten::get.default_str", {dict, S("c"), I(9)}, I(9)},
          {"aten::get.str", {dict, S("c")}, Argument{}},
          {"aten::len.Dict_str", {dict}, I(2)},
          {"aten::keys.str", {dict}, L({S("a"), S("b")})},
          {"aten::values.str", {dict}, L({I(1), I(2)})},
          {"aten::items.str", {dict}, L({T({S("a"), I(1)}), T({S("b"), I(2)})})}});
}

TEST(Scalars, Strings) {
  expect({{"aten::add.str", {S("a"), S("b")}, S("ab")},
          {"aten::len.str", {S("abc")}, I(3)},
          {"aten::len.str", {S("\xc3\xa9")}, std::nullopt},
          {"aten::__contains__.str_list", {L({S("a"), S("b")}), S("b")}, B(true)},
          {"aten::startswith", {S("abc"), S("ab")}, B(true)},
          {"aten::startswith", {S("abc"), S("b"), I(0), I(-1)}, B(false)},
          {"aten::startswith", {S("abc"), S("b"), I(1), I(-1)}, std::nullopt},
          {"aten::endswith", {S("abc"), S("bc"), I(0), I(-1)}, B(true)},
          {"aten::find", {S("abcb"), S("b"), I(0), I(-1)}, I(1)},
          {"aten::rfind", {S("abcb"), S("b"), I(0), I(-1)}, I(3)},
          {"aten::find", {S("abc"), S("x"), I(0), I(-1)}, I(-1)},
          {"aten::find", {S("abc"), S("\xc3\xa9"), I(0), I(-1)}, std::nullopt},
          {"aten::count", {S("aXaXa"), S("Xa"), I(0), I(-1)}, I(2)},
          {"aten::count", {S("abc"), S(""), I(0), I(-1)}, I(4)},
          {"aten::replace", {S("a.b.c"), S("."), S("--"), I(-1)}, S("a--b--c")},
          {"aten::replace", {S("a.b.c"), S("."), S("-"), I(1)}, std::nullopt},
          {"aten::partition", {S("a.b.c"), S(".")}, T({S("a"), S("."), S("b.c")})},
          {"aten::rpartition", {S("abc"), S(".")}, T({S(""), S(""), S("abc")})},
          {"aten::lower", {S("AbC")}, S("abc")},
          {"aten::swapcase", {S("aB1")}, S("Ab1")},
          {"aten::capitalize", {S("hello World")}, S("Hello world")},
          {"aten::title", {S("hello wORLD")}, S("Hello World")},
          {"aten::isdigit", {S("12")}, B(true)},
          {"aten::isdigit", {S("")}, B(false)},
          {"aten::isupper", {S("A1")}, B(true)},
          {"aten::isupper", {S("1")}, B(false)},
          {"aten::islower", {S("aB")}, B(false)},
          {"aten::isalnum", {S("a1 ")}, B(false)},
          {"aten::zfill", {S("-7"), I(4)}, S("-007")},
          {"aten::rjust", {S("7"), I(3), S("*")}, S("**7")},
          {"aten::ljust", {S("7"), I(-3), S(" ")}, S("7")},
          {"aten::ord", {S("a")}, I(97)},
          {"prim::StringIndex", {S("abc"), I(-3)}, S("a")},
          {"aten::strip", {S(" x ")}, S("x")},
          {"aten::split.str", {S("a,b,"), S(","), I(-1)}, L({S("a"), S("b"), S("")})},
          {"aten::split.str", {S(" a  b "), Argument{}, I(-1)}, L({S("a"), S("b")})},
          {"aten::join", {S("-"), L({S("a"), S("b")})}, S("a-b")},
          {"aten::format", {S("feat{}_{}"), I(3), S("x")}, S("feat3_x")},
          {"aten::format", {S("{}{}"), I(3)}, std::nullopt},
          {"aten::slice.str", {S("abcd"), I(1), I(-1), I(1)}, S("bc")},
          {"aten::__getitem__.str", {S("abc"), I(-1)}, S("c")},
          {"aten::str", {I(12)}, S("12")}});
}

TEST(Scalars, OtherOperatorsAreNotOurs) {
  EXPECT_FALSE(evaluate_scalar("aten::relu", std::vector<Argument>{I(1)}));
  EXPECT_FALSE(evaluate_scalar("aten::add.int", std::vector<Argument>{I(1)}));
  EXPECT_FALSE(evaluate_scalar("", std::vector<Argument>{}));
}

// What takes lists apart works on any items: on values of a graph too, which know nothing of each other.
class ListsOfValues : public ::testing::Test {
 protected:
  ir::Graph graph{ir::Graph::Dialect::torch};
  Argument x = Argument::of(graph.add_input("x", ir::Type::tensor()));
  Argument y = Argument::of(graph.add_input("y", ir::Type::tensor()));

  static void expect_items(const std::optional<std::vector<Argument>>& got, std::vector<Argument> expected) {
    ASSERT_TRUE(got);
    ASSERT_EQ(got->size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(identical((*got)[i], expected[i])) << i;
  }
};

TEST_F(ListsOfValues, AreTakenApart) {
  const Argument list = L({x, I(3), y});
  expect_items(evaluate_call("prim::ListUnpack", std::vector{list}, 3), {x, I(3), y});
  expect_items(evaluate_call("prim::ListUnpack", std::vector{L({x})}, 1), {x});
  expect_items(evaluate_call("aten::__getitem__.t", std::vector{list, I(-1)}, 1), {y});
  expect_items(evaluate_call("prim::TupleIndex", std::vector{T({x, y}), I(1)}, 1), {y});
  expect_items(evaluate_call("aten::len.t", std::vector{list}, 1), {I(3)});
  expect_items(evaluate_call("aten::slice.t", std::vector{list, Argument{}, Argument{}, I(2)}, 1),
               {L({x, y})});
  expect_items(evaluate_call("aten::add.t", std::vector{list, L({x})}, 1), {L({x, I(3), y, x})});
  expect_items(evaluate_call("aten::mul.left_t", std::vector{L({x}), I(2)}, 1), {L({x, x})});
  expect_items(evaluate_call("aten::__getitem__.Dict_str", std::vector{D({S("a"), x, S("b"), y}), S("b")}, 1),
               {y});
  expect_items(evaluate_call("aten::values.str", std::vector{D({S("a"), x, S("b"), y})}, 1), {L({x, y})});
  expect_items(evaluate_call("aten::__contains__.str", std::vector{D({S("a"), x}), S("b")}, 1), {B(false)});
}

TEST_F(ListsOfValues, AreNotLookedInto) {
  const Argument list = L({x, I(3)});
  EXPECT_FALSE(evaluate_scalar("aten::__contains__.int_list", std::vector{list, I(4)}));
  EXPECT_FALSE(evaluate_scalar("aten::index.list_int", std::vector{list, I(3)}));
  EXPECT_FALSE(evaluate_scalar("aten::count.int", std::vector{list, I(3)}));
  EXPECT_FALSE(evaluate_scalar("aten::eq.int_list", std::vector{list, list}));
  EXPECT_FALSE(evaluate_scalar("aten::__is__", std::vector{x, Argument{}}));  // it may be None at run time
  EXPECT_FALSE(evaluate_scalar("aten::__getitem__.t", std::vector{list, x}));
  EXPECT_FALSE(evaluate_scalar("aten::__getitem__.Dict_int", std::vector{D({x, y}), I(1)}));
}

TEST_F(ListsOfValues, SayWhatIsNotThere) {
  EXPECT_EQ(list_error("aten::__getitem__.t", std::vector{L({x, y}), I(2)}, 1), "index 2 of a list of 2");
  EXPECT_EQ(list_error("prim::TupleUnpack", std::vector{T({x, y})}, 3),
            "prim::TupleUnpack expects 3 elements and gets 2");
  EXPECT_EQ(list_error("aten::__getitem__.Dict_str", std::vector{D({S("a"), x}), S("b")}, 1),
            "the dict has no key 'b'");
  EXPECT_EQ(list_error("aten::__getitem__.t", std::vector{L({x, y}), x}, 1), "");
  EXPECT_EQ(list_error("aten::cat", std::vector{L({x, y}), I(2)}, 1), "");
}

TEST(Arguments, AttributesThereAndBack) {
  const ir::AttributeValue values[] = {std::monostate(),
                                       int64_t{3},
                                       2.5,
                                       true,
                                       std::string("x"),
                                       ir::DType::f16,
                                       std::complex<double>(1, 2),
                                       std::vector<int64_t>{1, 2},
                                       std::vector<double>{1.5},
                                       std::vector<bool>{true, false},
                                       std::vector<std::string>{"a"},
                                       ir::Tensor::scalar(1)};
  for (const ir::AttributeValue& value : values) {
    const auto back = to_attribute(to_argument(value));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->index(), value.index());
    EXPECT_TRUE(identical(to_argument(*back), to_argument(value)));
  }
  EXPECT_FALSE(to_attribute(L({I(1), S("x")})));
  EXPECT_FALSE(to_attribute(T({I(1)})));
  EXPECT_FALSE(to_attribute(Argument::of(nullptr)));
}

TEST(Arguments, NumbersOfKinds) {
  EXPECT_EQ(B(true).to_int(), 1);
  EXPECT_EQ(I(3).to_real(), 3.0);
  EXPECT_FALSE(R(3).to_int());
  EXPECT_FALSE(Argument{ir::DType::f32}.to_int());
  EXPECT_TRUE(I(3).is_number());
  EXPECT_FALSE(S("3").is_number());
  EXPECT_FALSE(identical(I(1), B(true)));
  EXPECT_FALSE(identical(R(0.0), R(-0.0)));
  EXPECT_TRUE(identical(R(std::nan("")), R(std::nan(""))));
  EXPECT_FALSE(identical(L({I(1)}), T({I(1)})));
}

TEST(Arguments, DtypesByTorchsNumbers) {
  for (int number = 1; number <= static_cast<int>(ir::DType::f8e5m2fnuz); ++number) {
    const auto dtype = static_cast<ir::DType>(number);
    if (dtype == ir::DType::string) continue;
    EXPECT_EQ(dtype_of_torch(torch_scalar_type(dtype)), dtype) << number;
  }
  EXPECT_EQ(torch_scalar_type(ir::DType::string), -1);
  EXPECT_EQ(dtype_of_torch(-1), ir::DType::undefined);
  EXPECT_EQ(dtype_of_torch(8), ir::DType::undefined);
}

// Tensors win over 0-d tensors, those over numbers; a pair of numbers is a complex one.
TEST(Arguments, ResultTypes) {
  ir::Graph graph(ir::Graph::Dialect::onnx);
  int count = 0;
  const auto of = [&](const char* type, bool number = false, bool pair = false) {
    ir::Type t = ir::Type::parse(type).value();
    t.set_stands_for_complex(pair);
    return Argument::of(graph.add_input("v" + std::to_string(count++), t), number);
  };
  const auto type_of = [](const std::vector<Argument>& arguments) {
    std::vector<const Argument*> pointers;
    for (const Argument& a : arguments) pointers.push_back(&a);
    return result_type(pointers);
  };
  using ir::DType;
  EXPECT_EQ(type_of({of("f16[n]"), of("f32[]")}), DType::f16);
  EXPECT_EQ(type_of({of("i32[n]"), of("f64[]")}), DType::f64);
  EXPECT_EQ(type_of({of("f16[n]"), R(1.5)}), DType::f16);
  EXPECT_EQ(type_of({of("i32[n]"), R(1.5)}), DType::f32);
  EXPECT_EQ(type_of({of("i32[n]"), of("f64[]", true)}), DType::f32);  // a Python float
  EXPECT_EQ(type_of({of("bool[n]"), I(1)}), DType::i64);
  EXPECT_EQ(type_of({of("f64[n,2]", false, true), of("f32[n]")}), DType::c128);
  EXPECT_EQ(type_of({of("f32[n]"), Argument{std::complex<double>(1, 1)}}), DType::c64);
  EXPECT_EQ(type_of({L({of("f32[n]"), of("i64[n]")}), Argument{}}), DType::f32);
}

TEST(Scalars, ListsAndDictsThatAreWrittenTo) {
  const Argument list = L({I(1), I(2), I(3)});
  const Argument dict = D({S("a"), I(1), S("b"), I(2)});
  expect({
      {"prim::list_set", {list, I(-1), I(9)}, L({I(1), I(2), I(9)})},
      {"prim::list_set", {list, I(3), I(9)}, std::nullopt},
      {"prim::list_insert", {list, I(1), I(9)}, L({I(1), I(9), I(2), I(3)})},
      {"prim::list_insert", {list, I(-9), I(9)}, L({I(9), I(1), I(2), I(3)})},
      {"prim::list_insert", {list, I(7), I(9)}, L({I(1), I(2), I(3), I(9)})},
      {"prim::list_delete", {list, I(0)}, L({I(2), I(3)})},
      {"prim::list_delete", {L({}), I(0)}, std::nullopt},
      {"prim::list_reversed", {list}, L({I(3), I(2), I(1)})},
      {"prim::list_sorted", {list, B(true)}, L({I(3), I(2), I(1)})},
      {"prim::dict_set", {dict, S("a"), I(5)}, D({S("a"), I(5), S("b"), I(2)})},
      {"prim::dict_set", {dict, S("c"), I(5)}, D({S("a"), I(1), S("b"), I(2), S("c"), I(5)})},
      {"prim::dict_delete", {dict, S("a")}, D({S("b"), I(2)})},
      {"prim::dict_delete", {dict, S("c")}, std::nullopt},
      {"prim::dict_update",
       {dict, D({S("b"), I(7), S("c"), I(8)})},
       D({S("a"), I(1), S("b"), I(7), S("c"), I(8)})},
  });
}

}  // namespace
}  // namespace onnxport
