#include "core/prepare/functional_form.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/prepare/aliases.h"

namespace onnxport {

namespace {

// "aten::add_.Tensor" -> "aten::add.Tensor"; empty when the name is not of an in-place operator.
std::string functional_name(std::string_view op) {
  static constexpr std::pair<std::string_view, std::string_view> kIrregular[] = {
      {"aten::pow_.Scalar", "aten::pow.Tensor_Scalar"},
      {"aten::pow_.Tensor", "aten::pow.Tensor_Tensor"},
      {"aten::float_power_.Scalar", "aten::float_power.Tensor_Scalar"},
      {"aten::float_power_.Tensor", "aten::float_power.Tensor_Tensor"},
      {"aten::floor_divide_.Tensor", "aten::floor_divide"},
      {"aten::copy_.int", "aten::fill.Scalar"},
      {"aten::copy_.float", "aten::fill.Scalar"},
      {"aten::ldexp_", "aten::ldexp.Tensor"},
      {"aten::copy_.Tensor", "aten::copy"},
      {"aten::normal_", "aten::normal_functional"},
      {"aten::bernoulli_.float", "aten::bernoulli.p"},
  };
  for (const auto& [in_place, functional] : kIrregular) {
    if (op == in_place) return std::string(functional);
  }
  static constexpr std::array<std::string_view, 6> kNone = {
      "aten::resize_", "aten::resize_as_",      "aten::set_",
      "aten::rename_", "aten::_resize_output_", "aten::as_strided_"};
  const std::string_view name = operator_base_name(op);
  const std::string overload(op.substr(name.size()));
  if (std::find(kNone.begin(), kNone.end(), name) != kNone.end()) return {};
  const size_t scope = name.find("::");
  const std::string_view plain = scope == std::string_view::npos ? name : name.substr(scope + 2);
  if (plain.starts_with("__i") && plain.ends_with("__") && plain != "__invert__") {  // __iand__ -> __and__
    return std::string(name.substr(0, scope + 2)) + "__" + std::string(plain.substr(3)) + overload;
  }
  if (plain.size() < 2 || !plain.ends_with('_') || plain.ends_with("__")) return {};
  return std::string(name.substr(0, name.size() - 1)) + overload;
}

// Functional forms whose arguments are not those of the in-place operator, by name, order or number.
const ir::Schema* irregular_schema(ir::Graph& graph, std::string_view name) {
  static constexpr std::string_view kSchemas[] = {
      "aten::copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor",
      "aten::fill.Scalar(Tensor self, Scalar value) -> Tensor",
      "aten::dropout(Tensor input, float p, bool train) -> Tensor",
      "aten::feature_dropout(Tensor input, float p, bool train) -> Tensor",
      "aten::alpha_dropout(Tensor input, float p, bool train) -> Tensor",
      "aten::feature_alpha_dropout(Tensor input, float p, bool train) -> Tensor",
      "aten::ldexp.Tensor(Tensor self, Tensor other) -> Tensor",
      "aten::polygamma(int n, Tensor self) -> Tensor",
  };
  for (const std::string_view text : kSchemas) {
    if (text.substr(0, text.find('(')) == name) return graph.keep(ir::parse_schema(text));
  }
  return nullptr;
}

// Any other functional schema has the arguments of the in-place one, and returns a new tensor.
const ir::Schema* functional_schema(ir::Graph& graph, const ir::Schema& in_place, const std::string& name) {
  if (const ir::Schema* known = graph.find_schema(name)) return known;
  if (const ir::Schema* irregular = irregular_schema(graph, name)) return irregular;
  ir::Schema out = in_place;
  const size_t dot = name.find('.');
  out.name = name.substr(0, dot);
  out.overload = dot == std::string::npos ? std::string() : name.substr(dot + 1);
  for (ir::SchemaArgument& argument : out.arguments) {
    argument.alias_set.clear();
    argument.is_written = false;
  }
  out.returns = {ir::SchemaArgument{}};
  out.returns[0].type = "Tensor";
  return graph.keep(std::move(out));
}

// An in-place operator keeps the dtype it writes to, where its functional form promotes (or compares).
bool may_change_dtype(const ir::Node& node, size_t written) {
  const ir::DType own = node.operand(written)->type().dtype();
  const std::string_view name = operator_base_name(node.op_text());
  static constexpr std::array<std::string_view, 14> kBoolean = {"aten::eq_",
                                                                "aten::ne_",
                                                                "aten::lt_",
                                                                "aten::le_",
                                                                "aten::gt_",
                                                                "aten::ge_",
                                                                "aten::logical_and_",
                                                                "aten::logical_or_",
                                                                "aten::logical_xor_",
                                                                "aten::logical_not_",
                                                                "aten::greater_",
                                                                "aten::less_",
                                                                "aten::greater_equal_",
                                                                "aten::less_equal_"};
  if (std::find(kBoolean.begin(), kBoolean.end(), name) != kBoolean.end()) return own != ir::DType::boolean;
  static constexpr std::array<std::string_view, 14> kPromoting = {
      "aten::add_",          "aten::sub_",    "aten::mul_",     "aten::div_",     "aten::multiply_",
      "aten::subtract_",     "aten::divide_", "aten::addcmul_", "aten::addcdiv_", "aten::remainder_",
      "aten::floor_divide_", "aten::pow_",    "aten::lerp_",    "aten::fmod_"};
  if (std::find(kPromoting.begin(), kPromoting.end(), name) == kPromoting.end()) return false;
  for (size_t i = 0; i < node.operand_count() && i < node.schema()->arguments.size(); ++i) {
    if (i == written || node.operand(i) == nullptr || node.schema()->arguments[i].type != "Tensor") continue;
    const ir::DType other = node.operand(i)->type().dtype();
    if (own == ir::DType::undefined || other == ir::DType::undefined || own != other) return true;
  }
  return false;
}

ir::Value* from_out_variant(const ir::Node& node, size_t written, const ir::Type& type, NodeMaker& make) {
  const ir::Schema& schema = *node.schema();
  std::string overload = schema.overload;
  if (overload == "out") {
    overload.clear();
  } else if (overload.ends_with("_out")) {
    overload.resize(overload.size() - 4);
  } else {
    return nullptr;
  }
  ir::Schema out = schema;
  out.overload = overload;
  out.arguments.erase(out.arguments.begin() + static_cast<std::ptrdiff_t>(written));
  out.returns.resize(1);
  out.returns[0] = {};
  out.returns[0].type = "Tensor";
  // "aten::add.out" is the out= form of "aten::add.Tensor": the default overload's name is taken by the
  // scalar one.
  ir::Graph& graph = node.graph();
  if (overload.empty() && graph.find_schema(schema.name + ".Tensor") != nullptr) out.overload = "Tensor";
  std::vector<ir::Value*> operands;
  for (size_t i = 0; i < node.operand_count(); ++i) {
    if (i != written) operands.push_back(node.operand(i));
  }
  const ir::Schema* kept = graph.keep(std::move(out));
  if (kept->arguments.size() != operands.size()) return nullptr;
  return make.node(kept->qualified_name(), operands, kept, 1, type)->output();
}

// The operands in the order of the functional schema: by name, else, where it has another name, by position.
std::optional<std::vector<ir::Value*>> functional_operands(const ir::Node& node, const ir::Schema& schema,
                                                           NodeMaker& make) {
  std::vector<ir::Value*> out;
  for (size_t i = 0; i < schema.arguments.size(); ++i) {
    const int named = node.schema()->find(schema.arguments[i].name);
    const size_t at = named >= 0 ? static_cast<size_t>(named) : i;
    if (at < node.operand_count()) {
      out.push_back(node.operand(at));
    } else if (schema.arguments[i].type == "bool") {  // copy's non_blocking
      out.push_back(make.constant(false, ir::Type::boolean()));
    } else {
      return std::nullopt;
    }
  }
  if (out.size() < node.operand_count()) return std::nullopt;
  return out;
}

// What `x[i:] = y` writes, in a trace: y expanded to the sizes that the place had in that run, right before it is copied. A copy
// expands what it is given itself, to the sizes that the place has in each run.
ir::Value* without_expand(const ir::Node& copy, ir::Value* source) {
  const ir::Node* expand = source->producer();
  if (expand == nullptr || operator_base_name(expand->op_text()) != "aten::expand" ||
      expand->operand_count() == 0)
    return source;
  const ir::Node* before = copy.previous();
  while (before != nullptr && before != expand && before->op() == "prim::Constant")
    before = before->previous();
  return before == expand ? expand->operand(0) : source;
}

}  // namespace

ir::Value* functional_form(const ir::Node& node, const ir::Type& type, NodeMaker& make) {
  const int written = written_operand(node);
  if (written < 0) return nullptr;
  for (size_t i = static_cast<size_t>(written) + 1; i < node.schema()->arguments.size(); ++i) {
    if (node.schema()->arguments[i].is_written) return nullptr;
  }
  const std::string name = functional_name(node.op_text());
  if (name.empty()) return from_out_variant(node, static_cast<size_t>(written), type, make);
  const ir::Schema* schema = functional_schema(node.graph(), *node.schema(), name);
  auto operands = functional_operands(node, *schema, make);
  if (!operands) return nullptr;
  if (name == "aten::copy") (*operands)[1] = without_expand(node, (*operands)[1]);
  ir::Value* self = node.operand(static_cast<size_t>(written));
  const bool cast = may_change_dtype(node, static_cast<size_t>(written));
  ir::Value* result = make.node(name, *operands, schema, 1, cast ? ir::Type::tensor() : type)->output();
  if (!cast) return result;
  ir::Value* both[] = {result, self};
  return make.call("aten::type_as(Tensor self, Tensor other) -> Tensor", both, type);
}

}  // namespace onnxport
