// Recurrent layers and cells of dynamic quantization: as the float operator over the weights that their packed parameters
// stand for.
#include <ATen/core/function.h>
#include <ATen/core/ivalue_inl.h>
#include <ATen/native/quantized/PackedParams.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <array>
#include <optional>

#include "core/capture/torchscript/importer.h"
#include "core/libtorch/convert.h"

namespace onnxport {
namespace {

bool is_list_of_cells(const c10::Type& type) {
  const auto* list = type.castRaw<c10::ListType>();
  return list != nullptr &&
         list->getElementType()->repr_str().find("rnn.CellParamsBase") != std::string::npos;
}

// The parts of a layer's packed parameters as CellParamsBase hands them out: (kind, tensors, doubles, ints, packed matrices).
// nullopt: of another kind than dynamic quantization makes.
struct CellParts {
  c10::IValue input_weight, hidden_weight;
  std::optional<at::Tensor> input_bias, hidden_bias;
};

std::optional<CellParts> parts_of(const c10::IValue& cell) {
  torch::jit::Function* get_state = cell.toObject()->type()->findMethod("__getstate__");
  if (get_state == nullptr) return std::nullopt;
  torch::jit::Stack stack{cell};
  try {
    get_state->run(stack);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  if (!stack.at(0).isTuple()) return std::nullopt;
  const std::vector<c10::IValue> state = stack.at(0).toTupleRef().elements().vec();
  if (state.size() != 5) return std::nullopt;
  if (!state[1].isTensorList() || !state[4].isList() || state[4].toListRef().size() != 2) return std::nullopt;
  const auto biases = state[1].toTensorVector();
  CellParts out{state[4].toListRef()[0], state[4].toListRef()[1], std::nullopt, std::nullopt};
  if (biases.size() == 2) {
    out.input_bias = biases[0];
    out.hidden_bias = biases[1];
  } else if (!biases.empty()) {
    return std::nullopt;
  }
  return out;
}

struct RecurrentKernel {
  std::string_view name;
  const char* op;
};
constexpr RecurrentKernel kCells[] = {{"quantized::quantized_lstm_cell_dynamic", "aten::lstm_cell"},
                                      {"quantized::quantized_gru_cell_dynamic", "aten::gru_cell"},
                                      {"quantized::quantized_rnn_tanh_cell_dynamic", "aten::rnn_tanh_cell"},
                                      {"quantized::quantized_rnn_relu_cell_dynamic", "aten::rnn_relu_cell"}};

}  // namespace

// The matrix that a LinearPackedParamsBase stands for, and its bias where it has one; null: it is none.
std::pair<ir::Value*, std::optional<at::Tensor>> Importer::packed_matrix(const c10::IValue& object,
                                                                         const std::string& name) {
  if (!object.isObject() || object.type()->repr_str().find("LinearPackedParamsBase") == std::string::npos) {
    return {nullptr, std::nullopt};
  }
  const auto [weight, bias] = object.toCustomClass<LinearPackedParamsBase>()->unpack();
  // Floats: ONNX's LSTM takes nothing else, and wants the rows in another order, which would be made at every run.
  kept_.push_back(weight.is_quantized() ? weight.dequantize() : weight);
  return {constant(c10::IValue(kept_.back()), name), bias};
}

ir::Value* Importer::bias_constant(const std::optional<at::Tensor>& bias, const std::string& name) {
  if (!bias) return constant({}, "");
  kept_.push_back(bias->detach());
  return constant(c10::IValue(kept_.back()), name);
}

// The weights and biases of one layer and direction, in the order of aten::lstm's params; empty: they cannot be read.
std::vector<ir::Value*> Importer::cell_parameters(const Binding& cell) {
  if (!cell.object.isObject()) return {};
  auto parts = parts_of(cell.object);
  if (!parts) return {};
  const auto [input, input_bias] = packed_matrix(parts->input_weight, cell.path + ".weight_ih");
  const auto [hidden, hidden_bias] = packed_matrix(parts->hidden_weight, cell.path + ".weight_hh");
  if (input == nullptr || hidden == nullptr) return {};
  if (!parts->input_bias) parts->input_bias = input_bias;
  if (!parts->hidden_bias) parts->hidden_bias = hidden_bias;
  std::vector<ir::Value*> out = {input, hidden};
  if (!parts->input_bias || !parts->hidden_bias) return out;
  out.push_back(bias_constant(parts->input_bias, cell.path + ".bias_ih"));
  out.push_back(bias_constant(parts->hidden_bias, cell.path + ".bias_hh"));
  return out;
}

// A list of packed layers is the list of their weights and biases: made whole, or one after the other.
bool Importer::import_list_of_cells(torch::jit::Node& node) {
  if (node.outputs().size() != 1 || !is_list_of_cells(*node.output()->type())) return false;
  const ir::Type tensors = ir::Type::list(ir::Type::tensor());
  if (node.kind() == c10::prim::ListConstruct) {
    std::vector<ir::Value*> all;
    for (const torch::jit::Value* input : node.inputs()) {
      const std::vector<ir::Value*> one = cell_parameters(find(input));
      if (one.empty()) return false;
      all.insert(all.end(), one.begin(), one.end());
    }
    bind(node.output(), Binding::of(emit("prim::ListConstruct", all, tensors)->output()));
    return true;
  }
  if (node.kind() != c10::aten::append) return false;
  const std::vector<ir::Value*> one = cell_parameters(find(node.input(1)));
  if (one.empty()) return false;
  const Operator& append = operator_of(node);
  ir::Value* list = operand(node, 0);
  ir::Value* last = list;
  for (ir::Value* parameter : one) {
    ir::Node* made = graph_.create(append.name, std::array{list, parameter}, append.schema);
    last = made->add_output(tensors);
    made->set_provenance(provenance_);
    graph_.append(*block_, made);
  }
  bind(node.output(), Binding::of(last));
  return true;
}

// aten::quantized_lstm.input(Tensor input, Tensor[] hx, CellParamsBase[] params, bool has_biases, int num_layers,
//     float dropout, bool train, bool bidirectional, bool batch_first, *, ScalarType? dtype, bool use_dynamic)
// and its like for packed sequences and for GRU; cells: quantized::quantized_lstm_cell_dynamic(Tensor input, Tensor[] hx,
//     LinearPackedParamsBase w_ih, LinearPackedParamsBase w_hh, Tensor bias_ih, Tensor bias_hh)
bool Importer::import_recurrent(torch::jit::Node& node) {
  if (import_list_of_cells(node)) return true;
  const std::string_view name = node.kind().toQualString();
  const auto as = [&](const char* op, const std::string& overload, std::vector<ir::Value*> operands) {
    const auto found = torch::jit::findOperatorFor(c10::OperatorName(op, overload));
    if (found == nullptr) return false;
    const Operator& used = operator_of(found->schema());
    operands.resize(std::min(operands.size(), found->schema().arguments().size()));
    finish(graph_.create(used.name, operands, used.schema), node);
    return true;
  };
  if (name == "aten::quantized_lstm" || name == "aten::quantized_gru") {
    const c10::FunctionSchema* schema = node.maybeSchema();
    if (schema == nullptr || schema->overload_name().ends_with("legacy")) return false;
    std::vector<ir::Value*> operands;
    for (size_t i = 0; i < node.inputs().size(); ++i) operands.push_back(operand(node, i));
    return as(name == "aten::quantized_lstm" ? "aten::lstm" : "aten::gru", schema->overload_name(), operands);
  }
  for (const RecurrentKernel& cell : kCells) {
    if (name != cell.name) continue;
    const std::string module = module_path(node);
    const auto [input, input_bias] = packed_matrix(find(node.input(2)).object, join(module, "weight_ih"));
    const auto [hidden, hidden_bias] = packed_matrix(find(node.input(3)).object, join(module, "weight_hh"));
    if (input == nullptr || hidden == nullptr) return false;
    // The kernels add the biases that are packed, and not those that they are given.
    return as(cell.op, "",
              {operand(node, 0), operand(node, 1), input, hidden,
               bias_constant(input_bias, join(module, "bias_ih")),
               bias_constant(hidden_bias, join(module, "bias_hh"))});
  }
  return false;
}

}  // namespace onnxport
