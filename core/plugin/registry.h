// The registry: every contribution of the plugins found, resolved per operator and opset. Libraries open lazily.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ir/custom_schemas.h"
#include "core/plugin/discovery.h"
#include "core/plugin/library.h"
#include "core/plugin/library_pass.h"
#include "core/plugin/manifest.h"
#include "onnxport/abi.h"
#include "onnxport/errors.h"
#include "onnxport/options.h"
#include "onnxport/report.h"

namespace onnxport {

class PluginEntry;
struct PluginLock;

// One candidate for a torch operator. Either `mapping` (in `plugin`'s library) or `manifest`.
struct Candidate {
  std::string plugin_id;
  std::string plugin_version;
  std::string entry;  // the name it was registered under: "aten::add" or "aten::add.Tensor"
  const onnxport_mapping* mapping = nullptr;
  const ManifestMapping* manifest = nullptr;
  std::string manifest_file;
};

struct OpsetPlugin {
  std::string plugin_id;
  std::string plugin_version;
  const PluginOpset* opset = nullptr;
};

// A pass of a plugin, as its manifest lists it.
struct PassEntry {
  std::string plugin_id, plugin_version;
  const ManifestPass* pass = nullptr;
  const std::map<std::string, int, std::less<>>* domains = nullptr;  // that its manifest declares
  bool builtin = false;                                              // of a plugin that comes with onnxport
};

// What infers the types of an operator that the ONNX library does not know.
struct InferencePlugin {
  std::string plugin_id;
  std::string plugin_version;
  const onnxport_inference* inference = nullptr;
};

// What one export asks of the plugins. The plugins themselves, their manifests read and their libraries opened once, may
// be shared by any number of exports at once: see for_export().
class Registry {
 public:
  // Discovers manifests and validates them, as PluginSet does (plugin_set.h): one that is broken harms nobody who does
  // not need it. Never opens a library. `host` is what opened libraries see of this process: plugin_host().
  Registry(const PluginOptions& options, const onnxport_host* host);
  Registry(const PluginOptions& options, const onnxport_host* host, const Environment& environment);
  ~Registry();
  Registry(Registry&&) noexcept;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The same plugins for one more export, which may run in a thread of its own: only what is used is counted anew.
  Registry for_export() const;
  // The same, asking those plugins that `choice` leaves, in the order that it prefers. Throws C403 for a plugin that it
  // requires and that is not there, C405 for an id of its own that nobody has.
  Registry for_export(const PluginChoice& choice) const;

  // Candidates for a torch operator at a target ai.onnx opset, best first: exact overload before base name, then the
  // order that overrides/prefer give. "aten::gelu.default" is "aten::gelu". Throws C401 when two plugins claim the same
  // entry and nothing settles it; L2xx, A3xx, C402, C403, M113 or O605 when the plugin that comes first cannot be used.
  // What is found is looked up once; the span is valid as long as any registry of these plugins.
  std::span<const Candidate> candidates(std::string_view torch_op, int target_opset);
  // "com.acme.ops maps it at opset 21 and above": who would take an operator at another opset; empty: nobody.
  std::string other_opsets(std::string_view torch_op);
  // The plugin of one opset of a domain ("" is ai.onnx), or nullptr (Error O605 is the caller's to word). Opens its
  // library.
  const OpsetPlugin* opset(std::string_view domain, int version);
  // From manifests, without opening anything.
  std::vector<int> available_opsets(std::string_view domain = {}) const;
  // The inference of an operator that ONNX does not know, of the first plugin in order of precedence that offers
  // one, or nullptr. Opens the libraries of those whose manifests serve the domain.
  const InferencePlugin* inference(std::string_view domain, std::string_view op_type);
  // What the user set for the plugin; null: nothing.
  const std::map<std::string, std::string>* options_of(std::string_view plugin_id) const;
  // Every pass of every plugin that is active, in the order they were found; from manifests.
  std::vector<PassEntry> passes() const;
  // Opens the library where the pass is in it. Throws what makes the plugin unusable, L2xx/A3xx when the library cannot
  // be used, M115 when it has no such pass, or at another stage than its manifest says.
  OpenedPass open_pass(const PassEntry& entry);
  void mark_used(std::string_view plugin_id);
  // Schemas that manifests give for operators of their own.
  std::shared_ptr<const ir::CustomSchemas> custom_schemas() const;
  // What manifests say objects are made of that operators take; lives as long as any registry of these plugins.
  const ir::CustomClasses& custom_classes() const;
  // The version of a custom domain that this plugin's manifest states; nullopt when it does not list the
  // domain: emitting in it breaks its promise (C404).
  std::optional<int> domain_version(std::string_view plugin_id, std::string_view domain) const;
  // The largest version of a custom domain that any plugin's manifest states.
  std::optional<int> domain_version(std::string_view domain) const;
  // Operator names in any manifest nearest to `torch_op`, for "did you mean".
  std::vector<std::string> similar(std::string_view torch_op) const;

  // Whether a registry that is made now would be made of the same files.
  bool is_current() const;

  // Of active plugins: the targets they are for and the profiles they bring, by manifest.
  std::vector<const Manifest*> manifests() const;
  PluginListing list() const;
  // As PluginSet::lock.
  std::vector<std::string> lock(const std::vector<std::string>& ids, PluginLock& lock,
                                std::vector<Diagnostic>& left_out) const;
  // Throws C405 when no plugin has that id.
  PluginDetails inspect(const std::string& id) const;
  std::vector<WhichInfo> which(std::string_view torch_op, int opset);
  // Ids of the plugins that this export asked something of, by the order of precedence.
  std::vector<std::string> used_plugins() const;
  std::vector<Diagnostic> notes() const;

 private:
  struct Plugins;
  explicit Registry(std::shared_ptr<Plugins> plugins);
  void note(const std::vector<Diagnostic>& warnings);  // each once

  std::shared_ptr<Plugins> plugins_;
  std::set<const PluginEntry*> used_;
  std::vector<Diagnostic> notes_;  // of this export
};

}  // namespace onnxport
