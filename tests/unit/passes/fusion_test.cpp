// The passes of plugins/fusion, over the interface that every plugin has.
#include "core/passes/passes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/host/host.h"
#include "core/passes/plugin_passes.h"
#include "unit/passes/onnx_graph_test.h"

namespace onnxport {
namespace {

using ir::Type;

class Fusion : public test::OnnxGraphTest {
 protected:
  // Its passes, as they are by default.
  void run() {
    PluginOptions options;
    options.files = {ONNXPORT_BUILD_DIR "/lib/onnxport/plugins.d/fusion.onnxport.yaml"};
    options.default_paths = options.builtin = false;
    Registry registry(options, plugin_host());
    PluginPasses(registry, {}, {}).run(graph, PassStage::optimize, {});
    remove_dead_code(graph);
  }
};

// What a Conv with these weights gives on a 1x1 image, per output channel.
std::vector<double> one_pixel(const ir::Node& conv, const std::vector<double>& pixel, bool transposed,
                              size_t groups) {
  const auto w = *conv.operand(1)->constant()->to_reals();
  const auto& dims = conv.operand(1)->constant()->dims();
  std::vector<double> bias;
  if (conv.operand_count() > 2) bias = *conv.operand(2)->constant()->to_reals();
  const size_t in_per_group = pixel.size() / groups;
  const size_t out_per_group =
      static_cast<size_t>(transposed ? dims[1] : dims[0] / static_cast<int64_t>(groups));
  std::vector<double> out(out_per_group * groups, 0.0);
  for (size_t o = 0; o < out.size(); ++o) {
    const size_t g = o / out_per_group;
    for (size_t i = 0; i < in_per_group; ++i) {
      const size_t at =
          transposed ? (g * in_per_group + i) * out_per_group + o % out_per_group : o * in_per_group + i;
      out[o] += w[at] * pixel[g * in_per_group + i];
    }
    if (!bias.empty()) out[o] += bias[o];
  }
  return out;
}

class BatchNorm : public Fusion,
                  public testing::WithParamInterface<std::tuple<std::string, int64_t, bool>> {};

TEST_P(BatchNorm, GivesTheSameNumbersFolded) {
  const auto [op, groups, with_bias] = GetParam();
  const bool transposed = std::string_view(op) == "ConvTranspose";
  ir::Value* x = graph.add_input("x", *Type::parse("f32[1,4,1,1]"));
  const std::vector<int64_t> dims = {4, 4 / groups, 1,
                                     1};  // of either kind: as many channels go in as come out
  std::vector<double> values;
  for (int i = 0; i < 16 / groups; ++i) values.push_back(0.25 * i - 1);
  ir::Value* w = weight(dims, values, "conv.weight");
  ir::Value* b = with_bias ? weight({4}, {1, 2, 3, 4}, "conv.bias") : nullptr;
  ir::Value* y = e.emit1(op, {x, w, b}, {at("group", groups)});
  const std::vector<double> scale = {1, 2, 0.5, -1}, bias = {0, 1, 2, 3}, mean = {0.5, -1, 2, 0},
                            variance = {1, 4, 0.25, 9};
  ir::Value* normal =
      e.emit1("BatchNormalization", {y, weight({4}, scale, "bn.weight"), weight({4}, bias, "bn.bias"),
                                     weight({4}, mean, "bn.mean"), weight({4}, variance, "bn.var")});
  returns({e.emit1("Relu", {normal})});
  const std::vector<double> pixel = {1, -2, 3, 0.5};
  std::vector<double> expected = one_pixel(*y->producer(), pixel, transposed, static_cast<size_t>(groups));
  for (size_t i = 0; i < 4; ++i)
    expected[i] = (expected[i] - mean[i]) / std::sqrt(variance[i] + 1e-5) * scale[i] + bias[i];
  run();
  EXPECT_EQ(ops(), std::string(op) + " Relu");
  const ir::Node& folded = *graph.body().first();
  const auto got = one_pixel(folded, pixel, transposed, static_cast<size_t>(groups));
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(got[i], expected[i], 1e-5) << i;
  EXPECT_EQ(folded.operand(1)->name(), "conv.weight");
  EXPECT_EQ(folded.operand(2)->name(), with_bias ? "conv.bias" : "bn.bias");
  EXPECT_EQ(graph.initializers().size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Layouts, BatchNorm,
                         testing::Values(std::tuple("Conv", int64_t{1}, true),
                                         std::tuple("Conv", int64_t{2}, false),
                                         std::tuple("ConvTranspose", int64_t{1}, false),
                                         std::tuple("ConvTranspose", int64_t{2}, true)));

TEST_F(Fusion, BatchNormStaysWhereTheConvolutionIsReadTwice) {
  ir::Value* x = input("f32[1,1,2,2]");
  ir::Value* y = e.emit1("Conv", {x, weight({1, 1, 1, 1}, {2})});
  ir::Value* one = weight({1}, {1}, "one");
  returns({e.emit1("BatchNormalization", {y, one, one, one, one}), e.emit1("Relu", {y})});
  run();
  EXPECT_EQ(ops(), "Conv BatchNormalization Relu");
}

TEST_F(Fusion, BatchNormAfterGemmScalesColumns) {
  ir::Value* x = input("f32[b,2]");
  ir::Value* y =
      e.emit1("Gemm", {x, weight({2, 2}, {1, 2, 3, 4}), weight({2}, {1, 1}, "bias")}, {at("beta", 2.0)});
  ir::Value* zero = weight({2}, {0, 0}, "zero");
  ir::Value* normal = e.emit1("BatchNormalization",
                              {y, weight({2}, {10, 100}, "scale"), zero, zero, weight({2}, {1, 1}, "var")},
                              {at("epsilon", 0.0)});
  returns({normal});
  run();
  EXPECT_EQ(ops(), "Gemm");
  const ir::Node& gemm = *graph.body().first();
  EXPECT_EQ(gemm.operand(1)->constant()->to_reals(), (std::vector<double>{10, 200, 30, 400}));
  EXPECT_EQ(gemm.operand(2)->constant()->to_reals(), (std::vector<double>{20, 200}));
  EXPECT_EQ(gemm.attribute("beta"), nullptr);
}

TEST_F(Fusion, AnElementOfAStackIsWhatWasStacked) {
  ir::Value *a = input("f32[n,3]"), *b = input("f32[n,3]");
  ir::Value* pairs =
      e.emit1("Concat", {e.emit1("Unsqueeze", {a, ints({-1})}), e.emit1("Unsqueeze", {b, ints({2})})},
              {at("axis", int64_t{-1})});
  returns({e.emit1("Neg", {e.emit1("Gather", {pairs, e.constant(1)}, {at("axis", int64_t{-1})})}),
           e.emit1("Neg", {e.emit1("Gather", {pairs, e.constant(-2)}, {at("axis", int64_t{2})})}),
           e.emit1("Neg", {e.emit1("Gather", {pairs, e.constant(1)}, {at("axis", int64_t{1})})})});
  run();
  EXPECT_EQ(graph.body().result(0)->producer()->operand(0), b);
  EXPECT_EQ(graph.body().result(1)->producer()->operand(0), a);
  EXPECT_EQ(graph.body().result(2)->producer()->operand(0)->producer()->op_text(), "Gather");  // another axis
}

TEST_F(Fusion, AnElementOfAStackKeepsItsOtherNewAxes) {
  ir::Value *a = input("f32[n,3]"), *b = input("f32[n,3]");
  ir::Value* pairs = e.emit1(
      "Concat", {e.emit1("Unsqueeze", {a, ints({0, 2, 4})}), e.emit1("Unsqueeze", {b, ints({0, 2, 4})})},
      {at("axis", int64_t{2})});
  returns({e.emit1("Gather", {pairs, e.constant(0)}, {at("axis", int64_t{2})})});
  const std::string type = graph.body().result(0)->type().text();
  run();
  EXPECT_EQ(ops(), "Unsqueeze");
  const ir::Node& made = *graph.body().first();
  EXPECT_EQ(made.operand(0), a);
  EXPECT_EQ(made.operand(1)->constant()->to_ints(), (std::vector<int64_t>{0, 3}));
  EXPECT_EQ(graph.body().result(0)->type().text(), type);
}

TEST_F(Fusion, AStackOfAllElementsIsTheWhole) {
  ir::Value* x = input("f32[n,2]");
  const auto element = [&](int i) {
    ir::Value* one = e.emit1("Gather", {x, e.constant(i)}, {at("axis", int64_t{1})});
    return e.emit1("Unsqueeze", {one, ints({1})});
  };
  const std::vector<ir::Attribute> last = {at("axis", int64_t{1})};
  returns({e.emit1("Neg", {e.emit1("Concat", {element(0), element(1)}, last)}),
           e.emit1("Neg", {e.emit1("Concat", {element(1), element(0)}, last)}),
           e.emit1("Neg", {e.emit1("Concat", {element(0), element(1), element(0)}, last)})});
  run();
  EXPECT_EQ(graph.body().result(0)->producer()->operand(0), x);
  EXPECT_NE(graph.body().result(1)->producer()->operand(0), x);
  EXPECT_NE(graph.body().result(2)->producer()->operand(0), x);
}

}  // namespace
}  // namespace onnxport
