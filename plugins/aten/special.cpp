// The gamma, zeta and error functions and what is made of them.
#include "special.hpp"
#include "reductions.hpp"

#include "families.hpp"

namespace onnxport::aten {
namespace {

// sin(pi x) has its zeros where x has no fraction, which rounding would hide.
Value fraction(Op& op, const Value& x) { return x - op.Floor(x); }

// The logarithm of |gamma| by Lanczos' approximation, and by reflection left of 1/2.
Value log_gamma(Op& op, const Value& x) {
  constexpr double lanczos[] = {0.99999999999980993,  676.5203681218851,     -1259.1392167224028,
                                771.32342877765313,   -176.61502916214059,   12.507343278686905,
                                -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7};
  Value z = op.Where(x < 0.5, 1 - x, x);
  Value sum = op.like(x, lanczos[0]);
  for (int i = 1; i < 9; ++i) sum = sum + lanczos[i] / (z + (i - 1.0));
  Value shifted = z + 6.5;
  Value right = (z - 0.5) * op.Log(shifted) - shifted + op.Log(sum) + 0.5 * std::log(2 * pi);
  Value left = op.Log(pi / op.Sin(fraction(op, x) * pi)) - right;
  return op.Where(op.IsInf(x), op.like(x, infinity), op.Where(x < 0.5, left, right));
}

// The logarithmic derivative of gamma: by its recurrence to where the asymptotic series holds.
Value digamma(Op& op, const Value& x) {
  Value z = op.Where(x < 0.5, 1 - x, x), skipped = 1 / z;
  for (int i = 1; i < 10; ++i) skipped = skipped + 1 / (z + static_cast<double>(i));
  Value w = z + 10, inverse_square = 1 / (w * w);
  Value series = horner(op, inverse_square, {-1.0 / 132, 1.0 / 240, -1.0 / 252, 1.0 / 120, -1.0 / 12, 0});
  Value right = op.Log(w) - 0.5 / w + series - skipped;
  Value angle = fraction(op, x) * pi;
  Value left = right - op.Cos(angle) * pi / op.Sin(angle);
  Value pole = (x < 0) & (x == op.Floor(x));
  return op.Where(pole, op.like(x, std::nan("")), op.Where(x < 0.5, left, right));
}

// Hurwitz' sum of (q + k)^-x: the first terms one by one, the others by Euler and Maclaurin's formula.
Value hurwitz(Op& op, const Value& given_x, const Value& given_q) {
  auto [x, q] = op.broadcast_tensors(given_x, given_q);
  Value far = op.Where(op.isfinite(q), op.Floor(9 - q), op.like(q, 0)) + 1;
  Value steps = max_or(op, op.cast(op.Clip(far, op.like(q, 0), op.like(q, 100000)), DType::i64), 9);
  const Value exponent = -x;
  const auto step = [&](const Value& i, const Values& s, Value&) -> Values {
    Value more = (i < 9) | (s[1] <= 9), next = op.Where(more, s[1] + 1, s[1]);
    return {op.Where(more, s[0] + op.Pow(next, exponent), s[0]), next};
  };
  Values summed = op.loop(steps, {op.Pow(q, exponent), q}, step);
  Value sum = summed[0], w = summed[1], b = op.Pow(w, exponent);
  Value tail = b * w / (x - 1) - b * 0.5, factor = op.like(x, 1);
  const Value small = b < op.Abs(sum) * 1e-17;
  for (int i = 0; i < 12; ++i) {
    factor = factor * (x + 2.0 * i);
    b = b / w;
    tail = tail + factor * b / tables::zeta_a[static_cast<size_t>(i)];
    factor = factor * (x + (2.0 * i + 1));
    b = b / w;
  }
  Value out = op.Where(small, sum, sum + tail);
  const Value not_a_number = op.like(x, std::nan("")), endless = op.like(x, infinity);
  Value odd = (q <= 0) & ~(x == op.Floor(x));
  out = op.Where(odd, not_a_number, out);
  out = op.Where((q <= 0) & (q == op.Floor(q)), endless, out);
  return op.Where(x == 1, endless, op.Where(x < 1, not_a_number, out));
}

// aten::special_zeta(Tensor self, Tensor other) -> Tensor
Value zeta(Op& op) {
  auto [self, other] = op.promoted_to_float("self", "other");
  return op.cast_like(hurwitz(op, op.cast(self, DType::f64), op.cast(other, DType::f64)), self);
}

// The derivative of digamma, by reflection left of 1/2.
Value trigamma(Op& op, const Value& x) {
  Value right = hurwitz(op, op.like(x, 2), op.Where(x < 0.5, 1 - x, x));
  Value sine = op.Sin(fraction(op, x) * pi) / pi;
  return op.Where(x < 0.5, 1 / (sine * sine) - right, right);
}

// aten::polygamma(int n, Tensor self) -> Tensor
Value polygamma(Op& op) {
  const int64_t n = op.integer("n");
  if (n == 0) return in_double<digamma>(op);
  if (n == 1) return in_double<trigamma>(op);
  Value self = op.promoted_to_float("self");
  Value x = op.cast(self, DType::f64);
  const double factorial = std::tgamma(static_cast<double>(n) + 1) * (n % 2 == 1 ? 1 : -1);
  return op.cast_like(hurwitz(op, op.like(x, static_cast<double>(n) + 1), x) * factorial, self);
}

// The sum of x^k / (a (a + 1) … (a + k)).
Value lower_series(Op& op, const Value& a, const Value& x) {
  const auto step = [&](const Value& i, const Values& s, Value& go_on) -> Values {
    Value term = s[0] * x / (a + (op.cast(i, DType::f64) + 1)), sum = s[1] + term;
    go_on = op.any(term > sum * 1e-16);
    return {term, sum};
  };
  Value first = 1 / a + x * 0;
  return op.loop(op.constant(10000), {first, first}, step)[1];
}

// The continued fraction of the upper function, by Lentz' method.
Value upper_fraction(Op& op, const Value& a, const Value& x) {
  const auto step = [&](const Value& i, const Values& s, Value& go_on) -> Values {
    Value k = op.cast(i, DType::f64) + 1, b = x + 1 - a + k * 2, numerator = k * (a - k);
    Value c = b + numerator / s[0], d = 1 / (b + numerator * s[1]), factor = c * d;
    go_on = op.any(op.Abs(factor - 1) > 1e-15);
    return {c, d, s[2] * factor};
  };
  Value b = x + 1 - a;
  return op.loop(op.constant(10000), {b * 0 + 1e300, 1 / b, 1 / b}, step)[2];
}

// The regularized incomplete gamma functions: the lower is the series where x is small, the upper the
// fraction where it is large, and they make one.
Value incomplete_gamma(Op& op, bool upper) {
  auto [self, other] = op.promoted_to_float("self", "other");
  auto [a, x] = op.broadcast_tensors(op.cast(self, DType::f64), op.cast(other, DType::f64));
  const Value usual = (a > 0) & (x > 0) & op.isfinite(a) & op.isfinite(x);
  const Value one = op.like(a, 1), zero = op.like(a, 0), not_a_number = op.like(a, std::nan(""));
  Value order = op.Where(usual, a, one), at = op.Where(usual, x, one);
  Value small = at <= order + 1;
  Value factor = op.Exp(order * op.Log(at) - at - log_gamma(op, order));
  Value lower = factor * lower_series(op, order, op.Where(small, at, zero));
  Value higher = factor * upper_fraction(op, order, op.Where(small, order + 2, at));
  Value out = upper ? op.Where(small, 1 - lower, higher) : op.Where(small, lower, 1 - higher);
  const Value none = upper ? one : zero, all = upper ? zero : one;
  Value edge = op.Where(op.IsInf(x) | (a == 0), all, none);
  Value undefined =
      (a < 0) | (x < 0) | op.IsNaN(a) | op.IsNaN(x) | ((a == 0) & (x == 0)) | (op.IsInf(a) & op.IsInf(x));
  out = op.Where(undefined, not_a_number, op.Where(usual, out, edge));
  return op.cast_like(out, self);
}

// aten::igamma(Tensor self, Tensor other) -> Tensor
Value igamma(Op& op) { return incomplete_gamma(op, false); }

// aten::igammac(Tensor self, Tensor other) -> Tensor
Value igammac(Op& op) { return incomplete_gamma(op, true); }

// exp(x^2) (1 - erf(x)), of which exp(x^2) is no part where x is large.
Value erfcx(Op& op, const Value& x) {
  const Value half = op.like(x, 0.5), size = op.Abs(x), square = x * x, one = op.like(x, 1);
  const Value small = size < 1.2;
  Value order = op.Expand(half, op.shape_of(x)), scale = size / std::sqrt(pi);
  Value near = op.Exp(square) - scale * lower_series(op, order, op.Where(small, square, one));
  Value far = scale * upper_fraction(op, order, op.Where(small, one * 2, square));
  Value right = op.Where(op.IsInf(x), op.like(x, 0), op.Where(small, near, far));
  return op.Where(x < 0, op.Exp(square) * 2 - right, right);
}

// The logarithm of the normal distribution's function.
Value log_ndtr(Op& op, const Value& x) {
  Value t = x / std::sqrt(2.0), scaled = erfcx(op, op.Abs(t)), square = t * t;
  Value tail = scaled * op.Exp(-square) / 2;  // of the side that is further away
  return op.Where(x < -1, op.Log(scaled / 2) - square, op.Log(op.Where(x < 0, tail, 1 - tail)));
}

// The inverse of the normal distribution's function.
Value ndtri(Op& op, const Value& p) {
  using namespace tables;
  Value far = p > 1 - std::exp(-2.0), tail = op.Where(far, 1 - p, p);
  Value y = tail - 0.5, square = y * y;
  Value middle = (y + y * square * quotient(op, square, ndtri_p0, ndtri_q0)) * std::sqrt(2 * pi);
  Value x = op.Sqrt(op.Log(tail) * -2), z = 1 / x;
  Value correction =
      op.Where(x < 8, z * quotient(op, z, ndtri_p1, ndtri_q1), z * quotient(op, z, ndtri_p2, ndtri_q2));
  Value outer = x - op.Log(x) / x - correction;
  Value out = op.Where(tail > std::exp(-2.0), middle, op.Where(far, outer, -outer));
  out = op.Where(p == 0, op.like(p, -infinity), op.Where(p == 1, op.like(p, infinity), out));
  return op.Where((p < 0) | (p > 1), op.like(p, std::nan("")), out);
}

// The inverse of the error function, which is the same in other units.
Value erfinv(Op& op, const Value& x) { return ndtri(op, (x + 1) / 2) / std::sqrt(2.0); }

// aten::special_entr(Tensor self) -> Tensor
Value entr(Op& op) {
  Value x = op.promoted_to_float("self");
  return op.Where(x < 0, op.like(x, -infinity), -times_log(op, x, op.Log(x)));
}

}  // namespace

Mappings special() {
  return {
      {"aten::lgamma", in_double<log_gamma>},
      {"aten::special_gammaln", in_double<log_gamma>},
      {"aten::digamma", in_double<digamma>},
      {"aten::special_digamma", in_double<digamma>},
      {"aten::special_psi", in_double<digamma>},
      {"aten::polygamma", polygamma},
      {"aten::special_polygamma", polygamma},
      {"aten::special_zeta", zeta},
      {"aten::igamma", igamma},
      {"aten::special_gammainc", igamma},
      {"aten::igammac", igammac},
      {"aten::special_gammaincc", igammac},
      {"aten::special_ndtri", in_double<ndtri>},
      {"aten::erfinv", in_double<erfinv>},
      {"aten::special_erfinv", in_double<erfinv>},
      {"aten::special_entr", entr},
      {"aten::special_erfcx", in_double<erfcx>},
      {"aten::special_log_ndtr", in_double<log_ndtr>},
  };
}

}  // namespace onnxport::aten
