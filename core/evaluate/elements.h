// Elements of constants as wide numbers, and back with the rounding of their dtype.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/ir/tensor.h"

namespace onnxport {

// The element count of dims; nullopt when negative or too many for `size`-byte elements in `max_bytes`.
std::optional<int64_t> count_within(const std::vector<int64_t>& dims, size_t size, uint64_t max_bytes);
// Row-major strides.
std::vector<int64_t> strides_of(const std::vector<int64_t>& dims);
// The dims both broadcast to; nullopt when they do not.
std::optional<std::vector<int64_t>> broadcast(const std::vector<int64_t>& a, const std::vector<int64_t>& b);
// Strides with which a tensor of `dims` is read as one of `target`: 0 along what is repeated.
std::vector<int64_t> broadcast_strides(const std::vector<int64_t>& dims, const std::vector<int64_t>& target);
// -rank <= axis < rank, as 0 <= axis < rank.
std::optional<size_t> normalize_axis(int64_t axis, size_t rank);

// Calls visit(offset) for each index of `dims` in row-major order, offset = base + sum of index * stride.
template <typename Visit>
void for_each_offset(const std::vector<int64_t>& dims, const std::vector<int64_t>& strides, int64_t base,
                     Visit&& visit) {
  for (int64_t dim : dims) {
    if (dim == 0) return;
  }
  std::vector<int64_t> index(dims.size(), 0);
  int64_t offset = base;
  while (true) {
    visit(offset);
    size_t axis = dims.size();
    while (axis-- > 0) {
      offset += strides[axis];
      if (++index[axis] < dims[axis]) break;
      offset -= strides[axis] * dims[axis];
      index[axis] = 0;
    }
    if (axis == static_cast<size_t>(-1)) return;
  }
}

// Rounds to the nearest value of the dtype, ties to even. nullopt for dtypes that are not of the class.
std::optional<ir::Tensor> from_reals(ir::DType dtype, std::vector<int64_t> dims,
                                     const std::vector<double>& values);
// Wraps as two's complement; bool is != 0.
std::optional<ir::Tensor> from_ints(ir::DType dtype, std::vector<int64_t> dims,
                                    const std::vector<int64_t>& values);
// Integers that an int64 holds whatever their value (u64 is not), bool included.
bool is_exact_integer(ir::DType dtype);
// Floats that are computed here: f16, bf16, f32, f64.
bool is_computed_float(ir::DType dtype);

}  // namespace onnxport
