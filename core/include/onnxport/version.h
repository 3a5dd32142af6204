#pragma once

namespace onnxport {

/// The version of the library that is loaded, "major.minor.patch".
__attribute__((visibility("default"))) const char* version() noexcept;

}  // namespace onnxport
