// Quantized modules of eager mode: weights packed for a kernel are read as data, and a call of a quantized kernel becomes
// what it stands for: dequantize, compute with floats, quantize.
#include <ATen/core/ivalue_inl.h>
#include <ATen/native/quantized/PackedParams.h>
#include <ATen/native/quantized/cpu/EmbeddingPackedParams.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "core/capture/torchscript/importer.h"
#include "core/libtorch/convert.h"

namespace onnxport {
namespace {

// A kernel: the float operator it stands for, what is applied to its result, and how many of its last arguments are
// the scale and zero point of the result (0: it gives floats).
struct Kernel {
  std::string_view name;
  enum class Kind : uint8_t { linear, conv, binary, unary, cat } kind;
  const char* op;
  const char* overload;
  bool relu = false;
  bool requantizes = true;
};

using Kind = Kernel::Kind;
constexpr Kernel kKernels[] = {
    {"quantized::linear", Kind::linear, "aten::linear", ""},
    {"quantized::linear_relu", Kind::linear, "aten::linear", "", true},
    {"quantized::linear_dynamic", Kind::linear, "aten::linear", "", false, false},
    {"quantized::linear_relu_dynamic", Kind::linear, "aten::linear", "", true, false},
    {"quantized::linear_dynamic_fp16", Kind::linear, "aten::linear", "", false, false},
    {"quantized::linear_relu_dynamic_fp16", Kind::linear, "aten::linear", "", true, false},
    {"quantized::conv1d", Kind::conv, "", ""},
    {"quantized::conv1d_relu", Kind::conv, "", "", true},
    {"quantized::conv2d", Kind::conv, "", ""},
    {"quantized::conv2d_relu", Kind::conv, "", "", true},
    {"quantized::conv3d", Kind::conv, "", ""},
    {"quantized::conv3d_relu", Kind::conv, "", "", true},
    {"quantized::conv_transpose1d", Kind::conv, "", ""},
    {"quantized::conv_transpose2d", Kind::conv, "", ""},
    {"quantized::conv_transpose3d", Kind::conv, "", ""},
    {"quantized::conv1d_dynamic", Kind::conv, "", "", false, false},
    {"quantized::conv2d_dynamic", Kind::conv, "", "", false, false},
    {"quantized::conv3d_dynamic", Kind::conv, "", "", false, false},
    {"quantized::add", Kind::binary, "aten::add", "Tensor"},
    {"quantized::add_relu", Kind::binary, "aten::add", "Tensor", true},
    {"quantized::mul", Kind::binary, "aten::mul", "Tensor"},
    {"quantized::mul_relu", Kind::binary, "aten::mul", "Tensor", true},
    {"quantized::cat", Kind::cat, "aten::cat", ""},
    {"quantized::cat_relu", Kind::cat, "aten::cat", "", true},
    {"quantized::hardswish", Kind::unary, "aten::hardswish", ""},
    {"quantized::sigmoid", Kind::unary, "aten::sigmoid", ""},
};

const Kernel* kernel_of(std::string_view name) {
  const auto found = std::find_if(std::begin(kKernels), std::end(kKernels),
                                  [&](const Kernel& kernel) { return kernel.name == name; });
  return found == std::end(kKernels) ? nullptr : found;
}

// Operators that libtorch computes on the integers and rounds again.
bool rounds_again(std::string_view name) {
  static constexpr std::string_view kNames[] = {"aten::avg_pool2d",
                                                "aten::avg_pool3d",
                                                "aten::adaptive_avg_pool2d",
                                                "aten::adaptive_avg_pool3d",
                                                "aten::mean",
                                                "aten::upsample_bilinear2d",
                                                "aten::leaky_relu",
                                                "aten::upsample_nearest2d"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

using Packed = PackedWeights;

template <int kDims>
Packed unpack_conv(const c10::IValue& object) {
  const auto params = object.toCustomClass<ConvPackedParamsBase<kDims>>();
  Packed out;
  std::tie(out.weight, out.bias) = params->unpack();
  out.stride = params->stride().vec();
  out.padding = params->padding().vec();
  out.output_padding = params->output_padding().vec();
  out.dilation = params->dilation().vec();
  out.groups = params->groups();
  out.transposed = params->transpose();
  return out;
}

// nullopt: an object of another class.
std::optional<Packed> unpack(const c10::IValue& object) {
  if (!object.isObject()) return std::nullopt;
  const std::string name = object.type()->repr_str();
  if (name.find("LinearPackedParamsBase") != std::string::npos) {
    Packed out;
    std::tie(out.weight, out.bias) = object.toCustomClass<LinearPackedParamsBase>()->unpack();
    return out;
  }
  if (name.find("Conv2dPackedParamsBase") != std::string::npos) return unpack_conv<2>(object);
  if (name.find("Conv3dPackedParamsBase") != std::string::npos) return unpack_conv<3>(object);
  return std::nullopt;
}

// "encoder.conv" of "encoder.conv._packed_params".
std::string module_of(std::string path) {
  while (path.ends_with("._packed_params"))
    path.resize(path.size() - std::string_view("._packed_params").size());
  return path == "_packed_params" ? std::string() : path;
}

}  // namespace

// A call of an operator of libtorch.
ir::Value* Importer::call_operator(const char* name, const char* overload,
                                   std::span<ir::Value* const> operands) {
  const auto op = torch::jit::findOperatorFor(c10::OperatorName(name, overload));
  if (op == nullptr) throw Error("T541", std::string("libtorch has no operator ") + name);
  const ir::Schema* schema = graph_.keep(from_torch(op->schema()));
  ir::Node* node = graph_.create(schema->qualified_name(), operands, schema);
  node->add_output(ir::Type::tensor());
  node->set_provenance(provenance_);
  graph_.append(*block_, node);
  return node->output();
}

// A quantized constant: its integers, scales and zero points, and the operator that makes it of them.
ir::Value* Importer::quantized_constant(const at::Tensor& tensor, const std::string& name) {
  kept_.push_back(tensor.int_repr());
  ir::Value* integers = initializer(kept_.back(), name);
  if (tensor.qscheme() == at::kPerTensorAffine || tensor.qscheme() == at::kPerTensorSymmetric) {
    ir::Value* scale = constant(c10::IValue(tensor.q_scale()), "");
    ir::Value* zero = constant(c10::IValue(tensor.q_zero_point()), "");
    return call_operator("aten::_make_per_tensor_quantized_tensor", "", std::array{integers, scale, zero});
  }
  if (tensor.qscheme() != at::kPerChannelAffine && tensor.qscheme() != at::kPerChannelSymmetric)
    throw Error("T540", "the tensor is quantized with " + std::string(c10::toString(tensor.qscheme())), {},
                "quantize per tensor or per channel with integer zero points");
  kept_.push_back(tensor.q_per_channel_scales().to(at::kFloat));
  ir::Value* scales = initializer(kept_.back(), name + "_scale");
  kept_.push_back(tensor.q_per_channel_zero_points().to(at::kLong));
  ir::Value* zeros = initializer(kept_.back(), name + "_zero_point");
  ir::Value* axis = constant(c10::IValue(tensor.q_per_channel_axis()), "");
  return call_operator("aten::_make_per_channel_quantized_tensor", "",
                       std::array{integers, scales, zeros, axis});
}

ir::Value* Importer::dequantized(ir::Value* value) {
  const std::array operands = {value};
  return call_operator("aten::dequantize", "self", operands);
}

// The grid a value is on: of a value that is quantized, wherever it comes from.
void Importer::note_grid(ir::Value* value, ir::Value* scale, ir::Value* zero, ir::Value* dtype) {
  grids_[value] = {scale, zero, dtype};
}

ir::Value* Importer::on_grid(ir::Value* value, const Grid& grid) {
  ir::Value* out =
      call_operator("aten::quantize_per_tensor", "", std::array{value, grid.scale, grid.zero, grid.dtype});
  grids_[out] = grid;
  return out;
}

// quantized::embedding_byte(packed, indices, pruned_weights): rows of the table, which each have a scale of their own.
bool Importer::import_embedding(torch::jit::Node& node) {
  const std::string_view name = node.kind().toQualString();
  if (name != "quantized::embedding_byte" && name != "quantized::embedding_4bit") return false;
  const Binding& object = find(node.input(0));
  if (!object.object.isObject() ||
      object.object.type()->repr_str().find("EmbeddingPackedParamsBase") == std::string::npos)
    return false;
  kept_.push_back(object.object.toCustomClass<EmbeddingPackedParamsBase>()->unpack().dequantize());
  const std::string module = module_of(object.path);
  ir::Value* table =
      constant(c10::IValue(kept_.back()), module.empty() ? std::string("weight") : module + ".weight");
  ir::Value* const no = constant(c10::IValue(false), "");
  bind(node.output(), Binding::of(call_operator("aten::embedding", "",
                                                std::array{table, operand(node, 1),
                                                           constant(c10::IValue(int64_t{-1}), ""), no, no})));
  return true;
}

// quantized::…: true when the node was imported as what it stands for.
bool Importer::import_quantized(torch::jit::Node& node) {
  const std::string name = node.kind().toQualString();
  if (!name.starts_with("quantized::")) return false;
  if (import_embedding(node)) return true;
  const Kernel* kernel = kernel_of(name);
  const auto input = [&](size_t i) { return operand(node, i); };
  const auto floats = [&](ir::Value* v) { return grids_.contains(v) ? dequantized(v) : v; };
  if (kernel == nullptr) return false;
  ir::Value* result = nullptr;
  size_t next = 1;  // of the arguments behind those of the float operator
  Grid grid{nullptr, nullptr, nullptr};
  switch (kernel->kind) {
    case Kind::linear:
    case Kind::conv: {
      const Binding& object = find(node.input(1));
      const auto packed = unpack(object.object);
      if (!packed) return false;
      result = packed_kernel(floats(input(0)), *packed, module_of(object.path), kernel->kind == Kind::linear,
                             name);
      next = 2;
      break;
    }
    case Kind::binary: {
      ir::Value* one = constant(c10::IValue(int64_t{1}), "");
      std::vector<ir::Value*> operands = {floats(input(0)), floats(input(1))};
      if (std::string_view(kernel->op) == "aten::add") operands.push_back(one);
      result = call_operator(kernel->op, kernel->overload, operands);
      grid = grids_.contains(input(0)) ? grids_[input(0)] : grid;
      next = 2;
      break;
    }
    case Kind::unary:
      result = call_operator(kernel->op, kernel->overload, std::array{floats(input(0))});
      grid = grids_.contains(input(0)) ? grids_[input(0)] : grid;
      break;
    case Kind::cat: {
      const ir::Node* list = input(0)->producer();
      if (list == nullptr || list->op() != "prim::ListConstruct") return false;
      std::vector<ir::Value*> items;
      for (size_t i = 0; i < list->operand_count(); ++i) items.push_back(floats(list->operand(i)));
      ir::Value* all = emit("prim::ListConstruct", items, list->output()->type())->output();
      result = call_operator(kernel->op, kernel->overload, std::array{all, input(1)});
      grid = list->operand_count() > 0 && grids_.contains(list->operand(0)) ? grids_[list->operand(0)] : grid;
      next = 2;
      break;
    }
  }
  if (kernel->relu) result = call_operator("aten::relu", "", std::array{result});
  if (kernel->requantizes && node.inputs().size() > next + 1) {
    if (grid.dtype == nullptr) grid.dtype = constant(c10::IValue(static_cast<int64_t>(at::kQUInt8)), "");
    grid.scale = input(next);
    grid.zero = input(next + 1);
    result = on_grid(result, grid);
  }
  if (node.outputs()[0]->hasDebugName()) result->set_name(graph_.intern(node.output()->debugName()));
  bind(node.output(), Binding::of(result));
  return true;
}

ir::Value* Importer::packed_kernel(ir::Value* x, const PackedWeights& packed, const std::string& module,
                                   bool linear, const std::string& name) {
  const auto named = [&](const char* part) {
    return module.empty() ? std::string(part) : module + '.' + part;
  };
  ir::Value* weight = packed.weight.is_quantized()
                          ? dequantized(quantized_constant(packed.weight, named("weight")))
                          : constant(c10::IValue(packed.weight), named("weight"));
  if (packed.bias) kept_.push_back(*packed.bias);
  ir::Value* bias = packed.bias ? constant(c10::IValue(*packed.bias), named("bias")) : constant({}, "");
  if (linear) return call_operator("aten::linear", "", std::array{x, weight, bias});
  // A 1-D convolution is packed as a 2-D one of height 1.
  const bool one_d = name.find("1d") != std::string::npos;
  const size_t skip = one_d ? 1 : 0;
  if (one_d)
    weight = call_operator("aten::squeeze", "dim", std::array{weight, constant(c10::IValue(int64_t{2}), "")});
  const auto ints = [&](const std::vector<int64_t>& all) {
    return constant(
        c10::IValue(std::vector<int64_t>(all.begin() + static_cast<std::ptrdiff_t>(skip), all.end())), "");
  };
  const std::array operands = {
      x,
      weight,
      bias,
      ints(packed.stride),
      ints(packed.padding),
      ints(packed.dilation),
      constant(c10::IValue(packed.transposed), ""),
      ints(packed.output_padding.empty() ? std::vector<int64_t>(packed.stride.size(), 0)
                                         : packed.output_padding),
      constant(c10::IValue(packed.groups), "")};
  return call_operator("aten::convolution", "", operands);
}

// What is computed of a quantized value is quantized too, on the same grid; where the kernel rounds again, so do we.
void Importer::carry_grid(ir::Node& made) {
  const std::string_view op = made.op_text();
  const std::string_view name = op.substr(0, op.find('.'));
  if (made.output_count() == 0 || made.operand_count() == 0) return;
  if (name == "aten::quantize_per_tensor" && made.operand_count() == 4)
    return note_grid(made.output(), made.operand(1), made.operand(2), made.operand(3));
  if (grids_.empty() || name == "aten::dequantize" || name == "aten::int_repr" || !op.starts_with("aten::"))
    return;
  const auto found = grids_.find(made.operand(0));
  if (found == grids_.end() || !made.output()->type().is_tensor()) return;
  grids_[made.output()] = Grid(found->second);
}

// The operator computed on floats and rounded again; null when it is no such operator.
ir::Value* Importer::rounded_again(const ir::Symbol& op, std::span<ir::Value* const> operands,
                                   const ir::Schema* schema) {
  if (grids_.empty() || operands.empty() || schema == nullptr || !rounds_again(schema->name)) return nullptr;
  const auto found = grids_.find(operands[0]);
  if (found == grids_.end()) return nullptr;
  const Grid grid = found->second;
  std::vector<ir::Value*> given(operands.begin(), operands.end());
  given[0] = dequantized(given[0]);
  ir::Node* node = graph_.create(op, given, schema);
  node->add_output(ir::Type::tensor());
  node->set_provenance(provenance_);
  graph_.append(*block_, node);
  return on_grid(node->output(), grid);
}

}  // namespace onnxport
