#include "core/legalize/wider_types.h"

#include <algorithm>

namespace onnxport {

namespace {

// Types that hold every value of `dtype`, the nearest first.
std::span<const ir::DType> wider_than(ir::DType dtype) {
  using enum ir::DType;
  static constexpr ir::DType floats[] = {f16, f32, f64};
  static constexpr ir::DType above_halves[] = {f32, f64};
  static constexpr ir::DType above_single[] = {f64};
  static constexpr ir::DType above_bool[] = {u8, i32, i64, f32};
  static constexpr ir::DType above_bytes[] = {i16, i32, i64, f32, f64};
  static constexpr ir::DType above_shorts[] = {i32, i64, f32, f64};
  static constexpr ir::DType above_words[] = {i64, f64};
  switch (dtype) {
    case f8e4m3fn:
    case f8e4m3fnuz:
    case f8e5m2:
    case f8e5m2fnuz:
      return floats;
    case f16:
    case bf16:
      return above_halves;
    case f32:
      return above_single;
    case boolean:
      return above_bool;
    case u8:
    case i8:
      return above_bytes;
    case u16:
    case i16:
      return above_shorts;
    case u32:
    case i32:
      return above_words;
    default:
      return {};
  }
}

bool mentions(const onnxport_param& param, ir::DType dtype) {
  return (param.types >> static_cast<int>(dtype) & 1u) != 0;
}

}  // namespace

bool TypeChange::wide_enough(ir::DType narrow, ir::DType wide) const {
  const bool taken = std::all_of(refused_.begin(), refused_.end(), [&](const auto& r) {
    return r.first != narrow || mentions(*r.second, wide);
  });
  // The Casts themselves must be legal.
  const onnxport_op_def* cast = target_.find("Cast");
  return taken && cast != nullptr && mentions(cast->inputs[0], narrow) && mentions(cast->outputs[0], narrow);
}

std::optional<Violation> TypeChange::refuse(const ir::Type& type, const onnxport_param& param) {
  return Violation{"O603", std::string("'") + param.name + "' of " + op_.name + " cannot be " +
                               kind_text(type) + " at opset " + std::to_string(target_.version()) +
                               (type.is_tensor() ? ", and no wider type can stand for it" : "")};
}

std::optional<Violation> TypeChange::plan(std::span<ir::Value* const> operands) {
  for (size_t i = 0; i < operands.size(); ++i) {
    const onnxport_param* param = input_param(op_, i);
    if (operands[i] != nullptr && param != nullptr && !allows(*param, operands[i]->type())) {
      if (!operands[i]->type().is_tensor()) return refuse(operands[i]->type(), *param);
      refused_.emplace_back(operands[i]->type().dtype(), param);
    }
  }
  for (size_t i = 0; i < node_.output_count(); ++i) {
    const onnxport_param* param = output_param(op_, i);
    if (param != nullptr && !allows(*param, node_.output(i)->type())) {
      if (!node_.output(i)->type().is_tensor()) return refuse(node_.output(i)->type(), *param);
      refused_.emplace_back(node_.output(i)->type().dtype(), param);
    }
  }
  for (const auto& [dtype, param] : refused_) {
    if (wider_.contains(dtype)) continue;
    const auto candidates = wider_than(dtype);
    const auto wide = std::find_if(candidates.begin(), candidates.end(),
                                   [&, narrow = dtype](ir::DType w) { return wide_enough(narrow, w); });
    // What a block computes would have to change with the node.
    if (wide == candidates.end() || !node_.blocks().empty()) return refuse(ir::Type::tensor(dtype), *param);
    wider_[dtype] = *wide;
  }
  return std::nullopt;
}

ir::Node* TypeChange::cast(ir::Value* from, ir::DType to) {
  ir::Graph& graph = node_.graph();
  ir::Value* const operands[] = {from};
  ir::Node* out = graph.create("Cast", operands);
  out->set_attribute(graph.intern("to"), static_cast<int64_t>(to));
  out->set_provenance(node_.provenance());
  out->add_output(ir::Type::tensor(to, from->type().shape()));
  return out;
}

void TypeChange::cast_inputs() {
  std::map<std::pair<ir::Value*, ir::DType>, ir::Value*> done;
  for (size_t i = 0; i < node_.operand_count(); ++i) {
    ir::Value* value = node_.operand(i);
    const onnxport_param* param = input_param(op_, i);
    if (value == nullptr || param == nullptr || allows(*param, value->type())) continue;
    const ir::DType wide = wider_.at(value->type().dtype());
    ir::Value*& casted = done[{value, wide}];
    if (casted == nullptr) {
      ir::Node* node = cast(value, wide);
      node_.graph().insert_before(&node_, node);
      casted = node->output();
    }
    node_.set_operand(i, casted);
  }
}

void TypeChange::cast_outputs() {
  for (size_t i = node_.output_count(); i-- > 0;) {
    ir::Value* value = node_.output(i);
    const onnxport_param* param = output_param(op_, i);
    if (param == nullptr || allows(*param, value->type())) continue;
    const ir::DType narrow = value->type().dtype();
    value->set_type(ir::Type::tensor(wider_.at(narrow), value->type().shape()));
    ir::Node* back = cast(value, narrow);
    // Uses move first, so that the Cast itself keeps reading the wide value.
    ir::Value* result = back->output();
    back->set_operand(0, nullptr);
    value->replace_all_uses_with(result);
    back->set_operand(0, value);
    result->set_name(value->name());
    value->set_name({});
    node_.graph().insert_after(&node_, back);
  }
}

// An attribute that states the result's type follows it; so does the tensor that ConstantOfShape repeats.
void TypeChange::change_attributes() {
  for (const char* name : {"dtype", "to"}) {
    const auto* stated = node_.attribute_as<int64_t>(name);
    const auto* typed = node_.attribute_as<ir::DType>(name);
    if (stated == nullptr && typed == nullptr) continue;
    const auto dtype = typed != nullptr ? *typed : static_cast<ir::DType>(*stated);
    const auto wide = wider_.find(dtype);
    if (wide != wider_.end()) {
      node_.set_attribute(node_.graph().intern(name), static_cast<int64_t>(wide->second));
    }
  }
  const auto* tensor = node_.attribute_as<ir::Tensor>("value");
  const auto wide = tensor == nullptr ? wider_.end() : wider_.find(tensor->dtype());
  if (wide == wider_.end()) return;
  ir::Tensor converted;
  if (const auto reals = tensor->to_reals(); reals && wide->second == ir::DType::f64) {
    converted = ir::Tensor::of<double>(ir::DType::f64, tensor->dims(), *reals);
  } else if (reals) {
    converted = ir::Tensor::of<float>(ir::DType::f32, tensor->dims(), {reals->begin(), reals->end()});
  } else {
    converted = ir::Tensor::of<int64_t>(ir::DType::i64, tensor->dims(), *tensor->to_ints());
  }
  node_.set_attribute(node_.graph().intern("value"), converted);
}

void TypeChange::apply() {
  if (refused_.empty()) return;
  change_attributes();
  cast_inputs();
  cast_outputs();
}

}  // namespace onnxport
