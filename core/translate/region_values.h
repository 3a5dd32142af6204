// What goes into and comes out of a region: torch values, taken apart into ONNX values and put together
// again.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/argument/argument.h"
#include "core/builder/graph_builder.h"

namespace onnxport {

// What holds for both: equal dims stay, others are open. nullopt when element types or ranks differ.
std::optional<ir::Type> join(const ir::Type& a, const ir::Type& b, GraphBuilder& builder);

// Appends the values inside, in order; false when something inside has no ONNX form (a string, a dtype) and
// so cannot be carried into or out of a region.
bool flatten(const Argument& bound, GraphBuilder& builder, std::vector<ir::Value*>& out);

// `like` with its values replaced by those from values[next] on; `next` steps over what was used.
Argument rebuild(const Argument& like, std::span<ir::Value* const> values, size_t& next);

// A region hands out what it computed itself: an outer value or a constant gets a node of its own.
void own_results(std::vector<ir::Value*>& results, GraphBuilder& builder);

}  // namespace onnxport
