// Steps of matrix factorizations over the last two axes, those before counting matrices: as f64, column by column.
#pragma once

#include "onnxport/plugin.hpp"

namespace onnxport::aten {

// Row `k` and column `k` of each matrix, and element `k` of each vector: the axis goes.
inline Value row(Op& op, const Value& x, const Value& k) {
  return op.Gather(x, k, {attr::axis(x.rank() - 2)});
}
inline Value last(Op& op, const Value& x, const Value& k) {
  return op.Gather(x, k, {attr::axis(x.rank() - 1)});
}
// A vector as the one column, or the one row, of a matrix.
inline Value as_column(Op& op, const Value& x) { return op.unsqueeze(x, {x.rank()}); }
inline Value as_row(Op& op, const Value& x) { return op.unsqueeze(x, {x.rank() - 1}); }

// The numbers of the rows of `x`, and of its columns (or of the elements of a vector).
inline Value row_indices(Op& op, const Value& x) { return op.arange(op.dim(x, -2)); }
inline Value column_indices(Op& op, const Value& x) { return op.arange(op.dim(x, -1)); }

// Zeros in the shape of the leading axes of `x`, all but the last `dropped`, and of `rest` after them.
inline Value batched_zeros(Op& op, const Value& x, int64_t dropped, Values rest, DType t = DType::f64) {
  Values size = op.dims(x, 0, x.rank() - dropped);
  size.insert(size.end(), rest.begin(), rest.end());
  return op.full(op.shape(size), 0, t);
}

// One where row and column are the same.
inline Value identity_matrix(Op& op, const Value& rows, const Value& columns) {
  return op.EyeLike(op.full(op.shape({rows, columns}), 0, DType::f64));
}

inline Value diagonal_of(Op& op, const Value& x) {
  Value here = as_column(op, row_indices(op, x)) == column_indices(op, x);
  Value only = op.ReduceSum(op.Where(here, x, op.like(x, 0)), op.ints({-2}), {attr::keepdims(0)});
  return op.slice(only, only.rank() - 1, op.constant(0), op.Min({op.dim(x, -2), op.dim(x, -1)}));
}

// The matrices `a` and the axes before them that `model` has.
inline Value expand_batch(Op& op, const Value& a, const Value& model) {
  Values size = op.dims(model, 0, model.rank() - 2);
  size.push_back(op.constant(1));
  size.push_back(op.constant(1));
  return model.rank() == 2 ? a : op.Expand(a, op.shape(size));
}

inline bool is_empty(const Value& x) {
  for (int64_t axis = 0; axis < x.rank(); ++axis) {
    if (x.static_dim(axis) == 0) return true;
  }
  return false;
}

// The solution x of a x = b, `a` being triangular: its other triangle is not read.
inline Value solve_triangular(Op& op, const Value& a, const Value& given, bool upper, bool unit) {
  Value b = expand_batch(op, given, a), size = op.dim(a, -1);
  Value columns = column_indices(op, a), rows = as_column(op, columns);
  Value zeros = op.full(op.shape_of(b), 0, DType::f64);
  const auto step = [&](const Value& i, const Values& s, Value&) -> Values {
    Value k = upper ? size - 1 - i : i, coefficients = row(op, a, k);
    Value others = op.Where(upper ? columns > k : columns < k, coefficients, op.like(a, 0));
    Value x = as_row(op, row(op, b, k)) - op.MatMul(as_row(op, others), s[0]);
    if (!unit) x = x / op.unsqueeze(last(op, coefficients, k), {a.rank() - 2, a.rank() - 1});
    return {op.Where(rows == k, x, s[0])};
  };
  return op.loop(size, {zeros}, step)[0];
}

}  // namespace onnxport::aten
