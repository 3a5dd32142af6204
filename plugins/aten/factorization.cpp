// Factorizations of matrices and the systems of equations that they solve.
#include "families.hpp"
#include "matrices.hpp"

namespace onnxport::aten {
namespace {

Value wide(Op& op, std::string_view arg) {
  Value x = op[arg];
  op.require(is_floating(x.dtype()), "a factorization of other than real matrices");
  return op.cast(x, DType::f64);
}

// LAPACK's answer per matrix: 0, or the first place on the diagonal where it could not go on, from 1.
Value info(Op& op, const Value& wrong) {
  if (is_empty(wrong)) return batched_zeros(op, wrong, 1, {}, DType::i32);
  Value found = op.cast(wrong, DType::i32);
  Value first = op.ArgMax(found, {attr::axis(-1), attr::keepdims(0)}) + 1;
  Value some = op.ReduceSum(found, op.ints({-1}), {attr::keepdims(0)}) > 0;
  return op.cast(op.Where(some, first, op.constant(0)), DType::i32);
}

// ---- LU ----

struct Lu {
  Value factors;  // U, and below its diagonal L without its own
  Value pivots;   // the row that row k was exchanged with, from 1
};

Lu lu_of(Op& op, const Value& a) {
  Value columns = column_indices(op, a), rows = row_indices(op, a);
  Value count = op.Min({op.dim(a, -2), op.dim(a, -1)}), places = op.arange(count);
  const auto step = [&](const Value& k, const Values& s, Value&) -> Values {
    const Value& m = s[0];
    Value size = op.Where(rows >= k, op.Abs(last(op, m, k)), op.like(m, -1));
    Value p = op.ArgMax(size, {attr::axis(-1), attr::keepdims(1)});
    Value width = batched_zeros(op, m, 2, {op.constant(1), op.dim(m, -1)}, DType::i64);
    Value pivot_row = op.GatherElements(m, as_column(op, p) + width, {attr::axis(m.rank() - 2)});
    Value swapped = op.Where(as_column(op, rows == p), as_row(op, row(op, m, k)), m);
    swapped = op.Where(as_column(op, rows == k), pivot_row, swapped);
    Value pivot = last(op, pivot_row, k), column = last(op, swapped, k), zero = op.like(m, 0);
    Value factor = as_column(op, op.Where((rows > k) & ~(pivot == 0), column / pivot, zero));
    Value reduced = swapped - factor * op.Where(columns > k, pivot_row, zero);
    reduced = op.Where(as_column(op, rows > k) & (columns == k), factor, reduced);
    return {reduced, op.Where(places == k, p + 1, s[1])};
  };
  Values out = op.loop(count, {a, batched_zeros(op, a, 2, {count}, DType::i64)}, step);
  return {out[0], out[1]};
}

// The rows that the exchanges bring to each place.
Value permutation(Op& op, const Value& pivots, const Value& size) {
  Value rows = op.arange(size), start = rows + batched_zeros(op, pivots, 1, {op.constant(1)}, DType::i64);
  const auto step = [&](const Value& k, const Values& s, Value&) -> Values {
    Value p = op.unsqueeze(last(op, pivots, k), {pivots.rank() - 1}) - 1;
    Value there = op.GatherElements(s[0], p, {attr::axis(pivots.rank() - 1)});
    Value here = op.unsqueeze(last(op, s[0], k), {pivots.rank() - 1});
    return {op.Where(rows == k, there, op.Where(rows == p, here, s[0]))};
  };
  return op.loop(op.dim(pivots, -1), {start}, step)[0];
}

// The rows of `b` in that order.
Value in_order(Op& op, const Value& b, const Value& order) {
  Value index = op.Expand(as_column(op, order), op.shape({op.constant(1), op.dim(b, -1)}));
  Value matrices = expand_batch(op, b, index);
  return op.GatherElements(matrices, expand_batch(op, index, matrices), {attr::axis(matrices.rank() - 2)});
}

Value solved(Op& op, const Lu& lu, const Value& b, bool adjoint) {
  if (is_empty(b)) return expand_batch(op, b, lu.factors);
  Value order = permutation(op, lu.pivots, op.dim(lu.factors, -2));
  if (!adjoint) {
    Value y = solve_triangular(op, lu.factors, in_order(op, b, order), false, true);
    return solve_triangular(op, lu.factors, y, true, false);
  }
  Value turned = op.transpose(lu.factors, -2, -1);
  Value y = solve_triangular(op, turned, b, false, false);
  y = solve_triangular(op, turned, y, true, true);
  const auto sorted = op.TopK(order, op.shape({op.dim(order, -1)}), {attr::axis(-1), attr::largest(0)});
  return in_order(op, y, sorted.Indices);
}

Value inverse_of(Op& op, const Lu& lu) {
  Value size = op.dim(lu.factors, -1);
  return solved(op, lu, expand_batch(op, identity_matrix(op, size, size), lu.factors), false);
}

// aten::linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)
Values inv_ex(Op& op) {
  const Lu lu = lu_of(op, wide(op, "A"));
  Value zeros = op.is_used(1) ? info(op, diagonal_of(op, lu.factors) == 0) : Value();
  return {op.cast_like(inverse_of(op, lu), op["A"]), zeros};
}

// aten::linalg_inv(Tensor A) -> Tensor
// aten::inverse(Tensor self) -> Tensor
Value inv(Op& op) {
  const std::string_view arg = op.has("A") ? "A" : "self";
  return op.cast_like(inverse_of(op, lu_of(op, wide(op, arg))), op[arg]);
}

// aten::linalg_lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> (Tensor LU, Tensor pivots,
//     Tensor info)
Values lu_factor_ex(Op& op) {
  op.require(op.boolean("pivot", true), "LU without pivots");
  const Lu lu = lu_of(op, wide(op, "A"));
  Value answer = op.is_used(2) ? info(op, diagonal_of(op, lu.factors) == 0) : Value();
  return {op.cast_like(lu.factors, op["A"]), op.cast(lu.pivots, DType::i32), answer};
}

// aten::linalg_lu_factor(Tensor A, *, bool pivot=True) -> (Tensor LU, Tensor pivots)
Values lu_factor(Op& op) {
  op.require(op.boolean("pivot", true), "LU without pivots");
  const Lu lu = lu_of(op, wide(op, "A"));
  return {op.cast_like(lu.factors, op["A"]), op.cast(lu.pivots, DType::i32)};
}

// P, L and U as matrices of their own.
Values unpacked(Op& op, const Lu& lu, const Value& like) {
  const Value& m = lu.factors;
  Value rows = op.dim(m, -2), columns = op.dim(m, -1), count = op.Min({rows, columns});
  Value order = permutation(op, lu.pivots, rows);
  Value p = op.cast(as_column(op, op.arange(rows)) == as_row(op, order), like.dtype());
  Value left = op.slice(m, m.rank() - 1, op.constant(0), count);
  Value l = op.Trilu(left, op.constant(-1), {attr::upper(0)}) + identity_matrix(op, rows, count);
  Value u = op.Trilu(op.slice(m, m.rank() - 2, op.constant(0), count), {}, {attr::upper(1)});
  return {p, op.cast_like(l, like), op.cast_like(u, like)};
}

// aten::linalg_lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)
Values lu(Op& op) {
  op.require(op.boolean("pivot", true), "LU without pivots");
  return unpacked(op, lu_of(op, wide(op, "A")), op["A"]);
}

// aten::lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True) -> (Tensor P,
//     Tensor L, Tensor U)
Values lu_unpack(Op& op) {
  Values out = unpacked(op, {wide(op, "LU_data"), op.as("LU_pivots", DType::i64)}, op["LU_data"]);
  Value none = op.full(op.ints({0}), 0, op["LU_data"].dtype());
  if (!op.boolean("unpack_pivots")) out[0] = none;
  if (!op.boolean("unpack_data")) out[1] = out[2] = none;
  return out;
}

Value on_the_left(Op& op, const Lu& lu, const Value& b, bool left, bool adjoint) {
  return left ? solved(op, lu, b, adjoint)
              : op.transpose(solved(op, lu, op.transpose(b, -2, -1), !adjoint), -2, -1);
}

// aten::linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False) -> Tensor
Value lu_solve(Op& op) {
  const Lu lu{wide(op, "LU"), op.as("pivots", DType::i64)};
  Value x = on_the_left(op, lu, wide(op, "B"), op.boolean("left"), op.boolean("adjoint"));
  return op.cast_like(x, op["B"]);
}

// Whether `b` is one vector per matrix of `a`, as torch tells it.
bool are_vectors(Op& op, const Value& a, const Value& b) {
  if (b.rank() == 1) return true;
  if (b.rank() != a.rank() - 1) return false;
  for (int64_t axis = 0; axis < b.rank(); ++axis) {
    if (!op.same_dim(a, axis, b, axis)) return false;
  }
  return true;
}

// aten::_linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> (Tensor result, Tensor LU,
//     Tensor pivots, Tensor info)
Values solve_ex(Op& op) {
  Value a = wide(op, "A"), b = wide(op, "B");
  const bool vectors = are_vectors(op, a, b);
  const Lu lu = lu_of(op, a);
  Value x = on_the_left(op, lu, vectors ? as_column(op, b) : b, op.boolean("left") || vectors, false);
  if (vectors) x = op.squeeze(x, {-1});
  Value answer = op.is_used(3) ? info(op, diagonal_of(op, lu.factors) == 0) : Value();
  return {op.cast_like(x, op["A"]), op.cast_like(lu.factors, op["A"]), op.cast(lu.pivots, DType::i32),
          answer};
}

// The determinant's sign: an exchange of rows turns it around.
Value sign_of(Op& op, const Lu& lu, const Value& diagonal) {
  Value moved = ~(lu.pivots == column_indices(op, lu.pivots) + 1);
  Value factors = op.Sign(diagonal) * op.Where(moved, op.like(diagonal, -1), op.like(diagonal, 1));
  return op.ReduceProd(factors, op.ints({-1}), {attr::keepdims(0)});
}

// aten::_linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet, Tensor LU, Tensor pivots)
Values slogdet(Op& op) {
  const Lu lu = lu_of(op, wide(op, "A"));
  Value diagonal = diagonal_of(op, lu.factors), sign = sign_of(op, lu, diagonal);
  Value size = op.ReduceSum(op.Log(op.Abs(diagonal)), op.ints({-1}), {attr::keepdims(0)});
  return {op.cast_like(sign, op["A"]), op.cast_like(size, op["A"]), op.cast_like(lu.factors, op["A"]),
          op.cast(lu.pivots, DType::i32)};
}

// aten::logdet(Tensor self) -> Tensor
Value logdet(Op& op) {
  const Lu lu = lu_of(op, wide(op, "self"));
  Value diagonal = diagonal_of(op, lu.factors);
  Value size = op.ReduceSum(op.Log(op.Abs(diagonal)), op.ints({-1}), {attr::keepdims(0)});
  return op.cast_like(op.Where(sign_of(op, lu, diagonal) < 0, op.like(size, std::nan("")), size), op["self"]);
}

// aten::linalg_solve_triangular(Tensor self, Tensor B, *, bool upper, bool left=True,
//     bool unitriangular=False) -> Tensor
Value triangular(Op& op) {
  Value a = wide(op, "self"), b = wide(op, "B");
  const bool upper = op.boolean("upper"), unit = op.boolean("unitriangular");
  Value x =
      op.boolean("left")
          ? solve_triangular(op, a, b, upper, unit)
          : op.transpose(solve_triangular(op, op.transpose(a, -2, -1), op.transpose(b, -2, -1), !upper, unit),
                         -2, -1);
  return op.cast_like(x, op["B"]);
}

// aten::triangular_solve(Tensor self, Tensor A, bool upper=True, bool transpose=False,
//     bool unitriangular=False) -> (Tensor solution, Tensor cloned_coefficient)
Values triangular_solve(Op& op) {
  Value a = wide(op, "A");
  const bool turned = op.boolean("transpose");
  Value x = solve_triangular(op, turned ? op.transpose(a, -2, -1) : a, wide(op, "self"),
                             op.boolean("upper") != turned, op.boolean("unitriangular"));
  return {op.cast_like(x, op["self"]), op["A"]};
}

// ---- Cholesky ----

// L of the lower triangle of `a`, which is all that is read.
Value cholesky_of(Op& op, const Value& a) {
  Value columns = column_indices(op, a);
  const auto step = [&](const Value& k, const Values& s, Value&) -> Values {
    Value done = op.squeeze(op.MatMul(s[0], as_column(op, row(op, s[0], k))), {-1});
    Value rest = last(op, a, k) - done, root = op.Sqrt(as_column(op, last(op, rest, k)));
    Value column = op.Where(columns >= k, rest / root, op.like(a, 0));
    return {op.Where(columns == k, as_column(op, column), s[0])};
  };
  return op.loop(op.dim(a, -1), {op.full(op.shape_of(a), 0, DType::f64)}, step)[0];
}

Value cholesky_factor(Op& op) {
  Value a = wide(op, "self");
  return op.boolean("upper") ? op.transpose(cholesky_of(op, op.transpose(a, -2, -1)), -2, -1)
                             : cholesky_of(op, a);
}

// aten::linalg_cholesky_ex(Tensor self, *, bool upper=False, bool check_errors=False) -> (Tensor L, Tensor info)
Values cholesky_ex(Op& op) {
  Value l = cholesky_factor(op);
  Value answer = op.is_used(1) ? info(op, ~(diagonal_of(op, l) > 0)) : Value();
  return {op.cast_like(l, op["self"]), answer};
}

// aten::linalg_cholesky(Tensor self, *, bool upper=False) -> Tensor
// aten::cholesky(Tensor self, bool upper=False) -> Tensor
Value cholesky(Op& op) { return op.cast_like(cholesky_factor(op), op["self"]); }

// The solution of l l' x = b.
Value solved_by_cholesky(Op& op, const Value& factor, const Value& b) {
  Value l = op.boolean("upper") ? op.transpose(factor, -2, -1) : factor;
  Value y = solve_triangular(op, l, b, false, false);
  return solve_triangular(op, op.transpose(l, -2, -1), y, true, false);
}

// aten::cholesky_inverse(Tensor self, bool upper=False) -> Tensor
Value cholesky_inverse(Op& op) {
  Value l = wide(op, "self"), size = op.dim(l, -1);
  return op.cast_like(solved_by_cholesky(op, l, expand_batch(op, identity_matrix(op, size, size), l)),
                      op["self"]);
}

// aten::cholesky_solve(Tensor self, Tensor input2, bool upper=False) -> Tensor
// aten::_cholesky_solve_helper(Tensor self, Tensor A, bool upper) -> Tensor
Value cholesky_solve(Op& op) {
  Value factor = wide(op, op.has("input2") ? "input2" : "A");
  return op.cast_like(solved_by_cholesky(op, factor, wide(op, "self")), op["self"]);
}

// ---- Householder's QR ----

struct Reflections {
  Value vectors;  // R, and below its diagonal the vectors without their leading ones
  Value factors;
};

Reflections reflections_of(Op& op, const Value& a) {
  Value columns = column_indices(op, a), rows = row_indices(op, a);
  Value count = op.Min({op.dim(a, -2), op.dim(a, -1)}), places = op.arange(count);
  const auto step = [&](const Value& k, const Values& s, Value&) -> Values {
    const Value& m = s[0];
    const Value zero = op.like(m, 0), x = last(op, m, k), head = as_column(op, last(op, x, k));
    Value below = op.Where(rows > k, x, zero);
    Value rest = op.ReduceSumSquare(below, op.ints({-1}), {attr::keepdims(1)});
    Value norm = op.Sqrt(head * head + rest), none = rest == 0;
    Value end = op.Where(none, head, op.Where(head < 0, norm, -norm));
    Value factor = op.Where(none, zero, (end - head) / end);
    Value tail = op.Where(none, zero, below / (head - end));
    Value v = op.Where(rows == k, op.like(m, 1), tail);
    Value change = as_column(op, factor) * op.MatMul(as_row(op, v), m);
    Value next = m - as_column(op, v) * op.Where(columns > k, change, zero);
    Value column = op.Where(rows == k, end, op.Where(rows > k, tail, x));
    return {op.Where(columns == k, as_column(op, column), next), op.Where(places == k, factor, s[1])};
  };
  Values out = op.loop(count, {a, batched_zeros(op, a, 2, {count})}, step);
  return {out[0], out[1]};
}

// The first `columns` columns of the product of all reflections.
Value product_of(Op& op, const Reflections& r, const Value& columns) {
  Value rows = row_indices(op, r.vectors), count = op.dim(r.factors, -1);
  Value start = expand_batch(op, identity_matrix(op, op.dim(r.vectors, -2), columns), r.vectors);
  const auto step = [&](const Value& i, const Values& s, Value&) -> Values {
    Value k = count - 1 - i, x = last(op, r.vectors, k);
    Value v = op.Where(rows == k, op.like(x, 1), op.Where(rows > k, x, op.like(x, 0)));
    Value factor = op.unsqueeze(last(op, r.factors, k), {r.factors.rank() - 1, r.factors.rank()});
    return {s[0] - factor * as_column(op, v) * op.MatMul(as_row(op, v), s[0])};
  };
  return op.loop(count, {start}, step)[0];
}

// aten::geqrf(Tensor self) -> (Tensor a, Tensor tau)
Values geqrf(Op& op) {
  const Reflections r = reflections_of(op, wide(op, "self"));
  return {op.cast_like(r.vectors, op["self"]), op.cast_like(r.factors, op["self"])};
}

// aten::linalg_householder_product(Tensor input, Tensor tau) -> Tensor
// aten::orgqr(Tensor self, Tensor input2) -> Tensor
Value householder_product(Op& op) {
  const bool old = op.has("input2");
  const Value given = old ? op["self"] : op["input"];
  const Reflections r{op.cast(given, DType::f64), wide(op, old ? "input2" : "tau")};
  return op.cast_like(product_of(op, r, op.dim(given, -1)), given);
}

// aten::linalg_qr(Tensor A, str mode='reduced') -> (Tensor Q, Tensor R)
Values qr(Op& op) {
  const Value a = op["A"];
  const std::string mode = op.string("mode", "reduced");
  const Reflections r = reflections_of(op, wide(op, "A"));
  Value rows = op.dim(a, -2), count = mode == "complete" ? rows : op.Min({rows, op.dim(a, -1)});
  Value upper = op.Trilu(op.slice(r.vectors, a.rank() - 2, op.constant(0), count), {}, {attr::upper(1)});
  Value q = mode == "r" ? op.full(op.ints({0}), 0, DType::f64) : product_of(op, r, count);
  return {op.cast_like(q, a), op.cast_like(upper, a)};
}

}  // namespace

Mappings factorization() {
  return {
      {"aten::linalg_inv_ex", inv_ex},
      {"aten::linalg_inv", inv},
      {"aten::inverse", inv},
      {"aten::linalg_lu_factor_ex", lu_factor_ex},
      {"aten::linalg_lu_factor", lu_factor},
      {"aten::linalg_lu", lu},
      {"aten::lu_unpack", lu_unpack},
      {"aten::linalg_lu_solve", lu_solve},
      {"aten::_linalg_solve_ex", solve_ex},
      {"aten::_linalg_slogdet", slogdet},
      {"aten::logdet", logdet},
      {"aten::linalg_solve_triangular", triangular},
      {"aten::triangular_solve", triangular_solve},
      {"aten::linalg_cholesky_ex", cholesky_ex},
      {"aten::linalg_cholesky", cholesky},
      {"aten::cholesky", cholesky},
      {"aten::cholesky_inverse", cholesky_inverse},
      {"aten::cholesky_solve", cholesky_solve},
      {"aten::_cholesky_solve_helper", cholesky_solve},
      {"aten::geqrf", geqrf},
      {"aten::linalg_householder_product", householder_product},
      {"aten::orgqr", householder_product},
      {"aten::linalg_qr", qr},
  };
}

}  // namespace onnxport::aten
