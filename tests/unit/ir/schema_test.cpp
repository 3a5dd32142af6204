#include "core/ir/schema.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "onnxport/errors.h"

namespace onnxport::ir {
namespace {

TEST(Schema, ReadsNamesArgumentsAndDefaults) {
  const Schema s = parse_schema("aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor");
  EXPECT_EQ(s.name, "aten::add");
  EXPECT_EQ(s.overload, "Tensor");
  EXPECT_EQ(s.qualified_name(), "aten::add.Tensor");
  ASSERT_EQ(s.arguments.size(), 3u);
  EXPECT_EQ(s.arguments[2].name, "alpha");
  EXPECT_TRUE(s.arguments[2].keyword_only);
  EXPECT_FALSE(s.arguments[1].keyword_only);
  EXPECT_EQ(std::get<int64_t>(*s.arguments[2].default_value), 1);
  EXPECT_EQ(s.find("other"), 1);
  EXPECT_EQ(s.find("out"), -1);
  EXPECT_FALSE(s.is_mutating());
}

TEST(Schema, ReadsAliasSets) {
  const Schema s = parse_schema("aten::transpose_(Tensor(a!) self, int dim0, int dim1) -> Tensor(a!)");
  EXPECT_TRUE(s.is_mutating());
  EXPECT_EQ(s.arguments[0].type, "Tensor");
  EXPECT_EQ(s.arguments[0].alias_set, "a");
  EXPECT_TRUE(s.returns[0].is_written);
  const Schema split =
      parse_schema("aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]");
  EXPECT_EQ(split.arguments[0].alias_set, "a");
  EXPECT_FALSE(split.arguments[0].is_written);
  EXPECT_EQ(split.arguments[1].type, "int");
  EXPECT_EQ(split.returns[0].type, "Tensor[]");
  EXPECT_EQ(split.returns[0].alias_set, "a");
  const Schema append = parse_schema("aten::append.t(t[](a!) self, t(c -> *) el) -> t[](a!)");
  EXPECT_EQ(append.arguments[0].type, "t[]");
  EXPECT_TRUE(append.arguments[0].is_written);
  EXPECT_EQ(parse_schema("aten::__getitem__.t(t[](a) list, int idx) -> t(*)").returns[0].alias_set, "*");
}

TEST(Schema, DefaultsTakeTheKindOfTheirType) {
  const Schema s = parse_schema(
      "x::y(float a=1, float[]? b=[1, 2], int[2] c=3, bool[3] d=[True, False, True], str e='q\\'s', int[] "
      "f=[], "
      "Tensor? g=None, float h=-inf, int reduction=Mean, MemoryFormat? m=contiguous_format, float n=1e-05, "
      "SymInt[1] o=[-1], ScalarType? p=long, str q=\"a\\nb\") -> (Tensor out, Tensor(a!) indices)");
  const auto value = [&](const char* name) {
    return *s.arguments[static_cast<size_t>(s.find(name))].default_value;
  };
  EXPECT_EQ(std::get<double>(value("a")), 1.0);
  EXPECT_EQ(std::get<std::vector<double>>(value("b")), (std::vector<double>{1, 2}));
  EXPECT_EQ(std::get<std::vector<int64_t>>(value("c")), (std::vector<int64_t>{3, 3}));
  EXPECT_EQ(std::get<std::vector<bool>>(value("d")), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(std::get<std::string>(value("e")), "q's");
  EXPECT_TRUE(std::get<std::vector<int64_t>>(value("f")).empty());
  EXPECT_TRUE(std::holds_alternative<std::monostate>(value("g")));
  EXPECT_LT(std::get<double>(value("h")), -1e300);
  EXPECT_EQ(std::get<int64_t>(value("reduction")), 1);
  EXPECT_EQ(std::get<int64_t>(value("m")), 0);
  EXPECT_EQ(std::get<double>(value("n")), 1e-5);
  EXPECT_EQ(std::get<std::vector<int64_t>>(value("o")), (std::vector<int64_t>{-1}));
  EXPECT_EQ(std::get<int64_t>(value("p")), 4);
  EXPECT_EQ(std::get<std::string>(value("q")), "a\nb");
  ASSERT_EQ(s.returns.size(), 2u);
  EXPECT_EQ(s.returns[1].name, "indices");
}

TEST(Schema, TextParsesBack) {
  // NOLINTBEGIN(bugprone-suspicious-missing-comma): a text over two lines is one
  for (const char* text :
       {"aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
        "aten::split.Tensor(Tensor(a) self, int split_size, int dim=0) -> Tensor(a)[]",
        "aten::append.t(t[](a!) self, t(c) el) -> t[](a!)", "aten::warn(str message, int stacklevel=2) -> ()",
        "aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
        "aten::gelu(Tensor self, *, str approximate=\"none\") -> Tensor",
        "aten::conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=[1, 1]) -> Tensor",
        "x::f(Dict(str, Tensor) d, (Tensor, int)[] t, __torch__.torch.classes.a.B o, float f=0.1) -> "
        "Tensor?[]",
        "x::g(bool[2] m=[True, False], float[] f=[0.5, 1.], float big=1e+30) -> (Tensor(a!), Tensor(b!))"}) {
    EXPECT_EQ(parse_schema(text).text(), text);
  }
  // NOLINTEND(bugprone-suspicious-missing-comma)
}

TEST(Schema, ToleratesWhatOnlyTorchWrites) {
  EXPECT_EQ(parse_schema("aten::format(str self, ...) -> str").arguments.size(), 1u);
  EXPECT_TRUE(parse_schema("prim::Print(...) -> ()").returns.empty());
  EXPECT_TRUE(parse_schema("prim::TupleUnpack(Any tup) -> ...").returns.empty());
  EXPECT_EQ(parse_schema("  a::b.default() -> Tensor  ").qualified_name(), "a::b");
}

TEST(Schema, BadTextNamesItsColumn) {
  for (const char* text : {"",
                           "add(Tensor x) -> Tensor",
                           "a::",
                           "a::b",
                           "a::b(",
                           "a::b(Tensor)",
                           "a::b(Tensor x",
                           "a::b(Tensor x)",
                           "a::b(Tensor x) ->",
                           "a::b(Tensor x) -> Tensor junk more",
                           "a::b(Tensor(a! x) -> Tensor",
                           "a::b(int[ x) -> int",
                           "a::b(int x=) -> int",
                           "a::b(int x=--3) -> int",
                           "a::b(str x='open) -> int",
                           "a::b(int[] x=[1,) -> int",
                           "a::b(int[] x=[[1]]) -> int",
                           "a::b(int[99999999] x=1) -> int",
                           "a::b(int x=99999999999999999999) -> int",
                           "a::b.(int x) -> int",
                           "a::b(int[] x=[True, 1]) -> int"}) {
    try {
      parse_schema(text);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.diagnostics()[0].code, "M112") << text;
      EXPECT_GT(error.diagnostics()[0].place.column, 0) << text;
    }
  }
  EXPECT_THROW(parse_schema("a::b(" + std::string(100000, '(')), Error);
}

}  // namespace
}  // namespace onnxport::ir
