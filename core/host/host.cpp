#include "core/host/host.h"

#include <algorithm>

#include "core/host/context.h"

namespace onnxport {
namespace {

constexpr const char* kReportToPublisher = "this is a defect of the plugin: report it to its publisher";

const void* get_interface(const onnxport_host*, onnxport_str id) {
  const std::string_view name =
      id.data == nullptr ? std::string_view() : std::string_view(id.data, static_cast<size_t>(id.size));
  if (name == "onnxport.op/1") return &kOpApi;
  if (name == "onnxport.graph/1") return &kGraphApi;
  if (name == "onnxport.emit/1") return &kEmitApi;
  if (name == "onnxport.diag/1") return &kDiagApi;
  if (name == "onnxport.rewrite/1") return &kRewriteApi;
  if (name == "onnxport.onnx_body/1") return &kOnnxBodyApi;
  return nullptr;
}

constexpr onnxport_host kHost = {sizeof(onnxport_host), ONNXPORT_ABI_MAJOR, ONNXPORT_ABI_MINOR,
                                 get_interface};

bool has_complex(const Argument& b) {
  if (b.kind == Argument::Kind::complex_number) return true;
  if (b.kind == Argument::Kind::value) return b.value->type().stands_for_complex();
  return std::any_of(b.items.begin(), b.items.end(), has_complex);
}

// Calls a plugin's function. No exception should cross; what does is caught all the same.
int32_t call_plugin(onnxport_translate_fn function, const void* user, onnxport_context& context) {
  try {
    return function(&context, user);
  } catch (const std::exception& e) {
    context.fail("T504", std::string("an exception left the plugin: ") + e.what(), kReportToPublisher);
  } catch (...) {
    context.fail("T504", "an exception left the plugin", kReportToPublisher);
  }
  return ONNXPORT_FAILED;
}

// The state an attempt ended in; the graph is as before unless it is `done`.
Outcome settle(onnxport_context& context, int32_t status, GraphBuilder& builder,
               const GraphBuilder::Mark& mark) {
  Outcome out;
  if (status == ONNXPORT_OK && context.ok() && context.open_blocks != 0)
    context.fail("T505", "a block was left open", kReportToPublisher);
  if (status == ONNXPORT_OK && context.ok() && !context.finished)
    context.fail("T505", "no results were given", kReportToPublisher);
  out.notes = std::move(context.notes);
  if (status == ONNXPORT_OK && context.ok()) {
    out.status = Outcome::Status::done;
    return out;
  }
  const bool declined = context.declined && !context.failed;
  out.status = declined ? Outcome::Status::declined : Outcome::Status::failed;
  out.cause = std::move(context.cause);
  if (out.cause.message.empty()) out.cause.message = "status " + std::to_string(status) + " without a reason";
  builder.rollback(mark);
  return out;
}

}  // namespace

const onnxport_host* plugin_host() { return &kHost; }

Outcome run_mapping(const Candidate& candidate, const Call& call, GraphBuilder& builder, Registry& registry) {
  if (candidate.manifest != nullptr) return run_manifest_mapping(candidate, call, builder, registry);
  Outcome out;
  const bool complex = std::any_of(call.arguments.begin(), call.arguments.end(), has_complex);
  if (!complex && (candidate.mapping->flags & ONNXPORT_ONLY_COMPLEX) != 0) return out;
  if (complex && (candidate.mapping->flags & (ONNXPORT_TAKES_COMPLEX | ONNXPORT_ONLY_COMPLEX)) == 0) {
    out.cause.message = "does not take complex tensors";
    return out;
  }
  const GraphBuilder::Mark mark = builder.mark();
  onnxport_context context(builder, call.target_opset);
  context.call = &call;
  context.registry = &registry;
  context.plugin_id = candidate.plugin_id;
  const int32_t status = call_plugin(candidate.mapping->translate, candidate.mapping->user, context);
  out = settle(context, status, builder, mark);
  if (out.status == Outcome::Status::done) {
    const bool single_list = context.results.size() == 1 && context.results[0].kind == Argument::Kind::list;
    if (context.results.size() < call.outputs.size() && !single_list) {
      for (size_t i = context.results.size(); i < call.outputs.size(); ++i) {
        if (!call.outputs[i]->has_uses()) continue;
        builder.rollback(mark);
        out.status = Outcome::Status::failed;
        out.cause.message = "gives " + std::to_string(context.results.size()) + " results where " +
                            std::to_string(call.outputs.size()) + " are needed";
        return out;
      }
    }
    out.results = std::move(context.results);
  }
  return out;
}

Outcome run_rule(const onnxport_rule& rule, ir::Node& node, GraphBuilder& builder, int target_opset) {
  builder.insert_before(&node);
  builder.set_provenance(node.provenance());
  const GraphBuilder::Mark mark = builder.mark();
  onnxport_context context(builder, target_opset);
  context.node = &node;
  const int32_t status = call_plugin(rule.rewrite, rule.user, context);
  Outcome out = settle(context, status, builder, mark);
  if (out.status == Outcome::Status::done) out.values = std::move(context.replacements);
  return out;
}

}  // namespace onnxport
