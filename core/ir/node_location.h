// Where a node comes from, as an error says it.
#pragma once

#include "core/ir/graph.h"
#include "onnxport/errors.h"

namespace onnxport::ir {

// `from`: of the call that stands for the node in the user's model, where that is another one.
Location location_of(const Node& node, const Provenance* from);
inline Location location_of(const Node& node) { return location_of(node, node.provenance()); }

}  // namespace onnxport::ir
