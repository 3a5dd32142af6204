// verify: the captured graph through libtorch, the file through ONNX Runtime, compared.
#pragma once

#include <filesystem>
#include <vector>

#include "core/ir/graph.h"
#include "core/plugin/registry.h"
#include "core/torch_interface/torch_interface.h"
#include "onnxport/options.h"
#include "onnxport/report.h"

namespace onnxport {

struct VerifyReport {
  std::vector<VerifyRun> runs;
  std::vector<std::string> not_independently_checked;
};

// `captured`: as captured, before prepare. `specs`: the inputs as asked for. Runs at the example sizes and at
// a second size of every dynamic dim. Returns what was measured; a mismatch is a run that did not pass.
// Throws Error V8xx when it cannot be run (ONNX Runtime absent: V802; no kernel and no body: V803).
VerifyReport verify(const ir::Graph& captured, const std::vector<InputSpec>& specs,
                    const std::filesystem::path& onnx, Registry& registry, const VerifyOptions& options);

}  // namespace onnxport
