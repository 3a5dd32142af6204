#include "core/cli/arguments.h"

#include <charconv>
#include <map>

namespace onnxport::cli {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  size_t start = 0;
  for (size_t end = 0; end != std::string::npos; start = end + 1) {
    end = text.find(separator, start);
    out.push_back(text.substr(start, end == std::string::npos ? std::string::npos : end - start));
  }
  return out;
}

// "x:0=batch,2=height"
void read_dynamic_axes(const std::string& text, ExportOptions& options) {
  const auto refuse = [&] {
    throw Error("I111", "--dynamic-axes '" + text + "' is not of the form name:axis=dim[,axis=dim]", {},
                "for example --dynamic-axes x:0=batch,2=height");
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) refuse();
  auto& axes = options.dynamic_axes[text.substr(0, colon)];
  for (const std::string& item : split(text.substr(colon + 1), ',')) {
    const size_t equals = item.find('=');
    int axis = 0;
    const char* end = item.data() + std::min(equals, item.size());
    const auto [stop, error] = std::from_chars(item.data(), end, axis);
    if (equals == std::string::npos || error != std::errc() || stop != end || equals + 1 == item.size())
      refuse();
    axes[axis] = item.substr(equals + 1);
  }
}

// "s77=batch": what an option says of one thing each, once.
struct PairOption {
  const char *name, *code, *form, *example, *what;
};
constexpr PairOption kDim = {"--dim", "I111", "SYMBOL=NAME or SYMBOL=NUMBER",
                             "for example --dim s77=batch; onnxport show MODEL.pt2 shows its symbols",
                             "symbol"};
constexpr PairOption kFunction = {"--function", "S716", "MODULE=NAME",
                                  "for example --function encoder.layers.*=com.acme.models::Layer", "module"};

void read_pair(const std::string& text, const PairOption& option, std::map<std::string, std::string>& out) {
  const size_t equals = text.find('=');
  const std::string name = option.name;
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw Error(option.code, name + " '" + text + "' is not of the form " + option.form, {}, option.example);
  if (!out.emplace(text.substr(0, equals), text.substr(equals + 1)).second)
    throw Error(option.code, name + " names '" + text.substr(0, equals) + "' twice", {},
                std::string("name each ") + option.what + " once");
}

}  // namespace

void Arguments::apply() {
  for (const CLI::Option* option : paths) {  // an empty one is a variable of a shell that was not set
    if (option->count() != 0 && option->results().back().empty())
      throw Error("S705", option->get_name() + " is given an empty name", {}, "name a file, or leave it out");
  }
  static const std::map<std::string, Weights> weight_names = {{"auto", Weights::automatic},
                                                              {"inline", Weights::inline_},
                                                              {"external", Weights::external},
                                                              {"reference", Weights::reference}};
  static const std::map<std::string, Mode> modes = {
      {"eval", Mode::eval}, {"training", Mode::training}, {"preserve", Mode::preserve}};
  options.weights = weight_names.at(weights);
  static const std::map<std::string, State> states = {
      {"error", State::error}, {"io", State::io}, {"drop", State::drop}};
  options.mode = modes.at(mode);
  options.state = states.at(state);
  for (const std::string& text : dims) read_pair(text, kDim, options.dims);
  for (const std::string& text : functions) read_pair(text, kFunction, options.functions);
  for (const std::string& text : dynamic_axes) read_dynamic_axes(text, options);
  for (const std::string& folders : plugin_path) {
    for (const std::string& folder : split(folders, ':')) {
      if (!folder.empty()) options.plugins.paths.emplace_back(folder);
    }
  }
}

CLI::Option* switch_off(CLI::App& command, const std::string& flag, bool& value, const std::string& text) {
  return command.add_flag_callback(
      flag, [&value] { value = false; }, text);
}

void add_example_options(CLI::App& command, Arguments& a) {
  auto* group = "Inputs";
  command
      .add_option(
          "-i,--input", a.options.inputs,
          "An input of the model, repeatable: x:f32[batch=2,3,224,224]; n:i64[] is a number, n=3 fixes it")
      ->group(group)
      ->type_name("NAME:DTYPE[DIMS]")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option("--inputs", a.options.inputs_dir,
                  "A folder of input_0.pb, input_1.pb … (TensorProto) as example inputs")
      ->group(group)
      ->type_name("DIR");
}

void add_input_options(CLI::App& command, Arguments& a) {
  add_example_options(command, a);
  auto* group = "Inputs";
  command
      .add_option("--dynamic-axes", a.dynamic_axes,
                  "Make axes of inputs dynamic by number, over --input and --inputs; name sizes of outputs")
      ->group(group)
      ->type_name("NAME:AXIS=DIM,…")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option("--dim", a.dims,
                  "Name a symbol of an exported program, or fix its size: s77=batch, s77=8; repeatable")
      ->group(group)
      ->type_name("SYMBOL=NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option(
          "--state", a.state,
          "What becomes of buffers and inputs the model writes: error (default) refuses buffers, io makes "
          "inputs and outputs of them, drop leaves the writes out")
      ->group(group)
      ->check(CLI::IsMember({"error", "io", "drop"}));
  command
      .add_option("--torch-library", a.options.torch_libraries,
                  "Load kernels of custom operators before the model")
      ->group(group)
      ->type_name("LIB")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option("--mode", a.mode,
                  "How the model is captured: eval (default), training, or preserve what the file says")
      ->group(group)
      ->check(CLI::IsMember({"eval", "training", "preserve"}));
  command
      .add_option("--method", a.options.method,
                  "The method of a TorchScript model that is exported (default: forward)")
      ->group(group)
      ->type_name("NAME");
  command
      .add_flag("--freeze", a.options.freeze, "Fold the module's attributes first, as torch.jit.freeze does")
      ->group(group);
}

// "com.acme.ops:level=7".
void read_plugin_options(const std::vector<std::string>& all, Arguments& a) {
  for (const std::string& text : all) {
    const size_t colon = text.find(':'), equals = text.find('=', colon == std::string::npos ? 0 : colon);
    if (colon == std::string::npos || equals == std::string::npos || colon == 0 || equals == colon + 1)
      throw CLI::ValidationError("--plugin-option", "expected ID:NAME=VALUE, not '" + text + "'");
    a.options.plugins.options[text.substr(0, colon)][text.substr(colon + 1, equals - colon - 1)] =
        text.substr(equals + 1);
  }
}

void add_plugin_options(CLI::App& command, Arguments& a) {
  auto* group = "Plugins";
  command.add_option("--plugin", a.options.plugins.files, "A manifest (*.onnxport.yaml) to use, repeatable")
      ->group(group)
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option("--plugin-path", a.plugin_path,
                  "Folders to look for manifests in, separated by ':'; repeatable")
      ->group(group)
      ->type_name("DIRS")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--prefer", a.options.plugins.prefer, "The plugin that wins where two map one operator")
      ->group(group)
      ->type_name("ID")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option("--disable-plugin", a.options.plugins.disable,
                  "Leave a plugin out (* stands for any text: 'com.acme.*'), repeatable")
      ->group(group)
      ->type_name("ID")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  a.paths.push_back(command
                        .add_option("--plugin-lock", a.options.plugins.lock,
                                    "Use no plugin but those of this lock file (`onnxport plugin lock`), as "
                                    "they are there")
                        ->group(group)
                        ->type_name("FILE"));
  command
      .add_option_function<std::vector<std::string>>(
          "--plugin-option", [&a](const std::vector<std::string>& all) { read_plugin_options(all, a); },
          "What a plugin reads as its own option, repeatable")
      ->group(group)
      ->type_name("ID:NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  switch_off(command, "--no-default-plugin-paths", a.options.plugins.default_paths,
             "Do not look in the environment's, the user's and the system's folders")
      ->group(group);
}

void add_pass_options(CLI::App& command, Arguments& a) {
  auto* group = "Plugins";
  command
      .add_option("--pass", a.options.passes,
                  "A pass to run although it is off by default (its name, or a plugin's id for all of its), "
                  "repeatable")
      ->group(group)
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--disable-pass", a.options.disable_passes, "A pass to leave out, repeatable")
      ->group(group)
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_comparison_options(CLI::App& command, Arguments& a) {
  auto* group = "Verification";
  command.add_option("--rtol", a.options.verify.rtol, "Relative tolerance (default: by element type)")
      ->group(group);
  command.add_option("--atol", a.options.verify.atol, "Absolute tolerance (default: by element type)")
      ->group(group);
  command.add_option("--seed", a.options.verify.seed, "Seed of the random inputs")->group(group);
  switch_off(command, "--one-size", a.options.verify.second_size,
             "Do not run at a second size of the dynamic dims")
      ->group(group);
  command
      .add_option("--ort-library", a.options.verify.ort_libraries,
                  "A custom-operator library for ONNX Runtime")
      ->group(group)
      ->type_name("LIB")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  a.paths.push_back(command
                        .add_option("--write-case", a.options.verify.write_case,
                                    "Write inputs and outputs as an ONNX test case here")
                        ->group(group)
                        ->type_name("DIR"));
}

void add_tolerance_options(CLI::App& command, Arguments& a) {
  add_comparison_options(command, a);
  auto* group = "Verification";
  command
      .add_option("--expected", a.options.verify.expected,
                  "Compare with output_0.pb … of this folder, inputs from --inputs")
      ->group(group)
      ->type_name("DIR");
  command
      .add_option("--trust", a.options.verify.trusted_domains,
                  "A custom domain nothing here can run: its nodes get stand-in results on both sides")
      ->group(group)
      ->type_name("DOMAIN")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace onnxport::cli
