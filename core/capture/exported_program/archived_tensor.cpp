#include "core/capture/exported_program/archived_tensor.h"

#include <utility>

namespace onnxport {
namespace {

// Elements of a tensor; nullopt when a size is negative or the product overflows, zeros left out: a product
// in another order must not overflow either.
std::optional<int64_t> count_of(const std::vector<int64_t>& sizes) {
  int64_t out = 1;
  bool empty = false;
  for (const int64_t s : sizes) {
    if (s < 0 || (s > 0 && __builtin_mul_overflow(out, s, &out))) return std::nullopt;
    empty = empty || s == 0;
  }
  return empty ? 0 : out;
}

// One past the last element that is read, 0 for an empty tensor; nullopt when a stride is negative or the
// number does not fit.
std::optional<int64_t> end_of(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides,
                              int64_t count) {
  if (count == 0) return 0;
  int64_t last = 1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    int64_t reach = 0;
    if (strides[i] < 0 || __builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return std::nullopt;
    }
  }
  return last;
}

// Expanded tensors may be far larger than their records: a small file does not get the memory of the machine.
constexpr uint64_t kMostExpanded = uint64_t{2} << 30;

}  // namespace

ArchivedTensor ArchivedTensor::of(const SavedTensor& saved, std::string record) {
  return {std::move(record), saved.dtype,      saved.sizes,       saved.strides,
          saved.offset,      saved.storage_at, saved.storage_size};
}

std::optional<ir::Tensor> read_tensor(const ProgramArchive& archive, const ArchivedTensor& tensor,
                                      uint64_t& copied, std::string& why) {
  const auto& [record, dtype, sizes, strides, offset, storage_at, storage_size] = tensor;
  const size_t width = ir::size_of(dtype);
  const auto count = count_of(sizes);
  why.clear();
  if (width == 0) {
    why = "has an element type that ONNX does not have";
    return std::nullopt;
  }
  if (!count || strides.size() != sizes.size()) {
    why = "has impossible sizes or strides";
    return std::nullopt;
  }
  const std::span<const std::byte> storage = archive.bytes(record).subspan(storage_at, storage_size);
  const auto last = end_of(sizes, strides, *count);
  const auto elements = static_cast<int64_t>(storage.size() / width);
  if (!last || offset < 0 || offset > elements || *last > elements - offset) {
    why = "reaches beyond the " + std::to_string(storage.size()) + " bytes that its record '" + record +
          "' has for it";
    return std::nullopt;
  }
  const size_t start = static_cast<size_t>(offset) * width;
  const auto size = static_cast<size_t>(*count);
  uint64_t bytes = 0;
  if (*count > elements && (__builtin_mul_overflow(size, width, &bytes) ||
                            __builtin_add_overflow(copied, bytes, &copied) || copied > kMostExpanded)) {
    why = "is expanded to an absurd size";
    return std::nullopt;
  }
  return ir::Tensor::strided(dtype, sizes, strides, storage.subspan(start), archive.file(),
                             archive.region(record, storage_at + start));
}

}  // namespace onnxport
