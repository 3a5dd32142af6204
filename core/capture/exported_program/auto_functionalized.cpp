// auto_functionalized: PyTorch's wrapper around a custom operator that writes to its arguments. It becomes
// what it stands for, copies and the operator itself, and prepare makes that functional like any other write.
#include <algorithm>

#include "core/capture/exported_program/program_importer.h"

namespace onnxport {
namespace {

constexpr std::string_view kBases = "_all_bases";

// Whether the elements lie one after the other in row-major order.
bool are_rows(const std::vector<ir::Dim>& sizes, const std::vector<ir::Dim>& strides) {
  if (sizes.size() != strides.size()) return false;
  ir::Dim expected = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (!(sizes[i] == ir::Dim(1)) && !(strides[i] == expected)) return false;
    expected = expected * sizes[i];
  }
  return true;
}

}  // namespace

const ProgramImporter::Input* ProgramImporter::input_named(const std::vector<Input>& inputs,
                                                           std::string_view name) {
  const auto found =
      std::find_if(inputs.begin(), inputs.end(), [&](const Input& input) { return input.name == name; });
  return found == inputs.end() ? nullptr : &*found;
}

// The strides that the program records of the base at a position of `_all_bases`; empty when it records none.
std::vector<ir::Dim> ProgramImporter::recorded_strides(const Input& bases, size_t at) const {
  const std::vector<Json> items = bases.argument.tagged().second.items();
  if (at >= items.size()) return {};
  const auto found = frame_->tensor_values.find(items[at].at("name").text());
  if (found == frame_->tensor_values.end()) return {};
  const Json meta(found->second, frame_->path + ".tensor_values");
  std::vector<ir::Dim> out;
  for (const Json& stride : meta.at("strides").items()) out.push_back(dims_.dim(stride));
  return out;
}

// Part of a tensor given by sizes and strides: read as it lies in memory, where both are plain rows.
ir::Value* ProgramImporter::block_of(ir::Value* base, const std::vector<ir::Dim>& base_strides,
                                     const Json& size, const Json& stride, const Json& offset) {
  const auto numbers = [&](const Json& list) -> std::optional<std::vector<ir::Dim>> {
    std::vector<ir::Dim> out;
    if (!list.has("as_ints")) return std::nullopt;
    for (const Json& number : list.at("as_ints").items()) out.emplace_back(number.integer());
    return out;
  };
  const auto sizes = numbers(size);
  const auto strides = numbers(stride);
  if (!sizes || !strides || !offset.has("as_int") || !base->type().shape() ||
      !are_rows(*base->type().shape(), base_strides) || !are_rows(*sizes, *strides)) {
    unsupported("auto_functionalized", "the operator writes to a part of a tensor that is no block of rows",
                "write to a copy of that part, and copy it back");
  }
  int64_t count = 1;
  std::vector<int64_t> shape;
  for (const ir::Dim& dim : *sizes) {
    shape.push_back(dim.value());
    if (__builtin_mul_overflow(count, dim.value(), &count)) size.refuse("has too many elements");
  }
  const auto view = [&](ir::Value* of, std::vector<int64_t> as) {
    ir::Value* const list = constant(std::move(as), ir::Type::list(ir::Type::integer()));
    return emit("aten::view", {of, list}, schema_of("aten::view", {}))->add_output(ir::Type::tensor());
  };
  const int64_t start = offset.at("as_int").integer();
  int64_t end = 0;
  if (start < 0 || count < 0 || __builtin_add_overflow(start, count, &end))
    offset.refuse("lies outside of the tensor");
  const auto integer = [&](int64_t v) { return constant(v, ir::Type::integer()); };
  const std::vector<ir::Value*> part = {view(base, {-1}), integer(0), integer(start), integer(end),
                                        integer(1)};
  ir::Value* const sliced =
      emit("aten::slice.Tensor", part, schema_of("aten::slice.Tensor", {}))->add_output(ir::Type::tensor());
  return view(sliced, std::move(shape));
}

// A written argument of the second version: a view of one of the bases, described by arguments of its own
// ("_x_base_index", "_x_slice_dim", …).
ir::Value* ProgramImporter::base_view(const std::string& argument, const std::vector<ir::Value*>& bases,
                                      const std::vector<Input>& inputs) {
  const auto fact = [&](const char* what) { return input_named(inputs, '_' + argument + what); };
  const auto needed = [&](const char* what) -> const Json& {
    const Input* found = fact(what);
    if (found == nullptr) inputs[0].argument.refuse("lacks the argument '_" + argument + what + '\'');
    return found->argument;
  };
  const Input* index = fact("_base_index");
  if (index == nullptr || index->argument.has("as_none")) return none();
  const int64_t at = index->argument.at("as_int").integer();
  if (at < 0 || static_cast<size_t>(at) >= bases.size())
    index->argument.refuse("names a base that is not there");
  ir::Value* const base = bases[static_cast<size_t>(at)];
  if (fact("_size") != nullptr) {
    return block_of(base, recorded_strides(*input_named(inputs, kBases), static_cast<size_t>(at)),
                    needed("_size"), needed("_stride"), needed("_storage_offset"));
  }
  if (fact("_slice_dim") != nullptr) {
    const std::vector<ir::Value*> operands = {
        base, this->argument(needed("_slice_dim"), "int"), this->argument(needed("_slice_start"), "int"),
        this->argument(needed("_slice_end"), "int"), constant(int64_t{1}, ir::Type::integer())};
    return emit("aten::slice.Tensor", operands, schema_of("aten::slice.Tensor", {}))
        ->add_output(ir::Type::tensor());
  }
  return base;
}

void ProgramImporter::import_auto_functionalized(const std::vector<Input>& inputs, const Json& node) {
  if (inputs.empty()) node.refuse("wraps no operator");
  const Json wrapped = inputs[0].argument.at("as_operator");
  if (!wrapped.text().starts_with(kOperatorPrefix)) wrapped.refuse("is no operator");
  const std::string name = operator_name(wrapped.text());
  const ir::Schema* schema = schema_of(name, {});
  if (schema->more_returns) {  // made up: nothing is known of it
    unsupported(
        name, "the operator writes to its arguments, and no plugin gives its schema",
        "give its schema, with the marks of what it writes, in a plugin's manifest under provides.schemas");
  }
  const auto copy = [&](ir::Value* value) {
    if (!value->type().is_tensor()) return value;
    return emit("aten::clone", {value, none()}, schema_of("aten::clone", {}))->add_output(value->type());
  };
  std::vector<ir::Value*> bases;
  const Input* all = input_named(inputs, kBases);
  if (all != nullptr) {
    for (ir::Value* base : flat_tensors({*all}, 0)) bases.push_back(copy(base));
  }
  std::vector<ir::Value*> operands;
  for (const ir::SchemaArgument& wanted : schema->arguments) {
    const Input* given = input_named(inputs, wanted.name);
    ir::Value* value = nullptr;
    if (given != nullptr) value = argument(given->argument, wanted.type);
    if (given != nullptr && wanted.is_written) bases.push_back(value = copy(value));  // the first version
    if (given == nullptr && wanted.is_written && all != nullptr)
      value = base_view(wanted.name, bases, inputs);
    if (value == nullptr && wanted.default_value) value = default_of(wanted);
    if (value == nullptr) node.refuse("lacks the argument '" + wanted.name + "' of " + name);
    operands.push_back(value);
  }
  ir::Node* made = emit(schema->qualified_name(), operands, schema);
  // Results: the operator's own (one None when it has none), then the bases.
  std::vector<ir::Value*> results;
  for (size_t i = 0; i < schema->returns.size(); ++i) results.push_back(made->add_output(ir::Type::tensor()));
  if (results.empty()) results.push_back(none());
  results.insert(results.end(), bases.begin(), bases.end());
  const std::vector<std::string_view> names = output_names(node);
  for (size_t i = 0; i < made->output_count() && i < names.size(); ++i) {
    if (!names[i].empty()) made->output(i)->set_type(recorded_type(names[i]));
  }
  bind_results(results, node);
}

}  // namespace onnxport
