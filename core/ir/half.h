// Numbers as half precision and as bfloat16: rounded to nearest, ties to even.
#pragma once

#include <cstdint>

namespace onnxport::ir {

// The bits of the nearest number of the type. Rounded once, from the double, so that no second rounding through float
// can move a tie. Too large is infinity; NaN stays NaN.
uint16_t f16_bits(double value);
uint16_t bf16_bits(double value);

}  // namespace onnxport::ir
