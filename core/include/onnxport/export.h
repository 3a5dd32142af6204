// The C++ API: what the command line does, in one call.
//
//   onnxport::ExportOptions options;
//   options.inputs = {"x:f32[batch,3,224,224]"};
//   onnxport::ExportResult result = onnxport::export_file("model.pt", "model.onnx", options);
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "onnxport/errors.h"

namespace onnxport {

enum class Weights { automatic, inline_, external, reference };
enum class Mode { eval, training, preserve };
// What becomes of what the model writes: its own buffers, and tensors of its caller. `error` names each; `io`
// makes each buffer an input (its first value is the default) and both kinds an output NAME.out; `drop`
// leaves the writes out, with a note.
enum class State { error, io, drop };

// Where plugins are looked for, in order: `files`, `paths`, ONNXPORT_PLUGIN_PATH, the user's folder, the
// system's, the built-in ones beside the library.
struct PluginOptions {
  std::vector<std::filesystem::path> files;  // manifests
  std::vector<std::filesystem::path> paths;  // folders
  bool default_paths = true;  // environment, user, system (the built-in folder is always searched)
  bool builtin = true;
  std::vector<std::string> prefer;   // plugin ids that win a conflict
  std::vector<std::string> disable;  // plugin ids to leave out
};

struct VerifyOptions {
  bool enabled = false;
  std::optional<double> rtol;  // default: by element type
  std::optional<double> atol;
  uint64_t seed = 0;
  bool second_size = true;  // also at another size for each dynamic dim
  std::optional<std::filesystem::path>
      expected;  // folder of output_0.pb …; inputs then come from ExportOptions::inputs_dir
  std::optional<std::filesystem::path> write_case;  // write a test_data_set_0 folder here
  // Custom domains whose operators nothing here can run: a node of them is cut out of both sides, which then
  // get the same stand-in for its results. What it reads is still compared; it is reported as not
  // independently checked.
  std::vector<std::string> trusted_domains;
  std::vector<std::filesystem::path> ort_libraries;  // custom-operator libraries for ONNX Runtime
};

struct ExportOptions {
  // "name:dtype[dims]" per input of the model, or "name=3" for an argument fixed to a value. See
  // docs/guide.md.
  std::vector<std::string> inputs;
  std::optional<std::filesystem::path> inputs_dir;  // input_0.pb …: TensorProto, instead of `inputs`
  std::vector<std::string> input_names;             // of the ONNX graph; default: the arguments of forward
  std::vector<std::string> output_names;
  std::map<std::string, std::map<int, std::string>>
      dynamic_axes;  // input name -> axis -> dim name, over `inputs`
  // Of an exported program: symbol -> the name it gets ("s77" -> "batch"), or the number it is fixed to.
  std::map<std::string, std::string> dims;
  State state = State::error;
  int opset = 20;
  std::optional<int> ir_version;  // default: what the opset's ONNX release wrote
  Mode mode = Mode::eval;
  bool export_params = true;  // false: parameters become graph inputs
  bool keep_initializers_as_inputs = false;
  bool constant_folding = true;
  bool freeze = false;                   // fold attributes of the module as torch.jit.freeze does
  bool strip = false;                    // no provenance, no doc strings
  Weights weights = Weights::automatic;  // automatic: external above 1 GiB of weights, inline below
  uint64_t external_threshold = 1024;    // bytes; smaller initializers stay inline
  PluginOptions plugins;
  std::vector<std::filesystem::path> torch_libraries;  // kernels of custom operators, loaded before the model
  VerifyOptions verify;
  bool dry_run = false;  // stop after translate; report operators and who maps them
  bool overwrite = true;
  // Called with a stage ("capture", "translate", …) and a fraction of the whole; may be empty.
  std::function<void(std::string_view stage, double fraction)> progress;
};

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

struct ExportResult {
  ExportReport report;
  std::vector<std::byte> model;  // of export_to_memory
};

#pragma GCC visibility push(default)

// Exports a .pt or .pt2 file. Writes `output` and, with external weights, `output`.data beside it; either all
// or nothing is written. Throws Error. May be called from many threads.
ExportResult export_file(const std::filesystem::path& model, const std::filesystem::path& output,
                         const ExportOptions& options = {});
// The model's bytes; weights are inline (Error S702 above 2 GiB).
ExportResult export_to_memory(const std::filesystem::path& model, const ExportOptions& options = {});
// The model's bytes in pieces, in order, as they are made.
ExportResult export_to_callback(const std::filesystem::path& model,
                                const std::function<void(std::span<const std::byte>)>& sink,
                                const ExportOptions& options = {});
// Compares an exported file with its model. Throws Error V801 on a mismatch.
ExportReport verify_files(const std::filesystem::path& model, const std::filesystem::path& onnx,
                          const ExportOptions& options = {});
// The graph as text. `model`: .pt or .onnx; `after`: "capture", "prepare", "translate", "legalize" (a .onnx
// has no stages).
std::string show(const std::filesystem::path& model, std::string_view after,
                 const ExportOptions& options = {});

// One plugin as `plugin list` shows it.
struct PluginInfo {
  std::string id, version, publisher, tier, state, reason;  // state: active, shadowed, disabled, broken
  std::filesystem::path manifest;
  size_t mappings = 0;
  std::vector<int> opsets;
};
std::vector<PluginInfo> list_plugins(const PluginOptions& options = {});

// Who maps a torch operator at a target opset: the candidates in order, the winner first, each with its
// reason.
struct WhichInfo {
  std::string plugin, entry, reason;
  bool wins = false;
};
std::vector<WhichInfo> which(std::string_view torch_op, int opset, const PluginOptions& options = {});

#pragma GCC visibility pop

}  // namespace onnxport
