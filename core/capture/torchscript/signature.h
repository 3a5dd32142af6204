// forward's signature, taken apart: tuples, lists, dicts and optionals become flat inputs and outputs with
// stable names.
#pragma once

#include <ATen/core/function_schema.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/capture/torchscript/importer.h"
#include "core/torch_interface/torch_interface.h"

namespace onnxport {

class InputBinder {
 public:
  // `traced`: example values from the file, used for tensors when no input was asked for.
  InputBinder(ir::Graph& graph, Importer& importer, const c10::FunctionSchema& schema,
              const CaptureOptions& options, const std::vector<c10::IValue>& traced, std::string file,
              const TracedFunction& function);

  // One binding per argument of forward after self; graph inputs are added on the way.
  // Throws Error I105 (missing or too many), I106 (no such name), I107 (another kind of value).
  std::vector<Binding> bind();

 private:
  ir::Value* bind_value(const std::string& name, const c10::Type& type,
                        const std::optional<c10::IValue>& fallback);
  ir::Value* bind_tensor(const std::string& name, const InputSpec& spec);
  ir::Value* bind_scalar(const std::string& name, const c10::Type& type, const InputSpec& spec);
  ir::Value* bind_fixed(const std::string& name, const c10::Type& type, const InputSpec& spec);
  ir::Value* bind_tuple(const std::string& name, const c10::TupleType& type);
  ir::Value* bind_list(const std::string& name, const c10::ListType& type);
  ir::Value* bind_dict(const std::string& name, const c10::DictType& type);
  ir::Value* add_input(const std::string& name, ir::Type type);
  ir::Value* bind_weight(const std::string& name);
  // The spec for a leaf of that name, taken; nullptr when there is none.
  const InputSpec* take(const std::string& name);
  bool has_specs_below(const std::string& name) const;
  bool has_elements(const std::string& name) const;
  void choose_order();
  void specs_from_trace();
  std::string signature() const;
  Error error(std::string_view code, std::string message, std::string hint) const;

  ir::Graph& graph_;
  Importer& importer_;
  const c10::FunctionSchema& schema_;
  std::vector<InputSpec> specs_;
  std::vector<bool> taken_;
  const std::vector<c10::IValue>& traced_;
  std::string file_;
  const TracedFunction& function_;
  std::shared_ptr<const WeightsByName> weights_;
  std::map<std::string, ir::Value*> bound_weights_;  // one of a name
  bool positional_ = false;
  size_t next_ = 0;  // of the positional specs
};

// The results of forward, declared as that type, as flat results of the graph's body, named.
void flatten_outputs(ir::Graph& graph, ir::Value* result, const ir::Type& declared,
                     std::vector<Diagnostic>& notes);

}  // namespace onnxport
