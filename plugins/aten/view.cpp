// Other shapes and orders of the same elements, and windows on them.
#include "axes.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

bool has_shape(const Value& x, const std::vector<int64_t>& size) {
  if (x.rank() != static_cast<int64_t>(size.size())) return false;
  for (int64_t axis = 0; axis < x.rank(); ++axis) {
    if (x.static_dim(axis) != size[axis]) return false;
  }
  return true;
}

// ONNX reads a 0 as "copy the size" unless told that it means an empty axis, as in torch.
Value reshaped(Op& op, const Value& x, const Value& size) {
  const auto known = size.constant_ints();
  if (known && has_shape(x, *known)) return x;
  const bool empty = known && std::find(known->begin(), known->end(), 0) != known->end();
  return empty ? op.Reshape(x, size, {attr::allowzero(1)}) : op.Reshape(x, size);
}

// aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)
// aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)
Value view(Op& op) { return reshaped(op, op["self"], op.has("size") ? op.shape("size") : op.shape("shape")); }

// aten::view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)
Value view_dtype(Op& op) {
  op.require(op.dtype("dtype", DType::undefined) == op["self"].dtype(),
             "ONNX (before opset 26) cannot read the bits of one element type as another");
  return op["self"];
}

// aten::view_as(Tensor(a) self, Tensor other) -> Tensor(a)
Value view_as(Op& op) { return reshaped(op, op["self"], op.shape_of(op["other"])); }

// aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)
Value flatten(Op& op) {
  Value self = op["self"];
  if (self.rank() == 0) return op.reshape(self, {1});
  const int64_t start = op.axis("start_dim", self), end = op.axis("end_dim", self);
  if (start == end) return self;
  if (start == 1 && end == self.rank() - 1) return op.Flatten(self, {attr::axis(1)});
  Values size(static_cast<size_t>(start), op.constant(0));  // copied
  size.push_back(op.constant(-1));
  for (const Value& rest : op.dims(self, end + 1, self.rank())) size.push_back(rest);
  return op.reshape(self, size);
}

// aten::ravel(Tensor(a) self) -> Tensor(a)
Value ravel(Op& op) { return op["self"].rank() == 1 ? op["self"] : op.reshape(op["self"], {-1}); }

// aten::unflatten.int(Tensor(a) self, int dim, SymInt[] sizes) -> Tensor(a)
Value unflatten(Op& op) {
  Value self = op["self"];
  const int64_t axis = op.axis("dim", self);
  Values size(static_cast<size_t>(axis), op.constant(0));  // copied
  size.push_back(op.shape("sizes"));
  for (const Value& rest : op.dims(self, axis + 1, self.rank())) size.push_back(rest);
  return op.reshape(self, size);
}

// aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)
Value permute(Op& op) { return op.permute(op["self"], op.axes("dims", op["self"])); }

Value swapped(Op& op, int64_t a, int64_t b) {
  return op["self"].rank() == 0 ? op["self"] : op.transpose(op["self"], a, b);
}

// aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)
Value transpose(Op& op) { return swapped(op, op.integer("dim0"), op.integer("dim1")); }

// aten::swapaxes(Tensor(a) self, int axis0, int axis1) -> Tensor(a)
Value swapaxes(Op& op) { return swapped(op, op.integer("axis0"), op.integer("axis1")); }

// aten::t(Tensor(a) self) -> Tensor(a)
Value t(Op& op) { return op["self"].rank() < 2 ? op["self"] : swapped(op, 0, 1); }

// aten::mT(Tensor(a) self) -> Tensor(a)
// aten::adjoint(Tensor(a) self) -> Tensor(a)
Value matrix_transpose(Op& op) { return swapped(op, -2, -1); }

// aten::numpy_T(Tensor(a) self) -> Tensor(a)
Value numpy_T(Op& op) {
  std::vector<int64_t> order = all_axes(op["self"].rank());
  std::reverse(order.begin(), order.end());
  return op.permute(op["self"], order);
}

// aten::movedim.intlist(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)
// aten::movedim.int(Tensor(a) self, int source, int destination) -> Tensor(a)
Value movedim(Op& op) {
  Value self = op["self"];
  const std::vector<int64_t> from = op.axes("source", self), to = op.axes("destination", self);
  op.require(from.size() == to.size(), "source and destination differ in length");
  const std::vector<int64_t> sources = axes_first(self.rank(), from);
  const std::vector<int64_t> places = axes_first(self.rank(), to);
  std::vector<int64_t> order(sources.size());
  for (size_t i = 0; i < order.size(); ++i) order[places[i]] = sources[i];
  return op.permute(self, order);
}

// aten::squeeze(Tensor(a) self) -> Tensor(a)
// aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)
// aten::squeeze.dims(Tensor(a) self, int[] dim) -> Tensor(a)
Value squeeze(Op& op) {
  Value self = op["self"];
  if (self.rank() == 0) return self;
  std::vector<int64_t> ones;
  for (int64_t axis : op.has("dim") ? op.axes("dim", self) : all_axes(self.rank())) {
    const Dim size = self.size(axis);
    if (size == Dim(1)) ones.push_back(axis);
    if (size.number() || min(size, Dim(2)) == Dim(2)) continue;  // surely not 1
    // Without dims the core says where the file is right: at other sizes the result has another rank.
    if (!op.has("dim")) continue;
    op.fail({"axis " + std::to_string(axis) + ", whose size is " + size.text() +
                 ", may be 1 at run time, and the rank of the result depends on it",
             "give the size a range that leaves 1 out, or remove the axis where it is known to be 1 "
             "(select(dim, 0)) and leave it alone where it is not",
             ""});
  }
  return op.squeeze(self, ones);
}

// aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)
Value unsqueeze(Op& op) {
  return op.unsqueeze(op["self"], {op.normalized(op.integer("dim"), op["self"].rank() + 1)});
}

// aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)
// aten::broadcast_to(Tensor(a) self, SymInt[] size) -> Tensor(a)
Value expand(Op& op) {
  Value self = op["self"];
  Values size = op.values("size");
  bool unchanged = static_cast<int64_t>(size.size()) == self.rank();
  for (size_t i = 0; i < size.size(); ++i) {
    const auto known = size[i].constant_ints();
    const bool kept = known && known->at(0) == -1;
    if (kept) size[i] = op.constant(1);  // Expand broadcasts both ways
    // A number that nothing is known of may be -1 too.
    if (!known && size[i].element(0).text()[0] == '?') size[i] = op.Abs(size[i]);
    unchanged = unchanged && (kept || (known && self.static_dim(static_cast<int64_t>(i)) == known->at(0)));
  }
  return unchanged ? self : op.Expand(self, op.shape(size));
}

// aten::expand_as(Tensor(a) self, Tensor other) -> Tensor(a)
Value expand_as(Op& op) { return op.Expand(op["self"], op.shape_of(op["other"])); }

// aten::atleast_1d(Tensor self) -> Tensor
Value with_1d(Op& op, const Value& x) { return x.rank() == 0 ? op.unsqueeze(x, {0}) : x; }
Value atleast_1d(Op& op) { return with_1d(op, op["self"]); }

// aten::atleast_2d(Tensor self) -> Tensor
Value with_2d(Op& op, const Value& x) {
  const int64_t rank = x.rank();
  return rank == 0 ? op.unsqueeze(x, {0, 1}) : rank == 1 ? op.unsqueeze(x, {0}) : x;
}
Value atleast_2d(Op& op) { return with_2d(op, op["self"]); }

// aten::atleast_3d(Tensor self) -> Tensor
Value with_3d(Op& op, const Value& x) {
  const std::vector<std::vector<int64_t>> added = {{0, 1, 2}, {0, 2}, {2}};
  return x.rank() < 3 ? op.unsqueeze(x, added[static_cast<size_t>(x.rank())]) : x;
}
Value atleast_3d(Op& op) { return with_3d(op, op["self"]); }

// aten::atleast_1d.Sequence(Tensor[] tensors) -> Tensor[]
template <Value (*of)(Op&, const Value&)>
Values each(Op& op) {
  Values out = op.values("tensors");
  for (Value& x : out) x = of(op, x);
  return out;
}

// aten::numel(Tensor self) -> int
Value numel(Op& op) { return op.numel(op["self"]); }

// aten::_shape_as_tensor(Tensor self) -> Tensor
Value shape_as_tensor(Op& op) { return op.shape_of(op["self"]); }

// aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)
Value narrow(Op& op) {
  Value self = op["self"], start = op["start"], length = op["length"];
  const int64_t axis = op.axis("dim", self);
  const auto known = start.constant_ints();
  if (known && known->at(0) < 0) start = op.dim(self, axis) + start;
  return op.slice(self, axis, start, start + length);
}

// aten::unfold(Tensor(a) self, int dimension, int size, int step) -> Tensor(a)
Value unfold(Op& op) {
  Value self = op["self"];
  if (self.rank() == 0) return op.unsqueeze(self, {0});
  const int64_t axis = op.axis("dimension", self), size = op.integer("size"), step = op.integer("step");
  Value windows = (op.dim(self, axis) - size) / step + 1;
  Value starts = op.unsqueeze(op.arange(windows) * step, {1});
  Value picked = op.Gather(self, starts + op.arange(op.constant(size)), {attr::axis(axis)});
  return op.permute(picked, axes_last(self.rank() + 1, {axis + 1}));
}

// The same where a size, stride or offset is known at run time only: places are added up, axis by axis.
Value strided_at(Op& op) {
  const Values size = op.values("size"), stride = op.values("stride");
  const auto rank = static_cast<int64_t>(size.size());
  Value places = op.has("storage_offset") ? op["storage_offset"] : op.constant(0);
  for (int64_t axis = 0; axis < rank; ++axis) {
    Value steps = op.arange(size[axis]) * stride.at(axis);
    places = places + op.unsqueeze_around(steps, axis, rank);
  }
  return op.Gather(op.reshape(op["self"], {-1}), places);
}

// aten::as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a)
Value as_strided(Op& op) {
  if (!op.is_known("size") || !op.is_known("stride") || !op.is_known("storage_offset")) return strided_at(op);
  const std::vector<int64_t> size = op.integers("size"), stride = op.integers("stride");
  std::vector<int64_t> places = {op.integer("storage_offset", 0)};
  for (size_t axis = 0; axis < size.size(); ++axis) {
    std::vector<int64_t> next;
    for (int64_t place : places) {
      for (int64_t i = 0; i < size[axis]; ++i) next.push_back(place + i * stride.at(axis));
    }
    places = std::move(next);
  }
  Value table = op.constant(Tensor{DType::i64, size, Builder::bytes_of(places.data(), places.size())});
  return op.Gather(op.reshape(op["self"], {-1}), table);
}

}  // namespace

Mappings view() {
  return {
      Mapping("aten::view", view).by_parts(),
      {"aten::view.dtype", view_dtype},
      Mapping("aten::view_copy", view).by_parts(),
      Mapping("aten::_unsafe_view", view).by_parts(),
      Mapping("aten::_reshape_alias", view).by_parts(),
      Mapping("aten::_reshape_copy", view).by_parts(),
      Mapping("aten::reshape", view).by_parts(),
      Mapping("aten::view_as", view_as).by_parts(),
      Mapping("aten::reshape_as", view_as).by_parts(),
      Mapping("aten::flatten", flatten).by_parts(),
      Mapping("aten::ravel", ravel).by_parts(),
      Mapping("aten::unflatten", unflatten).by_parts(),
      Mapping("aten::permute", permute).by_parts(),
      Mapping("aten::permute_copy", permute).by_parts(),
      Mapping("aten::transpose", transpose).by_parts(),
      Mapping("aten::transpose_copy", transpose).by_parts(),
      Mapping("aten::swapdims", transpose).by_parts(),
      Mapping("aten::swapaxes", swapaxes).by_parts(),
      Mapping("aten::t", t).by_parts(),
      Mapping("aten::t_copy", t).by_parts(),
      Mapping("aten::mT", matrix_transpose).by_parts(),
      {"aten::adjoint", matrix_transpose},
      Mapping("aten::numpy_T", numpy_T).by_parts(),
      Mapping("aten::movedim", movedim).by_parts(),
      Mapping("aten::moveaxis", movedim).by_parts(),
      Mapping("aten::squeeze", squeeze).by_parts(),
      Mapping("aten::squeeze_copy", squeeze).by_parts(),
      Mapping("aten::unsqueeze", unsqueeze).by_parts(),
      Mapping("aten::unsqueeze_copy", unsqueeze).by_parts(),
      Mapping("aten::expand", expand).by_parts(),
      Mapping("aten::expand_copy", expand).by_parts(),
      Mapping("aten::broadcast_to", expand).by_parts(),
      Mapping("aten::expand_as", expand_as).by_parts(),
      Mapping("aten::atleast_1d", atleast_1d).by_parts(),
      Mapping("aten::atleast_2d", atleast_2d).by_parts(),
      Mapping("aten::atleast_3d", atleast_3d).by_parts(),
      Mapping("aten::atleast_1d.Sequence", each<with_1d>).list().by_parts(),
      Mapping("aten::atleast_2d.Sequence", each<with_2d>).list().by_parts(),
      Mapping("aten::atleast_3d.Sequence", each<with_3d>).list().by_parts(),
      Mapping("aten::numel", numel).complex(),
      Mapping("aten::sym_numel", numel).complex(),
      Mapping("aten::_shape_as_tensor", shape_as_tensor).complex(),
      Mapping("aten::narrow", narrow).by_parts(),
      Mapping("aten::narrow_copy", narrow).by_parts(),
      Mapping("aten::unfold", unfold).by_parts(),
      Mapping("aten::unfold_copy", unfold).by_parts(),
      Mapping("aten::as_strided", as_strided).by_parts(),
      Mapping("aten::as_strided_copy", as_strided).by_parts(),
  };
}

}  // namespace onnxport::aten
