// Writes inside branches and loops: what a block changes of the outside becomes its result.
#include <algorithm>
#include <utility>

#include "core/ir/node_location.h"
#include "core/prepare/aliases.h"
#include "core/prepare/functionalize.h"

namespace onnxport {

bool Functionalizer::is_outside(const ir::Value* value, const ir::Node& region) const {
  const ir::Node* maker = value->producer() != nullptr ? value->producer()
                          : value->block() != nullptr  ? value->block()->owner()
                                                       : nullptr;
  if (maker == nullptr) return true;  // initializer, graph input
  const auto order = order_.find(maker);
  if (order == order_.end()) {
    // Made by this pass: inside when one of the blocks around it is the region's.
    for (const ir::Block* b = maker->parent(); b != nullptr && b->owner() != nullptr;
         b = b->owner()->parent()) {
      if (b->owner() == &region) return false;
    }
    return true;
  }
  const int first = order_.at(&region);
  const bool inside = order->second > first && order->second <= last_.at(&region);
  const bool parameter = maker == &region && value->producer() == nullptr;
  return !inside && !parameter;
}

// The outer values that may be behind `value`.
void Functionalizer::trace(ir::Value* value, ir::Node& region, std::unordered_set<ir::Value*>& seen,
                           std::vector<ir::Value*>& out) {
  std::vector<ir::Value*> pending = {value};
  while (!pending.empty()) {
    ir::Value* v = pending.back();
    pending.pop_back();
    if (v == nullptr || !seen.insert(v).second) continue;
    if (is_outside(v, region)) {
      out.push_back(v);
      continue;
    }
    ir::Node* maker = v->producer();
    if (maker == nullptr) {  // a loop's parameter: what it is first given
      ir::Node* loop = v->block()->owner();
      if (loop->op() == "prim::Loop" && v->index() > 0) pending.push_back(loop->operand(v->index() + 1));
      continue;
    }
    if (maker->op() == "prim::If" || maker->op() == "prim::Loop") {
      const size_t skip = maker->op() == "prim::Loop" ? 1 : 0;
      for (const ir::Block* b : maker->blocks()) pending.push_back(b->result(v->index() + skip));
      if (skip == 1) pending.push_back(maker->operand(v->index() + 2));
      continue;
    }
    const std::string_view op = maker->op_text();
    const bool reads_container = op.starts_with("aten::__getitem__") || op == "prim::ListUnpack" ||
                                 op == "prim::TupleUnpack" || op == "prim::TupleIndex" || op == "aten::pop";
    if (reads_container || is_construct(*maker)) {
      const size_t last =
          is_construct(*maker) ? maker->operand_count() : std::min<size_t>(1, maker->operand_count());
      for (size_t i = 0; i < last; ++i) pending.push_back(maker->operand(i));
      continue;
    }
    const Aliasing aliasing = aliasing_of(*maker, v->index());
    if (aliasing.kind != Aliasing::Kind::fresh) pending.push_back(maker->operand(aliasing.operand));
  }
}

// The outer values behind what the block writes: to containers, or to tensors.
void Functionalizer::collect_written(ir::Block& block, ir::Node& region, bool containers,
                                     std::vector<ir::Value*>& out) {
  std::unordered_set<ir::Value*> seen;
  for_each_node(block, [&](ir::Node* node) {
    const int written = written_operand(*node);
    if (written >= 0 && writes_container(*node) == containers) {
      trace(node->operand(static_cast<size_t>(written)), region, seen, out);
    }
  });
}

std::vector<Storage*> Functionalizer::written_from_outside(ir::Node& region) {
  std::vector<ir::Value*> containers;
  std::vector<ir::Value*> tensors;
  for (ir::Block* block : region.blocks()) {
    collect_written(*block, region, true, containers);
    collect_written(*block, region, false, tensors);
  }
  std::vector<Storage*> out;
  std::unordered_set<const Storage*> seen;
  const auto add = [&](ir::Value* value) {
    if (value == nullptr || !has_storage(*value)) return;
    Storage* root = storage_of(value).root;
    if (seen.insert(root).second) out.push_back(root);
  };
  for (ir::Value* value : containers) add(value);
  while (!tensors.empty()) {
    ir::Value* value = tensors.back();
    tensors.pop_back();
    if (value == nullptr || !has_storage(*value)) continue;
    const Storage* storage = find(value);
    if (storage != nullptr && storage->state.elements) {
      // Traced to a container: the write is to one of its elements.
      tensors.insert(tensors.end(), storage->state.elements->begin(), storage->state.elements->end());
    } else {
      add(value);
    }
  }
  return out;
}

// The list leaves the straight line where its elements are known one by one.
void Functionalizer::forget_elements(Storage& list) {
  const std::vector<ir::Value*> elements = *list.state.elements;
  edit(list).elements.reset();
  for (ir::Value* element : elements) {
    if (element != nullptr && has_storage(*element)) share(list.origin, element);
  }
}

void Functionalizer::finish_block(ir::Block& block, const std::vector<Storage*>& written,
                                  const ir::Provenance* provenance) {
  NodeMaker make(block, nullptr, provenance);
  for (size_t i = 0; i < block.result_count(); ++i) {
    if (block.result(i) != nullptr) block.returns().set_operand(i, read(block.result(i), make));
  }
  for (Storage* root : written)
    block.add_result(root->state.elements ? materialize(*root, make) : refresh(*root, make));
}

// An output that may be a value from outside the region shares its memory.
void Functionalizer::relate_result(ir::Node& region, ir::Value* output, ir::Value* result) {
  if (result == nullptr || !has_storage(*output) || !has_storage(*result)) return;
  const Storage* storage = find(result);
  const ir::Value* root = storage == nullptr ? result : storage->root->origin;
  if (is_outside(root, region)) return share(output, result);
  if (storage == nullptr) return;
  for (Storage* other : std::vector<Storage*>(storage->root->maybe_shared)) {
    if (is_outside(other->origin, region)) share(output, other->origin);
  }
}

void Functionalizer::process_if(ir::Node& node) {
  read_operands(node);
  const std::vector<Storage*> written = written_from_outside(node);
  const size_t outputs = node.output_count();
  std::vector<std::vector<ir::Value*>> results(outputs);
  for (ir::Block* block : node.blocks()) {
    const size_t mark = log_.size();
    ++depth_;
    walk(*block);
    for (size_t i = 0; i < outputs && i < block->result_count(); ++i) results[i].push_back(block->result(i));
    finish_block(*block, written, node.provenance());
    --depth_;
    rollback(mark);
  }
  for (size_t i = 0; i < outputs; ++i) {
    const bool both_same = results[i].size() == 2 && results[i][0] == results[i][1] &&
                           results[i][0] != nullptr && is_outside(results[i][0], node);
    if (both_same) {
      // The same outer tensor, whatever the branches wrote to it: no new memory.
      node.output(i)->replace_all_uses_with(results[i][0]);
      continue;
    }
    for (ir::Value* result : results[i]) relate_result(node, node.output(i), result);
  }
  for (Storage* root : written) {
    if (root->state.elements) forget_elements(*root);
    set_root(*root, node.add_output(root->origin->type()));
  }
}

namespace {

// The value whose memory `value` is for certain: through in-place operators, branches that agree and loops
// that only write in place.
const ir::Value* memory_of(const ir::Value* value, int depth = 0) {
  constexpr int kMaxDepth = 32;
  for (int steps = 0; value != nullptr && steps < 4096; ++steps) {
    const ir::Node* maker = value->producer();
    if (maker == nullptr) return value;
    const bool loop = maker->op() == "prim::Loop";
    if (loop || maker->op() == "prim::If") {
      if (depth > kMaxDepth) return value;
      const size_t k = value->index() + (loop ? 1 : 0);
      const ir::Block& first = *maker->blocks()[0];
      const ir::Value* inside = memory_of(first.result(k), depth + 1);
      const ir::Value* same =
          loop ? first.parameters()[k] : memory_of(maker->blocks()[1]->result(k), depth + 1);
      if (inside != same) return value;
      value = loop ? maker->operand(value->index() + 2) : inside;
      continue;
    }
    const Aliasing aliasing = aliasing_of(*maker, value->index());
    if (aliasing.kind != Aliasing::Kind::same) return value;
    value = maker->operand(aliasing.operand);
  }
  return value;
}

}  // namespace

void Functionalizer::process_loop(ir::Node& node) {
  ir::Block& body = *node.blocks()[0];
  const size_t carried = node.output_count();
  // A carried tensor that every turn only writes in place is the outer tensor all along.
  for (size_t i = 0; i < carried; ++i) {
    ir::Value* parameter = body.parameters()[i + 1];
    ir::Value* initial = node.operand(i + 2);
    if (initial == nullptr || !has_storage(*initial)) continue;
    const ir::Value* memory = memory_of(body.result(i + 1));
    if (memory == nullptr || memory != parameter) continue;
    parameter->replace_all_uses_with(initial);
    node.output(i)->replace_all_uses_with(initial);
  }
  const std::vector<Storage*> written = written_from_outside(node);
  for (size_t i = 0; i < carried; ++i) {
    ir::Value* parameter = body.parameters()[i + 1];
    ir::Value* initial = node.operand(i + 2);
    if (parameter->has_uses() && initial != nullptr && has_storage(*initial) && has_storage(*parameter))
      share(parameter, initial);
  }
  std::vector<ir::Value*> initials;
  for (size_t i = 0; i < carried; ++i) initials.push_back(node.operand(i + 2));
  NodeMaker make(node);
  for (size_t i = 0; i < node.operand_count(); ++i) {
    if (node.operand(i) != nullptr) node.set_operand(i, read(node.operand(i), make));
  }
  for (Storage* root : written) {
    node.add_operand(root->state.elements ? materialize(*root, make) : refresh(*root, make));
    if (root->state.elements) forget_elements(*root);
  }
  const size_t mark = log_.size();
  ++depth_;
  for (Storage* root : written) set_root(*root, body.add_parameter(root->origin->type()));
  walk(body);
  std::vector<ir::Value*> results;
  for (size_t i = 0; i < carried; ++i) results.push_back(body.result(i + 1));
  finish_block(body, written, node.provenance());
  --depth_;
  rollback(mark);
  for (size_t i = 0; i < carried; ++i) {
    if (!node.output(i)->has_uses()) continue;
    relate_result(node, node.output(i), results[i]);
    if (initials[i] != nullptr && has_storage(*initials[i])) relate_result(node, node.output(i), initials[i]);
  }
  for (Storage* root : written) set_root(*root, node.add_output(root->origin->type()));
}

// The iterations of a scan see copies: what they may write is their own.
void Functionalizer::process_scan(ir::Node& node) {
  read_operands(node);
  if (!written_from_outside(node).empty()) {
    throw Error("T520", "the body of a scan writes to a tensor from outside", location_of(node),
                "return the new value as a state of the scan");
  }
  ir::Block& body = *node.blocks()[0];
  const size_t mark = log_.size();
  ++depth_;
  walk(body);
  finish_block(body, {}, node.provenance());
  --depth_;
  rollback(mark);
}

}  // namespace onnxport
