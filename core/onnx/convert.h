// Our types, tensors and attributes as ONNX's messages, and back: inference, function bodies and files alike.
#pragma once

#include "core/ir/graph.h"
#include "core/onnx/proto.h"

namespace onnxport::onnx {

// What a type is written for. Inference compares the texts of sizes, so that anonymous ones need theirs, and takes an int,
// float or bool as a 0-d tensor. A file gets neither, and no type of which the elements are not known.
enum class For { inference, file };
// A type that ONNX cannot say (unknown, none, a tuple) leaves the message without a value.
void to_proto(const ir::Type& type, pb::TypeProto& out, For purpose = For::inference);
// A number that this version of the format gives to no element type becomes the unknown type.
ir::DType to_dtype(int32_t number);
// Dim texts that are no expression of ours become symbols of that name.
ir::Type to_type(const pb::TypeProto& proto);
ir::Dim to_dim(const pb::TensorShapeProto::Dimension& proto);

// Copies the bytes: for tensors that are small by nature (attributes, files of one tensor).
void to_proto(const ir::Tensor& tensor, pb::TensorProto& out);
// Element type and dims alone.
void to_proto_header(const ir::Tensor& tensor, pb::TensorProto& out);
// Copies the bytes. Throws Error I123 where the message contradicts itself, I124 for external data, which is not followed
// from here, I125 for strings and the element types that the IR does not hold.
ir::Tensor to_tensor(const pb::TensorProto& proto);

// A bool is an int and a dtype its number. Blocks are left out (type GRAPH, no graph): who writes graphs
// fills it in.
void to_proto(const ir::Attribute& attribute, pb::AttributeProto& out);
// Throws Error T512 for kinds the graph does not hold (graphs, lists of tensors, types, sparse tensors).
ir::AttributeValue to_attribute_value(const pb::AttributeProto& proto);

}  // namespace onnxport::onnx
