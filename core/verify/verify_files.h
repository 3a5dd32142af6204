// Two ONNX files of one model, both through ONNX Runtime, compared. No libtorch.
#pragma once

#include <filesystem>
#include <vector>

#include "core/ir/graph.h"
#include "core/verify/verify.h"

namespace onnxport {

// `before` as a graph, `model`, says what its inputs are; `given` (by name, or by position where the names are empty) has
// examples and sizes for them, other inputs are made up. Runs at one size of the dynamic dims, and at a second one where `before`
// runs there. Results are what was measured; a mismatch is a run that did not pass. Throws Error V802, V804, V805.
VerifyReport verify_onnx_files(const ir::Graph& model, const std::vector<InputSpec>& given,
                               const std::filesystem::path& before, const std::filesystem::path& after,
                               const VerifyOptions& options);

}  // namespace onnxport
