// Writing through a view: the base with the view's part replaced.
#pragma once

#include "core/prepare/node_facts.h"

namespace onnxport {

// The new base when `contents` is written through the view that `view` (an operator node, e.g.
// aten::select.int) makes of `base`. Null when the operator has no such inverse.
ir::Value* write_through(const ir::Node& view, ir::Value* base, ir::Value* contents,
                         const ir::Type& base_type, NodeMaker& make);

// Likewise through element `index` of the list that `split` (unbind, split, chunk, …) makes of `base`.
// `parts` is how many elements there are, 0 when unknown; `list` the list of the current base.
ir::Value* write_through_element(const ir::Node& split, ir::Value* base, ir::Value* list, int64_t index,
                                 size_t parts, ir::Value* contents, const ir::Type& base_type,
                                 NodeMaker& make);

}  // namespace onnxport
