// Arithmetic of two or three arguments, bounds and choices.
#include "families.hpp"
#include "numerics.hpp"

namespace onnxport::aten {
namespace {

// aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
// aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor
Value add(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  if (self.dtype() == DType::boolean) return self | other;
  return self + scale_by(op, other, "alpha");
}

// aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
// aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor
Value sub(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  return self - scale_by(op, other, "alpha");
}

// aten::rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
// aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor
Value rsub(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  return other - scale_by(op, self, "alpha");
}

// aten::mul.Tensor(Tensor self, Tensor other) -> Tensor
Value mul(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  if (self.dtype() == DType::boolean) return self & other;
  return self * other;
}

// aten::true_divide.Tensor(Tensor self, Tensor other) -> Tensor
Value true_divide(Op& op) {
  auto [self, other] = op.promoted_to_float("self", "other");
  return self / other;
}

// aten::floor_divide(Tensor self, Tensor other) -> Tensor
Value floor_divide(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  return op.floor_divide(self, other);
}

// aten::div.Tensor(Tensor self, Tensor other) -> Tensor
// aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor
Value div(Op& op) {
  const std::string mode = op.string("rounding_mode", "");
  if (mode.empty()) return true_divide(op);
  if (mode == "floor") return floor_divide(op);
  auto [self, other] = op.promoted("self", "other");
  return op.trunc(self / other);
}

// aten::remainder.Tensor(Tensor self, Tensor other) -> Tensor
// Python's %: the sign of the divisor. ONNX has it for integers; of floats it has C's, the sign of the
// dividend.
Value remainder(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  if (!is_floating(self.dtype())) return op.Mod(self, other);
  Value rest = op.Mod(self, other, {attr::fmod(1)});
  return op.Where(rest * other < 0, rest + other, rest);
}

// aten::fmod.Tensor(Tensor self, Tensor other) -> Tensor
Value fmod(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  return op.Mod(self, other, {attr::fmod(1)});
}

// aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor
// aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor
// aten::pow.Scalar(Scalar self, Tensor exponent) -> Tensor
Value pow(Op& op) {
  auto [self, exponent] = op.promoted("self", "exponent");
  const DType t = self.dtype();
  const double known = op.is_known("exponent") ? op.real("exponent") : 0;
  if (known == 1) return self;
  if (is_floating(t) && known == 0.5) return op.Sqrt(self);
  if (is_floating(t) && known == -1) return op.Reciprocal(self);
  if (is_floating(t) || t == DType::i32 || t == DType::i64) return op.Pow(self, exponent);
  return op.cast(op.Pow(op.cast(self, DType::i32), op.cast(exponent, DType::i32)),
                 t);  // no narrow integers in ONNX
}

// aten::float_power.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor
Value float_power(Op& op) { return op.Pow(op.as("self", DType::f64), op.as("exponent", DType::f64)); }

// aten::addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor
Value addcmul(Op& op) {
  const DType t = op.result_type({"self", "tensor1", "tensor2"});
  return op.as("self", t) + scale_by(op, op.as("tensor1", t) * op.as("tensor2", t), "value");
}

// aten::addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor
Value addcdiv(Op& op) {
  const DType t = op.result_type({"self", "tensor1", "tensor2"});
  return op.as("self", t) + scale_by(op, op.as("tensor1", t) / op.as("tensor2", t), "value");
}

// aten::lerp.Tensor(Tensor self, Tensor end, Tensor weight) -> Tensor
// aten::lerp.Scalar(Tensor self, Tensor end, Scalar weight) -> Tensor
Value lerp(Op& op) {
  Value self = op["self"];
  return self + op.as("weight", self.dtype()) * (op["end"] - self);
}

// aten::maximum(Tensor self, Tensor other) -> Tensor
Value maximum(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  return self.dtype() == DType::boolean ? self | other : op.Max({self, other});
}

// aten::minimum(Tensor self, Tensor other) -> Tensor
Value minimum(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  return self.dtype() == DType::boolean ? self & other : op.Min({self, other});
}

// The two arguments, each replaced by the other where it is NaN.
std::pair<Value, Value> without_nan(Op& op, const Value& a, const Value& b) {
  if (!is_floating(a.dtype())) return {a, b};
  return {op.Where(op.IsNaN(a), b, a), op.Where(op.IsNaN(b), a, b)};
}

// aten::fmax(Tensor self, Tensor other) -> Tensor
Value fmax(Op& op) {
  auto [a, b] = op.promoted("self", "other");
  auto [self, other] = without_nan(op, a, b);
  return op.Max({self, other});
}

// aten::fmin(Tensor self, Tensor other) -> Tensor
Value fmin(Op& op) {
  auto [a, b] = op.promoted("self", "other");
  auto [self, other] = without_nan(op, a, b);
  return op.Min({self, other});
}

// aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor
// aten::clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor
// aten::clamp_min(Tensor self, Scalar min) -> Tensor
// aten::clamp_max(Tensor self, Scalar max) -> Tensor
Value clamp(Op& op) {
  const DType t = op.result_type({"self", "min", "max"});
  Value self = op.as("self", t), min = op.as("min", t), max = op.as("max", t);
  const bool numbers = (!min || min.rank() == 0) && (!max || max.rank() == 0);
  if (numbers && t != DType::boolean) return op.Clip(self, min, max);
  if (t == DType::boolean) {
    if (min) self = self | min;
    return max ? self & max : self;
  }
  if (min) self = op.Max({self, min});
  return max ? op.Min({self, max}) : self;
}

// aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor
Value where(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  return op.where(op.cast(op["condition"], DType::boolean), self, other);
}

// aten::atan2(Tensor self, Tensor other) -> Tensor
Value atan2(Op& op) {
  auto [y, x] = op.promoted_to_float("self", "other");
  return angle_of(op, x, y);
}

// aten::hypot(Tensor self, Tensor other) -> Tensor
Value hypot(Op& op) {
  auto [self, other] = op.promoted_to_float("self", "other");
  return op.Sqrt(self * self + other * other);
}

// aten::copysign.Tensor(Tensor self, Tensor other) -> Tensor
Value copysign(Op& op) {
  auto [self, other] = op.promoted_to_float("self", "other");
  Value size = op.Abs(self);
  return op.Where(sign_bit(op, other), -size, size);
}

// aten::xlogy.Tensor(Tensor self, Tensor other) -> Tensor
Value xlogy(Op& op) {
  auto [self, other] = op.promoted_to_float("self", "other");
  return times_log(op, self, op.Log(other));
}

// aten::special_xlog1py(Tensor self, Tensor other) -> Tensor
Value xlog1py(Op& op) {
  auto [self, other] = op.promoted_to_float("self", "other");
  return times_log(op, self, op.Log(other + 1));
}

// log(exp(a) + exp(b)) without overflow. Equal arguments, infinite ones too, differ by zero.
Value log_add_exp(Op& op, const Value& a, const Value& b) {
  Value distance = op.Where(a == b, op.like(a, 0), op.Abs(a - b));
  return op.Max({a, b}) + op.Softplus(-distance);
}

// aten::logaddexp(Tensor self, Tensor other) -> Tensor
Value logaddexp(Op& op) {
  auto [self, other] = op.promoted_to_float("self", "other");
  return log_add_exp(op, self, other);
}

// aten::logaddexp2(Tensor self, Tensor other) -> Tensor
Value logaddexp2(Op& op) {
  auto [self, other] = op.promoted_to_float("self", "other");
  return log_add_exp(op, self * ln2, other * ln2) / ln2;
}

// aten::heaviside(Tensor self, Tensor values) -> Tensor
Value heaviside(Op& op) {
  auto [self, values] = op.promoted("self", "values");
  return op.Where(self == 0, values, op.cast(self > 0, self.dtype()));
}

// Euclid's algorithm on all elements, until none has a rest.
Value greatest_divisor(Op& op, const Value& given_a, const Value& given_b) {
  auto [a, b] = op.broadcast_tensors(op.Abs(given_a), op.Abs(given_b));
  const auto step = [&](const Value&, const Values& s, Value& go_on) -> Values {
    Value done = s[1] == 0;
    Value rest = op.Where(done, s[1], op.Mod(s[0], op.Where(done, op.like(s[1], 1), s[1])));
    go_on = op.any(rest > 0);
    return {op.Where(done, s[0], s[1]), rest};
  };
  return op.loop(op.constant(128), {a, b}, step)[0];
}

// aten::gcd(Tensor self, Tensor other) -> Tensor
Value gcd(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  const DType t = self.dtype();
  return op.cast(greatest_divisor(op, op.cast(self, DType::i64), op.cast(other, DType::i64)), t);
}

// aten::gcd.int(int a, int b) -> int
Value gcd_of_numbers(Op& op) { return greatest_divisor(op, op["a"], op["b"]); }

// aten::lcm(Tensor self, Tensor other) -> Tensor
Value lcm(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  Value a = op.cast(self, DType::i64), b = op.cast(other, DType::i64);
  Value divisor = op.Max({greatest_divisor(op, a, b), op.constant(1)});
  return op.cast_like(op.Abs(a / divisor * b), self);
}

// aten::nextafter(Tensor self, Tensor other) -> Tensor
// The distance to the next number is a power of two, which f64 holds exactly for the narrower types.
Value nextafter(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  const DType t = self.dtype();
  op.require(t == DType::f32 || t == DType::bf16, "the next number of type f64 or f16");
  const double bits = t == DType::f32 ? 23 : 7, least = t == DType::f32 ? -149 : -133;
  Value x = op.cast(self, DType::f64), to = op.cast(other, DType::f64), size = op.Abs(x);
  const Value two = op.like(x, 2);
  Value exponent = op.Floor(op.Log(size) / ln2);  // one off near a power of two
  exponent = op.Where(op.Pow(two, exponent) > size, exponent - 1, exponent);
  exponent = op.Where(op.Pow(two, exponent + 1) <= size, exponent + 1, exponent);
  Value inward = (x > 0) ^ (to > x), power = op.Pow(two, exponent) == size;
  Value step =
      op.Pow(two, op.Max({op.Where(inward & power, exponent - 1, exponent) - bits, op.like(x, least)}));
  const double largest = std::ldexp(2 - std::ldexp(1, static_cast<int>(-bits)), 127);
  Value next = op.Where(op.IsInf(x), op.Sign(x) * largest, op.Where(to > x, x + step, x - step));
  next = op.Where(op.Abs(next) > largest, op.Sign(next) * infinity, next);
  next = op.Where(op.IsNaN(x) | op.IsNaN(to), x + to, op.Where(x == to, to, next));
  return op.cast(next, t);
}

}  // namespace

Mappings arithmetic() {
  return {
      {"aten::add", add},
      {"aten::sub", sub},
      {"aten::subtract", sub},
      {"aten::rsub", rsub},
      {"aten::mul", mul},
      {"aten::multiply", mul},
      {"aten::div", div},
      {"aten::divide", div},
      {"aten::true_divide", true_divide},
      {"aten::floor_divide", floor_divide},
      {"aten::remainder", remainder},
      {"aten::fmod", fmod},
      {"aten::pow", pow},
      {"aten::float_power", float_power},
      {"aten::addcmul", addcmul},
      {"aten::addcdiv", addcdiv},
      {"aten::lerp", lerp},
      {"aten::maximum", maximum},
      {"aten::max.other", maximum},
      {"aten::minimum", minimum},
      {"aten::min.other", minimum},
      {"aten::fmax", fmax},
      {"aten::fmin", fmin},
      {"aten::clamp", clamp},
      {"aten::clip", clamp},
      {"aten::clamp_min", clamp},
      {"aten::clamp_max", clamp},
      Mapping("aten::where.self", where).by_parts(),
      Mapping("aten::where.Scalar", where).by_parts(),
      Mapping("aten::where.ScalarSelf", where).by_parts(),
      Mapping("aten::where.ScalarOther", where).by_parts(),
      {"aten::atan2", atan2},
      {"aten::arctan2", atan2},
      {"aten::hypot", hypot},
      {"aten::copysign", copysign},
      {"aten::xlogy", xlogy},
      {"aten::special_xlogy", xlogy},
      {"aten::special_xlog1py", xlog1py},
      {"aten::logaddexp", logaddexp},
      {"aten::logaddexp2", logaddexp2},
      {"aten::heaviside", heaviside},
      {"aten::gcd", gcd},
      {"aten::gcd.int", gcd_of_numbers},
      {"aten::lcm", lcm},
      {"aten::nextafter", nextafter},
  };
}

}  // namespace onnxport::aten
