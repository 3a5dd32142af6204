// A function's body in place of a call of it.
#pragma once

#include "core/onnx/model_facts.h"

namespace onnxport {

// Copies the nodes of `body` before `call`, a node of `graph`, and erases the call. Names of nodes and values begin with the
// call's. What the file says of the nodes moves from the facts of `body` to `facts`.
void splice(onnx::LocalFunctionForm& body, ir::Node& call, ir::Graph& graph, onnx::GraphFacts& facts);

}  // namespace onnxport
