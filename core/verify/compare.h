// Comparing tensors: tolerance by element type, NaN equals NaN.
#pragma once

#include <optional>
#include <string>

#include "core/ir/tensor.h"

namespace onnxport {

struct Tolerance {
  double rtol = 0;
  double atol = 0;
};

// float64 1e-5; float32 1e-3 with atol max(1e-5, 2e-6 * largest); float16 1e-2; bfloat16 4e-2; integers and bool exact.
Tolerance tolerance_of(ir::DType dtype, double largest);

struct Comparison {
  bool equal = true;
  double max_abs_error = 0;
  double max_rel_error = 0;  // against max(|expected|, atol)
  std::string message;       // what differs, where; empty when equal
};

// A complex `expected` may come back as a real tensor with a last axis of 2. `computed_in`: the narrowest
// float type that the model computes in; a result that was cast from it is no more exact than it.
Comparison compare(const ir::Tensor& expected, const ir::Tensor& actual, std::optional<double> rtol,
                   std::optional<double> atol, ir::DType computed_in = ir::DType::undefined);

}  // namespace onnxport
