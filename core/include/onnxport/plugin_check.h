// plugin check: whether a plugin keeps what its manifest promises.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "onnxport/errors.h"
#include "onnxport/options.h"

namespace onnxport {

// One thing that was tried.
struct PluginTrial {
  std::string what;    // "acme::swish at opset 18", "the library's exports"
  std::string result;  // "ok", "declines: …", "not tried: …", or the code of a finding
};

struct PluginCheck {
  std::string id, version;
  std::vector<PluginTrial> trials;
  std::vector<Diagnostic> findings;  // errors and warnings
};

#pragma GCC visibility push(default)

// Reads the manifest, looks at the library's file, opens it, holds it to the manifest, opens every pass and opset, and asks
// every mapping about examples made from its schema, at the lowest and the highest opset that it may be asked at: twice, which
// must give the same. What the plugin does to the process it does to this one: the program runs this in a child. Never throws
// for what is wrong with the plugin.
PluginCheck check_plugin(const std::filesystem::path& manifest, const PluginOptions& options = {});

#pragma GCC visibility pop

}  // namespace onnxport
