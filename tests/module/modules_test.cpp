// Every class of torch/nn/modules.h that computes a tensor from tensors: alone, in eval mode, at two sizes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "module/exported.h"

namespace onnxport {
namespace {

namespace nn = torch::nn;
using testing::verified;

struct Case {
  std::string name;
  std::function<std::string()> run;
};

class Cases {
 public:
  template <typename Holder>
  void add(std::string name, Holder module, std::vector<c10::IValue> examples,
           std::vector<std::string> inputs) {
    all_.push_back({std::move(name),
                    [module, examples, inputs]() mutable { return verified(*module, examples, inputs); }});
  }
  // Of one input with any sizes.
  template <typename Holder>
  void each(std::string name, Holder module) {
    add(std::move(name), module, {torch::randn({2, 3, 6})}, {"x:f32[n,3,t]"});
  }
  const std::vector<Case>& all() const { return all_; }

 private:
  std::vector<Case> all_;
};

void expect_verified(const Cases& cases) {
  for (const Case& each : cases.all()) EXPECT_EQ(each.run(), "") << each.name;
}

TEST(Modules, Activations) {
  Cases c;
  c.each("ELU", nn::ELU());
  c.each("SELU", nn::SELU());
  c.each("CELU", nn::CELU());
  c.each("GELU", nn::GELU());
  c.each("Hardshrink", nn::Hardshrink());
  c.each("Hardtanh", nn::Hardtanh());
  c.each("LeakyReLU", nn::LeakyReLU());
  c.each("LogSigmoid", nn::LogSigmoid());
  c.each("Mish", nn::Mish());
  c.each("PReLU", nn::PReLU(nn::PReLUOptions().num_parameters(3)));
  c.each("ReLU", nn::ReLU());
  c.each("ReLU6", nn::ReLU6());
  c.each("RReLU", nn::RReLU());
  c.each("Sigmoid", nn::Sigmoid());
  c.each("SiLU", nn::SiLU());
  c.each("Softplus", nn::Softplus());
  c.each("Softshrink", nn::Softshrink());
  c.each("Softsign", nn::Softsign());
  c.each("Tanh", nn::Tanh());
  c.each("Tanhshrink", nn::Tanhshrink());
  c.each("Threshold", nn::Threshold(0.1, 20));
  c.each("Softmax", nn::Softmax(1));
  c.each("Softmin", nn::Softmin(2));
  c.each("LogSoftmax", nn::LogSoftmax(-1));
  c.add("Softmax2d", nn::Softmax2d(), {torch::randn({2, 3, 4, 5})}, {"x:f32[n,3,h,w]"});
  c.add("GLU", nn::GLU(1), {torch::randn({2, 4, 5})}, {"x:f32[n,4,t]"});
  c.each("Identity", nn::Identity());
  expect_verified(c);
}

TEST(Modules, Convolutions) {
  Cases c;
  c.add("Conv1d", nn::Conv1d(nn::Conv1dOptions(3, 4, 3).stride(2).padding(1)), {torch::randn({2, 3, 9})},
        {"x:f32[n,3,t]"});
  c.add("Conv2d", nn::Conv2d(nn::Conv2dOptions(4, 8, 3).groups(2).dilation(2)), {torch::randn({2, 4, 9, 8})},
        {"x:f32[n,4,h,w]"});
  c.add("Conv3d", nn::Conv3d(3, 2, 3), {torch::randn({1, 3, 5, 6, 7})}, {"x:f32[n,3,d,h,w]"});
  c.add("Conv2d reflect", nn::Conv2d(nn::Conv2dOptions(3, 4, 3).padding(1).padding_mode(torch::kReflect)),
        {torch::randn({2, 3, 9, 8})}, {"x:f32[n,3,h,w]"});
  c.add("ConvTranspose1d", nn::ConvTranspose1d(3, 4, 3), {torch::randn({2, 3, 9})}, {"x:f32[n,3,t]"});
  c.add("ConvTranspose2d",
        nn::ConvTranspose2d(nn::ConvTranspose2dOptions(3, 4, 3).stride(2).output_padding(1)),
        {torch::randn({2, 3, 5, 4})}, {"x:f32[n,3,h,w]"});
  c.add("ConvTranspose3d", nn::ConvTranspose3d(3, 2, 2), {torch::randn({1, 3, 3, 4, 5})},
        {"x:f32[n,3,d,h,w]"});
  c.add("Unfold", nn::Unfold(nn::UnfoldOptions({2, 3})), {torch::randn({2, 3, 6, 7})}, {"x:f32[n,3,6,7]"});
  c.add("Fold", nn::Fold(nn::FoldOptions({4, 5}, {2, 2})), {torch::randn({2, 12, 12})}, {"x:f32[n,12,12]"});
  expect_verified(c);
}

TEST(Modules, Pooling) {
  Cases c;
  c.add("AvgPool1d", nn::AvgPool1d(2), {torch::randn({2, 3, 9})}, {"x:f32[n,3,t]"});
  c.add("AvgPool2d", nn::AvgPool2d(nn::AvgPool2dOptions(3).stride(2).padding(1)),
        {torch::randn({2, 3, 9, 8})}, {"x:f32[n,3,h,w]"});
  c.add("AvgPool3d", nn::AvgPool3d(2), {torch::randn({1, 3, 5, 6, 7})}, {"x:f32[n,3,d,h,w]"});
  c.add("MaxPool1d", nn::MaxPool1d(2), {torch::randn({2, 3, 9})}, {"x:f32[n,3,t]"});
  c.add("MaxPool2d", nn::MaxPool2d(nn::MaxPool2dOptions(3).stride(2).ceil_mode(true)),
        {torch::randn({2, 3, 9, 8})}, {"x:f32[n,3,h,w]"});
  c.add("MaxPool3d", nn::MaxPool3d(2), {torch::randn({1, 3, 5, 6, 7})}, {"x:f32[n,3,d,h,w]"});
  c.add("AdaptiveAvgPool1d", nn::AdaptiveAvgPool1d(1), {torch::randn({2, 3, 9})}, {"x:f32[n,3,t]"});
  c.add("AdaptiveAvgPool2d", nn::AdaptiveAvgPool2d(1), {torch::randn({2, 3, 9, 8})}, {"x:f32[n,3,h,w]"});
  c.add("AdaptiveAvgPool3d", nn::AdaptiveAvgPool3d(1), {torch::randn({1, 3, 5, 6, 7})}, {"x:f32[n,3,5,6,7]"});
  c.add("AdaptiveMaxPool1d", nn::AdaptiveMaxPool1d(1), {torch::randn({2, 3, 9})}, {"x:f32[n,3,t]"});
  c.add("AdaptiveMaxPool2d", nn::AdaptiveMaxPool2d(2), {torch::randn({2, 3, 8, 8})}, {"x:f32[n,3,8,8]"});
  c.add("LPPool1d", nn::LPPool1d(2, 3), {torch::rand({2, 3, 9})}, {"x:f32[n,3,t]"});
  c.add("LPPool2d", nn::LPPool2d(2, 3), {torch::rand({2, 3, 9, 8})}, {"x:f32[n,3,h,w]"});
  expect_verified(c);
}

TEST(Modules, PaddingAndResizing) {
  Cases c;
  c.add("ReflectionPad1d", nn::ReflectionPad1d(2), {torch::randn({2, 3, 9})}, {"x:f32[n,3,t]"});
  c.add("ReflectionPad2d", nn::ReflectionPad2d(1), {torch::randn({2, 3, 9, 8})}, {"x:f32[n,3,h,w]"});
  c.add("ReplicationPad1d", nn::ReplicationPad1d(2), {torch::randn({2, 3, 9})}, {"x:f32[n,3,t]"});
  c.add("ReplicationPad2d", nn::ReplicationPad2d(1), {torch::randn({2, 3, 9, 8})}, {"x:f32[n,3,h,w]"});
  c.add("ReplicationPad3d", nn::ReplicationPad3d(1), {torch::randn({1, 3, 4, 5, 6})}, {"x:f32[n,3,d,h,w]"});
  c.add("ZeroPad2d", nn::ZeroPad2d(nn::ZeroPad2dOptions({1, 2, 3, 4})), {torch::randn({2, 3, 9, 8})},
        {"x:f32[n,3,h,w]"});
  c.add("ConstantPad1d", nn::ConstantPad1d(2, 0.5), {torch::randn({2, 3, 9})}, {"x:f32[n,3,t]"});
  c.add("ConstantPad2d", nn::ConstantPad2d(1, 3.5), {torch::randn({2, 3, 9, 8})}, {"x:f32[n,3,h,w]"});
  c.add("ConstantPad3d", nn::ConstantPad3d(1, 3.5), {torch::randn({1, 3, 4, 5, 6})}, {"x:f32[n,3,d,h,w]"});
  c.add("PixelShuffle", nn::PixelShuffle(2), {torch::randn({2, 4, 5, 6})}, {"x:f32[n,4,h,w]"});
  c.add("PixelUnshuffle", nn::PixelUnshuffle(2), {torch::randn({2, 1, 6, 8})}, {"x:f32[n,1,6,8]"});
  c.add("Upsample nearest",
        nn::Upsample(nn::UpsampleOptions().scale_factor(std::vector<double>{2, 2}).mode(torch::kNearest)),
        {torch::randn({2, 3, 4, 5})}, {"x:f32[n,3,h,w]"});
  c.add("Upsample bilinear",
        nn::Upsample(nn::UpsampleOptions()
                         .scale_factor(std::vector<double>{2, 2})
                         .mode(torch::kBilinear)
                         .align_corners(false)),
        {torch::randn({2, 3, 4, 5})}, {"x:f32[n,3,h,w]"});
  c.add("Flatten", nn::Flatten(), {torch::randn({2, 3, 4, 5})}, {"x:f32[n,3,4,5]"});
  c.add("Unflatten", nn::Unflatten(nn::UnflattenOptions(1, {2, 3})), {torch::randn({2, 6})}, {"x:f32[n,6]"});
  expect_verified(c);
}

TEST(Modules, NormalizationAndDropout) {
  Cases c;
  const auto trained = [](auto module) {  // statistics that are not those of the first day
    torch::NoGradGuard guard;
    module->running_mean.uniform_(-1, 1);
    module->running_var.uniform_(0.5, 2);
    return module;
  };
  c.each("BatchNorm1d", trained(nn::BatchNorm1d(3)));
  c.add("BatchNorm2d", trained(nn::BatchNorm2d(3)), {torch::randn({2, 3, 4, 5})}, {"x:f32[n,3,h,w]"});
  c.add("BatchNorm3d", trained(nn::BatchNorm3d(3)), {torch::randn({2, 3, 4, 5, 6})}, {"x:f32[n,3,d,h,w]"});
  c.each("InstanceNorm1d", nn::InstanceNorm1d(nn::InstanceNorm1dOptions(3).affine(true)));
  c.add("InstanceNorm2d", nn::InstanceNorm2d(3), {torch::randn({2, 3, 4, 5})}, {"x:f32[n,3,h,w]"});
  c.add("InstanceNorm3d", nn::InstanceNorm3d(3), {torch::randn({2, 3, 4, 5, 6})}, {"x:f32[n,3,d,h,w]"});
  c.add("GroupNorm", nn::GroupNorm(2, 4), {torch::randn({2, 4, 4, 5})}, {"x:f32[n,4,h,w]"});
  c.add("LayerNorm", nn::LayerNorm(nn::LayerNormOptions({6})), {torch::randn({2, 3, 6})}, {"x:f32[n,t,6]"});
  c.add("LocalResponseNorm", nn::LocalResponseNorm(3), {torch::randn({2, 5, 4, 5})}, {"x:f32[n,5,h,w]"});
  c.each("Dropout", nn::Dropout(0.5));
  c.add("Dropout2d", nn::Dropout2d(0.5), {torch::randn({2, 3, 4, 5})}, {"x:f32[n,3,h,w]"});
  c.add("Dropout3d", nn::Dropout3d(0.5), {torch::randn({2, 3, 4, 5, 6})}, {"x:f32[n,3,d,h,w]"});
  c.each("AlphaDropout", nn::AlphaDropout(0.5));
  c.each("FeatureAlphaDropout", nn::FeatureAlphaDropout(0.5));
  expect_verified(c);
}

TEST(Modules, LinearAndEmbedding) {
  Cases c;
  c.add("Linear", nn::Linear(6, 4), {torch::randn({2, 3, 6})}, {"x:f32[n,t,6]"});
  c.add("Bilinear", nn::Bilinear(3, 4, 5), {torch::randn({2, 3}), torch::randn({2, 4})},
        {"a:f32[n,3]", "b:f32[n,4]"});
  c.add("Embedding", nn::Embedding(10, 4), {torch::randint(0, 10, {2, 5})}, {"ids:i64[n,t]"});
  c.add("EmbeddingBag", nn::EmbeddingBag(10, 4), {torch::randint(0, 10, {3, 5})}, {"ids:i64[n,5]"});
  c.add("CosineSimilarity", nn::CosineSimilarity(), {torch::randn({2, 6}), torch::randn({2, 6})},
        {"a:f32[n,6]", "b:f32[n,6]"});
  c.add("PairwiseDistance", nn::PairwiseDistance(), {torch::randn({2, 6}), torch::randn({2, 6})},
        {"a:f32[n,6]", "b:f32[n,6]"});
  expect_verified(c);
}

TEST(Modules, Recurrent) {
  Cases c;
  c.add("RNN", nn::RNN(4, 5), {torch::randn({6, 2, 4})}, {"x:f32[t,n,4]"});
  c.add("GRU", nn::GRU(nn::GRUOptions(4, 5).num_layers(2)), {torch::randn({6, 2, 4})}, {"x:f32[t,n,4]"});
  c.add("LSTM", nn::LSTM(nn::LSTMOptions(4, 5).bidirectional(true).batch_first(true)),
        {torch::randn({2, 6, 4})}, {"x:f32[n,t,4]"});
  c.add("LSTM with state", nn::LSTM(4, 5),
        {torch::randn({6, 2, 4}),
         c10::ivalue::Tuple::create({torch::randn({1, 2, 5}), torch::randn({1, 2, 5})})},
        {"x:f32[t,n,4]", "h:f32[1,n,5]", "c:f32[1,n,5]"});
  c.add("RNNCell", nn::RNNCell(4, 5), {torch::randn({2, 4})}, {"x:f32[n,4]"});
  c.add("GRUCell", nn::GRUCell(4, 5), {torch::randn({2, 4}), torch::randn({2, 5})},
        {"x:f32[n,4]", "h:f32[n,5]"});
  c.add("LSTMCell", nn::LSTMCell(4, 5), {torch::randn({2, 4})}, {"x:f32[n,4]"});
  expect_verified(c);
}

TEST(Modules, Transformers) {
  Cases c;
  c.add("TransformerEncoderLayer", nn::TransformerEncoderLayer(nn::TransformerEncoderLayerOptions(8, 2)),
        {torch::randn({5, 2, 8})}, {"x:f32[t,n,8]"});
  c.add("TransformerDecoderLayer", nn::TransformerDecoderLayer(nn::TransformerDecoderLayerOptions(8, 2)),
        {torch::randn({5, 2, 8}), torch::randn({6, 2, 8})}, {"x:f32[t,n,8]", "memory:f32[s,n,8]"});
  c.add("Transformer", nn::Transformer(nn::TransformerOptions(8, 2, 1, 1)),
        {torch::randn({5, 2, 8}), torch::randn({6, 2, 8})}, {"source:f32[s,n,8]", "x:f32[t,n,8]"});
  c.add("MultiheadAttention", nn::MultiheadAttention(8, 2),
        {torch::randn({5, 2, 8}), torch::randn({6, 2, 8}), torch::randn({6, 2, 8})},
        {"q:f32[t,n,8]", "k:f32[s,n,8]", "v:f32[s,n,8]"});
  expect_verified(c);
}

TEST(Modules, Losses) {
  Cases c;
  const auto x = torch::rand({3, 4}), y = torch::rand({3, 4});
  const std::vector<std::string> both = {"x:f32[n,4]", "y:f32[n,4]"};
  c.add("L1Loss", nn::L1Loss(), {x, y}, both);
  c.add("MSELoss", nn::MSELoss(), {x, y}, both);
  c.add("SmoothL1Loss", nn::SmoothL1Loss(), {x, y}, both);
  c.add("HuberLoss", nn::HuberLoss(), {x, y}, both);
  c.add("BCELoss", nn::BCELoss(), {torch::rand({3, 4}) * 0.8 + 0.1, y}, {});  // of probabilities
  c.add("BCEWithLogitsLoss", nn::BCEWithLogitsLoss(), {x, y}, both);
  c.add("KLDivLoss", nn::KLDivLoss(nn::KLDivLossOptions(torch::kSum)), {x.log(), y}, both);
  c.add("PoissonNLLLoss", nn::PoissonNLLLoss(), {x, y}, both);
  c.add("SoftMarginLoss", nn::SoftMarginLoss(), {x, y}, both);
  c.add("CrossEntropyLoss", nn::CrossEntropyLoss(), {x, torch::randint(0, 4, {3})},
        {"x:f32[n,4]", "y:i64[n]"});
  c.add("NLLLoss", nn::NLLLoss(), {x.log(), torch::randint(0, 4, {3})}, {"x:f32[n,4]", "y:i64[n]"});
  c.add("TripletMarginLoss", nn::TripletMarginLoss(), {x, y, torch::rand({3, 4})},
        {"x:f32[n,4]", "y:f32[n,4]", "z:f32[n,4]"});
  expect_verified(c);
}

TEST(Modules, Containers) {
  Cases c;
  c.add("Sequential",
        nn::Sequential(nn::Conv2d(3, 4, 3), nn::Dropout(nn::DropoutOptions(0.5).inplace(true)),
                       nn::ReLU(nn::ReLUOptions(true)), nn::Flatten(), nn::Linear(120, 3)),
        {torch::randn({2, 3, 8, 7})}, {"x:f32[n,3,8,7]"});
  c.add("Functional in Sequential", nn::Sequential(nn::Linear(4, 4), nn::Functional(torch::tanh)),
        {torch::randn({2, 4})}, {"x:f32[n,4]"});
  expect_verified(c);
}

}  // namespace
}  // namespace onnxport
