// The schemas of libtorch's own operators, so that a program is read without libtorch.
#pragma once

#include <optional>
#include <string_view>

#include "core/ir/schema.h"

namespace onnxport {

// "aten::add.Tensor" -> its schema; nullopt when libtorch 2.13 has no such operator. O(log n).
std::optional<ir::Schema> find_aten_schema(std::string_view qualified_name);

}  // namespace onnxport
