#include "core/fit/through_cast.h"

#include <algorithm>

namespace onnxport {
namespace {

using Wider = std::map<ir::DType, ir::DType>;

constexpr int64_t kFewElements = 1024;

// Whether every value of `narrow` is one of `wide`: what comes from there goes back without a change.
bool holds(ir::DType wide, ir::DType narrow) {
  using enum ir::DType;
  if (wide == f64) return narrow == f32 || narrow == f16 || narrow == bf16;
  if (wide == f32) return narrow == f16 || narrow == bf16;
  return ir::is_integral(wide) && ir::is_integral(narrow) && wide == i64;
}

// A small constant in the other type; nullopt: it is cast at run time.
std::optional<ir::Tensor> converted(const ir::Tensor& tensor, ir::DType to) {
  if (tensor.count() > kFewElements) return std::nullopt;
  if (const auto reals = tensor.to_reals()) {
    if (to == ir::DType::f32) return ir::Tensor::of<float>(to, tensor.dims(), {reals->begin(), reals->end()});
    if (to == ir::DType::f64) return ir::Tensor::of<double>(to, tensor.dims(), *reals);
  }
  return std::nullopt;
}

// An attribute that states the result's type follows it; so does the tensor that ConstantOfShape repeats. False: it cannot.
bool change_attributes(ir::Node& node, const Wider& wider, bool do_it) {
  const auto* stated = node.attribute_as<int64_t>("dtype");
  if (stated != nullptr) {
    const auto wide = wider.find(static_cast<ir::DType>(*stated));
    if (wide != wider.end() && do_it)
      node.set_attribute(node.graph().intern("dtype"), static_cast<int64_t>(wide->second));
  }
  const auto* tensor = node.attribute_as<ir::Tensor>("value");
  const auto wide = tensor == nullptr ? wider.end() : wider.find(tensor->dtype());
  if (wide == wider.end()) return true;
  const auto other = converted(*tensor, wide->second);
  if (other && do_it) node.set_attribute(node.graph().intern("value"), *other);
  return other.has_value();
}

}  // namespace

Wider ThroughCast::plan(const ir::Node& node) {
  Wider out;
  // What a block computes would have to change with its node, and a Cast is what this is about.
  if (!node.blocks().empty() || node.op() == "Cast" || node.op() == "CastLike") return out;
  std::map<ir::DType, TypeSet> allowed;  // of each type that is not taken, in all places where it is not
  const auto look = [&](const ir::Value* value, TypeSet types) {
    if (value == nullptr || !value->type().is_tensor() || has(types, value->type().dtype())) return;
    allowed.try_emplace(value->type().dtype(), kAnyType).first->second &= types;
  };
  for (size_t i = 0; i < node.operand_count(); ++i) look(node.operand(i), limits_.of_operand(node, i));
  for (size_t i = 0; i < node.output_count(); ++i) look(node.output(i), limits_.of_output(node, i));
  for (const auto& [dtype, types] : allowed) {
    const auto wide = limits_.computed_in(dtype);
    if (!wide || !has(types, *wide)) return {};
    out[dtype] = *wide;
  }
  return change_attributes(const_cast<ir::Node&>(node), out, false) ? out : Wider();
}

ir::Value* ThroughCast::cast(ir::Value* value, ir::DType to) {
  ir::Value*& out = done_[{value, to}];
  if (out != nullptr) return out;
  const ir::DType from = value->type().dtype();
  ir::Node* const producer = value->producer();
  // There and back, without a loss, is where it came from.
  if (producer != nullptr && producer->op() == "Cast" && producer->operand(0)->type().dtype() == to &&
      holds(from, to))
    return out = producer->operand(0);
  if (value->is_constant()) {
    if (auto constant = converted(*value->constant(), to))
      return out = graph_.add_initializer("", std::move(*constant));
  }
  ir::Value* const operands[] = {value};
  ir::Node* node = graph_.create("Cast", operands);
  node->set_attribute(graph_.intern("to"), static_cast<int64_t>(to));
  node->add_output(ir::Type::tensor(to, value->type().shape()));
  if (producer != nullptr) {
    node->set_provenance(producer->provenance());
    graph_.insert_after(producer, node);
  } else {
    ir::Block& block = value->block() != nullptr ? *value->block() : graph_.body();
    graph_.insert_before(block.first(), node);
  }
  return out = node->output();
}

void ThroughCast::cast_outputs(ir::Node& node, const Wider& wider) {
  for (size_t i = node.output_count(); i-- > 0;) {
    ir::Value* value = node.output(i);
    const auto wide = value->type().is_tensor() ? wider.find(value->type().dtype()) : wider.end();
    if (wide == wider.end()) continue;
    const ir::Type narrow = value->type();
    value->set_type(ir::Type::tensor(wide->second, narrow.shape()));
    ir::Value* const operands[] = {nullptr};
    ir::Node* back = graph_.create("Cast", operands);
    back->set_attribute(graph_.intern("to"), static_cast<int64_t>(narrow.dtype()));
    back->set_provenance(node.provenance());
    back->add_output(narrow);
    value->replace_all_uses_with(back->output());  // before the Cast itself reads it
    back->set_operand(0, value);
    back->output()->set_name(value->name());
    value->set_name({});
    graph_.insert_after(&node, back);
  }
}

void ThroughCast::apply(ir::Node& node, const Wider& wider) {
  change_attributes(node, wider, true);
  for (size_t i = 0; i < node.operand_count(); ++i) {
    ir::Value* value = node.operand(i);
    const auto wide =
        value != nullptr && value->type().is_tensor() ? wider.find(value->type().dtype()) : wider.end();
    if (wide != wider.end()) node.set_operand(i, cast(value, wide->second));
  }
  cast_outputs(node, wider);
}

}  // namespace onnxport
