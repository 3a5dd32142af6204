// Code that is recorded between two calls of the C API, as a binding of another language does it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "onnxport/c_capture.h"

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

onnxport_named_tensor named(const char* name, const torch::Tensor& tensor) {
  return {onnxport_text(name), &tensor};
}

class Recording {
 public:
  Recording(const std::vector<onnxport_named_tensor>& inputs, const std::vector<onnxport_named_tensor>& state)
      : handle_(onnxport_capture_begin(inputs.data(), inputs.size(), state.data(), state.size(),
                                       sizeof(onnxport_named_tensor))) {}
  ~Recording() { onnxport_recording_free(handle_); }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  int32_t end(const std::vector<onnxport_named_tensor>& outputs) {
    return onnxport_capture_end(handle_, outputs.data(), outputs.size(), sizeof(onnxport_named_tensor));
  }
  // What is said of an export, "" where it works.
  std::string exported(const std::string& options = "{}") const {
    const onnxport_source source = this->source();
    onnxport_result* result = nullptr;
    const int32_t status = onnxport_export(&source, options.data(), options.size(), nullptr, &result);
    return said(status, result, onnxport_result_message(result));
  }
  // What is said of a file and of its comparison with the model.
  std::string verified(const std::string& more) const {
    const std::string file =
        (std::filesystem::temp_directory_path() / ("recording-" + std::to_string(getpid()) + ".onnx"))
            .string();
    if (std::string why = exported("{\"output\": \"" + file + "\"" + more + "}"); !why.empty()) return why;
    const onnxport_source source = this->source();
    onnxport_result* result = nullptr;
    const std::string options = "{\"verify\": {}" + more + "}";
    const int32_t status = onnxport_verify(&source, {file.data(), file.size()}, options.data(),
                                           options.size(), nullptr, &result);
    std::filesystem::remove(file);
    return said(status, result, onnxport_result_message(result));
  }
  std::string graph() const {
    const onnxport_source source = this->source();
    onnxport_result* result = nullptr;
    const int32_t status = onnxport_show(&source, onnxport_text("legalize"), "{}", 2, &result);
    return said(status, result, onnxport_result_text(result));
  }

 private:
  onnxport_source source() const {
    onnxport_source out{};
    out.struct_size = sizeof out;
    out.recording = handle_;
    return out;
  }
  static std::string said(int32_t status, onnxport_result* result, onnxport_string text) {
    std::string out(text.data, text.size);
    onnxport_result_free(result);
    return (status == 0 ? "" : "status " + std::to_string(status) + ": ") + out;
  }

  onnxport_recording* handle_;
};

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
