// This file is optimized, as programs are: what a line of the user's calls of libtorch's headers is inlined into it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "module/exported.h"

namespace onnxport {
namespace {

struct Reshaped : torch::nn::Module {
  torch::nn::Linear linear{register_module("linear", torch::nn::Linear(4, 4))};
  torch::Tensor forward(const torch::Tensor& x) {
    const auto y = linear(x);
    line = __LINE__ + 1;
    return y.view({2, 4});
  }
  int line = 0;
};

TEST(Optimized, LinesAreTheUsers) {
  Reshaped module;
  const std::string said = testing::verified(module, {torch::randn({2, 4})}, {"x:f32[n,4]"});
  EXPECT_THAT(said, ::testing::StartsWith("aten::view (optimized_test.cpp:" + std::to_string(module.line) +
                                          "): error P605: module takes no other size of 'n'"));
}

}  // namespace
}  // namespace onnxport
