// The host called as a plugin calls it that breaks every rule, and what it answers.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/host.h"
#include "core/ir/pivot.h"
#include "onnxport/abi.h"
#include "unit/plugin/files.h"

namespace onnxport::hostile {

using Status = Outcome::Status;

constexpr uint32_t kHuge = std::numeric_limits<uint32_t>::max();
inline onnxport_str text(std::string_view s) { return {s.data(), s.size()}; }

template <typename Api>
const Api& host(std::string_view id) {
  return *static_cast<const Api*>(plugin_host()->get_interface(plugin_host(), text(id)));
}
inline const auto& op() { return host<onnxport_op_api>("onnxport.op/1"); }
inline const auto& graph() { return host<onnxport_graph_api>("onnxport.graph/1"); }
inline const auto& dim() { return host<onnxport_dim_api>("onnxport.dim/1"); }
inline const auto& emit() { return host<onnxport_emit_api>("onnxport.emit/1"); }
inline const auto& diag() { return host<onnxport_diag_api>("onnxport.diag/1"); }
inline const auto& options() { return host<onnxport_options_api>("onnxport.options/1"); }
inline const auto& rewrite() { return host<onnxport_rewrite_api>("onnxport.rewrite/1"); }
inline const auto& match() { return host<onnxport_match_api>("onnxport.match/1"); }
inline const auto& body() { return host<onnxport_onnx_body_api>("onnxport.onnx_body/1"); }
inline const auto& infer_result() { return host<onnxport_infer_result_api>("onnxport.infer_result/1"); }

using Function = std::function<void(onnxport_context*)>;

// Runs the function, then gives a result all the same, as a plugin does that does not look at statuses.
inline int32_t run_function(onnxport_context* c, const void* user) {
  (*static_cast<const Function*>(user))(c);
  const onnxport_value x = op().arg_value(c, op().arg(c, text("x")));
  return op().set_results(c, &x, 1);
}
inline int32_t run_alone(onnxport_context* c, const void* user) {
  (*static_cast<const Function*>(user))(c);
  return ONNXPORT_OK;
}

class HostileTest : public testing::Test {
 protected:
  HostileTest() : graph_(ir::Graph::Dialect::onnx), torch_(ir::Graph::Dialect::torch) {
    graph_.opsets[""] = kPivotOpset;
    builder_ = std::make_unique<GraphBuilder>(graph_, kPivotOpset);
    x_ = graph_.add_input("x", ir::Type::tensor(ir::DType::f32, ir::Shape{ir::Dim::symbol("batch"), 4}));
    call_ = torch_.create("test::op");
    call_->add_output(ir::Type::tensor());
    torch_.append(torch_.body(), call_);
    torch_.body().add_result(call_->output());
    schema_ = ir::parse_schema("test::op(Tensor x, float scale=2, int[] sizes=[1]) -> Tensor");
    PluginOptions options;
    options.files = {
        folder_.write("test.onnxport.yaml",
                      "onnxport_manifest: 1\nplugin: {id: com.test.plugin, version: \"1.0.0\"}\nprovides: "
                      "{domains: [{name: com.test, version: 3}], mappings: [{torch: test::y, onnx: "
                      "com.test::Y}]}\n")};
    options.default_paths = options.builtin = false;
    options.options["com.test.plugin"] = {{"level", "7"}, {"name", "x"}, {"fast", "true"}, {"scale", "0.5"}};
    registry_ = std::make_unique<Registry>(options, plugin_host());
  }

  Outcome run(const Function& function, onnxport_translate_fn how = run_function) {
    const onnxport_mapping mapping{text("test::op"), 0, 0, 0, 0, how, &function};
    Candidate candidate;
    candidate.plugin_id = "com.test.plugin";
    candidate.plugin_version = "1.0.0";
    candidate.mapping = &mapping;
    const std::vector<Argument> arguments = {Argument::of(x_), Argument{2.0},
                                             Argument::list_of({Argument{int64_t{3}}, Argument{int64_t{4}}})};
    Call call;
    call.schema = &schema_;
    call.name = "test::op";
    call.arguments = arguments;
    call.outputs = call_->outputs();
    call.target_opset = 20;
    return run_mapping(candidate, call, *builder_, *registry_);
  }
  size_t nodes() {
    size_t n = 0;
    ir::for_each_node(graph_.body(), [&](ir::Node*) { ++n; });
    return n;
  }
  // The call fails as the plugin's defect, and leaves nothing behind.
  void refused(const char* what, const Function& function, onnxport_translate_fn how = run_function,
               const std::string& code = "T505") {
    SCOPED_TRACE(what);
    const Outcome out = run(function, how);
    EXPECT_EQ(out.status, Status::failed);
    EXPECT_EQ(out.cause.code, code) << out.cause.message;
    EXPECT_FALSE(out.cause.message.empty());
    EXPECT_EQ(nodes(), 0u);
    EXPECT_EQ(builder_->open_blocks(), 0u);
  }
  static onnxport_value x(onnxport_context* c) { return op().arg_value(c, op().arg(c, text("x"))); }

  test::TemporaryFolder folder_;
  ir::Graph graph_;
  ir::Graph torch_;
  ir::Node* call_ = nullptr;
  std::unique_ptr<GraphBuilder> builder_;
  std::unique_ptr<Registry> registry_;
  ir::Schema schema_;
  ir::Value* x_ = nullptr;
};

}  // namespace onnxport::hostile
