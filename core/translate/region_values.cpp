#include "core/translate/region_values.h"

#include <algorithm>
#include <array>

#include "core/builder/materialize.h"

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

bool flatten(const Argument& argument, GraphBuilder& builder, std::vector<ir::Value*>& out) {
  if (argument.list() != nullptr) {
    return std::all_of(argument.items().begin(), argument.items().end(),
                       [&](const Argument& item) { return flatten(item, builder, out); });
  }
  if (argument.is_none()) return true;
  ir::Value* v = materialize(argument, builder);
  if (v == nullptr) return false;
  out.push_back(v);
  return true;
}

Argument rebuild(const Argument& like, std::span<ir::Value* const> values, size_t& next) {
  if (like.list() != nullptr) {
    std::vector<Argument> items;
    for (const Argument& item : like.items()) items.push_back(rebuild(item, values, next));
    return Argument::list_of(std::move(items), like.list()->form());
  }
  if (like.is_none()) return like;
  return Argument::of(values[next++], like.is_number());
}

void own_results(std::vector<ir::Value*>& results, GraphBuilder& builder) {
  for (ir::Value*& v : results) {
    if (v->producer() == nullptr || v->producer()->parent() != &builder.block())
      v = builder.emit1("Identity", {v});
  }
}

}  // namespace onnxport
