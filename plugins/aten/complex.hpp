// Complex tensors, which are real ones with a last axis of 2.
#pragma once

#include "onnxport/plugin.hpp"

namespace onnxport::aten {

// The element type that torch sees.
inline DType torch_dtype(const Value& x) {
  if (!x.is_complex()) return x.dtype();
  return x.dtype() == DType::f64 ? DType::c128 : DType::c64;
}

// Of the parts of a complex type; of a real type, itself.
inline DType real_dtype(DType t) {
  if (!is_complex(t)) return t;
  return t == DType::c128 ? DType::f64 : DType::f32;
}

// Real to complex gains an imaginary part of zeros, complex to real loses its own.
inline Value to_dtype(Op& op, const Value& x, DType t) {
  if (!is_complex(t)) return op.cast(x.is_complex() ? op.real_part(x) : x, t);
  if (x.is_complex()) return op.as_complex(op.cast(op.as_real(x), real_dtype(t)));
  Value real = op.cast(x, real_dtype(t));
  return op.complex_of(real, op.full(op.shape_of(real), 0, real.dtype()));
}

// One number in a shape (1-D i64), of any type.
inline Value full_complex(Op& op, const Value& size, double number, DType t) {
  if (!is_complex(t)) return op.full(size, number, t);
  if (number == 0) return op.as_complex(op.full(op.shape({size, op.constant(2)}), 0, real_dtype(t)));
  return op.complex_of(op.full(size, number, real_dtype(t)), op.full(size, 0, real_dtype(t)));
}

}  // namespace onnxport::aten
