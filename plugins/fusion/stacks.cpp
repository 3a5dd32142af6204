// Tensors laid side by side along a new axis (Unsqueeze, Concat), and taken apart again (Gather): what complex
// arithmetic leaves between its steps.
#include <algorithm>
#include <optional>

#include "fusion.h"

namespace fusion {
namespace {

using namespace onnxport;

std::optional<int64_t> axis_of(const NodeRef& node, int64_t rank) {
  const int64_t axis = node.integer("axis", 0);
  if (axis < -rank || axis >= rank) return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

// The axes of an Unsqueeze as places in its result, sorted; empty when they are not known.
std::vector<int64_t> new_axes(const NodeRef& unsqueeze) {
  auto axes = unsqueeze.input(1).constant_ints();
  const Value result = unsqueeze.output(0);
  if (!axes || !result.has_rank()) return {};
  for (int64_t& axis : *axes) axis += axis < 0 ? result.rank() : 0;
  std::sort(axes->begin(), axes->end());
  return std::move(*axes);
}

// The Unsqueeze that lays a tensor along the axis (size 1), maybe along others too; none for anything else.
NodeRef laid_along(Node& node, const Value& value, int64_t axis) {
  const NodeRef unsqueeze = node.producer(value);
  if (!unsqueeze.is("Unsqueeze")) return {};
  const std::vector<int64_t> places = new_axes(unsqueeze);
  return std::binary_search(places.begin(), places.end(), axis) ? unsqueeze : NodeRef();
}

// One index along an axis, a 0-d constant.
std::optional<int64_t> single_index(const NodeRef& gather) {
  const Value index = gather.input(1);
  if (!index.has_rank() || index.rank() != 0) return std::nullopt;
  const auto number = index.constant_ints();
  return number ? std::optional(number->front()) : std::nullopt;
}

// A Gather of one element of a stack gives that which was stacked there.
Value element(Node& gather) {
  const NodeRef stack = gather.producer(gather.input(0));
  gather.require(stack.is("Concat") && gather.input(0).has_rank(), "it takes nothing of a stack");
  const int64_t rank = gather.input(0).rank();
  const auto axis = axis_of(gather, rank);
  const auto index = single_index(gather);
  gather.require(axis && index && axis == axis_of(stack, rank), "it takes more than one element of a stack");
  const auto count = static_cast<int64_t>(stack.input_count());
  const int64_t place = *index < 0 ? *index + count : *index;
  gather.require(place >= 0 && place < count, "the stack has no such element");
  for (const Value& each : stack.inputs())
    gather.require(bool(laid_along(gather, each, *axis)), "what is joined is no stack");
  const NodeRef wanted = laid_along(gather, stack.input(static_cast<size_t>(place)), *axis);
  std::vector<int64_t> others = new_axes(wanted);
  others.erase(std::remove(others.begin(), others.end(), *axis), others.end());
  for (int64_t& other : others) other -= other > *axis ? 1 : 0;
  return gather.unsqueeze(wanted.input(0), others);
}

bool same_type(Node& node, const Value& a, const Value& b) {
  if (!a.has_rank() || !b.has_rank() || a.rank() != b.rank() || a.dtype() != b.dtype()) return false;
  for (int64_t axis = 0; axis < a.rank(); ++axis) {
    if (!node.same_dim(a, axis, b, axis)) return false;
  }
  return true;
}

// Whether the Gather takes from the tensor. (A value has many handles, a node has one.)
bool takes_from(Node& node, const NodeRef& gather, const Value& tensor) {
  const auto uses = node.uses(tensor);
  return std::any_of(uses.begin(), uses.end(),
                     [&](const Node::Use& use) { return use.user == gather && use.input == 0; });
}

// A Concat of all elements of a tensor, in order, gives that tensor.
Value whole(Node& concat) {
  const Value result = concat.output(0);
  concat.require(result.has_rank(), "its rank is unknown");
  const auto axis = axis_of(concat, result.rank());
  concat.require(axis.has_value(), "it has no such axis");
  Value root;
  for (size_t i = 0; i < concat.input_count(); ++i) {
    const NodeRef laid = laid_along(concat, concat.input(i), *axis);
    const NodeRef taken = laid ? concat.producer(laid.input(0)) : NodeRef();
    concat.require(taken.is("Gather"), "it is no stack of elements");
    const Value of = taken.input(0);
    concat.require(of.has_rank() && axis_of(taken, of.rank()) == axis &&
                       single_index(taken) == static_cast<int64_t>(i) &&
                       (i == 0 || takes_from(concat, taken, root)),
                   "they are not all elements of one tensor, in order");
    if (i == 0) root = of;
  }
  concat.require(bool(root) && same_type(concat, root, result), "there are more elements");
  return root;
}

}  // namespace

Rules stack_rules() { return {{"Gather", element}, {"Concat", whole}}; }

}  // namespace fusion
