// One active plugin in the registry: its manifest, and its library once somebody asked for it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/plugin/library.h"
#include "core/plugin/library_pass.h"
#include "core/plugin/manifest.h"

namespace onnxport {

class PluginEntry {
 public:
  PluginEntry(Manifest manifest, std::string tier, const onnxport_host* host)
      : manifest_(std::move(manifest)), tier_(std::move(tier)), host_(host) {}

  const Manifest& manifest() const { return manifest_; }
  const std::string& id() const { return manifest_.id; }
  const std::string& tier() const { return tier_; }
  // Of tier "profile": whether every target asks it, because it stands in for an installed one of its id.
  bool is_for_all() const { return is_for_all_; }
  void make_for_all() { is_for_all_ = true; }
  bool is_open() const { return library_.has_value(); }
  // Why nothing of this plugin can be used, known before anybody asked for it: an ABI that this host does not
  // have, a requirement that is not met, an id that two files claim. Null: it can.
  const Error* unusable() const { return unusable_ ? &*unusable_ : nullptr; }
  void make_unusable(Error why) {
    if (!unusable_) unusable_ = std::move(why);
  }

  // Of the library's file for this platform; empty when there is none. Read once: what is opened later is held to it.
  const std::string& library_sha256();
  // Opens the library on first use and holds it to the manifest's promise. Throws the same Error each time it
  // fails, and unusable().
  const PluginLibrary& library();
  // The library's mappings registered under exactly that name.
  const std::vector<const onnxport_mapping*>& registered(std::string_view entry);
  // One of the opsets that the manifest lists. Throws Error M115 when the library does not have it.
  const PluginOpset* find_opset(std::string_view domain, int version);
  // A pass of the manifest; of the library where its rules are there. Throws unusable(), and Error M115 when the
  // library has none of that name, or at another stage.
  OpenedPass open_pass(const ManifestPass& pass);
  // Listed in the manifest and absent from the library.
  std::vector<std::string> unkept_promises();

 private:
  void check_promises();

  Manifest manifest_;
  std::string tier_;
  bool is_for_all_ = false;
  const onnxport_host* host_;
  std::optional<PluginLibrary> library_;
  std::optional<Error> failure_;
  std::optional<Error> unusable_;
  std::optional<std::string> library_sha256_;
  std::map<std::string, std::vector<const onnxport_mapping*>, std::less<>> mappings_;
};

}  // namespace onnxport
