// Our types, tensors and attributes as ONNX messages, and back.
#pragma once

#include "core/ir/graph.h"
#include "core/onnx/proto.h"

namespace onnxport::onnx {

// Dims are written as their texts; anonymous ones too, since inference compares texts. A type that ONNX cannot say
// (unknown, none, a tuple) leaves the message without a value; int, float and bool are 0-d tensors.
void to_proto(const ir::Type& type, pb::TypeProto& out);
// Dim texts that are no expression of ours become symbols of that name.
ir::Type to_type(const pb::TypeProto& proto);
ir::Dim to_dim(const pb::TensorShapeProto::Dimension& proto);

// Copies the bytes.
void to_proto(const ir::Tensor& tensor, pb::TensorProto& out);
// Throws Error I120 when the data is external, of an unknown type or not as long as the dims say.
ir::Tensor to_tensor(const pb::TensorProto& proto);

// A bool is an int and a dtype its number. Blocks are left out (type GRAPH, no graph): who writes graphs
// fills it in.
void to_proto(const ir::Attribute& attribute, pb::AttributeProto& out);
// Throws Error T512 for kinds the graph does not hold (graphs, lists of tensors, types, sparse tensors).
ir::AttributeValue to_attribute_value(const pb::AttributeProto& proto);

}  // namespace onnxport::onnx
