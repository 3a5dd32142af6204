#include "core/archive/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

namespace onnxport {

std::optional<std::string> inflate_record(std::span<const std::byte> compressed, size_t size) {
  constexpr size_t kMost = std::numeric_limits<uInt>::max();
  if (compressed.size() > kMost || size > kMost) return std::nullopt;
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return std::nullopt;
  std::string out(size, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(size);
  const int end = inflate(&stream, Z_FINISH);
  const bool whole = end == Z_STREAM_END && stream.total_out == size;
  inflateEnd(&stream);
  return whole ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace onnxport
