// Profiles: what a target wants, by name. A profile is a YAML file (docs/configs.md); what it says fills in the options of a
// target, which may then be changed further.
//
//   const onnxport::Session session;
//   const onnxport::Profile profile = session.profile("onnxruntime");
//   onnxport::Target target = profile.target();
//   session.capture("model.pt2", profile.capture()).write(target, "model.onnx");
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "onnxport/errors.h"
#include "onnxport/options.h"

namespace onnxport {

// Where profiles are looked for, in order: `paths`, the user's folder ($XDG_CONFIG_HOME/onnxport/configs), the system's,
// those that manifests bring, the built-in ones.
struct ProfileOptions {
  std::vector<std::filesystem::path> paths;
  bool default_paths = true;  // user and system
};

// One setting of a profile, after merging.
struct ProfileSetting {
  std::string key;     // "opset.ai.onnx", "passes.on"
  std::string value;   // as a profile writes it
  std::string origin;  // "FILE:LINE:COLUMN" of whoever said it last
};

// One profile that can be named.
struct ProfileInfo {
  std::string name;
  std::string description;
  std::string tier;  // path, user, system, plugin, built-in
  std::filesystem::path file;
  std::string state;   // active; shadowed (another of its name comes first); refused; broken
  std::string code;    // of what is wrong; empty when nothing is
  std::string reason;  // in words
};

struct ProfileListing {
  std::vector<ProfileInfo> profiles;                                   // in order of precedence
  std::vector<std::pair<std::filesystem::path, std::string>> folders;  // and what each was like
};

struct ProfileData;

#pragma GCC visibility push(default)

// Immutable, cheap to copy.
class Profile {
 public:
  const std::string& name() const;
  const std::string& description() const;
  // Its file, then those that it extends, in the order they are merged, then the manifest that states its target.
  std::vector<std::filesystem::path> files() const;
  // All that it says, with what it extends, by key.
  std::vector<ProfileSetting> settings() const;

  // What a target is by this profile: everything it does not speak of is as by default.
  Target target() const;
  // How a model is captured for it. Programs that are written for several profiles are captured once: see agree_on_capture.
  ProgramOptions capture() const;
  // Both, over options that are there.
  void apply(Target& target) const;
  void apply(ProgramOptions& options) const;

  explicit Profile(std::shared_ptr<const ProfileData> data) : data_(std::move(data)) {}

 private:
  std::shared_ptr<const ProfileData> data_;
};

// That one capture serves them all. Error F111 when two profiles want different ones.
void agree_on_capture(const std::vector<Profile>& profiles);

#pragma GCC visibility pop

}  // namespace onnxport
