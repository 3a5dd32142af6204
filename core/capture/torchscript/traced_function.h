// A function that was traced in Python with the weights of its module as arguments. What a trace of the module would say besides is
// in a record of the archive: lines "weight ARGUMENT NAME" and, per operator in order, "node KIND MODULE".
#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/capture/torchscript/archive.h"

namespace onnxport {

using ModulePaths = std::unordered_map<const torch::jit::Node*, std::string>;

struct TracedFunction {
  std::map<std::string, std::string, std::less<>> weights;     // argument -> name in the module's state
  std::vector<std::pair<std::string, std::string>> operators;  // kind, path of its module

  // The module of each operator of `graph`; of none when these are not the operators that were traced.
  ModulePaths modules_of(const torch::jit::Graph& graph) const;
};

// Nothing, of an archive that is no such function.
TracedFunction read_traced_function(const Archive& archive);

}  // namespace onnxport
