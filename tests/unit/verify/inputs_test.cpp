#include "core/verify/inputs.h"

#include <gtest/gtest.h>

#include "onnxport/errors.h"

namespace onnxport {
namespace {

std::string refusal(const char* type) {
  try {
    random_tensor(ir::Type::parse(type).value(), {{"n", 3}}, 7, {.limit = 4});
  } catch (const Error& e) {
    EXPECT_EQ(e.diagnostics().front().code, "V805");
    return e.diagnostics().front().message;
  }
  return "values were made";
}

TEST(Inputs, AreMadeOfWhatIsKnownOnly) {
  EXPECT_EQ(random_tensor(ir::Type::parse("i64[n,2*n]").value(), {{"n", 3}}, 7, {.limit = 4}).dims(),
            (std::vector<int64_t>{3, 6}));
  EXPECT_EQ(refusal("f32[m,2]"), "dim 'm' of an input has no example size");
  EXPECT_EQ(refusal("f8e4m3fn[2]"), "no random values of type f8e4m3fn[2] can be made");
}

TEST(Inputs, AreTheSameForTheSameSeed) {
  const ir::Type type = ir::Type::parse("f32[n]").value();
  const ir::Tensor a = random_tensor(type, {{"n", 5}}, 7, {.limit = 4});
  EXPECT_EQ(a.to_reals(), random_tensor(type, {{"n", 5}}, 7, {.limit = 4}).to_reals());
  EXPECT_NE(a.to_reals(), random_tensor(type, {{"n", 5}}, 8, {.limit = 4}).to_reals());
}

}  // namespace
}  // namespace onnxport
