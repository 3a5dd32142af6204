// A plugin's shared library: checked before it is opened, opened once, never closed.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/plugin/manifest.h"
#include "onnxport/abi.h"

namespace onnxport {

// One opset of a plugin.
struct PluginOpset {
  std::string domain;  // "" is ai.onnx
  int version = 0;
  int ir_version = 0;
  std::span<const onnxport_op_def> ops;
  std::span<const onnxport_rule> down;  // version -> version - 1
  std::span<const onnxport_rule> up;    // version - 1 -> version
};

// What a library offers, checked, and in the layout of this host whatever SDK the library was built with.
struct LibraryTables {
  std::span<const onnxport_mapping> mappings;
  std::vector<PluginOpset> opsets;
  std::vector<onnxport_pass> passes;  // `rules` are in the layout of this host too
  std::span<const onnxport_inference> inferences;
  std::vector<std::shared_ptr<const void>> owned;  // rows that had to be laid out anew
};

// What is wrong with a table: "its table onnxport.pass/1: …".
struct TableError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Reads the tables of the plugin. Throws TableError, and what get_interface throws. Nothing is read that a size
// or a count does not cover.
LibraryTables read_tables(const onnxport_plugin& plugin);

// The library of one manifest. Everything it points to lives as long as the process.
class PluginLibrary {
 public:
  // Throws Error L201…L207 (platform, file, sha256, dlopen, symbol, query, identity) and A301…A304 (ABI).
  // `host` is what the library sees of this process (host/).
  static PluginLibrary open(const Manifest& manifest, const onnxport_host* host);
  // Throws what open() would (L201…L203), as far as the file itself shows it; opens nothing.
  static void check(const Manifest& manifest);

  std::span<const onnxport_mapping> mappings() const { return tables_.mappings; }
  std::span<const PluginOpset> opsets() const { return tables_.opsets; }
  std::span<const onnxport_pass> passes() const { return tables_.passes; }
  std::span<const onnxport_inference> inferences() const { return tables_.inferences; }

 private:
  LibraryTables tables_;
};

// Why the file cannot be a complete shared library of this platform ("is truncated: …"); empty when it looks
// whole. A truncated library passes dlopen's own checks and kills the process when its pages are touched.
std::string why_not_loadable(const std::filesystem::path& file);
// Lower-case hexadecimal; empty when the file cannot be read.
std::string sha256_of(const std::filesystem::path& file);
std::string sha256_of_text(std::string_view text);

}  // namespace onnxport
