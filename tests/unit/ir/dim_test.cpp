#include "core/ir/dims/dim.h"
#include "core/ir/dims/bounds.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <random>
#include <string>

namespace onnxport::ir {
namespace {

const Dim a = Dim::symbol("a");
const Dim b = Dim::symbol("b");
const Dim s = Dim::symbol("seq");

TEST(Dim, ArithmeticIsCanonical) {
  EXPECT_EQ(s + s + Dim(1) - Dim(1), Dim(2) * s);
  EXPECT_EQ((a + b) * (a - b), a * a - b * b);
  EXPECT_EQ(a * b, b * a);
  EXPECT_EQ(a - a, Dim(0));
  EXPECT_EQ((s * Dim(0)), Dim(0));
  EXPECT_FALSE(a == b);
  EXPECT_FALSE(a + Dim(1) == a);
}

TEST(Dim, UnknownEqualsNothing) {
  EXPECT_FALSE(Dim() == Dim());
  EXPECT_FALSE(Dim() == Dim(3));
  EXPECT_TRUE((Dim() + a).is_unknown());
  EXPECT_TRUE((Dim() * Dim(0)).is_unknown());
  EXPECT_TRUE(max(Dim(), Dim(1)).is_unknown());
}

TEST(Dim, TextIsReadable) {
  EXPECT_EQ(s.text(), "seq");
  EXPECT_EQ((Dim(2) * s + Dim(1)).text(), "2*seq+1");
  EXPECT_EQ((a * b - a - Dim(3)).text(), "a*b-a-3");
  EXPECT_EQ((Dim(4) - a).text(), "-a+4");
  EXPECT_EQ(floor_div(s, Dim(2)).text(), "floor_div(seq,2)");
  EXPECT_EQ(max(b, a).text(), "max(a,b)");
  EXPECT_EQ(Dim().text(), "?");
  EXPECT_EQ(Dim::symbol("?7").text(), "?7");
  EXPECT_EQ(Dim::symbol("past len").text(), "\"past len\"");
}

TEST(Dim, TextParsesBack) {
  const Dim samples[] = {Dim(0),
                         Dim(-5),
                         Dim(INT64_MIN),
                         Dim(INT64_MAX),
                         s,
                         Dim::symbol("?7"),
                         Dim::symbol("a+b"),
                         Dim::symbol("quo\"te\\"),
                         a * a * b - Dim(7) * s + Dim(2),
                         floor_div(a + b, Dim(3)) * mod(s, Dim(8)),
                         min(a, max(b, s + Dim(1))),
                         max(max(a, b), s),
                         floor_div(a, b + s)};
  for (const Dim& dim : samples) {
    const auto parsed = Dim::parse(dim.text());
    ASSERT_TRUE(parsed) << dim.text();
    EXPECT_EQ(*parsed, dim) << dim.text() << " read as " << parsed->text();
  }
  EXPECT_TRUE(Dim::parse("?")->is_unknown());
  EXPECT_EQ(*Dim::parse(" 2 * ( seq + 1 ) "), s + s + Dim(2));
}

TEST(Dim, BadTextIsRefused) {
  for (const char* text : {"", "2x", "a b", "+a", "a+", "floor_div(a)", "floor_div(a,b,c)", "mod(a", "f(a,b)",
                           "(a", "99999999999999999999", "\"open", "\"\"", "a,b", "**", "a*"}) {
    EXPECT_FALSE(Dim::parse(text)) << text;
  }
  EXPECT_FALSE(Dim::parse(std::string(100000, '(')));
}

TEST(Dim, FloorDivision) {
  EXPECT_EQ(floor_div(Dim(-7), Dim(2)), Dim(-4));
  EXPECT_EQ(floor_div(Dim(4) * s, Dim(4)), s);
  EXPECT_EQ(floor_div(s + Dim(4), Dim(2)), floor_div(s, Dim(2)) + Dim(2));
  EXPECT_EQ(floor_div(Dim(2) * s, Dim(4)), floor_div(s, Dim(2)));
  EXPECT_EQ(floor_div(floor_div(s, Dim(2)), Dim(2)), floor_div(s, Dim(4)));
  EXPECT_EQ(floor_div(floor_div(s - Dim(1), Dim(2)), Dim(2)), floor_div(s - Dim(1), Dim(4)));
  EXPECT_EQ(floor_div(a * b * s, a * s), b);
  EXPECT_EQ(floor_div((a + b) * (a + Dim(1)), a + b), a + Dim(1));
  EXPECT_TRUE(floor_div(a, Dim(0)).is_unknown());
  EXPECT_TRUE(floor_div(Dim(INT64_MIN), Dim(-1)).is_unknown());
}

TEST(Dim, Modulo) {
  EXPECT_EQ(mod(Dim(-7), Dim(3)), Dim(2));
  EXPECT_EQ(mod(Dim(7), Dim(-3)), Dim(-2));
  EXPECT_EQ(mod(Dim(6) * s, Dim(3)), Dim(0));
  EXPECT_EQ(mod(Dim(6) * s + Dim(7), Dim(3)), Dim(1));
  EXPECT_EQ(mod(s + Dim(5), Dim(4)), mod(s + Dim(1), Dim(4)));
  EXPECT_EQ(mod(a * b, a), Dim(0));
  EXPECT_TRUE(mod(a, Dim(0)).is_unknown());
}

// Python's // as ONNX graphs compute it: (x - x mod y) / y.
TEST(Dim, FloorDivisionHasOneForm) {
  const auto emitted = [](const Dim& x, const Dim& y) { return floor_div(x - mod(x, y), y); };
  for (const Dim& y : {Dim(2), Dim(7), b, Dim(2) * b + Dim(1)}) {
    for (const Dim& x :
         {s, s + Dim(5), Dim(2) * s, Dim(3) * s + a, floor_div(s - Dim(1), Dim(2)), a * s - Dim(3)}) {
      EXPECT_EQ(emitted(x, y), floor_div(x, y)) << x.text() << " by " << y.text();
      EXPECT_EQ(y * floor_div(x, y) + mod(x, y), x) << x.text() << " by " << y.text();
      EXPECT_EQ(Dim(3) * mod(x, y) + b + Dim(3) * y * floor_div(x, y), Dim(3) * x + b);
    }
  }
  EXPECT_EQ((s - Dim(2) * floor_div(s, Dim(2))).text(), "mod(seq,2)");
  // As wav2vec2 has it: 64 t by 16 t, t in two spellings.
  const Dim t = floor_div(s - Dim(1), Dim(2)), u = emitted(s - Dim(1), Dim(2));
  EXPECT_EQ(floor_div(Dim(64) * t, Dim(16) * u), Dim(4));
}

TEST(Dim, ManyArgumentsOfAnExtremumAreQuickOrRefused) {
  const auto start = std::chrono::steady_clock::now();
  const auto text = [](int count) {
    std::string out = "max(n0";
    for (int i = 1; i < count; ++i) out += ",n" + std::to_string(i) + "+1";
    return out + ")";
  };
  const auto most = Dim::parse(text(128));
  ASSERT_TRUE(most);
  EXPECT_EQ(max(*most, *most), *most);
  EXPECT_EQ(max(*most, Dim::symbol("n5")), *most);
  EXPECT_FALSE(Dim::parse(text(129)));
  EXPECT_FALSE(Dim::parse(text(3000)));
  EXPECT_TRUE(max(*most, Dim::symbol("one_more")).is_unknown());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

// Expressions made at random: what is simplified has the value of what was written, at every size.
TEST(Dim, RandomExpressionsKeepTheirValue) {
  constexpr int kExpressions = 4000;
  const uint64_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 engine(seed);
  const auto below = [&](int64_t end) { return std::uniform_int_distribution<int64_t>(0, end - 1)(engine); };
  using Symbols = std::map<std::string, int64_t, std::less<>>;
  std::vector<Symbols> points;
  for (int i = 0; i < 6; ++i) points.push_back({{"a", below(9)}, {"b", below(9)}, {"c", below(200)}});
  struct Sample {
    Dim dim;
    std::string written;
    std::vector<std::optional<int64_t>> values;
  };
  const auto leaf = [&] {
    Sample out;
    const int64_t kind = below(5);
    if (kind < 3) {
      out.written = std::string(1, static_cast<char>('a' + kind));
      out.dim = Dim::symbol(out.written);
      for (const Symbols& at : points) out.values.push_back(at.at(out.written));
    } else {
      const int64_t number = below(13) - 4;
      out.written = std::to_string(number);
      out.dim = number;
      out.values.assign(points.size(), number);
    }
    return out;
  };
  const auto apply = [](char op, int64_t x, int64_t y) -> std::optional<int64_t> {
    int64_t out = 0;
    if (op == '+') return __builtin_add_overflow(x, y, &out) ? std::nullopt : std::optional(out);
    if (op == '-') return __builtin_sub_overflow(x, y, &out) ? std::nullopt : std::optional(out);
    if (op == '*') return __builtin_mul_overflow(x, y, &out) ? std::nullopt : std::optional(out);
    if (op == '<') return std::min(x, y);
    if (op == '>') return std::max(x, y);
    if (y == 0) return std::nullopt;
    const int64_t quotient = x / y - ((x % y != 0 && (x < 0) != (y < 0)) ? 1 : 0);
    return op == '/' ? quotient : x - quotient * y;
  };
  const auto combine = [&](char op, const Dim& x, const Dim& y) {
    switch (op) {
      case '+':
        return x + y;
      case '-':
        return x - y;
      case '*':
        return x * y;
      case '<':
        return min(x, y);
      case '>':
        return max(x, y);
      case '/':
        return floor_div(x, y);
      default:
        return mod(x, y);
    }
  };
  for (int n = 0; n < kExpressions; ++n) {
    std::vector<Sample> pool = {leaf(), leaf(), leaf()};
    for (int64_t steps = below(7); steps >= 0; --steps) {
      const Sample &x = pool[static_cast<size_t>(below(static_cast<int64_t>(pool.size())))],
                   &y = pool[static_cast<size_t>(below(static_cast<int64_t>(pool.size())))];
      const char op = "+-*<>/%+-"[below(9)];
      Sample made{combine(op, x.dim, y.dim), "(" + x.written + op + y.written + ")", {}};
      for (size_t i = 0; i < points.size(); ++i) {
        const bool known = x.values[i] && y.values[i];
        made.values.push_back(known ? apply(op, *x.values[i], *y.values[i]) : std::nullopt);
      }
      if (made.written.size() < 400) pool.push_back(std::move(made));
    }
    const Sample& last = pool.back();
    if (last.dim.is_unknown()) continue;
    for (size_t i = 0; i < points.size(); ++i) {
      const auto value = last.dim.evaluate(points[i]);
      // A part that has no value may have cancelled, and a whole may have overflowed on the way.
      if (!last.values[i] || !value) continue;
      ASSERT_EQ(value, last.values[i]) << last.written << " became " << last.dim.text();
      const Dim put =
          last.dim.substitute([&](std::string_view name) { return Dim(points[i].at(std::string(name))); });
      if (put.is_constant()) {
        ASSERT_EQ(put.value(), *value) << last.dim.text();
      }
      const Bounds bounds = bounds_of(last.dim, {});
      ASSERT_LE(bounds.min, *value) << last.dim.text();
      ASSERT_GE(bounds.max, *value) << last.dim.text();
    }
    ASSERT_EQ(Dim::parse(last.dim.text()), last.dim) << last.written;
  }
}

TEST(Dim, ExtremaDecideWhatTheyCan) {
  EXPECT_EQ(max(s + Dim(1), s), s + Dim(1));
  EXPECT_EQ(min(s + Dim(1), s), s);
  EXPECT_EQ(max(a, b), max(b, a));
  EXPECT_EQ(max(max(a, b), s), max(a, max(s, b)));
  EXPECT_EQ(max(a, a), a);
}

TEST(Dim, PartsOfACutAreTheWholeAgain) {
  EXPECT_EQ(min(Dim(1), a) + max(Dim(0), a - Dim(1)), a);
  EXPECT_EQ(max(a - s, Dim(0)) + min(a, s), a);
  EXPECT_EQ(max(a, s) + min(a, s), a + s);
  EXPECT_EQ(Dim(3) * max(a, s) + Dim(3) * min(a, s) + b, Dim(3) * a + Dim(3) * s + b);
  EXPECT_EQ((max(a, s) - min(a, s)).text(), "max(a,seq)-min(a,seq)");
  EXPECT_EQ((max(a, s) + min(a, b)).text(), "max(a,seq)+min(a,b)");
}

TEST(Dim, BoundsSeeThroughExtrema) {
  const SymbolTable symbols = {{"a", {2, 10, {}}}, {"b", {}}};
  const auto ends = [&](const Dim& d) {
    const Bounds bounds = bounds_of(d, symbols);
    return std::pair(bounds.min, bounds.max);
  };
  EXPECT_EQ(ends(b - min(Dim(1), b)).first, 0);
  EXPECT_EQ(ends(b - max(Dim(0), b - Dim(1))), std::pair(int64_t{0}, int64_t{1}));
  EXPECT_EQ(ends(a - min(a, b)), std::pair(int64_t{0}, int64_t{10}));
  EXPECT_EQ(ends(Dim(2) * max(a, Dim(5)) - a), std::pair(int64_t{2}, int64_t{10}));
  EXPECT_EQ(ends(min(a, Dim(5))), std::pair(int64_t{2}, int64_t{5}));
}

// Every simplification must keep the value: compare with plain arithmetic over a grid.
TEST(Dim, SimplificationsKeepTheValue) {
  const auto python_div = [](int64_t x, int64_t y) {
    return x / y - ((x % y != 0 && (x < 0) != (y < 0)) ? 1 : 0);
  };
  for (int64_t k = -9; k <= 9; ++k) {
    for (int64_t c : {-6, -4, -3, -1, 1, 2, 3, 4, 6, 12}) {
      for (int64_t f : {-6, -3, 1, 2, 4, 5}) {
        const Dim sum = Dim(f) * s + Dim(2) * a + Dim(k);
        const Dim quotient = floor_div(sum, Dim(c));
        const Dim rest = mod(sum, Dim(c));
        const Dim nested = floor_div(floor_div(sum, Dim(c)) + Dim(k), Dim(3));
        for (int64_t x : {0, 1, 2, 5, 8}) {
          const std::map<std::string, int64_t, std::less<>> at = {{"seq", x}, {"a", 3 * x + 1}};
          const int64_t value = f * x + 2 * (3 * x + 1) + k;
          ASSERT_EQ(quotient.evaluate(at), python_div(value, c)) << quotient.text();
          ASSERT_EQ(rest.evaluate(at), value - c * python_div(value, c)) << rest.text() << " for % " << c;
          ASSERT_EQ(nested.evaluate(at), python_div(python_div(value, c) + k, 3)) << nested.text();
        }
      }
    }
  }
}

TEST(Dim, OverflowIsUnknown) {
  EXPECT_TRUE((Dim(INT64_MAX) + Dim(1)).is_unknown());
  EXPECT_TRUE((Dim(INT64_MAX) * s * Dim(2)).is_unknown());
  EXPECT_FALSE((Dim(INT64_MAX) * s * s).evaluate({{"seq", 4}}));
  EXPECT_TRUE((Dim(INT64_MIN) * Dim(-1)).is_unknown());
  EXPECT_TRUE((Dim(INT64_MIN) * s * Dim(-1)).is_unknown());
  EXPECT_TRUE(floor_div(Dim(INT64_MIN) * s, Dim(3)).is_unknown());
}

TEST(Dim, GrowthEndsInUnknown) {
  Dim product = 1;
  for (int i = 0; i < 64; ++i) product = product * (Dim::symbol("s" + std::to_string(i)) + Dim(1));
  EXPECT_TRUE(product.is_unknown());
  Dim tower = a;
  for (int i = 0; i < 1000; ++i) tower = floor_div(tower * b + Dim(1), s + Dim(i));
  EXPECT_TRUE(tower.is_unknown());
}

TEST(Dim, SubstituteAndSymbols) {
  const Dim dim = floor_div(a * s + b, Dim(2));
  const auto map = [](std::string_view name) -> std::optional<Dim> {
    if (name == "a") return Dim(4);
    if (name == "b") return Dim::symbol("seq") * Dim(2);
    return std::nullopt;
  };
  EXPECT_EQ(dim.substitute(map), Dim(3) * s);
  std::map<std::string, int> seen;
  dim.for_each_symbol([&](std::string_view name) { ++seen[std::string(name)]; });
  EXPECT_EQ(seen, (std::map<std::string, int>{{"a", 1}, {"b", 1}, {"seq", 1}}));
  EXPECT_FALSE(dim.evaluate({{"a", 1}}));
  EXPECT_EQ(s.symbol_name(), "seq");
  EXPECT_EQ((s + Dim(1)).symbol_name(), "");
  EXPECT_TRUE((Dim::symbol("?1") * Dim(2)).is_anonymous());
  EXPECT_FALSE(s.is_anonymous());
}

TEST(Dim, TheDeepestOnesReadBack) {
  const Dim n = Dim::symbol("n");
  Dim deepest = n;
  for (Dim next = n; !next.is_unknown(); next = mod(next + n, Dim(next.text().size() % 2 == 0 ? 7 : 5)))
    deepest = next;
  EXPECT_GT(deepest.text().size(), 2000u);
  EXPECT_EQ(Dim::parse(deepest.text()), deepest);
  Dim divided = n;
  for (int i = 0; i < 150; ++i) divided = floor_div(divided, Dim::symbol("d"));
  EXPECT_EQ(Dim::parse(divided.text()), divided);
  EXPECT_FALSE(Dim::parse(std::string(100'000, '(')));
}

}  // namespace
}  // namespace onnxport::ir
