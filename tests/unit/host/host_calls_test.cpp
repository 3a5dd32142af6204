// Host calls that fail on purpose, one after the other.
#include "core/host/host_calls.h"

#include <gtest/gtest.h>

#include "core/host/host.h"
#include "core/ir/pivot.h"
#include "unit/plugin/files.h"

namespace onnxport {
namespace {

onnxport_str text(std::string_view s) { return {s.data(), s.size()}; }

template <typename Api>
const Api& table(std::string_view id) {
  return *static_cast<const Api*>(plugin_host()->get_interface(plugin_host(), text(id)));
}

// Two calls that may fail; what it returns in the end is up to `user`.
int32_t map(onnxport_context* c, const void* user) {
  const auto& op = table<onnxport_op_api>("onnxport.op/1");
  const onnxport_value x = op.arg_value(c, op.arg(c, text("x")));
  const int32_t status = op.set_results(c, &x, 1);
  if (user != nullptr && status != ONNXPORT_OK) throw 42;
  return status;
}

class HostCallsTest : public testing::Test {
 protected:
  HostCallsTest()
      : graph_(ir::Graph::Dialect::onnx), torch_(ir::Graph::Dialect::torch), builder_(graph_, kPivotOpset) {
    graph_.opsets[""] = kPivotOpset;
    x_ = graph_.add_input("x", *ir::Type::parse("f32[2]"));
    call_ = torch_.create("test::op");
    call_->add_output(ir::Type::tensor());
    torch_.append(torch_.body(), call_);
    PluginOptions options;
    options.files = {
        folder_.write("test.onnxport.yaml",
                      "onnxport_manifest: 1\nplugin: {id: com.test.plugin, version: \"1.0.0\"}\nprovides: "
                      "{mappings: [{torch: test::y, onnx: Relu}]}\n")};
    options.default_paths = options.builtin = false;
    registry_ = std::make_unique<Registry>(options, plugin_host());
  }

  Outcome run(const void* user = nullptr) {
    const ir::Schema schema = ir::parse_schema("test::op(Tensor x) -> Tensor");
    const onnxport_mapping mapping{text("test::op"), 0, 0, 0, 0, map, user};
    Candidate candidate;
    candidate.plugin_id = "com.test.plugin";
    candidate.plugin_version = "1.0.0";
    candidate.mapping = &mapping;
    const std::vector<Argument> arguments = {Argument::of(x_)};
    Call call;
    call.schema = &schema;
    call.name = "test::op";
    call.arguments = arguments;
    call.outputs = call_->outputs();
    call.target_opset = 20;
    return run_mapping(candidate, call, builder_, *registry_);
  }

  test::TemporaryFolder folder_;
  ir::Graph graph_, torch_;
  GraphBuilder builder_;
  ir::Value* x_ = nullptr;
  ir::Node* call_ = nullptr;
  std::unique_ptr<Registry> registry_;
};

TEST_F(HostCallsTest, EachFailsInItsTurn) {
  for (size_t n = 0; n <= 3; ++n) {
    HostCalls calls("com.test.plugin", n);
    const Outcome out = run();
    const bool fails = n >= 1 && n <= 2;
    EXPECT_EQ(out.status, fails ? Outcome::Status::failed : Outcome::Status::done) << n;
    EXPECT_EQ(out.cause.code, fails ? "T550" : "");
    EXPECT_EQ(calls.count(), fails ? n : 2u);
    EXPECT_FALSE(calls.exception_left());
  }
}

TEST_F(HostCallsTest, ReadersFailToo) {
  size_t count = 0;
  {
    const HostCalls calls("com.test.plugin", 0, HostCalls::Which::all);
    EXPECT_EQ(run().status, Outcome::Status::done);
    count = calls.count();
  }
  EXPECT_GT(count, 2u);
  for (size_t n = 1; n <= count; ++n) {
    const HostCalls calls("com.test.plugin", n, HostCalls::Which::all);
    const Outcome out = run();
    EXPECT_EQ(out.status, Outcome::Status::failed) << n;
    EXPECT_EQ(out.cause.code, "T550") << n;
  }
}

TEST_F(HostCallsTest, AnotherPluginsCallsDoNotCount) {
  const HostCalls calls("com.test.other", 1);
  EXPECT_EQ(run().status, Outcome::Status::done);
  EXPECT_EQ(calls.count(), 0u);
}

TEST_F(HostCallsTest, AnExceptionIsSeenBehindTheFailure) {
  const int throws = 1;
  const HostCalls calls("com.test.plugin", 2);
  const Outcome out = run(&throws);
  EXPECT_EQ(out.cause.code, "T550");
  EXPECT_TRUE(calls.exception_left());
}

}  // namespace
}  // namespace onnxport
