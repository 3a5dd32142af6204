// Bytes as a sequence of calls of the host's tables, with handles, counts, sizes and pointers that are wrong now and then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "onnxport/abi.h"

namespace onnxport::fuzz {

// What decides, byte by byte; zeros behind the last.
class Choices {
 public:
  explicit Choices(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool over() const { return at_ >= bytes_.size(); }
  uint8_t byte() { return over() ? 0 : bytes_[at_++]; }
  uint8_t below(size_t count) { return static_cast<uint8_t>(byte() % count); }
  template <typename T, size_t N>
  const T& of(const T (&items)[N]) {
    return items[below(N)];
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

// What a plugin does in one call of a mapping, rule or inference. Returns the status that it ends with.
int32_t make_calls(onnxport_context* context, Choices& choices);

}  // namespace onnxport::fuzz
