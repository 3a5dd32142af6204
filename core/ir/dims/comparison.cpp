#include "core/ir/dims/comparison.h"

namespace onnxport::ir {

Dim DimComparison::smaller(const Dim& a, const Dim& b) const {
  const Bounds difference = bounds(a - b);
  if (difference.max <= 0) return a;
  if (difference.min >= 0) return b;
  return min(a, b);
}

Dim DimComparison::larger(const Dim& a, const Dim& b) const {
  const Bounds difference = bounds(a - b);
  if (difference.max <= 0) return b;
  if (difference.min >= 0) return a;
  return max(a, b);
}

}  // namespace onnxport::ir
