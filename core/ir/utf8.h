// Whether bytes are text.
#pragma once

#include <cstddef>
#include <string_view>

namespace onnxport::ir {

// Well-formed UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
bool is_utf8(std::string_view text);
// As much of a text's beginning as `longest` bytes hold, in whole characters.
std::string_view beginning(std::string_view text, size_t longest);

}  // namespace onnxport::ir
