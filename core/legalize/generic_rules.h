// The rules that need no plugin: what changes an operator's signature between two opsets without changing its meaning.
#pragma once

#include "core/legalize/table.h"

namespace onnxport {

// Makes `node`, legal by `before`, fit `after`, which describes the same operator at the neighbouring opset:
// drops attributes at their default, turns attributes into inputs and constant inputs into attributes, and
// casts around a type that is not allowed. The node stays; what it cannot be made is told, and the node is
// then as it was.
std::optional<Violation> adapt(ir::Node& node, const onnxport_op_def& before, const onnxport_op_def& after,
                               const OpsetTable& target);

}  // namespace onnxport
