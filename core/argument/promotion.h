// torch's type promotion, as one table: what at::result_type says.
#pragma once

#include "core/ir/type.h"

namespace onnxport {

// The common element type of two (c10::promoteTypes). undefined is neutral.
ir::DType promote(ir::DType a, ir::DType b);

// Operands fall into three classes; a class only wins over a higher one when its kind (bool < int < float <
// complex) is higher (at::native::result_type).
struct PromotionState {
  ir::DType tensors = ir::DType::undefined;  // of at least one axis
  ir::DType zero_dim = ir::DType::undefined;
  ir::DType numbers = ir::DType::undefined;  // Python numbers; a float counts as f32, the default dtype
  ir::DType result() const;
};

}  // namespace onnxport
