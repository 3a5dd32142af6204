#include "core/session/pipeline.h"

#include <algorithm>
#include <array>

#include "core/capture/exported_program/capture.h"
#include "core/capture/exported_program/sample_inputs.h"
#include "core/host/host.h"
#include "core/legalize/legalize.h"
#include "core/passes/passes.h"
#include "core/prepare/prepare.h"
#include "core/session/input_spec.h"
#include "core/translate/translate.h"

namespace onnxport {
namespace {

constexpr std::array<std::string_view, 4> kStages = {"capture", "prepare", "translate", "legalize"};

bool has_extension(const std::filesystem::path& file, std::string_view extension) {
  return file.extension() == extension;
}

}  // namespace

Pipeline::Pipeline(std::filesystem::path model, const ExportOptions& options)
    : model_(std::move(model)), options_(options), registry_(options.plugins, plugin_host()) {
  check_opset();
  asked_ = read_inputs(options_, symbols_);
  // A program brings the sizes it was made with.
  if (!is_exported_program()) give_default_sizes(symbols_);
  inputs_ = asked_;
}

void Pipeline::check_opset() {
  const std::vector<int> have = registry_.available_opsets();
  if (std::find(have.begin(), have.end(), options_.opset) != have.end()) return;
  std::string list;
  for (int v : have) list += (list.empty() ? "" : ", ") + std::to_string(v);
  throw Error("O605", "no plugin offers opset " + std::to_string(options_.opset), {},
              have.empty() ? "no opset plugin was found: onnxport plugin list shows where was looked"
                           : "offered: " + list);
}

void Pipeline::stage(std::string_view name, double fraction, const std::function<void()>& work) {
  if (options_.progress) options_.progress(name, fraction);
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  report_.stage_seconds.emplace_back(std::string(name), took.count());
}

CaptureOptions Pipeline::capture_options() const {
  CaptureOptions out;
  out.inputs = asked_;
  out.symbols = symbols_;
  out.dims = options_.dims;
  out.freeze = options_.freeze;
  out.training = options_.mode == Mode::training;
  out.preserve_mode = options_.mode == Mode::preserve;
  out.libraries = options_.torch_libraries;
  out.schemas = registry_.custom_schemas();
  // Once, and only where weights become a part of what is written.
  out.check_weights = done_ == 0 && !options_.dry_run && options_.weights != Weights::reference;
  return out;
}

void Pipeline::capture() {
  std::error_code error;
  if (!std::filesystem::exists(model_, error)) {
    throw Error("I101", "no such file: " + model_.string(), {}, "check the path");
  }
  if (!options_.dims.empty() && !is_exported_program()) {
    throw Error("I107", "--dim names the symbols of an exported program, and this is none", {},
                "name the dims in --input, for example x:f32[batch=2,3]");
  }
  if (has_extension(model_, ".onnx")) {
    throw Error("I108", model_.string() + " is an ONNX file already", {},
                "export takes a TorchScript .pt or an exported program .pt2");
  }
  Captured captured = capture_model();
  torch_ = std::move(captured.graph);
  weights_checked_ = std::move(captured.weights_checked);
  for (Diagnostic& note : captured.notes) report_.diagnostics.push_back(std::move(note));
  const auto rename = [](std::vector<std::string>& names, const std::vector<std::string>& wanted,
                         const char* what) {
    if (wanted.empty()) return;
    if (wanted.size() > names.size()) {
      throw Error("I109", std::to_string(wanted.size()) + " " + what + " names are given for " +
                              std::to_string(names.size()) + " " + what + "s");
    }
    std::copy(wanted.begin(), wanted.end(), names.begin());
    std::vector<std::string> sorted = names;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end())
      throw Error("I109", std::string(what) + " name '" + *twice + "' is used twice");
  };
  if (is_exported_program()) inputs_ = inputs_of(*torch_, {});
  rename(torch_->input_names, options_.input_names, "input");
  rename(torch_->output_names, options_.output_names, "output");
}

std::unique_ptr<ir::Graph> Pipeline::capture_again() {
  std::unique_ptr<ir::Graph> graph = capture_model().graph;
  // The arguments the program was exported with make better examples than random ones.
  if (is_exported_program()) inputs_ = inputs_of(*graph, sample_inputs_of(model_, *graph));
  add_written_states(*graph);
  return graph;
}

// The model as captured writes its states in place: what they hold after a call are further results of it.
void Pipeline::add_written_states(ir::Graph& graph) {
  if (options_.state != State::io) return;
  const ir::Graph& prepared = run_until("prepare");  // or what it has become since
  for (const ir::Graph::KeptState& state : prepared.states) {
    ir::Value* value = nullptr;
    if (!state.first) {  // an input, which may have another name by now
      const auto name = std::find(prepared.input_names.begin(), prepared.input_names.end(), state.input);
      const auto at = static_cast<size_t>(name - prepared.input_names.begin());
      if (at < graph.body().parameters().size()) value = graph.body().parameters()[at];
    }
    for (ir::Value* v : graph.initializers()) {
      if (state.first && v->name() == state.buffer) value = v;
    }
    for (ir::Node* node : graph.body()) {  // an attribute is set, not written
      const auto* name = node->op() == "prim::SetAttr" ? node->attribute_as<std::string>("name") : nullptr;
      if (name != nullptr && *name == state.buffer) value = node->operand(0);
    }
    if (value == nullptr) continue;
    graph.body().add_result(value);
    graph.output_names.push_back(state.output);
  }
}

bool Pipeline::is_exported_program() const { return has_extension(model_, ".pt2"); }

Captured Pipeline::capture_model() const {
  return is_exported_program() ? capture_exported_program(model_, capture_options())
                               : torch_interface().capture_torchscript(model_, capture_options());
}

// A program knows its inputs; what was asked for only names their dims or gives examples.
std::vector<InputSpec> Pipeline::inputs_of(const ir::Graph& graph,
                                           const std::vector<std::optional<ir::Tensor>>& samples) const {
  std::vector<InputSpec> out;
  const bool positional =
      std::all_of(asked_.begin(), asked_.end(), [](const InputSpec& s) { return s.name.empty(); });
  for (size_t i = 0; i < graph.input_names.size(); ++i) {
    InputSpec spec;
    spec.name = graph.input_names[i];
    spec.type = graph.body().parameters()[i]->type();
    for (size_t j = 0; j < asked_.size(); ++j) {
      if (positional ? j == i : asked_[j].name == spec.name) spec.example = asked_[j].example;
    }
    if (!spec.example && i < samples.size()) spec.example = samples[i];
    out.push_back(std::move(spec));
  }
  return out;
}

PassOptions Pipeline::pass_options() const {
  PassOptions out;
  out.constant_folding = options_.constant_folding;
  out.weights_stay = options_.weights == Weights::reference;
  out.fold_weights = false;
  return out;
}

void Pipeline::translate_and_optimize() {
  TranslateOptions options;
  options.target_opset = options_.opset;
  options.training = options_.mode == Mode::training;
  options.dry_run = options_.dry_run;
  Translated translated = translate(*torch_, registry_, options);
  onnx_ = std::move(translated.graph);
  report_.operators = std::move(translated.operators);
  for (Diagnostic& note : translated.notes) report_.diagnostics.push_back(std::move(note));
  torch_.reset();
  if (options_.dry_run) return;
  PassOptions passes = pass_options();
  passes.fold_weights = options_.constant_folding && !passes.weights_stay && options_.export_params &&
                        options_.mode == Mode::eval;
  run_passes(*onnx_, registry_, passes);
}

void Pipeline::legalize_to_target() {
  legalize(*onnx_, options_.opset, registry_, report_.diagnostics);
  run_final_passes(*onnx_, registry_, pass_options());
  std::vector<Diagnostic> illegal = check_legality(*onnx_, options_.opset, registry_);
  if (!illegal.empty()) throw Error(std::move(illegal));
  if (!options_.export_params) parameters_to_inputs();
  give_states_their_defaults();
}

// Until here a state was an input like any other, so that no pass took its first value for a constant.
void Pipeline::give_states_their_defaults() {
  for (const ir::Graph::KeptState& state : onnx_->states) {
    const auto name = std::find(onnx_->input_names.begin(), onnx_->input_names.end(), state.input);
    if (!state.first || name == onnx_->input_names.end()) continue;
    const auto at = static_cast<size_t>(name - onnx_->input_names.begin());
    ir::Value* input = onnx_->body().parameters()[at];
    input->replace_all_uses_with(onnx_->add_initializer(state.input, *state.first));
    onnx_->body().remove_parameter(at);
    onnx_->input_names.erase(name);
  }
}

void Pipeline::parameters_to_inputs() {
  const std::vector<ir::Value*> all(onnx_->initializers().begin(), onnx_->initializers().end());
  for (ir::Value* v : all) {
    // Weights carry their state_dict names; constants of the program have none and stay inside.
    if (v->name().empty() || !v->has_uses()) continue;
    ir::Value* input = onnx_->add_input(v->name().text(), v->type());
    onnx_->input_names.emplace_back(v->name().text());
    v->replace_all_uses_with(input);
  }
  onnx_->remove_unused_initializers();
}

// An operator nobody maps may be one of a plugin that is broken: that is worth saying beside it.
Error Pipeline::with_warnings(const Error& error) const {
  std::vector<Diagnostic> all = error.diagnostics();
  if (!all.front().code.starts_with('T')) return error;
  for (Diagnostic& note : registry_.notes()) {
    if (note.severity == Severity::warning) all.push_back(std::move(note));
  }
  return Error(std::move(all));
}

ir::Graph& Pipeline::after(std::string_view name) {
  try {
    return run_until(name);
  } catch (const Error& error) {
    throw with_warnings(error);
  }
}

ir::Graph& Pipeline::run_until(std::string_view name) {
  const auto wanted = std::find(kStages.begin(), kStages.end(), name);
  if (wanted == kStages.end()) {
    throw Error("I113", "no stage '" + std::string(name) + "'", {},
                "capture, prepare, translate or legalize");
  }
  const int until = static_cast<int>(wanted - kStages.begin()) + 1;
  while (done_ < until) {
    switch (done_) {
      case 0:
        stage("capture", 0.0, [&] { capture(); });
        break;
      case 1:
        stage("prepare", 0.3, [&] { prepare(*torch_, options_.state, report_.diagnostics); });
        break;
      case 2:
        stage("translate", 0.4, [&] { translate_and_optimize(); });
        break;
      default:
        stage("legalize", 0.6, [&] { legalize_to_target(); });
        break;
    }
    ++done_;
  }
  return done_ <= 2 ? *torch_ : *onnx_;
}

SerializeOptions Pipeline::serialize_options() const {
  SerializeOptions out;
  out.ir_version = options_.ir_version.value_or(0);
  out.weights = options_.weights;
  out.external_threshold = options_.external_threshold;
  out.strip = options_.strip;
  out.keep_initializers_as_inputs = options_.keep_initializers_as_inputs;
  out.source_model = model_;
  if (weights_checked_.valid()) out.before_publish = [checked = weights_checked_] { checked.get(); };
  return out;
}

void Pipeline::finish_report() {
  report_.opset = options_.opset;
  report_.ir_version = options_.ir_version.value_or(ir_version_of_opset(options_.opset));
  report_.plugins_used = registry_.used_plugins();
  for (const Diagnostic& note : registry_.notes()) report_.diagnostics.push_back(note);
  if (onnx_ == nullptr) return;
  ir::for_each_node(onnx_->body(),
                    [&](ir::Node* node) { ++report_.node_counts[std::string(node->op_text())]; });
  for (const ir::Value* v : onnx_->initializers()) {
    if (v->name().empty()) continue;
    report_.parameter_count += static_cast<size_t>(v->constant()->count());
    report_.weight_bytes += v->constant()->bytes().size();
  }
  for (const ir::Graph::KeptState& state : onnx_->states)
    report_.states.emplace_back(state.input, state.output);
  const auto describe = [](const std::string& name, const ir::Value* v) {
    return name + ": " + v->type().text();
  };
  for (size_t i = 0; i < onnx_->body().parameters().size() && i < onnx_->input_names.size(); ++i) {
    report_.inputs.push_back(describe(onnx_->input_names[i], onnx_->body().parameters()[i]));
  }
  for (size_t i = 0; i < onnx_->body().result_count() && i < onnx_->output_names.size(); ++i) {
    report_.outputs.push_back(describe(onnx_->output_names[i], onnx_->body().result(i)));
  }
}

}  // namespace onnxport
