// Values for a model's inputs, made up by type, role and seed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/ir/graph.h"
#include "core/torch_interface/torch_interface.h"

namespace onnxport {

using Sizes = std::map<std::string, int64_t, std::less<>>;

// How values are drawn.
struct Draw {
  enum class Reals : uint8_t {
    normal,
    large,  // of all magnitudes up to a thousand
    unit,   // between 0 and 1: probabilities
    positive,
    ascending,  // along the last axis: boundaries
    definite,   // matrices that are symmetric and positive definite
  };
  enum class Integers : uint8_t {
    below,     // 0 … limit - 1, and limit - 1 among them
    from_one,  // 1 … limit: divisors
    offsets,   // from 0, ascending, below limit
    lengths,   // from limit, descending, at least 1
  };
  Reals reals = Reals::normal;
  Integers integers = Integers::below;
  int64_t limit = 10;
};

// Fair bools; the rest as `draw` says. Dims are evaluated at `sizes`. Throws Error V805 when a dim has no value there, or
// there would be too many elements.
ir::Tensor random_tensor(const ir::Type& type, const Sizes& sizes, uint64_t seed, const Draw& draw);

// `given` at other sizes: cut off, or its last element repeated, along each axis.
ir::Tensor resized(const ir::Tensor& given, const std::vector<int64_t>& dims);

// The same with each real number changed by about 2^-21 of itself, one way or the other.
ir::Tensor nudged(const ir::Tensor& tensor, uint64_t seed);

// The same numbers in another real type.
ir::Tensor as_dtype(const ir::Tensor& tensor, ir::DType dtype);

// The dims of a tensor of `type` at these sizes. Throws Error V805.
std::vector<int64_t> dims_at(const ir::Type& type, const Sizes& sizes);

}  // namespace onnxport
