// A file's graph in other element types: ONNX Runtime's CPU kernels do not know all.
#pragma once

#include <filesystem>
#include <memory>

#include "core/ir/graph.h"

namespace onnxport {

// Everything of type `from` in `graph` becomes `to`: weights, values, what casts and fills name.
void change_type(ir::Graph& graph, ir::DType from, ir::DType to);
// Whether anything in it has that type.
bool has_type(const ir::Graph& graph, ir::DType dtype);

}  // namespace onnxport
