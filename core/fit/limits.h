// What a target takes, looked up by node.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/ir/graph.h"
#include "core/onnx/schemas.h"
#include "onnxport/options.h"

namespace onnxport {

// A set of element types: bit n stands for dtype n.
using TypeSet = uint32_t;
inline constexpr TypeSet kAnyType = ~TypeSet{0};

inline bool has(TypeSet set, ir::DType dtype) { return (set >> static_cast<int>(dtype) & 1u) != 0; }

class Limits {
 public:
  // `limits` outlives it. Throws Error F105 for a text that is no element type.
  Limits(const TargetLimits& limits, int opset);

  bool takes(const ir::Node& node);
  // The types of operand or result `i`, of any value too.
  TypeSet of_operand(const ir::Node& node, size_t i);
  TypeSet of_output(const ir::Node& node, size_t i);
  TypeSet of_any_value() const { return any_value_; }
  // What to compute in instead of `dtype`.
  std::optional<ir::DType> computed_in(ir::DType dtype) const;

 private:
  struct Rule {
    bool taken = true;
    std::map<std::string, TypeSet, std::less<>> types;  // by type variable; "*": each
  };
  const Rule& rule_of(const ir::Node& node);
  TypeSet of_variable(const Rule& rule, std::string_view variable) const;
  const onnx::Signature* signature_of(const ir::Node& node);

  const TargetLimits& limits_;
  const int opset_;
  TypeSet any_value_ = kAnyType;
  std::map<ir::DType, ir::DType> compute_;
  std::unordered_map<std::string_view, Rule> rules_;  // by the operators of the graph, which live longer
  onnx::Signatures signatures_;
};

}  // namespace onnxport
