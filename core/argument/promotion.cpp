#include "core/argument/promotion.h"

#include <algorithm>

namespace onnxport {
namespace {

using ir::DType;

// Order within the integers: an unsigned byte meets a signed type at the next signed one.
int integer_rank(DType t) {
  switch (t) {
    case DType::boolean:
      return 0;
    case DType::u8:
      return 1;
    case DType::i8:
      return 2;
    case DType::i16:
      return 3;
    case DType::i32:
      return 4;
    case DType::i64:
      return 5;
    case DType::u16:
      return 6;
    case DType::u32:
      return 7;
    default:
      return 8;
  }
}

DType promote_integers(DType a, DType b) {
  if (integer_rank(a) > integer_rank(b)) std::swap(a, b);
  if (a == DType::u8 && b == DType::i8) return DType::i16;
  return b;
}

DType promote_floats(DType a, DType b) {
  if (a == b) return a;
  if (a == DType::f64 || b == DType::f64) return DType::f64;
  return DType::f32;  // f32 with anything narrower, and f16 with bf16
}

DType combine(DType higher, DType lower) {
  if (ir::is_complex(higher)) return higher;
  if (ir::is_floating(higher)) {
    if (!ir::is_complex(lower)) return higher;
    return higher == DType::f64 ? DType::c128 : DType::c64;
  }
  if (higher == DType::boolean || ir::is_floating(lower) || ir::is_complex(lower))
    return promote(higher, lower);
  return higher != DType::undefined ? higher : lower;
}

}  // namespace

ir::DType promote(ir::DType a, ir::DType b) {
  if (a == DType::undefined || a == b) return b;
  if (b == DType::undefined) return a;
  if (ir::is_complex(a) || ir::is_complex(b)) {
    const bool wide = a == DType::c128 || b == DType::c128 || a == DType::f64 || b == DType::f64;
    return wide ? DType::c128 : DType::c64;
  }
  if (ir::is_floating(a) && ir::is_floating(b)) return promote_floats(a, b);
  if (ir::is_floating(a)) return a;
  if (ir::is_floating(b)) return b;
  return promote_integers(a, b);
}

ir::DType PromotionState::result() const { return combine(tensors, combine(zero_dim, numbers)); }

}  // namespace onnxport
