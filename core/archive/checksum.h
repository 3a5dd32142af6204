// The checksum of a zip's record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace onnxport {

// CRC-32 as zip files have it (the polynomial of IEEE 802.3), of what `before` is the checksum of followed by `bytes`:
// a record may be looked at piece by piece.
uint32_t crc32_of(std::span<const std::byte> bytes, uint32_t before = 0);

}  // namespace onnxport
