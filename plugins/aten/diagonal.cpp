// Diagonals read, written and made into matrices.
#include "axes.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

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
  Value down = offset < 0 ? d.rows - (-offset) : d.rows;
  Value across = offset > 0 ? d.columns - offset : d.columns;
  Value count = op.Max({op.Min({down, across}), op.constant(0)});
  d.from = offset < 0 ? d.columns * (-offset) : op.constant(offset);
  d.to = d.from + count * (d.columns + 1);
  return d;
}

// The matrices of the last two axes, each laid out as one row.
Value laid_out(Op& op, const Value& x, const Diagonal& d) {
  Values size(static_cast<size_t>(x.rank() - 2), op.constant(0));
  size.push_back(d.rows * d.columns);
  return op.reshape(op.permute(x, d.order), size);
}

Value diagonal_from(Op& op, const Value& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const Diagonal d = diagonal_of(op, x, offset, dim1, dim2);
  Value step = op.shape({d.columns + 1});
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
  return op.ReduceSum(wide ? entries : op.cast(entries, DType::i64), {}, {attr::keepdims(0)});
}

// aten::diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor
Value diagonal_scatter(Op& op) {
  Value self = op["self"], src = op["src"];
  const Diagonal d =
      diagonal_of(op, self, op.integer("offset"), op.axis("dim1", self), op.axis("dim2", self));
  Value places = op.Range(d.from, d.to, d.columns + 1);
  Value written =
      op.ScatterElements(laid_out(op, self, d), op.Expand(places, op.shape_of(src)), src, {attr::axis(-1)});
  Value matrices = op.Reshape(written, op.shape_of(op.permute(self, d.order)));
  return op.permute(matrices, inverse_permutation(d.order));
}

// Square matrices with `x` on the diagonal `offset`: its last axis goes into two.
Value embedded(Op& op, const Value& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t rank = x.rank() + 1, extra = std::abs(offset);
  Value index = op.arange(op.dim(x, -1) + extra);
  Value filled = x;
  if (extra > 0) {
    std::vector<int64_t> pads(static_cast<size_t>(2 * x.rank()), 0);
    pads.back() = extra;
    filled = op.Pad(x, op.ints(pads));
  }
  Value on = op.unsqueeze(index, {1}) + offset == op.unsqueeze(index, {0});
  Value spread = op.unsqueeze(filled, {offset < 0 ? rank - 2 : rank - 1});
  return op.permute(op.where(on, spread, op.like(x, 0)), inverse_permutation(axes_last(rank, {dim1, dim2})));
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

}  // namespace

Mappings diagonals() {
  return {
      Mapping("aten::diagonal", diagonal).by_parts(),
      Mapping("aten::diagonal_copy", diagonal).by_parts(),
      Mapping("aten::linalg_diagonal", linalg_diagonal).by_parts(),
      Mapping("aten::trace", trace).by_parts(),
      Mapping("aten::diagonal_scatter", diagonal_scatter).by_parts(),
      Mapping("aten::diag_embed", diag_embed).by_parts(),
      Mapping("aten::diag", diag).by_parts(),
      Mapping("aten::diagflat", diagflat).by_parts(),
  };
}

}  // namespace onnxport::aten
