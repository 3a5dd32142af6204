// Python's math functions, shifts and mixed division of numbers that are known at run time only.
#include "families.hpp"
#include "numerics.hpp"

namespace onnxport::aten {
namespace {

Value real(Op& op) { return op.promoted_to_float("a"); }

// aten::sin.float(float a) -> float, and so on
Value sin(Op& op) { return op.Sin(real(op)); }
Value cos(Op& op) { return op.Cos(real(op)); }
Value tan(Op& op) { return op.Tan(real(op)); }
Value asin(Op& op) { return op.Asin(real(op)); }
Value acos(Op& op) { return op.Acos(real(op)); }
Value atan(Op& op) { return op.Atan(real(op)); }
Value sinh(Op& op) { return op.Sinh(real(op)); }
Value cosh(Op& op) { return op.Cosh(real(op)); }
Value tanh(Op& op) { return op.Tanh(real(op)); }
Value asinh(Op& op) { return op.Asinh(real(op)); }
Value acosh(Op& op) { return op.Acosh(real(op)); }
Value atanh(Op& op) { return op.Atanh(real(op)); }
Value erf(Op& op) { return op.Erf(real(op)); }
Value erfc(Op& op) { return 1 - op.Erf(real(op)); }
Value log10(Op& op) { return op.Log(real(op)) / ln10; }
Value log1p(Op& op) { return op.Log(real(op) + 1); }
Value expm1(Op& op) { return op.Exp(real(op)) - 1; }
Value fabs(Op& op) { return op.Abs(real(op)); }
Value degrees(Op& op) { return real(op) * (180 / pi); }
Value radians(Op& op) { return real(op) * (pi / 180); }

// aten::isnan.float(float a) -> bool
Value isnan(Op& op) { return op.IsNaN(real(op)); }
Value isinf(Op& op) { return op.IsInf(real(op)); }
Value isfinite(Op& op) {
  Value a = real(op);
  return ~(op.IsNaN(a) | op.IsInf(a));
}

// aten::atan2.float(float a, float b) -> float
Value atan2(Op& op) {
  auto [a, b] = op.promoted_to_float("a", "b");
  return angle_of(op, b, a);
}

// aten::fmod.float(float a, float b) -> float: the sign of a
Value fmod(Op& op) {
  auto [a, b] = op.promoted_to_float("a", "b");
  return op.Mod(a, b, {attr::fmod(1)});
}

// aten::mathremainder.float(float a, float b) -> float: what is left of the nearest multiple, the even one of two
Value mathremainder(Op& op) {
  auto [a, b] = op.promoted_to_float("a", "b");
  return a - op.Round(a / b) * b;
}

// aten::copysign.float(float a, float b) -> float
Value copysign(Op& op) {
  auto [a, b] = op.promoted_to_float("a", "b");
  Value size = op.Abs(a);
  return op.Where(sign_bit(op, b), -size, size);
}

// aten::log.float_float(float a, float b) -> float: to the base b
Value log_to_base(Op& op) {
  auto [a, b] = op.promoted_to_float("a", "b");
  return op.Log(a) / op.Log(b);
}

// aten::div(Scalar a, Scalar b) -> Scalar
Value div(Op& op) {
  auto [a, b] = op.promoted_to_float("a", "b");
  return a / b;
}

// aten::ldexp(float x, int i) -> float
Value ldexp(Op& op) {
  Value x = op.promoted_to_float("x");
  return x * op.Pow(op.like(x, 2), op.cast_like(op["i"], x));
}

Value power_of_two(Op& op) {
  return op.cast(op.Pow(op.constant(2.0, DType::f64), op.as("b", DType::f64)), DType::i64);
}

// aten::__lshift__.int(int a, int b) -> int
Value left_shift(Op& op) { return op["a"] * power_of_two(op); }
// aten::__rshift__.int(int a, int b) -> int
Value right_shift(Op& op) { return op.floor_divide(op["a"], power_of_two(op)); }

// aten::__round_to_zero_floordiv.int(int a, int b) -> int
Value divide_towards_zero(Op& op) { return op["a"] / op["b"]; }

}  // namespace

Mappings python_math() {
  return {
      {"aten::sin.int", sin},
      {"aten::sin.float", sin},
      {"aten::cos.int", cos},
      {"aten::cos.float", cos},
      {"aten::tan.int", tan},
      {"aten::tan.float", tan},
      {"aten::asin.int", asin},
      {"aten::asin.float", asin},
      {"aten::acos.int", acos},
      {"aten::acos.float", acos},
      {"aten::atan.int", atan},
      {"aten::atan.float", atan},
      {"aten::sinh.int", sinh},
      {"aten::sinh.float", sinh},
      {"aten::cosh.int", cosh},
      {"aten::cosh.float", cosh},
      {"aten::tanh.int", tanh},
      {"aten::tanh.float", tanh},
      {"aten::asinh.int", asinh},
      {"aten::asinh.float", asinh},
      {"aten::acosh.int", acosh},
      {"aten::acosh.float", acosh},
      {"aten::atanh.int", atanh},
      {"aten::atanh.float", atanh},
      {"aten::erf.int", erf},
      {"aten::erf.float", erf},
      {"aten::erfc.int", erfc},
      {"aten::erfc.float", erfc},
      {"aten::log10.int", log10},
      {"aten::log10.float", log10},
      {"aten::log1p.int", log1p},
      {"aten::log1p.float", log1p},
      {"aten::expm1.int", expm1},
      {"aten::expm1.float", expm1},
      {"aten::fabs.int", fabs},
      {"aten::fabs.float", fabs},
      {"aten::degrees.int", degrees},
      {"aten::degrees.float", degrees},
      {"aten::radians.int", radians},
      {"aten::radians.float", radians},
      {"aten::atan2.int", atan2},
      {"aten::atan2.float", atan2},
      {"aten::atan2.int_float", atan2},
      {"aten::atan2.float_int", atan2},
      {"aten::fmod.int", fmod},
      {"aten::fmod.float", fmod},
      {"aten::fmod.int_float", fmod},
      {"aten::fmod.float_int", fmod},
      {"aten::mathremainder.int", mathremainder},
      {"aten::mathremainder.float", mathremainder},
      {"aten::mathremainder.int_float", mathremainder},
      {"aten::mathremainder.float_int", mathremainder},
      {"aten::copysign.int", copysign},
      {"aten::copysign.float", copysign},
      {"aten::copysign.int_float", copysign},
      {"aten::copysign.float_int", copysign},
      {"aten::log.int_int", log_to_base},
      {"aten::log.float_float", log_to_base},
      {"aten::log.int_float", log_to_base},
      {"aten::log.float_int", log_to_base},
      {"aten::isnan.float", isnan},
      {"aten::isinf.float", isinf},
      {"aten::isfinite.float", isfinite},
      {"aten::div.default", div},
      {"aten::ldexp.default", ldexp},
      {"aten::__lshift__.int", left_shift},
      {"aten::__rshift__.int", right_shift},
      {"aten::__round_to_zero_floordiv.int", divide_towards_zero},
  };
}

}  // namespace onnxport::aten
