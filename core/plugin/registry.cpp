#include "core/plugin/registry.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <unordered_map>

#include "core/plugin/nearest.h"
#include "core/plugin/plugin_entry.h"
#include "core/plugin/precedence.h"

namespace onnxport {
namespace {

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool in_range(int opset, int min, int max) {
  return (min == 0 || opset >= min) && (max == 0 || opset <= max);
}

// Looked up by a string_view, without a string of its own for each question.
struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
};

// Who takes an operator at an opset, once that was found out.
struct Resolved {
  std::vector<Candidate> candidates;
  std::vector<const PluginEntry*> plugins;  // of the candidates
};

struct ResolvedOpset {
  OpsetPlugin opset;
  const PluginEntry* plugin = nullptr;
};

}  // namespace

// Immutable after construction, but for what is found out lazily, which is behind the mutex and never changes again.
struct Registry::Plugins {
  const onnxport_host* host = nullptr;
  std::vector<std::unique_ptr<PluginEntry>> active;
  std::vector<PluginInfo> inactive;  // shadowed, disabled, broken
  std::vector<Diagnostic> notes;
  std::vector<std::string> prefer;
  std::unordered_map<std::string, std::vector<PluginEntry*>>
      by_op;  // names in manifests, with or without overload
  std::map<int, std::unordered_map<std::string, Resolved, NameHash, std::equal_to<>>> resolved;  // by opset
  std::map<int, ResolvedOpset> opsets;
  std::shared_mutex mutex;

  void add(const FoundManifest& found, const PluginOptions& options);
  void add_broken(const FoundManifest& found, const Error& error);
  PluginEntry* find(std::string_view id) const;
  void check_requirements(PluginEntry& entry);
  std::vector<Claim> claims(std::string_view torch_op, int opset);
  const Resolved* known(std::string_view torch_op, int opset) const;
  const Resolved& resolve(std::string_view torch_op, int opset);
  void claim(std::vector<Claim>& out, PluginEntry& entry, std::string_view name, bool exact, int opset);
  PluginEntry* opset_plugin(int version);
};

// ---- which plugins there are ----

Registry::Registry(const PluginOptions& options, const onnxport_host* host)
    : Registry(options, host, Environment::of_process()) {}

Registry::Registry(const PluginOptions& options, const onnxport_host* host, const Environment& environment)
    : plugins_(std::make_shared<Plugins>()) {
  plugins_->host = host;
  Discovery found = discover(options, environment);
  if (found.manifests.empty()) throw found.nothing_found();
  plugins_->prefer = options.prefer;
  plugins_->notes = std::move(found.notes);
  for (const FoundManifest& manifest : found.manifests) plugins_->add(manifest, options);
  for (const auto& entry : plugins_->active) {
    for (const std::string& op : entry->manifest().ops) plugins_->by_op[op].push_back(entry.get());
    for (const ManifestMapping& m : entry->manifest().mappings) {
      auto& owners = plugins_->by_op[m.torch_op];
      if (owners.empty() || owners.back() != entry.get()) owners.push_back(entry.get());
    }
  }
}

Registry::Registry(std::shared_ptr<Plugins> plugins) : plugins_(std::move(plugins)) {}

Registry::~Registry() = default;

Registry::Registry(Registry&&) noexcept = default;

Registry Registry::for_export() const { return Registry(plugins_); }

void Registry::Plugins::add(const FoundManifest& found, const PluginOptions& options) {
  try {
    if (const std::string why = why_untrusted(found.file); !why.empty()) {
      Location place;
      place.file = found.file.string();
      throw Error("M101", "is refused: " + why, place, "take the right to write from everybody else");
    }
    Manifest manifest = read_manifest(found.file);
    PluginInfo info{manifest.id,        manifest.version,
                    manifest.publisher, found.tier,
                    "active",           "",
                    found.file,         manifest.ops.size() + manifest.mappings.size(),
                    manifest.opsets};
    if (contains(options.disable, manifest.id)) {
      info.state = "disabled";
      inactive.push_back(std::move(info));
    } else if (const PluginEntry* first = find(manifest.id)) {
      if (first->manifest().file.parent_path() == found.file.parent_path() &&
          first->manifest().file != found.file) {
        Location place;
        place.file = found.file.string();
        throw Error("C402",
                    "the plugin " + manifest.id + " is already described by " +
                        first->manifest().file.string() + " in the same folder",
                    place, "remove one of the two files");
      }
      if (first->manifest().file == found.file) return;  // one folder, named twice
      info.state = "shadowed";
      info.reason = "by " + first->manifest().file.string();
      inactive.push_back(std::move(info));
    } else {
      active.push_back(std::make_unique<PluginEntry>(std::move(manifest), found.tier, host));
    }
  } catch (const Error& e) {
    if (found.tier == "explicit" || e.diagnostics().front().code == "C402") throw;
    add_broken(found, e);
  }
}

void Registry::Plugins::add_broken(const FoundManifest& found, const Error& error) {
  PluginInfo info;
  info.id = found.file.filename().string();
  info.tier = found.tier;
  info.state = "broken";
  info.reason = error.what();
  info.manifest = found.file;
  inactive.push_back(std::move(info));
  for (Diagnostic d : error.diagnostics()) {
    d.severity = Severity::warning;
    notes.push_back(std::move(d));
  }
}

PluginEntry* Registry::Plugins::find(std::string_view id) const {
  for (const auto& entry : active) {
    if (entry->id() == id) return entry.get();
  }
  return nullptr;
}

void Registry::Plugins::check_requirements(PluginEntry& entry) {
  const Manifest& m = entry.manifest();
  const auto refuse = [&](const Location& place, const std::string& what, std::string hint) {
    throw Error("C403", "plugin " + m.id + " requires " + what, place, std::move(hint));
  };
  const auto range = VersionRange::parse(m.onnxport_range);
  const auto own = SemVer::parse(ONNXPORT_VERSION);
  if (range && own && !range->contains(*own)) {
    Location place;
    place.file = m.file.string();
    refuse(place, "onnxport " + m.onnxport_range + ", this is " ONNXPORT_VERSION,
           "take the plugin's release for this onnxport");
  }
  for (const Manifest::Requirement& r : m.plugins) {
    const PluginEntry* other = find(r.id);
    const std::string wanted = "the plugin " + r.id + (r.range.empty() ? "" : " " + r.range);
    if (other == nullptr)
      refuse(r.place, wanted + ", which is not installed",
             "onnxport plugin list shows what is found, and where");
    const auto version = SemVer::parse(other->manifest().version);
    if (version && !VersionRange::parse(r.range)->contains(*version)) {
      refuse(r.place, wanted + ", found is " + other->manifest().version,
             "install another release of one of the two");
    }
  }
}

// ---- who maps what ----

void Registry::Plugins::claim(std::vector<Claim>& out, PluginEntry& entry, std::string_view name, bool exact,
                              int opset) {
  Claim claim{&entry, exact, {}};
  const auto add = [&](const onnxport_mapping* mapping, const ManifestMapping* manifest) {
    claim.candidates.push_back(
        {entry.id(), std::string(name), mapping, manifest, entry.manifest().file.string()});
  };
  for (const ManifestMapping& m : entry.manifest().mappings) {
    if (m.torch_op == name && in_range(opset, m.min_opset, m.max_opset)) add(nullptr, &m);
  }
  if (entry.manifest().promises(name)) {
    for (const onnxport_mapping* m : entry.registered(name)) {
      if (in_range(opset, m->min_opset, m->max_opset)) add(m, nullptr);
    }
  }
  if (claim.candidates.empty()) return;
  check_requirements(entry);
  out.push_back(std::move(claim));
}

std::vector<Claim> Registry::Plugins::claims(std::string_view torch_op, int opset) {
  std::vector<PluginEntry*> owners;
  const std::string_view base = without_overload(torch_op);
  for (std::string_view name : {torch_op, base}) {
    const auto found = by_op.find(std::string(name));
    if (found == by_op.end()) continue;
    for (PluginEntry* entry : found->second) {
      if (std::find(owners.begin(), owners.end(), entry) == owners.end()) owners.push_back(entry);
    }
  }
  std::vector<Claim> out;
  for (PluginEntry* entry : owners) {
    claim(out, *entry, torch_op, true, opset);
    if (base != torch_op) claim(out, *entry, base, false, opset);
  }
  return out;
}

const Resolved* Registry::Plugins::known(std::string_view torch_op, int opset) const {
  const auto at_opset = resolved.find(opset);
  if (at_opset == resolved.end()) return nullptr;
  const auto found = at_opset->second.find(torch_op);
  return found == at_opset->second.end() ? nullptr : &found->second;
}

const Resolved& Registry::Plugins::resolve(std::string_view torch_op, int opset) {
  Resolved out;
  for (Claim& claim : by_precedence(claims(torch_op, opset), prefer, torch_op, opset)) {
    out.plugins.push_back(claim.plugin);
    std::move(claim.candidates.begin(), claim.candidates.end(), std::back_inserter(out.candidates));
  }
  return resolved[opset].emplace(std::string(torch_op), std::move(out)).first->second;
}

std::span<const Candidate> Registry::candidates(std::string_view torch_op, int target_opset) {
  const Resolved* found = nullptr;
  {
    const std::shared_lock lock(plugins_->mutex);
    found = plugins_->known(torch_op, target_opset);
  }
  if (found == nullptr) {
    const std::unique_lock lock(plugins_->mutex);
    found = plugins_->known(torch_op, target_opset);  // by another thread, meanwhile
    if (found == nullptr) found = &plugins_->resolve(torch_op, target_opset);
  }
  used_.insert(found->plugins.begin(), found->plugins.end());
  return found->candidates;
}

PluginEntry* Registry::Plugins::opset_plugin(int version) {
  std::vector<Claim> claims;
  for (const auto& entry : active) {
    const auto& listed = entry->manifest().opsets;
    if (std::find(listed.begin(), listed.end(), version) != listed.end())
      claims.push_back({entry.get(), true, {}});
  }
  if (claims.empty()) return nullptr;
  return by_precedence(std::move(claims), prefer, "opset " + std::to_string(version), version).front().plugin;
}

const OpsetPlugin* Registry::opset(int version) {
  const std::unique_lock lock(plugins_->mutex);
  auto known = plugins_->opsets.find(version);
  if (known == plugins_->opsets.end()) {
    PluginEntry* entry = plugins_->opset_plugin(version);
    if (entry == nullptr) return nullptr;
    plugins_->check_requirements(*entry);
    const onnxport_opset_api* api = entry->library().opset();
    if (api == nullptr || api->version != version)
      return nullptr;  // promised, not there: as if it were not installed
    known = plugins_->opsets.emplace(version, ResolvedOpset{{entry->id(), api}, entry}).first;
  }
  used_.insert(known->second.plugin);
  return &known->second.opset;
}

std::vector<int> Registry::available_opsets() const {
  std::set<int> out;
  for (const auto& entry : plugins_->active)
    out.insert(entry->manifest().opsets.begin(), entry->manifest().opsets.end());
  return {out.begin(), out.end()};
}

std::vector<PassEntry> Registry::passes(std::string_view stage) {
  const std::unique_lock lock(plugins_->mutex);
  std::vector<PassEntry> out;
  for (const auto& entry : plugins_->active) {
    if (entry->manifest().passes.empty()) continue;
    plugins_->check_requirements(*entry);
    const PluginLibrary& library = entry->library();
    for (uint32_t i = 0; library.passes() != nullptr && i < library.passes()->count; ++i) {
      const onnxport_pass& pass = library.pass(i);
      if (std::string_view(pass.stage.data, pass.stage.size) != stage) continue;
      out.push_back({entry->id(), &pass});
      used_.insert(entry.get());
    }
  }
  return out;
}

// ---- questions ----

std::vector<std::string> Registry::custom_schemas() const {
  std::vector<std::string> out;
  for (const auto& entry : plugins_->active) {
    const Manifest& m = entry->manifest();
    out.insert(out.end(), m.schemas.begin(), m.schemas.end());
    for (const ManifestMapping& mapping : m.mappings) {
      if (mapping.schema) out.push_back(mapping.schema->text());
    }
  }
  return out;
}

std::optional<int> Registry::domain_version(std::string_view domain) const {
  std::optional<int> out;
  for (const auto& entry : plugins_->active) {
    const auto found = entry->manifest().domains.find(domain);
    if (found != entry->manifest().domains.end()) out = std::max(out.value_or(0), found->second);
  }
  return out;
}

bool Registry::declares_domain(std::string_view plugin_id, std::string_view domain) const {
  const PluginEntry* entry = plugins_->find(plugin_id);
  return entry != nullptr && entry->manifest().domains.contains(domain);
}

std::vector<std::string> Registry::similar(std::string_view torch_op) const {
  // The namespace is no part of how alike two names are.
  const size_t colons = torch_op.find("::");
  const std::string_view space = torch_op.substr(0, colons == std::string_view::npos ? 0 : colons + 2);
  std::vector<std::string_view> names;
  for (const auto& [name, owners] : plugins_->by_op) {
    if (name.starts_with(space)) names.push_back(std::string_view(name).substr(space.size()));
  }
  std::vector<std::string> out = nearest(without_overload(torch_op.substr(space.size())), names);
  for (std::string& name : out) name.insert(0, space);
  std::erase(out, torch_op);
  return out;
}

std::vector<PluginInfo> Registry::list() const {
  std::vector<PluginInfo> out;
  for (const auto& entry : plugins_->active) {
    const Manifest& m = entry->manifest();
    out.push_back({m.id, m.version, m.publisher, entry->tier(), "active", "", m.file,
                   m.ops.size() + m.mappings.size(), m.opsets});
  }
  out.insert(out.end(), plugins_->inactive.begin(), plugins_->inactive.end());
  return out;
}

std::vector<WhichInfo> Registry::which(std::string_view torch_op, int opset) {
  std::vector<WhichInfo> out;
  for (const Candidate& c : candidates(torch_op, opset)) {
    WhichInfo info{c.plugin_id, c.entry, "", out.empty()};
    info.reason =
        c.entry == torch_op ? "registered under this name" : "registered for every overload of " + c.entry;
    info.reason += c.manifest != nullptr ? ", by the manifest " + c.manifest_file
                                         : ", in the library of " + c.manifest_file;
    const bool only_complex = c.mapping != nullptr && (c.mapping->flags & ONNXPORT_ONLY_COMPLEX) != 0;
    if (only_complex) info.reason += "; for complex tensors";
    if (!out.empty() && !only_complex) info.reason += "; tried when those above decline";
    out.push_back(std::move(info));
  }
  return out;
}

std::vector<std::string> Registry::used_plugins() const {
  std::vector<std::string> out;
  for (const auto& entry : plugins_->active) {
    if (used_.contains(entry.get())) out.push_back(entry->id());
  }
  return out;
}

std::vector<Diagnostic> Registry::notes() const { return plugins_->notes; }

}  // namespace onnxport
