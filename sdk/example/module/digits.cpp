// Trains a small net on images that it makes itself (a bar, standing or lying), exports it with a dynamic batch, and compares the file
// with the net in ONNX Runtime.
#include <torch/torch.h>

#include <cstdio>

#include "onnxport/module.h"

namespace nn = torch::nn;

struct NetImpl : nn::Module {
  NetImpl()
      : conv(register_module("conv", nn::Conv2d(nn::Conv2dOptions(1, 8, 3).padding(1)))),
        norm(register_module("norm", nn::BatchNorm2d(8))),
        head(register_module("head", nn::Linear(8 * 7 * 7, 2))) {}

  torch::Tensor forward(torch::Tensor x) {
    x = torch::max_pool2d(torch::relu(norm(conv(x))), 2);
    return torch::log_softmax(head(torch::dropout(x.view({x.size(0), -1}), 0.2, is_training())), 1);
  }

  nn::Conv2d conv;
  nn::BatchNorm2d norm;
  nn::Linear head;
};
TORCH_MODULE(Net);

int main(int argc, char** argv) {
  torch::manual_seed(0);
  Net net;
  torch::optim::Adam optimizer(net->parameters(), 1e-2);
  double loss_value = 0;
  for (int step = 0; step < 60; ++step) {
    const auto labels = torch::randint(0, 2, {32});
    auto images = torch::rand({32, 1, 14, 14}) * 0.3;
    for (int64_t i = 0; i < labels.size(0); ++i) {
      if (labels[i].item<int64_t>() == 0) images[i].slice(1, 6, 8).add_(0.7);
      if (labels[i].item<int64_t>() == 1) images[i].slice(2, 6, 8).add_(0.7);
    }
    optimizer.zero_grad();
    const auto loss = torch::nll_loss(net->forward(images), labels);
    loss.backward();
    optimizer.step();
    loss_value = loss.item<double>();
  }
  std::printf("trained: loss %.3f\n", loss_value);

  onnxport::ExportOptions options;
  options.inputs = {"images:f32[batch,1,14,14]"};
  options.output_names = {"scores"};
  options.verify.enabled = true;
  const char* const file = argc > 1 ? argv[1] : "digits.onnx";
  try {
    onnxport::export_module(*net, {torch::rand({2, 1, 14, 14})}, file, options);
  } catch (const onnxport::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return onnxport::exit_status(error.diagnostics().front().code);
  }
  std::printf("written and verified: %s\n", file);
  return 0;
}
