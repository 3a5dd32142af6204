// Orthogonal polynomials, each by its recurrence.
#include "families.hpp"
#include "reductions.hpp"

namespace onnxport::aten {
namespace {

// The polynomial of degree 1, and that of degree k + 1 from those of degree k and k - 1.
using First = Value (*)(Op&, const Value& x);
using Next = Value (*)(Op&, const Value& x, const Value& k, const Value& at_k, const Value& before);

// The greatest degree that torch computes of Hermite's polynomials; NaN beyond.
double hermite_limit(DType t) { return t == DType::f64 ? 512 : 128; }

Value polynomial(Op& op, First first, Next next, bool shifted, bool limited) {
  auto [given, degree] = op.promoted_to_float("x", "n");
  const DType t = given.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const auto shaped = op.broadcast_tensors(op.cast(given, t), op.trunc(op.cast(degree, t)));
  Value x = shaped.first, n = shaped.second;
  if (shifted) x = x * 2 - 1;
  Value one = op.Expand(op.like(x, 1), op.shape_of(x)), linear = first(op, x);
  Value top = op.Clip(op.Where(op.IsNaN(n), op.like(n, 0), n), op.like(n, 1), op.like(n, 100000));
  Value steps = max_or(op, op.cast(top, DType::i64), 1) - 1;
  const auto step = [&](const Value& i, const Values& s, Value&) -> Values {
    Value k = op.cast_like(i, x) + 1;
    Value on = (k < n) & ~op.IsNaN(s[1]);
    return {op.Where(on, s[1], s[0]), op.Where(on, next(op, x, k, s[1], s[0]), s[1])};
  };
  Value out = op.loop(steps, {one, linear}, step)[1];
  out = op.Where(n < 1, op.Where(n < 0, op.like(x, 0), op.like(x, 1)), out);
  if (limited) out = op.Where(n > hermite_limit(t), op.like(x, std::nan("")), out);
  return op.cast_like(out, given);
}

Value chebyshev_next(Op&, const Value& x, const Value&, const Value& at_k, const Value& before) {
  return x * 2 * at_k - before;
}

// aten::special_chebyshev_polynomial_t(Tensor x, Tensor n) -> Tensor
Value chebyshev_t(Op& op, bool shifted) {
  return polynomial(
      op, [](Op& o, const Value& x) { return o.Identity(x); }, chebyshev_next, shifted, false);
}

// aten::special_chebyshev_polynomial_u(Tensor x, Tensor n) -> Tensor
Value chebyshev_u(Op& op, bool shifted) {
  return polynomial(
      op, [](Op&, const Value& x) { return x * 2; }, chebyshev_next, shifted, false);
}

// aten::special_chebyshev_polynomial_v(Tensor x, Tensor n) -> Tensor
Value chebyshev_v(Op& op, bool shifted) {
  return polynomial(
      op, [](Op&, const Value& x) { return x * 2 - 1; }, chebyshev_next, shifted, false);
}

// aten::special_chebyshev_polynomial_w(Tensor x, Tensor n) -> Tensor
Value chebyshev_w(Op& op, bool shifted) {
  return polynomial(
      op, [](Op&, const Value& x) { return x * 2 + 1; }, chebyshev_next, shifted, false);
}

// On -1 to 1, or shifted to 0 to 1: aten::special_shifted_chebyshev_polynomial_t(Tensor x, Tensor n) -> Tensor
template <Value (*kind)(Op&, bool), bool shifted>
Value chebyshev(Op& op) {
  return kind(op, shifted);
}

// aten::special_hermite_polynomial_h(Tensor x, Tensor n) -> Tensor
Value hermite_h(Op& op) {
  const Next next = [](Op&, const Value& x, const Value& k, const Value& at_k, const Value& before) {
    return x * 2 * at_k - k * 2 * before;
  };
  return polynomial(
      op, [](Op&, const Value& x) { return x * 2; }, next, false, true);
}

// aten::special_hermite_polynomial_he(Tensor x, Tensor n) -> Tensor
Value hermite_he(Op& op) {
  const Next next = [](Op&, const Value& x, const Value& k, const Value& at_k, const Value& before) {
    return x * at_k - k * before;
  };
  return polynomial(
      op, [](Op& o, const Value& x) { return o.Identity(x); }, next, false, true);
}

// aten::special_laguerre_polynomial_l(Tensor x, Tensor n) -> Tensor
Value laguerre(Op& op) {
  const Next next = [](Op&, const Value& x, const Value& k, const Value& at_k, const Value& before) {
    return ((k * 2 + 1 - x) * at_k - k * before) / (k + 1);
  };
  return polynomial(
      op, [](Op&, const Value& x) { return 1 - x; }, next, false, false);
}

// aten::special_legendre_polynomial_p(Tensor x, Tensor n) -> Tensor
Value legendre(Op& op) {
  const Next next = [](Op&, const Value& x, const Value& k, const Value& at_k, const Value& before) {
    return ((k * 2 + 1) * x * at_k - k * before) / (k + 1);
  };
  return polynomial(
      op, [](Op& o, const Value& x) { return o.Identity(x); }, next, false, false);
}

}  // namespace

Mappings polynomial() {
  return {
      {"aten::special_chebyshev_polynomial_t", chebyshev<chebyshev_t, false>},
      {"aten::special_chebyshev_polynomial_u", chebyshev<chebyshev_u, false>},
      {"aten::special_chebyshev_polynomial_v", chebyshev<chebyshev_v, false>},
      {"aten::special_chebyshev_polynomial_w", chebyshev<chebyshev_w, false>},
      {"aten::special_shifted_chebyshev_polynomial_t", chebyshev<chebyshev_t, true>},
      {"aten::special_shifted_chebyshev_polynomial_u", chebyshev<chebyshev_u, true>},
      {"aten::special_shifted_chebyshev_polynomial_v", chebyshev<chebyshev_v, true>},
      {"aten::special_shifted_chebyshev_polynomial_w", chebyshev<chebyshev_w, true>},
      {"aten::special_hermite_polynomial_h", hermite_h},
      {"aten::special_hermite_polynomial_he", hermite_he},
      {"aten::special_laguerre_polynomial_l", laguerre},
      {"aten::special_legendre_polynomial_p", legendre},
  };
}

}  // namespace onnxport::aten
