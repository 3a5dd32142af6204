#include "core/archive/checksum.h"

#include <libdeflate.h>

namespace onnxport {

uint32_t crc32_of(std::span<const std::byte> bytes, uint32_t before) {
  return libdeflate_crc32(before, bytes.data(), bytes.size());
}

}  // namespace onnxport
