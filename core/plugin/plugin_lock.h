// The lock file: which plugins may be used, each by the sha256 of its files. The grammar is sdk/schema/lock.schema.json,
// explained in docs/plugins.md.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "onnxport/errors.h"

namespace onnxport {

class PluginEntry;

inline constexpr int kLockVersion = 1;

struct LockedPlugin {
  std::string id, version;
  std::string manifest;                                     // sha256
  std::map<std::string, std::string, std::less<>> library;  // platform -> sha256
  Location place;                                           // in the lock file
};

struct PluginLock {
  std::filesystem::path file;
  std::vector<LockedPlugin> plugins;  // by id

  const LockedPlugin* find(std::string_view id) const;
  // Takes the place of the entry of its id. What the entry before says of other platforms stays, where the manifest is
  // the same.
  void put(LockedPlugin plugin);
  // As a file; reading it gives the same plugins.
  std::string text() const;
  // Why the plugin must not be used: C408 when it is not listed, C409 when it is another than the one listed. Plugins
  // that come with onnxport itself need not be listed. Reads the library's file.
  std::optional<Error> why_not(PluginEntry& entry) const;
};

// Of the files as they are.
LockedPlugin locked_form(PluginEntry& entry);

// Throw Error with every mistake found, M101…M108.
PluginLock parse_lock(std::string_view text, const std::filesystem::path& file);
PluginLock read_lock(const std::filesystem::path& file);

}  // namespace onnxport
