// The bytes of an ONNX file without those of its tensors: a model of any size is parsed in the memory that its nodes take.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/onnx/proto.h"

namespace onnxport::onnx {

// Where a tensor's raw_data lies in the file.
struct RawRange {
  uint64_t offset = 0;
  uint64_t size = 0;
};

// The model's message with each raw_data of its initializers and of its nodes' attributes, in blocks and functions too,
// replaced by where it lies (range_of() reads that). Nothing is parsed but the lengths of fields. Throws Error I122 (no place
// filled in) where the bytes end before a field does or are no message, and I123 for graphs nested too deep to be read.
std::string without_raw_data(std::span<const std::byte> model);

// Of a tensor of such a message. nullopt when it has no raw_data.
std::optional<RawRange> range_of(const pb::TensorProto& tensor);

}  // namespace onnxport::onnx
