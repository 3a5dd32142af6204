#include "core/capture/torchscript/signature.h"

#include <ATen/core/ivalue_inl.h>

#include <algorithm>
#include <array>

#include "core/libtorch/convert.h"
#include "core/libtorch/location.h"

namespace onnxport {
namespace {

bool below(std::string_view name, std::string_view parent) {
  return name.size() > parent.size() && name.starts_with(parent) && name[parent.size()] == '.';
}

// A tensor, or a container that holds nothing else: what is given as inputs, one by one.
bool holds_tensors(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::TensorType:
      return true;
    case c10::TypeKind::OptionalType:
    case c10::TypeKind::ListType:
      return holds_tensors(*type.containedType(0));
    case c10::TypeKind::DictType:
      return holds_tensors(*type.containedType(1));
    case c10::TypeKind::TupleType:
      return std::all_of(type.containedTypes().begin(), type.containedTypes().end(),
                         [](const c10::TypePtr& element) { return holds_tensors(*element); });
    default:
      return false;
  }
}

// A constant asked for on the command line ("name=3") as the argument's own type.
std::optional<c10::IValue> as_ivalue(const ir::AttributeValue& value, const c10::Type& type) {
  const bool wants_float = type.kind() == c10::TypeKind::FloatType;
  const bool wants_bool = type.kind() == c10::TypeKind::BoolType;
  const bool wants_int = type.kind() == c10::TypeKind::IntType;
  if (std::holds_alternative<std::monostate>(value)) return c10::IValue();
  if (const auto* v = std::get_if<int64_t>(&value)) {
    if (wants_float) return c10::IValue(static_cast<double>(*v));
    if (wants_bool && (*v == 0 || *v == 1)) return c10::IValue(*v == 1);
    if (wants_int || type.kind() == c10::TypeKind::NumberType) return c10::IValue(*v);
  }
  if (const auto* v = std::get_if<double>(&value);
      v != nullptr && (wants_float || type.kind() == c10::TypeKind::NumberType))
    return c10::IValue(*v);
  if (const auto* v = std::get_if<bool>(&value); v != nullptr && wants_bool) return c10::IValue(*v);
  if (const auto* v = std::get_if<std::string>(&value);
      v != nullptr && type.kind() == c10::TypeKind::StringType)
    return c10::IValue(*v);
  if (const auto* v = std::get_if<std::vector<int64_t>>(&value)) {
    if (type.kind() == c10::TypeKind::ListType) return c10::IValue(*v);
  }
  if (const auto* v = std::get_if<std::vector<double>>(&value)) {
    if (type.kind() == c10::TypeKind::ListType) return c10::IValue(*v);
  }
  return std::nullopt;
}

}  // namespace

InputBinder::InputBinder(ir::Graph& graph, Importer& importer, const c10::FunctionSchema& schema,
                         const CaptureOptions& options, const std::vector<c10::IValue>& traced,
                         std::string file, const TracedFunction& function)
    : graph_(graph),
      importer_(importer),
      schema_(schema),
      specs_(options.inputs),
      traced_(traced),
      file_(std::move(file)),
      function_(function),
      weights_(options.weights) {}

std::string InputBinder::signature() const {
  std::string out = "forward(";
  for (size_t i = 1; i < schema_.arguments().size(); ++i) {
    const c10::Argument& a = schema_.arguments()[i];
    out += (i > 1 ? ", " : "") + a.name() + ": " + a.type()->repr_str() + (a.default_value() ? "=…" : "");
  }
  return out + ")";
}

Error InputBinder::error(std::string_view code, std::string message, std::string hint) const {
  return Error(code, std::move(message) + "; the model is " + signature(), place_of_file(file_),
               std::move(hint));
}

// Names that are all foreign to forward rename its arguments in order: `--input 'image:f32[1,3,8,8]'` for forward(x).
void InputBinder::choose_order() {
  const auto known = [&](const InputSpec& spec) {
    return std::any_of(
        schema_.arguments().begin() + 1, schema_.arguments().end(),
        [&](const c10::Argument& a) { return spec.name == a.name() || below(spec.name, a.name()); });
  };
  const auto matches = static_cast<size_t>(std::count_if(specs_.begin(), specs_.end(), known));
  const bool unnamed =
      std::any_of(specs_.begin(), specs_.end(), [](const InputSpec& s) { return s.name.empty(); });
  positional_ = !specs_.empty() && (matches == 0 || unnamed);
  if (positional_ || matches == specs_.size()) return;
  for (const InputSpec& spec : specs_) {
    if (!known(spec))
      throw error("I106", "no argument of forward is called '" + spec.name + "'",
                  "use the names above for all inputs, or none of them to rename the inputs in order");
  }
}

// A traced file keeps the shapes it was traced with: static inputs, when nothing else was asked for.
void InputBinder::specs_from_trace() {
  if (!specs_.empty() || traced_.size() + 1 > schema_.arguments().size()) return;
  for (size_t i = 0; i < traced_.size(); ++i) {
    if (!traced_[i].isTensor()) {
      specs_.clear();
      return;
    }
    const at::Tensor& tensor = traced_[i].toTensor();
    ir::Shape shape;
    for (const int64_t size : tensor.sizes()) shape.push_back(size);
    InputSpec spec;
    spec.name = schema_.arguments()[i + 1].name();
    spec.type = ir::Type::tensor(to_dtype(tensor.scalar_type()), std::move(shape));
    specs_.push_back(std::move(spec));
  }
}

std::vector<Binding> InputBinder::bind() {
  specs_from_trace();
  taken_.assign(specs_.size(), false);
  choose_order();
  std::vector<Binding> out;
  for (size_t i = 1; i < schema_.arguments().size(); ++i) {
    const c10::Argument& argument = schema_.arguments()[i];
    if (const auto weight = function_.weights.find(argument.name()); weight != function_.weights.end()) {
      out.push_back(Binding::of(bind_weight(weight->second)));
      continue;
    }
    out.push_back(Binding::of(bind_value(argument.name(), *argument.type(), argument.default_value())));
  }
  const auto left = std::find(taken_.begin(), taken_.end(), false);
  if (left != taken_.end()) {
    const auto index = static_cast<size_t>(left - taken_.begin());
    const std::string name =
        specs_[index].name.empty() ? "number " + std::to_string(index + 1) : "'" + specs_[index].name + "'";
    throw error("I105",
                "more inputs are given than forward takes: " + name + " is left over (" +
                    std::to_string(specs_.size()) + " given)",
                "leave it out");
  }
  return out;
}

const InputSpec* InputBinder::take(const std::string& name) {
  if (positional_) {
    if (next_ >= specs_.size()) return nullptr;
    taken_[next_] = true;
    return &specs_[next_++];
  }
  for (size_t i = 0; i < specs_.size(); ++i) {
    if (specs_[i].name != name || taken_[i]) continue;
    taken_[i] = true;
    return &specs_[i];
  }
  return nullptr;
}

bool InputBinder::has_specs_below(const std::string& name) const {
  if (positional_) return next_ < specs_.size();
  return std::any_of(specs_.begin(), specs_.end(),
                     [&](const InputSpec& s) { return s.name == name || below(s.name, name); });
}

bool InputBinder::has_elements(const std::string& name) const {
  return std::any_of(specs_.begin(), specs_.end(), [&](const InputSpec& s) { return s.name == name + ".0"; });
}

ir::Value* InputBinder::bind_value(const std::string& name, const c10::Type& type,
                                   const std::optional<c10::IValue>& fallback) {
  const bool optional = type.kind() == c10::TypeKind::OptionalType;
  if (!has_specs_below(name) && (fallback || optional))
    return importer_.constant(fallback.value_or(c10::IValue()), name);
  switch (type.kind()) {
    case c10::TypeKind::OptionalType:
      return bind_value(name, *type.containedType(0), std::nullopt);
    case c10::TypeKind::TupleType:
      return bind_tuple(name, type.expectRef<c10::TupleType>());
    case c10::TypeKind::DictType:
      return bind_dict(name, type.expectRef<c10::DictType>());
    case c10::TypeKind::ListType:
      // Numbers are one fixed list, unless they are given one by one.
      if (holds_tensors(type) || (!positional_ && has_elements(name)))
        return bind_list(name, type.expectRef<c10::ListType>());
      break;
    default:
      break;
  }
  const InputSpec* spec = take(name);
  if (spec == nullptr)
    throw error("I105", "the input '" + name + "' is missing",
                type.kind() == c10::TypeKind::TensorType
                    ? "add --input '" + name + ":f32[batch,3,224,224]' with its element type and dims"
                    : "add --input '" + name + "=VALUE' to fix it");
  if (spec->fixed) return bind_fixed(name, type, *spec);
  if (type.kind() == c10::TypeKind::TensorType) return bind_tensor(name, *spec);
  return bind_scalar(name, type, *spec);
}

ir::Value* InputBinder::add_input(const std::string& name, ir::Type type) {
  for (const ir::Dim& dim : type.shape().value_or(ir::Shape{})) {
    dim.for_each_symbol([&](std::string_view symbol) { graph_.symbols.try_emplace(std::string(symbol)); });
  }
  graph_.input_names.push_back(name);
  return graph_.add_input(name, std::move(type));
}

ir::Value* InputBinder::bind_weight(const std::string& name) {
  const auto found = weights_ == nullptr ? WeightsByName::const_iterator() : weights_->find(name);
  if (weights_ == nullptr || found == weights_->end())
    throw Error("I128", "the weight '" + name + "' is neither in the file nor given in memory",
                place_of_file(file_), "give the weights of the module that was traced with the file");
  ir::Value*& out = bound_weights_[name];
  if (out == nullptr) out = graph_.add_initializer(name, found->second.contiguous());
  return out;
}

ir::Value* InputBinder::bind_tensor(const std::string& name, const InputSpec& spec) {
  const std::string& final_name = spec.name.empty() ? name : spec.name;
  switch (spec.type.kind()) {
    case ir::Type::Kind::tensor: {
      ir::Value* input = add_input(final_name, spec.type);
      if (!spec.grid) return input;
      const at::ScalarType dtype = spec.type.dtype() == ir::DType::u8   ? at::kQUInt8
                                   : spec.type.dtype() == ir::DType::i8 ? at::kQInt8
                                                                        : at::kQInt32;
      return importer_.of_integers(input, spec.grid->scale, spec.grid->zero_point, dtype);
    }
    case ir::Type::Kind::integer:
      return add_input(final_name, ir::Type::tensor(ir::DType::i64, ir::Shape{}));
    case ir::Type::Kind::real:
      return add_input(final_name, ir::Type::tensor(ir::DType::f32, ir::Shape{}));
    case ir::Type::Kind::boolean:
      return add_input(final_name, ir::Type::tensor(ir::DType::boolean, ir::Shape{}));
    default:
      throw error("I107", "the input '" + name + "' is a tensor, not " + spec.type.text(),
                  "give it as 'name:dtype[dims]'");
  }
}

ir::Value* InputBinder::bind_scalar(const std::string& name, const c10::Type& type, const InputSpec& spec) {
  const ir::Type wanted = from_torch(type);
  const ir::Type& given = spec.type;
  const bool scalar_tensor = given.is_tensor() && given.rank() == 0;
  const bool fits =
      given == wanted ||
      (scalar_tensor && ((wanted.kind() == ir::Type::Kind::integer && ir::is_integral(given.dtype())) ||
                         (wanted.kind() == ir::Type::Kind::real && ir::is_floating(given.dtype())) ||
                         (wanted.kind() == ir::Type::Kind::boolean && given.dtype() == ir::DType::boolean)));
  if (!wanted.is_scalar() || !fits)
    throw error("I107", "the input '" + name + "' is " + type.repr_str() + ", not " + given.text(),
                wanted.is_scalar()
                    ? "give it as '" + name + ":i64[]', 'f32[]' or 'bool[]' by its type, or fix it with '" +
                          name + "=VALUE'"
                    : "fix it with --input '" + name + "=VALUE'");
  const std::string& final_name = spec.name.empty() ? name : spec.name;
  const ir::DType usual = wanted.kind() == ir::Type::Kind::integer ? ir::DType::i64
                          : wanted.kind() == ir::Type::Kind::real  ? ir::DType::f32
                                                                   : ir::DType::boolean;
  if (!given.is_tensor() || given.dtype() == usual) return add_input(final_name, wanted);
  // As wide as was asked for, and a number from there on.
  ir::Value* tensor = add_input(final_name, given);
  const ir::Schema* schema = graph_.keep(ir::parse_schema(wanted.kind() == ir::Type::Kind::real
                                                              ? "aten::Float.Tensor(Tensor a) -> float"
                                                              : "aten::Int.Tensor(Tensor a) -> int"));
  ir::Node* number = graph_.create(schema->qualified_name(), std::array{tensor}, schema);
  graph_.append(graph_.body(), number);
  return number->add_output(wanted);
}

ir::Value* InputBinder::bind_fixed(const std::string& name, const c10::Type& type, const InputSpec& spec) {
  if (const auto* tensor = std::get_if<ir::Tensor>(&*spec.fixed);
      tensor != nullptr && type.kind() == c10::TypeKind::TensorType)
    return graph_.add_initializer(name, *tensor);
  const auto value = as_ivalue(*spec.fixed, type);
  if (!value)
    throw error("I107",
                "the input '" + name + "' is " + type.repr_str() + "; it cannot be fixed to that value",
                type.kind() == c10::TypeKind::TensorType ? "give it as 'name:dtype[dims]'"
                                                         : "give a value of its type");
  return importer_.constant(*value, name);
}

ir::Value* InputBinder::bind_tuple(const std::string& name, const c10::TupleType& type) {
  std::vector<ir::Value*> items;
  for (size_t i = 0; i < type.elements().size(); ++i) {
    const std::string field = type.schema() ? type.schema()->arguments()[i].name() : std::to_string(i);
    items.push_back(bind_value(name + '.' + field, *type.elements()[i], std::nullopt));
  }
  return importer_.emit("prim::TupleConstruct", items, from_torch(type))->output();
}

// As many elements as there are inputs named x.0, x.1, … (of tuples x.0.0, x.0.1, …); in order, all that are left.
ir::Value* InputBinder::bind_list(const std::string& name, const c10::ListType& type) {
  std::vector<ir::Value*> items;
  const auto another = [&] {
    if (positional_) return next_ < specs_.size();
    const std::string element = name + '.' + std::to_string(items.size());
    return std::any_of(specs_.begin(), specs_.end(),
                       [&](const InputSpec& s) { return s.name == element || below(s.name, element); });
  };
  while (another())
    items.push_back(
        bind_value(name + '.' + std::to_string(items.size()), *type.getElementType(), std::nullopt));
  if (items.empty())
    throw error("I105", "the list '" + name + "' has no elements",
                "add --input '" + name + ".0:dtype[dims]' and so on, one per element");
  return importer_.emit("prim::ListConstruct", items, from_torch(type))->output();
}

ir::Value* InputBinder::bind_dict(const std::string& name, const c10::DictType& type) {
  std::vector<ir::Value*> items;
  std::set<std::string> keys;
  const std::vector<InputSpec> specs = specs_;  // binding an element marks its spec taken
  for (const InputSpec& spec : specs) {
    if (!below(spec.name, name)) continue;
    std::string key = spec.name.substr(name.size() + 1);
    if (type.getValueType()->kind() != c10::TypeKind::TensorType) key = key.substr(0, key.find('.'));
    if (!keys.insert(key).second) continue;
    items.push_back(importer_.constant(c10::IValue(key), ""));
    items.push_back(bind_value(name + '.' + key, *type.getValueType(), std::nullopt));
  }
  if (items.empty() || type.getKeyType()->kind() != c10::TypeKind::StringType)
    throw error("I105", "the dict '" + name + "' has no elements",
                "add --input '" + name + ".KEY:dtype[dims]', one per key (keys are strings)");
  return importer_.emit("prim::DictConstruct", items, from_torch(type))->output();
}

}  // namespace onnxport
