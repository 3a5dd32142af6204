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
#include <cstring>
#include <system_error>

#include "core/libtorch/location.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

constexpr size_t kWidestElement = 16;  // complex128: a storage aligned for it is aligned for all
constexpr const char* kHowToSave =
    "save the model itself: torch.jit.save(torch.jit.trace(model.eval(), example), \"model.pt\"), or "
    "torch.jit.script";

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
}

MappedModel::~MappedModel() {
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
  entries_ = std::move(*entries);
  for (ZipEntry& entry : entries_) {
    const size_t slash = entry.name.find('/');
    if (slash != std::string::npos) entry.name.erase(0, slash + 1);
  }
  if (!has("constants.pkl") || !has("data.pkl")) refuse_other_archive(path, entries_);
  try {
    reader_ = std::make_shared<caffe2::serialize::PyTorchStreamReader>(std::make_shared<MappedReader>(file_));
  } catch (const c10::Error& e) {
    throw Error("I102", std::string("not a readable TorchScript file: ") + e.what_without_backtrace(), place,
                kHowToSave);
  }
}

bool Archive::has(std::string_view record) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const ZipEntry& e) { return e.name == record; });
}

std::string Archive::text(const std::string& record) const {
  try {
    const auto [data, size] = reader_->getRecord(record);
    return std::string(static_cast<const char*>(data.get()), size);
  } catch (const c10::Error& e) {
    throw Error("I102", "record '" + record + "' cannot be read: " + e.what_without_backtrace(),
                place_of_file(file_->path().string()), "the file is damaged: fetch or save it again");
  }
}

std::vector<std::string> Archive::records(std::string_view folder) const {
  std::vector<std::string> out;
  for (const ZipEntry& entry : entries_) {
    if (entry.name.starts_with(folder)) out.push_back(entry.name);
  }
  return out;
}

std::shared_ptr<torch::jit::DeserializationStorageContext> Archive::storages(std::string_view folder) const {
  auto out = std::make_shared<torch::jit::DeserializationStorageContext>();
  if (has("byteorder") && text("byteorder") != "little") return out;
  for (const ZipEntry& entry : entries_) {
    if (!entry.name.starts_with(folder) || !entry.stored || entry.size == 0) continue;
    std::byte* const data = file_->bytes().data() + entry.offset;
    if (reinterpret_cast<uintptr_t>(data) % kWidestElement != 0) continue;
    std::string name = entry.name.substr(folder.size());
    if (out->hasStorage(name)) continue;
    // The context of the pointer keeps the file mapped as long as any tensor looks into it.
    auto* keep = new std::shared_ptr<const MappedModel>(file_);
    const auto release = [](void* context) {
      delete static_cast<std::shared_ptr<const MappedModel>*>(context);
    };
    out->addStorage(std::move(name), c10::Storage(c10::Storage::use_byte_size_t(), entry.size,
                                                  c10::DataPtr(data, keep, release, c10::Device(c10::kCPU)),
                                                  /*allocator=*/nullptr, /*resizable=*/false));
  }
  return out;
}

}  // namespace onnxport
