// Files mapped into memory, which others may make shorter while they are read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace onnxport {

// Reading what such a file has no more of would end the process by SIGBUS. Where install_crash_reports() was called, zeros
// take its place, and whoever is to vouch for what was read asks lost_count().
class FileMapping {
 public:
  FileMapping() = default;
  // Of `bytes`, which begin at a page, until this is gone.
  explicit FileMapping(std::span<const std::byte> bytes);
  ~FileMapping();
  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;

  // How often that happened in this process.
  static uint64_t lost_count();
  // For the signal's handler: whether `address` is of a mapping, and can be read now.
  static bool repair(void* address);

 private:
  std::atomic<uintptr_t>* slot_ = nullptr;
};

}  // namespace onnxport
