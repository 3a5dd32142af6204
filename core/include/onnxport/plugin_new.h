// plugin new: a project that builds, is tested and can be shipped, with one line to write.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "onnxport/errors.h"

namespace onnxport {

struct NewPlugin {
  std::string id;            // "com.acme.ops"
  std::string op;            // "acme::swish(Tensor x, float beta=1) -> Tensor"; of the kinds yaml, cpp and c
  std::string kind = "cpp";  // cpp, c, yaml (no library), pass, opset, target (a profile with it)
  std::filesystem::path folder;  // where to; empty: the last word of the id
};

#pragma GCC visibility push(default)

// Writes the project and returns its files. Throws Error M105 for an id that is none, M112 for a schema that is none, M105 for a
// schema that the kind cannot map, S705 where nothing can be written, S709 when the folder is there and not empty.
std::vector<std::filesystem::path> new_plugin(const NewPlugin& plugin);

#pragma GCC visibility pop

}  // namespace onnxport
