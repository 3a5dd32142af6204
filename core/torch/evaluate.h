// An interpreter for captured graphs, on libtorch's kernels.
#pragma once

#include <vector>

#include "core/backend/backend.h"

namespace onnxport {

// See TorchBackend::evaluate.
std::vector<RuntimeValue> evaluate_graph(const ir::Graph& graph, const std::vector<RuntimeValue>& inputs,
                                         const TorchBackend::Observer& observer,
                                         const TorchBackend::Fallback& fallback);

}  // namespace onnxport
