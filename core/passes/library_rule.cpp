// A rule that a plugin's library brings.
#include "core/host/host.h"
#include "core/passes/pass_rule.h"
#include "core/plugin/abi_text.h"

namespace onnxport {
namespace {

class LibraryRule : public PassRule {
 public:
  explicit LibraryRule(const onnxport_rule& rule) : rule_(rule) {}

  std::string root_op() const override {
    const std::string domain(text_of(rule_.domain));
    return domain.empty() || domain == "ai.onnx" ? std::string(text_of(rule_.op_type))
                                                 : domain + "::" + std::string(text_of(rule_.op_type));
  }

  bool apply(ir::Node& node, RewriteContext& context) const override {
    ++context.attempts;
    const PassEntry& pass = context.pass;
    const RuleCall call{&rule_, pass.plugin_id, pass.plugin_version, context.target_opset, &context.registry};
    Outcome outcome = run_rule(call, node, context.builder);
    for (Diagnostic& note : outcome.notes) context.notes.push_back(std::move(note));
    if (outcome.status == Outcome::Status::declined) return false;
    if (outcome.status == Outcome::Status::failed) throw Error(outcome.cause);
    Rewrite rewrite;
    for (const Replacement& replaced : outcome.replacements) {
      rewrite.nodes.push_back(replaced.node);
      for (size_t i = 0; i < replaced.node->output_count(); ++i) {
        rewrite.values.push_back(
            {replaced.node->output(i), i < replaced.values.size() ? replaced.values[i] : nullptr});
      }
    }
    check(rewrite);  // what was emitted for one that is refused is read by nothing
    commit(std::move(rewrite), context);
    return true;
  }

 private:
  onnxport_rule rule_;
};

}  // namespace

std::unique_ptr<PassRule> make_library_rule(const onnxport_rule& rule) {
  return std::make_unique<LibraryRule>(rule);
}

}  // namespace onnxport
