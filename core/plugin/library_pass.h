// A pass that a library brings, beside what its manifest says of it.
#pragma once

#include <span>

#include "core/plugin/library.h"
#include "core/plugin/manifest.h"

namespace onnxport {

// A pass that can be run.
struct OpenedPass {
  PassStage stage = PassStage::optimize;
  std::span<const onnxport_rule> rules;  // of the library; empty where the manifest has them
};

// The library's pass of that name. Throws Error M115 when it has none, or at another stage than the manifest
// says.
OpenedPass find_library_pass(const PluginLibrary& library, const Manifest& manifest,
                             const ManifestPass& pass);

}  // namespace onnxport
