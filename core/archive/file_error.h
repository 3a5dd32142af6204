// Errors about a file, or a record in it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/ir/utf8.h"
#include "onnxport/errors.h"

namespace onnxport {

// A text of somebody's file for a message: the start of it when it is long, whole characters.
inline std::string excerpt(std::string_view text, size_t longest = 120) {
  return std::string(ir::beginning(text, longest)) + (text.size() > longest ? "..." : "");
}

inline Error file_error(std::string_view code, std::string message, std::string file, std::string hint) {
  Location place;
  place.file = std::move(file);
  return Error(code, std::move(message), std::move(place), std::move(hint));
}

}  // namespace onnxport
