// The schemas of libtorch's own operators, so that a program is read without libtorch; without out= variants
// and backward operators, which no program holds.
#pragma once

#include <optional>
#include <string_view>

#include "core/ir/schema.h"

namespace onnxport {

// "aten::add.Tensor" -> its schema; nullopt when the table has no such operator. O(log n).
std::optional<ir::Schema> find_aten_schema(std::string_view qualified_name);

}  // namespace onnxport
