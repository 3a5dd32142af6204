// Bodies of functions, emitted in place of a call.
#pragma once

#include <span>
#include <vector>

#include "core/builder/graph_builder.h"
#include "core/onnx/proto.h"

namespace onnxport {

// Emits the body at the builder's opset: inputs (null or missing: omitted), attributes the body refers to,
// one value per output (null where the body leaves it out). Throws Error T512 for a body that is not sound,
// T510 where a node of it does not fit; what was emitted until then is the caller's to roll back.
std::vector<ir::Value*> emit_function(const pb::FunctionProto& function, GraphBuilder& builder,
                                      std::span<ir::Value* const> inputs,
                                      std::span<const ir::Attribute> attributes);

}  // namespace onnxport
