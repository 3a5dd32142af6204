#include "core/session/target_run.h"

#include <algorithm>
#include <cmath>

#include "core/fit/fit.h"
#include "core/legalize/legalize.h"
#include "core/serialize/module_functions.h"
#include "core/serialize/scratch_folder.h"
#include "core/session/kept_states.h"
#include "core/session/output_dims.h"
#include "core/translate/translate.h"
#include "core/verify/verify.h"
#include "onnxport/output.h"

namespace onnxport {
namespace {

std::string listed(const std::vector<int>& versions) {
  std::string out;
  for (const int v : versions) out += (out.empty() ? "" : ", ") + std::to_string(v);
  return out;
}

}  // namespace

std::vector<Diagnostic> mismatches(const ExportReport& report, const std::string& who) {
  std::vector<Diagnostic> out;
  for (const VerifyRun& run : report.verify_runs) {
    if (run.passed) continue;
    std::string sizes;
    for (const auto& [name, size] : run.sizes)
      sizes += (sizes.empty() ? " at " : ", ") + name + "=" + std::to_string(size);
    Location place;
    place.node = run.first_diverging_node;
    out.push_back({Severity::error, "V801", who + " differ" + sizes + ": " + run.message, place,
                   "onnxport show MODEL --after legalize shows the graph; tolerances: --rtol, --atol"});
  }
  return out;
}

void check_tolerances(const VerifyOptions& options) {
  for (const std::optional<double>& tolerance : {options.rtol, options.atol}) {
    if (!tolerance || (std::isfinite(*tolerance) && *tolerance >= 0)) continue;
    throw Error("I114", "a tolerance of " + std::to_string(*tolerance) + " compares nothing", {},
                "give a finite number that is not below 0, or leave it out");
  }
}

// What the target's own plugin says of it holds whoever asks.
void check_range(const Target& target) {
  const TargetLimits& limits = target.limits;
  const bool above = limits.max_opset != 0 && target.opset > limits.max_opset;
  if (!above && target.opset >= limits.min_opset) return;
  throw Error("F203",
              "opset " + std::to_string(target.opset) + " is not taken by the target" +
                  (target.profile.empty() ? "" : " of the profile " + target.profile) + " (" +
                  limits.stated_by + ")",
              {}, "write opset " + std::to_string(above ? limits.max_opset : limits.min_opset));
}

void check_target(const Target& target, const Registry& registry) {
  check_tolerances(target.verify);
  check_range(target);
  check_function_names(target.functions);
  check_pass_names(registry, target.passes, target.disable_passes);
  const std::vector<int> have = registry.available_opsets();
  // 0: what an ONNX file has already.
  if (target.opset != 0 && std::find(have.begin(), have.end(), target.opset) == have.end()) {
    throw Error("O605", "no plugin offers opset " + std::to_string(target.opset), {},
                have.empty() ? "no opset plugin was found: onnxport plugin list shows where was looked"
                             : "offered: " + listed(have));
  }
  for (const auto& [domain, version] : target.domain_opsets) {
    std::vector<int> offered = registry.available_opsets(domain);
    if (offered.empty()) {  // no table: the version that a manifest states
      if (const auto stated = registry.domain_version(domain)) offered.push_back(*stated);
    }
    if (std::find(offered.begin(), offered.end(), version) != offered.end()) continue;
    throw Error("O605", "no plugin offers opset " + std::to_string(version) + " of the domain " + domain, {},
                !offered.empty()
                    ? "offered: " + listed(offered)
                    : "no manifest declares the domain; a plugin's folder is given with --plugin-path");
  }
}

TargetRun::TargetRun(std::shared_ptr<ProgramState> program, const Target& target)
    : program_(std::move(program)),
      target_(target),
      registry_(program_->registry->for_export(target_.plugin_choice)),
      passes_(registry_, target_.passes, target_.disable_passes),
      stages_(target.progress) {
  check_target(target, registry_);
}

// ---- the graph ----

PassOptions TargetRun::pass_options() const {
  PassOptions out;
  out.constant_folding = target_.constant_folding;
  out.weights_stay = target_.weights == Weights::reference;
  out.fold_weights = false;
  out.weights_may_change = !out.weights_stay && target_.export_params;
  out.inference = program_->mode == Mode::eval;
  out.target_opset = target_.opset;
  return out;
}

void TargetRun::translate(bool dry_run) {
  TranslateOptions options;
  options.target_opset = target_.opset;
  options.training = program_->mode == Mode::training;
  options.dry_run = dry_run;
  Translated translated = onnxport::translate(*program_->prepared, registry_, options);
  graph_ = std::move(translated.graph);
  report_.operators = std::move(translated.operators);
  for (Diagnostic& note : translated.notes) report_.diagnostics.push_back(std::move(note));
  if (program_.use_count() == 1) program_->prepared.reset();
  if (dry_run) return;
  PassOptions passes = pass_options();
  passes.fold_weights = target_.constant_folding && !passes.weights_stay && target_.export_params &&
                        program_->mode == Mode::eval;
  run_passes(*graph_, passes_, passes);
  std::vector<Diagnostic> states = check_states(*graph_);
  if (std::any_of(states.begin(), states.end(),
                  [](const Diagnostic& d) { return d.severity == Severity::error; }))
    throw Error(std::move(states));
  for (Diagnostic& warning : states) report_.diagnostics.push_back(std::move(warning));
}

void TargetRun::legalize_to_target() {
  legalize(*graph_, target_.opset, registry_, report_.diagnostics, target_.domain_opsets);
  run_final_passes(*graph_, passes_, pass_options());
  fit();
  std::vector<Diagnostic> illegal = check_legality(*graph_, target_.opset, registry_);
  if (!illegal.empty()) throw Error(std::move(illegal));
  if (!target_.export_params) parameters_to_inputs();
  give_states_their_defaults();
  name_output_dims(*graph_, program_->output_dims, report_.diagnostics);
  keep_modules_as_functions(*graph_, target_.functions, target_.strip, report_.diagnostics);
}

// Last, so that nothing brings back what the target does not take.
void TargetRun::fit() {
  if (target_.limits.empty()) return;
  report_.target_changes = fit_to_target(*graph_, target_.opset, target_);
  if (!report_.target_changes.empty()) remove_dead_code(*graph_);
}

// Until here a state was an input like any other, so that no pass took its first value for a constant.
void TargetRun::give_states_their_defaults() {
  for (const ir::Graph::KeptState& state : graph_->states) {
    const auto name = std::find(graph_->input_names.begin(), graph_->input_names.end(), state.input);
    if (!state.first || name == graph_->input_names.end()) continue;
    const auto at = static_cast<size_t>(name - graph_->input_names.begin());
    ir::Value* input = graph_->body().parameters()[at];
    ir::Value* first = graph_->add_initializer(state.input, *state.first);
    first->set_type(input->type());  // of what any call begins with
    input->replace_all_uses_with(first);
    graph_->body().remove_parameter(at);
    graph_->input_names.erase(name);
  }
}

void TargetRun::parameters_to_inputs() {
  const std::vector<ir::Value*> all(graph_->initializers().begin(), graph_->initializers().end());
  for (ir::Value* v : all) {
    // Weights carry their state_dict names; constants of the program have none and stay inside.
    if (v->name().empty() || !v->has_uses()) continue;
    ir::Value* input = graph_->add_input(v->name().text(), v->type());
    graph_->input_names.emplace_back(v->name().text());
    v->replace_all_uses_with(input);
  }
  graph_->remove_unused_initializers();
}

const ir::Graph& TargetRun::translate_only(bool dry_run) {
  try {
    stages_.run("translate", 0.4, [&] { translate(dry_run); });
  } catch (const Error& error) {
    throw with_warnings(error, registry_);
  }
  return *graph_;
}

const ir::Graph& TargetRun::legalized() {
  if (graph_ == nullptr) translate_only(false);
  stages_.run("legalize", 0.6, [&] { legalize_to_target(); });
  return *graph_;
}

// ---- what is written ----

SerializeOptions TargetRun::serialize_options() const {
  SerializeOptions out;
  out.ir_version = target_.ir_version.value_or(0);
  out.weights = target_.weights;
  out.external_threshold = target_.external_threshold;
  out.strip = target_.strip;
  out.keep_initializers_as_inputs = target_.keep_initializers_as_inputs;
  if (!program_->source.is_memory()) out.source_model = program_->source.path();
  out.before_publish = program_->last_check(target_.weights != Weights::reference);
  return out;
}

// Verified under a scratch name first: a file that fails never takes the place of a good one.
void TargetRun::verify(const std::filesystem::path& name) {
  const ScratchFolder scratch;
  const std::filesystem::path file = scratch.path() / name;
  SerializeOptions options = serialize_options();
  if (options.weights == Weights::reference) options.weights = Weights::external;
  options.strip = false;  // what it says of its nodes and sizes serves the comparison
  stages_.run("serialize", 0.7, [&] { write_model(*graph_, file, options); });
  stages_.run("verify", 0.75, [&] { verify_program(*program_, file, registry_, target_.verify, report_); });
}

void TargetRun::write(const std::filesystem::path& file) {
  check_output(file, target_, program_->source);
  legalized();
  if (target_.verify.enabled) verify(file.filename());
  stages_.run("serialize", 0.9, [&] { write_model(*graph_, file, serialize_options()); });
}

void TargetRun::write(const Sink& sink) {
  if (target_.weights == Weights::external || target_.weights == Weights::reference) {
    throw Error("S707", "external weights need an output file", {},
                "export to a file, or keep the weights inline");
  }
  legalized();
  if (target_.verify.enabled) verify("model.onnx");
  SerializeOptions options = serialize_options();
  options.weights = Weights::inline_;
  stages_.run("serialize", 0.9, [&] { write_model(*graph_, sink, options); });
  program_->check_files();
}

// ---- the report ----

void TargetRun::add_graph_to_report() {
  ir::for_each_node(graph_->body(),
                    [&](ir::Node* node) { ++report_.node_counts[std::string(node->op_text())]; });
  for (const ir::Value* v : graph_->initializers()) {
    if (v->name().empty()) continue;
    report_.parameter_count += static_cast<size_t>(v->constant()->count());
    report_.weight_bytes += v->constant()->byte_size();
  }
  for (const ir::Graph::KeptState& state : graph_->states)
    report_.states.emplace_back(state.input, state.output);
  const auto describe = [](const std::string& name, const ir::Value* v) {
    return name + ": " + v->type().text();
  };
  for (size_t i = 0; i < graph_->body().parameters().size() && i < graph_->input_names.size(); ++i)
    report_.inputs.push_back(describe(graph_->input_names[i], graph_->body().parameters()[i]));
  for (size_t i = 0; i < graph_->body().result_count() && i < graph_->output_names.size(); ++i)
    report_.outputs.push_back(describe(graph_->output_names[i], graph_->body().result(i)));
}

ExportReport TargetRun::take_report() {
  report_.profile = target_.profile;
  report_.opset = target_.opset;
  report_.ir_version = target_.ir_version.value_or(graph_ == nullptr ? 0 : graph_->ir_version);
  report_.plugins_used = registry_.used_plugins();
  report_.passes = passes_.reports();
  for (Diagnostic& note : passes_.take_notes()) report_.diagnostics.push_back(std::move(note));
  for (Diagnostic& note : registry_.notes()) report_.diagnostics.push_back(std::move(note));
  report_.stage_seconds = stages_.take_seconds();
  if (graph_ != nullptr) add_graph_to_report();
  return std::move(report_);
}

// ---- verification ----

void verify_program(ProgramState& program, const std::filesystem::path& onnx, Registry& registry,
                    const VerifyOptions& options, ExportReport& report) {
  const ir::Graph& captured = captured_form(program);
  if (program.weights_checked.valid()) program.weights_checked.get();
  if (!program.kernels.empty()) torch_interface().load_kernels(program.kernels);
  const bool given = std::any_of(program.asked.begin(), program.asked.end(),
                                 [](const InputSpec& spec) { return spec.example.has_value(); });
  VerifyReport verified = verify(captured, program.verify_inputs(), onnx, registry, options, given);
  report.verify_runs = std::move(verified.runs);
  report.not_independently_checked = std::move(verified.not_independently_checked);
  std::vector<Diagnostic> wrong = mismatches(report, "ONNX Runtime and libtorch");
  if (!wrong.empty()) throw Error(std::move(wrong));
  if (verified.not_verified.empty()) return;
  std::string why;
  for (const std::string& result : verified.not_verified) why += (why.empty() ? "" : "; ") + result;
  report.diagnostics.push_back(
      {verified.nothing_verified ? Severity::warning : Severity::note,
       "V808",
       (verified.nothing_verified ? "the file is not verified: " : "not verified: ") + why,
       {},
       "give inputs for which the model computes something, with --inputs DIR"});
}

}  // namespace onnxport
