// Types inside longer texts.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "core/ir/type.h"

namespace onnxport::ir {

// The type that starts at text[at]; `at` moves past it. nullopt (and `at` anywhere) when there is none.
std::optional<Type> parse_type_at(std::string_view text, size_t& at);

}  // namespace onnxport::ir
