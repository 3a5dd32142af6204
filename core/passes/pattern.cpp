#include "core/passes/pattern.h"

#include <algorithm>
#include <limits>

#include "core/evaluate/evaluate.h"
#include "core/ir/pivot.h"
#include "core/onnx/convert.h"
#include "core/onnx/schemas.h"
#include "core/passes/passes.h"
#include "core/passes/pattern_plan.h"
#include "core/plugin/rule_text.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

constexpr uint64_t kLargestConstant = 64 * 1024;

std::string op_of(const pb::NodeProto& node) {
  const bool standard = node.domain().empty() || node.domain() == "ai.onnx";
  return standard ? node.op_type() : node.domain() + "::" + node.op_type();
}

}  // namespace

// From the text to the plan.
class PatternReader {
 public:
  PatternReader(Pattern::Plan& plan, int opset) : plan_(plan), opset_(opset) {}

  void read() {
    const pb::FunctionProto text = parse_rule_text(plan_.rule.pattern);
    for (const std::string& name : text.input()) add_value(name);
    for (const pb::NodeProto& node : text.node()) {
      if (op_of(node) == "Constant") {
        read_constant(node);
      } else {
        read_node(node);
      }
    }
    for (const std::string& name : text.output()) {
      plan_.outputs.push_back(number_of(name));
      plan_.values[static_cast<size_t>(plan_.outputs.back())].is_output = true;
    }
    for (const ValueCondition& condition : plan_.rule.values) {
      Pattern::Plan::Value& value = plan_.values[static_cast<size_t>(number_of(condition.value))];
      value.conditions.push_back(&condition);
      value.is_optional = value.is_optional || condition.optional;
    }
    plan_.conditions.resize(plan_.captured.size());
    for (const AttributeCondition& condition : plan_.rule.attributes)
      plan_.conditions[static_cast<size_t>(capture(condition.attribute))] = &condition;
    order();
  }

 private:
  int add_value(const std::string& name) {
    plan_.values.push_back({});
    plan_.values.back().name = name;
    return static_cast<int>(plan_.values.size()) - 1;
  }

  int number_of(std::string_view name) const {
    const auto found = std::find_if(plan_.values.begin(), plan_.values.end(),
                                    [&](const Pattern::Plan::Value& v) { return v.name == name; });
    return found == plan_.values.end() ? -1 : static_cast<int>(found - plan_.values.begin());
  }

  int capture(const std::string& name) {
    const auto found = std::find(plan_.captured.begin(), plan_.captured.end(), name);
    if (found == plan_.captured.end()) plan_.captured.push_back(name);
    return static_cast<int>(std::find(plan_.captured.begin(), plan_.captured.end(), name) -
                            plan_.captured.begin());
  }

  void read_constant(const pb::NodeProto& node) {
    std::vector<ir::Attribute> attributes;
    for (const pb::AttributeProto& a : node.attribute())
      attributes.push_back({plan_.names->intern(a.name()), onnx::to_attribute_value(a)});
    const auto made = evaluate_constant("Constant", {}, attributes, opset_, 1, kLargestConstant);
    if (!made || node.output_size() != 1)
      throw Error("M110", "the pattern has a Constant whose contents cannot be compared", plan_.rule.place,
                  "write value_float, value_int, or value of a small tensor");
    plan_.values[static_cast<size_t>(add_value(node.output(0)))].constant = made->front();
  }

  void read_node(const pb::NodeProto& proto) {
    Pattern::Plan::Node node;
    node.op = op_of(proto);
    node.commutative = is_commutative(proto.domain(), proto.op_type());
    for (const std::string& name : proto.input()) node.inputs.push_back(name.empty() ? -1 : number_of(name));
    while (!node.inputs.empty() && node.inputs.back() < 0) node.inputs.pop_back();
    const int number = static_cast<int>(plan_.nodes.size());
    for (const std::string& name : proto.output()) {
      node.outputs.push_back(name.empty() ? -1 : add_value(name));
      if (name.empty()) continue;
      plan_.values.back().producer = number;
      plan_.values.back().output = node.outputs.size() - 1;
    }
    for (const pb::AttributeProto& a : proto.attribute()) {
      const bool captured = !a.ref_attr_name().empty();
      node.attributes.push_back({a.name(), captured ? capture(a.ref_attr_name()) : -1,
                                 captured ? ir::AttributeValue() : onnx::to_attribute_value(a)});
    }
    read_schema(proto, node);
    plan_.nodes.push_back(std::move(node));
  }

  void read_schema(const pb::NodeProto& proto, Pattern::Plan::Node& node) {
    const pb::OpSchema* schema = onnx::find_schema(proto.op_type(), proto.domain(), opset_);
    if (schema == nullptr) {
      // One that an opset has which the bundled library does not know may be a plugin's.
      const bool known = onnx::is_onnx_domain(proto.domain()) && opset_ <= kPivotOpset;
      if (known &&
          onnx::find_schema(proto.op_type(), proto.domain(), std::numeric_limits<int>::max()) == nullptr) {
        throw Error("M110", "the pattern looks for " + node.op + ", an operator that ONNX does not have",
                    plan_.rule.place, "operators of other domains are written com.acme.Op");
      }
      return;
    }
    for (const auto& [name, attribute] : schema->attributes()) {
      if (attribute.default_value.type() != pb::AttributeProto::UNDEFINED)
        node.defaults.emplace_back(name, onnx::to_attribute_value(attribute.default_value));
    }
  }

  // The root first; then who makes a value that is known, and where there is none, who reads one.
  void order() {
    std::vector<bool> known(plan_.values.size(), false);
    std::vector<bool> taken(plan_.nodes.size(), false);
    const auto take = [&](int number, int via, bool from_user) {
      const Pattern::Plan::Node& node = plan_.nodes[static_cast<size_t>(number)];
      taken[static_cast<size_t>(number)] = true;
      for (int v : node.inputs) {
        if (v >= 0) known[static_cast<size_t>(v)] = true;
      }
      for (int v : node.outputs) {
        if (v >= 0) known[static_cast<size_t>(v)] = true;
      }
      plan_.steps.push_back({number, via, from_user});
    };
    const auto known_one = [&](const std::vector<int>& values) {
      const auto found = std::find_if(values.begin(), values.end(), [&](int v) {
        return v >= 0 && known[static_cast<size_t>(v)] && !plan_.values[static_cast<size_t>(v)].constant;
      });
      return found == values.end() ? -1 : *found;
    };
    take(static_cast<int>(plan_.nodes.size()) - 1, -1, false);
    while (plan_.steps.size() < plan_.nodes.size()) {
      bool found = false;
      for (bool from_user : {false, true}) {
        for (size_t i = plan_.nodes.size(); i-- > 0 && !found;) {
          if (taken[i]) continue;
          const int via = known_one(from_user ? plan_.nodes[i].inputs : plan_.nodes[i].outputs);
          if (via < 0) continue;
          take(static_cast<int>(i), via, from_user);
          found = true;
        }
        if (found) break;
      }
      if (!found)
        throw Error("M110", "the pattern has a node that only a constant joins to the others",
                    plan_.rule.place, "a pattern is one connected piece; make two rules of it");
    }
  }

  Pattern::Plan& plan_;
  int opset_;
};

const ir::AttributeValue* Pattern::Plan::Node::default_of(std::string_view attribute) const {
  const auto found = std::find_if(defaults.begin(), defaults.end(),
                                  [&](const auto& entry) { return entry.first == attribute; });
  return found == defaults.end() ? nullptr : &found->second;
}

Pattern::Pattern(const ManifestRule& rule, int opset) : plan_(std::make_unique<Plan>()) {
  plan_->rule = rule;
  plan_->names = std::make_unique<ir::Graph>(ir::Graph::Dialect::onnx);
  PatternReader(*plan_, opset).read();
}

Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;

const std::string& Pattern::root_op() const { return plan_->nodes.back().op; }
const std::vector<int>& Pattern::outputs() const { return plan_->outputs; }
const std::vector<std::string>& Pattern::attribute_names() const { return plan_->captured; }

int Pattern::find(std::string_view value) const {
  const auto found = std::find_if(plan_->values.begin(), plan_->values.end(),
                                  [&](const Plan::Value& v) { return v.name == value; });
  return found == plan_->values.end() ? -1 : static_cast<int>(found - plan_->values.begin());
}

}  // namespace onnxport
