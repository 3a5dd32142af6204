// Models as people write them in C++: what their forwards do, what the file then says, and that they are left as they were.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "module/exported.h"

namespace onnxport {
namespace {

namespace nn = torch::nn;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::verified;
using testing::Written;

struct NetImpl : nn::Module {
  NetImpl()
      : conv(register_module("conv", nn::Conv2d(nn::Conv2dOptions(3, 8, 3).padding(1)))),
        norm(register_module("norm", nn::BatchNorm2d(8))),
        head(register_module("head", nn::Linear(8, 5))) {}
  torch::Tensor forward(torch::Tensor x) {
    x = torch::relu(norm(conv(x)));
    x = torch::adaptive_avg_pool2d(torch::max_pool2d(x, 2), {1, 1});
    return torch::log_softmax(head(x.view({x.size(0), -1})), 1);
  }
  nn::Conv2d conv;
  nn::BatchNorm2d norm;
  nn::Linear head;
};
TORCH_MODULE(Net);

TEST(Models, AConvolutionalNet) {
  Net net;
  EXPECT_EQ(verified(*net, {torch::randn({2, 3, 16, 12})}, {"x:f32[batch,3,h,w]"}), "");
  EXPECT_EQ(verified(*net, {torch::randn({1, 3, 16, 12})}, {}), "");
}

TEST(Models, NamesTypesAndPlaces) {
  Net net;
  const Session session;
  ProgramOptions options;
  options.inputs = {"x:f32[batch,3,h,w]"};
  const Program program = session.capture(module_source(*net, {torch::randn({2, 3, 16, 12})}), options);
  EXPECT_THAT(program.inputs(), ElementsAre("x: f32[batch,3,h,w]"));
  EXPECT_EQ(program.outputs().size(), 1U);
  const std::string text = program.show("capture");
  EXPECT_THAT(text, HasSubstr("initializer %conv.weight: f32[8,3,3,3]"));
  EXPECT_THAT(text, HasSubstr("@\"conv"));
  EXPECT_THAT(text, HasSubstr("models_test.cpp:"));
  EXPECT_THAT(program.show("translate"), HasSubstr("Conv("));
}

TEST(Models, ModeAndStatisticsAreLeftAsTheyWere) {
  Net net;
  net->train();
  net->norm->eval();
  const auto mean = net->norm->running_mean.clone();
  EXPECT_EQ(verified(*net, {torch::randn({2, 3, 16, 12})}, {"x:f32[batch,3,h,w]"}), "");
  EXPECT_TRUE(net->is_training());
  EXPECT_TRUE(net->conv->is_training());
  EXPECT_FALSE(net->norm->is_training());
  EXPECT_TRUE(net->norm->running_mean.equal(mean));
}

TEST(Models, WritesThroughViewsAndFactories) {
  Written module([](auto& self, const torch::Tensor& x) {
    auto y = torch::zeros({x.size(0), 4});
    y.slice(1, 0, 2).add_(self.linear(x).slice(1, 0, 2));
    return y + torch::ones({x.size(0), 1}).triu() + torch::tensor({1.F, 2.F, 3.F, 4.F});
  });
  EXPECT_EQ(verified(module, {torch::randn({3, 4})}, {"x:f32[n,4]"}), "");
}

TEST(Models, AttentionWithSizesOfItsOwn) {
  Written module([](auto& self, const torch::Tensor& x) {
    const int64_t n = x.size(0), t = x.size(1);
    const auto q = self.linear(x).view({n, t, 2, 2}).transpose(1, 2);
    const auto mask = torch::full({t, t}, -1e9).triu(1);
    const auto a = torch::softmax(torch::matmul(q, q.transpose(-2, -1)) / std::sqrt(2.0) + mask, -1);
    return torch::matmul(a, q).transpose(1, 2).contiguous().view({n, t, 4});
  });
  EXPECT_EQ(verified(module, {torch::randn({2, 6, 4})}, {"x:f32[n,t,4]"}), "");
}

// The encoder halves and rounds up, the decoder goes back to the sizes of the skip: right at odd sizes too.
struct UNetImpl : nn::Module {
  UNetImpl()
      : down(register_module("down", nn::Conv2d(nn::Conv2dOptions(3, 4, 3).stride(2).padding(1)))),
        up(register_module("up", nn::Conv2d(nn::Conv2dOptions(7, 3, 3).padding(1)))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    namespace F = nn::functional;
    const auto back = F::interpolate(down(x), F::InterpolateFuncOptions()
                                                  .size(std::vector<int64_t>{x.size(2), x.size(3)})
                                                  .mode(torch::kBilinear)
                                                  .align_corners(false));
    return up(torch::cat({back, x}, 1));
  }
  nn::Conv2d down, up;
};
TORCH_MODULE(UNet);

TEST(Models, AUNetAtOddSizes) {
  UNet net;
  EXPECT_EQ(verified(*net, {torch::randn({1, 3, 33, 40})}, {"x:f32[n,3,h,w]"}), "");
  EXPECT_EQ(verified(*net, {torch::randn({1, 3, 32, 32})}, {"x:f32[n,3,h,w]"}), "");
}

TEST(Models, ASizeThatMustBeEvenIsStatedAndKept) {
  Written module(
      [](auto&, const torch::Tensor& x) { return torch::max_pool1d(x, 2).repeat_interleave(2, 2) + x; });
  const Session session;
  ProgramOptions options;
  options.inputs = {"x:f32[n,4,t]"};
  const Source source = module_source(module, {torch::randn({2, 4, 8})});
  const Program program = session.capture(source, options);
  ASSERT_FALSE(program.report().diagnostics.empty());
  EXPECT_THAT(program.report().diagnostics[0].message, HasSubstr("t % 2 == 0"));
  EXPECT_EQ(verified(source, {"x:f32[n,4,t]"}), "");
}

TEST(Models, NestedResultsHaveNames) {
  struct Several : nn::Module {
    std::tuple<torch::Tensor, std::map<std::string, torch::Tensor>, std::vector<torch::Tensor>> forward(
        const torch::Tensor& x) {
      return {x + 1, {{"a", x * 2}, {"b", x}}, {x - 1, x - 2}};
    }
  } module;
  const Session session;
  const Program program = session.capture(module_source(module, {torch::randn({2, 4})}));
  std::vector<std::string> names;
  for (const std::string& output : program.outputs()) names.push_back(output.substr(0, output.find(':')));
  EXPECT_THAT(names, ElementsAre("output_0", "output_1_a", "output_1_b", "output_2_0", "output_2_1"));
  EXPECT_EQ(verified(module, {torch::randn({2, 4})}, {"x:f32[n,4]"}), "");
}

TEST(Models, ArgumentsOfEveryKind) {
  struct Many : nn::Module {
    torch::Tensor forward(const torch::Tensor& x, std::optional<torch::Tensor> bias, int64_t times,
                          double scale, bool negate, const std::vector<torch::Tensor>& more) {
      auto y = bias ? x + *bias : x;
      for (int64_t i = 0; i < times; ++i) y = y * scale;
      for (const auto& each : more) y = y + each;
      return negate ? -y : y;
    }
  } module;
  const c10::List<at::Tensor> more({torch::randn({2, 4}), torch::randn({2, 4})});
  EXPECT_EQ(verified(module, {torch::randn({2, 4}), c10::IValue(), int64_t{2}, 0.5, true, more},
                     {"x:f32[n,4]", "a:f32[n,4]", "b:f32[n,4]"}),
            "");
  EXPECT_EQ(verified(module, {torch::randn({2, 4}), torch::randn({4}), int64_t{1}, 2.0, false, more},
                     {"x:f32[n,4]", "bias:f32[4]", "a:f32[n,4]", "b:f32[n,4]"}),
            "");
}

TEST(Models, ACallableWithItsWeights) {
  const auto w = torch::randn({4, 3}), b = torch::randn({3});
  const Source source = callable_source(
      [w, b](const std::vector<c10::IValue>& x) {
        return std::vector<c10::IValue>{torch::addmm(b, x[0].toTensor(), w)};
      },
      {{"w", w}, {"b", b}}, {torch::randn({2, 4})});
  EXPECT_EQ(verified(source, {"x:f32[n,4]"}), "");
  const Session session;
  EXPECT_THAT(session.capture(source).show("capture"), HasSubstr("initializer %w: f32[4,3]"));
}

TEST(Models, TiedWeightsAreOne) {
  struct Tied : nn::Module {
    Tied()
        : embedding(register_module("embedding", nn::Embedding(10, 4))),
          head(register_module("head", nn::Linear(nn::LinearOptions(4, 10).bias(false)))) {
      head->weight = embedding->weight;
    }
    torch::Tensor forward(const torch::Tensor& ids) {
      return torch::nn::functional::linear(embedding(ids), embedding->weight);
    }
    nn::Embedding embedding;
    nn::Linear head;
  } module;
  EXPECT_EQ(verified(module, {torch::randint(0, 10, {2, 5})}, {"ids:i64[n,t]"}), "");
}

TEST(Models, BuffersBecomeStates) {
  Written module([](auto& self, const torch::Tensor& x) {
    self.calls.add_(1);
    return self.linear(x) + self.calls;
  });
  ExportOptions options;
  options.state = State::io;
  EXPECT_EQ(verified(module, {torch::randn({2, 4})}, {"x:f32[n,4]"}, options), "");
  EXPECT_TRUE(module.calls.equal(torch::zeros({4})));  // as before
}

}  // namespace
}  // namespace onnxport
