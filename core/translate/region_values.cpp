#include "core/translate/region_values.h"

#include <algorithm>
#include <array>

namespace onnxport {

std::optional<ir::Type> join(const ir::Type& a, const ir::Type& b, GraphBuilder& builder) {
  if (a.dtype() != b.dtype() || a.rank() != b.rank() || a.stands_for_complex() != b.stands_for_complex()) {
    return std::nullopt;
  }
  if (a.rank() < 0) return a;
  ir::Shape shape = *a.shape();
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!(shape[i] == (*b.shape())[i])) shape[i] = builder.fresh_dim();
  }
  ir::Type out = ir::Type::tensor(a.dtype(), std::move(shape));
  out.set_stands_for_complex(a.stands_for_complex());
  return out;
}

bool same_known(const Argument& a, const Argument& b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Argument::Kind::none:
      return true;
    case Argument::Kind::integer:
    case Argument::Kind::boolean:
    case Argument::Kind::dtype:
      return a.integer == b.integer;
    case Argument::Kind::real:
      return a.real == b.real;
    case Argument::Kind::string:
      return a.string == b.string;
    case Argument::Kind::value:
    case Argument::Kind::sequence:
      return a.value == b.value;
    case Argument::Kind::complex_number:
      return a.real == b.real && a.imaginary == b.imaginary;
    case Argument::Kind::list: {
      if (a.items.size() != b.items.size()) return false;
      for (size_t i = 0; i < a.items.size(); ++i) {
        if (!same_known(a.items[i], b.items[i])) return false;
      }
      return true;
    }
  }
  return false;
}

bool flatten(const Argument& bound, GraphBuilder& builder, std::vector<ir::Value*>& out) {
  if (bound.kind == Argument::Kind::list) {
    return std::all_of(bound.items.begin(), bound.items.end(),
                       [&](const Argument& item) { return flatten(item, builder, out); });
  }
  if (bound.kind == Argument::Kind::none) return true;
  ir::Value* v = materialize(bound, builder);
  if (v == nullptr) return false;
  out.push_back(v);
  return true;
}

Argument rebuild(const Argument& like, std::span<ir::Value* const> values, size_t& next) {
  if (like.kind == Argument::Kind::list) {
    Argument out = like;
    for (Argument& item : out.items) item = rebuild(item, values, next);
    return out;
  }
  if (like.kind == Argument::Kind::none) return like;
  const bool number = like.is_number || like.kind != Argument::Kind::value;
  return Argument::of(values[next++], number);
}

void own_results(std::vector<ir::Value*>& results, GraphBuilder& builder) {
  for (ir::Value*& v : results) {
    if (v->producer() == nullptr || v->producer()->parent() != &builder.block())
      v = builder.emit1("Identity", {v});
  }
}

}  // namespace onnxport
