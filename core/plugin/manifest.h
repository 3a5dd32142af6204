// Manifests: *.onnxport.yaml, read strictly. A half-valid manifest cannot exist as a value.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/plugin/registry.h"

namespace onnxport {

struct LibraryEntry {
  std::filesystem::path path;  // absolute, inside the manifest's folder
  std::string sha256;          // empty: not given
};

struct Manifest {
  std::filesystem::path file;
  std::string id, name, version, publisher, license, url, description;
  int abi_major = 1;
  int abi_minor = 0;
  std::map<std::string, LibraryEntry> libraries;  // by platform, "linux_amd64"
  std::string requires_onnxport;
  std::vector<std::pair<std::string, std::string>> requires_plugins;  // id, version range
  std::vector<std::string> ops;
  std::vector<std::pair<std::string, int>> domains;
  std::vector<int> opsets;
  std::vector<std::string> passes;
  std::vector<std::string> schemas;
  std::vector<ManifestMapping> mappings;
  std::vector<std::string> overrides;  // operators this plugin may take from others
};

// Reads and checks one file. Throws Error with every mistake found, each M1xx at file:line:col.
Manifest read_manifest(const std::filesystem::path& file);
// The same of a text, for tests and editors.
Manifest parse_manifest(const std::string& text, const std::filesystem::path& file);

// "linux_amd64", … of this build.
std::string current_platform();

}  // namespace onnxport
