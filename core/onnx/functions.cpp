#include "core/onnx/functions.h"

#include <algorithm>
#include <string>

#include "core/ir/graph.h"
#include "core/onnx/convert.h"
#include "onnx/checker.h"
#include "onnx/defs/function.h"
#include "onnx/defs/parser.h"
#include "onnxport/errors.h"

namespace onnxport::onnx {

namespace {

pb::NodeProto skeleton(const NodeView& node) {
  pb::NodeProto out;
  out.set_op_type(std::string(node.op_type));
  out.set_domain(std::string(node.domain));
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    out.add_input(node.inputs[i] == nullptr ? "" : "i" + std::to_string(i));
  }
  for (size_t i = 0; i < node.outputs; ++i) out.add_output("o" + std::to_string(i));
  for (const ir::Attribute& attribute : node.attributes) to_proto(attribute, *out.add_attribute());
  return out;
}

std::optional<pb::FunctionProto> build_for_types(const NodeView& node, const pb::OpSchema& schema,
                                                 int opset) {
  std::vector<pb::TypeProto> types(node.inputs.size());
  for (size_t i = 0; i < types.size(); ++i) {
    if (node.inputs[i] != nullptr) to_proto(node.inputs[i]->type(), types[i]);
  }
  const pb::NodeProto proto = skeleton(node);  // the context points into it
  const pb::FunctionBodyBuildContextImpl context(proto, types);
  pb::FunctionProto body;
  try {
    if (!schema.BuildContextDependentFunction(context, body, opset)) return std::nullopt;
  } catch (const std::out_of_range&) {
    return std::nullopt;  // no builder for this opset
  }
  return body;
}

}  // namespace

std::optional<pb::FunctionProto> official_body(const NodeView& node, int opset) {
  const pb::OpSchema* schema = find_schema(node.op_type, node.domain, opset);
  if (schema == nullptr)
    schema = find_schema(node.op_type, node.domain, opset + 1);  // one that opset + 1 introduced
  if (schema == nullptr) return std::nullopt;
  for (const ir::Attribute& attribute : node.attributes) {
    if (std::holds_alternative<ir::Block*>(attribute.value))
      return std::nullopt;  // would need the graph as a message
  }
  // A body may use what its own version has: without validation, what is newer than `opset` is legalized in turn.
  const int version = std::max(opset, schema->since_version());
  if (schema->HasFunction()) {
    if (const pb::FunctionProto* body = schema->GetFunction(version, false)) return *body;
  }
  if (schema->HasContextDependentFunction()) return build_for_types(node, *schema, version);
  return std::nullopt;
}

int graph_depth(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  for (char c : text) {
    depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    deepest = std::max(deepest, depth);
  }
  return deepest;
}

pb::FunctionProto parse_function(std::string_view text) {
  // Those of the function itself are one level more than the deepest block.
  if (graph_depth(text) > static_cast<int>(ir::kDeepestBlock) + 1)
    throw Error("T512", "nests graphs more than " + std::to_string(ir::kDeepestBlock) + " deep", {},
                "take its loops and ifs apart, or write the mapping in C++");
  pb::FunctionProto out;
  try {
    pb::OnnxParser parser(text);
    const auto status = parser.Parse(out);
    if (!status.IsOK()) throw Error("T512", "not a function in ONNX's text syntax: " + status.ErrorMessage());
    if (!parser.EndOfInput()) throw Error("T512", "text goes on after the function '" + out.name() + "'");
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw Error("T512", std::string("not a function in ONNX's text syntax: ") + e.what());
  }
  return out;
}

namespace {

template <typename Model>
void check(const Model& model) {
  try {
    pb::checker::check_model(model, /*full_check=*/true);
  } catch (const std::exception& e) {
    throw Error("S701", std::string("ONNX's checker refuses the model: ") + e.what(), {},
                "this is a defect of onnxport or of a plugin; please report it with the model");
  }
}

}  // namespace

void check_model_bytes(std::string_view bytes) {
  pb::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error("S701", "the bytes are no ONNX model");
  }
  check(model);
}

void check_model_path(const std::string& file) { check(file); }

}  // namespace onnxport::onnx
