// Types, tensors and attributes between the IR and ONNX's messages.
#pragma once

#include <optional>

#include "core/ir/graph.h"
#include "core/onnx/proto.h"

namespace onnxport {

// Leaves `out` without a value for a type ONNX has no word for. Anonymous sizes are left out.
void type_to_proto(const ir::Type& type, pb::TypeProto& out);
ir::Type type_from_proto(const pb::TypeProto& type);

// With the bytes, for tensors that are small by nature (attributes, files of one tensor).
void tensor_to_proto(const ir::Tensor& tensor, pb::TensorProto& out);
// Without them: element type and dims.
void tensor_header(const ir::Tensor& tensor, pb::TensorProto& out);
// The tensor, its bytes copied. Throws Error I123 where the message contradicts itself, I125 for strings and
// the element types the IR does not hold; external data is not followed (I124).
ir::Tensor tensor_from_proto(const pb::TensorProto& tensor);

}  // namespace onnxport
