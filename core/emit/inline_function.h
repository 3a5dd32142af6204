// Emitting the nodes of an ONNX function in place of a call.
#pragma once

#include <span>
#include <vector>

#include "core/emit/emitter.h"
#include "core/onnx/proto.h"

namespace onnxport {

// Emits the body of `function` with its inputs bound to `inputs` (null: omitted) and its attribute references to
// `attributes` (the function's own defaults where they give none). Returns the function's outputs, null for an unused
// one that the body does not compute. Throws Error T512 for what a body may not hold.
std::vector<ir::Value*> inline_function(const pb::FunctionProto& function, std::span<ir::Value* const> inputs,
                                        std::span<const ir::Attribute> attributes, Emitter& emitter);

}  // namespace onnxport
