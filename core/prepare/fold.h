// fold: what is known while exporting. Numbers, strings, None and conditions, lists of them; branches that
// are never taken go, loops whose trip count is known are unrolled. Needs no types. What the model checks at run time
// (assert, raise under a condition) ONNX cannot: each is left out with a note T547.
#pragma once

#include <vector>

#include "core/ir/graph.h"
#include "onnxport/errors.h"

namespace onnxport {

void fold_scalars(ir::Graph& graph, std::vector<Diagnostic>& notes);

}  // namespace onnxport
