// Files that appear whole or not at all: written under a temporary name beside the final one, synced, renamed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "core/ir/strided_copy.h"
#include "core/ir/tensor.h"
#include "core/serialize/unfinished.h"

namespace onnxport {

// Where bytes go, one after another.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;
  // The tensor's elements, row-major: from file to file where they lie in one, in strips where they have
  // strides, so that no weight is held in memory a second time.
  virtual void write(const ir::Tensor& tensor);
};

// Behind a symbolic link the file it leads to is replaced, not the link.
std::filesystem::path output_target(const std::filesystem::path& path);

// A temporary file in the folder of `final_path`; removed unless it is committed, also when the process is told to end. It has
// the mode of the file it is to replace. Every failure is an Error
// S705 with the system's words for it.
class OutputFile : public ByteSink {
 public:
  explicit OutputFile(std::filesystem::path final_path);
  ~OutputFile() override;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const std::byte> bytes) override;
  void write(const ir::Tensor& tensor) override;
  // Zeros up to `offset`, which is not before the current end.
  void pad_to(uint64_t offset);
  // Everything is on the disk.
  void sync();

  const std::filesystem::path& final_path() const { return final_path_; }

 private:
  friend void commit(std::span<OutputFile* const> files);
  void flush();
  void write_through(std::span<const std::byte> bytes);
  void start_writing(uint64_t offset, int64_t size) const;
  void write_at(std::span<const std::byte> bytes, uint64_t offset);
  // `bytes` in pieces of `piece` bytes, the first at `offset`, each further one `pitch` bytes behind the one before.
  void write_pieces(std::span<const std::byte> bytes, size_t piece, uint64_t offset, uint64_t pitch);
  // Transposed parts go from file to file in tiles; everything else that has strides goes in strips.
  void write_strided(const ir::Tensor& tensor, const ir::StridedView& view);
  void write_tiles(const ir::Tensor& tensor, const ir::StridedView& view);
  // False when the kernel cannot copy between these two files.
  bool copy_range(const ir::FileRegion& from, uint64_t size);
  void publish();
  void take_back();
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path final_path_;
  std::filesystem::path temporary_;
  std::optional<Unfinished> unfinished_;
  int fd_ = -1;
  uint64_t written_ = 0;  // buffered bytes included
  std::vector<std::byte> buffer_;
  std::array<std::vector<std::byte>, 2> tile_buffers_;  // of write_tiles
  enum class State : uint8_t { temporary, published, exchanged } state_ = State::temporary;
};

// Syncs all, then renames all; when one rename fails those before it are taken back.
void commit(std::span<OutputFile* const> files);

}  // namespace onnxport
