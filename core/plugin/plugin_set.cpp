#include "core/plugin/plugin_set.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "core/plugin/library.h"
#include "core/plugin/nearest.h"
#include "onnxport/abi.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kReserved = "org.onnxport.";

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Location place_of(const fs::path& file) {
  Location out;
  out.file = file.string();
  return out;
}

PluginInfo describe(const Manifest& m, std::string tier, std::string state, std::string reason) {
  PluginInfo out;
  out.id = m.id;
  out.version = m.version;
  out.publisher = m.publisher;
  out.tier = std::move(tier);
  out.state = std::move(state);
  out.reason = std::move(reason);
  out.manifest = m.file;
  if (const auto found = m.libraries.find(current_platform()); found != m.libraries.end())
    out.library = found->second.path;
  out.mappings = m.ops.size() + m.mappings.size();
  out.opsets = m.opsets;
  for (const ManifestPass& pass : m.passes) out.passes.push_back(pass.name);
  return out;
}

Error not_active(const std::string& id) {
  return Error("C405", "the plugin '" + id + "' is found, but not active", {},
               "onnxport plugin list shows its state");
}

void set_problem(PluginInfo& info, std::string_view state, const Error& error) {
  info.state = state;
  info.code = error.diagnostics().front().code;
  info.reason = error.what();
}

}  // namespace

bool fits_any(std::string_view id, const std::vector<std::string>& globs) {
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
    return fnmatch(glob.c_str(), std::string(id).c_str(), 0) == 0;
  });
}

PluginSet::PluginSet(const PluginOptions& options, const onnxport_host* host, const Environment& environment)
    : host_(host),
      disabled_(options.disable),
      builtin_(environment.builtin),
      found_(discover(options, environment)),
      freshness_(options, environment, found_) {
  if (found_.manifests.empty()) throw found_.nothing_found();
  notes_ = found_.notes;
  if (!environment.elevated) {
    switched_off_ = split(environment.variable("ONNXPORT_PLUGINS_DISABLE").value_or(""), ",: ");
    switched_on_ = split(environment.variable("ONNXPORT_PLUGINS_ENABLE").value_or(""), ",: ");
  }
  for (const FoundManifest& found : found_.manifests) add(found);
  if (!options.lock.empty()) {
    freshness_.watch(options.lock);
    lock_ = read_lock(options.lock);
  }
  check_lock();
  check_ids(options.prefer, "--prefer");
  check_ids(options.disable, "--disable-plugin");
  for (const auto& entry : active_) {
    check_abi(*entry);
    check_requirements(*entry);
  }
  check_function_opsets();
  for (const auto& entry : active_) {  // opened when they are first asked for
    const auto found = entry->manifest().libraries.find(current_platform());
    if (found != entry->manifest().libraries.end()) freshness_.watch(found->second.path);
  }
}

PluginEntry* PluginSet::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

void PluginSet::activate(Manifest manifest, const std::string& tier) {
  active_.push_back(std::make_unique<PluginEntry>(std::move(manifest), tier, host_));
  by_id_.try_emplace(active_.back()->id(), active_.back().get());
}

void PluginSet::add(const FoundManifest& found) {
  try {
    if (!found.refusal.empty()) {
      const Error error(
          "M101", "is refused: " + found.refusal, place_of(found.file),
          "a manifest chooses code that runs as you: it must be a file that nobody else can change");
      if (found.tier == "explicit") throw error;
      return add_broken(found, "refused", error, !found.folder_refused);
    }
    Manifest manifest = read_manifest(found.file);
    manifest.trust = found.trust;
    if (std::string why = why_disabled(found, manifest.id); !why.empty()) {
      inactive_.push_back(describe(manifest, found.tier, "disabled", std::move(why)));
      return;
    }
    check_reserved(found, manifest);
    PluginEntry* first = find(manifest.id);
    if (first != nullptr) return add_second(found, std::move(manifest), *first);
    activate(std::move(manifest), found.tier);
  } catch (const Error& e) {
    if (found.tier == "explicit") throw;
    add_broken(found, e.diagnostics().front().code == "C406" ? "refused" : "broken", e, true);
  }
}

// One id, twice. Of two in one folder both stay, so that whoever needs one of them hears of both.
void PluginSet::add_second(const FoundManifest& found, Manifest manifest, PluginEntry& first) {
  const fs::path& before = first.manifest().file;
  if (before == found.file) return;  // one folder, named twice
  const bool by_name = first.tier() == "explicit";
  if (before.parent_path() != found.file.parent_path() || (by_name && found.tier != "explicit")) {
    if (found.tier != "profile") first.make_for_all();
    inactive_.push_back(describe(manifest, found.tier, "shadowed", "by " + before.string()));
    return;
  }
  Error error("C402",
              "the plugin " + manifest.id + " is described twice in one folder, by " + before.string() +
                  " and by " + found.file.string(),
              place_of(found.file), "remove one of the two files");
  if (by_name) throw error;
  first.make_unusable(error);
  activate(std::move(manifest), found.tier);
  active_.back()->make_unusable(std::move(error));
}

void PluginSet::add_broken(const FoundManifest& found, std::string_view state, const Error& error, bool say) {
  PluginInfo info;
  info.id = found.file.filename().string();
  info.tier = found.tier;
  info.manifest = found.file;
  set_problem(info, state, error);
  inactive_.push_back(std::move(info));
  for (Diagnostic d : error.diagnostics()) {
    d.severity = Severity::warning;
    if (say) notes_.push_back(std::move(d));
  }
}

// Nobody takes the place of onnxport's own plugins by a file that is merely found.
void PluginSet::check_reserved(const FoundManifest& found, const Manifest& manifest) const {
  if (!manifest.id.starts_with(kReserved) || found.tier == "built-in" || found.tier == "explicit") return;
  std::error_code error;
  if (fs::equivalent(found.file.parent_path(), builtin_, error) && !error) return;
  throw Error("C406",
              "the id " + manifest.id + " is refused: " + std::string(kReserved) +
                  "* are the built-in plugins, which a folder cannot replace",
              place_of(found.file),
              "give the plugin an id of your own; to replace a built-in plugin, name the file: --plugin " +
                  found.file.string());
}

void PluginSet::check_lock() {
  if (!lock_) return;
  for (const auto& entry : active_) {
    if (auto why = lock_->why_not(*entry)) entry->make_unusable(std::move(*why));
  }
  for (const LockedPlugin& locked : lock_->plugins) {
    if (find(locked.id) != nullptr) continue;
    notes_.push_back({Severity::note, "",
                      "the lock file lists the plugin " + locked.id + " " + locked.version +
                          ", which is not among those found",
                      locked.place, ""});
  }
}

std::vector<std::string> PluginSet::lock(const std::vector<std::string>& ids, PluginLock& lock,
                                         std::vector<Diagnostic>& left_out) const {
  check_ids(ids, "the command");
  for (const std::string& id : ids) {
    if (std::none_of(active_.begin(), active_.end(), [&](const auto& e) { return fits_any(e->id(), {id}); }))
      throw not_active(id);
  }
  std::vector<std::string> out;
  for (const auto& entry : active_) {
    const bool named = fits_any(entry->id(), ids);
    if (!named && (!ids.empty() || entry->tier() == "built-in")) continue;
    if (const auto problem = problem_of(*entry)) {
      if (named) throw *problem;
      for (Diagnostic d : problem->diagnostics()) {
        d.severity = Severity::warning;
        left_out.push_back(std::move(d));
      }
      continue;
    }
    lock.put(locked_form(*entry));
    out.push_back(entry->id());
  }
  return out;
}

std::string PluginSet::why_disabled(const FoundManifest& found, std::string_view id) const {
  if (fits_any(id, disabled_)) return "by --disable-plugin";
  const bool off = found.tier != "explicit" && fits_any(id, switched_off_) && !fits_any(id, switched_on_);
  return off ? "by ONNXPORT_PLUGINS_DISABLE" : "";
}

void PluginSet::check_abi(PluginEntry& entry) const {
  const Manifest& m = entry.manifest();
  const std::string host = std::to_string(ONNXPORT_ABI_MAJOR) + "." + std::to_string(ONNXPORT_ABI_MINOR);
  const std::string asked = std::to_string(m.abi_major) + "." + std::to_string(m.abi_minor);
  const std::string what = "plugin " + m.id + " needs ABI " + asked + ", this onnxport has " + host;
  if (m.abi_major != ONNXPORT_ABI_MAJOR) {
    entry.make_unusable(Error("A302", what, m.abi_place,
                              "take the plugin's release for ABI " + std::to_string(ONNXPORT_ABI_MAJOR)));
  } else if (m.abi_minor > ONNXPORT_ABI_MINOR) {
    entry.make_unusable(
        Error("A301", what, m.abi_place, "update onnxport, or take an older release of the plugin"));
  }
}

void PluginSet::check_requirements(PluginEntry& entry) const {
  const Manifest& m = entry.manifest();
  const auto refuse = [&](const Location& place, const std::string& what, std::string hint) {
    entry.make_unusable(Error("C403", "plugin " + m.id + " requires " + what, place, std::move(hint)));
  };
  const auto range = VersionRange::parse(m.onnxport_range);
  const auto own = SemVer::parse(ONNXPORT_VERSION);
  if (range && own && !range->contains(*own)) {
    refuse(place_of(m.file), "onnxport " + m.onnxport_range + ", this is " ONNXPORT_VERSION,
           "take the plugin's release for this onnxport");
  }
  for (const Manifest::Requirement& r : m.plugins) {
    const PluginEntry* other = find(r.id);
    const std::string wanted = "the plugin " + r.id + (r.range.empty() ? "" : " " + r.range);
    if (other == nullptr) {
      refuse(r.place, wanted + ", which is not installed",
             "onnxport plugin list shows what is found, and where");
      continue;
    }
    const auto version = SemVer::parse(other->manifest().version);
    if (version && !VersionRange::parse(r.range)->contains(*version)) {
      refuse(r.place, wanted + ", found is " + other->manifest().version,
             "install another release of one of the two");
    }
  }
}

// A function is brought from its own opset to the pivot by the plugins of the opsets between.
void PluginSet::check_function_opsets() {
  std::set<int> have;
  for (const auto& entry : active_)
    have.insert(entry->manifest().opsets.begin(), entry->manifest().opsets.end());
  if (have.empty()) return;
  for (const auto& entry : active_) {
    for (const ManifestMapping& m : entry->manifest().mappings) {
      if (m.function_opset == 0 || have.contains(m.function_opset)) continue;
      const int lowest = *have.begin();
      notes_.push_back({Severity::warning, "O605",
                        "the function of " + m.torch_op + " is written in opset " +
                            std::to_string(m.function_opset) + ", which no plugin offers: it cannot be used",
                        m.place,
                        "write it in opset " + std::to_string(std::max(lowest, m.function_opset)) +
                            (m.function_opset < lowest ? " (the lowest offered)"
                                                       : " or another one that plugin list shows")});
    }
  }
}

void PluginSet::check_ids(const std::vector<std::string>& ids, std::string_view option) const {
  std::vector<std::string> all;
  for (const auto& entry : active_) all.push_back(entry->id());
  for (const PluginInfo& info : inactive_) {
    if (!info.version.empty()) all.push_back(info.id);
  }
  for (const std::string& id : ids) {
    if (std::any_of(all.begin(), all.end(), [&](const std::string& one) { return fits_any(one, {id}); }))
      continue;
    const std::vector<std::string> near = nearest(id, all, 1);
    throw Error("C405",
                std::string(option) + " names the plugin '" + id + "', which is not among those found", {},
                near.empty() ? "onnxport plugin list shows what is found, and where"
                             : "did you mean " + near.front() + "?");
  }
}

void PluginSet::check_choice(const PluginChoice& choice) const {
  check_ids(choice.prefer, "the target");
  std::vector<Diagnostic> missing;
  for (const std::string& text : choice.require) {
    const size_t space = std::min(text.find(' '), text.size());
    const std::string id = text.substr(0, space);
    const std::string wanted = text.substr(std::min(space + 1, text.size()));
    const auto range = VersionRange::parse(wanted);
    const PluginEntry* entry = find(id);
    std::string why;
    if (entry == nullptr) {
      why = ", which is not installed";
    } else if (const auto version = SemVer::parse(entry->manifest().version);
               range && version && !range->contains(*version)) {
      why = ", found is " + entry->manifest().version;
    }
    if (why.empty()) continue;
    missing.push_back(
        {Severity::error,
         "C403",
         "the target requires the plugin " + text + why,
         {},
         "a plugin's folder is given with --plugin-path, a manifest with --plugin; onnxport plugin list "
         "shows what is found, and where"});
  }
  if (!missing.empty()) throw Error(std::move(missing));
}

// What keeps it from being used, as far as its files show it.
std::optional<Error> PluginSet::problem_of(const PluginEntry& entry) {
  const Manifest& m = entry.manifest();
  const bool pass_in_library = std::any_of(m.passes.begin(), m.passes.end(),
                                           [](const ManifestPass& pass) { return pass.is_in_library(); });
  const bool needs_library =
      !m.ops.empty() || !m.opsets.empty() || !m.domain_opsets.empty() || pass_in_library;
  if (const Error* error = entry.unusable()) return *error;
  try {
    if (needs_library) PluginLibrary::check(m);
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

PluginInfo PluginSet::state_of(const PluginEntry& entry) const {
  PluginInfo info = describe(entry.manifest(), entry.tier(), "active", "");
  if (const auto problem = problem_of(entry)) {
    const std::string& code = problem->diagnostics().front().code;
    const bool refused = code == "C408" || code == "C409";
    set_problem(info, code == "C402" ? "ambiguous" : refused ? "refused" : "broken", *problem);
  }
  info.locked = lock_ && lock_->find(info.id) != nullptr && info.code.empty();
  return info;
}

PluginListing PluginSet::listing() const {
  PluginListing out;
  for (const auto& entry : active_) out.plugins.push_back(state_of(*entry));
  out.plugins.insert(out.plugins.end(), inactive_.begin(), inactive_.end());
  out.folders = found_.searched;
  out.notes = notes_;
  return out;
}

PluginDetails PluginSet::details(const std::string& id) const {
  const PluginEntry* entry = find(id);
  if (entry == nullptr) {
    check_ids({id}, "the command");
    throw not_active(id);
  }
  const Manifest& m = entry->manifest();
  PluginDetails out;
  static_cast<PluginInfo&>(out) = state_of(*entry);
  out.name = m.name;
  out.license = m.license;
  out.url = m.url;
  out.description = m.description;
  out.abi = std::to_string(m.abi_major) + "." + std::to_string(m.abi_minor);
  out.manifest_sha256 = sha256_of(m.file);
  std::error_code error;
  if (fs::is_regular_file(out.library, error)) out.library_sha256 = sha256_of(out.library);
  for (const std::string& op : m.ops) out.operators.push_back({op, "the library", 0, 0});
  for (const ManifestMapping& mapping : m.mappings) {
    const std::string domain = mapping.onnx_domain.empty() ? "" : mapping.onnx_domain + "::";
    out.operators.push_back({mapping.torch_op,
                             mapping.is_function() ? "a function" : domain + mapping.onnx_op,
                             mapping.min_opset, mapping.max_opset});
  }
  for (const Manifest::GivenSchema& given : m.schemas) out.schemas.push_back(given.schema.text());
  for (const auto& [domain, version] : m.domains)
    out.domains.push_back(domain + " " + std::to_string(version));
  if (!m.onnxport_range.empty()) out.requirements.push_back("onnxport " + m.onnxport_range);
  for (const Manifest::Requirement& r : m.plugins)
    out.requirements.push_back(r.id + (r.range.empty() ? "" : " " + r.range));
  out.overrides = m.overrides;
  return out;
}

}  // namespace onnxport
