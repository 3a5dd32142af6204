// The registry: every contribution of the plugins found, resolved per operator and opset. Libraries open lazily.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "onnxport/abi.h"
#include "onnxport/errors.h"
#include "onnxport/export.h"

namespace onnxport {

class Plugin;  // loaded library + manifest; core/plugin/plugin.h

// A manifest-only mapping, parsed and checked.
struct ManifestMapping {
  std::string torch_op;             // qualified name
  std::string schema;               // the schema string given, empty if only a name was
  std::string onnx_domain, onnx_op; // one-to-one form
  std::vector<std::string> inputs;                       // schema argument names
  std::vector<std::pair<std::string, std::string>> attributes;  // ONNX attribute -> schema argument
  std::string function_text;        // "(x) => (y) {...}", wrapped by the host
  std::optional<int> function_opset;
  bool keep_function = false;
  // result of a custom-domain node
  std::string result_like;          // argument name; empty: none
  std::string result_dtype;         // "f32" or empty
  std::vector<std::string> result_shape;  // expressions over argument dims, "x.0", "x.0*2"; see the manifest schema
  bool has_result_shape = false;
  int line = 0, column = 0;         // in the manifest
};

// One candidate for a torch operator. Either `mapping` (in `plugin`'s library) or `manifest`.
struct Candidate {
  std::string plugin_id;
  std::string entry;   // the name it was registered under: "aten::add" or "aten::add.Tensor"
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

// Thread-safe for concurrent exports after construction (lazy opening is behind a mutex).
class Registry {
 public:
  // Discovers manifests and validates them. A broken manifest that is not needed is a `broken` entry of list(), not an
  // exception; one named explicitly throws M1xx. Never opens a library.
  explicit Registry(const PluginOptions& options);
  ~Registry();
  Registry(const Registry&) = delete;

  // Candidates for a torch operator at a target ai.onnx opset, best first: exact overload before base name, then the
  // order that overrides/prefer give. Throws C401 when two plugins claim the same entry and nothing settles it,
  // L2xx/A3xx when the library needed cannot be used, M113 when it registers what its manifest does not list.
  std::vector<Candidate> candidates(std::string_view torch_op, int target_opset);
  // The plugin of one ai.onnx opset, or nullptr (Error O605 is the caller's to word). Opens its library.
  const OpsetPlugin* opset(int version);
  std::vector<int> available_opsets() const;   // from manifests, without opening anything
  std::vector<PassEntry> passes(std::string_view stage);
  // Schema strings that manifests give for custom operators.
  std::vector<std::string> custom_schemas() const;
  // Custom domains and their versions: the largest a used plugin declares.
  std::optional<int> domain_version(std::string_view domain) const;
  // Operator names in any manifest nearest to `torch_op`, for "did you mean".
  std::vector<std::string> similar(std::string_view torch_op) const;

  std::vector<PluginInfo> list() const;
  std::vector<WhichInfo> which(std::string_view torch_op, int opset);
  std::vector<std::string> used_plugins() const;  // ids whose libraries were opened or manifests mapped something
  const std::vector<Diagnostic>& notes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace onnxport
