// Built-in passes: ONNX graph -> ONNX graph, none changes what the graph computes.
#pragma once

#include "core/ir/graph.h"
#include "core/plugin/registry.h"

namespace onnxport {

struct PassOptions {
  bool constant_folding = true;
  bool weights_stay =
      false;  // --weights reference: what lies in the model's file is computed with at run time
  bool fold_weights =
      true;  // false for --weights reference: no weight is rewritten (no Conv + BatchNormalization)
};

// At the pivot, after translate: dead code, sizes read of the inputs, common subexpressions, constant
// folding, Conv/Gemm + BatchNormalization, no-op removal (Identity, Cast to the same type, Transpose pairs,
// …), then the plugins' passes of stage "translate".
void run_passes(ir::Graph& graph, Registry& registry, const PassOptions& options);
// At the target, after legalize: what inlined bodies left, then the plugins' passes of stage "legalize".
void run_final_passes(ir::Graph& graph, Registry& registry, const PassOptions& options);

void remove_dead_code(ir::Graph& graph);
// Shape of a value in the middle becomes Shape of the graph input that has the same named sizes.
void read_dims_of_inputs(ir::Graph& graph, int opset);
void merge_common_subexpressions(ir::Graph& graph);
void fold_constants(ir::Graph& graph, const PassOptions& options);
void fold_batch_norm(ir::Graph& graph);
// Identity, Cast to the same type, Transpose pairs, views of views, an If whose condition is known, …
void remove_no_ops(ir::Graph& graph);

}  // namespace onnxport
