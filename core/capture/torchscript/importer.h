// From TorchScript's graphs to ours: methods are walked where they are called, with the module objects at
// hand, so that every parameter keeps its state_dict name and every node knows which module it came from.
#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/capture/torchscript/archive.h"
#include "core/capture/torchscript/source_lines.h"
#include "core/capture/torchscript/traced_function.h"
#include "core/ir/graph.h"
#include "onnxport/errors.h"

namespace onnxport {

// What stands for a TorchScript value: a value of the graph, or an object (a module, an instance of a
// scripted class), which exists only while importing.
struct Binding {
  ir::Value* value = nullptr;
  c10::IValue object{};
  std::string path{};  // of a module: "encoder.layers.3"
  torch::jit::Function* function = nullptr;

  static Binding of(ir::Value* value) { return Binding{.value = value}; }
};

// What a quantized module packed for its kernel, however many dimensions that has.
struct PackedWeights {
  at::Tensor weight;
  std::optional<at::Tensor> bias;
  std::vector<int64_t> stride, padding, output_padding, dilation;
  int64_t groups = 1;
  bool transposed = false;
};

class Importer {
 public:
  // `number_states`: numbers and absent tensors that the code of this module sets, in it or below, are tensors that it
  // holds; null: none.
  Importer(ir::Graph& graph, const Archive& archive, SourceLines& lines, bool weights_may_have_changed,
           const torch::jit::Module* number_states)
      : graph_(graph),
        archive_(archive),
        lines_(lines),
        may_have_changed_(weights_may_have_changed),
        block_(&graph.body()) {
    if (number_states != nullptr) note_attributes_set(*number_states);
  }

  // Imports the body of `function` at the end of the graph. Throws Error T54x.
  Binding call(torch::jit::Function& function, std::vector<Binding> arguments, const std::string& path);
  // A value as constant nodes, or as an initializer of that name. Throws Error T540 for what no graph can hold.
  ir::Value* constant(const c10::IValue& value, const std::string& name);
  // The quantized tensor of type `dtype` (quint8, …) that integers stand for: (integers - zero) * scale.
  ir::Value* of_integers(ir::Value* integers, double scale, int64_t zero, at::ScalarType dtype);
  // Where nodes whose graph does not say it come from; must outlive the import.
  void set_modules(const ModulePaths& modules) { modules_ = &modules; }
  // A node at the end of the current block.
  ir::Node* emit(std::string_view op, std::span<ir::Value* const> operands, ir::Type type);

 private:
  struct Frame {
    std::string path;
    std::unordered_map<const torch::jit::Value*, Binding> values;
  };
  struct Operator {
    ir::Symbol name;
    const ir::Schema* schema = nullptr;
    std::vector<bool> dtypes;  // which arguments take a ScalarType
  };

  // "encoder.layers" of "encoder" and "layers".
  static std::string join(const std::string& path, const std::string& name);
  void import_block(torch::jit::Block& block);
  void import_node(torch::jit::Node& node);
  bool import_object_node(torch::jit::Node& node);
  bool import_foldable_node(torch::jit::Node& node);
  void import_operator(torch::jit::Node& node);
  void import_constant(torch::jit::Node& node);
  void import_get_attribute(torch::jit::Node& node);
  void import_set_attribute(torch::jit::Node& node);
  void import_call(torch::jit::Node& node);
  void import_if(torch::jit::Node& node);
  void import_loop(torch::jit::Node& node);
  void import_isinstance(torch::jit::Node& node);
  void import_fork(torch::jit::Node& node);
  // ---- quantized modules (quantized.cpp) ----
  // The scale, zero point and dtype of the integers behind a quantized value.
  struct Grid {
    ir::Value* scale = nullptr;
    ir::Value* zero = nullptr;
    ir::Value* dtype = nullptr;
    bool operator==(const Grid&) const = default;
  };
  bool import_quantized(torch::jit::Node& node);
  bool import_embedding(torch::jit::Node& node);
  bool import_question_of_grid(torch::jit::Node& node);
  ir::Value* embedding_table(torch::jit::Node& node);
  bool import_plain_kernel(torch::jit::Node& node);
  void bind_on_grid(torch::jit::Node& node, ir::Value* result, ir::Value* first, ir::Value* scale,
                    ir::Value* zero);
  ir::Value* call_operator(const char* name, const char* overload, std::span<ir::Value* const> operands);
  ir::Value* quantized_constant(const at::Tensor& tensor, const std::string& name);
  ir::Value* dequantized(ir::Value* value);
  ir::Value* on_grid(ir::Value* value, const Grid& grid);
  ir::Value* on_its_grid(ir::Value* value, ir::Value* reduce_range);
  ir::Value* packed_kernel(ir::Value* x, const PackedWeights& packed, const std::string& module, bool linear,
                           const std::string& name);
  ir::Value* written(ir::Value* target, ir::Value* contents, const Grid& grid);
  // Recurrent layers (quantized_recurrent.cpp).
  bool import_recurrent(torch::jit::Node& node);
  bool import_list_of_cells(torch::jit::Node& node);
  ir::Value* bias_constant(const std::optional<at::Tensor>& bias, const std::string& name);
  std::vector<ir::Value*> cell_parameters(const Binding& cell);
  std::pair<ir::Value*, std::optional<at::Tensor>> packed_matrix(const c10::IValue& object,
                                                                 const std::string& name);
  void note_grid(ir::Value* value, ir::Value* scale, ir::Value* zero, ir::Value* dtype);
  void carry_grid(ir::Node& made);
  void carry_grid_of_branches(const ir::Node& made);
  ir::Value* joined_on_grid(const ir::Symbol& op, std::span<ir::Value* const> operands);
  ir::Value* rounded_again(const ir::Symbol& op, std::span<ir::Value* const> operands,
                           const ir::Schema* schema);

  // ---- attributes that the code sets: of a module or instance, by name ----
  using Attribute = std::pair<const void*, std::string>;
  void note_write(const Attribute& key);
  Binding read_attribute(const Binding& owner, const std::string& name);
  void note_attributes_set(const torch::jit::Module& module);
  // Set by code of the model, so that what it is goes from call to call.
  bool is_kept(const Binding& owner, const std::string& name) const;
  ir::Value* held_container(const c10::IValue& value, const std::string& path);
  bool set_parts(const c10::IValue& first, ir::Value* set, const std::string& path);
  void set_held(ir::Value* set, const std::string& path);
  bool is_absent_tensor(const Binding& owner, const std::string& name) const;
  template <typename Yes, typename No>
  ir::Value* choose(ir::Value* condition, ir::Type type, Yes yes, No no);
  ir::Value* none_or_tensor(ir::Value* tensor);
  ir::Value* tensor_or_empty(ir::Value* value);
  ir::Value* absent_tensor(const std::string& path);
  ir::Value* held(const std::string& path, const at::Tensor& tensor);
  ir::Value* number_state(const c10::IValue& value, const std::string& path);
  ir::Value* as_f32(ir::Value* tensor);
  Binding attribute_now(const Attribute& key, const std::map<Attribute, Binding>& written);
  std::vector<Attribute> changed(const std::map<Attribute, Binding>& before,
                                 const std::map<Attribute, Binding>& after, size_t first) const;
  ir::Type type_of_attribute(const Attribute& key) const;
  void hand_out(ir::Node& made, std::span<const Attribute> keys);
  void drop_detached(ir::Node& made);

  // Imports `source` into a fresh block of `owner`: its parameters, nodes and results. `carried`: the attributes that
  // further parameters stand for.
  void import_region(ir::Node& owner, torch::jit::Block& source, std::span<const Attribute> carried);

  void bind(const torch::jit::Value* value, Binding binding) { frame_->values[value] = std::move(binding); }
  const Binding& find(const torch::jit::Value* value) const;
  ir::Value* operand(torch::jit::Node& node, size_t index);
  // An object of a vendor's class that an operator takes, as a tuple of the parts of its state; null for any other.
  ir::Value* object_operand(const Binding& object);
  Binding bind_attribute(const c10::IValue& value, const std::string& path);
  ir::Value* initializer(const at::Tensor& tensor, const std::string& name);
  ir::Value* as_dtype(ir::Value* value);
  const Operator& operator_of(torch::jit::Node& node);
  const Operator& operator_of(const c10::FunctionSchema& schema);
  // The Scalar overload of `op`, its second operand a number, where libtorch computes with that.
  const Operator* with_number(const Operator& op, std::vector<ir::Value*>& operands);
  ir::Node* finish(ir::Node* made, const torch::jit::Node& from);
  const ir::Provenance* provenance(const torch::jit::Node& node);
  std::string module_path(const torch::jit::Node& node) const;
  Error unsupported(const torch::jit::Node& node, std::string_view code, std::string message,
                    std::string hint);

  ir::Graph& graph_;
  const Archive& archive_;
  SourceLines& lines_;
  std::map<const void*, c10::IValue>
      object_states_;  // by object: its parts, which live as long as the import
  bool may_have_changed_;
  const ModulePaths* modules_ = nullptr;
  ir::Block* block_;
  Frame* frame_ = nullptr;
  const ir::Provenance* provenance_ = nullptr;  // of the node at hand, for the constants it needs
  size_t depth_ = 0;
  size_t region_depth_ = 0;
  size_t constants_ = 0;
  std::unordered_map<const ir::Value*, c10::Scalar>
      numbers_;  // tensors of no dims that the code itself holds
  std::unordered_map<const c10::FunctionSchema*, Operator> operators_;
  std::unordered_map<const ir::Value*, Grid> grids_;  // of quantized values
  std::vector<at::Tensor> kept_;                      // made here: nothing else may lie where they do
  // By what they view, so that tied weights are one.
  std::unordered_map<std::string, ir::Value*> initializers_;
  std::map<Attribute, Binding> written_;                            // attributes set by the code itself
  std::map<Attribute, Binding> attributes_;                         // all that it sets: whose they are
  std::vector<c10::IValue> created_;                                // the objects that the code makes
  std::set<std::pair<const c10::Type*, std::string>> set_by_code_;  // attributes of modules
  std::map<const void*, ir::Value*> containers_;                    // lists and dicts that modules hold
  std::map<std::string, ir::Value*> held_;  // what stands for attributes of no memory of their own
};

}  // namespace onnxport
