// Tensors laid side by side along a new axis (Unsqueeze, Concat), and taken apart again (Gather): what
// complex arithmetic leaves between its steps.
#pragma once

#include "core/ir/graph.h"

namespace onnxport {

// What a Gather of one element of a stack gives: that which was stacked there. Null: it is no such Gather.
ir::Value* element_of_stack(ir::Graph& graph, ir::Node& gather);
// What a Concat of all elements of a tensor, in order, gives: that tensor. Null: it is no such Concat.
ir::Value* whole_of_stack(const ir::Node& concat);

}  // namespace onnxport
