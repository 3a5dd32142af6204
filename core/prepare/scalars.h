// Evaluates TorchScript's operators on numbers, strings, lists and dicts that are known while exporting.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/prepare/constant.h"

namespace onnxport {

// The result of `op` ("aten::add.int", "prim::TupleIndex", …), with Python's semantics; an operator with
// several results (divmod) gives a tuple. nullopt when the operator is no scalar operator, when it would
// raise, or when the result has no exact value here (integer overflow): then the operator stays in the graph.
std::optional<Constant> evaluate_scalar(std::string_view op, std::span<const Constant> arguments);

// Structural equality as Python's ==, numbers across kinds included.
bool equal(const Constant& a, const Constant& b);

}  // namespace onnxport
