// Edits and limits of regions that several stages share.
#pragma once

#include <cstdint>

#include "core/ir/graph.h"

namespace onnxport::ir {

// Puts the nodes of `taken`, a block of `node`, in place of the node; what it gave is now what the block gives.
void inline_block(Graph& graph, Node& node, Block& taken);

// Nodes of the block and of all blocks inside it.
size_t count_nodes(const Block& block);

// Whether so many iterations of a body are written out one after the other; a longer loop stays a loop.
bool may_unroll(const Block& body, int64_t iterations);

}  // namespace onnxport::ir
