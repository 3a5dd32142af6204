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

// Where the same bytes lie in a file, uncompressed: lets weights be copied file to file, or referenced in place.
struct FileRegion {
  std::shared_ptr<const std::string> path;
  uint64_t offset = 0;
};

// Little-endian elements; bool is one byte; strings are not held here. Cheap to copy (shares the owner).
// The elements are mostly contiguous: row-major, one after another. A view may have strides instead (a weight
// that is read transposed): its elements have no bytes in their own order until `contiguous` copies them.
class Tensor {
 public:
  Tensor() = default;
  // Views contiguous `bytes`, kept alive by `owner`. Throws std::invalid_argument when the byte count does not
  // fit dtype and dims.
  Tensor(DType dtype, std::vector<int64_t> dims, std::span<const std::byte> bytes,
         std::shared_ptr<const void> owner, std::optional<FileRegion> file = std::nullopt);
  // Views elements at `strides` (in elements, none negative) from the first one, which is where `bytes` and
  // `file` begin. Throws std::invalid_argument when one of them does not lie within `bytes`.
  static Tensor strided(DType dtype, std::vector<int64_t> dims, std::vector<int64_t> strides,
                        std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                        std::optional<FileRegion> file = std::nullopt);
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
  // Bytes of the elements, however they lie.
  uint64_t byte_size() const;
  const std::optional<FileRegion>& file() const { return file_; }

  // ---- layout ----
  bool is_contiguous() const { return strides_.empty(); }
  // Of contiguous ones too; in elements.
  std::vector<int64_t> strides() const;
  // What the elements lie among, from the first one to the last in memory; of contiguous ones their bytes.
  std::span<const std::byte> extent() const { return bytes_; }
  // Of a contiguous tensor. Throws std::logic_error for another: ask for `contiguous()`, or handle strides.
  std::span<const std::byte> bytes() const;
  template <typename T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T*>(bytes().data()), bytes().size() / sizeof(T)};
  }
  // This one where it is contiguous, else a copy in memory that is.
  Tensor contiguous() const;
  // A view with the axes in another order, a permutation of 0…rank-1 (axis i of the result is axis order[i]).
  Tensor transposed(const std::vector<int64_t>& order) const;
  // The same elements, in order, under other dims of the same count: a view where strides can say so, else a
  // contiguous copy.
  Tensor reshaped(std::vector<int64_t> dims) const;
  // A view of the same elements under other dims; nullopt when no strides say so.
  std::optional<Tensor> viewed_as(std::vector<int64_t> dims) const;
  // Two views of the same elements: at the same address, with one dtype, dims and layout.
  bool same_storage(const Tensor& other) const;
  // Both begin at the same address of the same storage.
  bool shares_memory(const Tensor& other) const {
    return !bytes_.empty() && bytes_.data() == other.bytes_.data();
  }
  Type type() const;

  // Elements as wide numbers, row-major; nullopt when the dtype is not of that class (ints: integers and bool;
  // reals: floats).
  std::optional<std::vector<int64_t>> to_ints() const;
  std::optional<std::vector<double>> to_reals() const;

 private:
  DType dtype_ = DType::undefined;
  std::vector<int64_t> dims_;
  std::vector<int64_t> strides_;  // empty: contiguous
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  std::optional<FileRegion> file_;
};

}  // namespace onnxport::ir
