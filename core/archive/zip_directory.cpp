#include "core/archive/zip_directory.h"

#include <algorithm>
#include <cstring>

namespace onnxport {
namespace {

constexpr uint32_t kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50;
constexpr uint32_t kEnd64Locator = 0x07064b50;
constexpr uint32_t kEntry = 0x02014b50;
constexpr uint32_t kLocal = 0x04034b50;
constexpr size_t kEndSize = 22;
constexpr size_t kLongestComment = 65535;
constexpr uint64_t kElsewhere32 = 0xffffffff;  // "see the zip64 field"

// Little-endian numbers at any offset; false once anything lies outside the file.
class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  bool has(uint64_t at, uint64_t count) const { return at <= bytes_.size() && count <= bytes_.size() - at; }
  uint64_t number(uint64_t at, size_t count) const {
    uint64_t out = 0;
    if (!has(at, count)) return out;
    for (size_t i = count; i-- > 0;) out = out << 8 | static_cast<uint64_t>(bytes_[at + i]);
    return out;
  }
  std::string text(uint64_t at, size_t count) const {
    return has(at, count) ? std::string(reinterpret_cast<const char*>(bytes_.data() + at), count)
                          : std::string();
  }
  size_t size() const { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
};

struct Directory {
  uint64_t entries = 0;
  uint64_t offset = 0;
};

std::optional<Directory> find_directory(const Bytes& b, std::string& why) {
  if (b.size() < kEndSize) {
    why = b.size() == 0 ? "the file is empty" : "the file is too short for a zip archive";
    return std::nullopt;
  }
  const size_t first = b.size() > kEndSize + kLongestComment ? b.size() - kEndSize - kLongestComment : 0;
  for (size_t at = b.size() - kEndSize + 1; at-- > first;) {
    if (b.number(at, 4) != kEnd) continue;
    Directory out{b.number(at + 10, 2), b.number(at + 16, 4)};
    if (out.offset == kElsewhere32 || out.entries == 0xffff) {
      const uint64_t end64 =
          at >= 20 && b.number(at - 20, 4) == kEnd64Locator ? b.number(at - 12, 8) : b.size();
      if (b.number(end64, 4) != kEnd64) break;
      out = {b.number(end64 + 32, 8), b.number(end64 + 48, 8)};
    }
    return out;
  }
  why = b.number(0, 4) == kLocal ? "the end of the zip archive is missing: the file is truncated"
                                 : "the file is no zip archive";
  return std::nullopt;
}

// Sizes and offsets above 4 GiB are in the extra field, in this order, only those that did not fit.
void read_zip64(const Bytes& b, uint64_t at, uint64_t end, ZipEntry& entry, uint64_t& local) {
  while (at + 4 <= end) {
    const uint64_t length = b.number(at + 2, 2);
    uint64_t field = at + 4;
    if (b.number(at, 2) == 1) {
      for (uint64_t* value : {&entry.size, &entry.compressed_size, &local}) {
        if (*value != kElsewhere32 || field + 8 > at + 4 + length) continue;
        *value = b.number(field, 8);
        field += 8;
      }
    }
    at += 4 + length;
  }
}

}  // namespace

std::optional<std::vector<ZipEntry>> read_zip_directory(std::span<const std::byte> bytes, std::string& why) {
  const Bytes b(bytes);
  const auto directory = find_directory(b, why);
  if (!directory) return std::nullopt;
  std::vector<ZipEntry> out;
  uint64_t at = directory->offset;
  for (uint64_t i = 0; i < directory->entries; ++i) {
    const uint64_t name_length = b.number(at + 28, 2);
    const uint64_t extra_length = b.number(at + 30, 2);
    if (!b.has(at, 46 + name_length + extra_length) || b.number(at, 4) != kEntry) {
      why = "entry " + std::to_string(i) + " of the zip directory is damaged";
      return std::nullopt;
    }
    ZipEntry entry;
    entry.name = b.text(at + 46, name_length);
    entry.stored = b.number(at + 10, 2) == 0;
    entry.compressed_size = b.number(at + 20, 4);
    entry.size = b.number(at + 24, 4);
    uint64_t local = b.number(at + 42, 4);
    read_zip64(b, at + 46 + name_length, at + 46 + name_length + extra_length, entry, local);
    if (!b.has(local, 30) || b.number(local, 4) != kLocal) {
      why = "record '" + entry.name + "' does not lie where the zip directory says";
      return std::nullopt;
    }
    entry.offset = local + 30 + b.number(local + 26, 2) + b.number(local + 28, 2);
    if (!b.has(entry.offset, entry.compressed_size) ||
        (entry.stored && entry.size != entry.compressed_size)) {
      why = "record '" + entry.name + "' reaches beyond the end of the file: the file is truncated";
      return std::nullopt;
    }
    out.push_back(std::move(entry));
    at += 46 + name_length + extra_length + b.number(at + 32, 2);
  }
  return out;
}

}  // namespace onnxport
