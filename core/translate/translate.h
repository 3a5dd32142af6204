// translate: torch graph -> ONNX graph at the pivot opset, through the plugins' mappings.
#pragma once

#include <memory>
#include <vector>

#include "core/ir/graph.h"
#include "core/ir/pivot.h"
#include "core/plugin/registry.h"
#include "onnxport/report.h"

namespace onnxport {

struct TranslateOptions {
  int target_opset = 20;
  bool training = false;
  bool dry_run = false;  // collect the operator report; unsupported operators do not throw
};

struct Translated {
  std::unique_ptr<ir::Graph> graph;  // ONNX dialect, opsets[""] == kPivotOpset
  std::vector<OperatorReport> operators;
  std::vector<Diagnostic> notes;
};

// Throws Error with one T5xx per node that nothing could take. The torch graph is only read: several threads may translate
// it at once.
Translated translate(const ir::Graph& torch_graph, Registry& registry, const TranslateOptions& options);

}  // namespace onnxport
