// A loop of known length is unrolled; any other becomes ONNX's Loop, and what goes over a tensor's first axis
// its Scan. Lists that grow by the iteration are in growing_lists.cpp.
#include <array>

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

// The type of a carried value: sizes that a list's form leaves open have names of their own.
ir::Type carried_type(const ir::Value& initial, const RegionForm& form, GraphBuilder& builder) {
  if (form.kind != RegionForm::Kind::run_time_list) return initial.type();
  if (form.is_sequence()) return form.type;
  ir::Shape shape = *form.type.shape();
  for (ir::Dim& dim : shape) {
    if (dim.is_unknown()) dim = builder.fresh_dim();
  }
  return ir::Type::tensor(form.type.dtype(), std::move(shape));
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
    if (!condition.is_known() || condition.is_unset()) {
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
    out.bounds.push_back(as_present(bound(operand)));
    out.forms.push_back(form_of(out.bounds.back(), *builder_));
    open_numbers(out.forms.back());
  }
  out.grows.resize(operands.size());
  hand_in(out);
  return out;
}

// The values that stand for what is carried, in the forms that were found so far.
void Translator::hand_in(Carried& carried) {
  carried.initial.clear();
  carried.types.clear();
  for (size_t i = 0; i < carried.bounds.size(); ++i) {
    if (carried.grows[i]) continue;
    const size_t before = carried.initial.size();
    emit_as(carried.bounds[i], carried.forms[i], *builder_, carried.initial);
    for (size_t k = before; k < carried.initial.size(); ++k)
      carried.types.push_back(carried_type(*carried.initial[k], carried.forms[i], *builder_));
  }
}

// Opens the dims of carried.types that an iteration changes; true when there are none.
bool Translator::settle_types(Carried& carried, std::span<ir::Value*> results) {
  bool stable = true;
  for (size_t i = 0; i < carried.types.size(); ++i) {
    ir::Type& before = carried.types[i];
    ir::Value*& result = results[i];
    if (!before.is_tensor()) continue;  // a Sequence: its form says all
    if (result->type().dtype() != before.dtype() && result->type().rank() == 0 && before.rank() == 0) {
      result = builder_->emit1("Cast", {result},
                               {builder_->attribute("to", static_cast<int64_t>(before.dtype()))});
    }
    const auto joined = join(before, result->type(), *builder_);
    if (!joined) {
      throw Error("T514",
                  "a loop that runs at run time carries a value that is " + before.text() + " before and " +
                      result->type().text() + " after an iteration",
                  {}, "give it one element type and one number of dimensions before the loop and in it");
    }
    if (holds(before, result->type())) continue;
    before = *joined;
    stable = false;
  }
  return stable;
}

// Whether the forms in which values are carried hold after an iteration; widens those that do not.
bool Translator::settle_forms(ir::Block& body, Carried& carried, size_t first) {
  bool stable = true;
  for (size_t i = 0; i < carried.forms.size(); ++i) {
    if (carried.grows[i]) continue;
    std::string why;
    const Argument result =
        as_present(refined(bound(body.result(first + i)), body.result(first + i)->type()));
    auto form = common_form(carried.forms[i], form_of(result, *builder_), why);
    if (!form) {
      throw Error(
          "T514", "a loop that runs at run time carries " + why, {},
          why.find("hold lists") != std::string::npos
              ? "keep what the inner lists hold in one list, and how long each of them is in a list of ints"
              : "give the variable one kind of value before the loop and in it");
    }
    open_numbers(*form);
    if (same_structure(*form, carried.forms[i])) continue;
    carried.forms[i] = std::move(*form);
    stable = false;
  }
  return stable;
}

// The results of a body, flat, the carried ones at `first`; what lists gained in this iteration comes last.
std::vector<ir::Value*> Translator::body_results(ir::Block& body, Carried& carried, size_t first) {
  std::vector<ir::Value*> out;
  for (size_t i = 0; i < body.result_count(); ++i) {
    const Argument result = refined(bound(body.result(i)), body.result(i)->type());
    if (i >= first && i - first < carried.bounds.size()) {
      if (!carried.grows[i - first]) emit_as(result, carried.forms[i - first], *builder_, out);
      continue;
    }
    ir::Value* value = materialize(result, *builder_);
    if (value == nullptr) throw Error("T514", "an iteration must give a tensor here, not a list or None");
    out.push_back(value);
  }
  for (size_t i = 0; i < carried.grows.size(); ++i) {
    if (!carried.grows[i]) continue;
    carried.grown[i] = bound(body.result(first + i));
    for (const Argument& item : carried.grown[i].items()) out.push_back(materialize(item, *builder_));
  }
  return out;
}

// The types a loop carries must hold before and after every iteration: a dim that changes is opened and the
// body translated again, and so is a form that does not hold. Each round opens something, so this ends.
// nullptr: something inside failed.
ir::Block* Translator::emit_body(ir::Block& body, Carried& carried, size_t leading_results,
                                 const std::vector<std::pair<std::string, ir::Type>>& leading,
                                 std::span<const ir::Type> slices) {
  for (;;) {
    const GraphBuilder::Mark mark = builder_->mark();
    const size_t failures = errors_.size();
    carried.first_fresh = target_->anonymous_symbols;
    carried.grown.assign(carried.bounds.size(), {});
    std::vector<std::pair<std::string, ir::Type>> parameters = leading;
    for (const ir::Type& type : carried.types) parameters.emplace_back("", type);
    for (const ir::Type& type : slices) parameters.emplace_back("", type);
    ir::Block* block = builder_->begin_block(parameters);
    const std::vector<ir::Value*> inner(block->parameters().begin(), block->parameters().end());
    size_t own = 0;  // of the torch body; a loop's first is the number of the iteration
    if (!leading.empty()) bindings_[body.parameters()[own++]] = Argument::of(inner[0], true);
    size_t next = leading.size();
    for (size_t i = 0; i < carried.forms.size(); ++i) {
      bindings_[body.parameters()[own++]] =
          carried.grows[i] ? Argument::list_of({}) : rebuild(carried.forms[i], inner, next);
    }
    for (; own < body.parameters().size(); ++own) {
      bindings_[body.parameters()[own]] = Argument::of(inner[next++], false);
    }
    bool settled = true;
    try {
      ++run_time_depth_;
      translate_block(body);
      --run_time_depth_;
      if (errors_.size() > failures) {
        builder_->rollback(mark);
        return nullptr;
      }
      settled = settle_forms(body, carried, leading_results) && settle_growth(body, carried, leading_results);
      if (settled) {
        std::vector<ir::Value*> results = body_results(body, carried, leading_results);
        if (settle_types(carried, std::span(results).subspan(leading_results))) {
          own_results(results, *builder_);
          return builder_->end_block(results);
        }
      }
    } catch (const Error&) {
      builder_->rollback(mark);
      throw;
    }
    builder_->rollback(mark);
    if (!settled) hand_in(carried);
  }
}

void Translator::bind_carried(ir::Node& node, const Carried& carried, std::span<ir::Value* const> outputs) {
  size_t next = 0;
  for (size_t i = 0; i < carried.types.size(); ++i) outputs[i]->set_type(carried.types[i]);
  for (size_t i = 0; i < carried.bounds.size(); ++i) {
    if (!carried.grows[i]) bindings_[node.output(i)] = rebuild(carried.forms[i], outputs, next);
  }
}

void Translator::emit_loop(ir::Node& node) {
  std::vector<ir::Value*> operands;
  for (size_t i = 2; i < node.operand_count(); ++i) operands.push_back(node.operand(i));
  for (const size_t i : {0, 1}) {
    if (!bound(node.operand(i)).is_unset()) continue;
    for (ir::Value* v : node.outputs()) bind(v, Argument{Unset{}});
    return;
  }
  ir::Block& source = *node.blocks()[0];
  Carried carried = carried_by(operands);
  for (size_t i = 0; i < operands.size(); ++i)
    carried.grows[i] = only_grows(source, i) && carried.bounds[i].list() != nullptr;
  hand_in(carried);
  const std::vector<std::pair<std::string, ir::Type>> leading = {
      {"iteration", ir::Type::tensor(ir::DType::i64, ir::Shape{})},
      {"condition", ir::Type::tensor(ir::DType::boolean, ir::Shape{})}};
  carried.node = &node;
  ir::Block* body = emit_body(source, carried, 1, leading, {});
  if (body == nullptr) return poison(node);
  if (body->result_count() == 1) {  // ONNX's Loop gives one thing at least
    ir::Block& outer = builder_->block();
    builder_->insert_at_end(*body);
    body->set_results(std::array{body->result(0), builder_->emit1("Identity", {body->parameters()[0]})});
    builder_->insert_at_end(outer);
  }
  std::vector<ir::Value*> inputs = {materialize(bound(node.operand(0)), *builder_),
                                    materialize(bound(node.operand(1)), *builder_)};
  inputs.insert(inputs.end(), carried.initial.begin(), carried.initial.end());
  const bool runs_through =
      bound(source.result(0)).to_int().value_or(0) != 0 && bound(node.operand(1)).to_int().value_or(0) != 0;
  const std::vector<ir::Value*> outputs =
      builder_->emit("", "Loop", inputs, {builder_->attribute("body", body)}, body->result_count() - 1);
  bind_carried(node, carried, outputs);
  bind_grown(node, carried, outputs, runs_through ? inputs[0] : nullptr);
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
