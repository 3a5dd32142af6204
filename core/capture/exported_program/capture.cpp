#include "core/capture/exported_program/capture.h"

#include <set>
#include <utility>

#include "core/archive/file_error.h"
#include "core/capture/exported_program/guards.h"
#include "core/capture/exported_program/module_calls.h"
#include "core/capture/exported_program/program_archive.h"
#include "core/capture/exported_program/program_importer.h"
#include "core/capture/exported_program/program_inputs.h"
#include "core/capture/exported_program/weights.h"

namespace onnxport {
namespace {

constexpr int64_t kSchemaMajor = 8;

class ProgramCapture {
 public:
  ProgramCapture(const std::filesystem::path& file, const CaptureOptions& options)
      : options_(options), archive_(file), graph_(std::make_unique<ir::Graph>(ir::Graph::Dialect::torch)) {}

  Captured run() {
    const std::string_view text = archive_.text(archive_.program_record());
    const std::string place = archive_.path() + ':' + archive_.program_record() + ':';
    const Json program = parse_json(parser_, text, place);
    check_version(program);
    inputs_.emplace(program, archive_.path(), options_, dims_);
    ReadGuards guards = apply_guards(program, *inputs_, dims_);
    notes_ = std::move(guards.notes);
    graph_->symbols = inputs_->symbols(program);
    keep_ranges();
    keep_guards(guards.kept);
    import_program(program, program.at("graph_module"));
    return {std::move(graph_), std::move(notes_), std::move(weights_checked_)};
  }

 private:
  Error refused(std::string_view code, std::string message, std::string hint) const {
    return file_error(code, std::move(message), archive_.path(), std::move(hint));
  }

  void check_version(const Json& program) const {
    const int64_t major = program.at("schema_version").at("major").integer();
    if (major == kSchemaMajor) return;
    throw refused("I115",
                  "the program has schema version " + std::to_string(major) + ", " +
                      std::to_string(kSchemaMajor) + " is read",
                  major < kSchemaMajor ? "write the program again with PyTorch 2.6 or newer"
                                       : "use a newer onnxport, or write the program with an older PyTorch");
  }

  // ONNX has no ranges of dims: they travel as metadata, "batch 1..64; seq 2..".
  void keep_ranges() {
    std::string text;
    for (const auto& [name, info] : graph_->symbols) {
      text += (text.empty() ? "" : "; ") + name + ' ' + std::to_string(info.min) + "..";
      if (info.max) text += std::to_string(*info.max);
    }
    if (!text.empty()) graph_->metadata["onnxport.dim_ranges"] = text;
  }

  // What else the program asks of its sizes, "batch // 4 != 1; height % 8 == 0".
  void keep_guards(const std::vector<std::string>& guards) {
    std::string text;
    for (const std::string& guard : guards) text += (text.empty() ? "" : "; ") + guard;
    if (!text.empty()) graph_->metadata["onnxport.dim_guards"] = text;
  }

  void import_program(const Json& program, const Json& module) {
    ProgramImporter importer(*graph_, dims_, options_.schemas);
    const ProgramWeights weights(archive_, options_.check_weights, options_.weights);
    std::vector<ir::Value*> inputs;
    for (const Json& spec : module.at("signature").at("input_specs").items()) {
      inputs.push_back(input_value(spec, weights, importer));
    }
    const std::vector<ir::Value*> results = importer.import_graph(module.at("graph"), inputs);
    importer.finish();
    weights_checked_ = weights.check();
    bind_results(call_output_names(program), module.at("signature"), results, importer);
  }

  // ---- inputs ----
  ir::Value* input_value(const Json& spec, const ProgramWeights& weights, ProgramImporter& importer) {
    const auto [kind, value] = spec.tagged();
    if (kind == "parameter") return weight(std::string(value.at("parameter_name").text()), weights);
    if (kind == "buffer") return weight(std::string(value.at("buffer_name").text()), weights);
    if (kind == "tensor_constant")
      return weight(std::string(value.at("tensor_constant_name").text()), weights);
    if (kind == "token") return importer.constant(std::monostate{}, ir::Type::none());
    if (kind == "constant_input") return nullptr;  // the graph holds its value where it is used
    if (kind != "user_input") {
      throw refused("T541", "the program takes a " + std::string(kind) + ", which no ONNX graph can hold",
                    "pass tensors and numbers instead of objects");
    }
    const Json argument = value.at("arg").tagged().second;
    if (!argument.is_object()) return nullptr;
    const std::string_view placeholder = argument.has("name")      ? argument.at("name").text()
                                         : argument.has("as_name") ? argument.at("as_name").text()
                                                                   : std::string_view();
    const ProgramInputs::Input* input = inputs_->find(placeholder);
    if (input == nullptr) return nullptr;
    ir::Type type = inputs_->type(*input);
    if (type.is_tensor() && type.dtype() == ir::DType::undefined) {
      throw refused("I107", "the input '" + input->name + "' has an element type that ONNX does not have",
                    "use another dtype");
    }
    graph_->input_names.push_back(input->name);
    return user_inputs_[input->placeholder] = graph_->add_input(input->name, std::move(type));
  }

  // Tied weights are one initializer, under the name that comes first.
  ir::Value* weight(const std::string& name, const ProgramWeights& weights) {
    ir::Value*& known = weights_[weights.identity(name)];
    if (known == nullptr) known = graph_->add_initializer(name, weights.tensor(name));
    by_name_[name] = known;
    return known;
  }

  // ---- results ----
  void bind_results(const std::vector<std::string>& names, const Json& signature,
                    const std::vector<ir::Value*>& results, ProgramImporter& importer) {
    size_t user_output = 0;
    size_t i = 0;
    for (const Json& spec : signature.at("output_specs").items()) {
      const auto [kind, value] = spec.tagged();
      if (i >= results.size()) spec.refuse("has no result in the graph");
      ir::Value* const result = results[i++];
      if (kind == "token") continue;
      if (kind != "user_output" && kind != "loss_output") {
        importer.write(written_state(spec, value), result);
        continue;
      }
      bind_output(user_output < names.size() ? names[user_output] : "output_" + std::to_string(user_output),
                  result);
      ++user_output;
    }
    if (graph_->output_names.empty()) {
      throw refused("T544", "the program returns nothing that an ONNX model could return", "return a tensor");
    }
  }

  void bind_output(const std::string& name, ir::Value* result) {
    const ir::Type::Kind kind = result->type().kind();
    if (kind == ir::Type::Kind::none || kind == ir::Type::Kind::string) {
      notes_.push_back(
          {Severity::note, "T545", "the result '" + name + "' is no tensor and left out", {}, ""});
      return;
    }
    std::string unique = name;
    for (int n = 1; !used_.insert(unique).second; ++n) unique = name + '_' + std::to_string(n);
    graph_->body().add_result(result);
    graph_->output_names.push_back(unique);
  }

  // A decomposed program returns what it writes: the buffer or input whose new contents a result is.
  ir::Value* written_state(const Json& spec, const Json& value) const {
    const bool is_input = value.has("user_input_name");
    const std::string name(value.at(is_input ? "user_input_name" : "buffer_name").text());
    const auto& known = is_input ? user_inputs_ : by_name_;
    const auto found = known.find(name);
    if (found == known.end()) spec.refuse("writes '" + name + "', which is no input of the program");
    return found->second;
  }

  const CaptureOptions& options_;
  ProgramArchive archive_;
  std::unique_ptr<ir::Graph> graph_;
  simdjson::dom::parser parser_;  // owns the document
  ProgramDims dims_;
  std::optional<ProgramInputs> inputs_;
  std::unordered_map<std::string, ir::Value*> weights_;      // by identity
  std::unordered_map<std::string, ir::Value*> by_name_;      // weights and buffers
  std::unordered_map<std::string, ir::Value*> user_inputs_;  // by placeholder
  std::set<std::string> used_;
  std::vector<Diagnostic> notes_;
  std::shared_future<void> weights_checked_;
};

}  // namespace

Captured capture_exported_program(const std::filesystem::path& file, const CaptureOptions& options) {
  return ProgramCapture(file, options).run();
}

}  // namespace onnxport
