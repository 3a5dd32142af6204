// A branch that is known is taken, any other becomes ONNX's If.
#include <algorithm>
#include <array>

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

ir::Block* Translator::emit_branch(ir::Block& source, std::vector<Argument>& results) {
  builder_->begin_block({});
  const size_t failures = errors_.size();
  ++run_time_depth_;
  translate_block(source);
  --run_time_depth_;
  for (size_t i = 0; i < source.result_count(); ++i) {
    if (errors_.size() > failures && poisoned_.contains(source.result(i))) continue;
    results.push_back(refined(bound(source.result(i)), source.owner()->output(i)->type()));
  }
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
    for (size_t k = 0; k < 2; ++k) blocks[k] = emit_branch(*node.blocks()[k], results[k]);
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
                    "let both branches give the same kind of value");
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
    for (size_t k = 0; k < own.size(); ++k) bindings_[node.output(own[k])] = rebuild(forms[k], outputs, next);
  } catch (const Error&) {
    builder_->rollback(mark);
    throw;
  }
}

}  // namespace onnxport
