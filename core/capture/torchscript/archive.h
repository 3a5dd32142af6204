// A TorchScript file, mapped: its records, and its storages as views of the mapping.
#pragma once

#include <c10/core/Storage.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/archive/zip_directory.h"
#include "core/ir/tensor.h"

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

 private:
  std::filesystem::path path_;
  std::shared_ptr<const std::string> text_path_;
  int descriptor_ = -1;
  std::span<std::byte> bytes_;
};

class Archive {
 public:
  // Throws Error I101, I102 (no whole zip archive) or I103 (an archive, but not of TorchScript; says of what).
  explicit Archive(const std::filesystem::path& path);

  const MappedModel& file() const { return *file_; }
  caffe2::serialize::PyTorchStreamReader& reader() const { return *reader_; }
  bool has(std::string_view record) const;
  std::string text(const std::string& record) const;
  // The records below a folder ("code/"), without the archive's own name in front.
  std::vector<std::string> records(std::string_view folder) const;
  // Every stored record below `folder` ("data/") as a storage over the mapping, by its name there: libtorch
  // then has no reason to read it into memory. What is compressed, misaligned or of the other byte order is
  // left to libtorch.
  std::shared_ptr<torch::jit::DeserializationStorageContext> storages(std::string_view folder) const;

 private:
  std::shared_ptr<const MappedModel> file_;
  std::vector<ZipEntry> entries_;  // names without the archive's own
  std::shared_ptr<caffe2::serialize::PyTorchStreamReader> reader_;
};

}  // namespace onnxport
