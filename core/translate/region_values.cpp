#include "core/translate/region_values.h"

#include <algorithm>
#include <array>

namespace onnxport {

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

void own_results(std::vector<ir::Value*>& results, Emitter& emitter) {
  for (ir::Value*& v : results) {
    if (v->producer() == nullptr || v->producer()->parent() != &emitter.block())
      v = emitter.emit1("Identity", {v});
  }
}

}  // namespace onnxport
