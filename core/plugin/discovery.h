// Where manifests are looked for, and in what order.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin/trust.h"
#include "onnxport/errors.h"
#include "onnxport/options.h"
#include "onnxport/report.h"

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
  std::string tier;  // "explicit", "profile", "path", "environment", "user", "system", "built-in"
  Trust trust;
  std::string refusal;          // why it must not be read ("it is a named pipe, …"); empty when it may
  bool folder_refused = false;  // so a note says already
};

struct Discovery {
  std::vector<FoundManifest> manifests;  // in order of precedence
  std::vector<PluginFolder> searched;
  std::vector<Diagnostic> notes;

  // Error L208 with every folder and its state, for when nothing was found at all.
  Error nothing_found() const;
};

// Explicit files, those for some targets only, options.paths, ONNXPORT_PLUGIN_PATH, user, system, built-in; inside a folder by name, byte-wise. Only
// *.onnxport.yaml counts. What others could write is refused (trust.h), what is no regular file is never opened; each
// with a warning L209. Never throws for a folder.
Discovery discover(const PluginOptions& options, const Environment& environment = Environment::of_process());

}  // namespace onnxport
