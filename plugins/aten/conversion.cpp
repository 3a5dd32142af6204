// The same elements in another type, or simply the same.
#include "common.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

Value converted(Op& op, const Value& x, DType t) {
  op.require(!is_complex(t), "ONNX has no complex element types");
  return op.cast(x, t);
}

// aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False,
//                MemoryFormat? memory_format=None) -> Tensor(a)
// aten::to.device(Tensor(a) self, Device device, ScalarType dtype, …) -> Tensor(a)
// aten::_to_copy(Tensor self, *, ScalarType? dtype=None, …) -> Tensor
Value to(Op& op) { return converted(op, op["self"], op.dtype("dtype", op["self"].dtype())); }

// aten::to.other(Tensor(a) self, Tensor other, bool non_blocking=False, bool copy=False,
//                MemoryFormat? memory_format=None) -> Tensor(a)
// aten::type_as(Tensor self, Tensor other) -> Tensor
Value type_as(Op& op) { return op.cast_like(op["self"], op["other"]); }

template <DType t>
Value cast_to(Op& op) {
  return op.cast(op["self"], t);
}

// aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor
// aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=contiguous_format) -> Tensor(a)
Value same(Op& op) { return op["self"]; }

// aten::conj(Tensor(a) self) -> Tensor(a)
// aten::real(Tensor(a) self) -> Tensor(a)
Value real_part(Op& op) {
  Value self = op["self"];
  return self.is_complex() ? op.Gather(op.as_real(self), op.constant(0), {{"axis", -1}}) : self;
}

// aten::imag(Tensor(a) self) -> Tensor(a)
Value imaginary_part(Op& op) {
  Value self = op["self"];
  op.require(self.is_complex(), "imag of a real tensor");
  return op.Gather(op.as_real(self), op.constant(1), {{"axis", -1}});
}

// aten::view_as_real(Tensor(a) self) -> Tensor(a)
Value view_as_real(Op& op) { return op.as_real(op["self"]); }

// aten::view_as_complex(Tensor(a) self) -> Tensor(a)
Value view_as_complex(Op& op) { return op.as_complex(op["self"]); }

// aten::complex(Tensor real, Tensor imag) -> Tensor
Value complex(Op& op) {
  Value zero = op["real"] * 0 + op["imag"] * 0;  // for its shape: the two may broadcast
  Value real = op.unsqueeze(op["real"] + zero, {-1}), imag = op.unsqueeze(op["imag"] + zero, {-1});
  return op.as_complex(op.Concat({real, imag}, {{"axis", -1}}));
}

}  // namespace

Mappings conversion() {
  return {
      {"aten::to", to},
      {"aten::to.other", type_as},
      {"aten::_to_copy", to},
      {"aten::type_as", type_as},
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
      {"aten::resolve_conj", same},
      {"aten::conj", same},
      {"aten::_conj", same},
      {"aten::conj_physical", same},
      Mapping("aten::real", real_part).complex(),
      Mapping("aten::imag", imaginary_part).complex(),
      Mapping("aten::view_as_real", view_as_real).complex(),
      {"aten::view_as_complex", view_as_complex},
      {"aten::complex", complex},
  };
}

}  // namespace onnxport::aten
