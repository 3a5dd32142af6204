// legalize: ONNX graph at one opset -> the same computation at another, one opset plugin at a time.
#pragma once

#include <vector>

#include "core/ir/graph.h"
#include "core/plugin/registry.h"

namespace onnxport {

// Walks from graph.opsets[""] to `target`. legal -> keep; else the plugin's rule; else a generic rule; else
// the official body; else Error O6xx (all of them collected) naming node, operator and the lowest opset that
// works. Afterwards the result is checked against table `target`, independently of the rules.
void legalize(ir::Graph& graph, int target, Registry& registry, std::vector<Diagnostic>& notes);

// Every node that is not legal at `version` by its plugin's table, as O601…O603 diagnostics.
std::vector<Diagnostic> check_legality(const ir::Graph& graph, int version, Registry& registry);

}  // namespace onnxport
