// The checksum of a zip's record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace onnxport {

// CRC-32 as zip files have it; large inputs are shared among the processor's cores.
uint32_t crc32_of(std::span<const std::byte> bytes);

}  // namespace onnxport
