// What operators are evaluated on: numbers, which are the bytes of a tensor, or sizes, which are symbolic.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "core/ir/tensor.h"

namespace onnxport {

// An array of either kind. Sizes have an integer type or bool; some of them may be unknown. Rules that move
// elements need not know which kind they move; rules that compute have one formula for each.
class Array {
 public:
  explicit Array(ir::Tensor numbers) : elements_(std::move(numbers)) {}
  // As many elements as the dims say.
  Array(ir::DType dtype, std::vector<int64_t> dims, std::vector<ir::Dim> sizes)
      : elements_(Sizes{dtype, std::move(dims), std::move(sizes)}) {}

  // Numbers where all of the sizes are.
  static Array of_sizes(ir::DType dtype, std::vector<int64_t> dims, std::vector<ir::Dim> sizes);

  bool is_symbolic() const { return std::holds_alternative<Sizes>(elements_); }
  ir::DType dtype() const { return is_symbolic() ? sizes().dtype : numbers().dtype(); }
  const std::vector<int64_t>& dims() const { return is_symbolic() ? sizes().dims : numbers().dims(); }
  int64_t count() const {
    return is_symbolic() ? static_cast<int64_t>(sizes().values.size()) : numbers().count();
  }
  uint64_t byte_size() const { return static_cast<uint64_t>(count()) * ir::size_of(dtype()); }

  // Of numbers.
  const ir::Tensor& numbers() const { return std::get<ir::Tensor>(elements_); }
  // nullopt when the type is not of that class, or a size is no number.
  std::optional<std::vector<int64_t>> to_ints() const;
  std::optional<std::vector<double>> to_reals() const;
  // Of both kinds; nullopt for numbers that are no integers.
  std::optional<std::vector<ir::Dim>> to_sizes() const;

  // The same elements under other dims of the same count.
  Array reshaped(std::vector<int64_t> dims) const;

 private:
  friend class Collector;
  struct Sizes {
    ir::DType dtype;
    std::vector<int64_t> dims;
    std::vector<ir::Dim> values;
  };
  const Sizes& sizes() const { return std::get<Sizes>(elements_); }

  std::variant<ir::Tensor, Sizes> elements_;
};

// Makes an array out of elements of others, one after another, whatever these are.
class Collector {
 public:
  // `symbolic`: some of what is taken may be.
  Collector(ir::DType dtype, bool symbolic, size_t count);

  // `count` elements that follow each other in `from`, which is contiguous and of the same type.
  void take(const Array& from, int64_t offset, int64_t count = 1);
  void zero();
  // Of sizes.
  void unknown() { sizes_.emplace_back(); }
  Array finish(std::vector<int64_t> dims);

 private:
  ir::DType dtype_;
  bool symbolic_;
  size_t width_;
  std::vector<std::byte> bytes_;
  std::vector<ir::Dim> sizes_;
};

// Elements of `from` at base + sum of index * stride, row-major.
Array pick(const Array& from, std::vector<int64_t> dims, const std::vector<int64_t>& strides, int64_t base);

}  // namespace onnxport
