// What cannot be recorded is refused, with the line of the user's code and the next step.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "module/exported.h"

namespace onnxport {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::verified;
using testing::Written;

const auto kExample = torch::randn({2, 4});

TEST(Refusals, ABranchOnAValue) {
  Written module([](auto& self, const torch::Tensor& x) {
    const auto y = self.linear(x);
    return y.sum().template item<float>() > 0 ? y : -y;
  });
  EXPECT_THAT(verified(module, {kExample}, {}),
              AllOf(HasSubstr("P603"), HasSubstr("refusals_test.cpp:"), HasSubstr("torch::where")));
}

TEST(Refusals, ALoopOverADynamicDim) {
  Written module([](auto& self, const torch::Tensor& x) {
    auto y = self.linear(x);
    for (int64_t i = 0; i < x.size(0); ++i) y = y + x[i];
    return y;
  });
  EXPECT_THAT(verified(module, {kExample}, {"x:f32[n,4]"}),
              AllOf(HasSubstr("P605"), HasSubstr("make a dim of 'n' static")));
  EXPECT_EQ(verified(module, {kExample}, {}), "");
}

TEST(Refusals, ASizeNothingElseTakes) {
  Written module([](auto& self, const torch::Tensor& x) { return self.linear(x.view({2, 4})); });
  EXPECT_THAT(verified(module, {kExample}, {"x:f32[n,4]"}),
              AllOf(HasSubstr("P605"), HasSubstr("takes no other size of 'n'")));
}

TEST(Refusals, WorkOnAnotherThread) {
  Written module([](auto& self, const torch::Tensor& x) {
    torch::Tensor y;
    std::thread([&] {
      const torch::NoGradGuard guard;
      y = self.linear(x);
    }).join();
    return y + x;
  });
  EXPECT_THAT(verified(module, {kExample}, {}), AllOf(HasSubstr("P606"), HasSubstr("refusals_test.cpp:")));
}

TEST(Refusals, AnElementWrittenThroughAPointer) {
  Written module([](auto& self, const torch::Tensor& x) {
    auto y = torch::empty_like(x);
    for (int64_t i = 0; i < x.numel(); ++i)
      y.template data_ptr<float>()[i] = x.template data_ptr<float>()[i] * 2;
    return self.linear(y);
  });
  EXPECT_THAT(verified(module, {kExample}, {}), HasSubstr("P606"));
}

TEST(Refusals, AResultChangedThroughAPointer) {
  Written module([](auto& self, const torch::Tensor& x) {
    auto y = self.linear(x);
    y.template data_ptr<float>()[0] = 42;
    return y;
  });
  EXPECT_THAT(verified(module, {kExample}, {}), AllOf(HasSubstr("P607"), HasSubstr("'output'")));
}

TEST(Refusals, AParameterThatForwardWrites) {
  Written module([](auto& self, const torch::Tensor& x) {
    const torch::NoGradGuard guard;
    self.linear->weight.mul_(0.5);
    return self.linear(x);
  });
  const auto before = module.linear->weight.clone();
  EXPECT_THAT(verified(module, {kExample}, {}), AllOf(HasSubstr("P604"), HasSubstr("linear.weight")));
  EXPECT_TRUE(module.linear->weight.equal(before));
}

TEST(Refusals, ABufferThatForwardWrites) {
  Written module([](auto& self, const torch::Tensor& x) {
    self.calls.add_(1);
    return self.linear(x) + self.calls;
  });
  EXPECT_THAT(verified(module, {kExample}, {}), HasSubstr("T521"));
}

TEST(Refusals, AForwardThatThrows) {
  Written module([](auto&, const torch::Tensor& x) -> torch::Tensor {
    if (x.dim() == 2) throw std::runtime_error("only batches, %s please");
    return x;
  });
  EXPECT_THAT(verified(module, {kExample}, {}),
              AllOf(HasSubstr("P602"), HasSubstr("only batches, %s please")));
}

TEST(Refusals, ExamplesThatDoNotFit) {
  Written module([](auto& self, const torch::Tensor& x) { return self.linear(x); });
  EXPECT_THAT(verified(module, {kExample, kExample}, {}), HasSubstr("P601"));
  EXPECT_THAT(verified(module, {}, {}), HasSubstr("P601"));
  EXPECT_THAT(verified(module, {kExample}, {"x:f32[3,4]"}),
              HasSubstr("dim 0 of 'x' is 2 in the examples, 3 is asked for"));
  EXPECT_THAT(verified(module, {kExample}, {"x:i64[n,4]"}), HasSubstr("another element type"));
  EXPECT_THAT(verified(module, {kExample}, {"x:f32[n]"}), HasSubstr("has 2 dims"));
  EXPECT_THAT(verified(module, {kExample}, {"x:f32[n,4]", "y:f32[n]"}), HasSubstr("the examples hold 1"));
  EXPECT_THAT(verified(module, {kExample}, {"x:f32[n,n]"}), HasSubstr("'n' is 2 and 4"));
}

TEST(Refusals, AnotherLibtorch) {
  try {
    detail::check_libtorch(1, 13);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.diagnostics()[0].code, "P608");
  }
}

}  // namespace
}  // namespace onnxport
