#include "core/legalize/generic_rules.h"

#include <algorithm>

#include "core/legalize/wider_types.h"

namespace onnxport {

namespace {

bool is_default(const ir::AttributeValue& value, const onnxport_attr_def& def) {
  if (def.has_default == 0) return false;
  if (const auto* i = std::get_if<int64_t>(&value)) return def.kind == ONNXPORT_ATTR_INT && *i == def.i;
  if (const auto* b = std::get_if<bool>(&value))
    return def.kind == ONNXPORT_ATTR_INT && (*b ? 1 : 0) == def.i;
  if (const auto* t = std::get_if<ir::DType>(&value)) {
    return def.kind == ONNXPORT_ATTR_INT && static_cast<int64_t>(*t) == def.i;
  }
  // ONNX holds floats in single precision.
  if (const auto* r = std::get_if<double>(&value)) {
    return def.kind == ONNXPORT_ATTR_FLOAT && static_cast<float>(*r) == static_cast<float>(def.f);
  }
  if (const auto* s = std::get_if<std::string>(&value))
    return def.kind == ONNXPORT_ATTR_STRING && *s == def.s;
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) {
    return def.kind == ONNXPORT_ATTR_INTS &&
           std::equal(list->begin(), list->end(), def.ints, def.ints + def.count);
  }
  if (const auto* list = std::get_if<std::vector<double>>(&value)) {
    return def.kind == ONNXPORT_ATTR_FLOATS &&
           std::equal(list->begin(), list->end(), def.floats, def.floats + def.count,
                      [](double a, double b) { return static_cast<float>(a) == static_cast<float>(b); });
  }
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    return def.kind == ONNXPORT_ATTR_STRINGS &&
           std::equal(list->begin(), list->end(), def.strings, def.strings + def.count);
  }
  return false;
}

ir::AttributeValue default_of(const onnxport_attr_def& def) {
  if (def.kind == ONNXPORT_ATTR_INT) return def.i;
  if (def.kind == ONNXPORT_ATTR_FLOAT) return def.f;
  if (def.kind == ONNXPORT_ATTR_STRING) return std::string(def.s);
  if (def.kind == ONNXPORT_ATTR_INTS) return std::vector<int64_t>(def.ints, def.ints + def.count);
  if (def.kind == ONNXPORT_ATTR_FLOATS) return std::vector<double>(def.floats, def.floats + def.count);
  if (def.kind == ONNXPORT_ATTR_STRINGS)
    return std::vector<std::string>(def.strings, def.strings + def.count);
  return {};
}

bool same_default(const onnxport_attr_def& a, const onnxport_attr_def& b) {
  return a.has_default != 0 && b.has_default != 0 && a.kind == b.kind && is_default(default_of(a), b);
}

// An integer attribute as the constant that takes its place among the inputs.
ir::Value* as_constant(ir::Graph& graph, const ir::AttributeValue& value) {
  ir::Tensor tensor;
  if (const auto* i = std::get_if<int64_t>(&value)) tensor = ir::Tensor::scalar(*i);
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) tensor = ir::Tensor::ints(*list);
  if (tensor.dtype() == ir::DType::undefined) return nullptr;
  ir::Value* out = graph.add_initializer("", tensor);
  out->set_type(tensor.type());
  return out;
}

// A constant input as the attribute of that name.
std::optional<ir::AttributeValue> as_attribute(const ir::Tensor& tensor, int32_t kind) {
  if (kind == ONNXPORT_ATTR_FLOAT) {
    const auto reals = tensor.to_reals();
    if (!reals || reals->size() != 1) return std::nullopt;
    return reals->front();
  }
  const auto ints = tensor.to_ints();
  if (!ints) return std::nullopt;
  if (kind == ONNXPORT_ATTR_INTS) return *ints;
  if (kind == ONNXPORT_ATTR_INT && ints->size() == 1) return ints->front();
  return std::nullopt;
}

// Works out every change first and makes them only when all are possible.
class Adaptation {
 public:
  Adaptation(ir::Node& node, const onnxport_op_def& before, const onnxport_op_def& after,
             const OpsetTable& target)
      : node_(node), before_(before), after_(after), target_(target) {}

  std::optional<Violation> run() {
    for (size_t i = 0; i < node_.operand_count(); ++i) operands_.push_back(node_.operand(i));
    if (auto problem = plan_attributes()) return problem;
    if (auto problem = plan_inputs()) return problem;
    if (auto problem = plan_outputs()) return problem;
    TypeChange types(node_, after_, target_);
    if (auto problem = types.plan(operands_)) return problem;

    for (const std::string& name : dropped_) node_.remove_attribute(name);
    for (const auto& [name, value] : added_) node_.set_attribute(node_.graph().intern(name), value);
    for (const auto& [index, value] : constants_) {
      if (operands_.size() <= index) operands_.resize(index + 1, nullptr);
      operands_[index] = as_constant(node_.graph(), value);
    }
    if (!constants_.empty() || operands_.size() != node_.operand_count()) node_.set_operands(operands_);
    if (node_.output_count() > outputs_) node_.truncate_outputs(outputs_);
    types.apply();
    return std::nullopt;
  }

 private:
  Violation inexpressible(const std::string& what) const {
    return {"O602", what + " cannot be said at opset " + std::to_string(target_.version())};
  }

  std::optional<Violation> plan_attributes() {
    for (const ir::Attribute& attribute : node_.attributes()) {
      const std::string name(attribute.name.text());
      if (find_attr(after_, name) != nullptr) continue;
      const onnxport_attr_def* old = find_attr(before_, name);
      const int input = find_input(after_, name);
      if (old != nullptr && is_default(attribute.value, *old) && input < 0) {
        dropped_.push_back(name);
      } else if (input >= 0 && (std::holds_alternative<int64_t>(attribute.value) ||
                                std::holds_alternative<std::vector<int64_t>>(attribute.value))) {
        dropped_.push_back(name);
        constants_.emplace_back(static_cast<size_t>(input), attribute.value);
      } else {
        return inexpressible("the attribute '" + name + "' of " + after_.name);
      }
    }
    // What was left to a default that has changed, or must now be given, is said.
    for (uint32_t i = 0; i < after_.attr_count; ++i) {
      const onnxport_attr_def& def = after_.attrs[i];
      const onnxport_attr_def* old = find_attr(before_, def.name);
      if (node_.attribute(def.name) != nullptr || old == nullptr || old->has_default == 0) continue;
      if (!same_default(*old, def)) added_.emplace_back(def.name, default_of(*old));
    }
    return std::nullopt;
  }

  std::optional<Violation> plan_inputs() {
    for (size_t i = operands_.size(); i-- > 0 && input_param(after_, i) == nullptr;) {
      const onnxport_param* old = input_param(before_, i);
      const std::string name = old == nullptr ? std::to_string(i) : old->name;
      const onnxport_attr_def* attribute = find_attr(after_, name);
      if (operands_[i] != nullptr) {
        if (attribute == nullptr) return inexpressible("the input '" + name + "' of " + after_.name);
        const ir::Tensor* constant = operands_[i]->constant();
        const auto value = constant == nullptr ? std::nullopt : as_attribute(*constant, attribute->kind);
        if (!value) {
          return Violation{"O604", "the input '" + name + "' of " + after_.name +
                                       " is an attribute at opset " + std::to_string(target_.version()) +
                                       " and must be a constant"};
        }
        added_.emplace_back(name, *value);
      }
      operands_.pop_back();
    }
    while (!operands_.empty() && operands_.back() == nullptr) operands_.pop_back();
    for (size_t i = 0; i < operands_.size(); ++i) {
      if (operands_[i] == nullptr && input_param(after_, i)->option == ONNXPORT_PARAM_SINGLE) {
        return inexpressible(std::string("leaving out the input '") + input_param(after_, i)->name + "' of " +
                             after_.name);
      }
    }
    return std::nullopt;
  }

  std::optional<Violation> plan_outputs() {
    outputs_ = node_.output_count();
    for (; outputs_ > 0 && output_param(after_, outputs_ - 1) == nullptr; --outputs_) {
      if (node_.output(outputs_ - 1)->has_uses()) {
        return inexpressible("output " + std::to_string(outputs_ - 1) + " of " + after_.name);
      }
    }
    return std::nullopt;
  }

  ir::Node& node_;
  const onnxport_op_def& before_;
  const onnxport_op_def& after_;
  const OpsetTable& target_;
  std::vector<ir::Value*> operands_;
  std::vector<std::string> dropped_;
  std::vector<std::pair<std::string, ir::AttributeValue>> added_;
  std::vector<std::pair<size_t, ir::AttributeValue>> constants_;
  size_t outputs_ = 0;
};

}  // namespace

std::optional<Violation> adapt(ir::Node& node, const onnxport_op_def& before, const onnxport_op_def& after,
                               const OpsetTable& target) {
  return Adaptation(node, before, after, target).run();
}

}  // namespace onnxport
