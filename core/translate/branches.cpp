// A branch that is known is taken, any other becomes ONNX's If.
#include <algorithm>
#include <array>

#include "core/ir/node_location.h"
#include "core/translate/region_values.h"
#include "core/translate/translator.h"

namespace onnxport {

void Translator::translate_if(ir::Node& node) {
  const Argument condition = bound(node.operand(0));
  if (condition.is_unset()) {
    for (ir::Value* v : node.outputs()) bind(v, Argument{Unset{}});
    return;
  }
  if (const auto known = condition.to_int()) {
    ir::Block& taken = *node.blocks()[*known != 0 ? 0 : 1];
    translate_block(taken);
    for (size_t i = 0; i < node.output_count(); ++i) {
      if (poisoned_.contains(taken.result(i))) {
        poisoned_.insert(node.output(i));
      } else {
        bind(node.output(i), bound(taken.result(i)));
      }
    }
    return;
  }
  if (condition.value() == nullptr) throw Error("T513", "the condition of an if is no bool");
  emit_if(node, condition.value());
}

ir::Block* Translator::emit_branch(ir::Block& source, std::span<ir::Value* const> present,
                                   std::vector<Argument>& results) {
  builder_->begin_block({});
  const auto outside = present_;
  for (ir::Value* tensor : present) {
    if (!present_.contains(tensor)) present_[tensor] = of_later_type(tensor, *asked_.at(tensor));
  }
  const size_t failures = errors_.size();
  ++run_time_depth_;
  translate_block(source);
  --run_time_depth_;
  for (size_t i = 0; i < source.result_count(); ++i) {
    if (errors_.size() > failures && poisoned_.contains(source.result(i))) continue;
    results.push_back(as_present(refined(bound(source.result(i)), source.owner()->output(i)->type())));
  }
  present_ = outside;
  return builder_->end_block({});
}

namespace {

// Computed in the block itself.
bool is_made_in(const Argument& argument, const ir::Block& block) {
  if (const ir::Value* value = argument.value())
    return value->producer() != nullptr && value->producer()->parent() == &block;
  return std::any_of(argument.items().begin(), argument.items().end(),
                     [&](const Argument& item) { return is_made_in(item, block); });
}

}  // namespace

// A result that is the same whichever branch is taken, or that one branch leaves unset, is no result of the If where it
// is known outside.
bool Translator::bind_without_output(ir::Node& node, size_t i, const std::array<Argument, 2>& results,
                                     std::span<ir::Block* const> blocks) {
  for (size_t k = 0; k < 2; ++k) {
    const bool settles = results[1 - k].is_unset() || identical(results[0], results[1]);
    if (!settles || is_made_in(results[k], *blocks[k])) continue;
    bindings_[node.output(i)] = results[k];
    return true;
  }
  return false;
}

namespace {

bool has_no_rank(const ir::Value* value) {
  return value != nullptr && value->type().is_tensor() && value->type().rank() < 0;
}

// "the if of encoder at model.py:12 gives f32[2,3] or f32[0]", of the value or of what it was computed from.
std::string unlike_branches(const ir::Value* value) {
  constexpr int kFarthest = 64;
  for (int step = 0; step < kFarthest && has_no_rank(value) && value->producer() != nullptr; ++step) {
    const ir::Node& node = *value->producer();
    if (node.op() == "If" && node.blocks().size() == 2) {
      const ir::Value* a = node.blocks()[0]->result(value->index());
      const ir::Value* b = node.blocks()[1]->result(value->index());
      if (!has_no_rank(a) && !has_no_rank(b)) {
        const Location place = ir::location_of(node);
        return "the if" + (place.module_path.empty() ? "" : " of " + place.module_path) +
               (place.source.empty() ? "" : " at " + place.source) + " gives " + a->type().text() + " or " +
               b->type().text();
      }
      value = has_no_rank(a) ? a : b;
      continue;
    }
    value = nullptr;
    for (size_t i = 0; i < node.operand_count() && value == nullptr; ++i) {
      if (has_no_rank(node.operand(i))) value = node.operand(i);
    }
  }
  return {};
}

}  // namespace

std::string Translator::rank_hint(const ir::Value* value) {
  const std::string why = unlike_branches(value);
  return why.empty() ? why : why + ": let both branches give tensors of one rank";
}

std::string Translator::rank_hint(std::span<const Argument> arguments) {
  for (const Argument& argument : arguments) {
    if (std::string own = rank_hint(argument.value()); !own.empty()) return own;
    if (std::string inside = rank_hint(argument.items()); !inside.empty()) return inside;
  }
  return {};
}

void Translator::end_branch(ir::Block& block, std::span<const Argument> results,
                            std::span<const RegionForm> forms) {
  ir::Block& outer = builder_->block();
  builder_->insert_at_end(block);
  std::vector<ir::Value*> flat;
  for (size_t i = 0; i < forms.size(); ++i) emit_as(results[i], forms[i], *builder_, flat);
  if (flat.empty()) flat.push_back(builder_->constant(int64_t{0}));  // ONNX's If gives one thing at least
  own_results(flat, *builder_);
  block.set_results(flat);
  builder_->insert_at_end(outer);
}

void Translator::emit_if(ir::Node& node, ir::Value* condition) {
  const GraphBuilder::Mark mark = builder_->mark();
  const size_t failures = errors_.size();
  std::array<std::vector<Argument>, 2> results;
  std::array<ir::Block*, 2> blocks{};
  try {
    for (size_t k = 0; k < 2; ++k)
      blocks[k] = emit_branch(*node.blocks()[k], present_where(Argument::of(condition), k == 0), results[k]);
    if (errors_.size() > failures) {
      builder_->rollback(mark);
      return poison(node);
    }
    // What the If hands out, and in which form.
    std::vector<size_t> own;
    std::vector<RegionForm> forms;
    std::array<std::vector<Argument>, 2> given;
    for (size_t i = 0; i < node.output_count(); ++i) {
      if (bind_without_output(node, i, {results[0][i], results[1][i]}, blocks)) continue;
      std::string why;
      auto form = common_form(form_of(results[0][i], *builder_), form_of(results[1][i], *builder_), why);
      if (!form)
        throw Error("T513", "the branches of an if that is decided at run time give " + why, {},
                    why.find("hold lists") != std::string::npos
                        ? "keep what the inner lists hold in one list, and how long each of them is in a "
                          "list of ints"
                        : "let both branches give the same kind of value");
      own.push_back(i);
      forms.push_back(std::move(*form));
      for (size_t k = 0; k < 2; ++k) given[k].push_back(results[k][i]);
    }
    for (size_t k = 0; k < 2; ++k) end_branch(*blocks[k], given[k], forms);
    const std::vector<ir::Value*> outputs = builder_->emit(
        "", "If", std::array<ir::Value*, 1>{condition},
        {builder_->attribute("then_branch", blocks[0]), builder_->attribute("else_branch", blocks[1])},
        blocks[0]->result_count());
    size_t next = 0;
    for (size_t k = 0; k < own.size(); ++k) {
      const Argument& made = bindings_[node.output(own[k])] = rebuild(forms[k], outputs, next);
      learn_from_branches(Argument::of(condition), {given[0][k], given[1][k]}, made.value());
    }
  } catch (const Error&) {
    builder_->rollback(mark);
    throw;
  }
}

}  // namespace onnxport
