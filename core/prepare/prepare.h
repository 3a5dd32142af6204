// prepare: torch graph -> torch graph without mutation and without conditions that are known.
#pragma once

#include "core/ir/graph.h"
#include "onnxport/errors.h"

namespace onnxport {

// Runs the passes of this room in order: fold constants (ints, floats, bools, strings, None, lists of them,
// conditions), functionalize, remove dead code. Throws Error T5xx for what cannot be made functional.
void prepare(ir::Graph& graph, std::vector<Diagnostic>& notes);

}  // namespace onnxport
