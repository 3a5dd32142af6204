// Mutations that leave JSON what it is: the capture behind the parser gets something to read.
#pragma once

#include <string>
#include <string_view>

namespace onnxport::fuzz {

// The text with one or a few values replaced, copied, swapped, doubled or removed. Deterministic in `seed`.
std::string mutate_json(std::string_view text, unsigned seed);

}  // namespace onnxport::fuzz
