// What `where` asks of the values and attributes of a match.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/ir/graph.h"
#include "core/plugin/manifest.h"

namespace onnxport {

// Numbers are compared as numbers (1 is 1.0), floats as the file holds them.
bool same_attribute(const ir::AttributeValue& a, const ir::AttributeValue& b);
bool is_one_of(const ir::AttributeValue& value, const std::vector<ManifestAttribute::Literal>& allowed);
// A constant of a pattern against one of the graph: the same dims (one element: as a scalar or alone on one axis)
// and the same numbers, to the precision of the graph's element type.
bool same_contents(const ir::Tensor& wanted, const ir::Tensor& given);
// What can be told of the value alone.
bool holds(const ValueCondition& condition, const ir::Value& value);
// Sizes the condition names agree with those that `sizes` has of that name; new names are added.
bool sizes_agree(const ValueCondition& condition, const ir::Value& value,
                 std::map<std::string, ir::Dim, std::less<>>& sizes);
// Equal for certain, dim by dim.
bool same_shape(const ir::Value& a, const ir::Value& b);

}  // namespace onnxport
