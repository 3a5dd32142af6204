#include "core/plugin/registry.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <unordered_map>

#include "core/plugin/discovery.h"
#include "core/plugin/library.h"
#include "core/plugin/nearest.h"
#include "core/plugin/version.h"
#include "onnxport/version.h"

namespace onnxport {
namespace {

std::string_view base_name(std::string_view op) {
  const size_t colons = op.find("::");
  const size_t dot = op.find('.', colons == std::string_view::npos ? 0 : colons);
  return op.substr(0, dot);
}

std::string_view view(onnxport_str s) {
  return s.data == nullptr ? std::string_view() : std::string_view(s.data, static_cast<size_t>(s.size));
}

// A plugin in use: its manifest, and once opened its tables.
struct Loaded {
  const Found* found = nullptr;
  bool opened = false;
  std::optional<std::vector<Diagnostic>> failure;  // of an attempt to open it; told every time
  const onnxport_mapping_api* mapping = nullptr;
  const onnxport_opset_api* opset = nullptr;
  const onnxport_pass_api* pass = nullptr;
  std::unordered_map<std::string_view, std::vector<const onnxport_mapping*>> mappings;
};

struct Claim {
  Loaded* plugin = nullptr;
  const ManifestMapping* manifest = nullptr;
};

}  // namespace

struct Registry::Impl {
  Discovery discovery;
  std::vector<std::unique_ptr<Loaded>> active;
  std::unordered_map<std::string, std::vector<Claim>> claims;  // by the name in the manifest
  std::map<int, Loaded*> opsets;
  std::map<int, OpsetPlugin> opset_tables;
  std::vector<std::string> prefer;
  std::set<std::string> used;
  std::vector<Diagnostic> notes;
  std::unordered_map<std::string, std::vector<Candidate>> resolved;
  std::recursive_mutex mutex;

  void index();
  void check_requirements(const Loaded& plugin) const;
  Loaded& open(Loaded& plugin);
  void read_tables(Loaded& plugin, const onnxport_plugin& table);
  std::vector<Claim> resolve(const std::string& entry, std::vector<Claim> claims, int opset) const;
  void add_candidates(const std::string& entry, int opset, std::vector<Candidate>& out);
  bool beats(const Loaded& a, const Loaded& b, const std::string& entry) const;
};

void Registry::Impl::index() {
  for (const Found& found : discovery.plugins) {
    if (found.state != PluginState::active) continue;
    active.push_back(std::make_unique<Loaded>());
    Loaded* loaded = active.back().get();
    loaded->found = &found;
    const Manifest& m = found.manifest;
    for (const std::string& op : m.ops) claims[op].push_back({loaded, nullptr});
    for (const ManifestMapping& mapping : m.mappings) claims[mapping.torch_op].push_back({loaded, &mapping});
    for (int version : m.opsets) opsets.emplace(version, loaded);
  }
}

void Registry::Impl::check_requirements(const Loaded& plugin) const {
  const Manifest& m = plugin.found->manifest;
  Place place;
  place.file = m.file.string();
  const auto host_range = VersionRange::parse(m.requires_onnxport);
  const auto host = SemVer::parse(onnxport::version());
  if (host_range && host && !host_range->contains(*host)) {
    throw Error("C403", "plugin " + m.id + " requires onnxport " + m.requires_onnxport + ", this is " + onnxport::version(), place);
  }
  for (const auto& [id, range_text] : m.requires_plugins) {
    const auto other = std::find_if(active.begin(), active.end(), [&, want = &id](const auto& p) { return p->found->manifest.id == *want; });
    if (other == active.end()) throw Error("C403", "plugin " + m.id + " requires plugin " + id + ", which is not here", place, "onnxport plugin list shows what is");
    const auto range = VersionRange::parse(range_text);
    const auto have = SemVer::parse((*other)->found->manifest.version);
    if (range && have && !range->contains(*have)) {
      throw Error("C403", "plugin " + m.id + " requires " + id + " " + range_text + ", found is " + (*other)->found->manifest.version, place);
    }
  }
}

Loaded& Registry::Impl::open(Loaded& plugin) {
  if (plugin.failure) throw Error(*plugin.failure);
  if (plugin.opened) return plugin;
  try {
    check_requirements(plugin);
    read_tables(plugin, *open_library(plugin.found->manifest));
  } catch (const Error& e) {
    plugin.failure = e.diagnostics();
    throw;
  }
  plugin.opened = true;
  return plugin;
}

void Registry::Impl::read_tables(Loaded& plugin, const onnxport_plugin& table) {
  const Manifest& m = plugin.found->manifest;
  Place place;
  place.file = m.file.string();
  const auto get = [&](std::string_view id) { return table.get_interface({id.data(), id.size()}); };
  plugin.mapping = static_cast<const onnxport_mapping_api*>(get("onnxport.mapping/1"));
  plugin.opset = static_cast<const onnxport_opset_api*>(get("onnxport.opset/1"));
  plugin.pass = static_cast<const onnxport_pass_api*>(get("onnxport.pass/1"));
  // Entries may be longer than ours in a plugin built with a newer header, never shorter.
  const bool small = (plugin.mapping != nullptr && (plugin.mapping->struct_size < sizeof(onnxport_mapping_api) || plugin.mapping->mapping_size != sizeof(onnxport_mapping))) ||
                     (plugin.opset != nullptr && (plugin.opset->struct_size < sizeof(onnxport_opset_api) || plugin.opset->op_size != sizeof(onnxport_op_def))) ||
                     (plugin.pass != nullptr && (plugin.pass->struct_size < sizeof(onnxport_pass_api) || plugin.pass->rule_size != sizeof(onnxport_rule)));
  if (small) throw Error("A303", "a table of plugin " + m.id + " has another layout than ABI 1.0", place, "build it with the SDK of this release");
  std::set<std::string, std::less<>> promised(m.ops.begin(), m.ops.end());
  for (const ManifestMapping& mapping : m.mappings) promised.insert(mapping.torch_op);
  for (uint32_t i = 0; plugin.mapping != nullptr && i < plugin.mapping->count; ++i) {
    const onnxport_mapping& mapping = plugin.mapping->mappings[i];
    const std::string_view name = view(mapping.torch_op);
    if (mapping.translate == nullptr) throw Error("A303", "a mapping of plugin " + m.id + " has no function", place);
    if (!promised.contains(name) && !promised.contains(base_name(name))) {
      throw Error("M113", "plugin " + m.id + " registers " + std::string(name) + ", which its manifest does not list", place,
                  "add it to provides: ops:");
    }
    plugin.mappings[name].push_back(&mapping);
  }
  if (plugin.opset != nullptr && std::find(m.opsets.begin(), m.opsets.end(), plugin.opset->version) == m.opsets.end()) {
    throw Error("M113", "plugin " + m.id + " registers opset " + std::to_string(plugin.opset->version) + ", which its manifest does not list", place);
  }
  for (uint32_t i = 0; plugin.pass != nullptr && i < plugin.pass->count; ++i) {
    const std::string_view name = view(plugin.pass->passes[i].name);
    if (std::find(m.passes.begin(), m.passes.end(), name) == m.passes.end()) {
      throw Error("M113", "plugin " + m.id + " registers pass " + std::string(name) + ", which its manifest does not list", place);
    }
  }
}

bool Registry::Impl::beats(const Loaded& a, const Loaded& b, const std::string& entry) const {
  const auto preferred = [&](const Loaded& p) { return std::find(prefer.begin(), prefer.end(), p.found->manifest.id) != prefer.end(); };
  if (preferred(a) != preferred(b)) return preferred(a);
  const auto overrides = [&](const Loaded& p, const Loaded& other) {
    const std::vector<std::string>& list = p.found->manifest.overrides;
    const auto named = [&](std::string_view text) { return std::find(list.begin(), list.end(), text) != list.end(); };
    return named(entry) || named(base_name(entry)) || named(other.found->manifest.id);
  };
  return overrides(a, b) && !overrides(b, a);
}

std::vector<Claim> Registry::Impl::resolve(const std::string& entry, std::vector<Claim> all, int opset) const {
  if (all.size() < 2) return all;
  std::stable_sort(all.begin(), all.end(), [&](const Claim& a, const Claim& b) { return beats(*a.plugin, *b.plugin, entry); });
  for (size_t i = 0; i + 1 < all.size(); ++i) {
    const Loaded& a = *all[i].plugin;
    const Loaded& b = *all[i + 1].plugin;
    if (&a == &b || beats(a, b, entry)) continue;
    throw Error("C401", "two plugins map " + entry + " at opset " + std::to_string(opset) + ": " + a.found->manifest.id + " (" +
                            a.found->manifest.file.string() + ") and " + b.found->manifest.id + " (" + b.found->manifest.file.string() + ")",
                {}, "decide with --prefer " + a.found->manifest.id + " or, in one manifest, overrides: [\"" + entry + "\"]");
  }
  return all;
}

void Registry::Impl::add_candidates(const std::string& entry, int opset, std::vector<Candidate>& out) {
  const auto found = claims.find(entry);
  if (found == claims.end()) return;
  // A library's claim counts at this opset only if one of its mappings does.
  std::vector<Claim> at_opset;
  std::vector<std::vector<const onnxport_mapping*>> functions;
  for (const Claim& claim : found->second) {
    if (claim.manifest != nullptr) at_opset.push_back(claim);
    if (claim.manifest != nullptr) continue;
    Loaded& plugin = open(*claim.plugin);
    bool any = false;
    for (const auto& [name, list] : plugin.mappings) {
      if (name != entry && base_name(name) != entry) continue;
      any = any || std::any_of(list.begin(), list.end(), [&](const onnxport_mapping* m) {
        return (m->min_opset == 0 || opset >= m->min_opset) && (m->max_opset == 0 || opset <= m->max_opset);
      });
    }
    if (any) at_opset.push_back(claim);
  }
  for (const Claim& claim : resolve(entry, std::move(at_opset), opset)) {
    const Manifest& m = claim.plugin->found->manifest;
    Candidate c;
    c.plugin_id = m.id;
    c.entry = entry;
    c.manifest_file = m.file.string();
    if (claim.manifest != nullptr) {
      c.manifest = claim.manifest;
      out.push_back(std::move(c));
      continue;
    }
    const auto list = claim.plugin->mappings.find(entry);
    if (list == claim.plugin->mappings.end()) continue;
    for (const onnxport_mapping* mapping : list->second) {
      if ((mapping->min_opset != 0 && opset < mapping->min_opset) || (mapping->max_opset != 0 && opset > mapping->max_opset)) continue;
      c.mapping = mapping;
      out.push_back(c);
    }
  }
}

Registry::Registry(const PluginOptions& options) : impl_(std::make_unique<Impl>()) {
  impl_->prefer = options.prefer;
  impl_->discovery = discover(options);
  impl_->notes = impl_->discovery.notes;
  impl_->index();
  if (impl_->active.empty()) {
    std::string searched;
    for (const SearchedFolder& f : impl_->discovery.folders) searched += "\n     " + f.folder.string() + " (" + f.tier + "): " + f.outcome;
    for (const Found& f : impl_->discovery.plugins) searched += "\n     " + f.manifest.file.string() + ": " + f.reason;
    throw Error("L208", "no plugin was found; searched:" + searched, {},
                "the built-in plugins are in lib/onnxport/plugins.d beside the library: install them, or give --plugin-path");
  }
}

Registry::~Registry() = default;

std::vector<Candidate> Registry::candidates(std::string_view torch_op, int target_opset) {
  const std::lock_guard<std::recursive_mutex> lock(impl_->mutex);
  const std::string key = std::string(torch_op) + "@" + std::to_string(target_opset);
  const auto known = impl_->resolved.find(key);
  if (known == impl_->resolved.end()) {
    std::vector<Candidate> out;
    const std::string exact(torch_op);
    const std::string base(base_name(torch_op));
    // "aten::add.Tensor" may be listed itself, or registered by a plugin that lists "aten::add".
    impl_->add_candidates(exact, target_opset, out);
    if (base != exact) {
      const auto claimed = impl_->claims.find(base);
      if (claimed != impl_->claims.end()) {
        for (const Claim& claim : claimed->second) {
          if (claim.manifest != nullptr) continue;
          Loaded& plugin = impl_->open(*claim.plugin);
          const auto list = plugin.mappings.find(exact);
          if (list == plugin.mappings.end() || impl_->claims.contains(exact)) continue;
          for (const onnxport_mapping* mapping : list->second) {
            if ((mapping->min_opset != 0 && target_opset < mapping->min_opset) || (mapping->max_opset != 0 && target_opset > mapping->max_opset)) continue;
            Candidate c;
            c.plugin_id = plugin.found->manifest.id;
            c.entry = exact;
            c.manifest_file = plugin.found->manifest.file.string();
            c.mapping = mapping;
            out.push_back(std::move(c));
          }
        }
      }
      impl_->add_candidates(base, target_opset, out);
    }
    impl_->resolved.emplace(key, std::move(out));
  }
  const std::vector<Candidate>& result = impl_->resolved[key];
  for (const Candidate& c : result) impl_->used.insert(c.plugin_id);
  return result;
}

const OpsetPlugin* Registry::opset(int version) {
  const std::lock_guard<std::recursive_mutex> lock(impl_->mutex);
  const auto known = impl_->opset_tables.find(version);
  if (known != impl_->opset_tables.end()) return &known->second;
  const auto found = impl_->opsets.find(version);
  if (found == impl_->opsets.end()) return nullptr;
  const Loaded& plugin = impl_->open(*found->second);
  if (plugin.opset == nullptr || plugin.opset->version != version) return nullptr;
  impl_->used.insert(plugin.found->manifest.id);
  return &impl_->opset_tables.emplace(version, OpsetPlugin{plugin.found->manifest.id, plugin.opset}).first->second;
}

std::vector<int> Registry::available_opsets() const {
  std::vector<int> out;
  for (const auto& [version, plugin] : impl_->opsets) out.push_back(version);
  return out;
}

std::vector<PassEntry> Registry::passes(std::string_view stage) {
  const std::lock_guard<std::recursive_mutex> lock(impl_->mutex);
  std::vector<PassEntry> out;
  for (const auto& plugin : impl_->active) {
    if (plugin->found->manifest.passes.empty()) continue;
    impl_->open(*plugin);
    for (uint32_t i = 0; plugin->pass != nullptr && i < plugin->pass->count; ++i) {
      if (view(plugin->pass->passes[i].stage) == stage) out.push_back({plugin->found->manifest.id, &plugin->pass->passes[i]});
    }
  }
  return out;
}

std::vector<std::string> Registry::custom_schemas() const {
  std::vector<std::string> out;
  for (const auto& plugin : impl_->active) {
    const Manifest& m = plugin->found->manifest;
    out.insert(out.end(), m.schemas.begin(), m.schemas.end());
    for (const ManifestMapping& mapping : m.mappings) {
      if (!mapping.schema.empty()) out.push_back(mapping.schema);
    }
  }
  return out;
}

std::optional<int> Registry::domain_version(std::string_view domain) const {
  std::optional<int> out;
  for (const auto& plugin : impl_->active) {
    for (const auto& [name, version] : plugin->found->manifest.domains) {
      if (name == domain) out = std::max(out.value_or(0), version);
    }
  }
  return out;
}

std::vector<std::string> Registry::similar(std::string_view torch_op) const {
  std::vector<std::string> names;
  for (const auto& [name, claims] : impl_->claims) names.push_back(name);
  return nearest(base_name(torch_op), names);
}

std::vector<PluginInfo> Registry::list() const {
  static constexpr const char* states[] = {"active", "shadowed", "disabled", "broken"};
  std::vector<PluginInfo> out;
  for (const Found& f : impl_->discovery.plugins) {
    PluginInfo info;
    info.id = f.manifest.id.empty() ? "?" : f.manifest.id;
    info.version = f.manifest.version;
    info.publisher = f.manifest.publisher;
    info.tier = f.tier;
    info.state = states[static_cast<int>(f.state)];
    info.reason = f.reason;
    info.manifest = f.manifest.file;
    info.mappings = f.manifest.ops.size() + f.manifest.mappings.size();
    info.opsets = f.manifest.opsets;
    out.push_back(std::move(info));
  }
  return out;
}

std::vector<WhichInfo> Registry::which(std::string_view torch_op, int opset) {
  std::vector<WhichInfo> out;
  for (const Candidate& c : candidates(torch_op, opset)) {
    WhichInfo info;
    info.plugin = c.plugin_id;
    info.entry = c.entry;
    info.wins = out.empty();
    const std::string how = c.entry == torch_op && c.entry != base_name(torch_op) ? "this overload" : "every overload";
    info.reason = (c.manifest != nullptr ? "a mapping of the manifest, " : "") + how + (info.wins ? "; asked first" : "; asked if those before decline");
    out.push_back(std::move(info));
  }
  return out;
}

std::vector<std::string> Registry::used_plugins() const {
  const std::lock_guard<std::recursive_mutex> lock(impl_->mutex);
  return {impl_->used.begin(), impl_->used.end()};
}

const std::vector<Diagnostic>& Registry::notes() const { return impl_->notes; }

}  // namespace onnxport
