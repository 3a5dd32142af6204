// prepare: torch graph -> torch graph without mutation and without conditions that are known.
#pragma once

#include "core/ir/graph.h"
#include "onnxport/errors.h"
#include "onnxport/options.h"

namespace onnxport {

// Runs the passes of this component in order: fold constants (ints, floats, bools, strings, None, lists of them,
// conditions), functionalize, remove dead code. `state` says what becomes of writes to buffers and inputs.
// Throws Error T520 for what cannot be made functional, T521 for each state with State::error.
void prepare(ir::Graph& graph, State state, std::vector<Diagnostic>& notes);

}  // namespace onnxport
