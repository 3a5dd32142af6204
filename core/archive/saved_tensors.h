// What torch.save writes: a zip archive of a pickle and the storages its tensors view. Read without executing anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ir/type.h"

namespace onnxport {

// A tensor as a view of its storage. Sizes, strides and offset are as the pickle says, in elements: whether
// the elements lie in the storage is for the reader to check.
struct SavedTensor {
  ir::DType dtype = ir::DType::undefined;
  std::vector<int64_t> sizes, strides;
  int64_t offset = 0;
  // The bytes of the storage within the archive; tensors of one storage share memory.
  uint64_t storage_at = 0;
  uint64_t storage_size = 0;
};

// A tree of tensors and numbers.
struct SavedValue {
  enum class Kind : uint8_t { none, boolean, integer, real, text, sequence, dict, tensor, other };

  Kind kind = Kind::other;  // a dtype or device: kept as a leaf of the tree
  int64_t integer = 0;      // booleans too
  double real = 0;
  std::string text;
  SavedTensor tensor;
  std::vector<SavedValue> items;  // of a sequence or a dict
  std::vector<std::string> keys;  // of a dict: parallel to its items

  // The value of a key of a dict, the last one given as in Python; null when there is none.
  const SavedValue* find(std::string_view key) const;
};

// `archive`: the bytes of a file that torch.save wrote (the zip format of PyTorch 1.6 and later), also one
// that is a record of another archive. nullopt when it is damaged, holds an object that is neither tensor,
// number nor container, or was written on a big-endian machine; `why` then says so. The pickle's checksum is
// compared, those of the storages are not.
std::optional<SavedValue> read_pickled_tensors(std::span<const std::byte> archive, std::string& why);

}  // namespace onnxport
