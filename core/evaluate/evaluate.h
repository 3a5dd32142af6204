// Evaluates ONNX operators on constants.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/ir/graph.h"

namespace onnxport {

// The result of one ai.onnx node on constant inputs (null: omitted); nullopt when this evaluator does not know the
// operator or the result would exceed `max_bytes`. Elementwise, movement, Cast, shape arithmetic, small reductions.
std::optional<std::vector<ir::Tensor>> evaluate_constant(std::string_view op_type,
                                                         std::span<const ir::Tensor* const> inputs,
                                                         const std::vector<ir::Attribute>& attributes,
                                                         int opset, size_t outputs, uint64_t max_bytes);

}  // namespace onnxport
