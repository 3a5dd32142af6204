// Schemas of registered operators, as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace onnxport {

// "aten::add.Tensor" -> its schema; nullopt when libtorch has no such operator.
std::optional<std::string> registered_schema_text(std::string_view qualified_name);

}  // namespace onnxport
