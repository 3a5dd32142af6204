#include "core/ir/dims/guard.h"

#include <gtest/gtest.h>

namespace onnxport::ir {
namespace {

const std::map<std::string, int64_t, std::less<>> kSizes{{"h", 20}, {"w", 7}, {"a b", 3}};

TEST(Guard, HoldsOrDoesNot) {
  for (const char* holds :
       {"h == 20", "(h) // 4 == 5", "(((0.1 + torch.sym_float((h) // 4)) / 5.0)) == 1.02", "h % 8 == 4",
        "-7 // 2 == -4", "-7 % 4 == 1", "max(1, w // 4)*max(1, h) != 1", "2 <= w < 8", "not (h == w)",
        "h == 1 or w == 7", "'a b' + 1 == 4", "floor_div(h,3) == 6", "math.ceil(w / 2) == 4", "2**3 == 8",
        "Eq(w, 7)", "int(2.9) == 2"}) {
    EXPECT_EQ(guard_holds(holds, kSizes), true) << holds;
  }
  for (const char* broken : {"h == 21", "h // 4 != 5", "h < w and w < h", "not h", "w >= 8"})
    EXPECT_EQ(guard_holds(broken, kSizes), false) << broken;
}

TEST(Guard, SaysNothingOfWhatItCannotRead) {
  const std::string deep(5000, '(');
  for (const std::string& other :
       {std::string("x == 1"), std::string("h ="), std::string("h // 0 == 1"), std::string("f(h) == 1"),
        std::string("L['x'].size()[0] == 1"), std::string(), deep, std::string("h == 1 2")})
    EXPECT_EQ(guard_holds(other, kSizes), std::nullopt) << other.substr(0, 40);
}

TEST(Guard, OnlyASingleEqualityHasSides) {
  const auto sides = equality_sides("2*h == (w + 1)");
  ASSERT_TRUE(sides.has_value());
  EXPECT_EQ(sides->first, "2*h ");
  EXPECT_EQ(sides->second, " (w + 1)");
  for (const char* other : {"h != w", "not (h == w)", "h == 1 or w == 7", "h >= w", "a == b == c"})
    EXPECT_FALSE(equality_sides(other).has_value()) << other;
}

}  // namespace
}  // namespace onnxport::ir
