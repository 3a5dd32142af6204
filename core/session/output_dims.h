// Names that the caller gives to sizes of outputs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/ir/graph.h"
#include "onnxport/errors.h"

namespace onnxport {

// Name -> axis -> name of its size.
using AxisNames = std::map<std::string, std::map<int, std::string>>;

// Gives sizes of outputs of an ONNX graph the names wanted, in place of the expressions that they were found to be. A size
// that is a number stays one, with a note. A name of another size that is known to differ is not given: a warning for one of
// an input's, a number behind it for one of another output's. Throws Error I107 for what is no output, or no axis of it.
void name_output_dims(ir::Graph& graph, const AxisNames& names, std::vector<Diagnostic>& notes);

}  // namespace onnxport
