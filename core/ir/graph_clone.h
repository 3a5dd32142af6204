// Copies of whole graphs.
#pragma once

#include <memory>

#include "core/ir/graph.h"

namespace onnxport::ir {

// The same graph again, sharing nothing with the first but the bytes of its tensors. Schemas that no node has are left behind.
std::unique_ptr<Graph> clone(const Graph& graph);

}  // namespace onnxport::ir
