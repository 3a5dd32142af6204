// Where a node comes from, as an error says it.
#pragma once

#include "core/ir/graph.h"
#include "onnxport/errors.h"

namespace onnxport::ir {

// `from`: of the call that stands for the node in the user's model, where that is another one.
Place place_of(const Node& node, const Provenance* from);
inline Place place_of(const Node& node) { return place_of(node, node.provenance()); }

}  // namespace onnxport::ir
