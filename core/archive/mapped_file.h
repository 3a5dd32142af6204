// A file's bytes, mapped read-only for as long as anyone holds them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

#include "core/errors/file_mapping.h"

namespace onnxport {

class MappedFile {
 public:
  // Throws std::system_error.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }
  int descriptor() const { return descriptor_; }
  // Gives the memory of a part back to the system; it is read from the file again when it is next asked for.
  void release(std::span<const std::byte> part) const;

 private:
  MappedFile(std::span<const std::byte> bytes, int descriptor)
      : bytes_(bytes), mapping_(std::in_place, bytes), descriptor_(descriptor) {}
  std::span<const std::byte> bytes_;
  std::optional<FileMapping> mapping_;
  int descriptor_;
};

}  // namespace onnxport
