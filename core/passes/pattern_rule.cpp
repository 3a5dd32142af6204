// A rule that a manifest writes: where its pattern is found, its replacement is emitted.
#include <algorithm>
#include <charconv>

#include "core/builder/function.h"
#include "core/passes/pass_rule.h"
#include "core/passes/pattern.h"
#include "core/plugin/manifest_mapping.h"
#include "core/plugin/rule_text.h"

namespace onnxport {
namespace {

class PatternRule : public PassRule {
 public:
  PatternRule(const ManifestRule& rule, int opset)
      : rule_(rule), pattern_(rule, opset), replacement_(parse_rule_text(rule.replacement)) {
    replacement_.set_name("of the replacement");
    for (const std::string& name : replacement_.input()) inputs_.push_back(pattern_.find(name));
  }

  std::string root_op() const override { return pattern_.root_op(); }

  bool apply(ir::Node& node, RewriteContext& context) const override {
    const auto match = pattern_.match(node, context.attempts);
    if (!match) return false;
    ir::Node* position = place_of(*match, context.order);
    if (position == nullptr) return false;
    context.builder.insert_before(position);
    context.builder.set_provenance(node.provenance());
    const GraphBuilder::Mark mark = context.builder.mark();
    Rewrite rewrite;
    rewrite.nodes = match->nodes;
    try {
      rewrite.values = emit(*match, context.builder);
      check(rewrite);
    } catch (const Error&) {
      context.builder.rollback(mark);
      throw;
    }
    commit(std::move(rewrite), context);
    return true;
  }

 private:
  // Before the last of the nodes, where all that is read is known; null where somebody reads a result earlier.
  ir::Node* place_of(const PatternMatch& match, BlockOrder& order) const {
    if (pattern_.outputs().size() == 1) return match.nodes.back();  // whose results are read after it
    ir::Node* last = match.nodes.front();
    for (ir::Node* node : match.nodes) {
      if (order.is_before(*last, *node)) last = node;
    }
    for (int number : pattern_.outputs()) {
      const ir::Value& result = *match.values[static_cast<size_t>(number)];
      for (const ir::Operand* use = result.first_use(); use != nullptr; use = use->next()) {
        const ir::Node* user = ancestor_in(*use->user(), *last->parent());
        const bool goes = std::find(match.nodes.begin(), match.nodes.end(), user) != match.nodes.end();
        if (user != nullptr && !goes && order.is_before(*user, *last)) return nullptr;
      }
    }
    return last;
  }

  // The node of the block that the user is, or is inside of; null: what the block returns.
  static const ir::Node* ancestor_in(const ir::Node& user, const ir::Block& block) {
    const ir::Node* node = &user;
    while (node != nullptr && node->parent() != &block) {
      const ir::Block* home = node->parent();
      if (home == nullptr) return nullptr;  // a return
      node = home->owner();
    }
    return node;
  }

  std::vector<Rewrite::Entry> emit(const PatternMatch& match, GraphBuilder& builder) const {
    std::vector<ir::Value*> inputs;
    for (int number : inputs_) inputs.push_back(match.values[static_cast<size_t>(number)]);
    std::vector<ir::Attribute> attributes;
    for (size_t i = 0; i < match.attributes.size(); ++i) {
      if (match.attributes[i])
        attributes.push_back(builder.attribute(pattern_.attribute_names()[i], *match.attributes[i]));
    }
    const auto made =
        emit_function(replacement_, builder, inputs, attributes, [&](const std::string& name, ir::Value* v) {
          if (auto type = type_of(name, match, *v)) v->set_type(std::move(*type));
        });
    std::vector<Rewrite::Entry> out;
    for (size_t i = 0; i < made.size(); ++i)
      out.push_back({match.values[static_cast<size_t>(pattern_.outputs()[i])], made[i]});
    return out;
  }

  // What `types` states of a value of the replacement. A result of which ONNX knows nothing takes the place of one
  // that has a type.
  std::optional<ir::Type> type_of(const std::string& name, const PatternMatch& match,
                                  const ir::Value& made) const {
    for (const ValueType& stated : rule_.types) {
      if (stated.value == name) return stated_type(stated, match);
    }
    if (!made.type().is_tensor() || made.type().dtype() != ir::DType::undefined) return std::nullopt;
    const auto& results = replacement_.output();
    const auto place = std::find(results.begin(), results.end(), name) - results.begin();
    if (place == results.size()) return std::nullopt;
    return match.values[static_cast<size_t>(pattern_.outputs()[static_cast<size_t>(place)])]->type();
  }

  ir::Type stated_type(const ValueType& stated, const PatternMatch& match) const {
    ir::DType dtype = stated.dtype;
    std::optional<ir::Shape> shape;
    if (!stated.like.empty()) {
      const ir::Value* like = match.values[static_cast<size_t>(pattern_.find(stated.like))];
      if (like != nullptr && dtype == ir::DType::undefined) dtype = like->type().dtype();
      if (like != nullptr) shape = like->type().shape();
    }
    if (stated.shape) {
      shape.emplace();
      for (const std::string& size : *stated.shape) {
        shape->push_back(SizeExpression::parse(size)->dim.substitute(
            [&](std::string_view symbol) { return size_of(symbol, match); }));
      }
    }
    return ir::Type::tensor(dtype, std::move(shape));
  }

  // "x.1"; unknown where x has no such axis.
  ir::Dim size_of(std::string_view symbol, const PatternMatch& match) const {
    const size_t dot = symbol.find('.');
    const ir::Value* value = match.values[static_cast<size_t>(pattern_.find(symbol.substr(0, dot)))];
    size_t axis = 0;
    const std::string_view digits = symbol.substr(dot + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), axis);
    const bool known = value != nullptr && value->type().shape() && axis < value->type().shape()->size();
    return known ? (*value->type().shape())[axis] : ir::Dim();
  }

  ManifestRule rule_;
  Pattern pattern_;
  pb::FunctionProto replacement_;
  std::vector<int> inputs_;  // numbers of the pattern's values
};

}  // namespace

std::unique_ptr<PassRule> make_pattern_rule(const ManifestRule& rule, int opset) {
  return std::make_unique<PatternRule>(rule, opset);
}

}  // namespace onnxport
