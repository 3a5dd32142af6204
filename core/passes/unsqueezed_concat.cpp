#include "core/passes/unsqueezed_concat.h"

#include <algorithm>
#include <array>

#include "core/passes/rewriting.h"

namespace onnxport {

namespace {

using ir::Node;
using ir::Value;

std::optional<int64_t> axis_of(const Node& node, int rank) {
  const int64_t axis = integer_attribute(node, "axis", 0);
  if (rank < 1 || axis < -rank || axis >= rank) return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

// The Unsqueeze that lays a tensor along the axis (size 1), maybe along others too.
Node* laid_along(const Value* value, int64_t axis) {
  Node* unsqueeze = producer_of(value, "Unsqueeze");
  const auto places = unsqueeze == nullptr ? std::nullopt : unsqueezed_axes(*unsqueeze);
  return places && std::binary_search(places->begin(), places->end(), axis) ? unsqueeze : nullptr;
}

// One index along an axis, a 0-d constant.
std::optional<int64_t> single_index(const Node& gather) {
  const Value* index = gather.operand(1);
  const auto number = small_constant_ints(index);
  return number && index->type().rank() == 0 ? std::optional((*number)[0]) : std::nullopt;
}

// The same tensor, laid along the other axes only; by a new node before `position` where there are any.
Value* laid_along_others(ir::Graph& graph, const Node& unsqueeze, int64_t axis, Node& position) {
  std::vector<int64_t> others = *unsqueezed_axes(unsqueeze);
  std::erase(others, axis);
  if (others.empty()) return unsqueeze.operand(0);
  for (int64_t& other : others) other -= other > axis ? 1 : 0;
  const auto count = static_cast<int64_t>(others.size());
  Value* axes = graph.add_initializer("", ir::Tensor::of<int64_t>(ir::DType::i64, {count}, others));
  Node* made = graph.create(unsqueeze.op(), std::array{unsqueeze.operand(0), axes});
  made->set_provenance(position.provenance());
  made->add_output(position.output(0)->type());
  graph.insert_before(&position, made);
  return made->output(0);
}

}  // namespace

Value* element_of_stack(ir::Graph& graph, Node& gather) {
  const Node* stack = producer_of(gather.operand(0), "Concat");
  if (stack == nullptr) return nullptr;
  const int rank = gather.operand(0)->type().rank();
  const auto axis = axis_of(gather, rank);
  auto index = single_index(gather);
  if (!axis || axis != axis_of(*stack, rank) || !index) return nullptr;
  const auto count = static_cast<int64_t>(stack->operand_count());
  if (*index < 0) *index += count;
  if (*index < 0 || *index >= count) return nullptr;
  for (size_t i = 0; i < stack->operand_count(); ++i) {
    if (laid_along(stack->operand(i), *axis) == nullptr) return nullptr;
  }
  const Node* wanted = laid_along(stack->operand(static_cast<size_t>(*index)), *axis);
  return laid_along_others(graph, *wanted, *axis, gather);
}

Value* whole_of_stack(const Node& concat) {
  const ir::Type& type = concat.output(0)->type();
  const auto axis = axis_of(concat, type.rank());
  if (!axis) return nullptr;
  Value* root = nullptr;
  for (size_t i = 0; i < concat.operand_count(); ++i) {
    const Node* laid = laid_along(concat.operand(i), *axis);
    const Node* taken = laid == nullptr ? nullptr : producer_of(laid->operand(0), "Gather");
    if (taken == nullptr || (root != nullptr && taken->operand(0) != root)) return nullptr;
    root = taken->operand(0);
    if (axis_of(*taken, root->type().rank()) != axis || single_index(*taken) != static_cast<int64_t>(i)) {
      return nullptr;
    }
  }
  return root != nullptr && same_type(root->type(), type) ? root : nullptr;
}

}  // namespace onnxport
