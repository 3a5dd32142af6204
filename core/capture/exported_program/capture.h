// A .pt2 file becomes a captured graph, without libtorch.
#pragma once

#include <filesystem>

#include "core/torch_interface/torch_interface.h"

namespace onnxport {

// Reads what torch.export.save wrote (schema 8.x). Graph inputs are the program's user inputs under their
// argument names; `options.inputs` may rename or fix their dynamic dims. Throws Error I101, I102, I103 (no
// program), I105, I106, I107 (inputs that do not fit), I115 (a schema version that is not read), I116, I117
// (a damaged program), T541 (an argument or higher-order operator that no graph can hold).
Captured capture_exported_program(const std::filesystem::path& file, const CaptureOptions& options);

}  // namespace onnxport
