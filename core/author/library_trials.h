// A plugin's library asked as other hosts ask, often, and from many threads.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/plugin/manifest.h"
#include "onnxport/plugin_check.h"

namespace onnxport {

struct LibraryTrials {
  std::vector<PluginTrial> trials;
  std::vector<Diagnostic> findings;
};

// A copy of the plugin's manifest and library in a folder of its own: to the loader another library, that was never opened
// before. Gone with the object, but for what is open.
class PluginCopy {
 public:
  explicit PluginCopy(const Manifest& manifest);
  ~PluginCopy();
  PluginCopy(const PluginCopy&) = delete;
  PluginCopy& operator=(const PluginCopy&) = delete;

  const std::filesystem::path& manifest() const { return manifest_; }
  const std::filesystem::path& library() const { return library_; }

 private:
  void copy_files(const Manifest& manifest);

  std::filesystem::path folder_, manifest_, library_;
};

// Needs a library that can be opened. Throws nothing for what is wrong with it.
LibraryTrials try_library(const Manifest& manifest);

}  // namespace onnxport
