// Mutations of protobuf messages field by field: what comes out has lengths that fit, so that a reader sees what is in them.
#pragma once

#include <string>
#include <string_view>

namespace onnxport::fuzz {

std::string mutate_message(std::string_view message, unsigned seed);

}  // namespace onnxport::fuzz
