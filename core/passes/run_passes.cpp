// The order of the passes, and the rules of plugins.
#include "core/builder/graph_builder.h"
#include "core/host/host.h"
#include "core/host/plugin_inference.h"
#include "core/ir/pivot.h"
#include "core/onnx/inference.h"
#include "core/passes/passes.h"
#include "core/passes/rewriting.h"

namespace onnxport {

namespace {

// Folding shows what does nothing, and removing that shows what can be folded; twice is as far as models go.
constexpr int kRounds = 3;

size_t live_nodes(ir::Graph& graph) {
  size_t count = 0;
  ir::for_each_node(graph.body(), [&](ir::Node*) { ++count; });
  return count;
}

void clean(ir::Graph& graph, const PassOptions& options) {
  size_t before = live_nodes(graph);
  for (int round = 0; round < kRounds; ++round) {
    fold_constants(graph, options);
    remove_no_ops(graph);
    merge_common_subexpressions(graph);
    remove_dead_code(graph);
    const size_t after = live_nodes(graph);
    if (after == before) return;
    before = after;
  }
}

bool matches(const onnxport_rule& rule, const ir::Node& node) {
  const auto [domain, op_type] = onnx::split_op(node.op_text());
  return std::string_view(rule.op_type.data, rule.op_type.size) == op_type &&
         std::string_view(rule.domain.data, rule.domain.size) == domain;
}

void apply(const onnxport_rule& rule, ir::Node& node, GraphBuilder& builder, const PassEntry& entry,
           Registry& registry) {
  builder.insert_before(&node);
  builder.set_provenance(node.provenance());
  const RuleCall call{&rule, entry.plugin_id, entry.plugin_version, builder.opset(), &registry};
  const Outcome outcome = run_rule(call, node, builder);
  if (outcome.status == Outcome::Status::declined) return;
  const std::string pass(entry.pass->name.data, entry.pass->name.size);
  if (outcome.status == Outcome::Status::failed) {
    const ir::Provenance* p = node.provenance();
    Location place;
    place.node = std::string(node.op_text());
    if (p != nullptr) {
      place.module_path = p->module_path;
      place.source = p->source;
    }
    const Diagnostic& cause = outcome.cause;
    throw Error(cause.code.empty() ? "T503" : cause.code,
                "pass '" + pass + "' of plugin " + entry.plugin_id + " failed: " + cause.message, place,
                "disable the pass in the configuration, or report it to the plugin's publisher");
  }
  for (const Replacement& r : outcome.replacements) {
    for (size_t i = 0; i < r.values.size(); ++i) {
      if (r.values[i] != nullptr) replace(r.node->output(i), r.values[i]);
    }
  }
}

// A graph that a test wrote down may not say.
int opset_of(const ir::Graph& graph) {
  const auto found = graph.opsets.find("");
  return found == graph.opsets.end() ? kPivotOpset : found->second;
}

void run_plugin_passes(ir::Graph& graph, Registry& registry, std::string_view stage) {
  const std::vector<PassEntry> entries = registry.passes(stage);
  if (entries.empty()) return;
  GraphBuilder builder(graph, opset_of(graph));
  const PluginInference inference(registry);
  builder.set_operator_inference(&inference);
  for (const PassEntry& entry : entries) {
    for (uint32_t i = 0; i < entry.pass->rule_count; ++i) {
      const onnxport_rule& rule = entry.pass->rules[i];
      ir::for_each_node(graph.body(), [&](ir::Node* node) {
        if (matches(rule, *node)) apply(rule, *node, builder, entry, registry);
      });
    }
    remove_dead_code(graph);
  }
}

}  // namespace

void run_passes(ir::Graph& graph, Registry& registry, const PassOptions& options) {
  remove_dead_code(graph);
  read_dims_of_inputs(graph, opset_of(graph));
  if (options.constant_folding && options.fold_weights) {
    remove_no_ops(graph);
    fold_batch_norm(graph);
  }
  clean(graph, options);
  run_plugin_passes(graph, registry, "translate");
}

void run_final_passes(ir::Graph& graph, Registry& registry, const PassOptions& options) {
  clean(graph, options);
  run_plugin_passes(graph, registry, "target");
}

}  // namespace onnxport
