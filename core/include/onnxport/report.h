// What is told afterwards: of an export, of a comparison, of the plugins that were found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "onnxport/errors.h"

namespace onnxport {

// One torch operator of the model and who takes it.
struct OperatorReport {
  std::string torch_op;
  size_t count = 0;
  std::string plugin;  // id, "decomposed" for one that became smaller operators, empty when unsupported
  std::vector<std::string> reasons;  // why not, when unsupported
};

// A pass of a plugin that is on, and what it did.
struct PassReport {
  std::string plugin, pass;
  std::string stage;         // "translate", "optimize", "target"
  size_t rewrites = 0;       // places where one of its rules rewrote the graph
  size_t nodes_removed = 0;  // by these rewrites
  size_t nodes_added = 0;
  std::string skipped;  // why it did not run; empty when it did
};

// Nodes that were rewritten because the target does not take them as they were.
struct TargetChange {
  std::string rule;           // "through-cast", "expand"
  std::string operator_name;  // "Conv", "com.acme::Npu"
  std::string reason;         // "bf16 is not taken: computed in f32"
  size_t count = 0;           // nodes
};

struct VerifyRun {
  std::map<std::string, int64_t> sizes;  // of the dynamic dims
  bool passed = false;
  double max_abs_error = 0;
  double max_rel_error = 0;
  std::string first_diverging_node;  // empty when passed
  std::string message;
};

// Of capture and prepare, which are paid once for all targets.
struct CaptureReport {
  std::vector<Diagnostic> diagnostics;  // notes and warnings; errors are thrown
  std::vector<std::pair<std::string, double>> stage_seconds;
};

struct ExportReport {
  std::string profile;                  // that the target is made of; empty: of none
  std::vector<Diagnostic> diagnostics;  // notes and warnings; errors are thrown
  std::vector<OperatorReport> operators;
  std::map<std::string, size_t> node_counts;  // of the written graph
  std::vector<std::string> plugins_used;
  std::vector<PassReport> passes;  // of plugins, in the order they ran
  std::vector<TargetChange> target_changes;
  std::vector<std::string> inputs;  // "x: f32[batch,3]"
  std::vector<std::string> outputs;
  // With State::io: the input and the output of each state; no input where the model writes before it reads.
  std::vector<std::pair<std::string, std::string>> states;
  int opset = 0;
  int ir_version = 0;
  size_t parameter_count = 0;
  uint64_t weight_bytes = 0;
  std::vector<VerifyRun> verify_runs;
  std::vector<std::string> not_independently_checked;  // operators whose kernels are absent
  std::vector<std::pair<std::string, double>> stage_seconds;
};

// One opset that an ONNX file is asked to be written at.
struct OpsetReach {
  int opset = 0;
  std::vector<Diagnostic> blockers;  // empty: it can be
};

struct ReachReport {
  int opset = 0;                   // of the file
  std::vector<OpsetReach> opsets;  // ascending
};

// One manifest as `plugin list` shows it.
struct PluginInfo {
  std::string id;  // the file's name where the manifest could not be read
  std::string version, publisher;
  std::string tier;  // explicit, path, environment, user, system, built-in
  // active; shadowed (another of its id comes first); disabled; refused (others could write it, or it takes a
  // name that is reserved); ambiguous (two of one id in one folder); broken (the manifest, its library, or
  // what it requires).
  std::string state;
  std::string code;     // of what is wrong: M101, L203, A301, …; empty when nothing is
  std::string reason;   // in words
  bool locked = false;  // a lock file lists it, and it is the one that is listed
  std::filesystem::path manifest;
  std::filesystem::path library;  // of this platform; empty when it has none
  size_t mappings = 0;
  std::vector<int> opsets;
  std::vector<std::string> passes;
};

// One operator that a plugin maps: by its library, by a node ("com.acme::Swish") or by a function.
struct PluginOperator {
  std::string torch_op;
  std::string by;
  int min_opset = 0;  // target opsets, as far as the manifest says; 0: no bound
  int max_opset = 0;
};

// Everything a manifest says, as `plugin inspect` shows it.
struct PluginDetails : PluginInfo {
  std::string name, license, url, description, abi;
  std::string manifest_sha256;
  std::string library_sha256;  // of the file; empty when there is none
  std::vector<PluginOperator> operators;
  std::vector<std::string> schemas;
  std::vector<std::string> domains;       // "com.acme 2"
  std::vector<std::string> requirements;  // "onnxport >=0.1", "com.acme.base >=2"
  std::vector<std::string> overrides;
};

// A folder where manifests were looked for: "3 manifests", "absent", "refused: …".
struct PluginFolder {
  std::filesystem::path folder;
  std::string tier;
  std::string state;
};

struct PluginListing {
  std::vector<PluginInfo> plugins;  // in order of precedence
  std::vector<PluginFolder> folders;
  std::vector<Diagnostic> notes;
};

// What a lock file was written of.
struct LockedPlugins {
  std::vector<std::string> ids;
  std::vector<Diagnostic> left_out;  // plugins that cannot be used, and why
};

// One candidate for a torch operator, as `plugin which` shows it.
struct WhichInfo {
  std::string plugin, entry, reason;
  bool wins = false;
  std::optional<Diagnostic> problem;  // why it is in conflict or cannot be used
};

}  // namespace onnxport
