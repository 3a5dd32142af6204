// The central directory of a zip archive, read with every bound checked: what an archive holds and where,
// before libtorch's reader is let near it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace onnxport {

struct ZipEntry {
  std::string name;
  uint64_t size = 0;  // uncompressed
  uint64_t compressed_size = 0;
  uint32_t crc32 = 0;   // of the uncompressed bytes, as the archive says
  bool stored = false;  // not compressed: the bytes lie in the file as they are
  uint64_t offset = 0;  // of the data
};

// nullopt when the bytes are no whole zip archive, or one whose records overlap or contradict their headers;
// `why` then says what is wrong. The bytes of the records are not read.
std::optional<std::vector<ZipEntry>> read_zip_directory(std::span<const std::byte> bytes, std::string& why);

// A record's name for a message: at most a line of it, with '?' for what is no printable ASCII.
std::string printable_record(std::string_view name);

}  // namespace onnxport
