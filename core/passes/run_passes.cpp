// The order of the passes.
#include "core/ir/pivot.h"
#include "core/passes/passes.h"
#include "core/passes/plugin_passes.h"

namespace onnxport {

namespace {

// Folding shows what does nothing, and removing that shows what can be folded; twice is as far as models go, and
// the third time looks whether it was.
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

// A graph that a test wrote down may not say.
int opset_of(const ir::Graph& graph) {
  const auto found = graph.opsets.find("");
  return found == graph.opsets.end() ? kPivotOpset : found->second;
}

// Until the plugins' passes find nothing more in what folding left of their last work.
void clean_and_rewrite(ir::Graph& graph, PluginPasses& plugins, PassStage stage, const PassOptions& options) {
  clean(graph, options);
  for (int round = 0; round < kRounds; ++round) {
    if (plugins.run(graph, stage, options) == 0) return;
    clean(graph, options);
  }
}

}  // namespace

void run_passes(ir::Graph& graph, PluginPasses& plugins, const PassOptions& options) {
  remove_dead_code(graph);
  read_dims_of_inputs(graph, opset_of(graph));
  plugins.run(graph, PassStage::translate, options);
  clean_and_rewrite(graph, plugins, PassStage::optimize, options);
}

void run_final_passes(ir::Graph& graph, PluginPasses& plugins, const PassOptions& options) {
  gather_single_sizes(graph, opset_of(graph));
  clean_and_rewrite(graph, plugins, PassStage::target, options);
}

}  // namespace onnxport
