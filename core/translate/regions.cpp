// The region operators: a branch that is known is taken, a loop of known length is unrolled, the rest becomes
// ONNX's If and Loop.
#include <algorithm>
#include <array>

#include "core/translate/translator.h"

namespace onnxport {
namespace {

constexpr int64_t kMaxUnrolled = 4096;

// What holds for both: equal dims stay, others are open. nullopt when element types or ranks differ.
std::optional<ir::Type> join(const ir::Type& a, const ir::Type& b, Emitter& emitter) {
  if (a.dtype() != b.dtype() || a.rank() != b.rank() || a.stands_for_complex() != b.stands_for_complex()) {
    return std::nullopt;
  }
  if (a.rank() < 0) return a;
  ir::Shape shape = *a.shape();
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!(shape[i] == (*b.shape())[i])) shape[i] = emitter.fresh_dim();
  }
  ir::Type out = ir::Type::tensor(a.dtype(), std::move(shape));
  out.set_stands_for_complex(a.stands_for_complex());
  return out;
}

bool same_known(const Bound& a, const Bound& b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Bound::Kind::none:
      return true;
    case Bound::Kind::integer:
    case Bound::Kind::boolean:
    case Bound::Kind::dtype:
      return a.integer == b.integer;
    case Bound::Kind::real:
      return a.real == b.real;
    case Bound::Kind::string:
      return a.string == b.string;
    case Bound::Kind::value:
    case Bound::Kind::sequence:
      return a.value == b.value;
    case Bound::Kind::complex_number:
      return a.real == b.real && a.imaginary == b.imaginary;
    case Bound::Kind::list: {
      if (a.items.size() != b.items.size()) return false;
      for (size_t i = 0; i < a.items.size(); ++i) {
        if (!same_known(a.items[i], b.items[i])) return false;
      }
      return true;
    }
  }
  return false;
}

// The values inside, in order; nullopt when something inside has no ONNX form (a string, a dtype) and so
// cannot be carried out of a region.
bool flatten(const Bound& bound, Emitter& emitter, std::vector<ir::Value*>& out) {
  if (bound.kind == Bound::Kind::list) {
    return std::all_of(bound.items.begin(), bound.items.end(),
                       [&](const Bound& item) { return flatten(item, emitter, out); });
  }
  if (bound.kind == Bound::Kind::none) return true;
  ir::Value* v = materialize(bound, emitter);
  if (v == nullptr) return false;
  out.push_back(v);
  return true;
}

// `like` with its values replaced by `values` in order.
Bound rebuild(const Bound& like, std::span<ir::Value* const> values, size_t& next) {
  if (like.kind == Bound::Kind::list) {
    Bound out = like;
    for (Bound& item : out.items) item = rebuild(item, values, next);
    return out;
  }
  if (like.kind == Bound::Kind::none) return like;
  const bool number = like.is_number || like.kind != Bound::Kind::value;
  return Bound::of(values[next++], number);
}

}  // namespace

void Translator::translate_if(ir::Node& node) {
  const Bound condition = bound(node.operand(0));
  if (condition.is_known() &&
      (condition.kind == Bound::Kind::boolean || condition.kind == Bound::Kind::integer)) {
    ir::Block& taken = *node.blocks()[condition.integer != 0 ? 0 : 1];
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
  if (condition.kind != Bound::Kind::value) throw Error("T513", "the condition of an if is no bool");
  emit_if(node, condition.value);
}

ir::Block* Translator::emit_branch(ir::Block& source, std::vector<Bound>& results) {
  emitter_->begin_block({});
  const size_t failures = errors_.size();
  translate_block(source);
  std::vector<ir::Value*> flat;
  for (size_t i = 0; i < source.result_count(); ++i) {
    if (errors_.size() > failures && poisoned_.contains(source.result(i))) continue;
    results.push_back(bound(source.result(i)));
    if (!flatten(results.back(), *emitter_, flat)) {
      throw Error("T513",
                  "a branch that is chosen at run time gives a value ONNX cannot hold (a string or a dtype)");
    }
  }
  for (ir::Value*& v : flat) {
    // A branch hands out what it computed itself; outer values and constants need a node of their own.
    if (v->producer() == nullptr || v->producer()->parent() != &emitter_->block())
      v = emitter_->emit1("Identity", {v});
  }
  return emitter_->end_block(flat);
}

void Translator::emit_if(ir::Node& node, ir::Value* condition) {
  const Emitter::Mark mark = emitter_->mark();
  const size_t failures = errors_.size();
  std::vector<Bound> then_results;
  std::vector<Bound> else_results;
  ir::Block* then_block = emit_branch(*node.blocks()[0], then_results);
  ir::Block* else_block = emit_branch(*node.blocks()[1], else_results);
  if (errors_.size() > failures) {
    emitter_->rollback(mark);
    return poison(node);
  }
  for (size_t i = 0; i < node.output_count(); ++i) {
    const bool none =
        (then_results[i].kind == Bound::Kind::none) != (else_results[i].kind == Bound::Kind::none);
    const bool lengths = then_results[i].kind == Bound::Kind::list &&
                         else_results[i].kind == Bound::Kind::list &&
                         then_results[i].items.size() != else_results[i].items.size();
    if (none || lengths) {
      emitter_->rollback(mark);
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
      emitter_->rollback(mark);
      throw Error("T513",
                  "the branches of an if that is decided at run time give different element types: " + types);
    }
  }
  const size_t count = then_block->result_count();
  const std::vector<ir::Value*> outputs = emitter_->emit(
      "", "If", std::array<ir::Value*, 1>{condition},
      {emitter_->attribute("then_branch", then_block), emitter_->attribute("else_branch", else_block)},
      count);
  size_t next = 0;
  for (size_t i = 0; i < node.output_count(); ++i) {
    if (then_results[i].is_known() && same_known(then_results[i], else_results[i])) {
      rebuild(then_results[i], outputs, next);  // steps over its outputs, which dead code removal drops
      bindings_[node.output(i)] = then_results[i];
      continue;
    }
    bindings_[node.output(i)] = rebuild(then_results[i], outputs, next);
  }
}

// ---- loops ----

void Translator::translate_loop(ir::Node& node) {
  if (!unroll_loop(node)) emit_loop(node);
}

bool Translator::unroll_loop(ir::Node& node) {
  const Bound trips = bound(node.operand(0));
  Bound condition = bound(node.operand(1));
  if (trips.kind != Bound::Kind::integer || !condition.is_known()) return false;
  ir::Block& body = *node.blocks()[0];
  const bool counted =
      body.result(0)->producer() != nullptr && body.result(0)->producer()->op() == "prim::Constant";
  if (!counted && trips.integer > kMaxUnrolled) return false;  // a while loop: its condition decides
  if (trips.integer > kMaxUnrolled) {
    throw Error("T514", "a loop of " + std::to_string(trips.integer) +
                            " iterations is not unrolled (the limit is " + std::to_string(kMaxUnrolled) +
                            ")");
  }
  std::vector<Bound> carried;
  for (size_t i = 2; i < node.operand_count(); ++i) carried.push_back(bound(node.operand(i)));
  const Emitter::Mark mark = emitter_->mark();
  for (int64_t trip = 0; trip < trips.integer && condition.integer != 0; ++trip) {
    bind(body.parameters()[0], Bound::of_int(trip));
    for (size_t i = 0; i < carried.size(); ++i) bind(body.parameters()[i + 1], carried[i]);
    const size_t failures = errors_.size();
    translate_block(body);
    if (errors_.size() > failures) {
      poison(node);
      return true;
    }
    condition = bound(body.result(0));
    if (!condition.is_known()) {
      emitter_->rollback(mark);  // decided at run time after all
      return false;
    }
    for (size_t i = 0; i < carried.size(); ++i) carried[i] = bound(body.result(i + 1));
  }
  for (size_t i = 0; i < node.output_count(); ++i) bind(node.output(i), carried[i]);
  return true;
}

void Translator::emit_loop(ir::Node& node) {
  ir::Block& body = *node.blocks()[0];
  const Bound trips = bound(node.operand(0));
  const Bound start = bound(node.operand(1));
  std::vector<Bound> carried;
  std::vector<ir::Value*> initial;
  for (size_t i = 2; i < node.operand_count(); ++i) {
    carried.push_back(bound(node.operand(i)));
    if (!flatten(carried.back(), *emitter_, initial)) {
      throw Error("T514",
                  "a loop that runs at run time carries a value ONNX cannot hold (a string or a dtype)");
    }
  }
  std::vector<ir::Type> types;
  for (const ir::Value* v : initial) types.push_back(v->type());
  // The types a loop carries must hold before and after every iteration: a dim that changes is opened and the
  // body translated again. Each round opens at least one dim, so this ends.
  for (;;) {
    const Emitter::Mark mark = emitter_->mark();
    const size_t failures = errors_.size();
    std::vector<std::pair<std::string, ir::Type>> parameters;
    parameters.emplace_back("iteration", ir::Type::tensor(ir::DType::i64, ir::Shape{}));
    parameters.emplace_back("condition", ir::Type::tensor(ir::DType::boolean, ir::Shape{}));
    for (const ir::Type& t : types) parameters.emplace_back("", t);
    ir::Block* block = emitter_->begin_block(parameters);
    const std::vector<ir::Value*> inner(block->parameters().begin(), block->parameters().end());
    bindings_[body.parameters()[0]] = Bound::of(inner[0], true);
    size_t next = 0;
    const std::span<ir::Value* const> state = std::span(inner).subspan(2);
    for (size_t i = 0; i < carried.size(); ++i) {
      bindings_[body.parameters()[i + 1]] = rebuild(carried[i], state, next);
    }
    translate_block(body);
    if (errors_.size() > failures) {
      emitter_->rollback(mark);
      return poison(node);
    }
    std::vector<ir::Value*> results;
    for (size_t i = 0; i < body.result_count(); ++i) {
      const Bound& r = bound(body.result(i));
      if (i > 0 && r.kind == Bound::Kind::list && r.items.size() != carried[i - 1].items.size()) {
        emitter_->rollback(mark);
        throw Error("T514", "a list grows in a loop that runs at run time", {},
                    "collect into a tensor of fixed size, or make the number of iterations a constant");
      }
      if (!flatten(r, *emitter_, results)) throw Error("T514", "a loop carries a value ONNX cannot hold");
    }
    if (results.size() != types.size() + 1) {
      throw Error("T514", "what a loop carries changes its structure from one iteration to the next");
    }
    bool stable = true;
    for (size_t i = 0; i < types.size(); ++i) {
      ir::Value*& result = results[i + 1];
      if (result->type().dtype() != types[i].dtype() && result->type().rank() == 0 && types[i].rank() == 0) {
        result = emitter_->emit1("Cast", {result},
                                 {emitter_->attribute("to", static_cast<int64_t>(types[i].dtype()))});
      }
      const auto joined = join(types[i], result->type(), *emitter_);
      if (!joined) {
        const std::string text =
            types[i].text() + " before and " + result->type().text() + " after an iteration";
        emitter_->rollback(mark);
        throw Error("T514", "a loop that runs at run time carries a value that is " + text);
      }
      bool same = true;
      for (int d = 0; d < types[i].rank(); ++d) {
        const ir::Dim& before = (*types[i].shape())[static_cast<size_t>(d)];
        same = same && (before == (*result->type().shape())[static_cast<size_t>(d)] || before.is_anonymous());
      }
      if (!same) {
        types[i] = *joined;
        stable = false;
      }
    }
    if (!stable) {
      emitter_->rollback(mark);
      continue;
    }
    for (ir::Value*& v : results) {
      if (v->producer() == nullptr || v->producer()->parent() != &emitter_->block())
        v = emitter_->emit1("Identity", {v});
    }
    ir::Block* closed = emitter_->end_block(results);
    ir::Value* count = materialize(trips, *emitter_);
    ir::Value* condition = materialize(start, *emitter_);
    std::vector<ir::Value*> inputs = {count, condition};
    inputs.insert(inputs.end(), initial.begin(), initial.end());
    std::vector<ir::Value*> outputs =
        emitter_->emit("", "Loop", inputs, {emitter_->attribute("body", closed)}, types.size());
    for (size_t i = 0; i < outputs.size(); ++i) outputs[i]->set_type(types[i]);
    next = 0;
    for (size_t i = 0; i < node.output_count(); ++i) {
      bindings_[node.output(i)] = rebuild(carried[i], outputs, next);
    }
    return;
  }
}

}  // namespace onnxport
