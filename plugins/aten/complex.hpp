// Complex tensors, which are real ones with a last axis of 2.
#pragma once

#include "common.hpp"

namespace onnxport::aten {

// The element type that torch sees.
inline DType element_type(const Value& x) {
  if (!x.is_complex()) return x.dtype();
  return x.dtype() == DType::f64 ? DType::c128 : DType::c64;
}

// Of the parts of a complex type; of a real type, itself.
inline DType part_type(DType t) {
  if (!is_complex(t)) return t;
  return t == DType::c128 ? DType::f64 : DType::f32;
}

// Real to complex gains an imaginary part of zeros, complex to real loses its own.
inline Value converted(Op& op, const Value& x, DType t) {
  if (!is_complex(t)) return op.cast(x.is_complex() ? op.real_part(x) : x, t);
  if (x.is_complex()) return op.as_complex(op.cast(op.as_real(x), part_type(t)));
  Value real = op.cast(x, part_type(t));
  return op.complex_of(real, op.full(op.shape_of(real), 0, real.dtype()));
}

// One number in a shape (1-D i64), of any type.
inline Value full_of(Op& op, const Value& size, double number, DType t) {
  if (!is_complex(t)) return op.full(size, number, t);
  if (number == 0) return op.as_complex(op.full(op.shape({size, op.constant(2)}), 0, part_type(t)));
  return op.complex_of(op.full(size, number, part_type(t)), op.full(size, 0, part_type(t)));
}

}  // namespace onnxport::aten
