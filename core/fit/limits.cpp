#include "core/fit/limits.h"

#include "core/onnx/inference.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

ir::DType dtype_of(const std::string& text) {
  const auto dtype = ir::parse_dtype(text);
  if (!dtype)
    throw Error("F105", "'" + text + "' is no element type", {}, "write f32, f16, bf16, f64, i64, …");
  return *dtype;
}

TypeSet set_of(const std::vector<std::string>& types) {
  TypeSet out = 0;
  for (const std::string& type : types) out |= TypeSet{1} << static_cast<int>(dtype_of(type));
  return types.empty() ? kAnyType : out;
}

}  // namespace

Limits::Limits(const TargetLimits& limits, int opset)
    : limits_(limits), opset_(opset), any_value_(set_of(limits.types)) {
  for (const auto& [from, to] : limits.compute) compute_[dtype_of(from)] = dtype_of(to);
}

// By its name, else its domain, else what holds for all others.
const Limits::Rule& Limits::rule_of(const ir::Node& node) {
  const auto known = rules_.find(node.op_text());
  if (known != rules_.end()) return known->second;
  const auto [domain, op_type] = onnx::split_op(node.op_text());
  const std::string all_of_domain = (domain.empty() ? "ai.onnx" : std::string(domain)) + "::*";
  const std::string standard = domain.empty() ? "ai.onnx::" + std::string(op_type) : "";
  Rule out;
  for (const std::string& name : {std::string(node.op_text()), standard, all_of_domain, std::string("*")}) {
    const auto found = limits_.operators.find(name);
    if (found == limits_.operators.end()) continue;
    out.taken = found->second.taken;
    for (const auto& [variable, types] : found->second.types) out.types[variable] = set_of(types);
    break;
  }
  return rules_.emplace(node.op_text(), std::move(out)).first->second;
}

bool Limits::takes(const ir::Node& node) { return rule_of(node).taken; }

const onnx::Signature* Limits::signature_of(const ir::Node& node) {
  const auto [domain, op_type] = onnx::split_op(node.op_text());
  return signatures_.find(op_type, domain, opset_);
}

TypeSet Limits::of_variable(const Rule& rule, std::string_view variable) const {
  auto found = rule.types.find(variable);
  if (found == rule.types.end()) found = rule.types.find(std::string_view("*"));
  return any_value_ & (found == rule.types.end() ? kAnyType : found->second);
}

TypeSet Limits::of_operand(const ir::Node& node, size_t i) {
  const Rule& rule = rule_of(node);
  if (rule.types.empty()) return any_value_;
  const onnx::Signature* signature = signature_of(node);
  const bool formal = signature != nullptr && !signature->inputs.empty();
  return of_variable(rule, formal ? signature->input(i).type_name : "*");
}

TypeSet Limits::of_output(const ir::Node& node, size_t i) {
  const Rule& rule = rule_of(node);
  if (rule.types.empty()) return any_value_;
  const onnx::Signature* signature = signature_of(node);
  const bool formal = signature != nullptr && !signature->outputs.empty();
  return of_variable(rule, formal ? signature->output(i).type_name : "*");
}

std::optional<ir::DType> Limits::computed_in(ir::DType dtype) const {
  const auto found = compute_.find(dtype);
  return found == compute_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace onnxport
