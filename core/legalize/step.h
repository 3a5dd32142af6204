// One step between neighbouring opsets: which operators it touches, and what is done to each of their nodes.
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/builder/graph_builder.h"
#include "core/legalize/table.h"
#include "core/plugin/registry.h"
#include "onnxport/errors.h"

namespace onnxport {

// Nodes that could not be taken along, with what to tell about each. They are left alone from then on.
struct Failures {
  std::vector<Diagnostic> diagnostics;
  std::unordered_set<const ir::Node*> nodes;
};

class Step {
 public:
  // `newer`: the plugin of the newer of the two opsets, whose rules take the step. All outlive the step.
  Step(const OpsetTable& from, const OpsetTable& to, const OpsetPlugin& newer, Registry& registry);

  // Nodes that are the same at both opsets cost one look-up.
  void run(ir::Graph& graph, int target_opset, Failures& failures) const;

 private:
  struct Change {
    const onnxport_op_def* before = nullptr;
    const onnxport_op_def* after = nullptr;  // null: gone
    const onnxport_rule* rule = nullptr;
  };
  class Walk;

  const OpsetTable& from_;
  const OpsetTable& to_;
  const OpsetPlugin& newer_;
  Registry& registry_;
  std::unordered_map<std::string_view, Change> changes_;
};

}  // namespace onnxport
