// A TorchScript file becomes a captured graph.
#pragma once

#include <filesystem>

#include "core/torch_interface/torch_interface.h"

namespace onnxport {

// See TorchInterface::capture_torchscript.
Captured capture_torchscript_file(const std::filesystem::path& file, const CaptureOptions& options);

}  // namespace onnxport
