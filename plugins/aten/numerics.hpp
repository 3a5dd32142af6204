// Constants and elementwise functions that several families share.
#pragma once

#include <cmath>
#include <limits>

#include "onnxport/plugin.hpp"

namespace onnxport::aten {

inline constexpr double pi = 3.14159265358979323846;
inline constexpr double ln2 = 0.69314718055994530942;
inline constexpr double ln10 = 2.30258509299404568402;
inline constexpr double infinity = std::numeric_limits<double>::infinity();

// The angle of (x, y), in [-pi, pi]: the arc tangent of y / x in the right half plane, half a turn away from
// it in the left one.
inline Value angle_of(Op& op, const Value& x, const Value& y) {
  Value right = op.Atan(y / x);
  Value half_turn = op.Where(y < 0, op.like(y, -pi), op.like(y, pi));
  Value angle = op.Where(x < 0, right + half_turn, right);
  return op.Where((x == 0) & (y == 0), op.like(y, 0), angle);
}

// False everywhere, in the shape of `x`.
inline Value false_like(Op& op, const Value& x) { return op.full_like(x, 0, DType::boolean); }

// Where the sign is negative, that of a negative zero too.
inline Value sign_bit(Op& op, const Value& x) {
  if (x.dtype() == DType::boolean) return false_like(op, x);
  return is_floating(x.dtype()) ? (x < 0) | (op.Reciprocal(x) < 0) : x < 0;
}

// x * log, and 0 where x is, whatever the logarithm.
inline Value times_log(Op& op, const Value& x, const Value& log) {
  return op.Where(x == 0, op.like(x, 0), x * log);
}

// x times the argument `arg`, and x itself where that is one: the alpha of add, the value of addcmul.
inline Value scale_by(Op& op, const Value& x, std::string_view arg) {
  if (op.is_known(arg) && op.real(arg, 1) == 1) return x;
  return x * op.as(arg, x.dtype());
}

}  // namespace onnxport::aten
