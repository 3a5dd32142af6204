#include "core/passes/rewriting.h"

#include <algorithm>
#include <unordered_set>

namespace onnxport {

namespace {

bool is_result(const ir::Value* value) {
  for (const ir::Operand* use = value->first_use(); use != nullptr; use = use->next()) {
    if (use->user()->parent() == nullptr && is_op(use->user(), "return")) return true;
  }
  return false;
}

}  // namespace

bool can_replace(const ir::Value* value, const ir::Value* by) {
  if (value == by) return false;
  if (!is_result(value)) return true;
  if (by->producer() == nullptr || value->producer() == nullptr) return false;
  return by->producer()->parent() == value->producer()->parent() && !is_result(by);
}

bool replace(ir::Value* value, ir::Value* by) {
  if (!can_replace(value, by)) return false;
  value->replace_all_uses_with(by);
  return true;
}

bool same_type(const ir::Type& a, const ir::Type& b) {
  if (!a.is_tensor() || !b.is_tensor() || a.dtype() != b.dtype() || a.dtype() == ir::DType::undefined)
    return false;
  return a.shape() && b.shape() && *a.shape() == *b.shape();
}

bool is_deterministic(const ir::Node& node) {
  static const std::unordered_set<std::string_view> random = {
      "Bernoulli",        "Dropout",       "Multinomial",      "RandomNormal",
      "RandomNormalLike", "RandomUniform", "RandomUniformLike"};
  return node.op_text().find("::") == std::string_view::npos && !random.contains(node.op_text());
}

bool is_op(const ir::Node* node, std::string_view op) { return node != nullptr && node->op_text() == op; }

ir::Node* producer_of(const ir::Value* value, std::string_view op) {
  return value != nullptr && is_op(value->producer(), op) ? value->producer() : nullptr;
}

ir::Value* operand_or_null(const ir::Node& node, size_t i) {
  return i < node.operand_count() ? node.operand(i) : nullptr;
}

int64_t integer_attribute(const ir::Node& node, std::string_view name, int64_t otherwise) {
  const auto* value = node.attribute_as<int64_t>(name);
  return value == nullptr ? otherwise : *value;
}

std::optional<std::vector<int64_t>> small_constant_ints(const ir::Value* value) {
  if (value == nullptr || !value->is_constant() || value->constant()->count() > 1024) return std::nullopt;
  return value->constant()->to_ints();
}

std::optional<std::vector<int64_t>> unsqueezed_axes(const ir::Node& unsqueeze) {
  auto axes = small_constant_ints(operand_or_null(unsqueeze, 1));
  const int rank = unsqueeze.output(0)->type().rank();
  if (!axes || rank < 0) return std::nullopt;
  for (int64_t& axis : *axes) axis += axis < 0 ? rank : 0;
  std::sort(axes->begin(), axes->end());
  return axes;
}

}  // namespace onnxport
