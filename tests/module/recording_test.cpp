// What is recorded between two calls of the C API is a model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "module/recorded.h"

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using onnxport::testing::named;
using onnxport::testing::Recording;

TEST(Recordings, AreModels) {
  const auto x = torch::randn({2, 4}), weight = torch::randn({3, 4}), bias = torch::randn({3});
  Recording recording({named("x", x)}, {named("net.weight", weight), named("net.bias", bias)});
  const auto y = torch::relu(torch::linear(x, weight, bias)) * 2;
  ASSERT_EQ(recording.end({named("y", y), named("first", x)}), 0);
  // Not any more of it.
  const auto later = torch::sigmoid(y);
  EXPECT_THAT(recording.graph(),
              AllOf(HasSubstr("%x: f32[2,4]"), HasSubstr("%net.weight: f32[3,4]"), HasSubstr("Gemm("),
                    HasSubstr("outputs \"y\", \"first\""), ::testing::Not(HasSubstr("Sigmoid"))));
  EXPECT_EQ(recording.verified(R"(, "opset": 18)"), "");
  EXPECT_TRUE(torch::GradMode::is_enabled());
}

TEST(Recordings, ABufferIsAState) {
  const auto x = torch::ones({3}), seen = torch::zeros({3});
  Recording recording({named("x", x)}, {named("seen", seen)});
  seen.add_(x);
  const auto y = seen * 2;
  ASSERT_EQ(recording.end({named("y", y)}), 0);
  EXPECT_TRUE(seen.equal(torch::zeros({3})));
  EXPECT_THAT(recording.exported(), HasSubstr("T521"));
  EXPECT_EQ(recording.verified(R"(, "state": "io")"), "");
}

TEST(Recordings, WhatIsWrongIsToldByTheCallThatTakesThem) {
  const auto x = torch::ones({3});
  const torch::Tensor none;
  {
    Recording recording({named("x", none)}, {});
    EXPECT_NE(recording.end({named("y", x)}), 0);
    EXPECT_THAT(recording.exported(), HasSubstr("P601: the input 'x' is undefined"));
  }
  {
    Recording recording({named("x", x)}, {});
    EXPECT_THAT(recording.exported(), HasSubstr("P609: the recording has not ended"));
    EXPECT_NE(recording.end({}), 0);
    EXPECT_THAT(recording.exported(), HasSubstr("T544"));
  }
  {
    Recording recording({named("x", x)}, {});
    const auto y = x.sum().item<float>() > 0 ? x * 2 : x;
    EXPECT_NE(recording.end({named("y", y)}), 0);
    EXPECT_THAT(recording.exported(), AllOf(HasSubstr("P603"), HasSubstr("recording_test.cpp:")));
  }
  {
    Recording recording({named("x", x)}, {});
    const auto y = x * 2;
    EXPECT_EQ(recording.end({named("y", y)}), 0);
    EXPECT_NE(recording.end({named("y", y)}), 0);
    EXPECT_THAT(recording.exported(), HasSubstr("P609: the recording cannot be ended: it has ended"));
  }
  EXPECT_NE(onnxport_capture_end(nullptr, nullptr, 0, 0), 0);
  onnxport_recording_free(nullptr);
}

TEST(Recordings, EndOnTheirThread) {
  const auto x = torch::ones({3});
  Recording recording({named("x", x)}, {});
  const auto y = x * 2;
  int32_t status = 0;
  std::thread([&] { status = recording.end({named("y", y)}); }).join();
  EXPECT_NE(status, 0);
  EXPECT_EQ(recording.end({named("y", y)}), 0);
  EXPECT_THAT(recording.exported(), HasSubstr("P609"));
}

// A buffer has its contents back however it ends, and a thread goes on whose recording was freed by another.
TEST(Recordings, ThatAreGivenUp) {
  const auto x = torch::ones({3}), seen = torch::zeros({3});
  const torch::Tensor none;
  {
    Recording recording({named("x", x)}, {named("seen", seen)});
    seen.add_(x);
  }
  EXPECT_TRUE(seen.equal(torch::zeros({3})));
  {
    Recording recording({named("x", x)}, {named("seen", seen)});
    seen.add_(x);
    EXPECT_NE(recording.end({named("y", none)}), 0);
  }
  EXPECT_TRUE(seen.equal(torch::zeros({3})));
  std::thread([&] {
    const auto input = named("x", x);
    onnxport_recording* open = onnxport_capture_begin(&input, 1, nullptr, 0, sizeof input);
    std::thread([&] { onnxport_recording_free(open); }).join();
    EXPECT_EQ((x * 2).data_ptr<float>()[0], 2.0F);  // still recorded, so nothing may be asked of it
  }).join();
}

TEST(Recordings, OfOneThreadKnowNothingOfAnother) {
  const auto x = torch::ones({3});
  Recording recording({named("x", x)}, {});
  std::thread([&] { (void)torch::sigmoid(x); }).join();
  const auto y = x * 2;
  ASSERT_EQ(recording.end({named("y", y)}), 0);
  EXPECT_THAT(recording.graph(), ::testing::Not(HasSubstr("Sigmoid")));
}

}  // namespace
