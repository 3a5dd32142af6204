// An error about a file, or a record in it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "onnxport/errors.h"

namespace onnxport {

inline Error file_error(std::string_view code, std::string message, std::string file, std::string hint) {
  Place place;
  place.file = std::move(file);
  return Error(code, std::move(message), std::move(place), std::move(hint));
}

}  // namespace onnxport
