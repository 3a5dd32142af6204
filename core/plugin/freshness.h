// Whether what plugins were read from is as it was.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin/discovery.h"

namespace onnxport {

// A file as the system describes it; all zero: it is not there.
struct FileState {
  std::filesystem::path file;
  uint64_t size = 0, inode = 0, device = 0;
  int64_t seconds = 0, nanoseconds = 0;  // when it was changed

  friend bool operator==(const FileState&, const FileState&) = default;
};

// What plugins were found by, and in: the manifests, the libraries that they name, the lock file, and the variables.
class Freshness {
 public:
  // Before any manifest is read: what changes while it is read counts as changed.
  Freshness(const PluginOptions& options, const Environment& environment, const Discovery& found);
  void watch(const std::filesystem::path& file);
  // Looks again: whether the same manifests would be found, and no file has changed since. Reads none of them.
  bool holds() const;

 private:
  PluginOptions options_;
  Environment environment_;
  std::vector<std::optional<std::string>> variables_;
  std::vector<FoundManifest> found_;
  std::vector<FileState> files_;
};

}  // namespace onnxport
