// An interpreter for captured graphs, on libtorch's kernels.
#pragma once

#include <vector>

#include "core/torch_interface/torch_interface.h"

namespace onnxport {

// See TorchInterface::evaluate.
std::vector<Argument> evaluate_graph(const ir::Graph& graph, const std::vector<Argument>& inputs,
                                     const TorchInterface::Observer& observer,
                                     const TorchInterface::Fallback& fallback);

}  // namespace onnxport
