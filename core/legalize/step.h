// One step between neighbouring opsets: which operators it touches, and what is done to each of their nodes.
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/builder/graph_builder.h"
#include "core/legalize/table.h"
#include "onnxport/errors.h"

namespace onnxport {

// Nodes that could not be taken along, with what to tell about each. They are left alone from then on.
struct Failures {
  std::vector<Diagnostic> diagnostics;
  std::unordered_set<const ir::Node*> nodes;
};

class Step {
 public:
  // `rules`: of the newer of the two opsets, in the direction taken. All outlive the step.
  Step(const OpsetTable& from, const OpsetTable& to, const onnxport_rule* rules, uint32_t rule_count,
       uint64_t rule_size);

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
  std::unordered_map<std::string_view, Change> changes_;
};

}  // namespace onnxport
