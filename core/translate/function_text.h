// Functions that manifests give as ONNX text: parsed, brought to the pivot, emitted or kept.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/builder/graph_builder.h"
#include "core/plugin/registry.h"

namespace onnxport {

struct FunctionCall {
  std::string domain;  // of the function, if it is kept
  std::string name;
  int opset = 0;         // the text is written in
  int target_opset = 0;  // the export ends at
  bool keep = false;     // as a local function of the model, where that is possible
  std::vector<ir::Value*> inputs;
  std::vector<ir::Attribute> attributes;
};

// The outputs. The text's nodes are read at `call.opset` and reach the builder at its own. Says in `notes`
// why a function that was to be kept is not. Throws Error T512 (text) or what legalize throws.
std::vector<ir::Value*> emit_function(const FunctionCall& call, const std::string& text,
                                      GraphBuilder& builder, Registry& registry,
                                      std::vector<std::string>& notes);

}  // namespace onnxport
