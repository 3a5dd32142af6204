// What can be asked for: the options of capture, of what is written, of plugins and of verification.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace onnxport {

enum class Weights { automatic, inline_, external, reference };
enum class Mode { eval, training, preserve };
// What becomes of what the model writes: its own buffers, and tensors of its caller. `error` names each; `io`
// makes each buffer an input (its first value is the default) and both kinds an output NAME.out; `drop`
// leaves the writes out, with a note.
enum class State { error, io, drop };

// Where plugins are looked for, in order: `files`, `for_targets`, `paths`, ONNXPORT_PLUGIN_PATH, the user's folder, the
// system's, the built-in ones beside the library.
struct PluginOptions {
  std::vector<std::filesystem::path> files;  // manifests
  // Manifests and folders of them, which only those targets ask that name them too (PluginChoice::files).
  std::vector<std::filesystem::path> for_targets;
  std::vector<std::filesystem::path> paths;  // folders
  bool default_paths = true;  // environment, user, system (the built-in folder is always searched)
  bool builtin = true;
  std::vector<std::string> prefer;   // plugin ids that win a conflict
  std::vector<std::string> disable;  // plugin ids to leave out, * stands for any text
  // A lock file: plugins that it does not list (Error C408), or that are others than those that it lists (C409), are
  // not used; the built-in ones are. Empty: none.
  std::filesystem::path lock;
  // Plugin id -> name -> value: what each plugin is told.
  std::map<std::string, std::map<std::string, std::string>> options;
};

struct VerifyOptions {
  bool enabled = false;
  std::optional<double> rtol;  // default: by element type
  std::optional<double> atol;
  uint64_t seed = 0;
  bool second_size = true;  // also at another size for each dynamic dim
  // Folder of output_0.pb …; inputs then come from ExportOptions::inputs_dir.
  std::optional<std::filesystem::path> expected;
  std::optional<std::filesystem::path> write_case;  // write a test_data_set_0 folder here
  // Custom domains whose operators nothing here can run: a node of them is cut out of both sides, which then get the
  // same stand-in for its results. It, and what it alone reads, is reported as not independently checked.
  std::vector<std::string> trusted_domains;
  std::vector<std::filesystem::path> ort_libraries;  // custom-operator libraries for ONNX Runtime
};

// Called with a stage ("capture", "translate", …) and a fraction of the whole.
using Progress = std::function<void(std::string_view stage, double fraction)>;

// How a model is captured. All that is said here holds for every target the program is written for.
struct ProgramOptions {
  // "name:dtype[dims]" per input of the model, or "name=3" for an argument fixed to a value. See docs/guide.md.
  std::vector<std::string> inputs;
  std::optional<std::filesystem::path> inputs_dir;  // input_0.pb …: TensorProto, instead of `inputs`
  std::vector<std::string> input_names;             // of the ONNX graph; default: the arguments of forward
  std::vector<std::string> output_names;
  // Name -> axis -> dim name: of an input, over `inputs`; of an output, what the file calls a size there that is no number.
  std::map<std::string, std::map<int, std::string>> dynamic_axes;
  // Of an exported program: symbol -> the name it gets ("s77" -> "batch"), or the number it is fixed to.
  std::map<std::string, std::string> dims;
  State state = State::error;
  Mode mode = Mode::eval;
  // Of a TorchScript module: the method that is exported. Error I104 where the model has none of that name.
  std::string method = "forward";
  bool freeze = false;  // fold attributes of the module as torch.jit.freeze does
  std::vector<std::filesystem::path> torch_libraries;  // kernels of custom operators, loaded before the model
  // Keep the graph as it was captured beside the prepared one: verification runs it.
  bool verifiable = true;
  // Compare the checksums of the weights with the archive's while the rest goes on. Only a program whose weights are
  // always referred to in their own file, or never written, can do without.
  bool check_weights = true;
  Progress progress;  // may be empty
};

// Which of a session's plugins a target asks, over what PluginOptions say for all of them. Ids stand for plugins that the
// session found: Error C405 for any other in `prefer` and `disable`.
struct PluginChoice {
  std::vector<std::string> require;  // "ID" or "ID >=1.2": Error C403 when it is not there
  std::vector<std::string> prefer;   // win a conflict, the first before the second
  std::vector<std::string> disable;  // * stands for any text
  std::map<std::string, std::map<std::string, std::string>> options;
  std::vector<std::filesystem::path> files;  // of PluginOptions::for_targets: those that this target asks
  std::filesystem::path lock;                // as PluginOptions::lock, for this target; both hold

  bool empty() const {
    return require.empty() && prefer.empty() && disable.empty() && options.empty() && files.empty() &&
           lock.empty();
  }
};

// What the runtime behind a target takes. What does not fit is rewritten where a rule says how, else it is an error:
// F301 for an operator, F302 for an element type.
struct TargetLimits {
  struct Operator {
    bool taken = true;
    // Type variable of the operator's ONNX schema ("T"; "*": each) -> element types; empty: any.
    std::map<std::string, std::vector<std::string>> types;
  };
  std::vector<std::string> types;             // element types of any value; empty: any
  std::map<std::string, Operator> operators;  // "Conv", "com.acme::Npu", "com.acme::*", "*"; empty: any
  // Element type -> the type to compute in, through Cast, where an operator does not take it.
  std::map<std::string, std::string> compute;
  bool expand = false;               // an operator that is not taken becomes its body, where ONNX defines one
  int min_opset = 0, max_opset = 0;  // of ai.onnx; 0: no bound. Error F203 outside
  std::string stated_by;             // who states that range

  bool empty() const { return types.empty() && operators.empty(); }
};

// What is written, and how.
struct Target {
  std::string profile;  // the name of the profile it is made of, for reports; empty: of none
  int opset = 20;       // of ai.onnx
  // Of other domains: written where the graph uses the domain. Error O605 when no plugin offers that version.
  std::map<std::string, int> domain_opsets;
  std::optional<int> ir_version;  // default: what the opset's ONNX release wrote
  bool export_params = true;      // false: parameters become graph inputs
  bool keep_initializers_as_inputs = false;
  bool constant_folding = true;
  bool strip = false;  // no provenance, no doc strings
  // Module path ("encoder.layers.0", "encoder.layers.*") -> local function ("com.acme.models::Layer"; without a domain:
  // of "modules") that the module's nodes become, and a call of it. Modules with the same nodes share one.
  std::map<std::string, std::string> functions;
  Weights weights = Weights::automatic;  // automatic: external above 1 GiB of weights, inline below
  uint64_t external_threshold = 1024;    // bytes; smaller initializers stay inline
  bool overwrite = true;                 // false: Error S709 when the file exists
  // Passes by name ("fuse-linear"), by plugin id (all of its passes) or by both ("com.acme.ops/fuse-linear"):
  // those to run although their manifests do not say `default: on`, in this order, and those to leave out.
  std::vector<std::string> passes;
  std::vector<std::string> disable_passes;
  PluginChoice plugin_choice;
  TargetLimits limits;
  VerifyOptions verify;  // compared before anything appears under its final name
  Progress progress;     // may be empty
};

// All of one call: how to capture, what to write, with which plugins.
struct ExportOptions : ProgramOptions, Target {
  PluginOptions plugins;
  bool dry_run = false;  // stop after translate; report operators and who maps them
  Progress progress;     // of the whole; those of the two parts are not called
};

}  // namespace onnxport
