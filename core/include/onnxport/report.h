// What is told afterwards: of an export, of a comparison, of the plugins that were found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "onnxport/errors.h"

namespace onnxport {

// One torch operator of the model and who takes it.
struct OperatorReport {
  std::string torch_op;
  size_t count = 0;
  std::string plugin;  // id, "split" for one split into smaller operators, empty when unsupported
  std::vector<std::string> reasons;  // why not, when unsupported
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
  std::vector<Diagnostic> diagnostics;  // notes and warnings; errors are thrown
  std::vector<OperatorReport> operators;
  std::map<std::string, size_t> node_counts;  // of the written graph
  std::vector<std::string> plugins_used;
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

// One plugin as `plugin list` shows it.
struct PluginInfo {
  std::string id, version, publisher, tier, state, reason;  // state: active, shadowed, disabled, broken
  std::filesystem::path manifest;
  size_t mappings = 0;
  std::vector<int> opsets;
};

// One candidate for a torch operator, with the reason for its rank.
struct WhichInfo {
  std::string plugin, entry, reason;
  bool wins = false;
};

}  // namespace onnxport
