// The same elements in another type, or simply the same.
#include "complex.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

// aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False,
//                MemoryFormat? memory_format=None) -> Tensor(a)
// aten::to.device(Tensor(a) self, Device device, ScalarType dtype, …) -> Tensor(a)
// aten::_to_copy(Tensor self, *, ScalarType? dtype=None, …) -> Tensor
Value to(Op& op) {
  return op.has("dtype") ? to_dtype(op, op["self"], op.dtype("dtype", DType::f32)) : op["self"];
}

// aten::to.other(Tensor(a) self, Tensor other, bool non_blocking=False, bool copy=False,
//                MemoryFormat? memory_format=None) -> Tensor(a)
// aten::type_as(Tensor self, Tensor other) -> Tensor
Value type_as(Op& op) { return to_dtype(op, op["self"], torch_dtype(op["other"])); }

template <DType t>
Value cast_to(Op& op) {
  return op.cast(op["self"], t);
}

// aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor
// aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=contiguous_format) -> Tensor(a)
Value same(Op& op) { return op["self"]; }

// aten::conj(Tensor(a) self) -> Tensor(a)
Value conjugate(Op& op) {
  Value self = op["self"];
  if (!self.is_complex()) return self;
  return op.complex_of(op.real_part(self), -op.imaginary_part(self));
}

// aten::real(Tensor(a) self) -> Tensor(a)
Value real_part(Op& op) { return op["self"].is_complex() ? op.real_part(op["self"]) : op["self"]; }

// aten::imag(Tensor(a) self) -> Tensor(a)
Value imaginary_part(Op& op) {
  Value self = op["self"];
  op.require(self.is_complex(), "imag of a real tensor");
  return op.imaginary_part(self);
}

// aten::view_as_real(Tensor(a) self) -> Tensor(a)
Value view_as_real(Op& op) { return op.as_real(op["self"]); }

// aten::view_as_complex(Tensor(a) self) -> Tensor(a)
Value view_as_complex(Op& op) { return op.as_complex(op["self"]); }

// aten::complex(Tensor real, Tensor imag) -> Tensor
Value complex(Op& op) {
  Value zero = op["real"] * 0 + op["imag"] * 0;  // for its shape: the two may broadcast
  return op.complex_of(op["real"] + zero, op["imag"] + zero);
}

// aten::polar(Tensor abs, Tensor angle) -> Tensor
Value polar(Op& op) {
  return op.complex_of(op["abs"] * op.Cos(op["angle"]), op["abs"] * op.Sin(op["angle"]));
}

}  // namespace

Mappings conversion() {
  return {
      Mapping("aten::to", to).complex(),
      Mapping("aten::to.other", type_as).complex(),
      Mapping("aten::_to_copy", to).complex(),
      Mapping("aten::type_as", type_as).complex(),
      {"aten::_cast_Byte", cast_to<DType::u8>},
      {"aten::_cast_Char", cast_to<DType::i8>},
      {"aten::_cast_Double", cast_to<DType::f64>},
      {"aten::_cast_Float", cast_to<DType::f32>},
      {"aten::_cast_Half", cast_to<DType::f16>},
      {"aten::_cast_Int", cast_to<DType::i32>},
      {"aten::_cast_Long", cast_to<DType::i64>},
      {"aten::_cast_Short", cast_to<DType::i16>},
      Mapping("aten::alias", same).complex(),
      Mapping("aten::alias_copy", same).complex(),
      Mapping("aten::clone", same).complex(),
      Mapping("aten::contiguous", same).complex(),
      Mapping("aten::cpu", same).complex(),
      Mapping("aten::cuda", same).complex(),
      Mapping("aten::detach", same).complex(),
      Mapping("aten::detach_copy", same).complex(),
      Mapping("aten::lift", same).complex(),
      Mapping("aten::lift_fresh", same).complex(),
      Mapping("aten::lift_fresh_copy", same).complex(),
      Mapping("aten::requires_grad_", same).complex(),
      Mapping("aten::resolve_neg", same).complex(),
      Mapping("aten::resolve_conj", same).complex(),
      Mapping("aten::conj", conjugate).complex(),
      Mapping("aten::_conj", conjugate).complex(),
      Mapping("aten::conj_physical", conjugate).complex(),
      Mapping("aten::real", real_part).complex(),
      Mapping("aten::imag", imaginary_part).complex(),
      Mapping("aten::view_as_real", view_as_real).complex(),
      {"aten::view_as_complex", view_as_complex},
      {"aten::complex", complex},
      {"aten::polar", polar},
  };
}

}  // namespace onnxport::aten
