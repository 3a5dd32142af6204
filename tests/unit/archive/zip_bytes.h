// Zip archives in memory, written as torch.export.save writes them: stored, every record behind its header.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/archive/checksum.h"

namespace onnxport::testing {

class ZipBytes {
 public:
  // Where data may begin; PyTorch 2.6 put it anywhere.
  explicit ZipBytes(size_t alignment = 64) : alignment_(alignment) {}

  // `name` with the archive's own folder, "p/models/model.json".
  void add(std::string_view name, std::string_view bytes) {
    const auto crc = crc32_of(std::as_bytes(std::span(bytes)));
    const auto size = static_cast<uint32_t>(bytes.size());
    std::string common;
    number(common, 0, 4);  // flags, stored
    number(common, 0, 4);  // time
    number(common, crc, 4);
    number(common, size, 4);
    number(common, size, 4);
    number(common, static_cast<uint32_t>(name.size()), 2);
    const auto local = static_cast<uint32_t>(records_.size());
    number(records_, 0x04034b50, 4);
    number(records_, 20, 2);
    records_ += common;
    // A number is read where it lies: padding puts the data where torch puts it.
    const size_t data = records_.size() + 2 + name.size();
    const size_t padding = (alignment_ - data % alignment_) % alignment_;
    number(records_, static_cast<uint32_t>(padding), 2);
    records_.append(name).append(padding, '\0').append(bytes);
    number(directory_, 0x02014b50, 4);
    number(directory_, 20, 2);
    number(directory_, 20, 2);
    directory_ += common;
    number(directory_, 0, 12);  // no extra field, no comment, no disk, no attributes
    number(directory_, local, 4);
    directory_.append(name);
    ++count_;
  }

  std::string finish() const {
    std::string out = records_ + directory_;
    number(out, 0x06054b50, 4);
    number(out, 0, 4);
    number(out, count_, 2);
    number(out, count_, 2);
    number(out, static_cast<uint32_t>(directory_.size()), 4);
    number(out, static_cast<uint32_t>(records_.size()), 4);
    number(out, 0, 2);
    return out;
  }

 private:
  static void number(std::string& out, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(i < 4 ? value >> (8 * i) & 0xff : 0);
  }

  size_t alignment_;
  std::string records_, directory_;
  uint32_t count_ = 0;
};

}  // namespace onnxport::testing
