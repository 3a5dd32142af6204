#include "core/ir/type.h"

#include <gtest/gtest.h>

#include <string>

namespace onnxport::ir {
namespace {

TEST(DType, NamesAndSizes) {
  EXPECT_EQ(parse_dtype("f32"), DType::f32);
  EXPECT_EQ(parse_dtype("float32"), DType::f32);
  EXPECT_EQ(parse_dtype("torch.int64"), DType::i64);
  EXPECT_EQ(parse_dtype("half"), DType::f16);
  EXPECT_EQ(parse_dtype("bool"), DType::boolean);
  EXPECT_EQ(parse_dtype("?"), std::nullopt);
  EXPECT_EQ(parse_dtype("f31"), std::nullopt);
  EXPECT_EQ(size_of(DType::c128), 16u);
  EXPECT_EQ(size_of(DType::undefined), 0u);
  EXPECT_EQ(size_of(static_cast<DType>(99)), 0u);
  EXPECT_EQ(short_name(static_cast<DType>(-1)), "?");
  for (int i = 1; i <= 20; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(parse_dtype(short_name(dtype)), dtype) << i;
  }
  EXPECT_TRUE(is_floating(DType::f8e5m2));
  EXPECT_TRUE(is_integral(DType::u64));
  EXPECT_FALSE(is_integral(DType::boolean));
  EXPECT_TRUE(is_complex(DType::c64));
}

TEST(Type, TextParsesBack) {
  Type complex = Type::tensor(DType::f32, Shape{Dim(3), Dim(2)});
  complex.set_stands_for_complex(true);
  const Type samples[] = {Type(),
                          Type::none(),
                          Type::integer(),
                          Type::real(),
                          Type::boolean(),
                          Type::string(),
                          Type::dtype_kind(),
                          Type::object(),
                          Type::tensor(),
                          Type::tensor(DType::f16),
                          Type::tensor(DType::i64, Shape{}),
                          Type::tensor(DType::f32, Shape{Dim::symbol("batch"), Dim(3), Dim(),
                                                         max(Dim::symbol("x,y]"), Dim::symbol("b"))}),
                          Type::tensor(DType::undefined, Shape{Dim(1)}),
                          complex,
                          Type::list(Type::integer()),
                          Type::optional(Type::list(Type::tensor(DType::f32))),
                          Type::tuple({Type::tensor(DType::f32, Shape{Dim(2)}), Type::integer()}),
                          Type::tuple({}),
                          Type::tuple({Type::integer(), Type::none()}, {"first", "second"}),
                          Type::dict(Type::string(), Type::tensor())};
  for (const Type& type : samples) {
    const auto parsed = Type::parse(type.text());
    ASSERT_TRUE(parsed) << type.text();
    EXPECT_EQ(*parsed, type) << type.text() << " read as " << parsed->text();
    EXPECT_EQ(parsed->text(), type.text());
  }
  EXPECT_EQ(Type::tensor(DType::f32, Shape{Dim::symbol("batch"), Dim(3)}).text(), "f32[batch,3]");
  EXPECT_EQ(Type::tensor(DType::f32).text(), "f32[*]");
  EXPECT_EQ(Type::tuple({Type::integer(), Type::none()}, {"x", "y"}).text(), "tuple<x: int,y: none>");
}

TEST(Type, BadTextIsRefused) {
  for (const char* text :
       {"", "f32", "f32[", "f32[3", "f32[3,]", "f32[,3]", "f33[3]", "list<>", "list<int,int>", "tuple<int",
        "dict<int>", "list<x: int>", "int]", "f32[3]x", "tuple<x: int,int>"}) {
    EXPECT_FALSE(Type::parse(text)) << text;
  }
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "list<";
  EXPECT_FALSE(Type::parse(deep));
}

TEST(Type, EqualityLetsUnknownDimsMeet) {
  const Type a = Type::tensor(DType::f32, Shape{Dim(), Dim(3)});
  EXPECT_EQ(a, Type::tensor(DType::f32, Shape{Dim(), Dim(3)}));
  EXPECT_FALSE(a == Type::tensor(DType::f32, Shape{Dim(1), Dim(3)}));
  EXPECT_FALSE(a == Type::tensor(DType::f32));
  EXPECT_EQ(a.rank(), 2);
  EXPECT_EQ(Type::tensor(DType::f32).rank(), -1);
}

}  // namespace
}  // namespace onnxport::ir
