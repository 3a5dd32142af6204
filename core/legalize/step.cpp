#include "core/legalize/step.h"

#include "core/builder/function.h"
#include "core/host/host.h"
#include "core/host/plugin_inference.h"
#include "core/ir/node_location.h"
#include "core/legalize/generic_rules.h"
#include "core/onnx/functions.h"
#include "core/plugin/abi_text.h"

namespace onnxport {

namespace {

// Official bodies use operators with bodies of their own, a few deep; none is near this.
constexpr size_t kMostInlined = 1u << 20;

}  // namespace

Step::Step(const OpsetTable& from, const OpsetTable& to, const OpsetPlugin& newer, Registry& registry)
    : from_(from), to_(to), newer_(newer), registry_(registry) {
  for (const auto& [name, before] : from.ops()) {
    const onnxport_op_def* after = to.find(name);
    if (after == nullptr || after->since_version != before->since_version)
      changes_[name] = {before, after, nullptr};
  }
  const bool down = to.version() < from.version();
  for (const onnxport_rule& rule : down ? newer.opset->down : newer.opset->up) {
    if (text_of(rule.domain) != to.domain()) continue;
    const auto it = changes_.find(text_of(rule.op_type));
    if (it != changes_.end()) it->second.rule = &rule;
  }
}

class Step::Walk {
 public:
  Walk(const Step& step, ir::Graph& graph, int target_opset, Failures& failures)
      : step_(step),
        standard_(step.to_.domain().empty()),
        builder_(graph, standard_ ? step.to_.version() : standard_opset(graph, target_opset)),
        inference_(step.registry_),
        target_opset_(target_opset),
        failures_(failures) {
    builder_.set_operator_inference(&inference_);
  }

  void visit(ir::Block& block) {
    for (ir::Node* node = block.first(); node != nullptr;) {
      // Blocks first: a rule may hand them on to the node that replaces theirs.
      for (ir::Block* inner : node->blocks()) visit(*inner);
      const auto change =
          step_.to_.covers(*node) ? step_.changes_.find(op_type_of(*node)) : step_.changes_.end();
      node = change == step_.changes_.end() || failures_.nodes.contains(node) ? node->next()
                                                                              : take(*node, change->second);
    }
  }

 private:
  // Brings one node to the next opset; returns the node to go on with.
  ir::Node* take(ir::Node& node, const Change& change) {
    ir::Node* const next = node.next();
    std::string declined;  // why the rule did not take the node
    if (change.rule != nullptr && apply_rule(node, *change.rule, declined)) return next;
    if (failures_.nodes.contains(&node)) return next;
    std::optional<Violation> problem;
    if (change.after != nullptr) {
      problem = adapt(node, *change.before, *change.after, step_.to_);
      if (!problem) return next;
    }
    ir::Node* const previous = node.previous();
    ir::Block& block = *node.parent();
    std::string unusable;  // why the body cannot stand for the node
    if (!inline_body(node, unusable)) {
      if (problem) {
        if (!declined.empty()) problem->message += "; its rule declines: " + declined;
        fail(node, *problem);
        return next;
      }
      std::string message =
          std::string(node.op_text()) + " does not exist at opset " + std::to_string(step_.to_.version());
      if (!declined.empty()) message += "; its rule declines: " + declined;
      message += unusable.empty() ? ", and it has no function body"
                                  : "; its function body cannot stand for it: " + unusable;
      fail(node, {"O601", std::move(message)});
      return next;
    }
    // The body is written for the opset being left: its nodes take the step like any other.
    return previous == nullptr ? block.first() : previous->next();
  }

  bool apply_rule(ir::Node& node, const onnxport_rule& rule, std::string& declined) {
    if (standard_) builder_.set_opset(step_.to_.version());
    const RuleCall call{&rule, step_.newer_.plugin_id, step_.newer_.plugin_version, target_opset_,
                        &step_.registry_};
    const Outcome outcome = run_rule(call, node, builder_);
    if (outcome.status == Outcome::Status::failed)
      fail(node, {outcome.cause.code.empty() ? "O602" : outcome.cause.code, outcome.cause.message},
           outcome.cause.hint);
    if (outcome.status == Outcome::Status::declined) declined = outcome.cause.message;
    if (outcome.status != Outcome::Status::done) return false;
    const std::vector<Replacement>& replaced = outcome.replacements;
    if (replaced.size() != 1 || replaced.front().node != &node) {
      fail(node, {"T505", "the rule replaces other nodes than its own"});
      return false;
    }
    replace(node, replaced.front().values);
    return true;
  }

  bool inline_body(ir::Node& node, std::string& unusable) {
    std::vector<ir::Value*> inputs;
    for (size_t i = 0; i < node.operand_count(); ++i) inputs.push_back(node.operand(i));
    const onnx::NodeView view{step_.from_.domain(), op_type_of(node), inputs, node.attributes(),
                              node.output_count()};
    auto body = body_of(view);
    if (!body) return false;
    // Bodies that ONNX builds for a node leave out what computes the outputs that it has not.
    while (body->output_size() > static_cast<int>(node.output_count())) body->mutable_output()->RemoveLast();
    if (++inlined_ > kMostInlined) {
      unusable = "bodies are nested without end";
      return false;
    }
    if (standard_) builder_.set_opset(step_.from_.version());
    builder_.insert_before(&node);
    builder_.set_provenance(node.provenance());
    const GraphBuilder::Mark mark = builder_.mark();
    try {
      replace(node, emit_function(*body, builder_, inputs, node.attributes()));
    } catch (const Error& e) {
      builder_.rollback(mark);
      unusable = e.diagnostics().front().message;
      return false;
    }
    return true;
  }

  // Of the plugin that brings the operator, else of ONNX.
  std::optional<pb::FunctionProto> body_of(const onnx::NodeView& node) const {
    const onnxport_op_def* op = step_.from_.find(node.op_type);
    if (op == nullptr || op->has_body != ONNXPORT_BODY_TEXT) {
      return standard_ ? onnx::official_body(node, step_.from_.version()) : std::nullopt;
    }
    const int opset = standard_ ? step_.from_.version() : op->body_opset;
    return onnx::parse_function("<domain: \"" + std::string(node.domain.empty() ? "ai.onnx" : node.domain) +
                                "\", opset_import: [\"\" : " + std::to_string(opset) + "]> " +
                                std::string(node.op_type) + " " + op->body);
  }

  static int standard_opset(const ir::Graph& graph, int otherwise) {
    const auto found = graph.opsets.find("");
    return found == graph.opsets.end() ? otherwise : found->second;
  }

  static void replace(ir::Node& node, const std::vector<ir::Value*>& values) {
    for (size_t i = 0; i < node.output_count(); ++i) {
      ir::Value* old = node.output(i);
      if (i >= values.size() || values[i] == nullptr) continue;
      ir::Value* made = values[i];
      const bool own = made->producer() != nullptr && made->producer()->parent() == node.parent() &&
                       made->type().dtype() == old->type().dtype();
      // What was known of the old value is true of the new one, and may be more.
      if (own && old->type().is_tensor() && old->type().shape()) made->set_type(old->type());
      if (own && made->name().empty()) made->set_name(old->name());
      old->replace_all_uses_with(made);
    }
    node.graph().erase(&node);
  }

  // `hint`: what else the user could change, in the words of the rule.
  void fail(const ir::Node& node, const Violation& problem, const std::string& hint = {}) {
    failures_.nodes.insert(&node);
    const int works = step_.from_.version();
    const bool down = works > step_.to_.version();
    Diagnostic d;
    d.code = problem.code;
    d.message = problem.message;
    d.place = location_of(node);
    d.hint = std::string(down ? "the lowest" : "the highest") + " opset that works for it is " +
             std::to_string(works) + ": ask for --opset " + (standard_ ? "" : step_.to_.domain() + "=") +
             std::to_string(works) + (hint.empty() ? "" : "; or " + hint);
    failures_.diagnostics.push_back(std::move(d));
  }

  const Step& step_;
  const bool standard_;  // ai.onnx; else nodes are emitted at the opset that the graph is at
  GraphBuilder builder_;
  PluginInference inference_;
  int target_opset_;
  Failures& failures_;
  size_t inlined_ = 0;
};

void Step::run(ir::Graph& graph, int target_opset, Failures& failures) const {
  Walk(*this, graph, target_opset, failures).visit(graph.body());
}

}  // namespace onnxport
