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
constexpr uint64_t kSizesFollow = 1 << 3;      // flag: the local header has no sizes, they follow the data
constexpr size_t kLongestShown = 120;

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

// What a record takes of the file, header included.
struct Extent {
  uint64_t begin = 0;
  uint64_t end = 0;
  size_t entry = 0;
};

std::string quoted(std::string_view name) { return "record '" + printable_record(name) + "'"; }

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

// Where the header before the data contradicts the directory, two readers would see two archives.
bool contradicts(const Bytes& b, uint64_t local, uint64_t method, const ZipEntry& entry) {
  const uint64_t name_length = b.number(local + 26, 2);
  if (name_length != entry.name.size() || b.text(local + 30, name_length) != entry.name) return true;
  if (b.number(local + 8, 2) != method) return true;
  if ((b.number(local + 6, 2) & kSizesFollow) != 0) return false;
  const uint64_t compressed = b.number(local + 18, 4);
  const uint64_t size = b.number(local + 22, 4);
  return (compressed != entry.compressed_size && compressed != kElsewhere32) ||
         (size != entry.size && size != kElsewhere32);
}

// The entry of the directory at `at`, which lies within the file; nullopt, with `why`, when its data does not.
std::optional<ZipEntry> read_entry(const Bytes& b, uint64_t at, std::string& why, Extent& extent) {
  const uint64_t name_length = b.number(at + 28, 2);
  const uint64_t method = b.number(at + 10, 2);
  ZipEntry entry;
  entry.name = b.text(at + 46, name_length);
  entry.stored = method == 0;
  entry.crc32 = static_cast<uint32_t>(b.number(at + 16, 4));
  entry.compressed_size = b.number(at + 20, 4);
  entry.size = b.number(at + 24, 4);
  uint64_t local = b.number(at + 42, 4);
  read_zip64(b, at + 46 + name_length, at + 46 + name_length + b.number(at + 30, 2), entry, local);
  if (!b.has(local, 30) || b.number(local, 4) != kLocal) {
    why = quoted(entry.name) + " does not lie where the zip directory says";
    return std::nullopt;
  }
  if (contradicts(b, local, method, entry)) {
    why = quoted(entry.name) + " is another one in the zip directory than where it lies";
    return std::nullopt;
  }
  entry.offset = local + 30 + name_length + b.number(local + 28, 2);
  if (!b.has(entry.offset, entry.compressed_size)) {
    why = quoted(entry.name) + " reaches beyond the end of the file: the file is truncated";
    return std::nullopt;
  }
  if (entry.stored && entry.size != entry.compressed_size) {
    why = quoted(entry.name) + " has two sizes: " + std::to_string(entry.size) + " and " +
          std::to_string(entry.compressed_size) + " bytes";
    return std::nullopt;
  }
  extent.begin = local;
  extent.end = entry.offset + entry.compressed_size;
  return entry;
}

// No record lies in another one or in the directory: nothing is read under two names.
bool lie_apart(std::vector<Extent> extents, uint64_t directory, const std::vector<ZipEntry>& entries,
               std::string& why) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  for (size_t i = 0; i < extents.size(); ++i) {
    const bool last = i + 1 == extents.size();
    if (extents[i].end <= (last ? directory : extents[i + 1].begin)) continue;
    why = quoted(entries[extents[i].entry].name) + " overlaps " +
          (last ? "the zip directory" : quoted(entries[extents[i + 1].entry].name));
    return false;
  }
  return true;
}

}  // namespace

std::string printable_record(std::string_view name) {
  std::string out(name.substr(0, kLongestShown));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  }
  return name.size() > kLongestShown ? out + "..." : out;
}

std::optional<std::vector<ZipEntry>> read_zip_directory(std::span<const std::byte> bytes, std::string& why) {
  const Bytes b(bytes);
  const auto directory = find_directory(b, why);
  if (!directory) return std::nullopt;
  std::vector<ZipEntry> out;
  std::vector<Extent> extents;
  uint64_t at = directory->offset;
  for (uint64_t i = 0; i < directory->entries; ++i) {
    const uint64_t length = 46 + b.number(at + 28, 2) + b.number(at + 30, 2);
    if (!b.has(at, length) || b.number(at, 4) != kEntry) {
      why = "entry " + std::to_string(i) + " of the zip directory is damaged";
      return std::nullopt;
    }
    auto entry = read_entry(b, at, why, extents.emplace_back());
    if (!entry) return std::nullopt;
    extents.back().entry = i;
    out.push_back(std::move(*entry));
    at += length + b.number(at + 32, 2);
  }
  if (!lie_apart(std::move(extents), directory->offset, out, why)) return std::nullopt;
  return out;
}

}  // namespace onnxport
