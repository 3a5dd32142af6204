// Arguments of torch operators as values of the ONNX graph.
#pragma once

#include "core/argument/argument.h"
#include "core/builder/graph_builder.h"

namespace onnxport {

// Numbers become 0-d constants, lists of ints one 1-d value. Null when the argument has no ONNX form: None, a
// string, a list of tensors.
ir::Value* materialize(const Argument& argument, GraphBuilder& builder);

}  // namespace onnxport
