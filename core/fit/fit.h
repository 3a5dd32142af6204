// Holds a graph to what the runtime behind its target takes: operators and element types.
#pragma once

#include <vector>

#include "core/ir/graph.h"
#include "onnxport/options.h"
#include "onnxport/report.h"

namespace onnxport {

// Rewrites what does not fit and a rule of the limits speaks of, in place, and says what: `expand` (an operator becomes the
// body that ONNX gives for it), `through-cast` (a node computes in another element type, its operands and results pass
// through Cast). The graph must be legal at `opset`; what an expanded body holds is the caller's to check again.
// Throws Error for everything that still does not fit, one diagnostic for each kind: F301 an operator, F302 an element type.
std::vector<TargetChange> fit_to_target(ir::Graph& graph, int opset, const Target& target);

}  // namespace onnxport
