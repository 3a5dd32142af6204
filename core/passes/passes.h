// Built-in passes: ONNX graph -> ONNX graph, none changes what the graph computes.
#pragma once

#include "core/ir/graph.h"
#include "core/ir/pivot.h"
#include "core/plugin/registry.h"

namespace onnxport {

struct PassOptions {
  bool constant_folding = true;
  // --weights reference: what lies in the model's file is computed with at run time, and no weight is rewritten (no Conv
  // + BatchNormalization).
  bool weights_stay = false;
  bool fold_weights = true;
  bool weights_may_change = true;  // by plugins' passes; false where they stay what they are in the model
  bool inference = true;           // false where the model is exported for training
  int target_opset = kPivotOpset;  // where the export ends
};

class PluginPasses;

// At the pivot, after translate: dead code, sizes read of the inputs, the plugins' passes of stage "translate";
// then constant folding, no-op removal (Identity, Cast to the same type, Transpose pairs, …), common
// subexpressions and the plugins' passes of stage "optimize", in turn until these change nothing.
void run_passes(ir::Graph& graph, PluginPasses& plugins, const PassOptions& options);
// At the target, after legalize: what inlined bodies left, then the plugins' passes of stage "target".
void run_final_passes(ir::Graph& graph, PluginPasses& plugins, const PassOptions& options);

void remove_dead_code(ir::Graph& graph);
// Shape of a value in the middle becomes Shape of the graph input that has the same named sizes.
void read_dims_of_inputs(ir::Graph& graph, int opset);
// A size that is a Slice of sizes and a Squeeze of it becomes one Gather.
void gather_single_sizes(ir::Graph& graph, int opset);
void merge_common_subexpressions(ir::Graph& graph);
void fold_constants(ir::Graph& graph, const PassOptions& options);
// Identity, Cast to the same type, Transpose pairs, views of views, an If whose condition is known, …
void remove_no_ops(ir::Graph& graph);

}  // namespace onnxport
