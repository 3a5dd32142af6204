// Modules of the model as local functions of the file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/ir/graph.h"
#include "onnxport/errors.h"

namespace onnxport {

// Module path -> function, as Target::functions.
using FunctionNames = std::map<std::string, std::string>;

// Throws Error S716 for a name that is no function's, or a path that is none.
void check_function_names(const FunctionNames& functions);

// Puts one call of a local function in place of the nodes of each module that is named, inner modules first. Nodes of a block
// stay where they are. What the nodes read from outside is given to the function: values, then weights; small constants are
// its own. Modules whose functions are called the same share one where their nodes are the same; the next that differs is
// NAME_2. A module whose nodes cannot be called at one place, since others between them read one and give another, stays
// nodes: a note S717 says so, and one for a path that no node is from. `strip`: no provenance in the functions.
void keep_modules_as_functions(ir::Graph& graph, const FunctionNames& functions, bool strip,
                               std::vector<Diagnostic>& notes);

}  // namespace onnxport
