// Passes that manifests write as patterns: what matches, what does not, what takes its place.
#include <gmock/gmock.h>

#include "core/host/host.h"
#include "core/passes/plugin_passes.h"
#include "unit/passes/onnx_graph_test.h"
#include "unit/plugin/files.h"

namespace onnxport {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kLinear =
    "{pattern: \"(x, w, b) => (y) { t = MatMul(x, w)  y = Add(t, b) }\","
    " where: {w: {constant: true, rank: 2}, b: {rank: 1}},"
    " replace: \"(x, w, b) => (y) { y = com.acme.FusedLinear <alpha: float = 1.0> (x, w, b) }\"}";

class PatternPasses : public test::OnnxGraphTest {
 protected:
  std::filesystem::path manifest(const std::string& passes, const std::string& id = "com.acme.fusions") {
    return folder.write(id + ".onnxport.yaml",
                        "onnxport_manifest: 1\nplugin: {id: " + id +
                            ", version: \"1.0.0\"}\nprovides:\n  domains: [{name: com.acme, "
                            "version: 3}]\n  passes:\n" +
                            passes);
  }
  static PluginOptions only(std::vector<std::filesystem::path> files) {
    PluginOptions options;
    options.files = std::move(files);
    options.default_paths = options.builtin = false;
    return options;
  }
  // Runs the rules as the one pass of a plugin, and gives the operators left.
  std::string run(const std::string& rules, const char* stage = "optimize") {
    const auto options = only({manifest("    - {name: fuse, stage: " + std::string(stage) +
                                        ", default: on, rules: [" + rules + "]}\n")});
    Registry registry(options, plugin_host());
    PluginPasses passes(registry, {}, {});
    PassOptions pass_options;
    pass_options.target_opset = target;
    passes.run(graph, std::string_view(stage) == "target" ? PassStage::target : PassStage::optimize,
               pass_options);
    report = passes.reports().front();
    notes = passes.take_notes();
    attempts = passes.attempts();
    return ops();
  }

  test::TemporaryFolder folder;
  int target = 20;
  PassReport report;
  std::vector<Diagnostic> notes;
  size_t attempts = 0;
};

TEST_F(PatternPasses, AMatchBecomesItsReplacement) {
  ir::Value* y = e.emit1("Add", {e.emit1("MatMul", {input("f32[batch,4]"), weight({4, 8})}), weight({8})});
  returns({e.emit1("Relu", {y})});
  EXPECT_EQ(run(kLinear), "com.acme::FusedLinear Relu");
  const ir::Node& made = *graph.body().first();
  EXPECT_EQ(made.operand_count(), 3u);
  EXPECT_EQ(*made.attribute_as<double>("alpha"), 1.0);
  EXPECT_EQ(made.output()->type().text(), "f32[batch,8]");  // that of the value it stands for
  EXPECT_EQ(graph.opsets.at("com.acme"), 3);                // D19: as its own manifest says
  EXPECT_EQ(report.rewrites, 1u);
  EXPECT_EQ(report.nodes_removed, 2u);
  EXPECT_EQ(report.nodes_added, 1u);
}

TEST_F(PatternPasses, WhatCommutesMatchesBothWays) {
  ir::Value* x = input("f32[batch,4]");
  ir::Value* swapped = e.emit1("Add", {weight({8}), e.emit1("MatMul", {x, weight({4, 8})})});
  // Both operands are MatMuls, and the condition on b tells which is meant: neither.
  ir::Value* both =
      e.emit1("Add", {e.emit1("MatMul", {x, weight({4, 8})}), e.emit1("MatMul", {x, weight({4, 8})})});
  returns({e.emit1("Relu", {swapped}), e.emit1("Relu", {both})});
  EXPECT_EQ(run(kLinear), "com.acme::FusedLinear MatMul MatMul Add Relu Relu");
}

TEST_F(PatternPasses, AConditionDecidesBetweenTheOrders) {
  ir::Value* x = input("f32[batch,4]");
  ir::Value *row = e.emit1("Neg", {input("f32[4]")}), *matrix = e.emit1("Neg", {x});
  returns({e.emit1("Add", {row, matrix})});
  EXPECT_EQ(run("{pattern: \"(a, b) => (y) { y = Add(a, b) }\", where: {a: {rank: 2}, b: {rank: 1}},"
                " replace: \"(a, b) => (y) { y = com.acme.AddRow(a, b) }\"}"),
            "Neg Neg com.acme::AddRow");
  EXPECT_EQ(graph.body().last()->operand(0), matrix);
}

TEST_F(PatternPasses, WhatOthersReadStays) {
  ir::Value* t = e.emit1("MatMul", {input("f32[batch,4]"), weight({4, 8})});
  ir::Value* y = e.emit1("Add", {t, weight({8})});
  returns({e.emit1("Relu", {y}), e.emit1("Neg", {t})});
  EXPECT_EQ(run(kLinear), "MatMul Add Relu Neg");
}

TEST_F(PatternPasses, WhatTheGraphReturnsStays) {
  ir::Value* t = e.emit1("MatMul", {input("f32[batch,4]"), weight({4, 8})});
  returns({e.emit1("Add", {t, weight({8})}), t});
  EXPECT_EQ(run(kLinear), "MatMul Add");
}

TEST_F(PatternPasses, AResultOfTheGraphMayBeReplaced) {
  returns({e.emit1("Add", {e.emit1("MatMul", {input("f32[batch,4]"), weight({4, 8})}), weight({8})})});
  EXPECT_EQ(run(kLinear), "com.acme::FusedLinear");
}

TEST_F(PatternPasses, AnInputBecomesAResultByWayOfAnIdentity) {
  returns({e.emit1("Relu", {input("f32[2]")})});
  EXPECT_EQ(run("{pattern: \"(x) => (y) { y = Relu(x) }\", replace: \"(x) => (x) {}\"}"), "Identity");
}

TEST_F(PatternPasses, ConditionsAreHeld) {
  const auto tries = [&](const std::string& where) {
    graph.body().set_results({});
    while (graph.body().last() != nullptr) graph.erase(graph.body().last());
    ir::Value* x = graph.body().parameters().empty() ? input("f32[batch,4]") : graph.body().parameters()[0];
    ir::Value* t = e.emit1("Mul", {x, number(0.70710678F)});
    returns({e.emit1("Softmax", {t}, {at("axis", int64_t{1})})});
    return run("{pattern: \"(x, c) => (y) { t = Mul(x, c)  y = Softmax<axis = @axis>(t) }\", where: {" +
               where + "}, replace: \"(x, c) => (y) { y = com.acme.Softmax<axis: int = @axis>(x, c) }\"}") ==
           "com.acme::Softmax";
  };
  for (const char* good :
       {"\"@axis\": 1", "\"@axis\": {one_of: [-1, 1]}", "x: {rank: [1, 2]}", "x: {dtype: f32}",
        "x: {dtype: [f16, f32]}", "x: {dims: [\"?\", 4]}", "x: {dims: [n, 4]}, y: {dims: [n, 4]}",
        "c: {value: 0.7071068}", "c: {value: 0.7, tolerance: 0.01}", "c: {constant: true}",
        "x: {constant: false}", "x: {same_shape: y}"})
    EXPECT_TRUE(tries(good)) << good;
  for (const char* bad : {"\"@axis\": -1", "\"@axis\": {one_of: [0, 2]}", "x: {rank: 3}", "x: {rank: [1, 3]}",
                          "x: {dtype: f16}", "x: {dims: [\"?\", 5]}", "x: {dims: [\"?\"]}",
                          "x: {dims: [n, n]}", "c: {value: 0.7}", "x: {value: 0.7}",
                          "x: {constant: true}, c: {constant: true}", "c: {same_shape: x}"})
    EXPECT_FALSE(tries(bad)) << bad;
}

TEST_F(PatternPasses, AttributesMeanWhatTheirAbsenceMeans) {
  ir::Value* x = input("f32[2,3]");
  returns({e.emit1("Softmax", {e.emit1("Neg", {x})}), e.emit1("Softmax", {x}, {at("axis", int64_t{0})}),
           e.emit1("Softmax", {e.emit1("Abs", {x})}, {at("axis", int64_t{-1})})});
  // The text does not mention the axis: only nodes along the usual one are meant.
  EXPECT_EQ(
      run("{pattern: \"(x) => (y) { y = Softmax(x) }\", replace: \"(x) => (y) { y = com.acme.Last(x) }\"}"),
      "Neg com.acme::Last Softmax Abs com.acme::Last");
  // What is captured of a node that does not say is the default.
  EXPECT_EQ(run("{pattern: \"(x) => (y) { y = LogSoftmax<axis = @a>(x) }\", where: {\"@a\": -1}, "
                "replace: \"(x) => (y) { y = Neg(x) }\"}"),
            "Neg com.acme::Last Softmax Abs com.acme::Last");
}

TEST_F(PatternPasses, OneNameCapturedTwiceIsOneValue) {
  ir::Value* x = input("f32[2,3]");
  const auto chain = [&](int64_t first, int64_t second) {
    return e.emit1("Softmax", {e.emit1("LogSoftmax", {x}, {at("axis", first)})}, {at("axis", second)});
  };
  returns({chain(0, 0), chain(0, 1)});
  EXPECT_EQ(run("{pattern: \"(x) => (y) { t = LogSoftmax<axis = @a>(x)  y = Softmax<axis = @a>(t) }\","
                " replace: \"(x) => (y) { y = com.acme.Both<axis: int = @a>(x) }\"}"),
            "com.acme::Both LogSoftmax Softmax");
}

TEST_F(PatternPasses, AnOptionalInputMayBeMissing) {
  ir::Value* x = input("f32[1,2,4,4]");
  ir::Value* w = weight({2, 2, 1, 1});
  returns(
      {e.emit1("Relu", {e.emit1("Conv", {x, w})}), e.emit1("Relu", {e.emit1("Conv", {x, w, weight({2})})})});
  const std::string rule = "{pattern: \"(x, w, b) => (y) { t = Conv(x, w, b)  y = Relu(t) }\", ";
  const std::string replace = "replace: \"(x, w, b) => (y) { y = com.acme.ConvRelu(x, w, b) }\"}";
  EXPECT_EQ(run(rule + replace), "Conv Relu com.acme::ConvRelu");
  EXPECT_EQ(run(rule + "where: {b: {optional: true}}, " + replace), "com.acme::ConvRelu com.acme::ConvRelu");
  EXPECT_EQ(graph.body().first()->operand_count(), 2u);
}

TEST_F(PatternPasses, ConstantsOfTheTextAreCompared) {
  ir::Value* x = input("f32[2]");
  const auto scaled = [&](float by) { return e.emit1("Relu", {e.emit1("Mul", {number(by), x})}); };
  returns({scaled(0.5F), scaled(0.25F)});
  EXPECT_EQ(
      run("{pattern: \"(x) => (y) { c = Constant<value_float = 0.5>()  t = Mul(x, c)  y = Relu(t) }\","
          " replace: \"(x) => (y) { c = Constant<value_float = 2.0>()  t = Relu(x)  y = Div(t, c) }\"}"),
      "Relu Div Mul Relu");
}

TEST_F(PatternPasses, SeveralResultsAreReplacedAtOnce) {
  ir::Value* x = input("f32[2]");
  ir::Value *a = e.emit1("Sin", {x}), *b = e.emit1("Cos", {x});
  returns({e.emit1("Neg", {a}), e.emit1("Neg", {b})});
  const std::string rule =
      "{pattern: \"(x) => (s, c) { s = Sin(x)  c = Cos(x) }\", "
      "replace: \"(x) => (s, c) { s, c = com.acme.SinCos(x) }\"}";
  EXPECT_EQ(run(rule), "com.acme::SinCos Neg Neg");
}

TEST_F(PatternPasses, SeveralResultsStayWhereOneIsReadTooEarly) {
  ir::Value* x = input("f32[2]");
  ir::Value* a = e.emit1("Sin", {x});
  ir::Value* early = e.emit1("Neg", {a});
  returns({early, e.emit1("Cos", {x})});
  EXPECT_EQ(run("{pattern: \"(x) => (s, c) { s = Sin(x)  c = Cos(x) }\", "
                "replace: \"(x) => (s, c) { s, c = com.acme.SinCos(x) }\"}"),
            "Sin Neg Cos");
}

TEST_F(PatternPasses, OneValueTwiceIsOneValue) {
  ir::Value *x = input("f32[2]"), *z = input("f32[2]");
  returns({e.emit1("Neg", {e.emit1("Mul", {x, x})}), e.emit1("Neg", {e.emit1("Mul", {x, z})})});
  EXPECT_EQ(
      run("{pattern: \"(x) => (y) { y = Mul(x, x) }\", replace: \"(x) => (y) { y = com.acme.Square(x) }\"}"),
      "com.acme::Square Neg Mul Neg");
}

TEST_F(PatternPasses, BodiesAreLookedThrough) {
  ir::Value *x = input("f32[batch,4]"), *w = weight({4, 8}), *b = weight({8});
  ir::Value* outside = e.emit1("MatMul", {x, w});
  const auto branch = [&](ir::Value* t) {
    ir::Value* result = e.emit1("Add", {t, b});
    return e.end_block(std::span(&result, 1));
  };
  e.begin_block({});
  ir::Block* whole = branch(e.emit1("MatMul", {x, w}));  // inside; what it reads may come from outside
  e.begin_block({});
  ir::Block* across = branch(outside);  // half of it is outside
  returns({e.emit1("If", {input("bool[]")}, {at("then_branch", whole), at("else_branch", across)})});
  EXPECT_EQ(run(kLinear), "MatMul If com.acme::FusedLinear Add");
}

TEST_F(PatternPasses, ARewriteMayMakeRoomForAnother) {
  ir::Value* x = input("f32[2]");
  for (int i = 0; i < 10; ++i) x = e.emit1("Neg", {x});
  returns({e.emit1("Relu", {x})});
  EXPECT_EQ(run("{pattern: \"(x) => (y) { t = Neg(x)  y = Neg(t) }\", replace: \"(x) => (x) {}\"}"), "Relu");
  EXPECT_EQ(report.rewrites, 5u);
  EXPECT_TRUE(notes.empty());
}

TEST_F(PatternPasses, RulesThatUndoEachOtherAreStopped) {
  returns({e.emit1("Relu", {e.emit1("Neg", {input("f32[2]")})})});
  run("{pattern: \"(x) => (y) { y = Neg(x) }\", replace: \"(x) => (y) { y = Abs(x) }\"},"
      "{pattern: \"(x) => (y) { y = Abs(x) }\", replace: \"(x) => (y) { y = Neg(x) }\"}");
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].code, "T508");
  EXPECT_THAT(notes[0].message, HasSubstr("pass 'fuse' of plugin com.acme.fusions was stopped after"));
}

TEST_F(PatternPasses, ARuleThatGrowsTheGraphIsStopped) {
  returns({e.emit1("Neg", {input("f32[2]")})});
  run("{pattern: \"(x) => (y) { y = Neg(x) }\", replace: \"(x) => (y) { a = Neg(x)  b = Neg(a)  y = Neg(b) "
      "}\"}");
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_LT(graph.node_count(), 10'000u);
}

TEST_F(PatternPasses, TargetOpsetsLimitARule) {
  const std::string rule =
      "{pattern: \"(x) => (y) { y = Neg(x) }\", opset: \">=21\", "
      "replace: \"(x) => (y) { y = Abs(x) }\"}";
  returns({e.emit1("Neg", {input("f32[2]")})});
  EXPECT_EQ(run(rule), "Neg");
  target = 22;
  EXPECT_EQ(run(rule), "Abs");
}

// D10
TEST_F(PatternPasses, ATypeOrShapeIsNeverChanged) {
  ir::Value* x = input("f32[batch,4]");
  returns({e.emit1("Neg", {e.emit1("Relu", {x})})});
  for (const char* replace :
       {"(x) => (y) { y = Cast<to = 7>(x) }", "(x) => (y) { y = Transpose<perm = [1, 0]>(x) }",
        "(x) => (y) { a = Constant<value_ints = [0]>()  y = Unsqueeze(x, a) }"}) {
    const std::string said = error_of(
        [&] { run("{pattern: \"(x) => (y) { y = Relu(x) }\", replace: \"" + std::string(replace) + "\"}"); });
    EXPECT_THAT(said, HasSubstr("error T506: pass 'fuse' of plugin com.acme.fusions at Relu: result 0 is "))
        << said;
    EXPECT_THAT(said, HasSubstr("--disable-pass fuse leaves it out"));
    EXPECT_EQ(ops(), "Relu Neg");
  }
}

TEST_F(PatternPasses, InnerValuesOfCustomNodesHaveStatedTypes) {
  returns({e.emit1("Relu", {input("f32[batch,4]")})});
  const std::string rule =
      "{pattern: \"(x) => (y) { y = Relu(x) }\", "
      "replace: \"(x) => (y) { t = com.acme.Twice(x)  a = Constant<value_ints = [0]>() "
      "s = ReduceMax<keepdims = 0>(t, a)  z = Sub(s, s)  y = Add(x, z) }\"";
  EXPECT_EQ(run(rule + ", types: {t: {like: x}}}"), "com.acme::Twice ReduceMax Sub Add");
  EXPECT_EQ(graph.body().first()->output()->type().text(), "f32[batch,4]");
}

TEST_F(PatternPasses, WhatFailsInAReplacementLeavesTheGraph) {
  returns({e.emit1("Relu", {input("f32[batch,4]")})});
  const std::string said = error_of([&] {
    run("{pattern: \"(x) => (y) { y = Relu(x) }\", replace: \"(x) => (y) { t = Neg(x)  y = Concat(t, t) "
        "}\"}");
  });
  EXPECT_THAT(said, HasSubstr("error T510: pass 'fuse' of plugin com.acme.fusions at Relu: ")) << said;
  EXPECT_EQ(ops(), "Relu");
}

TEST_F(PatternPasses, AnOperatorThatOnnxHasNotIsNamed) {
  returns({e.emit1("Relu", {input("f32[2]")})});
  EXPECT_THAT(error_of([&] {
                run("{pattern: \"(x) => (y) { y = Rleu(x) }\", replace: \"(x) => (y) { y = Neg(x) }\"}");
              }),
              HasSubstr("error M110: the pattern looks for Rleu, an operator that ONNX does not have"));
}

// ---- on and off ----

TEST_F(PatternPasses, OnlyWhatIsOnRuns) {
  const std::string rule =
      ", stage: optimize, rules: [{pattern: \"(x) => (y) { y = Neg(x) }\", "
      "replace: \"(x) => (y) { y = Abs(x) }\"}]}\n";
  const std::vector<std::filesystem::path> files = {
      manifest("    - {name: usual, default: on" + rule + "    - {name: rare" + rule, "com.acme.a"),
      manifest("    - {name: rare" + rule + "    - {name: other" + rule, "com.acme.b")};
  const auto on = [&](const std::vector<std::string>& asked, const std::vector<std::string>& off) {
    PluginOptions options = only(files);
    Registry registry(options, plugin_host());
    std::vector<std::string> out;
    for (const PassReport& r : PluginPasses(registry, asked, off).reports())
      out.push_back(r.plugin.substr(r.plugin.size() - 1) + "/" + r.pass);
    return out;
  };
  EXPECT_THAT(on({}, {}), ElementsAre("a/usual"));
  EXPECT_THAT(on({"rare"}, {}), ElementsAre("a/usual", "a/rare", "b/rare"));
  EXPECT_THAT(on({"com.acme.b"}, {"usual"}), ElementsAre("b/rare", "b/other"));
  EXPECT_THAT(on({"com.acme.b/rare"}, {}), ElementsAre("a/usual", "b/rare"));
  EXPECT_THAT(on({"other", "usual"}, {}), ElementsAre("b/other", "a/usual"));  // in the order asked for
  EXPECT_THAT(on({"com.acme.a"}, {"rare"}), ElementsAre("a/usual"));
  EXPECT_EQ(error_of([&] { on({"usal"}, {}); }),
            "error C405: no plugin has a pass 'usal', and no plugin with passes has that id\n  -> did you "
            "mean usual?");
  EXPECT_THAT(error_of([&] { on({}, {"zzzzzzzz"}); }), HasSubstr("passes: usual, rare, rare, other"));
}

TEST_F(PatternPasses, APassRunsOnlyWhereItsNeedsAreMet) {
  const auto options =
      only({manifest("    - {name: fuse, stage: optimize, default: on, needs: [constant_folding, weights, "
                     "eval], rules: [{pattern: \"(x) => (y) { y = Neg(x) }\", "
                     "replace: \"(x) => (y) { y = Abs(x) }\"}]}\n")});
  Registry registry(options, plugin_host());
  PluginPasses passes(registry, {}, {});
  returns({e.emit1("Neg", {input("f32[2]")})});
  PassOptions without;
  without.constant_folding = false;
  EXPECT_EQ(passes.run(graph, PassStage::optimize, without), 0u);
  EXPECT_EQ(passes.reports().front().skipped, "it needs constant folding, which is switched off");
  without = {};
  without.weights_may_change = false;
  EXPECT_EQ(passes.run(graph, PassStage::optimize, without), 0u);
  without = {};
  without.inference = false;
  EXPECT_EQ(passes.run(graph, PassStage::optimize, without), 0u);
  EXPECT_EQ(passes.run(graph, PassStage::translate, {}), 0u);
  EXPECT_EQ(passes.run(graph, PassStage::optimize, {}), 1u);
}

// Fifty rules over a chain of nodes: what is compared grows as the graph does, and only what may match is.
TEST_F(PatternPasses, WorkGrowsAsTheGraphDoes) {
  std::string rules;
  for (int i = 0; i < 49; ++i) {
    rules += "{pattern: \"(x) => (y) { t = " + std::string(i % 2 == 0 ? "Tanh" : "Exp") +
             "(x)  y = com.acme.Op" + std::to_string(i) + "(t) }\", replace: \"(x) => (y) { y = Neg(x) }\"},";
  }
  rules +=
      "{pattern: \"(x, z) => (y) { t = Sigmoid(x)  y = Mul(z, t) }\", replace: \"(x, z) => (y) { y = "
      "com.acme.Gate(x, z) }\"}";
  std::vector<size_t> work;
  for (int nodes : {4000, 64000}) {
    graph.body().set_results({});
    while (graph.body().last() != nullptr) graph.erase(graph.body().last());
    ir::Value* x = graph.body().parameters().empty() ? input("f32[2]") : graph.body().parameters()[0];
    for (int i = 0; i < nodes / 4; ++i)
      x = e.emit1("Mul", {e.emit1("Sigmoid", {x}), e.emit1("Neg", {e.emit1("Abs", {x})})});
    returns({e.emit1("Relu", {x})});
    run(rules);
    EXPECT_EQ(report.rewrites, static_cast<size_t>(nodes / 4));
    work.push_back(attempts);
  }
  EXPECT_LE(work[0], 4000u);
  EXPECT_LE(work[1], 16 * work[0]);
}

}  // namespace
}  // namespace onnxport
