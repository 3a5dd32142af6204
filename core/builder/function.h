// Bodies of functions, emitted in place of a call.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/builder/graph_builder.h"
#include "core/onnx/proto.h"

namespace onnxport {

// Emits the body at the builder's opset: inputs (null or missing: omitted), attributes the body refers to, one value
// per output (null where the body leaves it out). Throws Error T512 for a body that is not sound, T510 where a node of
// it does not fit; what was emitted until then is the caller's to roll back. `on_value` is called with each value of
// the body as it is made, by the name the body has for it: to give it a type, where ONNX knows none.
std::vector<ir::Value*> emit_function(
    const pb::FunctionProto& function, GraphBuilder& builder, std::span<ir::Value* const> inputs,
    std::span<const ir::Attribute> attributes,
    const std::function<void(const std::string& name, ir::Value* value)>& on_value = {});

}  // namespace onnxport
