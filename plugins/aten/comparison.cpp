// Comparisons, logic and bits.
#include "families.hpp"
#include "numerics.hpp"

namespace onnxport::aten {
namespace {

// aten::eq.Tensor(Tensor self, Tensor other) -> Tensor
Value eq(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  return self == other;
}

// aten::ne.Tensor(Tensor self, Tensor other) -> Tensor
Value ne(Op& op) { return ~eq(op); }

// The arguments in a type that ONNX orders: bools are not.
std::pair<Value, Value> ordered(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  if (self.dtype() != DType::boolean) return {self, other};
  return {op.cast(self, DType::i32), op.cast(other, DType::i32)};
}

// aten::lt.Tensor(Tensor self, Tensor other) -> Tensor
Value lt(Op& op) {
  auto [self, other] = ordered(op);
  return self < other;
}

// aten::le.Tensor(Tensor self, Tensor other) -> Tensor
Value le(Op& op) {
  auto [self, other] = ordered(op);
  return self <= other;
}

// aten::gt.Tensor(Tensor self, Tensor other) -> Tensor
Value gt(Op& op) {
  auto [self, other] = ordered(op);
  return self > other;
}

// aten::ge.Tensor(Tensor self, Tensor other) -> Tensor
Value ge(Op& op) {
  auto [self, other] = ordered(op);
  return self >= other;
}

// aten::equal(Tensor self, Tensor other) -> bool
Value equal(Op& op) {
  Value self = op["self"], other = op["other"];
  if (self.rank() != other.rank()) return op.constant(0, DType::boolean);
  for (int64_t axis = 0; axis < self.rank(); ++axis) {
    op.require(self.static_dim(axis) && other.static_dim(axis), "shapes known at run time only");
    if (self.static_dim(axis) != other.static_dim(axis)) return op.constant(0, DType::boolean);
  }
  return op.ReduceMin(eq(op), {}, {attr::keepdims(0)});
}

// aten::isclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> Tensor
Value isclose(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  Value same = self == other;
  if (!is_floating(self.dtype())) {
    self = op.cast(self, DType::f64);
    other = op.cast(other, DType::f64);
  } else if (op.boolean("equal_nan")) {
    same = same | (op.IsNaN(self) & op.IsNaN(other));
  }
  Value tolerance = op.Abs(other) * op.real("rtol") + op.real("atol");
  Value near = op.Abs(self - other) <= tolerance;
  return same | (near & op.isfinite(tolerance));
}

// aten::allclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> bool
Value allclose(Op& op) { return op.ReduceMin(isclose(op), {}, {attr::keepdims(0)}); }

// aten::isnan(Tensor self) -> Tensor
Value isnan(Op& op) {
  Value self = op["self"];
  return is_floating(self.dtype()) ? op.IsNaN(self) : false_like(op, self);
}

// aten::isinf(Tensor self) -> Tensor
Value isinf(Op& op) {
  Value self = op["self"];
  return is_floating(self.dtype()) ? op.IsInf(self) : false_like(op, self);
}

// aten::isposinf(Tensor self) -> Tensor
Value isposinf(Op& op) {
  Value self = op["self"];
  return is_floating(self.dtype()) ? op.IsInf(self, {attr::detect_negative(0)}) : false_like(op, self);
}

// aten::isneginf(Tensor self) -> Tensor
Value isneginf(Op& op) {
  Value self = op["self"];
  return is_floating(self.dtype()) ? op.IsInf(self, {attr::detect_positive(0)}) : false_like(op, self);
}

// aten::isfinite(Tensor self) -> Tensor
Value isfinite(Op& op) {
  Value self = op["self"];
  return is_floating(self.dtype()) ? op.isfinite(self) : ~false_like(op, self);
}

Value truth(Op& op, std::string_view arg) { return op.as(arg, DType::boolean); }

// aten::logical_and(Tensor self, Tensor other) -> Tensor
Value logical_and(Op& op) { return truth(op, "self") & truth(op, "other"); }

// aten::logical_or(Tensor self, Tensor other) -> Tensor
Value logical_or(Op& op) { return truth(op, "self") | truth(op, "other"); }

// aten::logical_xor(Tensor self, Tensor other) -> Tensor
Value logical_xor(Op& op) { return truth(op, "self") ^ truth(op, "other"); }

// aten::logical_not(Tensor self) -> Tensor
Value logical_not(Op& op) { return ~truth(op, "self"); }

// aten::bitwise_and.Tensor(Tensor self, Tensor other) -> Tensor
Value bitwise_and(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  return self.dtype() == DType::boolean ? self & other : op.BitwiseAnd(self, other);
}

// aten::bitwise_or.Tensor(Tensor self, Tensor other) -> Tensor
Value bitwise_or(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  return self.dtype() == DType::boolean ? self | other : op.BitwiseOr(self, other);
}

// aten::bitwise_xor.Tensor(Tensor self, Tensor other) -> Tensor
Value bitwise_xor(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  return self.dtype() == DType::boolean ? self ^ other : op.BitwiseXor(self, other);
}

// aten::bitwise_not(Tensor self) -> Tensor
Value bitwise_not(Op& op) {
  Value self = op["self"];
  return self.dtype() == DType::boolean ? ~self : op.BitwiseNot(self);
}

// Two to the power of the shift. ONNX shifts unsigned integers only; torch's are signed, but for u8.
Value power_of_two(Op& op, const Value& shift) {
  Value wide = op.cast(shift, DType::i64);
  return op.cast(op.Pow(op.like(wide, 2), wide), shift.dtype());
}

// aten::bitwise_left_shift.Tensor(Tensor self, Tensor other) -> Tensor
Value bitwise_left_shift(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  if (self.dtype() == DType::u8) return op.BitShift(self, other, {attr::direction("LEFT")});
  return self * power_of_two(op, other);
}

// aten::bitwise_right_shift.Tensor(Tensor self, Tensor other) -> Tensor
Value bitwise_right_shift(Op& op) {
  auto [self, other] = op.promoted("self", "other");
  if (self.dtype() == DType::u8) return op.BitShift(self, other, {attr::direction("RIGHT")});
  return op.floor_divide(self, power_of_two(op, other));
}

}  // namespace

Mappings comparison() {
  return {
      {"aten::eq", eq},
      {"aten::ne", ne},
      {"aten::not_equal", ne},
      {"aten::lt", lt},
      {"aten::less", lt},
      {"aten::le", le},
      {"aten::less_equal", le},
      {"aten::gt", gt},
      {"aten::greater", gt},
      {"aten::ge", ge},
      {"aten::greater_equal", ge},
      {"aten::equal", equal},
      {"aten::isclose", isclose},
      {"aten::allclose", allclose},
      {"aten::isnan", isnan},
      {"aten::isinf", isinf},
      {"aten::isposinf", isposinf},
      {"aten::isneginf", isneginf},
      {"aten::isfinite", isfinite},
      {"aten::logical_and", logical_and},
      {"aten::logical_or", logical_or},
      {"aten::logical_xor", logical_xor},
      {"aten::logical_not", logical_not},
      {"aten::bitwise_and", bitwise_and},
      {"aten::__and__", bitwise_and},
      {"aten::bitwise_or", bitwise_or},
      {"aten::__or__", bitwise_or},
      {"aten::bitwise_xor", bitwise_xor},
      {"aten::__xor__", bitwise_xor},
      {"aten::bitwise_not", bitwise_not},
      {"aten::bitwise_left_shift", bitwise_left_shift},
      {"aten::__lshift__", bitwise_left_shift},
      {"aten::bitwise_right_shift", bitwise_right_shift},
      {"aten::__rshift__", bitwise_right_shift},
  };
}

}  // namespace onnxport::aten
