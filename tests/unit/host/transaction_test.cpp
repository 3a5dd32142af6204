// What a rule may touch of the graph, and what stays of one that fails: nothing.
#include <gmock/gmock.h>

#include <functional>

#include "core/host/host.h"
#include "core/ir/pivot.h"
#include "unit/plugin/files.h"

namespace onnxport {
namespace {

using testing::HasSubstr;
using Function = std::function<void(onnxport_context*)>;

onnxport_str text(std::string_view s) { return {s.data(), s.size()}; }

template <typename Api>
const Api& table(std::string_view id) {
  return *static_cast<const Api*>(plugin_host()->get_interface(plugin_host(), text(id)));
}
const auto& emit() { return table<onnxport_emit_api>("onnxport.emit/1"); }
const auto& rewrite() { return table<onnxport_rewrite_api>("onnxport.rewrite/1"); }
const auto& match() { return table<onnxport_match_api>("onnxport.match/1"); }
const auto& diag() { return table<onnxport_diag_api>("onnxport.diag/1"); }

int32_t run_function(onnxport_context* c, const void* user) {
  (*static_cast<const Function*>(user))(c);
  return ONNXPORT_OK;
}

// x -> Relu -> Neg -> y, and If(Not(c)) -> z.
class TransactionTest : public testing::Test {
 protected:
  TransactionTest() : graph_(ir::Graph::Dialect::onnx), builder_(graph_, kPivotOpset) {
    graph_.opsets[""] = kPivotOpset;
    ir::Value* x = graph_.add_input("x", *ir::Type::parse("f32[n,4]"));
    ir::Value* c = graph_.add_input("c", *ir::Type::parse("bool[]"));
    relu_ = builder_.emit1("Relu", {x})->producer();
    neg_ = builder_.emit1("Neg", {relu_->output()})->producer();
    builder_.begin_block({});
    ir::Block* yes = builder_.end_block({{builder_.emit1("Abs", {x})}});
    builder_.begin_block({});
    ir::Block* no = builder_.end_block({{builder_.emit1("Exp", {x})}});
    if_ = builder_
              .emit1("If", {builder_.emit1("Not", {c})},
                     {builder_.attribute("then_branch", yes), builder_.attribute("else_branch", no)})
              ->producer();
    graph_.body().set_results(std::vector<ir::Value*>{neg_->output(), if_->output()});
    graph_.output_names = {"y", "z"};
    PluginOptions options;
    options.files = {folder_.write("test.onnxport.yaml",
                                   "onnxport_manifest: 1\nplugin: {id: com.test.plugin, version: \"1.0.0\"}\n"
                                   "provides: {domains: [{name: com.test, version: 3}], mappings: [{torch: "
                                   "test::y, onnx: com.test::Y}]}\n")};
    options.default_paths = options.builtin = false;
    registry_ = std::make_unique<Registry>(options, plugin_host());
  }

  Outcome rule(ir::Node* root, const Function& function) {
    const onnxport_rule made{text(""), text("Any"), run_function, &function};
    return run_rule({&made, "com.test.plugin", "1.0.0", 20, registry_.get()}, *root, builder_);
  }
  // It fails with that code and those words, and the graph prints as before.
  void refused(ir::Node* root, const std::string& code, const char* words, const Function& function) {
    const std::string before = ir::print(graph_);
    const Outcome out = rule(root, function);
    EXPECT_EQ(out.status, Outcome::Status::failed);
    EXPECT_EQ(out.cause.code, code) << out.cause.message;
    EXPECT_THAT(out.cause.message, HasSubstr(words));
    EXPECT_EQ(ir::print(graph_), before);
    EXPECT_EQ(ir::check_invariants(graph_), std::vector<std::string>{});
  }
  static onnxport_value one(onnxport_context* c, std::string_view domain, std::string_view op,
                            onnxport_value x, const std::vector<onnxport_attr>& attrs = {}) {
    onnxport_value out = 0;
    emit().node(c, text(domain), text(op), &x, 1, attrs.data(), static_cast<uint32_t>(attrs.size()),
                sizeof(onnxport_attr), &out, 1);
    return out;
  }

  test::TemporaryFolder folder_;
  ir::Graph graph_;
  GraphBuilder builder_;
  std::unique_ptr<Registry> registry_;
  ir::Node* relu_ = nullptr;
  ir::Node* neg_ = nullptr;
  ir::Node* if_ = nullptr;
};

TEST_F(TransactionTest, TypesOfWhatWasThereBeforeStay) {
  const onnxport_type other{sizeof other, ONNXPORT_TYPE_TENSOR, ONNXPORT_I64, 1, nullptr, 0, 0};
  for (const bool own : {false, true}) {
    refused(neg_, "T505", "a type is given to what was there before", [&](auto* c) {
      const onnxport_node root = rewrite().root(c);
      emit().set_type(c, own ? rewrite().output(c, root, 0) : rewrite().input(c, root, 0), &other);
    });
  }
  refused(neg_, "T505", "a type is given to what was there before",
          [](auto* c) { emit().set_shape(c, rewrite().input(c, rewrite().root(c), 0), nullptr, 2); });
  refused(neg_, "T505", "a type is given to what was there before", [](auto* c) {
    const onnxport_node root = rewrite().root(c);
    emit().set_type_like(c, rewrite().output(c, root, 0), rewrite().input(c, root, 0));
  });
}

TEST_F(TransactionTest, AFailureLeavesNoDomainBehind) {
  refused(neg_, "T503/com.test.plugin/E1", "after all not", [](auto* c) {
    one(c, "com.test", "Thing", rewrite().input(c, rewrite().root(c), 0));
    const onnxport_message message{sizeof message, 0, text("E1"), text("after all not"), {}};
    diag().fail(c, &message);
  });
  EXPECT_FALSE(graph_.opsets.contains("com.test"));
  const Outcome out = rule(neg_, [](auto* c) {
    const onnxport_node root = rewrite().root(c);
    const onnxport_value made = one(c, "com.test", "Thing", rewrite().input(c, root, 0));
    emit().set_type_like(c, made, rewrite().input(c, root, 0));
    rewrite().replace(c, root, &made, 1);
  });
  EXPECT_EQ(out.status, Outcome::Status::done) << out.cause.message;
  EXPECT_EQ(graph_.opsets.at("com.test"), 3);
}

TEST_F(TransactionTest, ABlockIsTakenOnlyFromANodeThatGoes) {
  const auto take = [](onnxport_context* c, onnxport_node from) {
    std::vector<onnxport_attr> attrs(2);
    for (uint32_t i = 0; i < 2; ++i) rewrite().attr(c, from, i, &attrs[i], sizeof attrs[i]);
    return one(c, "", "If", rewrite().input(c, from, 0), attrs);
  };
  refused(if_, "T506", "a block of If, which stays", [&](auto* c) {
    const onnxport_node root = rewrite().root(c);
    take(c, root);
    // Something else is replaced.
    const onnxport_node inverted = match().producer(c, rewrite().input(c, root, 0));
    const onnxport_value condition = rewrite().input(c, inverted, 0);
    rewrite().replace(c, inverted, &condition, 1);
  });
  const Outcome out = rule(if_, [&](auto* c) {
    const onnxport_node root = rewrite().root(c);
    const onnxport_value made = take(c, root);
    rewrite().replace(c, root, &made, 1);
  });
  EXPECT_EQ(out.status, Outcome::Status::done) << out.cause.message;
}

}  // namespace
}  // namespace onnxport
