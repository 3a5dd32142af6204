// Nodes that do nothing, or that one node does as well as two.
#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "core/ir/regions.h"
#include "core/passes/passes.h"
#include "core/passes/rewriting.h"

namespace onnxport {

namespace {

using ir::DType;
using ir::Node;
using ir::Value;

// The value that may stand for the node's output; null: the node does something.
using Rule = Value* (*)(ir::Graph&, Node&);

bool all_equal(const std::vector<int64_t>& values, int64_t to) {
  return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == to; });
}

Value* input_of(ir::Graph&, Node& node) { return node.operand(0); }
Value* only_input(ir::Graph&, Node& node) { return node.operand_count() == 1 ? node.operand(0) : nullptr; }
// Below opset 11 the bounds are attributes.
Value* clip(ir::Graph& graph, Node& node) {
  const bool bounded = node.attribute("min") != nullptr || node.attribute("max") != nullptr;
  return bounded ? nullptr : only_input(graph, node);
}

// ---- casts ----

int float_bits(DType dtype) {
  switch (dtype) {
    case DType::f16:
    case DType::bf16:
      return 16;
    case DType::f32:
      return 32;
    case DType::f64:
      return 64;
    default:
      return 0;
  }
}

// Every value of `a` survives a stay in `b`.
bool holds(DType b, DType a) {
  if (a == DType::boolean) return b != DType::string;
  if (float_bits(a) > 0) return float_bits(b) > float_bits(a);
  const bool a_unsigned = ir::short_name(a).front() == 'u', b_unsigned = ir::short_name(b).front() == 'u';
  return ir::is_integral(a) && ir::is_integral(b) && a_unsigned == b_unsigned &&
         ir::size_of(b) > ir::size_of(a);
}

Value* cast(ir::Graph&, Node& node) {
  Value* x = node.operand(0);
  const DType to = node.output(0)->type().dtype();
  if (to == DType::undefined) return nullptr;
  if (x->type().dtype() == to) return x;
  if (const Node* inner = producer_of(x, "Cast")) {
    Value* origin = inner->operand(0);
    if (origin->type().dtype() == to && holds(x->type().dtype(), to)) return origin;
  }
  return nullptr;
}

// ---- axes ----

std::vector<int64_t> order_of(const Node& node) {
  if (const auto* given = node.attribute_as<std::vector<int64_t>>("perm")) return *given;
  std::vector<int64_t> order(static_cast<size_t>(std::max(0, node.operand(0)->type().rank())));
  std::iota(order.rbegin(), order.rend(), 0);
  return order;
}

Value* transpose(ir::Graph& graph, Node& node) {
  std::vector<int64_t> order = order_of(node);
  if (order.empty()) return node.operand(0)->type().rank() == 0 ? node.operand(0) : nullptr;
  if (const Node* inner = producer_of(node.operand(0), "Transpose")) {
    const std::vector<int64_t> first = order_of(*inner);
    if (first.size() != order.size()) return nullptr;
    for (int64_t& axis : order) axis = first[static_cast<size_t>(axis)];
    node.set_operand(0, inner->operand(0));
    node.set_attribute(graph.intern("perm"), order);
  }
  return std::is_sorted(order.begin(), order.end()) ? node.operand(0) : nullptr;
}

bool is_view(const Node* node) {
  return is_op(node, "Reshape") || is_op(node, "Squeeze") || is_op(node, "Unsqueeze") ||
         is_op(node, "Flatten");
}

// Sizes that the graph computes, where the types say them: of the first value of several views, or of the last.
void write_target_down(ir::Graph& graph, Node& node, Value* root) {
  if (integer_attribute(node, "allowzero", 0) != 0) return;
  for (Value* from : {root, node.operand(0)}) {
    const auto target = constant_target(from->type(), node.output(0)->type(), graph.symbols);
    if (!target) continue;
    node.set_operand(0, from);
    node.set_operand(1, graph.add_initializer("", ir::Tensor::ints(*target)));
    return;
  }
}

// Elements stay in order whatever views come one after another: only the last shape counts.
Value* view(ir::Graph& graph, Node& node) {
  Value* root = node.operand(0);
  const ir::Type& type = node.output(0)->type();
  while (true) {
    if (same_type(root->type(), type)) return root;
    if (!is_view(root->producer())) break;
    root = root->producer()->operand(0);
  }
  if (!is_op(&node, "Reshape")) return nullptr;
  if (!node.operand(1)->is_constant()) write_target_down(graph, node, root);
  if (root == node.operand(0)) return nullptr;
  const auto target = small_constant_ints(node.operand(1));
  const bool copies_zero = integer_attribute(node, "allowzero", 0) == 0;
  // A 0 asks for a size of the input it had; contents not known now could be one.
  if (target && (!copies_zero || std::find(target->begin(), target->end(), 0) == target->end())) {
    node.set_operand(0, root);
  }
  return nullptr;
}

// Unsqueeze of an Unsqueeze adds all axes at once.
Value* unsqueeze(ir::Graph& graph, Node& node) {
  if (Value* simpler = view(graph, node)) return simpler;
  const Node* inner = producer_of(node.operand(0), "Unsqueeze");
  if (inner == nullptr) return nullptr;
  const auto first = unsqueezed_axes(*inner);
  const auto last = unsqueezed_axes(node);
  if (!first || !last) return nullptr;
  std::vector<int64_t> all = *last;
  int64_t before = 0;  // axes of the inner result seen so far
  for (int64_t place = 0; place < node.output(0)->type().rank(); ++place) {
    if (std::binary_search(last->begin(), last->end(), place)) continue;
    if (std::binary_search(first->begin(), first->end(), before++)) all.push_back(place);
  }
  std::sort(all.begin(), all.end());
  const auto count = static_cast<int64_t>(all.size());
  node.set_operand(0, inner->operand(0));
  node.set_operand(1, graph.add_initializer("", ir::Tensor::of<int64_t>(ir::DType::i64, {count}, all)));
  return nullptr;
}

// ---- sizes ----

Value* same_shape(ir::Graph&, Node& node) {
  return same_type(node.operand(0)->type(), node.output(0)->type()) ? node.operand(0) : nullptr;
}

Value* slice(ir::Graph& graph, Node& node) {
  if (const Value* steps = operand_or_null(node, 4)) {
    const auto values = small_constant_ints(steps);
    if (!values || !all_equal(*values, 1)) return nullptr;
  }
  return same_shape(graph, node);
}

Value* pad(ir::Graph& graph, Node& node) {
  const auto pads = small_constant_ints(operand_or_null(node, 1));
  return pads && all_equal(*pads, 0) ? same_shape(graph, node) : nullptr;
}

Value* split(ir::Graph& graph, Node& node) {
  return node.output_count() == 1 ? same_shape(graph, node) : nullptr;
}

// ---- arithmetic ----

// A constant all of whose elements are `number`.
bool is_all(const Value* value, double number) {
  if (!value->is_constant() || value->constant()->count() > 1024) return false;
  if (const auto ints = value->constant()->to_ints()) {
    return std::all_of(ints->begin(), ints->end(),
                       [&](int64_t v) { return static_cast<double>(v) == number; });
  }
  const auto reals = value->constant()->to_reals();
  return reals && std::all_of(reals->begin(), reals->end(), [&](double v) { return v == number; });
}

Value* unless_broadcast(const Node& node, Value* x) {
  return same_type(x->type(), node.output(0)->type()) ? x : nullptr;
}

Value* multiply(ir::Graph&, Node& node) {
  if (is_all(node.operand(1), 1)) return unless_broadcast(node, node.operand(0));
  if (is_all(node.operand(0), 1)) return unless_broadcast(node, node.operand(1));
  return nullptr;
}

Value* divide(ir::Graph&, Node& node) {
  return is_all(node.operand(1), 1) ? unless_broadcast(node, node.operand(0)) : nullptr;
}

// -0 + 0 is 0, so only integers; -0 - 0 is -0.
Value* add(ir::Graph&, Node& node) {
  if (!ir::is_integral(node.output(0)->type().dtype())) return nullptr;
  if (is_all(node.operand(1), 0)) return unless_broadcast(node, node.operand(0));
  if (is_all(node.operand(0), 0)) return unless_broadcast(node, node.operand(1));
  return nullptr;
}

Value* subtract(ir::Graph&, Node& node) {
  return is_all(node.operand(1), 0) ? unless_broadcast(node, node.operand(0)) : nullptr;
}

// ---- others ----

Value* dropout(ir::Graph& graph, Node& node) {
  if (node.output_count() > 1 && node.output(1)->has_uses()) return nullptr;
  if (const Value* training = operand_or_null(node, 2)) {
    const auto on = small_constant_ints(training);
    if (!on || !all_equal(*on, 0)) return nullptr;
  }
  return input_of(graph, node);
}

Value* find_replacement(ir::Graph& graph, Node& node) {
  static const std::unordered_map<std::string_view, Rule> rules = {
      {"Add", add},
      {"Cast", cast},
      {"Clip", clip},
      {"Concat", only_input},
      {"Div", divide},
      {"Dropout", dropout},
      {"Expand", same_shape},
      {"Flatten", view},
      {"Identity", input_of},
      {"Max", only_input},
      {"Min", only_input},
      {"Mul", multiply},
      {"Pad", pad},
      {"Reshape", view},
      {"Slice", slice},
      {"Split", split},
      {"Squeeze", view},
      {"Sub", subtract},
      {"Sum", only_input},
      {"Tile", same_shape},
      {"Transpose", transpose},
      {"Unsqueeze", unsqueeze},
  };
  const auto found = rules.find(node.op_text());
  if (found == rules.end() || node.operand_count() == 0 || node.operand(0) == nullptr) return nullptr;
  return found->second(graph, node);
}

// The branch that is always taken, in place of the If.
bool inline_branch(ir::Graph& graph, Node& node) {
  const auto condition = small_constant_ints(node.operand(0));
  const char* name = condition && (*condition)[0] != 0 ? "then_branch" : "else_branch";
  ir::Block* const* branch = node.attribute_as<ir::Block*>(name);
  if (!condition || branch == nullptr) return false;
  for (size_t i = 0; i < node.output_count(); ++i) {
    if (!can_replace(node.output(i), (*branch)->result(i))) {
      const Value* result = (*branch)->result(i);
      if (result->producer() == nullptr || result->producer()->parent() != *branch) return false;
    }
  }
  ir::inline_block(graph, node, **branch);
  return true;
}

void simplify_block(ir::Graph& graph, ir::Block& block) {
  for (Node* node = block.first(); node != nullptr;) {
    Node* next = node->next();
    if (is_op(node, "If")) {
      Node* before = node->previous();
      if (inline_branch(graph, *node)) {
        node = before == nullptr ? block.first() : before->next();  // the branch's nodes come next
        continue;
      }
    }
    for (ir::Block* inner : node->blocks()) simplify_block(graph, *inner);
    if (Value* by = find_replacement(graph, *node); by != nullptr && replace(node->output(0), by))
      graph.erase(node);
    node = next;
  }
}

}  // namespace

void remove_no_ops(ir::Graph& graph) { simplify_block(graph, graph.body()); }

}  // namespace onnxport
