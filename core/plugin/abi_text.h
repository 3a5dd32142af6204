// Texts of a plugin's tables, which were checked when its library was opened.
#pragma once

#include <string_view>

#include "onnxport/abi.h"

namespace onnxport {

inline std::string_view text_of(onnxport_str s) {
  return s.data == nullptr ? std::string_view() : std::string_view(s.data, static_cast<size_t>(s.size));
}

}  // namespace onnxport
