// The options of a call as JSON: the members of ExportOptions by their names.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "onnxport/options.h"

namespace onnxport {

struct CallOptions : ExportOptions {
  std::optional<std::filesystem::path> output;  // the file to write; none: bytes in memory
};

// An empty text is an empty object. Error I140 for what is not JSON, a name that no option has and a value of the wrong kind,
// each with its path ("verify.rtol").
CallOptions read_options(std::string_view json);

}  // namespace onnxport
