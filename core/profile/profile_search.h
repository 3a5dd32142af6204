// Where profiles are looked for, and in what order.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/plugin/discovery.h"
#include "core/plugin/manifest.h"
#include "onnxport/profile.h"

namespace onnxport {

// <prefix>/share/onnxport/configs of the library this code is in.
std::filesystem::path builtin_profiles();

class ProfileSearch {
 public:
  struct Found {
    std::string name;
    std::filesystem::path file;
    std::string tier;
    std::string refusal;  // why it must not be read; empty when it may
  };

  // `manifests` are those of the plugins found; both outlive the search.
  ProfileSearch(const ProfileOptions& options, const Environment& environment,
                const std::filesystem::path& builtin, std::vector<const Manifest*> manifests);

  // A file when `text` is written as one ("./npu.yaml", relative to `from`), else the first profile of that name that is
  // not among `known`. Throws F101 for one that others could change, F109 for a name that nobody has.
  Found find(const std::string& text, const std::filesystem::path& from,
             const std::vector<std::filesystem::path>& known, const Location& place) const;
  const std::vector<Found>& all() const { return all_; }
  const std::vector<std::pair<std::filesystem::path, std::string>>& folders() const { return folders_; }
  const std::vector<const Manifest*>& manifests() const { return manifests_; }

 private:
  void add_folder(const std::filesystem::path& folder, const std::string& tier);
  void add_defaults(const Environment& environment);

  std::vector<const Manifest*> manifests_;
  std::vector<Found> all_;  // in order of precedence
  std::vector<std::pair<std::filesystem::path, std::string>> folders_;
};

}  // namespace onnxport
