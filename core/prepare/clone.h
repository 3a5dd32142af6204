// Copies of nodes, blocks included.
#pragma once

#include <unordered_map>

#include "core/ir/graph.h"

namespace onnxport {

using ValueMap = std::unordered_map<const ir::Value*, ir::Value*>;

// A detached copy of `node` whose operands are looked up in `map` (what is not there stays); its outputs are added.
ir::Node* clone(const ir::Node& node, ValueMap& map);

}  // namespace onnxport
