// Models that do odd things, compared with libtorch in ONNX Runtime at sizes and values that were not run for the export.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include <array>
#include <atomic>
#include <thread>
#include <unordered_map>

#include "module/exported.h"

namespace onnxport {
namespace {

namespace nn = torch::nn;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::verified;
using testing::Written;
using Inputs = std::vector<std::string>;

const Inputs kRows = {"x:f32[n,4]"};
const Inputs kImage = {"x:f32[n,3,h,w]"};

// What the captured graph says of other sizes and values than the module is found by tests/module/exported.h's comparison of the
// two; what the module itself would do differently is found by the errors here.
template <typename Function>
std::string exported(Function function, const torch::Tensor& example, const Inputs& inputs) {
  Written module(std::move(function));
  return verified(module, {example}, inputs);
}

// The notes and warnings of a capture.
template <typename Module>
std::string said(Module& module, std::vector<c10::IValue> examples, const Inputs& inputs) {
  ProgramOptions options;
  options.inputs = inputs;
  const Session session;
  const Program program = session.capture(module_source(module, std::move(examples)), options);
  std::string out;
  for (const Diagnostic& each : program.report().diagnostics) out += each.text() + "\n";
  return out;
}

// ---- sizes ----

TEST(OddModels, PaddingToTheSizeOfAnother) {
  EXPECT_EQ(
      exported(
          [](auto&, const torch::Tensor& x) {
            auto y = torch::max_pool2d(x, 2).repeat_interleave(2, 2).repeat_interleave(2, 3);
            const int64_t dh = x.size(2) - y.size(2), dw = x.size(3) - y.size(3);
            return torch::cat({x, torch::constant_pad_nd(y, {dw / 2, dw - dw / 2, dh / 2, dh - dh / 2})}, 1);
          },
          torch::randn({1, 3, 16, 16}), kImage),
      "");
}

TEST(OddModels, TensorsAndFactorsMadeOfSizes) {
  EXPECT_EQ(exported(
                [](auto&, const torch::Tensor& x) {
                  const auto rows = static_cast<float>(x.size(0));
                  return x / torch::tensor({rows, 1.F, 2.F, rows}) + 0.5 * static_cast<double>(x.size(0) - 1);
                },
                torch::randn({2, 4}), kRows),
            "");
}

// Outside its range forward would do something else, and it is never asked to.
TEST(OddModels, ARangeHoldsTheRuns) {
  const auto forward = [](auto&, const torch::Tensor& x) { return x.size(0) > 12 ? x.sin() : x.cos(); };
  EXPECT_EQ(exported(forward, torch::randn({6, 4}), {"x:f32[n=4..12,4]"}), "");
  EXPECT_THAT(exported(forward, torch::randn({6, 4}), {"x:f32[n=4..40,4]"}), HasSubstr("error P605"));
  EXPECT_THAT(exported(forward, torch::randn({3, 4}), {"x:f32[n=4..12,4]"}),
              HasSubstr("'n' is 3 in the examples, which is not in the range that the inputs give it"));
}

// A table of positions is as long as the examples: larger ones are none.
TEST(OddModels, TheExampleMayBeTheLargest) {
  struct Positions : nn::Module {
    nn::Embedding table{register_module("table", nn::Embedding(16, 4))};
    torch::Tensor forward(const torch::Tensor& x) { return x + table(torch::arange(x.size(1))); }
  } module;
  const Inputs inputs = {"x:f32[n,t,4]"};
  EXPECT_THAT(said(module, {torch::randn({2, 16, 4})}, inputs), HasSubstr("takes only sizes where t <= 16"));
  EXPECT_EQ(verified(module, {torch::randn({2, 16, 4})}, inputs), "");
}

TEST(OddModels, WhatIsDoneForASizeOfOneIsSaid) {
  Written module([](auto&, const torch::Tensor& x) {
    auto mean = x.mean(0, true);
    if (x.size(0) == 1) mean = mean * 2;
    return x + mean;
  });
  // The branch calls an operator more, so the sizes that the runs have do not show it.
  EXPECT_THAT(
      said(module, {torch::randn({2, 4})}, kRows),
      HasSubstr("warning: module does something else where n is 1: the file is right for n != 1 only"));
  Written same([](auto&, const torch::Tensor& x) { return x + x.mean(0, true); });
  EXPECT_THAT(said(same, {torch::randn({2, 4})}, kRows), Not(HasSubstr("warning")));
}

// ---- contents ----

TEST(OddModels, AsManyAsThereAreAbove) {
  // A size that depends on contents is a number of the graph, whatever the examples hold.
  Written module(
      [](auto&, const torch::Tensor& x) { return x * static_cast<double>(torch::nonzero(x > 0.3).size(0)); });
  ProgramOptions options;
  const Session session;
  const auto x = torch::tensor({0.1F, 0.2F, 0.35F, 0.5F}).reshape({1, 4});
  EXPECT_THAT(session.capture(module_source(module, {x}), options).show("translate"), HasSubstr("Shape("));
  EXPECT_EQ(verified(module, {x}, {}), "");
}

TEST(OddModels, DataIsTheTensorItself) {
  EXPECT_EQ(exported(
                [](auto& self, const torch::Tensor& x) {
                  auto y = self.linear(x.data());
                  y.data().mul_(2);
                  return torch::matmul(y, self.linear->weight.data()) + y.data();
                },
                torch::randn({2, 4}), kRows),
            "");
}

TEST(OddModels, TensorsThatNobodyRegistered) {
  const auto table = torch::randn({4, 4}), row = torch::randn({4});
  EXPECT_EQ(exported(
                [&](auto&, const torch::Tensor& x) {
                  return torch::matmul(x, table.t()) + row.view({1, 4});
                },
                torch::randn({2, 4}), kRows),
            "");
  EXPECT_EQ(exported([&](auto&, const torch::Tensor&) { return table; }, torch::randn({2, 4}), {}), "");
}

// Filled by libtorch's headers, which then give it another identity.
TEST(OddModels, ListsAsTensors) {
  const std::vector<int64_t> columns{0, 2};
  EXPECT_EQ(exported(
                [&](auto&, const torch::Tensor& x) {
                  const auto y = x.index({torch::indexing::Slice(), torch::tensor(columns)});
                  return y * torch::tensor(std::vector<float>{1, 2}).view({1, 2});
                },
                torch::randn({2, 4}), kRows),
            "");
}

TEST(OddModels, IdsThatTakeFewOtherValues) {
  struct Picked : nn::Module {
    torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& ids, const torch::Tensor& lengths) {
      TORCH_CHECK(
          lengths.size(0) < 2 || lengths.const_data_ptr<int64_t>()[0] >= lengths.const_data_ptr<int64_t>()[1],
          "lengths have to fall");
      return x.index_select(0, ids) * lengths.sum();
    }
  } module;
  EXPECT_EQ(verified(module, {torch::randn({3, 4}), torch::tensor({2, 0, 1}), torch::tensor({6, 4, 2})},
                     {"x:f32[n,4]", "ids:i64[k]", "lengths:i64[3]"}),
            "");
}

// ---- threads ----

TEST(OddModels, KeysOfTheCallerOnAnotherThread) {  // at::launch, torch.jit.fork
  Written module([](auto& self, const torch::Tensor& x) {
    torch::Tensor y;
    std::atomic<bool> done{false};
    at::launch([&] {
      const torch::NoGradGuard guard;
      y = self.linear(x);
      done = true;
    });
    while (!done) std::this_thread::yield();
    return y + x;
  });
  EXPECT_THAT(verified(module, {torch::randn({2, 4})}, {}), HasSubstr("P606"));
}

TEST(OddModels, ExportedFromSeveralThreadsAtOnce) {
  struct Dropped : nn::Module {
    nn::BatchNorm1d norm{register_module("norm", nn::BatchNorm1d(4))};
    nn::Dropout dropout{register_module("dropout", nn::Dropout(0.5))};
    torch::Tensor forward(const torch::Tensor& x) { return dropout(norm(x)); }
  } module;
  const Session session;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 10; ++k) {
        const std::string graph =
            session.capture(module_source(module, {torch::randn({6, 4})})).show("translate");
        if (graph.find("Dropout(") != std::string::npos) ++wrong;
      }
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(module.is_training() && module.norm->is_training() && module.dropout->is_training());
  EXPECT_TRUE(module.norm->running_mean.equal(torch::zeros({4})));
}

// ---- arguments and results ----

struct AsTheyCome : nn::Module {
  std::pair<std::array<torch::Tensor, 2>, std::unordered_map<std::string, torch::Tensor>> forward(
      torch::Tensor& x, const std::pair<torch::Tensor, torch::Tensor>& two, torch::TensorList more,
      float scale, std::optional<torch::IntArrayRef> sizes = std::nullopt, int times = 1) noexcept {
    auto y = x * scale * times + two.first - two.second;
    for (const auto& each : more) y = y + each;
    return {{y, sizes ? y.reshape(*sizes) : y}, {{"b", y * 2}, {"a", y * 3}}};
  }
};

TEST(OddModels, ArgumentsByReferenceAndOtherContainers) {
  AsTheyCome module;
  const auto x = torch::randn({2, 4});
  const auto two = c10::ivalue::Tuple::create({torch::randn({2, 4}), torch::randn({2, 4})});
  const c10::List<at::Tensor> more({torch::randn({4})});
  const Inputs inputs = {"x:f32[n,4]", "a:f32[n,4]", "b:f32[n,4]", "c:f32[4]"};
  EXPECT_EQ(verified(module, {x, two, more, 2}, inputs), "");  // a whole number will do for a float
  EXPECT_EQ(verified(module, {x, two, more, 0.5, std::vector<int64_t>{-1, 2}, 3}, inputs), "");
  const Session session;
  const Program program = session.capture(module_source(module, {x, two, more, 2}));
  std::vector<std::string> names;
  for (const std::string& output : program.outputs()) names.push_back(output.substr(0, output.find(':')));
  EXPECT_THAT(names, ::testing::ElementsAre("output_0_0", "output_0_1", "output_1_a", "output_1_b"));
}

TEST(OddModels, ResultsThatAreNoTensorsAreSaid) {
  struct Mixed : nn::Module {
    std::tuple<torch::Tensor, int, float, std::optional<torch::Tensor>, torch::Tensor> forward(
        const torch::Tensor& x) {
      return {x + 1, 3, 0.5F, std::nullopt, torch::Tensor()};
    }
  } module;
  const std::string notes = said(module, {torch::randn({2, 4})}, {});
  EXPECT_THAT(notes, HasSubstr("'output_1' is or holds an integer, which is left out"));
  EXPECT_THAT(notes, HasSubstr("'output_2' is or holds a floating-point number, which is left out"));
  EXPECT_THAT(notes, HasSubstr("'output_3' is or holds nothing (an empty optional), which is left out"));
  EXPECT_THAT(notes, HasSubstr("'output_4' is or holds an undefined tensor, which is left out"));
  EXPECT_EQ(verified(module, {torch::randn({2, 4})}, {}), "");
}

TEST(OddModels, ComplexResultsAreReplayedWhole) {
  Written module([](auto&, const torch::Tensor& x) {
    auto z = torch::complex(x, x);
    torch::view_as_real(z).template data_ptr<float>()[1] = 42;  // an imaginary part
    return z;
  });
  EXPECT_THAT(verified(module, {torch::randn({2, 4})}, {}), HasSubstr("P60"));
}

TEST(OddModels, StateOfWhatThrewIsPutBack) {
  struct Mine {};
  Written module([](auto& self, const torch::Tensor& x) {
    self.calls.add_(1);
    if (x.size(0) > 2) throw Mine();
    return x + 1;
  });
  EXPECT_THAT(verified(module, {torch::randn({2, 4})}, kRows), HasSubstr("P605"));
  EXPECT_TRUE(module.calls.equal(torch::zeros({4})));
  EXPECT_TRUE(module.is_training());
}

}  // namespace
}  // namespace onnxport
