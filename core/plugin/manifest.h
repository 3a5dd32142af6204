// What a plugin says of itself, and the mappings that need no library: *.onnxport.yaml, read strictly. The
// grammar is sdk/schema/manifest.schema.json, explained in docs/plugins.md. A half-valid manifest cannot
// exist as a value.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/ir/custom_classes.h"
#include "core/ir/schema.h"
#include "core/plugin/trust.h"
#include "core/plugin/version.h"
#include "onnxport/errors.h"

namespace onnxport {

inline constexpr int kManifestVersion = 1;

// An ONNX attribute of a one-to-one mapping: an argument of the operator, or a value.
struct ManifestAttribute {
  using Literal = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>,
                               std::vector<std::string>>;
  std::string name;
  std::string argument;  // empty: the literal
  Literal literal;
};

// The type of one output of a node, from the arguments.
struct ManifestResult {
  std::string like;                               // argument name; empty: none
  std::string dtype;                              // "f32"; empty: none
  std::optional<std::vector<std::string>> shape;  // sizes: "3", "x.0", "2*x.1 + 1"
};

// A mapping without a library, checked.
struct ManifestMapping {
  std::string torch_op;              // qualified name
  std::optional<ir::Schema> schema;  // when the text gives one; else the model's is used
  int min_opset = 0, max_opset = 0;  // target opsets; 0: no bound
  // one-to-one
  std::string onnx_domain, onnx_op;
  std::optional<std::vector<std::string>> inputs;  // argument names; default: every tensor argument
  std::vector<ManifestAttribute> attributes;
  // as a function
  std::string function_text;  // "(x) => (y) {...}", wrapped by the host
  int function_opset = 0;     // 0: the pivot
  bool keep_function = false;
  // what a custom-domain node results in: one for each output; empty when the manifest does not say
  std::vector<ManifestResult> results;
  Location place;  // in the manifest

  bool is_function() const { return !function_text.empty(); }
};

// When a pass runs: at the pivot before constants are folded, at the pivot after it, at the target opset.
enum class PassStage : uint8_t { translate, optimize, target };

// What a value of a pattern must be, beside standing where it stands.
struct ValueCondition {
  std::string value;      // its name in the pattern
  bool optional = false;  // an input of the pattern that the matched node may leave out
  std::optional<bool> constant;
  std::vector<int> ranks;                        // one of these; empty: any
  std::vector<ir::DType> dtypes;                 // one of these; empty: any
  std::optional<std::vector<std::string>> dims;  // "?", a number, or a name: equal names are equal sizes
  std::optional<double> number;                  // the one element of a constant
  double tolerance = 0;    // relative above 1, absolute below; 0: as the element type has it
  std::string same_shape;  // another value's name
};

// What an attribute that the pattern captures ("@axis") must be: one of these.
struct AttributeCondition {
  std::string attribute;
  std::vector<ManifestAttribute::Literal> allowed;
};

// The type of a value of the replacement that nothing else tells: the result of a node of a custom domain.
struct ValueType {
  std::string value;
  std::string like;                               // a value of the pattern; empty: none
  ir::DType dtype = ir::DType::undefined;         // undefined: that of `like`
  std::optional<std::vector<std::string>> shape;  // "3", "x.0", "2*x.1 + 1"; none: that of `like`
};

// One pattern and what takes its place, checked.
struct ManifestRule {
  std::string pattern, replacement;  // ONNX text
  std::vector<ValueCondition> values;
  std::vector<AttributeCondition> attributes;
  std::vector<ValueType> types;
  int min_opset = 0, max_opset = 0;  // target opsets; 0: no bound
  Location place;                    // in the manifest
};

// A named set of rewrites.
struct ManifestPass {
  std::string name;
  std::string description;
  std::optional<PassStage> stage;  // none: the library says it
  bool on_by_default = false;
  // What must be so for it to run.
  bool needs_folding = false;       // constants are folded
  bool needs_weights = false;       // weights are part of the file and may be rewritten
  bool needs_eval = false;          // the model is exported for inference
  std::vector<ManifestRule> rules;  // empty: they are in the library
  Location place;

  bool is_in_library() const { return rules.empty(); }
};

struct Manifest {
  struct Library {
    std::filesystem::path path;  // inside the manifest's folder
    std::string sha256;          // lower case; empty: not given
    Location place;
  };
  struct GivenSchema {
    ir::Schema schema;
    Location place;
  };
  // A target that the plugin is for, and the opsets of ai.onnx that it takes.
  struct TargetRange {
    int min_opset = 1, max_opset = 1000;
    Location place;
  };
  struct Requirement {
    std::string id;
    std::string range;
    Location place;
  };

  std::filesystem::path file;
  std::string text;  // of the file as it was read
  std::string id, name, version, publisher, license, url, description;
  Trust trust = Trust::of_process();  // whose library it may be
  int abi_major = 1, abi_minor = 0;
  Location abi_place;
  std::map<std::string, Library, std::less<>> libraries;  // by platform
  std::string onnxport_range;
  std::vector<Requirement> plugins;
  std::vector<std::string> ops;
  std::map<std::string, int, std::less<>> domains;
  std::vector<int> opsets;                                             // of ai.onnx
  std::map<std::string, std::vector<int>, std::less<>> domain_opsets;  // of other domains
  std::vector<ManifestPass> passes;
  std::vector<GivenSchema> schemas;
  std::vector<ir::CustomClass> classes;  // that its operators take objects of
  std::vector<ManifestMapping> mappings;
  std::vector<std::string> overrides;  // operators or plugin ids
  bool only_when_asked = false;  // its mappings are asked only for targets that prefer or require the plugin
  std::map<std::string, TargetRange, std::less<>> targets;  // by name: "com.acme.npu"
  std::vector<std::filesystem::path> profiles;              // inside the manifest's folder

  // Whether a library of this plugin may register that operator: by its name, or by the name of all its overloads.
  bool promises(std::string_view torch_op) const;
  // Whether that opset is listed; "" is ai.onnx.
  bool promises_opset(std::string_view domain, int version) const;
  // Whether operators of the domain are the plugin's own: it lists the domain, or an opset of it.
  bool serves_domain(std::string_view domain) const;
  // The pass of that name; null when there is none.
  const ManifestPass* find_pass(std::string_view pass_name) const;
  bool overrides_op(std::string_view torch_op) const;
  bool overrides_plugin(std::string_view plugin_id) const;
};

// "ns::name" of "ns::name.default", the name that torch.export prints for the default overload; any other as it is.
std::string_view without_default(std::string_view torch_op);
// "ns::name" of "ns::name.overload".
std::string_view without_overload(std::string_view torch_op);
// The platform this library was built for: "linux_amd64".
std::string_view current_platform();

// Throw Error with every mistake found, M1xx.
Manifest parse_manifest(std::string_view text, const std::filesystem::path& file);
Manifest read_manifest(const std::filesystem::path& file);

}  // namespace onnxport
