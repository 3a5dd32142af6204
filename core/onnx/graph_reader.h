// Graphs and functions of an ONNX file into the IR.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "core/ir/graph.h"
#include "core/onnx/model_facts.h"
#include "core/onnx/tensor_reader.h"

namespace onnxport::onnx {

// Names to values, inner scopes over outer ones.
class Scope {
 public:
  explicit Scope(const Scope* outer) : outer_(outer) {}
  bool define(const std::string& name, ir::Value* value) { return values_.try_emplace(name, value).second; }
  ir::Value* find(const std::string& name) const {
    const auto it = values_.find(name);
    if (it != values_.end()) return it->second;
    return outer_ == nullptr ? nullptr : outer_->find(name);
  }
  bool defines(const std::string& name) const { return values_.contains(name); }

 private:
  const Scope* outer_;
  std::unordered_map<std::string, ir::Value*> values_;
};

class GraphReader {
 public:
  // `facts` takes what the graph cannot hold, and constants that nodes make become initializers; without it the former are
  // Error I125 and the latter stay nodes.
  GraphReader(TensorReader& tensors, ir::Graph& graph, GraphFacts* facts)
      : tensors_(tensors), graph_(graph), facts_(facts) {}

  // Into the body of the graph, with the names of its inputs and outputs. Throws Error I123, I124, I125.
  void read(const pb::GraphProto& proto);
  // The body of a function. `given`: the attributes of the call that this body is for; those that refer to one that is not
  // given, and has no default, are left out. Without it references stay what they are.
  void read(const pb::FunctionProto& proto, const std::vector<pb::AttributeProto>* given = nullptr);

 private:
  using Types = std::unordered_map<std::string, const pb::TypeProto*>;

  [[noreturn]] void malformed(const std::string& what) const;
  [[noreturn]] void unsupported(const std::string& what) const;
  void define(Scope& scope, const std::string& name, ir::Value* value);
  void describe(const pb::ValueInfoProto& info);
  void read_block(const pb::GraphProto& proto, ir::Block& block, Scope& scope);
  void read_initializers(const pb::GraphProto& proto, Scope& scope);
  void add_contents(const std::string& name, ir::Type type, OpaqueContents contents, Scope& scope);
  void read_node(const pb::NodeProto& proto, ir::Block& block, Scope& scope, const Types& types);
  bool read_constant(const pb::NodeProto& proto, Scope& scope);
  void read_attribute(const pb::AttributeProto& proto, ir::Node& node, const Scope& scope);
  std::optional<pb::AttributeProto> resolved(const pb::AttributeProto& proto) const;
  void keep_rest(const pb::NodeProto& proto, std::vector<pb::AttributeProto> kept, const ir::Node& node);
  const ir::Provenance* provenance(const pb::NodeProto& proto);
  void note_inputs(const pb::GraphProto& proto);

  TensorReader& tensors_;
  ir::Graph& graph_;
  GraphFacts* facts_;
  const pb::FunctionProto* function_ = nullptr;
  const std::vector<pb::AttributeProto>* given_ = nullptr;
  std::unordered_map<std::string, size_t> initializer_names_;
  int depth_ = 0;
};

// "/conv1/relu", or the module path where the metadata of an exporter gives one: of a node's place in errors.
std::string module_path_of(const pb::NodeProto& node);

}  // namespace onnxport::onnx
