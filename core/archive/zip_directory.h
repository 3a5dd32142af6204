// The central directory of a zip archive, read with every bound checked: what an archive holds and where,
// before libtorch's reader is let near it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace onnxport {

struct ZipEntry {
  std::string name;
  uint64_t size = 0;  // uncompressed
  uint64_t compressed_size = 0;
  bool stored = false;  // not compressed: the bytes lie in the file as they are
  uint64_t offset = 0;  // of the data
};

// nullopt when the bytes are no whole zip archive; `why` then says what is wrong.
std::optional<std::vector<ZipEntry>> read_zip_directory(std::span<const std::byte> bytes, std::string& why);

}  // namespace onnxport
