#include "core/capture/exported_program/sample_inputs.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "core/archive/saved_tensors.h"
#include "core/capture/exported_program/archived_tensor.h"
#include "core/capture/exported_program/module_calls.h"

namespace onnxport {
namespace {

struct Leaf {
  std::string name;
  const SavedValue* value;
};

// models/NAME.json goes with data/sample_inputs/NAME.pt.
std::string record_of(const ProgramArchive& archive) {
  if (archive.is_older_layout()) return "serialized_example_inputs.pt";
  const std::string& program = archive.program_record();
  const size_t start = program.rfind('/') + 1;
  return "data/sample_inputs/" + program.substr(start, program.rfind('.') - start) + ".pt";
}

// The leaves of a tree under the names that pytree_input_names gives them.
void collect(const SavedValue& from, const std::string& name, std::vector<Leaf>& out) {
  const bool is_dict = from.kind == SavedValue::Kind::dict;
  if (!is_dict && from.kind != SavedValue::Kind::sequence) {
    out.push_back({name, &from});
    return;
  }
  for (size_t i = 0; i < from.items.size(); ++i) {
    const std::string label = is_dict ? from.keys[i] : std::to_string(i);
    collect(from.items[i], name + '.' + label, out);
  }
}

// A pair of positional and keyword arguments.
std::optional<std::vector<Leaf>> leaves_of(const SavedValue& saved,
                                           const std::vector<std::string>& arguments) {
  using Kind = SavedValue::Kind;
  if (saved.kind != Kind::sequence || saved.items.size() != 2) return std::nullopt;
  const SavedValue& positional = saved.items[0];
  const SavedValue& named = saved.items[1];
  if (positional.kind != Kind::sequence || named.kind != Kind::dict) return std::nullopt;
  std::vector<Leaf> out;
  for (size_t i = 0; i < positional.items.size(); ++i)
    collect(positional.items[i], i < arguments.size() ? arguments[i] : std::string(), out);
  for (size_t i = 0; i < named.items.size(); ++i) collect(named.items[i], named.keys[i], out);
  return out;
}

std::vector<std::string> argument_names(const Json& program) {
  std::vector<std::string> out;
  const std::optional<Json> call = outer_call(program);
  if (!call || !call->has("forward_arg_names")) return out;
  for (const Json& name : call->at("forward_arg_names").items()) out.emplace_back(name.text());
  return out;
}

// What a graph's input can be; nullopt for None, a text and what else is no value of a graph, and for a
// tensor that does not lie in the record.
std::optional<ir::Tensor> tensor_of(const ProgramArchive& archive, const std::string& record,
                                    const SavedValue& value, uint64_t& copied) {
  std::string why;
  switch (value.kind) {
    case SavedValue::Kind::tensor:
      return read_tensor(archive, ArchivedTensor::of(value.tensor, record), copied, why);
    case SavedValue::Kind::integer:
      return ir::Tensor::scalar(value.integer);
    case SavedValue::Kind::real:
      return ir::Tensor::of<float>(ir::DType::f32, {}, {static_cast<float>(value.real)});
    case SavedValue::Kind::boolean:
      return ir::Tensor::of<uint8_t>(ir::DType::boolean, {}, {static_cast<uint8_t>(value.integer != 0)});
    default:
      return std::nullopt;
  }
}

// The placeholder of an input that the caller gives; empty for a constant of the program.
std::string placeholder_of(const Json& argument) {
  const Json value = argument.tagged().second;
  if (!value.is_object()) return {};
  return std::string(value.has("name")      ? value.at("name").text()
                     : value.has("as_name") ? value.at("as_name").text()
                                            : std::string_view());
}

// Whether an input of this type takes this tensor where the symbols have these sizes.
bool takes(const ir::Type& type, const ir::Tensor& tensor,
           const std::map<std::string, int64_t, std::less<>>& sizes) {
  const auto is_number_of = [&](ir::DType dtype) { return tensor.dims().empty() && tensor.dtype() == dtype; };
  if (type.kind() == ir::Type::Kind::integer) return is_number_of(ir::DType::i64);
  if (type.kind() == ir::Type::Kind::real) return is_number_of(ir::DType::f32);
  if (type.kind() == ir::Type::Kind::boolean) return is_number_of(ir::DType::boolean);
  if (!type.is_tensor() || type.dtype() != tensor.dtype() || !type.shape()) return false;
  const ir::Shape& shape = *type.shape();
  return std::equal(shape.begin(), shape.end(), tensor.dims().begin(), tensor.dims().end(),
                    [&](const ir::Dim& dim, int64_t size) {
                      return (dim.is_constant() ? dim.value() : dim.evaluate(sizes)) == size;
                    });
}

}  // namespace

std::optional<std::vector<SampleInput>> sample_inputs(const ProgramArchive& archive, const Json& program,
                                                      std::string& why) {
  const std::string record = record_of(archive);
  if (!archive.has(record) || archive.bytes(record).empty()) {
    why = "the program keeps no example inputs";
    return std::nullopt;
  }
  archive.check(record);
  const auto saved = read_pickled_tensors(archive.bytes(record), why);
  if (!saved) return std::nullopt;
  const auto leaves = leaves_of(*saved, argument_names(program));
  if (!leaves) {
    why = "the record '" + record + "' holds no arguments";
    return std::nullopt;
  }
  std::unordered_map<std::string_view, const SavedValue*> by_name;
  for (const Leaf& leaf : *leaves) by_name.emplace(leaf.name, leaf.value);
  const std::vector<std::string> names = call_input_names(program);
  std::vector<SampleInput> out;
  size_t at = 0;  // among the leaves of the call, constants included
  uint64_t copied = 0;
  for (const Json& spec : program.at("graph_module").at("signature").at("input_specs").items()) {
    const auto [kind, value] = spec.tagged();
    if (kind != "user_input" && kind != "constant_input") continue;
    const size_t leaf = at++;
    if (kind == "constant_input") continue;
    const std::string placeholder = placeholder_of(value.at("arg"));
    if (placeholder.empty()) continue;
    const bool is_named = leaf < names.size();
    const auto found = is_named ? by_name.find(names[leaf]) : by_name.end();
    const SavedValue* sample = found != by_name.end()               ? found->second
                               : !is_named && leaf < leaves->size() ? (*leaves)[leaf].value
                                                                    : nullptr;
    if (sample == nullptr) continue;
    if (auto tensor = tensor_of(archive, record, *sample, copied))
      out.push_back({is_named ? names[leaf] : placeholder, *std::move(tensor)});
  }
  return out;
}

std::vector<std::optional<ir::Tensor>> sample_inputs_of(const std::filesystem::path& file,
                                                        const ir::Graph& captured) {
  std::vector<std::optional<ir::Tensor>> out(captured.input_names.size());
  const ProgramArchive archive(file);
  simdjson::dom::parser parser;
  const Json program = parse_json(parser, archive.text(archive.program_record()), archive.path() + ':');
  std::string why;
  const auto samples = sample_inputs(archive, program, why);
  if (!samples) return out;
  std::map<std::string, int64_t, std::less<>> sizes;
  for (const auto& [symbol, info] : captured.symbols) {
    if (info.hint) sizes[symbol] = *info.hint;
  }
  auto found = out;
  for (size_t i = 0; i < out.size(); ++i) {
    const auto sample = std::find_if(samples->begin(), samples->end(),
                                     [&](const SampleInput& s) { return s.name == captured.input_names[i]; });
    if (sample == samples->end()) continue;
    if (!takes(captured.body().parameters()[i]->type(), sample->value, sizes)) return out;
    found[i] = sample->value;
  }
  return found;
}

}  // namespace onnxport
