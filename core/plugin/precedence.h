// Which of several plugins comes first for one operator: what the user prefers, what manifests override,
// exact names before names of all overloads. Anything else is a conflict.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/plugin/plugin_entry.h"
#include "core/plugin/registry.h"

namespace onnxport {

// What one plugin registers for an operator under one name.
struct Claim {
  PluginEntry* plugin = nullptr;
  bool exact = true;  // under the full name, not the name of all overloads
  std::vector<Candidate> candidates;
  std::optional<Error> failure;  // why the plugin cannot be asked; it has no candidates then
};

// Best first. Throws C401, naming both manifests and the line that settles it.
std::vector<Claim> by_precedence(std::vector<Claim> claims, const std::vector<std::string>& prefer,
                                 std::string_view subject, int opset);

}  // namespace onnxport
