// fold: what is known while exporting. Numbers, strings, None and conditions, lists of them; branches that
// are never taken go, loops whose trip count is known are unrolled. Needs no types.
#pragma once

#include "core/ir/graph.h"

namespace onnxport {

void fold_scalars(ir::Graph& graph);

}  // namespace onnxport
