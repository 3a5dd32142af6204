#include "core/onnx/node_context.h"

#include "core/onnx/convert.h"

namespace onnxport::onnx {

namespace {

// No shape, axis or size input is larger; copying weights into messages would make inference slow for nothing.
constexpr size_t kLargestData = 64u << 10;

}  // namespace

// The body is typed already: what it returns is known.
class NodeContext::BlockTypes final : public pb::GraphInferencer {
 public:
  BlockTypes(const NodeContext& context, const ir::Block& block) : block_(block) {
    results_.resize(block.result_count());
    for (size_t i = 0; i < results_.size(); ++i) context.write_type(block.result(i)->type(), results_[i]);
  }
  std::vector<const pb::TypeProto*> doInferencing(const std::vector<const pb::TypeProto*>& inputs,
                                                  const std::vector<const pb::TensorProto*>&) override {
    if (inputs.size() != block_.parameters().size()) {
      fail_type_inference("the body takes ", block_.parameters().size(), " values but is given ",
                          inputs.size());
    }
    std::vector<const pb::TypeProto*> out;
    for (const pb::TypeProto& type : results_) out.push_back(&type);
    return out;
  }

 private:
  const ir::Block& block_;
  std::vector<pb::TypeProto> results_;
};

NodeContext::NodeContext(const NodeView& node, const Inference::ShapeDataOf& shape_data)
    : node_(node), shape_data_(shape_data), input_types_(node.inputs.size()), outputs_(node.outputs) {
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] != nullptr) write_type(node.inputs[i]->type(), input_types_[i]);
  }
}

void NodeContext::write_dim(const ir::Dim& dim, pb::TensorShapeProto::Dimension& out) const {
  if (dim.is_constant()) {
    out.set_dim_value(dim.value());
  } else if (dim.is_expression()) {
    out.set_dim_param(dim.text());
    dims_.push_back(dim);
  }
}

void NodeContext::write_type(const ir::Type& type, pb::TypeProto& out) const {
  if (!type.is_tensor()) {
    for (const ir::Type& element : type.elements()) {
      if (element.shape()) dims_.insert(dims_.end(), element.shape()->begin(), element.shape()->end());
    }
    to_proto(type, out);
    return;
  }
  auto* tensor = out.mutable_tensor_type();
  tensor->set_elem_type(static_cast<int32_t>(type.dtype()));
  if (!type.shape()) return;
  auto* shape = tensor->mutable_shape();
  for (const ir::Dim& dim : *type.shape()) write_dim(dim, *shape->add_dim());
}

ir::Dim NodeContext::restore(const pb::TensorShapeProto::Dimension& dim) const {
  if (!dim.has_dim_param()) return to_dim(dim);
  for (const ir::Dim& known : dims_) {
    if (known.is_expression() && known.text() == dim.dim_param()) return known;
  }
  return to_dim(dim);
}

ir::Type NodeContext::restore(const pb::TypeProto& proto) const {
  if (proto.value_case() != pb::TypeProto::kTensorType) return to_type(proto);
  const auto& tensor = proto.tensor_type();
  const auto dtype = to_dtype(tensor.elem_type());
  if (!tensor.has_shape()) return ir::Type::tensor(dtype);
  ir::Shape shape;
  shape.reserve(static_cast<size_t>(tensor.shape().dim_size()));
  for (const auto& dim : tensor.shape().dim()) shape.push_back(restore(dim));
  return ir::Type::tensor(dtype, std::move(shape));
}

const pb::AttributeProto* NodeContext::getAttribute(const std::string& name) const {
  for (const pb::AttributeProto& made : attributes_) {
    if (made.name() == name) return &made;
  }
  for (const ir::Attribute& attribute : node_.attributes) {
    if (attribute.name == std::string_view(name)) {
      to_proto(attribute, attributes_.emplace_back());
      return &attributes_.back();
    }
  }
  return nullptr;
}

const pb::TypeProto* NodeContext::getInputType(size_t index) const {
  const pb::TypeProto& type = input_types_.at(index);
  return type.value_case() == pb::TypeProto::VALUE_NOT_SET ? nullptr : &type;
}

const pb::TensorProto* NodeContext::getInputData(size_t index) const {
  const ir::Value* value = node_.inputs[index];
  if (value == nullptr || !value->is_constant() || value->constant()->byte_size() > kLargestData)
    return nullptr;
  if (data_.empty()) data_.resize(node_.inputs.size());
  if (data_[index] == nullptr) {
    data_[index] = std::make_unique<pb::TensorProto>();
    to_proto(*value->constant(), *data_[index]);
  }
  return data_[index].get();
}

const pb::TensorShapeProto* NodeContext::getSymbolicInput(size_t index) const {
  const ir::Value* value = node_.inputs[index];
  if (value == nullptr || value->is_constant()) return nullptr;
  const std::vector<ir::Dim>* shape_data = shape_data_ ? shape_data_(value) : nullptr;
  if (shape_data == nullptr) return nullptr;
  if (symbolic_.empty()) symbolic_.resize(node_.inputs.size());
  if (symbolic_[index] == nullptr) {
    symbolic_[index] = std::make_unique<pb::TensorShapeProto>();
    for (const ir::Dim& dim : *shape_data) write_dim(dim, *symbolic_[index]->add_dim());
  }
  return symbolic_[index].get();
}

pb::GraphInferencer* NodeContext::getGraphAttributeInferencer(const std::string& name) {
  auto& known = blocks_[name];
  if (known != nullptr) return known.get();
  for (const ir::Attribute& attribute : node_.attributes) {
    ir::Block* const* block = std::get_if<ir::Block*>(&attribute.value);
    if (block != nullptr && attribute.name == std::string_view(name)) {
      known = std::make_unique<BlockTypes>(*this, **block);
      return known.get();
    }
  }
  fail_type_inference("attribute '", name, "' holds no graph");
}

}  // namespace onnxport::onnx
