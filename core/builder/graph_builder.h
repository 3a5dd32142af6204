// GraphBuilder: adds ONNX nodes whose types are known at once. Used by translate, legalize and the passes alike.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/ir/graph.h"
#include "core/onnx/inference.h"

namespace onnxport {

class GraphBuilder;

// Types of operators that the ONNX library does not know.
class OperatorInference {
 public:
  struct Result {
    std::vector<ir::Type> types;                                // one per output
    std::vector<std::optional<std::vector<ir::Dim>>> elements;  // shape data, where they are known
  };

  virtual ~OperatorInference() = default;
  // nullopt: nobody says. Throws Error T5xx where the node does not fit.
  virtual std::optional<Result> infer(const onnx::NodeView& node, GraphBuilder& builder) const = 0;
};

// Types come from the ONNX schema's own inference at `opset`, given symbolic dims and the shape data
// of shape values; integer arithmetic on shapes folds as it is emitted. Every failure is an Error T5xx (no
// place filled in).
class GraphBuilder {
 public:
  // Nodes go to the end of `block`. The graph must be of the ONNX dialect and outlive the builder.
  GraphBuilder(ir::Graph& graph, int opset);
  ~GraphBuilder();
  GraphBuilder(const GraphBuilder&) = delete;

  ir::Graph& graph() { return graph_; }
  int opset() const { return opset_; }
  void set_opset(int opset) { opset_ = opset; }
  // What is asked about operators that ONNX does not know; outlives the builder. Null: nobody, they are of unknown
  // type.
  void set_operator_inference(const OperatorInference* inference) { operator_inference_ = inference; }

  // ---- where ----
  void insert_at_end(ir::Block& block);
  void insert_before(ir::Node* node);
  ir::Block& block() { return *block_; }
  void set_provenance(const ir::Provenance* p) { provenance_ = p; }
  const ir::Provenance* provenance() const { return provenance_; }

  // ---- nodes ----
  // One node of `domain` ("" is ai.onnx). Null inputs are omitted ones. The results may be constants or
  // existing values where the node folded (Shape of static dims, Cast to the same type is NOT dropped here:
  // that is a pass).
  std::vector<ir::Value*> emit(std::string_view domain, std::string_view op_type,
                               std::span<ir::Value* const> inputs, std::vector<ir::Attribute> attributes,
                               size_t outputs);
  ir::Value* emit1(std::string_view op_type, std::initializer_list<ir::Value*> inputs,
                   std::vector<ir::Attribute> attributes = {});
  ir::Attribute attribute(std::string_view name, ir::AttributeValue value);

  // ---- constants ----
  // Small equal constants are one initializer. The name is made when serialising.
  ir::Value* constant(const ir::Tensor& tensor);
  // One that no other is taken for, whose bytes may still change; under the name of a weight, or none.
  ir::Value* own_constant(std::string_view name, ir::Tensor tensor);
  ir::Value* constant(int64_t number) { return constant(ir::Tensor::scalar(number)); }

  // ---- shapes ----
  // Size of an axis as a 0-d i64: a constant, or arithmetic found in the shape data of an existing
  // value, or Shape + Squeeze. Equal dims asked for twice give one value while it is in scope.
  ir::Value* dim(ir::Value* x, int64_t axis);
  // 0-d and 1-d i64 values joined to one 1-d value.
  ir::Value* shape(std::span<ir::Value* const> parts);

  // ---- blocks ----
  // Nodes go into the new, detached block until end_block. Its owner is set when a node takes it as an
  // attribute.
  ir::Block* begin_block(std::span<const std::pair<std::string, ir::Type>> parameters);
  ir::Block* end_block(std::span<ir::Value* const> results);
  size_t open_blocks() const { return open_.size(); }

  // ---- transactions ----
  // Everything emitted since the mark goes: nodes, blocks, cached dims.
  struct Mark {
    ir::Node* last = nullptr;
    ir::Block* block = nullptr;
    size_t open = 0;
    size_t log = 0;
  };
  Mark mark() const;
  void rollback(const Mark& mark);

  // ---- what is known ----
  // Shape data of a 0-d or 1-d integer value (Shape results, arithmetic on them, constants up to 64
  // elements); nullptr when nothing is known.
  const std::vector<ir::Dim>* shape_data(const ir::Value* value) const;
  void set_shape_data(ir::Value* value, const std::vector<ir::Dim>& shape_data);
  // A fresh anonymous symbol, for a size nothing is known of.
  ir::Dim fresh_dim();

 private:
  struct State;
  static std::vector<const ir::Tensor*> constants_of(std::span<ir::Value* const> values);
  ir::Type name_open_dims(ir::Type type);  // unknown sizes get fresh names
  OperatorInference::Result infer(const onnx::NodeView& view);

  ir::Graph& graph_;
  int opset_;
  ir::Block* block_;
  ir::Node* before_ = nullptr;
  const ir::Provenance* provenance_ = nullptr;
  const OperatorInference* operator_inference_ = nullptr;
  std::vector<std::pair<ir::Block*, ir::Node*>> open_;
  std::unique_ptr<State> state_;
};

}  // namespace onnxport
