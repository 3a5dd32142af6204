// Types of the values that a file does not describe: rules and tables are asked about types.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "core/onnx/model_file.h"

namespace onnxport {

// By domain, name and overload.
using FunctionId = std::tuple<std::string, std::string, std::string>;
// What a node calls: its overload stands in the facts of its graph.
FunctionId called_by(const ir::Node& node, const onnx::GraphFacts& facts);

// Runs ONNX's inference over the graph, its blocks and its local functions. What the file states stays; a node that inference
// does not take is left alone. A function gets the types that all of its calls agree on; returned are those whose calls give
// one input several element types. Throws Error I123 for functions that call themselves.
std::set<FunctionId> complete_types(onnx::ModelForm& model);
// Of one graph whose parameters are typed; calls of functions stay as they are.
void complete_types(ir::Graph& graph);

}  // namespace onnxport
