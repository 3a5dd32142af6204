// Elements of strided views brought into row-major order, piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace onnxport::ir {

// Elements of `width` bytes, as many as the dims say, at strides (in elements, none negative) from `offset`,
// which counts elements too.
struct StridedView {
  size_t width = 0;
  std::vector<int64_t> dims;
  std::vector<int64_t> strides;
  int64_t offset = 0;

  uint64_t byte_size() const;  // of the elements
  // The part with `count` indices of the first axis from `first` on.
  StridedView rows(int64_t first, int64_t count) const;
  // The part with one index of the first axis, which goes.
  StridedView row(int64_t index) const;
  // The same elements in the same order with as few axes as say so: none of size 1, and none that continues
  // its neighbour.
  StridedView coalesced() const;
  // Every element follows the one before it.
  bool is_contiguous() const;
};

// Copies the elements from the storage that begins at `storage` to `out`, row-major. Blocked where the view is
// a transposition, so that it runs at the speed of memory.
void copy_elements(const std::byte* storage, const StridedView& view, std::byte* out);

// Of `rows` x `columns` elements at `from`, whose rows are `from_pitch` bytes apart, the transposed ones to
// `to`, whose rows are `to_pitch` bytes apart.
void transpose(const std::byte* from, size_t from_pitch, size_t rows, size_t columns, size_t width,
               std::byte* to, size_t to_pitch);

// Visits the elements of `view` in row-major order as parts of at most `most` bytes each (one element at least).
void for_each_strip(const StridedView& view, uint64_t most,
                    const std::function<void(const StridedView&)>& visit);

}  // namespace onnxport::ir
