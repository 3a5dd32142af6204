// Composite operators become graphs of smaller ones.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/torch_interface/torch_interface.h"

namespace onnxport {

// See TorchInterface::decompose.
std::optional<Decomposition> decompose_operator(
    const ir::Schema& schema, const std::vector<Argument>& arguments,
    const std::map<std::string, ir::SymbolInfo, std::less<>>& symbols, std::string& why);

}  // namespace onnxport
