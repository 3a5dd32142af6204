// A list that every iteration of a loop appends to is a scan output of ONNX's Loop: its elements lie along the first
// axis of one tensor.
#include <algorithm>

#include "core/ir/dims/bounds.h"
#include "core/translate/run_time_list.h"
#include "core/translate/translator.h"

namespace onnxport {
namespace {

bool is_addition(const ir::Node& node, const ir::Value* list) {
  return node.op() == "aten::add.t" && node.operand_count() == 2 && node.operand(0) == list;
}

// Every use joins the elements, so that they have one shape or the model fails too.
bool is_only_stacked(const ir::Value& list) {
  if (!list.has_uses()) return false;
  for (const ir::Operand* use = list.first_use(); use != nullptr; use = use->next()) {
    if (!(use->user()->op() == "aten::stack")) return false;
  }
  return true;
}

bool mentions_fresh(const ir::Type& type, uint64_t first) {
  if (!type.shape()) return true;
  for (const ir::Dim& dim : *type.shape()) {
    if (dim.is_unknown()) return true;
    if (!dim.is_expression() || !dim.is_anonymous()) continue;
    bool fresh = false;
    dim.for_each_symbol([&](std::string_view name) {
      if (name.empty() || name.front() != '?') return;
      fresh = fresh || std::stoull(std::string(name.substr(1))) >= first;
    });
    if (fresh) return true;
  }
  return false;
}

bool same_dims(const ir::Type& a, const ir::Type& b) {
  if (a.dtype() != b.dtype() || a.rank() != b.rank() || a.rank() < 0) return false;
  for (int i = 0; i < a.rank(); ++i) {
    if (!((*a.shape())[static_cast<size_t>(i)] == (*b.shape())[static_cast<size_t>(i)])) return false;
  }
  return true;
}

ir::Value* axis_at(ir::Value* x, int64_t axis, GraphBuilder& builder) {
  return builder.emit1("Unsqueeze", {x, builder.constant(ir::Tensor::ints({axis}))});
}

// Several appended by an iteration lie side by side: [n, …] each to [n * count, …].
ir::Value* interleaved(std::span<ir::Value* const> columns, GraphBuilder& builder) {
  if (columns.size() == 1) return columns[0];
  std::vector<ir::Value*> parts;
  for (ir::Value* column : columns) parts.push_back(axis_at(column, 1, builder));
  ir::Value* side_by_side = builder.emit("", "Concat", parts, {builder.attribute("axis", int64_t{1})}, 1)[0];
  std::vector<ir::Value*> sizes = {builder.emit1(
      "Mul", {builder.dim(columns[0], 0), builder.constant(static_cast<int64_t>(columns.size()))})};
  for (int64_t i = 1; i < columns[0]->type().rank(); ++i) sizes.push_back(builder.dim(columns[0], i));
  return builder.emit1("Reshape", {side_by_side, builder.shape(sizes)});
}

// What the list held before the loop goes before it. A loop that never ran gives sizes of 0: they are those of the
// elements that are there.
ir::Value* appended_to(std::span<const Argument> items, ir::Value* grown, GraphBuilder& builder) {
  if (items.empty()) return grown;
  ir::Value* before = stack_elements(items, builder);
  if (grown->type().rank() > 1) {
    ir::Value* shape = builder.emit1("Shape", {before}, {builder.attribute("start", int64_t{1})});
    std::vector<ir::Value*> sizes = {builder.dim(grown, 0), shape};
    const ir::Type type = grown->type();
    grown = builder.emit1("Reshape", {grown, builder.shape(sizes)});
  }
  return builder.emit1("Concat", {before, grown}, {builder.attribute("axis", int64_t{0})});
}

}  // namespace

// The list is read by nothing but a chain of additions that ends in the result.
bool Translator::only_grows(const ir::Block& body, size_t carried) {
  const ir::Value* list = body.parameters()[carried + 1];
  if (list->type().kind() != ir::Type::Kind::list) return false;
  for (size_t links = 0;; ++links) {
    const ir::Operand* use = list->first_use();
    if (use == nullptr || use->next() != nullptr) return false;
    const ir::Node& user = *use->user();
    if (&user == &body.returns()) return links > 0 && use->index() == carried + 1;
    if (user.parent() != &body || !is_addition(user, list)) return false;
    list = user.output();
  }
}

// Whether the lists that grow are ones whose elements lie along one axis; those that are not are carried.
bool Translator::settle_growth(ir::Block& body, Carried& carried, size_t first) {
  bool stable = true;
  for (size_t i = 0; i < carried.grows.size(); ++i) {
    if (!carried.grows[i]) continue;
    const Argument& grown = bound(body.result(first + i));
    bool even = grown.list() != nullptr && !grown.items().empty();
    std::vector<Argument> all(carried.bounds[i].items().begin(), carried.bounds[i].items().end());
    all.insert(all.end(), grown.items().begin(), grown.items().end());
    const ir::Type* type = nullptr;
    const bool stacked = is_only_stacked(*carried.node->output(i));
    for (const Argument& item : all) {
      const ir::Value* value = materialize(item, *builder_);
      even = even && value != nullptr && value->type().is_tensor() && !value->type().stands_for_complex() &&
             value->type().rank() >= 0;
      if (!even) break;
      if (type == nullptr) type = &value->type();
      const bool one_type = type->dtype() == value->type().dtype() && type->rank() == value->type().rank();
      even = stacked ? one_type
                     : same_dims(*type, value->type()) && !mentions_fresh(value->type(), carried.first_fresh);
    }
    if (even) continue;
    carried.grows[i] = false;
    stable = false;
  }
  return stable;
}

void Translator::bind_grown(ir::Node& node, const Carried& carried, std::span<ir::Value* const> outputs,
                            ir::Value* trips) {
  // How often a loop without other exits runs, where that is a size.
  ir::Dim count;
  const std::vector<ir::Dim>* known = trips == nullptr ? nullptr : builder_->shape_data(trips);
  if (known != nullptr && known->size() == 1 && ir::bounds_of((*known)[0], target_->symbols).min >= 0)
    count = (*known)[0];
  size_t next = carried.types.size();
  for (size_t i = 0; i < carried.grows.size(); ++i) {
    if (!carried.grows[i]) continue;
    std::vector<ir::Value*> columns;
    for (size_t k = 0; k < carried.grown[i].items().size(); ++k) {
      ir::Value* column = outputs[next++];
      ir::Shape shape = *column->type().shape();
      shape[0] = !count.is_unknown() ? count : shape[0].is_unknown() ? builder_->fresh_dim() : shape[0];
      column->set_type(ir::Type::tensor(column->type().dtype(), std::move(shape)));
      columns.push_back(column);
    }
    bindings_[node.output(i)] =
        Argument::stacked(appended_to(carried.bounds[i].items(), interleaved(columns, *builder_), *builder_));
  }
}

}  // namespace onnxport
