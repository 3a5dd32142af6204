// Singular values and eigenvalues, and what is made of them alone. The vectors are not given: their signs are
// a matter of the library that computes them.
#include "families.hpp"
#include "matrices.hpp"

namespace onnxport::aten {
namespace {

constexpr int64_t sweeps = 12;  // Jacobi's converge quadratically: enough for f64
constexpr int64_t most_columns = 64;

// A matrix with orthogonal columns, and the rotation that made it of the one given.
struct Rotated {
  Value columns, rotation;
};

// One rotation of two columns: [p, q] * [[c, s], [-s, c]].
std::pair<Value, Value> turned(const Value& p, const Value& q, const Value& c, const Value& s) {
  return {p * c - q * s, p * s + q * c};
}

Value with_columns(Op& op, const Value& m, const Value& p, const Value& q,
                   const std::pair<Value, Value>& pq) {
  Value columns = column_indices(op, m);
  return op.Where(columns == p, as_column(op, pq.first), op.Where(columns == q, as_column(op, pq.second), m));
}

// Jacobi's method: the columns of `a`, two by two, are turned until all are orthogonal.
Rotated orthogonalized(Op& op, const Value& a) {
  const int64_t n = op.static_size(a, a.rank() - 1);
  op.require(n <= most_columns, "singular values of more than 64 columns");
  std::vector<int64_t> firsts, seconds;
  for (int64_t p = 0; p < n; ++p) {
    for (int64_t q = p + 1; q < n; ++q) {
      firsts.push_back(p);
      seconds.push_back(q);
    }
  }
  Value unit = expand_batch(op, identity_matrix(op, op.constant(n), op.constant(n)), a);
  if (firsts.empty() || is_empty(a)) return {a, unit};
  const auto pairs = static_cast<int64_t>(firsts.size());
  const auto product = [&](const Value& x, const Value& y) {
    return op.ReduceSum(x * y, op.ints({-1}), {attr::keepdims(1)});
  };
  const auto step = [&](const Value& i, const Values& s, Value&) -> Values {
    Value k = op.Mod(i, op.constant(pairs));
    Value p = op.Gather(op.ints(firsts), k), q = op.Gather(op.ints(seconds), k);
    Value x = last(op, s[0], p), y = last(op, s[0], q), both = product(x, y);
    Value ratio = (product(y, y) - product(x, x)) / (both * 2);
    Value root = 1 / (op.Abs(ratio) + op.Sqrt(ratio * ratio + 1));
    Value tangent = op.Where(both == 0, op.like(both, 0), op.Where(ratio < 0, -root, root));
    Value cosine = 1 / op.Sqrt(tangent * tangent + 1), sine = cosine * tangent;
    const auto rotated = [&](const Value& m) {
      return with_columns(op, m, p, q, turned(last(op, m, p), last(op, m, q), cosine, sine));
    };
    return {rotated(s[0]), rotated(s[1])};
  };
  Values out = op.loop(op.constant(sweeps * pairs), {a, unit}, step);
  return {out[0], out[1]};
}

Value wide(Op& op, const Value& x) {
  op.require(is_floating(x.dtype()), "singular values of other than real matrices");
  return op.cast(x, DType::f64);
}

// With no more columns than rows: the singular values are the same.
Value upright(Op& op, const Value& a) {
  return op.static_size(a, a.rank() - 2) < op.static_size(a, a.rank() - 1) ? op.transpose(a, -2, -1) : a;
}

// The greatest first.
Value singular_values_of(Op& op, const Value& a) {
  Value lengths = op.ReduceL2(orthogonalized(op, upright(op, a)).columns, op.ints({-2}), {attr::keepdims(0)});
  return op.TopK(lengths, op.shape({op.dim(lengths, -1)}), {attr::axis(-1)}).Values;
}

// aten::_linalg_svd(Tensor A, bool full_matrices=False, bool compute_uv=True, *, str? driver=None) -> (Tensor U,
//     Tensor S, Tensor Vh)
Values svd(Op& op) {
  op.require(!op.is_used(0) && !op.is_used(2), "singular vectors, whose signs libraries do not agree on");
  return {{}, op.cast_like(singular_values_of(op, wide(op, op["A"])), op["A"]), {}};
}

// aten::linalg_svdvals(Tensor A, *, str? driver=None) -> Tensor
Value svdvals(Op& op) { return op.cast_like(singular_values_of(op, wide(op, op["A"])), op["A"]); }

// Symmetric, of the one triangle that is read.
Value symmetric(Op& op, const Value& a) {
  const bool upper = op.string("UPLO", "L") == "U";
  Value triangle = op.Trilu(a, {}, {attr::upper(upper)});
  Value other = op.Trilu(a, op.constant(upper ? 1 : -1), {attr::upper(upper)});
  return triangle + op.transpose(other, -2, -1);
}

// The least first: as singular values, the matrix shifted so far that no eigenvalue is negative.
Value eigenvalues_of(Op& op, const Value& given) {
  Value a = symmetric(op, given), size = op.dim(a, -1);
  if (is_empty(a)) return batched_zeros(op, a, 2, {size});
  Value shift =
      op.ReduceMax(op.ReduceL1(a, op.ints({-1}), {attr::keepdims(1)}), op.ints({-2}), {attr::keepdims(1)});
  Value values = singular_values_of(op, a + identity_matrix(op, size, size) * shift);
  Value rising = op.Gather(values, size - 1 - op.arange(size), {attr::axis(-1)});
  return rising - op.squeeze(shift, {-1});
}

// aten::_linalg_eigh(Tensor A, str UPLO="L", bool compute_v=True) -> (Tensor eigenvalues, Tensor eigenvectors)
Values eigh(Op& op) {
  op.require(!op.is_used(1), "eigenvectors, whose signs libraries do not agree on");
  return {op.cast_like(eigenvalues_of(op, wide(op, op["A"])), op["A"]), {}};
}

// aten::linalg_eigvalsh(Tensor self, str UPLO="L") -> Tensor
Value eigvalsh(Op& op) { return op.cast_like(eigenvalues_of(op, wide(op, op["self"])), op["self"]); }

double epsilon(DType t) { return t == DType::f64 ? 2.220446049250313e-16 : 1.1920928955078125e-07; }

// What counts as zero beside the greatest singular value.
Value tolerance(Op& op, const Value& a, const Value& greatest, DType t) {
  Value least = op.has("atol") ? op.as("atol", DType::f64) : op.like(greatest, 0);
  if (least.rank() > 0) least = op.unsqueeze(least, {least.rank()});
  if (op.has("rtol")) {
    Value relative = op.as("rtol", DType::f64);
    if (relative.rank() > 0) relative = op.unsqueeze(relative, {relative.rank()});
    return op.Max({least, relative * greatest});
  }
  const int64_t size = std::max(op.static_size(a, a.rank() - 2), op.static_size(a, a.rank() - 1));
  Value usual = greatest * (epsilon(t) * static_cast<double>(size));
  return op.has("atol") ? op.Where(least > 0, least, usual) : usual;
}

// aten::linalg_pinv.atol_rtol_tensor(Tensor self, *, Tensor? atol=None, Tensor? rtol=None,
//     bool hermitian=False) -> Tensor
// The columns a v being orthogonal, the inverse is v (a v)' with each divided by its length twice.
Value pinv(Op& op) {
  op.require(!op.boolean("hermitian", false), "the pseudo-inverse of one triangle");
  const Value self = op["self"];
  Value a = wide(op, self), tall = upright(op, a);
  if (is_empty(a)) return op.cast_like(op.transpose(a, -2, -1), self);
  const bool lies = op.static_size(a, a.rank() - 2) < op.static_size(a, a.rank() - 1);
  const Rotated r = orthogonalized(op, tall);
  Value lengths = op.ReduceL2(r.columns, op.ints({-2}), {attr::keepdims(0)});
  Value greatest = op.ReduceMax(lengths, op.ints({-1}), {attr::keepdims(1)});
  Value counts = lengths > tolerance(op, a, greatest, self.dtype());
  Value inverse = op.Where(counts, 1 / (lengths * lengths), op.like(lengths, 0));
  Value out = op.MatMul(r.rotation * as_row(op, inverse), op.transpose(r.columns, -2, -1));
  return op.cast_like(lies ? op.transpose(out, -2, -1) : out, self);
}

}  // namespace

Mappings eigenvalues() {
  return {
      {"aten::_linalg_svd", svd},
      {"aten::linalg_svdvals", svdvals},
      {"aten::_linalg_eigh", eigh},
      {"aten::linalg_eigvalsh", eigvalsh},
      {"aten::linalg_pinv.atol_rtol_tensor", pinv},
  };
}

}  // namespace onnxport::aten
