// Shorthands for where an error is.
#pragma once

#include <string>
#include <utility>

#include "onnxport/errors.h"

namespace onnxport {

inline Location place_of_file(std::string file) {
  Location out;
  out.file = std::move(file);
  return out;
}

inline Location place_of_node(std::string node, std::string module_path = {}, std::string source = {},
                              std::string file = {}) {
  Location out;
  out.file = std::move(file);
  out.node = std::move(node);
  out.module_path = std::move(module_path);
  out.source = std::move(source);
  return out;
}

}  // namespace onnxport
