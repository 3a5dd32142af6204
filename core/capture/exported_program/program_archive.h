// A .pt2 file, mapped: its records as views of the mapping.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/archive/mapped_file.h"
#include "core/archive/zip_directory.h"
#include "core/ir/tensor.h"

namespace onnxport {

class ProgramArchive {
 public:
  // Throws Error I101 (cannot be opened), I102 (empty, truncated or no zip archive), I103 (an archive, but of
  // no exported program; says of what), I119 (of a big-endian machine).
  explicit ProgramArchive(const std::filesystem::path& path);

  const std::string& path() const { return *path_; }
  // The record that holds the program, "models/model.json".
  const std::string& program_record() const { return program_record_; }
  // As PyTorch 2.6 and before wrote it: the program, and pickles of weights, constants and example inputs.
  bool is_older_layout() const { return older_layout_; }
  bool has(std::string_view record) const { return entries_.contains(std::string(record)); }
  // The stored bytes of a record, without copying. Throws Error I102 when it is missing or compressed.
  std::span<const std::byte> bytes(const std::string& record) const;
  // Reads the whole record, once, and compares its CRC-32 with the archive's. Throws Error I118 when they differ.
  void check(const std::string& record) const;
  // The same of many records, for a thread of its own: what it needs is in the task, which may outlive the archive.
  std::function<void()> checking(std::vector<std::string> records) const;
  // The bytes of a record as a text, checked.
  std::string_view text(const std::string& record) const;
  // Where the record's bytes lie in the file, `offset` bytes into it.
  ir::FileRegion region(const std::string& record, uint64_t offset) const;
  const std::shared_ptr<const MappedFile>& file() const { return file_; }

 private:
  const ZipEntry& entry(const std::string& record) const;
  void choose_program();
  void check_byte_order() const;

  std::shared_ptr<const std::string> path_;
  std::shared_ptr<const MappedFile> file_;
  std::unordered_map<std::string, ZipEntry> entries_;  // by name, without the archive's own folder
  std::string program_record_;
  bool older_layout_ = false;
  mutable std::unordered_set<const ZipEntry*> checked_;
};

}  // namespace onnxport
