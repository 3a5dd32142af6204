#include "core/capture/exported_program/program_inputs.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>
#include <utility>

#include "core/archive/file_error.h"
#include "core/capture/exported_program/module_calls.h"
#include "core/capture/exported_program/symbolic.h"

namespace onnxport {
namespace {

constexpr int64_t kInfinity = int64_t{1} << 48;  // sizes above it are unbounded

std::optional<int64_t> number(std::string_view text) {
  int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

}  // namespace

ProgramInputs::ProgramInputs(const Json& program, std::string file, const CaptureOptions& options,
                             ProgramDims& dims)
    : file_(std::move(file)), options_(options), dims_(dims) {
  const Json module = program.at("graph_module");
  collect(module.at("graph"), module.at("signature"), call_input_names(program));
  match_specs();
  rename_symbols(program);
  for (const Input& input : inputs_) apply(input);
}

Error ProgramInputs::refused(std::string_view code, std::string message, std::string hint) const {
  return file_error(code, std::move(message), file_, std::move(hint));
}

Error ProgramInputs::mismatch(const Input& input, const std::string& why) const {
  return refused("I107", "input '" + input.name + "': " + why + "; the program has " + type(input).text(),
                 "give it as the program has it, or export the program again");
}

std::string ProgramInputs::names() const {
  std::string out;
  for (const Input& input : inputs_) out += (out.empty() ? "" : ", ") + input.name;
  return out;
}

const ProgramInputs::Input* ProgramInputs::find(std::string_view placeholder) const {
  const auto found = std::find_if(inputs_.begin(), inputs_.end(),
                                  [&](const Input& input) { return input.placeholder == placeholder; });
  return found == inputs_.end() ? nullptr : &*found;
}

ir::Type ProgramInputs::type(const Input& input) const {
  if (input.meta) return dims_.type(*input.meta);
  return input.tag == "as_sym_int"     ? ir::Type::integer()
         : input.tag == "as_sym_float" ? ir::Type::real()
                                       : ir::Type::boolean();
}

// ---- the signature ----

void ProgramInputs::collect(const Json& graph, const Json& signature, const std::vector<std::string>& names) {
  std::unordered_map<std::string_view, simdjson::dom::element> metas;
  for (const auto& [name, meta] : graph.at("tensor_values").members()) metas.emplace(name, meta.raw());
  size_t leaf = 0;  // of the call's arguments, constants included
  for (const Json& spec : signature.at("input_specs").items()) {
    const auto [kind, value] = spec.tagged();
    if (kind == "constant_input") ++leaf;
    if (kind != "user_input") continue;
    const auto [tag, argument] = value.at("arg").tagged();
    const size_t at = leaf++;
    Input input;
    input.tag = tag;
    if (tag == "as_tensor") {
      input.placeholder = argument.at("name").text();
      const auto meta = metas.find(input.placeholder);
      if (meta == metas.end()) argument.refuse("has no recorded type");
      input.meta.emplace(meta->second, argument.path() + ".tensor_values." + input.placeholder);
    } else if (tag.starts_with("as_sym_") && argument.is_object() && argument.has("as_name")) {
      input.placeholder = argument.at("as_name").text();
    } else {
      continue;  // a constant of the program
    }
    input.name = at < names.size() ? names[at] : input.placeholder;
    inputs_.push_back(std::move(input));
  }
}

// ---- what the user says of the inputs ----

ProgramInputs::Input& ProgramInputs::matching(const InputSpec& spec, size_t position, bool positional) {
  if (positional) return inputs_[position];
  const auto found = std::find_if(inputs_.begin(), inputs_.end(), [&](const Input& input) {
    return input.name == spec.name || input.placeholder == spec.name;
  });
  if (found != inputs_.end()) return *found;
  throw refused("I106", "the program has no input '" + spec.name + "'", "its inputs are: " + names());
}

void ProgramInputs::match_specs() {
  if (options_.inputs.size() > inputs_.size()) {
    throw refused("I105",
                  std::to_string(options_.inputs.size()) + " inputs are given, the program takes " +
                      std::to_string(inputs_.size()) + ": " + names(),
                  "leave out --input: the program knows its own inputs");
  }
  const bool positional = std::all_of(options_.inputs.begin(), options_.inputs.end(),
                                      [](const InputSpec& s) { return s.name.empty(); });
  for (size_t i = 0; i < options_.inputs.size(); ++i) {
    const InputSpec& spec = options_.inputs[i];
    Input& input = matching(spec, i, positional);
    if (spec.fixed) {
      throw refused("I107", "the input '" + spec.name + "' cannot be fixed: the program takes it at run time",
                    "fix it in torch.export.export");
    }
    if (input.spec != nullptr) throw refused("I106", "the input '" + input.name + "' is given twice", "");
    input.spec = &spec;
  }
}

void ProgramInputs::rename_symbols(const Json& program) {
  if (options_.dims.empty()) return;
  std::set<std::string, std::less<>> known;
  const auto note = [&](const ir::Dim& dim) {
    dim.for_each_symbol([&](std::string_view symbol) { known.emplace(symbol); });
  };
  for (const Input& input : inputs_) {
    if (!input.meta) continue;
    const ir::Type own = type(input);
    for (const ir::Dim& dim : *own.shape()) note(dim);
  }
  if (program.has("range_constraints")) {
    for (const auto& [text, range] : program.at("range_constraints").members()) {
      if (const auto dim = parse_symbolic(text)) note(*dim);
    }
  }
  for (const auto& [symbol, wanted] : options_.dims) {
    if (!known.contains(symbol)) {
      std::string list;
      for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
      throw refused("I107", "the program has no symbol '" + symbol + "'",
                    list.empty() ? "all of its sizes are numbers" : "its symbols are: " + list);
    }
    const auto size = number(wanted);
    const auto dim = size ? ir::Dim(*size) : ir::Dim::parse(wanted);
    if (!dim || (size && *size < 0) || (!size && dim->symbol_name() != wanted)) {
      throw refused("I107", "'" + wanted + "' is no name and no size for symbol '" + symbol + "'",
                    "for example --dim " + symbol + "=batch");
    }
    dims_.rename(symbol, *dim);
    if (!size) given_.emplace(wanted);
  }
}

// A symbol takes the name, or the number, that --input gives for it.
void ProgramInputs::apply(const Input& input) {
  if (input.spec == nullptr || !input.meta) return;
  const ir::Type own = type(input);
  const ir::Type& asked = input.spec->type;
  if (!asked.is_tensor()) throw mismatch(input, "it is a tensor");
  if (asked.dtype() != ir::DType::undefined && asked.dtype() != own.dtype()) {
    throw mismatch(input, "the element type is " + std::string(ir::short_name(asked.dtype())));
  }
  if (!asked.shape()) return;
  if (asked.rank() != own.rank()) throw mismatch(input, std::to_string(asked.rank()) + " dims are given");
  for (size_t i = 0; i < asked.shape()->size(); ++i) unify(input, i, (*asked.shape())[i]);
}

void ProgramInputs::unify(const Input& input, size_t axis, const ir::Dim& wanted) {
  const ir::Type own = type(input);  // with the names given until now
  const ir::Dim& dim = (*own.shape())[axis];
  if (dim == wanted) return;
  const std::string symbol(dim.symbol_name());
  const std::string which = "dim " + std::to_string(axis);
  // The size an example has, of --inputs, is no wish.
  if (input.spec->example && wanted.is_constant()) {
    if (dim.is_constant()) throw mismatch(input, which + " is " + wanted.text());
    return;
  }
  if (symbol.empty() || dims_.renamed(symbol) != nullptr) {
    throw mismatch(input, which + " is " + dim.text() + ", not " + wanted.text());
  }
  // A name that was given already is a symbol of the user's, not of the program.
  if (given_.contains(symbol)) {
    throw mismatch(input, which + " is '" + symbol + "' elsewhere and " + wanted.text() + " here");
  }
  if (wanted.is_expression() && wanted.symbol_name().empty()) {
    throw mismatch(input, which + " needs a name or a number, not " + wanted.text());
  }
  dims_.rename(symbol, wanted);
  if (!wanted.symbol_name().empty()) given_.emplace(wanted.symbol_name());
}

// ---- symbols ----

std::map<std::string, ir::SymbolInfo, std::less<>> ProgramInputs::symbols(const Json& program) const {
  Symbols out;
  if (program.has("range_constraints")) {
    for (const auto& [text, range] : program.at("range_constraints").members()) note_range(text, range, out);
  }
  for (const Input& input : inputs_) {
    if (!input.meta) continue;
    for (const Json& size : input.meta->at("sizes").items()) note_hint(size, out);
    const ir::Type own = type(input);
    for (const ir::Dim& dim : *own.shape())
      dim.for_each_symbol([&](std::string_view s) { out[std::string(s)]; });
  }
  for (const auto& [name, info] : options_.symbols) {
    const auto own = out.find(name);
    if (own != out.end() && info.hint) own->second.hint = info.hint;
  }
  return out;
}

void ProgramInputs::note_range(std::string_view text, const Json& range, Symbols& out) const {
  const auto dim = parse_symbolic(text);
  if (!dim || dim->symbol_name().empty()) return;  // of an expression: its symbols have their own
  const ir::Dim* renamed = dims_.renamed(dim->symbol_name());
  const int64_t low = range.has("min_val") ? std::max<int64_t>(range.at("min_val").integer(), 0) : 0;
  // PyTorch's infinity is null, or a very large number.
  const int64_t high = range.has("max_val") ? std::min(range.at("max_val").integer(), kInfinity) : kInfinity;
  if (renamed != nullptr && renamed->is_constant()) {
    if (renamed->value() >= low && renamed->value() <= high) return;
    throw refused("I107",
                  "the size " + renamed->text() + " is outside the program's range for it, " +
                      std::to_string(low) + " to " + (high == kInfinity ? "any" : std::to_string(high)),
                  "export the program with another range");
  }
  if (renamed != nullptr && renamed->symbol_name().empty()) return;  // its symbols have ranges of their own
  ir::SymbolInfo& info = out[std::string(renamed != nullptr ? renamed->symbol_name() : dim->symbol_name())];
  info.min = std::max(info.min, low);  // two symbols may have become one
  if (high < kInfinity) info.max = std::min(info.max.value_or(high), high);
}

void ProgramInputs::note_hint(const Json& size, Symbols& out) const {
  if (!size.has("as_expr")) return;
  const ir::Dim dim = dims_.dim(size);
  const Json expression = size.at("as_expr");
  if (dim.symbol_name().empty() || !expression.has("hint")) return;
  ir::SymbolInfo& info = out[std::string(dim.symbol_name())];
  const Json hint = expression.at("hint");
  if (!info.hint && hint.has("as_int")) info.hint = hint.at("as_int").integer();
}

}  // namespace onnxport
