// The view of one node that ONNX's inference functions ask for. Messages are made when asked for, and not before.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/onnx/inference.h"
#include "onnx/defs/shape_inference.h"

namespace onnxport::onnx {

class NodeContext final : public pb::InferenceContext {
 public:
  NodeContext(const NodeView& node, const Inference::ShapeDataOf& shape_data);

  const pb::AttributeProto* getAttribute(const std::string& name) const override;
  size_t getNumInputs() const override { return node_.inputs.size(); }
  const pb::TypeProto* getInputType(size_t index) const override;
  bool hasInput(size_t index) const override {
    return index < node_.inputs.size() && node_.inputs[index] != nullptr;
  }
  const pb::TensorProto* getInputData(size_t index) const override;
  size_t getNumOutputs() const override { return outputs_.size(); }
  pb::TypeProto* getOutputType(size_t index) override { return &outputs_.at(index); }
  bool hasOutput(size_t index) override { return index < outputs_.size(); }
  pb::GraphInferencer* getGraphAttributeInferencer(const std::string& name) override;
  const pb::SparseTensorProto* getInputSparseData(size_t) const override { return nullptr; }
  const pb::TensorShapeProto* getSymbolicInput(size_t index) const override;
  std::string getDisplayName() const override { return std::string(node_.op_type); }

  // Dim texts are mapped back to the dims that were handed in.
  ir::Type output(size_t index) const { return restore(outputs_[index]); }

 private:
  class BlockTypes;
  void write_dim(const ir::Dim& dim, pb::TensorShapeProto::Dimension& out) const;
  void write_type(const ir::Type& type, pb::TypeProto& out) const;
  ir::Dim restore(const pb::TensorShapeProto::Dimension& dim) const;
  ir::Type restore(const pb::TypeProto& proto) const;

  const NodeView& node_;
  const Inference::ShapeDataOf& shape_data_;
  std::vector<pb::TypeProto> input_types_;
  std::vector<pb::TypeProto> outputs_;
  mutable std::deque<pb::AttributeProto> attributes_;
  mutable std::vector<std::unique_ptr<pb::TensorProto>> data_;
  mutable std::vector<std::unique_ptr<pb::TensorShapeProto>> symbolic_;
  std::map<std::string, std::unique_ptr<pb::GraphInferencer>> blocks_;
  mutable std::vector<ir::Dim> dims_;  // expressions handed in
};

}  // namespace onnxport::onnx
