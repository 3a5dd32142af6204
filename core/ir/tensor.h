// Tensor bytes as views with an owner: a weight is never copied in memory to be exported.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/ir/type.h"

namespace onnxport::ir {

// Where the same bytes lie in a file, uncompressed: lets weights be copied file to file, or referenced in
// place.
struct FileRegion {
  std::shared_ptr<const std::string> path;
  uint64_t offset = 0;
};

// Dense, row-major, little-endian; bool is one byte; strings are not held here. Cheap to copy (shares the
// owner).
class Tensor {
 public:
  Tensor() = default;
  // Views `bytes`, kept alive by `owner`. Throws std::invalid_argument when the byte count does not fit dtype
  // and dims.
  Tensor(DType dtype, std::vector<int64_t> dims, std::span<const std::byte> bytes,
         std::shared_ptr<const void> owner, std::optional<FileRegion> file = std::nullopt);
  // Owns a copy of `data`.
  static Tensor copy_of(DType dtype, std::vector<int64_t> dims, std::span<const std::byte> bytes);
  template <typename T>
  static Tensor of(DType dtype, std::vector<int64_t> dims,  // NOLINT(performance-unnecessary-value-param)
                   const std::vector<T>& values) {
    return copy_of(dtype, std::move(dims), std::as_bytes(std::span(values)));
  }
  static Tensor scalar(int64_t value) { return of<int64_t>(DType::i64, {}, {value}); }
  static Tensor ints(const std::vector<int64_t>& values) {
    return of<int64_t>(DType::i64, {static_cast<int64_t>(values.size())}, values);
  }

  DType dtype() const { return dtype_; }
  const std::vector<int64_t>& dims() const { return dims_; }
  int64_t count() const;  // elements
  std::span<const std::byte> bytes() const { return bytes_; }
  const std::optional<FileRegion>& file() const { return file_; }
  template <typename T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T*>(bytes_.data()), bytes_.size() / sizeof(T)};
  }
  // The same bytes under other dims of the same count.
  Tensor reshaped(std::vector<int64_t> dims) const;
  // Two views of the same storage: the same bytes at the same address with one dtype and dims.
  bool same_storage(const Tensor& other) const;
  Type type() const;

  // Elements as wide numbers; nullopt when the dtype is not of that class (ints: integers and bool; reals:
  // floats).
  std::optional<std::vector<int64_t>> to_ints() const;
  std::optional<std::vector<double>> to_reals() const;

 private:
  DType dtype_ = DType::undefined;
  std::vector<int64_t> dims_;
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  std::optional<FileRegion> file_;
};

}  // namespace onnxport::ir
