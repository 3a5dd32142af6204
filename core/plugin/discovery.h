// Where manifests are looked for, and in what order.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "onnxport/errors.h"
#include "onnxport/options.h"

namespace onnxport {

// What discovery asks of the process, so that tests can answer in its place.
struct Environment {
  std::function<std::optional<std::string>(const char*)> variable;
  bool elevated = false;  // setuid and the like: the user's environment must not choose code
  std::filesystem::path builtin;

  static Environment of_process();
};

struct FoundManifest {
  std::filesystem::path file;
  std::string tier;  // "explicit", "path", "environment", "user", "system", "built-in"
};

struct SearchedFolder {
  std::filesystem::path folder;
  std::string tier;
  std::string state;  // "3 manifests", "absent", "not readable: …", "refused: …"
};

struct Discovery {
  std::vector<FoundManifest> manifests;  // in order of precedence
  std::vector<SearchedFolder> searched;
  std::vector<Diagnostic> notes;

  // Error L208 with every folder and its state, for when nothing was found at all.
  Error nothing_found() const;
};

// Explicit files, options.paths, ONNXPORT_PLUGIN_PATH, user, system, built-in; inside a folder by name,
// byte-wise. Only
// *.onnxport.yaml counts. Files and folders that anybody may write are refused. Never throws for a folder.
Discovery discover(const PluginOptions& options, const Environment& environment = Environment::of_process());

// "is writable by everybody", or empty: what makes a file unfit to choose the code that runs.
std::string why_untrusted(const std::filesystem::path& file);

}  // namespace onnxport
