// What every pass needs to know before it replaces a value.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/ir/dims/bounds.h"
#include "core/ir/graph.h"

namespace onnxport {

// Whether `by` may stand wherever `value` does. What a graph or body returns has to be made by a node of its
// own, and once: an input, an outer value or another result cannot take its place.
bool can_replace(const ir::Value* value, const ir::Value* by);
// Replaces the uses if that is allowed; false when not.
bool replace(ir::Value* value, ir::Value* by);

// Tensor types that are equal for certain, dim by dim.
bool same_type(const ir::Type& a, const ir::Type& b);
// Same inputs and attributes give the same result every time. Operators that are not ONNX's own are not known to.
bool is_deterministic(const ir::Node& node);
bool is_op(const ir::Node* node, std::string_view op);
// The node that makes the value, when it is of that operator; else null.
ir::Node* producer_of(const ir::Value* value, std::string_view op);
ir::Value* operand_or_null(const ir::Node& node, size_t i);
// The numbers of a small integer constant; nullopt: it is none, or absent.
std::optional<std::vector<int64_t>> small_constant_ints(const ir::Value* value);
// The axes of an Unsqueeze as places in its result, sorted; nullopt when they are not known.
std::optional<std::vector<int64_t>> unsqueezed_axes(const ir::Node& unsqueeze);
// The target of a Reshape between two types, with 0 where a size is copied and -1 for at most one; nullopt: sizes are
// left that only the graph knows.
std::optional<std::vector<int64_t>> constant_target(const ir::Type& from, const ir::Type& to,
                                                    const ir::SymbolTable& symbols);
int64_t integer_attribute(const ir::Node& node, std::string_view name, int64_t otherwise);

}  // namespace onnxport
