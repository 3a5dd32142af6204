// Whole networks, each at sizes that it was not recorded at; written to a folder too, for same_nodes.py to count their nodes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>

#include <cstdlib>

#include "module/exported.h"
#include "module/networks.h"

namespace onnxport {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the networks

// With random statistics: a batch norm of the defaults changes nothing.
template <typename Module>
void make_random(Module& module) {
  const torch::NoGradGuard guard;
  for (auto& buffer : module.named_buffers()) {
    if (buffer.value().is_floating_point()) buffer.value().uniform_(0.5, 1.5);
  }
}

// Exports to ONNXPORT_NETWORKS/NAME.onnx when that is set.
template <typename Module>
std::string exported(const std::string& name, Module& module, const torch::Tensor& x,
                     const std::string& input) {
  make_random(module);
  if (const char* folder = std::getenv("ONNXPORT_NETWORKS"); folder != nullptr) {
    ExportOptions options;
    options.inputs = {input};
    export_module(module, {x}, std::filesystem::path(folder) / (name + ".onnx"), options);
  }
  return verified(module, {x}, {input});
}

TEST(Networks, ResNet) {
  ResNet net;
  EXPECT_EQ(exported("resnet", *net, torch::randn({2, 3, 64, 64}), "x:f32[batch,3,h,w]"), "");
}

TEST(Networks, UNet) {
  UNet2 net;
  EXPECT_EQ(exported("unet", *net, torch::randn({2, 1, 32, 32}), "x:f32[batch,1,h,w]"), "");
  EXPECT_EQ(verified(*net, {torch::randn({1, 1, 37, 51})}, {"x:f32[batch,1,h,w]"}), "");
}

TEST(Networks, Vit) {
  Vit net;
  EXPECT_EQ(exported("vit", *net, torch::randn({2, 3, 32, 32}), "x:f32[batch,3,32,32]"), "");
}

TEST(Networks, VqVae) {
  VqVae net;
  EXPECT_EQ(exported("vqvae", *net, torch::randn({2, 1, 32, 32}), "x:f32[batch,1,h,w]"), "");
}

// As in transfer learning: a backbone that was trained elsewhere, and a head of one's own.
struct TransferImpl : nn::Module {
  TransferImpl() : backbone("backbone") {
    backbone.register_parameter("weight", torch::randn({4, 6}), false);
    backbone.register_buffer("shift", torch::randn({6}));
    backbone.define(R"(
      def forward(self, x):
        y = torch.matmul(x, self.weight) + self.shift
        if y.dim() > 2:
            y = y.mean(1)
        return torch.relu(y).view(x.size(0), -1)
    )");
  }
  torch::Tensor forward(const torch::Tensor& x) { return head(backbone.forward({x}).toTensor()); }
  torch::jit::Module backbone;
  nn::Linear head{register_module("head", nn::Linear(6, 2))};
};

TEST(Networks, AJitModuleInside) {
  TransferImpl net;
  EXPECT_EQ(verified(net, {torch::randn({3, 4})}, {"x:f32[n,4]"}), "");
  EXPECT_EQ(verified(net, {torch::randn({3, 5, 4})}, {"x:f32[n,t,4]"}), "");
}

}  // namespace
}  // namespace onnxport
