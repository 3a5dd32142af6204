#include "core/plugin/registry.h"

#include <algorithm>
#include <mutex>
#include <set>
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

}  // namespace

struct Registry::Impl {
  const onnxport_host* host = nullptr;
  std::vector<std::unique_ptr<PluginEntry>> active;
  std::vector<PluginInfo> inactive;  // shadowed, disabled, broken
  std::vector<Diagnostic> notes;
  std::vector<std::string> prefer;
  std::unordered_map<std::string, std::vector<PluginEntry*>>
      by_op;  // names in manifests, with or without overload
  std::map<std::pair<std::string, int>, std::vector<Candidate>> resolved;
  std::map<int, OpsetPlugin> opsets;
  std::mutex mutex;

  void add(const FoundManifest& found, const PluginOptions& options);
  void add_broken(const FoundManifest& found, const Error& error);
  PluginEntry* find(std::string_view id) const;
  void check_requirements(PluginEntry& entry);
  std::vector<Claim> claims(std::string_view torch_op, int opset);
  void claim(std::vector<Claim>& out, PluginEntry& entry, std::string_view name, bool exact, int opset);
  PluginEntry* opset_plugin(int version);
};

// ---- which plugins there are ----

Registry::Registry(const PluginOptions& options, const onnxport_host* host)
    : Registry(options, host, Environment::of_process()) {}

Registry::Registry(const PluginOptions& options, const onnxport_host* host, const Environment& environment)
    : impl_(std::make_unique<Impl>()) {
  impl_->host = host;
  Discovery found = discover(options, environment);
  if (found.manifests.empty()) throw found.nothing_found();
  impl_->prefer = options.prefer;
  impl_->notes = std::move(found.notes);
  for (const FoundManifest& manifest : found.manifests) impl_->add(manifest, options);
  for (const auto& entry : impl_->active) {
    for (const std::string& op : entry->manifest().ops) impl_->by_op[op].push_back(entry.get());
    for (const ManifestMapping& m : entry->manifest().mappings) {
      auto& owners = impl_->by_op[m.torch_op];
      if (owners.empty() || owners.back() != entry.get()) owners.push_back(entry.get());
    }
  }
}

Registry::~Registry() = default;

void Registry::Impl::add(const FoundManifest& found, const PluginOptions& options) {
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

void Registry::Impl::add_broken(const FoundManifest& found, const Error& error) {
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

PluginEntry* Registry::Impl::find(std::string_view id) const {
  for (const auto& entry : active) {
    if (entry->id() == id) return entry.get();
  }
  return nullptr;
}

void Registry::Impl::check_requirements(PluginEntry& entry) {
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

void Registry::Impl::claim(std::vector<Claim>& out, PluginEntry& entry, std::string_view name, bool exact,
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

std::vector<Claim> Registry::Impl::claims(std::string_view torch_op, int opset) {
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

std::vector<Candidate> Registry::candidates(std::string_view torch_op, int target_opset) {
  const std::lock_guard lock(impl_->mutex);
  auto key = std::pair(std::string(torch_op), target_opset);
  const auto known = impl_->resolved.find(key);
  if (known != impl_->resolved.end()) {
    for (const Candidate& c : known->second) impl_->find(c.plugin_id)->mark_used();
    return known->second;
  }
  std::vector<Candidate> out;
  for (Claim& claim :
       by_precedence(impl_->claims(torch_op, target_opset), impl_->prefer, torch_op, target_opset)) {
    claim.plugin->mark_used();
    std::move(claim.candidates.begin(), claim.candidates.end(), std::back_inserter(out));
  }
  return impl_->resolved.emplace(std::move(key), std::move(out)).first->second;
}

PluginEntry* Registry::Impl::opset_plugin(int version) {
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
  const std::lock_guard lock(impl_->mutex);
  const auto known = impl_->opsets.find(version);
  if (known != impl_->opsets.end()) return &known->second;
  PluginEntry* entry = impl_->opset_plugin(version);
  if (entry == nullptr) return nullptr;
  impl_->check_requirements(*entry);
  const onnxport_opset_api* api = entry->library().opset();
  if (api == nullptr || api->version != version)
    return nullptr;  // promised, not there: as if it were not installed
  entry->mark_used();
  return &impl_->opsets.emplace(version, OpsetPlugin{entry->id(), api}).first->second;
}

std::vector<int> Registry::available_opsets() const {
  std::set<int> out;
  for (const auto& entry : impl_->active)
    out.insert(entry->manifest().opsets.begin(), entry->manifest().opsets.end());
  return {out.begin(), out.end()};
}

std::vector<PassEntry> Registry::passes(std::string_view stage) {
  const std::lock_guard lock(impl_->mutex);
  std::vector<PassEntry> out;
  for (const auto& entry : impl_->active) {
    if (entry->manifest().passes.empty()) continue;
    impl_->check_requirements(*entry);
    const PluginLibrary& library = entry->library();
    for (uint32_t i = 0; library.passes() != nullptr && i < library.passes()->count; ++i) {
      const onnxport_pass& pass = library.pass(i);
      if (std::string_view(pass.stage.data, pass.stage.size) != stage) continue;
      out.push_back({entry->id(), &pass});
      entry->mark_used();
    }
  }
  return out;
}

// ---- questions ----

std::vector<std::string> Registry::custom_schemas() const {
  std::vector<std::string> out;
  for (const auto& entry : impl_->active) {
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
  for (const auto& entry : impl_->active) {
    const auto found = entry->manifest().domains.find(domain);
    if (found != entry->manifest().domains.end()) out = std::max(out.value_or(0), found->second);
  }
  return out;
}

bool Registry::declares_domain(std::string_view plugin_id, std::string_view domain) const {
  const PluginEntry* entry = impl_->find(plugin_id);
  return entry != nullptr && entry->manifest().domains.contains(domain);
}

std::vector<std::string> Registry::similar(std::string_view torch_op) const {
  // The namespace is no part of how alike two names are.
  const size_t colons = torch_op.find("::");
  const std::string_view space = torch_op.substr(0, colons == std::string_view::npos ? 0 : colons + 2);
  std::vector<std::string_view> names;
  for (const auto& [name, owners] : impl_->by_op) {
    if (name.starts_with(space)) names.push_back(std::string_view(name).substr(space.size()));
  }
  std::vector<std::string> out = nearest(without_overload(torch_op.substr(space.size())), names);
  for (std::string& name : out) name.insert(0, space);
  std::erase(out, torch_op);
  return out;
}

std::vector<PluginInfo> Registry::list() const {
  std::vector<PluginInfo> out;
  for (const auto& entry : impl_->active) {
    const Manifest& m = entry->manifest();
    out.push_back({m.id, m.version, m.publisher, entry->tier(), "active", "", m.file,
                   m.ops.size() + m.mappings.size(), m.opsets});
  }
  out.insert(out.end(), impl_->inactive.begin(), impl_->inactive.end());
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
  const std::lock_guard lock(impl_->mutex);
  std::vector<std::string> out;
  for (const auto& entry : impl_->active) {
    if (entry->was_used()) out.push_back(entry->id());
  }
  return out;
}

std::vector<Diagnostic> Registry::notes() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->notes;
}

}  // namespace onnxport
