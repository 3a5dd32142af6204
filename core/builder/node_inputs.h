// What is known of the values a node reads, as the rules about sizes ask for it.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "core/ir/attribute_reader.h"
#include "core/ir/dims/comparison.h"
#include "core/onnx/inference.h"

namespace onnxport {

// Shape data is only kept of values this small: shapes and what is computed with them.
inline constexpr size_t kMostShapeData = 64;

class NodeInputs : public ir::AttributeReader {
 public:
  using ShapeDataOf = std::function<const std::vector<ir::Dim>*(const ir::Value*)>;
  NodeInputs(const onnx::NodeView& node, const ShapeDataOf& shape_data, const ir::SymbolTable& symbols,
             int opset)
      : AttributeReader(node.attributes),
        node_(node),
        shape_data_(shape_data),
        order_(symbols),
        opset_(opset) {}

  const onnx::NodeView& node() const { return node_; }
  int opset() const { return opset_; }

  // ---- inputs ----
  const ir::Value* input(size_t i) const { return i < node_.inputs.size() ? node_.inputs[i] : nullptr; }
  // Null when absent or of unknown rank.
  const ir::Shape* shape(size_t i) const;
  const std::vector<ir::Dim>* shape_data(size_t i) const;
  // Shape data that is all numbers.
  std::optional<std::vector<int64_t>> ints(size_t i) const;

  // ---- attributes ----
  // What was an attribute in older opsets and is an input since: whichever is there.
  std::optional<std::vector<int64_t>> ints_of(size_t input_index, std::string_view attribute_name) const;

  // ---- sizes ----
  const ir::DimComparison& order() const { return order_; }
  ir::Bounds bounds(const ir::Dim& dim) const { return order_.bounds(dim); }
  bool at_least(const ir::Dim& dim, int64_t least) const { return order_.at_least(dim, least); }
  ir::Dim smaller(const ir::Dim& a, const ir::Dim& b) const { return order_.smaller(a, b); }
  ir::Dim larger(const ir::Dim& a, const ir::Dim& b) const { return order_.larger(a, b); }

 private:
  const onnx::NodeView& node_;
  const ShapeDataOf& shape_data_;
  ir::DimComparison order_;
  int opset_;
};

// The shape data of each output that follows from that of the inputs; nullopt where nothing does.
// Elements may be unknown, never all of them.
std::vector<std::optional<std::vector<ir::Dim>>> propagate_shape_data(const NodeInputs& known,
                                                                      const std::vector<ir::Type>& outputs);

// Sizes that ONNX's inference leaves open and symbolic arithmetic can state.
void refine_types(const NodeInputs& known, std::vector<ir::Type>& outputs);

}  // namespace onnxport
