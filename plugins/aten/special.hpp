// What special functions are made of. They are computed as f64: their parts cancel.
#pragma once

#include "onnxport/plugin.hpp"
#include "special_tables.hpp"

namespace onnxport::aten {

// f of the one argument, in its floating type.
template <Value (*f)(Op&, const Value&)>
Value in_double(Op& op) {
  Value x = op.promoted_to_float(op.has("self") ? "self" : "x");
  return op.cast_like(f(op, op.cast(x, DType::f64)), x);
}

// A polynomial, the coefficient of the highest power first.
inline Value horner(Op& op, const Value& x, const tables::Coefficients& c) {
  Value out = op.like(x, c.front());
  for (size_t i = 1; i < c.size(); ++i) out = out * x + c[i];
  return out;
}

inline Value quotient(Op& op, const Value& x, const tables::Coefficients& above,
                      const tables::Coefficients& below) {
  return horner(op, x, above) / horner(op, x, below);
}

// A series of Chebyshev polynomials, by Clenshaw's recurrence: at x between -2 and 2, the highest order first.
inline Value chebyshev_series(Op& op, const Value& x, const tables::Coefficients& c) {
  Value before = op.like(x, 0), last = before, sum = op.like(x, c.front());
  for (size_t i = 1; i < c.size(); ++i) {
    before = last;
    last = sum;
    sum = x * last - before + c[i];
  }
  return (sum - before) * 0.5;
}

}  // namespace onnxport::aten
