// A profile with all that it extends, merged.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/profile/profile_search.h"
#include "core/profile/settings.h"
#include "onnxport/profile.h"

namespace onnxport {

struct ProfileData {
  std::string name, description;
  std::vector<std::filesystem::path> files;  // as Profile::files() gives them
  std::map<std::string, Setting> settings;   // by key
  // What a manifest says of the profile's target; nobody: no bound.
  int min_opset = 0, max_opset = 0;
  std::string range_stated_by;
};

// Reads a profile and those that it extends, the first of them first, each over what came before; its own settings come
// last. Throws F1xx for a file that cannot be read, F110 for a circle, F112 for a target that no manifest states, F201 for
// an opset that its target does not take.
std::shared_ptr<const ProfileData> load_profile(const std::string& name_or_file, const ProfileSearch& search);

// What the setting plugins.files of a profile lists, whoever its target is.
std::vector<std::filesystem::path> plugin_files_of(const std::string& name_or_file,
                                                   const ProfileSearch& search);

// Every profile that can be named, each read.
ProfileListing list_profiles(const ProfileSearch& search);

}  // namespace onnxport
