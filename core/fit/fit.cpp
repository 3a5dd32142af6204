#include "core/fit/fit.h"

#include <algorithm>

#include "core/builder/function.h"
#include "core/builder/graph_builder.h"
#include "core/fit/limits.h"
#include "core/fit/through_cast.h"
#include "core/ir/node_location.h"
#include "core/onnx/functions.h"
#include "core/onnx/inference.h"
#include "onnxport/errors.h"
#include "onnxport/version.h"

namespace onnxport {
namespace {

constexpr size_t kMostExpanded = 65536;

class Fit {
 public:
  Fit(ir::Graph& graph, int opset, const Target& target)
      : graph_(graph), opset_(opset), target_(target), limits_(target.limits, opset) {}

  std::vector<TargetChange> run() {
    if (target_.limits.expand) expand(graph_.body());
    if (!target_.limits.compute.empty()) cast();
    check();
    if (!problems_.empty()) throw Error(diagnostics());
    return std::move(changes_);
  }

 private:
  struct Problem {
    Diagnostic first;
    size_t count = 0;
  };

  // ---- rules ----

  void expand(ir::Block& block) {
    for (ir::Node* node = block.first(); node != nullptr;) {
      ir::Node* const previous = node->previous();
      if (!limits_.takes(*node) && expand(*node)) {
        // What the body holds may be expanded in its turn.
        node = previous == nullptr ? block.first() : previous->next();
        continue;
      }
      for (ir::Block* inner : node->blocks()) expand(*inner);
      node = node->next();
    }
  }

  bool expand(ir::Node& node) {
    const auto [domain, op_type] = onnx::split_op(node.op_text());
    std::vector<ir::Value*> inputs;
    for (size_t i = 0; i < node.operand_count(); ++i) inputs.push_back(node.operand(i));
    const onnx::NodeView view{domain, op_type, inputs, node.attributes(), node.output_count()};
    const auto body = onnx::official_body(view, opset_);
    if (!body || ++expanded_ > kMostExpanded) return false;
    GraphBuilder builder(graph_, opset_);
    builder.insert_before(&node);
    builder.set_provenance(node.provenance());
    const GraphBuilder::Mark mark = builder.mark();
    std::vector<ir::Value*> values;
    try {
      values = emit_function(*body, builder, inputs, node.attributes());
    } catch (const Error&) {
      builder.rollback(mark);
      return false;
    }
    for (size_t i = 0; i < node.output_count() && i < values.size(); ++i) {
      if (values[i] == nullptr) continue;
      if (values[i]->name().empty()) values[i]->set_name(node.output(i)->name());
      node.output(i)->replace_all_uses_with(values[i]);
    }
    note("expand", node, "the target has no such operator: its body stands for it");
    graph_.erase(&node);
    return true;
  }

  void cast() {
    ThroughCast through(graph_, limits_);
    std::vector<ir::Node*> nodes;
    ir::for_each_node(graph_.body(), [&](ir::Node* node) { nodes.push_back(node); });
    for (ir::Node* node : nodes) {
      if (!limits_.takes(*node)) continue;
      const auto wider = through.plan(*node);
      if (wider.empty()) continue;
      std::string reason;
      for (const auto& [from, to] : wider) {
        reason += (reason.empty() ? "" : ", ") + std::string(ir::short_name(from)) + " is computed in " +
                  std::string(ir::short_name(to));
      }
      note("through-cast", *node, reason);
      through.apply(*node, wider);
    }
  }

  void note(const char* rule, const ir::Node& node, const std::string& reason) {
    const auto same = std::find_if(changes_.begin(), changes_.end(), [&](const TargetChange& c) {
      return c.rule == rule && c.operator_name == node.op_text() && c.reason == reason;
    });
    if (same != changes_.end()) {
      ++same->count;
    } else {
      changes_.push_back({rule, std::string(node.op_text()), reason, 1});
    }
  }

  // ---- what is left ----

  void check() {
    const auto& inputs = graph_.body().parameters();
    for (size_t i = 0; i < inputs.size() && i < graph_.input_names.size(); ++i)
      check_end("input '" + graph_.input_names[i] + "'", inputs[i]);
    for (size_t i = 0; i < graph_.body().result_count() && i < graph_.output_names.size(); ++i)
      check_end("output '" + graph_.output_names[i] + "'", graph_.body().result(i));
    ir::for_each_node(graph_.body(), [&](ir::Node* node) { check(*node); });
  }

  void check_end(const std::string& what, const ir::Value* value) {
    if (!value->type().is_tensor() || has(limits_.of_any_value(), value->type().dtype())) return;
    const std::string dtype(ir::short_name(value->type().dtype()));
    refuse("F302", "the " + what + " is " + dtype + ", which " + who() + " does not take", {},
           "change it in the model: ends of the graph are never rewritten");
  }

  void check(const ir::Node& node) {
    if (!limits_.takes(node)) {
      refuse("F301", who() + " does not take " + std::string(node.op_text()), ir::location_of(node),
             help(node));
      return;
    }
    for (size_t i = 0; i < node.operand_count(); ++i)
      check_type(node, node.operand(i), limits_.of_operand(node, i));
    for (size_t i = 0; i < node.output_count(); ++i)
      check_type(node, node.output(i), limits_.of_output(node, i));
  }

  void check_type(const ir::Node& node, const ir::Value* value, TypeSet types) {
    if (value == nullptr || !value->type().is_tensor()) return;
    const ir::DType dtype = value->type().dtype();
    if (dtype == ir::DType::undefined || has(types, dtype)) return;
    const std::string name(ir::short_name(dtype));
    const auto wide = limits_.computed_in(dtype);
    std::string hint = "convert the model to an element type that it takes";
    if (!wide && ir::is_floating(dtype) && dtype != ir::DType::f32 && has(types, ir::DType::f32))
      hint += ", or let it be computed in f32: takes: {compute: {" + name +
              ": f32}} in a profile that extends this one";
    refuse("F302", who() + " does not take " + std::string(node.op_text()) + " of " + name,
           ir::location_of(node), std::move(hint));
  }

  std::string help(const ir::Node& node) const {
    const std::string op(node.op_text());
    std::string out = "a plugin may map it to what the target takes, or a pass replace it (" +
                      manual_page("plugins.md") + ")";
    if (!target_.limits.expand && op.find("::") == std::string::npos)
      out += "; takes: {expand: true} writes operators as their bodies, where ONNX has one";
    return out + "; a profile that extends this one may take it: takes: {operators: {\"" + op + "\": true}}";
  }

  std::string who() const { return target_.profile.empty() ? "the target" : "the target " + target_.profile; }

  // One of each kind, with the first place.
  void refuse(const char* code, const std::string& message, Location place, std::string hint) {
    const auto same = std::find_if(problems_.begin(), problems_.end(), [&](const Problem& p) {
      return p.first.code == code && p.first.message == message;
    });
    if (same != problems_.end()) {
      ++same->count;
    } else {
      problems_.push_back({{Severity::error, code, message, std::move(place), std::move(hint)}, 1});
    }
  }

  std::vector<Diagnostic> diagnostics() const {
    std::vector<Diagnostic> out;
    for (const Problem& problem : problems_) {
      out.push_back(problem.first);
      if (problem.count > 1)
        out.back().message += ", here and in " + std::to_string(problem.count - 1) + " more places";
    }
    return out;
  }

  ir::Graph& graph_;
  const int opset_;
  const Target& target_;
  Limits limits_;
  std::vector<TargetChange> changes_;
  std::vector<Problem> problems_;
  size_t expanded_ = 0;
};

}  // namespace

std::vector<TargetChange> fit_to_target(ir::Graph& graph, int opset, const Target& target) {
  return Fit(graph, opset, target).run();
}

}  // namespace onnxport
