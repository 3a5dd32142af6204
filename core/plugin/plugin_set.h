// Every manifest found, and what becomes of it: active, shadowed, disabled, refused, ambiguous or broken. One
// that is in no order harms nobody who does not need it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/plugin/discovery.h"
#include "core/plugin/freshness.h"
#include "core/plugin/plugin_entry.h"
#include "core/plugin/plugin_lock.h"
#include "onnxport/errors.h"
#include "onnxport/options.h"
#include "onnxport/report.h"

namespace onnxport {

// Whether one of the globs stands for the id.
bool fits_any(std::string_view id, const std::vector<std::string>& globs);

class PluginSet {
 public:
  // Throws L208 when there is no manifest at all, M1xx and C4xx for one that `options` name explicitly, C405
  // when an id in `options` fits no plugin, M1xx for the lock file. Opens no library.
  PluginSet(const PluginOptions& options, const onnxport_host* host, const Environment& environment);

  // Those that can be asked, and those that cannot (PluginEntry::unusable) although an export may need them.
  const std::vector<std::unique_ptr<PluginEntry>>& active() const { return active_; }
  // The first of that id; null: none.
  PluginEntry* find(std::string_view id) const;
  // Throws C403 for a plugin that a target requires and that is not there, C405 for an id of it that nobody has.
  void check_choice(const PluginChoice& choice) const;
  // Checks the files of the libraries too.
  PluginListing listing() const;
  // Of an active one. Throws C405.
  PluginDetails details(const std::string& id) const;
  const std::vector<Diagnostic>& notes() const { return notes_; }
  // Whether a set that is made now would be made of the same files.
  bool is_current() const { return freshness_.holds(); }
  // Puts into `lock` the plugins of these ids, or all that do not come with onnxport itself. Gives the ids, and what is
  // left out because it cannot be used; of a plugin that is named that is an Error, as is C405.
  std::vector<std::string> lock(const std::vector<std::string>& ids, PluginLock& lock,
                                std::vector<Diagnostic>& left_out) const;

 private:
  void add(const FoundManifest& found);
  void activate(Manifest manifest, const std::string& tier);
  void add_second(const FoundManifest& found, Manifest manifest, PluginEntry& first);
  void add_broken(const FoundManifest& found, std::string_view state, const Error& error, bool say);
  void check_reserved(const FoundManifest& found, const Manifest& manifest) const;
  std::string why_disabled(const FoundManifest& found, std::string_view id) const;
  void check_lock();
  void check_abi(PluginEntry& entry) const;
  void check_requirements(PluginEntry& entry) const;
  void check_function_opsets();
  void check_ids(const std::vector<std::string>& ids, std::string_view option) const;
  static std::optional<Error> problem_of(const PluginEntry& entry);
  PluginInfo state_of(const PluginEntry& entry) const;

  const onnxport_host* host_;              // what opened libraries see of this process
  std::vector<std::string> disabled_;      // globs of PluginOptions::disable
  std::vector<std::string> switched_off_;  // globs of ONNXPORT_PLUGINS_DISABLE
  std::vector<std::string> switched_on_;   // and of ONNXPORT_PLUGINS_ENABLE, which stand above them
  std::filesystem::path builtin_;
  std::vector<std::unique_ptr<PluginEntry>> active_;
  std::unordered_map<std::string_view, PluginEntry*> by_id_;  // the first of each id
  std::vector<PluginInfo> inactive_;
  Discovery found_;
  Freshness freshness_;
  std::optional<PluginLock> lock_;
  std::vector<Diagnostic> notes_;
};

}  // namespace onnxport
