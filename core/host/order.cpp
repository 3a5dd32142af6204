#include "core/host/order.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace onnxport {
namespace {

// Both in one block. Costs the distance between them.
bool comes_before(const ir::Node* a, const ir::Node* b) {
  if (a == b) return false;
  const ir::Node* ahead = a->next();
  const ir::Node* behind = a->previous();
  while (ahead != nullptr || behind != nullptr) {
    if (ahead == b) return true;
    if (behind == b) return false;
    if (ahead != nullptr) ahead = ahead->next();
    if (behind != nullptr) behind = behind->previous();
  }
  return false;
}

class OrderCheck {
 public:
  explicit OrderCheck(const onnxport_context& context) : c_(context) {
    for (const Replacement& r : c_.replacements) {
      going_.insert(r.node);
      for (size_t i = 0; i < r.values.size(); ++i) by_[r.node->output(i)] = r.values[i];
    }
  }

  std::string run() {
    for (const onnxport_context::Place& place : c_.places) {
      if (place.before != c_.root) continue;
      for (const ir::Node* n = c_.root->previous(); n != nullptr && n != place.mark.last; n = n->previous())
        at_root_.insert(n);
    }
    std::string wrong = missing_values();
    for (size_t i = 0; wrong.empty() && i < c_.places.size(); ++i) wrong = emitted_at(c_.places[i]);
    for (const auto& [old, made] : by_) {
      for (const ir::Operand* use = old->first_use(); wrong.empty() && use != nullptr; use = use->next()) {
        if (is_gone(use->user())) continue;
        if (use->user()->parent() == nullptr)
          continue;  // a result: the block it is of ends after all its nodes
        if (!dominates(made, *use->user())) wrong = words(*old, *use->user());
      }
      if (!wrong.empty()) break;
    }
    return wrong;
  }

 private:
  bool is_gone(const ir::Node* node) const { return going_.contains(node); }

  std::string missing_values() const {
    for (const Replacement& r : c_.replacements) {
      for (size_t i = 0; i < r.values.size(); ++i) {
        if (r.values[i] != nullptr) continue;
        for (const ir::Operand* use = r.node->output(i)->first_use(); use != nullptr; use = use->next()) {
          if (!is_gone(use->user())) {
            return "the rule gives nothing for output " + std::to_string(i) + " of " +
                   std::string(r.node->op_text()) + ", which is used";
          }
        }
      }
    }
    return "";
  }

  std::string emitted_at(const onnxport_context::Place& place) {
    for (const ir::Node* node = place.before->previous(); node != nullptr && node != place.mark.last;
         node = node->previous()) {
      if (std::string wrong = check(*node); !wrong.empty()) return wrong;
    }
    return "";
  }

  std::string check(const ir::Node& node) {
    if (!seen_.insert(&node).second) return "";
    for (size_t i = 0; i < node.operand_count(); ++i) {
      if (node.operand(i) != nullptr && !dominates(node.operand(i), node))
        return words(*node.operand(i), node);
    }
    for (const ir::Block* block : node.blocks()) {
      for (const ir::Node* inner : *block) {
        if (std::string wrong = check(*inner); !wrong.empty()) return wrong;
      }
    }
    return "";
  }

  // Whether the value, or what takes its place, is there when the node runs.
  bool dominates(const ir::Value* value, const ir::Node& node) {
    for (size_t steps = 0; value != nullptr; ++steps) {
      const auto replaced = by_.find(value);
      if (replaced == by_.end() || replaced->second == nullptr) break;
      if (steps > by_.size()) return false;  // replaced by each other
      value = replaced->second;
    }
    if (value == nullptr) return false;
    const ir::Node* producer = value->producer();
    const ir::Block* home = producer != nullptr ? producer->parent() : value->block();
    if (home == nullptr) return value->is_constant();
    const ir::Node* at = &node;
    while (at != nullptr && at->parent() != home)
      at = at->parent() == nullptr ? nullptr : at->parent()->owner();
    if (at == nullptr) return false;
    if (producer == nullptr) return true;
    // What the root reads is there for all that is put in its place and for all that reads that: the common case,
    // without a search however far away it was made.
    if (c_.early.contains(value) && (at_root_.contains(at) || reads_root(*at))) return true;
    if (at_root_.contains(producer) && !at_root_.contains(at) && reads_root(*at)) return true;
    return comes_before(producer, at);
  }

  bool reads_root(const ir::Node& node) const {
    for (size_t i = 0; i < node.operand_count(); ++i) {
      if (node.operand(i) != nullptr && node.operand(i)->producer() == c_.root) return true;
    }
    for (const ir::Block* block : node.blocks()) {
      for (const ir::Node* inner : *block) {
        if (reads_root(*inner)) return true;
      }
    }
    return false;
  }

  static std::string words(const ir::Value& value, const ir::Node& node) {
    const std::string made =
        value.producer() == nullptr ? "a value" : "the result of " + std::string(value.producer()->op_text());
    return made + " would be read by " + std::string(node.op_text()) + " before it is computed";
  }

  const onnxport_context& c_;
  std::unordered_map<const ir::Value*, const ir::Value*> by_;
  std::unordered_set<const ir::Node*> going_;
  std::unordered_set<const ir::Node*> seen_;
  std::unordered_set<const ir::Node*> at_root_;  // emitted before the root
};

}  // namespace

std::string wrong_order(const onnxport_context& context) { return OrderCheck(context).run(); }

}  // namespace onnxport
