// The registry: every contribution of the plugins found, resolved per operator and opset. Libraries open
// lazily.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/plugin/discovery.h"
#include "core/plugin/manifest.h"
#include "onnxport/abi.h"
#include "onnxport/errors.h"
#include "onnxport/options.h"
#include "onnxport/report.h"

namespace onnxport {

class PluginEntry;

// One candidate for a torch operator. Either `mapping` (in `plugin`'s library) or `manifest`.
struct Candidate {
  std::string plugin_id;
  std::string entry;  // the name it was registered under: "aten::add" or "aten::add.Tensor"
  const onnxport_mapping* mapping = nullptr;
  const ManifestMapping* manifest = nullptr;
  std::string manifest_file;
};

struct OpsetPlugin {
  std::string plugin_id;
  const onnxport_opset_api* api = nullptr;
};

struct PassEntry {
  std::string plugin_id;
  const onnxport_pass* pass = nullptr;
};

// What one export asks of the plugins. The plugins themselves, their manifests read and their libraries opened once, may
// be shared by any number of exports at once: see for_export().
class Registry {
 public:
  // Discovers manifests and validates them. A broken manifest that is not needed is a `broken` entry of
  // list(), not an exception; one named explicitly throws M1xx. Never opens a library. Throws L208 when there
  // is no manifest at all, C402 when one folder has two of the same id.
  // `host` is what opened libraries see of this process: plugin_host().
  Registry(const PluginOptions& options, const onnxport_host* host);
  Registry(const PluginOptions& options, const onnxport_host* host, const Environment& environment);
  ~Registry();
  Registry(Registry&&) noexcept;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The same plugins for one more export, which may run in a thread of its own: only what is used is counted anew.
  Registry for_export() const;

  // Candidates for a torch operator at a target ai.onnx opset, best first: exact overload before base name,
  // then the order that overrides/prefer give. Throws C401 when two plugins claim the same entry and nothing
  // settles it, L2xx/A3xx when the library needed cannot be used, M113 when it registers what its manifest
  // does not list. What is found is looked up once; the span is valid as long as any registry of these plugins.
  std::span<const Candidate> candidates(std::string_view torch_op, int target_opset);
  // The plugin of one ai.onnx opset, or nullptr (Error O605 is the caller's to word). Opens its library.
  const OpsetPlugin* opset(int version);
  std::vector<int> available_opsets() const;  // from manifests, without opening anything
  std::vector<PassEntry> passes(std::string_view stage);
  // Schema strings that manifests give for custom operators.
  std::vector<std::string> custom_schemas() const;
  // Custom domains and their versions: the largest a used plugin declares.
  std::optional<int> domain_version(std::string_view domain) const;
  // Whether that plugin's manifest lists the custom domain: emitting in another breaks its promise (C404).
  bool declares_domain(std::string_view plugin_id, std::string_view domain) const;
  // Operator names in any manifest nearest to `torch_op`, for "did you mean".
  std::vector<std::string> similar(std::string_view torch_op) const;

  std::vector<PluginInfo> list() const;
  std::vector<WhichInfo> which(std::string_view torch_op, int opset);
  // Ids of the plugins that this export asked something of, by the order of precedence.
  std::vector<std::string> used_plugins() const;
  std::vector<Diagnostic> notes() const;

 private:
  struct Plugins;
  explicit Registry(std::shared_ptr<Plugins> plugins);

  std::shared_ptr<Plugins> plugins_;
  std::set<const PluginEntry*> used_;
};

}  // namespace onnxport
