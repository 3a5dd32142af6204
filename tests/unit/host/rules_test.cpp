// Rules that look at their neighbours, replace what they found, and break the order of the graph.
#include "unit/host/hostile_calls.h"

namespace onnxport {
namespace {

using namespace hostile;  // the tables of the host, by short names
using testing::HasSubstr;

class RuleTest : public HostileTest {
 protected:
  // x -> MatMul(x, w) -> Add(t, b) -> y, and Relu(t) where `more`.
  void build(bool more = false) {
    ir::Value* w = graph_.add_input("w", ir::Type::tensor(ir::DType::f32, ir::Shape{4, 3}));
    ir::Value* b = graph_.add_input("b", ir::Type::tensor(ir::DType::f32, ir::Shape{3}));
    matmul_ = builder_->emit1("MatMul", {x_, w})->producer();
    add_ = builder_->emit1("Add", {matmul_->output(), b})->producer();
    graph_.body().add_result(add_->output());
    if (more) graph_.body().add_result(builder_->emit1("Relu", {matmul_->output()}));
  }
  Outcome rule(const Function& function, ir::Node* root) {
    const onnxport_rule rule{text(""), text("Add"), run_alone, &function};
    const RuleCall call{&rule, "com.test.plugin", "1.0.0", 20, registry_.get()};
    return run_rule(call, *root, *builder_);
  }
  static onnxport_value emitted(onnxport_context* c, std::string_view domain, std::string_view name,
                                const std::vector<onnxport_value>& in) {
    onnxport_value out = 0;
    emit().node(c, text(domain), text(name), in.data(), static_cast<uint32_t>(in.size()), nullptr, 0, 0, &out,
                1);
    return out;
  }
  ir::Node* matmul_ = nullptr;
  ir::Node* add_ = nullptr;
};

TEST_F(RuleTest, ARuleSeesItsNeighboursAndFusesThem) {
  build();
  const Outcome out = rule(
      [](auto* c) {
        const onnxport_node root = rewrite().root(c);
        const onnxport_value t = rewrite().input(c, root, 0);
        const onnxport_node matmul = match().producer(c, t);
        const onnxport_str name = rewrite().op_type(c, matmul);
        EXPECT_EQ(std::string_view(name.data, name.size), "MatMul");
        EXPECT_EQ(match().use_count(c, t), 1u);
        EXPECT_EQ(match().user(c, t, 0), root);
        EXPECT_EQ(match().user_input(c, t, 0), 0u);
        EXPECT_EQ(match().is_output(c, t), 0);
        EXPECT_EQ(match().is_output(c, rewrite().output(c, root, 0)), 1);
        EXPECT_EQ(match().is_input(c, rewrite().input(c, matmul, 0)), 1);
        EXPECT_EQ(match().producer(c, rewrite().input(c, matmul, 1)), 0u);
        const onnxport_value made = emitted(
            c, "com.test", "FusedLinear",
            {rewrite().input(c, matmul, 0), rewrite().input(c, matmul, 1), rewrite().input(c, root, 1)});
        emit().set_type_like(c, made, rewrite().output(c, root, 0));
        rewrite().replace(c, root, &made, 1);
      },
      add_);
  ASSERT_EQ(out.status, Status::done) << out.cause.message;
  ASSERT_EQ(out.replacements.size(), 1u);
  EXPECT_EQ(out.replacements[0].node, add_);
  EXPECT_EQ(out.replacements[0].values[0]->producer()->op_text(), "com.test::FusedLinear");
  EXPECT_EQ(out.replacements[0].values[0]->type().text(), "f32[batch,3]");
}

TEST_F(RuleTest, AnyNodeThatWasFoundMayBeReplaced) {
  build(true);
  const Outcome out = rule(
      [](auto* c) {
        const onnxport_node root = rewrite().root(c);
        const onnxport_node matmul = match().producer(c, rewrite().input(c, root, 0));
        match().insert_before(c, matmul);
        const onnxport_value product =
            emitted(c, "", "MatMul", {rewrite().input(c, matmul, 0), rewrite().input(c, matmul, 1)});
        match().insert_before(c, root);
        const onnxport_value sum = emitted(c, "", "Add", {product, rewrite().input(c, root, 1)});
        rewrite().replace(c, matmul, &product, 1);
        rewrite().replace(c, root, &sum, 1);
      },
      add_);
  ASSERT_EQ(out.status, Status::done) << out.cause.message;
  ASSERT_EQ(out.replacements.size(), 2u);
  EXPECT_EQ(out.replacements[0].node, add_);  // the root's first
}

TEST_F(RuleTest, WhatWouldBeReadBeforeItIsComputedIsRefused) {
  build(true);
  const size_t before = nodes();
  const auto refused = [&](const char* what, ir::Node* root, const Function& function) {
    SCOPED_TRACE(what);
    const Outcome out = rule(function, root);
    EXPECT_EQ(out.status, Status::failed);
    EXPECT_EQ(out.cause.code, "T506") << out.cause.message;
    EXPECT_EQ(nodes(), before);
  };
  refused("its own output", add_, [](auto* c) {
    const onnxport_value made = emitted(c, "", "Relu", {rewrite().output(c, rewrite().root(c), 0)});
    rewrite().replace(c, rewrite().root(c), &made, 1);
  });
  refused("a later value", matmul_, [](auto* c) {
    const onnxport_node root = rewrite().root(c);
    const onnxport_value t = rewrite().output(c, root, 0);
    for (uint32_t i = 0; i < match().use_count(c, t); ++i) {
      const onnxport_node user = match().user(c, t, i);
      const onnxport_str name = rewrite().op_type(c, user);
      if (std::string_view(name.data, name.size) != "Add") continue;
      const onnxport_value made = rewrite().output(c, user, 0);
      rewrite().replace(c, root, &made, 1);
    }
  });
  refused("a cycle", add_, [](auto* c) {
    const onnxport_node root = rewrite().root(c);
    const onnxport_node matmul = match().producer(c, rewrite().input(c, root, 0));
    const onnxport_value made = emitted(c, "", "Relu", {rewrite().input(c, root, 0)});
    rewrite().replace(c, matmul, &made, 1);  // Relu would read itself
  });
  refused("nothing for a used output", add_,
          [](auto* c) { rewrite().replace(c, rewrite().root(c), nullptr, 0); });
}

TEST_F(RuleTest, APassHoldsToTheDomainsOfItsManifest) {  // D11
  build();
  const Outcome out = rule(
      [](auto* c) { emitted(c, "com.other", "Thing", {rewrite().input(c, rewrite().root(c), 0)}); }, add_);
  EXPECT_EQ(out.status, Status::failed);
  EXPECT_EQ(out.cause.code, "C404");
  EXPECT_THAT(out.cause.message, HasSubstr("com.test.plugin emits com.other::Thing"));
}

TEST_F(RuleTest, AFailedRuleGivesBlocksBack) {
  ir::Value* condition = graph_.add_input("c", ir::Type::tensor(ir::DType::boolean, ir::Shape{}));
  builder_->begin_block({});
  ir::Value* yes = builder_->emit1("Relu", {x_});
  ir::Block* then = builder_->end_block({{yes}});
  builder_->begin_block({});
  ir::Value* no = builder_->emit1("Neg", {x_});
  ir::Block* other = builder_->end_block({{no}});
  ir::Value* y =
      builder_->emit1("If", {condition},
                      {builder_->attribute("then_branch", then), builder_->attribute("else_branch", other)});
  graph_.body().add_result(y);
  const std::vector<std::string> before = ir::check_invariants(graph_);
  const Outcome out = rule(
      [](auto* c) {
        const onnxport_node root = rewrite().root(c);
        onnxport_attr attrs[2] = {};
        for (uint32_t i = 0; i < 2; ++i) rewrite().attr(c, root, i, &attrs[i], sizeof attrs[i]);
        const onnxport_value in = rewrite().input(c, root, 0);
        onnxport_value made = 0;
        emit().node(c, text(""), text("If"), &in, 1, attrs, 2, sizeof attrs[0], &made, 1);
        const onnxport_message no_more{sizeof no_more, 0, {}, text("after all not"), {}};
        diag().fail(c, &no_more);
      },
      y->producer());
  EXPECT_EQ(out.status, Status::failed);
  EXPECT_EQ(then->owner(), y->producer());
  EXPECT_EQ(other->owner(), y->producer());
  EXPECT_EQ(y->producer()->blocks().size(), 2u);
  EXPECT_EQ(ir::check_invariants(graph_), before);
}

}  // namespace
}  // namespace onnxport
