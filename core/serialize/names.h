// Final names: every node and value of a graph gets a readable one, unique in the whole file.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "core/ir/graph.h"
#include "core/onnx/model_facts.h"

namespace onnxport {

class Names {
 public:
  // Names asked for (graph inputs and outputs) are kept exactly, parameters keep theirs; nodes are called
  // after their module path ("/encoder/layers.3/attn/MatMul"), their outputs after them. Throws Error S704
  // when two inputs or outputs were given one name.
  explicit Names(const ir::Graph& graph) : Names(graph, nullptr) {}
  // Of a graph that was read from a file: an output may be an input or an initializer under its own name, and the names of
  // what the graph does not hold are taken. `facts` may be null.
  Names(const ir::Graph& graph, const onnx::GraphFacts* facts);

  const std::string& of(const ir::Value* value) const { return values_.at(value); }
  const std::string& of(const ir::Node* node) const { return nodes_.at(node); }
  // A graph output that needs an Identity to get its name: it is an input, an initializer or has another name already.
  bool is_copied_output(size_t i) const { return copied_outputs_.contains(i); }
  const std::string& output(size_t i) const { return outputs_[i]; }
  // A further name that nothing has.
  std::string fresh(std::string_view wanted);

 private:
  bool is_output_already(const ir::Value& value, const std::string& name) const;
  void name_inputs();
  void name_outputs();
  void name_initializers();
  void name_block(const ir::Block& block);
  void name_node(const ir::Node& node);

  const ir::Graph& graph_;
  const onnx::GraphFacts* facts_;
  std::unordered_map<const ir::Value*, std::string> values_;
  std::unordered_map<const ir::Node*, std::string> nodes_;
  std::vector<std::string> outputs_;
  std::unordered_set<size_t> copied_outputs_;
  std::unordered_set<std::string> taken_;  // by values
  std::unordered_set<std::string> taken_nodes_;
  std::unordered_map<std::string, size_t> next_suffix_;
};

// "encoder.layers.3.attn" -> "/encoder/layers.3/attn/"; the root is "/".
std::string scope_of_module(std::string_view module_path);
// "com.acme::Swish" -> {"com.acme", "Swish"}, "Add" -> {"", "Add"}.
std::pair<std::string_view, std::string_view> split_op(std::string_view op);

}  // namespace onnxport
