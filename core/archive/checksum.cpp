#include "core/archive/checksum.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <libdeflate.h>

namespace onnxport {

uint32_t crc32_of(std::span<const std::byte> bytes, uint32_t before) {
  return bytes.empty()
             ? before
             : libdeflate_crc32(before, bytes.data(), bytes.size());  // of a null pointer it gives 0
}

namespace {

// What a number of zero bits does to the register: a linear map over its 32 bits, by what it makes of each.
using Map = std::array<uint32_t, 32>;

uint32_t applied(const Map& map, uint32_t bits) {
  uint32_t out = 0;
  for (size_t i = 0; bits != 0; ++i, bits >>= 1) {
    if ((bits & 1) != 0) out ^= map[i];
  }
  return out;
}

Map twice(const Map& map) {
  Map out{};
  for (size_t i = 0; i < out.size(); ++i) out[i] = applied(map, map[i]);
  return out;
}

}  // namespace

uint32_t crc32_of_zeros(uint64_t count, uint32_t crc) {
  constexpr uint32_t kPolynomial = 0xEDB88320;
  Map step{kPolynomial};  // of one bit
  for (uint32_t i = 1; i < step.size(); ++i) step[i] = uint32_t{1} << (i - 1);
  for (int i = 0; i < 3; ++i) step = twice(step);  // of a byte
  uint32_t out = ~crc;
  for (; count != 0; count >>= 1, step = twice(step)) {
    if ((count & 1) != 0) out = applied(step, out);
  }
  return ~out;
}

uint64_t end_of_hole(int descriptor, uint64_t offset, uint64_t end) {
  const off_t found = ::lseek(descriptor, static_cast<off_t>(offset), SEEK_DATA);
  if (found < 0)
    return errno == ENXIO ? end : offset;  // nothing but a hole; or a file system that cannot say
  return std::clamp(static_cast<uint64_t>(found), offset, end);
}

}  // namespace onnxport
