// Elements read at given places.
#include "advanced_index.hpp"
#include "axes.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

// aten::select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)
Value select(Op& op) { return op.Gather(op["self"], op["index"], {attr::axis(op.axis("dim", op["self"]))}); }

// aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) ->
// Tensor(a)
Value slice(Op& op) {
  Value self = op["self"];
  const int64_t axis = op.axis("dim", self);
  Value start = op.has("start") ? op["start"] : op.constant(0);
  Value end = op.has("end") ? op["end"] : op.constant(to_end);
  const auto from = start.constant_ints(), to = end.constant_ints();
  const int64_t size = self.static_dim(axis).value_or(to_end);
  const bool whole = from && to && from->at(0) == 0 && to->at(0) >= size;
  if (!op.is_known("step")) {
    return op.Slice(self, op.shape({start}), op.shape({end}), op.ints({axis}), op.shape({op["step"]}));
  }
  const int64_t step = op.integer("step");
  return whole && step == 1 ? self : op.slice(self, axis, start, end, step);
}

// aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor
Value index(Op& op) {
  Value self = op["self"];
  const AdvancedIndex p = advanced_index_of(op, self);
  if (p.indexed.size() == 1) return op.Gather(self, p.indices.front(), {attr::axis(p.indexed.front())});
  Value found = op.GatherND(op.permute(self, axes_first(self.rank(), p.indexed)), stacked(op, p));
  return op.permute(found, order_of_result(p, self.rank()));
}

// aten::index_select(Tensor self, int dim, Tensor index) -> Tensor
Value index_select(Op& op) {
  Value self = op["self"], index = op["index"];
  if (self.rank() == 0) return self;
  if (index.rank() == 0) index = op.unsqueeze(index, {0});
  return op.Gather(self, index, {attr::axis(op.axis("dim", self))});
}

// aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor
Value gather(Op& op) {
  Value self = op["self"], index = op.cast(op["index"], DType::i64);
  if (self.rank() == 0 && index.rank() == 0) return self;
  if (index.rank() == 0) return op.squeeze(op.GatherElements(self, op.unsqueeze(index, {0})), {0});
  if (self.rank() == 0) self = op.unsqueeze(self, {0});
  if (self.rank() != index.rank()) return op.full(op.shape_of(index), 0, self.dtype());  // it has no elements
  return op.GatherElements(self, index, {attr::axis(op.axis("dim", self))});
}

// aten::take(Tensor self, Tensor index) -> Tensor
Value take(Op& op) { return op.Gather(op.reshape(op["self"], {-1}), op["index"]); }

// aten::take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor
Value take_along_dim(Op& op) {
  Value self = op["self"], indices = op["indices"];
  if (!op.has("dim")) return op.GatherElements(op.reshape(self, {-1}), op.reshape(indices, {-1}));
  const int64_t axis = op.axis("dim", self);
  Values left(static_cast<size_t>(self.rank())),
      right = left;  // each broadcast by the other, but along the axis
  for (int64_t i = 0; i < self.rank(); ++i) {
    left[i] = i == axis ? op.constant(1) : op.dim(indices, i);
    right[i] = i == axis ? op.constant(1) : op.dim(self, i);
  }
  return op.GatherElements(op.Expand(self, op.shape(left)), op.Expand(indices, op.shape(right)),
                           {attr::axis(axis)});
}

// The mask and the tensor in one shape.
std::pair<Value, Value> masked(Op& op) {
  Value self = op["self"], mask = op["mask"];
  Value everywhere = op.Expand(mask, op.shape_of(self));
  return {op.Expand(self, op.shape_of(mask)), everywhere};
}

// aten::masked_select(Tensor self, Tensor mask) -> Tensor
Value masked_select(Op& op) {
  auto [self, mask] = masked(op);
  return op.Compress(op.reshape(self, {-1}), op.reshape(mask, {-1}));
}

// aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor
Value masked_fill(Op& op) {
  return op.where(op.cast(op["mask"], DType::boolean), op.as("value", op["self"].dtype()), op["self"]);
}

// aten::masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor
Value masked_scatter(Op& op) {
  auto [self, mask] = masked(op);
  Value flat = op.cast(op.reshape(mask, {-1}), DType::i64);
  Value place = op.Max({op.CumSum(flat, op.constant(0)) - 1, op.constant(0)});
  Value source = op.reshape(op["source"], {-1});
  if (source.static_dim(0).value_or(0) == 0) {  // nothing may be taken, yet Gather wants something to take
    source = op.Concat({source, op.full(op.ints({1}), 0, source.dtype())}, {attr::axis(0)});
  }
  Value taken = op.Gather(source, op.Reshape(place, op.shape_of(self)));
  return op.where(mask, taken, self);
}

// aten::nonzero(Tensor self) -> Tensor
Value nonzero(Op& op) {
  Value self = op["self"];
  if (self.rank() > 0) return op.permute(op.NonZero(self), {1, 0});
  Value count = op.cast(op.cast(self, DType::boolean), DType::i64);
  return op.full(op.shape({count, op.constant(0)}), 0, DType::i64);  // a number has no coordinates
}

// aten::where(Tensor condition) -> Tensor[]
Values where(Op& op) { return coordinates(op, op.cast(op["condition"], DType::boolean)); }

// aten::nonzero_numpy(Tensor self) -> Tensor[]
Values nonzero_numpy(Op& op) { return coordinates(op, op.cast(op["self"], DType::boolean)); }

// aten::nonzero_static(Tensor self, *, SymInt size, int fill_value=-1) -> Tensor
Value nonzero_static(Op& op) {
  Value size = op["size"], found = nonzero(op);
  if (op["self"].rank() == 0)
    return op.full(op.shape({size, op.constant(0)}), 0, DType::i64);  // no coordinates
  Value missing = op.Max({size - op.dim(found, 0), op.constant(0)});
  Value padded = op.Pad(found, op.shape({op.ints({0, 0}), missing, op.constant(0)}), op["fill_value"]);
  return op.slice(padded, 0, op.constant(0), size);
}

}  // namespace

Mappings indexing() {
  return {
      Mapping("aten::select", select).by_parts(),
      Mapping("aten::select_copy", select).by_parts(),
      Mapping("aten::slice", slice).by_parts(),
      Mapping("aten::slice_copy", slice).by_parts(),
      Mapping("aten::index", index).by_parts(),
      Mapping("aten::_unsafe_index", index).by_parts(),
      Mapping("aten::index_select", index_select).by_parts(),
      Mapping("aten::gather", gather).by_parts(),
      Mapping("aten::take", take).by_parts(),
      Mapping("aten::take_along_dim", take_along_dim).by_parts(),
      Mapping("aten::masked_select", masked_select).by_parts(),
      Mapping("aten::masked_fill", masked_fill).by_parts(),
      Mapping("aten::masked_scatter", masked_scatter).by_parts(),
      {"aten::nonzero", nonzero},
      {"aten::argwhere", nonzero},
      Mapping("aten::where", where).list(),
      Mapping("aten::nonzero_numpy", nonzero_numpy).list(),
      {"aten::nonzero_static", nonzero_static},
  };
}

}  // namespace onnxport::aten
