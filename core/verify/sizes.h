// At which sizes model and file are compared.
#pragma once

#include <string_view>
#include <vector>

#include "core/ir/graph.h"
#include "core/verify/inputs.h"

namespace onnxport {

// The example sizes of the symbols.
Sizes example_sizes(const ir::Graph& graph);

// Sets of sizes for one more comparison, the best first: where the model cannot run at one, the next is tried. All lie
// within the symbols' ranges and keep the program's guards ("onnxport.dim_guards") and those that the file adds to them.
//   larger: every symbol at a size of its own; then, equal where the examples are equal
//   least: 1 or the smallest odd size for every symbol; then only for those of first axes
std::vector<Sizes> larger_sizes(const ir::Graph& graph, std::string_view of_file);
std::vector<Sizes> least_sizes(const ir::Graph& graph, std::string_view of_file);

}  // namespace onnxport
