// ONNX's own full check of a model whose weights are not in the message.
#pragma once

#include "core/ir/graph.h"
#include "core/onnx/convert.h"
#include "core/serialize/names.h"

namespace onnxport {

// Checker and strict inference, with large initializers standing as inputs: what they hold matters to
// neither. Throws Error S701. `model` is as before afterwards.
void check_model(pb::ModelProto& model, const ir::Graph& graph, const Names& names,
                 const onnx::GraphFacts* facts = nullptr);

}  // namespace onnxport
