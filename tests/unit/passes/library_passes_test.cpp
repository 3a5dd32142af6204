// Passes of a library: what they may do, and what is said of those that do anything else.
#include <gmock/gmock.h>

#include "core/host/host.h"
#include "core/passes/plugin_passes.h"
#include "unit/passes/onnx_graph_test.h"
#include "unit/plugin/files.h"

namespace onnxport {
namespace {

using test::error_of;
using testing::HasSubstr;

class LibraryPasses : public test::OnnxGraphTest {
 protected:
  LibraryPasses() {
    std::filesystem::copy_file(ONNXPORT_BUILD_DIR "/tests/plugins/passes.so", folder.path() / "passes.so");
    manifest("");
  }

  void manifest(const std::string& more) {
    file =
        folder.write("passes.onnxport.yaml",
                     "onnxport_manifest: 1\nplugin: {id: com.test.passes, version: \"1.0.0\"}\n"
                     "library: {linux_amd64: passes.so, linux_arm64: passes.so}\nprovides:\n"
                     "  domains: [{name: com.acme, version: 3}]\n"
                     "  passes: [three-for-one, to-integers, undeclared, declared, cycle, ping-pong, again,"
                     " declines, takes-a-branch, fails, twice, before, " +
                         (more.empty() ? "tell-target" : more) + "]\n");
  }
  ir::Value* input(const char* type = "f32[n,2]") { return OnnxGraphTest::input(type); }
  std::string run(const std::string& pass, PassStage stage = PassStage::optimize) {
    PluginOptions options;
    options.files = {file};
    options.default_paths = options.builtin = false;
    Registry registry(options, plugin_host());
    PluginPasses passes(registry, {pass}, {});
    PassOptions pass_options;
    pass_options.target_opset = 18;
    passes.run(graph, stage, pass_options);
    report = passes.reports().front();
    notes = passes.take_notes();
    remove_dead_code(graph);
    return ops();
  }

  test::TemporaryFolder folder;
  std::filesystem::path file;
  PassReport report;
  std::vector<Diagnostic> notes;
};

TEST_F(LibraryPasses, ARuleLooksAtItsNeighbours) {
  ir::Value* x = input();
  for (int i = 0; i < 5; ++i) x = e.emit1("Neg", {x});
  returns({e.emit1("Relu", {x})});
  EXPECT_EQ(run("twice"), "Neg Relu");
  EXPECT_EQ(report.rewrites, 2u);
  EXPECT_TRUE(notes.empty());
}

TEST_F(LibraryPasses, ARuleMayReplaceAnotherNodeThanItsRoot) {
  returns({e.emit1("Relu", {e.emit1("Neg", {input()})}), e.emit1("Relu", {input()})});
  EXPECT_EQ(run("before", PassStage::target), "Abs Relu Relu");
}

TEST_F(LibraryPasses, D18TheTargetIsKnownAtEveryStage) {
  returns({e.emit1("Relu", {e.emit1("Neg", {input()})})});
  EXPECT_EQ(run("tell-target", PassStage::translate), "LeakyRelu Relu");
  EXPECT_EQ(*graph.body().first()->attribute_as<double>("alpha"), 18.0);
}

TEST_F(LibraryPasses, D19ADomainHasTheVersionOfTheManifest) {
  returns({e.emit1("Relu", {e.emit1("Neg", {input()})})});
  EXPECT_EQ(run("declared"), "com.acme::Neg Relu");
  EXPECT_EQ(graph.opsets.at("com.acme"), 3);
  EXPECT_EQ(graph.body().first()->output()->type().text(), "f32[n,2]");
}

TEST_F(LibraryPasses, D20AStageThatThereIsNotIsNamed) {
  std::filesystem::copy_file(ONNXPORT_BUILD_DIR "/tests/plugins/old_stage.so",
                             folder.path() / "old_stage.so");
  file = folder.write("old.onnxport.yaml",
                      "onnxport_manifest: 1\nplugin: {id: com.test.passes, version: \"1.0.0\"}\n"
                      "library: {linux_amd64: old_stage.so, linux_arm64: old_stage.so}\n"
                      "provides: {passes: [old-stage]}\n");
  EXPECT_THAT(
      error_of([&] { run("old-stage"); }),
      HasSubstr(
          "error A304: plugin com.test.passes: its table onnxport.pass/1: the pass 'old-stage' is for the "
          "stage 'legalize'; there are translate, optimize and target"));
}

TEST_F(LibraryPasses, AManifestAndItsLibraryAgree) {
  manifest("{name: tell-target, stage: target}");
  EXPECT_THAT(error_of([&] { run("tell-target"); }),
              HasSubstr("error M115: the library of plugin com.test.passes has its pass 'tell-target' at the "
                        "stage translate, "
                        "its manifest at target"));
  manifest("tell-target, absent");
  EXPECT_THAT(error_of([&] { run("absent"); }),
              HasSubstr("M115: the library of plugin com.test.passes has no pass 'absent'"));
}

TEST_F(LibraryPasses, WhatDoesNotFitIsRefusedAndNamesItsPlugin) {
  returns({e.emit1("Relu", {e.emit1("Neg", {input()})})});
  const std::tuple<const char*, const char*, const char*> bad[] = {
      {"to-integers", "T506", "is i64[n,2] where f32[n,2] was"},          // D10
      {"undeclared", "C404", "com.nobody"},                               // D11
      {"three-for-one", "T505", "3 values are given for the 1 outputs"},  // D27
      {"cycle", "T506", ""},
      {"fails", "T503", "not today"},
  };
  for (const auto& [pass, code, words] : bad) {
    const std::string said = error_of([&] { run(pass); });
    EXPECT_THAT(said, HasSubstr("error " + std::string(code) + ": pass '" + pass +
                                "' of plugin com.test.passes at Neg: "));
    EXPECT_THAT(said, HasSubstr(words));
    EXPECT_THAT(said, HasSubstr("--disable-pass " + std::string(pass) + " leaves it out"));
    remove_dead_code(graph);
    EXPECT_EQ(ops(), "Neg Relu") << pass;
  }
}

TEST_F(LibraryPasses, WhatDeclinesLeavesTheGraph) {
  returns({e.emit1("Relu", {e.emit1("Neg", {input()})})});
  const size_t before = graph.initializers().size();
  EXPECT_EQ(run("declines"), "Neg Relu");
  EXPECT_EQ(report.rewrites, 0u);
  EXPECT_EQ(graph.initializers().size(), before);
}

// The blocks of a node keep their order when a rule took one of them and then declined.
TEST_F(LibraryPasses, WhatDeclinesGivesBlocksBackInTheirOrder) {
  ir::Value* condition = input("bool[]");
  ir::Value* x = graph.add_input("y", *ir::Type::parse("f32[2]"));
  const auto block = [&](const char* op) {
    e.begin_block({});
    ir::Value* result = e.emit1(op, {x});
    return e.end_block(std::span(&result, 1));
  };
  ir::Block *first = block("Neg"), *second = block("Abs");
  returns({e.emit1("If", {condition}, {at("then_branch", first), at("else_branch", second)})});
  const std::string before = ir::print(graph);
  run("takes-a-branch");
  EXPECT_EQ(report.rewrites, 0u);
  EXPECT_EQ(ir::print(graph), before);
}

TEST_F(LibraryPasses, EndlessRewritesAreStopped) {
  returns({e.emit1("Relu", {e.emit1("Neg", {input()})})});
  for (const char* pass : {"ping-pong", "again"}) {
    run(pass);
    ASSERT_EQ(notes.size(), 1u) << pass;
    EXPECT_EQ(notes[0].code, "T508");
    EXPECT_EQ(notes[0].severity, Severity::warning);
  }
}

}  // namespace
}  // namespace onnxport
