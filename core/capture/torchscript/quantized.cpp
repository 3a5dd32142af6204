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
#include <vector>

#include "core/capture/torchscript/importer.h"
#include "core/libtorch/convert.h"

namespace onnxport {
namespace {

// A kernel over packed weights, or over a list: the float operator it stands for, what is applied to its result, and
// whether its last arguments are the scale and zero point of the result (else it gives floats).
struct Kernel {
  std::string_view name;
  enum class Kind : uint8_t { linear, conv, cat } kind;
  bool relu = false;
  bool requantizes = true;
  bool quantizes = false;  // its first argument, floats, on a grid of their own
};

using Kind = Kernel::Kind;
constexpr Kernel kKernels[] = {
    {"quantized::linear", Kind::linear},
    {"quantized::linear_relu", Kind::linear, true},
    {"quantized::linear_dynamic", Kind::linear, false, false, true},
    {"quantized::linear_relu_dynamic", Kind::linear, true, false, true},
    {"quantized::linear_dynamic_fp16", Kind::linear, false, false},
    {"quantized::linear_relu_dynamic_fp16", Kind::linear, true, false},
    {"quantized::conv1d", Kind::conv},
    {"quantized::conv1d_relu", Kind::conv, true},
    {"quantized::conv2d", Kind::conv},
    {"quantized::conv2d_relu", Kind::conv, true},
    {"quantized::conv3d", Kind::conv},
    {"quantized::conv3d_relu", Kind::conv, true},
    {"quantized::conv_transpose1d", Kind::conv},
    {"quantized::conv_transpose2d", Kind::conv},
    {"quantized::conv_transpose3d", Kind::conv},
    {"quantized::conv1d_dynamic", Kind::conv, false, false, true},
    {"quantized::conv2d_dynamic", Kind::conv, false, false, true},
    {"quantized::conv3d_dynamic", Kind::conv, false, false, true},
    {"quantized::cat", Kind::cat},
    {"quantized::cat_relu", Kind::cat, true},
};

// An argument of the float operator: one of the kernel's, by its number, or a constant.
constexpr int8_t kNone = -1, kNo = -2, kYes = -3, kOne = -4, kZero = -5;

// A kernel that takes what its float operator takes; `scale`: the number of the argument that is the scale of the result,
// behind which comes the zero point; 0: it stays on the grid of the first argument.
struct PlainKernel {
  std::string_view name;
  const char* op;
  const char* overload;
  std::vector<int8_t> arguments;
  size_t scale;
  bool relu = false;
};

const std::vector<PlainKernel>& plain_kernels() {
  static const std::vector<int8_t> norm = {0, 1, 2, 3, 4, kNo, kZero, 5, kNo};
  static const std::vector<PlainKernel> kernels = {
      {"quantized::add", "aten::add", "Tensor", {0, 1, kOne}, 2},
      {"quantized::add_relu", "aten::add", "Tensor", {0, 1, kOne}, 2, true},
      {"quantized::mul", "aten::mul", "Tensor", {0, 1}, 2},
      {"quantized::mul_relu", "aten::mul", "Tensor", {0, 1}, 2, true},
      {"quantized::matmul", "aten::matmul", "", {0, 1}, 2},
      {"quantized::hardswish", "aten::hardswish", "", {0}, 1},
      {"quantized::sigmoid", "aten::sigmoid", "", {0}, 1},
      {"quantized::softmax", "aten::softmax", "int", {0, 1, kNone}, 2},
      {"quantized::leaky_relu", "aten::leaky_relu", "", {0, 1}, 3},
      {"quantized::elu", "aten::elu", "", {0, 3, 4, 5}, 1},
      {"quantized::celu", "aten::celu", "", {0, 3}, 1},
      {"quantized::prelu", "aten::prelu", "", {0, 1}, 2},
      {"quantized::dropout", "aten::dropout", "", {0, 3, 4}, 1},
      {"quantized::relu6", "aten::relu6", "", {0}, 0},
      {"quantized::group_norm", "aten::group_norm", "", {0, 1, 2, 3, 4, kNo}, 5},
      {"quantized::instance_norm",
       "aten::instance_norm",
       "",
       {0, 1, 2, kNone, kNone, kYes, kZero, 3, kNo},
       4},
      {"quantized::layer_norm", "aten::layer_norm", "", {0, 1, 2, 3, 4, kNo}, 5},
      {"quantized::batch_norm", "aten::batch_norm", "", norm, 6},
      {"quantized::batch_norm_relu", "aten::batch_norm", "", norm, 6, true},
      {"quantized::batch_norm1d", "aten::batch_norm", "", norm, 6},
      {"quantized::batch_norm1d_relu", "aten::batch_norm", "", norm, 6, true},
      {"quantized::batch_norm2d", "aten::batch_norm", "", norm, 6},
      {"quantized::batch_norm2d_relu", "aten::batch_norm", "", norm, 6, true},
      {"quantized::batch_norm3d", "aten::batch_norm", "", norm, 6},
      {"quantized::batch_norm3d_relu", "aten::batch_norm", "", norm, 6, true},
  };
  return kernels;
}

const Kernel* kernel_of(std::string_view name) {
  const auto found = std::find_if(std::begin(kKernels), std::end(kKernels),
                                  [&](const Kernel& kernel) { return kernel.name == name; });
  return found == std::end(kKernels) ? nullptr : found;
}

// Operators that libtorch computes on the integers and rounds again.
bool rounds_again(std::string_view name) {
  static constexpr std::string_view kNames[] = {"aten::avg_pool1d",
                                                "aten::avg_pool2d",
                                                "aten::avg_pool3d",
                                                "aten::adaptive_avg_pool1d",
                                                "aten::adaptive_avg_pool2d",
                                                "aten::adaptive_avg_pool3d",
                                                "aten::mean",
                                                "aten::upsample_bilinear2d",
                                                "aten::upsample_nearest2d",
                                                "aten::leaky_relu",
                                                "aten::leaky_relu_",
                                                "aten::hardtanh",
                                                "aten::hardtanh_",
                                                "aten::relu6",
                                                "aten::relu6_",
                                                "aten::clamp",
                                                "aten::threshold",
                                                "aten::gelu"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// Functions whose kernels choose the grid of the result: the whole range of the function.
struct OwnGrid {
  std::string_view name;
  double scale;
  int64_t zero;  // of quint8
};
constexpr OwnGrid kOwnGrids[] = {
    {"aten::sigmoid", 1.0 / 256, 0}, {"aten::hardsigmoid", 1.0 / 256, 0}, {"aten::tanh", 2.0 / 256, 128}};

const OwnGrid* own_grid(std::string_view name) {
  const auto found = std::find_if(std::begin(kOwnGrids), std::end(kOwnGrids),
                                  [&](const OwnGrid& grid) { return grid.name == name; });
  return found == std::end(kOwnGrids) ? nullptr : found;
}

bool is_true(const ir::Value* value) {
  const ir::Node* made = value->producer();
  const bool* known = made == nullptr ? nullptr : made->attribute_as<bool>("value");
  return known != nullptr && *known;
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

// The quantized tensor that integers stand for.
ir::Value* Importer::of_integers(ir::Value* integers, double scale, int64_t zero, at::ScalarType dtype) {
  ir::Value* const scale_value = constant(c10::IValue(scale), "");
  ir::Value* const zero_value = constant(c10::IValue(zero), "");
  ir::Value* made = call_operator("aten::_make_per_tensor_quantized_tensor", "",
                                  std::array{integers, scale_value, zero_value});
  note_grid(made, scale_value, zero_value, constant(c10::IValue(static_cast<int64_t>(dtype)), ""));
  return made;
}

// A quantized constant: its integers, scales and zero points, and the operator that makes it of them.
ir::Value* Importer::quantized_constant(const at::Tensor& tensor, const std::string& name) {
  kept_.push_back(tensor.int_repr());
  ir::Value* integers = initializer(kept_.back(), name);
  if (tensor.qscheme() == at::kPerTensorAffine || tensor.qscheme() == at::kPerTensorSymmetric) {
    return of_integers(integers, tensor.q_scale(), tensor.q_zero_point(), tensor.scalar_type());
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

// Floats rounded to the grid that their extremes choose, as kernels do with what they are given.
ir::Value* Importer::on_its_grid(ir::Value* value, ir::Value* reduce_range) {
  ir::Value* scale = call_operator("aten::_choose_qparams_per_tensor", "", std::array{value, reduce_range});
  scale->set_type(ir::Type::real());
  ir::Value* zero = scale->producer()->add_output(ir::Type::integer());
  return on_grid(value, {scale, zero, constant(c10::IValue(static_cast<int64_t>(at::kQUInt8)), "")});
}

// The table of a quantized embedding, whose rows have a scale each, as floats; null: the node's first argument is none.
ir::Value* Importer::embedding_table(torch::jit::Node& node) {
  const Binding& object = find(node.input(0));
  if (!object.object.isObject() ||
      object.object.type()->repr_str().find("EmbeddingPackedParamsBase") == std::string::npos)
    return nullptr;
  kept_.push_back(object.object.toCustomClass<EmbeddingPackedParamsBase>()->unpack().dequantize());
  const std::string module = module_of(object.path);
  return constant(c10::IValue(kept_.back()), module.empty() ? std::string("weight") : module + ".weight");
}

// quantized::embedding_byte(packed, indices, pruned_weights)
// quantized::embedding_bag_byte(packed, indices, offsets, scale_grad_by_freq, mode, pruned_weights, per_sample_weights,
//     compressed_indices_mapping, include_last_offset): sums, whatever `mode` says.
bool Importer::import_embedding(torch::jit::Node& node) {
  const std::string_view name = node.kind().toQualString();
  const bool bag = name == "quantized::embedding_bag_byte" || name == "quantized::embedding_bag_4bit";
  if (!bag && name != "quantized::embedding_byte" && name != "quantized::embedding_4bit") return false;
  if (bag && node.inputs().size() < 9) return false;
  if (bag && operand(node, 7)->type().kind() != ir::Type::Kind::none) return false;  // of a pruned table
  ir::Value* table = embedding_table(node);
  if (table == nullptr) return false;
  ir::Value* const no = constant(c10::IValue(false), "");
  if (!bag) {
    ir::Value* const none = constant(c10::IValue(int64_t{-1}), "");
    bind(node.output(), Binding::of(call_operator("aten::embedding", "",
                                                  std::array{table, operand(node, 1), none, no, no})));
    return true;
  }
  const auto is_none = [](const ir::Value* v) { return v->type().kind() == ir::Type::Kind::none; };
  if (is_none(operand(node, 2))) {  // a row of indices is a bag
    ir::Value* const unused = constant(c10::IValue(int64_t{-1}), "");
    ir::Value* rows =
        call_operator("aten::embedding", "", std::array{table, operand(node, 1), unused, no, no});
    if (!is_none(operand(node, 6))) {
      ir::Value* factors = call_operator("aten::unsqueeze", "",
                                         std::array{operand(node, 6), constant(c10::IValue(int64_t{2}), "")});
      rows = call_operator("aten::mul", "Tensor", std::array{rows, factors});
    }
    ir::Value* const second = constant(c10::IValue(std::vector<int64_t>{1}), "");
    bind(node.output(), Binding::of(call_operator("aten::sum", "dim_IntList",
                                                  std::array{rows, second, no, constant({}, "")})));
    return true;
  }
  ir::Value* const sum = constant(c10::IValue(int64_t{0}), "");
  ir::Value* rows = call_operator(
      "aten::embedding_bag", "",
      std::array{table, operand(node, 1), operand(node, 2), no, sum, no, operand(node, 6), operand(node, 8)});
  for (int i = 0; i < 3; ++i) rows->producer()->add_output(ir::Type::tensor());
  bind(node.output(), Binding::of(rows));
  return true;
}

// `target` after `contents` were written to it.
ir::Value* Importer::written(ir::Value* target, ir::Value* contents, const Grid& grid) {
  ir::Value* out =
      call_operator("aten::copy_", "", std::array{target, contents, constant(c10::IValue(false), "")});
  grids_[out] = grid;
  return out;
}

// The result of a kernel, on the grid that `scale` and `zero` give, or on that of the first argument.
void Importer::bind_on_grid(torch::jit::Node& node, ir::Value* result, ir::Value* first, ir::Value* scale,
                            ir::Value* zero) {
  Grid grid{nullptr, nullptr, nullptr};
  if (const auto known = grids_.find(first); known != grids_.end()) grid = known->second;
  if (grid.dtype == nullptr) grid.dtype = constant(c10::IValue(static_cast<int64_t>(at::kQUInt8)), "");
  if (scale != nullptr) {
    grid.scale = scale;
    grid.zero = zero;
  }
  if (grid.scale != nullptr) result = on_grid(result, grid);
  // quantized::relu6(qx, inplace) is the one kernel that heeds it.
  if (std::string_view(node.kind().toQualString()) == "quantized::relu6" && grid.scale != nullptr &&
      is_true(operand(node, 1))) {
    result = written(first, result, grid);
  }
  if (node.output()->hasDebugName()) result->set_name(graph_.intern(node.output()->debugName()));
  bind(node.output(), Binding::of(result));
}

bool Importer::import_plain_kernel(torch::jit::Node& node) {
  const std::string_view name = node.kind().toQualString();
  const auto& kernels = plain_kernels();
  const auto kernel =
      std::find_if(kernels.begin(), kernels.end(), [&](const PlainKernel& k) { return k.name == name; });
  if (kernel == kernels.end() || node.inputs().size() < kernel->scale + 2) return false;
  ir::Value* const first = operand(node, 0);
  std::vector<ir::Value*> operands;
  for (const int8_t argument : kernel->arguments) {
    switch (argument) {
      case kNone:
        operands.push_back(constant({}, ""));
        break;
      case kNo:
        operands.push_back(constant(c10::IValue(false), ""));
        break;
      case kYes:
        operands.push_back(constant(c10::IValue(true), ""));
        break;
      case kOne:
        operands.push_back(constant(c10::IValue(int64_t{1}), ""));
        break;
      case kZero:
        operands.push_back(constant(c10::IValue(0.0), ""));
        break;
      default: {
        ir::Value* given = operand(node, static_cast<size_t>(argument));
        operands.push_back(grids_.contains(given) ? dequantized(given) : given);
      }
    }
  }
  ir::Value* result = call_operator(kernel->op, kernel->overload, operands);
  if (kernel->relu) result = call_operator("aten::relu", "", std::array{result});
  const bool rounds = kernel->scale > 0;
  bind_on_grid(node, result, first, rounds ? operand(node, kernel->scale) : nullptr,
               rounds ? operand(node, kernel->scale + 1) : nullptr);
  return true;
}

// aten::q_scale, q_zero_point and int_repr of a value whose grid is known.
bool Importer::import_question_of_grid(torch::jit::Node& node) {
  const bool integers = node.kind() == c10::aten::int_repr;
  const std::string_view name = node.kind().toQualString();
  const bool zero = name == "aten::q_zero_point";
  if (!integers && !zero && name != "aten::q_scale") return false;
  ir::Value* const value = operand(node, 0);
  const auto found = grids_.find(value);
  if (found == grids_.end() || found->second.scale == nullptr) return false;
  const Grid grid = found->second;
  if (!integers) {
    bind(node.output(), Binding::of(zero ? grid.zero : grid.scale));
    return true;
  }
  const ir::Node* dtype = grid.dtype->producer();
  const auto* number = dtype == nullptr ? nullptr : dtype->attribute_as<int64_t>("value");
  if (number == nullptr) return false;
  ir::Value* const one = constant(c10::IValue(int64_t{1}), "");
  ir::Value* const no = constant(c10::IValue(false), "");
  ir::Value* out = call_operator("aten::div", "Scalar", std::array{dequantized(value), grid.scale});
  out = call_operator("aten::round", "", std::array{out});
  out = call_operator("aten::add", "Scalar", std::array{out, grid.zero, one});
  const auto underlying = static_cast<int64_t>(c10::toUnderlying(static_cast<at::ScalarType>(*number)));
  out = call_operator("aten::to", "dtype",
                      std::array{out, constant(c10::IValue(underlying), ""), no, no, constant({}, "")});
  bind(node.output(), Binding::of(out));
  return true;
}

// quantized::…: true when the node was imported as what it stands for.
bool Importer::import_quantized(torch::jit::Node& node) {
  const std::string name = node.kind().toQualString();
  if (!name.starts_with("quantized::")) return import_question_of_grid(node);
  if (import_embedding(node) || import_plain_kernel(node)) return true;
  const Kernel* kernel = kernel_of(name);
  if (kernel == nullptr) return false;
  const auto floats = [&](ir::Value* v) { return grids_.contains(v) ? dequantized(v) : v; };
  ir::Value* first = operand(node, 0);
  ir::Value* result = nullptr;
  if (kernel->kind == Kind::cat) {
    const ir::Node* list = first->producer();
    if (list == nullptr || list->op() != "prim::ListConstruct") return false;
    std::vector<ir::Value*> items;
    for (size_t i = 0; i < list->operand_count(); ++i) items.push_back(floats(list->operand(i)));
    ir::Value* all = emit("prim::ListConstruct", items, first->type())->output();
    result = call_operator("aten::cat", "", std::array{all, operand(node, 1)});
    first = list->operand_count() > 0 ? list->operand(0) : first;
  } else {
    const Binding& object = find(node.input(1));
    const auto packed = unpack(object.object);
    if (!packed) return false;
    const bool quantizes = kernel->quantizes && node.inputs().size() > 2;
    if (quantizes) first = on_its_grid(first, operand(node, 2));
    result =
        packed_kernel(floats(first), *packed, module_of(object.path), kernel->kind == Kind::linear, name);
    // libtorch's dynamic convolutions round what they give to the grid of what they were given.
    if (quantizes && kernel->kind == Kind::conv)
      result = dequantized(on_grid(result, Grid(grids_.at(first))));
    first = nullptr;  // these give quint8, whatever comes in
  }
  if (kernel->relu) result = call_operator("aten::relu", "", std::array{result});
  if (kernel->requantizes && node.inputs().size() > 3) {
    bind_on_grid(node, result, first, operand(node, 2), operand(node, 3));
    return true;
  }
  if (node.output()->hasDebugName()) result->set_name(graph_.intern(node.output()->debugName()));
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

// A result of an if is on a grid when it is on the same one in both branches.
void Importer::carry_grid_of_branches(const ir::Node& made) {
  if (grids_.empty()) return;
  for (size_t i = 0; i < made.output_count(); ++i) {
    const auto first = grids_.find(made.blocks()[0]->result(i));
    const auto second = grids_.find(made.blocks()[1]->result(i));
    if (first != grids_.end() && second != grids_.end() && first->second == second->second)
      grids_[made.output(i)] = Grid(first->second);
  }
}

// Joined tensors are on the grid of the first, whatever the others' are; null when they are not quantized.
ir::Value* Importer::joined_on_grid(const ir::Symbol& op, std::span<ir::Value* const> operands) {
  const ir::Node* list = operands[0] == nullptr ? nullptr : operands[0]->producer();
  if (list == nullptr || list->op() != "prim::ListConstruct" || list->operand_count() == 0) return nullptr;
  const auto first = grids_.find(list->operand(0));
  if (first == grids_.end() || first->second.scale == nullptr) return nullptr;
  const Grid grid = first->second;
  std::vector<ir::Value*> items;
  for (size_t i = 0; i < list->operand_count(); ++i) {
    ir::Value* item = list->operand(i);
    items.push_back(grids_.contains(item) ? dequantized(item) : item);
  }
  std::vector<ir::Value*> given(operands.begin(), operands.end());
  given[0] = emit("prim::ListConstruct", items, operands[0]->type())->output();
  return on_grid(call_operator(std::string(op.text()).c_str(), "", given), grid);
}

// The operator computed on floats and rounded again; null when it is no such operator.
ir::Value* Importer::rounded_again(const ir::Symbol& op, std::span<ir::Value* const> operands,
                                   const ir::Schema* schema) {
  if (grids_.empty() || operands.empty() || schema == nullptr) return nullptr;
  static constexpr std::string_view kJoining[] = {"aten::cat",   "aten::concat", "aten::concatenate",
                                                  "aten::stack", "aten::hstack", "aten::vstack",
                                                  "aten::dstack"};
  if (std::find(std::begin(kJoining), std::end(kJoining), op.text()) != std::end(kJoining))
    return joined_on_grid(op, operands);
  const OwnGrid* own = own_grid(schema->name);
  const auto found = grids_.find(operands[0]);
  if (found == grids_.end() || (own == nullptr && !rounds_again(schema->name))) return nullptr;
  Grid grid = found->second;
  if (own != nullptr) {
    const ir::Node* dtype = grid.dtype->producer();
    const auto* number = dtype == nullptr ? nullptr : dtype->attribute_as<int64_t>("value");
    const bool is_signed = number != nullptr && *number == static_cast<int64_t>(at::kQInt8);
    grid.scale = constant(c10::IValue(own->scale), "");
    grid.zero = constant(c10::IValue(own->zero - (is_signed ? 128 : 0)), "");
  }
  std::vector<ir::Value*> given(operands.begin(), operands.end());
  given[0] = dequantized(given[0]);
  // In place: computed beside it, rounded, and then written.
  const std::string_view text = op.text();
  const size_t dot = std::min(text.find('.'), text.size());
  std::string name(text.substr(0, dot));
  const bool in_place = name.back() == '_';
  if (in_place) name.pop_back();
  const std::string overload(text.substr(std::min(dot + 1, text.size())));
  ir::Value* out = on_grid(call_operator(name.c_str(), overload.c_str(), given), grid);
  return in_place ? written(operands[0], out, grid) : out;
}

}  // namespace onnxport
