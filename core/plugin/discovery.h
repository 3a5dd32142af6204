// Where manifests are looked for, and what was found there.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin/manifest.h"
#include "onnxport/export.h"

namespace onnxport {

enum class PluginState { active, shadowed, disabled, broken };

struct Found {
  Manifest manifest;                     // of a broken one only the file is known
  std::string tier;                      // "explicit", "path", "environment", "user", "system", "built-in"
  PluginState state = PluginState::active;
  std::vector<Diagnostic> problems;      // of a broken one
  std::string reason;                    // why it is not active
};

struct SearchedFolder {
  std::filesystem::path folder;
  std::string tier;
  std::string outcome;                   // "3 manifests", "does not exist", "not readable: …"
};

struct Discovery {
  std::vector<Found> plugins;            // in the order of precedence
  std::vector<SearchedFolder> folders;
  std::vector<Diagnostic> notes;
};

// Reads every manifest of every tier; opens no library. A broken manifest named explicitly throws its errors; others
// are entries of state broken. First match per id wins.
Discovery discover(const PluginOptions& options);

// <folder of libonnxport>/onnxport/plugins.d, or what ONNXPORT_BUILTIN_PLUGINS says.
std::filesystem::path builtin_plugin_folder();

}  // namespace onnxport
