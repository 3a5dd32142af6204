#include "core/prepare/aliases.h"

#include <algorithm>
#include <array>

#include "core/argument/torch_operators.h"
#include "core/prepare/node_facts.h"

namespace onnxport {

namespace {

template <size_t N>
bool one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Besides what hands its operand on in every stage (torch_operators.h).
constexpr std::array<std::string_view, 13> kSame = {
    "aten::alias",      "aten::detach", "aten::detach_",  "aten::data",         "aten::requires_grad_",
    "aten::lift_fresh", "aten::lift",   "aten::positive", "aten::resolve_conj", "aten::resolve_neg",
    "aten::pin_memory", "aten::cpu",    "aten::cuda"};

constexpr std::array<std::string_view, 5> kReshapes = {"aten::reshape", "aten::flatten", "aten::ravel",
                                                       "aten::reshape_as", "aten::_reshape_alias"};

// Without alias marks in their schemas, though they return their input where there is nothing to do.
constexpr std::array<std::string_view, 5> kDropouts = {"aten::dropout", "aten::feature_dropout",
                                                       "aten::alpha_dropout", "aten::feature_alpha_dropout",
                                                       "aten::rrelu"};

constexpr std::array<std::string_view, 24> kContiguousResults = {
    "aten::zeros",   "aten::ones",       "aten::full",  "aten::empty",  "aten::arange",
    "aten::linear",  "aten::matmul",     "aten::mm",    "aten::bmm",    "aten::addmm",
    "aten::baddbmm", "aten::embedding",  "aten::cat",   "aten::stack",  "aten::contiguous",
    "aten::rand",    "aten::randn",      "aten::eye",   "aten::tensor", "aten::linspace",
    "aten::one_hot", "aten::layer_norm", "aten::index", "aten::gather"};

constexpr std::array<std::string_view, 12> kContiguousSteps = {
    "aten::type_as",   "aten::view",       "aten::reshape",   "aten::flatten",
    "aten::unsqueeze", "aten::squeeze",    "aten::alias",     "aten::clone",
    "aten::relu",      "aten::zeros_like", "aten::ones_like", "aten::empty_like"};

Aliasing reshape_aliasing(const ir::Node& node) {
  const ir::Value* input = node.operand(0);
  return {input != nullptr && is_contiguous(*input) ? Aliasing::Kind::view : Aliasing::Kind::either, 0};
}

ir::DType dtype_argument(const ir::Node& node) {
  const ir::AttributeValue* constant = constant_value(node.argument("dtype"));
  const auto* dtype = constant == nullptr ? nullptr : std::get_if<ir::DType>(constant);
  return dtype == nullptr ? ir::DType::undefined : *dtype;
}

// What a capture without types still says.
ir::DType known_dtype(const ir::Value* value) {
  static constexpr std::array<std::string_view, 12> kBoolean = {
      "aten::eq",         "aten::ne",    "aten::lt",          "aten::le",
      "aten::gt",         "aten::ge",    "aten::logical_not", "aten::logical_and",
      "aten::logical_or", "aten::isnan", "aten::isinf",       "aten::isfinite"};
  static constexpr std::array<std::string_view, 5> kKeep = {"aten::clone", "aten::relu", "aten::neg",
                                                            "aten::contiguous", "aten::zeros_like"};
  for (int steps = 0; value != nullptr && steps < 64; ++steps) {
    if (value->type().dtype() != ir::DType::undefined) return value->type().dtype();
    const ir::Node* maker = value->producer();
    if (maker == nullptr || maker->operand_count() == 0) return ir::DType::undefined;
    const std::string_view name = operator_base_name(maker->op_text());
    if (one_of(name, kBoolean)) return ir::DType::boolean;
    if (name == "aten::type_as") {
      value = maker->operand(1);
      continue;
    }
    if (const ir::DType dtype = dtype_argument(*maker); dtype != ir::DType::undefined) return dtype;
    if (name == "aten::to" && maker->argument("dtype") != nullptr) return ir::DType::undefined;
    const bool keeps = one_of(name, kKeep);
    const Aliasing aliasing = keeps || name == "aten::to" ? Aliasing{} : aliasing_of(*maker, value->index());
    if (!keeps && aliasing.kind != Aliasing::Kind::same && aliasing.kind != Aliasing::Kind::view)
      return ir::DType::undefined;
    if (name == "aten::view" && maker->argument("dtype") != nullptr) return ir::DType::undefined;
    value = maker->operand(aliasing.operand);
  }
  return ir::DType::undefined;
}

Aliasing conversion_aliasing(const ir::Node& node) {
  const ir::DType from = known_dtype(node.operand(0));
  ir::DType to = node.output()->type().dtype();
  if (to == ir::DType::undefined) to = dtype_argument(node);
  if (to == ir::DType::undefined) to = known_dtype(node.argument("other"));
  // Nothing but the device is asked for, and a model has one.
  if (to == ir::DType::undefined && node.argument("dtype") == nullptr && node.argument("other") == nullptr)
    to = from;
  if (constant_bool(node.argument("copy")).value_or(false)) return {};
  if (from == ir::DType::undefined || to == ir::DType::undefined) return {Aliasing::Kind::either, 0};
  return {from == to ? Aliasing::Kind::same : Aliasing::Kind::fresh, 0};
}

// By the schema's alias sets: the argument whose set the result names.
int operand_of_set(const ir::Node& node, size_t output) {
  const ir::Schema* schema = node.schema();
  if (schema == nullptr || output >= schema->returns.size()) return -1;
  const std::string& set = schema->returns[output].alias_set;
  if (set.empty() && schema->returns[output].type == "Tensor[]") {
    // torch prints split's "Tensor(a)[]" without the mark; that its argument has one says enough.
    for (size_t i = 0; i < schema->arguments.size(); ++i) {
      const ir::SchemaArgument& argument = schema->arguments[i];
      if (argument.type == "Tensor" && !argument.alias_set.empty() && !argument.is_written)
        return static_cast<int>(i);
    }
  }
  if (set.empty() || set == "*") return -1;
  for (size_t i = 0; i < schema->arguments.size(); ++i) {
    if (schema->arguments[i].alias_set == set) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

int written_operand(const ir::Node& node) {
  if (node.schema() == nullptr) return -1;
  for (size_t i = 0; i < node.schema()->arguments.size() && i < node.operand_count(); ++i) {
    if (node.schema()->arguments[i].is_written) return static_cast<int>(i);
  }
  return -1;
}

bool writes_container(const ir::Node& node) {
  const int i = written_operand(node);
  if (i < 0) return false;
  const std::string& type = node.schema()->arguments[static_cast<size_t>(i)].type;
  return !type.starts_with("Tensor");
}

bool changes_geometry(const ir::Node& node) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "aten::t_",        "aten::transpose_", "aten::squeeze_",   "aten::unsqueeze_",
      "aten::swapaxes_", "aten::swapdims_",  "aten::as_strided_"};
  return one_of(operator_base_name(node.op_text()), kNames);
}

bool is_contiguous(const ir::Value& value) {
  const ir::Value* at = &value;
  for (int steps = 0; steps < 64; ++steps) {
    const ir::Node* producer = at->producer();
    if (producer == nullptr)
      return at->is_constant() || at->block()->owner() == nullptr;  // initializer, graph input
    const std::string_view name = operator_base_name(producer->op_text());
    if (one_of(name, kContiguousResults) || name.starts_with("aten::conv")) return true;
    if (!one_of(name, kContiguousSteps) || producer->operand_count() == 0 || producer->operand(0) == nullptr)
      return false;
    at = producer->operand(0);
  }
  return false;
}

Aliasing aliasing_of(const ir::Node& node, size_t output) {
  if (node.operand_count() == 0) return {};
  const std::string_view name = operator_base_name(node.op_text());
  if (hands_operand_on(node.op_text()) || one_of(name, kSame)) return {Aliasing::Kind::same, 0};
  if (one_of(name, kReshapes)) return reshape_aliasing(node);
  if (name == "aten::contiguous") {
    const bool already = node.operand(0) != nullptr && is_contiguous(*node.operand(0));
    return {already ? Aliasing::Kind::same : Aliasing::Kind::either, 0};
  }
  if (name == "aten::to" || name == "aten::type_as") return conversion_aliasing(node);
  if (one_of(name, kDropouts)) {
    const ir::Value* train =
        node.argument("train") != nullptr ? node.argument("train") : node.argument("training");
    const auto training = constant_bool(train);
    return {!training                            ? Aliasing::Kind::either
            : *training || name == "aten::rrelu" ? Aliasing::Kind::fresh
                                                 : Aliasing::Kind::same,
            0};
  }
  const int operand = operand_of_set(node, output);
  if (operand < 0) return {};
  const bool in_place = node.schema()->arguments[static_cast<size_t>(operand)].is_written;
  return {in_place ? Aliasing::Kind::same : Aliasing::Kind::view, static_cast<size_t>(operand)};
}

}  // namespace onnxport
