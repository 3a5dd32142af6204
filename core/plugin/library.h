// A plugin's shared library: checked before it is opened, opened once, never closed.
#pragma once

#include <filesystem>
#include <string>

#include "core/plugin/manifest.h"
#include "onnxport/abi.h"

namespace onnxport {

// The library of one manifest. Everything it points to lives as long as the process.
class PluginLibrary {
 public:
  // Throws Error L201…L207 (platform, file, sha256, dlopen, symbol, query, identity) and A301…A303 (ABI).
  // `host` is what the library sees of this process (host/).
  static PluginLibrary open(const Manifest& manifest, const onnxport_host* host);
  // Throws what open() would (L201…L203), as far as the file itself shows it; opens nothing.
  static void check(const Manifest& manifest);

  const onnxport_mapping_api* mappings() const { return mappings_; }  // null: the plugin has none
  const onnxport_opset_api* opset() const { return opset_; }
  const onnxport_pass_api* passes() const { return passes_; }
  // Tables grow at the end of their elements: entry `i` of a plugin that was built with another element size.
  const onnxport_mapping& mapping(uint32_t i) const;
  const onnxport_pass& pass(uint32_t i) const;

 private:
  const onnxport_mapping_api* mappings_ = nullptr;
  const onnxport_opset_api* opset_ = nullptr;
  const onnxport_pass_api* passes_ = nullptr;
};

// Why the file cannot be a complete shared library of this platform ("is truncated: …"); empty when it looks
// whole. A truncated library passes dlopen's own checks and kills the process when its pages are touched.
std::string why_not_loadable(const std::filesystem::path& file);
// Lower-case hexadecimal; empty when the file cannot be read.
std::string sha256_of(const std::filesystem::path& file);

}  // namespace onnxport
