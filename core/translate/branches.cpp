// A branch that is known is taken, any other becomes ONNX's If.
#include <array>

#include "core/translate/region_values.h"
#include "core/translate/translator.h"

namespace onnxport {

void Translator::translate_if(ir::Node& node) {
  const Argument condition = bound(node.operand(0));
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
  translate_block(source);
  std::vector<ir::Value*> flat;
  for (size_t i = 0; i < source.result_count(); ++i) {
    if (errors_.size() > failures && poisoned_.contains(source.result(i))) continue;
    results.push_back(bound(source.result(i)));
    if (!flatten(results.back(), *builder_, flat)) {
      throw Error("T513",
                  "a branch that is chosen at run time gives a value ONNX cannot hold (a string or a dtype)");
    }
  }
  own_results(flat, *builder_);
  return builder_->end_block(flat);
}

void Translator::emit_if(ir::Node& node, ir::Value* condition) {
  const GraphBuilder::Mark mark = builder_->mark();
  const size_t failures = errors_.size();
  std::vector<Argument> then_results;
  std::vector<Argument> else_results;
  ir::Block* then_block = nullptr;
  ir::Block* else_block = nullptr;
  try {
    then_block = emit_branch(*node.blocks()[0], then_results);
    else_block = emit_branch(*node.blocks()[1], else_results);
  } catch (const Error&) {
    builder_->rollback(mark);
    throw;
  }
  if (errors_.size() > failures) {
    builder_->rollback(mark);
    return poison(node);
  }
  for (size_t i = 0; i < node.output_count(); ++i) {
    const bool none = then_results[i].is_none() != else_results[i].is_none();
    const bool lengths = then_results[i].list() != nullptr && else_results[i].list() != nullptr &&
                         then_results[i].list()->size() != else_results[i].list()->size();
    if (none || lengths) {
      builder_->rollback(mark);
      throw Error(
          "T513",
          none ? "the branches of an if that is decided at run time give None in one and a value in the other"
               : "the branches of an if that is decided at run time give lists of different lengths");
    }
  }
  for (size_t k = 0; k < then_block->result_count(); ++k) {
    const ir::Type& a = then_block->result(k)->type();
    const ir::Type& b = else_block->result(k)->type();
    if (a.dtype() != b.dtype()) {
      const std::string types = a.text() + " and " + b.text();
      builder_->rollback(mark);
      throw Error("T513",
                  "the branches of an if that is decided at run time give different element types: " + types);
    }
  }
  const size_t count = then_block->result_count();
  const std::vector<ir::Value*> outputs = builder_->emit(
      "", "If", std::array<ir::Value*, 1>{condition},
      {builder_->attribute("then_branch", then_block), builder_->attribute("else_branch", else_block)},
      count);
  size_t next = 0;
  for (size_t i = 0; i < node.output_count(); ++i) {
    if (then_results[i].is_known() && identical(then_results[i], else_results[i])) {
      rebuild(then_results[i], outputs, next);  // steps over its outputs, which dead code removal drops
      bindings_[node.output(i)] = then_results[i];
      continue;
    }
    bindings_[node.output(i)] = rebuild(then_results[i], outputs, next);
  }
}

}  // namespace onnxport
