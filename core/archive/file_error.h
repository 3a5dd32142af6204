// Errors about a file, or a record in it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "onnxport/errors.h"

namespace onnxport {

// A text of somebody's file for a message: the start of it when it is long, whole characters.
inline std::string excerpt(std::string_view text, size_t longest = 120) {
  if (text.size() <= longest) return std::string(text);
  while (longest > 0 && (static_cast<unsigned char>(text[longest]) & 0xc0) == 0x80) --longest;
  return std::string(text.substr(0, longest)) + "...";
}

inline Error file_error(std::string_view code, std::string message, std::string file, std::string hint) {
  Location place;
  place.file = std::move(file);
  return Error(code, std::move(message), std::move(place), std::move(hint));
}

}  // namespace onnxport
