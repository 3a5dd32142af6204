// What an ONNX file says that the graph has no place for: kept beside it, by node, value and block, and written back with
// those that are still there.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/ir/graph.h"
#include "core/onnx/proto.h"

namespace onnxport::onnx {

// A value as the file describes it: written in the same words while its type is the one that was read.
struct DescribedValue {
  pb::ValueInfoProto info;
  ir::Type type;
};

// Contents that no tensor of the graph can hold (strings, sparse ones): one of the two.
struct OpaqueContents {
  std::unique_ptr<pb::TensorProto> tensor;
  std::unique_ptr<pb::SparseTensorProto> sparse;
};

// Of one graph, be it the model's or a function's, with the blocks in it.
struct GraphFacts {
  // Without inputs, outputs and the attributes that the graph holds; attributes of other kinds are in the graph by name, as
  // std::monostate.
  std::unordered_map<const ir::Node*, pb::NodeProto> nodes;
  std::unordered_map<const ir::Block*, pb::GraphProto> blocks;  // without their nodes and values
  std::unordered_map<std::string, DescribedValue> values;  // by name; of equal names in two blocks the first
  // Initializers that are Constant nodes in the file, as those.
  std::unordered_map<const ir::Value*, pb::NodeProto> constants;
  // Parameters of the body that are initializers of the file.
  std::unordered_map<const ir::Value*, OpaqueContents> contents;
  std::vector<std::string> inputs;  // names in the file's order, initializers among them
  std::vector<pb::TensorProto>
      unused_tensors;  // initializers that no node reads and that are inputs or annotated
};

// Whether the initializer is written as the Constant node that it was: small ones of types that every Constant can hold.
bool is_constant_node(const GraphFacts& facts, const ir::Value& value, const ir::Graph& graph);

// A local function: its body is a graph, at the opsets that it imports itself.
struct LocalFunctionForm {
  pb::FunctionProto rest;  // without its nodes
  std::unique_ptr<ir::Graph> graph;
  GraphFacts facts;
};

struct ModelFacts {
  pb::ModelProto rest;  // without graph and functions
  GraphFacts graph;
  std::vector<LocalFunctionForm> functions;
};

}  // namespace onnxport::onnx
