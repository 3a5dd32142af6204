// Elements repeated, reversed, shifted or picked at regular places.
#include "common.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

Value tiled(Op& op, Value x, std::string_view arg) {
  const auto count = static_cast<int64_t>(op.size(arg));
  if (count > x.rank()) x = op.unsqueeze(x, all_axes(count - x.rank()));
  Value repeats = op.shape(arg);
  if (count < x.rank()) {
    repeats = op.shape({op.ints(std::vector<int64_t>(static_cast<size_t>(x.rank() - count), 1)), repeats});
  }
  return op.Tile(x, repeats);
}

// aten::repeat(Tensor self, SymInt[] repeats) -> Tensor
Value repeat(Op& op) { return tiled(op, op["self"], "repeats"); }

// aten::tile(Tensor self, SymInt[] dims) -> Tensor
Value tile(Op& op) { return tiled(op, op["self"], "dims"); }

// aten::repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? output_size=None)
// -> Tensor aten::repeat_interleave.self_Tensor(Tensor self, Tensor repeats, int? dim=None, *, SymInt?
// output_size=None)
//   -> Tensor
Value repeat_interleave(Op& op) {
  Value self = op["self"], repeats = op["repeats"];
  if (!op.has("dim")) self = op.reshape(self, {-1});
  const int64_t axis = op.has("dim") ? op.axis("dim", self) : 0;
  const bool one_number = repeats.is_number() || repeats.rank() == 0 || repeats.static_dim(0) == 1;
  if (!one_number) {
    // Position p of the result comes from the first place up to which more than p elements were made.
    Value ends = op.CumSum(op.cast(repeats, DType::i64), op.constant(0));
    Value total = op.Gather(ends, op.constant(-1));
    Value done = op.unsqueeze(ends, {0}) <= op.unsqueeze(counted(op, total), {1});
    Value place = op.ReduceSum(op.cast(done, DType::i64), op.ints({1}), {{"keepdims", 0}});
    return op.Gather(self, place, {{"axis", axis}});
  }
  Value count = repeats.rank() == 0 ? repeats : op.squeeze(repeats, {0});
  Values wide(static_cast<size_t>(self.rank() + 1), op.constant(1));
  wide[axis + 1] = op.cast(count, DType::i64);
  Values size = dims(op, self, 0, self.rank());
  size[axis] = size[axis] * wide[axis + 1];
  return op.reshape(op.Expand(op.unsqueeze(self, {axis + 1}), op.shape(wide)), size);
}

Value flipped(Op& op, const Value& x, const std::vector<int64_t>& axes) {
  if (axes.empty()) return x;
  const std::vector<int64_t> last(axes.size(), -1), before(axes.size(), std::numeric_limits<int64_t>::min());
  return op.Slice(x, op.ints(last), op.ints(before), op.ints(axes), op.ints(last));
}

// aten::flip(Tensor self, int[] dims) -> Tensor
Value flip(Op& op) {
  return op["self"].rank() == 0 ? op["self"] : flipped(op, op["self"], op.axes("dims", op["self"]));
}

// aten::fliplr(Tensor self) -> Tensor
Value fliplr(Op& op) { return flipped(op, op["self"], {1}); }

// aten::flipud(Tensor self) -> Tensor
Value flipud(Op& op) { return flipped(op, op["self"], {0}); }

// aten::rot90(Tensor self, int k=1, int[] dims=[0, 1]) -> Tensor
Value rot90(Op& op) {
  Value self = op["self"];
  const std::vector<int64_t> plane = op.axes("dims", self);
  std::vector<int64_t> order = all_axes(self.rank());
  std::swap(order[plane.at(0)], order[plane.at(1)]);
  switch ((op.integer("k") % 4 + 4) % 4) {
    case 1:
      return op.transpose(flipped(op, self, {plane[1]}), order);
    case 2:
      return flipped(op, self, plane);
    case 3:
      return op.transpose(flipped(op, self, {plane[0]}), order);
    default:
      return self;
  }
}

Value rolled(Op& op, const Value& x, int64_t axis, const Value& shift) {
  Value size = op.dim(x, axis);
  Value cut = size - op.Mod(shift, op.Max({size, op.constant(1)}));
  return op.Concat(
      {section(op, x, axis, cut, op.constant(to_end)), section(op, x, axis, op.constant(0), cut)},
      {{"axis", axis}});
}

// aten::roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor
Value roll(Op& op) {
  Value self = op["self"];
  const Values shifts = op.values("shifts");
  if (self.rank() == 0) return self;
  const std::vector<int64_t> axes = op.axes("dims", self);
  if (axes.empty()) return op.Reshape(rolled(op, op.reshape(self, {-1}), 0, shifts.at(0)), op.shape_of(self));
  for (size_t i = 0; i < axes.size(); ++i) self = rolled(op, self, axes[i], shifts.at(i));
  return self;
}

// aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)
Value narrow(Op& op) {
  Value self = op["self"], start = op["start"], length = op["length"];
  const int64_t axis = op.axis("dim", self);
  const auto known = start.constant_ints();
  if (known && known->at(0) < 0) start = op.dim(self, axis) + start;
  return section(op, self, axis, start, start + length);
}

struct Diagonal {
  Value from, to;  // where it lies in the matrix laid out as one row
  Value rows, columns;
  std::vector<int64_t> order;  // of the axes: the matrix last
};

Diagonal diagonal_of(Op& op, const Value& x, int64_t offset, int64_t dim1, int64_t dim2) {
  Diagonal d;
  d.order = axes_last(x.rank(), {dim1, dim2});
  d.rows = op.dim(x, dim1);
  d.columns = op.dim(x, dim2);
  Value down = offset < 0 ? d.rows - op.constant(-offset) : d.rows;
  Value across = offset > 0 ? d.columns - op.constant(offset) : d.columns;
  Value count = op.Max({op.Min({down, across}), op.constant(0)});
  d.from = offset < 0 ? d.columns * op.constant(-offset) : op.constant(offset);
  d.to = d.from + count * (d.columns + op.constant(1));
  return d;
}

// The matrices of the last two axes, each laid out as one row.
Value laid_out(Op& op, const Value& x, const Diagonal& d) {
  Values size(static_cast<size_t>(x.rank() - 2), op.constant(0));
  size.push_back(d.rows * d.columns);
  return op.reshape(permuted(op, x, d.order), size);
}

Value diagonal_from(Op& op, const Value& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const Diagonal d = diagonal_of(op, x, offset, dim1, dim2);
  Value step = op.shape({d.columns + op.constant(1)});
  return op.Slice(laid_out(op, x, d), op.shape({d.from}), op.shape({d.to}), op.ints({-1}), step);
}

// aten::diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)
Value diagonal(Op& op) {
  return diagonal_from(op, op["self"], op.integer("offset"), op.axis("dim1", op["self"]),
                       op.axis("dim2", op["self"]));
}

// aten::linalg_diagonal(Tensor(a) A, *, int offset=0, int dim1=-2, int dim2=-1) -> Tensor(a)
Value linalg_diagonal(Op& op) {
  return diagonal_from(op, op["A"], op.integer("offset"), op.axis("dim1", op["A"]), op.axis("dim2", op["A"]));
}

// aten::trace(Tensor self) -> Tensor
Value trace(Op& op) {
  Value entries = diagonal_from(op, op["self"], 0, 0, 1);
  const bool wide = is_floating(entries.dtype());
  return op.ReduceSum(wide ? entries : op.cast(entries, DType::i64), {}, {{"keepdims", 0}});
}

// aten::diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor
Value diagonal_scatter(Op& op) {
  Value self = op["self"], src = op["src"];
  const Diagonal d =
      diagonal_of(op, self, op.integer("offset"), op.axis("dim1", self), op.axis("dim2", self));
  Value places = op.Range(d.from, d.to, d.columns + op.constant(1));
  Value written =
      op.ScatterElements(laid_out(op, self, d), op.Expand(places, op.shape_of(src)), src, {{"axis", -1}});
  Value matrices = op.Reshape(written, op.shape_of(permuted(op, self, d.order)));
  return permuted(op, matrices, inverse(d.order));
}

// Square matrices with `x` on the diagonal `offset`: its last axis goes into two.
Value embedded(Op& op, const Value& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t rank = x.rank() + 1, extra = std::abs(offset);
  Value index = counted(op, op.dim(x, -1) + op.constant(extra));
  Value filled = x;
  if (extra > 0) {
    std::vector<int64_t> pads(static_cast<size_t>(2 * x.rank()), 0);
    pads.back() = extra;
    filled = op.Pad(x, op.ints(pads));
  }
  Value on = op.unsqueeze(index, {1}) + op.constant(offset) == op.unsqueeze(index, {0});
  Value spread = op.unsqueeze(filled, {offset < 0 ? rank - 2 : rank - 1});
  return permuted(op, either(op, on, spread, op.like(x, 0)), inverse(axes_last(rank, {dim1, dim2})));
}

// aten::diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor
Value diag_embed(Op& op) {
  const int64_t rank = op["self"].rank() + 1;
  const int64_t dim1 = op.normalized(op.integer("dim1"), rank),
                dim2 = op.normalized(op.integer("dim2"), rank);
  return embedded(op, op["self"], op.integer("offset"), dim1, dim2);
}

// aten::diag(Tensor self, int diagonal=0) -> Tensor
Value diag(Op& op) {
  const int64_t offset = op.integer("diagonal");
  return op["self"].rank() == 1 ? embedded(op, op["self"], offset, 0, 1)
                                : diagonal_from(op, op["self"], offset, 0, 1);
}

// aten::diagflat(Tensor self, int offset=0) -> Tensor
Value diagflat(Op& op) { return embedded(op, op.reshape(op["self"], {-1}), op.integer("offset"), 0, 1); }

// aten::unfold(Tensor(a) self, int dimension, int size, int step) -> Tensor(a)
Value unfold(Op& op) {
  Value self = op["self"];
  if (self.rank() == 0) return op.unsqueeze(self, {0});
  const int64_t axis = op.axis("dimension", self), size = op.integer("size"), step = op.integer("step");
  Value windows = (op.dim(self, axis) - op.constant(size)) / op.constant(step) + op.constant(1);
  Value starts = op.unsqueeze(counted(op, windows) * op.constant(step), {1});
  Value picked = op.Gather(self, starts + counted(op, op.constant(size)), {{"axis", axis}});
  return permuted(op, picked, axes_last(self.rank() + 1, {axis + 1}));
}

// aten::as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a)
Value as_strided(Op& op) {
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

Mappings movement() {
  return {
      Mapping("aten::repeat", repeat).by_parts(),
      Mapping("aten::tile", tile).by_parts(),
      Mapping("aten::repeat_interleave.self_int", repeat_interleave).by_parts(),
      Mapping("aten::repeat_interleave.self_Tensor", repeat_interleave).by_parts(),
      Mapping("aten::flip", flip).by_parts(),
      Mapping("aten::fliplr", fliplr).by_parts(),
      Mapping("aten::flipud", flipud).by_parts(),
      Mapping("aten::rot90", rot90).by_parts(),
      Mapping("aten::roll", roll).by_parts(),
      Mapping("aten::narrow", narrow).by_parts(),
      Mapping("aten::narrow_copy", narrow).by_parts(),
      Mapping("aten::diagonal", diagonal).by_parts(),
      Mapping("aten::diagonal_copy", diagonal).by_parts(),
      Mapping("aten::linalg_diagonal", linalg_diagonal).by_parts(),
      Mapping("aten::trace", trace).by_parts(),
      Mapping("aten::diagonal_scatter", diagonal_scatter).by_parts(),
      Mapping("aten::diag_embed", diag_embed).by_parts(),
      Mapping("aten::diag", diag).by_parts(),
      Mapping("aten::diagflat", diagflat).by_parts(),
      Mapping("aten::unfold", unfold).by_parts(),
      Mapping("aten::unfold_copy", unfold).by_parts(),
      Mapping("aten::as_strided", as_strided).by_parts(),
      Mapping("aten::as_strided_copy", as_strided).by_parts(),
  };
}

}  // namespace onnxport::aten
