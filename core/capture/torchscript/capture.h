// A TorchScript file becomes a captured graph.
#pragma once

#include <filesystem>

#include "core/backend/backend.h"

namespace onnxport {

// See TorchBackend::capture_torchscript.
Captured capture_torchscript_file(const std::filesystem::path& file, const CaptureOptions& options);

}  // namespace onnxport
