#include "core/capture/exported_program/symbolic.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace onnxport {
namespace {

struct Read {
  const char* text;
  const char* dim;  // as Dim prints it
};

TEST(Symbolic, ReadsBothSpellings) {
  const Read all[] = {
      {"7", "7"},
      {"-7", "-7"},
      {"s77", "s77"},
      {"Symbol('s77', positive=True, integer=True)", "s77"},
      {"Symbol(\"s77\")", "s77"},
      {"Integer(-3)", "-3"},
      {"Mul(Integer(2), Symbol('s0', integer=True))", "2*s0"},
      {"2*s0", "2*s0"},
      {"Add(Symbol('s0'), Mul(Integer(-1), Symbol('s1')), Integer(4))", "s0-s1+4"},
      {"s0 - s1 + 4", "s0-s1+4"},
      {"s0 - -4", "s0+4"},
      {"-s0 + 1", "-s0+1"},
      {"Max(Integer(1), Symbol('s0'))", "max(1,s0)"},
      {"Min(s0, 8, 5)", "min(5,s0)"},
      {"FloorDiv(Symbol('s0'), Integer(2))", "floor_div(s0,2)"},
      {"s0//2", "floor_div(s0,2)"},
      {"(4*s0 + 2)//2", "2*s0+1"},
      {"CleanDiv(Mul(Integer(6), Symbol('s0')), Integer(3))", "2*s0"},
      {"Mod(Symbol('s0'), Integer(3))", "mod(s0,3)"},
      {"PythonMod(s0, 3)", "mod(s0,3)"},
      {"s0 % 3", "mod(s0,3)"},
      {"ModularIndexing(Symbol('s0'), Integer(2), Integer(5))", "mod(floor_div(s0,2),5)"},
      {"Pow(Symbol('s0'), Integer(2))", "s0*s0"},
      {"PowByNatural(s0, 3)", "s0*s0*s0"},
      {"s0**2", "s0*s0"},
      {"2*(s0 + s1)*(s0 - s1)", "2*s0*s0-2*s1*s1"},
      {"9223372036854775807", "9223372036854775807"},
  };
  for (const Read& r : all) {
    const auto dim = parse_symbolic(r.text);
    ASSERT_TRUE(dim) << r.text;
    EXPECT_EQ(*dim, ir::Dim::parse(r.dim)) << r.text << " reads as " << dim->text();
  }
}

TEST(Symbolic, WhatNoSizeCanHoldIsUnknown) {
  for (const char* text : {"s0/2", "2.5*s0", "Pow(Symbol('s0'), Integer(-1))", "s0**s1", "s0**17", "sin(s0)",
                           "Mod(s0)", "FloorDiv(s0, 0)", "s0 % 0", "Max()", "9223372036854775807 + 1",
                           "9223372036854775807*s0*2", "-9223372036854775807 - 2"}) {
    const auto dim = parse_symbolic(text);
    ASSERT_TRUE(dim) << text;
    EXPECT_TRUE(dim->is_unknown()) << text << " reads as " << dim->text();
  }
}

TEST(Symbolic, GarbageIsRefused) {
  const std::string zero("s0\0", 3);
  for (const std::string& text : {std::string(),
                                  std::string(" "),
                                  std::string("("),
                                  std::string("s0)"),
                                  std::string("2*"),
                                  std::string("*2"),
                                  std::string("s0 s1"),
                                  std::string("Symbol("),
                                  std::string("Symbol()"),
                                  std::string("Symbol('"),
                                  std::string("Symbol('')"),
                                  std::string("Symbol('s0'"),
                                  std::string("Symbol('a b')"),
                                  std::string("Symbol('?0')"),
                                  std::string("Symbol('0s')"),
                                  std::string("Mul(2"),
                                  std::string("Mul(2,"),
                                  std::string("Mul(2 3)"),
                                  std::string("\xc3\xa9"),
                                  std::string("99999999999999999999"),
                                  std::string("--"),
                                  zero}) {
    EXPECT_FALSE(parse_symbolic(text)) << text;
  }
}

// Took a time cubic in their number.
TEST(Symbolic, ExtremaOfManySizesAreQuickOrRefused) {
  const auto extremum = [](int count) {
    std::string out = "Max(s0";
    for (int i = 1; i < count; ++i) out += ", s" + std::to_string(i);
    return out + ")";
  };
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(parse_symbolic(extremum(128)));
  EXPECT_FALSE(parse_symbolic(extremum(129)));
  EXPECT_FALSE(parse_symbolic(extremum(3000)));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Symbolic, DepthIsBoundedAndLengthIsNot) {
  const auto nested = [](size_t depth) { return std::string(depth, '(') + "s0" + std::string(depth, ')'); };
  EXPECT_EQ(parse_symbolic(nested(50)), ir::Dim::symbol("s0"));
  EXPECT_FALSE(parse_symbolic(nested(1'000'000)));
  EXPECT_FALSE(parse_symbolic(std::string(1'000'000, '-') + "1"));
  std::string calls;
  for (int i = 0; i < 100'000; ++i) calls += "Max(";
  EXPECT_FALSE(parse_symbolic(calls));
  std::string sum = "s0";
  for (int i = 0; i < 10'000; ++i) sum += " + s0";
  EXPECT_EQ(parse_symbolic(sum), ir::Dim(10'001) * ir::Dim::symbol("s0"));
  std::string product = "(s0+1)";
  for (int i = 0; i < 1'000; ++i) product += "*(s" + std::to_string(i % 9) + "+1)";
  const auto huge = parse_symbolic(product);
  ASSERT_TRUE(huge);
  EXPECT_TRUE(huge->is_unknown()) << "too large to be carried";
}

}  // namespace
}  // namespace onnxport
