// Comparing tensors: tolerance by element type, NaN equals NaN.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/ir/tensor.h"

namespace onnxport {

struct Tolerance {
  double rtol = 0;
  double atol = 0;
};

// float64 1e-5; float32 1e-3 with atol max(1e-5, 2e-6 * largest); float16 1e-2; bfloat16 4e-2; integers and bool exact.
// `largest`: of the row (the last axis) that an element is in.
Tolerance tolerance_of(ir::DType dtype, double largest);

// How far results move when the inputs move by what a float cannot tell: each the model's results for inputs that were
// changed a little. Where they move, no two computations agree better.
using Nudged = std::vector<ir::Tensor>;

struct Comparison {
  bool equal = true;
  double max_abs_error = 0;
  double max_rel_error = 0;  // against max(|expected|, atol)
  std::string message;       // what differs, where; empty when equal
};

// A complex `expected` may come back as a real tensor with a last axis of 2. `computed_in`: the narrowest
// float type that the model computes in; a result that was cast from it is no more exact than it.
Comparison compare(const ir::Tensor& expected, const ir::Tensor& actual, std::optional<double> rtol,
                   std::optional<double> atol, ir::DType computed_in = ir::DType::undefined,
                   const Nudged& nudged = {});

// How many elements are finite numbers.
size_t finite_elements(const ir::Tensor& tensor);

// What was seen of one result, over several runs.
class Coverage {
 public:
  void add(const ir::Tensor& result);
  // Why nothing can be said of it ("has no finite element"); empty when enough was seen.
  std::string fault() const;

 private:
  size_t elements_ = 0, finite_ = 0, nan_ = 0;
  bool real_ = false;
  bool saturated_ = true;  // all of -1, 0, 1
  std::optional<double> first_;
  bool varies_ = false;
};

}  // namespace onnxport
