#include "core/session/conversion_run.h"

#include <algorithm>

#include "core/convert/convert.h"
#include "core/serialize/scratch_folder.h"
#include "core/serialize/serialize.h"
#include "core/session/source.h"
#include "core/session/target_run.h"
#include "core/verify/verify_files.h"
#include "onnxport/output.h"

namespace onnxport {

namespace {

constexpr int kFirstIrWithoutInitializerInputs = 4;

}  // namespace

ConversionRun::ConversionRun(std::shared_ptr<ProgramState> program, const Target& target)
    : program_(std::move(program)),
      target_(target),
      registry_(program_->registry->for_export()),
      stages_(target.progress) {
  if (target_.opset == 0) target_.opset = program_->model->opset();
  if (target_.opset == 0) {
    throw Error("I122", "the file names no opset of ai.onnx", {},
                "name the one to write: --opset ai.onnx=17");
  }
  check_target(target_, registry_);
}

void ConversionRun::convert_to_target() {
  model_ = program_->model->read();
  const int opset = program_->model->opset();
  convert(model_, *program_->model, target_.opset, target_.domain_opsets, registry_, report_.diagnostics);
  pb::ModelProto& rest = model_.facts.rest;
  if (rest.training_info_size() > 0 && opset != target_.opset) {
    rest.clear_training_info();
    Diagnostic d;
    d.severity = Severity::warning;
    d.message = "the file's training graphs are left out: they are of opset " + std::to_string(opset);
    report_.diagnostics.push_back(std::move(d));
  }
}

// Where every initializer is an input too, constants that rules made must not become any.
void ConversionRun::keep_made_constants_inside() {
  const int ir_version = target_.ir_version.value_or(model_.graph->ir_version);
  if (!target_.keep_initializers_as_inputs && ir_version >= kFirstIrWithoutInitializerInputs) return;
  for (const ir::Value* value : model_.graph->initializers()) {
    if (value->name().empty()) model_.facts.graph.constants.try_emplace(value);
  }
}

const ir::Graph& ConversionRun::converted() {
  stages_.run("convert", 0.3, [&] {
    convert_to_target();
    keep_made_constants_inside();
  });
  return *model_.graph;
}

SerializeOptions ConversionRun::serialize_options() const {
  SerializeOptions out;
  out.ir_version = target_.ir_version.value_or(0);
  out.weights = target_.weights;
  out.external_threshold = target_.external_threshold;
  out.strip = target_.strip;
  out.keep_initializers_as_inputs = target_.keep_initializers_as_inputs;
  out.source_model = program_->model->path();
  out.facts = &model_.facts;
  out.before_publish = program_->last_check(false);
  // Below that version every initializer is listed, so that nothing follows from it.
  out.keep_listed_inputs = program_->model->proto().ir_version() >= kFirstIrWithoutInitializerInputs;
  return out;
}

// A file that weights are read from must not be written, under whatever name.
void ConversionRun::check_not_a_weight(const std::filesystem::path& file) const {
  if (program_->source.is_memory()) return;
  std::filesystem::path data = file;
  data += ".data";
  for (const std::filesystem::path& weights : program_->model->data_files()) {
    for (const std::filesystem::path* written : {&file, &std::as_const(data)}) {
      std::error_code error;
      if (!std::filesystem::equivalent(*written, weights, error) || error) continue;
      if (written == &data && target_.weights == Weights::inline_) continue;
      throw Error("S705", written->string() + " would be written, and holds weights of the model itself", {},
                  "give another output");
    }
  }
}

// What ONNX's check says of the result it may say of the file as it was: that is no rule's fault.
template <typename Write>
void ConversionRun::blaming_the_file(const Write& write) const {
  try {
    write();
  } catch (const Error& refused) {
    if (refused.diagnostics().front().code != "S701") throw;
    try {
      check_model_file(readable_file(program_->source));
    } catch (const Error& as_it_is) {
      const std::string& said = as_it_is.diagnostics().front().message;
      throw Error("I126", "the file itself: " + said, {},
                  "the file was written wrongly: run onnx.checker on it");
    }
    throw;
  }
}

// Under a scratch name first: a file that fails never takes the place of a good one.
void ConversionRun::verify(const std::filesystem::path& name) {
  const ScratchFolder scratch;
  const std::filesystem::path file = scratch.path() / name;
  SerializeOptions options = serialize_options();
  if (options.weights == Weights::reference) options.weights = Weights::external;
  stages_.run("serialize", 0.6, [&] { write_model(*model_.graph, file, options); });
  stages_.run("verify", 0.7, [&] { verify_conversion(*program_, file, target_.verify, report_); });
}

void ConversionRun::write(const std::filesystem::path& file) {
  check_output(file, target_, program_->source);
  check_not_a_weight(file);
  converted();
  blaming_the_file([&] {
    if (target_.verify.enabled) verify(file.filename());
    stages_.run("serialize", 0.8, [&] { write_model(*model_.graph, file, serialize_options()); });
  });
}

void ConversionRun::write(const Sink& sink) {
  if (target_.weights == Weights::external || target_.weights == Weights::reference) {
    throw Error("S707", "external weights need an output file", {},
                "write to a file, or keep the weights inline");
  }
  converted();
  blaming_the_file([&] {
    if (target_.verify.enabled) verify("model.onnx");
    SerializeOptions options = serialize_options();
    options.weights = Weights::inline_;
    stages_.run("serialize", 0.8, [&] { write_model(*model_.graph, sink, options); });
  });
  program_->check_files();
}

void ConversionRun::add_graph_to_report() {
  const ir::Graph& graph = *model_.graph;
  for_each_node(model_.graph->body(),
                [&](ir::Node* node) { ++report_.node_counts[std::string(node->op_text())]; });
  for (const ir::Value* v : graph.initializers()) {
    report_.parameter_count += static_cast<size_t>(v->constant()->count());
    report_.weight_bytes += v->constant()->byte_size();
  }
  for (size_t i = 0; i < graph.body().parameters().size() && i < graph.input_names.size(); ++i) {
    const ir::Value* v = graph.body().parameters()[i];
    if (!model_.facts.graph.contents.contains(v))
      report_.inputs.push_back(graph.input_names[i] + ": " + v->type().text());
  }
  for (size_t i = 0; i < graph.body().result_count() && i < graph.output_names.size(); ++i)
    report_.outputs.push_back(graph.output_names[i] + ": " + graph.body().result(i)->type().text());
}

ExportReport ConversionRun::take_report() {
  report_.opset = target_.opset;
  report_.plugins_used = registry_.used_plugins();
  for (Diagnostic& note : registry_.notes()) report_.diagnostics.push_back(std::move(note));
  report_.stage_seconds = stages_.take_seconds();
  if (model_.graph != nullptr) {
    report_.ir_version = target_.ir_version.value_or(model_.graph->ir_version);
    add_graph_to_report();
  }
  return std::move(report_);
}

ReachReport reach_of(const ProgramState& program) {
  ReachReport out;
  out.opset = program.model->opset();
  std::vector<int> opsets = program.registry->available_opsets();
  std::sort(opsets.begin(), opsets.end());
  for (const int opset : opsets) {
    OpsetReach& at = out.opsets.emplace_back();
    at.opset = opset;
    try {
      Registry registry = program.registry->for_export();
      onnx::ModelForm model = program.model->read();
      std::vector<Diagnostic> notes;
      convert(model, *program.model, opset, {}, registry, notes);
    } catch (const Error& e) {
      at.blockers = e.diagnostics();
    }
  }
  return out;
}

void verify_conversion(const ProgramState& program, const std::filesystem::path& onnx,
                       const VerifyOptions& options, ExportReport& report) {
  const onnx::ModelForm model = program.model->read();
  VerifyReport verified =
      verify_onnx_files(*model.graph, program.asked, readable_file(program.source), onnx, options);
  report.verify_runs = std::move(verified.runs);
  std::vector<Diagnostic> wrong = mismatches(report, "the two files");
  if (!wrong.empty()) throw Error(std::move(wrong));
}

}  // namespace onnxport
