// Numbers of the model that are known at run time only: Python's arithmetic on 0-d values.
#include "families.hpp"

namespace onnxport::aten {
namespace {

Value add(Op& op) {
  auto [a, b] = op.promoted("a", "b");
  return a + b;
}

Value sub(Op& op) {
  auto [a, b] = op.promoted("a", "b");
  return a - b;
}

Value mul(Op& op) {
  auto [a, b] = op.promoted("a", "b");
  return a * b;
}

// aten::div.int(int a, int b) -> float
Value div(Op& op) {
  auto [a, b] = op.promoted_to_float("a", "b");
  return a / b;
}

// aten::floordiv.int(int a, int b) -> int
Value floordiv(Op& op) {
  auto [a, b] = op.promoted("a", "b");
  return op.floor_divide(a, b);
}

// aten::remainder.int(int a, int b) -> int
Value remainder(Op& op) {
  auto [a, b] = op.promoted("a", "b");
  return is_floating(a.dtype()) ? a - op.Floor(a / b) * b : op.Mod(a, b);
}

// aten::pow.int(int a, int b) -> float
Value pow(Op& op) {
  auto [a, b] = op.promoted_to_float("a", "b");
  return op.Pow(a, b);
}

// aten::pow.int_to_int(int a, int b) -> int
Value pow_int(Op& op) { return op.Pow(op["a"], op["b"]); }

Value eq(Op& op) {
  auto [a, b] = op.promoted("a", "b");
  return a == b;
}
Value ne(Op& op) { return ~eq(op); }
Value lt(Op& op) {
  auto [a, b] = op.promoted("a", "b");
  return a < b;
}
Value le(Op& op) {
  auto [a, b] = op.promoted("a", "b");
  return a <= b;
}
Value gt(Op& op) {
  auto [a, b] = op.promoted("a", "b");
  return a > b;
}
Value ge(Op& op) {
  auto [a, b] = op.promoted("a", "b");
  return a >= b;
}

// prim::max.int(int a, int b) -> int
Value max(Op& op) {
  auto [a, b] = op.promoted("a", "b");
  return op.Max({a, b});
}
// prim::min.int(int a, int b) -> int
Value min(Op& op) {
  auto [a, b] = op.promoted("a", "b");
  return op.Min({a, b});
}

Value neg(Op& op) { return -op["a"]; }
Value abs(Op& op) { return op.Abs(op["a"]); }
Value sqrt(Op& op) { return op.Sqrt(op.promoted_to_float("a")); }
Value exp(Op& op) { return op.Exp(op.promoted_to_float("a")); }
Value log(Op& op) { return op.Log(op.promoted_to_float("a")); }

// aten::ceil.float(float a) -> int
Value ceil(Op& op) { return is_floating(op["a"].dtype()) ? op.cast(op.Ceil(op["a"]), DType::i64) : op["a"]; }
// aten::floor.float(float a) -> int
Value floor(Op& op) {
  return is_floating(op["a"].dtype()) ? op.cast(op.Floor(op["a"]), DType::i64) : op["a"];
}
// aten::round.float(float a) -> float, of an int too
Value round(Op& op) {
  return is_floating(op["a"].dtype()) ? op.Round(op["a"]) : op.cast(op["a"], DType::f32);
}

Value logical_and(Op& op) { return op["a"] & op["b"]; }
Value logical_or(Op& op) { return op["a"] | op["b"]; }
Value logical_xor(Op& op) { return op["a"] ^ op["b"]; }
Value bitwise_and(Op& op) { return op.BitwiseAnd(op["a"], op["b"]); }
Value bitwise_or(Op& op) { return op.BitwiseOr(op["a"], op["b"]); }
Value bitwise_xor(Op& op) { return op.BitwiseXor(op["a"], op["b"]); }

// aten::__not__(bool self) -> bool
Value logical_not(Op& op) { return ~op["self"]; }

// A tensor of one element as a number.
Value number_of(Op& op, const Value& x, DType t) {
  return op.cast(x.rank() == 0 ? x : op.reshape(x, std::vector<int64_t>{}), t);
}

// aten::Int.Tensor(Tensor a) -> int
Value to_int(Op& op) { return number_of(op, op["a"], DType::i64); }
// aten::Float.Tensor(Tensor a) -> float
Value to_float(Op& op) { return number_of(op, op["a"], DType::f32); }
// aten::Bool.Tensor(Tensor a) -> bool
Value to_bool(Op& op) { return number_of(op, op["a"], DType::boolean); }
// aten::ScalarImplicit(Tensor a) -> Scalar
Value to_number(Op& op) { return number_of(op, op["a"], op["a"].dtype()); }
// aten::item(Tensor self) -> Scalar
Value item(Op& op) { return number_of(op, op["self"], op["self"].dtype()); }

// aten::__range_length(int lo, int hi, int step) -> int
Value range_length(Op& op) {
  Value lo = op["lo"], hi = op["hi"], step = op["step"];
  Value steps = -op.floor_divide(lo - hi, step);  // rounded up
  return op.Max({steps, op.constant(0)});
}

// aten::__derive_index(int index, int start, int step) -> int
Value derive_index(Op& op) { return op["start"] + op["index"] * op["step"]; }

}  // namespace

Mappings python_numbers() {
  return {
      {"aten::add.int", add},
      {"aten::add.float", add},
      {"aten::add.int_float", add},
      {"aten::add.float_int", add},
      {"aten::sub.int", sub},
      {"aten::sub.float", sub},
      {"aten::sub.int_float", sub},
      {"aten::sub.float_int", sub},
      {"aten::mul.int", mul},
      {"aten::mul.float", mul},
      {"aten::mul.int_float", mul},
      {"aten::mul.float_int", mul},
      {"aten::div.int", div},
      {"aten::div.float", div},
      {"aten::floordiv", floordiv},
      {"aten::remainder.int", remainder},
      {"aten::remainder.float", remainder},
      {"aten::remainder.int_float", remainder},
      {"aten::remainder.float_int", remainder},
      {"aten::pow.int", pow},
      {"aten::pow.float", pow},
      {"aten::pow.int_float", pow},
      {"aten::pow.float_int", pow},
      {"aten::pow.int_to_int", pow_int},
      {"aten::eq.int", eq},
      {"aten::eq.float", eq},
      {"aten::eq.int_float", eq},
      {"aten::eq.float_int", eq},
      {"aten::eq.bool", eq},
      {"aten::ne.int", ne},
      {"aten::ne.float", ne},
      {"aten::ne.int_float", ne},
      {"aten::ne.float_int", ne},
      {"aten::ne.bool", ne},
      {"aten::lt.int", lt},
      {"aten::lt.float", lt},
      {"aten::lt.int_float", lt},
      {"aten::lt.float_int", lt},
      {"aten::le.int", le},
      {"aten::le.float", le},
      {"aten::le.int_float", le},
      {"aten::le.float_int", le},
      {"aten::gt.int", gt},
      {"aten::gt.float", gt},
      {"aten::gt.int_float", gt},
      {"aten::gt.float_int", gt},
      {"aten::ge.int", ge},
      {"aten::ge.float", ge},
      {"aten::ge.int_float", ge},
      {"aten::ge.float_int", ge},
      {"prim::max", max},
      {"prim::min", min},
      {"prim::abs", abs},
      {"aten::neg.int", neg},
      {"aten::neg.float", neg},
      {"aten::sqrt.int", sqrt},
      {"aten::sqrt.float", sqrt},
      {"aten::exp.int", exp},
      {"aten::exp.float", exp},
      {"aten::log.int", log},
      {"aten::log.float", log},
      {"aten::ceil.int", ceil},
      {"aten::ceil.float", ceil},
      {"aten::floor.int", floor},
      {"aten::floor.float", floor},
      {"aten::round.int", round},
      {"aten::round.float", round},
      {"aten::__and__.bool", logical_and},
      {"aten::__or__.bool", logical_or},
      {"aten::__xor__.bool", logical_xor},
      {"aten::__and__.int", bitwise_and},
      {"aten::__or__.int", bitwise_or},
      {"aten::__xor__.int", bitwise_xor},
      {"aten::__not__", logical_not},
      {"aten::Int", to_int},
      {"aten::IntImplicit", to_int},
      {"aten::Float", to_float},
      {"aten::FloatImplicit", to_float},
      {"aten::Bool", to_bool},
      {"aten::ScalarImplicit", to_number},
      {"aten::item", item},
      {"aten::_local_scalar_dense", item},
      {"aten::__range_length", range_length},
      {"aten::__derive_index", derive_index},
  };
}

}  // namespace onnxport::aten
