// One evaluator of ai.onnx operators, over numbers (constant folding) and over sizes (shape data). Each
// operator has one rule: what moves elements moves both kinds, what computes has a formula for each.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/evaluate/array.h"
#include "core/ir/dims/comparison.h"
#include "core/ir/graph.h"

namespace onnxport {

// The result of one node on constant inputs (null: omitted); nullopt when the operator is not known here, the
// node is malformed or the result would exceed `max_bytes`. Elementwise operators, movement, Cast, shape
// arithmetic, small reductions.
std::optional<std::vector<ir::Tensor>> evaluate_constant(std::string_view op_type,
                                                         std::span<const ir::Tensor* const> inputs,
                                                         const std::vector<ir::Attribute>& attributes,
                                                         int opset, size_t outputs, uint64_t max_bytes);

// What is known of an operand whose elements may be sizes.
struct SizeOperand {
  bool is_given = false;             // not omitted
  std::optional<Array> elements;     // nullopt: not known
  const ir::Shape* shape = nullptr;  // null: not known
};

// The same with operands of which some are sizes, or only have a known shape. `types` are those of the
// outputs as inferred: they say how long a result is where the operands do not. An element whose value does
// not follow is unknown; nullopt when nothing does. No result has more than `most` elements.
std::optional<std::vector<Array>> evaluate_sizes(std::string_view op_type,
                                                 std::span<const SizeOperand> operands,
                                                 std::span<const ir::Attribute> attributes, int opset,
                                                 std::span<const ir::Type> types,
                                                 const ir::DimComparison& order, size_t most);

}  // namespace onnxport
