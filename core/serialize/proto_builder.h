// The graph as ONNX messages, but for its initializers: those are written beside it, see stored_tensors.h.
#pragma once

#include <set>
#include <string>

#include "core/ir/graph.h"
#include "core/onnx/convert.h"
#include "core/onnx/model_facts.h"
#include "core/serialize/names.h"

namespace onnxport {

struct ProtoOptions {
  int ir_version = 0;
  bool strip = false;
  bool initializers_as_inputs = false;
  // Of a graph that was read from a file: what the file says beside it, and whether initializers that it lists among its inputs
  // stay there.
  const onnx::ModelFacts* facts = nullptr;
  bool keep_listed_inputs = false;
};

// Nodes in the order of the graph, types of all values that have one, provenance as metadata unless stripped.
pb::ModelProto build_model(const ir::Graph& graph, Names& names, const ProtoOptions& options);

// The graph as the body of a local function that has no name yet: its initializers are Constant nodes, its values have no
// types, which are those of one call.
pb::FunctionProto build_function(const ir::Graph& body, bool strip);

}  // namespace onnxport
