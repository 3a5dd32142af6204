#include "core/ir/half.h"

#include <cmath>

namespace onnxport::ir {

uint16_t f16_bits(double value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7e00);
  if (magnitude >= 65520.0) return static_cast<uint16_t>(sign | 0x7c00);
  if (magnitude < 0x1p-14) {  // subnormal: multiples of 2^-24
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(magnitude * 0x1p24)));
  }
  int exponent = 0;
  const double fraction = std::frexp(magnitude, &exponent);  // [0.5, 1)
  // Rounding up to the next power of two carries into the exponent by itself.
  const auto mantissa = static_cast<int>(std::nearbyint(fraction * 2048)) - 1024;
  return static_cast<uint16_t>(sign | (((exponent + 14) << 10) + mantissa));
}

uint16_t bf16_bits(double value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7fc0);
  if (std::isinf(value)) return static_cast<uint16_t>(sign | 0x7f80);
  if (magnitude < 0x1p-126) {  // subnormal: multiples of 2^-133
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(magnitude * 0x1p133)));
  }
  int exponent = 0;
  const double fraction = std::frexp(magnitude, &exponent);
  if (exponent > 128) return static_cast<uint16_t>(sign | 0x7f80);
  const auto mantissa = static_cast<int>(std::nearbyint(fraction * 256)) - 128;
  return static_cast<uint16_t>(sign | (((exponent + 126) << 7) + mantissa));
}

}  // namespace onnxport::ir
