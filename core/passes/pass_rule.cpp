#include "core/passes/pass_rule.h"

#include <algorithm>

#include "core/ir/node_location.h"
#include "core/passes/rewriting.h"

namespace onnxport {
namespace {

// Two sizes that cannot be one: numbers that differ, names that differ, expressions a number apart.
bool differ(const ir::Dim& a, const ir::Dim& b) {
  if (a.is_unknown() || b.is_unknown() || a == b) return false;
  if (a.is_constant() && b.is_constant()) return true;
  if (a.is_anonymous() || b.is_anonymous()) return false;
  const auto is_plain = [](const ir::Dim& d) { return d.is_constant() || !d.symbol_name().empty(); };
  return (is_plain(a) && is_plain(b)) || (a - b).is_constant();
}

std::optional<std::string> difference(const ir::Type& old, const ir::Type& made) {
  const auto words = [&] { return "is " + made.text() + " where " + old.text() + " was"; };
  if (!old.is_tensor() || !made.is_tensor()) return old == made ? std::nullopt : std::optional(words());
  const bool known = old.dtype() != ir::DType::undefined && made.dtype() != ir::DType::undefined;
  if (known && old.dtype() != made.dtype()) return words();
  if (!old.shape() || !made.shape()) return std::nullopt;
  if (old.rank() != made.rank()) return words();
  for (size_t i = 0; i < old.shape()->size(); ++i) {
    if (differ((*old.shape())[i], (*made.shape())[i])) return words();
  }
  return std::nullopt;
}

// What was known of the old value is true of the new one; of two sizes the one with a name stays.
void take_over(const ir::Value& old, ir::Value& made) {
  const bool own = made.producer() != nullptr && made.producer()->parent() == old.producer()->parent();
  if (!own) return;
  if (made.name().empty()) made.set_name(old.name());
  const ir::Type& known = old.type();
  if (!known.is_tensor() || known.dtype() == ir::DType::undefined) return;
  std::optional<ir::Shape> shape = known.shape() ? known.shape() : made.type().shape();
  const auto& other = made.type().shape();
  for (size_t i = 0; shape && other && i < shape->size(); ++i) {
    ir::Dim& dim = (*shape)[i];
    if (dim.is_unknown() || dim.is_anonymous()) dim = (*other)[i].is_unknown() ? dim : (*other)[i];
  }
  ir::Type type = ir::Type::tensor(known.dtype(), std::move(shape));
  type.set_stands_for_complex(known.stands_for_complex());
  made.set_type(std::move(type));
}

// A node of the block of `old` that gives `made`.
ir::Value* identity_of(ir::Value& made, const ir::Value& old, GraphBuilder& builder) {
  ir::Block& block = *old.producer()->parent();
  const ir::Node* maker = made.producer();
  ir::Node* position = maker != nullptr && maker->parent() == &block ? maker->next() : old.producer();
  if (position != nullptr) {
    builder.insert_before(position);
  } else {
    builder.insert_at_end(block);
  }
  builder.set_provenance(old.producer()->provenance());
  return builder.emit1("Identity", {&made});
}

}  // namespace

Error pass_error(const PassEntry& pass, const ir::Node& node, Diagnostic cause) {
  if (cause.code.empty()) cause.code = "T503";
  const std::string where = cause.place.text().empty() ? "" : " (" + cause.place.text() + ")";
  cause.message = "pass '" + pass.pass->name + "' of plugin " + pass.plugin_id + " at " +
                  std::string(node.op_text()) + ": " + cause.message + where;
  cause.place = location_of(node);
  cause.hint +=
      std::string(cause.hint.empty() ? "" : "; ") + "--disable-pass " + pass.pass->name + " leaves it out";
  return Error(std::move(cause));
}

void check(const Rewrite& rewrite) {
  for (size_t i = 0; i < rewrite.values.size(); ++i) {
    const auto [old, made] = rewrite.values[i];
    if (made == nullptr) {
      if (old->has_uses())
        throw Error("T506", "gives nothing for result " + std::to_string(i) + ", which is used", {},
                    "give a value for each result that is used");
      continue;
    }
    if (const auto words = difference(old->type(), made->type()))
      throw Error("T506",
                  "result " + std::to_string(i) + " " + *words + ": a pass may not change a type or a shape",
                  {}, "state in the rule what must be so for it to hold (where: rank, dtype, dims)");
  }
}

void commit(Rewrite rewrite, RewriteContext& context) {
  for (auto& [old, made] : rewrite.values) {
    if (made == nullptr || made == old || !old->has_uses()) continue;
    // What a block returns has to be made by a node of its own, and once.
    if (!can_replace(old, made)) made = identity_of(*made, *old, context.builder);
    take_over(*old, *made);
    old->replace_all_uses_with(made);
  }
  // Readers before what they read.
  for (bool went = true; went;) {
    went = false;
    for (auto node = rewrite.nodes.rbegin(); node != rewrite.nodes.rend(); ++node) {
      if ((*node)->parent() == nullptr) continue;
      const auto outputs = (*node)->outputs();
      if (std::any_of(outputs.begin(), outputs.end(), [](const ir::Value* v) { return v->has_uses(); }))
        continue;
      context.builder.graph().erase(*node);
      went = true;
    }
  }
}

}  // namespace onnxport
