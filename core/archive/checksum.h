// The checksum of a zip's record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace onnxport {

// CRC-32 as zip files have it (the polynomial of IEEE 802.3), of what `before` is the checksum of followed by `bytes`:
// a record may be looked at piece by piece.
uint32_t crc32_of(std::span<const std::byte> bytes, uint32_t before = 0);

// `crc` and then `count` zeros, without reading them.
uint32_t crc32_of_zeros(uint64_t count, uint32_t crc);

// Where a file has bytes again from `offset` on: `offset` itself, or the end of a hole, which reads as zeros and takes no
// space; `end` where nothing but a hole is left before that.
uint64_t end_of_hole(int descriptor, uint64_t offset, uint64_t end);

}  // namespace onnxport
