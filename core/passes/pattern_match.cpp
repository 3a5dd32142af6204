// Looking for a pattern: from its last node upwards, with both orders of what commutes.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/passes/pattern_conditions.h"
#include "core/passes/pattern_plan.h"

namespace onnxport {
namespace {

// Of one root, in all orders of its operands: a pattern that needs more is given up.
constexpr size_t kMostAttempts = 4096;
// A node that is found by what it reads is looked for among the first readers.
constexpr size_t kMostUsers = 64;
constexpr size_t kMostCommuted = 4;

}  // namespace

class Pattern::Matcher {
 public:
  Matcher(const Plan& plan, const ir::Node& root) : plan_(plan), block_(root.parent()) {
    match_.nodes.resize(plan.nodes.size());
    match_.values.resize(plan.values.size());
    match_.attributes.resize(plan.captured.size());
    bound_.resize(plan.values.size());
    captured_.resize(plan.captured.size());
  }

  bool run(ir::Node& root) { return try_node(plan_.steps.front().node, root, 0); }
  PatternMatch take() { return std::move(match_); }
  size_t attempts() const { return attempts_; }

 private:
  bool go_on(size_t step) {
    if (step == plan_.steps.size()) return accept();
    const Plan::Step& s = plan_.steps[step];
    ir::Value* via = match_.values[static_cast<size_t>(s.via)];
    if (via == nullptr) return false;
    if (!s.from_user) return via->producer() != nullptr && try_node(s.node, *via->producer(), step);
    size_t looked = 0;
    for (ir::Operand* use = via->first_use(); use != nullptr && looked < kMostUsers;
         use = use->next(), ++looked) {
      if (try_node(s.node, *use->user(), step)) return true;
    }
    return false;
  }

  bool try_node(int number, ir::Node& node, size_t step) {
    const Plan::Node& wanted = plan_.nodes[static_cast<size_t>(number)];
    if (node.op_text() != wanted.op || node.parent() != block_ || is_matched(&node)) return false;
    if (++attempts_ > kMostAttempts) return false;
    const size_t mark = trail_.size();
    match_.nodes[static_cast<size_t>(number)] = &node;
    if (check_attributes(wanted, node) && bind_outputs(wanted, node) && bind_operands(wanted, node, step))
      return true;
    undo(mark);
    match_.nodes[static_cast<size_t>(number)] = nullptr;
    return false;
  }

  bool is_matched(const ir::Node* node) const {
    return std::find(match_.nodes.begin(), match_.nodes.end(), node) != match_.nodes.end();
  }

  // ---- attributes ----
  // Each that the text gives or captures is compared; any other must be absent or what its absence means.
  bool check_attributes(const Plan::Node& wanted, const ir::Node& node) {
    for (const ir::Attribute& a : node.attributes()) {
      const auto asked = std::find_if(wanted.attributes.begin(), wanted.attributes.end(),
                                      [&](const Plan::Attribute& w) { return a.name == w.name; });
      if (asked != wanted.attributes.end()) continue;
      const ir::AttributeValue* usual = wanted.default_of(a.name.text());
      if (usual == nullptr || !same_attribute(*usual, a.value)) return false;
    }
    return std::all_of(wanted.attributes.begin(), wanted.attributes.end(), [&](const Plan::Attribute& asked) {
      const ir::AttributeValue* given = node.attribute(asked.name);
      if (given == nullptr) given = wanted.default_of(asked.name);
      if (asked.captured >= 0) return capture(static_cast<size_t>(asked.captured), given);
      return given != nullptr && same_attribute(asked.value, *given);
    });
  }

  bool capture(size_t number, const ir::AttributeValue* given) {
    if (captured_[number]) {
      const auto& first = match_.attributes[number];
      return given == nullptr ? !first.has_value() : first.has_value() && same_attribute(*first, *given);
    }
    const AttributeCondition* condition = plan_.conditions[number];
    if (condition != nullptr && (given == nullptr || !is_one_of(*given, condition->allowed))) return false;
    captured_[number] = true;
    match_.attributes[number] = given == nullptr ? std::nullopt : std::optional(*given);
    trail_.push_back({true, number});
    return true;
  }

  // ---- values ----
  bool bind_outputs(const Plan::Node& wanted, ir::Node& node) {
    if (wanted.outputs.size() > node.output_count()) return false;
    for (size_t i = 0; i < node.output_count(); ++i) {
      const int number = i < wanted.outputs.size() ? wanted.outputs[i] : -1;
      if (number < 0 ? node.output(i)->has_uses() : !bind(static_cast<size_t>(number), node.output(i)))
        return false;
    }
    return true;
  }

  bool bind_operands(const Plan::Node& wanted, ir::Node& node, size_t step) {
    size_t given = node.operand_count();
    while (given > 0 && node.operand(given - 1) == nullptr) --given;
    std::vector<size_t> order(std::max(given, wanted.inputs.size()));
    std::iota(order.begin(), order.end(), 0);
    const bool commutes = wanted.commutative && given == wanted.inputs.size() && given <= kMostCommuted;
    do {
      const size_t mark = trail_.size();
      bool fits = true;
      for (size_t i = 0; fits && i < order.size(); ++i) {
        ir::Value* operand = order[i] < given ? node.operand(order[i]) : nullptr;
        const int number = i < wanted.inputs.size() ? wanted.inputs[i] : -1;
        fits = number < 0 ? operand == nullptr : bind(static_cast<size_t>(number), operand);
      }
      if (fits && go_on(step + 1)) return true;
      undo(mark);
    } while (commutes && attempts_ <= kMostAttempts && std::next_permutation(order.begin(), order.end()));
    return false;
  }

  bool bind(size_t number, ir::Value* value) {
    const Plan::Value& wanted = plan_.values[number];
    if (bound_[number]) return match_.values[number] == value;
    if (value == nullptr ? !wanted.is_optional : !may_be(wanted, *value)) return false;
    bound_[number] = true;
    match_.values[number] = value;
    trail_.push_back({false, number});
    return true;
  }

  bool may_be(const Plan::Value& wanted, const ir::Value& value) const {
    if (wanted.producer >= 0) {
      const ir::Node* node = value.producer();
      if (node == nullptr || node->parent() != block_ || value.index() != wanted.output) return false;
      if (node->op_text() != plan_.nodes[static_cast<size_t>(wanted.producer)].op) return false;
    }
    if (wanted.constant && !(value.is_constant() && same_contents(*wanted.constant, *value.constant())))
      return false;
    return std::all_of(wanted.conditions.begin(), wanted.conditions.end(),
                       [&](const ValueCondition* c) { return holds(*c, value); });
  }

  void undo(size_t mark) {
    for (; trail_.size() > mark; trail_.pop_back()) {
      const auto [is_attribute, number] = trail_.back();
      if (is_attribute) {
        captured_[number] = false;
      } else {
        bound_[number] = false;
        match_.values[number] = nullptr;
      }
    }
  }

  // ---- the whole ----
  bool accept() const {
    std::map<std::string, ir::Dim, std::less<>> sizes;
    for (size_t i = 0; i < plan_.values.size(); ++i) {
      const Plan::Value& wanted = plan_.values[i];
      const ir::Value* value = match_.values[i];
      if (value == nullptr) continue;
      const bool made_here = value->producer() != nullptr && is_matched(value->producer());
      if (wanted.producer < 0 && made_here) return false;
      if (wanted.producer >= 0 && !wanted.is_output && !is_read_inside_only(*value)) return false;
      for (const ValueCondition* c : wanted.conditions) {
        if (!sizes_agree(*c, *value, sizes)) return false;
        if (!c->same_shape.empty() && !has_shape_of(*value, c->same_shape)) return false;
      }
    }
    return true;
  }

  bool is_read_inside_only(const ir::Value& value) const {
    for (const ir::Operand* use = value.first_use(); use != nullptr; use = use->next()) {
      if (!is_matched(use->user())) return false;
    }
    return true;
  }

  bool has_shape_of(const ir::Value& value, const std::string& name) const {
    for (size_t i = 0; i < plan_.values.size(); ++i) {
      if (plan_.values[i].name == name)
        return match_.values[i] != nullptr && same_shape(value, *match_.values[i]);
    }
    return false;
  }

  const Plan& plan_;
  const ir::Block* block_;
  PatternMatch match_;
  std::vector<bool> bound_, captured_;
  std::vector<std::pair<bool, size_t>> trail_;  // attribute or value, and its number
  size_t attempts_ = 0;
};

std::optional<PatternMatch> Pattern::match(ir::Node& root, size_t& attempts) const {
  Matcher matcher(*plan_, root);
  const bool found = matcher.run(root);
  attempts += matcher.attempts();
  return found ? std::optional(matcher.take()) : std::nullopt;
}

}  // namespace onnxport
