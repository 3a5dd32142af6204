// The operator that computes what an in-place one writes.
#pragma once

#include "core/prepare/node_facts.h"

namespace onnxport {

// New contents of what `node` (an in-place or out= operator on tensors, operands already current) writes to,
// typed as `type`. Null when the operator has no functional form.
ir::Value* functional_form(const ir::Node& node, const ir::Type& type, NodeMaker& make);

}  // namespace onnxport
