// Operators as functions: ONNX's own bodies, and bodies in ONNX's text syntax.
#pragma once

#include <optional>
#include <string_view>

#include "core/onnx/inference.h"
#include "core/onnx/proto.h"

namespace onnxport::onnx {

// The official body of the node's operator in operators of `opset`; nullopt when ONNX gives none (or none for
// these inputs and attributes). Bodies that depend on input types are built for those of the node.
std::optional<pb::FunctionProto> official_body(const NodeView& node, int opset);

// How deep the graphs of a text are nested, its own one included. ONNX's parser recurses once for each.
int graph_depth(std::string_view text);

// `<domain: "x", opset_import: ["": 20]> name (x) => (y) { … }`. Throws Error T512 with line and column; also
// where graphs are nested deeper than a file may have them.
pb::FunctionProto parse_function(std::string_view text);

// ONNX's checker with strict inference on a serialised model. Throws Error S701 with its text.
void check_model_bytes(std::string_view bytes);
// The same for a file, whose external data is looked up beside it.
void check_model_path(const std::string& file);

}  // namespace onnxport::onnx
