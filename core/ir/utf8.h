// Whether bytes are text.
#pragma once

#include <cstddef>
#include <string_view>

namespace onnxport::ir {

// Where the first byte is that is no well-formed UTF-8, which has no overlong form, no surrogate and nothing above U+10FFFF;
// npos: nowhere.
size_t first_broken(std::string_view text);
bool is_utf8(std::string_view text);
// As much of a text's beginning as `longest` bytes hold, in whole characters.
std::string_view beginning(std::string_view text, size_t longest);

}  // namespace onnxport::ir
