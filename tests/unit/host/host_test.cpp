// The host side of the ABI: outcomes, transactions, and what becomes of plugins that break the rules.
#include "core/host/host.h"

#include <gmock/gmock.h>

#include "core/ir/pivot.h"
#include "core/plugin/function_names.h"
#include "core/translate/function_text.h"
#include "core/translate/translate.h"
#include "unit/plugin/files.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;
using Status = Outcome::Status;
using test::TemporaryFolder;
using testing::HasSubstr;
using testing::StartsWith;

class HostTest : public testing::Test {
 protected:
  HostTest() : graph_(ir::Graph::Dialect::onnx), torch_(ir::Graph::Dialect::torch) {
    graph_.opsets[""] = kPivotOpset;
    builder_ = std::make_unique<GraphBuilder>(graph_, kPivotOpset);
    x_ = graph_.add_input("x", ir::Type::tensor(ir::DType::f32, ir::Shape{ir::Dim::symbol("batch"), 4}));
    call_ = torch_.create("test::op");
    call_->add_output(ir::Type::tensor());
    torch_.append(torch_.body(), call_);
    torch_.body().add_result(call_->output());
  }

  // The registry over one test plugin that lists every operator the tests call.
  void use(const std::string& plugin) {
    fs::copy_file(fs::path(ONNXPORT_BUILD_DIR) / "tests" / "plugins" / (plugin + ".so"),
                  folder_.path() / (plugin + ".so"));
    std::string ops;
    for (const char* op :
         {"scaled_tanh",  "declines",      "fails",          "poisoned",     "undeclared", "throws_standard",
          "throws_int",   "ranged",        "complex",        "only_complex", "by_parts",   "keeps_handle",
          "stale_handle", "forged_handle", "unclosed_block", "no_block",     "no_results", "bad_status",
          "bad_tensor",   "not_a_rule",    "throws"}) {
      ops += (ops.empty() ? "test::" : ", test::") + std::string(op);
    }
    open("library: {" + std::string(current_platform()) + ": " + plugin + ".so}\nprovides: {ops: [" + ops +
         "]}\n");
  }
  void use_mapping(const std::string& mapping) {
    open("provides:\n  domains: [{name: com.test, version: 3}]\n  mappings:\n    - " + mapping + "\n");
  }
  void open(const std::string& rest) {
    PluginOptions options;
    options.files = {
        folder_.write("test.onnxport.yaml",
                      "onnxport_manifest: 1\nplugin: {id: com.test.plugin, version: \"1.0.0\"}\n" + rest)};
    options.default_paths = options.builtin = false;
    registry_ = std::make_unique<Registry>(options, plugin_host());
  }

  Outcome run(const std::string& op, std::vector<Argument> arguments = {}, int opset = 20) {
    if (arguments.empty()) arguments = {Argument::of(x_), Argument{2.0}};
    return run_schema(op + "(Tensor x, float scale=2) -> Tensor", std::move(arguments), opset);
  }
  Outcome run_schema(const std::string& schema, std::vector<Argument> arguments, int opset = 20) {
    schema_ = ir::parse_schema(schema);
    const std::string op = schema_.qualified_name();
    const auto candidates = registry_->candidates(op, opset);
    if (candidates.empty())
      return {Status::declined, {Severity::error, "", "no candidate", {}, ""}, {}, {}, {}};
    Call call;
    call.schema = &schema_;
    call.name = op;
    call.arguments = arguments;
    call.outputs = call_->outputs();
    call.target_opset = opset;
    call.inline_functions = inline_functions_;
    return run_mapping(candidates.front(), call, *builder_, *registry_);
  }
  size_t nodes() {
    size_t n = 0;
    ir::for_each_node(graph_.body(), [&](ir::Node*) { ++n; });
    return n;
  }
  void expect_failure(const std::string& op, const std::string& reason) {
    const Outcome out = run(op);
    EXPECT_EQ(out.status, Status::failed) << op;
    EXPECT_THAT(out.cause.code + ": " + out.cause.message, HasSubstr(reason)) << op;
    EXPECT_EQ(nodes(), 0u) << op << " left nodes behind";
    EXPECT_EQ(builder_->open_blocks(), 0u);
  }

  TemporaryFolder folder_;
  ir::Graph graph_;
  ir::Graph torch_;
  ir::Node* call_ = nullptr;
  std::unique_ptr<GraphBuilder> builder_;
  std::unique_ptr<Registry> registry_;
  ir::Schema schema_;
  ir::Value* x_ = nullptr;
  bool inline_functions_ = false;
};

TEST_F(HostTest, AMappingEmitsTypedNodes) {
  use("good");
  const Outcome out = run("test::scaled_tanh");
  ASSERT_EQ(out.status, Status::done) << out.cause.message;
  ASSERT_EQ(out.results.size(), 1u);
  EXPECT_EQ(out.results[0].value()->type().text(), "f32[batch,4]");
  EXPECT_EQ(nodes(), 2u);
}

TEST_F(HostTest, DeclineFailureAndPoisonRollBack) {
  use("good");
  const Outcome declined = run("test::declines");
  EXPECT_EQ(declined.status, Status::declined);
  EXPECT_EQ(declined.cause.message, "not on a Monday");
  expect_failure("test::fails", "never");
  expect_failure("test::poisoned", "NoSuchOperator");
  expect_failure("test::throws_standard", "out of cheese");
  expect_failure("test::throws_int", "not a std::exception");
  expect_failure("test::undeclared", "C404: com.test.plugin emits com.other::Thing");
}

TEST_F(HostTest, OpsetRangesSelectCandidates) {
  use("good");
  EXPECT_EQ(run("test::ranged", {}, 20).status, Status::done);
  EXPECT_EQ(run("test::ranged", {}, 21).cause.message, "no candidate");
  EXPECT_EQ(run("test::ranged", {}, 17).cause.message, "no candidate");
}

TEST_F(HostTest, OnlyMappingsThatSaySoTakeComplexValues) {
  use("good");
  ir::Type type = ir::Type::tensor(ir::DType::f32, ir::Shape{4, 2});
  type.set_stands_for_complex(true);
  ir::Value* z = graph_.add_input("z", type);
  const Outcome declined = run("test::scaled_tanh", {Argument::of(z), Argument{1.0}});
  EXPECT_EQ(declined.status, Status::declined);
  EXPECT_EQ(declined.cause.message, "does not take complex tensors");
  EXPECT_EQ(run("test::complex", {Argument::of(z), Argument{1.0}}).status, Status::done);
  EXPECT_EQ(run("test::only_complex", {Argument::of(z), Argument{1.0}}).status, Status::done);
  const Outcome passed_by = run("test::only_complex");
  EXPECT_EQ(passed_by.status, Status::declined);
  EXPECT_EQ(passed_by.cause.message, "");
}

TEST_F(HostTest, PartsOfComplexValuesAreJoinedAgain) {
  use("good");
  ir::Type type = ir::Type::tensor(ir::DType::f32, ir::Shape{4, 3, 2});
  type.set_stands_for_complex(true);
  ir::Value* z = graph_.add_input("z", type);
  Outcome outcome = run("test::by_parts", {Argument::of(z), Argument{1.0}});
  ASSERT_EQ(outcome.status, Status::done) << outcome.cause.message;
  EXPECT_EQ(outcome.results.at(0).value()->type().text(), "f32[2,3,2]!complex");  // of rank 2: [1:3]
  outcome = run("test::by_parts");
  ASSERT_EQ(outcome.status, Status::done) << outcome.cause.message;
  EXPECT_EQ(outcome.results.at(0).value()->producer()->op_text(),
            "Slice");  // a real one goes straight through
}

TEST_F(HostTest, BrokenRulesAreErrorsNotCrashes) {
  use("hostile");
  EXPECT_EQ(run("test::keeps_handle").status, Status::done);
  expect_failure("test::stale_handle", "T505");
  expect_failure("test::forged_handle", "T505");
  expect_failure("test::unclosed_block", "T505");
  expect_failure("test::no_block", "T505");
  expect_failure("test::no_results", "T505");
  expect_failure("test::bad_status", "77");
  expect_failure("test::bad_tensor", "T505");
  expect_failure("test::not_a_rule", "T505");
  expect_failure("test::throws", "T504: an exception left the plugin: crossed the border");
  expect_failure("test::throws_int", "T504: an exception left the plugin");
}

// ---- mappings without a library ----

TEST_F(HostTest, OneNodeOfACustomDomainWithItsResultType) {
  use_mapping(
      "{torch: \"test::op(Tensor x, float scale=2) -> Tensor\", onnx: com.test::Thing, inputs: [x], "
      "attributes: {alpha: scale, mode: \"fast\"}, "
      "result: {dtype: f16, shape: [x.0, 2*x.1 + 1]}}");
  const Outcome out = run("test::op", {Argument::of(x_), Argument{int64_t{3}}});
  ASSERT_EQ(out.status, Status::done) << out.cause.message;
  EXPECT_EQ(out.results[0].value()->type().text(), "f16[batch,9]");
  const ir::Node* node = out.results[0].value()->producer();
  EXPECT_EQ(node->op_text(), "com.test::Thing");
  EXPECT_EQ(*node->attribute_as<double>("alpha"),
            3.0);  // a float argument stays one, whatever the call wrote
  EXPECT_EQ(*node->attribute_as<std::string>("mode"), "fast");
  EXPECT_EQ(graph_.opsets["com.test"], 3);
  const Outcome unknown = run("test::op", {Argument::of(x_), Argument::of(x_)});
  EXPECT_EQ(unknown.status, Status::declined);
  EXPECT_EQ(unknown.cause.message, "argument 'scale' is known at run time only and cannot be an attribute");
}

TEST_F(HostTest, AFunctionIsInlined) {
  use_mapping(
      "{torch: \"test::op(Tensor x, float scale=2) -> Tensor\", function: \"(x) => (y) { s = Sigmoid(x)  m = "
      "Mul(x, s)  y = LeakyRelu <alpha: float = @scale> (m) }\"}");
  const Outcome out = run("test::op");
  ASSERT_EQ(out.status, Status::done) << out.cause.message;
  EXPECT_EQ(nodes(), 3u);
  EXPECT_EQ(out.results[0].value()->type().text(), "f32[batch,4]");
  EXPECT_EQ(*out.results[0].value()->producer()->attribute_as<double>("alpha"), 2.0);
}

TEST_F(HostTest, AFunctionMayBeKept) {
  use_mapping(
      "{torch: test::op, keep_function: true, function: \"(x) => (y) { s = Sigmoid(x)  y = Mul(x, s) }\"}");
  const Outcome kept = run("test::op");
  ASSERT_EQ(kept.status, Status::done) << kept.cause.message;
  EXPECT_EQ(kept.results[0].value()->producer()->op_text(), "com.test.plugin::op");
  EXPECT_EQ(kept.results[0].value()->type().text(), "f32[batch,4]");
  EXPECT_EQ(run("test::op").status, Status::done);
  ASSERT_EQ(graph_.functions.size(), 1u);  // called twice, kept once
  const Outcome old = run("test::op", {}, 14);
  ASSERT_EQ(old.status, Status::done);
  EXPECT_EQ(old.results[0].value()->producer()->op_text(), "Mul");
  ASSERT_EQ(old.notes.size(), 1u);
  EXPECT_THAT(old.notes[0].message, StartsWith("the function op is inlined"));
}

TEST_F(HostTest, D14AKeptFunctionIsInlinedForWhoRunsTheNodes) {
  use_mapping("{torch: test::op, keep_function: true, function: \"(x) => (y) { y = Relu(x) }\"}");
  inline_functions_ = true;
  const Outcome out = run("test::op");
  ASSERT_EQ(out.status, Status::done) << out.cause.message;
  EXPECT_EQ(out.results[0].value()->producer()->op_text(), "Relu");
  EXPECT_TRUE(graph_.functions.empty());
}

// Without a schema in the manifest the reader cannot know the arguments.
TEST_F(HostTest, D07AMisspeltReferenceIsRefusedWhenTheSchemaIsKnown) {
  use_mapping("{torch: test::op, function: \"(x) => (y) { y = LeakyRelu <alpha: float = @scael> (x) }\"}");
  const Outcome out = run("test::op");
  EXPECT_EQ(out.status, Status::failed);
  EXPECT_THAT(out.cause.message,
              StartsWith("the function refers to @scael, which is no argument of test::op"));
  EXPECT_EQ(out.cause.hint, "did you mean @scale?");
  EXPECT_EQ(nodes(), 0u);
}

TEST_F(HostTest, D25AListOfTensorsIsAsManyInputs) {
  const std::string schema = "test::op(Tensor x, Tensor?[] more) -> Tensor";
  use_mapping("{torch: \"" + schema + "\", onnx: com.test::Thing, inputs: [x, more], result: {like: x}}");
  const Outcome out = run_schema(
      schema, {Argument::of(x_), Argument::list_of({Argument::of(x_), Argument{}, Argument::of(x_)})});
  ASSERT_EQ(out.status, Status::done) << out.cause.message;
  const ir::Node* node = out.results[0].value()->producer();
  ASSERT_EQ(node->operand_count(), 4u);
  EXPECT_EQ(node->operand(1), x_);
  EXPECT_EQ(node->operand(2), nullptr);
  const Outcome unknown = run_schema(schema, {Argument::of(x_), Argument::of(x_)});
  EXPECT_EQ(unknown.status, Status::declined);
  EXPECT_EQ(unknown.cause.message,
            "how many tensors the list 'more' holds is known at run time only: a library can map that");
  // Every tensor argument, where the manifest does not say which.
  use_mapping("{torch: \"" + schema + "\", onnx: Sum}");
  const Outcome sum =
      run_schema(schema, {Argument::of(x_), Argument::list_of({Argument::of(x_), Argument::of(x_)})});
  ASSERT_EQ(sum.status, Status::done) << sum.cause.message;
  EXPECT_EQ(sum.results[0].value()->producer()->operand_count(), 3u);
}

TEST_F(HostTest, D25SeveralResultsAndAListOfThem) {
  const std::string two = "test::op(Tensor x) -> (Tensor, Tensor)";
  use_mapping("{torch: \"" + two +
              "\", onnx: com.test::Thing, results: [{like: x}, {dtype: i64, shape: [x.0]}]}");
  const Outcome pair = run_schema(two, {Argument::of(x_)});
  ASSERT_EQ(pair.status, Status::done) << pair.cause.message;
  ASSERT_EQ(pair.results.size(), 2u);
  EXPECT_EQ(pair.results[1].value()->type().text(), "i64[batch]");
  const std::string list = "test::op(Tensor x) -> (Tensor, Tensor[])";
  use_mapping("{torch: \"" + list +
              "\", function: \"(x) => (a, b, c) { a = Relu(x)  b = Exp(x)  c = Tanh(x) }\"}");
  call_->add_output(ir::Type::tensor());
  const Outcome mixed = run_schema(list, {Argument::of(x_)});
  ASSERT_EQ(mixed.status, Status::done) << mixed.cause.message;
  ASSERT_EQ(mixed.results.size(), 2u);
  EXPECT_EQ(mixed.results[0].value()->producer()->op_text(), "Relu");
  ASSERT_NE(mixed.results[1].list(), nullptr);
  ASSERT_EQ(mixed.results[1].items().size(), 2u);
  EXPECT_EQ(mixed.results[1].items()[1].value()->producer()->op_text(), "Tanh");
}

TEST_F(HostTest, D19ANodeHasTheVersionOfItsOwnPluginsDomain) {
  folder_.write("other.onnxport.yaml",
                "onnxport_manifest: 1\nplugin: {id: com.test.other, version: \"1.0.0\"}\nprovides: {domains: "
                "[{name: com.test, "
                "version: 9}], mappings: [{torch: test::unused, onnx: com.test::Other}]}\n");
  PluginOptions options;
  options.files = {
      folder_.write(
          "test.onnxport.yaml",
          "onnxport_manifest: 1\nplugin: {id: com.test.plugin, version: \"1.0.0\"}\nprovides: {domains: "
          "[{name: com.test, version: 3}], mappings: [{torch: test::op, onnx: com.test::Thing}]}\n"),
      folder_.path() / "other.onnxport.yaml"};
  options.default_paths = options.builtin = false;
  registry_ = std::make_unique<Registry>(options, plugin_host());
  ASSERT_EQ(run("test::op").status, Status::done);
  EXPECT_EQ(graph_.opsets["com.test"], 3);
  ASSERT_EQ(run("test::unused").status, Status::done);
  EXPECT_EQ(graph_.opsets["com.test"], 9);
}

TEST_F(HostTest, D25AnOperatorMappedAtOtherOpsetsSaysWhich) {
  use_mapping("{torch: test::op, onnx: Relu, opset: \">=21\"}");
  EXPECT_TRUE(registry_->candidates("test::op", 20).empty());
  EXPECT_EQ(registry_->other_opsets("test::op"), "com.test.plugin maps it at opset 21 and above");
  EXPECT_EQ(registry_->other_opsets("test::none"), "");
}

TEST_F(HostTest, ABrokenFunctionTextNamesItsPlace) {
  use_mapping("{torch: test::op, function: \"(x) => (y) { y = Nonsense(x) }\"}");
  expect_failure("test::op", "test.onnxport.yaml:6:7");
  use_mapping("{torch: test::op, function: \"(x) => (y) { y = Relu(x \"}");
  expect_failure("test::op", "T512");
  use_mapping("{torch: test::op, function: \"(q) => (y) { y = Relu(q) }\"}");
  EXPECT_EQ(run("test::op").cause.message, "the operator has no argument 'q'");
}

TEST(FunctionText, NamesOfATextAreFound) {
  EXPECT_EQ(function_inputs("(x, w_1 , b) => (y) { y = Gemm(x, w_1, b) }"),
            (std::vector<std::string>{"x", "w_1", "b"}));
  EXPECT_EQ(function_inputs("() => (y) {}"), std::vector<std::string>{});
  EXPECT_EQ(function_references("y = Elu <alpha: float = @alpha> (x)"), std::vector<std::string>{"alpha"});
}

}  // namespace
}  // namespace onnxport
