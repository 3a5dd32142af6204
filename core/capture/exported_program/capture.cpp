#include "core/capture/exported_program/capture.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/capture/exported_program/program_archive.h"
#include "core/capture/exported_program/program_importer.h"
#include "core/capture/exported_program/pytree_names.h"
#include "core/capture/exported_program/symbolic.h"
#include "core/capture/exported_program/weights.h"

namespace onnxport {
namespace {

constexpr int64_t kSchemaMajor = 8;
constexpr int64_t kInfinity = int64_t{1} << 48;  // sizes above it are unbounded

class ProgramCapture {
 public:
  ProgramCapture(const std::filesystem::path& file, const CaptureOptions& options)
      : options_(options), archive_(file), graph_(std::make_unique<ir::Graph>(ir::Graph::Dialect::torch)) {}

  Captured run() {
    const std::string_view text = archive_.text(archive_.program_record());
    const std::string place = archive_.path() + ':' + archive_.program_record() + ':';
    const Json program = parse_json(parser_, text, place);
    check_version(program);
    const Json module = program.at("graph_module");
    const Json graph = module.at("graph");
    collect_user_inputs(graph, module.at("signature"));
    name_symbols();
    note_symbols(program);
    import_program(program, module, graph);
    return {std::move(graph_), std::move(notes_)};
  }

 private:
  struct UserInput {
    std::string name;
    std::string tag;  // "as_tensor", "as_sym_int", …
    std::optional<Json> meta;
    const InputSpec* spec = nullptr;
  };

  Error input_error(std::string_view code, std::string message, std::string hint) const {
    Place place;
    place.file = archive_.path();
    return Error(code, std::move(message), std::move(place), std::move(hint));
  }

  void check_version(const Json& program) const {
    const int64_t major = program.at("schema_version").at("major").integer();
    if (major == kSchemaMajor) return;
    throw input_error("I115",
                      "the program has schema version " + std::to_string(major) + ", " +
                          std::to_string(kSchemaMajor) + " is read",
                      major < kSchemaMajor
                          ? "write the program again with PyTorch 2.6 or newer"
                          : "use a newer onnxport, or write the program with an older PyTorch");
  }

  // ---- inputs ----
  void collect_user_inputs(const Json& graph, const Json& signature) {
    std::unordered_map<std::string_view, simdjson::dom::element> metas;
    for (const auto& [name, meta] : graph.at("tensor_values").members()) metas.emplace(name, meta.raw());
    for (const Json& spec : signature.at("input_specs").items()) {
      const auto [kind, value] = spec.tagged();
      if (kind != "user_input") continue;
      const auto [tag, argument] = value.at("arg").tagged();
      UserInput input;
      input.tag = tag;
      if (tag == "as_tensor") {
        input.name = argument.at("name").text();
        const auto meta = metas.find(input.name);
        if (meta == metas.end()) argument.refuse("has no recorded type");
        input.meta.emplace(meta->second, argument.path() + ".tensor_values." + input.name);
      } else if (tag.starts_with("as_sym_") && argument.is_object() && argument.has("as_name")) {
        input.name = argument.at("as_name").text();
      } else {
        continue;  // a constant of the program
      }
      user_inputs_.push_back(std::move(input));
    }
    match_specs();
  }

  void match_specs() {
    const bool positional = std::all_of(options_.inputs.begin(), options_.inputs.end(),
                                        [](const InputSpec& s) { return s.name.empty(); });
    if (options_.inputs.size() > user_inputs_.size()) {
      throw input_error("I105",
                        std::to_string(options_.inputs.size()) + " inputs are given, the program takes " +
                            std::to_string(user_inputs_.size()) + ": " + names(),
                        "leave out --input: the program knows its own inputs");
    }
    for (size_t i = 0; i < options_.inputs.size(); ++i) {
      const InputSpec& spec = options_.inputs[i];
      const auto found = positional ? user_inputs_.begin() + static_cast<std::ptrdiff_t>(i)
                                    : std::find_if(user_inputs_.begin(), user_inputs_.end(),
                                                   [&](const UserInput& u) { return u.name == spec.name; });
      if (found == user_inputs_.end()) {
        throw input_error("I106", "the program has no input '" + spec.name + "'",
                          "its inputs are: " + names());
      }
      if (spec.fixed) {
        throw input_error("I107",
                          "the input '" + spec.name + "' cannot be fixed: the program takes it at run time",
                          "fix it in torch.export.export");
      }
      found->spec = &spec;
    }
  }

  std::string names() const {
    std::string out;
    for (const UserInput& input : user_inputs_) out += (out.empty() ? "" : ", ") + input.name;
    return out;
  }

  // Dims of --input against the program's: a symbol takes the name, or the number, that is given for it.
  void name_symbols() {
    for (const UserInput& input : user_inputs_) {
      if (input.spec == nullptr || !input.meta) continue;
      const ir::Type own = dims_.type(*input.meta);
      const ir::Type& asked = input.spec->type;
      const auto mismatch = [&](const std::string& why) {
        return input_error("I107", "input '" + input.name + "': " + why + "; the program has " + own.text(),
                           "give it as the program has it, or export the program again");
      };
      if (!asked.is_tensor()) throw mismatch("it is a tensor");
      if (asked.dtype() != ir::DType::undefined && asked.dtype() != own.dtype()) {
        throw mismatch("the element type is " + std::string(ir::short_name(asked.dtype())));
      }
      if (!asked.shape()) continue;
      if (asked.rank() != own.rank()) throw mismatch(std::to_string(asked.rank()) + " dims are given");
      for (size_t i = 0; i < own.shape()->size(); ++i) {
        const ir::Dim dim = (*dims_.type(*input.meta).shape())[i];  // with the names given until now
        const ir::Dim& wanted = (*asked.shape())[i];
        if (dim == wanted) continue;
        const std::string symbol(dim.symbol_name());
        if (symbol.empty() || dims_.renamed(symbol) != nullptr) {
          throw mismatch("dim " + std::to_string(i) + " is " + dim.text() + ", not " + wanted.text());
        }
        // A name that was given already is a symbol of the user's, not of the program.
        if (given_.contains(symbol)) {
          throw mismatch("dim " + std::to_string(i) + " is '" + symbol + "' elsewhere and " + wanted.text() +
                         " here");
        }
        if (wanted.is_expression() && wanted.symbol_name().empty()) {
          throw mismatch("dim " + std::to_string(i) + " needs a name or a number, not " + wanted.text());
        }
        dims_.rename(symbol, wanted);
        if (!wanted.symbol_name().empty()) given_.emplace(wanted.symbol_name());
      }
    }
  }

  // ---- symbols ----
  void note_symbols(const Json& program) {
    if (program.has("range_constraints")) {
      for (const auto& [text, range] : program.at("range_constraints").members()) note_range(text, range);
    }
    for (const UserInput& input : user_inputs_) {
      if (!input.meta) continue;
      for (const Json& size : input.meta->at("sizes").items()) note_hint(size);
      const ir::Type type = dims_.type(*input.meta);
      for (const ir::Dim& dim : *type.shape()) dim.for_each_symbol([&](std::string_view s) { symbol(s); });
    }
    for (const auto& [name, info] : options_.symbols) {
      const auto own = graph_->symbols.find(name);
      if (own != graph_->symbols.end() && info.hint) own->second.hint = info.hint;
    }
  }

  ir::SymbolInfo& symbol(std::string_view name) { return graph_->symbols[std::string(name)]; }

  void note_range(std::string_view text, const Json& range) {
    const auto dim = parse_symbolic(text);
    if (!dim || dim->symbol_name().empty()) return;  // of an expression: its symbols have their own
    const ir::Dim* renamed = dims_.renamed(dim->symbol_name());
    const int64_t low = range.has("min_val") ? std::max<int64_t>(range.at("min_val").integer(), 0) : 0;
    // PyTorch's infinity is null, or a very large number.
    const int64_t high =
        range.has("max_val") ? std::min(range.at("max_val").integer(), kInfinity) : kInfinity;
    if (renamed != nullptr && renamed->is_constant()) {
      if (renamed->value() < low || renamed->value() > high) {
        throw input_error("I107",
                          "the size " + renamed->text() + " is outside the program's range for it, " +
                              std::to_string(low) + " to " +
                              (high == kInfinity ? "any" : std::to_string(high)),
                          "export the program with another range");
      }
      return;
    }
    ir::SymbolInfo& info = symbol(renamed != nullptr ? renamed->symbol_name() : dim->symbol_name());
    info.min = low;
    if (high < kInfinity) info.max = high;
  }

  void note_hint(const Json& size) {
    if (!size.has("as_expr")) return;
    const ir::Dim dim = dims_.dim(size);
    const Json expression = size.at("as_expr");
    if (dim.symbol_name().empty() || !expression.has("hint")) return;
    ir::SymbolInfo& info = symbol(dim.symbol_name());
    const Json hint = expression.at("hint");
    if (!info.hint && hint.has("as_int")) info.hint = hint.at("as_int").integer();
  }

  // ---- the program ----
  void import_program(const Json& program, const Json& module, const Json& graph) {
    ProgramImporter importer(*graph_, dims_, options_.schemas);
    const ProgramWeights weights(archive_);
    std::vector<ir::Value*> inputs;
    for (const Json& spec : module.at("signature").at("input_specs").items()) {
      inputs.push_back(input_value(spec, weights, importer));
    }
    const std::vector<ir::Value*> results = importer.import_graph(graph, inputs);
    importer.finish();
    bind_results(program, module.at("signature"), results);
  }

  ir::Value* input_value(const Json& spec, const ProgramWeights& weights, ProgramImporter& importer) {
    const auto [kind, value] = spec.tagged();
    if (kind == "parameter") return weight(std::string(value.at("parameter_name").text()), weights);
    if (kind == "buffer") return weight(std::string(value.at("buffer_name").text()), weights);
    if (kind == "tensor_constant")
      return weight(std::string(value.at("tensor_constant_name").text()), weights);
    if (kind == "token") return importer.constant(std::monostate{}, ir::Type::none());
    if (kind == "constant_input") return nullptr;  // the graph holds its value where it is used
    if (kind != "user_input") {
      throw input_error("T541", "the program takes a " + std::string(kind) + ", which no ONNX graph can hold",
                        "pass tensors and numbers instead of objects");
    }
    const auto [tag, argument] = value.at("arg").tagged();
    if (next_input_ >= user_inputs_.size() || !argument.is_object()) return nullptr;
    const UserInput& input = user_inputs_[next_input_];
    const bool is_this = (argument.has("name") && argument.at("name").text() == input.name) ||
                         (argument.has("as_name") && argument.at("as_name").text() == input.name);
    if (!is_this) return nullptr;
    ++next_input_;
    ir::Type type = input.meta                    ? dims_.type(*input.meta)
                    : input.tag == "as_sym_int"   ? ir::Type::integer()
                    : input.tag == "as_sym_float" ? ir::Type::real()
                                                  : ir::Type::boolean();
    if (type.is_tensor() && type.dtype() == ir::DType::undefined) {
      throw input_error("I107", "the input '" + input.name + "' has an element type that ONNX does not have",
                        "use another dtype");
    }
    graph_->input_names.push_back(input.name);
    return graph_->add_input(input.name, std::move(type));
  }

  // Tied weights are one initializer, under the name that comes first.
  ir::Value* weight(const std::string& name, const ProgramWeights& weights) {
    ir::Value*& known = weights_[weights.identity(name)];
    if (known == nullptr) known = graph_->add_initializer(name, weights.tensor(name));
    return known;
  }

  void bind_results(const Json& program, const Json& signature, const std::vector<ir::Value*>& results) {
    const std::vector<std::string> names = result_names(program);
    std::set<std::string> used;
    size_t user_output = 0;
    size_t i = 0;
    for (const Json& spec : signature.at("output_specs").items()) {
      const auto [kind, value] = spec.tagged();
      if (i >= results.size()) spec.refuse("has no result in the graph");
      ir::Value* const result = results[i++];
      if (kind != "user_output" && kind != "loss_output") {
        note_state(std::string(kind), value);
        continue;
      }
      const std::string name =
          user_output < names.size() ? names[user_output] : "output_" + std::to_string(user_output);
      ++user_output;
      if (result->type().kind() == ir::Type::Kind::none || result->type().kind() == ir::Type::Kind::string) {
        notes_.push_back(
            {Severity::note, "T545", "the result '" + name + "' is no tensor and left out", {}, ""});
        continue;
      }
      std::string unique = name;
      for (int n = 1; !used.insert(unique).second; ++n) unique = name + '_' + std::to_string(n);
      graph_->body().add_result(result);
      graph_->output_names.push_back(unique);
    }
    if (graph_->output_names.empty()) {
      throw input_error("T544", "the program returns nothing that an ONNX model could return",
                        "return a tensor");
    }
  }

  static std::vector<std::string> result_names(const Json& program) {
    if (!program.has("module_call_graph") && !program.at("graph_module").has("module_call_graph")) return {};
    const Json calls = program.has("module_call_graph") ? program.at("module_call_graph")
                                                        : program.at("graph_module").at("module_call_graph");
    for (const Json& call : calls.items()) {
      if (!call.at("fqn").text().empty() || !call.has("signature")) continue;
      return pytree_output_names(call.at("signature").at("out_spec").text());
    }
    return {};
  }

  void note_state(const std::string& kind, const Json& value) {
    const std::string name(value.has("buffer_name")       ? value.at("buffer_name").text()
                           : value.has("user_input_name") ? value.at("user_input_name").text()
                                                          : std::string_view());
    if (kind == "token") return;
    notes_.push_back({Severity::note,
                      "T521",
                      "the model writes " + (name.empty() ? "its own state" : "'" + name + "'") + " (" +
                          kind + "), which the file does not keep",
                      {},
                      "return the new state from forward to keep it"});
  }

  const CaptureOptions& options_;
  ProgramArchive archive_;
  std::unique_ptr<ir::Graph> graph_;
  simdjson::dom::parser parser_;  // owns the document
  ProgramDims dims_;
  std::vector<UserInput> user_inputs_;
  size_t next_input_ = 0;
  std::set<std::string, std::less<>> given_;
  std::unordered_map<std::string, ir::Value*> weights_;
  std::vector<Diagnostic> notes_;
};

}  // namespace

Captured capture_exported_program(const std::filesystem::path& file, const CaptureOptions& options) {
  return ProgramCapture(file, options).run();
}

}  // namespace onnxport
