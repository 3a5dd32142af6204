// Copies of whole graphs.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>

#include "core/ir/graph.h"

namespace onnxport::ir {

// The same graph again, sharing nothing with the first but the bytes of its tensors. Schemas that no node has are left behind.
std::unique_ptr<Graph> clone(const Graph& graph);

// These nodes of `from` again, in this order at the end of the body of `to`. `values` says which values of `to` stand for those
// that they read from outside, and then for those that they give too.
void copy_nodes(const Graph& from, std::span<const Node* const> nodes, Graph& to,
                std::unordered_map<const Value*, Value*>& values);

}  // namespace onnxport::ir
