// Computing in a wider element type where an operator does not take the one at hand.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "core/legalize/table.h"

namespace onnxport {

class TypeChange {
 public:
  TypeChange(ir::Node& node, const onnxport_op_def& op, const OpsetTable& target)
      : node_(node), op_(op), target_(target) {}

  // A wider type for every type that `op` refuses; O603 where there is none.
  std::optional<Violation> plan(std::span<ir::Value* const> operands);
  // Casts the operands, computes wide, casts the outputs back.
  void apply();

 private:
  std::optional<Violation> refuse(const ir::Type& type, const onnxport_param& param);
  bool wide_enough(ir::DType narrow, ir::DType wide) const;
  void cast_inputs();
  void cast_outputs();
  void change_attributes();
  ir::Node* cast(ir::Value* from, ir::DType to);

  ir::Node& node_;
  const onnxport_op_def& op_;
  const OpsetTable& target_;
  std::vector<std::pair<ir::DType, const onnxport_param*>> refused_;  // each parameter that refuses its type
  std::map<ir::DType, ir::DType> wider_;
};

}  // namespace onnxport
