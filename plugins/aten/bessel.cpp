// Bessel and Airy functions and the window made of one, by Cephes' approximations: a quotient of polynomials, or a Chebyshev series, for
// each range of the argument.
#include "families.hpp"
#include "numerics.hpp"
#include "special.hpp"

namespace onnxport::aten {
namespace {

using namespace tables;

constexpr double two_over_pi = 2 / pi;
const double root_two_over_pi = std::sqrt(2 / pi);

// The parts of Hankel's expansion at x > 5: amplitudes of the cosine and of the sine of x - phase.
struct Hankel {
  const Coefficients &pp, &pq, &qp, &qq;
  double phase;
};
const Hankel order0{j0_pp, j0_pq, j0_qp, j0_qq, pi / 4};
const Hankel order1{j1_pp, j1_pq, j1_qp, j1_qq, 3 * pi / 4};

Value far_away(Op& op, const Value& x, const Hankel& h, bool second_kind) {
  Value z = 25 / (x * x), angle = x - h.phase;
  Value p = quotient(op, z, h.pp, h.pq), q = 5 / x * quotient(op, z, h.qp, h.qq);
  Value wave = second_kind ? p * op.Sin(angle) + q * op.Cos(angle) : p * op.Cos(angle) - q * op.Sin(angle);
  return wave * root_two_over_pi / op.Sqrt(x);
}

Value j0(Op& op, const Value& given) {
  Value x = op.Abs(given), square = x * x;
  Value near = (square - 5.78318596294678452118) * (square - 30.4712623436620863991) *
               quotient(op, square, j0_rp, j0_rq);
  return op.Where(x <= 5, near, far_away(op, x, order0, false));
}

Value j1(Op& op, const Value& given) {
  Value x = op.Abs(given), square = x * x;
  Value near = quotient(op, square, j1_rp, j1_rq) * x * (square - 14.6819706421238932572) *
               (square - 49.2184563216946036703);
  Value out = op.Where(x <= 5, near, far_away(op, x, order1, false));
  return op.Where(given < 0, -out, out);
}

Value y0(Op& op, const Value& x) {
  Value near = quotient(op, x * x, y0_yp, y0_yq) + op.Log(x) * two_over_pi * j0(op, x);
  return op.Where(x <= 5, near, far_away(op, x, order0, true));
}

Value y1(Op& op, const Value& x) {
  Value near = x * quotient(op, x * x, y1_yp, y1_yq) + (j1(op, x) * op.Log(x) - 1 / x) * two_over_pi;
  Value out = op.Where(x <= 5, near, far_away(op, x, order1, true));
  return op.Where(x == 0, op.like(x, -infinity), out);
}

// exp(-|x|) times the modified function of order 0.
Value i0_scaled(Op& op, const Value& given) {
  Value x = op.Abs(given);
  return op.Where(x <= 8, chebyshev_series(op, x / 2 - 2, i0_a),
                  chebyshev_series(op, 32 / x - 2, i0_b) / op.Sqrt(x));
}

// exp(-|x|) times the modified function of order 1.
Value i1_scaled(Op& op, const Value& given) {
  Value x = op.Abs(given);
  Value out = op.Where(x <= 8, chebyshev_series(op, x / 2 - 2, i1_a) * x,
                       chebyshev_series(op, 32 / x - 2, i1_b) / op.Sqrt(x));
  return op.Where(given < 0, -out, out);
}

Value i0(Op& op, const Value& x) { return op.Exp(op.Abs(x)) * i0_scaled(op, x); }

Value i1(Op& op, const Value& x) { return op.Exp(op.Abs(x)) * i1_scaled(op, x); }

// A function of the second kind on either side of 2, the far side times exp(x); both, if `scaled`.
Value second_kind(Op& op, const Value& x, const Value& near, const Coefficients& far, bool is_scaled) {
  Value beyond = chebyshev_series(op, 8 / x - 2, far) / op.Sqrt(x);
  Value out =
      is_scaled ? op.Where(x <= 2, near * op.Exp(x), beyond) : op.Where(x <= 2, near, beyond * op.Exp(-x));
  return op.Where(x == 0, op.like(x, infinity), out);
}

template <bool is_scaled>
Value k0(Op& op, const Value& x) {
  Value near = chebyshev_series(op, x * x - 2, k0_a) - op.Log(x / 2) * i0(op, x);
  return second_kind(op, x, near, k0_b, is_scaled);
}

template <bool is_scaled>
Value k1(Op& op, const Value& x) {
  Value near = op.Log(x / 2) * i1(op, x) + chebyshev_series(op, x * x - 2, k1_a) / x;
  return second_kind(op, x, near, k1_b, is_scaled);
}

Value spherical_j0(Op& op, const Value& x) {
  Value out = op.Where(x == 0, op.like(x, 1), op.Sin(x) / x);
  return op.Where(op.IsInf(x), op.like(x, 0), out);
}

// The two power series of Airy's equation at the origin.
Value airy_near(Op& op, const Value& x) {
  constexpr int terms = 20;
  Coefficients f(terms), g(terms);
  f[terms - 1] = 1, g[terms - 1] = 1;
  for (int k = 1; k < terms; ++k) {
    f[terms - 1 - k] = f[terms - k] / ((3.0 * k - 1) * (3.0 * k));
    g[terms - 1 - k] = g[terms - k] / ((3.0 * k) * (3.0 * k + 1));
  }
  Value cube = x * x * x;
  return horner(op, cube, f) * 0.355028053887817239260 - x * horner(op, cube, g) * 0.258819403792806798405;
}

Value airy_ai(Op& op, const Value& x) {
  const double root = 1 / std::sqrt(pi);
  Value size = op.Abs(x), fourth_root = op.Sqrt(op.Sqrt(size)), zeta = size * op.Sqrt(size) * (2.0 / 3);
  Value z = 1 / zeta, square = z * z, angle = zeta + pi / 4;
  Value left = (op.Sin(angle) * (1 + square * quotient(op, square, airy_afn, airy_afd)) -
                op.Cos(angle) * z * quotient(op, square, airy_agn, airy_agd)) *
               root / fourth_root;
  Value right = quotient(op, z, airy_an, airy_ad) * (root / 2) * op.Exp(-zeta) / fourth_root;
  Value out = op.Where(x < -2.09, left, op.Where(x >= 2.09, right, airy_near(op, x)));
  return op.Where(op.IsInf(x), op.like(x, std::nan("")), op.Where(x > 103.892, op.like(x, 0), out));
}

// aten::kaiser_window(int window_length, *, ScalarType? dtype=None, …) -> Tensor
// aten::kaiser_window.periodic(int window_length, bool periodic, *, ScalarType? dtype=None, …) -> Tensor
// aten::kaiser_window.beta(int window_length, bool periodic, float beta, *, ScalarType? dtype=None, …) -> Tensor
Value kaiser_window(Op& op) {
  const double beta = op.real("beta", 12.0);
  Value length = op["window_length"];
  Value span = op.boolean("periodic", true) ? length : op.Max({length - 1, op.constant(1)});
  Value x = op.cast(op.arange(length), DType::f64) * 2 / op.cast(span, DType::f64) - 1;
  Value window = i0(op, op.Sqrt(1 - x * x) * beta) / i0(op, op.constant(beta, DType::f64));
  return op.cast(op.Where(length == 1, op.like(window, 1), window), op.dtype("dtype", DType::f32));
}

}  // namespace

Mappings bessel() {
  return {
      {"aten::kaiser_window", kaiser_window},
      {"aten::special_bessel_j0", in_double<j0>},
      {"aten::special_bessel_j1", in_double<j1>},
      {"aten::special_bessel_y0", in_double<y0>},
      {"aten::special_bessel_y1", in_double<y1>},
      {"aten::i0", in_double<i0>},
      {"aten::special_i0", in_double<i0>},
      {"aten::special_i0e", in_double<i0_scaled>},
      {"aten::special_i1", in_double<i1>},
      {"aten::special_i1e", in_double<i1_scaled>},
      {"aten::special_modified_bessel_i0", in_double<i0>},
      {"aten::special_modified_bessel_i1", in_double<i1>},
      {"aten::special_modified_bessel_k0", in_double<k0<false>>},
      {"aten::special_modified_bessel_k1", in_double<k1<false>>},
      {"aten::special_scaled_modified_bessel_k0", in_double<k0<true>>},
      {"aten::special_scaled_modified_bessel_k1", in_double<k1<true>>},
      {"aten::special_spherical_bessel_j0", in_double<spherical_j0>},
      {"aten::special_airy_ai", in_double<airy_ai>},
  };
}

}  // namespace onnxport::aten
