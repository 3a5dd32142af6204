#include "core/prepare/node_facts.h"

#include <utility>
#include <vector>

namespace onnxport {

std::string_view operator_base_name(std::string_view op) { return op.substr(0, op.find('.')); }

const ir::AttributeValue* constant_value(const ir::Value* value) {
  if (value == nullptr || value->producer() == nullptr || !(value->producer()->op() == "prim::Constant"))
    return nullptr;
  return value->producer()->attribute("value");
}

std::optional<int64_t> constant_int(const ir::Value* value) {
  const ir::AttributeValue* constant = constant_value(value);
  const auto* number = constant == nullptr ? nullptr : std::get_if<int64_t>(constant);
  return number == nullptr ? std::nullopt : std::optional(*number);
}

std::optional<bool> constant_bool(const ir::Value* value) {
  const ir::AttributeValue* constant = constant_value(value);
  const auto* flag = constant == nullptr ? nullptr : std::get_if<bool>(constant);
  return flag == nullptr ? std::nullopt : std::optional(*flag);
}

std::optional<std::vector<int64_t>> constant_ints(const ir::Value* value) {
  if (const ir::AttributeValue* constant = constant_value(value)) {
    const auto* list = std::get_if<std::vector<int64_t>>(constant);
    return list == nullptr ? std::nullopt : std::optional(*list);
  }
  if (value == nullptr || value->producer() == nullptr || !(value->producer()->op() == "prim::ListConstruct"))
    return std::nullopt;
  std::vector<int64_t> out;
  for (size_t i = 0; i < value->producer()->operand_count(); ++i) {
    const auto item = constant_int(value->producer()->operand(i));
    if (!item) return std::nullopt;
    out.push_back(*item);
  }
  return out;
}

bool is_construct(const ir::Node& node) {
  return node.op() == "prim::ListConstruct" || node.op() == "prim::TupleConstruct" ||
         node.op() == "prim::DictConstruct";
}

bool has_storage(const ir::Value& value) {
  using Kind = ir::Type::Kind;
  switch (value.type().kind()) {
    case Kind::none:
    case Kind::integer:
    case Kind::real:
    case Kind::boolean:
    case Kind::string:
    case Kind::dtype:
      return false;
    default:
      return value.producer() == nullptr || !(value.producer()->op() == "prim::Constant");
  }
}

void NodeMaker::place(ir::Node* node) {
  node->set_provenance(provenance_);
  if (before_ != nullptr) {
    block_.graph().insert_before(before_, node);
  } else {
    block_.graph().append(block_, node);
  }
}

ir::Node* NodeMaker::node(std::string_view op, std::span<ir::Value* const> operands, const ir::Schema* schema,
                          size_t outputs, const ir::Type& type) {
  ir::Node* made = block_.graph().create(op, operands, schema);
  for (size_t i = 0; i < outputs; ++i) made->add_output(type);
  place(made);
  return made;
}

ir::Value* NodeMaker::call(std::string_view schema, std::span<ir::Value* const> operands,
                           const ir::Type& type) {
  const std::string_view name = schema.substr(0, schema.find('('));
  const ir::Schema* kept = block_.graph().find_schema(name);
  if (kept == nullptr) kept = block_.graph().keep(ir::parse_schema(schema));
  return node(name, operands, kept, 1, type)->output();
}

ir::Value* NodeMaker::constant(ir::AttributeValue value, const ir::Type& type) {
  ir::Node* made = node("prim::Constant", {}, nullptr, 1, type);
  made->set_attribute(block_.graph().intern("value"), std::move(value));
  return made->output();
}

ir::Node* NodeMaker::replay(const ir::Node& original, std::span<ir::Value* const> operands) {
  ir::Node* made = block_.graph().create(original.op(), operands, original.schema());
  for (const ir::Attribute& a : original.attributes()) made->set_attribute(a.name, a.value);
  for (const ir::Value* output : original.outputs()) {
    ir::Value* copy = made->add_output(output->type());
    copy->set_name(output->name());
  }
  place(made);
  return made;
}

}  // namespace onnxport
