// Composite operators become graphs of smaller ones.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/backend/backend.h"

namespace onnxport {

// See TorchBackend::split.
std::optional<Split> split_operator(const ir::Schema& schema, const std::vector<SplitArgument>& arguments,
                                    const std::map<std::string, ir::SymbolInfo, std::less<>>& symbols,
                                    std::string& why);

}  // namespace onnxport
