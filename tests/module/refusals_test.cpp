// What cannot be recorded is refused, in words that say what, where in the user's code, and what to do: refusals.txt has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "module/exported.h"
#include "module/golden.h"
#include "module/recorded.h"

namespace onnxport {
namespace {

using testing::expect_text;
using testing::Written;
using Examples = std::vector<c10::IValue>;
using Inputs = std::vector<std::string>;

const auto kExample = torch::randn({2, 4});
const Inputs kDynamic = {"x:f32[n,4]"};

template <typename Module>
std::string refused(Module& module, Examples examples, const Inputs& inputs = {}) {
  ExportOptions options;
  options.inputs = inputs;
  const auto file = testing::scratch_file();
  std::filesystem::remove(file);
  try {
    export_module(module, std::move(examples), file, options);  // {export}
  } catch (const Error& error) {
    EXPECT_FALSE(std::filesystem::exists(file));
    return error.what();
  }
  std::filesystem::remove(file);
  return "exported";
}

// ---- contents of tensors ----

TEST(Refusals, BranchOnAValue) {
  Written module([](auto& self, const torch::Tensor& x) {
    const auto y = self.linear(x);
    return y.sum().template item<float>() > 0 ? y : -y;  // {item}
  });
  expect_text("branch on a value", refused(module, {kExample}));
}

TEST(Refusals, LoopOverFoundElements) {
  Written module([](auto& self, const torch::Tensor& x) {
    auto y = self.linear(x);
    const auto found = torch::nonzero(x > 0.3);
    for (int64_t i = 0; i < found.size(0); ++i) y = y + 1;  // {found}
    return y;
  });
  const auto x = torch::tensor({0.1F, 0.2F, 0.35F, 0.5F}).reshape({1, 4});
  expect_text("loop over found elements", refused(module, {x}));
}

TEST(Refusals, NumberReadThroughAPointer) {
  Written module([](auto&, const torch::Tensor& x) {
    return x * x.template data_ptr<float>()[0];  // {scale}
  });
  // As examples often are: all the same, and but one.
  expect_text("number read through a pointer", refused(module, {torch::ones({2, 4})}));
  expect_text("number read through a pointer", refused(module, {torch::ones({})}));
}

// ---- parameters and what is kept between calls ----

TEST(Refusals, ParameterThatForwardWrites) {
  Written module([](auto& self, const torch::Tensor& x) {
    self.linear->weight.mul_(0.5);  // {write}
    return self.linear(x);
  });
  const auto before = module.linear->weight.clone();
  expect_text("parameter that forward writes", refused(module, {kExample}));
  EXPECT_TRUE(module.linear->weight.equal(before));
}

TEST(Refusals, ParameterWithAnotherStorage) {
  Written module([](auto& self, const torch::Tensor& x) {
    self.linear->weight.set_data(torch::ones({4, 4}));
    return self.linear(x);
  });
  expect_text("parameter with another storage", refused(module, {kExample}));
}

TEST(Refusals, BufferThatForwardWrites) {
  Written module([](auto& self, const torch::Tensor& x) {
    self.calls.add_(1);  // {buffer}
    return self.linear(x) + self.calls;
  });
  expect_text("buffer that forward writes", refused(module, {kExample}));
}

TEST(Refusals, BufferThatForwardReplaces) {
  Written module([](auto& self, const torch::Tensor& x) {
    self.calls = self.calls * 0.5 + x.sum(0);  // {replace}
    return x + self.calls;
  });
  expect_text("buffer that forward replaces", refused(module, {kExample}));
}

TEST(Refusals, CounterOfCalls) {
  int calls = 0;
  Written module(
      [&](auto&, const torch::Tensor& x) { return ++calls > 1 ? x + 1 : torch::relu(x); });  // {counter}
  expect_text("counter of calls", refused(module, {kExample}));
}

// ---- sizes ----

TEST(Refusals, LoopOverADynamicDim) {
  Written module([](auto& self, const torch::Tensor& x) {
    auto y = self.linear(x);
    for (int64_t i = 0; i < x.size(0); ++i) y = y + x[i];  // {loop}
    return y;
  });
  expect_text("loop over a dynamic dim", refused(module, {kExample}, kDynamic));
  EXPECT_EQ(refused(module, {kExample}), "exported");
}

TEST(Refusals, BranchOnASize) {
  Written module([](auto&, const torch::Tensor& x) {
    return x.size(0) % 2 == 0 ? torch::relu(x) : torch::sigmoid(x);  // {parity}
  });
  expect_text("branch on a size", refused(module, {kExample}, kDynamic));
}

// At the sizes that the graph is made of, 2, 3, 5 and 10, nothing shows.
TEST(Refusals, BranchOnASizeThatOnlyTheCheckReaches) {
  Written module([](auto&, const torch::Tensor& x) {
    return x.size(0) > 10 ? x * 2 : x * 3;  // {check}
  });
  expect_text("branch on a size that only the check reaches", refused(module, {kExample}, kDynamic));
}

TEST(Refusals, NumberThatFitsNoSizes) {
  Written module([](auto&, const torch::Tensor& x) {
    return x * std::log(static_cast<double>(x.size(0)));  // {log}
  });
  expect_text("number that fits no sizes", refused(module, {kExample}, kDynamic));
}

TEST(Refusals, TensorFilledFromSizes) {
  Written module([](auto&, const torch::Tensor& x) {
    auto count = torch::empty({1});
    count.template data_ptr<float>()[0] = static_cast<float>(x.size(0));
    return x / count;  // {filled}
  });
  expect_text("tensor filled from sizes", refused(module, {kExample}, kDynamic));
}

TEST(Refusals, SizeNothingElseTakes) {
  Written module([](auto& self, const torch::Tensor& x) {
    return self.linear(x.view({2, 4}));  // {view}
  });
  expect_text("size nothing else takes", refused(module, {kExample}, kDynamic));
}

TEST(Refusals, DimsThatHaveToBeEqual) {
  struct Sum : torch::nn::Module {
    torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& y) {
      return x + y;  // {sum}
    }
  } module;
  expect_text("dims that have to be equal",
              refused(module, {kExample, kExample}, {"x:f32[n,4]", "y:f32[m,4]"}));
}

TEST(Refusals, SizesThatDoNotGoTogether) {
  Written module([](auto&, const torch::Tensor& x) {
    TORCH_CHECK(x.size(0) <= 3 || x.size(1) <= 4, "too large");
    return torch::relu(x);  // {large}
  });
  expect_text("sizes that do not go together", refused(module, {kExample}, {"x:f32[n,c]"}));
}

TEST(Refusals, OtherNumberOfResults) {
  struct Rows : torch::nn::Module {
    std::vector<torch::Tensor> forward(const torch::Tensor& x) {
      return std::vector<torch::Tensor>(static_cast<size_t>(x.size(0)), torch::relu(x));
    }
  } module;
  expect_text("other number of results", refused(module, {kExample}, kDynamic));
}

// ---- what no operator shows ----

TEST(Refusals, WorkOnAnotherThread) {
  Written module([](auto& self, const torch::Tensor& x) {
    torch::Tensor y;
    std::thread([&] {
      const torch::NoGradGuard guard;
      y = self.linear(x);
    }).join();
    return y + x;  // {thread}
  });
  expect_text("work on another thread", refused(module, {kExample}));
  expect_text("work on another thread", refused(module, {torch::zeros({2, 4})}));
}

TEST(Refusals, ElementWrittenThroughAPointer) {
  Written module([](auto& self, const torch::Tensor& x) {
    auto y = torch::empty_like(x);
    for (int64_t i = 0; i < x.numel(); ++i)
      y.template data_ptr<float>()[i] = x.template data_ptr<float>()[i] * 2;
    return self.linear(y);  // {pointer}
  });
  expect_text("element written through a pointer", refused(module, {kExample}));
}

TEST(Refusals, ResultChangedThroughAPointer) {
  Written module([](auto& self, const torch::Tensor& x) {
    auto y = self.linear(x);  // {changed}
    y.template data_ptr<float>()[0] = 42;
    return y;
  });
  expect_text("result changed through a pointer", refused(module, {kExample}));
}

// ---- a forward that throws, or that the examples do not fit ----

TEST(Refusals, ForwardThatThrows) {
  Written throws([](auto& self, const torch::Tensor& x) -> torch::Tensor {
    const auto y = self.linear(x);  // {before}
    if (x.dim() == 2) throw std::runtime_error("only batches, %s please");
    return y;
  });
  expect_text("forward that throws", refused(throws, {kExample}));
  Written fails([](auto& self, const torch::Tensor& x) {
    return self.linear(x.transpose(0, 1));  // {shapes}
  });
  expect_text("operator that throws", refused(fails, {kExample}));
  struct Mine {};
  Written other([](auto& self, const torch::Tensor& x) -> torch::Tensor {
    self.calls.add_(x.sum(0));  // {mine}
    throw Mine();
  });
  expect_text("something else that is thrown", refused(other, {kExample}));
  EXPECT_TRUE(other.calls.equal(torch::zeros({4})));
}

TEST(Refusals, ForwardWithoutResults) {
  struct Nothing : torch::nn::Module {
    void forward(const torch::Tensor&) {}
  } nothing;
  expect_text("forward without results", refused(nothing, {kExample}));
  Written undefined([](auto&, const torch::Tensor&) { return torch::Tensor(); });
  expect_text("forward without results", refused(undefined, {kExample}));
}

TEST(Refusals, ExamplesThatForwardDoesNotTake) {
  struct Several : torch::nn::Module {
    torch::Tensor forward(const torch::Tensor& x, double scale, int64_t times = 1) {
      return x * scale * times;
    }
  } several;
  expect_text("too few examples", refused(several, {kExample}));
  expect_text("too many examples", refused(several, {kExample, 0.5, 1, 2}));
  expect_text("example of another kind", refused(several, {kExample, 0.5, "twice"}));
  expect_text("no examples", refused(several, {}));
  torch::nn::Sequential sequential(torch::nn::Linear(4, 4));
  expect_text("forward that is a template", refused(*sequential, Examples(13, kExample)));
  expect_text("example that is not dense", refused(several, {kExample.to_sparse(), 0.5}));
}

TEST(Refusals, InputsThatTheExamplesAreNot) {
  Written module([](auto& self, const torch::Tensor& x) { return self.linear(x); });
  const auto with = [&](const Inputs& inputs) { return refused(module, {kExample}, inputs); };
  expect_text("another static size", with({"x:f32[3,4]"}));
  expect_text("another element type", with({"x:i64[n,4]"}));
  expect_text("another rank", with({"x:f32[n]"}));
  expect_text("more inputs than tensors", with({"x:f32[n,4]", "y:f32[n]"}));
  expect_text("one name for two sizes", with({"x:f32[n,n]"}));
  expect_text("another size of a name", with({"x:f32[n=7,4]"}));
  expect_text("a value for an input", with({"x=3"}));
  expect_text("dim without elements", refused(module, {torch::zeros({0, 4})}, kDynamic));
}

TEST(Refusals, AnotherLibtorch) {
  std::string said;
  try {
    detail::check_libtorch(1, 13);
  } catch (const Error& error) {
    said = error.what();
  }
  const std::string own = std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR);
  if (const size_t at = said.find(own); at != std::string::npos) said.replace(at, own.size(), "{own}");
  expect_text("another libtorch", said);
}

// ---- recordings of the C API ----

TEST(Refusals, RecordingsOfWhatIsNoTensor) {
  const torch::Tensor none;
  testing::Recording recording({testing::named("x", none)}, {});
  (void)recording.end({testing::named("y", kExample)});
  expect_text("recording of no tensor", recording.exported());
}

TEST(Refusals, RecordingsThatHaveNotEnded) {
  testing::Recording recording({testing::named("x", kExample)}, {});
  expect_text("recording that has not ended", recording.exported());
  (void)recording.end({});
  expect_text("recording without results", recording.exported());
}

TEST(Refusals, RecordingsThatEndTwice) {
  testing::Recording recording({testing::named("x", kExample)}, {});
  const auto y = kExample * 2;
  (void)recording.end({testing::named("y", y)});
  (void)recording.end({testing::named("y", y)});
  expect_text("recording that ends twice", recording.exported());
}

TEST(Refusals, RecordingsThatAnotherThreadEnds) {
  testing::Recording recording({testing::named("x", kExample)}, {});
  const auto y = kExample * 2;
  std::thread([&] { (void)recording.end({testing::named("y", y)}); }).join();
  expect_text("recording that another thread ends", recording.exported());
  (void)recording.end({testing::named("y", y)});
}

TEST(Refusals, RecordingsWithInputsDescribed) {
  testing::Recording recording({testing::named("x", kExample)}, {});
  const auto y = kExample * 2;
  (void)recording.end({testing::named("y", y)});
  expect_text("recording with inputs described", recording.exported(R"({"inputs": ["x:f32[n,4]"]})"));
}

// A text that no case has any more is no golden text.
TEST(Refusals, EveryTextHasACase) {
  std::string source;
  for (const std::string& line : testing::lines_of("refusals_test.cpp")) source += line + "\n";
  for (const auto& [name, text] : testing::golden_texts())
    EXPECT_THAT(source, ::testing::HasSubstr("expect_text(\"" + name + "\""));
}

}  // namespace
}  // namespace onnxport
