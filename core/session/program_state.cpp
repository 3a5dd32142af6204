#include "core/session/program_state.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/capture/exported_program/capture.h"
#include "core/capture/exported_program/sample_inputs.h"
#include "core/ir/graph_clone.h"
#include "core/prepare/prepare.h"
#include "core/session/input_spec.h"
#include "core/session/source.h"
#include "core/session/stages.h"
#include "core/torch_interface/live_model.h"

namespace onnxport {
namespace {

// Names from `first` on are defaults: one that an earlier one has gets a number behind it.
void give_way(std::vector<std::string>& names, size_t first) {
  std::set<std::string> taken(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(first));
  for (size_t i = first; i < names.size(); ++i) {
    const std::string own = names[i];
    for (size_t count = 2; !taken.insert(names[i]).second; ++count)
      names[i] = own + "_" + std::to_string(count);
  }
}

// Gives a graph's inputs or outputs, the first ones of them, the names wanted.
void rename(std::vector<std::string>& names, const std::vector<std::string>& wanted, const char* what) {
  if (wanted.empty()) return;
  if (wanted.size() > names.size()) {
    throw Error("I109", std::to_string(wanted.size()) + " " + what + " names are given for " +
                            std::to_string(names.size()) + " " + what + "s");
  }
  std::copy(wanted.begin(), wanted.end(), names.begin());
  give_way(names, wanted.size());
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) throw Error("I109", std::string(what) + " name '" + *twice + "' is used twice");
}

void rename_ends(ir::Graph& graph, const ProgramOptions& options) {
  rename(graph.input_names, options.input_names, "input");
  rename(graph.output_names, options.output_names, "output");
}

// Ranges that the inputs were described with travel as those of an exported program do: "batch 1..64".
void keep_ranges(ir::Graph& graph) {
  std::string text;
  for (const auto& [name, info] : graph.symbols) {
    if (!info.max || name.starts_with('?')) continue;
    text +=
        (text.empty() ? "" : "; ") + name + ' ' + std::to_string(info.min) + ".." + std::to_string(*info.max);
  }
  if (!text.empty()) graph.metadata.try_emplace("onnxport.dim_ranges", text);
}

void check_source(const Source& source, const ProgramOptions& options) {
  std::error_code error;
  if (source.live() == nullptr && !std::filesystem::exists(readable_file(source), error))
    throw Error("I101", "no such file: " + source.path().string(), {}, "check the path");
  if (!options.dims.empty() && !source.is_exported_program()) {
    throw Error("I107", "--dim names the symbols of an exported program, and this is none", {},
                "name the dims in --input, for example x:f32[batch=2,3]");
  }
  if (options.method != "forward" && (source.is_exported_program() || source.live() != nullptr)) {
    throw Error(
        "I104",
        "there is no method '" + options.method + "': only a TorchScript model has methods besides forward",
        {}, "leave --method out; the method of another kind of model is captured when that is made");
  }
}

// Only a TorchScript file's forward can be given quantized tensors: other captures say their own types.
void refuse_quantized(const std::vector<InputSpec>& specs, std::string_view what) {
  for (const InputSpec& spec : specs) {
    if (spec.grid)
      throw Error("I107",
                  (spec.name.empty() ? "an input" : "the input '" + spec.name + "'") +
                      " is described as quantized, and " + std::string(what) + " has no such inputs",
                  {}, "describe what it takes: integers are u8[…], i8[…] or i32[…]");
  }
}

// Only where the sizes are ours to choose: others would run at any all the same.
void refuse_ranges(const std::map<std::string, ir::SymbolInfo, std::less<>>& symbols, std::string_view what) {
  for (const auto& [name, info] : symbols) {
    if (info.max)
      throw Error(
          "I107",
          "the dim '" + name + "' is given a range, and " + std::string(what) + " says its sizes itself", {},
          "leave the range out: " + name + ", or " + name + "=" + std::to_string(info.min) +
              " for an example");
  }
}

// The request made of the options, and the graph it brings.
class Capture {
 public:
  Capture(const Source& source, const ProgramOptions& options, const Registry& registry) : source_(source) {
    request_.inputs = read_inputs(options, request_.symbols);
    if (source.is_exported_program()) {
      refuse_quantized(request_.inputs, "an exported program");
      refuse_ranges(request_.symbols, "an exported program");
    }
    if (source.live() != nullptr) refuse_quantized(request_.inputs, "a live module");
    // A program brings the sizes it was made with.
    if (!source.is_exported_program() && source.live() == nullptr) give_default_sizes(request_.symbols);
    request_.dims = options.dims;
    request_.method = options.method;
    request_.number_states = options.state == State::io;
    request_.freeze = options.freeze;
    request_.training = options.mode == Mode::training;
    request_.preserve_mode = options.mode == Mode::preserve;
    request_.libraries = options.torch_libraries;
    request_.schemas = registry.custom_schemas();
    request_.check_weights = options.check_weights;
    if (source.is_memory()) request_.weights = source.bytes()->weights;
  }

  Captured run(const ProgramOptions& options) const {
    check_source(source_, options);
    if (source_.live() != nullptr) return source_.live()->capture(request_);
    return source_.is_exported_program()
               ? capture_exported_program(readable_file(source_), request_)
               : torch_interface().capture_torchscript(readable_file(source_), request_);
  }

  std::vector<InputSpec> take_inputs() { return std::move(request_.inputs); }

 private:
  const Source& source_;
  CaptureOptions request_;
};

// What a list or dict that the module holds has in the end where `state` was at first; null: none has it.
ir::Value* element_in_the_end(ir::Graph& captured, const ir::Value* state) {
  for (ir::Node* node : captured.body()) {
    const bool dict = node->op() == "prim::DictConstruct";
    if (node->attribute("attribute") == nullptr) continue;
    for (size_t i = dict ? 1 : 0; i < node->operand_count(); i += dict ? 2 : 1) {
      if (node->operand(i) != state) continue;
      ir::Value* at = dict ? node->operand(i - 1) : nullptr;
      if (!dict) {
        ir::Node* index = captured.create("prim::Constant", {});
        index->set_attribute(captured.intern("value"), static_cast<int64_t>(i));
        at = index->add_output(ir::Type::integer());
        captured.append(captured.body(), index);
      }
      const char* const schema = !dict ? "aten::__getitem__.t(t[](a) list, int idx) -> t(*)"
                                 : at->type().kind() == ir::Type::Kind::string
                                     ? "aten::__getitem__.Dict_str(Dict(str, t) self, str key) -> t(*)"
                                     : "aten::__getitem__.Dict_int(Dict(int, t) self, int key) -> t(*)";
      const ir::Schema* kept = captured.keep(ir::parse_schema(schema));
      ir::Node* item = captured.create(kept->qualified_name(), std::array{node->output(), at}, kept);
      captured.append(captured.body(), item);
      return item->add_output(state->type());
    }
  }
  return nullptr;
}

// The captured form of a state: the initializer or parameter that the model writes in place.
ir::Value* written_value(ir::Graph& captured, const ir::Graph& prepared, const ir::Graph::KeptState& state) {
  ir::Value* value = nullptr;
  if (!state.first) {  // an input, which may have another name by now
    const auto name = std::find(prepared.input_names.begin(), prepared.input_names.end(), state.input);
    const auto at = static_cast<size_t>(name - prepared.input_names.begin());
    if (at < captured.body().parameters().size()) value = captured.body().parameters()[at];
  }
  for (ir::Value* v : captured.initializers()) {
    if (state.first && v->name() == state.buffer) value = v;
  }
  bool set = false;
  for (ir::Node* node : captured.body()) {  // an attribute is set, not written
    const auto* name = node->op() == "prim::SetAttr" ? node->attribute_as<std::string>("name") : nullptr;
    if (name == nullptr || *name != state.buffer) continue;
    value = node->operand(0);
    set = true;
  }
  ir::Value* element = set || value == nullptr ? nullptr : element_in_the_end(captured, value);
  return element != nullptr ? element : value;
}

// The model as captured writes its states in place: what they hold after a call are further results of it.
void add_written_states(ir::Graph& captured, const ir::Graph& prepared) {
  for (const ir::Graph::KeptState& state : prepared.states) {
    ir::Value* value = written_value(captured, prepared, state);
    if (value == nullptr) continue;
    captured.body().add_result(value);
    captured.output_names.push_back(state.output);
  }
}

std::string described(const std::string& name, const ir::Value* value) {
  return name + ": " + value->type().text();
}

// Of the graph as captured: prepare makes values of lists and inputs of states.
void describe(const ir::Graph& graph, ProgramState& out) {
  for (size_t i = 0; i < graph.body().parameters().size() && i < graph.input_names.size(); ++i)
    out.inputs.push_back(described(graph.input_names[i], graph.body().parameters()[i]));
  for (size_t i = 0; i < graph.body().result_count() && i < graph.output_names.size(); ++i)
    out.outputs.push_back(described(graph.output_names[i], graph.body().result(i)));
}

// A program knows its inputs; what was asked for only names their dims or gives examples.
std::vector<InputSpec> inputs_of(const ir::Graph& graph, const std::vector<InputSpec>& asked,
                                 const std::vector<std::optional<ir::Tensor>>& samples) {
  std::vector<InputSpec> out;
  const bool positional =
      std::all_of(asked.begin(), asked.end(), [](const InputSpec& s) { return s.name.empty(); });
  for (size_t i = 0; i < graph.input_names.size(); ++i) {
    InputSpec spec;
    spec.name = graph.input_names[i];
    spec.type = graph.body().parameters()[i]->type();
    for (size_t j = 0; j < asked.size(); ++j) {
      if (positional ? j == i : asked[j].name == spec.name) spec.example = asked[j].example;
    }
    if (!spec.example && i < samples.size()) spec.example = samples[i];
    out.push_back(std::move(spec));
  }
  return out;
}

// What is said of axes of no input is said of outputs.
AxisNames output_dims_of(const ProgramOptions& options, const std::vector<InputSpec>& inputs) {
  AxisNames out = options.dynamic_axes;
  for (const InputSpec& input : inputs) out.erase(input.name);
  return out;
}

// A file that can be read at all: whether it can be taken to an opset is a matter of that opset.
std::shared_ptr<ProgramState> capture_file(const Source& source, const ProgramOptions& options,
                                           std::shared_ptr<const Registry> registry) {
  auto out = std::make_shared<ProgramState>(source);
  out->registry = std::move(registry);
  std::error_code error;
  if (!std::filesystem::exists(readable_file(source), error))
    throw Error("I101", "no such file: " + source.path().string(), {}, "check the path");
  Stages stages(options.progress);
  try {
    stages.run("read", 0.0, [&] {
      out->model = std::make_shared<const onnx::ModelFile>(readable_file(source), !source.is_memory());
      describe(*out->model->read().graph, *out);
    });
    std::map<std::string, ir::SymbolInfo, std::less<>> symbols;
    out->asked = read_inputs(options, symbols);
    if (const AxisNames others = output_dims_of(options, out->asked); !others.empty()) {
      throw Error("I107",
                  "dynamic axes are given for '" + others.begin()->first + "', which is no input described",
                  {}, "sizes of an ONNX file keep their names");
    }
    refuse_quantized(out->asked, "an ONNX file");
    refuse_ranges(symbols, "an ONNX file");
  } catch (const Error& e) {
    out->check_files();
    throw in_words_of(source, e);
  }
  out->report.stage_seconds = stages.take_seconds();
  return out;
}

}  // namespace

const ir::Graph& captured_form(const ProgramState& program) {
  if (program.captured != nullptr) return *program.captured;
  throw Error("V806", "this program keeps no captured form", {},
              "capture it with ProgramOptions::verifiable, which is the default");
}

const std::vector<InputSpec>& ProgramState::verify_inputs() {
  if (!source.is_exported_program() && source.live() == nullptr) return asked;
  const std::lock_guard lock(mutex_);
  if (!verify_inputs_) {
    const auto samples = source.live() != nullptr ? source.live()->samples()
                                                  : sample_inputs_of(readable_file(source), *captured);
    verify_inputs_ = inputs_of(*captured, asked, samples);
  }
  return *verify_inputs_;
}

void ProgramState::check_files() const {
  if (FileMapping::lost_count() == lost_before) return;
  throw Error("I127", "the model's file became shorter while it was read", {},
              "export again once whatever writes it has come to its end");
}

std::function<void()> ProgramState::last_check(bool of_weights) const {
  return [this, checked = of_weights ? weights_checked : std::shared_future<void>()] {
    if (checked.valid()) checked.wait();
    check_files();
    if (checked.valid()) checked.get();
  };
}

Error with_warnings(const Error& error, const Registry& registry) {
  std::vector<Diagnostic> all = error.diagnostics();
  if (!all.front().code.starts_with('T')) return error;
  for (Diagnostic& note : registry.notes()) {
    if (note.severity == Severity::warning) all.push_back(std::move(note));
  }
  return Error(std::move(all));
}

std::shared_ptr<ProgramState> capture_program(const Source& source, const ProgramOptions& options,
                                              std::shared_ptr<const Registry> registry) {
  if (source.is_onnx()) return capture_file(source, options, std::move(registry));
  auto out = std::make_shared<ProgramState>(source);
  out->registry = std::move(registry);
  out->state = options.state;
  out->mode = options.mode;
  out->kernels = options.torch_libraries;
  Stages stages(options.progress);
  std::unique_ptr<ir::Graph> graph;
  std::unique_ptr<ir::Graph> kept;
  Capture capture(source, options, *out->registry);
  try {
    stages.run("capture", 0.0, [&] {
      Captured captured = capture.run(options);
      graph = std::move(captured.graph);
      out->weights_checked = std::move(captured.weights_checked);
      out->report.diagnostics = std::move(captured.notes);
      // Under the names that the model gives: the examples to verify with are by those.
      if (options.verifiable) kept = ir::clone(*graph);
      rename_ends(*graph, options);
      keep_ranges(*graph);
      describe(*graph, *out);
    });
    stages.run("prepare", 0.3, [&] { prepare(*graph, options.state, out->report.diagnostics); });
  } catch (const Error& error) {
    out->check_files();
    throw with_warnings(in_words_of(source, error), *out->registry);
  }
  if (kept != nullptr && options.state == State::io) add_written_states(*kept, *graph);
  out->asked = capture.take_inputs();
  out->output_dims = output_dims_of(options, out->asked);
  out->prepared = std::move(graph);
  out->captured = std::move(kept);
  out->report.stage_seconds = stages.take_seconds();
  return out;
}

std::unique_ptr<ir::Graph> capture_only(const Source& source, const ProgramOptions& options,
                                        const Registry& registry) {
  if (source.is_onnx()) return onnx::ModelFile(readable_file(source), !source.is_memory()).read().graph;
  try {
    std::unique_ptr<ir::Graph> graph = Capture(source, options, registry).run(options).graph;
    rename_ends(*graph, options);
    return graph;
  } catch (const Error& error) {
    throw with_warnings(in_words_of(source, error), registry);
  }
}

}  // namespace onnxport
