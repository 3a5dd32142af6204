// Elementary functions of one argument.
#include "families.hpp"
#include "numerics.hpp"

namespace onnxport::aten {
namespace {

// aten::abs(Tensor self) -> Tensor
Value abs(Op& op) {
  Value self = op["self"];
  if (self.is_complex()) return op.ReduceL2(op.as_real(self), op.ints({-1}), {attr::keepdims(0)});
  return self.dtype() == DType::boolean ? self : op.Abs(self);
}

// aten::neg(Tensor self) -> Tensor
Value neg(Op& op) {
  Value self = op["self"];
  return self.dtype() == DType::u8 ? 0 - self : -self;
}

// aten::positive(Tensor(a) self) -> Tensor(a)
Value positive(Op& op) { return op["self"]; }

// aten::square(Tensor self) -> Tensor
Value square(Op& op) {
  Value self = op["self"];
  return self * self;
}

// aten::rsqrt(Tensor self) -> Tensor
Value rsqrt(Op& op) { return op.Reciprocal(op.Sqrt(op.promoted_to_float("self"))); }

// aten::exp2(Tensor self) -> Tensor
Value exp2(Op& op) {
  Value self = op.promoted_to_float("self");
  return op.Pow(op.like(self, 2), self);
}

// aten::expm1(Tensor self) -> Tensor
Value expm1(Op& op) { return op.Exp(op.promoted_to_float("self")) - 1; }

// aten::log2(Tensor self) -> Tensor
Value log2(Op& op) { return op.Log(op.promoted_to_float("self")) / ln2; }

// aten::log10(Tensor self) -> Tensor
Value log10(Op& op) { return op.Log(op.promoted_to_float("self")) / ln10; }

// aten::log1p(Tensor self) -> Tensor
Value log1p(Op& op) { return op.Log(op.promoted_to_float("self") + 1); }

// aten::logit(Tensor self, float? eps=None) -> Tensor
Value logit(Op& op) {
  Value self = op.promoted_to_float("self");
  if (op.has("eps")) self = op.Clip(self, op.like(self, op.real("eps")), op.like(self, 1 - op.real("eps")));
  return op.Log(self / (1 - self));
}

// aten::erfc(Tensor self) -> Tensor
Value erfc(Op& op) { return 1 - op.Erf(op.promoted_to_float("self")); }

// aten::sinc(Tensor self) -> Tensor
Value sinc(Op& op) {
  Value self = op.promoted_to_float("self");
  Value angle = self * pi;
  return op.Where(self == 0, op.like(self, 1), op.Sin(angle) / angle);
}

// aten::deg2rad(Tensor self) -> Tensor
Value deg2rad(Op& op) { return op.promoted_to_float("self") * (pi / 180); }

// aten::rad2deg(Tensor self) -> Tensor
Value rad2deg(Op& op) { return op.promoted_to_float("self") * (180 / pi); }

// Rounding, which integers do not need.
Value rounded(Op& op, std::string_view onnx_op) {
  Value self = op["self"];
  return is_floating(self.dtype()) ? op.node(onnx_op, {self}) : self;
}

// aten::floor(Tensor self) -> Tensor
Value floor(Op& op) { return rounded(op, "Floor"); }

// aten::ceil(Tensor self) -> Tensor
Value ceil(Op& op) { return rounded(op, "Ceil"); }

// aten::round(Tensor self) -> Tensor
// aten::round.decimals(Tensor self, *, int decimals) -> Tensor
Value round(Op& op) {
  const int64_t decimals = op.integer("decimals", 0);
  if (decimals == 0) return rounded(op, "Round");
  Value self = op["self"];
  const double scale = std::pow(10.0, std::abs(static_cast<double>(decimals)));
  return decimals > 0 ? op.Round(self * scale) / scale : op.Round(self / scale) * scale;
}

// aten::trunc(Tensor self) -> Tensor
Value trunc(Op& op) { return op.trunc(op["self"]); }

// aten::frac(Tensor self) -> Tensor
Value frac(Op& op) {
  Value self = op["self"];
  return self - op.trunc(self);
}

// aten::sign(Tensor self) -> Tensor
Value sign(Op& op) {
  Value self = op["self"];
  return self.dtype() == DType::boolean ? self : op.Sign(self);
}

// aten::signbit(Tensor self) -> Tensor
Value signbit(Op& op) { return sign_bit(op, op["self"]); }

// aten::angle(Tensor self) -> Tensor
Value angle(Op& op) {
  Value self = op.promoted_to_float("self");
  return op.Where(op.IsNaN(self), self, op.Where(self < 0, op.like(self, pi), op.like(self, 0)));
}

// The largest finite number of a floating type.
double largest(DType t) {
  switch (t) {
    case DType::f16:
      return 65504;
    case DType::bf16:
      return 3.3895313892515355e38;
    case DType::f32:
      return std::numeric_limits<float>::max();
    default:
      return std::numeric_limits<double>::max();
  }
}

// aten::nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None) -> Tensor
Value nan_to_num(Op& op) {
  Value self = op["self"];
  const DType t = self.dtype();
  if (!is_floating(t)) return self;
  Value high = op.IsInf(self, {attr::detect_negative(0)}), low = op.IsInf(self, {attr::detect_positive(0)});
  Value x = op.Where(op.IsNaN(self), op.like(self, op.real("nan", 0)), self);
  x = op.Where(high, op.like(self, op.real("posinf", largest(t))), x);
  return op.Where(low, op.like(self, op.real("neginf", -largest(t))), x);
}

}  // namespace

Mappings elementary() {
  return {
      Mapping("aten::abs", abs).complex(),
      Mapping("aten::absolute", abs).complex(),
      Mapping::elementwise("aten::sqrt", "Sqrt", true),
      Mapping::elementwise("aten::exp", "Exp", true),
      Mapping::elementwise("aten::log", "Log", true),
      Mapping::elementwise("aten::reciprocal", "Reciprocal", true),
      Mapping::elementwise("aten::sin", "Sin", true),
      Mapping::elementwise("aten::cos", "Cos", true),
      Mapping::elementwise("aten::tan", "Tan", true),
      Mapping::elementwise("aten::asin", "Asin", true),
      Mapping::elementwise("aten::arcsin", "Asin", true),
      Mapping::elementwise("aten::acos", "Acos", true),
      Mapping::elementwise("aten::arccos", "Acos", true),
      Mapping::elementwise("aten::atan", "Atan", true),
      Mapping::elementwise("aten::arctan", "Atan", true),
      Mapping::elementwise("aten::sinh", "Sinh", true),
      Mapping::elementwise("aten::cosh", "Cosh", true),
      Mapping::elementwise("aten::asinh", "Asinh", true),
      Mapping::elementwise("aten::arcsinh", "Asinh", true),
      Mapping::elementwise("aten::acosh", "Acosh", true),
      Mapping::elementwise("aten::arccosh", "Acosh", true),
      Mapping::elementwise("aten::atanh", "Atanh", true),
      Mapping::elementwise("aten::arctanh", "Atanh", true),
      Mapping::elementwise("aten::erf", "Erf", true),
      Mapping::elementwise("aten::special_erf", "Erf", true),
      Mapping::elementwise("aten::special_expit", "Sigmoid", true),
      Mapping("aten::neg", neg).by_parts(),
      Mapping("aten::negative", neg).by_parts(),
      Mapping("aten::positive", positive).by_parts(),
      {"aten::square", square},
      {"aten::rsqrt", rsqrt},
      {"aten::exp2", exp2},
      {"aten::special_exp2", exp2},
      {"aten::expm1", expm1},
      {"aten::special_expm1", expm1},
      {"aten::log2", log2},
      {"aten::log10", log10},
      {"aten::log1p", log1p},
      {"aten::special_log1p", log1p},
      {"aten::logit", logit},
      {"aten::special_logit", logit},
      {"aten::erfc", erfc},
      {"aten::special_erfc", erfc},
      {"aten::sinc", sinc},
      {"aten::special_sinc", sinc},
      {"aten::deg2rad", deg2rad},
      {"aten::rad2deg", rad2deg},
      {"aten::floor", floor},
      {"aten::ceil", ceil},
      {"aten::round", round},
      {"aten::special_round", round},
      {"aten::trunc", trunc},
      {"aten::fix", trunc},
      {"aten::frac", frac},
      {"aten::sign", sign},
      {"aten::sgn", sign},
      {"aten::signbit", signbit},
      {"aten::angle", angle},
      {"aten::nan_to_num", nan_to_num},
  };
}

}  // namespace onnxport::aten
