#include "core/capture/exported_program/program_archive.h"

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

#include "core/archive/checksum.h"
#include "core/archive/file_error.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

constexpr std::string_view kOlderProgram = "serialized_exported_program.json";
constexpr std::string_view kSaveAgain = "write the program again with torch.export.save";

}  // namespace

ProgramArchive::ProgramArchive(const std::filesystem::path& path)
    : path_(std::make_shared<const std::string>(path.string())) {
  try {
    file_ = MappedFile::open(path);
  } catch (const std::system_error& e) {
    throw file_error("I101", "cannot be read: " + e.code().message(), *path_,
                     "check the path and its permissions");
  }
  std::string why;
  auto entries = read_zip_directory(file_->bytes(), why);
  if (!entries) throw file_error("I102", why, *path_, std::string(kSaveAgain));
  older_layout_ = std::any_of(entries->begin(), entries->end(),
                              [](const ZipEntry& entry) { return entry.name == kOlderProgram; });
  for (ZipEntry& entry : *entries) {
    // The archive's own folder stands in front of every record; the older layout has none.
    const size_t slash = older_layout_ ? std::string::npos : entry.name.find('/');
    std::string name = slash == std::string::npos ? entry.name : entry.name.substr(slash + 1);
    const auto [slot, fresh] = entries_.emplace(std::move(name), std::move(entry));
    if (!fresh) {
      throw file_error("I102", "two records are named '" + printable_record(slot->first) + "'", *path_,
                       std::string(kSaveAgain));
    }
  }
  choose_program();
  check_byte_order();
}

// Weights are views of the file: what a big-endian machine wrote would be read as other numbers.
void ProgramArchive::check_byte_order() const {
  const std::string record = "byteorder";
  if (!has(record) || text(record) == "little") return;
  throw file_error("I119", "the archive was written on a big-endian machine, which is not read", *path_,
                   "write the program again on a little-endian machine");
}

void ProgramArchive::choose_program() {
  if (older_layout_) {
    program_record_ = kOlderProgram;
    return;
  }
  if (has("models/model.json")) {
    program_record_ = "models/model.json";
    return;
  }
  std::vector<std::string> found;
  for (const auto& [name, entry] : entries_) {
    if (name.starts_with("models/") && name.ends_with(".json")) found.push_back(name);
  }
  if (found.size() == 1) {
    program_record_ = found.front();
    return;
  }
  if (found.size() > 1) {
    throw file_error("I103", "the archive holds " + std::to_string(found.size()) + " programs", *path_,
                     "save one program per file");
  }
  throw file_error("I103", "the archive holds no exported program: it has no record models/*.json", *path_,
                   "a .pt2 is written by torch.export.save; a TorchScript file is given as .pt");
}

const ZipEntry& ProgramArchive::entry(const std::string& record) const {
  const auto found = entries_.find(record);
  if (found == entries_.end()) {
    throw file_error("I102", "the record '" + printable_record(record) + "' is missing", *path_,
                     std::string(kSaveAgain));
  }
  if (!found->second.stored) {
    throw file_error("I102", "the record '" + printable_record(record) + "' is compressed", *path_,
                     "torch.export.save stores records as they are: write the file again with it");
  }
  return found->second;
}

std::span<const std::byte> ProgramArchive::bytes(const std::string& record) const {
  const ZipEntry& e = entry(record);
  return file_->bytes().subspan(e.offset, e.size);
}

namespace {

struct CheckedRecord {
  std::string name;
  std::span<const std::byte> bytes;
  uint32_t crc32 = 0;
};

// Piece by piece: what was looked at need not stay in memory.
void check_record(const CheckedRecord& record, const MappedFile& file, const std::string& path) {
  constexpr size_t kPiece = size_t{64} << 20;
  uint32_t found = 0;
  const auto offset = static_cast<uint64_t>(record.bytes.data() - file.bytes().data());
  for (size_t at = 0; at < record.bytes.size(); at += kPiece) {
    const uint64_t hole =
        end_of_hole(file.descriptor(), offset + at, offset + record.bytes.size()) - offset - at;
    found = crc32_of_zeros(hole, found);
    at += hole;
    const auto piece = record.bytes.subspan(at, std::min(kPiece, record.bytes.size() - at));
    found = crc32_of(piece, found);
    if (record.bytes.size() >= kPiece / 4) file.release(piece);
  }
  if (found == record.crc32) return;
  throw file_error(
      "I118",
      "the record '" + printable_record(record.name) + "' is damaged: its checksum is not the archive's",
      path, "copy or download the file again, or write it again with torch.export.save");
}

}  // namespace

void ProgramArchive::check(const std::string& record) const {
  const ZipEntry& e = entry(record);
  if (!checked_.insert(&e).second) return;
  check_record({record, bytes(record), e.crc32}, *file_, *path_);
}

std::function<void()> ProgramArchive::checking(std::vector<std::string> records) const {
  std::vector<CheckedRecord> all;
  for (std::string& record : records) {
    const ZipEntry& e = entry(record);
    if (checked_.insert(&e).second)
      all.push_back({std::move(record), file_->bytes().subspan(e.offset, e.size), e.crc32});
  }
  return [all = std::move(all), file = file_, path = path_] {
    for (const CheckedRecord& record : all) check_record(record, *file, *path);
  };
}

std::string_view ProgramArchive::text(const std::string& record) const {
  check(record);
  const auto view = bytes(record);
  return {reinterpret_cast<const char*>(view.data()), view.size()};
}

ir::FileRegion ProgramArchive::region(const std::string& record, uint64_t offset) const {
  return {path_, entry(record).offset + offset};
}

}  // namespace onnxport
