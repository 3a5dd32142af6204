// Networks as they are written in C++. same_nodes.py has the same ones in Python.
#pragma once

#include <torch/torch.h>

#include <cmath>
#include <tuple>
#include <vector>

namespace onnxport::testing {

namespace nn = torch::nn;

struct BasicBlockImpl : nn::Module {
  BasicBlockImpl(int64_t in, int64_t out, int64_t stride)
      : conv1(register_module(
            "conv1", nn::Conv2d(nn::Conv2dOptions(in, out, 3).stride(stride).padding(1).bias(false)))),
        bn1(register_module("bn1", nn::BatchNorm2d(out))),
        conv2(register_module("conv2", nn::Conv2d(nn::Conv2dOptions(out, out, 3).padding(1).bias(false)))),
        bn2(register_module("bn2", nn::BatchNorm2d(out))) {
    if (stride == 1 && in == out) return;
    downsample = register_module(
        "downsample", nn::Sequential(nn::Conv2d(nn::Conv2dOptions(in, out, 1).stride(stride).bias(false)),
                                     nn::BatchNorm2d(out)));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    auto y = bn2(conv2(torch::relu(bn1(conv1(x)))));
    return torch::relu(y + (downsample.is_empty() ? x : downsample->forward(x)));
  }
  nn::Conv2d conv1;
  nn::BatchNorm2d bn1;
  nn::Conv2d conv2;
  nn::BatchNorm2d bn2;
  nn::Sequential downsample{nullptr};
};
TORCH_MODULE(BasicBlock);

struct ResNetImpl : nn::Module {
  ResNetImpl() {
    layers->push_back(BasicBlock(8, 8, 1));
    layers->push_back(BasicBlock(8, 16, 2));
    layers->push_back(BasicBlock(16, 32, 2));
    register_module("layers", layers);
  }
  torch::Tensor forward(torch::Tensor x) {
    x = torch::max_pool2d(torch::relu(bn(conv(x))), 3, 2, 1);
    x = torch::adaptive_avg_pool2d(layers->forward(x), {1, 1});
    return fc(torch::flatten(x, 1));
  }
  nn::Conv2d conv{
      register_module("conv", nn::Conv2d(nn::Conv2dOptions(3, 8, 7).stride(2).padding(3).bias(false)))};
  nn::BatchNorm2d bn{register_module("bn", nn::BatchNorm2d(8))};
  nn::Sequential layers;
  nn::Linear fc{register_module("fc", nn::Linear(32, 10))};
};
TORCH_MODULE(ResNet);

// Two levels, whose sizes are rounded up on the way down and those of the skips on the way up.
struct UNet2Impl : nn::Module {
  static nn::Conv2d conv(int64_t in, int64_t out, int64_t stride = 1) {
    return nn::Conv2d(nn::Conv2dOptions(in, out, 3).stride(stride).padding(1));
  }
  static torch::Tensor up(const torch::Tensor& x, const torch::Tensor& skip) {
    namespace F = nn::functional;
    const auto to = F::InterpolateFuncOptions()
                        .size(std::vector<int64_t>{skip.size(2), skip.size(3)})
                        .mode(torch::kNearest);
    return torch::cat({F::interpolate(x, to), skip}, 1);
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const auto a = torch::relu(in(x)), b = torch::relu(down1(a)), c = torch::relu(down2(b));
    return out(torch::relu(up1(up(torch::relu(up2(up(c, b))), a))));
  }
  nn::Conv2d in{register_module("in", conv(1, 4))};
  nn::Conv2d down1{register_module("down1", conv(4, 8, 2))};
  nn::Conv2d down2{register_module("down2", conv(8, 16, 2))};
  nn::Conv2d up2{register_module("up2", conv(24, 8))};
  nn::Conv2d up1{register_module("up1", conv(12, 4))};
  nn::Conv2d out{register_module("out", conv(4, 2))};
};
TORCH_MODULE(UNet2);

struct VitBlockImpl : nn::Module {
  torch::Tensor forward(const torch::Tensor& x) {
    const int64_t n = x.size(0), t = x.size(1);
    const auto qkv = in(norm1(x)).reshape({n, t, 3, 4, 8}).permute({2, 0, 3, 1, 4});
    const auto a = torch::softmax(torch::matmul(qkv[0], qkv[1].transpose(-2, -1)) * (1 / std::sqrt(8.0)), -1);
    const auto y = x + out(torch::matmul(a, qkv[2]).transpose(1, 2).reshape({n, t, 32}));
    return y + fc2(torch::gelu(fc1(norm2(y))));
  }
  nn::LayerNorm norm1{register_module("norm1", nn::LayerNorm(nn::LayerNormOptions({32})))};
  nn::Linear in{register_module("in", nn::Linear(32, 96))};
  nn::Linear out{register_module("out", nn::Linear(32, 32))};
  nn::LayerNorm norm2{register_module("norm2", nn::LayerNorm(nn::LayerNormOptions({32})))};
  nn::Linear fc1{register_module("fc1", nn::Linear(32, 64))};
  nn::Linear fc2{register_module("fc2", nn::Linear(64, 32))};
};
TORCH_MODULE(VitBlock);

struct VitImpl : nn::Module {
  torch::Tensor forward(const torch::Tensor& x) {
    const auto y = patch(x).flatten(2).transpose(1, 2);
    const auto tokens = torch::cat({token.expand({x.size(0), -1, -1}), y}, 1) + places;
    return head(norm(block2(block1(tokens))).select(1, 0));
  }
  nn::Conv2d patch{register_module("patch", nn::Conv2d(nn::Conv2dOptions(3, 32, 8).stride(8)))};
  torch::Tensor token{register_parameter("token", torch::zeros({1, 1, 32}))};
  torch::Tensor places{register_parameter("places", torch::randn({1, 17, 32}))};
  VitBlock block1{register_module("block1", VitBlock())};
  VitBlock block2{register_module("block2", VitBlock())};
  nn::LayerNorm norm{register_module("norm", nn::LayerNorm(nn::LayerNormOptions({32})))};
  nn::Linear head{register_module("head", nn::Linear(32, 10))};
};
TORCH_MODULE(Vit);

// The nearest of the entries of a book, by distances written out.
struct VqVaeImpl : nn::Module {
  std::tuple<torch::Tensor, torch::Tensor> forward(const torch::Tensor& x) {
    const auto z = torch::relu(encoder2(torch::relu(encoder1(x)))).permute({0, 2, 3, 1}).contiguous();
    const auto flat = z.view({-1, 8});
    const auto book = entries->weight;
    const auto distances = flat.pow(2).sum(1, true) + book.pow(2).sum(1) - 2 * torch::matmul(flat, book.t());
    const auto index = distances.argmin(1);
    const auto quantized =
        entries(index).view({z.size(0), z.size(1), z.size(2), 8}).permute({0, 3, 1, 2}).contiguous();
    return {torch::sigmoid(decoder2(torch::relu(decoder1(quantized)))), index.view({z.size(0), -1})};
  }
  nn::Conv2d encoder1{
      register_module("encoder1", nn::Conv2d(nn::Conv2dOptions(1, 8, 4).stride(2).padding(1)))};
  nn::Conv2d encoder2{
      register_module("encoder2", nn::Conv2d(nn::Conv2dOptions(8, 8, 4).stride(2).padding(1)))};
  nn::Embedding entries{register_module("entries", nn::Embedding(16, 8))};
  nn::ConvTranspose2d decoder1{register_module(
      "decoder1", nn::ConvTranspose2d(nn::ConvTranspose2dOptions(8, 8, 4).stride(2).padding(1)))};
  nn::ConvTranspose2d decoder2{register_module(
      "decoder2", nn::ConvTranspose2d(nn::ConvTranspose2dOptions(8, 1, 4).stride(2).padding(1)))};
};
TORCH_MODULE(VqVae);

}  // namespace onnxport::testing
