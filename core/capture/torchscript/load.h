// From an archive to a torch::jit::Module whose weights are views of the file.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <memory>
#include <vector>

#include "core/capture/torchscript/archive.h"
#include "core/capture/torchscript/source_lines.h"
#include "core/torch_interface/torch_interface.h"

namespace onnxport {

struct LoadedModule {
  std::shared_ptr<torch::jit::CompilationUnit> unit;  // owns the types and the code
  torch::jit::Module module;
  bool ran_code = false;                   // a __setstate__ ran: weights may differ from the file's bytes
  std::vector<c10::IValue> traced_inputs;  // of forward, when the file says; shapes only
};

// Throws Error I102 (libtorch cannot read it), I104 (no such method), T501 (every operator that is not known,
// with its line), T543 (every custom class that is not known).
LoadedModule load_module(const Archive& archive, SourceLines& lines, const CaptureOptions& options);

}  // namespace onnxport
