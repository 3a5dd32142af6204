// A TorchScript file, mapped: its records, and its storages as views of the mapping.
#pragma once

#include <c10/core/Storage.h>

#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/archive/zip_directory.h"
#include "core/errors/file_mapping.h"
#include "core/ir/tensor.h"
#include "onnxport/errors.h"

namespace caffe2::serialize {
class PyTorchStreamReader;
}
namespace torch::jit {
class DeserializationStorageContext;
}

namespace onnxport {

// A file mapped copy-on-write: code that runs while a model loads may write to its weights, the file never changes.
class MappedModel {
 public:
  // Throws Error I101 when it cannot be opened, I102 when it is empty or no regular file.
  explicit MappedModel(const std::filesystem::path& path);
  ~MappedModel();
  MappedModel(const MappedModel&) = delete;
  MappedModel& operator=(const MappedModel&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }
  const std::filesystem::path& path() const { return path_; }
  // Where in the file these bytes lie; nullopt when they are not in it, or were changed since they were mapped.
  std::optional<ir::FileRegion> region(const void* data, size_t size, bool may_have_changed) const;
  // The CRC-32 of a part as it is in the file now; nullopt when the file has become shorter.
  std::optional<uint32_t> checksum(uint64_t offset, uint64_t size) const;

 private:
  std::filesystem::path path_;
  std::shared_ptr<const std::string> text_path_;
  int descriptor_ = -1;
  std::span<std::byte> bytes_;
  std::optional<FileMapping> mapping_;
};

// What libtorch's reader would see of the file, checked before it looks: one folder, no two records of one name, no
// record or pickle that makes it take more memory than the file can pay for, every checksum right.
class Archive {
 public:
  // Throws Error I101, I102 (no whole zip archive, or one that is not safe to read), I103 (an archive, but not of
  // TorchScript; says of what), I118 (a record that is damaged) or I119.
  explicit Archive(const std::filesystem::path& path);

  const MappedModel& file() const { return *file_; }
  caffe2::serialize::PyTorchStreamReader& reader() const { return *reader_; }
  bool has(std::string_view record) const;
  // Of code and pickles; checked. Throws Error I102, I118.
  std::string text(const std::string& record) const;
  // The records below a folder ("code/"), without the archive's own name in front.
  std::vector<std::string> records(std::string_view folder) const;
  // Every record below `folder` ("data/") as a storage of just its size, by its name there: libtorch then has no
  // reason to read it. Those that are stored where numbers may lie are views of the file, others are copied.
  std::shared_ptr<torch::jit::DeserializationStorageContext> storages(std::string_view folder) const;
  // The checksums of what storages() gives views of; not valid when they were found right at once. Throws, and the
  // future throws, Error I118.
  std::shared_future<void> check_weights() const;

 private:
  // Of records of this file, for messages.
  Error damaged(const ZipEntry& entry) const;
  void check_records();
  const ZipEntry* find(std::string_view record) const;
  // The bytes of a record, not compressed, checked.
  std::string contents(const ZipEntry& entry) const;

  std::shared_ptr<const MappedModel> file_;
  std::vector<ZipEntry> entries_;  // names without the archive's own
  std::shared_ptr<caffe2::serialize::PyTorchStreamReader> reader_;
};

}  // namespace onnxport
