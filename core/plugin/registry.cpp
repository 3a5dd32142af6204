#include "core/plugin/registry.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <unordered_map>

#include "core/plugin/nearest.h"
#include "core/plugin/plugin_entry.h"
#include "core/plugin/plugin_lock.h"
#include "core/plugin/plugin_set.h"
#include "core/plugin/precedence.h"

namespace onnxport {
namespace {

constexpr int kAnyOpset = 0;

bool in_range(int opset, int min, int max) {
  if (opset == kAnyOpset) return true;
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
  std::vector<Diagnostic> warnings;         // of plugins that come later, and cannot be asked
};

struct ResolvedOpset {
  OpsetPlugin opset;
  const PluginEntry* plugin = nullptr;
};

struct ResolvedInference {
  InferencePlugin inference;
  const PluginEntry* plugin = nullptr;  // null: nobody infers it
};

// Whether a target that names these manifests and folders asks the plugin: what is for some targets only is not asked
// by the others.
bool brought_for(const PluginEntry& entry, const std::vector<std::filesystem::path>& files) {
  if (entry.tier() != "profile" || entry.is_for_all()) return true;
  const std::filesystem::path& own = entry.manifest().file;
  return std::any_of(files.begin(), files.end(), [&](const std::filesystem::path& named) {
    const std::filesystem::path path = std::filesystem::absolute(named).lexically_normal();
    return path == own || path == own.parent_path() || path == own.parent_path() / "";
  });
}

std::vector<Diagnostic> as_warnings(const Error& error) {
  std::vector<Diagnostic> out = error.diagnostics();
  for (Diagnostic& d : out) d.severity = Severity::warning;
  return out;
}

// Where two plugins differ, the one that the user prefers is believed; without a preference it is a conflict
// for the models that use the operator.
std::shared_ptr<const ir::CustomSchemas> schemas_of(const PluginSet& plugins,
                                                    const std::vector<std::string>& prefer) {
  auto out = std::make_shared<ir::CustomSchemas>();
  std::map<std::string, size_t> preferred;  // by operator: the best rank that gives its schema
  const auto each = [&](const auto& visit) {
    for (const auto& entry : plugins.active()) {
      if (entry->unusable() != nullptr) continue;
      const Manifest& m = entry->manifest();
      const auto rank = static_cast<size_t>(std::find(prefer.begin(), prefer.end(), m.id) - prefer.begin());
      for (const Manifest::GivenSchema& given : m.schemas) visit(given.schema, given.place, m.id, rank);
      for (const ManifestMapping& mapping : m.mappings) {
        if (mapping.schema) visit(*mapping.schema, mapping.place, m.id, rank);
      }
    }
  };
  each([&](const ir::Schema& schema, const Location&, const std::string&, size_t rank) {
    const auto [at, fresh] = preferred.try_emplace(schema.qualified_name(), rank);
    if (!fresh) at->second = std::min(at->second, rank);
  });
  each([&](const ir::Schema& schema, const Location& location, const std::string& id, size_t rank) {
    if (rank == preferred[schema.qualified_name()]) out->add({schema, id, location});
  });
  return out;
}

std::shared_ptr<const ir::CustomClasses> classes_of(const PluginSet& plugins) {
  auto out = std::make_shared<ir::CustomClasses>();
  for (const auto& entry : plugins.active()) {
    if (entry->unusable() != nullptr) continue;
    for (const ir::CustomClass& described : entry->manifest().classes) out->add(described);
  }
  return out;
}

}  // namespace

// Immutable after construction, but for what is found out lazily, which is behind the mutex and never changes again.
struct Registry::Plugins {
  std::shared_ptr<PluginSet> shared_set;            // by all choices among its plugins
  std::shared_ptr<std::shared_mutex> shared_mutex;  // opens its libraries
  PluginSet& set;
  std::shared_mutex& mutex;
  std::vector<PluginEntry*> active;  // those of the set that are asked
  std::vector<std::string> prefer;
  std::set<int> opsets_offered;
  // By names in manifests, with or without overload.
  std::unordered_map<std::string, std::vector<PluginEntry*>> by_op;
  std::shared_ptr<const ir::CustomSchemas> schemas;
  std::shared_ptr<const ir::CustomClasses> classes;
  std::map<int, std::unordered_map<std::string, Resolved, NameHash, std::equal_to<>>> resolved;  // by opset
  std::map<std::pair<std::string, int>, ResolvedOpset> opsets;
  std::map<std::pair<std::string, std::string>, ResolvedInference> inferences;
  std::map<std::string, std::map<std::string, std::string>> options;
  std::map<const PluginEntry*, Error> locked_out;  // by the lock file of this target

  Plugins(const PluginOptions& options, const onnxport_host* host, const Environment& environment);
  Plugins(const Plugins& all, const PluginChoice& choice);
  void index(const std::vector<std::string>& asked);
  // Why nothing of it may be asked: for anybody, or for this target. Null: it may.
  const Error* why_not(const PluginEntry& entry) const;

  std::vector<Claim> claims(std::string_view torch_op, int opset);
  const Resolved* known(std::string_view torch_op, int opset) const;
  const Resolved& resolve(std::string_view torch_op, int opset);
  void claim(std::vector<Claim>& out, PluginEntry& entry, std::string_view name, bool exact, int opset);
  void find_candidates(PluginEntry& entry, std::string_view name, int opset, std::vector<Candidate>& out);
  PluginEntry* opset_plugin(std::string_view domain, int version);
  ResolvedInference find_inference(std::string_view domain, std::string_view op_type);
};

// ---- which plugins there are ----

Registry::Plugins::Plugins(const PluginOptions& chosen, const onnxport_host* host,
                           const Environment& environment)
    : shared_set(std::make_shared<PluginSet>(chosen, host, environment)),
      shared_mutex(std::make_shared<std::shared_mutex>()),
      set(*shared_set),
      mutex(*shared_mutex),
      prefer(chosen.prefer),
      options(chosen.options) {
  for (const auto& entry : set.active()) {
    if (brought_for(*entry, {})) active.push_back(entry.get());
  }
  index(prefer);
  schemas = schemas_of(set, prefer);
  classes = classes_of(set);
}

// What the user says on the command line stands above what a target says.
Registry::Plugins::Plugins(const Plugins& all, const PluginChoice& choice)
    : shared_set(all.shared_set),
      shared_mutex(all.shared_mutex),
      set(*shared_set),
      mutex(*shared_mutex),
      prefer(all.prefer),
      schemas(all.schemas),  // a model is captured for all targets
      classes(all.classes),
      options(choice.options) {
  set.check_choice(choice);
  prefer.insert(prefer.end(), choice.prefer.begin(), choice.prefer.end());
  for (const auto& [id, values] : all.options) {
    for (const auto& [name, value] : values) options[id][name] = value;
  }
  for (const auto& entry : set.active()) {
    if (brought_for(*entry, choice.files) && !fits_any(entry->id(), choice.disable))
      active.push_back(entry.get());
  }
  if (!choice.lock.empty()) {
    const PluginLock lock = read_lock(choice.lock);
    const std::unique_lock guard(mutex);
    for (PluginEntry* entry : active) {
      if (auto why = lock.why_not(*entry)) locked_out.emplace(entry, std::move(*why));
    }
  }
  std::vector<std::string> asked = prefer;
  for (const std::string& required : choice.require) asked.push_back(required.substr(0, required.find(' ')));
  index(asked);
}

const Error* Registry::Plugins::why_not(const PluginEntry& entry) const {
  const auto locked = locked_out.find(&entry);
  return locked == locked_out.end() ? entry.unusable() : &locked->second;
}

void Registry::Plugins::index(const std::vector<std::string>& asked) {
  for (PluginEntry* entry : active) {
    const Manifest& m = entry->manifest();
    opsets_offered.insert(m.opsets.begin(), m.opsets.end());
    if (m.only_when_asked && std::find(asked.begin(), asked.end(), m.id) == asked.end()) continue;
    for (const std::string& op : m.ops) by_op[op].push_back(entry);
    for (const ManifestMapping& mapping : m.mappings) {
      auto& owners = by_op[mapping.torch_op];
      if (owners.empty() || owners.back() != entry) owners.push_back(entry);
    }
  }
}

Registry::Registry(const PluginOptions& options, const onnxport_host* host)
    : Registry(options, host, Environment::of_process()) {}

Registry::Registry(const PluginOptions& options, const onnxport_host* host, const Environment& environment)
    : plugins_(std::make_shared<Plugins>(options, host, environment)) {}

Registry::Registry(std::shared_ptr<Plugins> plugins) : plugins_(std::move(plugins)) {}

Registry::~Registry() = default;

Registry::Registry(Registry&&) noexcept = default;

Registry Registry::for_export() const { return Registry(plugins_); }

Registry Registry::for_export(const PluginChoice& choice) const {
  return choice.empty() ? for_export() : Registry(std::make_shared<Plugins>(*plugins_, choice));
}

std::vector<const Manifest*> Registry::manifests() const {
  std::vector<const Manifest*> out;
  for (const auto& entry : plugins_->set.active()) out.push_back(&entry->manifest());
  return out;
}

// ---- who maps what ----

void Registry::Plugins::find_candidates(PluginEntry& entry, std::string_view name, int opset,
                                        std::vector<Candidate>& out) {
  const auto add = [&](const onnxport_mapping* mapping, const ManifestMapping* manifest) {
    out.push_back({entry.id(), entry.manifest().version, std::string(name), mapping, manifest,
                   entry.manifest().file.string()});
  };
  for (const ManifestMapping& m : entry.manifest().mappings) {
    if (m.torch_op != name || !in_range(opset, m.min_opset, m.max_opset)) continue;
    if (m.function_opset != 0 && !opsets_offered.empty() && !opsets_offered.contains(m.function_opset)) {
      throw Error("O605",
                  "no plugin offers opset " + std::to_string(m.function_opset) +
                      ", in which the function of " + m.torch_op + " is written",
                  m.place, "write the function in an opset that onnxport plugin list shows");
    }
    add(nullptr, &m);
  }
  if (!entry.manifest().promises(name)) return;
  for (const onnxport_mapping* m : entry.registered(name)) {
    if (in_range(opset, m->min_opset, m->max_opset)) add(m, nullptr);
  }
}

void Registry::Plugins::claim(std::vector<Claim>& out, PluginEntry& entry, std::string_view name, bool exact,
                              int opset) {
  Claim claim{&entry, exact, {}, std::nullopt};
  try {
    if (const Error* why = why_not(entry)) throw *why;
    find_candidates(entry, name, opset, claim.candidates);
    if (claim.candidates.empty()) return;
  } catch (const Error& error) {
    // Once for each plugin, under the name that its manifest lists.
    const auto same = [&](const Claim& c) { return c.failure && c.plugin->id() == entry.id(); };
    if (std::any_of(out.begin(), out.end(), same)) return;
    const auto listed = by_op.find(std::string(name));
    if (listed == by_op.end() ||
        std::find(listed->second.begin(), listed->second.end(), &entry) == listed->second.end())
      return;
    claim.candidates.clear();
    claim.failure = error;
  }
  out.push_back(std::move(claim));
}

std::vector<Claim> Registry::Plugins::claims(std::string_view torch_op, int opset) {
  const std::string base(without_overload(torch_op));
  // "aten::gelu" is the name of every overload as well as of the default one, which alone is "aten::gelu.default".
  const std::string full = base == torch_op ? base + ".default" : std::string(torch_op);
  std::vector<PluginEntry*> owners;
  for (const std::string& name : {full, base}) {
    const auto found = by_op.find(name);
    if (found == by_op.end()) continue;
    for (PluginEntry* entry : found->second) {
      if (std::find(owners.begin(), owners.end(), entry) == owners.end()) owners.push_back(entry);
    }
  }
  std::vector<Claim> out;
  for (PluginEntry* entry : owners) {
    claim(out, *entry, full, true, opset);
    claim(out, *entry, base, false, opset);
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
    if (claim.failure) {
      // What comes after a plugin that works is asked only when that declines.
      if (out.candidates.empty()) throw *claim.failure;
      for (Diagnostic& warning : as_warnings(*claim.failure)) out.warnings.push_back(std::move(warning));
      continue;
    }
    out.plugins.push_back(claim.plugin);
    std::move(claim.candidates.begin(), claim.candidates.end(), std::back_inserter(out.candidates));
  }
  return resolved[opset].emplace(std::string(torch_op), std::move(out)).first->second;
}

void Registry::note(const std::vector<Diagnostic>& warnings) {
  for (const Diagnostic& d : warnings) {
    const auto same = [&](const Diagnostic& n) { return n.message == d.message && n.code == d.code; };
    if (std::none_of(notes_.begin(), notes_.end(), same)) notes_.push_back(d);
  }
}

std::span<const Candidate> Registry::candidates(std::string_view name, int target_opset) {
  const std::string_view torch_op = without_default(name);
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
  if (!found->warnings.empty()) note(found->warnings);
  return found->candidates;
}

std::string Registry::other_opsets(std::string_view torch_op) {
  const std::unique_lock lock(plugins_->mutex);
  std::string out;
  const auto range = [](int min, int max) {
    if (min == max) return "opset " + std::to_string(min);
    const std::string above = min > 1 ? "opset " + std::to_string(min) + " and above" : "";
    const std::string below = max != 0 && max < 1000 ? "opset " + std::to_string(max) + " and below" : "";
    return above + (above.empty() || below.empty() ? "" : ", ") + below;
  };
  for (const Claim& claim : plugins_->claims(without_default(torch_op), kAnyOpset)) {
    for (const Candidate& c : claim.candidates) {
      const int min = c.manifest != nullptr ? c.manifest->min_opset : c.mapping->min_opset;
      const int max = c.manifest != nullptr ? c.manifest->max_opset : c.mapping->max_opset;
      if (min <= 1 && (max == 0 || max >= 1000)) continue;
      out += (out.empty() ? "" : "; ") + c.plugin_id + " maps it at " + range(min, max);
    }
  }
  return out;
}

PluginEntry* Registry::Plugins::opset_plugin(std::string_view domain, int version) {
  std::vector<Claim> claims;
  for (PluginEntry* entry : active) {
    if (!entry->manifest().promises_opset(domain, version)) continue;
    claims.push_back({entry, true, {}, std::nullopt});
    if (const Error* why = why_not(*entry)) claims.back().failure = *why;
  }
  if (claims.empty()) return nullptr;
  const std::string what =
      "opset " + std::to_string(version) + (domain.empty() ? "" : " of " + std::string(domain));
  return by_precedence(std::move(claims), prefer, what, version).front().plugin;
}

const OpsetPlugin* Registry::opset(std::string_view domain, int version) {
  const std::unique_lock lock(plugins_->mutex);
  auto key = std::pair(std::string(domain), version);
  auto known = plugins_->opsets.find(key);
  if (known == plugins_->opsets.end()) {
    PluginEntry* entry = plugins_->opset_plugin(domain, version);
    if (entry == nullptr) return nullptr;
    const PluginOpset* found = entry->find_opset(domain, version);
    known =
        plugins_->opsets
            .emplace(std::move(key), ResolvedOpset{{entry->id(), entry->manifest().version, found}, entry})
            .first;
  }
  used_.insert(known->second.plugin);
  return &known->second.opset;
}

std::vector<int> Registry::available_opsets(std::string_view domain) const {
  if (domain.empty()) return {plugins_->opsets_offered.begin(), plugins_->opsets_offered.end()};
  std::set<int> out;
  for (PluginEntry* entry : plugins_->active) {
    const auto found = entry->manifest().domain_opsets.find(domain);
    if (found != entry->manifest().domain_opsets.end())
      out.insert(found->second.begin(), found->second.end());
  }
  return {out.begin(), out.end()};
}

ResolvedInference Registry::Plugins::find_inference(std::string_view domain, std::string_view op_type) {
  for (PluginEntry* entry : active) {
    const Manifest& m = entry->manifest();
    if (why_not(*entry) != nullptr || m.libraries.empty() || !m.serves_domain(domain)) continue;
    try {
      for (const onnxport_inference& i : entry->library().inferences()) {
        if (std::string_view(i.domain.data, i.domain.size) == domain &&
            std::string_view(i.op_type.data, i.op_type.size) == op_type) {
          return {{entry->id(), m.version, &i}, entry};
        }
      }
    } catch (const Error&) {  // whoever needs the library says so; others may infer it
    }
  }
  return {};
}

const InferencePlugin* Registry::inference(std::string_view domain, std::string_view op_type) {
  const std::unique_lock lock(plugins_->mutex);
  auto key = std::pair(std::string(domain), std::string(op_type));
  auto known = plugins_->inferences.find(key);
  if (known == plugins_->inferences.end())
    known = plugins_->inferences.emplace(std::move(key), plugins_->find_inference(domain, op_type)).first;
  if (known->second.plugin == nullptr) return nullptr;
  used_.insert(known->second.plugin);
  return &known->second.inference;
}

const std::map<std::string, std::string>* Registry::options_of(std::string_view plugin_id) const {
  const auto found = plugins_->options.find(std::string(plugin_id));
  return found == plugins_->options.end() ? nullptr : &found->second;
}

std::vector<PassEntry> Registry::passes() const {
  std::vector<PassEntry> out;
  for (PluginEntry* entry : plugins_->active) {
    const Manifest& m = entry->manifest();
    for (const ManifestPass& pass : m.passes)
      out.push_back({entry->id(), m.version, &pass, &m.domains, entry->tier() == "built-in"});
  }
  return out;
}

OpenedPass Registry::open_pass(const PassEntry& wanted) {
  const std::unique_lock lock(plugins_->mutex);
  PluginEntry* entry = plugins_->set.find(wanted.plugin_id);
  if (const Error* why = plugins_->why_not(*entry)) throw *why;
  return entry->open_pass(*wanted.pass);
}

void Registry::mark_used(std::string_view plugin_id) {
  if (const PluginEntry* entry = plugins_->set.find(plugin_id)) used_.insert(entry);
}

// ---- questions ----

std::shared_ptr<const ir::CustomSchemas> Registry::custom_schemas() const { return plugins_->schemas; }

const ir::CustomClasses& Registry::custom_classes() const { return *plugins_->classes; }

std::optional<int> Registry::domain_version(std::string_view plugin_id, std::string_view domain) const {
  const PluginEntry* entry = plugins_->set.find(plugin_id);
  if (entry == nullptr) return std::nullopt;
  const Manifest& m = entry->manifest();
  if (const auto found = m.domains.find(domain); found != m.domains.end()) return found->second;
  const auto found = m.domain_opsets.find(domain);
  if (found == m.domain_opsets.end()) return std::nullopt;
  return *std::max_element(found->second.begin(), found->second.end());
}

std::optional<int> Registry::domain_version(std::string_view domain) const {
  std::optional<int> out;
  for (PluginEntry* entry : plugins_->active) {
    const auto found = entry->manifest().domains.find(domain);
    if (found != entry->manifest().domains.end()) out = std::max(out.value_or(0), found->second);
  }
  return out;
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

std::vector<std::string> Registry::lock(const std::vector<std::string>& ids, PluginLock& lock,
                                        std::vector<Diagnostic>& left_out) const {
  return plugins_->set.lock(ids, lock, left_out);
}

bool Registry::is_current() const { return plugins_->set.is_current(); }

PluginListing Registry::list() const { return plugins_->set.listing(); }

PluginDetails Registry::inspect(const std::string& id) const { return plugins_->set.details(id); }

namespace {

WhichInfo which_info(const Candidate& c, std::string_view torch_op, bool wins, bool first) {
  WhichInfo info;
  info.plugin = c.plugin_id;
  info.entry = c.entry;
  info.wins = wins;
  info.reason = without_default(c.entry) == torch_op && c.entry != torch_op
                    ? "registered for the default overload"
                : c.entry == torch_op ? "registered under this name"
                                      : "registered for every overload of " + c.entry;
  info.reason += c.manifest != nullptr ? ", by the manifest " + c.manifest_file
                                       : ", in the library of " + c.manifest_file;
  const bool only_complex = c.mapping != nullptr && (c.mapping->flags & ONNXPORT_ONLY_COMPLEX) != 0;
  if (only_complex) info.reason += "; for complex tensors";
  if (!first && !only_complex) info.reason += "; tried when those above decline";
  return info;
}

}  // namespace

std::vector<WhichInfo> Registry::which(std::string_view given, int opset) {
  const std::string_view torch_op = without_default(given);
  std::vector<WhichInfo> out;
  std::optional<Error> stops;
  std::vector<Claim> claims;
  {
    const std::unique_lock lock(plugins_->mutex);
    claims = plugins_->claims(torch_op, opset);
    try {
      claims = by_precedence(claims, plugins_->prefer, torch_op, opset);
    } catch (const Error& error) {
      stops = error;
    }
  }
  for (const Claim& claim : claims) {
    for (const Candidate& c : claim.candidates) {
      out.push_back(which_info(c, torch_op, !stops && out.empty(), out.empty() || stops));
      if (stops) out.back().problem = stops->diagnostics().front();
    }
    if (!claim.failure) continue;
    WhichInfo info;
    info.plugin = claim.plugin->id();
    info.entry = torch_op;
    info.reason = "cannot be used, by the manifest " + claim.plugin->manifest().file.string();
    info.problem = claim.failure->diagnostics().front();
    if (out.empty() && !stops) stops = claim.failure;
    out.push_back(std::move(info));
  }
  return out;
}

std::vector<std::string> Registry::used_plugins() const {
  std::vector<std::string> out;
  for (PluginEntry* entry : plugins_->active) {
    if (used_.contains(entry)) out.push_back(entry->id());
  }
  return out;
}

std::vector<Diagnostic> Registry::notes() const {
  std::vector<Diagnostic> out = plugins_->set.notes();
  out.insert(out.end(), notes_.begin(), notes_.end());
  return out;
}

}  // namespace onnxport
