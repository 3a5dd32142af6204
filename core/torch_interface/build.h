// What libonnxport and libonnxport_torch must agree on before the first call: they share C++ types.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/torch_interface/torch_interface.h"

namespace onnxport {

// Goes up with every change of TorchInterface, of what it takes and gives, or of the graph.
inline constexpr uint32_t kTorchInterfaceNumber = 5;

// Plain data, never changed but at its end.
struct TorchBuild {
  uint32_t struct_size;
  uint32_t number;
  char version[32];    // of onnxport, terminated
  uint32_t sizes[12];  // of what crosses
};

// Of the library that this is compiled into.
inline TorchBuild torch_build() {
  TorchBuild out{};
  out.struct_size = sizeof out;
  out.number = kTorchInterfaceNumber;
  std::strncpy(out.version, ONNXPORT_VERSION, sizeof out.version - 1);
  const uint32_t sizes[] = {sizeof(ir::Graph),     sizeof(ir::Node),   sizeof(ir::Value),
                            sizeof(ir::Block),     sizeof(ir::Tensor), sizeof(ir::Type),
                            sizeof(ir::Attribute), sizeof(ir::Schema), sizeof(CaptureOptions),
                            sizeof(InputSpec),     sizeof(Captured),   sizeof(Decomposition)};
  static_assert(sizeof sizes == sizeof out.sizes);
  std::memcpy(out.sizes, sizes, sizeof sizes);
  return out;
}

// What differs, in words; empty: nothing.
inline std::string difference(const TorchBuild& own, const TorchBuild& other) {
  const std::string_view version(other.version, strnlen(other.version, sizeof other.version));
  if (version != own.version) return "it is of onnxport " + std::string(version) + ", this is " + own.version;
  if (other.number != own.number) {
    return "its interface has number " + std::to_string(other.number) + ", this one " +
           std::to_string(own.number);
  }
  if (std::memcmp(own.sizes, other.sizes, sizeof own.sizes) != 0)
    return "it lays out the graph in another way";
  return "";
}

// What libonnxport_torch exports as "onnxport_torch_build"; asked before anything else of it is called.
using TorchBuildFunction = const TorchBuild* (*)();

}  // namespace onnxport
