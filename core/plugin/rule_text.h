// The texts of a rule: a pattern and what takes its place, in ONNX's text syntax.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/onnx/proto.h"

namespace onnxport {

// What a pattern or replacement names.
struct RuleNames {
  std::set<std::string, std::less<>> inputs, inner, attributes;
  std::vector<std::string> outputs;

  bool has_value(std::string_view name) const { return inputs.contains(name) || inner.contains(name); }
  std::vector<std::string> values() const {
    std::vector<std::string> out(inputs.begin(), inputs.end());
    out.insert(out.end(), inner.begin(), inner.end());
    return out;
  }
};

// "(x, w) => (y) { y = MatMul(x, w) }" as ONNX's parser reads it. Throws Error M110 whose place is the line and
// column within the text.
pb::FunctionProto parse_rule_text(const std::string& text);
// Throws Error M110 when a value is read before it is defined, or defined twice.
RuleNames names_of(const pb::FunctionProto& text);
// Throws Error M110 unless the pattern is one connected piece of a graph that can be looked for from its last node.
void check_pattern(const pb::FunctionProto& text, const RuleNames& names);
// Whether the operator gives the same whatever the order of its operands.
bool is_commutative(std::string_view domain, std::string_view op_type);

}  // namespace onnxport
