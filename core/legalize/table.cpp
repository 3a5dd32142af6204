#include "core/legalize/table.h"

#include "core/onnx/inference.h"

namespace onnxport {

namespace {

const onnxport_param* param_at(const onnxport_param* params, uint32_t count, size_t i) {
  if (i < count) return &params[i];
  return count > 0 && params[count - 1].option == ONNXPORT_PARAM_VARIADIC ? &params[count - 1] : nullptr;
}

// Whether an attribute of the graph is of the kind the schema asks for. An empty list is of any list kind.
bool is_of_kind(const ir::AttributeValue& value, int32_t kind) {
  struct Visitor {
    int32_t kind;
    bool operator()(std::monostate) const { return true; }
    bool operator()(int64_t) const { return kind == ONNXPORT_ATTR_INT; }
    bool operator()(bool) const { return kind == ONNXPORT_ATTR_INT; }
    bool operator()(ir::DType) const { return kind == ONNXPORT_ATTR_INT; }
    bool operator()(double) const { return kind == ONNXPORT_ATTR_FLOAT; }
    bool operator()(const std::string&) const { return kind == ONNXPORT_ATTR_STRING; }
    bool operator()(const std::vector<int64_t>& v) const { return list(v.empty(), ONNXPORT_ATTR_INTS); }
    bool operator()(const std::vector<bool>& v) const { return list(v.empty(), ONNXPORT_ATTR_INTS); }
    bool operator()(const std::vector<double>& v) const { return list(v.empty(), ONNXPORT_ATTR_FLOATS); }
    bool operator()(const std::vector<std::string>& v) const {
      return list(v.empty(), ONNXPORT_ATTR_STRINGS);
    }
    bool operator()(const ir::Tensor&) const { return kind == ONNXPORT_ATTR_TENSOR; }
    bool operator()(ir::Block*) const { return kind == ONNXPORT_ATTR_BLOCK; }
    bool operator()(const std::complex<double>&) const { return false; }
    bool list(bool empty, int32_t own) const {
      return kind == own || (empty && (kind == ONNXPORT_ATTR_INTS || kind == ONNXPORT_ATTR_FLOATS ||
                                       kind == ONNXPORT_ATTR_STRINGS));
    }
  };
  return kind == 0 || std::visit(Visitor{kind}, value);
}

// Beside the element types, in a generated table: whether it says of values that are no tensors, and which may be.
constexpr int kSaysOthers = 63, kSequences = 62, kOptionals = 61;

std::string at_opset(int version) { return " at opset " + std::to_string(version); }

std::optional<Violation> attribute_problem(const ir::Node& node, const onnxport_op_def& op, int version) {
  for (const ir::Attribute& attribute : node.attributes()) {
    const onnxport_attr_def* def = find_attr(op, attribute.name.text());
    const std::string name(attribute.name.text());
    if (def == nullptr) return Violation{"O602", "there is no attribute '" + name + "'" + at_opset(version)};
    if (!is_of_kind(attribute.value, def->kind)) {
      return Violation{"O602", "the attribute '" + name + "' is of another kind" + at_opset(version)};
    }
  }
  for (uint32_t i = 0; i < op.attr_count; ++i) {
    if (op.attrs[i].required != 0 && node.attribute(op.attrs[i].name) == nullptr) {
      return Violation{
          "O602", std::string("the attribute '") + op.attrs[i].name + "' is required" + at_opset(version)};
    }
  }
  return std::nullopt;
}

std::optional<Violation> input_problem(const ir::Node& node, const onnxport_op_def& op, int version) {
  for (size_t i = 0; i < node.operand_count(); ++i) {
    const onnxport_param* param = input_param(op, i);
    const ir::Value* value = node.operand(i);
    if (value == nullptr) continue;
    if (param == nullptr) {
      return Violation{"O602", "there is no input " + std::to_string(i) + at_opset(version)};
    }
    if (!allows(*param, value->type())) {
      return Violation{"O603", std::string("the input '") + param->name + "' cannot be " +
                                   kind_text(value->type()) + at_opset(version)};
    }
  }
  for (uint32_t i = 0; i < op.input_count; ++i) {
    const bool given = i < node.operand_count() && node.operand(i) != nullptr;
    if (op.inputs[i].option == ONNXPORT_PARAM_SINGLE && !given) {
      return Violation{"O602",
                       std::string("the input '") + op.inputs[i].name + "' is required" + at_opset(version)};
    }
  }
  return std::nullopt;
}

std::optional<Violation> output_problem(const ir::Node& node, const onnxport_op_def& op, int version) {
  for (size_t i = 0; i < node.output_count(); ++i) {
    const onnxport_param* param = output_param(op, i);
    if (param == nullptr) {
      return Violation{"O602", "there is no output " + std::to_string(i) + at_opset(version)};
    }
    if (!allows(*param, node.output(i)->type())) {
      return Violation{"O603", std::string("the output '") + param->name + "' cannot be " +
                                   kind_text(node.output(i)->type()) + at_opset(version)};
    }
  }
  return std::nullopt;
}

}  // namespace

OpsetTable::OpsetTable(const PluginOpset& opset) : domain_(opset.domain), version_(opset.version) {
  for (const onnxport_op_def& op : opset.ops) ops_.emplace(op.name, &op);
}

bool OpsetTable::covers(const ir::Node& node) const {
  if (domain_.empty()) return is_standard(node);
  return onnx::split_op(node.op_text()).first == domain_;
}

const onnxport_op_def* OpsetTable::find(std::string_view op_type) const {
  const auto it = ops_.find(op_type);
  return it == ops_.end() || it->second->deprecated != 0 ? nullptr : it->second;
}

std::optional<Violation> OpsetTable::violation_of(const ir::Node& node) const {
  const onnxport_op_def* op = find(op_type_of(node));
  if (op == nullptr) {
    const bool deprecated = ops_.contains(op_type_of(node));
    return Violation{"O601", std::string(node.op_text()) +
                                 (deprecated ? " is deprecated" : " does not exist") + at_opset(version_)};
  }
  auto problem = attribute_problem(node, *op, version_);
  if (!problem) problem = input_problem(node, *op, version_);
  if (!problem) problem = output_problem(node, *op, version_);
  return problem;
}

const onnxport_param* input_param(const onnxport_op_def& op, size_t i) {
  return param_at(op.inputs, op.input_count, i);
}
const onnxport_param* output_param(const onnxport_op_def& op, size_t i) {
  return param_at(op.outputs, op.output_count, i);
}

const onnxport_attr_def* find_attr(const onnxport_op_def& op, std::string_view name) {
  for (uint32_t i = 0; i < op.attr_count; ++i) {
    if (op.attrs[i].name == name) return &op.attrs[i];
  }
  return nullptr;
}

int find_input(const onnxport_op_def& op, std::string_view name) {
  for (uint32_t i = 0; i < op.input_count; ++i) {
    if (op.inputs[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

bool allows(const onnxport_param& param, const ir::Type& type) {
  const auto says = [&](int bit) { return (param.types >> bit & 1u) != 0; };
  if (type.kind() == ir::Type::Kind::list) return !says(kSaysOthers) || says(kSequences);
  if (type.kind() == ir::Type::Kind::optional) return !says(kSaysOthers) || says(kOptionals);
  if (param.types == 0 || !type.is_tensor() || type.dtype() == ir::DType::undefined) return true;
  return says(static_cast<int>(type.dtype()));
}

std::string kind_text(const ir::Type& type) {
  if (type.kind() == ir::Type::Kind::list) return "a list of tensors";
  if (type.kind() == ir::Type::Kind::optional) return "an optional value";
  return std::string(ir::short_name(type.dtype()));
}

std::string_view op_type_of(const ir::Node& node) { return onnx::split_op(node.op_text()).second; }

bool is_standard(const ir::Node& node) { return node.op_text().find("::") == std::string_view::npos; }

}  // namespace onnxport
