#include "core/archive/inflate.h"

#include <libdeflate.h>

#include <memory>

namespace onnxport {

std::optional<std::string> inflate_record(std::span<const std::byte> compressed, size_t size) {
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> reader(
      libdeflate_alloc_decompressor(), &libdeflate_free_decompressor);
  if (reader == nullptr) return std::nullopt;
  std::string out(size, '\0');
  // Without a place for the size that was written, any other than `size` is a fault.
  const libdeflate_result result = libdeflate_deflate_decompress(
      reader.get(), compressed.data(), compressed.size(), out.data(), size, nullptr);
  return result == LIBDEFLATE_SUCCESS ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace onnxport
