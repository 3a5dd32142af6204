#include "core/capture/torchscript/archive.h"

#include <caffe2/serialize/inline_container.h>
#include <caffe2/serialize/read_adapter_interface.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <torch/csrc/jit/serialization/storage_context.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <set>
#include <system_error>

#include "core/archive/checksum.h"
#include "core/archive/inflate.h"
#include "core/archive/pickle_check.h"
#include "core/libtorch/location.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

constexpr size_t kWidestElement = 16;  // complex128: a storage aligned for it is aligned for all
constexpr const char* kHowToSave =
    "save the model itself: torch.jit.save(torch.jit.trace(model.eval(), example), \"model.pt\"), or "
    "torch.jit.script";

constexpr const char* kSaveAgain = "fetch the file again, or save it again with torch.jit.save";
constexpr uint64_t kMostCompressed = uint64_t{256} << 20;  // of all records together, once they are not
constexpr uint64_t kLargestPickle = uint64_t{256} << 20;

bool is_weight(std::string_view record) {
  return record.starts_with("data/") || record.starts_with("constants/");
}
bool is_code(std::string_view record) { return record.starts_with("code/"); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string system_text(int error) { return std::error_code(error, std::generic_category()).message(); }

// libtorch's reader over the mapping: no second copy of anything passes through a buffer of ours.
class MappedReader final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit MappedReader(std::shared_ptr<const MappedModel> file) : file_(std::move(file)) {}
  size_t size() const override { return file_->bytes().size(); }
  size_t read(uint64_t position, void* buffer, size_t count, const char* /*what*/) const override {
    if (position >= size()) return 0;
    const size_t available = std::min<size_t>(count, size() - position);
    std::memcpy(buffer, file_->bytes().data() + position, available);
    return available;
  }

 private:
  std::shared_ptr<const MappedModel> file_;
};

[[noreturn]] void refuse_other_archive(const std::filesystem::path& path,
                                       const std::vector<ZipEntry>& entries) {
  const auto holds = [&](std::string_view name) {
    return std::any_of(entries.begin(), entries.end(), [&](const ZipEntry& e) { return e.name == name; });
  };
  const auto in_models = [](const ZipEntry& e) {
    return e.name.starts_with("models/") || e.name.starts_with("serialized_exported_program");
  };
  const Location place = place_of_file(path.string());
  if (std::any_of(entries.begin(), entries.end(), in_models))
    throw Error("I103", "this is a program of torch.export (.pt2), not TorchScript", place,
                "rename it to .pt2, or save the model with torch.jit.save");
  if (holds("model.json"))
    throw Error("I103", "this TorchScript file was written by a PyTorch before 1.4", place,
                "load and save it again with a newer PyTorch");
  if (holds("data.pkl"))
    throw Error("I103", "this file holds saved values (a state_dict or another pickle), not a model's code",
                place, kHowToSave);
  throw Error("I103",
              "this zip archive is not a TorchScript model: it has no 'constants.pkl' and no 'data.pkl'",
              place, kHowToSave);
}

}  // namespace

MappedModel::MappedModel(const std::filesystem::path& path)
    : path_(path), text_path_(std::make_shared<std::string>(path.string())) {
  const Location place = place_of_file(path.string());
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) {
    throw Error("I101", "cannot open the model: " + system_text(errno), place,
                "check the path and its permissions");
  }
  struct stat info {};
  const bool regular = ::fstat(descriptor_, &info) == 0 && S_ISREG(info.st_mode);
  void* mapped = MAP_FAILED;
  if (regular && info.st_size > 0) {
    mapped = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_NORESERVE, descriptor_, 0);
  }
  if (mapped == MAP_FAILED) {
    const int error = errno;
    ::close(descriptor_);
    if (!regular) throw Error("I102", "the model is not a regular file", place, "give the .pt file itself");
    if (info.st_size == 0) throw Error("I102", "the model file is empty", place, kHowToSave);
    throw Error("I101", "cannot map the model: " + system_text(error), place,
                "copy it to a local file system");
  }
  bytes_ = {static_cast<std::byte*>(mapped), static_cast<size_t>(info.st_size)};
  mapping_.emplace(bytes_);
}

MappedModel::~MappedModel() {
  mapping_.reset();
  ::munmap(bytes_.data(), bytes_.size());
  ::close(descriptor_);
}

std::optional<ir::FileRegion> MappedModel::region(const void* data, size_t size,
                                                  bool may_have_changed) const {
  const auto* at = static_cast<const std::byte*>(data);
  const std::less<const std::byte*> before;
  if (before(at, bytes_.data()) || before(bytes_.data() + bytes_.size(), at + size)) return std::nullopt;
  const auto offset = static_cast<uint64_t>(at - bytes_.data());
  if (may_have_changed) {
    std::vector<std::byte> original(std::min<size_t>(size, 1u << 20));
    for (size_t done = 0; done < size; done += original.size()) {
      const size_t count = std::min(original.size(), size - done);
      const ssize_t got = ::pread(descriptor_, original.data(), count, static_cast<off_t>(offset + done));
      if (got != static_cast<ssize_t>(count) || std::memcmp(original.data(), at + done, count) != 0)
        return std::nullopt;
    }
  }
  return ir::FileRegion{text_path_, offset};
}

// From the file itself: what is mapped may have been written to by code that ran while the model loaded.
std::optional<uint32_t> MappedModel::checksum(uint64_t offset, uint64_t size) const {
  std::vector<std::byte> piece(std::min<uint64_t>(size, uint64_t{1} << 20));
  uint32_t out = 0;
  for (uint64_t done = 0; done < size;) {
    if (const uint64_t hole = end_of_hole(descriptor_, offset + done, offset + size) - offset - done;
        hole != 0) {
      // Beyond the end of a file that became shorter there is no hole.
      struct stat info {};
      if (::fstat(descriptor_, &info) != 0 || static_cast<uint64_t>(info.st_size) < offset + done + hole)
        return std::nullopt;
      out = crc32_of_zeros(hole, out);
      done += hole;
      continue;
    }
    const uint64_t count = std::min<uint64_t>(piece.size(), size - done);
    const ssize_t got = ::pread(descriptor_, piece.data(), count, static_cast<off_t>(offset + done));
    if (got <= 0) return std::nullopt;
    out = crc32_of(std::span(piece).first(static_cast<size_t>(got)), out);
    done += static_cast<uint64_t>(got);
  }
  return out;
}

Archive::Archive(const std::filesystem::path& path) : file_(std::make_shared<MappedModel>(path)) {
  const Location place = place_of_file(path.string());
  std::string why;
  auto entries = read_zip_directory(file_->bytes(), why);
  if (!entries) {
    const auto bytes = file_->bytes();
    if (bytes.size() > 2 && bytes[0] == std::byte{0x80} && static_cast<int>(bytes[1]) <= 5)
      throw Error("I103", "this is a bare pickle (an old torch.save), not TorchScript", place, kHowToSave);
    throw Error("I102", "not a readable TorchScript file: " + why, place,
                "fetch or save the file again; " + std::string(kHowToSave));
  }
  // libtorch looks below the folder of the first record, whatever else there is.
  const size_t slash = entries->empty() ? std::string::npos : entries->front().name.find('/');
  if (slash == std::string::npos) refuse_other_archive(path, *entries);
  const std::string folder = entries->front().name.substr(0, slash + 1);
  for (ZipEntry& entry : *entries) {
    if (!entry.name.starts_with(folder)) continue;
    entry.name.erase(0, folder.size());
    entries_.push_back(std::move(entry));
  }
  if (!has("constants.pkl") || !has("data.pkl")) refuse_other_archive(path, entries_);
  check_records();
  try {
    reader_ = std::make_shared<caffe2::serialize::PyTorchStreamReader>(std::make_shared<MappedReader>(file_));
  } catch (const c10::Error& e) {
    throw Error("I102", std::string("not a readable TorchScript file: ") + e.what_without_backtrace(), place,
                kHowToSave);
  }
}

// Before libtorch sees any of it. Weights are many bytes: they are checked while the rest goes on.
void Archive::check_records() {
  const Location place = place_of_file(file_->path().string());
  std::set<std::string> names;
  uint64_t compressed = 0;
  for (const ZipEntry& entry : entries_) {
    // libtorch's reader finds names in any case; modules that differ in nothing else are ours to read.
    std::string name = entry.name;
    if (!is_code(name)) std::transform(name.begin(), name.end(), name.begin(), lower);
    if (!names.insert(std::move(name)).second) {
      throw Error("I102", "two records are named '" + printable_record(entry.name) + "'", place, kSaveAgain);
    }
    if (!entry.stored) compressed += entry.size;
    const bool is_pickle = entry.name.ends_with(".pkl");
    if (compressed > kMostCompressed || (is_pickle && entry.size > kLargestPickle)) {
      throw Error("I102",
                  "the record '" + printable_record(entry.name) + "' would take " +
                      std::to_string(entry.size) + " bytes of memory, more than any model's",
                  place, kSaveAgain);
    }
  }
  for (const char* record : {"version", "byteorder", "constants.pkl", "data.pkl", "traced_inputs.pkl"}) {
    const ZipEntry* entry = find(record);
    if (entry == nullptr) continue;
    const std::string bytes = contents(*entry);
    if (!entry->name.ends_with(".pkl")) continue;
    const std::string fault = pickle_fault(std::as_bytes(std::span(bytes)));
    if (fault.empty()) continue;
    throw Error("I102", "the pickle '" + entry->name + "' is damaged: " + fault, place, kSaveAgain);
  }
  // What the numbers of another byte order lie in cannot be checked before libtorch turns them round.
  if (has("byteorder") && text("byteorder") != "little") {
    throw Error("I119", "the archive was written on a big-endian machine, which is not read", place,
                "save the model again on a little-endian machine");
  }
}

Error Archive::damaged(const ZipEntry& entry) const {
  return Error("I118",
               "the record '" + printable_record(entry.name) +
                   "' is damaged: its contents are not what the archive's checksum says",
               place_of_file(file_->path().string()), "copy or download the file again, or save it again");
}

const ZipEntry* Archive::find(std::string_view record) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const ZipEntry& e) { return e.name == record; });
  return found == entries_.end() ? nullptr : &*found;
}

bool Archive::has(std::string_view record) const { return find(record) != nullptr; }

std::string Archive::contents(const ZipEntry& entry) const {
  const std::span<const std::byte> raw = file_->bytes().subspan(entry.offset, entry.compressed_size);
  std::optional<std::string> out = entry.stored
                                       ? std::string(reinterpret_cast<const char*>(raw.data()), raw.size())
                                       : inflate_record(raw, entry.size);
  if (!out || crc32_of(std::as_bytes(std::span(*out))) != entry.crc32) throw damaged(entry);
  return *std::move(out);
}

std::string Archive::text(const std::string& record) const {
  const ZipEntry* entry = find(record);
  if (entry == nullptr) {
    throw Error("I102", "the record '" + printable_record(record) + "' is missing",
                place_of_file(file_->path().string()), kSaveAgain);
  }
  return contents(*entry);
}

std::vector<std::string> Archive::records(std::string_view folder) const {
  std::vector<std::string> out;
  for (const ZipEntry& entry : entries_) {
    if (entry.name.starts_with(folder)) out.push_back(entry.name);
  }
  return out;
}

namespace {

c10::Storage storage_over(void* data, size_t size, void* context, c10::DeleterFnPtr release) {
  return {c10::Storage::use_byte_size_t(), size, c10::DataPtr(data, context, release, c10::Device(c10::kCPU)),
          /*allocator=*/nullptr, /*resizable=*/false};
}

bool is_view(const ZipEntry& entry, const MappedModel& file) {
  return entry.stored &&
         reinterpret_cast<uintptr_t>(file.bytes().data() + entry.offset) % kWidestElement == 0;
}

}  // namespace

std::shared_ptr<torch::jit::DeserializationStorageContext> Archive::storages(std::string_view folder) const {
  auto out = std::make_shared<torch::jit::DeserializationStorageContext>();
  for (const ZipEntry& entry : entries_) {
    if (!entry.name.starts_with(folder)) continue;
    std::string name = entry.name.substr(folder.size());
    if (out->hasStorage(name)) continue;
    if (is_view(entry, *file_)) {
      // The context of the pointer keeps the file mapped as long as any tensor looks into it.
      auto* keep = new std::shared_ptr<const MappedModel>(file_);
      const auto release = [](void* context) {
        delete static_cast<std::shared_ptr<const MappedModel>*>(context);
      };
      out->addStorage(std::move(name),
                      storage_over(file_->bytes().data() + entry.offset, entry.size, keep, release));
      continue;
    }
    const std::string bytes = contents(entry);
    auto* copy = new std::vector<std::max_align_t>(bytes.size() / sizeof(std::max_align_t) + 1);
    if (!bytes.empty()) std::memcpy(copy->data(), bytes.data(), bytes.size());
    const auto release = [](void* context) { delete static_cast<std::vector<std::max_align_t>*>(context); };
    out->addStorage(std::move(name), storage_over(copy->data(), bytes.size(), copy, release));
  }
  return out;
}

std::shared_future<void> Archive::check_weights() const {
  constexpr uint64_t kWorthAThread = uint64_t{8} << 20;
  std::vector<ZipEntry> views;
  uint64_t bytes = 0;
  for (const ZipEntry& entry : entries_) {
    if (!is_weight(entry.name) || !is_view(entry, *file_)) continue;
    views.push_back(entry);
    bytes += entry.size;
  }
  const auto work = [views = std::move(views), archive = *this] {
    for (const ZipEntry& entry : views) {
      if (archive.file_->checksum(entry.offset, entry.size) != entry.crc32) throw archive.damaged(entry);
    }
  };
  if (bytes >= kWorthAThread) return std::async(std::launch::async, work).share();
  work();
  return {};
}

}  // namespace onnxport
