// A loop of known length is unrolled; any other becomes ONNX's Loop, and what goes over a tensor's first axis
// its Scan.
#include "core/ir/regions.h"
#include "core/translate/region_values.h"
#include "core/translate/translator.h"

namespace onnxport {
namespace {

// Whether the type that held before an iteration says as much as it may of `after`.
bool holds(const ir::Type& before, const ir::Type& after) {
  for (size_t d = 0; before.rank() > 0 && d < before.shape()->size(); ++d) {
    const ir::Dim& dim = (*before.shape())[d];
    if (!(dim == (*after.shape())[d]) && !dim.is_anonymous()) return false;
  }
  return true;
}

// What one iteration of a scan sees of a sequence.
ir::Type slice_type(const ir::Type& sequence) {
  if (sequence.rank() < 1) throw Error("T514", "a scan goes over a tensor whose rank is not known");
  return ir::Type::tensor(sequence.dtype(),
                          ir::Shape(sequence.shape()->begin() + 1, sequence.shape()->end()));
}

}  // namespace

void Translator::translate_loop(ir::Node& node) {
  if (!unroll_loop(node)) emit_loop(node);
}

bool Translator::unroll_loop(ir::Node& node) {
  const Argument trips = bound(node.operand(0));
  Argument condition = bound(node.operand(1));
  if (trips.as<int64_t>() == nullptr || !condition.is_known()) return false;
  ir::Block& body = *node.blocks()[0];
  // A longer loop, and a while loop whose condition decides, stay loops.
  if (!ir::may_unroll(body, *trips.as<int64_t>())) return false;
  std::vector<Argument> carried;
  for (size_t i = 2; i < node.operand_count(); ++i) carried.push_back(bound(node.operand(i)));
  const GraphBuilder::Mark mark = builder_->mark();
  for (int64_t trip = 0; trip < *trips.as<int64_t>() && condition.to_int().value_or(0) != 0; ++trip) {
    bind(body.parameters()[0], Argument{trip});
    for (size_t i = 0; i < carried.size(); ++i) bind(body.parameters()[i + 1], carried[i]);
    const size_t failures = errors_.size();
    translate_block(body);
    if (errors_.size() > failures) {
      poison(node);
      return true;
    }
    condition = bound(body.result(0));
    if (!condition.is_known()) {
      builder_->rollback(mark);  // decided at run time after all
      return false;
    }
    for (size_t i = 0; i < carried.size(); ++i) carried[i] = bound(body.result(i + 1));
  }
  for (size_t i = 0; i < node.output_count(); ++i) bind(node.output(i), carried[i]);
  return true;
}

// What the iterations hand on, before the first of them.
Translator::Carried Translator::carried_by(std::span<ir::Value* const> operands) {
  Carried out;
  for (ir::Value* operand : operands) {
    out.bounds.push_back(bound(operand));
    if (!flatten(out.bounds.back(), *builder_, out.initial)) {
      throw Error("T514",
                  "a loop that runs at run time carries a value ONNX cannot hold (a string or a dtype)");
    }
  }
  for (const ir::Value* v : out.initial) out.types.push_back(v->type());
  return out;
}

// Opens the dims of carried.types that an iteration changes; true when there are none.
bool Translator::settle_types(Carried& carried, std::span<ir::Value*> results) {
  bool stable = true;
  for (size_t i = 0; i < carried.types.size(); ++i) {
    ir::Type& before = carried.types[i];
    ir::Value*& result = results[i];
    if (result->type().dtype() != before.dtype() && result->type().rank() == 0 && before.rank() == 0) {
      result = builder_->emit1("Cast", {result},
                               {builder_->attribute("to", static_cast<int64_t>(before.dtype()))});
    }
    const auto joined = join(before, result->type(), *builder_);
    if (!joined) {
      throw Error("T514", "a loop that runs at run time carries a value that is " + before.text() +
                              " before and " + result->type().text() + " after an iteration");
    }
    if (holds(before, result->type())) continue;
    before = *joined;
    stable = false;
  }
  return stable;
}

// The results of a body, flat, the carried ones at `first`.
std::vector<ir::Value*> Translator::body_results(ir::Block& body, const Carried& carried, size_t first) {
  std::vector<ir::Value*> out;
  for (size_t i = 0; i < body.result_count(); ++i) {
    const Argument& result = bound(body.result(i));
    const bool is_carried = i >= first && i - first < carried.bounds.size();
    if (is_carried && result.list() != nullptr &&
        result.items().size() != carried.bounds[i - first].items().size()) {
      throw Error("T514", "a list grows in a loop that runs at run time", {},
                  "collect into a tensor of fixed size, or make the number of iterations a constant");
    }
    const size_t before = out.size();
    if (!flatten(result, *builder_, out)) throw Error("T514", "a loop carries a value ONNX cannot hold");
    if (!is_carried && out.size() != before + 1)
      throw Error("T514", "an iteration must give a tensor here, not a list or None");
  }
  if (out.size() != carried.types.size() + body.result_count() - carried.bounds.size()) {
    throw Error("T514", "what a loop carries changes its structure from one iteration to the next");
  }
  return out;
}

// The types a loop carries must hold before and after every iteration: a dim that changes is opened and the
// body translated again. Each round opens at least one dim, so this ends. nullptr: something inside failed.
ir::Block* Translator::emit_body(ir::Block& body, Carried& carried, size_t leading_results,
                                 const std::vector<std::pair<std::string, ir::Type>>& leading,
                                 std::span<const ir::Type> slices) {
  for (;;) {
    const GraphBuilder::Mark mark = builder_->mark();
    const size_t failures = errors_.size();
    std::vector<std::pair<std::string, ir::Type>> parameters = leading;
    for (const ir::Type& type : carried.types) parameters.emplace_back("", type);
    for (const ir::Type& type : slices) parameters.emplace_back("", type);
    ir::Block* block = builder_->begin_block(parameters);
    const std::vector<ir::Value*> inner(block->parameters().begin(), block->parameters().end());
    size_t own = 0;  // of the torch body; a loop's first is the number of the iteration
    if (!leading.empty()) bindings_[body.parameters()[own++]] = Argument::of(inner[0], true);
    size_t next = leading.size();
    for (const Argument& b : carried.bounds) bindings_[body.parameters()[own++]] = rebuild(b, inner, next);
    for (; own < body.parameters().size(); ++own) {
      bindings_[body.parameters()[own]] = Argument::of(inner[next++], false);
    }
    try {
      translate_block(body);
      if (errors_.size() > failures) {
        builder_->rollback(mark);
        return nullptr;
      }
      std::vector<ir::Value*> results = body_results(body, carried, leading_results);
      if (settle_types(carried, std::span(results).subspan(leading_results))) {
        own_results(results, *builder_);
        return builder_->end_block(results);
      }
    } catch (const Error&) {
      builder_->rollback(mark);
      throw;
    }
    builder_->rollback(mark);
  }
}

void Translator::bind_carried(ir::Node& node, const Carried& carried, std::span<ir::Value* const> outputs) {
  size_t next = 0;
  for (size_t i = 0; i < carried.types.size(); ++i) outputs[i]->set_type(carried.types[i]);
  for (size_t i = 0; i < carried.bounds.size(); ++i) {
    bindings_[node.output(i)] = rebuild(carried.bounds[i], outputs, next);
  }
}

void Translator::emit_loop(ir::Node& node) {
  std::vector<ir::Value*> operands;
  for (size_t i = 2; i < node.operand_count(); ++i) operands.push_back(node.operand(i));
  Carried carried = carried_by(operands);
  const std::vector<std::pair<std::string, ir::Type>> leading = {
      {"iteration", ir::Type::tensor(ir::DType::i64, ir::Shape{})},
      {"condition", ir::Type::tensor(ir::DType::boolean, ir::Shape{})}};
  ir::Block* body = emit_body(*node.blocks()[0], carried, 1, leading, {});
  if (body == nullptr) return poison(node);
  std::vector<ir::Value*> inputs = {materialize(bound(node.operand(0)), *builder_),
                                    materialize(bound(node.operand(1)), *builder_)};
  inputs.insert(inputs.end(), carried.initial.begin(), carried.initial.end());
  const std::vector<ir::Value*> outputs =
      builder_->emit("", "Loop", inputs, {builder_->attribute("body", body)}, carried.types.size());
  bind_carried(node, carried, outputs);
}

// prim::Scan(state…, sequences…): over the first axis of all sequences at once.
void Translator::translate_scan(ir::Node& node) {
  const auto states = static_cast<size_t>(*node.attribute_as<int64_t>("states"));
  std::vector<ir::Value*> operands;
  for (size_t i = 0; i < states; ++i) operands.push_back(node.operand(i));
  Carried carried = carried_by(operands);
  std::vector<ir::Value*> sequences;
  for (size_t i = states; i < node.operand_count(); ++i) {
    sequences.push_back(materialize(bound(node.operand(i)), *builder_));
    if (sequences.back() == nullptr) throw Error("T514", "a scan goes over a value that is no tensor");
  }
  std::vector<ir::Type> slices;
  for (const ir::Value* v : sequences) slices.push_back(slice_type(v->type()));
  ir::Block* body = emit_body(*node.blocks()[0], carried, 0, {}, slices);
  if (body == nullptr) return poison(node);
  std::vector<ir::Value*> inputs = carried.initial;
  inputs.insert(inputs.end(), sequences.begin(), sequences.end());
  const ir::Dim turns = (*sequences.front()->type().shape())[0];
  const std::vector<ir::Value*> outputs =
      builder_->emit("", "Scan", inputs,
                     {builder_->attribute("body", body),
                      builder_->attribute("num_scan_inputs", static_cast<int64_t>(sequences.size()))},
                     body->result_count());
  bind_carried(node, carried, outputs);
  for (size_t i = carried.types.size(), k = states; i < outputs.size(); ++i, ++k) {
    const ir::Type& one = body->result(i)->type();
    ir::Shape shape = {turns};
    shape.insert(shape.end(), one.shape()->begin(), one.shape()->end());
    outputs[i]->set_type(ir::Type::tensor(one.dtype(), std::move(shape)));
    bindings_[node.output(k)] = Argument::of(outputs[i], false);
  }
}

}  // namespace onnxport
