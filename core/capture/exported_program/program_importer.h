// From a program's nodes to ours: operators by schema, arguments by name, sub-graphs as regions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/capture/exported_program/json.h"
#include "core/capture/exported_program/program_dims.h"
#include "core/ir/custom_schemas.h"
#include "core/ir/graph.h"
#include "onnxport/errors.h"

namespace onnxport {

class ProgramImporter {
 public:
  // `custom_schemas`: of operators that are not libtorch's, from manifests.
  ProgramImporter(ir::Graph& graph, const ProgramDims& dims,
                  std::shared_ptr<const ir::CustomSchemas> custom_schemas);

  // Imports a graph at the end of the current block; `inputs` parallel to its inputs (null: none is bound).
  // One value per output; a None is a constant. Throws every unsupported node at once (Error T541), or Error
  // I116.
  std::vector<ir::Value*> import_graph(const Json& graph, const std::vector<ir::Value*>& inputs);
  ir::Value* constant(ir::AttributeValue value, ir::Type type);
  // At the end of the graph, `target` gets the contents of `value`.
  void write(ir::Value* target, ir::Value* value);
  // Throws what import_graph collected.
  void finish();

 private:
  struct Frame {
    std::unordered_map<std::string_view, ir::Value*> values;
    std::unordered_map<std::string_view, simdjson::dom::element> tensor_values;
    std::string path;
  };
  struct Input {
    std::string_view name;
    Json argument;
  };

  // Where the import is; back where it was when the scope ends, by an exception too.
  class Scope {
   public:
    Scope(ProgramImporter& importer, ir::Block* block, Frame* frame)
        : importer_(importer),
          block_(importer.block_),
          frame_(importer.frame_),
          provenance_(importer.provenance_) {
      importer_.block_ = block;
      importer_.frame_ = frame;
      ++importer_.depth_;
    }
    ~Scope() {
      importer_.block_ = block_;
      importer_.frame_ = frame_;
      importer_.provenance_ = provenance_;
      --importer_.depth_;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    ProgramImporter& importer_;
    ir::Block* block_;
    Frame* frame_;
    const ir::Provenance* provenance_;
  };

  // ---- nodes (program_importer.cpp) ----
  // "torch.ops.aten.add.Tensor" -> "aten::add.Tensor"
  static constexpr std::string_view kOperatorPrefix = "torch.ops.";
  static std::string operator_name(std::string_view target);
  static bool is_assertion(std::string_view target);
  void import_node(const Json& node);
  void import_operator(std::string_view target, const std::vector<Input>& inputs, const Json& node);
  const ir::Schema* schema_of(const std::string& name, const std::vector<Input>& inputs);
  const ir::Schema* schema_for_numbers(const ir::Schema* schema, const std::vector<Input>& inputs);
  [[noreturn]] void misfit(const ir::Schema& schema, const Json& node, const std::string& what) const;
  std::vector<ir::Value*> arguments_of(const ir::Schema& schema, const std::vector<Input>& inputs,
                                       const Json& node);
  ir::Value* default_of(const ir::SchemaArgument& argument);
  void bind_outputs(ir::Node* made, const Json& node);
  void bind_output(ir::Node* made, const Json& output);
  ir::Node* emit(std::string_view op, const std::vector<ir::Value*>& operands,
                 const ir::Schema* schema = nullptr);
  const ir::Provenance* provenance_of(const Json& node);
  [[noreturn]] void unsupported(std::string_view op, std::string message, std::string hint) const;

  // ---- Python's own operators on sizes (python_operators.cpp) ----
  bool import_python_operator(std::string_view target, const std::vector<Input>& inputs, const Json& node);

  // ---- arguments (program_arguments.cpp) ----
  ir::Value* argument(const Json& tagged, std::string_view wanted_type);
  ir::Value* list_argument(std::string_view tag, const Json& value);
  ir::Value* symbolic(const Json& value, ir::Type type);
  ir::Value* find(const Json& name) const;
  ir::Value* none() { return constant(std::monostate{}, ir::Type::none()); }
  ir::Value* list(const std::vector<ir::Value*>& items, ir::Type element);

  // ---- higher-order operators (higher_order.cpp) ----
  bool import_higher_order(std::string_view target, const std::vector<Input>& inputs, const Json& node);
  void import_cond(const std::vector<Input>& inputs, const Json& node);
  void import_while(const std::vector<Input>& inputs, const Json& node);
  void import_scan(const std::vector<Input>& inputs, size_t states_at, const Json& node);
  void import_auto_functionalized(const std::vector<Input>& inputs, const Json& node);
  ir::Value* base_view(const std::string& argument, const std::vector<ir::Value*>& bases,
                       const std::vector<Input>& inputs);
  std::vector<ir::Dim> recorded_strides(const Input& bases, size_t at) const;
  ir::Value* block_of(ir::Value* base, const std::vector<ir::Dim>& base_strides, const Json& size,
                      const Json& stride, const Json& offset);
  static const Input* input_named(const std::vector<Input>& inputs, std::string_view name);
  static bool casts(const std::vector<Input>& inputs);
  void import_inlined(const std::vector<Input>& inputs, const Json& node);
  void import_region(ir::Node* owner, const Json& graph, const std::vector<ir::Value*>& inputs,
                     size_t results);
  // A sub-graph with as many results as its user needs. Throws Error I116 otherwise.
  std::vector<ir::Value*> import_results(const Json& graph, const std::vector<ir::Value*>& inputs,
                                         size_t count);
  void add_region_outputs(ir::Node* region, std::span<ir::Value* const> results, const Json& node);
  std::vector<ir::Value*> flat_tensors(const std::vector<Input>& inputs, size_t first);
  ir::Value* as_bool(ir::Value* value);
  void bind_results(const std::vector<ir::Value*>& results, const Json& node);
  // The names a node gives its results, lists flattened; empty where there is none.
  static std::vector<std::string_view> output_names(const Json& node);
  ir::Type recorded_type(std::string_view name) const;

  ir::Graph& graph_;
  const ProgramDims& dims_;
  ir::Block* block_;
  Frame* frame_ = nullptr;
  int depth_ = 0;
  int conditions_ = 0;  // of loops, around what is imported
  const ir::Provenance* provenance_ = nullptr;
  std::shared_ptr<const ir::CustomSchemas> custom_schemas_;  // may be null
  std::unordered_map<std::string, const ir::Schema*> schemas_;
  std::vector<Diagnostic> errors_;
};

}  // namespace onnxport
