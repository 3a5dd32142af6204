// Types of one node's outputs, by the ONNX schema's own inference over our graph: no model is built for it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/ir/graph.h"
#include "core/onnx/schemas.h"

namespace onnxport::onnx {

// A node, existing or to be.
struct NodeView {
  std::string_view domain;  // "" is ai.onnx
  std::string_view op_type;
  std::span<ir::Value* const> inputs;  // null: omitted
  std::span<const ir::Attribute> attributes;
  size_t outputs = 1;
};
// "Add" -> {"", "Add"}; "com.acme::Swish" -> {"com.acme", "Swish"}.
std::pair<std::string_view, std::string_view> split_op(std::string_view op);
// "Add(f32[2], i64[])", for messages.
std::string text(const NodeView& node);

class Inference {
 public:
  // Shape data of a value, or null: what shape arithmetic is known to say.
  using ShapeDataOf = std::function<const std::vector<ir::Dim>*(const ir::Value*)>;
  explicit Inference(ShapeDataOf shape_data) : shape_data_(std::move(shape_data)) {}

  // One type per output; dims that ONNX leaves open are unknown. An operator of a domain that ONNX does not
  // define has tensor outputs of which nothing is known. Throws Error T510 (inputs, attributes or shapes that
  // do not fit) and T511 (no such operator at `opset`).
  std::vector<ir::Type> infer(const NodeView& node, int opset);
  // The same, but nullopt for an operator that ONNX does not define.
  std::optional<std::vector<ir::Type>> try_infer(const NodeView& node, int opset);

 private:
  ShapeDataOf shape_data_;
  Signatures signatures_;
};

}  // namespace onnxport::onnx
