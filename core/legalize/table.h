// The legality table of one opset, as its plugin hands it over, by operator name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/ir/graph.h"
#include "core/plugin/library.h"
#include "onnxport/abi.h"

namespace onnxport {

// Why a node is not legal, or cannot be made so.
struct Violation {
  std::string code;  // O601 … O604
  std::string message;
};

class OpsetTable {
 public:
  // `opset` outlives the table: plugins stay loaded.
  explicit OpsetTable(const PluginOpset& opset);

  const std::string& domain() const { return domain_; }  // "" is ai.onnx
  int version() const { return version_; }
  // Whether the node is of an operator of this domain.
  bool covers(const ir::Node& node) const;
  // Null for an operator that does not exist or is deprecated.
  const onnxport_op_def* find(std::string_view op_type) const;
  const std::unordered_map<std::string_view, const onnxport_op_def*>& ops() const { return ops_; }
  // nullopt for a node that is legal as it stands.
  std::optional<Violation> violation_of(const ir::Node& node) const;

 private:
  std::string domain_;
  int version_;
  std::unordered_map<std::string_view, const onnxport_op_def*> ops_;
};

// The formal parameter of operand or output `i`; null beyond the last one.
const onnxport_param* input_param(const onnxport_op_def& op, size_t i);
const onnxport_param* output_param(const onnxport_op_def& op, size_t i);
const onnxport_attr_def* find_attr(const onnxport_op_def& op, std::string_view name);
int find_input(const onnxport_op_def& op, std::string_view name);  // -1: none
bool allows(const onnxport_param& param, const ir::Type& type);
// "f32" of a tensor, else what the value is.
std::string kind_text(const ir::Type& type);
// "Conv" of ai.onnx; false for operators of other domains.
bool is_standard(const ir::Node& node);
// "Conv" of "Conv" and of "com.acme::Conv".
std::string_view op_type_of(const ir::Node& node);

}  // namespace onnxport
